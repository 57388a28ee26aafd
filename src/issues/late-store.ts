import { sql } from 'kysely';
import { isThere } from '../comparisons/gone/gone-store.ts';
import type { Connection } from '../platform/db/database.ts';
import type { IssueStatus } from '../platform/db/schema.ts';
import { AppError } from '../platform/errors.ts';

/**
 * Issues whose slot passed without them. While `late_at` is set, an issue keeps no comparison from other issues, so
 * the next one carries what nobody sent. The event that approves or resumes it claims its content again, and is
 * refused when another issue carries some of it by then: nobody is mailed the same comparison twice as new.
 */

/** A comparison of a late issue that another issue carries. */
export interface Taken {
  slug: string;
  /** The slug of the other issue. */
  issue: string;
  status: IssueStatus;
}

/**
 * Returns what other issues carry of a late one: of its new comparisons all that another open or sent issue has, of
 * its changes all that were told since it was composed, or are about to be.
 */
export async function findTaken(db: Connection, issueId: string): Promise<Taken[]> {
  const { rows } = await sql<Taken>`
    select distinct on (c.slug) c.slug, other.slug as issue, other.status
    from issues late
      join issue_comparisons mine on mine.issue_id = late.id
      join issue_comparisons theirs on theirs.comparison_id = mine.comparison_id and theirs.issue_id <> late.id
      join issues other on other.id = theirs.issue_id
      join comparisons c on c.id = mine.comparison_id
    where late.id = ${issueId} and other.status not in ('cancelled', 'skipped') and other.late_at is null
      and (mine.section = 'new' or other.status <> 'sent' or other.finished_at > late.created_at)
    order by c.slug, other.slot desc
  `.execute(db);
  return rows;
}

/** @throws AppError `contents-taken`. */
export async function assertUntaken(
  tx: Connection,
  { id, slug }: { id: string; slug: string },
): Promise<void> {
  const taken = await findTaken(tx, id);
  if (taken.length > 0) throw contentsTaken(slug, taken);
}

function contentsTaken(slug: string, taken: readonly Taken[]): AppError {
  return new AppError(
    'contents-taken',
    `Issue ${slug} is late, and ${namesOf(taken)} ${taken.length === 1 ? 'one of its comparisons' : `${taken.length} of its comparisons`} by now.`,
    { context: { issue: slug, taken: taken.map((each) => each.slug) } },
  );
}

/** "issue 2026-12-01 carries", for a sentence. */
export function namesOf(taken: readonly Taken[]): string {
  const issues = [...new Set(taken.map(({ issue }) => issue))];
  return `${issues.length === 1 ? 'issue' : 'issues'} ${issues.join(' and ')} ${issues.length === 1 ? 'carries' : 'carry'}`;
}

/** Marks an issue as late without changing its status: it was stopped before its slot, or composed after it. */
export async function markLate(db: Connection, issueId: string): Promise<void> {
  await sql`
    update issues set late_at = now()
    where id = ${issueId} and late_at is null and status in ('draft', 'review', 'paused', 'failed')
      and resume_to is distinct from 'sending'
  `.execute(db);
}

/** Withdraws the approval of a late issue whose content changes: it stays paused, and returns to review. */
export async function withdrawApproval(tx: Connection, issueId: string): Promise<void> {
  await sql`
    update issues set status = 'paused', resume_to = 'review'
    where id = ${issueId} and late_at is not null and status in ('paused', 'failed') and resume_to <> 'sending'
  `.execute(tx);
}

/**
 * Returns the late issues of which nothing is left: each of their new comparisons was sent by another issue, is gone from
 * its site, or was taken down or left out, and a later issue was sent. `sentWith` is the slug of the last of them.
 */
export async function findSuperseded(
  db: Connection,
): Promise<{ id: string; slug: string; sentWith: string }[]> {
  const { rows } = await sql<{ id: string; slug: string; sentWith: string }>`
    select late.id, late.slug, last.slug as "sentWith"
    from issues late cross join lateral (
      select i.slug from issues i where i.status = 'sent' and i.slot > late.slot order by i.slot desc limit 1
    ) last
    where late.late_at is not null and late.status in ('draft', 'review', 'paused', 'failed')
      and not exists (
        select from issue_comparisons mine join comparisons c on c.id = mine.comparison_id
        where mine.issue_id = late.id and mine.section = 'new' and c.hidden_at is null and ${isThere}
          and not exists (select from left_out l where l.comparison_id = c.id)
          and not exists (
            select from issue_comparisons theirs join issues i on i.id = theirs.issue_id
            where theirs.comparison_id = c.id and i.id <> late.id and i.status = 'sent'
          )
      )
  `.execute(db);
  return rows;
}

/** An issue that has not gone out in full, and keeps comparisons from other issues. */
export interface Holder {
  slug: string;
  status: IssueStatus;
  comparisons: number;
}

/** Returns the other open issues that keep comparisons from this slot, the earliest first. */
export async function findHolders(db: Connection, slot: string): Promise<Holder[]> {
  const { rows } = await sql<Holder>`
    select i.slug, i.status, count(*)::int as comparisons
    from issues i join issue_comparisons ic on ic.issue_id = i.id and ic.section = 'new'
    where i.status not in ('sent', 'cancelled', 'skipped') and i.late_at is null and i.slot <> ${slot}::date
    group by i.slug, i.status, i.slot order by i.slot
  `.execute(db);
  return rows;
}

/** Sets when an issue is due, unless it is being prepared by now. @returns whether it was changed. */
export async function setDueAt(tx: Connection, issueId: string, dueAt: Date): Promise<boolean> {
  const { rows } = await sql`
    update issues set due_at = ${dueAt}, late_at = null
    where id = ${issueId} and status in ('draft', 'review', 'approved') returning id
  `.execute(tx);
  return rows.length > 0;
}
