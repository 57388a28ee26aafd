import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Whatever a stranger can make us mail begins as a row here, whichever form it came from, and is answered by a
  // job. `sign_ups` was this table for one form.
  `create table mail_requests (
    id uuid primary key default gen_random_uuid(),
    kind text not null,
    email text not null,
    email_key text not null,
    limit_key text not null,
    domain text not null,
    details jsonb not null default '{}',
    is_suspicious boolean not null,
    ip text,
    user_agent text,
    created_at timestamptz not null default now(),
    due_at timestamptz not null default now()
  )`,
  `create index mail_requests_by_time on mail_requests (due_at)`,
  `insert into mail_requests (id, kind, email, email_key, limit_key, domain, details, is_suspicious, ip, user_agent,
      created_at, due_at)
    select id, 'sign_up', email, email_key, limit_key, split_part(email_key, '@', 2),
      jsonb_build_object('topics', to_jsonb(topics), 'timezone', timezone, 'source', source, 'locale', locale,
        'consentVersion', consent_version, 'privacy', case when privacy_url is not null
          then jsonb_build_object('url', privacy_url, 'version', privacy_version) end),
      is_suspicious, ip, user_agent, created_at, due_at
    from sign_ups`,
  `drop table sign_ups`,

  // Requests that took their place in the limits, whether or not a mail came of it: how many an inbox may have left
  // must not tell whether it is known.
  `create table mail_request_counts (
    id bigint generated always as identity primary key,
    share text not null,
    limit_key text not null,
    domain text not null,
    is_suspicious boolean not null,
    at timestamptz not null default now()
  )`,
  `create index mail_request_counts_by_inbox on mail_request_counts (limit_key, at)`,
  `create index mail_request_counts_by_time on mail_request_counts (at)`,
  `insert into mail_request_counts (share, limit_key, domain, is_suspicious, at)
    select 'newcomers', limit_key, domain, is_suspicious, at from sign_up_mails`,
  `drop table sign_up_mails`,

  // The budget of a domain grows with its readers.
  `create index subscribers_active_by_domain on subscribers (split_part(email_key, '@', 2)) where status = 'active'`,
  // A test goes to nobody who is suppressed, in whatever spelling.
  `create index subscribers_suppressed_by_domain on subscribers (split_part(email_key, '@', 2))
    where status = 'suppressed'`,

  // A person lifts what a bounce did.
  `alter table consent_events drop constraint consent_events_event_check`,
  `alter table consent_events add constraint consent_events_event_check
    check (event in ('requested', 'confirm_sent', 'confirmed', 'preference_changed', 'unsubscribed', 'resubscribed',
      'suppressed', 'restored', 'erased'))`,
];
