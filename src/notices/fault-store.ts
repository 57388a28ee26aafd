import { sql } from 'kysely';
import type { Connection } from '../platform/db/database.ts';

/** What database and queue refuse, and the jobs that fail, of all processes. */
export interface StoredFault {
  kind: string;
  /** '' where there is one of its kind. */
  subject: string;
  reason: string;
  since: Date;
  /** When it was met last. */
  at: Date;
}

/**
 * A fault that was not met for this long is over. Whatever stands still is tried again every minute, and a worker pauses
 * for half a minute after an error.
 */
export const FAULT_OVER_MINUTES = 3;

const isOver = sql<boolean>`(faults.at < now() - make_interval(mins => ${FAULT_OVER_MINUTES}))`;

/** Records that a fault was met. @returns it, with since when it goes on. */
export async function recordFault(
  db: Connection,
  { kind, subject, reason }: Omit<StoredFault, 'since' | 'at'>,
): Promise<StoredFault> {
  const { rows } = await sql<StoredFault>`
    insert into faults (kind, subject, reason, since, at) values (${kind}, ${subject}, ${reason}, now(), now())
    on conflict (kind, subject) do update set reason = excluded.reason, at = excluded.at,
      since = case when ${isOver} then excluded.since else faults.since end
    returning kind, subject, reason, since, at
  `.execute(db);
  return rows[0] as StoredFault;
}

/** The faults of one kind that go on. */
export async function faultsOf(db: Connection, kind: string): Promise<StoredFault[]> {
  const { rows } = await sql<StoredFault>`
    select kind, subject, reason, since, at from faults where kind = ${kind} and not ${isOver} order by since
  `.execute(db);
  return rows;
}

/** A job that failed succeeded. */
export async function forgetFault(db: Connection, kind: string, subject: string): Promise<void> {
  await sql`delete from faults where kind = ${kind} and subject = ${subject}`.execute(db);
}

/**
 * Writes something, and takes it back: what cannot be stored now says so. A page of the table is full after some of these,
 * so that a full disk is noticed too.
 */
export async function tryWriting(db: Connection): Promise<void> {
  const undone = new Error('undone');
  await db
    .transaction()
    .execute(async (tx) => {
      await recordFault(tx, { kind: 'trial', subject: '', reason: 'x'.repeat(1_500) });
      throw undone;
    })
    .catch((error) => {
      if (error !== undone) throw error;
    });
}
