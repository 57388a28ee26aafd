import { sql } from 'kysely';
import type { Connection } from '../platform/db/database.ts';
import type { SubscriberStatus } from '../platform/db/schema.ts';
import { foldAddress } from '../transactional/requests/request-policy.ts';
import { parseAddress } from './address.ts';
import type { CarriedLink } from './import-export/carried-links.ts';
import type { Known } from './import-export/merge-rules.ts';
import { BOUNCE_REASONS, REFUSED_REASON, type SuppressionCause, suppressionCause } from './suppression.ts';

export interface NewSubscriber {
  email: string;
  key: string;
  status: SubscriberStatus;
  /** Sorted. */
  topics: string[];
  timezone: string | null;
  confirmedAt: Date | null;
  pausedUntil?: Date | null;
  /** Why they are suppressed, if known. */
  reason?: string | null;
  /** Would be active if there were a consent. */
  lacksConsent?: boolean;
  /** The links that lead to this person, when the list's signature is valid. */
  links?: readonly CarriedLink[] | undefined;
}

/** What happened to the rows; people in none of these counters were known and stay unchanged. */
export interface Added {
  added: Record<SubscriberStatus, number>;
  /** Of the added people. */
  withoutConsent: number;
  activated: number;
  left: number;
  /** Asked to be forgotten, or never to be mailed, and have no row. */
  erased: number;
  /** Of the unchanged people: why they are never mailed, although the list says `active`. */
  suppressed: Record<SuppressionCause, number>;
}

export const nothingAdded = (): Added => ({
  added: { pending: 0, active: 0, unsubscribed: 0, suppressed: 0 },
  withoutConsent: 0,
  activated: 0,
  left: 0,
  erased: 0,
  suppressed: { bounced: 0, complained: 0, refused: 0, erased: 0, other: 0 },
});

/** What the consent log records of added people. */
interface HowAdded {
  method?: 'import' | 'admin';
  details?: Record<string, unknown>;
}

/**
 * Adds unknown people, with the consent that came with them. Known people stay unchanged, except as `mergeResult` in
 * merge-rules.ts says. The links in the list lead to their people from then on, known or not.
 * @param rows each person at most once.
 */
export async function addSubscribers(
  db: Connection,
  rows: NewSubscriber[],
  source: string,
  how: HowAdded = {},
): Promise<Added> {
  const linked = rows.filter((row): row is NewSubscriber & LinkedPerson => row.links !== undefined);
  if (linked.length === 0) return (await insertSubscribers(db, rows, source, how)).added;
  return db.transaction().execute(async (tx) => {
    // Two imports at once must not both find the same id free.
    await sql`select pg_advisory_xact_lock(hashtext('weekly-verdict links'))`.execute(tx);
    const { added, unlinked } = await insertSubscribers(tx, rows, source, how);
    const kept = linked.filter(({ key }) => unlinked.has(key)).map(({ key, links }) => ({ key, links }));
    if (kept.length > 0) await carryLinks(tx, kept);
    return added;
  });
}

/**
 * A new person with links gets the id in these links when it is free, so that a list that moves to a new database needs
 * no second id for anybody.
 * @returns also the keys of people whose links lead nowhere yet.
 */
async function insertSubscribers(
  db: Connection,
  rows: NewSubscriber[],
  source: string,
  { method = 'import', details = {} }: HowAdded,
): Promise<{ added: Added; unlinked: Set<string> }> {
  const log = sql`${method}, ${source}, ${JSON.stringify(details)}::jsonb`;
  // Insert in the order of the keys, so that two imports at once cannot deadlock.
  const { rows: counts } = await sql<Counted>`
    with named as (
      select *, (links->0->>'id')::uuid as link_id
      from jsonb_to_recordset(${JSON.stringify(withInbox(rows))}::jsonb) as r (email text, key text, status text,
        topics text[], timezone text, "confirmedAt" timestamptz, "pausedUntil" timestamptz,
        reason text, "lacksConsent" boolean, inbox text, links jsonb)
    ), incoming as materialized (
      select *, case when link_id is not null and row_number() over (partition by link_id order by key) = 1
          and not exists (select from subscribers s where s.id = link_id)
          and not exists (select from link_ids l where l.link_id = n.link_id)
        then link_id else gen_random_uuid() end as id
      from named n
    ), gone as (
      select key, status, case
          when exists (select from refused_inboxes where limit_key = address_hash(inbox)) then ${REFUSED_REASON}
          when exists (select from erased_addresses where hash = address_hash(key)) then 'erased'
        end as reason
      from incoming i where not exists (select from subscribers s where s.email_key = i.key)
    ), erased as (
      select * from gone where reason is not null
    ), kept as (
      select i.key, s.reason from incoming i join subscribers s on s.email_key = i.key
      where s.status = 'suppressed' and i.status in ('active', 'pending')
      union all select key, reason from erased where status in ('active', 'pending')
    ), written as (
      insert into subscribers as s
        (id, email, email_key, status, topics, timezone, confirmed_at, paused_until, left_at, reason, token_version)
      select id, email, key, status, topics, timezone, "confirmedAt", "pausedUntil",
        case when status in ('unsubscribed', 'suppressed') then now() end, reason,
        case when id = link_id then greatest((links->0->>'version')::int, 1) else 1 end
      from incoming where key not in (select key from erased)
      order by key
      on conflict (email_key) do update set status = excluded.status, left_at = coalesce(s.left_at, excluded.left_at),
        confirmed_at = coalesce(s.confirmed_at, excluded.confirmed_at),
        reason = case when ${isStronger} then excluded.reason else coalesce(s.reason, excluded.reason) end
      where excluded.status = 'suppressed' and (s.status <> 'suppressed' or ${isStronger})
        or excluded.status = 'unsubscribed' and s.status in ('pending', 'active')
        or excluded.status = 'active' and s.status = 'pending'
          and not exists (select from consent_events c where c.subscriber_id = s.id)
      returning s.id, s.email_key as key, s.status
    ), outcomes as (
      select w.id, w.status, i."confirmedAt", i."lacksConsent", case
        when w.id = i.id then 'added' when w.status = 'active' then 'activated' else 'left' end as outcome
      from written w join incoming i using (key)
    ), consents as (
      insert into consent_events (subscriber_id, event, at, method, source, details)
      select id, 'confirmed', "confirmedAt", ${log}
      from outcomes where "confirmedAt" is not null and outcome <> 'left'
      union all
      select id, status, now(), ${log}
      from outcomes where status in ('unsubscribed', 'suppressed')
    )
    select outcome, status, count(*), null::text[] as keys, null as reason from outcomes group by outcome, status
    union all select 'withoutConsent', 'pending', count(*), null, null from outcomes
      where outcome = 'added' and "lacksConsent"
    union all select 'erased', 'suppressed', count(*), null, null from erased
    union all select 'suppressed', 'suppressed', count(*), null, reason from kept group by reason
    union all select 'unlinked', null, count(*), array_agg(key), null from incoming i
      where link_id is not null and (jsonb_array_length(links) > 1 or id <> link_id
        or not exists (select from written w where w.id = i.id))
  `.execute(db);
  const added = nothingAdded();
  let unlinked: string[] = [];
  for (const { outcome, status, count, keys, reason } of counts) {
    if (outcome === 'unlinked') unlinked = keys ?? [];
    else if (outcome === 'added') added.added[status] = count;
    else if (outcome === 'suppressed') added.suppressed[suppressionCause(reason)] += count;
    else added[outcome] += count;
  }
  return { added, unlinked: new Set(unlinked) };
}

interface Counted {
  outcome: keyof Added | 'unlinked';
  status: SubscriberStatus;
  count: number;
  keys: string[] | null;
  /** Of a suppressed person. */
  reason: string | null;
}

/** A person from a list, with the links that lead to them. */
interface LinkedPerson {
  key: string;
  links: readonly CarriedLink[];
}

/**
 * Stores the link ids of these people from the other installation, beside the ids of their rows. A link that was
 * voided, here or there, stays void.
 */
async function carryLinks(tx: Connection, people: readonly LinkedPerson[]): Promise<void> {
  const incoming = sql`
    select s.id as subscriber_id, l.id as link_id, l.version, nullif(l."upTo", 0) as up_to
    from jsonb_to_recordset(${JSON.stringify(people)}::jsonb) as p (key text, links jsonb)
      join subscribers s on s.email_key = p.key
      cross join jsonb_to_recordset(p.links) as l (id uuid, version int, "upTo" int)
  `;
  await sql`
    insert into link_ids (link_id, subscriber_id, version, up_to)
    select link_id, subscriber_id, nullif(version, 0), up_to from (${incoming}) i where link_id <> subscriber_id
    on conflict (link_id, subscriber_id) do update set version = excluded.version
      where link_ids.version < excluded.version
  `.execute(tx);
  await sql`
    update subscribers s set token_version = i.version from (${incoming}) i
    where s.id = i.subscriber_id and i.link_id = s.id and s.token_version < i.version
  `.execute(tx);
}

/** The list reports more than a bounce, and a bounce is the one reason that can be lifted. */
const isStronger = sql`(s.reason = any(${[...BOUNCE_REASONS]}::text[])
  and not coalesce(excluded.reason, 'bounced') = any(${[...BOUNCE_REASONS]}::text[]))`;

/** Adds the inbox in the form that {@link blockInbox} stores, which covers every spelling. */
const withInbox = <T extends { key: string }>(rows: T[]) =>
  rows.map((row) => ({ ...row, inbox: foldAddress(row.key) }));

/** Looks up people by key: those in the database, and those who must not be added. */
export async function knownSubscribers(
  db: Connection,
  people: { key: string }[],
): Promise<Map<string, Known>> {
  const keys = people.map(({ key }) => ({ key }));
  const { rows } = await sql<{
    key: string;
    status: SubscriberStatus | 'erased' | 'refused' | null;
    reason: string | null;
    asked: boolean;
  }>`
    with named as (
      select key, inbox from jsonb_to_recordset(${JSON.stringify(withInbox(keys))}::jsonb) as r (key text, inbox text)
    )
    select key, coalesce(s.status, case
        when exists (select from refused_inboxes where limit_key = address_hash(inbox)) then 'refused'
        when exists (select from erased_addresses where hash = address_hash(key)) then 'erased'
      end) as status, s.reason, exists (select from consent_events c where c.subscriber_id = s.id) as asked
    from named left join subscribers s on s.email_key = key
  `.execute(db);
  return new Map(
    rows.flatMap(({ key, status, reason, asked }): [string, Known][] => {
      if (status === null) return [];
      const isGone = status === 'erased' || status === 'refused';
      return [[key, isGone ? status : { status, wasAsked: asked, reason }]];
    }),
  );
}

export interface Subscriber {
  id: string;
  email: string;
  status: SubscriberStatus;
  topics: string[];
  tokenVersion: number;
  /** No issue is mailed until then; null when there is no pause. */
  pausedUntil: Date | null;
}

export async function findSubscriber(db: Connection, id: string): Promise<Subscriber | undefined> {
  const row = await db
    .selectFrom('subscribers')
    .select(['id', 'email', 'status', 'topics', 'token_version'])
    .select(sql<Date | null>`case when paused_until > now() then paused_until end`.as('paused_until'))
    .where('id', '=', id)
    .executeTakeFirst();
  return (
    row && {
      id: row.id,
      email: row.email,
      status: row.status,
      topics: row.topics,
      tokenVersion: row.token_version,
      pausedUntil: row.paused_until,
    }
  );
}

/** Finds a person by a typed address; undefined for an invalid one. */
export async function findSubscriberByAddress(
  db: Connection,
  typed: string,
): Promise<Subscriber | undefined> {
  const address = parseAddress(typed);
  if ('reason' in address) return undefined;
  const row = await db
    .selectFrom('subscribers')
    .select('id')
    .where('email_key', '=', address.key)
    .executeTakeFirst();
  return row && findSubscriber(db, row.id);
}

/**
 * Unsubscribes a person. It takes effect on commit: a delivery that is not claimed yet is excluded (I3). A second call
 * changes nothing; a stronger status is never weakened (I7).
 */
export async function unsubscribe(db: Connection, id: string, method: string): Promise<void> {
  await sql`
    with changed as (
      update subscribers set status = 'unsubscribed', left_at = now()
      where id = ${id} and status in ('pending', 'active')
      returning id
    )
    insert into consent_events (subscriber_id, event, method) select id, 'unsubscribed', ${method} from changed
  `.execute(db);
}

/**
 * Saves the topics a reader chose; none = everything. It applies to the next issue that is prepared. The same choice
 * again writes nothing.
 * @returns the saved topics: each once, sorted.
 */
export async function setTopics(db: Connection, id: string, topics: readonly string[]): Promise<string[]> {
  const chosen = [...new Set(topics)].sort();
  await sql`
    with before as (
      select id, topics from subscribers where id = ${id} for update
    ), changed as (
      update subscribers s set topics = ${chosen}::text[] from before
      where s.id = before.id and before.topics <> ${chosen}::text[]
      returning s.id, s.topics, before.topics as was
    )
    insert into consent_events (subscriber_id, event, method, details)
    select id, 'preference_changed', 'post_button', jsonb_build_object('topics', topics, 'was', was) from changed
  `.execute(db);
  return chosen;
}

export async function countSubscribers(db: Connection): Promise<Record<SubscriberStatus, number>> {
  const counts: Record<SubscriberStatus, number> = { pending: 0, active: 0, unsubscribed: 0, suppressed: 0 };
  const rows = await db
    .selectFrom('subscribers')
    .select(({ fn }) => ['status', fn.countAll<number>().as('count')])
    .groupBy('status')
    .execute();
  for (const row of rows) counts[row.status] = row.count;
  return counts;
}

/** A person, as an export lists them. */
export interface Listed {
  email: string;
  status: SubscriberStatus;
  topics: string[];
  timezone: string | null;
  confirmed_at: Date | null;
  paused_until: Date | null;
  left_at: Date | null;
  left_reason: string | null;
  /** Their latest consent: when, how, and where. */
  consent_at: Date | null;
  consent_method: string | null;
  consent_source: string | null;
  created_at: Date;
  key: string;
  /** The links that lead to them; the id of the row first. */
  links: CarriedLink[];
}

/** Everybody in these states, page by page; without rows that have no address. */
export async function* listSubscribers(
  db: Connection,
  statuses: readonly SubscriberStatus[],
  pageLength = 1_000,
): AsyncGenerator<Listed[]> {
  let after: string | undefined = '00000000-0000-0000-0000-000000000000';
  while (after !== undefined) {
    const { rows }: { rows: (Listed & { id: string })[] } = await sql<Listed & { id: string }>`
      select s.id, s.email_key as key, s.email, s.status, s.topics, s.timezone, s.confirmed_at, s.paused_until, s.left_at,
        s.reason as left_reason, c.at as consent_at, c.method as consent_method, c.source as consent_source,
        s.created_at, jsonb_build_object('id', s.id, 'version', s.token_version, 'upTo', 0) || coalesce((
          select jsonb_agg(jsonb_build_object('id', l.link_id, 'version', coalesce(l.version, 0),
            'upTo', coalesce(l.up_to, 0)) order by l.link_id)
          from link_ids l where l.subscriber_id = s.id
        ), '[]') as links
      from subscribers s
      left join lateral (
        select at, method, source from consent_events
        where subscriber_id = s.id and event = 'confirmed' order by at desc limit 1
      ) c on true
      where s.id > ${after} and s.status = any(${statuses}::text[])
        and s.email <> ''
      order by s.id limit ${pageLength}
    `.execute(db);
    if (rows.length > 0) yield rows.map(({ id: _, ...row }) => row);
    after = rows.length < pageLength ? undefined : rows.at(-1)?.id;
  }
}

/** Whether anybody was added from `source`. */
export async function hasSubscribersFrom(db: Connection, source: string): Promise<boolean> {
  const row = await db
    .selectFrom('consent_events')
    .select('id')
    .where('source', '=', source)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
