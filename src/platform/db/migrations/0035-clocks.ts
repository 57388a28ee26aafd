import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Of each worker whose clock is wrong by more than a minute, the last measurement.
  `create table wrong_clocks (
    worker text primary key,
    ahead_ms bigint not null,
    measured_at timestamptz not null default now()
  )`,
];
