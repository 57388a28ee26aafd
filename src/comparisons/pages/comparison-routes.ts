import type { FastifyInstance } from 'fastify';
import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { sendCached } from '../../platform/http/cache-headers.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { resource } from '../../platform/http/resource.ts';
import type { ArchivedIssue, Site } from '../../platform/site.ts';
import type { Forms } from '../../subscribers/sign-up/sign-up-form.ts';
import { knownTopics, lastChange, listComparisons, type Revision, revisionsOf } from '../comparison-store.ts';
import type { CountedComparison } from '../model.ts';
import { type Change, changesBetween } from '../revisions.ts';
import type { Publish } from '../visibility-store.ts';
import { countVotes, withVotes } from '../votes/vote-store.ts';
import { comparisonPage } from './comparison-page.tsx';
import { comparisonsPage } from './comparisons-page.tsx';
import { publicComparison, readSlug } from './public-comparison.ts';

const HTML = 'text/html; charset=utf-8';

const PAGE_LENGTH = 30;

/** Votes change every day; older changes are shown without a date. */
const REVISIONS_READ = 100;

export interface ComparisonOptions {
  db: Connection;
  site: Site;
  forms: Forms;
  publish: Publish;
  latestIssue(): Promise<ArchivedIssue | undefined>;
  /** The newest public issue that carried a comparison, and the comparison as it was mailed. */
  lastMailing(
    comparisonId: string,
  ): Promise<{ issue: ArchivedIssue; asMailed: CountedComparison } | undefined>;
}

/** The public comparisons, in an issue or not: a list, and a page for each. */
export function comparisonRoutes(app: FastifyInstance, options: ComparisonOptions): void {
  const { db, site, forms, publish } = options;

  resource(app, '/comparisons', {
    GET: async (request, reply) => {
      const query = request.query as Record<string, string | string[] | undefined>;
      const after = readSlug(query.after);
      const [known, changedAt] = await fromDatabase(Promise.all([knownTopics(db, publish), lastChange(db)]));
      const topic = readTopic(query.topic, known);
      const found = await fromDatabase(
        listComparisons(db, { topic, after, publish, limit: PAGE_LENGTH + 1 }),
      );
      const shown = found.slice(0, PAGE_LENGTH);
      const votes = await fromDatabase(
        countVotes(
          db,
          shown.map(({ comparison }) => comparison),
        ),
      );
      const comparisons = shown.map((one) => ({ ...one, comparison: withVotes(one.comparison, votes) }));
      const next = found.length > PAGE_LENGTH ? comparisons.at(-1)?.comparison.slug : undefined;
      const body = comparisonsPage(site, {
        ...{ comparisons, topics: known, topic, after, next },
        form: await forms.make('comparisons'),
      });
      return sendCached(request, reply, {
        type: HTML,
        body,
        changedAt: latestOf(changedAt, votes),
        finish: forms.withToken,
      });
    },
  });

  resource<{ slug: string }>(app, '/comparisons/:slug', {
    GET: async (request, reply) => {
      const stored = await publicComparison(db, request.params.slug, publish);
      const { id, changedAt, presenceChangedAt } = stored;
      const [mailing, latest, revisions, votes] = await fromDatabase(
        Promise.all([
          options.lastMailing(id),
          options.latestIssue(),
          revisionsOf(db, id, REVISIONS_READ),
          countVotes(db, [stored.comparison]),
        ]),
      );
      const comparison = withVotes(stored.comparison, votes);
      const mailed = mailing && {
        issue: mailing.issue,
        changes: dated(changesBetween(mailing.asMailed, comparison), revisions),
      };
      return sendCached(request, reply, {
        type: HTML,
        body: comparisonPage(site, {
          stored: { ...stored, comparison },
          mailed,
          latest,
          form: await forms.make(`comparison:${comparison.slug}`),
        }),
        finish: forms.withToken,
        changedAt: latestOf(changedAt, votes, latest?.changedAt, presenceChangedAt ?? undefined),
      });
    },
  });
}

/** When the page's content last changed; a vote changes it, too. */
function latestOf(
  changedAt: Date | undefined,
  votes: ReadonlyMap<string, { lastAt: Date }>,
  ...others: (Date | undefined)[]
): Date | undefined {
  const times = [changedAt, ...others, ...[...votes.values()].map(({ lastAt }) => lastAt)];
  const known = times.filter((time) => time !== undefined).map(Number);
  return known.length === 0 ? undefined : new Date(Math.max(...known));
}

/** Each change with the date of the last revision that made it. */
function dated(changes: Change[], revisions: Revision[]): (Change & { at: Date | undefined })[] {
  return changes.map((change) => ({
    ...change,
    at: revisions.find(({ changed }) =>
      changed.some(({ part, what }) => part === change.part && what === change.what),
    )?.at,
  }));
}

/**
 * The topic, spelled as in the list of topics.
 * @throws AppError `page-unknown`.
 */
function readTopic(given: string | string[] | undefined, known: string[]): string | undefined {
  if (given === undefined) return undefined;
  const topic = known.find((each) => each.toLowerCase() === String(given).toLowerCase());
  if (topic === undefined) throw new AppError('page-unknown', 'No such topic.');
  return topic;
}
