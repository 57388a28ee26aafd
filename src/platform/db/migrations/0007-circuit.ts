import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Whether the provider answers, as all workers together have found.
  `create table circuit (
    is_only boolean primary key default true check (is_only),
    failures integer not null default 0,
    reason text,
    since timestamptz,
    open_until timestamptz,
    check (open_until is null or (reason is not null and since is not null))
  )`,
  `insert into circuit default values`,
];
