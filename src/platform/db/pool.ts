import pg from 'pg';
import type { EmbeddedPostgres } from './embedded-postgres.ts';

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

export function serverPool(connectionString: string, searchPath: SearchPath, max: number): Pool {
  const pool = new pg.Pool({
    connectionString,
    max,
    types,
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
    // A process that freezes within a transaction keeps its locks. This limit is shorter than a lease, so that another
    // worker can take over, and longer than any pause of ours between two statements.
    idle_in_transaction_session_timeout: 20_000,
    // Compiling a plan takes a third of a second; none of our statements runs long enough to gain from it.
    options: `-c search_path=${searchPath.replaceAll(' ', '')} -c jit=off`,
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
