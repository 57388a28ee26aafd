import { sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';
import {
  BUDGET_OF_DOMAIN_AT_MOST,
  foldAddress,
  type MailRequestKind,
  POSTPONED_MINUTES,
  type Share,
} from './request-policy.ts';

/** A request that may cause a mail, as a form sends it. */
export interface NewMailRequest {
  kind: MailRequestKind;
  /** The address that would be mailed; `key` identifies the person. */
  address: { email: string; key: string };
  /** What the handler needs; nothing secret, no token. */
  details?: Record<string, unknown>;
  /** It looks like a machine's request. */
  isSuspicious?: boolean;
  evidence?: { ip: string | null; userAgent: string | null };
}

/**
 * Stores a request, to be answered later. It is one statement, the same for every address, and reads no subscriber, so
 * that its duration reveals nothing. With `isKept: false` it takes as long and stores nothing.
 */
export async function addMailRequest(
  db: Connection,
  { kind, address, details = {}, isSuspicious = false, evidence }: NewMailRequest,
  isKept = true,
): Promise<void> {
  await sql`
    insert into mail_requests (kind, email, email_key, limit_key, domain, details, is_suspicious, ip, user_agent)
    select ${kind}::text, ${address.email}::text, ${address.key}::text, address_hash(${foldAddress(address.key)}),
      split_part(${address.key}::text, '@', 2), ${JSON.stringify(details)}::jsonb, ${isSuspicious}::boolean,
      ${evidence?.ip ?? null}::text, ${evidence?.userAgent ?? null}::text
    where ${isKept}::boolean
  `.execute(db);
}

/** A pending request. */
export interface MailRequest {
  id: string;
  kind: MailRequestKind;
  email: string;
  emailKey: string;
  /** `address_hash` of the folded address. */
  inbox: string;
  domain: string;
  details: Record<string, unknown>;
  isSuspicious: boolean;
  ip: string | null;
  userAgent: string | null;
  ageSeconds: number;
}

/** Locks the counters until the transaction ends. */
export async function lockCounts(tx: Connection): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('weekly-verdict mail requests'))`.execute(tx);
}

/** Due requests, in the order of their arrival. They stay locked until the transaction ends. */
export async function lockDueRequests(
  tx: Connection,
  kinds: readonly MailRequestKind[],
  limit: number,
): Promise<MailRequest[]> {
  await lockCounts(tx);
  const { rows } = await sql<MailRequest>`
    select id, kind, email, email_key as "emailKey", limit_key as inbox, domain, details,
      is_suspicious as "isSuspicious", ip, user_agent as "userAgent",
      extract(epoch from now() - created_at)::float8 as "ageSeconds"
    from (
      select * from mail_requests where due_at <= now() and kind = any(${kinds}::text[])
      order by due_at, arrival limit ${limit}
    ) due order by arrival
  `.execute(tx);
  return rows;
}

/** Returns which of these inboxes are blocked. */
export async function refusedAmong(db: Connection, inboxes: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql<{ inbox: string }>`
    select limit_key as inbox from refused_inboxes where limit_key = any(${inboxes}::text[])
  `.execute(db);
  return new Set(rows.map(({ inbox }) => inbox));
}

/** Counted requests for these inboxes, as far back as any limit looks. */
export async function answeredFor(
  tx: Connection,
  inboxes: readonly string[],
): Promise<{ share: Share; inbox: string; ageSeconds: number }[]> {
  const { rows } = await sql<{ share: Share; inbox: string; ageSeconds: number }>`
    select share, limit_key as inbox, extract(epoch from now() - at)::float8 as "ageSeconds"
    from mail_request_counts
    where limit_key = any(${inboxes}::text[]) and at > now() - make_interval(days => ${COUNTED_DAYS})
  `.execute(tx);
  return rows;
}

/** Counted by domain, for the hourly budgets. */
export async function answeredLastHour(
  tx: Connection,
): Promise<{ share: Share; domain: string; isSuspicious: boolean; count: number }[]> {
  const { rows } = await sql<{ share: Share; domain: string; isSuspicious: boolean; count: number }>`
    select share, domain, is_suspicious as "isSuspicious", count(*)::int as count
    from mail_request_counts where at > now() - interval '1 hour'
    group by share, domain, is_suspicious
  `.execute(tx);
  return rows;
}

/** Confirmed readers of these domains, counted up to the number at which a budget stops growing. */
export async function readersByDomain(
  tx: Connection,
  domains: readonly string[],
): Promise<Map<string, number>> {
  const { rows } = await sql<{ domain: string; count: number }>`
    select d.domain, r.count from unnest(${domains}::text[]) as d (domain) cross join lateral (
      select count(*)::int as count from (
        select from subscribers where split_part(email_key, '@', 2) = d.domain and status = 'active'
        limit ${BUDGET_OF_DOMAIN_AT_MOST}
      ) found
    ) r
  `.execute(tx);
  return new Map(rows.map(({ domain, count }) => [domain, count]));
}

/** The fields that are counted against limits. */
export type Counted = Pick<MailRequest, 'inbox' | 'domain' | 'isSuspicious'> & { share: Share };

/** Counts requests against the limits. */
export async function countRequests(tx: Connection, requests: readonly Counted[]): Promise<void> {
  const rows = requests.map(({ share, inbox, domain, isSuspicious }) => ({
    share,
    limit_key: inbox,
    domain,
    is_suspicious: isSuspicious,
  }));
  await sql`
    insert into mail_request_counts (share, limit_key, domain, is_suspicious)
    select share, limit_key, domain, is_suspicious from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r (share text, limit_key text, domain text, is_suspicious boolean)
  `.execute(tx);
}

/** Deletes answered requests; the others are checked again after {@link POSTPONED_MINUTES}. */
export async function closeRequests(tx: Connection, done: string[], postponed: string[]): Promise<void> {
  await sql`delete from mail_requests where id = any(${done}::uuid[])`.execute(tx);
  if (postponed.length === 0) return;
  await sql`
    update mail_requests set due_at = now() + make_interval(mins => ${POSTPONED_MINUTES}) where id = any(${postponed}::uuid[])
  `.execute(tx);
}

/** Domains whose requests wait because an hourly budget is exceeded. */
export async function postponedDomains(db: Connection): Promise<string[]> {
  const { rows } = await sql<{ domain: string }>`
    select distinct domain from mail_requests where due_at > created_at
  `.execute(db);
  return rows.map(({ domain }) => domain);
}

/** As far back as the longest limit looks. */
const COUNTED_DAYS = 30;

/** Deletes counters that no limit reads any more. */
export async function forgetOldCounts(db: Connection): Promise<void> {
  await sql`
    delete from mail_request_counts where at < now() - make_interval(days => ${COUNTED_DAYS})
  `.execute(db);
}

/** Blocks this inbox in every spelling, until a person lifts it (I7). */
export async function refuseInbox(db: Connection, emailKey: string): Promise<void> {
  await sql`
    insert into refused_inboxes (limit_key) values (address_hash(${foldAddress(emailKey)}))
    on conflict (limit_key) do nothing
  `.execute(db);
}

/** The inbox of each address key, as it is counted. */
export async function inboxesOf(
  db: Connection,
  emailKeys: readonly string[],
): Promise<{ emailKey: string; inbox: string; domain: string }[]> {
  const typed = emailKeys.map((key) => ({ key, folded: foldAddress(key) }));
  const { rows } = await sql<{ emailKey: string; inbox: string; domain: string }>`
    select key as "emailKey", address_hash(folded) as inbox, split_part(key, '@', 2) as domain
    from jsonb_to_recordset(${JSON.stringify(typed)}::jsonb) as r (key text, folded text)
  `.execute(db);
  return rows;
}

/** Returns which of these address keys belong to a blocked inbox, in any spelling. */
export async function refusedKeysAmong(db: Connection, emailKeys: readonly string[]): Promise<string[]> {
  const inboxes = await inboxesOf(db, emailKeys);
  const refused = await refusedAmong(
    db,
    inboxes.map(({ inbox }) => inbox),
  );
  return inboxes.filter(({ inbox }) => refused.has(inbox)).map(({ emailKey }) => emailKey);
}
