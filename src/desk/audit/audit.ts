import type { Connection } from '../../platform/db/database.ts';
import { insertAudit, insertRefusal, selectAudit } from '../desk-store.ts';
import type { AuditEntry, ListedAudit } from './audit-actions.ts';

/** Records an editor's action, in the transaction of the action: neither is stored without the other. */
export async function audit(tx: Connection, entry: AuditEntry): Promise<void> {
  await insertAudit(tx, entry);
}

/**
 * How many refusals of one kind are listed one by one in an hour. Strangers share one quota, so that a flood cannot
 * fill the disk. Refusals of an editor are counted separately for each editor, so that no stranger can use up the
 * quota of an entry that matters.
 */
export const REFUSALS_PER_HOUR = { strangers: 200, oneEditor: 1_000 } as const;

/**
 * Records a refusal, and whose it was if that is known. Above the hourly quota one entry summarizes all further
 * refusals with their count, so that no refusal goes unrecorded.
 */
export async function auditRefusal(db: Connection, entry: AuditEntry): Promise<void> {
  const { who, what } = entry;
  const [bucket, quota] =
    who === null
      ? [what, REFUSALS_PER_HOUR.strangers]
      : [`${what} ${who} ${reasonOf(entry)}`, REFUSALS_PER_HOUR.oneEditor];
  await insertRefusal(db, entry, { bucket, quota });
}

/**
 * Refused links are counted by reason too: a stranger can ask for too many links for an editor's address, but only
 * a thief opens one in another browser. Other reasons may quote the request, and would start a new count each time.
 */
function reasonOf({ what, details }: AuditEntry): string {
  return what === 'link_refused' ? String(details?.why) : '';
}

/** Lists entries, newest first, one page at a time: `before` is the id of the last entry on the previous page. */
export async function listAudit(
  db: Connection,
  page: { before?: number | undefined; limit: number },
): Promise<ListedAudit[]> {
  return selectAudit(db, page);
}
