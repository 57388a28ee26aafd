import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Connection } from '../../db/index.ts';
import { auditRefusal, type Editor, type Session, sessionOf } from '../../desk/index.ts';
import { AppError } from '../../errors.ts';
import { parseUrl } from '../../url.ts';
import { readForm } from '../form.ts';
import { fromDatabase } from '../problems.ts';
import { resource } from '../resource.ts';
import type { Site } from '../site.ts';

/**
 * Who gets in. Every page of the desk is registered through {@link createGuard}: there is no other way to a
 * session, so none can be forgotten.
 */

/** Somebody at the desk, and what they sent. */
export interface Visit {
  editor: Editor;
  session: Session;
  /** Goes into every form as `csrf`. */
  csrf: string;
  /** Of a POST; empty otherwise. */
  form: URLSearchParams;
}

export type DeskHandler<Params> = (
  visit: Visit,
  request: FastifyRequest<{ Params: Params; Querystring: Record<string, string | undefined> }>,
  reply: FastifyReply,
) => unknown;

export interface DeskPageHandlers<Params> {
  GET?: DeskHandler<Params>;
  POST?: DeskHandler<Params>;
  /** Only a publisher may POST. */
  publisher?: boolean;
}

export type Guard = <Params = unknown>(url: string, handlers: DeskPageHandlers<Params>) => void;

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

interface GuardOptions {
  db: Connection;
  site: Site;
  editors: readonly Editor[];
}

/** Looks up who knocks, and writes down who is refused. */
function createDoor({ db, site, editors }: GuardOptions) {
  const { name, options } = cookieOf(site, 'desk');
  return {
    cookie: name,

    visitor: async (request: FastifyRequest): Promise<Session | undefined> => {
      const cookie = request.cookies[name];
      if (cookie === undefined) return undefined;
      const session = await fromDatabase(sessionOf(db, cookie, editors));
      if (session === undefined) {
        const details = { why: 'no such session', route: request.routeOptions.url };
        await fromDatabase(auditRefusal(db, { who: null, what: 'session_refused', details }));
      }
      return session;
    },

    toSignIn: (reply: FastifyReply) => reply.clearCookie(name, options).redirect('/editor/sign-in', 303),

    /** @throws AppError always. */
    refuse: async (
      { editor }: Session,
      request: FastifyRequest,
      what: 'form_refused' | 'role_refused',
    ): Promise<never> => {
      const details = { route: request.routeOptions.url };
      await fromDatabase(auditRefusal(db, { who: editor.email, what, details }));
      const code = what === 'form_refused' ? 'form-forged' : 'role-lacking';
      throw new AppError(code, `${what} at ${request.routeOptions.url}`);
    },
  };
}

export function createGuard(app: FastifyInstance, context: GuardOptions): Guard {
  const door = createDoor(context);

  return (url, { GET, POST, publisher = false }) => {
    resource(app, url, {
      ...(GET && {
        GET: async (request, reply) => {
          const session = await door.visitor(request);
          if (session === undefined) return door.toSignIn(reply);
          const visit = {
            editor: session.editor,
            session,
            csrf: csrfOf(request, door.cookie),
            form: new URLSearchParams(),
          };
          return GET(visit, request as never, reply);
        },
      }),
      ...(POST && {
        POST: async (request, reply) => {
          const session = await door.visitor(request);
          if (session === undefined) throw new AppError('signed-out', 'No session.');
          const { editor } = session;
          const form = await readForm(request);
          const csrf = csrfOf(request, door.cookie);
          if (!isOurForm(request, context.site) || !isEqual(form.get('csrf') ?? '', csrf))
            return await door.refuse(session, request, 'form_refused');
          if (publisher && editor.role !== 'publisher')
            return await door.refuse(session, request, 'role_refused');
          return POST({ editor, session, csrf, form }, request as never, reply);
        },
      }),
    });
  };
}

/**
 * Guards a program of somebody else that runs behind the desk, for publishers alone. Its requests carry no token
 * of ours: a change must come with the headers by which browsers say where it comes from, and which pages cannot
 * forge. Where neither is there, it is refused.
 */
export function guardProgram(
  app: FastifyInstance,
  context: GuardOptions,
  url: string,
  handler: (publisher: Editor, request: FastifyRequest, reply: FastifyReply) => unknown,
): void {
  const door = createDoor(context);
  resource(app, url, {
    GET: async (request, reply) => {
      const session = await door.visitor(request);
      if (session === undefined) {
        // What a page fetches must not be answered by the page of another.
        if (request.type(['application/json', 'text/html']) === 'text/html') return door.toSignIn(reply);
        throw new AppError('signed-out', 'No session.');
      }
      if (session.editor.role !== 'publisher') return await door.refuse(session, request, 'role_refused');
      return handler(session.editor, request, reply);
    },
    PUT: async (request, reply) => {
      const session = await door.visitor(request);
      if (session === undefined) throw new AppError('signed-out', 'No session.');
      const { origin, 'sec-fetch-site': from } = request.headers;
      if ((origin ?? from) === undefined || !isOurForm(request, context.site))
        return await door.refuse(session, request, 'form_refused');
      if (session.editor.role !== 'publisher') return await door.refuse(session, request, 'role_refused');
      return handler(session.editor, request, reply);
    },
  });
}

/** Follows from the session's cookie, which no other site can read or guess. */
function csrfOf(request: FastifyRequest, cookie: string): string {
  return createHmac('sha256', request.cookies[cookie] ?? '')
    .update('desk form')
    .digest('base64url');
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

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
