import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // One row, made at the first start: a copy of an empty schema is another installation. The same epoch is written
  // outside of the database, where a restored backup does not change it.
  `create table sending_mark (
    is_only boolean primary key default true check (is_only),
    installation uuid not null default gen_random_uuid(),
    epoch bigint not null default 0,
    issues jsonb not null default '{}',
    at timestamptz not null default now(),
    ahead jsonb,
    noticed_at timestamptz
  )`,
];
