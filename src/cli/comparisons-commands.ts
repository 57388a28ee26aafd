import { contentActions } from '../app/desk-options.ts';
import { answerReprint, listReprints } from '../comparisons/reprints/reprint-store.ts';
import { describeReprint } from '../comparisons/reprints/reprint-words.ts';
import { listWithVisibility } from '../comparisons/visibility-store.ts';
import { recordShown, recordTakeDown } from '../desk/comparisons/take-down-log.ts';
import { recordReprintAnswer } from '../desk/sources/desk-source-routes.ts';
import { describeTakeDown } from '../issues/take-down/take-down.ts';
import { AppError } from '../platform/errors.ts';
import { openApp } from './open-app.ts';
import { type Context, say, sayJson } from './output.ts';

/** The commands that list comparisons, take one down or show it again, and answer what a site's new print means. */

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
  for (const { slug, title, state, hidden, gone } of found) {
    const why = hidden === null ? '' : `: ${hidden.reason} (${hidden.who}, ${hidden.at.toISOString()})`;
    const went = gone === null ? '' : `, gone since ${gone.since.toISOString()} (${gone.reason})`;
    say(`${slug}   ${title}   ${STATE[state]}${why}${went}`);
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

interface ReprintsOptions {
  answer?: string;
  news?: boolean;
  notNews?: boolean;
  json?: boolean;
}

export async function comparisonsReprints(context: Context, options: ReprintsOptions): Promise<void> {
  const { answer: which, news = false, notNews = false, json = false } = options;
  if (which === undefined ? news || notNews : news === notNews)
    throw new AppError('reprint-undecided', 'Name a change and say either --news or --not-news.', {
      help: 'For instance: verdict comparisons reprints --answer 3f2a --not-news',
    });
  await using app = await openApp(context);
  const reprints = await listReprints(app.db, { limit: 100 });
  if (which === undefined) {
    if (json) return sayJson(reprints);
    if (reprints.length === 0) return say('There is none.');
    for (const each of reprints) {
      const state =
        each.answer === null ? 'waits for an answer' : each.answer === 'news' ? 'news' : 'not news';
      say(`${each.id.slice(0, 8)}   ${state}   ${describeReprint(each)}`);
    }
    return;
  }
  const found = reprints.filter(({ id }) => id.startsWith(which));
  const [reprint] = found;
  if (reprint === undefined || found.length > 1)
    throw new AppError('reprint-unknown', `${found.length} changes have an id that begins with ${which}.`, {
      help: '`verdict comparisons reprints` lists them.',
    });
  const { id } = reprint;
  const answer = news ? 'news' : 'not_news';
  const outcome = await app.db.transaction().execute(async (tx) => {
    const result = await answerReprint(tx, { id, answer, who: WHO, at: app.clock() });
    if (result === 'answered') await recordReprintAnswer(tx, { id, answer, who: WHO });
    return result;
  });
  if (json) return sayJson({ id, status: outcome });
  if (outcome !== 'answered') return say('It was answered before; nothing was changed.');
  say(
    news
      ? 'The next issue that is composed tells it.'
      : 'Nothing of it is told; it is how the site prints now.',
  );
}

function unknownComparison(slug: string): AppError {
  return new AppError('comparison-unknown', `There is no comparison called ${slug}.`, {
    help: '`verdict comparisons list --find NAME` finds it.',
  });
}
