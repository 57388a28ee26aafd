import { stringify } from 'csv-stringify/sync';
import { issueFigures, issueOutcomes, issueProgress, listIssueLines } from '../../delivery/index.ts';
import { audit } from '../../desk/index.ts';
import { guarded, listGrowth, listOrigins } from '../../subscribers/index.ts';
import { fromDatabase } from '../problems.ts';
import type { DeskContext } from './context.ts';
import type { Guard } from './guard.ts';
import { afterwardsPage } from './pages/afterwards.tsx';
import { growthPage } from './pages/growth.tsx';
import { issuesPage } from './pages/issues.tsx';
import { issueOf } from './week.ts';

const HTML = 'text/html; charset=utf-8';

const PAGE = 20;

/** What became of issues, and where the list comes from. */
export function afterwardsRoutes(guard: Guard, { db, site, desk }: DeskContext): void {
  guard('/editor/issues', {
    GET: async (visit, request, reply) => {
      const before = /^\d{4}-\d{2}-\d{2}$/.test(request.query.before ?? '')
        ? request.query.before
        : undefined;
      const issues = await fromDatabase(listIssueLines(db, { before, limit: PAGE }));
      const more = issues.length === PAGE ? issues.at(-1)?.slot : undefined;
      return reply.type(HTML).send(issuesPage(site, { visit, issues, more }));
    },
  });

  guard<{ slug: string }>('/editor/issues/:slug/afterwards', {
    GET: async (visit, request, reply) => {
      const issue = await issueOf(db, request.params.slug);
      const [progress, figures, outcomes] = await fromDatabase(
        Promise.all([issueProgress(db, issue.id), issueFigures(db, issue.id), issueOutcomes(db, issue.id)]),
      );
      const { zone } = desk;
      return reply.type(HTML).send(afterwardsPage(site, { visit, zone, issue, progress, figures, outcomes }));
    },
  });

  guard<{ slug: string }>('/editor/issues/:slug/afterwards.csv', {
    GET: async (visit, request, reply) => {
      const issue = await issueOf(db, request.params.slug);
      const { rows } = await fromDatabase(issueOutcomes(db, issue.id));
      const details = { file: 'afterwards.csv', rows: rows.length };
      await fromDatabase(
        audit(db, { who: visit.editor.email, what: 'exported', issue: issue.slug, details }),
      );
      const lines = rows.map(({ variant, subject, hour, submitted, delivered, bounced, complained }) => [
        variant,
        guarded(subject),
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

  guard('/editor/growth', {
    GET: async (visit, _request, reply) => {
      const [weeks, origins] = await fromDatabase(Promise.all([listGrowth(db), listOrigins(db)]));
      return reply.type(HTML).send(growthPage(site, { visit, weeks, origins }));
    },
  });
}
