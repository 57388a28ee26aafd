import { isNamedIn } from '../comparisons/names.ts';
import type { Plan } from '../issues/compose.ts';
import { hiddenAmong } from '../issues/take-down/take-down-store.ts';
import type { Connection } from '../platform/db/database.ts';
import { prepared } from '../platform/db/prepared.ts';
import type { Envelope, IssueMeta } from './envelope.ts';

/** Whether the issue has an open or uncertain batch, or readers who are not in a batch yet. */
export async function isUnderWay(db: Connection, issueId: string): Promise<boolean> {
  const { rows } = await prepared('is_under_way')`
    select from batches where issue_id = ${issueId} and status in ('pending', 'submitting', 'uncertain')
    union all select from issues where id = ${issueId} and frozen_to is not null
    limit 1
  `.execute(db);
  return rows.length > 0;
}

export interface Counters {
  status: string;
  reason: string | null;
  count: number;
}

/** Reads the counters that the ledger's triggers maintain: every number on a page comes from here (I11). */
export async function readCounters(db: Connection, issueId: string): Promise<Counters[]> {
  return db
    .selectFrom('tallies')
    .select(({ fn }) => ['status', 'reason', fn.sum<number>('count').as('count')])
    .where('issue_id', '=', issueId)
    .groupBy(['status', 'reason'])
    .having(({ fn }) => fn.sum('count'), '>', 0)
    .execute();
}

/** Counts the rows of the ledger itself. */
export async function countDeliveries(db: Connection, issueId: string): Promise<Counters[]> {
  return db
    .selectFrom('deliveries')
    .select(({ fn }) => ['status', 'reason', fn.countAll<number>().as('count')])
    .where('issue_id', '=', issueId)
    .groupBy(['status', 'reason'])
    .execute();
}

export async function countBatches(db: Connection, issueId: string): Promise<Counters[]> {
  const rows = await db
    .selectFrom('batches')
    .select(({ fn }) => ['status', fn.countAll<number>().as('count')])
    .where('issue_id', '=', issueId)
    .groupBy('status')
    .execute();
  return rows.map((row) => ({ ...row, reason: null }));
}

/** Reads a frozen variant with the metadata of its issue. */
export async function readVariant(
  db: Connection,
  id: string,
): Promise<{ subject: string; html: string; text: string; meta: IssueMeta }> {
  const row = await db
    .selectFrom('variants as v')
    .innerJoin('issues as i', 'i.id', 'v.issue_id')
    .select(['v.subject', 'v.html', 'v.text', 'i.slug', 'i.number', 'i.envelope'])
    .where('v.id', '=', id)
    .executeTakeFirstOrThrow();
  const { subject, html, text, slug, number, envelope } = row;
  return { subject, html, text, meta: { slug, number: number ?? 0, envelope: envelope as Envelope } };
}

/** Reads the public variant: the archive shows it as it was mailed. */
export async function readGeneralVariant(db: Connection, issueId: string) {
  return db
    .selectFrom('variants')
    .select(['subject', 'preheader', 'html', 'text'])
    .where('issue_id', '=', issueId)
    .where('number', '=', 1)
    .executeTakeFirst();
}

/**
 * An issue as it was mailed: its subject, and the comparisons in it. Comparisons that were taken down since are
 * left out, and a subject that names one of them is replaced by the issue's number.
 */
export async function mailedIssue(
  db: Connection,
  slug: string,
): Promise<
  | {
      slug: string;
      number: number;
      subject: string;
      comparisons: Plan['comparisons'][number]['comparison'][];
    }
  | undefined
> {
  const row = await db
    .selectFrom('issues as i')
    .innerJoin('variants as v', (join) => join.onRef('v.issue_id', '=', 'i.id').on('v.number', '=', 1))
    .select(['i.number', 'i.plan', 'v.subject'])
    .where('i.slug', '=', slug)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const number = row.number ?? 0;
  const comparisons = (row.plan as Plan).comparisons.map(({ comparison }) => comparison);
  const hidden = new Set(
    await hiddenAmong(
      db,
      comparisons.map((comparison) => comparison.slug),
    ),
  );
  const isNamed = comparisons.some(
    (comparison) => hidden.has(comparison.slug) && isNamedIn(row.subject, comparison),
  );
  return {
    ...{ slug, number, subject: isNamed ? `Issue No. ${number}` : row.subject },
    comparisons: comparisons.filter((comparison) => !hidden.has(comparison.slug)),
  };
}
