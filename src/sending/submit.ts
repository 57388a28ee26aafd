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
  recordAnswer,
  releaseBatch,
  reopenBatch,
  splitBatch,
  uncertainBatches,
} from './batches/batch-store.ts';
import { readCounters, readVariant } from './delivery-store.ts';
import { buildBatch, type SendableVariant, sendable } from './envelope.ts';
import { progressOf, total } from './progress.ts';

/**
 * How long a worker may take for one batch: longer than the provider's slowest answer, shorter than
 * anybody's patience after a crash.
 */
const LEASE_MS = 60_000;

/** Of the lease, what recording an answer may need: no request runs into it. */
const RECORD_MS = 10_000;

/** On a machine that is so busy, who leaves between claim and request is looked for once more (I3). */
const RECHECK_MS = 250;

export type SubmitResult =
  /** Submitted, or there was nothing left to do. The issue may be finished. */
  | { kind: 'done'; issueId: string }
  /** It is several batches now, each to be submitted. */
  | { kind: 'split'; batchIds: string[] }
  /** Another worker has it, or the issue is not sending. */
  | { kind: 'unavailable' }
  /** Every worker is to wait: the provider asks for it, or has not answered many in a row (then with the reason). */
  | { kind: 'wait'; ms: number; reason?: string }
  /** No answer; the same bytes under the same key must be tried again. */
  | { kind: 'again'; reason: string }
  /** The provider takes nothing at all until a person acts. */
  | { kind: 'halted'; issueId: string; reason: string };

export type Submitter = (batchId: string) => Promise<SubmitResult>;

/**
 * Makes the function that submits one batch: claim, one request, record. Whatever happens between
 * two of the three leaves rows from which the next attempt goes on.
 */
export function createSubmitter(db: Connection, mailer: Mailer, keys: Keys, leaseMs = LEASE_MS): Submitter {
  const variants = new Map<string, SendableVariant>();
  /** Frozen with the issue, so read once; the few that are kept cover an issue and the next. */
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
    // A worker that was frozen since its claim may not be the only one who has it: it must not begin.
    const timeLeft = Math.floor(leaseMs - lease() - Math.min(RECORD_MS, leaseMs / 2));
    if (timeLeft <= 0) {
      await releaseBatch(db, batch);
      return { kind: 'again', reason: 'this worker was held up for longer than its lease' };
    }
    if (lease() > RECHECK_MS && (await hasUnsubscribed(db, batch.id))) {
      await putBack(db, batch);
      return { kind: 'again', reason: 'a reader in it left while this worker was held up' };
    }
    const outcome = await mailer
      .submit({ key: batchKey(batch), ...built }, AbortSignal.timeout(timeLeft))
      .catch(
        // A mailer that throws has not said "not accepted".
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

/** Milliseconds since its making, by the clock that says more: one sleeps with the machine, one can be set back. */
function stopwatch(): () => number {
  const [monotonic, wall] = [performance.now(), Date.now()];
  return () => Math.max(performance.now() - monotonic, Date.now() - wall);
}

/** `batch/<id>/r<revision>`: the same request always carries the same key. */
function batchKey(batch: { id: string; revision: number }): string {
  return `batch/${batch.id}/r${batch.revision}`;
}

async function record(db: Connection, batch: ClaimedBatch, outcome: Outcome): Promise<SubmitResult> {
  const { issueId, positions } = batch;
  const isAnswer = isResponse(outcome);
  if (isAnswer && batch.failures > 0) await resetFailures(db);
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
        await recordAnswer(db, batch, outcome.items);
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
      // Who was held up for longer than the lease hears nothing because of that: the provider may be as well as ever.
      if (!(await releaseBatch(db, batch))) return { kind: 'unavailable' };
      if (isAnswer) return { kind: 'again', reason: outcome.reason };
      return await countNoResponse(db, outcome.reason, batch.isProbe);
    case 'unreachable':
      return (await putBack(db, batch))
        ? await countNoResponse(db, outcome.reason, batch.isProbe)
        : { kind: 'unavailable' };
    case 'retryAfter':
      await putBack(db, batch);
      return { kind: 'wait', ms: outcome.ms };
    case 'halt':
      await putBack(db, batch);
      return { kind: 'halted', issueId, reason: outcome.reason };
  }
}

/** When so many were refused and nobody was accepted, it is no matter of addresses. */
const REFUSED_BY_ALL = 10;

/** All of a batch was refused for good: before the whole list is, a person should look. */
async function afterRefusal(db: Connection, issueId: string, reason: string): Promise<SubmitResult> {
  const { submitted, failed } = progressOf(await readCounters(db, issueId), []);
  return submitted === 0 && total(failed) >= REFUSED_BY_ALL
    ? { kind: 'halted', issueId, reason: `The provider refuses every message: ${reason}` }
    : { kind: 'done', issueId };
}

/** The batch keeps what it has; whether it is tried again soon depends on how others fare. */
async function countNoResponse(db: Connection, reason: string, isProbe: boolean): Promise<SubmitResult> {
  const ms = await countFailure(db, reason, isProbe);
  return ms === null ? { kind: 'again', reason } : { kind: 'wait', ms, reason };
}

/**
 * After a request that was certainly not accepted, or not made. That says nothing of an earlier one under the same key
 * whose answer was lost: then key and bytes stay, and the next replay brings the answer.
 * @returns whether the lease was still ours.
 */
async function putBack(db: Connection, batch: ClaimedBatch): Promise<boolean> {
  return batch.replayed ? await releaseBatch(db, batch) : await reopenBatch(db, batch);
}

/**
 * Settles uncertain batches by what the provider remembers, where it can be asked. An unknown key
 * means that nothing was accepted: the batch starts over without those who left.
 * @returns the issues in which something was settled.
 */
export async function reconcileWithProvider(db: Connection, mailer: Mailer): Promise<string[]> {
  if (mailer.recall === undefined) return [];
  const settled = new Set<string>();
  for (const batch of await uncertainBatches(db)) {
    const answer = await mailer.recall(batchKey(batch), batch.issue);
    if (answer === 'unknown-key') await reopenBatch(db, { id: batch.id, leaseId: null });
    else if (answer.length === batch.positions.length) {
      await recordAnswer(db, { ...batch, leaseId: null }, answer);
    } else continue;
    settled.add(batch.issueId);
  }
  return [...settled];
}

async function loadVariant(tx: Connection, variantId: string): Promise<SendableVariant> {
  const { stamp, ...rendered } = await readVariant(tx, variantId);
  return sendable(stamp, rendered);
}
