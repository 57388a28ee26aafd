import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `create table failing_duties (
    duty text primary key,
    failures integer not null check (failures > 0),
    reason text not null,
    failed_at timestamptz not null
  )`,
  // Their kinds are the code's alone: a second list of them here had to change with every new one.
  `alter table notices drop constraint notices_kind_check`,
  `alter table mails drop constraint mails_kind_check`,
];
