import { sql } from 'kysely';
import type { Connection } from '../db/index.ts';
import { type Comparison, comparisonSchema } from './model.ts';
import { contentHash, pairKey } from './names.ts';

export interface Saved {
  added: number;
  changed: number;
  unchanged: number;
}

interface Known {
  id: string;
  slug: string;
  pair_key: string;
  content: unknown;
  content_hash: string;
}

/**
 * Saves what a source delivered: one row a pair of tools, whichever of them comes first; a row that
 * did not change is not written. Three statements, however many comparisons.
 */
export async function saveComparisons(db: Connection, incoming: Comparison[]): Promise<Saved> {
  return db.transaction().execute(async (tx) => {
    // Two gathers at once would both find a new comparison missing.
    await sql`select pg_advisory_xact_lock(hashtext('comparisons'))`.execute(tx);
    const known = await tx
      .selectFrom('comparisons')
      .select(['id', 'slug', 'pair_key', 'content', 'content_hash'])
      .where(({ eb, or }) =>
        or([
          eb('slug', '=', sql<string>`any(${incoming.map((each) => each.slug)}::text[])`),
          eb('pair_key', '=', sql<string>`any(${incoming.map(pairKey)}::text[])`),
        ]),
      )
      .execute();
    const { added, changed, unchanged } = compareWith(known, incoming);
    await insertAll(tx, added);
    await updateAll(tx, changed);
    return { added: added.length, changed: changed.length, unchanged };
  });
}

/** Sorts what came into new, changed and unchanged. Pure. */
function compareWith(known: Known[], incoming: Comparison[]) {
  const bySlug = new Map(known.map((row) => [row.slug, row]));
  const byPair = new Map(known.map((row) => [row.pair_key, row]));
  const added: Comparison[] = [];
  const changed: { id: string; comparison: Comparison }[] = [];
  let unchanged = 0;
  for (const comparison of incoming) {
    const row = byPair.get(pairKey(comparison)) ?? bySlug.get(comparison.slug);
    if (row === undefined) {
      added.push(comparison);
      continue;
    }
    const aligned = alignTo(comparisonSchema.parse(row.content), { ...comparison, slug: row.slug });
    if (contentHash(aligned) === row.content_hash) unchanged += 1;
    else changed.push({ id: row.id, comparison: aligned });
  }
  return { added, changed, unchanged };
}

/** B-vs-A of a comparison known as A-vs-B is turned round: a swap is no news. */
function alignTo(known: Comparison, incoming: Comparison): Comparison {
  const [a, b] = incoming.tools;
  return known.tools[0].name === b.name && known.tools[1].name === a.name
    ? { ...incoming, tools: [b, a] }
    : incoming;
}

async function insertAll(tx: Connection, comparisons: Comparison[]): Promise<void> {
  if (comparisons.length === 0) return;
  const rows = comparisons.map(columnsOf);
  await sql`
    insert into comparisons (slug, pair_key, url, content, content_hash, published_at)
    select slug, pair_key, url, content, content_hash, published_at
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (slug text, pair_key text, url text, content jsonb,
      content_hash text, published_at timestamptz)
  `.execute(tx);
}

async function updateAll(tx: Connection, changed: { id: string; comparison: Comparison }[]): Promise<void> {
  if (changed.length === 0) return;
  const rows = changed.map(({ id, comparison }) => ({ ...columnsOf(comparison), id }));
  await sql`
    update comparisons c
    set pair_key = r.pair_key, url = r.url, content = r.content, content_hash = r.content_hash, changed_at = now()
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (id uuid, pair_key text, url text, content jsonb,
      content_hash text)
    where c.id = r.id
  `.execute(tx);
}

function columnsOf(comparison: Comparison) {
  return {
    slug: comparison.slug,
    pair_key: pairKey(comparison),
    url: comparison.url,
    content: comparison,
    content_hash: contentHash(comparison),
    published_at: comparison.publishedAt,
  };
}

/**
 * Every topic there is to choose from: the categories of all tools compared so far, a category once
 * however its case is spelled, in alphabetical order.
 */
export async function knownTopics(db: Connection): Promise<string[]> {
  const { rows } = await sql<{ topic: string }>`
    select min(tool ->> 'category') as topic
    from comparisons c cross join lateral jsonb_array_elements(c.content -> 'tools') as tool
    group by lower(tool ->> 'category')
  `.execute(db);
  return rows.map((row) => row.topic).sort((a, b) => a.localeCompare(b, 'en'));
}
