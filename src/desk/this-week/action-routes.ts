import type { Issue, RecordChange } from '../../issues/issue-store.ts';
import { AppError } from '../../platform/errors.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { forecastIssue } from '../../sending/preview/forecast.ts';
import { issueProgress } from '../../sending/progress.ts';
import { audit } from '../audit/audit.ts';
import type { Guard } from '../auth/guard.ts';
import type { DeskContext, DeskSteps } from '../desk-context.ts';
import { actionPage, type Numbers } from './action-page.tsx';
import { type ActionName, DONE, reasonIn } from './decisions.ts';
import { issueOf } from './week-routes.ts';

const HTML = 'text/html; charset=utf-8';

/** Each decision is shown with its numbers first, and asked for twice does nothing more. */
export function actionRoutes(guard: Guard, { db, site, desk, clock }: DeskContext): void {
  guard<{ slug: string; action: string }>('/editor/issues/:slug/do/:action', {
    publisher: true,

    GET: async (visit, request, reply) => {
      const action = actionOf(request.params.action);
      const issue = await issueOf(db, request.params.slug);
      const numbers = await numbersOf(issue);
      return reply
        .type(HTML)
        .send(actionPage(site, { visit, zone: desk.zone, issue, action, numbers, now: clock() }));
    },

    POST: async (visit, request, reply) => {
      const action = actionOf(request.params.action);
      const issue = await issueOf(db, request.params.slug);
      const who = visit.editor.email;
      const reason = reasonIn(visit.form);
      // What is decided on is what was shown.
      const seen = visit.form.get('plan') ?? '';
      const details = reason === '' ? {} : { reason };
      const record: RecordChange = (tx) => audit(tx, { who, what: DONE[action], issue: issue.slug, details });
      const asked = { ...issue, planHash: seen };
      if (action === 'pause')
        await desk.steps.pause(asked, record, reason === '' ? `Paused by ${who}.` : reason);
      else await desk.steps[STEPS[action]](asked, record);
      return reply.redirect(`/editor/issues/${issue.slug}`, 303);
    },
  });

  async function numbersOf(issue: Issue): Promise<Numbers> {
    const progress = await fromDatabase(issueProgress(db, issue.id));
    if (progress.audience > 0) return { kind: 'frozen', progress };
    return { kind: 'forecast', forecast: await forecastIssue(db, issue) };
  }
}

/** The step behind each; a pause also takes its reason. */
const STEPS = {
  approve: 'approve',
  'take-back': 'takeBack',
  send: 'send',
  resume: 'resume',
  cancel: 'cancel',
} as const satisfies Record<Exclude<ActionName, 'pause'>, keyof DeskSteps>;

/** @throws AppError `page-unknown`. */
function actionOf(name: string): ActionName {
  if (!Object.hasOwn(DONE, name)) throw new AppError('page-unknown', 'No such action.');
  return name as ActionName;
}
