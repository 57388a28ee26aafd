import type { Connection } from '../../platform/db/database.ts';
import { hasRoom, type Share } from './request-policy.ts';
import { answeredFor, countRequests, inboxesOf, lockCounts, refusedAmong } from './request-store.ts';

/** Why an address may not be mailed now. */
export type Refusal = { emailKey: string; why: 'refused' | 'too-many' };

/**
 * Applies the same limits where a signed-in person waits for the result, and may see the reason of a refusal. Either
 * all addresses count against the limits or, when one of them may not be mailed, none does.
 * @param emailKeys each address once.
 * @returns the first address that may not be mailed.
 */
export async function acceptImmediately(
  tx: Connection,
  share: Share,
  emailKeys: readonly string[],
): Promise<Refusal | undefined> {
  await lockCounts(tx);
  const wanted = await inboxesOf(tx, emailKeys);
  const inboxes = wanted.map(({ inbox }) => inbox);
  const refused = await refusedAmong(tx, inboxes);
  const answered = (await answeredFor(tx, inboxes)).filter((each) => each.share === share);
  for (const { emailKey, inbox } of wanted) {
    if (refused.has(inbox)) return { emailKey, why: 'refused' };
    const ages = answered.filter((each) => each.inbox === inbox).map(({ ageSeconds }) => ageSeconds);
    if (!hasRoom(share, ages)) return { emailKey, why: 'too-many' };
  }
  await countRequests(
    tx,
    wanted.map((each) => ({ ...each, share, isSuspicious: false })),
  );
  return undefined;
}
