import type { Logger } from 'pino';
import { notify, openNotices, resolve } from '../../notices/notice-store.ts';
import type { Connection } from '../../platform/db/database.ts';
import { forgetVoteNetworks, listSetAside } from './vote-store.ts';

/**
 * Notifies editors once about each tool with votes set aside, and resolves the notice when they have decided. Deletes
 * old networks.
 */
export async function watchVotes({
  db,
  clock,
  logger,
}: {
  db: Connection;
  clock(): Date;
  logger: Pick<Logger, 'warn'>;
}): Promise<void> {
  const at = clock();
  const waiting = await listSetAside(db);
  for (const { tool, ship, skip } of waiting) {
    const message = `${ship + skip} votes on ${tool} came from one network within an hour, and are not counted. Look at them under Comparisons.`;
    if (await notify(db, { kind: 'votes-set-aside', subject: tool, message, at }))
      logger.warn({ tool, votes: ship + skip }, 'votes were set aside');
  }
  const open = new Set(waiting.map(({ tool }) => tool));
  for (const { kind, subject } of await openNotices(db)) {
    if (kind === 'votes-set-aside' && !open.has(subject)) await resolve(db, { kind, subject, at });
  }
  await forgetVoteNetworks(db);
}
