import type { App } from './app.ts';
import type { DeskSteps } from './http/index.ts';
import { changeIssue, editIssue, type Issue, requireIssue } from './issues/index.ts';
import { approve, cancel, draft, pause, send, slotToCompose, weekSettings } from './weekly.ts';

/** The steps that the desk asks for, each the one that commands and jobs take. */
export function deskSteps(app: App): DeskSteps {
  const { db } = app;
  return {
    compose: async (issue) => await draft(app, issue ? slotOf(issue) : await slotToCompose(app)),
    edit: (request) => editIssue(db, request, weekSettings(app)),
    approve: (issue) => approve(app, issue),
    takeBack: async ({ id }) => (await changeIssue(db, id, { type: 'edit' })).issue,
    send: (issue) => send(app, issue),
    pause: async ({ id }, reason) => {
      await pause(app, id, reason);
      return requireIssue(db, { id });
    },
    // Back to where it was: an issue that was only approved still waits for its slot.
    resume: async ({ id }) => {
      const { issue } = await changeIssue(db, id, { type: 'resume' });
      return issue.status === 'approved' && issue.dueAt > app.clock() ? issue : send(app, issue);
    },
    cancel: (issue) => cancel(app, issue),
  };
}

function slotOf({ slot, dueAt }: Issue) {
  return { key: slot, label: slot, dueAt };
}
