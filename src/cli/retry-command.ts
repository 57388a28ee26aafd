import { type Issue, requireIssue } from '../issues/issue-store.ts';
import { AppError } from '../platform/errors.ts';
import { chooseReason } from '../sending/retries/retry.ts';
import { type FailedReason, failedReasons } from '../sending/retries/retry-store.ts';
import { retry } from '../workflow/week.ts';
import { describe, summary } from './issue-commands.ts';
import { openApp } from './open-app.ts';
import { type Context, say, sayJson } from './output.ts';

interface RetryOptions {
  reason?: string;
  yes?: boolean;
  json?: boolean;
}

/**
 * Lists why readers of an issue failed, or mails it to those of one reason.
 * @throws AppError `issue-unknown`, `retry-unknown`, `retry-nobody`, `issue-refuses`; `retry-undecided` for `--yes`
 *   without a reason.
 */
export async function retryCommand(context: Context, slug: string, options: RetryOptions): Promise<void> {
  const { reason: text, yes = false, json = false } = options;
  if (text === undefined && yes) {
    throw new AppError(
      'retry-undecided',
      '`--yes` takes a reason: whoever is refused for good stays refused.',
      {
        help: `\`verdict retry ${slug}\` lists the reasons; then add \`--reason TEXT\`.`,
      },
    );
  }
  await using app = await openApp(context);
  const issue = await requireIssue(app.db, { slug });
  const reasons = await failedReasons(app.db, issue.id);
  if (text === undefined) {
    if (json) return sayJson({ issue: summary(issue), reasons });
    return list(issue, reasons);
  }
  const chosen = chooseReason(reasons, text, slug);
  if (!yes) {
    if (json) return sayJson({ issue: summary(issue), reason: chosen, mailed: 0 });
    say(line(chosen));
    say('Nothing was changed. Add --yes to mail those who can be asked again.');
    return;
  }
  const { issue: now, readers } = await retry(app, issue, chosen.reason);
  if (json) return sayJson({ issue: summary(now), reason: chosen, mailed: readers });
  const isStopped = now.status === 'paused' || now.status === 'failed';
  say(
    `${readers} ${readers === 1 ? 'reader gets' : 'readers get'} issue ${slug} ${isStopped ? `when it is resumed: verdict resume --issue ${slug}` : 'now'}; whoever has it already is not mailed again.`,
  );
  say(describe(now));
}

function list(issue: Issue, reasons: readonly FailedReason[]): void {
  if (reasons.length === 0) {
    say(`Nobody failed in issue ${issue.slug}.`);
    return;
  }
  say(`${describe(issue)}. Failed:`);
  for (const reason of reasons) say(`  ${line(reason)}`);
  say();
  say(`verdict retry ${issue.slug} --reason TEXT --yes   asks the provider again for those of one reason`);
}

/** "1,200 readers: monthly quota (1,150 can be asked again)". */
function line({ reason, readers, retryable }: FailedReason): string {
  const rest = retryable === readers ? 'all can be asked again' : `${retryable} can be asked again`;
  return `${readers} ${readers === 1 ? 'reader' : 'readers'}: ${reason} (${rest})`;
}
