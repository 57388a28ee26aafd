import type { SubscriberStatus } from '../platform/db/schema.ts';

/**
 * Why a reader of an issue's audience is excluded, as the ledger stores it: their own status, or one of these
 * reasons. SQL statements that exclude write `${'no-content' satisfies ExclusionReason}`, so the compiler finds
 * them all.
 */
export type ExclusionReason =
  | Exclude<SubscriberStatus, 'active'>
  | 'paused'
  | 'no-consent'
  | 'no-content'
  | 'had-all'
  | 'cancelled';

export const EXCLUSION_WORDS: Readonly<Record<ExclusionReason, string>> = {
  'no-content': 'nothing in it is about their topics',
  'had-all': 'they have all of it already, from an issue that was stopped',
  'no-consent': 'no consent is recorded',
  paused: 'they asked for a break',
  unsubscribed: 'they left before it was their turn',
  suppressed: 'they are never to be mailed',
  pending: 'they have not confirmed',
  cancelled: 'the issue was cancelled',
};
