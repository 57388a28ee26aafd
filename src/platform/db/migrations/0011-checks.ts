import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // What came of it when we followed a link of an issue ourselves. No reason: it leads where it should.
  `create table link_checks (
    url text primary key,
    status integer,
    reason text,
    checked_at timestamptz not null
  )`,

  // A publisher's word on one red check, for exactly what was looked at: another plan or template needs another.
  `create table check_overrides (
    issue_id uuid not null references issues on delete cascade,
    plan_hash text not null,
    template text not null,
    check_key text not null,
    reason text not null check (length(reason) >= 10),
    who text not null,
    at timestamptz not null default now(),
    primary key (issue_id, plan_hash, template, check_key)
  )`,
];
