import type { Connection } from '../../platform/db/database.ts';
import { insertAudit, insertRefusal, selectAudit } from '../desk-store.ts';
import type { AuditEntry, ListedAudit } from './audit-actions.ts';

/** Writes down what an editor did, in the transaction that does it: neither is there without the other. */
export async function audit(tx: Connection, entry: AuditEntry): Promise<void> {
  await insertAudit(tx, entry);
}

/**
 * How many refusals of one kind are listed singly in an hour. Strangers share one quota, so that whoever floods the
 * desk fills no disk. What concerns an editor is counted apart, for each editor, so that no stranger can use up the
 * place of the one entry that matters.
 */
export const REFUSALS_AN_HOUR = { strangers: 200, oneEditor: 1_000 } as const;

/**
 * Writes down what was refused, and to whom where that is known. Above the quota of the hour one entry stands for all
 * that follow, with their count, so that nothing is ever refused in silence.
 */
export async function auditRefusal(db: Connection, entry: AuditEntry): Promise<void> {
  const { who, what } = entry;
  const [bucket, quota] =
    who === null
      ? [what, REFUSALS_AN_HOUR.strangers]
      : [`${what} ${who} ${reasonOf(entry)}`, REFUSALS_AN_HOUR.oneEditor];
  await insertRefusal(db, entry, { bucket, quota });
}

/**
 * Links are counted by the reason too: a stranger can ask for too many in the name of an editor, and only a thief brings
 * one to another browser. Other reasons may quote what was sent, so they would make a new count for every request.
 */
function reasonOf({ what, details }: AuditEntry): string {
  return what === 'link_refused' ? String(details?.why) : '';
}

/** Newest first, a page at a time: `before` is the id of the last one already shown. */
export async function listAudit(
  db: Connection,
  page: { before?: number | undefined; limit: number },
): Promise<ListedAudit[]> {
  return selectAudit(db, page);
}
