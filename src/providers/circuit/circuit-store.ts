import { sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';

/** After so many requests without an answer in a row, of all workers, the provider is left alone for a while. */
const FAILURES_TO_OPEN = 5;

/** The first pause, doubled each time, and the longest; a quarter more or less, so that installations drift apart. */
const PAUSE_SECONDS = 5;
const LONGEST_PAUSE_SECONDS = 300;

/** How often a worker looks whether the one who tries has an answer. */
export const PROBE_MS = 1_000;

/** While the provider is left alone: whether this worker is the one who tries again. */
export async function mayProbe(tx: Connection, leaseMs: number): Promise<boolean> {
  const { rows } = await sql`
    update circuit set open_until = now() + make_interval(secs => ${leaseMs / 1_000})
    where open_until <= now() returning is_only
  `.execute(tx);
  return rows.length > 0;
}

/**
 * Whether a request may go out now; asked right before it. `probe`: the provider is left alone, and this one
 * tries whether it answers again.
 */
export async function mayAsk(db: Connection, leaseMs: number): Promise<'yes' | 'probe' | 'no'> {
  if ((await openCircuit(db)) === undefined) return 'yes';
  return (await mayProbe(db, leaseMs)) ? 'probe' : 'no';
}

/**
 * A request got no answer. What was under way when the provider began to be left alone counts no more.
 * @returns for how many ms nobody should ask; null: the next one may.
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

/** The provider has answered, whatever it said. */
export async function resetFailures(db: Connection): Promise<void> {
  await db
    .updateTable('circuit')
    .set({ failures: 0, reason: null, since: null, open_until: null })
    .where('failures', '>', 0)
    .execute();
}

/** Since when the provider does not answer, and when it is asked again; undefined while it does. */
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

/** What `/metrics` tells of it. */
export interface CircuitState {
  /** Requests without an answer, in a row. */
  failures: number;
  /** Nobody asks but who tries whether it answers again. */
  isOpen: boolean;
  /** Since the first of them; 0 while the provider answers. */
  silentSeconds: number;
}

export async function circuitState(db: Connection): Promise<CircuitState> {
  const { rows } = await sql<CircuitState>`
    select failures, open_until is not null as "isOpen",
      coalesce(extract(epoch from now() - since), 0)::float8 as "silentSeconds"
    from circuit
  `.execute(db);
  return rows[0] ?? { failures: 0, isOpen: false, silentSeconds: 0 };
}
