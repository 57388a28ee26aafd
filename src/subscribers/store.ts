import { sql } from 'kysely';
import type { Connection, SubscriberStatus } from '../db/index.ts';

export interface NewSubscriber {
  email: string;
  key: string;
  status: SubscriberStatus;
  /** Sorted. */
  topics: string[];
  timezone: string | null;
  confirmedAt: Date | null;
}

/**
 * Adds those who are not known yet, with the consent that came with them; whoever is known stays as
 * they are, so that an import never revives anyone.
 * @returns how many were added.
 */
export async function addSubscribers(db: Connection, rows: NewSubscriber[], source: string): Promise<number> {
  const { rows: added } = await sql<{ id: string }>`
    with added as (
      insert into subscribers (email, email_key, status, topics, timezone, confirmed_at, left_at)
      select email, key, status, topics, timezone, "confirmedAt",
        case when status in ('unsubscribed', 'suppressed') then now() end
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as r (email text, key text, status text, topics text[], timezone text, "confirmedAt" timestamptz)
      on conflict (email_key) do nothing
      returning id, status, confirmed_at, created_at
    ), consents as (
      insert into consent_events (subscriber_id, event, at, method, source)
      select id, 'confirmed', confirmed_at, 'import', ${source} from added where confirmed_at is not null
      union all
      select id, status, created_at, 'import', ${source} from added where status in ('unsubscribed', 'suppressed')
    )
    select id from added
  `.execute(db);
  return added.length;
}

export interface Subscriber {
  id: string;
  email: string;
  status: SubscriberStatus;
  topics: string[];
  tokenVersion: number;
  /** No issue until then; null when that is over. */
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

/**
 * Takes a person off the list. In force when it commits: a delivery that is not claimed yet is
 * excluded (I3). Asking twice changes nothing; a stronger state is never weakened (I7).
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
 * Saves the topics a reader chose; none = everything. In force from the next issue that is prepared.
 * Choosing the same again writes nothing.
 * @returns what is saved: each once, sorted.
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

/** Whether anybody came onto the books from `source`. */
export async function hasSubscribersFrom(db: Connection, source: string): Promise<boolean> {
  const row = await db
    .selectFrom('consent_events')
    .select('id')
    .where('source', '=', source)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
