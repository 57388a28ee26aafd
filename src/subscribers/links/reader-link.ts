import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { type Alternative, fromDatabase } from '../../platform/http/problems.ts';
import { maskAddress } from '../../platform/site.ts';
import type { Subscriber } from '../subscriber-store.ts';
import { type Claim, isOfAnotherKey, type Keys, type Scope, verify } from '../tokens.ts';
import { followLink, type LinkTarget, unsubscribeByLink } from './link-store.ts';

/** What a person can request by address when a link of this scope does not work. */
const ALTERNATIVE: Record<Scope, Alternative> = {
  unsubscribe: 'leave',
  preferences: 'preferences',
  vote: 'preferences',
};

/**
 * Reads the token in a link of a mail.
 * @throws AppError `link-foreign` when the token names a key that is not ours, `link-unknown` for every other invalid
 *   token: the error does not say what is wrong with it.
 */
export function readClaim(keys: Keys, scope: Scope, token: string): Claim {
  const claim = verify(keys, scope, token);
  if (claim !== undefined) return claim;
  throw isOfAnotherKey(keys, token) ? linkError('foreign', scope) : linkError('unknown', scope);
}

/** `lost`: its owner cannot be determined. `void`: it opens nothing any more. */
export function linkError(why: 'unknown' | 'foreign' | 'lost' | 'void', scope: Scope): AppError {
  return new AppError(`link-${why}`, `A link of the scope ${scope} does not work.`, {
    context: { otherWay: ALTERNATIVE[scope] },
  });
}

/**
 * Follows a link to a person's own pages: preferences and votes.
 * @returns undefined when the person was erased and did not subscribe again.
 * @throws AppError `link-unknown`, `link-foreign`, `link-lost`, and `link-void` for a link that can only unsubscribe.
 */
export async function followOwnLink(
  db: Connection,
  keys: Keys,
  scope: Scope,
  token: string,
): Promise<{ owner: Subscriber; target: LinkTarget } | undefined> {
  const target = await fromDatabase(followLink(db, readClaim(keys, scope, token)));
  const { owner, list, people } = target;
  if (owner !== undefined) return { owner, target };
  if (list === 'unknown') throw linkError('lost', scope);
  if (people.length > 0) throw linkError('void', scope);
  return undefined;
}

/**
 * Unsubscribes all people whom a link leads to, and returns only when none of them is subscribed.
 * @throws AppError `link-lost`, and `database-unavailable` when one of them confirmed a new subscription meanwhile.
 */
export async function leaveList(
  db: Connection,
  { claim, scope, method }: { claim: Claim; scope: Scope; method: string },
): Promise<LinkTarget> {
  const target = await fromDatabase(unsubscribeByLink(db, claim, method));
  if (target.list === 'unknown') throw linkError('lost', scope);
  if (target.list === 'on') throw new AppError('database-unavailable', 'Somebody came back meanwhile.');
  return target;
}

/** The addresses that a link would unsubscribe, masked so that only their owner recognises them. */
export function addressesOn({ people }: LinkTarget): string[] {
  const on = people.filter(({ status }) => status === 'active' || status === 'pending');
  return [...new Set(on.map(({ email }) => maskAddress(email)))];
}
