import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `create table comparisons (
    id uuid primary key default gen_random_uuid(),
    slug text not null unique,
    pair_key text not null unique,
    url text not null,
    content jsonb not null,
    content_hash text not null,
    published_at timestamptz,
    first_seen_at timestamptz not null default now(),
    changed_at timestamptz not null default now()
  )`,

  `create table gathers (
    id uuid primary key default gen_random_uuid(),
    at timestamptz not null default now(),
    added integer not null,
    changed integer not null,
    unchanged integer not null,
    sources jsonb not null,
    rejected jsonb not null
  )`,
  `create index gathers_by_time on gathers (at desc)`,

  // The status of the row is the lock: every transition is one conditional update.
  `create table issues (
    id uuid primary key default gen_random_uuid(),
    number integer unique,
    slug text not null unique,
    slot date not null unique,
    due_at timestamptz not null,
    status text not null check (status in ('draft', 'review', 'approved', 'preparing', 'sending', 'sent',
      'paused', 'cancelled', 'skipped', 'failed')),
    resume_to text,
    reason text,
    template text not null,
    plan jsonb,
    plan_hash text,
    envelope jsonb,
    created_at timestamptz not null default now(),
    approved_at timestamptz,
    prepared_at timestamptz,
    finished_at timestamptz,
    check (status = 'skipped' or (number is not null and plan is not null))
  )`,
  `create index issues_unfinished on issues (status) where status not in ('sent', 'cancelled', 'skipped')`,

  `create table issue_comparisons (
    issue_id uuid not null references issues on delete cascade,
    comparison_id uuid not null references comparisons,
    section text not null check (section in ('new', 'changed')),
    content jsonb not null,
    content_hash text not null,
    primary key (issue_id, comparison_id)
  )`,
  `create index issue_comparisons_by_comparison on issue_comparisons (comparison_id)`,

  `create table variants (
    id uuid primary key default gen_random_uuid(),
    issue_id uuid not null references issues on delete cascade,
    number integer not null,
    subject text not null,
    preheader text not null,
    html text not null,
    text text not null,
    content_hash text not null,
    unique (issue_id, number)
  )`,
  `create table variant_topics (
    issue_id uuid not null references issues on delete cascade,
    topics text[] not null,
    variant_id uuid references variants on delete cascade,
    primary key (issue_id, topics)
  )`,

  `create table subscribers (
    id uuid primary key default gen_random_uuid(),
    email text not null,
    email_key text not null unique,
    status text not null check (status in ('pending', 'active', 'unsubscribed', 'suppressed')),
    topics text[] not null default '{}',
    timezone text,
    token_version integer not null default 1,
    reason text,
    created_at timestamptz not null default now(),
    confirmed_at timestamptz,
    left_at timestamptz,
    check (status <> 'active' or confirmed_at is not null)
  )`,
  `create index subscribers_active on subscribers (id) where status = 'active'`,

  `create table batches (
    id uuid primary key default gen_random_uuid(),
    issue_id uuid not null references issues on delete cascade,
    variant_id uuid not null references variants,
    number integer not null,
    status text not null default 'pending'
      check (status in ('pending', 'submitting', 'submitted', 'failed', 'uncertain')),
    revision integer not null default 1,
    payload_hash text,
    lease_id uuid,
    lease_until timestamptz,
    claimed_at timestamptz,
    attempts integer not null default 0,
    reason text,
    unique (issue_id, number)
  )`,
  `create index batches_open on batches (issue_id, number) where status in ('pending', 'submitting')`,

  // Unique (issue, subscriber) is invariant I1.
  `create table deliveries (
    id uuid primary key default gen_random_uuid(),
    issue_id uuid not null references issues on delete cascade,
    subscriber_id uuid not null references subscribers,
    batch_id uuid references batches,
    position integer not null default 0,
    status text not null default 'prepared' check (status in ('prepared', 'submitted', 'delivered', 'bounced',
      'complained', 'excluded', 'failed', 'uncertain')),
    reason text,
    provider_id text,
    submitted_at timestamptz,
    unique (issue_id, subscriber_id),
    check (status not in ('excluded', 'failed') or reason is not null),
    check (batch_id is not null or status = 'excluded')
  )`,
  `create index deliveries_by_batch on deliveries (batch_id, position)`,
  `create index deliveries_by_subscriber on deliveries (subscriber_id)`,

  `create table consent_events (
    id bigint generated always as identity primary key,
    subscriber_id uuid not null references subscribers,
    event text not null check (event in ('requested', 'confirm_sent', 'confirmed', 'preference_changed',
      'unsubscribed', 'resubscribed', 'suppressed', 'erased')),
    at timestamptz not null default now(),
    method text not null,
    source text,
    details jsonb not null default '{}'
  )`,
  `create index consent_events_by_subscriber on consent_events (subscriber_id, event, at)`,
  `create function consent_events_are_append_only() returns trigger language plpgsql as $$
    begin
      raise exception 'consent_events is append-only' using errcode = 'restrict_violation';
    end $$`,
  `create trigger consent_events_append_only before update or delete on consent_events
    for each row execute function consent_events_are_append_only()`,
  `create trigger consent_events_no_truncate before truncate on consent_events
    for each statement execute function consent_events_are_append_only()`,
];
