import type { Connection } from '../platform/db/database.ts';
import { failpoint } from '../platform/failpoint.ts';
import { countFailure, resetFailures } from '../providers/circuit/circuit-store.ts';
import { isResponse } from '../providers/circuit/is-response.ts';
import type { Mailer, Outcome } from '../providers/port.ts';
import type { Keys } from '../subscribers/tokens.ts';
import {
  type ClaimedBatch,
  claimBatch,
  closeBatch,
  hasUnsubscribed,
  recordResponse,
  releaseBatch,
  reopenBatch,
  splitBatch,
  uncertainBatches,
} from './batches/batch-store.ts';
import { readCounters, readVariant } from './delivery-store.ts';
import { buildBatch, type SendableVariant, toSendable } from './envelope.ts';
import { progressOf, total } from './progress.ts';

/**
 * How long a worker may hold one batch: longer than the provider's slowest response, and short enough that a crash
 * delays the batch by a minute only.
 */
const LEASE_MS = 60_000;

/** The part of the lease that is reserved for recording the response: no request may run into it. */
const RECORD_MS = 10_000;

/**
 * When more time than this passes between claim and request, the worker checks again for unsubscribed members (I3).
 */
const RECHECK_MS = 250;

export type SubmitResult =
  /** Submitted, or there was nothing left to do. The issue may be finished. */
  | { kind: 'done'; issueId: string }
  /** The batch was split: each of these batches is to be submitted. */
  | { kind: 'split'; batchIds: string[] }
  /** Another worker holds the batch, or the issue is not in state `sending`. */
  | { kind: 'unavailable' }
  /**
   * Every worker has to wait: the provider asks for it, or several requests in a row had no response (then with the
   * reason).
   */
  | { kind: 'wait'; ms: number; reason?: string }
  /** No response: the same bytes must be sent again under the same key. */
  | { kind: 'again'; reason: string }
  /** The provider accepts nothing until a person acts. */
  | { kind: 'halted'; issueId: string; reason: string };

export type Submitter = (batchId: string) => Promise<SubmitResult>;

/**
 * Returns the function that submits one batch: claim, one request, record. A crash between two of these steps
 * leaves rows from which the next attempt continues.
 */
export function createSubmitter(db: Connection, mailer: Mailer, keys: Keys, leaseMs = LEASE_MS): Submitter {
  const variants = new Map<string, SendableVariant>();
  /** Variants are frozen with the issue, so each is read once. 32 are cached: enough for one issue and the next. */
  const load = async (tx: Connection, variantId: string) => {
    const found = variants.get(variantId) ?? (await loadVariant(tx, variantId));
    variants.set(variantId, found);
    for (const oldest of variants.keys()) if (variants.size > 32) variants.delete(oldest);
    return found;
  };

  return async (batchId) => {
    const lease = stopwatch();
    failpoint('before-claim');
    const claim = await claimBatch(db, batchId, leaseMs, async (tx, variantId, members) =>
      buildBatch(await load(tx, variantId), batchId, members, keys),
    );
    if (claim.kind === 'unavailable' || claim.kind === 'wait') return claim;
    if (claim.kind === 'settled') return { kind: 'done', issueId: claim.issueId };
    failpoint('after-claim');
    const { batch, built } = claim;
    // A worker that was suspended since its claim may have lost its lease to another worker: it must not begin a
    // request.
    const timeLeft = Math.floor(leaseMs - lease() - Math.min(RECORD_MS, leaseMs / 2));
    if (timeLeft <= 0) {
      await releaseBatch(db, batch);
      return { kind: 'again', reason: 'this worker was suspended for longer than its lease' };
    }
    if (lease() > RECHECK_MS && (await hasUnsubscribed(db, batch.id))) {
      await returnBatch(db, batch);
      return { kind: 'again', reason: 'a member unsubscribed while this worker was suspended' };
    }
    const outcome = await mailer
      .submit({ key: batchKey(batch), ...built }, AbortSignal.timeout(timeLeft))
      .catch(
        // An exception does not prove that the request was refused.
        (error): Outcome => ({
          kind: 'ambiguous',
          reason: error instanceof Error ? error.message : String(error),
          final: false,
        }),
      );
    failpoint('after-accept');
    const result = await record(db, batch, outcome);
    failpoint('after-record');
    return result;
  };
}

/**
 * Returns the milliseconds since its creation, by the clock that shows more: the monotonic clock stops while the
 * machine sleeps, the wall clock can be set back.
 */
function stopwatch(): () => number {
  const [monotonic, wall] = [performance.now(), Date.now()];
  return () => Math.max(performance.now() - monotonic, Date.now() - wall);
}

/** `batch/<id>/r<revision>`: the same request always has the same key. */
function batchKey(batch: { id: string; revision: number }): string {
  return `batch/${batch.id}/r${batch.revision}`;
}

async function record(db: Connection, batch: ClaimedBatch, outcome: Outcome): Promise<SubmitResult> {
  const { issueId, positions } = batch;
  const hasResponse = isResponse(outcome);
  if (hasResponse && batch.failures > 0) await resetFailures(db);
  switch (outcome.kind) {
    case 'accepted':
      if (outcome.items.length !== positions.length) {
        await closeBatch(
          db,
          batch,
          'uncertain',
          `${outcome.items.length} answers for ${positions.length} messages`,
        );
      } else {
        await recordResponse(db, batch, outcome.items);
        const refusals = outcome.items.flatMap((item) => ('rejected' in item ? [item.rejected] : []));
        if (refusals.length === positions.length) return await afterRefusal(db, issueId, refusals[0] ?? '');
      }
      return { kind: 'done', issueId };
    case 'rejected':
    case 'split':
      if (batch.replayed) await closeBatch(db, batch, 'uncertain', `${outcome.reason}, but only at a replay`);
      else if (outcome.kind === 'rejected' || positions.length === 1) {
        await closeBatch(db, batch, 'failed', outcome.reason);
        return await afterRefusal(db, issueId, outcome.reason);
      } else return { kind: 'split', batchIds: await splitBatch(db, batch) };
      return { kind: 'done', issueId };
    case 'ambiguous':
      if (outcome.final) {
        await closeBatch(db, batch, 'uncertain', outcome.reason);
        return { kind: 'done', issueId };
      }
      // A worker that was suspended for longer than its lease got no response because of that: it does not count
      // against the provider.
      if (!(await releaseBatch(db, batch))) return { kind: 'unavailable' };
      if (hasResponse) return { kind: 'again', reason: outcome.reason };
      return await countNoResponse(db, outcome.reason, batch.isProbe);
    case 'unreachable':
      return (await returnBatch(db, batch))
        ? await countNoResponse(db, outcome.reason, batch.isProbe)
        : { kind: 'unavailable' };
    case 'retryAfter':
      await returnBatch(db, batch);
      return { kind: 'wait', ms: outcome.ms };
    case 'halt':
      await returnBatch(db, batch);
      return { kind: 'halted', issueId, reason: outcome.reason };
  }
}

/** When at least this many messages were refused and none was accepted, the addresses are not the cause. */
const REFUSED_BY_ALL = 10;

/** The provider refused all of a batch for good: a person should look before it refuses the whole list. */
async function afterRefusal(db: Connection, issueId: string, reason: string): Promise<SubmitResult> {
  const { submitted, failed } = progressOf(await readCounters(db, issueId), []);
  return submitted === 0 && total(failed) >= REFUSED_BY_ALL
    ? { kind: 'halted', issueId, reason: `The provider refuses every message: ${reason}` }
    : { kind: 'done', issueId };
}

/**
 * The batch stays as it is. The circuit, which counts the failures of all workers, decides how soon it is tried
 * again.
 */
async function countNoResponse(db: Connection, reason: string, isProbe: boolean): Promise<SubmitResult> {
  const ms = await countFailure(db, reason, isProbe);
  return ms === null ? { kind: 'again', reason } : { kind: 'wait', ms, reason };
}

/**
 * Puts a batch back after a request that was certainly not accepted, or not made. An earlier request under the same
 * key may still have been accepted, without a response: then key and bytes stay the same, and the next replay gets
 * that response.
 * @returns whether the lease was still ours.
 */
async function returnBatch(db: Connection, batch: ClaimedBatch): Promise<boolean> {
  return batch.replayed ? await releaseBatch(db, batch) : await reopenBatch(db, batch);
}

/**
 * Settles uncertain batches by the provider's own record, if it can be asked for one. An unknown key means that
 * nothing was accepted: the batch starts again without the members who have unsubscribed.
 * @returns the issues in which a batch was settled.
 */
export async function reconcileWithProvider(db: Connection, mailer: Mailer): Promise<string[]> {
  if (mailer.recall === undefined) return [];
  const settled = new Set<string>();
  for (const batch of await uncertainBatches(db)) {
    const answer = await mailer.recall(batchKey(batch), batch.issue);
    if (answer === 'unknown-key') await reopenBatch(db, { id: batch.id, leaseId: null });
    else if (answer.length === batch.positions.length) {
      await recordResponse(db, { ...batch, leaseId: null }, answer);
    } else continue;
    settled.add(batch.issueId);
  }
  return [...settled];
}

async function loadVariant(tx: Connection, variantId: string): Promise<SendableVariant> {
  const { meta, ...rendered } = await readVariant(tx, variantId);
  return toSendable(meta, rendered);
}
