import { sql } from 'kysely';
import type { GoneComparison } from '../../comparisons/gone/gone-store.ts';
import { comparisonSchema } from '../../comparisons/model.ts';
import { type ComparisonFacts, type LinkFact, linksOf, WEEKS_APART } from '../../issues/editorial.ts';
import type { Issue } from '../../issues/issue-store.ts';
import { goneIn } from '../../issues/take-down/gone.ts';
import type { Connection } from '../../platform/db/database.ts';
import type { LinkCheck } from '../../sources/crawl/follow-links.ts';
import type { Override, RenderedIssue } from './check-panel.ts';

export interface Facts {
  facts: ComparisonFacts[];
  links: LinkFact[];
  site: { gone: GoneComparison[]; reprinted: number };
  overrides: Override[];
}

/** Reads what is known about an issue's comparisons and links, and its overrides, in five statements. */
export async function factsOf(db: Connection, issue: Issue): Promise<Facts> {
  const { plan } = issue;
  if (plan === null) return { facts: [], links: [], site: { gone: [], reprinted: 0 }, overrides: [] };
  const [facts, links, gone, reprinted, overrides] = await Promise.all([
    comparisonFacts(db, issue),
    linkFacts(
      db,
      linksOf(plan).map(({ url }) => url),
    ),
    goneIn(db, plan),
    countReprinted(db, issue),
    overridesOf(db, issue),
  ]);
  return { facts, links, site: { gone, reprinted }, overrides };
}

/**
 * Counts the changes of an issue that are a reprint which was found after the issue was composed or edited, and which
 * nobody has called news.
 */
async function countReprinted(db: Connection, { id, plan }: Issue): Promise<number> {
  const slugs = plan?.changed.map(({ row }) => row.slug) ?? [];
  const { rows } = await sql<{ count: number }>`
    select count(distinct f.comparison_id)::int as count
    from issues i left join issue_choices e on e.issue_id = i.id
    join reprints r on r.is_told and r.answer is distinct from 'news' and r.first_at > greatest(i.created_at, e.at)
    join field_changes f on f.reprint_id = r.id and f.is_told and f.at <= greatest(i.created_at, e.at)
    join comparisons c on c.id = f.comparison_id
    where i.id = ${id} and c.slug = any(${slugs}::text[])
  `.execute(db);
  return rows[0]?.count ?? 0;
}

/**
 * A page that answers *304 Not Modified* costs no write. So the time of its last read is the time of the last
 * gathering that read its source without a fault.
 */
async function comparisonFacts(db: Connection, { id, plan, dueAt }: Issue): Promise<ComparisonFacts[]> {
  const slugs = plan?.comparisons.map(({ comparison }) => comparison.slug) ?? [];
  const { rows } = await sql<Omit<ComparisonFacts, 'now'> & { content: unknown }>`
    with gathered as (
      select r.source, max(g.at) as at
      from gathers g cross join lateral jsonb_to_recordset(g.sources) as r (source text, fault text)
      where r.fault is null group by r.source
    )
    select c.slug, c.content, c.published_at as "publishedAt", c.first_seen_at as "firstSeenAt",
      c.changed_at as "changedAt", c.hidden_at is not null as "isHidden", greatest(c.changed_at, p.fetched_at, g.at) as "readAt",
      (select i.slug from issue_comparisons ic join issues i on i.id = ic.issue_id
        where ic.comparison_id = c.id and ic.section = 'new' and i.id <> ${id}
          and i.status in ('approved', 'preparing', 'sending', 'sent')
          and i.due_at > ${dueAt}::timestamptz - make_interval(weeks => ${WEEKS_APART}::int)
        order by i.due_at desc limit 1) as "carriedBy"
    from comparisons c
    left join pages p on p.url = c.url
    left join gathered g on g.source = p.source
    where c.slug = any(${slugs}::text[])
  `.execute(db);
  return rows.map(({ content, ...row }) => ({ ...row, now: comparisonSchema.parse(content) }));
}

export async function linkFacts(db: Connection, urls: readonly string[]): Promise<LinkFact[]> {
  const { rows } = await sql<LinkFact>`
    select url, status, reason, checked_at as "checkedAt" from link_checks where url = any(${urls}::text[])
  `.execute(db);
  return rows;
}

/** The last result for each of these links that was ever followed. */
export async function linkResults(
  db: Connection,
  urls: readonly string[],
): Promise<(LinkFact & { isBroken: boolean })[]> {
  const { rows } = await sql<LinkFact & { isBroken: boolean }>`
    select url, status, reason, checked_at as "checkedAt", is_broken as "isBroken" from link_checks
    where url = any(${urls}::text[])
  `.execute(db);
  return rows;
}

/** Stores the results of following links; of each link only the last one. */
export async function writeLinks(db: Connection, checks: readonly LinkCheck[], at: Date): Promise<void> {
  await sql`
    insert into link_checks (url, status, reason, is_broken, checked_at)
    select url, status, reason, "isBroken", ${at}::timestamptz
    from jsonb_to_recordset(${JSON.stringify(checks)}::jsonb) as r (url text, status int, reason text,
      "isBroken" boolean)
    on conflict (url) do update set status = excluded.status, reason = excluded.reason,
      is_broken = excluded.is_broken, checked_at = excluded.checked_at
  `.execute(db);
}

/** Reads the overrides that are valid for the issue's current plan and template. */
export async function overridesOf(db: Connection, { id, planHash, template }: Issue): Promise<Override[]> {
  return db
    .selectFrom('check_overrides')
    .select(['check_key as key', 'reason', 'who', 'at'])
    .where('issue_id', '=', id)
    .where('plan_hash', '=', planHash ?? '')
    .where('template', '=', template)
    .execute();
}

/**
 * Whether an issue is still under review with exactly this content. The row stays locked until the transaction
 * ends.
 */
export async function lockIfUnchanged(tx: Connection, { id, planHash, template }: Issue): Promise<boolean> {
  const row = await tx
    .selectFrom('issues')
    .select('id')
    .where('id', '=', id)
    .where('status', 'in', ['draft', 'review'])
    .where('plan_hash', '=', planHash)
    .where('template', '=', template)
    .forUpdate()
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Reads the rendering that was stored for an issue's current plan and template.
 * @returns undefined when there is none yet.
 */
export async function storedRendering(
  db: Connection,
  { id, planHash, template }: Issue,
): Promise<{ variants: RenderedIssue[]; renderedAt: Date } | undefined> {
  const row = await db
    .selectFrom('issue_renderings')
    .select(['variants', 'rendered_at as renderedAt'])
    .where('issue_id', '=', id)
    .where('plan_hash', '=', planHash ?? '')
    .where('template', '=', template)
    .executeTakeFirst();
  return row && { variants: row.variants as RenderedIssue[], renderedAt: row.renderedAt };
}

/** Stores the rendering of an issue; of each issue only the last one. */
export async function storeRendering(
  db: Connection,
  { id, planHash, template }: Issue,
  variants: readonly RenderedIssue[],
  at: Date,
): Promise<void> {
  await sql`
    insert into issue_renderings (issue_id, plan_hash, template, variants, rendered_at)
    values (${id}, ${planHash ?? ''}, ${template}, ${JSON.stringify(variants)}::jsonb, ${at})
    on conflict (issue_id) do update set
      plan_hash = excluded.plan_hash, template = excluded.template,
      variants = excluded.variants, rendered_at = excluded.rendered_at
  `.execute(db);
}

/** Reads the ids of the issues under review whose current plan was never rendered. */
export async function unrenderedDrafts(db: Connection): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select i.id from issues i
    where i.status in ('draft', 'review') and i.plan is not null and not exists (
      select from issue_renderings r
      where r.issue_id = i.id and r.plan_hash = i.plan_hash and r.template = i.template
    )
    order by i.due_at
  `.execute(db);
  return rows.map(({ id }) => id);
}

/** @returns whether it is new. */
export async function insertOverride(
  tx: Connection,
  { id, planHash, template }: Issue,
  { key, reason, who }: Omit<Override, 'at'>,
): Promise<boolean> {
  const { rows } = await sql`
    insert into check_overrides (issue_id, plan_hash, template, check_key, reason, who)
    values (${id}, ${planHash}, ${template}, ${key}, ${reason}, ${who})
    on conflict do nothing returning check_key
  `.execute(tx);
  return rows.length > 0;
}

/** Counts the pages that were quarantined since the last issue was sent. */
export async function newlyQuarantined(db: Connection): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from quarantine
    where first_seen_at > coalesce((select max(finished_at) from issues where status = 'sent'), '-infinity')
  `.execute(db);
  return rows[0]?.count ?? 0;
}
