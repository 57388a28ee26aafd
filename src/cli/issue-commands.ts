import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { changeIssue, type Issue, type RecordChange } from '../issues/issue-store.ts';
import { sourcesOf } from '../issues/lifecycle.ts';
import { parseMoment } from '../issues/slot.ts';
import { AppError } from '../platform/errors.ts';
import { PRIVATE_DIRECTORY, PRIVATE_FILE } from '../platform/private-folder.ts';
import type { Check } from '../render/checks.ts';
import { TEMPLATES } from '../render/render-variant.ts';
import { renderChecked } from '../render/thread/rendering-thread.ts';
import { renderIssue } from '../sending/prepare-issue.ts';
import { queueTest } from '../sending/preview/test-send.ts';
import { countSubscribers } from '../subscribers/subscriber-store.ts';
import { keyId } from '../subscribers/tokens.ts';
import { moveIssue } from '../workflow/move-issue.ts';
import { approve, cancel, draft, resume, slotToCompose } from '../workflow/week.ts';
import { chooseIssue, openApp, sendAndWatch } from './open-app.ts';
import { type Context, say, sayJson, withReasons } from './output.ts';

/** The commands that change the state of one issue. */

export interface IssueOptions {
  issue?: string;
  json?: boolean;
}

export function summary(issue: Issue) {
  const { slug, number, status, reason, dueAt } = issue;
  return { slug, number, status, reason, dueAt, comparisons: issue.plan?.comparisons.length ?? 0 };
}

export function describe(issue: Issue): string {
  const count = issue.plan?.comparisons.length ?? 0;
  if (issue.status === 'skipped') return `Issue ${issue.slug} is skipped: ${issue.reason}`;
  const reason = issue.reason === null ? '' : `: ${issue.reason}`;
  const status = { draft: 'a draft', review: 'in review' }[issue.status as string] ?? issue.status;
  return `Issue ${issue.number} (${issue.slug}) is ${status}${reason}, ${count} ${count === 1 ? 'comparison' : 'comparisons'}, due ${issue.dueAt.toISOString()}`;
}

/** Prints the issue after a command. */
function print(issue: Issue, { json = false }: IssueOptions): void {
  if (json) sayJson(summary(issue));
  else say(describe(issue));
}

export async function compose(context: Context, options: IssueOptions): Promise<void> {
  await using app = await openApp(context);
  const issue = await draft(app, await slotToCompose(app));
  print(issue, options);
  if (!options.json) for (const note of issue.plan?.notes ?? []) say(`  note: ${note}`);
}

/** Writes every variant in both template engines and as text, with the lint results beside them. */
export async function preview(context: Context, options: IssueOptions & { out?: string }): Promise<void> {
  await using app = await openApp(context);
  const issue = await chooseIssue(app, options.issue, ['draft', 'review', 'approved', 'sending', 'sent']);
  const folder = path.resolve(options.out ?? path.join(app.config.dataDir, 'preview', issue.slug));
  await mkdir(folder, { recursive: true, mode: PRIVATE_DIRECTORY });
  const { variants } = await renderIssue(app.db, issue);
  const written = [];
  for (const { number, content, subject, preheader, text } of variants) {
    const checked: Record<string, Check[]> = {};
    for (const template of TEMPLATES) {
      const { rendered, checks } = await renderChecked(content, template);
      checked[template] = checks;
      await writeFile(
        path.join(folder, `variant-${number}.${template.replace(':', '-')}.html`),
        rendered.html,
        { mode: PRIVATE_FILE },
      );
    }
    await writeFile(path.join(folder, `variant-${number}.txt`), text, { mode: PRIVATE_FILE });
    written.push({ number, topics: content.topics, subject, preheader, checks: checked });
  }
  if (options.json) return sayJson({ issue: summary(issue), folder, variants: written });
  say(`${describe(issue)}\n${folder}`);
  for (const { number, topics, subject, preheader, checks: checked } of written) {
    say(
      `  variant ${number}, ${topics.length === 0 ? 'everything' : topics.join(' + ')}: ${subject} | ${preheader}`,
    );
    for (const [template, found] of Object.entries(checked)) {
      for (const { level, where, message, help } of found)
        say(`    ${level}: ${template} ${where}: ${message} ${help}`);
    }
  }
}

/** @returns the exit code: 1 when a mail was not accepted yet; a worker will retry it. */
export async function testSend(context: Context, options: IssueOptions & { to: string }): Promise<number> {
  await using app = await openApp(context);
  const chosen = await chooseIssue(app, options.issue, ['draft', 'review', 'approved', 'sending', 'sent']);
  const mails = await queueTest(app.db, {
    issue: chosen,
    to: options.to.split(/[\s,;]+/).filter(Boolean),
    who: 'command line',
    from: app.config.mail.from,
    publicUrl: app.config.publicUrl,
    keyId: keyId(app.keys[0]),
  });
  const results = [];
  for (const mailId of mails) results.push(await app.sendMail(mailId));
  const waiting = results.filter(({ kind }) => kind !== 'done').length;
  const sent = mails.length - waiting;
  if (options.json) sayJson({ issue: summary(chosen), sent, waiting, destination: app.mailer.destination });
  else {
    say(`${sent} ${sent === 1 ? 'test' : 'tests'} of ${chosen.slug} went to ${app.mailer.destination}`);
    if (waiting > 0) say(`  ${waiting} not accepted yet; \`serve\` tries again`);
  }
  return waiting === 0 ? 0 : 1;
}

export async function approveCommand(context: Context, options: IssueOptions): Promise<void> {
  await using app = await openApp(context);
  const issue = await approve(
    app,
    await chooseIssue(app, options.issue, ['review', 'draft', 'approved', 'paused']),
  );
  print(issue, options);
}

/** @returns the exit code: 1 when the issue stopped before every reader had it. */
export async function sendCommand(context: Context, options: IssueOptions): Promise<number> {
  await using app = await openApp(context);
  const chosen = await chooseIssue(app, options.issue, [
    'sending',
    'preparing',
    'approved',
    'paused',
    'failed',
  ]);
  if (chosen.status === 'review' || chosen.status === 'draft' || chosen.resumeTo === 'review') {
    throw new AppError('issue-refuses', `Issue ${chosen.slug} is not approved.`, {
      help: `\`verdict approve --issue ${chosen.slug}\` first.`,
    });
  }
  if ((await countSubscribers(app.db)).active === 0) {
    throw new AppError('no-readers', 'Nobody would get it: there is no confirmed subscriber.', {
      help: 'Import subscribers with the date of their consent first (`verdict subscribers import --help`).',
    });
  }
  if (!options.json) say(`Mail goes to ${app.mailer.destination}`);
  const { issue, progress } = await sendAndWatch(app, chosen, context, options.json ?? false);
  if (options.json) sayJson({ issue: summary(issue), progress });
  else {
    say(describe(issue));
    say(
      `  audience ${progress.audience}, submitted ${progress.submitted}, excluded ${withReasons(progress.excluded)}, failed ${withReasons(progress.failed)}, uncertain ${progress.uncertain}`,
    );
  }
  return issue.status === 'sent' ? 0 : 1;
}

export async function moveCommand(context: Context, options: IssueOptions & { to: string }): Promise<void> {
  await using app = await openApp(context);
  const to = parseMoment(options.to, app.config.schedule.zone);
  const chosen = await chooseIssue(app, options.issue, ['draft', 'review', 'approved']);
  print(await moveIssue(app, chosen, to), options);
}

export async function pauseCommand(
  context: Context,
  options: IssueOptions & { reason?: string },
): Promise<void> {
  await using app = await openApp(context);
  const chosen = await chooseIssue(app, options.issue, sourcesOf('pause'));
  const { issue } = await changeIssue(app.db, chosen.id, {
    type: 'pause',
    reason: options.reason ?? 'Paused by hand.',
  });
  print(issue, options);
}

export async function resumeCommand(context: Context, options: IssueOptions): Promise<void> {
  await using app = await openApp(context);
  const chosen = await chooseIssue(app, options.issue, sourcesOf('resume'));
  let sender: Parameters<RecordChange>[2];
  const issue = await resume(app, chosen, async (_tx, _issue, change) => {
    sender = change;
  });
  print(issue, options);
  if (sender == null || options.json) return;
  if (sender.inDoubt === 0)
    say(`  what was not begun goes out from ${sender.after}; it was ${sender.before} before`);
  else
    say(
      `  it still goes out from ${sender.before}, because ${sender.inDoubt} of its batches have no answer yet: when they are settled, pause it and resume it for ${sender.after}`,
    );
}

export async function cancelCommand(context: Context, options: IssueOptions): Promise<void> {
  await using app = await openApp(context);
  const chosen = await chooseIssue(app, options.issue, sourcesOf('cancel'));
  const issue = await cancel(app, chosen);
  print(issue, options);
}
