import pg from 'pg';
import type { EmbeddedPostgres } from './embedded-postgres.ts';

export type Pool = pg.Pool;
export type PoolClient = pg.PoolClient;

/** Our tables live in `public`, BullMQ's in `bullmq`; each pool sees its own first. */
export type SearchPath = 'public' | 'bullmq, public';

/**
 * int8 as number: counts are far below 2^53, and a string in arithmetic is a bug waiting. date as the
 * string it is: a local date has no instant.
 */
const PARSERS = new Map<number, (value: string) => unknown>([
  [pg.types.builtins.INT8, Number],
  [pg.types.builtins.DATE, String],
]);

/** What a column is in JavaScript, by its type's oid. */
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
    // A process that is frozen in the middle of a transaction keeps its locks: shorter than a lease, so that
    // its work can be taken over, and longer than we ever pause between two statements.
    idle_in_transaction_session_timeout: 20_000,
    // Compiling a plan takes a third of a second; none of ours runs long enough to earn it.
    options: `-c search_path=${searchPath.replaceAll(' ', '')} -c jit=off`,
  });
  // An idle connection that the server closes is replaced by the pool; without a listener it would
  // end the process.
  pool.on('error', () => {});
  // So would one that is cut between two statements of a transaction: the next statement fails, and that is enough.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

export function embeddedPool(embedded: EmbeddedPostgres, searchPath: SearchPath, max: number): Pool {
  return new pg.Pool({
    max,
    types,
    ssl: false,
    user: 'postgres',
    stream: () => embedded.connect(searchPath) as never,
  });
}
