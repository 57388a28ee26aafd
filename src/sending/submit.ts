import type { Connection } from '../platform/db/database.ts';
import { failpoint } from '../platform/failpoint.ts';
import { countFailure, resetFailures } from '../providers/circuit/circuit-store.ts';
import { isResponse } from '../providers/circuit/is-response.ts';
import type { Mailer, Outcome } from '../providers/port.ts';
import type { Keys } from '../subscribers/tokens.ts';
import {
  beginRequest,
  type ClaimedBatch,
  claimBatch,
  closeBatch,
  recordResponse,
  releaseBatch,
  reopenBatch,
  splitBatch,
  type Unbuilt,
  uncertainBatches,
} from './batches/batch-store.ts';
import { isUnderWay, readCounters, readVariant } from './delivery-store.ts';
import { buildBatch, type SendableVariant, toSendable } from './envelope.ts';
import { progressOf } from './progress.ts';
import { countRefusal, endRefusals, refuseAddress, reopenRefused } from './refusals/refusal-store.ts';
import { isRefusalOfAll, sizeOfFirstPart, suspiciousRefusals } from './refusals/refusals.ts';
import { settleConflict } from './settlements/settlement-store.ts';

/**
 * How long a worker may hold one batch: longer than the provider's slowest response, and short enough that a crash
 * delays the batch by a minute only.
 */
export const LEASE_MS = 60_000;

/** The part of the lease that is reserved for recording the response: no request may run into it. */
const RECORD_MS = 10_000;

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
  /**
   * Variants are frozen with the issue, so each is read once, and again when its issue went on with another sender. 32 are
   * cached: enough for one issue and the next.
   */
  const load = async (tx: Connection, { variantId, layout, envelopeHash }: Unbuilt) => {
    const key = `${variantId} ${layout} ${envelopeHash}`;
    const found = variants.get(key) ?? (await loadVariant(tx, variantId, layout));
    variants.set(key, found);
    for (const oldest of variants.keys()) if (variants.size > 32) variants.delete(oldest);
    return found;
  };

  const submit: Submitter = async (batchId) => {
    const lease = stopwatch();
    failpoint('before-claim');
    const claim = await claimBatch(db, batchId, leaseMs, async (tx, batch) =>
      buildBatch(await load(tx, batch), batchId, batch.members, keys),
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
    if (!(await beginRequest(db, batch))) {
      return (await returnBatch(db, batch))
        ? { kind: 'again', reason: 'a member left after the batch was claimed' }
        : { kind: 'unavailable' };
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
    return result.kind === 'probe' ? await probe(result.batchIds) : result;
  };

  /** Submits the first part of a refused batch at once: what becomes of it says whether the rest is worth a request. */
  const probe = async ([first = '', ...rest]: string[]): Promise<SubmitResult> => {
    const result = await submit(first);
    if (result.kind === 'halted' || rest.length === 0) return result;
    return { kind: 'split', batchIds: result.kind === 'done' ? rest : [first, ...rest] };
  };
  return submit;
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

/** The batch was split: the first of these is to be submitted before the others. */
type Probe = { kind: 'probe'; batchIds: string[] };

async function record(db: Connection, batch: ClaimedBatch, outcome: Outcome): Promise<SubmitResult | Probe> {
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
        if (!(await recordResponse(db, batch, outcome.items))) return { kind: 'unavailable' };
        const refusals = suspiciousRefusals(outcome.items);
        if (refusals !== null) return await afterRefusal(db, batch, refusals);
        if (batch.hasRefusals) await endRefusals(db, issueId);
      }
      return { kind: 'done', issueId };
    case 'rejected':
    case 'split':
      if (batch.replayed) return await afterRefusedReplay(db, batch, outcome.reason);
      if (outcome.kind === 'rejected' || positions.length === 1) {
        if (!(await closeBatch(db, batch, 'failed', outcome.reason))) return { kind: 'unavailable' };
        return await afterRefusal(db, batch, { readers: positions.length, reason: outcome.reason });
      }
      return await splitRefused(db, batch);
    case 'conflict':
      if (batch.replayed) await settleConflict(db, batch, outcome.reason);
      // Nobody here has used this key before: another installation has, with a copy of this database.
      else await closeBatch(db, batch, 'uncertain', `${outcome.reason}: its key was used elsewhere`);
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

/**
 * The provider refused all messages of a request. Usually it is their addresses; when it is not, nobody may lose the
 * issue by it: the refused are opened again, and the issue is to be paused.
 */
async function afterRefusal(
  db: Connection,
  { id, issueId, positions }: ClaimedBatch,
  { readers, reason }: { readers: number; reason: string },
): Promise<SubmitResult> {
  if (readers === 1 && positions.length === 1 && (await refuseAddress(db, id)))
    return { kind: 'done', issueId };
  const run = await countRefusal(db, { issueId, batchId: id, readers, reason });
  const isLast =
    !(await isUnderWay(db, issueId)) && progressOf(await readCounters(db, issueId), []).submitted === 0;
  if (!isRefusalOfAll(run, isLast)) return { kind: 'done', issueId };
  await reopenRefused(db, issueId);
  return { kind: 'halted', issueId, reason: `The provider refuses every message: ${reason}` };
}

async function splitRefused(db: Connection, batch: ClaimedBatch): Promise<SubmitResult | Probe> {
  const size = sizeOfFirstPart(batch.positions.length, batch.revision, batch.hasRefusals);
  const batchIds = await splitBatch(db, batch, size);
  return { kind: size === 1 ? 'probe' : 'split', batchIds };
}

/** How often a batch is asked again that is refused although an earlier request under its key had no answer. */
const REFUSED_REPLAYS = 5;

/**
 * A provider that accepted a request answers the same one alike, so a refusal says that it was not accepted; unless it
 * checks before it looks for the key. It is asked again, and then events or a person decide.
 */
async function afterRefusedReplay(
  db: Connection,
  batch: ClaimedBatch,
  reason: string,
): Promise<SubmitResult> {
  if (batch.attempts < REFUSED_REPLAYS)
    return (await releaseBatch(db, batch)) ? { kind: 'again', reason } : { kind: 'unavailable' };
  await closeBatch(db, batch, 'uncertain', `${reason}, but only at a replay`);
  return { kind: 'done', issueId: batch.issueId };
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

async function loadVariant(tx: Connection, variantId: string, layout: number): Promise<SendableVariant> {
  const { meta, ...rendered } = await readVariant(tx, variantId);
  return toSendable(meta, rendered, layout);
}
