import { sql } from 'kysely';
import type { Connection, EventKind, IssueStatus } from '../../db/index.ts';

/** What became of what the provider accepted of an issue, as far as it has told. */
export interface Figures {
  /** Complaints included: they had arrived. */
  delivered: number;
  bouncedHard: number;
  bouncedSoft: number;
  complained: number;
  /** Accepted, and then not mailed after all: the reasons are in the ledger. */
  failed: number;
  /** By readers and by programs that fetch images for them; nobody can tell. */
  opened: number;
  /** Readers who followed a link. */
  clicked: number;
  /** Deliveries whose links were, as far as it can be told, followed by programs only. */
  clickedByMachines: number;
  /** Readers who left between this issue and the next. */
  left: number;
}

/** An issue in the list of all, with what was counted when it was written. */
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

/** The newest first, a page at a time: `before` is the slot of the last one already shown. */
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

/** Sooner after the delivery than a person opens a mail, reads it and decides. */
const MACHINE_SECONDS = 60;

/** So many links at least, and following every one of them is what programs do. */
const MANY_LINKS = 5;

/**
 * The figures of an issue. Those of all its deliveries were counted in the transactions that wrote them;
 * the others are counted now, from the few rows that they are about.
 */
export async function issueFigures(db: Connection, issueId: string): Promise<Figures> {
  const { rows } = await sql<Omit<Figures, 'clicked' | 'clickedByMachines'> & { isClicked: boolean }>`
    select coalesce(f.delivered, 0) as delivered, coalesce(f.bounced_hard, 0) as "bouncedHard",
      coalesce(f.bounced_soft, 0) as "bouncedSoft", coalesce(f.complained, 0) as complained,
      coalesce(f.failed, 0) as failed, coalesce(f.opened, 0) as opened,
      exists (select from clicks c where c.issue_id = i.id) as "isClicked",
      (select count(*) from subscribers s where s.status = 'unsubscribed' and s.left_at >= i.prepared_at
        and s.left_at < coalesce(
          (select min(n.prepared_at) from issues n where n.prepared_at > i.prepared_at), 'infinity')
        and exists (select from deliveries d where d.issue_id = i.id and d.subscriber_id = s.id
          and d.submitted_at is not null)) as "left"
    from issues i left join figures f on f.issue_id = i.id where i.id = ${issueId}
  `.execute(db);
  const { isClicked, ...figures } = rows[0] ?? { isClicked: false, ...NOTHING };
  const clicks = isClicked ? await countClicks(db, issueId) : { clicked: 0, clickedByMachines: 0 };
  return { ...figures, ...clicks };
}

const NOTHING = {
  ...{ delivered: 0, bouncedHard: 0, bouncedSoft: 0, complained: 0 },
  ...{ failed: 0, opened: 0, left: 0 },
};

/** A reader clicked where one click at least was late enough, by no known program, and not one of all. */
async function countClicks(
  db: Connection,
  issueId: string,
): Promise<Pick<Figures, 'clicked' | 'clickedByMachines'>> {
  const variants = await db
    .selectFrom('variants')
    .select(['id', 'html'])
    .where('issue_id', '=', issueId)
    .execute();
  const { rows } = await sql<Pick<Figures, 'clicked' | 'clickedByMachines'>>`
    select count(*) filter (where not is_machine) as clicked,
      count(*) filter (where is_machine) as "clickedByMachines"
    from (
      select bool_and(c.is_scanner or coalesce(c.last_at < d.delivered_at + make_interval(secs => ${MACHINE_SECONDS}), false))
        or count(*) >= greatest(coalesce(max(v.links), 0), ${MANY_LINKS}::int) as is_machine
      from clicks c join deliveries d on d.id = c.delivery_id join batches b on b.id = d.batch_id
        left join unnest(${variants.map(({ id }) => id)}::uuid[], ${variants.map(({ html }) => linksOf(html))}::int[])
          as v (id, links) on v.id = b.variant_id
      where c.issue_id = ${issueId}
      group by c.delivery_id
    ) each
  `.execute(db);
  return rows[0] ?? { clicked: 0, clickedByMachines: 0 };
}

/** How many links a body has, as clicks are told apart: without their queries. */
export function linksOf(html: string): number {
  const links = html.matchAll(/\bhref="([^"#?]+)/g);
  return new Set([...links].map(([, link]) => link).filter((link) => !link?.startsWith('mailto:'))).size;
}

/**
 * How many people a second of an issue were submitted to in the last minute; 0 when nothing moves. From the
 * batches, which are few, and what is counted in each.
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

/** Long enough for the slowest first event, by far. */
const SILENT_MINUTES = 30;

/**
 * The newest issue that was submitted a while ago, and of which not one event came: the address for events
 * is wrong, or the provider has switched it off. Undefined as long as all is well.
 */
export async function silentIssue(db: Connection): Promise<string | undefined> {
  const { rows } = await sql<{ slug: string }>`
    select i.slug from (select * from issues where prepared_at is not null order by prepared_at desc limit 1) i
    where i.prepared_at < now() - make_interval(mins => ${SILENT_MINUTES})
      and exists (select from batches b where b.issue_id = i.id and b.status = 'submitted' and b.claimed_at is not null)
      and not exists (select from events e where e.received_at >= i.prepared_at)
  `.execute(db);
  return rows[0]?.slug;
}

/** What the provider told of a person. */
export interface EventAbout {
  at: Date;
  kind: EventKind;
  reason: string | null;
  /** What was clicked, without tokens. */
  link: string | null;
  /** Slug; null for other mail, and for events about an address. */
  issue: string | null;
}

/** Newest first; of a person who has more, the newest. */
export async function eventsAbout(db: Connection, subscriberId: string, limit = 200): Promise<EventAbout[]> {
  const { rows } = await sql<EventAbout>`
    select e.at, e.kind, e.reason, e.link, i.slug as issue from (
      select e.*, d.issue_id from deliveries d join events e on e.delivery_id = d.id
      where d.subscriber_id = ${subscriberId}
      union all
      select e.*, null from events e where e.subscriber_id = ${subscriberId} and e.delivery_id is null
    ) e left join issues i on i.id = e.issue_id
    order by e.at desc limit ${limit}
  `.execute(db);
  return rows;
}

/** Events as they stand, for whoever watches. */
export interface EventCounts {
  /** Not looked at yet. */
  waiting: number;
  /** Looked at, and waiting for a commit of ours. */
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
