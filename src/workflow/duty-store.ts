import { sql } from 'kysely';
import type { Connection } from '../platform/db/database.ts';

/** The failures of duties, of all workers together: one row for each duty whose last run failed. */

/** How many times in a row a duty may fail before people are told. */
export const NOTIFY_AFTER = 3;

/** @returns how many times in a row it has failed now. */
export async function countDutyFailure(db: Connection, duty: string, reason: string): Promise<number> {
  const { rows } = await sql<{ failures: number }>`
    insert into failing_duties (duty, failures, reason, failed_at) values (${duty}, 1, ${reason}, now())
    on conflict (duty) do update set failures = failing_duties.failures + 1, reason = excluded.reason,
      failed_at = excluded.failed_at
    returning failures
  `.execute(db);
  return rows[0]?.failures ?? 1;
}

/** @returns whether it had failed before. */
export async function forgetDutyFailures(db: Connection, duty: string): Promise<boolean> {
  const gone = await db.deleteFrom('failing_duties').where('duty', '=', duty).returning('duty').execute();
  return gone.length > 0;
}

/** Duty → how many times in a row it failed. A duty that works is not in it. */
export async function failingDuties(db: Connection): Promise<Record<string, number>> {
  const rows = await db.selectFrom('failing_duties').select(['duty', 'failures']).execute();
  return Object.fromEntries(rows.map(({ duty, failures }) => [duty, failures]));
}

/** Forgets the failures of duties that this version does not have. */
export async function forgetOldDuties(db: Connection, names: readonly string[]): Promise<void> {
  await db.deleteFrom('failing_duties').where('duty', 'not in', names).execute();
}

/** Records that all recurring duties were tried. */
export async function recordReconcile(db: Connection, at: Date): Promise<void> {
  await sql`
    insert into reconciles (at) values (${at}) on conflict (is_only) do update set at = excluded.at
  `.execute(db);
}

/** When a worker last tried all recurring duties; null: never. */
export async function reconciledAt(db: Connection): Promise<Date | null> {
  const row = await db.selectFrom('reconciles').select('at').executeTakeFirst();
  return row?.at ?? null;
}
