import { Kysely, Migrator, sql, type Transaction } from 'kysely';
import { AppError } from '../errors.ts';
import { Lifetime } from '../lifetime.ts';
import { parseUrl } from '../url.ts';
import { openEmbedded } from './embedded-postgres.ts';
import { migrations } from './migrations/all-migrations.ts';
import { embeddedPool, type Pool, type SearchPath, serverPool, transactionLimits } from './pool.ts';
import { findPooler, type Pooler } from './pooler.ts';
import { PreparingDialect } from './prepared.ts';
import type { Schema } from './schema.ts';
import { NO_TIMEOUTS, REQUEST_TIMEOUTS, type Timeouts, WORK_TIMEOUTS } from './timeouts.ts';

/** The first argument of store functions: the database, or a transaction on it. */
export type Connection = Kysely<Schema>;
export type { Transaction };

/** One database with two backends: a PostgreSQL server, or PGlite under DATA_DIR. Both run the same SQL. */
export interface Database extends AsyncDisposable {
  backend: 'embedded' | 'postgres';
  /** What is between this process and the server. */
  pooler: Pooler;
  /** For jobs and commands. */
  kysely: Connection;
  /** For requests of people, with connections of its own and {@link REQUEST_TIMEOUTS}. */
  web: Connection;
  /** A separate pool for BullMQ, closed with the database. */
  queuePool(): Pool;
}

/**
 * Opens the database, and migrates it to the newest version where its role may; several processes may do so at once.
 * @throws AppError `data-dir-locked`, `disk-full`, `database-damaged`, `database-unreachable`, `database-too-old`,
 *   `database-outdated`, `database-newer`, `migration-failed`, `pooler-statements`, `pooler-search-path`,
 *   `schema-set`.
 */
export async function openDatabase(options: {
  databaseUrl: string | undefined;
  dataDir: string;
  /** Connections to a server, per pool. */
  connections?: number;
  /** The setting that holds `databaseUrl`, for error messages. */
  setting?: 'DATABASE_URL' | 'MIGRATE_DATABASE_URL';
  /** For jobs and commands. */
  timeouts?: Timeouts;
  /** Gets every error of a statement of the opened database. */
  onError?: (error: unknown) => void;
}): Promise<Database> {
  const lifetime = new Lifetime();
  try {
    const { databaseUrl, connections = 10, setting = 'DATABASE_URL', timeouts = WORK_TIMEOUTS } = options;
    const embedded =
      databaseUrl === undefined ? lifetime.use(await openEmbedded(options.dataDir)) : undefined;
    if (databaseUrl !== undefined) assertNoSchema(databaseUrl, setting);
    const pooler =
      databaseUrl === undefined
        ? 'none'
        : await findPooler(databaseUrl).catch((error) => {
            throw error instanceof AppError ? error : unreachable(setting, error);
          });
    const hasSessions = pooler !== 'transaction';
    const pool = (searchPath: SearchPath, limits: Timeouts) => {
      const made = embedded
        ? embeddedPool(embedded, searchPath, connections)
        : serverPool(databaseUrl as string, searchPath, { max: connections, timeouts: limits, hasSessions });
      lifetime.defer(() => made.end());
      return made;
    };
    const connect = (limits: Timeouts) =>
      new Kysely<Schema>({
        dialect: new PreparingDialect(pool('public', limits), {
          sharesSession: embedded !== undefined,
          onError: options.onError,
          beginWith: hasSessions ? undefined : transactionLimits(limits),
        }),
      });
    const kysely = connect(timeouts);
    await assertVersion(kysely, setting);
    if (!hasSessions) await assertSearchPath(kysely);
    // Waits for the locks of running processes, and may take minutes.
    await bringUpToDate(kysely, () => connect(NO_TIMEOUTS));
    return {
      backend: embedded ? 'embedded' : 'postgres',
      pooler,
      kysely,
      // All clients of the embedded database take turns in one session: there is no lock to wait for.
      web: embedded ? kysely : connect(REQUEST_TIMEOUTS),
      queuePool: () => pool('bullmq, public', timeouts),
      [Symbol.asyncDispose]: () => lifetime[Symbol.asyncDispose](),
    };
  } catch (error) {
    await lifetime[Symbol.asyncDispose]().catch(() => {});
    throw error;
  }
}

function unreachable(setting: string, error: Error): AppError {
  return new AppError('database-unreachable', `The database of ${setting} does not answer.`, {
    help: `It said: ${error instanceof AggregateError ? error.errors.map((each) => each.message).join(', ') : error.message}.`,
    cause: error,
  });
}

/** Where a session is not ours, its search path is the server's. */
async function assertSearchPath(kysely: Connection): Promise<void> {
  const { rows } = await sql<{ schema: string | null; role: string }>`
    select current_schema() as schema, current_user as role
  `.execute(kysely);
  const found = rows[0];
  if (found?.schema === 'public') return;
  throw new AppError(
    'pooler-search-path',
    `Behind a pooler in transaction mode the schema is ${found?.schema ?? 'none'}, not public.`,
    {
      help: `Have the owner set the search_path of the role ${found?.role} to public, or set the pool_mode to session.`,
    },
  );
}

async function assertVersion(kysely: Connection, setting: string): Promise<void> {
  const { rows } = await sql<{ number: number; version: string }>`
    select current_setting('server_version_num')::int as number, current_setting('server_version') as version
  `
    .execute(kysely)
    .catch((error) => {
      throw unreachable(setting, error);
    });
  if ((rows[0]?.number ?? 0) < 140_000) {
    throw new AppError('database-too-old', `PostgreSQL ${rows[0]?.version} is too old.`, {
      help: 'Use 14 or newer.',
    });
  }
}

/**
 * Statements and migrations name `public` and `bullmq`: in a schema of the address half of an installation would be
 * shared with others.
 */
function assertNoSchema(databaseUrl: string, setting: string): void {
  const given = parseUrl(databaseUrl)?.searchParams.get('options') ?? '';
  const [, schema] = /search_path\s*=\s*([^\s]*)/iu.exec(given) ?? [];
  if (schema === undefined) return;
  throw new AppError('schema-set', `${setting} leads to the schema "${schema}", not to "public".`, {
    help: 'Give each installation a database of its own, and leave `options` out of the address.',
  });
}

async function bringUpToDate(kysely: Connection, withoutLimits: () => Connection): Promise<void> {
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
  await migrate(withoutLimits());
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
