import type { SubscriberStatus } from '../../platform/db/schema.ts';
import { type SuppressionCause, suppressionCause } from '../suppression.ts';

/**
 * What an import makes of somebody, as pure functions. The statement in `addSubscribers` follows the same rules for a
 * thousand people at once; a dry run follows these, and a conformance test compares the two.
 */

/**
 * What the database says of somebody whom a list names. `wasAsked`: they have a history of consent. `erased` and
 * `refused` have no row: they asked to be forgotten, or never to be mailed.
 */
export type Known =
  | { status: SubscriberStatus; wasAsked: boolean; reason: string | null }
  | 'erased'
  | 'refused';

/** What a list says of somebody. */
export interface Listed {
  status: SubscriberStatus;
  confirmedAt: Date | null;
  /** Why they are suppressed, where that is known. */
  reason?: string | null;
}

export type MergeResult = 'added' | 'activated' | 'left' | 'known' | 'erased';

/**
 * What becomes of somebody whom a list names. Leaving wins, and is never taken back (I7); `activated` are those whom an
 * earlier list brought without consent, and whom nobody ever asked; `known` are as before.
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

/** Why somebody whom a list names is never mailed; null for who may be. */
export function causeOf(known: Known | undefined): SuppressionCause | null {
  if (known === undefined) return null;
  if (typeof known === 'string') return known;
  return known.status === 'suppressed' ? suppressionCause(known.reason) : null;
}

/** What the database says afterwards of somebody who was added. */
export function stateOf({ status, confirmedAt, reason = null }: Listed): Known {
  return { status, wasAsked: status !== 'pending' || confirmedAt !== null, reason };
}

/**
 * Nobody is active without consent (I4): without a time of their own, people are active by the consent that covers the
 * list, or pending.
 * @param consent what gives the right to mail the people of the list, in words.
 */
export function withConsent<Person extends Listed>(
  person: Person,
  consent: string | undefined,
  now: Date,
): Person & { lacksConsent?: true } {
  if (person.status !== 'active' || person.confirmedAt !== null) return person;
  return consent ? { ...person, confirmedAt: now } : { ...person, status: 'pending', lacksConsent: true };
}
