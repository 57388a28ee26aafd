import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Editor } from '../../config/editors.ts';
import { AppError } from '../../platform/errors.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { audit } from '../audit/audit.ts';
import { requireProgramToken } from '../auth/editor-page.ts';
import type { DeskContext } from '../desk-context.ts';
import type { Board } from './board.ts';

const BASE = '/editor/queues';

/** The policy of the board alone, which sets styles at run time; every other page of the desk stays strict. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The queues in Bull Board, on Redis and on the database alike. */
export function queueRoutes(app: FastifyInstance, { db, site, desk }: DeskContext): void {
  let opening: Promise<Board> | undefined;
  const board = (): Promise<Board> => {
    opening ??= import('./board.ts')
      .then(({ openBoard }) =>
        openBoard(desk.queues.bare, { base: BASE, showWorkers: desk.queues.knowWorkers }),
      )
      .catch((error) => {
        // The next request tries again.
        opening = undefined;
        throw error;
      });
    return opening;
  };
  app.addHook('onClose', async () => (await opening)?.[Symbol.asyncDispose]());

  const answer = async ({ email: who }: Editor, request: FastifyRequest, reply: FastifyReply) => {
    const { ask } = await board();
    const { status, type, body } = await withTimeout(
      ask({
        method: request.method as 'GET' | 'HEAD' | 'PUT',
        url: request.url,
        record: (action) => fromDatabase(audit(db, { who, what: 'job_tended', details: { ...action } })),
      }),
    );
    // The names of its files contain a hash of their content.
    if (request.url.startsWith(`${BASE}/static/`) && status === 200)
      reply.header('cache-control', 'private, max-age=86400');
    return reply.code(status).type(type).header('content-security-policy', POLICY).send(body);
  };
  for (const url of [BASE, `${BASE}/*`]) requireProgramToken(app, { db, site, desk }, url, answer);
}

/** A queue gives no response until an unavailable Redis is back; the editor gets an error after this time. */
const TIMEOUT_MS = 10_000;

/** @throws AppError `not-ready`. */
async function withTimeout<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new AppError('not-ready', 'The queues do not answer.')), TIMEOUT_MS);
  });
  return await Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
