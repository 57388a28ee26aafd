import { confirmMissing, missingOfSources } from '../../comparisons/gone/gone-store.ts';
import { answerReprint, listReprints, type ReprintAnswer } from '../../comparisons/reprints/reprint-store.ts';
import { describeReprint } from '../../comparisons/reprints/reprint-words.ts';
import { openNotices } from '../../notices/notice-store.ts';
import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { lastGather, quarantined, sourceHealth } from '../../sources/source-store.ts';
import { audit } from '../audit/audit.ts';
import type { EditorPage } from '../auth/editor-page.ts';
import type { DeskContext } from '../desk-context.ts';
import { sourcesPage } from './sources-page.tsx';

/** The most faulty pages on the page; the command lists all of them. */
const SHOWN = 50;

/** The sources of comparisons, and their faults. */
export function sourcesRoutes(editorPage: EditorPage, { db, site, desk, clock }: DeskContext): void {
  editorPage('/editor/sources', {
    GET: async (session, request, reply) => {
      const [gathered, health, quarantine, notices, reprints, missing] = await fromDatabase(
        Promise.all([
          lastGather(db),
          sourceHealth(db),
          quarantined(db, { limit: SHOWN }),
          openNotices(db),
          listReprints(db),
          missingOfSources(db),
        ]),
      );
      const isGathering = request.query.gathering !== undefined;
      return reply.type('text/html; charset=utf-8').send(
        sourcesPage(site, {
          session,
          zone: desk.zone,
          gathered,
          health,
          quarantine,
          notices,
          reprints,
          missing,
          isGathering,
        }),
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

  editorPage('/editor/sources/missing', {
    POST: async (session, _request, reply) => {
      const source = session.form.get('source');
      if (source === null) throw new AppError('form-unknown', 'No source is named.');
      const who = session.editor.email;
      await fromDatabase(
        db.transaction().execute(async (tx) => {
          const comparisons = await confirmMissing(tx, source, clock());
          if (comparisons > 0)
            await audit(tx, { who, what: 'missing_confirmed', details: { source, comparisons } });
        }),
      );
      return reply.redirect('/editor/sources', 303);
    },
  });

  editorPage<{ id: string }>('/editor/sources/reprints/:id', {
    POST: async (session, request, reply) => {
      const { id } = request.params;
      const answer = session.form.get('answer');
      if (!UUID.test(id) || (answer !== 'news' && answer !== 'not_news'))
        throw new AppError('form-unknown', 'No answer about a change.');
      const who = session.editor.email;
      await fromDatabase(
        db.transaction().execute(async (tx) => {
          const outcome = await answerReprint(tx, { id, answer, who, at: clock() });
          if (outcome === 'unknown') throw new AppError('page-unknown', 'No such change.');
          if (outcome === 'answered') await recordReprintAnswer(tx, { id, answer, who });
        }),
      );
      return reply.redirect('/editor/sources#reprints', 303);
    },
  });
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/u;

/** Writes into the audit log what somebody said about a reprint. */
export async function recordReprintAnswer(
  tx: Connection,
  { id, answer, who }: { id: string; answer: ReprintAnswer; who: string },
): Promise<void> {
  const [reprint] = await listReprints(tx, { id });
  const details = { answer, change: reprint && describeReprint(reprint) };
  await audit(tx, { who, what: 'reprint_answered', details });
}
