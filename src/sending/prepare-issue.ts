import type { Plan } from '../issues/compose.ts';
import type { IssueContent } from '../issues/content.ts';
import { contentHash } from '../issues/content-hash.ts';
import {
  type ChangeOptions,
  changeIssue,
  type Issue,
  issueChanged,
  lockStatus,
  requireIssue,
} from '../issues/issue-store.ts';
import { giveNumber, lockNumbers, nextNumber, renumberIssues } from '../issues/number-store.ts';
import { describeGone, goneIn } from '../issues/take-down/gone.ts';
import { hiddenAmong } from '../issues/take-down/take-down-store.ts';
import { variantsOf } from '../issues/variants.ts';
import type { Connection } from '../platform/db/database.ts';
import { AppError } from '../platform/errors.ts';
import { failpoint } from '../platform/failpoint.ts';
import type { Check } from '../render/checks.ts';
import type { TemplateRef } from '../render/render-variant.ts';
import { renderChecked } from '../render/thread/rendering-thread.ts';
import {
  chosenTopics,
  freezePage,
  hadSets,
  lockFrozenTo,
  type NewVariant,
  PAGES,
  type ReaderGroup,
  stoppedIn,
  storeVariants,
} from './audience/audience-store.ts';
import type { Envelope } from './envelope.ts';
import { isBlocking, type PanelCheck, panelOf } from './inspection/check-panel.ts';
import { factsOf, overridesOf } from './inspection/inspection-store.ts';

/** A variant as it would be sent. */
export interface DraftVariant extends NewVariant {
  content: IssueContent;
  checks: Check[];
  /** Bytes of the html as delivered. */
  bytes: number;
}

/**
 * Renders every variant of an issue for the topics that readers chose, and lints each. Nothing is stored. Preview,
 * approval and preparation all use this.
 * @throws AppError `issue-empty` for a skipped issue, `render-failed`.
 */
export async function renderIssue(
  db: Connection,
  issue: Issue,
): Promise<{ variants: DraftVariant[]; withoutContent: ReaderGroup[] }> {
  const plan = planOf(issue);
  const { variants, assignments } = variantsOf(
    plan,
    await chosenTopics(db),
    await hadSets(db, stoppedIn(plan)),
  );
  const drafts: DraftVariant[] = [];
  for (const { number, content: full } of variants) {
    const { content, rendered, checks } = await renderChecked(full, issue.template as TemplateRef);
    const { subject, preheader, html, text } = rendered;
    drafts.push({
      number,
      subject,
      preheader,
      html,
      text,
      contentHash: contentHash({ subject, html, text }),
      readers: assignments.filter((each) => each.variant === number),
      content,
      checks,
      bytes: rendered.bytes.html,
    });
  }
  return {
    variants: drafts,
    withoutContent: assignments.filter((each) => each.variant === null),
  };
}

/** @throws AppError `issue-empty`. */
export function planOf(issue: Issue): Plan {
  if (issue.plan === null) {
    throw new AppError('issue-empty', `Issue ${issue.slug} was skipped: ${issue.reason}`, {
      help: 'Compose it again when there is something new.',
    });
  }
  return issue.plan;
}

/** @throws AppError `checks-failed` naming every check that blocks. */
function assertSendable(issue: Issue, checks: readonly PanelCheck[]): void {
  const blocking = new Map(
    checks.filter(isBlocking).map(({ key, where, comparison, message, help }) => {
      const about = comparison === null ? '' : `${comparison.title}: `;
      return [key + where, `${about}${message} ${help}`];
    }),
  );
  if (blocking.size === 0) return;
  throw new AppError(
    'checks-failed',
    `Issue ${issue.slug} cannot go out: ${[...blocking.values()].join(' ')}`,
  );
}

/**
 * Approves an issue for sending unless a check of its variants, comparisons or links blocks it. A red check that a
 * publisher has overridden for exactly this content does not block. Idempotent.
 * @param options `planHash` is the content that the editor saw; without it, the current content is approved.
 * @throws AppError `checks-failed`, `issue-refuses`, `issue-empty`, `issue-changed`.
 */
export async function approveIssue(
  db: Connection,
  issueId: string,
  { planHash, record, now = new Date() }: ChangeOptions & { now?: Date } = {},
): Promise<Issue> {
  const issue = await requireIssue(db, { id: issueId });
  if (planHash !== undefined && planHash !== issue.planHash) throw issueChanged(issue);
  if (issue.status === 'draft' || issue.status === 'review') {
    const { variants } = await renderIssue(db, issue);
    assertSendable(issue, panelOf({ plan: planOf(issue), variants, ...(await factsOf(db, issue)), now }));
    if (issue.status === 'draft')
      await changeIssue(db, issueId, { type: 'submit_for_review' }, { planHash: issue.planHash });
  }
  // The hash makes sure that the checked content is approved, and no other.
  return (await changeIssue(db, issueId, { type: 'approve' }, { planHash: issue.planHash, record })).issue;
}

/**
 * Prepares an approved issue: renders and stores the variants, freezes the first page of the audience and creates
 * its batches, all in one transaction that ends in `sending` and gives the issue its number. After a crash it is
 * done again; two workers that do it at once render twice and store once. {@link freezeRest} freezes the other
 * pages.
 * @returns whether this call moved the issue to `sending`.
 */
export async function prepareIssue(
  db: Connection,
  issueId: string,
  envelope: Envelope,
  pageSize = PAGES.first,
): Promise<boolean> {
  for (;;) {
    const found = await requireIssue(db, { id: issueId });
    if (found.status !== 'approved' && found.status !== 'preparing') return false;
    await changeIssue(db, issueId, { type: 'prepare' });
    await renumberIssues(db);
    const outcome = await freezeIssue(db, await requireIssue(db, { id: issueId }), envelope, pageSize);
    if (outcome !== 'renumbered') return outcome === 'started';
  }
}

/**
 * @returns `renumbered` when another issue took the number that this one was rendered with: it must be rendered
 * again.
 */
async function freezeIssue(
  db: Connection,
  issue: Issue,
  envelope: Envelope,
  pageSize: number,
): Promise<'started' | 'stopped' | 'renumbered'> {
  const { id: issueId } = issue;
  let drafts: Awaited<ReturnType<typeof renderIssue>>;
  try {
    drafts = await renderIssue(db, issue);
    const overrides = await overridesOf(db, issue);
    // Facts about its comparisons and links were checked at the approval.
    const known = { facts: [], links: [], overrides, now: new Date(0) };
    assertSendable(issue, panelOf({ plan: planOf(issue), variants: drafts.variants, ...known }));
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    await changeIssue(db, issueId, { type: 'fail', reason: error.message });
    return 'stopped';
  }

  return db.transaction().execute(async (tx) => {
    await lockNumbers(tx);
    if ((await lockStatus(tx, issueId)) !== 'preparing') return 'stopped';
    const { number } = planOf(issue);
    if ((await nextNumber(tx)) !== number) return 'renumbered';
    const hidden = await hiddenAmong(tx, slugsOf(planOf(issue)));
    const gone = await goneIn(tx, planOf(issue));
    if (hidden.length + gone.length > 0) {
      const reason = hidden.length > 0 ? takenDownReason(hidden) : goneReason(describeGone(gone));
      await changeIssue(tx, issueId, { type: 'fail', reason });
      return 'stopped';
    }
    await giveNumber(tx, issueId, number);
    await storeVariants(tx, issueId, drafts.variants, drafts.withoutContent, envelope);
    await freezePage(tx, issueId, null, pageSize);
    failpoint('mid-prepare');
    await changeIssue(tx, issueId, { type: 'start' });
    return 'started';
  });
}

/** Returns the slugs of all comparisons in a plan. */
function slugsOf({ comparisons, changed }: Plan): string[] {
  return [...comparisons.map(({ comparison }) => comparison.slug), ...changed.map(({ row }) => row.slug)];
}

/** For a take-down while the issue was being prepared; before that, the issue drops the comparison. */
function takenDownReason(slugs: readonly string[]): string {
  return `${slugs.join(', ')}: taken down since the issue was approved. Cancel it; what else it carries stands for the next issue.`;
}

/** For a page that went while the issue was being prepared; before that, it is left out of the issue. */
function goneReason(gone: string): string {
  return `${gone}. Cancel it; what else it carries stands for the next issue.`;
}

/**
 * Freezes the rest of a long list, one page in each transaction, while earlier pages are being sent. After a crash,
 * or beside another worker, it continues after the last page. A reader who joins or unsubscribes meanwhile is
 * handled by their state when their page is frozen.
 * @yields the ids of a page's batches, ready to be submitted.
 */
export async function* freezeRest(
  db: Connection,
  issueId: string,
  pageSize = PAGES.next,
): AsyncGenerator<string[], void, undefined> {
  const nextPage = () =>
    db.transaction().execute(async (tx) => {
      const frozenTo = await lockFrozenTo(tx, issueId);
      if (frozenTo === undefined) return undefined;
      return freezePage(tx, issueId, frozenTo, pageSize);
    });
  for (let batchIds = await nextPage(); batchIds !== undefined; batchIds = await nextPage()) yield batchIds;
}
