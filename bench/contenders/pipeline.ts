import { processors } from '../../jobs/all-jobs.ts';
import { type App, createApp } from '../../src/app/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import type { Issue } from '../../src/issues/issue-store.ts';
import { issueProgress } from '../../src/sending/progress.ts';
import { send } from '../../src/workflow/week.ts';
import { contender, peakMegabytes, type Spent, stopwatch } from '../child.ts';
import { approved } from '../database.ts';
import { SETTINGS } from '../issue.ts';
import type { Seen } from '../provider.ts';

export interface Input {
  env: Record<string, string>;
  provider: string;
}

export interface Figures extends Spent {
  submitted: number;
  /** From the editor's "send now" to the first request at the provider. */
  firstBatchSeconds: number;
  peakMegabytes: number;
}

/**
 * Our complete send: the audience is frozen, every batch is claimed, leased, submitted and recorded by the workers of
 * one process, and the ledger balances at the end.
 */
await contender(async ({ env, provider }: Input): Promise<Figures> => {
  const { config, secrets } = loadConfig({ ...SETTINGS, ...env, RESEND_BASE_URL: provider });
  await using app = await createApp(config, secrets);
  const issue = await approved(app);
  await fetch(`${provider}/seen`, { method: 'DELETE' });

  await app.queue.pace(app.pace);
  await using _workers = await app.queue.work(processors(app), {
    concurrency: app.database.backend === 'embedded' ? 2 : 8,
    onFailure: ({ error }) => {
      throw error;
    },
  });
  const startedAt = performance.timeOrigin + performance.now();
  const read = stopwatch();
  await send(app, issue);
  await sent(app, issue);
  const spent = read();

  const { submitted, audience } = await issueProgress(app.db, issue.id);
  const seen = (await (await fetch(`${provider}/seen`)).json()) as Seen;
  if (submitted !== audience || seen.requests * 100 !== submitted || seen.firstAt === null) {
    throw new Error(`${submitted} of ${audience} submitted in ${seen.requests} requests`);
  }
  return {
    ...spent,
    submitted,
    firstBatchSeconds: (seen.firstAt - startedAt) / 1_000,
    peakMegabytes: peakMegabytes(),
  };
});

/** Reads one column of one row, so that watching costs almost nothing. */
async function sent({ db }: App, { id }: Issue): Promise<void> {
  for (;;) {
    const { status } = await db
      .selectFrom('issues')
      .select('status')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    if (status === 'sent') return;
    if (!['approved', 'preparing', 'sending'].includes(status)) throw new Error(`the issue is ${status}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
