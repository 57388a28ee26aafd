import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { waitForApplying } from '../events/event-store.ts';
import { batchesBeginning, type NamedBatch, settleAccepted, settleNotAccepted } from './settlement-store.ts';

export interface Settled {
  batchId: string;
  issueId: string;
}

/**
 * Settles an uncertain batch by a person's word, for the day that neither the provider nor an event tells.
 * `accepted`: everybody in it is taken for mailed, nobody is mailed again. `not-accepted`: it goes out once
 * more under a new key, without those who left; whoever has it already would get it twice.
 * @param prefix the id of the batch, or the beginning of it.
 * @param by who decides, as it is written down.
 * @param record writes it into the log of the desk too, in the same transaction.
 * @throws AppError `batch-unknown`; `batch-settled` when it is not uncertain, or not yet: then it says from when on
 * a word may be needed; `batch-not-yet` when nobody can know yet that it was not accepted, `batch-proven` when it was.
 */
export async function settleBatch(
  db: Connection,
  prefix: string,
  decision: 'accepted' | 'not-accepted',
  by: string,
  record?: (tx: Connection) => Promise<unknown>,
): Promise<Settled> {
  return db.transaction().execute(async (tx) => {
    await waitForApplying(tx);
    const [batch, another] = await batchesBeginning(tx, prefix);
    if (batch === undefined || another !== undefined) {
      throw new AppError(
        'batch-unknown',
        `${batch === undefined ? 'No batch' : 'More than one batch'} begins with ${prefix}.`,
        { help: '`settle` without options lists those that need a word.' },
      );
    }
    if (decision === 'not-accepted') refuseGuess(batch);
    const person = `person ${by}`;
    const reason = `settled by ${by}: ${decision === 'accepted' ? 'it was accepted' : 'it was not accepted'}`;
    const changed =
      decision === 'accepted'
        ? batch.status === 'uncertain' &&
          (await settleAccepted(tx, new Map([[batch.id, person]]), reason)).length > 0
        : await settleNotAccepted(tx, batch.id, person, reason);
    if (!changed) {
      throw new AppError('batch-settled', `Batch ${batch.id} is ${batch.status}, not uncertain.`, {
        help: `Nothing was changed. ${whatNext(batch)}`.trim(),
      });
    }
    await record?.(tx);
    return { batchId: batch.id, issueId: batch.issueId };
  });
}

/**
 * Who says that it was not accepted has looked at what the provider shows. That tells nothing while a request may still
 * arrive there, and is wrong where an event says otherwise: in both cases everybody in it would get it twice.
 */
function refuseGuess({ id, notBefore, events }: NamedBatch): void {
  if (events > 0) {
    throw new AppError('batch-proven', `Batch ${id} was accepted: the provider has told of its messages.`, {
      help: 'Nothing was changed. It settles by itself; `--accepted` settles it now.',
    });
  }
  if (notBefore !== null) {
    throw new AppError('batch-not-yet', `A request of batch ${id} may still be on its way to the provider.`, {
      help: `Nothing was changed. Look there again after ${notBefore.toISOString()}, and decide then.`,
    });
  }
}

/** What becomes of a batch that needs nobody's word now: one whose answer may still come gets it by itself. */
function whatNext({ status, issueStatus, busyUntil }: NamedBatch): string {
  if (status === 'pending' && issueStatus === 'sending') return 'It goes out by itself.';
  if (status !== 'submitting' || busyUntil === null) return '';
  const soon = `within a minute after ${busyUntil.toISOString()}`;
  if (issueStatus === 'sending')
    return `Its answer can still be had: it is asked for again, under the same key, ${soon}. If it is uncertain then, settle it.`;
  if (issueStatus === 'cancelled') return `Its issue is cancelled: ${soon} it is uncertain. Settle it then.`;
  return `Its issue is ${issueStatus}: \`resume\` it, and it is asked for again, under the same key. If it is uncertain then, settle it.`;
}
