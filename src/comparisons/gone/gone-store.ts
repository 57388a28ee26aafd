import { type RawBuilder, sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';
import { comparisonSchema } from '../model.ts';
import { title } from '../names.ts';
import {
  decidePresence,
  GONE_AFTER,
  type GoneBy,
  isTooMany,
  type KnownComparison,
  type Presence,
  type SourceListing,
} from './presence.ts';

/** A condition on `comparisons c`: it is still on its site, so an issue may carry it. */
export const isThere: RawBuilder<boolean> = sql<boolean>`c.gone_at is null`;

export interface PresenceChanges extends Pick<Presence, 'withheld'> {
  gone: { slug: string; reason: string }[];
  /** Slugs. */
  back: string[];
}

/**
 * Stores what a gathering says about the presence of every comparison. At most five statements, of which an unchanged
 * source needs one.
 */
export async function recordPresence(
  tx: Connection,
  listings: readonly SourceListing[],
  at: Date,
): Promise<PresenceChanges> {
  const { rows: known } = await sql<KnownComparison>`
    select c.id, c.pair_key as "pairKey", l.source, l.entry, coalesce(l.missed, 0) as missed,
      c.gone_by as "goneBy"
    from comparisons c left join comparison_listings l on l.comparison_id = c.id
  `.execute(tx);
  const { found, missed, gone, back, withheld } = decidePresence(known, listings);
  if (found.length > 0) {
    await sql`
      insert into comparison_listings (comparison_id, source, entry)
      select id, source, entry from jsonb_to_recordset(${JSON.stringify(found)}::jsonb) as r (id uuid, source text,
        entry text)
      on conflict (comparison_id) do update set source = excluded.source, entry = excluded.entry, missed = 0
    `.execute(tx);
  }
  if (missed.length > 0) {
    await sql`
      update comparison_listings l set missed = r.missed
      from jsonb_to_recordset(${JSON.stringify(missed)}::jsonb) as r (id uuid, missed int)
      where l.comparison_id = r.id
    `.execute(tx);
  }
  return { gone: await markGone(tx, gone, at), back: await markBack(tx, back), withheld };
}

/** @returns those that were there before. */
async function markGone(tx: Connection, gone: Presence['gone'], at: Date): Promise<PresenceChanges['gone']> {
  if (gone.length === 0) return [];
  const { rows } = await sql<{ slug: string; reason: string }>`
    update comparisons c
    set gone_at = ${at}, gone_by = r.by, gone_reason = r.reason, presence_changed_at = now()
    from jsonb_to_recordset(${JSON.stringify(gone)}::jsonb) as r (id uuid, by text, reason text)
    where c.id = r.id and c.gone_at is null
    returning c.slug, c.gone_reason as reason
  `.execute(tx);
  return rows.sort((a, b) => (a.slug < b.slug ? -1 : 1));
}

/** @returns the slugs of those that were gone. */
async function markBack(tx: Connection, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql<{ slug: string }>`
    update comparisons set gone_at = null, gone_by = null, gone_reason = null, presence_changed_at = now()
    where id = any(${ids}::uuid[]) and gone_at is not null returning slug
  `.execute(tx);
  return rows.map(({ slug }) => slug).sort();
}

/** A person says that what a source has been missing for several gatherings is gone. @returns how many. */
export async function confirmMissing(tx: Connection, source: string, at: Date): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    select l.comparison_id as id from comparison_listings l join comparisons c on c.id = l.comparison_id
    where l.source = ${source} and l.missed >= ${GONE_AFTER} and ${isThere}
  `.execute(tx);
  const reason = `is missing in ${source}, and an editor said that it is gone`;
  const gone = await markGone(
    tx,
    rows.map(({ id }) => ({ id, by: 'listing' as const, reason })),
    at,
  );
  return gone.length;
}

/** The answer of one page, as far as it says whether the page is there. */
export interface PageAnswer {
  url: string;
  /** HTTP status of the last answer; null when there was none. */
  status: number | null;
  /** null: the page is there. */
  reason: string | null;
}

/**
 * Stores what requests to pages of comparisons say: for a pushed comparison, and for one in a feed or a file, they are the
 * only proof. When too many of the pages answer that they are gone, the site answers wrongly, and none is.
 */
export async function recordPageAnswers(
  tx: Connection,
  answers: readonly PageAnswer[],
  at: Date,
): Promise<Pick<PresenceChanges, 'gone' | 'back'>> {
  if (answers.length === 0) return { gone: [], back: [] };
  const dead = answers.filter(({ status }) => status === 404 || status === 410);
  const isWrong = isTooMany(dead.length, answers.length);
  const told = answers.filter((each) => each.reason === null || (!isWrong && dead.includes(each)));
  const { rows } = await sql<{ id: string; reason: string | null; goneBy: GoneBy | null }>`
    select c.id, r.reason, c.gone_by as "goneBy" from comparisons c
    join jsonb_to_recordset(${JSON.stringify(told)}::jsonb) as r (url text, reason text) on r.url = c.url
  `.execute(tx);
  const gone = rows.flatMap(({ id, reason, goneBy }) =>
    reason !== null && goneBy === null ? [{ id, by: 'page' as const, reason }] : [],
  );
  const back = rows.flatMap(({ id, reason, goneBy }) => (reason === null && goneBy === 'page' ? [id] : []));
  return { gone: await markGone(tx, gone, at), back: await markBack(tx, back) };
}

/** A push says that its comparison is there, whatever a source listed before. */
export async function markPushed(tx: Connection, slug: string): Promise<void> {
  const { rows } = await sql<{ id: string }>`
    select id from comparisons where slug = ${slug} and gone_at is not null
  `.execute(tx);
  const ids = rows.map(({ id }) => id);
  await markBack(tx, ids);
  if (ids.length > 0)
    await sql`delete from comparison_listings where comparison_id = any(${ids}::uuid[])`.execute(tx);
}

/**
 * Pages that answered that they are gone and that no gathering requests, those first that have waited longest.
 * @param before only those that were not requested since.
 */
export async function gonePagesToRequest(
  db: Connection,
  { before, limit }: { before: Date; limit: number },
): Promise<string[]> {
  const { rows } = await sql<{ url: string }>`
    select c.url from comparisons c left join link_checks k on k.url = c.url
    where c.gone_by = 'page' and c.hidden_at is null and greatest(k.checked_at, c.gone_at) < ${before}
      and not exists (select from pages p where p.url = c.url and p.kind = 'page')
    order by greatest(k.checked_at, c.gone_at), c.url limit ${limit}
  `.execute(db);
  return rows.map(({ url }) => url);
}

/** A comparison of an issue that is gone. */
export interface GoneComparison {
  slug: string;
  title: string;
  url: string;
  since: Date;
  /** "answered 404". */
  reason: string;
}

/** Those of these comparisons that are gone, by slug or by the URL of their page. */
export async function goneAmong(
  db: Connection,
  { slugs, urls }: { slugs: readonly string[]; urls: readonly string[] },
): Promise<GoneComparison[]> {
  const { rows } = await sql<{ slug: string; content: unknown; url: string; since: Date; reason: string }>`
    select c.slug, c.content, c.url, c.gone_at as since, c.gone_reason as reason from comparisons c
    where c.gone_at is not null and (c.slug = any(${slugs}::text[]) or c.url = any(${urls}::text[]))
    order by c.slug
  `.execute(db);
  return rows.map(({ content, ...row }) => ({ ...row, title: title(comparisonSchema.parse(content)) }));
}

/** A source that misses comparisons, and how many it had. */
export interface MissingOfSource {
  source: string;
  missing: number;
  of: number;
}

/** Sources that have missed comparisons for several gatherings, which are not gone because they are too many. */
export async function missingOfSources(db: Connection): Promise<MissingOfSource[]> {
  const { rows } = await sql<MissingOfSource>`
    select l.source, count(*) filter (where l.missed >= ${GONE_AFTER})::int as missing, count(*)::int as of
    from comparison_listings l join comparisons c on c.id = l.comparison_id
    where ${isThere}
    group by l.source having count(*) filter (where l.missed >= ${GONE_AFTER}) > 0
    order by l.source
  `.execute(db);
  return rows;
}
