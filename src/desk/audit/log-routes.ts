import { fromDatabase } from '../../platform/http/problems.ts';
import type { Guard } from '../auth/guard.ts';
import type { DeskContext } from '../desk-context.ts';
import { listAudit } from './audit.ts';
import { logPage } from './log-page.tsx';

const PAGE = 100;

/** Who did what, and what was refused. */
export function logRoutes(guard: Guard, { db, site, desk }: DeskContext): void {
  guard('/editor/log', {
    GET: async (visit, request, reply) => {
      const before = /^\d{1,15}$/.test(request.query.before ?? '') ? Number(request.query.before) : undefined;
      const entries = await fromDatabase(listAudit(db, { before, limit: PAGE }));
      const more = entries.length === PAGE ? entries.at(-1)?.id : undefined;
      return reply
        .type('text/html; charset=utf-8')
        .send(logPage(site, { visit, entries, more, zone: desk.zone }));
    },
  });
}
