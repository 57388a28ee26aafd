import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Of each issue the refusals since the provider last accepted something of it.
  `create table refusal_runs (
    issue_id uuid primary key references issues on delete cascade,
    requests integer not null check (requests > 0),
    readers integer not null check (readers > 0),
    reason text not null,
    since timestamptz not null default now()
  )`,
  // Its refused members can be asked again, when it turns out that the fault was not theirs.
  `alter table batches add column refused_at timestamptz`,
  `create index batches_refused on batches (issue_id) where refused_at is not null`,
];
