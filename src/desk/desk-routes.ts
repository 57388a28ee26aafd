import cookie from '@fastify/cookie';
import type { FastifyInstance } from 'fastify';
import { acceptForms } from '../platform/http/form.ts';
import { logRoutes } from './audit/log-routes.ts';
import { accountRoutes } from './auth/account-routes.ts';
import { createEditorPages } from './auth/editor-page.ts';
import { endAccessOfFormerEditors } from './auth/sessions.ts';
import { signInRoutes } from './auth/sign-in-routes.ts';
import { checkRoutes } from './checks/check-routes.ts';
import { createInspector } from './checks/inspector.ts';
import { contentRoutes } from './comparisons/desk-comparison-routes.ts';
import type { DeskContext } from './desk-context.ts';
import { deskAssets } from './frame/assets.ts';
import { answerDeskProblems } from './frame/desk-problems.ts';
import { previewRoutes } from './preview/preview-routes.ts';
import { testRoutes } from './preview/test-send-routes.ts';
import { queueRoutes } from './queues/queue-routes.ts';
import { sourcesRoutes } from './sources/desk-source-routes.ts';
import { issueStatsRoutes } from './stats/stats-routes.ts';
import { peopleRoutes } from './subscribers/subscriber-routes.ts';
import { actionRoutes } from './this-week/action-routes.ts';
import { weekRoutes } from './this-week/week-routes.ts';
import { watchRoutes } from './watch/watch-routes.ts';
import { unsavedPage } from './writing/unsaved-page.tsx';

/** In bytes: a percent-encoded introduction is longer than any public form. */
const FORM_LIMIT = 64 * 1024;

/** The editor's desk. Every action works without JavaScript; the small script only saves steps. */
export async function deskRoutes(app: FastifyInstance, context: DeskContext): Promise<void> {
  await endAccessOfFormerEditors(context.db, context.desk.editors);
  await app.register(cookie);
  acceptForms(app, FORM_LIMIT);
  deskAssets(app);
  answerDeskProblems(app, context.site);
  const editorPage = createEditorPages(app, context, (unsaved) => unsavedPage(context.site, unsaved));
  signInRoutes(app, editorPage, context);
  accountRoutes(editorPage, context);
  const inspect = createInspector(context);
  weekRoutes(editorPage, context, inspect);
  checkRoutes(editorPage, context, inspect);
  previewRoutes(app, editorPage, context);
  testRoutes(editorPage, context);
  actionRoutes(editorPage, context);
  watchRoutes(app, editorPage, context);
  issueStatsRoutes(editorPage, context);
  contentRoutes(editorPage, context);
  peopleRoutes(editorPage, context);
  sourcesRoutes(editorPage, context);
  queueRoutes(app, context);
  logRoutes(editorPage, context);
}
