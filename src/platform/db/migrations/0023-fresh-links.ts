import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // A link in an issue may have been forwarded. What hands out or ends all that is known of somebody takes a link that
  // was mailed to them just now, for that one purpose. Only its hash is here, and no address. Docs: ADR 20.
  `create table fresh_links (
    token_hash text primary key,
    subscriber_id uuid not null references subscribers,
    purpose text not null check (purpose in ('export', 'erase', 'change_address')),
    token_version integer not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz
  )`,
  `create index fresh_links_by_subscriber on fresh_links (subscriber_id)`,
  `create index fresh_links_by_time on fresh_links (created_at)`,

  // These links have a table of their own; no row was ever made here.
  `alter table confirmations drop constraint confirmations_purpose_check`,
  `alter table confirmations add constraint confirmations_purpose_check check (purpose in ('subscribe', 'change'))`,
];
