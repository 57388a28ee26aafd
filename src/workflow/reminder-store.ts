import { sql } from 'kysely';
import type { Connection } from '../platform/db/database.ts';

/** @returns whether it is the first of its kind. */
export async function insertReminder(
  tx: Connection,
  issueId: string,
  kind: 'ready' | 'slot_nears',
): Promise<boolean> {
  const { rows } = await sql`
    insert into reminders (issue_id, kind) values (${issueId}, ${kind}) on conflict do nothing returning kind
  `.execute(tx);
  return rows.length > 0;
}

/** The issue has another time: editors are reminded again when it is near. */
export async function forgetUrgentReminder(tx: Connection, issueId: string): Promise<void> {
  await sql`delete from reminders where issue_id = ${issueId} and kind = 'slot_nears'`.execute(tx);
}
