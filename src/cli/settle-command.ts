import { requireIssue } from '../issues/issue-store.ts';
import { AppError } from '../platform/errors.ts';
import { settleBatch } from '../sending/settlements/settle.ts';
import {
  EVIDENCE_HOURS,
  type UnsettledBatch,
  unsettledBatches,
} from '../sending/settlements/settlement-store.ts';
import { afterSettling } from '../workflow/week.ts';
import { describe, summary } from './issue-commands.ts';
import { openApp } from './open-app.ts';
import { type Context, operatorName, say, sayJson } from './output.ts';

interface SettleOptions {
  batch?: string;
  accepted?: boolean;
  notAccepted?: boolean;
  issue?: string;
  by?: string;
  json?: boolean;
}

/**
 * Lists uncertain batches with the evidence about each, or settles one by a person's decision.
 * @throws AppError `settle-undecided`, `batch-unknown`, `batch-settled`, `batch-not-yet`, `batch-proven`.
 */
export async function settle(context: Context, options: SettleOptions): Promise<void> {
  const { batch, accepted = false, notAccepted = false } = options;
  if (
    (batch === undefined && (accepted || notAccepted)) ||
    (batch !== undefined && accepted === notAccepted)
  ) {
    throw new AppError('settle-undecided', 'Settling takes a batch and one decision.', {
      help: '`verdict settle --batch ID --accepted` or `--not-accepted`; `verdict settle` alone lists what is open.',
    });
  }
  await using app = await openApp(context);
  if (batch === undefined) return list(await unsettledBatches(app.db, options.issue), options.json ?? false);

  const decision = accepted ? 'accepted' : 'not-accepted';
  const by = `${options.by ?? operatorName()} at ${app.clock().toISOString()}`;
  const settled = await settleBatch(app.db, batch, decision, by);
  await afterSettling(app, settled.issueId);
  const issue = await requireIssue(app.db, { id: settled.issueId });
  if (options.json) return sayJson({ batch: settled.batchId, decision, by, issue: summary(issue) });
  say(
    accepted
      ? `Batch ${settled.batchId} is settled: everybody in it was mailed.`
      : `Batch ${settled.batchId} goes out once more, under a new key and without those who left.`,
  );
  say(describe(issue));
}

function list(batches: UnsettledBatch[], json: boolean): void {
  if (json) {
    sayJson(batches);
    return;
  }
  if (batches.length === 0) {
    say('No batch is uncertain.');
    return;
  }
  for (const batch of batches) for (const line of evidence(batch)) say(line);
  say();
  say('Look for one of its messages at the provider, by the tag "batch" or by an address. If it is there:');
  say(
    '  verdict settle --batch ID --accepted       all of them are taken for mailed; nobody is mailed again',
  );
  say('If the provider certainly has none of them:');
  say('  verdict settle --batch ID --not-accepted   it goes out once more, without those who left');
  say(
    'Whoever is mailed after a wrong --not-accepted has the issue twice; after a wrong --accepted, not at all.',
  );
}

/** The evidence about a batch, one fact per line. */
export function evidence(batch: UnsettledBatch): string[] {
  const { id, issue, number, deliveries, left, events, reason, claimedAt, revision, overdue, notBefore } =
    batch;
  return [
    `Uncertain: issue ${issue}, batch ${number}, ${deliveries} readers: ${reason ?? 'no answer'}`,
    `  submitted ${claimedAt.toISOString()} under the key batch/${id}/r${revision}; ${left} of them left since, ${events} events about it`,
    overdue
      ? `  no event arrived in ${EVIDENCE_HOURS} hours: verdict settle --batch ${id}`
      : `  an event of the provider settles it; after ${EVIDENCE_HOURS} hours without one, \`verdict settle\` does`,
    ...(notBefore === null
      ? []
      : [
          `  a request may still be on its way: whether it was not accepted is known after ${notBefore.toISOString()}`,
        ]),
  ];
}
