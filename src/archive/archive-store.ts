import { sql } from 'kysely';
import { type CountedComparison, countedComparisonSchema } from '../comparisons/model.ts';
import { entryPrices, isNamedIn, title } from '../comparisons/names.ts';
import { inTodaysPrint } from '../comparisons/reprints/field-changes.ts';
import { reprintedFields } from '../comparisons/reprints/reprint-store.ts';
import { verdict } from '../comparisons/verdict.ts';
import { isPublic, type Publish, publicAmong } from '../comparisons/visibility-store.ts';
import { byKind } from '../issues/changes.ts';
import type { Plan } from '../issues/compose.ts';
import type { ChangedVerdict, GlanceRow } from '../issues/content.ts';
import type { Connection } from '../platform/db/database.ts';
import { day } from '../platform/http/pages/dates.ts';

/** An issue as the public sees it, from its general variant. */
export interface PublishedIssue {
  slug: string;
  number: number;
  /** Local date of the slot, "2026-11-24". */
  date: string;
  subject: string;
  preheader: string;
  /** When its content was frozen; it has not changed since. */
  publishedAt: Date;
  /** It was stopped after some readers had it: only its own pages show it. */
  isStopped: boolean;
  /** Its comparisons that were taken down since. */
  takenDown: TakenDown[];
  /**
   * When its page changed last: when the issue was published or stopped, or when one of its comparisons was taken
   * down or shown again.
   */
  changedAt: Date;
}

/** A comparison that was taken down after an issue with it was mailed. */
export interface TakenDown {
  slug: string;
  title: string;
}

/** Lists public issues, newest first. Reads neither plan nor body, because a page lists all of them at once. */
export async function publishedIssues(db: Connection, limit: number): Promise<PublishedIssue[]> {
  const rows = await published(db).orderBy('i.slot', 'desc').limit(limit).execute();
  return toPublished(db, rows);
}

/** Like {@link publishedIssues}, with the ten-second table of each issue, limited to comparisons that are public. */
export async function publishedVerdicts(
  db: Connection,
  limit: number,
  publish: Publish,
): Promise<(PublishedIssue & { verdicts: GlanceRow[] })[]> {
  const rows = await published(db).select('i.plan').orderBy('i.slot', 'desc').limit(limit).execute();
  const carried = rows.map(({ plan }) => (plan as Plan).comparisons.map(({ comparison }) => comparison));
  const shown = await publicAmong(
    db,
    carried.flat().map(({ slug }) => slug),
    publish,
  );
  const issues = await toPublished(db, rows);
  return issues.map((issue, at) => ({
    ...issue,
    verdicts: (carried[at] ?? [])
      .filter(({ slug }) => shown.has(slug))
      .map(({ slug, tools }) => ({
        slug,
        title: title({ tools }),
        verdict: verdict(tools),
        entryPrice: entryPrices(tools),
      })),
  }));
}

/**
 * Returns one issue with its general variant; its personal links are still placeholders. One that was stopped after
 * some readers had it is found too, because their mails link to it.
 */
export async function findPublished(
  db: Connection,
  slug: string,
): Promise<(PublishedIssue & { html: string; text: string }) | undefined> {
  const row = await withStopped(db)
    .select(['v.html', 'v.text'])
    .where('i.slug', '=', slug)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const [issue] = await toPublished(db, [row]);
  return issue && { ...issue, html: row.html, text: row.text };
}

/** Everything that an issue told, in rows or by number; only comparisons that are public still. */
export interface ToldByIssue {
  issue: PublishedIssue;
  /** In the order of the issue: verdicts that turned, then prices, then panels. */
  changed: ChangedVerdict[];
  /** New comparisons, as they were then, by title. */
  added: GlanceRow[];
}

export async function findTold(
  db: Connection,
  slug: string,
  publish: Publish,
): Promise<ToldByIssue | undefined> {
  const row = await withStopped(db).where('i.slug', '=', slug).executeTakeFirst();
  if (row === undefined) return undefined;
  const [issue] = await toPublished(db, [row]);
  const { rows } = await sql<{ section: string; slug: string; change: unknown; tools: unknown }>`
    select ic.section, c.slug, ic.change, case when ic.section = 'new' then ic.content -> 'tools' end as tools
    from issue_comparisons ic join comparisons c on c.id = ic.comparison_id
    where ic.issue_id = ${row.id} and ic.told <> 'dropped' and ${isPublic(publish)}
  `.execute(db);
  const changed = rows
    .filter(({ section, change }) => section === 'changed' && change !== null)
    .map(({ change }) => change as ChangedVerdict);
  const added = rows
    .filter(({ section }) => section === 'new')
    .map((each): GlanceRow => {
      const tools = each.tools as CountedComparison['tools'];
      return {
        slug: each.slug,
        title: title({ tools }),
        verdict: verdict(tools),
        entryPrice: entryPrices(tools),
      };
    })
    .sort((a, b) => a.title.localeCompare(b.title, 'en'));
  return issue && { issue, changed: changed.sort(byKind), added };
}

/** Returns the newest public issue with a comparison, and that comparison as it was mailed, in today's print. */
export async function lastMailing(
  db: Connection,
  comparisonId: string,
): Promise<{ issue: PublishedIssue; asMailed: CountedComparison } | undefined> {
  const row = await published(db)
    .innerJoin('issue_comparisons as ic', 'ic.issue_id', 'i.id')
    .innerJoin('comparisons as c', 'c.id', 'ic.comparison_id')
    .select(['ic.content', reprintedFields.as('reprinted')])
    .where('ic.comparison_id', '=', comparisonId)
    .where('ic.told', '=', 'row')
    .orderBy('i.slot', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const [issue] = await toPublished(db, [row]);
  const asMailed = inTodaysPrint(countedComparisonSchema.parse(row.content), row.reprinted);
  return issue && { issue, asMailed };
}

/** An issue is public from its first submit on, also when it was paused halfway. A cancelled one is in no list. */
function published(db: Connection) {
  return frozen(db).where(({ eb, or }) =>
    or([eb('i.status', 'in', ['sending', 'sent']), eb('i.resume_to', '=', 'sending')]),
  );
}

/** The public issues, and the cancelled ones that some readers have. */
function withStopped(db: Connection) {
  return frozen(db).where(({ eb, or, and, exists, selectFrom }) =>
    or([
      eb('i.status', 'in', ['sending', 'sent']),
      eb('i.resume_to', '=', 'sending'),
      and([
        eb('i.status', '=', 'cancelled'),
        exists(
          selectFrom('batches as b')
            .select('b.id')
            .whereRef('b.issue_id', '=', 'i.id')
            .where('b.status', 'in', ['submitting', 'submitted', 'uncertain']),
        ),
      ]),
    ]),
  );
}

function frozen(db: Connection) {
  return db
    .selectFrom('issues as i')
    .innerJoin('variants as v', (join) => join.onRef('v.issue_id', '=', 'i.id').on('v.number', '=', 1))
    .select([
      'i.id',
      'i.slug',
      'i.number',
      'i.slot',
      'i.status',
      'i.prepared_at',
      'i.finished_at',
      'i.due_at',
    ])
    .select(['v.subject', 'v.preheader']);
}

type Row = Awaited<ReturnType<ReturnType<typeof published>['execute']>>[number];

/**
 * Turns rows into issues, with their comparisons that were taken down. A subject or preheader that names one of
 * these is replaced by number and date: otherwise lists, feeds and the front page would repeat a withdrawn
 * statement.
 */
async function toPublished(db: Connection, rows: readonly Row[]): Promise<PublishedIssue[]> {
  const moved = await visibilityChanges(
    db,
    rows.map(({ id }) => id),
  );
  return rows.map((row) => {
    const { id, slug, slot: date } = row;
    // Both are set before an issue can be sending; the columns are null only before that.
    const number = row.number ?? 0;
    const publishedAt = row.prepared_at ?? row.due_at;
    const isStopped = row.status === 'cancelled';
    const stoppedAt = isStopped ? [Number(row.finished_at)] : [];
    const ofIssue = moved.filter(({ issueId }) => issueId === id);
    const hidden = ofIssue.filter(({ isHidden }) => isHidden);
    const unlessNamed = (line: string) =>
      hidden.some(({ comparison }) => isNamedIn(line, comparison)) ? undefined : line;
    return {
      ...{ slug, number, date, publishedAt, isStopped },
      subject: unlessNamed(row.subject) ?? `Issue No. ${number}, ${day(new Date(date))}`,
      preheader: unlessNamed(row.preheader) ?? '',
      takenDown: hidden.map(({ comparison }) => ({ slug: comparison.slug, title: title(comparison) })),
      changedAt: new Date(
        Math.max(Number(publishedAt), ...stoppedAt, ...ofIssue.map(({ at }) => Number(at))),
      ),
    };
  });
}

/** Returns the comparisons of these issues that were ever taken down or shown again, as they were mailed. */
async function visibilityChanges(db: Connection, issueIds: readonly string[]) {
  if (issueIds.length === 0) return [];
  const rows = await db
    .selectFrom('comparisons as c')
    .innerJoin('issue_comparisons as ic', 'ic.comparison_id', 'c.id')
    .select(['ic.issue_id', 'ic.content', 'c.hidden_at', 'c.visibility_changed_at'])
    .where('c.visibility_changed_at', 'is not', null)
    .where('ic.told', '=', 'row')
    .where('ic.issue_id', 'in', [...issueIds])
    .orderBy('c.slug')
    .execute();
  return rows.map((row) => ({
    issueId: row.issue_id,
    comparison: countedComparisonSchema.parse(row.content),
    isHidden: row.hidden_at !== null,
    at: row.visibility_changed_at ?? new Date(0),
  }));
}
