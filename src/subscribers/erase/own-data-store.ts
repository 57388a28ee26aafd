import { sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';
import type { SubscriberStatus } from '../../platform/db/schema.ts';
import { deleteEvidenceOfForgotten } from '../consent-log/consent-log-store.ts';

/**
 * Everything in the database about one person, as the right of access gives it (GDPR Art. 15 and 20). Times are ISO
 * 8601.
 */
export interface OwnData {
  subscriber: {
    email: string;
    status: SubscriberStatus;
    topics: string[];
    timezone: string | null;
    createdAt: string;
    confirmedAt: string | null;
    leftAt: string | null;
    pausedUntil: string | null;
    reason: string | null;
  };
  /** This list and the lists below: oldest first. */
  consents: {
    event: string;
    at: string;
    method: string;
    source: string | null;
    details: Record<string, unknown>;
    ip: string | null;
    userAgent: string | null;
  }[];
  deliveries: { issue: string; status: string; reason: string | null; submittedAt: string | null }[];
  votes: { tool: string; call: string; comparison: string; at: string; state: string }[];
  mails: { kind: string; to: string; status: string; createdAt: string; sentAt: string | null }[];
  /** Requests for fresh links. The links themselves are not stored. */
  freshLinks: { purpose: string; createdAt: string; expiresAt: string; usedAt: string | null }[];
}

/** @returns undefined when the person is not in the database. */
export async function exportSubscriber(db: Connection, id: string): Promise<OwnData | undefined> {
  const { rows } = await sql<OwnData>`
    select
      jsonb_build_object('email', s.email, 'status', s.status, 'topics', to_jsonb(s.topics), 'timezone', s.timezone,
        'createdAt', s.created_at, 'confirmedAt', s.confirmed_at, 'leftAt', s.left_at, 'pausedUntil', s.paused_until,
        'reason', s.reason) as subscriber,
      coalesce((
        select jsonb_agg(jsonb_build_object('event', c.event, 'at', c.at, 'method', c.method, 'source', c.source,
          'details', c.details, 'ip', e.ip, 'userAgent', e.user_agent) order by c.id)
        from consent_events c left join consent_evidence e on e.event_id = c.id where c.subscriber_id = s.id
      ), '[]') as consents,
      coalesce((
        select jsonb_agg(jsonb_build_object('issue', i.slug, 'status', d.status, 'reason', d.reason,
          'submittedAt', d.submitted_at) order by i.slot)
        from deliveries d join issues i on i.id = d.issue_id where d.subscriber_id = s.id
      ), '[]') as deliveries,
      coalesce((
        select jsonb_agg(jsonb_build_object('tool', v.tool_key, 'call', v.call, 'comparison', c.slug, 'at', v.at,
          'state', v.state)
          order by v.at)
        from votes v join comparisons c on c.id = v.comparison_id where v.subscriber_id = s.id
      ), '[]') as votes,
      coalesce((
        select jsonb_agg(jsonb_build_object('kind', m.kind, 'to', coalesce(m.recipient, s.email), 'status', m.status,
          'createdAt', m.created_at, 'sentAt', m.sent_at) order by m.created_at)
        from mails m where m.subscriber_id = s.id
      ), '[]') as mails,
      coalesce((
        select jsonb_agg(jsonb_build_object('purpose', f.purpose, 'createdAt', f.created_at, 'expiresAt', f.expires_at,
          'usedAt', f.used_at) order by f.created_at)
        from fresh_links f where f.subscriber_id = s.id
      ), '[]') as "freshLinks"
    from subscribers s where s.id = ${id}
  `.execute(db);
  return rows[0];
}

/**
 * Forgets a person, in one transaction. Every table loses their address, topics, votes, origin and unsent mail. A row
 * without personal data stays, because the ledger and the consent log refer to it. A salted hash of the address is
 * stored, so that no import adds the person again; with `key`, it is stored even when no subscriber has the address. It
 * takes effect on commit: a delivery that is not claimed yet is excluded. A second call changes nothing.
 * @param who the subscriber's id, or the `key` of an {@link Address}.
 * @param method for the consent log: `post_button`, `admin`.
 * @param record writes an entry in another log, in the same transaction.
 * @returns whether this call forgot somebody.
 */
export async function eraseSubscriber(
  db: Connection,
  who: { id: string } | { key: string },
  method: string,
  record?: (tx: Connection) => Promise<unknown>,
): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const isForgotten = await forgetPerson(tx, who, method);
    if (isForgotten) await record?.(tx);
    return isForgotten;
  });
}

/** The same, within the caller's transaction. */
export async function forgetPerson(
  tx: Connection,
  who: { id: string } | { key: string },
  method: string,
): Promise<boolean> {
  const { rows } = await sql<{ id: string; key: string }>`
    select id, email_key as key from subscribers
    where ${'id' in who ? sql`id = ${who.id}` : sql`email_key = ${who.key}`} and reason is distinct from 'erased'
    for update
  `.execute(tx);
  const [person] = rows;
  const key = person?.key ?? ('key' in who ? who.key : undefined);
  if (key === undefined) return false;
  // A person who came back and is erased again gets today's date.
  await sql`
    insert into erased_addresses (hash) values (address_hash(${key})) on conflict (hash) do update set at = now()
  `.execute(tx);
  // Pending requests, requests that somebody else made for this address, and an editor's sign-in.
  await sql`delete from mail_requests where email_key = ${key}`.execute(tx);
  await sql`delete from confirmations where email_key = ${key}`.execute(tx);
  await sql`delete from mails where subscriber_id is null and lower(recipient) = ${key}`.execute(tx);
  await sql`
    update mails set recipient = null, content = '{}', lease_id = null, lease_until = null,
      status = case status when 'pending' then 'dropped' else status end,
      reason = case status when 'pending' then 'erased' else reason end
    where lower(recipient) = ${key} or subscriber_id = ${person?.id ?? null}::uuid
  `.execute(tx);
  if (person === undefined) return false;

  const { id } = person;
  await sql`delete from mail_requests where details->>'subscriberId' = ${id}`.execute(tx);
  await sql`delete from confirmations where subscriber_id = ${id}`.execute(tx);
  // The link that erases stays, marked as used, so that a second press of its button gets a correct answer.
  await sql`
    delete from fresh_links where subscriber_id = ${id} and (purpose <> 'erase' or used_at is null)
  `.execute(tx);
  await sql`delete from votes where subscriber_id = ${id}`.execute(tx);
  await sql`
    with erased as (
      update subscribers set email = '', email_key = 'erased:' || id, status = 'suppressed', reason = 'erased',
        topics = '{}', timezone = null, paused_until = null, left_at = coalesce(left_at, now())
      where id = ${id}
      returning id
    )
    insert into consent_events (subscriber_id, event, method) select id, 'erased', ${method} from erased
  `.execute(tx);
  await deleteEvidenceOfForgotten(tx, [id]);
  return true;
}

/** A mail stored outside the database, in the outbox. */
export interface StoredMail {
  /** The id of its delivery or of its row in `mails`. */
  id: string | null;
  /** The `key` of an {@link Address}. */
  key: string;
  at: Date;
}

/** Finds mails to people who have been erased since, by subscriber or by address. */
export async function findErased<Mail extends StoredMail>(
  db: Connection,
  mails: readonly Mail[],
): Promise<Mail[]> {
  if (mails.length === 0) return [];
  const given = mails.map(({ id, key, at }, place) => ({ place, id, key, at }));
  const { rows } = await sql<{ place: number }>`
    select g.place from jsonb_to_recordset(${JSON.stringify(given)}::jsonb) as g (place int, id uuid, key text,
      at timestamptz)
    where exists (
      select from deliveries d join subscribers s on s.id = d.subscriber_id where d.id = g.id and s.email = ''
    ) or exists (
      select from mails m join subscribers s on s.id = m.subscriber_id where m.id = g.id and s.email = ''
    ) or exists (select from erased_addresses e where e.hash = address_hash(g.key) and e.at >= g.at)
  `.execute(db);
  return rows.flatMap(({ place }) => mails[place] ?? []);
}
