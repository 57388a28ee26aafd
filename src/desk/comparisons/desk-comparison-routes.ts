import { findComparison } from '../../comparisons/comparison-store.ts';
import { comparisonPage } from '../../comparisons/pages/comparison-page.tsx';
import { readSlug } from '../../comparisons/pages/public-comparison.ts';
import { type ListedComparison, listWithVisibility } from '../../comparisons/visibility-store.ts';
import { countVotes, decideSetAside, listSetAside, withVotes } from '../../comparisons/votes/vote-store.ts';
import { AppError } from '../../platform/errors.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { audit } from '../audit/audit.ts';
import type { EditorPage } from '../auth/editor-page.ts';
import type { DeskContext } from '../desk-context.ts';
import { reasonIn } from '../this-week/decisions.ts';
import { comparisonsPage, comparisonPage as deskComparisonPage } from './desk-comparisons-page.tsx';
import { lastTakeDown, recordShown, recordTakeDown } from './take-down-log.ts';

const HTML = 'text/html; charset=utf-8';

const PAGE = 30;

/** The most characters of a search: as long as two names. */
const SEARCH_MAX_LENGTH = 240;

/** An editor's possible decisions about votes that were set aside. */
const DECISIONS: Record<string, 'counted' | 'discarded' | undefined> = Object.assign(Object.create(null), {
  count: 'counted',
  discard: 'discarded',
});

/** A timestamp as PostgreSQL prints it: the page prints it, and its form sends it back. */
const TIMESTAMP = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?[+-]\d\d(?::?\d\d)?$/;

/** All comparisons with their public state, and the buttons that take one down or show it again. */
export function contentRoutes(
  editorPage: EditorPage,
  { db, site, desk, publish, contents }: DeskContext,
): void {
  editorPage('/editor/comparisons', {
    GET: async (session, request, reply) => {
      const { find = '', only, after } = request.query;
      const search = String(find).trim().slice(0, SEARCH_MAX_LENGTH);
      const isHidden = only === 'hidden';
      const from = readSlug(after);
      const [found, setAside] = await fromDatabase(
        Promise.all([
          listWithVisibility(db, { publish, search, isHidden, after: from, limit: PAGE + 1 }),
          listSetAside(db),
        ]),
      );
      const shown = found.slice(0, PAGE);
      const next = found.length > PAGE ? shown.at(-1)?.slug : undefined;
      const list = { found: shown, search, isHidden, next };
      return reply.type(HTML).send(comparisonsPage(site, { session, zone: desk.zone, list, setAside }));
    },
  });

  editorPage('/editor/comparisons/votes', {
    POST: async (session, _request, reply) => {
      const { tool, until, decision } = Object.fromEntries(session.form);
      const state = DECISIONS[decision ?? ''];
      if (tool === undefined || until === undefined || !TIMESTAMP.test(until) || state === undefined)
        throw new AppError('form-unknown', 'No decision about votes.');
      const who = session.editor.email;
      await fromDatabase(
        db.transaction().execute(async (tx) => {
          const votes = await decideSetAside(tx, { tool, until, state });
          const what = state === 'counted' ? 'votes_counted' : 'votes_discarded';
          if (votes > 0) await audit(tx, { who, what, details: { tool, votes } });
        }),
      );
      return reply.redirect('/editor/comparisons', 303);
    },
  });

  /** @throws AppError `page-unknown`. */
  const listedFor = async (given: string): Promise<ListedComparison> => {
    const slug = readSlug(given) ?? '';
    const [listed] = await fromDatabase(listWithVisibility(db, { publish, slug, limit: 1 }));
    if (listed === undefined) throw new AppError('page-unknown', 'No such comparison.');
    return listed;
  };
  const pageOf = ({ slug }: ListedComparison) => `/editor/comparisons/${encodeURIComponent(slug)}`;

  editorPage<{ slug: string }>('/editor/comparisons/:slug', {
    GET: async (session, request, reply) => {
      const listed = await listedFor(request.params.slug);
      const issues = listed.hidden === null ? [] : await fromDatabase(lastTakeDown(db, listed.slug));
      return reply.type(HTML).send(deskComparisonPage(site, { session, zone: desk.zone, listed, issues }));
    },
  });

  // The public page of a comparison, also before it is published and after it was taken down.
  editorPage<{ slug: string }>('/editor/comparisons/:slug/page', {
    GET: async (_visit, request, reply) => {
      const { slug } = await listedFor(request.params.slug);
      const stored = await fromDatabase(findComparison(db, slug));
      if (stored === undefined) throw new AppError('page-unknown', 'No such comparison.');
      const comparison = withVotes(
        stored.comparison,
        await fromDatabase(countVotes(db, [stored.comparison])),
      );
      const page = { mailed: undefined, latest: undefined, form: undefined };
      return reply.type(HTML).send(comparisonPage(site, { ...page, stored: { ...stored, comparison } }));
    },
  });

  editorPage<{ slug: string }>('/editor/comparisons/:slug/hide', {
    POST: async (session, request, reply) => {
      const listed = await listedFor(request.params.slug);
      const who = session.editor.email;
      const reason = reasonIn(session.form);
      await fromDatabase(
        contents.hide({ slug: listed.slug, reason, who, ...recordTakeDown(listed.slug, reason, who) }),
      );
      return reply.redirect(pageOf(listed), 303);
    },
  });

  editorPage<{ slug: string }>('/editor/comparisons/:slug/show', {
    POST: async (session, request, reply) => {
      const listed = await listedFor(request.params.slug);
      const record = recordShown(listed.slug, session.editor.email);
      await fromDatabase(contents.show({ slug: listed.slug, record }));
      return reply.redirect(pageOf(listed), 303);
    },
  });
}
