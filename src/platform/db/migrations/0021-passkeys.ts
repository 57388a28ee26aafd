import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // A link that the operator's command printed works in any browser: it has no cookie to match.
  `alter table desk_links alter column browser_hash drop not null`,

  // Editors prove with a passkey that they are who reads the mail. Only public keys are kept.
  `create table desk_passkeys (
    id uuid primary key default gen_random_uuid(),
    email text not null,
    credential_id text not null unique,
    public_key text not null,
    counter bigint not null,
    user_handle text not null,
    transports text[] not null,
    name text not null check (name <> ''),
    is_synced boolean not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz
  )`,
  `create index desk_passkeys_by_email on desk_passkeys (email, created_at)`,

  // The passkey that was used in a session, and when it was used last. The passkey may be gone by now.
  `alter table desk_sessions add column passkey_id uuid, add column passkey_at timestamptz`,

  // What a passkey has to sign: one challenge a session and purpose, taken once.
  `create table desk_challenges (
    session_hash text not null references desk_sessions on delete cascade,
    purpose text not null check (purpose in ('register', 'authenticate')),
    challenge text not null,
    expires_at timestamptz not null,
    primary key (session_hash, purpose)
  )`,

  // The log is append-only, so how often something was refused in an hour is counted beside it. A count above its
  // quota has one summary in the log, which shows the count.
  `create table desk_refusals (
    bucket text not null,
    hour timestamptz not null,
    count integer not null,
    primary key (bucket, hour)
  )`,
  `create index desk_refusals_by_hour on desk_refusals (hour)`,
];
