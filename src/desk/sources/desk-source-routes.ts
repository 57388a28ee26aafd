import { openNotices } from '../../notices/notice-store.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { lastGather, quarantined, sourceHealth } from '../../sources/source-store.ts';
import { audit } from '../audit/audit.ts';
import type { Guard } from '../auth/guard.ts';
import type { DeskContext } from '../desk-context.ts';
import { sourcesPage } from './sources-page.tsx';

/** Faulty pages shown at once; the command lists all of them. */
const SHOWN = 50;

/** Where comparisons come from, and what is wrong there. */
export function sourcesRoutes(guard: Guard, { db, site, desk }: DeskContext): void {
  guard('/editor/sources', {
    GET: async (visit, request, reply) => {
      const [gathered, health, quarantine, notices] = await fromDatabase(
        Promise.all([lastGather(db), sourceHealth(db), quarantined(db, { limit: SHOWN }), openNotices(db)]),
      );
      const isRung = request.query.rung !== undefined;
      return reply
        .type('text/html; charset=utf-8')
        .send(sourcesPage(site, { visit, zone: desk.zone, gathered, health, quarantine, notices, isRung }));
    },
  });

  guard('/editor/sources/gather', {
    POST: async (visit, _request, reply) => {
      // A queue knows no transaction of ours: what is asked for is written down before it is.
      await fromDatabase(audit(db, { who: visit.editor.email, what: 'gather_rung' }));
      await desk.steps.gather();
      return reply.redirect('/editor/sources?rung', 303);
    },
  });
}
