import cookie from '@fastify/cookie';
import type { FastifyInstance } from 'fastify';
import { endAccessOfFormerEditors } from '../../desk/index.ts';
import { acceptForms } from '../form.ts';
import { accountRoutes } from './account.ts';
import { actionRoutes } from './actions.ts';
import { afterwardsRoutes } from './afterwards.ts';
import { deskAssets } from './assets.ts';
import { checkRoutes } from './checks.ts';
import { contentRoutes } from './comparisons.ts';
import type { DeskContext } from './context.ts';
import { createGuard } from './guard.ts';
import { createInspector } from './inspector.ts';
import { logRoutes } from './log.ts';
import { unsavedPage } from './pages/unsaved.tsx';
import { peopleRoutes } from './people.ts';
import { previewRoutes } from './preview.ts';
import { answerDeskProblems } from './problems.ts';
import { queueRoutes } from './queues.ts';
import { signInRoutes } from './sign-in.ts';
import { sourcesRoutes } from './sources.ts';
import { testRoutes } from './tests.ts';
import { watchRoutes } from './watch.ts';
import { weekRoutes } from './week.ts';

export type { DeskOptions, DeskSteps } from './context.ts';

/** An introduction, percent-encoded, is longer than any public form. */
const FORM_LIMIT = 64 * 1024;

/** The editor's desk. Every action works without JavaScript; the one small script only saves steps. */
export async function deskRoutes(app: FastifyInstance, context: DeskContext): Promise<void> {
  await endAccessOfFormerEditors(context.db, context.desk.editors);
  await app.register(cookie);
  acceptForms(app, FORM_LIMIT);
  deskAssets(app);
  answerDeskProblems(app, context.site);
  const guard = createGuard(app, context, (unsaved) => unsavedPage(context.site, unsaved));
  signInRoutes(app, guard, context);
  accountRoutes(guard, context);
  const inspect = createInspector(context);
  weekRoutes(guard, context, inspect);
  checkRoutes(guard, context, inspect);
  previewRoutes(app, guard, context);
  testRoutes(guard, context);
  actionRoutes(guard, context);
  watchRoutes(app, guard, context);
  afterwardsRoutes(guard, context);
  contentRoutes(guard, context);
  peopleRoutes(guard, context);
  sourcesRoutes(guard, context);
  queueRoutes(app, context);
  logRoutes(guard, context);
}
