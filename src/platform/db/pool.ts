import pg from 'pg';
import type { EmbeddedPostgres } from './embedded-postgres.ts';
import { NO_TIMEOUTS, type Timeouts } from './timeouts.ts';

export type Pool = pg.Pool;
export type PoolClient = pg.PoolClient;

/** Our tables are in `public`, BullMQ's in `bullmq`; each pool searches its own schema first. */
export type SearchPath = 'public' | 'bullmq, public';

/**
 * int8 as number: counts are far below 2^53, and arithmetic with a string would be a bug. date as a string: a local
 * date is not an instant.
 */
const PARSERS = new Map<number, (value: string) => unknown>([
  [pg.types.builtins.INT8, Number],
  [pg.types.builtins.DATE, String],
]);

/** Parsers for column values, by the oid of the type. */
export const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text' | 'binary') =>
    PARSERS.get(oid) ?? pg.types.getTypeParser(oid, format)) as pg.CustomTypesConfig['getTypeParser'],
};

/**
 * A process that freezes within a transaction keeps its locks. This limit is shorter than a lease, so that another worker
 * can take over, and longer than any pause of ours between two statements.
 */
const IDLE_MS = 20_000;

const limits = ({ lockMs, statementMs }: Omit<Timeouts, 'connectMs'>): [name: string, value: number][] => [
  ['lock_timeout', lockMs],
  ['statement_timeout', statementMs],
  ['idle_in_transaction_session_timeout', IDLE_MS],
];

/** Sets the limits of one transaction, where its session is another client's next. */
export const transactionLimits = (timeouts: Timeouts): string =>
  limits(timeouts)
    .map(([name, value]) => `set local ${name} to ${value}`)
    .join('; ');

/**
 * A pool of connections to a server. A session's settings are set when it is connected, not named in the startup packet,
 * because poolers refuse what they do not know there. Where sessions are shared by transactions, nothing is set.
 */
export function serverPool(
  connectionString: string,
  searchPath: SearchPath,
  {
    max,
    timeouts = NO_TIMEOUTS,
    hasSessions = true,
  }: { max: number; timeouts?: Timeouts; hasSessions?: boolean },
): Pool {
  // Compiling a plan takes a third of a second; none of our statements runs long enough to gain from it.
  const settings = [`set search_path to ${searchPath}`, 'set jit to off'].concat(
    limits(timeouts).map(([name, value]) => `set ${name} to ${value}`),
  );
  const pool = new pg.Pool({
    connectionString,
    max,
    types,
    keepAlive: true,
    connectionTimeoutMillis: timeouts.connectMs,
    ...(hasSessions && { onConnect: (client) => client.query(settings.join('; ')) }),
  });
  return withoutCrash(pool);
}

function withoutCrash(pool: Pool): Pool {
  // The pool replaces an idle connection that the server closes; without a listener its error would end the process.
  pool.on('error', () => {});
  // The same for a connection that breaks between two statements of a transaction: the next statement fails, which is
  // enough.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

export function embeddedPool(embedded: EmbeddedPostgres, searchPath: SearchPath, max: number): Pool {
  const pool = new pg.Pool({
    max,
    types,
    ssl: false,
    user: 'postgres',
    stream: () => embedded.connect(searchPath) as never,
  });
  return withoutCrash(pool);
}
