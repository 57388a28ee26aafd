import { fromDatabase } from '../../platform/http/problems.ts';
import type { EditorPage } from '../auth/editor-page.ts';
import type { DeskContext } from '../desk-context.ts';
import { listAudit } from './audit.ts';
import { logPage } from './log-page.tsx';

const PAGE = 100;

/** The audit log: actions and refusals. */
export function logRoutes(editorPage: EditorPage, { db, site, desk }: DeskContext): void {
  editorPage('/editor/log', {
    GET: async (session, request, reply) => {
      const before = /^\d{1,15}$/.test(request.query.before ?? '') ? Number(request.query.before) : undefined;
      const entries = await fromDatabase(listAudit(db, { before, limit: PAGE }));
      const more = entries.length === PAGE ? entries.at(-1)?.id : undefined;
      return reply
        .type('text/html; charset=utf-8')
        .send(logPage(site, { session, entries, more, zone: desk.zone }));
    },
  });
}
