import { panelChanges } from '../comparisons/comparison-store.ts';
import { countVotes, countVotesSince, withVotes } from '../comparisons/votes/vote-store.ts';
import type { Connection } from '../platform/db/database.ts';
import { AppError } from '../platform/errors.ts';
import { type Composition, compose, type Plan } from './compose.ts';
import type { IssueContent } from './content.ts';
import {
  applyEdit,
  type Choices,
  type Edit,
  type RowKeys,
  type RowSection,
  withoutComparison,
} from './edit.ts';
import {
  excludeComparison,
  excludedFrom,
  findCandidates,
  findChanged,
  findChoices,
  findHad,
  findPastLeads,
  findSummarised,
  findVotable,
  type Issue,
  issueChanged,
  lockComposing,
  lockIssue,
  lockSlot,
  type RecordChange,
  readmitComparison,
  rewriteIssue,
  skipIssue,
  type ToldContent,
  writeChoices,
  writeIssue,
  writeTold,
} from './issue-store.ts';
import {
  findHolders,
  findSuperseded,
  findTaken,
  type Holder,
  namesOf,
  withdrawApproval,
} from './late-store.ts';
import { expectedNumber } from './number-store.ts';
import type { Told } from './planned-rows.ts';
import { readersKey, type ToolVotes } from './readers-rows.ts';
import type { Slot } from './slot.ts';

export interface WeekSettings {
  newsletter: IssueContent['newsletter'];
  template: string;
  minComparisons: number;
  /** How many comparisons have a card, the lead included. */
  cards: number;
}

/**
 * Composes the issue of a slot from the database, in one transaction, and applies its editors' choices. Composing
 * again refreshes a draft, an issue in review, or a skipped slot that is still in the future; an issue in a later
 * state is returned unchanged. A slot has exactly one issue, however often this is called (I6).
 * @param record called only when an issue was composed.
 */
export async function composeIssue(
  db: Connection,
  slot: Slot,
  settings: WeekSettings,
  now: Date,
  record?: RecordChange,
): Promise<Issue> {
  return db.transaction().execute(async (tx) => {
    // Two transactions that compose at once would take the same comparisons and the same number.
    await lockComposing(tx);
    const existing = await lockSlot(tx, slot.key);
    if (existing !== undefined && !isOpen(existing, now)) return existing;

    const choices = await findChoices(tx, existing?.id);
    const number = await expectedNumber(tx, slot.key);
    const week = await composeWeek(tx, { id: existing?.id, key: slot.key, number }, settings, choices);
    const template = choices.template ?? settings.template;
    const { composition } = week;
    if (composition.kind === 'skipped') {
      const reason = [composition.reason, ...(await findHolders(tx, slot.key)).map(holds)].join(' ');
      const issue = await writeIssue(tx, slot, template, { skipped: reason });
      await writeTold(tx, issue.id, []);
      await record?.(tx, issue);
      return issue;
    }
    const issue = await writeIssue(tx, slot, template, { plan: composition.plan });
    await writeTold(tx, issue.id, week.contentsOf(composition.told));
    await record?.(tx, issue);
    return issue;
  });
}

export interface EditRequest {
  issueId: string;
  /** The revision that the editor saw. */
  revision: number;
  edit: Edit;
  /** Address of the editor. */
  who: string;
  record?: RecordChange;
}

/**
 * Applies an editor's change to a draft, in one transaction: stores the choice, and composes the plan again from
 * the choices and the issue's current comparisons. New comparisons stay out until an editor adds them, so that
 * nothing appears while somebody edits.
 * @throws AppError `issue-changed` when somebody changed it since; `issue-refuses` past review; `edit-refused`.
 */
export async function editIssue(
  db: Connection,
  request: EditRequest,
  settings: WeekSettings,
): Promise<Issue> {
  const { issueId, revision, edit, who, record } = request;
  return db.transaction().execute(async (tx) => {
    await lockComposing(tx);
    const issue = await lockIssue(tx, issueId);
    if (issue.plan === null || (issue.status !== 'draft' && issue.status !== 'review')) {
      throw new AppError('issue-refuses', `Issue ${issue.slug} is ${issue.status}: it cannot be edited.`, {
        help: issue.status === 'approved' ? 'Take the approval back first.' : 'Nothing was changed.',
      });
    }
    if (issue.revision !== revision) throw issueChanged(issue);
    const order = issue.plan.comparisons.map(({ comparison }) => comparison.slug);
    const choices = applyEdit(await findChoices(tx, issueId), edit, order, rowKeysOf(issue.plan));
    if (edit.kind === 'leave_out') await excludeComparison(tx, { ...edit, issueId, who });
    if (edit.kind === 'add') await readmitComparison(tx, edit.slug);

    const about = new Set([...order, ...issue.plan.heldBack, ...issue.plan.leftOut]);
    if (edit.kind === 'add') about.add(edit.slug);
    const target = { id: issueId, key: issue.slot, number: issue.plan.number };
    const { composition, contentsOf } = await composeWeek(tx, target, settings, choices, about);
    if (composition.kind === 'skipped')
      throw new AppError('edit-refused', composition.reason, { help: 'Nothing was changed.' });
    const { plan } = composition;
    if (edit.kind === 'add' && !plan.comparisons.some(({ comparison }) => comparison.slug === edit.slug)) {
      throw new AppError('edit-refused', `"${edit.slug}" cannot be in this issue.`, {
        help: 'Another issue carries it, its topics wait for the next one, or there is no room.',
      });
    }
    await writeChoices(tx, issueId, choices, who);
    const edited = await rewriteIssue(tx, issueId, plan, choices.template ?? settings.template);
    await writeTold(tx, issueId, contentsOf(composition.told));
    await record?.(tx, edited);
    return edited;
  });
}

/**
 * Composes an open issue again without one comparison, from its current comparisons and the editors' choices; no
 * new comparison is added. When none is left, the slot is skipped.
 */
export async function recomposeIssue(
  tx: Connection,
  issue: Issue,
  without: string | undefined,
): Promise<Issue> {
  if (issue.plan === null) return issue;
  const { composition, contentsOf } = await composeOwn(tx, issue, issue.plan, without);
  if (composition.kind === 'skipped') {
    await writeTold(tx, issue.id, []);
    return skipIssue(tx, issue.id, composition.reason);
  }
  await writeTold(tx, issue.id, contentsOf(composition.told));
  return rewriteIssue(tx, issue.id, composition.plan, issue.template);
}

/** Composes an issue again from its current comparisons; `without` one of them. Nothing is written. */
async function composeOwn(tx: Connection, issue: Issue, plan: Plan, without?: string) {
  const choices = await findChoices(tx, issue.id);
  const about = new Set(
    [...plan.comparisons.map(({ comparison }) => comparison.slug), ...plan.heldBack, ...plan.leftOut].filter(
      (slug) => slug !== without,
    ),
  );
  return composeWeek(
    tx,
    { id: issue.id, key: issue.slot, number: plan.number },
    { newsletter: plan.newsletter, template: issue.template, minComparisons: 1, cards: 1 + plan.cards },
    without === undefined ? choices : withoutComparison(choices, without),
    about,
  );
}

/** Why comparisons are no news for a slot although nobody was mailed them. */
function holds({ slug, status, comparisons }: Holder): string {
  return `Issue ${slug}, which is ${status}, has ${comparisons === 1 ? 'one comparison' : `${comparisons} comparisons`} that ${comparisons === 1 ? 'is' : 'are'} not sent yet.`;
}

/**
 * Composes a late issue again without what other issues carry by now; its approval is withdrawn, because it was
 * given for other content.
 * @throws AppError `contents-taken` in any case: with what is left of it, and what a person can do.
 */
export async function composeUntaken(db: Connection, issueId: string): Promise<never> {
  const { slug, taken, isLeft } = await db.transaction().execute(async (tx) => {
    await lockComposing(tx);
    const issue = await lockIssue(tx, issueId);
    const taken = await findTaken(tx, issueId);
    if (issue.plan === null) return { slug: issue.slug, taken, isLeft: false };
    const { composition, contentsOf } = await composeOwn(tx, issue, issue.plan);
    const isLeft = composition.kind === 'composed';
    if (isLeft) {
      await withdrawApproval(tx, issueId);
      await writeTold(tx, issueId, contentsOf(composition.told));
      await rewriteIssue(tx, issueId, composition.plan, issue.template);
    }
    return { slug: issue.slug, taken, isLeft };
  });
  if (taken.length === 0)
    throw new AppError('contents-taken', `Issue ${slug} was changed in the meantime.`, {
      help: 'Try again.',
    });
  throw new AppError(
    'contents-taken',
    `Issue ${slug} missed its slot, and ${namesOf(taken)} what was in it.`,
    {
      help: isLeft
        ? 'It was composed again from what is left: look at it, and approve that.'
        : 'Nothing is left of it: cancel it.',
      context: { issue: slug },
    },
  );
}

/**
 * Closes the late issues of which nothing is left, because later ones were sent: their slots are skipped.
 * @returns them, with the reason.
 */
export async function skipSuperseded(db: Connection): Promise<Issue[]> {
  if ((await findSuperseded(db)).length === 0) return [];
  return db.transaction().execute(async (tx) => {
    await lockComposing(tx);
    const skipped: Issue[] = [];
    for (const { id, sentWith } of await findSuperseded(tx)) {
      await lockIssue(tx, id);
      await writeTold(tx, id, []);
      skipped.push(
        await skipIssue(tx, id, `It missed its slot, and issue ${sentWith} was sent with what was in it.`),
      );
    }
    return skipped;
  });
}

/** @param about only these new comparisons; without it, every comparison that no issue carries yet. */
async function composeWeek(
  tx: Connection,
  issue: { id: string | undefined; key: string; number: number },
  settings: WeekSettings,
  choices: Choices,
  about?: ReadonlySet<string>,
): Promise<{ composition: Composition; contentsOf: (told: readonly Told[]) => ToldContent[] }> {
  const summarised =
    about === undefined || issue.id === undefined
      ? []
      : (await findSummarised(tx, issue.id)).filter((slug) => !about.has(slug));
  const relevant = about && new Set([...about, ...summarised]);
  const found = (await findCandidates(tx, issue.id)).filter(
    ({ comparison }) => relevant?.has(comparison.slug) ?? true,
  );
  const changed = await findChanged(tx, issue.id);
  // The current votes are part of the composition, and are frozen with it.
  const counted = await countVotes(tx, [
    ...found.map(({ comparison }) => comparison),
    ...changed.map(({ now }) => now),
  ]);
  const candidates = found.map((each) => ({ ...each, comparison: withVotes(each.comparison, counted) }));
  const mailed = changed.map((each) => ({ ...each, now: withVotes(each.now, counted) }));
  const leftOut = issue.id === undefined ? [] : await excludedFrom(tx, issue.id);
  const composition = compose({
    newsletter: settings.newsletter,
    number: issue.number,
    slug: issue.key,
    date: issue.key,
    links: { online: `${settings.newsletter.url}/issues/${issue.key}` },
    candidates,
    mailed,
    votes: await readersVotes(tx),
    pastLeads: await findPastLeads(tx, issue.key),
    summarised,
    had: await findHad(tx, issue.id),
    editor: { ...choices, leftOut: leftOut.map(({ slug }) => slug) },
    minComparisons: settings.minComparisons,
    limits: { cards: settings.cards - 1 },
  });
  const contents = new Map([
    ...mailed.map(({ id, now, hash }) => [now.slug, { id, comparison: now, hash }] as const),
    ...candidates.map(({ id, comparison, hash }) => [comparison.slug, { id, comparison, hash }] as const),
  ]);
  const contentsOf = (told: readonly Told[]) =>
    told.flatMap((each) => {
      const content = contents.get(each.slug);
      return content === undefined ? [] : [{ ...each, ...content }];
    });
  return { composition, contentsOf };
}

/** Returns the votes on the tools of the last issue: those on the current panel, and those since that issue. */
async function readersVotes(tx: Connection): Promise<ToolVotes[]> {
  const asked = (await findVotable(tx)).flatMap(({ sides, ...votable }) =>
    sides.map((tool) => ({ ...votable, tool, name: votable.comparison.tools[tool].name })),
  );
  const changes = await panelChanges(
    tx,
    asked.map(({ id, name }) => ({ comparisonId: id, name })),
  );
  const onPanel = await countVotesSince(
    tx,
    asked.map(({ name, firstSeenAt }, at) => ({ name, since: changes[at] ?? firstSeenAt })),
  );
  const recent = await countVotesSince(
    tx,
    asked.map(({ name, sinceAt }) => ({ name, since: sinceAt })),
  );
  return asked.map(({ comparison, tool, since, sinceAt, firstSeenAt }, at) => ({
    ...{ comparison, tool, since, sinceAt: sinceAt.toISOString() },
    ...(onPanel[at] ?? NO_VOTES),
    panelSince: (changes[at] ?? firstSeenAt).toISOString().slice(0, 10),
    isPanelChanged: changes[at] != null,
    recent: recent[at] ?? NO_VOTES,
  }));
}

const NO_VOTES = { ship: 0, skip: 0 };

/** Names the rows of a plan, also those that an editor took out. */
function rowKeysOf({ changed, readers, aside = [] }: Plan): RowKeys {
  const asideOf = (section: RowSection) =>
    aside.filter((each) => each.section === section).map(({ key }) => key);
  return {
    changed: [...changed.map(({ row }) => row.slug), ...asideOf('changed')],
    readers: [...readers.map(({ row }) => readersKey(row)), ...asideOf('readers')],
  };
}

/** Whether composing may still replace the issue. */
export function isOpen(issue: Issue, now: Date): boolean {
  return (
    issue.status === 'draft' || issue.status === 'review' || (issue.status === 'skipped' && issue.dueAt > now)
  );
}
