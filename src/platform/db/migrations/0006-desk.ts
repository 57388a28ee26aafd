import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Of two editors at once, the second names a revision that is gone, and is asked.
  `alter table issues add column revision integer not null default 1`,

  // What editors chose stands beside what was composed, so that composing again loses neither.
  `create table issue_choices (
    issue_id uuid primary key references issues on delete cascade,
    choices jsonb not null,
    who text not null,
    at timestamptz not null default now()
  )`,
  `create table left_out (
    comparison_id uuid primary key references comparisons,
    issue_id uuid not null references issues,
    reason text not null check (reason <> ''),
    who text not null,
    at timestamptz not null default now()
  )`,
  `create index left_out_by_issue on left_out (issue_id)`,

  // Only hashes of what opens the desk: who reads the tables cannot use them.
  `create table desk_links (
    token_hash text primary key,
    browser_hash text not null,
    email text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz
  )`,
  `create index desk_links_by_email on desk_links (email, created_at)`,
  `create table desk_sessions (
    token_hash text primary key,
    email text not null,
    created_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    ended_at timestamptz
  )`,
  `create index desk_sessions_open on desk_sessions (email) where ended_at is null`,
  `create table desk_reviews (
    id uuid primary key,
    token_hash text not null unique,
    key_id text not null,
    issue_id uuid not null references issues,
    who text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz
  )`,
  `create index desk_reviews_by_issue on desk_reviews (issue_id)`,

  // Who did what, and what was refused. `issue` is a slug: the log outlives what it tells of.
  `create table desk_audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    who text,
    what text not null,
    issue text,
    details jsonb not null default '{}'
  )`,
  `create index desk_audit_by_issue on desk_audit (issue, id)`,
  `create index desk_audit_by_what on desk_audit (what, at)`,
  `create function desk_audit_is_append_only() returns trigger language plpgsql as $$
    begin
      raise exception 'desk_audit is append-only' using errcode = 'restrict_violation';
    end $$`,
  `create trigger desk_audit_append_only before update or delete on desk_audit
    for each row execute function desk_audit_is_append_only()`,
  `create trigger desk_audit_no_truncate before truncate on desk_audit
    for each statement execute function desk_audit_is_append_only()`,

  // Each editor is reminded of a thing once.
  `create table reminders (
    issue_id uuid not null references issues on delete cascade,
    kind text not null check (kind in ('ready', 'slot_nears')),
    at timestamptz not null default now(),
    primary key (issue_id, kind)
  )`,

  // A test is frozen when it is asked for: whatever is edited meanwhile, every copy has the same bytes.
  `create table test_sends (
    id uuid primary key,
    issue_id uuid not null references issues on delete cascade,
    who text not null,
    sender text not null,
    subject text not null,
    html text not null,
    text text not null,
    at timestamptz not null default now()
  )`,
  `create index test_sends_by_issue on test_sends (issue_id, at)`,
];
