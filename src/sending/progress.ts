import { changeIssue } from '../issues/issue-store.ts';
import type { Connection } from '../platform/db/database.ts';
import { failpoint } from '../platform/failpoint.ts';
import { type Counters, countBatches, countDeliveries, isUnderWay, readCounters } from './delivery-store.ts';

/** The progress of an issue, from the ledger alone (I11). */
export interface Progress {
  /** The size of the frozen audience; it grows in the first seconds of a long list. */
  audience: number;
  /** Not submitted yet. */
  prepared: number;
  /** Accepted by the provider, whatever events were received later. */
  submitted: number;
  excluded: Record<string, number>;
  failed: Record<string, number>;
  uncertain: number;
  batches: Record<string, number>;
}

/** Turns row counts into progress. Pure. */
export function progressOf(deliveries: Counters[], batches: Counters[]): Progress {
  const progress: Progress = {
    audience: 0,
    prepared: 0,
    submitted: 0,
    excluded: {},
    failed: {},
    uncertain: 0,
    batches: {},
  };
  for (const { status, reason, count } of deliveries) {
    progress.audience += count;
    if (status === 'excluded' || status === 'failed') {
      const reasons = progress[status];
      reasons[reason ?? 'unknown'] = (reasons[reason ?? 'unknown'] ?? 0) + count;
    } else if (status === 'prepared' || status === 'uncertain') progress[status] += count;
    else progress.submitted += count;
  }
  for (const { status, count } of batches) progress.batches[status] = count;
  return progress;
}

/** Reads the progress from the counters that triggers maintain: cheap enough to poll, however long the list. */
export async function issueProgress(db: Connection, issueId: string): Promise<Progress> {
  return progressOf(await readCounters(db, issueId), await countBatches(db, issueId));
}

/** The sum over reasons. */
export function total(reasons: Record<string, number>): number {
  return Object.values(reasons).reduce((sum, count) => sum + count, 0);
}

/**
 * Finishes an issue that has no open and no uncertain delivery, after it has checked that the ledger balances (I2),
 * delivery by delivery.
 * @returns whether this call finished the issue.
 * @throws Error when the ledger does not balance: that is a bug and must not be hidden.
 */
export async function finishIssue(db: Connection, issueId: string): Promise<boolean> {
  if (await isUnderWay(db, issueId)) return false;
  const progress = progressOf(await countDeliveries(db, issueId), []);
  const settled = progress.submitted + total(progress.excluded) + total(progress.failed);
  if (settled !== progress.audience) {
    throw new Error(
      `the ledger of issue ${issueId} does not balance: audience ${progress.audience}, settled ${settled}`,
    );
  }
  failpoint('at-finish');
  return (await changeIssue(db, issueId, { type: 'finish' })).changed;
}
