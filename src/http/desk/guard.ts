import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Connection } from '../../db/index.ts';
import { auditRefusal, type Editor, type Session, sessionOf } from '../../desk/index.ts';
import { AppError } from '../../errors.ts';
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

export function createGuard(
  app: FastifyInstance,
  { db, site, editors }: { db: Connection; site: Site; editors: readonly Editor[] },
): Guard {
  const { name, options } = cookieOf(site, 'desk');

  const visitOf = async (request: FastifyRequest): Promise<Session | undefined> => {
    const cookie = request.cookies[name];
    if (cookie === undefined) return undefined;
    const session = await fromDatabase(sessionOf(db, cookie, editors));
    if (session === undefined) {
      const details = { why: 'no such session', route: request.routeOptions.url };
      await fromDatabase(auditRefusal(db, { who: null, what: 'session_refused', details }));
    }
    return session;
  };

  return (url, { GET, POST, publisher = false }) => {
    resource(app, url, {
      ...(GET && {
        GET: async (request, reply) => {
          const session = await visitOf(request);
          if (session === undefined) return reply.clearCookie(name, options).redirect('/editor/sign-in', 303);
          const visit = {
            editor: session.editor,
            session,
            csrf: csrfOf(request, name),
            form: new URLSearchParams(),
          };
          return GET(visit, request as never, reply);
        },
      }),
      ...(POST && {
        POST: async (request, reply) => {
          const session = await visitOf(request);
          if (session === undefined) throw new AppError('signed-out', 'No session.');
          const { editor } = session;
          const refuse = async (what: 'form_refused' | 'role_refused', code: string) => {
            const details = { route: request.routeOptions.url };
            await fromDatabase(auditRefusal(db, { who: editor.email, what, details }));
            throw new AppError(code, `${what} at ${request.routeOptions.url}`);
          };
          const form = await readForm(request);
          const csrf = csrfOf(request, name);
          if (!isOurForm(request, site) || !isEqual(form.get('csrf') ?? '', csrf))
            return await refuse('form_refused', 'form-forged');
          if (publisher && editor.role !== 'publisher') return await refuse('role_refused', 'role-lacking');
          return POST({ editor, session, csrf, form }, request as never, reply);
        },
      }),
    });
  };
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
  return origin === new URL(site.publicUrl).origin || (URL.canParse(origin) && new URL(origin).host === host);
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
