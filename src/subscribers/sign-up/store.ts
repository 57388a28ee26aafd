import { sql } from 'kysely';
import type { Connection, SubscriberStatus } from '../../db/index.ts';
import type { Address } from '../address.ts';
import type { ConsentText, PrivacyNote } from './consent.ts';
import {
  ALREADY_DAYS,
  BUDGET,
  CONFIRM_HOURS,
  EVIDENCE_MONTHS,
  foldAddress,
  PENDING_DAYS,
  PER_INBOX,
  WAIT_HOURS,
} from './limits.ts';

/** Where somebody agreed from, for as long as that is needed. */
export interface Evidence {
  ip: string | null;
  userAgent: string | null;
}

export interface SignUp {
  address: Address;
  /** Sorted; empty = everything. */
  topics: string[];
  timezone: string | null;
  /** The form it came from. */
  source: string | null;
  /** Of the browser; none where no form was filled in. */
  locale?: string | null;
  /** What the form linked to. */
  privacy?: PrivacyNote | null;
  isSuspicious: boolean;
  evidence: Evidence;
}

/**
 * Takes a sign-up in, to be answered later. One statement, the same whoever asks: it looks at nobody's row, so
 * there is nothing for a stopwatch to learn. One that is not `kept` takes as long and leaves nothing.
 */
export async function addSignUp(
  db: Connection,
  { address, topics, timezone, source, locale = null, privacy = null, isSuspicious, evidence }: SignUp,
  consent: ConsentText,
  isKept: boolean,
): Promise<void> {
  await sql`
    with said as (
      insert into consent_texts (version, hash, text) values (${consent.version}, ${consent.hash}, ${consent.text})
      on conflict (version) do nothing
    )
    insert into sign_ups (email, email_key, limit_key, topics, timezone, source, consent_version, privacy_url,
      privacy_version, locale, is_suspicious, ip, user_agent)
    select ${address.email}::text, ${address.key}::text, address_hash(${foldAddress(address.key)}),
      ${topics}::text[], ${timezone}::text, ${source}::text, ${consent.version},
      ${privacy?.url ?? null}::text, ${privacy?.version ?? null}::text, ${locale}::text, ${isSuspicious}::boolean,
      ${evidence.ip}::text, ${evidence.userAgent}::text
    where ${isKept}::boolean
  `.execute(db);
}

/** A sign-up that waits, and what follows from it. */
export interface Waiting {
  id: string;
  /** null: nothing. `later`: the budget of mails is spent. */
  answer: 'confirm' | 'already' | 'later' | null;
  /** Of an `already`. */
  subscriberId: string | null;
  domain: string;
  /** Which budget was spent. */
  spent: 'domain' | 'all' | 'suspicious' | null;
}

/**
 * Sign-ups that are due, oldest first, and what each should get. One address is answered once, and of all
 * spellings of an inbox one; limits are counted from the mails on the books. Nobody else may answer until the
 * transaction ends.
 */
export async function dueSignUps(tx: Connection, limit: number): Promise<Waiting[]> {
  await sql`select pg_advisory_xact_lock(hashtext('weekly-verdict sign-ups'))`.execute(tx);
  const [short, day, month] = PER_INBOX.map(({ points, seconds }) => ({
    points,
    since: sql`now() - make_interval(secs => ${seconds})`,
  })) as [InboxLimit, InboxLimit, InboxLimit];
  const { rows } = await sql<Waiting>`
    with due as (
      select id, email_key, limit_key, split_part(email_key, '@', 2) as domain, is_suspicious, created_at
      from sign_ups where due_at <= now() order by due_at, id limit ${limit}
    ), newest as (
      select distinct on (email_key) * from due order by email_key, created_at desc, id desc
    ), asked as (
      select n.*, s.id as subscriber_id, case
          when exists (select from refused_inboxes r where r.limit_key = n.limit_key) then null
          when coalesce(s.status, 'pending') in ('pending', 'unsubscribed') then 'confirm'
          when s.status = 'active' and not exists (
            select from mails m where m.subscriber_id = s.id and m.kind = 'already'
              and m.created_at > now() - make_interval(days => ${ALREADY_DAYS})
          ) then 'already'
        end as answer
      from newest n left join subscribers s on s.email_key = n.email_key
    ), one_each as (
      select distinct on (limit_key) * from asked where answer is not null order by limit_key, created_at, id
    ), within as (
      select o.* from one_each o cross join lateral (
        select count(*) filter (where at > ${short.since}) as short, count(*) filter (where at > ${day.since}) as day,
          count(*) as month
        from sign_up_mails m where m.limit_key = o.limit_key and m.at > ${month.since}
      ) sent
      where sent.short < ${short.points} and sent.day < ${day.points} and sent.month < ${month.points}
    ), hour as materialized (
      select domain, is_suspicious from sign_up_mails where at > now() - interval '1 hour'
    ), ranked as (
      select w.*,
        row_number() over (partition by domain order by created_at, id)
          + (select count(*) from hour h where h.domain = w.domain) as of_domain,
        row_number() over (order by created_at, id) + (select count(*) from hour) as of_all,
        row_number() over (partition by is_suspicious order by created_at, id)
          + (select count(*) from hour h where h.is_suspicious) as of_suspicious
      from within w
    ), spent as (
      select *, case
          when of_domain > ${BUDGET.domain} then 'domain'
          when of_all > ${BUDGET.all} then 'all'
          when is_suspicious and of_suspicious > ${BUDGET.suspicious} then 'suspicious'
        end as spent
      from ranked
    )
    select d.id, d.domain, s.spent, s.subscriber_id as "subscriberId",
      case when s.spent is null then s.answer
        when d.created_at > now() - make_interval(hours => ${WAIT_HOURS}) then 'later' end as answer
    from due d left join spent s on s.id = d.id
    order by d.created_at, d.id
  `.execute(tx);
  return rows;
}

interface InboxLimit {
  points: number;
  since: ReturnType<typeof sql>;
}

/**
 * Puts people who asked on the books as pending, in the spelling they used last; who left stays as they are
 * until they confirm.
 * @returns by sign-up, the subscriber; without whoever became active or suppressed in between.
 */
export async function admit(tx: Connection, signUpIds: string[]): Promise<Map<string, string>> {
  const { rows } = await sql<{ signUpId: string; subscriberId: string }>`
    with asked as (
      select id, email, email_key, timezone from sign_ups where id = any(${signUpIds}::uuid[])
    ), people as (
      insert into subscribers (email, email_key, status, timezone)
      select email, email_key, 'pending', timezone from asked
      on conflict (email_key) do update
        set email = case when subscribers.status = 'pending' then excluded.email else subscribers.email end
        where subscribers.status in ('pending', 'unsubscribed')
      returning id, email_key
    )
    select a.id as "signUpId", p.id as "subscriberId" from asked a join people p on p.email_key = a.email_key
  `.execute(tx);
  return new Map(rows.map(({ signUpId, subscriberId }) => [signUpId, subscriberId]));
}

export interface Asked {
  signUpId: string;
  subscriberId: string;
  mailId: string;
  tokenHash: string;
}

/** Records that people were asked to confirm: the link, which replaces every earlier one, and the request. */
export async function recordAsked(tx: Connection, asked: Asked[]): Promise<void> {
  await sql`
    with asked as (
      select g."subscriberId" as subscriber_id, g."mailId" as mail_id, g."tokenHash" as token_hash, u.source,
        u.ip, u.user_agent, u.timezone, jsonb_build_object('topics', to_jsonb(u.topics), 'locale', u.locale,
          'consent', jsonb_build_object('version', u.consent_version, 'hash', t.hash),
          'privacy', case when u.privacy_url is not null
            then jsonb_build_object('url', u.privacy_url, 'version', u.privacy_version) end) as asked_for
      from jsonb_to_recordset(${JSON.stringify(asked)}::jsonb)
        as g ("signUpId" uuid, "subscriberId" uuid, "mailId" uuid, "tokenHash" text)
      join sign_ups u on u.id = g."signUpId"
      join consent_texts t on t.version = u.consent_version
    ), outdated as (
      update confirmations c set expires_at = now() from asked a
      where c.subscriber_id = a.subscriber_id and c.purpose = 'subscribe' and c.used_at is null
        and c.expires_at > now()
    ), links as (
      insert into confirmations (token_hash, purpose, subscriber_id, details, expires_at)
      select token_hash, 'subscribe', subscriber_id,
        asked_for || jsonb_build_object('timezone', timezone, 'source', source), now() + make_interval(hours => ${CONFIRM_HOURS})
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
 * Records that somebody was mailed the question, in which words, and by which id the provider knows the mail.
 * Call it in the transaction that learns of it.
 */
export async function recordConfirmSent(
  tx: Connection,
  sent: { subscriberId: string; mailId: string; providerId: string },
  letter: ConsentText,
): Promise<void> {
  await sql`
    with said as (
      insert into consent_texts (version, hash, text) values (${letter.version}, ${letter.hash}, ${letter.text})
      on conflict (version) do nothing
    )
    insert into consent_events (subscriber_id, event, method, details)
    values (${sent.subscriberId}, 'confirm_sent', 'mail', jsonb_build_object('mail', ${sent.mailId}::text,
      'provider', ${sent.providerId}::text,
      'letter', jsonb_build_object('version', ${letter.version}::text, 'hash', ${letter.hash}::text)))
  `.execute(tx);
}

/** Counts mails against the limits of the sign-ups that caused them. */
export async function countMails(
  tx: Connection,
  mails: { signUpId: string; mailId: string }[],
): Promise<void> {
  await sql`
    insert into sign_up_mails (mail_id, limit_key, domain, is_suspicious)
    select m."mailId", u.limit_key, split_part(u.email_key, '@', 2), u.is_suspicious
    from jsonb_to_recordset(${JSON.stringify(mails)}::jsonb) as m ("signUpId" uuid, "mailId" uuid)
    join sign_ups u on u.id = m."signUpId"
  `.execute(tx);
}

/** Sign-ups that had their answer go; the others are looked at again in a quarter of an hour. */
export async function closeSignUps(tx: Connection, answered: string[], postponed: string[]): Promise<void> {
  await sql`delete from sign_ups where id = any(${answered}::uuid[])`.execute(tx);
  if (postponed.length === 0) return;
  await sql`
    update sign_ups set due_at = now() + interval '15 minutes' where id = any(${postponed}::uuid[])
  `.execute(tx);
}

/** Domains whose sign-ups wait because a budget of mails was spent. */
export async function postponedDomains(db: Connection): Promise<string[]> {
  const { rows } = await sql<{ domain: string }>`
    select distinct split_part(email_key, '@', 2) as domain from sign_ups where due_at > created_at
  `.execute(db);
  return rows.map(({ domain }) => domain);
}

/** What a confirm link leads to. */
export interface Invitation {
  /** `open`: may be confirmed now. `done`: its owner is a reader. `over`: too old, replaced, or used and left. */
  state: 'open' | 'done' | 'over';
  subscriberId: string;
  email: string;
  emailKey: string;
  status: SubscriberStatus;
  topics: string[];
}

export async function findInvitation(db: Connection, tokenHash: string): Promise<Invitation | undefined> {
  const { rows } = await sql<Invitation>`
    select s.id as "subscriberId", s.email, s.email_key as "emailKey", s.status,
      array(select jsonb_array_elements_text(c.details->'topics')) as topics,
      case when s.status = 'active' then 'done'
        when c.used_at is null and c.expires_at > now() and s.status in ('pending', 'unsubscribed') then 'open'
        else 'over' end as state
    from confirmations c join subscribers s on s.id = c.subscriber_id
    where c.token_hash = ${tokenHash} and c.purpose = 'subscribe'
  `.execute(db);
  return rows[0];
}

/**
 * Makes the owner of an open link a reader, with what was asked for with it. A link works once: whoever comes
 * second changes nothing.
 * @returns the new reader, or undefined when nothing changed.
 */
export async function useInvitation(
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
      select s.id, s.status, s.email_key, l.details from subscribers s join link l on l.subscriber_id = s.id
      where s.status in ('pending', 'unsubscribed') for update of s
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
      select id, event, 'post_button', details->>'source', details - 'source' - 'timezone'
      from before cross join lateral (
        select 'confirmed' as event union all select 'resubscribed' where status = 'unsubscribed'
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
 * Nobody mails this inbox again, in whatever spelling: at the wish of who holds a link to it. Stays until a
 * person lifts it (I7).
 */
export async function refuseForEver(
  db: Connection,
  { subscriberId, emailKey }: Invitation,
  evidence: Evidence,
): Promise<void> {
  await sql`
    with refused as (
      insert into refused_inboxes (limit_key) values (address_hash(${foldAddress(emailKey)}))
      on conflict (limit_key) do nothing
    ), changed as (
      update subscribers set status = 'suppressed', reason = 'asked never to be mailed', left_at = now()
      where id = ${subscriberId} and status <> 'suppressed'
      returning id
    ), events as (
      insert into consent_events (subscriber_id, event, method)
      select id, 'suppressed', 'post_button' from changed
      returning id
    )
    insert into consent_evidence (event_id, ip, user_agent)
    select id, ${evidence.ip}::text, ${evidence.userAgent}::text from events
  `.execute(db);
}

/**
 * Deletes what is not needed any more: links and counts after 30 days, evidence after a year, and the address
 * of whoever did not confirm in 30 days. Their row stays, because the consent log refers to it, and tells
 * nothing of them.
 */
export async function forgetOldSignUps(db: Connection, now: Date): Promise<void> {
  await sql`
    delete from confirmations where created_at < now() - make_interval(days => ${PENDING_DAYS})
  `.execute(db);
  await sql`delete from sign_up_mails where at < now() - make_interval(days => ${PENDING_DAYS})`.execute(db);
  await sql`delete from rate_limits where expire < ${now.getTime()}`.execute(db);
  await sql`
    delete from consent_evidence where at < now() - make_interval(months => ${EVIDENCE_MONTHS})
  `.execute(db);
  await sql`
    with gone as (
      update subscribers s set email = '', email_key = id::text, status = 'unsubscribed', topics = '{}', timezone = null,
        reason = 'never confirmed', left_at = now(), token_version = token_version + 1
      where status = 'pending' and created_at < now() - make_interval(days => ${PENDING_DAYS})
        and not exists (select from confirmations c where c.subscriber_id = s.id and c.expires_at > now())
      returning id
    ), evidence as (
      delete from consent_evidence using consent_events e, gone
      where event_id = e.id and e.subscriber_id = gone.id
    )
    insert into consent_events (subscriber_id, event, method, details)
    select id, 'erased', 'retention', jsonb_build_object('days', ${PENDING_DAYS}::int) from gone
  `.execute(db);
}
