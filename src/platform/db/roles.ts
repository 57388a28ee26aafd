import { type Kysely, sql } from 'kysely';
import { AppError } from '../errors.ts';
import type { Schema } from './schema.ts';

/**
 * Two roles on a server: the owner owns the tables and migrates them; the working role reads and writes rows. It cannot
 * change a table, and cannot change or delete consent. The embedded database has one role.
 */

type Connection = Kysely<Schema>;

/** Tables in which the working role may only insert and read: no update, no delete, no truncate. */
export const APPEND_ONLY = [
  'consent_events',
  'consent_texts',
  'consent_evidence',
  'consent_seals',
  'desk_audit',
] as const;

/** Kysely's own tables for migrations. */
const OF_THE_OWNER = ['kysely_migration', 'kysely_migration_lock'];

/**
 * Grants `role` what it needs in the program's schemas, and revokes everything else. A second call changes nothing.
 * Call it as the owner, after every migration, because new tables belong to the owner alone.
 * @param queueIsHere the queue is in the database too. BullMQ makes a temporary table for every bulk insert of jobs.
 * @throws AppError `role-unknown`, `role-too-mighty`.
 */
export async function grantWorkingRole(
  owner: Connection,
  role: string,
  { queueIsHere }: { queueIsHere: boolean },
): Promise<void> {
  await refuseMightyRole(owner, role);
  const worker = sql.id(role);
  const schemas = queueIsHere ? ['public', 'bullmq'] : ['public'];
  await owner.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtext('weekly-verdict roles'))`.execute(tx);
    for (const name of schemas) {
      const schema = sql.id(name);
      for (const grant of [
        sql`grant usage on schema ${schema} to ${worker}`,
        sql`grant select, insert, update, delete on all tables in schema ${schema} to ${worker}`,
        sql`grant usage, select, update on all sequences in schema ${schema} to ${worker}`,
        sql`grant execute on all functions in schema ${schema} to ${worker}`,
        sql`alter default privileges in schema ${schema} grant select, insert, update, delete on tables to ${worker}`,
        sql`alter default privileges in schema ${schema} grant usage, select, update on sequences to ${worker}`,
      ])
        await grant.execute(tx);
    }
    for (const table of APPEND_ONLY) {
      await sql`revoke update, delete, truncate, references, trigger on ${sql.table(table)} from ${worker}`.execute(
        tx,
      );
    }
    for (const table of OF_THE_OWNER) {
      await sql`revoke insert, update, delete, truncate on ${sql.table(table)} from ${worker}`.execute(tx);
    }
    await closeDatabase(tx, worker, queueIsHere);
  });
}

/** Revokes what PostgreSQL grants to everybody: creating in `public` (before version 15), and temporary tables. */
async function closeDatabase(
  tx: Connection,
  worker: ReturnType<typeof sql.id>,
  queueIsHere: boolean,
): Promise<void> {
  const { rows } = await sql<{
    database: string;
    ownsDatabase: boolean;
    ownsSchema: boolean;
    hasTemporary: boolean;
  }>`
    select current_database() as database,
      (select pg_has_role(current_user, datdba, 'usage') from pg_database where datname = current_database())
        as "ownsDatabase",
      (select pg_has_role(current_user, nspowner, 'usage') from pg_namespace where nspname = 'public') as "ownsSchema",
      has_database_privilege('public', current_database(), 'temporary') as "hasTemporary"
  `.execute(tx);
  const [found] = rows;
  if (found === undefined) return;
  const database = sql.id(found.database);
  if (found.ownsSchema) await sql`revoke create on schema public from public, ${worker}`.execute(tx);
  if (!found.ownsDatabase) return;
  await sql`revoke create on database ${database} from public, ${worker}`.execute(tx);
  if (queueIsHere) await sql`grant temporary on database ${database} to ${worker}`.execute(tx);
  else if (found.hasTemporary)
    await sql`revoke temporary on database ${database} from public, ${worker}`.execute(tx);
}

/** A superuser and a member of the owner's role may do everything, whatever is granted. */
async function refuseMightyRole(owner: Connection, role: string): Promise<void> {
  const { rows } = await sql<{ isSuper: boolean; isOwner: boolean }>`
    select r.rolsuper as "isSuper",
      pg_has_role(r.oid, current_user, 'member') or pg_has_role(r.oid, c.relowner, 'member') as "isOwner"
    from pg_roles r, pg_class c where r.rolname = ${role} and c.oid = 'public.consent_events'::regclass
  `.execute(owner);
  const [found] = rows;
  if (found === undefined) {
    throw new AppError(
      'role-unknown',
      `There is no role "${role}" on this server, which DATABASE_URL names.`,
      {
        help: 'Make it first, see "Two database roles" in docs/operating.md.',
      },
    );
  }
  if (found.isSuper || found.isOwner) {
    throw new AppError(
      'role-too-mighty',
      `The role "${role}" of DATABASE_URL ${found.isSuper ? 'is a superuser' : 'owns the tables, or is a member of the role that does'}.`,
      { help: 'Give DATABASE_URL a role of its own, see "Two database roles" in docs/operating.md.' },
    );
  }
}

/** Rights that the working role should not have. */
export interface Powers {
  role: string;
  isSuperuser: boolean;
  /** It owns the tables, or is a member of the owner's role: it may disable triggers. */
  isOwner: boolean;
  /** Schemas in which it may create tables, and the database if it may create schemas there. */
  makesIn: string[];
  /** Tables of {@link APPEND_ONLY} in which it may do more than insert and read. */
  changes: string[];
}

/** The rights of this connection's role. */
export async function powersOf(db: Connection): Promise<Powers> {
  const { rows } = await sql<Powers>`
    select current_user as role,
      (select rolsuper from pg_roles where rolname = current_user) as "isSuperuser",
      (select pg_has_role(relowner, 'member') from pg_class where oid = 'consent_events'::regclass) as "isOwner",
      array(
        select nspname::text from pg_namespace
        where nspname in ('public', 'bullmq') and has_schema_privilege(oid, 'create')
        union all
        select 'the database' where has_database_privilege(current_database(), 'create')
      ) as "makesIn",
      array(
        select name from unnest(${[...APPEND_ONLY]}::text[]) as t (name)
        where has_table_privilege(name, 'update') or has_table_privilege(name, 'delete')
          or has_table_privilege(name, 'truncate')
      ) as changes
  `.execute(db);
  return rows[0] as Powers;
}
