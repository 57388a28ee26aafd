import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // What database and queue refuse at present, and the jobs that fail: of each, since when it goes on without a pause.
  `create table faults (
    kind text not null,
    subject text not null,
    reason text not null,
    since timestamptz not null,
    at timestamptz not null,
    primary key (kind, subject)
  )`,
];
