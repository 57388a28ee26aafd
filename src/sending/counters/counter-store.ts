import { sql } from 'kysely';
import { isCounted } from '../../comparisons/votes/vote-store.ts';
import type { Connection } from '../../platform/db/database.ts';
import type { EventKind, IssueStatus } from '../../platform/db/schema.ts';

/** The outcomes of an issue's accepted deliveries, as far as the provider has reported them. */
export interface IssueCounters {
  /** Includes complaints: those messages had arrived. */
  delivered: number;
  bouncedHard: number;
  bouncedSoft: number;
  complained: number;
  /** Accepted and then not sent; the reasons are in the ledger. */
  failed: number;
  /** By readers, and by programs that fetch images for them: nothing distinguishes the two. */
  opened: number;
  /** Readers who followed a link. */
  clicked: number;
  /** Deliveries whose links were, as far as it can be known, followed by programs only. */
  clickedByMachines: number;
  /** Readers who unsubscribed between this issue and the next. */
  left: number;
}

/** An issue in the list of all issues, with its counters. */
export interface IssueLine {
  slug: string;
  number: number | null;
  status: IssueStatus;
  /** Local date. */
  slot: string;
  subject: string | null;
  submitted: number;
  delivered: number;
  bounced: number;
  complained: number;
}

/**
 * Lists issues, the newest first, one page at a time: `before` is the slot of the last issue on the previous page.
 */
export async function listIssueLines(
  db: Connection,
  { before, limit }: { before?: string | undefined; limit: number },
): Promise<IssueLine[]> {
  const { rows } = await sql<IssueLine>`
    select i.slug, i.number, i.status, i.slot::text as slot, v.subject, coalesce(t.submitted, 0) as submitted,
      coalesce(f.delivered, 0) as delivered, coalesce(f.bounced_hard + f.bounced_soft, 0) as bounced,
      coalesce(f.complained, 0) as complained
    from (select * from issues where ${before === undefined ? sql`true` : sql`slot < ${before}::date`}
      order by slot desc limit ${limit}) i
    left join variants v on v.issue_id = i.id and v.number = 1
    left join figures f on f.issue_id = i.id
    left join lateral (
      select sum(count)::int as submitted from tallies t where t.issue_id = i.id and t.status = 'submitted'
    ) t on true
    order by i.slot desc
  `.execute(db);
  return rows;
}

/** Accepted deliveries, and their outcomes. */
interface Counts {
  submitted: number;
  /** Includes complaints, as in {@link IssueCounters}. */
  delivered: number;
  bounced: number;
  complained: number;
}

export interface Outcomes {
  /** By variant and hour of delivery; the hour is null for messages that were not delivered, or not yet. */
  rows: ({ variant: number; subject: string; hour: Date | null } & Counts)[];
  variants: ({ variant: number; subject: string } & Counts)[];
  hours: { hour: Date; delivered: number }[];
  /** Votes on comparisons of the issue, between this issue and the next. */
  votes: number;
}

/** Reads the outcomes of one issue's deliveries in one scan. */
export async function issueOutcomes(db: Connection, issueId: string): Promise<Outcomes> {
  const [{ rows }, votes] = await Promise.all([
    sql<Outcomes['rows'][number]>`
      select v.number as variant, v.subject, c.hour, c.submitted, c.delivered, c.bounced, c.complained
      from (
        select b.variant_id, date_trunc('hour', d.delivered_at) as hour, count(*)::int as submitted,
          (count(*) filter (where d.status in ('delivered', 'complained')))::int as delivered,
          (count(*) filter (where d.status = 'bounced'))::int as bounced,
          (count(*) filter (where d.status = 'complained'))::int as complained
        from deliveries d join batches b on b.id = d.batch_id and b.issue_id = d.issue_id
        where d.issue_id = ${issueId} and d.submitted_at is not null
        group by 1, 2
      ) c join variants v on v.id = c.variant_id
      order by v.number, c.hour
    `.execute(db),
    sql<{ votes: number }>`
      select coalesce(sum(each.count), 0)::int as votes
      from issues i join issue_comparisons ic on ic.issue_id = i.id and ic.told = 'row'
        cross join lateral (
          select count(*) from votes v
          where v.comparison_id = ic.comparison_id and ${isCounted} and v.at >= i.prepared_at and v.at < coalesce(
            (select min(n.prepared_at) from issues n where n.prepared_at > i.prepared_at), 'infinity')
        ) each
      where i.id = ${issueId}
    `.execute(db),
  ]);
  return { ...aggregate(rows), rows, votes: votes.rows[0]?.votes ?? 0 };
}

function aggregate(rows: Outcomes['rows']): Pick<Outcomes, 'variants' | 'hours'> {
  const variants = new Map<number, Outcomes['variants'][number]>();
  const hours = new Map<number, Outcomes['hours'][number]>();
  for (const { variant, subject, hour, submitted, delivered, bounced, complained } of rows) {
    const sum = variants.get(variant) ?? {
      ...{ variant, subject, submitted: 0, delivered: 0, bounced: 0, complained: 0 },
    };
    sum.submitted += submitted;
    sum.delivered += delivered;
    sum.bounced += bounced;
    sum.complained += complained;
    variants.set(variant, sum);
    if (hour === null || delivered === 0) continue;
    const at = hours.get(hour.getTime()) ?? { hour, delivered: 0 };
    at.delivered += delivered;
    hours.set(hour.getTime(), at);
  }
  return {
    variants: [...variants.values()],
    hours: [...hours.values()].sort((a, b) => a.hour.getTime() - b.hour.getTime()),
  };
}

/**
 * A click within this time after delivery is a program's: a person needs longer to open a mail, read it and decide.
 */
const MACHINE_SECONDS = 60;

/** A reader who followed every link of a mail with at least this many links is a program. */
const MANY_LINKS = 5;

/**
 * Reads the counters of an issue. Those that cover all its deliveries were updated by the transactions that changed
 * the deliveries; the others are counted now, from few rows.
 */
export async function issueCounters(db: Connection, issueId: string): Promise<IssueCounters> {
  const { rows } = await sql<Omit<IssueCounters, 'clicked' | 'clickedByMachines'> & { isClicked: boolean }>`
    select coalesce(f.delivered, 0) as delivered, coalesce(f.bounced_hard, 0) as "bouncedHard",
      coalesce(f.bounced_soft, 0) as "bouncedSoft", coalesce(f.complained, 0) as complained,
      coalesce(f.failed, 0) as failed, coalesce(f.opened, 0) as opened,
      -- Ordered as its index: for a plain EXISTS the planner would scan the table until it met a row.
      (select c.delivery_id from clicks c where c.issue_id = i.id order by c.issue_id, c.delivery_id limit 1)
        is not null as "isClicked",
      (select count(*) from subscribers s where s.status = 'unsubscribed' and s.left_at >= i.prepared_at
        and s.left_at < coalesce(
          (select min(n.prepared_at) from issues n where n.prepared_at > i.prepared_at), 'infinity')
        -- One index look-up for each of them: a join could read all deliveries to find a few.
        and (select d.submitted_at is not null from deliveries d
          where d.issue_id = i.id and d.subscriber_id = s.id)) as "left"
    from issues i left join figures f on f.issue_id = i.id where i.id = ${issueId}
  `.execute(db);
  const { isClicked, ...figures } = rows[0] ?? { isClicked: false, ...ZERO };
  const clicks = isClicked ? await countClicks(db, issueId) : { clicked: 0, clickedByMachines: 0 };
  return { ...figures, ...clicks };
}

const ZERO = {
  ...{ delivered: 0, bouncedHard: 0, bouncedSoft: 0, complained: 0 },
  ...{ failed: 0, opened: 0, left: 0 },
};

/**
 * Counts clicks. A delivery counts as clicked by a reader when at least one click was late enough, came from no
 * known scanner, and not every link was followed.
 */
async function countClicks(
  db: Connection,
  issueId: string,
): Promise<Pick<IssueCounters, 'clicked' | 'clickedByMachines'>> {
  const { rows } = await sql<Pick<IssueCounters, 'clicked' | 'clickedByMachines'>>`
    with bodies as materialized (
      -- Links as clicks identify them: without their queries.
      select v.id, (select count(distinct link[1]) from regexp_matches(v.html, '\\yhref="([^"#?]+)', 'g') link
        where link[1] not like 'mailto:%') as links
      from variants v where v.issue_id = ${issueId}
    )
    select count(*) filter (where not is_machine) as clicked,
      count(*) filter (where is_machine) as "clickedByMachines"
    from (
      select bool_and(c.is_scanner or coalesce(c.last_at < d.delivered_at + make_interval(secs => ${MACHINE_SECONDS}), false))
        or count(*) >= greatest(coalesce(max(v.links), 0), ${MANY_LINKS}::int) as is_machine
      from clicks c join deliveries d on d.id = c.delivery_id and d.issue_id = c.issue_id
        join batches b on b.id = d.batch_id and b.issue_id = c.issue_id
        left join bodies v on v.id = b.variant_id
      where c.issue_id = ${issueId}
      group by c.delivery_id
    ) each
  `.execute(db);
  return rows[0] ?? { clicked: 0, clickedByMachines: 0 };
}

/**
 * How many deliveries of an issue were submitted per second in the last minute; 0 when there were none. Computed
 * from the batches, which are few, and the counters of each.
 */
export async function submitRate(db: Connection, issueId: string): Promise<number> {
  const { rows } = await sql<{ perSecond: number }>`
    select coalesce(sum(t.count) / greatest(extract(epoch from now() - min(b.claimed_at)), 1), 0)::float8
      as "perSecond"
    from batches b join tallies t on t.issue_id = b.issue_id and t.holder = b.id and t.status = 'submitted'
    where b.issue_id = ${issueId} and b.claimed_at > now() - interval '1 minute'
  `.execute(db);
  return rows[0]?.perSecond ?? 0;
}

/** Much longer than the first event ever needs. */
const NO_EVENTS_MINUTES = 30;

/**
 * Returns the newest issue if some of it was accepted a while ago and no event has arrived since it was prepared: then
 * the webhook address is wrong, or the provider has disabled it. Otherwise undefined. An issue may be accepted long after
 * it was prepared, when the provider did not answer before.
 */
export async function issueWithoutEvents(db: Connection): Promise<string | undefined> {
  const { rows } = await sql<{ slug: string }>`
    select i.slug from (select * from issues where prepared_at is not null order by prepared_at desc limit 1) i
    where i.prepared_at < now() - make_interval(mins => ${NO_EVENTS_MINUTES})
      and exists (
        select from batches b join lateral (
          select d.submitted_at from deliveries d where d.batch_id = b.id and d.submitted_at is not null limit 1
        ) accepted on true
        where b.issue_id = i.id and b.status = 'submitted' and b.claimed_at is not null
          and accepted.submitted_at < now() - make_interval(mins => ${NO_EVENTS_MINUTES})
      )
      and not exists (select from events e where e.received_at >= i.prepared_at)
  `.execute(db);
  return rows[0]?.slug;
}

/** An event of the provider about a subscriber. */
export interface EventAbout {
  at: Date;
  kind: EventKind;
  reason: string | null;
  /** The link that was clicked, without tokens. */
  link: string | null;
  /** Slug of the issue; null for other mail, and for events about an address. */
  issue: string | null;
}

/** Returns the newest events about a subscriber, the newest first. */
export async function eventsAbout(db: Connection, subscriberId: string, limit = 200): Promise<EventAbout[]> {
  const { rows } = await sql<EventAbout>`
    select e.at, e.kind, e.reason, e.link, i.slug as issue
    from issues i join deliveries d on d.issue_id = i.id and d.subscriber_id = ${subscriberId}
      join events e on e.delivery_id = d.id
    union all
    select e.at, e.kind, e.reason, e.link, null
    from events e where e.subscriber_id = ${subscriberId} and e.delivery_id is null
    order by at desc limit ${limit}
  `.execute(db);
  return rows;
}

/** How many events are waiting, for monitoring. */
export interface EventCounts {
  /** Not tried yet. */
  waiting: number;
  /** Tried, and waiting for a commit of ours. */
  parked: number;
  lastAt: Date | null;
}

export async function countEvents(db: Connection): Promise<EventCounts> {
  const { rows } = await sql<EventCounts>`
    select (select max(received_at) from events) as "lastAt",
      count(*) filter (where looks = 0) as waiting, count(*) filter (where looks > 0) as parked
    from events where due_at is not null
  `.execute(db);
  return rows[0] ?? { waiting: 0, parked: 0, lastAt: null };
}
