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
 * Who gets in. Every page of the desk is registered through {@link createEditorPages}: there is no other way to a
 * session, so none can be forgotten.
 */

/** Somebody at the desk, and what they sent. */
export interface DeskSession {
  editor: Editor;
  stored: Session;
  /** A publisher who has used their passkey, where publishers must. */
  isPublisher: boolean;
  /** What their session lacks. */
  step: PasskeyStep | undefined;
  /** Goes into every form as `csrf`. */
  csrf: string;
  /** Of a POST; empty otherwise. */
  form: URLSearchParams;
}

/** Why a form of ours was not taken, though whoever sent it may well mend that. */
export type Obstacle = 'signed-out' | 'passkey-due' | 'passkey-missing' | 'form-forged';

/** A form that was not taken, whole. */
export interface UnsavedForm {
  obstacle: Obstacle;
  /** Undefined for somebody who is signed out. */
  session: DeskSession | undefined;
  /** Where it was sent. */
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
  /** Also for whoever has a passkey and did not use it in this session. */
  beforePasskey?: boolean;
}

export type EditorPage = <Params = unknown>(url: string, handlers: DeskPageHandlers<Params>) => void;

/**
 * `__Host-` where there is https: no other host of the domain can set such a cookie. It must be for the whole
 * host then; over plain http, which is for this machine, it is for the desk alone.
 */
export function cookieOf(site: Pick<Site, 'publicUrl'>, name: string) {
  const secure = site.publicUrl.startsWith('https:');
  return {
    name: secure ? `__Host-${name}` : name,
    options: { path: secure ? '/' : '/editor', httpOnly: true, secure, sameSite: 'lax' as const },
  };
}

/** Where somebody goes on who has signed in by a link. */
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

/** Looks up who knocks, and writes down who is refused. */
function createSessionReader({ db, site, desk: { editors, passkeys } }: EditorPageOptions) {
  const { name, options } = cookieOf(site, 'desk');
  const formCookie = cookieOf(site, 'desk-form');

  return {
    /** Who knocks; undefined without a living session. */
    admit: async (
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

    /** Writes down what is refused. @returns what to throw or to tell. */
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
   * A random cookie of the browser, from which the tokens of its forms follow. It outlives a session: a form that was
   * open while its session ended is good again when the same editor has signed in again in the same browser.
   */
  function formSecret(request: FastifyRequest, reply: FastifyReply): string {
    const known = request.cookies[formCookie.name];
    if (known !== undefined && /^[\w-]{43}$/.test(known)) return known;
    const secret = randomBytes(32).toString('base64url');
    reply.setCookie(formCookie.name, secret, formCookie.options);
    return secret;
  }
}

/** @param unsavedPage shows a form that was not taken, to be sent again. */
export function createEditorPages(
  app: FastifyInstance,
  context: EditorPageOptions,
  unsavedPage: (unsaved: UnsavedForm) => string,
): EditorPage {
  const door = createSessionReader(context);
  const { site } = context;

  return (url, { GET, POST, publisher = false, beforePasskey = false }) => {
    resource(app, url, {
      ...(GET && {
        GET: async (request, reply) => {
          const session = await door.admit(request, reply);
          const isPage = request.type(['text/html', 'application/json']) !== 'application/json';
          // A script's question must not be answered by a page, nor sign out whoever signs in beside it.
          if (session === undefined && !isPage) throw new AppError('signed-out', 'No session.');
          if (session === undefined) return door.toSignIn(reply);
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
          const session = await door.admit(request, reply, form);
          if (session === undefined) return unsaved({ obstacle: 'signed-out' }, request, reply, form);
          if (session.step === 'use' && !beforePasskey)
            return unsaved({ obstacle: 'passkey-due' }, request, reply, form);
          if (!isOurForm(request, site) || !isEqual(form.get('csrf') ?? '', session.csrf)) {
            const refusal = await door.refusal(session, request, 'form_refused');
            return unsaved({ obstacle: 'form-forged', session, refusal }, request, reply, form);
          }
          if (publisher && session.editor.role !== 'publisher')
            throw await door.refusal(session, request, 'role_refused');
          if (publisher && !session.isPublisher) {
            const refusal = await door.refusal(session, request, 'passkey_refused');
            return unsaved({ obstacle: 'passkey-missing', session, refusal }, request, reply, form);
          }
          return POST(session, request as never, reply);
        },
      }),
    });
  };

  /**
   * Nothing was done, and nothing that was typed is lost: the answer is a page that has it all, to be sent again when
   * the obstacle is gone. What comes from another site, or from nowhere that a browser names, is refused and not
   * repeated: nobody else may put words into a form of ours.
   */
  function unsaved(
    { obstacle, session, refusal }: { obstacle: Obstacle; session?: DeskSession; refusal?: AppError },
    request: FastifyRequest,
    reply: FastifyReply,
    form: URLSearchParams,
  ): FastifyReply {
    const isPage = request.type(['application/problem+json', 'text/html']) === 'text/html';
    if (!isPage || !isCertainlyOurForm(request, site))
      throw refusal ?? new AppError(obstacle, `A form was not taken: ${obstacle}.`);
    return reply
      .code(403)
      .type('text/html; charset=utf-8')
      .send(unsavedPage({ obstacle, session, action: request.url, form }));
  }
}

/**
 * Guards a program of somebody else that runs behind the desk, for publishers alone. Its requests carry no token
 * of ours: a change must come with the headers by which browsers say where it comes from, and which pages cannot
 * forge. Where neither is there, it is refused.
 */
export function requireProgramToken(
  app: FastifyInstance,
  context: EditorPageOptions,
  url: string,
  handler: (publisher: Editor, request: FastifyRequest, reply: FastifyReply) => unknown,
): void {
  const door = createSessionReader(context);
  const requirePublisher = async (session: DeskSession, request: FastifyRequest) => {
    if (session.isPublisher) return;
    const isRole = session.editor.role !== 'publisher';
    throw await door.refusal(session, request, isRole ? 'role_refused' : 'passkey_refused');
  };
  resource(app, url, {
    GET: async (request, reply) => {
      const session = await door.admit(request, reply);
      // What a page fetches must not be answered by the page of another.
      const isPage = request.type(['application/json', 'text/html']) === 'text/html';
      if (session === undefined && isPage) return door.toSignIn(reply);
      if (session === undefined) throw new AppError('signed-out', 'No session.');
      if (session.step !== undefined && isPage) return reply.redirect(entranceOf(session.step), 303);
      await requirePublisher(session, request);
      return handler(session.editor, request, reply);
    },
    PUT: async (request, reply) => {
      const session = await door.admit(request, reply);
      if (session === undefined) throw new AppError('signed-out', 'No session.');
      if (!isCertainlyOurForm(request, context.site))
        throw await door.refusal(session, request, 'form_refused');
      await requirePublisher(session, request);
      return handler(session.editor, request, reply);
    },
  });
}

/**
 * Follows from a cookie which no other site can read or guess, and from who is signed in: the form of one editor is
 * not sent in the name of another who signs in after them.
 */
function csrfOf(secret: string, { email }: Editor): string {
  return createHmac('sha256', secret).update(`desk form\0${email}`).digest('base64url');
}

/**
 * Whether a POST comes from a page of ours, by what browsers say and pages cannot forge; where a browser is too
 * old to say, the token of the form has to do.
 */
export function isOurForm(request: FastifyRequest, site: Pick<Site, 'publicUrl'>): boolean {
  const { 'sec-fetch-site': from, origin, host } = request.headers;
  if (from !== undefined) return from === 'same-origin';
  if (origin === undefined) return true;
  return origin === new URL(site.publicUrl).origin || (host !== undefined && parseUrl(origin)?.host === host);
}

/** The same, and a browser says so. */
function isCertainlyOurForm(request: FastifyRequest, site: Pick<Site, 'publicUrl'>): boolean {
  const { origin, 'sec-fetch-site': from } = request.headers;
  return (origin ?? from) !== undefined && isOurForm(request, site);
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
