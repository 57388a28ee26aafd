import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { AppError } from '../../platform/errors.ts';
import { readForm } from '../../platform/http/form.ts';
import { countAgainst, countRequest } from '../../platform/http/network-limits.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { resource } from '../../platform/http/resource.ts';
import type { Limit } from '../../platform/queue/limiter.ts';
import { tokenHash } from '../../subscribers/tokens.ts';
import { SIGN_IN_LINK_MINUTES } from '../../transactional/link-lifetimes.ts';
import { addMailRequest } from '../../transactional/requests/request-store.ts';
import { auditRefusal } from '../audit/audit.ts';
import type { DeskContext } from '../desk-context.ts';
import { cookieOf, type EditorPage, entranceOf, isSameOriginForm } from './editor-page.ts';
import { BROWSER_COOKIE_DAYS, isOwnBrowser, signBrowser } from './known-browsers.ts';
import { passkeyStep } from './passkeys.ts';
import { endSession, endSessionsOf, sessionOf, signIn } from './sessions.ts';
import { enterPage, linkSentPage, signInPage } from './sign-in-page.tsx';

const HTML = 'text/html; charset=utf-8';

/** As long as the link is valid. */
const LINK_SENT_SECONDS = SIGN_IN_LINK_MINUTES * 60;

/** One text for every invalid link; the audit log has the reason. */
const REFUSED = `A link works once, for ${SIGN_IN_LINK_MINUTES} minutes, and only in the browser in which it was asked for. Ask for another at /editor.`;

/** Limits of link requests from one network, which may be a whole newsroom. */
const NETWORK_LIMITS: readonly Limit[] = [
  { points: 30, seconds: 60 },
  { points: 120, seconds: 3_600 },
];

/** Limits of one browser with its cookie. */
const BROWSER_LIMITS: readonly Limit[] = [
  { points: 5, seconds: 15 * 60 },
  { points: 10, seconds: 3_600 },
];

/** No longer than an address can be. */
const ADDRESS_MAX_LENGTH = 254;

/** Signing in (a mailed link, a button, a session) and signing out. */
export function signInRoutes(
  app: FastifyInstance,
  editorPage: EditorPage,
  { db, keys, site, desk, limiter, onMailRequest }: DeskContext,
): void {
  const { editors } = desk;
  const sessionCookie = cookieOf(site, 'desk');
  const asked = cookieOf(site, 'desk-asked');
  const known = cookieOf(site, 'desk-browser');

  /** @throws AppError `form-forged` for a form that another site sends. */
  const assertOurs = async (request: Parameters<typeof isSameOriginForm>[0]) => {
    if (isSameOriginForm(request, site)) return;
    const details = { route: request.routeOptions.url };
    await fromDatabase(auditRefusal(db, { who: null, what: 'form_refused', details }));
    throw new AppError('form-forged', 'A sign-in from elsewhere.');
  };

  resource(app, '/editor/sign-in', {
    GET: (_request, reply) => reply.type(HTML).send(signInPage(site)),
    POST: async (request, reply) => {
      await assertOurs(request);
      const typed = (await readForm(request)).get('email') ?? '';
      const email = typed.trim().toLowerCase().slice(0, ADDRESS_MAX_LENGTH);
      const browser = request.cookies[asked.name] ?? randomBytes(32).toString('base64url');
      const isOwn = isOwnBrowser(keys, request.cookies[known.name], email);
      // Requests of strangers on the same network do not limit a browser in which the editor has signed in before.
      if (!isOwn) await countRequest(limiter, request, reply, { kind: 'desk', limits: NETWORK_LIMITS });
      const counted = isOwn ? (request.cookies[known.name] ?? '') : browser;
      await countAgainst(limiter, `desk-browser:${tokenHash(counted)}`, BROWSER_LIMITS, reply);
      await fromDatabase(
        addMailRequest(db, {
          kind: isOwn ? 'desk_sign_in_own_browser' : 'desk_sign_in',
          address: { email, key: email },
          details: { browserHash: tokenHash(browser) },
        }),
      );
      onMailRequest();
      return reply
        .setCookie(asked.name, browser, { ...asked.options, maxAge: LINK_SENT_SECONDS })
        .redirect('/editor/sign-in/asked', 303);
    },
  });

  resource(app, '/editor/sign-in/asked', {
    GET: (_request, reply) => reply.type(HTML).send(linkSentPage(site)),
  });

  resource<{ token: string }>(app, '/editor/sign-in/:token', {
    GET: (_request, reply) => reply.type(HTML).send(enterPage(site)),
    POST: async (request, reply) => {
      await assertOurs(request);
      const { token } = request.params;
      const opened = await fromDatabase(signIn(db, { token, browser: request.cookies[asked.name], editors }));
      if (opened === null)
        throw new AppError('sign-in-refused', 'A link that does not open.', { help: REFUSED });
      const { cookie, email } = opened;
      const route = request.routeOptions.url;
      const session = await fromDatabase(sessionOf(db, { cookie, editors, route }));
      return reply
        .clearCookie(asked.name, asked.options)
        .setCookie(sessionCookie.name, cookie, sessionCookie.options)
        .setCookie(known.name, signBrowser(keys, email), {
          ...known.options,
          maxAge: BROWSER_COOKIE_DAYS * 86_400,
        })
        .redirect(entranceOf(session && passkeyStep(desk.passkeys, session)), 303);
    },
  });

  editorPage('/editor/sign-out', {
    beforePasskey: true,
    POST: async (session, _request, reply) => {
      const everywhere = session.form.get('everywhere') === '1';
      await fromDatabase(everywhere ? endSessionsOf(db, session.editor) : endSession(db, session.stored));
      return reply.clearCookie(sessionCookie.name, sessionCookie.options).redirect('/editor/sign-in', 303);
    },
  });
}
