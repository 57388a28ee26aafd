/** Why somebody is never mailed. It decides whether, and by whom, that can be lifted. */
export type SuppressionCause = 'bounced' | 'complained' | 'refused' | 'erased' | 'other';

/** The words for a bounce in `subscribers.reason`: ours, and those that lists of other services bring. */
export const BOUNCE_REASONS: readonly string[] = ['bounced', 'cleaned', 'undeliverable'];

/** The reason of somebody who pressed *never mail me again*. */
export const REFUSED_REASON = 'asked never to be mailed';

/** @param reason `subscribers.reason` of somebody who is suppressed. */
export function suppressionCause(reason: string | null): SuppressionCause {
  if (reason !== null && BOUNCE_REASONS.includes(reason)) return 'bounced';
  if (reason === 'complained' || reason === 'spam' || reason === 'spammy') return 'complained';
  if (reason === REFUSED_REASON) return 'refused';
  return reason === 'erased' ? 'erased' : 'other';
}
