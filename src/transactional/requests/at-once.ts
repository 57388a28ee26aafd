import type { Connection } from '../../platform/db/database.ts';
import { hasRoom, type Share } from './request-policy.ts';
import { answeredFor, countRequests, inboxesOf, lockCounts, refusedAmong } from './request-store.ts';

/** Why an address is mailed nothing now. */
export type Refusal = { emailKey: string; why: 'refused' | 'too-many' };

/**
 * The same limits where somebody who has signed in waits for the answer, and may be told why there is none. All
 * addresses take their place in the limits, or, when one of them may not be mailed, none does.
 * @param emailKeys nobody twice.
 * @returns the first that may not be mailed.
 */
export async function admitImmediately(
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
