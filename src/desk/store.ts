import { sql } from 'kysely';
import type { Connection } from '../db/index.ts';
import type { AuditEntry, Deed } from './deeds.ts';

export async function insertLink(
  tx: Connection,
  { tokenHash, browserHash, email }: { tokenHash: string; browserHash: string; email: string },
): Promise<void> {
  await sql`
    insert into desk_links (token_hash, browser_hash, email, expires_at)
    values (${tokenHash}, ${browserHash}, ${email}, now() + interval '15 minutes')
  `.execute(tx);
}

/** A link that nobody else uses until the transaction ends. */
export async function selectLink(
  tx: Connection,
  tokenHash: string,
): Promise<{ email: string; browserHash: string; used: boolean; expired: boolean } | undefined> {
  const { rows } = await sql<{ email: string; browserHash: string; used: boolean; expired: boolean }>`
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

/** A living session: seen within 12 hours, and not older than 30 days. `stale`: its clock is 5 minutes behind. */
export async function selectSession(
  db: Connection,
  tokenHash: string,
): Promise<{ email: string; stale: boolean } | undefined> {
  const { rows } = await sql<{ email: string; stale: boolean }>`
    select email, seen_at < now() - interval '5 minutes' as stale from desk_sessions
    where token_hash = ${tokenHash} and ended_at is null
      and seen_at > now() - interval '12 hours' and created_at > now() - interval '30 days'
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

export async function insertReview(
  tx: Connection,
  review: { id: string; tokenHash: string; keyId: string; issueId: string; who: string },
): Promise<void> {
  await sql`
    insert into desk_reviews (id, token_hash, key_id, issue_id, who, expires_at)
    values (${review.id}, ${review.tokenHash}, ${review.keyId}, ${review.issueId}, ${review.who},
      now() + interval '7 days')
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

/** @returns whether it was open until now. */
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

/** Of one kind, in the last hour. */
export async function countRefusals(db: Connection, what: Deed): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from desk_audit where what = ${what} and at > now() - interval '1 hour'
  `.execute(db);
  return rows[0]?.count ?? 0;
}

export async function selectAudit(
  db: Connection,
  { before, limit }: { before?: number | undefined; limit: number },
): Promise<(AuditEntry & { id: number; at: Date })[]> {
  let query = db.selectFrom('desk_audit').selectAll().orderBy('id', 'desc').limit(limit);
  if (before !== undefined) query = query.where('id', '<', before);
  const rows = await query.execute();
  return rows.map(({ id, at, who, what, issue, details }) => ({
    id,
    at,
    who,
    what: what as Deed,
    issue: issue ?? undefined,
    details: details as Record<string, unknown>,
  }));
}

/** Details of the last entry about taking down a comparison. */
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

/** @returns whether it is the first of its kind. */
export async function insertReminder(
  tx: Connection,
  issueId: string,
  kind: 'ready' | 'slot_nears',
): Promise<boolean> {
  const { rows } = await sql`
    insert into reminders (issue_id, kind) values (${issueId}, ${kind}) on conflict do nothing returning kind
  `.execute(tx);
  return rows.length > 0;
}
