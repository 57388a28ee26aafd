import { sql } from 'kysely';
import type { Connection } from '../platform/db/database.ts';
import type { AuditAction, AuditEntry, ListedAudit } from './audit/audit-actions.ts';

export async function insertLink(
  tx: Connection,
  {
    tokenHash,
    browserHash,
    email,
    minutes,
  }: { tokenHash: string; browserHash: string | null; email: string; minutes: number },
): Promise<void> {
  await sql`
    insert into desk_links (token_hash, browser_hash, email, expires_at)
    values (${tokenHash}, ${browserHash}, ${email}, now() + make_interval(mins => ${minutes}))
  `.execute(tx);
}

/** Returns a link, locked until the transaction ends. */
export async function selectLink(
  tx: Connection,
  tokenHash: string,
): Promise<{ email: string; browserHash: string | null; used: boolean; expired: boolean } | undefined> {
  const { rows } = await sql<{ email: string; browserHash: string | null; used: boolean; expired: boolean }>`
    select email, browser_hash as "browserHash", used_at is not null as used, expires_at <= now() as expired
    from desk_links where token_hash = ${tokenHash} for update
  `.execute(tx);
  return rows[0];
}

export async function updateLinkUsed(tx: Connection, tokenHash: string): Promise<void> {
  await sql`update desk_links set used_at = now() where token_hash = ${tokenHash}`.execute(tx);
}

export async function insertSession(tx: Connection, tokenHash: string, email: string): Promise<void> {
  await tx.insertInto('desk_sessions').values({ token_hash: tokenHash, email }).execute();
}

export interface SessionRow {
  email: string;
  /** Why the session is no longer valid; null while it is. */
  over: 'ended' | 'too old' | null;
  /** Whether its clock is {@link SEEN_STEP_MINUTES} behind. */
  stale: boolean;
  usedPasskey: boolean;
  ownsPasskey: boolean;
  /** Whether its owner proved their identity recently: with a passkey, if they have one. */
  isFresh: boolean;
}

/** The clock of a session moves in steps, so that reading pages rarely writes. */
const SEEN_STEP_MINUTES = 5;

/** How long a session lasts, and how long a proof of identity is fresh. */
export interface SessionLimits {
  idleHours: number;
  maxDays: number;
  freshMinutes: number;
}

export async function selectSession(
  db: Connection,
  tokenHash: string,
  { idleHours, maxDays, freshMinutes }: SessionLimits,
): Promise<SessionRow | undefined> {
  const { rows } = await sql<SessionRow>`
    select s.email, s.seen_at < now() - make_interval(mins => ${SEEN_STEP_MINUTES}) as stale,
      case when s.ended_at is not null then 'ended'
        when s.seen_at <= now() - make_interval(hours => ${idleHours}) then 'too old'
        when s.created_at <= now() - make_interval(days => ${maxDays}) then 'too old'
      end as over,
      s.passkey_at is not null as "usedPasskey", p.owned as "ownsPasskey",
      coalesce(s.passkey_at, case when not p.owned then s.created_at end, '-infinity')
        > now() - make_interval(mins => ${freshMinutes}) as "isFresh"
    from desk_sessions s,
      lateral (select exists (select from desk_passkeys k where k.email = s.email) as owned) p
    where s.token_hash = ${tokenHash}
  `.execute(db);
  return rows[0];
}

export async function touchSession(db: Connection, tokenHash: string): Promise<void> {
  await sql`update desk_sessions set seen_at = now() where token_hash = ${tokenHash} and ended_at is null`.execute(
    db,
  );
}

export async function updateSessionEnded(tx: Connection, tokenHash: string): Promise<void> {
  await sql`update desk_sessions set ended_at = now() where token_hash = ${tokenHash} and ended_at is null`.execute(
    tx,
  );
}

/** @returns how many there were. */
export async function updateSessionsEnded(tx: Connection, email: string): Promise<number> {
  const { numAffectedRows } =
    await sql`update desk_sessions set ended_at = now() where email = ${email} and ended_at is null`.execute(
      tx,
    );
  return Number(numAffectedRows ?? 0n);
}

/** Ends the unused sign-in links of an editor. @returns how many there were. */
export async function updateLinksEnded(tx: Connection, email: string): Promise<number> {
  const { numAffectedRows } = await sql`
    update desk_links set expires_at = now() where email = ${email} and used_at is null and expires_at > now()
  `.execute(tx);
  return Number(numAffectedRows ?? 0n);
}

/** Ends the sessions, sign-in links and review links of everybody except these editors. */
export async function updateAccessEnded(
  tx: Connection,
  editors: readonly string[],
): Promise<{ email: string; sessions: number; links: number }[]> {
  const { rows } = await sql<{ email: string; sessions: number; links: number }>`
    with sessions as (
      update desk_sessions set ended_at = now()
      where ended_at is null and email <> all(${editors}::text[]) returning email
    ), links as (
      update desk_links set expires_at = now()
      where used_at is null and expires_at > now() and email <> all(${editors}::text[]) returning email
    ), reviews as (
      update desk_reviews set revoked_at = now()
      where revoked_at is null and expires_at > now() and who <> all(${editors}::text[]) returning who
    )
    select email, count(*) filter (where is_session) as sessions, count(*) filter (where not is_session) as links
    from (
      select email, true as is_session from sessions
      union all select email, false from links
      union all select who, false from reviews
    ) ended
    group by email order by email
  `.execute(tx);
  return rows;
}

/** How long a review link is valid. */
const REVIEW_LINK_DAYS = 7;

export async function insertReview(
  tx: Connection,
  review: { id: string; tokenHash: string; keyId: string; issueId: string; who: string },
): Promise<void> {
  await sql`
    insert into desk_reviews (id, token_hash, key_id, issue_id, who, expires_at)
    values (${review.id}, ${review.tokenHash}, ${review.keyId}, ${review.issueId}, ${review.who},
      now() + make_interval(days => ${REVIEW_LINK_DAYS}))
  `.execute(tx);
}

export async function selectReviews(
  db: Connection,
  issueId: string,
): Promise<{ id: string; keyId: string; who: string; expiresAt: Date }[]> {
  const { rows } = await sql<{ id: string; keyId: string; who: string; expiresAt: Date }>`
    select id, key_id as "keyId", who, expires_at as "expiresAt" from desk_reviews
    where issue_id = ${issueId} and revoked_at is null and expires_at > now()
    order by created_at desc
  `.execute(db);
  return rows;
}

/** @returns whether it was valid until now. */
export async function updateReviewRevoked(tx: Connection, id: string, issueId: string): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update desk_reviews set revoked_at = now()
    where id = ${id} and issue_id = ${issueId} and revoked_at is null
  `.execute(tx);
  return numAffectedRows === 1n;
}

export async function selectReview(db: Connection, tokenHash: string): Promise<string | undefined> {
  const { rows } = await sql<{ issueId: string }>`
    select issue_id as "issueId" from desk_reviews
    where token_hash = ${tokenHash} and revoked_at is null and expires_at > now()
  `.execute(db);
  return rows[0]?.issueId;
}

export async function insertAudit(tx: Connection, { who, what, issue, details }: AuditEntry): Promise<void> {
  await tx
    .insertInto('desk_audit')
    .values({ who, what, issue: issue ?? null, details: JSON.stringify(details ?? {}) })
    .execute();
}

/** The counts of hours that stayed within the quota are deleted after this. */
const REFUSALS_RETENTION_DAYS = 30;

/**
 * Counts a refusal and lists it, in one statement. The first one above the hourly quota is listed as the summary of
 * all later ones; those are only counted.
 */
export async function insertRefusal(
  db: Connection,
  { who, what, issue, details = {} }: AuditEntry,
  { bucket, quota }: { bucket: string; quota: number },
): Promise<void> {
  await sql`
    with forgotten as (
      delete from desk_refusals where hour < now() - make_interval(days => ${REFUSALS_RETENTION_DAYS}) and count <= ${quota}
    ), counted as (
      insert into desk_refusals (bucket, hour, count) values (${bucket}, date_trunc('hour', now(), 'UTC'), 1)
      on conflict (bucket, hour) do update set count = desk_refusals.count + 1
      returning hour, count
    )
    insert into desk_audit (who, what, issue, details)
    select ${who}, ${what}, ${issue ?? null}, case when count <= ${quota} then ${JSON.stringify(details)}::jsonb
      else jsonb_build_object('summary',
        jsonb_build_object('bucket', ${bucket}::text, 'hour', hour, 'quota', ${quota}::int)) end
    from counted where count <= ${quota} + 1
  `.execute(db);
}

export async function selectAudit(
  db: Connection,
  { before, limit }: { before?: number | undefined; limit: number },
): Promise<ListedAudit[]> {
  const { rows } = await sql<{
    id: number;
    at: Date;
    who: string | null;
    what: AuditAction;
    issue: string | null;
    details: Record<string, unknown>;
    hour: Date | null;
    above: number | null;
  }>`
    select a.id, a.at, a.who, a.what, a.issue, a.details, r.hour,
      r.count - (a.details->'summary'->>'quota')::int as above
    from (
      select * from desk_audit where ${before ?? null}::bigint is null or id < ${before ?? null}
      order by id desc limit ${limit}
    ) a
    left join desk_refusals r
      on r.bucket = a.details->'summary'->>'bucket' and r.hour = (a.details->'summary'->>'hour')::timestamptz
    order by a.id desc
  `.execute(db);
  return rows.map(({ id, at, who, what, issue, details, hour, above }) => ({
    ...{ id, at, who, what, details },
    issue: issue ?? undefined,
    ...(hour === null || above === null ? {} : { details: {}, summary: { hour, count: above } }),
  }));
}

/** Returns the details of the last entry about a take-down of a comparison. */
export async function selectTakeDown(
  db: Connection,
  comparison: string,
): Promise<Record<string, unknown> | undefined> {
  const { rows } = await sql<{ details: Record<string, unknown> }>`
    select details from desk_audit where what = 'comparison_hidden' and details ->> 'comparison' = ${comparison}
    order by at desc limit 1
  `.execute(db);
  return rows[0]?.details;
}
