import { markHidden, markShown, type VisibilityChange } from '../../comparisons/visibility-store.ts';
import type { Connection } from '../../platform/db/database.ts';
import type { IssueStatus } from '../../platform/db/schema.ts';
import { AppError } from '../../platform/errors.ts';
import { recomposeIssue } from '../compose-issue.ts';
import { MAX_LENGTH } from '../edit.ts';
import {
  changeIssue,
  type Issue,
  lockComposing,
  lockIssue,
  type RecordChange,
  requireIssue,
} from '../issue-store.ts';
import { withdrawApproval } from '../late-store.ts';
import { lengthOf, oneLine } from '../truncate.ts';
import { forgetReminders, openIssuesWith } from './take-down-store.ts';

export interface HideRequest {
  slug: string;
  reason: string;
  /** An editor's address, or the channel: `command line`, `push`. */
  who: string;
  /** Writes into the audit log that it was hidden and what happened to its issues, in the same transaction. */
  record?: (tx: Connection, issues: readonly AffectedIssue[]) => Promise<unknown>;
  /** Writes into the audit log that the approval of an issue was withdrawn because of it. */
  recordTakenBack?: RecordChange;
}

/** What happened to an issue whose comparison was taken down. */
export interface AffectedIssue {
  slug: string;
  /** Its status before; `now` is its status after. */
  was: IssueStatus;
  now: IssueStatus;
  /** It will be sent without the comparison; false when it is too late for that. */
  isDropped: boolean;
}

export interface TakenDown {
  change: VisibilityChange;
  issues: AffectedIssue[];
}

/**
 * Takes a comparison down: the public no longer sees it, and no later issue carries it. A draft is composed again
 * without it. An approval is withdrawn first, because it was given for other content, and editors are reminded
 * again. An issue that is already frozen is only reported: only a person can decide to stop it.
 * @throws AppError `reason-missing`, `reason-long`.
 */
export async function hideComparison(db: Connection, request: HideRequest): Promise<TakenDown> {
  const { slug, who, record, recordTakenBack } = request;
  const reason = readReason(request.reason);
  return db.transaction().execute(async (tx) => {
    await lockComposing(tx);
    const change = await markHidden(tx, { slug, reason, who });
    if (change !== 'changed') return { change, issues: [] };
    const issues: AffectedIssue[] = [];
    for (const id of await openIssuesWith(tx, slug))
      issues.push(await dropFrom(tx, await lockIssue(tx, id), slug, recordTakenBack));
    await record?.(tx, issues);
    return { change, issues };
  });
}

/** Shows a comparison again: it is public like others, and a candidate for the next issue if none has carried it. */
export async function showComparison(
  db: Connection,
  { slug, record }: { slug: string; record?: (tx: Connection) => Promise<unknown> },
): Promise<VisibilityChange> {
  return db.transaction().execute(async (tx) => {
    const change = await markShown(tx, slug);
    if (change === 'changed') await record?.(tx);
    return change;
  });
}

function readReason(text: string): string {
  const reason = oneLine(text);
  if (reason === '')
    throw new AppError('reason-missing', 'Say why it is taken down, in a few words.', {
      help: 'Nothing was changed.',
    });
  if (lengthOf(reason) > MAX_LENGTH.reason)
    throw new AppError(
      'reason-long',
      `The reason has ${lengthOf(reason)} characters; there is room for ${MAX_LENGTH.reason}.`,
      { help: 'Nothing was changed.' },
    );
  return reason;
}

/**
 * Composes an open issue again without a comparison, and without all that is gone.
 * @param slug undefined: only what is gone.
 */
export async function dropFrom(
  tx: Connection,
  issue: Issue,
  slug: string | undefined,
  recordTakenBack: RecordChange | undefined,
): Promise<AffectedIssue> {
  const was = issue.status;
  if (!isUnfrozen(issue)) return { slug: issue.slug, was, now: was, isDropped: false };
  if (issue.lateAt !== null) await withdrawApproval(tx, issue.id);
  else if (was !== 'draft' && was !== 'review') {
    if (was !== 'approved') await changeIssue(tx, issue.id, { type: 'resume' });
    await changeIssue(tx, issue.id, { type: 'edit' }, { record: recordTakenBack });
    await forgetReminders(tx, issue.id);
  }
  const { status } = await recomposeIssue(tx, await requireIssue(tx, { id: issue.id }), slug);
  return { slug: issue.slug, was, now: status, isDropped: true };
}

/** Whether an issue can still be composed again, because its content is not being frozen yet. */
function isUnfrozen({ status, resumeTo }: Issue): boolean {
  return (
    status === 'draft' ||
    status === 'review' ||
    status === 'approved' ||
    ((status === 'paused' || status === 'failed') && (resumeTo === 'approved' || resumeTo === 'review'))
  );
}

/** Describes the affected issues for a person, one line each. */
export function describeTakeDown({ slug, was, now, isDropped }: AffectedIssue): string {
  if (!isDropped)
    return was === 'sending' || was === 'preparing'
      ? `Issue ${slug} goes out with it right now: pause or cancel it to stop that.`
      : `Issue ${slug} is ${was}, with it in its content: cancel it, or it goes on with it.`;
  if (now === 'skipped') return `Issue ${slug} had nothing else: its slot is skipped.`;
  if (was === 'draft' || was === 'review') return `Issue ${slug} was composed again without it.`;
  return `Issue ${slug} was ${was}: its approval was taken back, and it was composed again without it. Approve it once more.`;
}
