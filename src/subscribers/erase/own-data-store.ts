import { sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';
import type { SubscriberStatus } from '../../platform/db/schema.ts';
import { deleteEvidenceOfForgotten } from '../consent-log/consent-log-store.ts';

/** Everything in the database about one person, as they may have it (GDPR Art. 15 and 20); moments in ISO 8601. */
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
  /** These and the rest: the oldest first. */
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
  /** For what a link in an issue may not do; the links themselves are not kept. */
  freshLinks: { purpose: string; createdAt: string; expiresAt: string; usedAt: string | null }[];
}

/** @returns undefined for somebody who is not in the database. */
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
 * Forgets a person, in one transaction. Their address goes from every table, with their topics and votes, where they
 * came from and what was still to be mailed; what stays is a row without a person, which the ledger and the
 * consent log point to. A hash of the address is kept, salted, so that no import brings it back; with `key`
 * that is done for an address nobody has, too. In force when it commits: a delivery that is not claimed yet
 * is excluded. Twice is once.
 * @param who the subscriber's id, or the `key` of an {@link Address}.
 * @param method who asked, as the consent log says it: `post_button`, `admin`.
 * @param record writes it into another log too, in the same transaction.
 * @returns whether somebody was forgotten now.
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

/** The same in a transaction of the caller's. */
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
  // Who came back and goes again is erased from today on.
  await sql`
    insert into erased_addresses (hash) values (address_hash(${key})) on conflict (hash) do update set at = now()
  `.execute(tx);
  // What waits for its answer, what somebody else asked for this address, an editor's sign-in.
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
  // The link by which they are erased stays, used up, so that pressing its button again is answered truly.
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

/** A mail that was kept outside the database. */
export interface StoredMail {
  /** Of its delivery or its row in `mails`. */
  id: string | null;
  /** The `key` of an {@link Address}. */
  key: string;
  at: Date;
}

/** Which of these mails were to people who have been erased since: by whom they were for, or by their address. */
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
