import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { App } from '../app.ts';
import { renderIssue } from '../delivery/index.ts';
import { AppError } from '../errors.ts';
import { findIssue, type Issue, listIssues, slotAtOrBefore } from '../issues/index.ts';
import { parseSource } from '../sources/index.ts';
import {
  addSubscribers,
  countSubscribers,
  hasSubscribersFrom,
  importSubscribers,
} from '../subscribers/index.ts';
import { approve, draft, gatherAll, slotToCompose } from '../weekly.ts';
import { describe, summary } from './issue.ts';
import { type Context, say, sayJson, withReasons } from './output.ts';
import { openApp, sendAndWatch } from './session.ts';

/**
 * A whole week in one command, by the same steps and the same workers as every other week. Only the
 * sample data are the demo's own. Interrupted at any point, it goes on where it stopped.
 */
export interface DemoOptions {
  /** How many sample subscribers there should be at least. */
  subscribers?: number;
  json?: boolean;
}

const SAMPLES = findSamples();
const SOURCE = 'samples';

/** @returns the exit code. */
export async function demo(context: Context, options: DemoOptions): Promise<number> {
  const tell = options.json ? () => {} : say;
  // Set but empty is a choice: then nothing can be approved, and the demo says so like everybody else.
  await using app = await openApp(context, {
    POSTAL_ADDRESS: 'Weekly Verdict (sample), 1 Example Street, 12345 Sampleton',
    SOURCES: `folder:${path.join(SAMPLES, 'comparisons')}`,
    ...(context.env.POSTAL_ADDRESS === '' ? { POSTAL_ADDRESS: '' } : {}),
  });
  await refuseRealData(app);
  tell(`Mail goes to ${app.mailer.destination}`);

  for (const unfinished of await listIssues(app.db, { status: ['approved', 'preparing', 'sending'] })) {
    tell(`Going on with issue ${unfinished.slug}, which is ${unfinished.status}.`);
    const result = await finishDemo(app, unfinished, context, options);
    if (result !== 0) return result;
  }
  const samples = context.env.SOURCES === undefined || context.env.SOURCES === '';
  if (samples) await sendEarlierWeek(app, context);
  await addSampleSubscribers(app, options.subscribers ?? 0, tell);

  const gathered = await gatherAll(app);
  tell(`Gathered ${gathered.added} new, ${gathered.changed} changed, ${gathered.unchanged} unchanged`);
  for (const { name, reason } of gathered.rejected) tell(`  skipped ${name}: ${reason}`);

  const issue = await draft(app, await slotToCompose(app));
  tell(describe(issue));
  if (issue.status === 'skipped') {
    tell('There is nothing new; nothing is sent.');
    if (options.json) sayJson({ issue: summary(issue), submitted: 0 });
    return 0;
  }
  // Awaited here: the app is closed when this function returns.
  return await finishDemo(app, await approve(app, issue), context, options);
}

async function finishDemo(
  app: App,
  approved: Issue,
  context: Context,
  options: DemoOptions,
): Promise<number> {
  const { issue, progress } = await sendAndWatch(app, approved, context, options.json ?? false);
  const { variants } = await renderIssue(app.db, issue);
  const bytes = Math.max(...variants.map(({ html }) => Buffer.byteLength(html)));
  const carried = issue.plan?.comparisons.length ?? 0;
  if (options.json) {
    const { audience, submitted, excluded, failed, uncertain } = progress;
    const destination = app.mailer.destination;
    sayJson({
      issue: summary(issue),
      variants: variants.length,
      audience,
      submitted,
      excluded,
      failed,
      uncertain,
      htmlBytes: bytes,
      destination,
    });
  } else {
    const { pending, unsubscribed, suppressed } = await countSubscribers(app.db);
    say();
    say(`Issue ${issue.number} is ${issue.status}${issue.reason ? `: ${issue.reason}` : ''}`);
    say(`  subject      ${variants[0]?.subject}`);
    say(`  comparisons  ${carried}, and ${issue.plan?.changed.length ?? 0} changed verdicts`);
    say(`  variants     ${variants.length}, the largest ${bytes.toLocaleString('en')} bytes of html`);
    say(
      `  audience     ${progress.audience}   (not in it: ${pending} pending, ${unsubscribed} unsubscribed, ${suppressed} suppressed)`,
    );
    say(`  submitted    ${progress.submitted}`);
    say(`  excluded     ${withReasons(progress.excluded)}`);
    if (progress.uncertain > 0) say(`  uncertain    ${progress.uncertain}`);
    if (app.outboxDir !== null) say(`  look at      ${path.join(app.outboxDir, 'index.html')}`);
    say(`  or browse    npm start, then ${app.config.publicUrl}/issues`);
  }
  return issue.status === 'sent' ? 0 : 1;
}

/**
 * Last week, when one of this week's comparisons looked different: without it there would be no
 * changed verdict to show. Goes out before there is anybody to read it.
 */
async function sendEarlierWeek(app: App, context: Context): Promise<void> {
  const slot = slotAtOrBefore(app.config.schedule, app.clock());
  const existing = await findIssue(app.db, { slot: slot.key });
  if (existing?.status === 'sent' || (await hasAnybody(app))) return;
  await gatherAll({
    ...app,
    config: { ...app.config, sources: [parseSource(`folder:${path.join(SAMPLES, 'earlier')}`)] },
  });
  const issue = await draft(app, slot);
  if (issue.status !== 'skipped') await sendAndWatch(app, await approve(app, issue), context, true);
}

async function hasAnybody(app: App): Promise<boolean> {
  return Object.values(await countSubscribers(app.db)).some((count) => count > 0);
}

async function addSampleSubscribers(app: App, wanted: number, tell: (line: string) => void): Promise<void> {
  const report = await importSubscribers(app.db, path.join(SAMPLES, 'subscribers.csv'), SOURCE);
  const confirmedAt = new Date('2026-11-01T00:00:00Z');
  for (let from = report.rows; from < wanted; from += 1_000) {
    const rows = Array.from({ length: Math.min(1_000, wanted - from) }, (_, index) => {
      const email = `reader-${from + index + 1}@readers.example.org`;
      return { email, key: email, status: 'active' as const, topics: [], timezone: null, confirmedAt };
    });
    report.added += await addSubscribers(app.db, rows, SOURCE);
  }
  const counts = await countSubscribers(app.db);
  tell(
    `Subscribers: ${Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')}`,
  );
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

/** Beside package.json, in a checkout as in the build. */
function findSamples(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'samples', 'comparisons')) && folder !== path.dirname(folder)) {
    folder = path.dirname(folder);
  }
  return path.join(folder, 'samples');
}
