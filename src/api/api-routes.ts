import type { FastifyInstance, FastifyRequest } from 'fastify';
import { pushComparison } from '../comparisons/comparison-store.ts';
import type { Comparison } from '../comparisons/model.ts';
import { readSlug } from '../comparisons/pages/public-comparison.ts';
import type { ContentActions } from '../issues/take-down/content-steps.ts';
import { describeTakeDown, type HideRequest } from '../issues/take-down/take-down.ts';
import type { Connection } from '../platform/db/database.ts';
import type { Fault } from '../platform/errors.ts';
import { AppError } from '../platform/errors.ts';
import { bearerOf } from '../platform/http/bearer.ts';
import { fromDatabase } from '../platform/http/problems.ts';
import { resource } from '../platform/http/resource.ts';
import { comparisonUrl, type Site } from '../platform/site.ts';
import { readPage, readSent } from '../sources/gather.ts';

/** The same limit as for a page or a file of any other source, in bytes. */
const BODY_LIMIT = 1_000_000;

/** The name in the audit log for a caller that has API_TOKEN. */
const PUSHER = 'push';

const READ = new Map<string, (text: string, own: { site: string }) => Promise<Comparison>>([
  ['application/json', readSent],
  ['text/html', readPage],
  ['application/xhtml+xml', readPage],
  ['text/plain', readPage],
]);

/**
 * `POST /api/comparisons`: takes one pushed comparison, as JSON or as a page; sending it again changes nothing.
 * Answers 201 for a new one and 200 for a known one, with the changes. `DELETE /api/comparisons/SLUG` takes a
 * comparison down; a later push does not show it again, because an editor may have hidden it meanwhile.
 */
export function apiRoutes(
  app: FastifyInstance,
  {
    db,
    site,
    apiToken,
    contents,
    recordTakeDown,
  }: {
    db: Connection;
    site: Site;
    apiToken: string;
    contents: ContentActions;
    /** Writes the take-down of a comparison into the audit log of the desk. */
    recordTakeDown(
      slug: string,
      reason: string,
      who: string,
    ): Pick<HideRequest, 'record' | 'recordTakenBack'>;
  },
): void {
  const isBearer = bearerOf(apiToken);

  // Before the body is read, so that a caller without the token cannot make us read a megabyte.
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    if (request.method !== 'POST' && request.method !== 'DELETE') return;
    if (!isBearer(request)) throw new AppError('token-wrong', 'A push without the token.');
    if (request.method === 'POST' && !READ.has(mediaType(request)))
      throw new AppError('push-type-unknown', 'Neither JSON nor a page.');
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_LIMIT }, (_request, body, done) =>
    done(null, body),
  );

  resource(app, '/api/comparisons', {
    POST: async (request, reply) => {
      const read = READ.get(mediaType(request));
      if (read === undefined) throw new AppError('push-type-unknown', 'Neither JSON nor a page.');
      const pushed = await fromDatabase(
        pushComparison(db, await read(textOf(request), { site: site.publicUrl })),
      );
      if (pushed.status === 'refused') {
        const { field, reason } = pushed;
        throw new AppError('slug-taken', `A push of what is another's: ${field}.`, {
          context: { faults: [{ field, reason }] satisfies Fault[] },
        });
      }
      const url = comparisonUrl(site, pushed.slug);
      return reply
        .code(pushed.status === 'created' ? 201 : 200)
        .header('location', url)
        .send({ ...pushed, url });
    },
  });

  resource<{ slug: string }>(app, '/api/comparisons/:slug', {
    DELETE: async (request, reply) => {
      const slug = readSlug(request.params.slug) ?? '';
      const { reason } = request.query as { reason?: unknown };
      const given = typeof reason === 'string' ? reason.trim() : '';
      const why = given === '' ? 'Taken down by a push.' : given;
      const { change, issues } = await fromDatabase(
        contents.hide({ slug, reason: why, who: PUSHER, ...recordTakeDown(slug, why, PUSHER) }),
      );
      if (change === 'unknown') throw new AppError('page-unknown', 'No such comparison.');
      return reply.send({
        status: change === 'changed' ? 'hidden' : 'unchanged',
        slug,
        issues: issues.map((issue) => ({ ...issue, message: describeTakeDown(issue) })),
      });
    },
  });
}

/**
 * Returns the body decoded by its own charset, or UTF-8 when it names none. Undecodable bytes are an error, never
 * guessed.
 */
function textOf(request: FastifyRequest): string {
  const [, charset = 'utf-8'] = /;\s*charset="?([\w:.-]+)/i.exec(request.headers['content-type'] ?? '') ?? [];
  try {
    const decoder = new TextDecoder(charset, { fatal: true });
    return decoder.decode(Buffer.isBuffer(request.body) ? request.body : new Uint8Array());
  } catch {
    throw invalid([{ field: '', reason: `not ${charset} text` }]);
  }
}

function mediaType(request: FastifyRequest): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

function invalid(faults: Fault[]): AppError {
  return new AppError('comparison-invalid', 'A push that is no comparison.', { context: { faults } });
}
