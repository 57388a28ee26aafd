import { sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';
import { hadBy, type ReaderGroup, topicSets } from '../audience/audience-store.ts';

/**
 * Counts the readers that `freezePage` would process now, by their topics, by the stopped issues that they have,
 * and by the facts that it decides on. Both
 * statements must apply the same rules; a conformance test compares them.
 */
export async function readersByTopics(
  db: Connection,
  stopped: readonly string[],
): Promise<(ReaderGroup & { consented: boolean; paused: boolean; count: number })[]> {
  const { rows } = await sql<ReaderGroup & { consented: boolean; paused: boolean; count: number }>`
    with recursive ${topicSets}
    select sets.topics, r.had, r.consented, r.paused, r.count from sets cross join lateral (
      -- One index look-up for each reader: for an EXISTS the planner would read every consent.
      select (select true from consent_events e where e.subscriber_id = s.id and e.event = 'confirmed' limit 1)
        is not null as consented, coalesce(s.paused_until > now(), false) as paused, ${hadBy(stopped)} as had,
        count(*) as count
      from subscribers s where s.status = 'active' and s.topics = sets.topics
      group by 1, 2, 3
    ) r
  `.execute(db);
  return rows;
}

/** Reads an issue as it was sent in a test: with a marked subject and impersonal links. */
export async function readTest(
  db: Connection,
  id: string,
): Promise<{ from: string; subject: string; html: string; text: string } | undefined> {
  return db
    .selectFrom('test_sends')
    .select(['sender as from', 'subject', 'html', 'text'])
    .where('id', '=', id)
    .executeTakeFirst();
}

export async function insertTest(
  tx: Connection,
  test: {
    id: string;
    issueId: string;
    who: string;
    sender: string;
    subject: string;
    html: string;
    text: string;
  },
): Promise<void> {
  const { issueId, ...columns } = test;
  await tx
    .insertInto('test_sends')
    .values({ ...columns, issue_id: issueId })
    .execute();
}

/** Returns the suppressed addresses at these domains, by their keys, and why they are suppressed. */
export async function suppressedAt(
  db: Connection,
  domains: readonly string[],
): Promise<{ key: string; reason: string | null }[]> {
  const { rows } = await sql<{ key: string; reason: string | null }>`
    select email_key as key, reason from subscribers
    where split_part(email_key, '@', 2) = any(${domains}::text[]) and status = 'suppressed'
  `.execute(db);
  return rows;
}

/**
 * Returns the variants of a prepared issue, each with all topics that it is for; none before the issue is prepared.
 */
export async function frozenVariants(
  db: Connection,
  issueId: string,
): Promise<{ number: number; topics: string[] }[]> {
  const { rows } = await sql<{ number: number; topics: string[] }>`
    select v.number, case when v.number = 1 then '{}'::text[] else array(
      select distinct topic from variant_topics t cross join lateral unnest(t.topics) as topic
      where t.issue_id = v.issue_id and t.variant_id = v.id order by topic
    ) end as topics
    from variants v where v.issue_id = ${issueId} order by v.number
  `.execute(db);
  return rows;
}

/** Returns one frozen variant. */
export async function frozenBody(
  db: Connection,
  issueId: string,
  number: number,
): Promise<{ number: number; subject: string; preheader: string; html: string; text: string } | undefined> {
  return db
    .selectFrom('variants')
    .select(['number', 'subject', 'preheader', 'html', 'text'])
    .where('issue_id', '=', issueId)
    .where('number', '=', number)
    .executeTakeFirst();
}

/** Returns the number of the variant that a reader got; undefined when the reader got none. */
export async function variantMailed(
  db: Connection,
  issueId: string,
  subscriberId: string,
): Promise<number | undefined> {
  const row = await db
    .selectFrom('deliveries as d')
    .innerJoin('batches as b', 'b.id', 'd.batch_id')
    .innerJoin('variants as v', 'v.id', 'b.variant_id')
    .select('v.number')
    .where('d.issue_id', '=', issueId)
    .where('d.subscriber_id', '=', subscriberId)
    .executeTakeFirst();
  return row?.number;
}
