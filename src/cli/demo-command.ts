import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { App } from '../app/app.ts';
import { LOOPBACK } from '../app/public-server.ts';
import { findIssue, type Issue, listIssues } from '../issues/issue-store.ts';
import { slotAtOrBefore } from '../issues/slot.ts';
import { AppError } from '../platform/errors.ts';
import { renderIssue } from '../sending/prepare-issue.ts';
import { total } from '../sending/progress.ts';
import { parseSource } from '../sources/gather.ts';
import { importSubscribers } from '../subscribers/import-export/import.ts';
import { addSubscribers, countSubscribers, hasSubscribersFrom } from '../subscribers/subscriber-store.ts';
import { approve, draft, gatherAll, slotToCompose } from '../workflow/week.ts';
import { describe, summary } from './issue-commands.ts';
import { openApp, sendAndWatch } from './open-app.ts';
import { type Context, say, sayJson, withReasons } from './output.ts';

/**
 * Runs a whole week in one command, with the same steps and workers as every other week. Only the sample data
 * belong to the demo. After an interruption it continues where it stopped.
 */
export interface DemoOptions {
  /** The least number of sample subscribers. */
  subscribers?: number;
  json?: boolean;
}

const SAMPLES = findSamples();
const SOURCE = 'samples';

/** @returns the exit code. */
export async function demo(context: Context, options: DemoOptions): Promise<number> {
  const report = options.json ? () => {} : say;
  await using app = await openApp(context, {
    // An empty value is respected: then no issue can be approved, and the demo reports this like every command.
    POSTAL_ADDRESS:
      context.env.POSTAL_ADDRESS ?? 'Weekly Verdict (sample), 1 Example Street, 12345 Sampleton',
    SOURCES: context.env.SOURCES || `folder:${path.join(SAMPLES, 'comparisons')}`,
  });
  refuseRealProvider(app);
  await refuseRealData(app);
  report(`Mail goes to ${app.mailer.destination}`);

  const unfinished = await listIssues(app.db, { status: ['approved', 'preparing', 'sending'] });
  const results: DemoResult[] = [];
  for (const issue of unfinished) {
    report(`Going on with issue ${issue.slug}, which is ${issue.status}.`);
    results.push(await finishDemo(app, issue, context, options));
  }
  if (results.every(({ issue }) => issue.status === 'sent')) {
    if (!context.env.SOURCES) await sendEarlierWeek(app, context, report);
    await addSampleSubscribers(app, options.subscribers ?? 0, report);
    const result = await newIssue(app, context, options, report);
    if (result !== undefined) results.push(result);
  }
  const last = results.at(-1);
  if (options.json) sayJson(last ?? { issue: null, submitted: 0 });
  return results.every(({ issue }) => issue.status === 'sent') ? 0 : 1;
}

/** Gathers, composes, approves and sends; undefined when there is nothing new. */
async function newIssue(
  app: App,
  context: Context,
  options: DemoOptions,
  report: (line: string) => void,
): Promise<DemoResult | undefined> {
  const gathered = await gatherAll(app);
  report(`Gathered ${gathered.added} new, ${gathered.changed} changed, ${gathered.unchanged} unchanged`);
  for (const { name, reason } of gathered.rejected) report(`  skipped ${name}: ${reason}`);
  for (const { source, fault } of gathered.sources) if (fault) report(`  ${source}: ${fault.message}`);

  const issue = await draft(app, await slotToCompose(app));
  report(describe(issue));
  if (issue.status === 'skipped') {
    report('There is nothing new; nothing is sent.');
    return undefined;
  }
  return await finishDemo(app, await approve(app, issue), context, options);
}

/** The summary, as `--json` prints it. */
interface DemoResult {
  issue: ReturnType<typeof summary>;
  subject: string;
  changedVerdicts: number;
  variants: number;
  /** The largest variant's html. */
  htmlBytes: number;
  audience: number;
  submitted: number;
  excluded: Record<string, number>;
  failed: Record<string, number>;
  uncertain: number;
  destination: string;
}

async function finishDemo(
  app: App,
  approved: Issue,
  context: Context,
  options: DemoOptions,
): Promise<DemoResult> {
  const { issue, progress } = await sendAndWatch(app, approved, context, options.json ?? false);
  const { variants } = await renderIssue(app.db, issue);
  const { audience, submitted, excluded, failed, uncertain } = progress;
  const result: DemoResult = {
    issue: summary(issue),
    subject: variants[0]?.subject ?? '',
    changedVerdicts: issue.plan?.changed.length ?? 0,
    variants: variants.length,
    htmlBytes: Math.max(...variants.map(({ html }) => Buffer.byteLength(html))),
    audience,
    submitted,
    excluded,
    failed,
    uncertain,
    destination: app.mailer.destination,
  };
  if (!options.json) await report(app, result);
  return result;
}

async function report(app: App, result: DemoResult): Promise<void> {
  const { issue } = result;
  const { pending, unsubscribed, suppressed } = await countSubscribers(app.db);
  say();
  say(`Issue ${issue.number} is ${issue.status}${issue.reason ? `: ${issue.reason}` : ''}`);
  say(`  subject      ${result.subject}`);
  const changed = `${result.changedVerdicts} changed ${result.changedVerdicts === 1 ? 'verdict' : 'verdicts'}`;
  say(`  comparisons  ${issue.comparisons}, and ${changed}`);
  say(
    `  variants     ${result.variants}, the largest ${result.htmlBytes.toLocaleString('en')} bytes of html`,
  );
  say(
    `  audience     ${result.audience}   (not in it: ${pending} pending, ${unsubscribed} unsubscribed, ${suppressed} suppressed)`,
  );
  say(`  submitted    ${result.submitted}`);
  say(`  excluded     ${withReasons(result.excluded)}`);
  if (total(result.failed) > 0) say(`  failed       ${withReasons(result.failed)}`);
  if (result.uncertain > 0) say(`  uncertain    ${result.uncertain}`);
  if (app.outboxDir !== null) say(`  look at      ${path.join(app.outboxDir, 'index.html')}`);
  say(`  or browse    npm start, then ${app.config.publicUrl}/issues`);
}

/**
 * Sends an earlier issue in which one of this week's comparisons looked different: otherwise there would be no
 * changed verdict to show. It is sent before there are subscribers.
 */
async function sendEarlierWeek(app: App, context: Context, report: (line: string) => void): Promise<void> {
  const slot = slotAtOrBefore(app.config.schedule, app.clock());
  const existing = await findIssue(app.db, { slot: slot.key });
  if (existing?.status === 'sent' || (await hasAnybody(app))) return;
  await gatherAll({
    ...app,
    config: { ...app.config, sources: [parseSource(`folder:${path.join(SAMPLES, 'earlier')}`)] },
  });
  const issue = await draft(app, slot);
  if (issue.status === 'skipped') return;
  await sendAndWatch(app, await approve(app, issue), context, true);
  report('Issue 1 is last week’s, before anybody subscribed: one of its verdicts has changed since.');
}

async function hasAnybody(app: App): Promise<boolean> {
  return Object.values(await countSubscribers(app.db)).some((count) => count > 0);
}

async function addSampleSubscribers(app: App, wanted: number, report: (line: string) => void): Promise<void> {
  const { rows: sampled } = await importSubscribers(app.db, path.join(SAMPLES, 'subscribers.csv'), {
    source: SOURCE,
  });
  const confirmedAt = new Date('2026-11-01T00:00:00Z');
  for (let from = sampled; from < wanted; from += 1_000) {
    const rows = Array.from({ length: Math.min(1_000, wanted - from) }, (_, index) => {
      const email = `reader-${from + index + 1}@readers.example`;
      return { email, key: email, status: 'active' as const, topics: [], timezone: null, confirmedAt };
    });
    await addSubscribers(app.db, rows, SOURCE);
  }
  const counts = await countSubscribers(app.db);
  report(
    `Subscribers: ${Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')}`,
  );
}

/** Sample addresses must never reach a real provider, which would mail them. */
function refuseRealProvider({ config, outboxDir }: App): void {
  const { hostname } = new URL(config.resend.baseUrl);
  if (outboxDir !== null || LOOPBACK.has(hostname)) return;
  throw new AppError('not-a-demo', 'The demo does not mail its made-up readers through a real provider.', {
    help: 'Unset RESEND_API_KEY for the outbox, or set RESEND_BASE_URL to a Resend on this machine (`npm run resend:local`).',
  });
}

/** Sample mail must never reach real people. */
async function refuseRealData(app: App): Promise<void> {
  if (!(await hasAnybody(app)) || (await hasSubscribersFrom(app.db, SOURCE))) return;
  throw new AppError(
    'not-a-demo',
    'This database has subscribers who are no samples; the demo would mail them.',
    {
      help: 'Use another DATA_DIR or DATABASE_URL, or send real issues with compose, approve and send.',
    },
  );
}

/** The folder beside package.json, both in a checkout and in the build. */
function findSamples(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'samples', 'comparisons')) && folder !== path.dirname(folder)) {
    folder = path.dirname(folder);
  }
  return path.join(folder, 'samples');
}
