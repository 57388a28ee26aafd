import type { Issue, RecordChange } from '../../issues/issue-store.ts';
import { AppError } from '../../platform/errors.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { estimateIssue } from '../../sending/preview/estimate.ts';
import { issueProgress } from '../../sending/progress.ts';
import { audit } from '../audit/audit.ts';
import type { EditorPage } from '../auth/editor-page.ts';
import type { DeskActions, DeskContext } from '../desk-context.ts';
import { type ActionCounters, actionPage } from './action-page.tsx';
import { type ActionName, DONE, reasonIn } from './decisions.ts';
import { issueOf } from './week-routes.ts';

const HTML = 'text/html; charset=utf-8';

/** Each action first shows its counters. Every action is idempotent. */
export function actionRoutes(editorPage: EditorPage, { db, site, desk, clock }: DeskContext): void {
  editorPage<{ slug: string; action: string }>('/editor/issues/:slug/do/:action', {
    publisher: true,

    GET: async (session, request, reply) => {
      const action = actionOf(request.params.action);
      const issue = await issueOf(db, request.params.slug);
      const counters = await countersOf(issue);
      return reply
        .type(HTML)
        .send(actionPage(site, { session, zone: desk.zone, issue, action, counters, now: clock() }));
    },

    POST: async (session, request, reply) => {
      const action = actionOf(request.params.action);
      const issue = await issueOf(db, request.params.slug);
      const who = session.editor.email;
      const reason = reasonIn(session.form);
      // The decision is only for the content that was shown.
      const seen = session.form.get('plan') ?? '';
      const to = session.form.get('to') ?? '';
      const details = { ...(reason === '' ? {} : { reason }), ...(action === 'move' ? { to } : {}) };
      const record: RecordChange = (tx, _issue, sender) => {
        const senderDetails =
          sender == null || sender.inDoubt > 0 ? {} : { sender: sender.after, formerSender: sender.before };
        return audit(tx, {
          ...{ who, what: DONE[action], issue: issue.slug },
          details: { ...details, ...senderDetails },
        });
      };
      const asked = { ...issue, planHash: seen };
      if (action === 'pause')
        await desk.actions.pause(asked, record, reason === '' ? `Paused by ${who}.` : reason);
      else if (action === 'move') await desk.actions.move(asked, record, to);
      else await desk.actions[STEPS[action]](asked, record);
      return reply.redirect(`/editor/issues/${issue.slug}`, 303);
    },
  });

  async function countersOf(issue: Issue): Promise<ActionCounters> {
    const progress = await fromDatabase(issueProgress(db, issue.id));
    if (progress.audience > 0) return { kind: 'frozen', progress };
    return { kind: 'estimate', estimate: await estimateIssue(db, issue) };
  }
}

/** The function behind each action; a pause also takes its reason, a move its time. */
const STEPS = {
  approve: 'approve',
  'take-back': 'takeBack',
  send: 'send',
  resume: 'resume',
  cancel: 'cancel',
} as const satisfies Record<Exclude<ActionName, 'pause' | 'move'>, keyof DeskActions>;

/** @throws AppError `page-unknown`. */
function actionOf(name: string): ActionName {
  if (!Object.hasOwn(DONE, name)) throw new AppError('page-unknown', 'No such action.');
  return name as ActionName;
}
