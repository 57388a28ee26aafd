import type { Connection } from '../db/index.ts';
import type { AuditEntry } from './deeds.ts';
import { countRefusals, insertAudit, selectAudit } from './store.ts';

/** Writes down what an editor did, in the transaction that does it: neither is there without the other. */
export async function audit(tx: Connection, entry: AuditEntry): Promise<void> {
  await insertAudit(tx, entry);
}

/** Of one kind in an hour. Whoever knocks more often is known by then, and fills no disk. */
const REFUSALS_AN_HOUR = 200;

/** Writes down what was refused, and to whom where that is known. */
export async function auditRefusal(db: Connection, entry: AuditEntry): Promise<void> {
  if ((await countRefusals(db, entry.what)) < REFUSALS_AN_HOUR) await insertAudit(db, entry);
}

/** Newest first, a page at a time: `before` is the id of the last one already shown. */
export async function listAudit(
  db: Connection,
  page: { before?: number | undefined; limit: number },
): Promise<(AuditEntry & { id: number; at: Date })[]> {
  return selectAudit(db, page);
}
