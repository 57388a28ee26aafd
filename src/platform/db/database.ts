import { Kysely, Migrator, sql, type Transaction } from 'kysely';
import { AppError } from '../errors.ts';
import { Lifetime } from '../lifetime.ts';
import { openEmbedded } from './embedded-postgres.ts';
import { migrations } from './migrations/all-migrations.ts';
import { embeddedPool, type Pool, type SearchPath, serverPool } from './pool.ts';
import { PreparingDialect } from './prepared.ts';
import type { Schema } from './schema.ts';

/** The first argument of store functions: the database, or a transaction on it. */
export type Connection = Kysely<Schema>;
export type { Transaction };

/** One database with two backends: a PostgreSQL server, or PGlite under DATA_DIR. Both run the same SQL. */
export interface Database extends AsyncDisposable {
  backend: 'embedded' | 'postgres';
  kysely: Connection;
  /** A separate pool for BullMQ, closed with the database. */
  queuePool(): Pool;
}

/**
 * Opens the database, and migrates it to the newest version where its role may; several processes may do so at once.
 * @throws AppError `data-dir-locked`, `database-damaged`, `database-unreachable`, `database-too-old`,
 *   `schema-set`, `database-outdated`, `database-newer`, `migration-failed`.
 */
export async function openDatabase(options: {
  databaseUrl: string | undefined;
  dataDir: string;
  /** Connections to a server, per pool. */
  connections?: number;
  /** The setting that holds `databaseUrl`, for error messages. */
  setting?: 'DATABASE_URL' | 'MIGRATE_DATABASE_URL';
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
    const kysely = new Kysely<Schema>({
      dialect: new PreparingDialect(pool('public'), { sharesSession: embedded !== undefined }),
    });
    await assertVersion(kysely, options.setting ?? 'DATABASE_URL');
    await bringUpToDate(kysely);
    return {
      backend: embedded ? 'embedded' : 'postgres',
      kysely,
      queuePool: () => pool('bullmq, public'),
      [Symbol.asyncDispose]: () => lifetime[Symbol.asyncDispose](),
    };
  } catch (error) {
    await lifetime[Symbol.asyncDispose]().catch(() => {});
    throw error;
  }
}

async function assertVersion(kysely: Connection, setting: string): Promise<void> {
  const { rows } = await sql<{ number: number; version: string; schema: string | null }>`
    select current_setting('server_version_num')::int as number, current_setting('server_version') as version,
      current_schema() as schema
  `
    .execute(kysely)
    .catch((error) => {
      throw new AppError('database-unreachable', `The database of ${setting} does not answer.`, {
        help: `It said: ${error instanceof AggregateError ? error.errors.map((each) => each.message).join(', ') : error.message}.`,
        cause: error,
      });
    });
  if ((rows[0]?.number ?? 0) < 140_000) {
    throw new AppError('database-too-old', `PostgreSQL ${rows[0]?.version} is too old.`, {
      help: 'Use 14 or newer.',
    });
  }
  // Statements and migrations name `public` and `bullmq`: in other schemas half of an installation would be shared.
  if (rows[0]?.schema !== 'public') {
    throw new AppError(
      'schema-set',
      `${setting} leads to the schema "${rows[0]?.schema}", not to "public".`,
      {
        help: 'Give each installation a database of its own, and leave `options` out of the address.',
      },
    );
  }
}

async function bringUpToDate(kysely: Connection): Promise<void> {
  const { applied, mayMigrate, role, owner } = await schemaState(kysely);
  const newer = applied?.find((name) => !(name in migrations));
  if (newer !== undefined) {
    throw new AppError(
      'database-newer',
      `The database was migrated by a newer version of this program (${newer}).`,
      {
        help: 'Run that version, or restore the backup that was made before it.',
      },
    );
  }
  if (applied?.length === Object.keys(migrations).length) return;
  if (!mayMigrate) {
    throw new AppError(
      'database-outdated',
      `The database is not at the schema of this version, and the role "${role}" may not change it.`,
      {
        help: `Run \`migrate\` with MIGRATE_DATABASE_URL for the role that ${owner === null ? 'is to own the tables' : `owns the tables, "${owner}"`}; then start again.`,
      },
    );
  }
  await migrate(kysely);
}

interface SchemaState {
  /** The applied migrations; null when this role may not read them. */
  applied: string[] | null;
  mayMigrate: boolean;
  role: string;
  /** The owner of the tables; null when there are none. */
  owner: string | null;
}

async function schemaState(kysely: Connection): Promise<SchemaState> {
  const { rows } = await sql<Omit<SchemaState, 'applied'> & { mayLook: boolean }>`
    select current_user as role, pg_get_userbyid(c.relowner) as owner,
      coalesce(has_table_privilege(c.oid, 'select'), false) as "mayLook",
      has_schema_privilege('public', 'create') and coalesce(pg_has_role(c.relowner, 'usage'), true) as "mayMigrate"
    from (select 'public'::regnamespace as public) n
    left join pg_class c on c.relnamespace = n.public and c.relname = 'kysely_migration'
  `.execute(kysely);
  const { mayLook, ...state } = rows[0] as (typeof rows)[number];
  if (state.owner === null) return { ...state, applied: [] };
  if (!mayLook) return { ...state, applied: null };
  const applied = await sql<{ name: string }>`select name from public.kysely_migration`.execute(kysely);
  return { ...state, applied: applied.rows.map(({ name }) => name) };
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

/**
 * Names this database among all: a copy of it has another name, on the same server or elsewhere; a replica that takes
 * over has the same.
 */
export async function fingerprintOf(db: Connection): Promise<string> {
  const { rows } = await sql<{ mayAsk: boolean; oid: number }>`
    select has_function_privilege('pg_control_system()', 'execute') as "mayAsk",
      (select oid from pg_database where datname = current_database())::int8 as oid
  `.execute(db);
  const [{ mayAsk, oid }] = rows as [(typeof rows)[number]];
  if (!mayAsk) return String(oid);
  const { rows: found } = await sql<{ server: string }>`
    select system_identifier::text as server from pg_control_system()
  `.execute(db);
  return `${found[0]?.server}-${oid}`;
}

/** When this installation began, by its first migration: no issue is due before it. */
export async function installedAt(db: Connection): Promise<Date> {
  const { rows } = await sql<{ at: string }>`select min(timestamp) as at from kysely_migration`.execute(db);
  return new Date(rows[0]?.at ?? 0);
}
