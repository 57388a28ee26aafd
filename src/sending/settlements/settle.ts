import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { lockApplying } from '../events/event-store.ts';
import {
  findBatchesByPrefix,
  type NamedBatch,
  settleAccepted,
  settleNotAccepted,
} from './settlement-store.ts';

export interface Settled {
  batchId: string;
  issueId: string;
}

/**
 * Settles an uncertain batch by a person's decision, when neither the provider nor an event says what happened.
 * `accepted`: every member counts as mailed, nobody is mailed again. `not-accepted`: the batch is sent once more
 * under a new key, without the members who have unsubscribed; if it had been accepted, its members would get the
 * issue twice.
 * @param prefix the id of the batch, or the beginning of it.
 * @param by the person who decides, as it is recorded.
 * @param record writes the decision into the audit log of the desk, in the same transaction.
 * @throws AppError `batch-unknown`; `batch-settled` when it is not uncertain, or not yet: the help text says from
 * when a decision may be needed; `batch-not-yet` while a request may still be on its way; `batch-proven` when
 * events prove that it was accepted.
 */
export async function settleBatch(
  db: Connection,
  prefix: string,
  decision: 'accepted' | 'not-accepted',
  by: string,
  record?: (tx: Connection) => Promise<unknown>,
): Promise<Settled> {
  return db.transaction().execute(async (tx) => {
    await lockApplying(tx);
    const [batch, another] = await findBatchesByPrefix(tx, prefix);
    if (batch === undefined || another !== undefined) {
      throw new AppError(
        'batch-unknown',
        `${batch === undefined ? 'No batch' : 'More than one batch'} begins with ${prefix}.`,
        { help: '`settle` without options lists those that need a word.' },
      );
    }
    if (decision === 'not-accepted') rejectUnsafeDecision(batch);
    const person = `person ${by}`;
    const reason = `settled by ${by}: ${decision === 'accepted' ? 'it was accepted' : 'it was not accepted'}`;
    const changed =
      decision === 'accepted'
        ? batch.status === 'uncertain' &&
          (await settleAccepted(tx, new Map([[batch.id, person]]), reason)).length > 0
        : await settleNotAccepted(tx, batch.id, person, reason);
    if (!changed) {
      throw new AppError('batch-settled', `Batch ${batch.id} is ${batch.status}, not uncertain.`, {
        help: `Nothing was changed. ${describeNextStep(batch)}`.trim(),
      });
    }
    await record?.(tx);
    return { batchId: batch.id, issueId: batch.issueId };
  });
}

/**
 * Rejects the decision `not-accepted` where it cannot be right: the provider's dashboard says nothing while a
 * request may still arrive there, and an event proves the opposite. In both cases every member would get the issue
 * twice.
 */
function rejectUnsafeDecision({ id, notBefore, events }: NamedBatch): void {
  if (events > 0) {
    throw new AppError(
      'batch-proven',
      `Batch ${id} was accepted: the provider has reported on its messages.`,
      {
        help: 'Nothing was changed. It settles by itself; `--accepted` settles it now.',
      },
    );
  }
  if (notBefore !== null) {
    throw new AppError('batch-not-yet', `A request of batch ${id} may still be on its way to the provider.`, {
      help: `Nothing was changed. Look there again after ${notBefore.toISOString()}, and decide then.`,
    });
  }
}

/**
 * Says what happens next to a batch that needs no decision now: one whose response can still arrive gets it by
 * itself.
 */
function describeNextStep({ status, issueStatus, busyUntil }: NamedBatch): string {
  if (status === 'pending' && issueStatus === 'sending') return 'It goes out by itself.';
  if (status !== 'submitting' || busyUntil === null) return '';
  const soon = `within a minute after ${busyUntil.toISOString()}`;
  if (issueStatus === 'sending')
    return `Its answer can still be had: it is asked for again, under the same key, ${soon}. If it is uncertain then, settle it.`;
  if (issueStatus === 'cancelled') return `Its issue is cancelled: ${soon} it is uncertain. Settle it then.`;
  return `Its issue is ${issueStatus}: \`resume\` it, and it is asked for again, under the same key. If it is uncertain then, settle it.`;
}
