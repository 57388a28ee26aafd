import { type RawBuilder, sql } from 'kysely';
import type { Connection } from '../platform/db/database.ts';
import { type Comparison, comparisonSchema } from './model.ts';
import { title } from './names.ts';

/**
 * Who may see a comparison. A person can hide it; only a person shows it again, whatever a source or a push delivers. A
 * setting says when its page becomes public: when it is gathered, or when it was mailed.
 */
export type Publish = 'gathered' | 'mailed';

/** A condition on `comparisons c`: strangers may see it. */
export function isPublic(publish: Publish): RawBuilder<boolean> {
  return publish === 'mailed'
    ? sql<boolean>`(c.hidden_at is null and ${wasMailed})`
    : sql<boolean>`c.hidden_at is null`;
}

/**
 * True from the moment when the provider may have received a request with it: people who have the mail must find its
 * page, and its vote links must work. An issue sent to nobody counts as well, because it is in the archive.
 */
const wasMailed = sql`exists (
  select from issue_comparisons ic join issues i on i.id = ic.issue_id
  where ic.comparison_id = c.id and (i.status = 'sent' or exists (
    select from batches b where b.issue_id = i.id and b.status in ('submitting', 'submitted', 'uncertain')
  ))
)`;

/** Why a comparison was taken down. */
export interface Hidden {
  reason: string;
  /** An editor's address, or the origin of the request: `command line`, `push`. */
  who: string;
  at: Date;
}

/** The result of hiding or showing. A second call changes nothing; `unknown` when the comparison does not exist. */
export type VisibilityChange = 'changed' | 'unchanged' | 'unknown';

export async function markHidden(
  tx: Connection,
  { slug, reason, who }: { slug: string; reason: string; who: string },
): Promise<VisibilityChange> {
  const { rows } = await sql`
    update comparisons set hidden_at = now(), hidden_reason = ${reason}, hidden_by = ${who}, visibility_changed_at = now()
    where slug = ${slug} and hidden_at is null returning id
  `.execute(tx);
  return rows.length > 0 ? 'changed' : unlessUnknown(tx, slug);
}

export async function markShown(tx: Connection, slug: string): Promise<VisibilityChange> {
  const { rows } = await sql`
    update comparisons set hidden_at = null, hidden_reason = null, hidden_by = null, visibility_changed_at = now()
    where slug = ${slug} and hidden_at is not null returning id
  `.execute(tx);
  return rows.length > 0 ? 'changed' : unlessUnknown(tx, slug);
}

async function unlessUnknown(db: Connection, slug: string): Promise<VisibilityChange> {
  const { rows } = await sql`select from comparisons where slug = ${slug}`.execute(db);
  return rows.length > 0 ? 'unchanged' : 'unknown';
}

/** Returns which of these comparisons strangers may see. */
export async function publicAmong(
  db: Connection,
  slugs: readonly string[],
  publish: Publish,
): Promise<Set<string>> {
  if (slugs.length === 0) return new Set();
  const { rows } = await sql<{ slug: string }>`
    select c.slug from comparisons c where c.slug = any(${slugs}::text[]) and ${isPublic(publish)}
  `.execute(db);
  return new Set(rows.map(({ slug }) => slug));
}

/** Why a comparison is hidden; undefined when it is not. */
export async function findHidden(db: Connection, slug: string): Promise<Hidden | undefined> {
  const { rows } = await sql<Hidden>`
    select hidden_reason as reason, hidden_by as who, hidden_at as at from comparisons
    where slug = ${slug} and hidden_at is not null
  `.execute(db);
  return rows[0];
}

/** When any comparison was last hidden or shown again; undefined when none ever was. */
export async function lastVisibilityChange(db: Connection): Promise<Date | undefined> {
  const { at } = await db
    .selectFrom('comparisons')
    .select(({ fn }) => fn.max('visibility_changed_at').as('at'))
    .executeTakeFirstOrThrow();
  return at ?? undefined;
}

export type VisibilityState = 'public' | 'waiting' | 'hidden';

/** A comparison as the desk lists it. */
export interface ListedComparison {
  slug: string;
  comparison: Comparison;
  title: string;
  /** When the site published it, or when we first saw it. */
  since: Date;
  /** `waiting` for the issue that will carry it, when PUBLISH requires one. */
  state: VisibilityState;
  hidden: Hidden | null;
  /** Since when it is no longer on its site, and why we think so; null while it is. */
  gone: { since: Date; reason: string } | null;
}

interface ListQuery {
  publish: Publish;
  /** Words of a name or a slug; empty: every comparison. */
  search?: string;
  /** Only this comparison. */
  slug?: string;
  /** Only hidden comparisons. */
  isHidden?: boolean;
  /** Slug of the last comparison already shown. */
  after?: string | undefined;
  limit: number;
}

/** All comparisons, newest first, a page at a time. */
export async function listWithVisibility(
  db: Connection,
  { publish, search = '', slug: only, isHidden = false, after, limit }: ListQuery,
): Promise<ListedComparison[]> {
  const words = search.toLowerCase().split(/\s+/u).filter(Boolean);
  // Compared byte by byte, so that no character of a search is a wildcard.
  const matches = words.map(
    (word) => sql`(position(${word} in lower(c.slug)) > 0
      or position(${word} in lower(c.content #>> '{tools,0,name}')) > 0
      or position(${word} in lower(c.content #>> '{tools,1,name}')) > 0)`,
  );
  const further = sql`and (coalesce(published_at, first_seen_at), c.slug) < (
    select coalesce(published_at, first_seen_at), slug from comparisons where slug = ${after ?? ''}
  )`;
  const { rows } = await sql<{
    slug: string;
    content: unknown;
    since: Date;
    is_public: boolean;
    hidden_reason: string | null;
    hidden_by: string;
    hidden_at: Date;
    gone_at: Date | null;
    gone_reason: string | null;
  }>`
    select c.slug, c.content, coalesce(published_at, first_seen_at) as since, ${isPublic(publish)} as is_public,
      hidden_reason, hidden_by, hidden_at, gone_at, gone_reason
    from comparisons c
    where ${isHidden ? sql`hidden_at is not null` : sql`true`} ${only === undefined ? sql`` : sql`and c.slug = ${only}`}
      ${matches.length === 0 ? sql`` : sql`and ${sql.join(matches, sql` and `)}`} ${after === undefined ? sql`` : further}
    order by coalesce(published_at, first_seen_at) desc, c.slug desc
    limit ${limit}
  `.execute(db);
  return rows.map(({ slug, content, since, is_public, hidden_reason, hidden_by, hidden_at, ...row }) => {
    const comparison = comparisonSchema.parse(content);
    const gone = row.gone_at === null ? null : { since: row.gone_at, reason: row.gone_reason ?? '' };
    const hidden = hidden_reason === null ? null : { reason: hidden_reason, who: hidden_by, at: hidden_at };
    const state = hidden !== null ? 'hidden' : is_public ? 'public' : 'waiting';
    return { slug, comparison, title: title(comparison), since, state, hidden, gone };
  });
}
