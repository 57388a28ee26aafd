import { type RawBuilder, sql } from 'kysely';
import type { Plan } from '../../issues/compose.ts';
import type { Connection } from '../../platform/db/database.ts';
import type { Envelope } from '../envelope.ts';
import type { ExclusionReason } from '../exclusion.ts';

/** The provider takes at most this many messages in one request. */
export const BATCH_SIZE = 100;

export interface NewVariant {
  number: number;
  subject: string;
  preheader: string;
  html: string;
  text: string;
  contentHash: string;
  readers: ReaderGroup[];
}

/** Readers who get the same variant. */
export interface ReaderGroup {
  topics: string[];
  /** The ids of the stopped issues that they have. */
  had: string[];
}

/**
 * Stores every variant before the first submit (I5), and which readers get which variant; null means no content
 * for them.
 */
export async function storeVariants(
  tx: Connection,
  issueId: string,
  variants: NewVariant[],
  withoutContent: ReaderGroup[],
  envelope: Envelope,
): Promise<void> {
  const entries: (ReaderGroup & { issue_id: string; variant_id: string | null })[] = withoutContent.map(
    ({ topics, had }) => ({ issue_id: issueId, topics, had, variant_id: null }),
  );
  for (const { number, subject, preheader, html, text, contentHash, readers } of variants) {
    const { id } = await tx
      .insertInto('variants')
      .values({ issue_id: issueId, number, subject, preheader, html, text, content_hash: contentHash })
      .returning('id')
      .executeTakeFirstOrThrow();
    for (const { topics, had } of readers) entries.push({ issue_id: issueId, topics, had, variant_id: id });
  }
  for (let at = 0; at < entries.length; at += 500) {
    await tx
      .insertInto('variant_topics')
      .values(entries.slice(at, at + 500))
      .execute();
  }
  await tx
    .updateTable('issues')
    .set({ envelope: JSON.stringify(envelope) })
    .where('id', '=', issueId)
    .execute();
}

/**
 * A common table expression `sets (topics)` with every distinct topic set, for `with recursive`; the last row is
 * null. Each step is one index look-up, so the cost depends on the number of sets, not of readers.
 */
export const topicSets = sql`sets (topics) as (
  (select topics from subscribers where status = 'active' order by topics limit 1)
  union all
  select (select s.topics from subscribers s where s.status = 'active' and s.topics > sets.topics
    order by s.topics limit 1)
  from sets where sets.topics is not null
)`;

/** Returns every distinct topic set that confirmed readers chose. */
export async function chosenTopics(db: Connection): Promise<string[][]> {
  const { rows } = await sql<{ topics: string[] }>`
    with recursive ${topicSets} select topics from sets where topics is not null
  `.execute(db);
  return rows.map((row) => row.topics);
}

/** The ids of the stopped issues of which a plan repeats something. */
export function stoppedIn({ had = [] }: Pick<Plan, 'had'>): string[] {
  return had.map(({ issue }) => issue);
}

/**
 * Of a row `s` of subscribers: the ids of those stopped issues that the reader has. A reader who chose other topics
 * since counts only with the variant of everything.
 */
export function hadBy(stopped: readonly string[]): RawBuilder<string[]> {
  if (stopped.length === 0) return sql<string[]>`'{}'::text[]`;
  return sql<string[]>`array(
    select d.issue_id::text from deliveries d join batches b on b.id = d.batch_id join variants v on v.id = b.variant_id
    where d.issue_id = any(${stopped}::uuid[]) and d.subscriber_id = s.id
      and d.status in ('submitted', 'delivered', 'complained')
      and (v.number = 1 or exists (
        select from variant_topics t where t.issue_id = d.issue_id and t.variant_id = v.id and t.topics = s.topics
      ))
    order by 1
  )`;
}

/** Returns every distinct set of these stopped issues that readers have, without the empty one. */
export async function hadSets(db: Connection, stopped: readonly string[]): Promise<string[][]> {
  if (stopped.length === 0) return [];
  const { rows } = await sql<{ had: string[] }>`
    select distinct had from (
      select ${hadBy(stopped)} as had from subscribers s
      where s.status = 'active'
        and s.id in (select d.subscriber_id from deliveries d where d.issue_id = any(${stopped}::uuid[]))
    ) sets where had <> '{}' order by had
  `.execute(db);
  return rows.map(({ had }) => had);
}

/** What a reader has of these stopped issues. */
export async function hadByReader(
  db: Connection,
  stopped: readonly string[],
  subscriberId: string,
): Promise<string[]> {
  const { rows } = await sql<{ had: string[] }>`
    select ${hadBy(stopped)} as had from subscribers s where s.id = ${subscriberId}
  `.execute(db);
  return rows[0]?.had ?? [];
}

async function stoppedBefore(tx: Connection, issueId: string): Promise<string[]> {
  const { plan } = await tx
    .selectFrom('issues')
    .select('plan')
    .where('id', '=', issueId)
    .executeTakeFirstOrThrow();
  return stoppedIn((plan ?? {}) as Pick<Plan, 'had'>);
}

/**
 * How many readers are frozen in one transaction. The first page is small, so that the first batch is sent within a
 * second, however long the list is. Later pages are large, because each page leaves at most one short batch for
 * each variant.
 */
export const PAGES = { first: 10_000, next: 50_000 };

/** The smallest UUID: every reader's id comes after it. */
const FIRST_UUID = '00000000-0000-0000-0000-000000000000';

/**
 * Freezes the next page of an issue's audience in one statement: one delivery for each confirmed reader, placed in
 * batches of one variant each, or excluded with a reason. A reader who chose topics after the variants were
 * rendered gets the variant of everything. The caller holds a lock on the issue's row, so that no page is frozen twice.
 * @param after the id of the last reader of the previous page; null at the beginning.
 * @returns the new batches, in order.
 */
export async function freezePage(
  tx: Connection,
  issueId: string,
  after: string | null,
  size: number,
): Promise<string[]> {
  // A page is sorted in memory.
  await sql`set local work_mem = '32MB'`.execute(tx);
  const stopped = await stoppedBefore(tx, issueId);
  const { rows } = await sql<{ id: string }>`
    with page as materialized (
      select s.id, s.topics, s.paused_until, ${hadBy(stopped)} as had from subscribers s
      where s.status = 'active' and s.id > ${after ?? FIRST_UUID}::uuid
      order by s.id limit ${size}
    ), consenting as materialized (
      -- Reads only the page's range of the index: reading the consents one by one, or all of them, would cost more.
      select distinct subscriber_id from consent_events
      where event = 'confirmed' and subscriber_id > ${after ?? FIRST_UUID}::uuid
        and subscriber_id <= (select id from page order by id desc limit 1)
    ), candidates as materialized (
      select s.id as subscriber_id,
        case when t.topics is not null then t.variant_id when everything.topics is not null then everything.variant_id
          else general.id end as variant_id,
        s.had <> '{}' as has_some, c.subscriber_id is not null as consented, coalesce(s.paused_until > now(), false) as paused
      from page s left join consenting c on c.subscriber_id = s.id
      join variants general on general.issue_id = ${issueId}::uuid and general.number = 1
      left join variant_topics t on t.issue_id = ${issueId}::uuid and t.topics = s.topics and t.had = s.had
      left join variant_topics everything on everything.issue_id = ${issueId}::uuid and everything.topics = '{}'
        and everything.had = s.had and s.had <> '{}'
    ), placed as materialized (
      select subscriber_id, variant_id,
        row_number() over (partition by variant_id order by subscriber_id) - 1 as place
      from candidates where consented and not paused and variant_id is not null
    ), made as (
      insert into batches (issue_id, variant_id, number)
      select ${issueId}::uuid, b.variant_id,
        (select coalesce(max(number), 0) from batches where issue_id = ${issueId}::uuid)
          + row_number() over (order by v.number, b.ordinal)
      from (select distinct variant_id, place / ${BATCH_SIZE}::int as ordinal from placed) b
      join variants v on v.id = b.variant_id
      returning id, variant_id, number
    ), batch as (
      select id, variant_id, row_number() over (partition by variant_id order by number) - 1 as ordinal from made
    ), filled as (
      insert into deliveries (issue_id, subscriber_id, batch_id, position, status, reason)
      select ${issueId}::uuid, p.subscriber_id, b.id, p.place % ${BATCH_SIZE}::int, 'prepared', null
      from placed p join batch b on b.variant_id = p.variant_id and b.ordinal = p.place / ${BATCH_SIZE}::int
      union all
      select ${issueId}::uuid, subscriber_id, null, 0, 'excluded',
        case when not consented then ${'no-consent' satisfies ExclusionReason}
          when paused then ${'paused' satisfies ExclusionReason}
          when has_some then ${'had-all' satisfies ExclusionReason}
          else ${'no-content' satisfies ExclusionReason} end
      from candidates where not consented or paused or variant_id is null
    ), turned as (
      update issues set frozen_to = (
        select id from page where (select count(*) from page) = ${size}::int order by id desc limit 1
      )
      where id = ${issueId}
    )
    select id from made order by number
  `.execute(tx);
  // Without fresh statistics the planner takes the newly filled tables for empty, and every batch would scan them;
  // PGlite has no autovacuum to correct this. It runs in this transaction, so that a crash cannot prevent it, and
  // through a function of the tables' owner, because the application's role may not analyze.
  await sql`select analyze_sending_tables()`.execute(tx);
  return rows.map(({ id }) => id);
}

/**
 * Locks the row of an issue whose audience is not completely frozen, until the transaction ends. `for update` would
 * block every response that is recorded meanwhile, because its counters reference the issue.
 * @returns the id of the last frozen reader; undefined when there is nothing left to freeze, or the issue was
 * cancelled.
 */
export async function lockFrozenTo(tx: Connection, issueId: string): Promise<string | undefined> {
  const { rows } = await sql<{ frozen_to: string }>`
    select frozen_to from issues
    where id = ${issueId} and frozen_to is not null and (status = 'sending' or resume_to = 'sending')
    for no key update
  `.execute(tx);
  return rows[0]?.frozen_to;
}

/** Issues whose preparation has begun: their audience is not frozen, or not completely. */
export async function issuesInPreparation(db: Connection): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from issues where status = 'preparing'
    union select id from issues where frozen_to is not null and (status = 'sending' or resume_to = 'sending')
  `.execute(db);
  return rows.map(({ id }) => id);
}
