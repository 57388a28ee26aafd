import { sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';

/**
 * After this many requests in a row without a response, counted over all workers, requests to the provider stop for a
 * while.
 */
export const FAILURES_TO_OPEN = 5;

/**
 * The first pause and the longest; each pause is twice the one before. A random quarter more or less keeps
 * installations from retrying at the same time.
 */
export const PAUSE_SECONDS = 5;
export const LONGEST_PAUSE_SECONDS = 300;

/** How often a worker checks whether the probing worker got a response. */
export const PROBE_MS = 1_000;

/** While the circuit is open: whether this worker may send the probe. */
export async function canProbe(tx: Connection, leaseMs: number): Promise<boolean> {
  const { rows } = await sql`
    update circuit set open_until = now() + make_interval(secs => ${leaseMs / 1_000})
    where open_until <= now() returning is_only
  `.execute(tx);
  return rows.length > 0;
}

/**
 * Whether a request may go out now; call it right before the request. `probe`: the circuit is open, and this worker
 * tries whether the provider responds again.
 */
export async function checkCircuit(db: Connection, leaseMs: number): Promise<'yes' | 'probe' | 'no'> {
  if ((await openCircuit(db)) === undefined) return 'yes';
  return (await canProbe(db, leaseMs)) ? 'probe' : 'no';
}

/**
 * Counts a request without a response. Requests that were in flight when the circuit opened do not count.
 * @returns for how many ms nobody should send a request; null: the next request may go out.
 */
export async function countFailure(db: Connection, reason: string, isProbe: boolean): Promise<number | null> {
  const { rows } = await sql<{ ms: number | null }>`
    update circuit set failures = failures + 1, reason = ${reason}, since = coalesce(since, now()),
      open_until = case when failures + 1 >= ${FAILURES_TO_OPEN}::int then now() + make_interval(secs =>
        least(${PAUSE_SECONDS} * power(2, least(failures + 1 - ${FAILURES_TO_OPEN}::int, 20)), ${LONGEST_PAUSE_SECONDS})
        * (0.75 + random() / 2)) end
    where open_until is null or ${isProbe}
    returning ceil(extract(epoch from open_until - now()) * 1000)::int as ms
  `.execute(db);
  const [counted] = rows;
  return counted === undefined ? PROBE_MS : counted.ms;
}

/** The provider responded, with any answer. */
export async function resetFailures(db: Connection): Promise<void> {
  await db
    .updateTable('circuit')
    .set({ failures: 0, reason: null, since: null, open_until: null })
    .where('failures', '>', 0)
    .execute();
}

/** Since when the provider is unresponsive, and when the next probe is due; undefined while the circuit is closed. */
export async function openCircuit(
  db: Connection,
): Promise<{ reason: string | null; since: Date | null; until: Date } | undefined> {
  const row = await db
    .selectFrom('circuit')
    .select(['reason', 'since', 'open_until'])
    .where('open_until', 'is not', null)
    .executeTakeFirst();
  return row?.open_until ? { reason: row.reason, since: row.since, until: row.open_until } : undefined;
}

/** The circuit's part of `/metrics`. */
export interface CircuitState {
  /** Requests in a row without a response. */
  failures: number;
  /** Only the probing worker sends requests. */
  isOpen: boolean;
  /** Seconds since the first of them; 0 while the provider responds. */
  unresponsiveSeconds: number;
}

export async function circuitState(db: Connection): Promise<CircuitState> {
  const { rows } = await sql<CircuitState>`
    select failures, open_until is not null as "isOpen",
      coalesce(extract(epoch from now() - since), 0)::float8 as "unresponsiveSeconds"
    from circuit
  `.execute(db);
  return rows[0] ?? { failures: 0, isOpen: false, unresponsiveSeconds: 0 };
}
