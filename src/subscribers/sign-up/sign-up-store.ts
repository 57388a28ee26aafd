import { sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';
import type { SubscriberStatus } from '../../platform/db/schema.ts';
import { CONFIRM_LINK_HOURS } from '../../transactional/link-lifetimes.ts';
import { PER_INBOX } from '../../transactional/requests/request-policy.ts';
import { addMailRequest, forgetOldCounts, refuseInbox } from '../../transactional/requests/request-store.ts';
import type { Address } from '../address.ts';
import { deleteEvidenceOfForgotten } from '../consent-log/consent-log-store.ts';
import { BOUNCE_REASONS, REFUSED_REASON } from '../suppression.ts';
import type { ConsentText, PrivacyNote } from './consent.ts';
import { AFTER_BOUNCE, ALREADY_DAYS, PENDING_DAYS } from './limits.ts';

/** Where a consent came from, stored only as long as it is needed. */
export interface Evidence {
  ip: string | null;
  userAgent: string | null;
}

/** What the form says of a new reader: the details of a `sign_up` request. */
export interface SignUpDetails {
  /** Sorted; empty = everything. */
  topics: string[];
  timezone: string | null;
  /** The form's name. */
  source: string | null;
  /** The browser's language; null without a form. */
  locale: string | null;
  /** The privacy note that the form linked to. */
  privacy: PrivacyNote | null;
  consentVersion: string;
}

export interface SignUp extends Omit<SignUpDetails, 'consentVersion' | 'locale' | 'privacy'> {
  address: Address;
  locale?: string | null;
  privacy?: PrivacyNote | null;
  isSuspicious: boolean;
  evidence: Evidence;
}

/** Stores a sign-up, which a job answers later. The statements are the same for every address. */
export async function addSignUp(
  db: Connection,
  { address, topics, timezone, source, locale = null, privacy = null, isSuspicious, evidence }: SignUp,
  consent: ConsentText,
  isKept: boolean,
): Promise<void> {
  await sql`
    insert into consent_texts (version, hash, text) values (${consent.version}, ${consent.hash}, ${consent.text})
    on conflict (version) do nothing
  `.execute(db);
  const details: SignUpDetails = {
    topics,
    timezone,
    source,
    locale,
    privacy,
    consentVersion: consent.version,
  };
  await addMailRequest(
    db,
    { kind: 'sign_up', address, details: { ...details }, isSuspicious, evidence },
    isKept,
  );
}

/** What the database knows of an address typed into the form. */
export interface KnownAddress {
  id: string;
  status: SubscriberStatus;
  reason: string | null;
  /** Whether they were recently reminded that they are already subscribed. */
  wasReminded: boolean;
  /** Ages of the confirm mails in seconds, as far back as {@link AFTER_BOUNCE} looks. */
  confirmMailAges: number[];
}

/** Looks up addresses in the database, by key. */
export async function knownAddresses(
  tx: Connection,
  emailKeys: readonly string[],
): Promise<Map<string, KnownAddress>> {
  const { rows } = await sql<KnownAddress & { key: string }>`
    select s.email_key as key, s.id, s.status, s.reason,
      exists (
        select from mails m where m.subscriber_id = s.id and m.kind = 'already'
          and m.created_at > now() - make_interval(days => ${ALREADY_DAYS})
      ) as "wasReminded",
      array(
        select extract(epoch from now() - m.created_at)::float8 from mails m
        where m.subscriber_id = s.id and m.kind = 'confirm'
          and m.created_at > now() - make_interval(secs => ${Math.max(...AFTER_BOUNCE.map(({ seconds }) => seconds))})
      ) as "confirmMailAges"
    from subscribers s where s.email_key = any(${emailKeys}::text[])
  `.execute(tx);
  return new Map(rows.map(({ key, ...known }) => [key, known]));
}

/** Whether a confirm mail was queued so recently that {@link PER_INBOX} allows no second one. */
export async function wasInvitedRecently(db: Connection, emailKey: string): Promise<boolean> {
  const { rows } = await sql`
    select from subscribers s join mails m on m.subscriber_id = s.id and m.kind = 'confirm'
    where s.email_key = ${emailKey}
      and m.created_at > now() - make_interval(secs => ${Math.min(...PER_INBOX.map(({ seconds }) => seconds))}) limit 1
  `.execute(db);
  return rows.length > 0;
}

/** A sign-up that gets a confirm mail. */
export interface Invited {
  signUpId: string;
  email: string;
  emailKey: string;
  details: SignUpDetails;
  ip: string | null;
  userAgent: string | null;
}

/**
 * Adds people as pending, in the latest spelling of their address. An unsubscribed or bounced person keeps their status
 * until they confirm.
 * @returns the subscriber of each sign-up; without people who became active or suppressed meanwhile.
 */
export async function createPending(
  tx: Connection,
  invited: readonly Invited[],
): Promise<Map<string, string>> {
  const rows = invited.map(({ signUpId, email, emailKey, details }) => ({
    id: signUpId,
    email,
    email_key: emailKey,
    timezone: details.timezone,
  }));
  const { rows: people } = await sql<{ signUpId: string; subscriberId: string }>`
    with asked as (
      select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as r (id uuid, email text, email_key text, timezone text)
    ), people as (
      insert into subscribers (email, email_key, status, timezone)
      select email, email_key, 'pending', timezone from asked
      on conflict (email_key) do update
        set email = case when subscribers.status = 'pending' then excluded.email else subscribers.email end
        where ${canConfirm}
      returning id, email_key
    )
    select a.id as "signUpId", p.id as "subscriberId" from asked a join people p on p.email_key = a.email_key
  `.execute(tx);
  return new Map(people.map(({ signUpId, subscriberId }) => [signUpId, subscriberId]));
}

/** Who can become a reader by a confirm link: not a person who complained, refused or was erased. */
const canConfirm = sql`(subscribers.status in ('pending', 'unsubscribed')
  or subscribers.status = 'suppressed' and subscribers.reason = any(${[...BOUNCE_REASONS]}::text[]))`;

export interface ConfirmationSent extends Pick<Invited, 'ip' | 'userAgent' | 'details'> {
  subscriberId: string;
  mailId: string;
  tokenHash: string;
}

/**
 * Records that people were asked to confirm: stores the link, which replaces every earlier one, and a consent event.
 */
export async function recordConfirmationSent(
  tx: Connection,
  asked: readonly ConfirmationSent[],
): Promise<void> {
  await sql`
    with asked as (
      select g."subscriberId" as subscriber_id, g."mailId" as mail_id, g."tokenHash" as token_hash, g.ip,
        g."userAgent" as user_agent, g.details->>'source' as source, g.details->>'timezone' as timezone,
        jsonb_build_object('topics', g.details->'topics', 'locale', g.details->'locale',
          'consent', jsonb_build_object('version', t.version, 'hash', t.hash),
          'privacy', g.details->'privacy') as asked_for
      from jsonb_to_recordset(${JSON.stringify(asked)}::jsonb) as g ("subscriberId" uuid, "mailId" uuid,
        "tokenHash" text, ip text, "userAgent" text, details jsonb)
      join consent_texts t on t.version = g.details->>'consentVersion'
    ), outdated as (
      update confirmations c set expires_at = now() from asked a
      where c.subscriber_id = a.subscriber_id and c.purpose = 'subscribe' and c.used_at is null
        and c.expires_at > now()
    ), links as (
      insert into confirmations (token_hash, purpose, subscriber_id, details, expires_at)
      select token_hash, 'subscribe', subscriber_id,
        asked_for || jsonb_build_object('timezone', timezone, 'source', source), now() + make_interval(hours => ${CONFIRM_LINK_HOURS})
      from asked
    ), events as (
      insert into consent_events (subscriber_id, event, method, source, details)
      select subscriber_id, 'requested', 'form', source, asked_for || jsonb_build_object('mail', mail_id)
      from asked
      returning id, subscriber_id
    )
    insert into consent_evidence (event_id, ip, user_agent)
    select e.id, a.ip, a.user_agent from events e join asked a on a.subscriber_id = e.subscriber_id
  `.execute(tx);
}

/**
 * Records that the confirm mail was sent, its wording, and the provider's id of the mail. Call it in the transaction
 * that records the provider's answer.
 */
export async function recordConfirmSent(
  tx: Connection,
  sent: { subscriberId: string; mailId: string; providerId: string },
  mailed: ConsentText,
): Promise<void> {
  await sql`
    with said as (
      insert into consent_texts (version, hash, text) values (${mailed.version}, ${mailed.hash}, ${mailed.text})
      on conflict (version) do nothing
    )
    insert into consent_events (subscriber_id, event, method, details)
    values (${sent.subscriberId}, 'confirm_sent', 'mail', jsonb_build_object('mail', ${sent.mailId}::text,
      'provider', ${sent.providerId}::text,
      'letter', jsonb_build_object('version', ${mailed.version}::text, 'hash', ${mailed.hash}::text)))
  `.execute(tx);
}

/** What a confirm link leads to. */
export interface Invitation {
  /**
   * `open`: can be confirmed now. `done`: its owner is a reader. `over`: expired, replaced, or its owner unsubscribed
   * after using it.
   */
  state: 'open' | 'done' | 'over';
  subscriberId: string;
  email: string;
  emailKey: string;
  status: SubscriberStatus;
  topics: string[];
}

export async function findInvitation(db: Connection, tokenHash: string): Promise<Invitation | undefined> {
  const { rows } = await sql<Invitation>`
    select subscribers.id as "subscriberId", subscribers.email, subscribers.email_key as "emailKey", status,
      array(select jsonb_array_elements_text(c.details->'topics')) as topics,
      case when status = 'active' then 'done'
        when c.used_at is null and c.expires_at > now() and ${canConfirm} then 'open'
        else 'over' end as state
    from confirmations c join subscribers on subscribers.id = c.subscriber_id
    where c.token_hash = ${tokenHash} and c.purpose = 'subscribe'
  `.execute(db);
  return rows[0];
}

/**
 * Makes the owner of an open link a reader, with the topics of the sign-up. A link works once: a second call changes
 * nothing.
 * @returns the new reader, or undefined when nothing changed.
 */
export async function consumeConfirmToken(
  tx: Connection,
  tokenHash: string,
  evidence: Evidence,
): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    with link as (
      update confirmations set used_at = now()
      where token_hash = ${tokenHash} and purpose = 'subscribe' and used_at is null and expires_at > now()
      returning subscriber_id, details
    ), before as (
      select subscribers.id, status, reason, email_key, l.details
      from subscribers join link l on l.subscriber_id = subscribers.id
      where ${canConfirm} for update of subscribers
    ), readers as (
      update subscribers s set status = 'active', confirmed_at = now(), left_at = null, reason = null,
        paused_until = null, timezone = coalesce(b.details->>'timezone', s.timezone),
        topics = array(select jsonb_array_elements_text(b.details->'topics') order by 1)
      from before b where s.id = b.id
      returning s.id
    ), welcome_back as (
      delete from erased_addresses where hash in (select address_hash(email_key) from before)
    ), events as (
      insert into consent_events (subscriber_id, event, method, source, details)
      select id, event, 'post_button', details->>'source', details - 'source' - 'timezone' || e.more
      from before cross join lateral (
        select 'restored' as event, jsonb_build_object('was', reason) as more where status = 'suppressed'
        union all select 'confirmed', '{}'::jsonb
        union all select 'resubscribed', '{}'::jsonb where status = 'unsubscribed'
      ) e
      returning id
    ), evidence as (
      insert into consent_evidence (event_id, ip, user_agent)
      select id, ${evidence.ip}::text, ${evidence.userAgent}::text from events
    )
    select id from readers
  `.execute(tx);
  return rows[0]?.id;
}

/**
 * Blocks this inbox in every spelling, at the request of a person who has a link to it. It stays blocked until a person
 * lifts it (I7).
 */
export async function blockInbox(
  db: Connection,
  { subscriberId, emailKey }: Invitation,
  evidence: Evidence,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await refuseInbox(tx, emailKey);
    await sql`
      with changed as (
        update subscribers set status = 'suppressed', reason = ${REFUSED_REASON}, left_at = now()
        where id = ${subscriberId} and (status <> 'suppressed' or reason = any(${[...BOUNCE_REASONS]}::text[]))
        returning id
      ), events as (
        insert into consent_events (subscriber_id, event, method)
        select id, 'suppressed', 'post_button' from changed
        returning id
      )
      insert into consent_evidence (event_id, ip, user_agent)
      select id, ${evidence.ip}::text, ${evidence.userAgent}::text from events
    `.execute(tx);
  });
}

/**
 * Deletes expired data: links and counters, and the address of people who did not confirm within {@link PENDING_DAYS}. Their row stays without personal data, because the consent log refers to it.
 */
export async function forgetOldSignUps(db: Connection, now: Date): Promise<void> {
  await sql`
    delete from confirmations where created_at < now() - make_interval(days => ${PENDING_DAYS})
  `.execute(db);
  await sql`delete from fresh_links where created_at < now() - make_interval(days => ${PENDING_DAYS})`.execute(
    db,
  );
  await forgetOldCounts(db);
  await sql`delete from rate_limits where expire < ${now.getTime()}`.execute(db);
  await db.transaction().execute((tx) => forgetUnconfirmed(tx));
}

async function forgetUnconfirmed(tx: Connection): Promise<void> {
  const { rows } = await sql<{ id: string }>`
    with gone as (
      update subscribers s set email = '', email_key = id::text, status = 'unsubscribed', topics = '{}', timezone = null,
        reason = 'never confirmed', left_at = now(), token_version = token_version + 1
      where status = 'pending' and created_at < now() - make_interval(days => ${PENDING_DAYS})
        and not exists (select from confirmations c where c.subscriber_id = s.id and c.expires_at > now())
      returning id
    ), recorded as (
      insert into consent_events (subscriber_id, event, method, details)
      select id, 'erased', 'retention', jsonb_build_object('days', ${PENDING_DAYS}::int) from gone
    )
    select id from gone
  `.execute(tx);
  await deleteEvidenceOfForgotten(
    tx,
    rows.map(({ id }) => id),
  );
}
