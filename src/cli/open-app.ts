import { setTimeout as sleep } from 'node:timers/promises';
import { processors } from '../../jobs/all-jobs.ts';
import { type App, createApp } from '../app/app.ts';
import { loadConfig } from '../config/config.ts';
import { findIssue, type Issue, listIssues, requireIssue } from '../issues/issue-store.ts';
import { forgetFault } from '../notices/fault-store.ts';
import type { IssueStatus } from '../platform/db/schema.ts';
import { AppError } from '../platform/errors.ts';
import type { Working } from '../platform/queue/job-queue.ts';
import { keyMissing } from '../providers/resend/open-provider.ts';
import { issueProgress, type Progress, total } from '../sending/progress.ts';
import { noteFailedJob } from '../workflow/failed-jobs.ts';
import { send } from '../workflow/week.ts';
import { type Context, meter } from './output.ts';

/** Opens the app for one command. Only `serve` logs at `info` by default: commands print their own messages. */
export async function openApp(context: Context, settings: Record<string, string> = {}): Promise<App> {
  const { config, secrets } = loadConfig({ LOG_LEVEL: 'error', ...context.env, ...settings });
  return createApp(config, secrets);
}

/**
 * Starts this process's workers.
 * @throws AppError `mailer-key-missing`: it could take jobs from the queue, but not send them.
 */
export async function work(app: App, onLost: (error: Error) => void = () => {}): Promise<Working> {
  if (!app.canSend) throw keyMissing();
  await app.queue.pace(app.pace);
  /** Jobs that failed for good in this process, and were not done since. */
  const failing = new Set<string>();
  return await app.queue.work(processors(app), {
    // A batch is one request: more concurrency than the provider's 10 requests a second has no effect, and the
    // embedded database is a single session anyway.
    concurrency: app.database.backend === 'embedded' ? 2 : 8,
    onFailure: ({ job, attempt, final, error }) => {
      app.logger[final ? 'error' : 'warn'](
        { job, attempt, err: error },
        final ? 'a job failed' : 'a job will be tried again',
      );
      app.faults.note(error);
      if (!final) return;
      onLost(error);
      failing.add(job);
      noteFailedJob(app, job, error).catch(() => {});
    },
    onSuccess: (job) => {
      if (failing.delete(job)) forgetFault(app.db, 'job-failed', job).catch(() => failing.add(job));
    },
  });
}

/** Returns the issue that a command is about: the named one, or the newest in one of these states. */
export async function chooseIssue(app: App, slug: string | undefined, states: IssueStatus[]): Promise<Issue> {
  if (slug !== undefined) return requireIssue(app.db, { slug });
  const [issue] = await listIssues(app.db, { status: states, limit: 1 });
  if (issue !== undefined) return issue;
  const [newest] = await listIssues(app.db, { limit: 1 });
  throw new AppError('issue-unknown', `There is no issue that is ${states.slice(0, 3).join(', ')}.`, {
    help: newest
      ? `The newest, ${newest.slug}, is ${newest.status}.`
      : 'Compose one first: `verdict compose`.',
  });
}

const POLL_MS = 150;
const RECONCILE_EVERY = 60;

/**
 * Sends an issue with this process's workers, and waits until it is sent, was stopped, or needs a person because of
 * uncertain batches.
 */
export async function sendAndWatch(
  app: App,
  issue: Issue,
  context: Context,
  silent: boolean,
): Promise<{ issue: Issue; progress: Progress }> {
  let lost: Error | undefined;
  await using _workers = await work(app, (error) => {
    lost = error;
  });
  await app.queue.enqueue('reconcile', {});
  if (issue.status !== 'sent') await send(app, issue);
  using bar = meter('sending', silent);
  for (let attempt = 1; ; attempt += 1) {
    // Batches of a killed worker can be claimed again when their lease expires; this process has no scheduler.
    if (attempt % RECONCILE_EVERY === 0) await app.queue.enqueue('reconcile', {});
    const current = (await findIssue(app.db, { id: issue.id })) ?? issue;
    const progress = await issueProgress(app.db, issue.id);
    const { audience } = progress;
    const done = audience - progress.prepared;
    bar.show(done, audience, `${done} of ${audience}, ${total(progress.excluded)} excluded`);
    const open = (progress.batches.pending ?? 0) + (progress.batches.submitting ?? 0);
    const stuck = current.status === 'sending' && open === 0 && progress.uncertain > 0;
    if (stuck || !['approved', 'preparing', 'sending'].includes(current.status))
      return { issue: current, progress };
    if (lost !== undefined) {
      throw new AppError('job-lost', `A job failed for good: ${lost.message}`, {
        help: 'Run the command again when its cause is mended; nobody is mailed twice.',
        cause: lost,
      });
    }
    if (context.signal.aborted) {
      throw new AppError('interrupted', 'Interrupted; nothing is lost.', {
        help: 'Run the command again to go on.',
      });
    }
    await sleep(POLL_MS);
  }
}
