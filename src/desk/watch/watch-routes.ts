import type { FastifyInstance } from 'fastify';
import { type Issue, requireIssue } from '../../issues/issue-store.ts';
import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { submitRate } from '../../sending/counters/counter-store.ts';
import { issueProgress } from '../../sending/progress.ts';
import { type FailedReason, failedReasons } from '../../sending/retries/retry-store.ts';
import { settleBatch } from '../../sending/settlements/settle.ts';
import { unsettledBatches } from '../../sending/settlements/settlement-store.ts';
import { audit } from '../audit/audit.ts';
import type { EditorPage } from '../auth/editor-page.ts';
import type { DeskContext } from '../desk-context.ts';
import { WATCH_SCRIPT } from '../frame/assets.ts';
import { issueOf } from '../this-week/week-routes.ts';
import { retryPage } from './retry-page.tsx';
import { progressHtml, type WatchStatus, watchPage } from './watch-page.tsx';
import { Watchers } from './watchers.ts';

const HTML = 'text/html; charset=utf-8';

/**
 * The progress of an issue: the same numbers as `status`, updated live, and the batches that only a person can
 * settle.
 */
export function watchRoutes(
  app: FastifyInstance,
  editorPage: EditorPage,
  { db, site, desk }: DeskContext,
): void {
  const watchers = new Watchers(app, async (issueId) => {
    const status = await statusOf(db, await requireIssue(db, { id: issueId }));
    const { issue, progress } = status;
    return {
      html: progressHtml(status),
      phase: `${issue.status} ${progress.uncertain}`,
      isFinal: !isUnderWay(issue),
    };
  });

  editorPage<{ slug: string }>('/editor/issues/:slug/watch', {
    GET: async (session, request, reply) => {
      const issue = await issueOf(db, request.params.slug);
      const [status, uncertain, failed] = await fromDatabase(
        Promise.all([statusOf(db, issue), unsettledBatches(db, issue.slug), failedReasons(db, issue.id)]),
      );
      const live = isUnderWay(issue) ? WATCH_SCRIPT.url : undefined;
      return reply
        .type(HTML)
        .send(watchPage(site, { session, zone: desk.zone, status, uncertain, failed, script: live }));
    },
  });

  editorPage<{ slug: string }>('/editor/issues/:slug/watch/events', {
    GET: async (_visit, request, reply) => {
      const issue = await issueOf(db, request.params.slug);
      reply.type('text/event-stream; charset=utf-8').headers({
        // No proxy may buffer it.
        'x-accel-buffering': 'no',
        // The connection closes with the stream: a closing server does not wait for its next request.
        connection: 'close',
      });
      if (request.method === 'HEAD') return reply.send();
      const stream = watchers.watch(issue.id);
      // 204 tells a browser not to reconnect: its page keeps its numbers, and a link to refresh them.
      return stream === undefined ? reply.code(204).send() : reply.send(stream);
    },
  });

  editorPage<{ slug: string }>('/editor/issues/:slug/retry', {
    publisher: true,
    GET: async (session, request, reply) => {
      const issue = await issueOf(db, request.params.slug);
      const reason = await failedFor(db, issue, request.query.reason ?? '');
      return reply.type(HTML).send(retryPage(site, { session, issue, reason }));
    },
    POST: async (session, request, reply) => {
      const issue = await issueOf(db, request.params.slug);
      const reason = session.form.get('reason') ?? '';
      const readers = Number(session.form.get('readers'));
      const who = session.editor.email;
      await desk.actions.retry(issue, { reason, readers }, (tx) =>
        audit(tx, { who, what: 'retried', issue: issue.slug, details: { reason, readers } }),
      );
      return reply.redirect(`/editor/issues/${issue.slug}/watch`, 303);
    },
  });

  editorPage<{ slug: string }>('/editor/issues/:slug/settle', {
    publisher: true,
    POST: async (session, request, reply) => {
      const issue = await issueOf(db, request.params.slug);
      const batch = session.form.get('batch') ?? '';
      const decision = session.form.get('decision');
      if (decision !== 'accepted' && decision !== 'not-accepted')
        throw new AppError('form-unknown', 'No decision.');
      const open = await fromDatabase(unsettledBatches(db, issue.slug));
      const found = open.find(({ id }) => id === batch);
      // The button was pressed twice, or an event settled the batch meanwhile: the page shows the current state.
      if (found !== undefined) {
        const who = session.editor.email;
        const details = { batch: found.number, decision };
        const settled = await settleBatch(db, found.id, decision, who, (tx) =>
          audit(tx, { who, what: 'batch_settled', issue: issue.slug, details }),
        ).catch((error) => {
          if (error instanceof AppError && ALREADY_DECIDED.has(error.code)) return undefined;
          throw error;
        });
        if (settled !== undefined) await desk.actions.settled(settled.issueId);
      }
      return reply.redirect(`/editor/issues/${issue.slug}/watch`, 303);
    },
  });
}

/** @throws AppError `page-unknown` when nobody failed for this reason. */
async function failedFor(db: Connection, issue: Issue, reason: string): Promise<FailedReason> {
  const found = (await fromDatabase(failedReasons(db, issue.id))).find((each) => each.reason === reason);
  if (found === undefined) throw new AppError('page-unknown', 'Nobody failed for this reason.');
  return found;
}

/** Errors after which the reloaded page shows the new state. */
const ALREADY_DECIDED = new Set(['batch-settled', 'batch-not-yet', 'batch-proven']);

async function statusOf(db: Connection, issue: Issue): Promise<WatchStatus> {
  const [progress, rate] = await Promise.all([issueProgress(db, issue.id), submitRate(db, issue.id)]);
  return { issue, progress, rate };
}

/** Whether its numbers change without any action. */
function isUnderWay({ status }: Issue): boolean {
  return status === 'preparing' || status === 'sending';
}
