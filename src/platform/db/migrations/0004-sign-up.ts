import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `alter table subscribers add column paused_until timestamptz`,

  // Made once and kept: what is hashed with it can be compared, and tells nothing without it.
  `create table installation (
    is_only boolean primary key default true check (is_only),
    salt text not null default gen_random_uuid()::text || gen_random_uuid()::text
  )`,
  `insert into installation default values`,

  // Addresses of people who asked to be forgotten, so that no import brings them back.
  `create table erased_addresses (
    hash text primary key,
    at timestamptz not null default now()
  )`,
  `create function address_hash(email_key text) returns text language sql stable as $$
    select encode(sha256(convert_to(salt || email_key, 'UTF8')), 'hex') from installation
  $$`,

  // Mail to one person because of something they did. The row comes first, in the transaction of its cause.
  `create table mails (
    id uuid primary key,
    kind text not null check (kind in ('confirm', 'welcome', 'already', 'change', 'changed', 'link', 'sign_in',
      'reminder', 'test')),
    subscriber_id uuid references subscribers,
    recipient text,
    content jsonb not null default '{}',
    key_id text not null,
    status text not null default 'pending' check (status in ('pending', 'sent', 'dropped', 'failed', 'uncertain')),
    reason text,
    lease_id uuid,
    lease_until timestamptz,
    claimed_at timestamptz,
    attempts integer not null default 0,
    provider_id text,
    created_at timestamptz not null default now(),
    sent_at timestamptz,
    check (subscriber_id is not null or recipient is not null)
  )`,
  `create index mails_pending on mails (created_at) where status = 'pending'`,
  `create index mails_by_subscriber on mails (subscriber_id, kind, created_at)`,

  // Links that work once. Only the hash is here: who reads the table cannot use them.
  `create table confirmations (
    token_hash text primary key,
    purpose text not null check (purpose in ('subscribe', 'change')),
    subscriber_id uuid not null references subscribers,
    email text,
    email_key text,
    details jsonb not null default '{}',
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    check (purpose = 'subscribe' or (email is not null and email_key is not null))
  )`,
  `create index confirmations_by_subscriber on confirmations (subscriber_id, purpose)`,

  // What people were told when they agreed; written before anybody agrees to it, never changed.
  `create table consent_texts (
    version text primary key,
    hash text not null,
    text text not null,
    at timestamptz not null default now()
  )`,
  // Where from, for as long as it is needed: the one part of a consent that may be deleted.
  `create table consent_evidence (
    event_id bigint primary key references consent_events,
    ip text,
    user_agent text,
    at timestamptz not null default now()
  )`,
  `create index consent_evidence_by_time on consent_evidence (at)`,

  // What came from the form and waits for its answer. A row is gone when it is answered: the request that made
  // it never learnt whether the address is known, and took the same time for all.
  `create table sign_ups (
    id uuid primary key default gen_random_uuid(),
    email text not null,
    email_key text not null,
    limit_key text not null,
    topics text[] not null,
    timezone text,
    source text,
    consent_version text not null references consent_texts,
    is_suspicious boolean not null,
    ip text,
    user_agent text,
    created_at timestamptz not null default now(),
    due_at timestamptz not null default now()
  )`,
  `create index sign_ups_by_time on sign_ups (due_at)`,
  `create index subscribers_pending on subscribers (created_at) where status = 'pending'`,

  // Mails that sign-ups caused: what the limits count.
  `create table sign_up_mails (
    mail_id uuid primary key references mails on delete cascade,
    limit_key text not null,
    domain text not null,
    is_suspicious boolean not null,
    at timestamptz not null default now()
  )`,
  `create index sign_up_mails_by_address on sign_up_mails (limit_key, at)`,
  `create index sign_up_mails_by_domain on sign_up_mails (domain, at)`,
  `create index sign_up_mails_by_time on sign_up_mails (at)`,

  // People who never want to be asked again, in every spelling of their address.
  `create table refused_inboxes (
    limit_key text primary key,
    at timestamptz not null default now()
  )`,

  // Counters of requests, where no Redis counts them; made as rate-limiter-flexible wants it.
  `create table rate_limits (
    key text primary key,
    points integer not null default 0,
    expire bigint
  )`,

  `alter table notices drop constraint notices_kind_check`,
  `alter table notices add constraint notices_kind_check
    check (kind in ('source-failing', 'silent-week', 'sign-up-flood'))`,
];
