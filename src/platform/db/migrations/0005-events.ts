import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // What the provider tells us later. Its id makes telling it twice harmless; no address is kept. A row is
  // due while something is left to do with it.
  `create table events (
    id text primary key,
    type text not null,
    kind text not null check (kind in ('accepted', 'delayed', 'delivered', 'opened', 'clicked', 'soft_bounce',
      'hard_bounce', 'complained', 'failed', 'suppressed', 'other')),
    at timestamptz not null,
    received_at timestamptz not null default now(),
    delivery_id uuid,
    mail_id uuid,
    subscriber_id uuid,
    provider_id text,
    reason text,
    link text,
    is_scanner boolean not null default false,
    due_at timestamptz,
    looks integer not null default 0,
    outcome text check (outcome in ('applied', 'ignored', 'unmatched')),
    check ((due_at is null) = (outcome is not null))
  )`,
  `create index events_due on events (due_at) where due_at is not null`,
  `create index events_by_time on events (received_at)`,

  `alter table deliveries
    add column bounce text check (bounce in ('hard', 'soft')),
    add column delivered_at timestamptz,
    add column opened_at timestamptz,
    add constraint deliveries_bounce_has_kind check (status <> 'bounced' or bounce is not null)`,
  // Only who has an id is in it: filling an audience costs nothing.
  `create index deliveries_by_provider on deliveries using hash (provider_id)`,
  `create index deliveries_soft_bounced on deliveries (issue_id) where bounce = 'soft'`,

  // One row a reader and link, only where the provider counts clicks; links without their tokens.
  `create table clicks (
    delivery_id uuid not null references deliveries on delete cascade,
    link text not null,
    issue_id uuid not null references issues on delete cascade,
    first_at timestamptz not null,
    last_at timestamptz not null,
    is_scanner boolean not null,
    primary key (delivery_id, link)
  )`,
  `create index clicks_by_issue on clicks (issue_id, delivery_id)`,

  // Deliveries of an issue by what became of them, counted in the transaction that writes them.
  `create table figures (
    issue_id uuid primary key references issues on delete cascade,
    delivered integer not null default 0,
    bounced_hard integer not null default 0,
    bounced_soft integer not null default 0,
    complained integer not null default 0,
    failed integer not null default 0,
    opened integer not null default 0
  )`,
  `create index subscribers_left on subscribers (left_at) where left_at is not null`,

  // Who said what became of a batch whose answer was lost.
  `create table settlements (
    id uuid primary key default gen_random_uuid(),
    batch_id uuid not null references batches on delete cascade,
    revision integer not null,
    decision text not null check (decision in ('accepted', 'not-accepted')),
    decided_by text not null,
    at timestamptz not null default now()
  )`,
  `create index settlements_by_batch on settlements (batch_id)`,

  `alter table notices drop constraint notices_kind_check`,
  `alter table notices add constraint notices_kind_check
    check (kind in ('source-failing', 'silent-week', 'sign-up-flood', 'events-missing', 'batch-uncertain'))`,
];
