import { changeIssue, type Issue, type RecordChange, requireIssue } from '../../issues/issue-store.ts';
import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { lockApplying } from '../events/event-store.ts';
import { type FailedReason, failedReasons, reopenFailed } from './retry-store.ts';

/** Another chance for readers whose message the provider refused. */

/**
 * Finds the reason that a person means: its whole text, or a part of it that no other reason contains. Pure.
 * @throws AppError `retry-unknown`.
 */
export function chooseReason(reasons: readonly FailedReason[], text: string, slug: string): FailedReason {
  const exact = reasons.find(({ reason }) => reason === text);
  if (exact !== undefined) return exact;
  const wanted = text.trim().toLowerCase();
  const found = wanted === '' ? [] : reasons.filter(({ reason }) => reason.toLowerCase().includes(wanted));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new AppError(
    'retry-unknown',
    found.length === 0
      ? `Nobody failed in issue ${slug} for a reason like "${text}".`
      : `${found.length} reasons of issue ${slug} contain "${text}".`,
    { help: `Nothing was changed. \`verdict retry ${slug}\` lists the reasons.` },
  );
}

/**
 * Asks the provider again for everybody who failed for one reason. A sent issue goes back to `sending`, and ends as
 * `sent` again. One that is paused is mailed when it is resumed.
 * @param expected how many readers the person has seen; undefined: any number.
 * @returns the issue, and how many readers it is mailed to.
 * @throws AppError `retry-nobody` when nobody can be asked again, `retry-changed` when they are more or fewer than
 *   expected, `issue-refuses` when the issue cannot go out any more.
 */
export async function retryFailed(
  db: Connection,
  issueId: string,
  reason: string,
  { expected, record }: { expected?: number | undefined; record?: RecordChange | undefined } = {},
): Promise<{ issue: Issue; readers: number }> {
  return db.transaction().execute(async (tx) => {
    // No event is applied between the choice and the commit.
    await lockApplying(tx);
    const found = await requireIssue(tx, { id: issueId });
    const isStopped = found.status === 'paused' || found.status === 'failed';
    const { issue } = isStopped ? { issue: found } : await changeIssue(tx, issueId, { type: 'retry' });
    const readers = await reopenFailed(tx, issueId, reason);
    if (readers === 0) {
      throw new AppError(
        'retry-nobody',
        `Nobody of issue ${found.slug} can be asked again for "${reason}".`,
        {
          help: 'Nothing was changed. They have left, or have the issue by now.',
        },
      );
    }
    if (expected !== undefined && readers !== expected) {
      throw new AppError('retry-changed', `${readers} readers would be mailed now, and not ${expected}.`, {
        help: 'Nothing was changed. Look again, and decide then.',
      });
    }
    await record?.(tx, issue);
    return { issue, readers };
  });
}

/** Those of whom at least one can be asked again. */
export async function retryableReasons(db: Connection, issueId: string): Promise<FailedReason[]> {
  return (await failedReasons(db, issueId)).filter(({ retryable }) => retryable > 0);
}
