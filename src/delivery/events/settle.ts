import type { Connection } from '../../db/index.ts';
import { AppError } from '../../errors.ts';
import { batchesBeginning, settleAccepted, settleNotAccepted, waitForApplying } from './store.ts';

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
 * @throws AppError `batch-unknown`, `batch-settled`.
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
    const person = `person ${by}`;
    const reason = `settled by ${by}: ${decision === 'accepted' ? 'it was accepted' : 'it was not accepted'}`;
    const changed =
      decision === 'accepted'
        ? batch.status === 'uncertain' &&
          (await settleAccepted(tx, new Map([[batch.id, person]]), reason)).length > 0
        : await settleNotAccepted(tx, batch.id, person, reason);
    if (!changed) {
      throw new AppError('batch-settled', `Batch ${batch.id} is ${batch.status}, not uncertain.`, {
        help: 'Nothing was changed.',
      });
    }
    await record?.(tx);
    return { batchId: batch.id, issueId: batch.issueId };
  });
}
