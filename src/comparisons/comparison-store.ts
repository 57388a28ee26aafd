import { sql } from 'kysely';
import type { Connection } from '../platform/db/database.ts';
import { inSlices } from '../platform/slices.ts';
import { markPushed } from './gone/gone-store.ts';
import { alignTo, clash, type Identified, identify, type Known, swapped } from './identity.ts';
import { type Comparison, type CountedComparison, comparisonSchema } from './model.ts';
import { canonicalUrl, contentHash, pairKey } from './names.ts';
import { type FieldChange, fieldChanges } from './reprints/field-changes.ts';
import { recordFieldChanges } from './reprints/reprint-store.ts';
import { type Change, changesBetween, panelOf } from './revisions.ts';
import { isPublic, type Publish } from './visibility-store.ts';

export interface Saved {
  added: number;
  changed: number;
  unchanged: number;
  /** Refused: its page belongs to another comparison, or its pair is already in this delivery. */
  refused: { slug: string; url: string; reason: string }[];
}

/**
 * Saves the comparisons of a source, each change with its revision; unchanged ones are not written. At most ten
 * statements for any number of comparisons, and one for each reprint that is found; two when nothing changed.
 */
export async function saveComparisons(db: Connection, incoming: Comparison[]): Promise<Saved> {
  return db.transaction().execute(async (tx) => {
    const { known, comparisons } = await loadRelated(tx, incoming);
    const { added, changed, unchanged, refused } = await save(tx, identify(known, comparisons));
    return { added: added.length, changed: changed.length, unchanged: unchanged.length, refused };
  });
}

/** The result of pushing one comparison. */
export type Pushed =
  | {
      status: 'created' | 'changed' | 'unchanged';
      slug: string;
      revision: number;
      changed: Change[];
      /** It was taken down, and the push does not show it again. */
      hidden: boolean;
    }
  | { status: 'refused'; field: 'slug' | 'url'; reason: string };

/** Saves one comparison that a client names: a slug or a page that belongs to another pair is refused. */
export async function pushComparison(db: Connection, incoming: Comparison): Promise<Pushed> {
  return db.transaction().execute(async (tx): Promise<Pushed> => {
    const { known, comparisons } = await loadRelated(tx, [incoming]);
    const [comparison = incoming] = comparisons;
    const refusal = clash(known, comparison);
    if (refusal !== undefined) return { status: 'refused', ...refusal };

    const { added, changed, unchanged } = await save(tx, identify(known, comparisons));
    const [created] = added;
    if (created) return { status: 'created', slug: created.slug, revision: 1, changed: [], hidden: false };
    const [moved] = changed;
    const slug = moved?.comparison.slug ?? unchanged[0]?.slug ?? comparison.slug;
    await markPushed(tx, slug);
    const { rows } = await sql<{ revision: number; hidden: boolean }>`
      select max(r.number) as revision, bool_or(c.hidden_at is not null) as hidden
      from revisions r join comparisons c on c.id = r.comparison_id where c.slug = ${slug}
    `.execute(tx);
    const { revision = 1, hidden = false } = rows[0] ?? {};
    return { status: moved ? 'changed' : 'unchanged', slug, revision, changed: moved?.changes ?? [], hidden };
  });
}

type Row = Known & { content_hash: string };

/** Reads every row that shares a pair, a page or a slug with the incoming comparisons, without its content. */
async function loadRelated(tx: Connection, incoming: readonly Comparison[]) {
  // Two gathers at once would both find a new comparison missing.
  await sql`select pg_advisory_xact_lock(hashtext('comparisons'))`.execute(tx);
  const comparisons = incoming.map((each) => ({ ...each, url: canonicalUrl(each.url) }));
  const { rows: known } = await sql<Row>`
    select id, slug, pair_key, url, content_hash from comparisons
    where slug = any(${comparisons.map(({ slug }) => slug)}::text[])
      or pair_key = any(${comparisons.map(pairKey)}::text[])
      or url = any(${comparisons.map(({ url }) => url)}::text[])
    order by first_seen_at, slug
  `.execute(tx);
  return { known, comparisons };
}

interface Changed {
  id: string;
  comparison: Comparison;
  changes: Change[];
  /** The same changes by field, see {@link recordFieldChanges}. */
  fields: FieldChange[];
}

async function save(tx: Connection, identified: Identified<Row>[]) {
  const added: Comparison[] = [];
  const unchanged: Row[] = [];
  const refused: Saved['refused'] = [];
  const changedRows: { id: string; comparison: Comparison }[] = [];
  const compared = await inSlices(identified, (one) => ({
    one,
    isSame: one.kind === 'known' && hasSameContent(one.row, one.comparison),
  }));
  for (const { one, isSame } of compared) {
    const { comparison } = one;
    if (one.kind === 'refused')
      refused.push({ slug: comparison.slug, url: comparison.url, reason: one.reason });
    else if (one.kind === 'new') added.push(comparison);
    else if (isSame) unchanged.push(one.row);
    else changedRows.push({ id: one.row.id, comparison });
  }
  const changed = await withChanges(tx, changedRows);
  // Update first: a page that moved frees its URL for the comparison that takes its place.
  await updateAll(tx, changed);
  await insertAll(tx, added);
  return { added, changed, unchanged, refused };
}

/** Compares hashes, for either order of the tools: unchanged content is never read. */
function hasSameContent(row: Row, comparison: Comparison): boolean {
  if (contentHash(comparison) === row.content_hash) return true;
  return contentHash({ ...comparison, tools: swapped(comparison) }) === row.content_hash;
}

async function withChanges(
  tx: Connection,
  changedRows: { id: string; comparison: Comparison }[],
): Promise<Changed[]> {
  if (changedRows.length === 0) return [];
  const { rows } = await sql<{ id: string; content: unknown }>`
    select id, content from comparisons where id = any(${changedRows.map(({ id }) => id)}::uuid[])
  `.execute(tx);
  const contents = new Map(rows.map((row) => [row.id, row.content]));
  return inSlices(changedRows, ({ id, comparison }) => {
    const was = comparisonSchema.parse(contents.get(id));
    const now = alignTo(was, comparison);
    return { id, comparison: now, changes: changesBetween(was, now), fields: fieldChanges(was, now) };
  });
}

async function insertAll(tx: Connection, comparisons: Comparison[]): Promise<void> {
  if (comparisons.length === 0) return;
  const rows = comparisons.map(columnsOf);
  await sql`
    with added as (
      insert into comparisons (slug, pair_key, url, content, content_hash, published_at)
      select slug, pair_key, url, content, content_hash, published_at
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (slug text, pair_key text, url text,
        content jsonb, content_hash text, published_at timestamptz)
      returning id, first_seen_at, content, content_hash
    )
    insert into revisions (comparison_id, number, at, content, content_hash, changed)
    select id, 1, first_seen_at, content, content_hash, '[]' from added
  `.execute(tx);
}

async function updateAll(tx: Connection, changed: Changed[]): Promise<void> {
  if (changed.length === 0) return;
  const rows = changed.map(({ id, comparison, changes }) => ({ ...columnsOf(comparison), id, changes }));
  const { rows: written } = await sql<{ id: string; number: number }>`
    with moved as (
      update comparisons c
      set pair_key = r.pair_key, url = r.url, content = r.content, content_hash = r.content_hash,
        changed_at = now()
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (id uuid, pair_key text, url text,
        content jsonb, content_hash text, changes jsonb)
      where c.id = r.id
      returning c.id, c.changed_at, c.content, c.content_hash, r.changes
    ), last as (
      select comparison_id, max(number) as number from revisions
      where comparison_id in (select id from moved) group by comparison_id
    )
    insert into revisions (comparison_id, number, at, content, content_hash, changed)
    select m.id, coalesce(last.number, 0) + 1, m.changed_at, m.content, m.content_hash, m.changes
    from moved m left join last on last.comparison_id = m.id
    returning comparison_id as id, number
  `.execute(tx);
  const numbers = new Map(written.map(({ id, number }) => [id, number]));
  await recordFieldChanges(
    tx,
    changed.map(({ id, fields }) => ({ comparisonId: id, revision: numbers.get(id) ?? 0, changes: fields })),
  );
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

/** A comparison, and when it was added. */
export interface StoredComparison {
  id: string;
  /** Without votes; `withVotes` adds them. */
  comparison: CountedComparison;
  /** When the site published it, or when we first saw it. */
  since: Date;
  changedAt: Date;
  /** Since when it is no longer on its site; null while it is. */
  goneSince: Date | null;
  /** When it last went or came back; null when it never did. */
  presenceChangedAt: Date | null;
}

const stored = sql`id, content, coalesce(published_at, first_seen_at) as since, changed_at, gone_at,
  presence_changed_at`;

interface StoredRow {
  id: string;
  content: unknown;
  since: Date;
  changed_at: Date;
  gone_at: Date | null;
  presence_changed_at: Date | null;
}

function toStored({ id, content, since, ...row }: StoredRow): StoredComparison {
  return {
    ...{ id, comparison: comparisonSchema.parse(content), since, changedAt: row.changed_at },
    ...{ goneSince: row.gone_at, presenceChangedAt: row.presence_changed_at },
  };
}

/** Finds a comparison for a caller who may see hidden ones; strangers get {@link findPublicComparison}. */
export async function findComparison(db: Connection, slug: string): Promise<StoredComparison | undefined> {
  const { rows } = await sql<StoredRow>`select ${stored} from comparisons where slug = ${slug}`.execute(db);
  return rows[0] && toStored(rows[0]);
}

/** @returns `'hidden'` when it was taken down; undefined when strangers may not see it. */
export async function findPublicComparison(
  db: Connection,
  slug: string,
  publish: Publish,
): Promise<StoredComparison | 'hidden' | undefined> {
  const { rows } = await sql<StoredRow & { hidden: boolean; public: boolean }>`
    select ${stored}, hidden_at is not null as hidden, ${isPublic(publish)} as public
    from comparisons c where slug = ${slug}
  `.execute(db);
  const [row] = rows;
  if (row === undefined) return undefined;
  if (row.hidden) return 'hidden';
  return row.public ? toStored(row) : undefined;
}

/**
 * Lists public comparisons, newest first, a page at a time. `after` is the slug of the last one already shown, so that
 * new comparisons do not shift the pages. An unknown `after` gives an empty list.
 */
export async function listComparisons(
  db: Connection,
  {
    topic,
    after,
    limit,
    publish,
  }: { topic?: string | undefined; after?: string | undefined; limit: number; publish: Publish },
): Promise<StoredComparison[]> {
  const ofTopic = sql`and exists (
    select from jsonb_array_elements(content -> 'tools') as tool
    where lower(tool ->> 'category') = lower(${topic ?? ''})
  )`;
  const further = sql`and (coalesce(published_at, first_seen_at), slug) < (
    select coalesce(published_at, first_seen_at), slug from comparisons where slug = ${after ?? ''}
  )`;
  const { rows } = await sql<StoredRow>`
    select ${stored} from comparisons c
    where ${isPublic(publish)} ${topic === undefined ? sql`` : ofTopic} ${after === undefined ? sql`` : further}
    order by coalesce(published_at, first_seen_at) desc, slug desc
    limit ${limit}
  `.execute(db);
  return rows.map(toStored);
}

/**
 * When any comparison was last added, changed, taken down or shown again, or went or came back; undefined when there is
 * none.
 */
export async function lastChange(db: Connection): Promise<Date | undefined> {
  const { rows } = await sql<{ at: Date | null }>`
    select greatest(max(changed_at), max(visibility_changed_at), max(presence_changed_at)) as at from comparisons
  `.execute(db);
  return rows[0]?.at ?? undefined;
}

/** One version of a comparison. */
export interface Revision {
  /** Counts from 1. */
  number: number;
  at: Date;
  /** Empty for the first. */
  changed: Change[];
}

/** The latest revisions of a comparison, newest first, without their contents. */
export async function revisionsOf(db: Connection, comparisonId: string, limit: number): Promise<Revision[]> {
  const rows = await db
    .selectFrom('revisions')
    .select(['number', 'at', 'changed'])
    .where('comparison_id', '=', comparisonId)
    .orderBy('number', 'desc')
    .limit(limit)
    .execute();
  return rows as Revision[];
}

/** When the panel of each tool last changed; null: never since the comparison was first seen. */
export async function panelChanges(
  db: Connection,
  tools: readonly { comparisonId: string; name: string }[],
): Promise<(Date | null)[]> {
  if (tools.length === 0) return [];
  const asked = tools.map(({ comparisonId, name }, place) => ({
    ...{ place, id: comparisonId },
    change: [{ part: 'panel', what: panelOf(name) }],
  }));
  const { rows } = await sql<{ place: number; at: Date }>`
    select a.place, max(r.at) as at
    from jsonb_to_recordset(${JSON.stringify(asked)}::jsonb) as a (place int, id uuid, change jsonb)
    join revisions r on r.comparison_id = a.id and r.changed @> a.change
    group by a.place
  `.execute(db);
  const found = new Map(rows.map(({ place, at }) => [place, at]));
  return tools.map((_, place) => found.get(place) ?? null);
}

/**
 * All topics: the categories of the tools that strangers may see, each once whatever its case, in alphabetical order.
 */
export async function knownTopics(db: Connection, publish: Publish): Promise<string[]> {
  const { rows } = await sql<{ topic: string }>`
    select min(tool ->> 'category') as topic
    from comparisons c cross join lateral jsonb_array_elements(c.content -> 'tools') as tool
    where ${isPublic(publish)}
    group by lower(tool ->> 'category')
  `.execute(db);
  return rows.map((row) => row.topic).sort((a, b) => a.localeCompare(b, 'en'));
}
