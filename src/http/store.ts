import {
  type CountedComparison,
  countedComparisonSchema,
  entryPrices,
  title,
  verdict,
} from '../comparisons/index.ts';
import type { Connection } from '../db/index.ts';
import type { GlanceRow, Plan } from '../issues/index.ts';

/** An issue as the public may see it, told by what everybody was mailed. */
export interface PublishedIssue {
  slug: string;
  number: number;
  /** Local date of the slot, "2026-11-24". */
  date: string;
  subject: string;
  preheader: string;
  /** When its content was frozen; nothing of it changed since. */
  publishedAt: Date;
}

/** Newest first. Reads no plan and no body: it is asked for all of them at once. */
export async function publishedIssues(db: Connection, limit: number): Promise<PublishedIssue[]> {
  const rows = await published(db).orderBy('i.slot', 'desc').limit(limit).execute();
  return rows.map(toPublished);
}

/** The same, with the ten-second table of each. */
export async function publishedVerdicts(
  db: Connection,
  limit: number,
): Promise<(PublishedIssue & { verdicts: GlanceRow[] })[]> {
  const rows = await published(db).select('i.plan').orderBy('i.slot', 'desc').limit(limit).execute();
  return rows.map((row) => ({
    ...toPublished(row),
    verdicts: (row.plan as Plan).comparisons.map(({ comparison: { slug, tools } }) => ({
      slug,
      title: title({ tools }),
      verdict: verdict(tools),
      entryPrice: entryPrices(tools),
    })),
  }));
}

/** One issue with the body everybody may read; its personal links are still placeholders. */
export async function findPublished(
  db: Connection,
  slug: string,
): Promise<(PublishedIssue & { html: string; text: string }) | undefined> {
  const row = await published(db).select(['v.html', 'v.text']).where('i.slug', '=', slug).executeTakeFirst();
  return row && { ...toPublished(row), html: row.html, text: row.text };
}

/** The newest public issue that carried a comparison, and the comparison as it was mailed. */
export async function lastMailing(
  db: Connection,
  comparisonId: string,
): Promise<{ issue: PublishedIssue; asMailed: CountedComparison } | undefined> {
  const row = await published(db)
    .innerJoin('issue_comparisons as ic', 'ic.issue_id', 'i.id')
    .select('ic.content')
    .where('ic.comparison_id', '=', comparisonId)
    .orderBy('i.slot', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row && { issue: toPublished(row), asMailed: countedComparisonSchema.parse(row.content) };
}

/**
 * Public from its first submit on: whoever got it must find it online, and an issue that was stopped on
 * the way is with some of its readers. Cancelling takes it off again.
 */
function published(db: Connection) {
  return db
    .selectFrom('issues as i')
    .innerJoin('variants as v', (join) => join.onRef('v.issue_id', '=', 'i.id').on('v.number', '=', 1))
    .select(['i.slug', 'i.number', 'i.slot', 'i.prepared_at', 'i.due_at', 'v.subject', 'v.preheader'])
    .where(({ eb, or }) =>
      or([eb('i.status', 'in', ['sending', 'sent']), eb('i.resume_to', '=', 'sending')]),
    );
}

type Row = Awaited<ReturnType<ReturnType<typeof published>['execute']>>[number];

function toPublished(row: Row): PublishedIssue {
  const { slug, subject, preheader } = row;
  // Both are set before an issue can be sending; the columns are empty only until then.
  const number = row.number ?? 0;
  return { slug, number, date: row.slot, subject, preheader, publishedAt: row.prepared_at ?? row.due_at };
}
