import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Editor, PasskeyPolicy } from '../../config/editors.ts';
import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { readForm } from '../../platform/http/form.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { resource } from '../../platform/http/resource.ts';
import type { Site } from '../../platform/site.ts';
import { parseUrl } from '../../platform/url.ts';
import { auditRefusal } from '../audit/audit.ts';
import { type PasskeyStep, passkeyStep } from './passkeys.ts';
import { type Session, sessionOf } from './sessions.ts';

/**
 * Authentication of the desk. Every page of the desk is registered through {@link createEditorPages}; only this
 * function reads sessions, so no page can be left unprotected.
 */

/** The session of a request to the desk, and its form. */
export interface DeskSession {
  editor: Editor;
  stored: Session;
  /** Whether the editor is a publisher, and has used a passkey if publishers must. */
  isPublisher: boolean;
  /** The sign-in step that the session still lacks. */
  step: PasskeyStep | undefined;
  /** The token that every form carries as `csrf`. */
  csrf: string;
  /** The form of a POST; empty otherwise. */
  form: URLSearchParams;
}

/** Why a form of the desk was not accepted, for reasons that its sender can remove. */
export type Obstacle = 'signed-out' | 'passkey-due' | 'passkey-missing' | 'form-forged';

/** A complete form that was not accepted. */
export interface UnsavedForm {
  obstacle: Obstacle;
  /** Undefined if the sender is signed out. */
  session: DeskSession | undefined;
  /** The URL that it was sent to. */
  action: string;
  form: URLSearchParams;
}

export type DeskHandler<Params> = (
  session: DeskSession,
  request: FastifyRequest<{ Params: Params; Querystring: Record<string, string | undefined> }>,
  reply: FastifyReply,
) => unknown;

export interface DeskPageHandlers<Params> {
  GET?: DeskHandler<Params>;
  POST?: DeskHandler<Params>;
  /** Only a publisher may POST. */
  publisher?: boolean;
  /** Also allowed before the editor has used their passkey in this session. */
  beforePasskey?: boolean;
}

export type EditorPage = <Params = unknown>(url: string, handlers: DeskPageHandlers<Params>) => void;

/**
 * `__Host-` with https: then no other host of the domain can set such a cookie, but it must be valid for the whole
 * host. Over plain http, which is for this machine only, it is valid for the desk alone.
 */
export function cookieOf(site: Pick<Site, 'publicUrl'>, name: string) {
  const secure = site.publicUrl.startsWith('https:');
  return {
    name: secure ? `__Host-${name}` : name,
    options: { path: secure ? '/' : '/editor', httpOnly: true, secure, sameSite: 'lax' as const },
  };
}

/** The page after signing in by a link. */
export function entranceOf(step: PasskeyStep | undefined): string {
  if (step === 'use') return PASSKEY_PAGE;
  return step === 'register' ? '/editor/account' : '/editor';
}

/** The second step of signing in. */
export const PASSKEY_PAGE = '/editor/sign-in/passkey';

interface EditorPageOptions {
  db: Connection;
  site: Site;
  desk: { editors: readonly Editor[]; passkeys: PasskeyPolicy };
}

type RefusalKind = 'form_refused' | 'role_refused' | 'passkey_refused';

const CODES: Record<RefusalKind, string> = {
  form_refused: 'form-forged',
  role_refused: 'role-lacking',
  passkey_refused: 'passkey-missing',
};

/** Reads the session of a request, and records refusals. */
function createSessionReader({ db, site, desk: { editors, passkeys } }: EditorPageOptions) {
  const { name, options } = cookieOf(site, 'desk');
  const formCookie = cookieOf(site, 'desk-form');

  return {
    /** Returns the editor's session; undefined without a valid one. */
    readSession: async (
      request: FastifyRequest,
      reply: FastifyReply,
      form = new URLSearchParams(),
    ): Promise<DeskSession | undefined> => {
      const cookie = request.cookies[name];
      if (cookie === undefined) return undefined;
      const route = request.routeOptions.url;
      const session = await fromDatabase(sessionOf(db, { cookie, editors, route }));
      if (session === undefined) return undefined;
      const { editor } = session;
      const step = passkeyStep(passkeys, session);
      const isPublisher = editor.role === 'publisher' && step === undefined;
      const csrf = csrfOf(formSecret(request, reply), editor);
      return { editor, stored: session, isPublisher, step, csrf, form };
    },

    toSignIn: (reply: FastifyReply) => reply.clearCookie(name, options).redirect('/editor/sign-in', 303),

    /** Records a refusal. @returns the error to throw or to show. */
    refusal: async (
      { editor }: DeskSession,
      request: FastifyRequest,
      what: RefusalKind,
    ): Promise<AppError> => {
      const route = request.routeOptions.url;
      const details = what === 'passkey_refused' ? { why: 'none used in this session', route } : { route };
      await fromDatabase(auditRefusal(db, { who: editor.email, what, details }));
      return new AppError(CODES[what], `${what} at ${route}`);
    },
  };

  /**
   * A random cookie of the browser, from which the tokens of its forms are derived. It outlives a session: a form
   * that was open when its session ended is valid again after the same editor has signed in again in the same
   * browser.
   */
  function formSecret(request: FastifyRequest, reply: FastifyReply): string {
    const known = request.cookies[formCookie.name];
    if (known !== undefined && /^[\w-]{43}$/.test(known)) return known;
    const secret = randomBytes(32).toString('base64url');
    reply.setCookie(formCookie.name, secret, formCookie.options);
    return secret;
  }
}

/** @param unsavedPage shows a form that was not accepted, to be sent again. */
export function createEditorPages(
  app: FastifyInstance,
  context: EditorPageOptions,
  unsavedPage: (unsaved: UnsavedForm) => string,
): EditorPage {
  const sessions = createSessionReader(context);
  const { site } = context;

  return (url, { GET, POST, publisher = false, beforePasskey = false }) => {
    resource(app, url, {
      ...(GET && {
        GET: async (request, reply) => {
          const session = await sessions.readSession(request, reply);
          const isPage = request.type(['text/html', 'application/json']) !== 'application/json';
          // A script must not get a page as its answer, nor sign out an editor who is signing in in another tab.
          if (session === undefined && !isPage) throw new AppError('signed-out', 'No session.');
          if (session === undefined) return sessions.toSignIn(reply);
          if (session.step === 'use' && !beforePasskey) {
            if (isPage) return reply.redirect(PASSKEY_PAGE, 303);
            throw new AppError('passkey-due', 'The second step of signing in is missing.');
          }
          return GET(session, request as never, reply);
        },
      }),
      ...(POST && {
        POST: async (request, reply) => {
          const form = await readForm(request);
          const session = await sessions.readSession(request, reply, form);
          if (session === undefined) return unsaved({ obstacle: 'signed-out' }, request, reply, form);
          if (session.step === 'use' && !beforePasskey)
            return unsaved({ obstacle: 'passkey-due' }, request, reply, form);
          if (!isSameOriginForm(request, site) || !isEqual(form.get('csrf') ?? '', session.csrf)) {
            const refusal = await sessions.refusal(session, request, 'form_refused');
            return unsaved({ obstacle: 'form-forged', session, refusal }, request, reply, form);
          }
          if (publisher && session.editor.role !== 'publisher')
            throw await sessions.refusal(session, request, 'role_refused');
          if (publisher && !session.isPublisher) {
            const refusal = await sessions.refusal(session, request, 'passkey_refused');
            return unsaved({ obstacle: 'passkey-missing', session, refusal }, request, reply, form);
          }
          return POST(session, request as never, reply);
        },
      }),
    });
  };

  /**
   * Nothing was done, and no typed text is lost: the response is a page with the whole form, to be sent again when
   * the obstacle is removed. A form from another site, or without a browser's origin headers, is refused and not
   * repeated: no other site may put text into our forms.
   */
  function unsaved(
    { obstacle, session, refusal }: { obstacle: Obstacle; session?: DeskSession; refusal?: AppError },
    request: FastifyRequest,
    reply: FastifyReply,
    form: URLSearchParams,
  ): FastifyReply {
    const isPage = request.type(['application/problem+json', 'text/html']) === 'text/html';
    if (!isPage || !isProvenSameOriginForm(request, site))
      throw refusal ?? new AppError(obstacle, `A form was not taken: ${obstacle}.`);
    return reply
      .code(403)
      .type('text/html; charset=utf-8')
      .send(unsavedPage({ obstacle, session, action: request.url, form }));
  }
}

/**
 * Protects a third-party program behind the desk, for publishers only. Its requests carry no token of ours, so a
 * change must have the headers with which browsers name the origin, and which pages cannot forge. Without them it
 * is refused.
 */
export function requireProgramToken(
  app: FastifyInstance,
  context: EditorPageOptions,
  url: string,
  handler: (publisher: Editor, request: FastifyRequest, reply: FastifyReply) => unknown,
): void {
  const sessions = createSessionReader(context);
  const requirePublisher = async (session: DeskSession, request: FastifyRequest) => {
    if (session.isPublisher) return;
    const isRole = session.editor.role !== 'publisher';
    throw await sessions.refusal(session, request, isRole ? 'role_refused' : 'passkey_refused');
  };
  resource(app, url, {
    GET: async (request, reply) => {
      const session = await sessions.readSession(request, reply);
      // A request of a script must not be answered by a page.
      const isPage = request.type(['application/json', 'text/html']) === 'text/html';
      if (session === undefined && isPage) return sessions.toSignIn(reply);
      if (session === undefined) throw new AppError('signed-out', 'No session.');
      if (session.step !== undefined && isPage) return reply.redirect(entranceOf(session.step), 303);
      await requirePublisher(session, request);
      return handler(session.editor, request, reply);
    },
    PUT: async (request, reply) => {
      const session = await sessions.readSession(request, reply);
      if (session === undefined) throw new AppError('signed-out', 'No session.');
      if (!isProvenSameOriginForm(request, context.site))
        throw await sessions.refusal(session, request, 'form_refused');
      await requirePublisher(session, request);
      return handler(session.editor, request, reply);
    },
  });
}

/**
 * Derived from a cookie that no other site can read or guess, and from the signed-in editor: the form of one editor
 * cannot be sent in the name of another who signs in later.
 */
function csrfOf(secret: string, { email }: Editor): string {
  return createHmac('sha256', secret).update(`desk form\0${email}`).digest('base64url');
}

/**
 * Whether a POST comes from one of our pages, by headers that pages cannot forge; with browsers that are too old to
 * send them, the form's token alone decides.
 */
export function isSameOriginForm(request: FastifyRequest, site: Pick<Site, 'publicUrl'>): boolean {
  const { 'sec-fetch-site': from, origin, host } = request.headers;
  if (from !== undefined) return from === 'same-origin';
  if (origin === undefined) return true;
  return origin === new URL(site.publicUrl).origin || (host !== undefined && parseUrl(origin)?.host === host);
}

/** Like {@link isSameOriginForm}, but the headers must be there. */
function isProvenSameOriginForm(request: FastifyRequest, site: Pick<Site, 'publicUrl'>): boolean {
  const { origin, 'sec-fetch-site': from } = request.headers;
  return (origin ?? from) !== undefined && isSameOriginForm(request, site);
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
