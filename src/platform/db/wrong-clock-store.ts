import { sql } from 'kysely';
import type { Connection } from './database.ts';

/** The workers whose clocks are wrong: they take no scheduled work. */

export interface WrongClock {
  /** Host and process id. */
  worker: string;
  /** Negative: behind. */
  aheadMs: number;
  /** By the database's time. */
  measuredAt: Date;
}

/** A worker measures every minute; one that has not for this long is gone. */
const GONE_AFTER_MINUTES = 5;

const isGone = sql<boolean>`(measured_at < clock_timestamp() - make_interval(mins => ${GONE_AFTER_MINUTES}))`;

/** Records the measurement of a worker, and forgets those that are gone. */
export async function recordWrongClock(db: Connection, worker: string, aheadMs: number): Promise<void> {
  await sql`delete from wrong_clocks where ${isGone}`.execute(db);
  await sql`
    insert into wrong_clocks (worker, ahead_ms, measured_at) values (${worker}, ${Math.round(aheadMs)}, clock_timestamp())
    on conflict (worker) do update set ahead_ms = excluded.ahead_ms, measured_at = excluded.measured_at
  `.execute(db);
}

/** The clock of this worker is right again, or it has ended. */
export async function forgetWrongClock(db: Connection, worker: string): Promise<void> {
  await db.deleteFrom('wrong_clocks').where('worker', '=', worker).execute();
}

/** The workers with a wrong clock that still run. */
export async function wrongClocks(db: Connection): Promise<WrongClock[]> {
  const { rows } = await sql<WrongClock>`
    select worker, ahead_ms as "aheadMs", measured_at as "measuredAt" from wrong_clocks
    where not ${isGone} order by worker
  `.execute(db);
  return rows;
}
