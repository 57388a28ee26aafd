import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { AppError } from '../errors.ts';

/**
 * What is between this process and PostgreSQL. A pooler such as PgBouncer either gives a client one session for as long
 * as it is connected, or another session for each transaction; then nothing that a session remembers can be used.
 */
export type Pooler = 'none' | 'session' | 'transaction';

/** How often a session is looked for, because other clients of the pooler may take it meanwhile. */
const ROUNDS = 3;

/**
 * Finds out by two connections. Only a direct connection is told the process id of its session.
 * @throws AppError `pooler-statements` when not even transactions are whole.
 */
export async function findPooler(connectionString: string): Promise<Pooler> {
  const [first, second] = [0, 1].map(
    () => new pg.Client({ connectionString, connectionTimeoutMillis: 10_000 }),
  ) as [pg.Client, pg.Client];
  for (const client of [first, second]) client.on('error', () => {});
  try {
    await first.connect();
    const { rows } = await first.query('select pg_backend_pid() as pid');
    if (rows[0].pid === (first as unknown as { processID: number }).processID) return 'none';
    await second.connect();
    for (let round = 0; round < ROUNDS; round += 1) if (await isShared(first, second)) return 'transaction';
    return 'session';
  } finally {
    await Promise.all([first, second].map((client) => client.end().catch(() => {})));
  }
}

/** Whether the second client meets the session of the first, or the first does not find its own again. */
async function isShared(first: pg.Client, second: pg.Client): Promise<boolean> {
  const mark = randomUUID();
  const read = async (client: pg.Client) =>
    (await client.query("select current_setting('weekly_verdict.session', true) as mark")).rows[0].mark;
  await first.query(`set weekly_verdict.session to '${mark}'`);
  await second.query('begin').catch((cause) => {
    throw new AppError('pooler-statements', 'The pooler of DATABASE_URL takes single statements only.', {
      help: 'Set its pool_mode to session or transaction, or connect to PostgreSQL directly.',
      cause,
    });
  });
  try {
    if ((await read(second)) === mark) return true;
    return (await read(first)) !== mark;
  } finally {
    await second.query('rollback');
  }
}

/** What an operator should know about it; null: nothing. */
export function describePooler(pooler: Pooler): string | null {
  if (pooler === 'none') return null;
  return pooler === 'session'
    ? 'A pooler in session mode is between this process and PostgreSQL; that works like a direct connection.'
    : 'A pooler in transaction mode is between this process and PostgreSQL: statements are not prepared, and time limits hold within transactions only. A direct connection or session mode is faster.';
}
