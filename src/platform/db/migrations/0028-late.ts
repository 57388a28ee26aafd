import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `alter table issues add column late_at timestamptz`,
  `alter table notices add column mailed_at timestamptz`,
  `alter table notices add column recovery text`,
  `alter table notices add column recovery_mailed_at timestamptz`,
  // Nobody is mailed about notices that are older than their mails.
  `update notices set mailed_at = now(), recovery_mailed_at = now()`,
  `create index notices_unmailed on notices (at) where mailed_at is null or recovery_mailed_at is null`,
  `create table reconciles (
    is_only boolean primary key default true check (is_only),
    at timestamptz not null
  )`,
];
