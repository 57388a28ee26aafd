import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { askForLink, auditRefusal, endSession, endSessionsOf, signIn } from '../../desk/index.ts';
import { AppError } from '../../errors.ts';
import { readForm } from '../form.ts';
import { fromDatabase } from '../problems.ts';
import { resource } from '../resource.ts';
import type { DeskContext } from './context.ts';
import { cookieOf, type Guard, isOurForm } from './guard.ts';
import { askedPage, enterPage, signInPage } from './pages/sign-in.tsx';

const HTML = 'text/html; charset=utf-8';

/** As long as the link. */
const ASKED_SECONDS = 15 * 60;

/** A link to the inbox, a button, a session; and out again. */
export function signInRoutes(
  app: FastifyInstance,
  guard: Guard,
  { db, keys, site, desk, ring }: DeskContext,
): void {
  const { editors } = desk;
  const session = cookieOf(site, 'desk');
  const asked = cookieOf(site, 'desk-asked');

  /** @throws AppError `form-forged` for a form that another site sends. */
  const assertOurs = async (request: Parameters<typeof isOurForm>[0]) => {
    if (isOurForm(request, site)) return;
    const details = { route: request.routeOptions.url };
    await fromDatabase(auditRefusal(db, { who: null, what: 'form_refused', details }));
    throw new AppError('form-forged', 'A sign-in from elsewhere.');
  };

  resource(app, '/editor/sign-in', {
    GET: (_request, reply) => reply.type(HTML).send(signInPage(site)),
    POST: async (request, reply) => {
      await assertOurs(request);
      const typed = (await readForm(request)).get('email') ?? '';
      const browser = request.cookies[asked.name] ?? randomBytes(32).toString('base64url');
      const link = await fromDatabase(askForLink(db, { typed, browser, editors, keys }));
      if (link !== null) {
        ring(link.mailId);
        desk.tell?.(`${site.publicUrl}/editor/sign-in/${link.token}`);
      }
      return reply
        .setCookie(asked.name, browser, { ...asked.options, maxAge: ASKED_SECONDS })
        .redirect('/editor/sign-in/asked', 303);
    },
  });

  resource(app, '/editor/sign-in/asked', {
    GET: (_request, reply) => reply.type(HTML).send(askedPage(site)),
  });

  resource<{ token: string }>(app, '/editor/sign-in/:token', {
    GET: (_request, reply) => reply.type(HTML).send(enterPage(site)),
    POST: async (request, reply) => {
      await assertOurs(request);
      const { token } = request.params;
      const cookie = await fromDatabase(signIn(db, { token, browser: request.cookies[asked.name], editors }));
      if (cookie === null) throw new AppError('sign-in-refused', 'A link that does not open.');
      return reply
        .clearCookie(asked.name, asked.options)
        .setCookie(session.name, cookie, session.options)
        .redirect('/editor', 303);
    },
  });

  guard('/editor/sign-out', {
    POST: async (visit, _request, reply) => {
      const everywhere = visit.form.get('everywhere') === '1';
      await fromDatabase(everywhere ? endSessionsOf(db, visit.editor) : endSession(db, visit.session));
      return reply.clearCookie(session.name, session.options).redirect('/editor/sign-in', 303);
    },
  });
}
