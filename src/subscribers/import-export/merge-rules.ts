import type { SubscriberStatus } from '../../platform/db/schema.ts';
import { type SuppressionCause, suppressionCause } from '../suppression.ts';

/**
 * What an import does with a person, as pure functions. The statement in `addSubscribers` applies the same rules to a
 * thousand people at once. A dry run uses these functions, and a conformance test compares the two.
 */

/**
 * What the database knows of a person whom a list names. `wasAsked`: they have consent events. `erased` and `refused`
 * have no row: these people asked to be forgotten, or never to be mailed.
 */
export type Known =
  | { status: SubscriberStatus; wasAsked: boolean; reason: string | null }
  | 'erased'
  | 'refused';

/** What a list says of a person. */
export interface Listed {
  status: SubscriberStatus;
  confirmedAt: Date | null;
  /** Why they are suppressed, if the list says it. */
  reason?: string | null;
}

export type MergeResult = 'added' | 'activated' | 'left' | 'known' | 'erased';

/**
 * The status of a known person after the import. An unsubscribe always wins (I7). `activated`: an earlier list brought
 * the person without consent, and they were never asked. `known`: unchanged.
 */
export function mergeResult(
  before: Known | undefined,
  { status, reason = null }: Pick<Listed, 'status' | 'reason'>,
): MergeResult {
  if (before === undefined) return 'added';
  if (before === 'erased' || before === 'refused') return 'erased';
  if (status === 'active') return before.status === 'pending' && !before.wasAsked ? 'activated' : 'known';
  const strength = { pending: 0, active: 0, unsubscribed: 1, suppressed: 2 };
  if (strength[status] > strength[before.status]) return 'left';
  const isWorse = status === 'suppressed' && reason !== null && suppressionCause(reason) !== 'bounced';
  return isWorse && causeOf(before) === 'bounced' ? 'left' : 'known';
}

/** Why a person whom a list names is never mailed; null when they may be mailed. */
export function causeOf(known: Known | undefined): SuppressionCause | null {
  if (known === undefined) return null;
  if (typeof known === 'string') return known;
  return known.status === 'suppressed' ? suppressionCause(known.reason) : null;
}

/** What the database knows of a person after they were added. */
export function stateOf({ status, confirmedAt, reason = null }: Listed): Known {
  return { status, wasAsked: status !== 'pending' || confirmedAt !== null, reason };
}

/**
 * Nobody becomes active without consent (I4): a person without their own confirmation time is active when `consent`
 * covers the list, and pending otherwise.
 * @param consent the consent that covers the people of the list, in words.
 */
export function withConsent<Person extends Listed>(
  person: Person,
  consent: string | undefined,
  now: Date,
): Person & { lacksConsent?: true } {
  if (person.status !== 'active' || person.confirmedAt !== null) return person;
  return consent ? { ...person, confirmedAt: now } : { ...person, status: 'pending', lacksConsent: true };
}
