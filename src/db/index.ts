import { Kysely, Migrator, PostgresDialect, sql, type Transaction } from 'kysely';
import { AppError } from '../errors.ts';
import { Lifetime } from '../lifetime.ts';
import { openEmbedded } from './embedded.ts';
import { migrations } from './migrations/index.ts';
import { embeddedPool, type Pool, type SearchPath, serverPool } from './pool.ts';
import type { Schema } from './schema.ts';

export type { Pool, PoolClient } from './pool.ts';
export type * from './schema.ts';

/** What store functions take first: the database, or a transaction on it. */
export type Connection = Kysely<Schema>;
export type { Transaction };

/** One database in two homes: a PostgreSQL server, or PGlite under DATA_DIR. The same SQL in both. */
export interface Database extends AsyncDisposable {
  home: 'embedded' | 'postgres';
  kysely: Connection;
  /** A pool of its own for BullMQ, closed with the database. */
  queuePool(): Pool;
}

/**
 * Opens the database and brings it to the newest migration; several processes may do so at once.
 * @throws AppError `data-dir-locked`, `database-damaged`, `database-unreachable`, `database-too-old`,
 * `migration-failed`.
 */
export async function openDatabase(options: {
  databaseUrl: string | undefined;
  dataDir: string;
  /** Connections to a server, per pool. */
  connections?: number;
}): Promise<Database> {
  const lifetime = new Lifetime();
  try {
    const { databaseUrl } = options;
    const max = options.connections ?? 10;
    const embedded =
      databaseUrl === undefined ? lifetime.use(await openEmbedded(options.dataDir)) : undefined;
    const pool = (searchPath: SearchPath) => {
      const made = embedded
        ? embeddedPool(embedded, searchPath, max)
        : serverPool(databaseUrl as string, searchPath, max);
      lifetime.defer(() => made.end());
      return made;
    };
    const kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: pool('public') }) });
    await assertVersion(kysely);
    await migrate(kysely);
    return {
      home: embedded ? 'embedded' : 'postgres',
      kysely,
      queuePool: () => pool('bullmq, public'),
      [Symbol.asyncDispose]: () => lifetime[Symbol.asyncDispose](),
    };
  } catch (error) {
    await lifetime[Symbol.asyncDispose]().catch(() => {});
    throw error;
  }
}

async function assertVersion(kysely: Connection): Promise<void> {
  const { rows } = await sql<{ number: number; version: string }>`
    select current_setting('server_version_num')::int as number, current_setting('server_version') as version
  `
    .execute(kysely)
    .catch((error) => {
      throw new AppError('database-unreachable', 'The database of DATABASE_URL does not answer.', {
        help: `It said: ${error instanceof AggregateError ? error.errors.map((each) => each.message).join(', ') : error.message}.`,
        cause: error,
      });
    });
  if ((rows[0]?.number ?? 0) < 140_000) {
    throw new AppError('database-too-old', `PostgreSQL ${rows[0]?.version} is too old.`, {
      help: 'Use 14 or newer.',
    });
  }
}

async function migrate(kysely: Connection): Promise<void> {
  const migrator = new Migrator({ db: kysely, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) {
    throw new AppError('migration-failed', 'The database could not be brought to the newest schema.', {
      help: error instanceof Error ? error.message : String(error),
      cause: error,
    });
  }
}

/** When this installation began, by its first migration: nobody owes issues from before it. */
export async function installedAt(db: Connection): Promise<Date> {
  const { rows } = await sql<{ at: string }>`select min(timestamp) as at from kysely_migration`.execute(db);
  return new Date(rows[0]?.at ?? 0);
}
