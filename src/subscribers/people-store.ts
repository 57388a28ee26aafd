import { sql } from 'kysely';
import type { Connection } from '../platform/db/database.ts';
import type { SubscriberStatus } from '../platform/db/schema.ts';
import { refusedKeysAmong } from '../transactional/requests/request-store.ts';
import { type SuppressionCause, suppressionCause } from './suppression.ts';

/** A person in a list. */
export interface Found {
  id: string;
  email: string;
  /** The unique form of the address, which also gives the order of the list. */
  key: string;
  status: SubscriberStatus;
  createdAt: Date;
}

/** Sorts after every character of a key, which is ASCII. */
const END = '\x7f';

/**
 * People whose address begins with `prefix`, ordered by address bytes: one index scan, on every page.
 * @param page `after` is the key of the last person already shown.
 */
export async function searchSubscribers(
  db: Connection,
  prefix: string,
  { after, limit }: { after?: string | undefined; limit: number },
): Promise<Found[]> {
  const key = prefix.trim().toLowerCase();
  const { rows } = await sql<Found>`
    select id, email, email_key as key, status, created_at as "createdAt" from subscribers
    where email_key ~>=~ ${key} and email_key ~<~ ${key + END} and email_key ~>~ ${after ?? ''}
      and reason is distinct from 'erased'
    order by email_key using ~<~ limit ${limit}
  `.execute(db);
  return rows;
}

/**
 * Suppresses a person, at an operator's or editor's request. It takes effect on commit: a delivery that is not claimed
 * yet is excluded (I3). A second call changes nothing.
 * @param reason as the requester words it.
 * @returns whether this call suppressed the person.
 */
export async function suppressSubscriber(db: Connection, id: string, reason: string): Promise<boolean> {
  const { rows } = await sql`
    with changed as (
      update subscribers set status = 'suppressed', reason = ${`by hand: ${reason}`},
        left_at = coalesce(left_at, now())
      where id = ${id} and status <> 'suppressed'
      returning id
    )
    insert into consent_events (subscriber_id, event, method, details)
    select id, 'suppressed', 'admin', jsonb_build_object('reason', ${reason}::text) from changed
    returning id
  `.execute(db);
  return rows.length > 0;
}

/** The result of a request to mail a bounced person again. */
export type Restored =
  | { kind: 'restored'; status: 'active' | 'unsubscribed' }
  /** The person never confirmed: they can only be asked again. */
  | { kind: 'never-confirmed' }
  | { kind: 'not-suppressed'; status: SubscriberStatus }
  /** A person decided the suppression: the subscriber or one of us. Only a bounce was nobody's decision. */
  | { kind: 'kept'; cause: SuppressionCause; reason: string | null };

/**
 * Lifts a bounce, at a person's request: the subscriber gets their earlier status again, active or unsubscribed. No
 * other suppression is lifted here. Call it in the transaction that writes the audit log.
 * @param reason as the requester words it.
 */
export async function restoreSubscriber(
  tx: Connection,
  id: string,
  { reason, method = 'admin' }: { reason: string; method?: string },
): Promise<Restored | undefined> {
  const { rows } = await sql<{
    key: string;
    status: SubscriberStatus;
    reason: string | null;
    last: 'confirmed' | 'resubscribed' | 'unsubscribed' | null;
  }>`
    select email_key as key, status, reason, (
      select event from consent_events
      where subscriber_id = s.id and event in ('confirmed', 'resubscribed', 'unsubscribed')
      order by id desc limit 1
    ) as last
    from subscribers s where id = ${id} for update
  `.execute(tx);
  const [person] = rows;
  if (person === undefined) return undefined;
  if (person.status !== 'suppressed') return { kind: 'not-suppressed', status: person.status };
  const isRefused = (await refusedKeysAmong(tx, [person.key])).length > 0;
  const cause = isRefused ? 'refused' : suppressionCause(person.reason);
  if (cause !== 'bounced') return { kind: 'kept', cause, reason: person.reason };
  if (person.last === null) return { kind: 'never-confirmed' };

  const status = person.last === 'unsubscribed' ? 'unsubscribed' : 'active';
  await sql`
    with changed as (
      update subscribers set status = ${status}, reason = null,
        left_at = case when ${status} = 'active' then null else left_at end
      where id = ${id}
      returning id
    )
    insert into consent_events (subscriber_id, event, method, details)
    select id, 'restored', ${method}, jsonb_build_object('was', ${person.reason}::text, 'reason', ${reason}::text)
    from changed
  `.execute(tx);
  return { kind: 'restored', status };
}

/** Half a year. */
const WEEKS = 26;

export interface GrowthWeek {
  /** Date of its Monday. */
  week: string;
  /** Confirmed for the first time. */
  joined: number;
  /** Unsubscribed or suppressed. */
  left: number;
}

/** How the list grew, week by week; oldest first, this week last. */
export async function listGrowth(db: Connection): Promise<GrowthWeek[]> {
  const { rows } = await sql<GrowthWeek>`
    with span as (
      select date_trunc('week', now()) - make_interval(weeks => ${WEEKS} - 1) as since
    ), joined as (
      select date_trunc('week', confirmed_at) as week, count(*)::int as count
      from subscribers where confirmed_at >= (select since from span) group by 1
    ), gone as (
      select date_trunc('week', left_at) as week, count(*)::int as count
      from subscribers where left_at >= (select since from span) group by 1
    )
    select to_char(w.week, 'YYYY-MM-DD') as week, coalesce(j.count, 0) as joined, coalesce(g.count, 0) as "left"
    from span, generate_series(span.since, now(), interval '1 week') as w (week)
      left join joined j on j.week = w.week left join gone g on g.week = w.week
    order by w.week
  `.execute(db);
  return rows;
}

/** A form, and how many of the people who signed up there confirmed. */
export interface Origin {
  /** null: the form did not name itself. */
  source: string | null;
  asked: number;
  confirmed: number;
}

/** The forms where people signed up in the last half year, busiest first. */
export async function listOrigins(db: Connection, limit = 20): Promise<Origin[]> {
  const { rows } = await sql<Origin>`
    select source, count(*)::int as asked, (count(*) filter (where confirmed))::int as confirmed
    from (
      select max(source) filter (where event = 'requested') as source, bool_or(event = 'requested') as asked,
        bool_or(event = 'confirmed') as confirmed
      from consent_events
      where event in ('requested', 'confirmed') and at >= now() - make_interval(weeks => ${WEEKS})
      group by subscriber_id
    ) person where asked
    group by source order by asked desc, source limit ${limit}
  `.execute(db);
  return rows;
}
