import { openNotices } from '../../notices/notice-store.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { lastGather, quarantined, sourceHealth } from '../../sources/source-store.ts';
import { audit } from '../audit/audit.ts';
import type { EditorPage } from '../auth/editor-page.ts';
import type { DeskContext } from '../desk-context.ts';
import { sourcesPage } from './sources-page.tsx';

/** The most faulty pages on the page; the command lists all of them. */
const SHOWN = 50;

/** The sources of comparisons, and their faults. */
export function sourcesRoutes(editorPage: EditorPage, { db, site, desk }: DeskContext): void {
  editorPage('/editor/sources', {
    GET: async (session, request, reply) => {
      const [gathered, health, quarantine, notices] = await fromDatabase(
        Promise.all([lastGather(db), sourceHealth(db), quarantined(db, { limit: SHOWN }), openNotices(db)]),
      );
      const isGathering = request.query.gathering !== undefined;
      return reply
        .type('text/html; charset=utf-8')
        .send(
          sourcesPage(site, { session, zone: desk.zone, gathered, health, quarantine, notices, isGathering }),
        );
    },
  });

  editorPage('/editor/sources/gather', {
    POST: async (session, _request, reply) => {
      // A queue is not part of our transaction, so the request is recorded before the job is enqueued.
      await fromDatabase(audit(db, { who: session.editor.email, what: 'gather_rung' }));
      await desk.actions.gather();
      return reply.redirect('/editor/sources?gathering', 303);
    },
  });
}
