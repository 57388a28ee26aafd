import { sql } from 'kysely';
import type { Connection } from './database.ts';

/**
 * The time that decides. It is the database's, because the processes of an installation share that one and no other;
 * or the time that a test or a simulation injects.
 */
export interface DatabaseTime {
  /** The time of the last measurement, and what this machine has counted since. */
  now(): Date;
  /** Asks for the time now. */
  read(): Promise<Date>;
  /** By how many ms this machine's clock is ahead of the database's, at the last measurement; negative: behind. */
  readonly aheadMs: number;
  /** Compares the clocks. @returns {@link aheadMs}. */
  measure(): Promise<number>;
}

/** A clock that differs by less is right: it takes that long to ask, and nothing here is decided to the second. */
const NOTHING_MS = 1_000;

/** A worker whose clock differs by more than this takes no scheduled work. */
export const MAX_CLOCK_DIFFERENCE_MS = 60_000;

/** Whether a clock is right enough for scheduled work. */
export function isClockRight({ aheadMs }: Pick<DatabaseTime, 'aheadMs'>): boolean {
  return Math.abs(aheadMs) <= MAX_CLOCK_DIFFERENCE_MS;
}

/** Measures once. @param machine this machine's clock, in ms. */
export async function openDatabaseTime(
  db: Connection,
  machine: () => number = () => Date.now(),
): Promise<DatabaseTime> {
  let aheadMs = 0;
  const read = async (): Promise<Date> => {
    const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(db);
    return (rows[0] as { now: Date }).now;
  };
  const measure = async (): Promise<number> => {
    const [before, counted] = [machine(), performance.now()];
    const now = (await read()).getTime();
    const after = machine();
    // A clock that was set while the question was on its way says nothing; the next measurement does.
    if (Math.abs(after - before - (performance.now() - counted)) > NOTHING_MS) return aheadMs;
    // The time was read between the two.
    const ahead = now < before ? before - now : now > after ? after - now : 0;
    aheadMs = Math.abs(ahead) < NOTHING_MS ? 0 : ahead;
    return aheadMs;
  };
  await measure();
  return {
    now: () => new Date(machine() - aheadMs),
    read,
    get aheadMs() {
      return aheadMs;
    },
    measure,
  };
}

/** An injected clock is right by definition. */
export function injectedTime(clock: () => Date): DatabaseTime {
  return { now: clock, read: async () => clock(), aheadMs: 0, measure: async () => 0 };
}

/** "5 h 3 min ahead of", for people. */
export function describeClock(aheadMs: number): string {
  const minutes = Math.round(Math.abs(aheadMs) / 60_000);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  const parts = [...(hours > 0 ? [`${hours} h`] : []), ...(rest > 0 || hours === 0 ? [`${rest} min`] : [])];
  return `${parts.join(' ')} ${aheadMs > 0 ? 'ahead of' : 'behind'}`;
}
