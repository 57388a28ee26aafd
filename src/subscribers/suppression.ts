/** Why a person is never mailed. It decides whether, and by whom, the suppression can be lifted. */
export type SuppressionCause = 'bounced' | 'complained' | 'refused' | 'erased' | 'other';

/**
 * The words for a bounce in `subscribers.reason`: ours, and those in lists of other services. A stronger reason
 * replaces them, never the other way round (I7).
 */
export const BOUNCE_REASONS: readonly string[] = ['bounced', 'cleaned', 'undeliverable'];

/** The words for a complaint. */
const COMPLAINT_REASONS: readonly string[] = ['complained', 'spam', 'spammy'];

/** The reason after *never mail me again*. */
export const REFUSED_REASON = 'asked never to be mailed';

/** @param reason `subscribers.reason` of a suppressed person. */
export function suppressionCause(reason: string | null): SuppressionCause {
  if (reason !== null && BOUNCE_REASONS.includes(reason)) return 'bounced';
  if (reason !== null && COMPLAINT_REASONS.includes(reason)) return 'complained';
  if (reason === REFUSED_REASON) return 'refused';
  return reason === 'erased' ? 'erased' : 'other';
}

/** Why a person is never mailed, as a clause: "mail to this address bounced". */
export function describeCause(cause: SuppressionCause, reason: string | null = null): string {
  switch (cause) {
    case 'bounced':
      return 'mail to this address bounced';
    case 'complained':
      return 'this person reported our mail as spam';
    case 'refused':
      return 'this person asked never to be mailed';
    case 'erased':
      return 'this person asked to be forgotten';
    case 'other':
      return `this person was taken off the list${reason === null ? '' : ` (${reason})`}`;
  }
}
