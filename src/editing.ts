import type { App } from './app.ts';
import type { DeskSteps } from './http/index.ts';
import { editIssue, type Issue } from './issues/index.ts';
import { draft, slotToCompose, weekSettings } from './weekly.ts';

/** The steps that the desk asks for, each the one that commands and jobs take. */
export function deskSteps(app: App): DeskSteps {
  return {
    compose: async (issue) => await draft(app, issue ? slotOf(issue) : await slotToCompose(app)),
    edit: (request) => editIssue(app.db, request, weekSettings(app)),
  };
}

function slotOf({ slot, dueAt }: Issue) {
  return { key: slot, label: slot, dueAt };
}
