import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // What HTTP needs to ask "has it changed?". An unchanged page costs no write.
  `create table pages (
    url text primary key,
    source text not null,
    kind text not null check (kind in ('robots', 'sitemap', 'feed', 'page')),
    status integer not null,
    etag text,
    last_modified text,
    body_hash text not null,
    reader integer not null,
    lastmod text,
    pair_key text,
    listing jsonb,
    fetched_at timestamptz not null
  )`,

  `create table quarantine (
    source text not null,
    url text not null,
    faults jsonb not null,
    body_hash text,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    primary key (source, url)
  )`,

  // A source without a row is well and has never been otherwise.
  `create table sources (
    source text primary key,
    failures integer not null,
    reason text,
    failed_at timestamptz,
    recovered_at timestamptz
  )`,

  // One row: who is gathering now. Two at once would ask every site twice.
  `create table gathering (
    is_only boolean primary key default true check (is_only),
    holder uuid not null,
    until timestamptz not null
  )`,

  `create table notices (
    id uuid primary key default gen_random_uuid(),
    kind text not null check (kind in ('source-failing', 'silent-week')),
    subject text not null,
    message text not null,
    at timestamptz not null default now(),
    resolved_at timestamptz
  )`,
  // Told once: a second one of the same matter has to wait until the first is resolved.
  `create unique index notices_open on notices (kind, subject) where resolved_at is null`,
];
