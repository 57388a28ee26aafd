import { stringify } from 'csv-stringify/sync';
import { fromDatabase } from '../../platform/http/problems.ts';
import { issueCounters, issueOutcomes, listIssueLines } from '../../sending/counters/counter-store.ts';
import { issueProgress } from '../../sending/progress.ts';
import { escapeFormula } from '../../subscribers/import-export/cells.ts';
import { listGrowth, listOrigins } from '../../subscribers/people-store.ts';
import { audit } from '../audit/audit.ts';
import type { EditorPage } from '../auth/editor-page.ts';
import type { DeskContext } from '../desk-context.ts';
import { issuesPage } from '../this-week/issues-page.tsx';
import { issueOf } from '../this-week/week-routes.ts';
import { growthPage } from './growth-page.tsx';
import { issueStatsPage } from './issue-stats-page.tsx';

const HTML = 'text/html; charset=utf-8';

const PAGE = 20;

/** Statistics of issues, and the growth of the list. */
export function issueStatsRoutes(editorPage: EditorPage, { db, site, desk }: DeskContext): void {
  editorPage('/editor/issues', {
    GET: async (session, request, reply) => {
      const before = /^\d{4}-\d{2}-\d{2}$/.test(request.query.before ?? '')
        ? request.query.before
        : undefined;
      const issues = await fromDatabase(listIssueLines(db, { before, limit: PAGE }));
      const more = issues.length === PAGE ? issues.at(-1)?.slot : undefined;
      return reply.type(HTML).send(issuesPage(site, { session, issues, more }));
    },
  });

  editorPage<{ slug: string }>('/editor/issues/:slug/afterwards', {
    GET: async (session, request, reply) => {
      const issue = await issueOf(db, request.params.slug);
      const [progress, figures, outcomes] = await fromDatabase(
        Promise.all([issueProgress(db, issue.id), issueCounters(db, issue.id), issueOutcomes(db, issue.id)]),
      );
      const { zone } = desk;
      return reply
        .type(HTML)
        .send(issueStatsPage(site, { session, zone, issue, progress, figures, outcomes }));
    },
  });

  editorPage<{ slug: string }>('/editor/issues/:slug/afterwards.csv', {
    GET: async (session, request, reply) => {
      const issue = await issueOf(db, request.params.slug);
      const { rows } = await fromDatabase(issueOutcomes(db, issue.id));
      const details = { file: 'afterwards.csv', rows: rows.length };
      await fromDatabase(
        audit(db, { who: session.editor.email, what: 'exported', issue: issue.slug, details }),
      );
      const lines = rows.map(({ variant, subject, hour, submitted, delivered, bounced, complained }) => [
        variant,
        escapeFormula(subject),
        hour?.toISOString() ?? '',
        ...[submitted, delivered, bounced, complained],
      ]);
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="issue-${issue.slug}.csv"`)
        .send(
          stringify([
            ['variant', 'subject', 'hour', 'submitted', 'delivered', 'bounced', 'complained'],
            ...lines,
          ]),
        );
    },
  });

  editorPage('/editor/growth', {
    GET: async (session, _request, reply) => {
      const [weeks, origins] = await fromDatabase(Promise.all([listGrowth(db), listOrigins(db)]));
      return reply.type(HTML).send(growthPage(site, { session, weeks, origins }));
    },
  });
}
