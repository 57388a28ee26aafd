import { listIssueLines } from '../../delivery/index.ts';
import { fromDatabase } from '../problems.ts';
import type { DeskContext } from './context.ts';
import type { Guard } from './guard.ts';
import { issuesPage } from './pages/issues.tsx';

const HTML = 'text/html; charset=utf-8';

const PAGE = 20;

/** What became of issues, and where the list comes from. */
export function afterwardsRoutes(guard: Guard, { db, site }: DeskContext): void {
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
}
