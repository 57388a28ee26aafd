import { contentActions } from '../app/desk-options.ts';
import { listWithVisibility } from '../comparisons/visibility-store.ts';
import { recordShown, recordTakeDown } from '../desk/comparisons/take-down-log.ts';
import { describeTakeDown } from '../issues/take-down/take-down.ts';
import { AppError } from '../platform/errors.ts';
import { openApp } from './open-app.ts';
import { type Context, say, sayJson } from './output.ts';

/** The commands that take a comparison down or show it again. */

/** The name in the audit log. */
const WHO = 'command line';

const STATE = { public: 'public', waiting: 'waits for an issue', hidden: 'taken down' } as const;

interface ListOptions {
  find?: string;
  hidden?: boolean;
  limit: number;
  json?: boolean;
}

export async function comparisonsList(context: Context, options: ListOptions): Promise<void> {
  await using app = await openApp(context);
  const found = await listWithVisibility(app.db, {
    publish: app.config.publish,
    search: options.find ?? '',
    isHidden: options.hidden ?? false,
    limit: options.limit,
  });
  if (options.json) return sayJson(found.map(({ comparison: _, ...listed }) => listed));
  if (found.length === 0) return say('There is none.');
  for (const { slug, title, state, hidden } of found) {
    const why = hidden === null ? '' : `: ${hidden.reason} (${hidden.who}, ${hidden.at.toISOString()})`;
    say(`${slug}   ${title}   ${STATE[state]}${why}`);
  }
}

export async function comparisonsHide(
  context: Context,
  slug: string,
  { reason, json = false }: { reason: string; json?: boolean },
): Promise<void> {
  await using app = await openApp(context);
  const { change, issues } = await contentActions(app).hide({
    ...{ slug, reason, who: WHO },
    ...recordTakeDown(slug, reason, WHO),
  });
  if (change === 'unknown') throw unknownComparison(slug);
  const lines = issues.map(describeTakeDown);
  if (json)
    return sayJson({
      slug,
      status: change === 'changed' ? 'hidden' : 'unchanged',
      issues: issues.map((issue, at) => ({ ...issue, message: lines[at] })),
    });
  say(
    change === 'changed' ? `${slug} is taken down.` : `${slug} was taken down before; nothing was changed.`,
  );
  for (const line of lines) say(`  ${line}`);
}

export async function comparisonsShow(
  context: Context,
  slug: string,
  { json = false }: { json?: boolean },
): Promise<void> {
  await using app = await openApp(context);
  const change = await contentActions(app).show({ slug, record: recordShown(slug, WHO) });
  if (change === 'unknown') throw unknownComparison(slug);
  if (json) return sayJson({ slug, status: change === 'changed' ? 'shown' : 'unchanged' });
  say(change === 'changed' ? `${slug} is shown again.` : `${slug} was not taken down; nothing was changed.`);
}

function unknownComparison(slug: string): AppError {
  return new AppError('comparison-unknown', `There is no comparison called ${slug}.`, {
    help: '`verdict comparisons list --find NAME` finds it.',
  });
}
