import { changeIssue } from '../issues/issue-store.ts';
import type { Connection } from '../platform/db/database.ts';
import { failpoint } from '../platform/failpoint.ts';
import { type Counters, countBatches, countDeliveries, isUnderWay, readCounters } from './delivery-store.ts';

/** Where an issue stands, from the ledger alone (I11). */
export interface Progress {
  /** Everybody in the audience that is frozen; it grows in the first seconds of a long list. */
  audience: number;
  /** Not submitted yet. */
  prepared: number;
  /** Accepted by the provider, whatever became of it later. */
  submitted: number;
  excluded: Record<string, number>;
  failed: Record<string, number>;
  uncertain: number;
  batches: Record<string, number>;
}

/** Rows counted → progress. Pure. */
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

/** From the tallies that are kept with the deliveries: cheap enough to ask again and again, however long the list. */
export async function issueProgress(db: Connection, issueId: string): Promise<Progress> {
  return progressOf(await readCounters(db, issueId), await countBatches(db, issueId));
}

/** The sum over reasons. */
export function total(reasons: Record<string, number>): number {
  return Object.values(reasons).reduce((sum, count) => sum + count, 0);
}

/**
 * Ends an issue in which nobody is open or uncertain any more, after the ledger is balanced (I2), delivery by
 * delivery.
 * @returns whether it is sent now because of this call.
 * @throws Error when the ledger does not balance: a fault of this program, never to be papered over.
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
