import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * Sends a public body with its validators, or 304 when the client has it already (RFC 9110 §13.1). Public bodies change
 * when an issue is sent or a comparison changes, so they may be cached for five minutes.
 * @param changedAt undefined when unknown.
 * @param finish inserts the parts that differ for each client. They are not part of the validator, so the validator is
 *   a weak one.
 */
export function sendCached(
  request: FastifyRequest,
  reply: FastifyReply,
  {
    type,
    body,
    changedAt,
    finish,
  }: { type: string; body: string; changedAt: Date | undefined; finish?: (body: string) => string },
): FastifyReply {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
  reply
    .header('etag', finish === undefined ? etag : `W/${etag}`)
    .header('cache-control', 'public, max-age=300');
  // A shared cache must not give one client's part to all clients (RFC 9213).
  if (finish !== undefined) reply.header('cdn-cache-control', 'no-store');
  if (changedAt !== undefined) reply.header('last-modified', changedAt.toUTCString());
  if (isFresh(request.headers, etag, changedAt)) return reply.code(304).send();
  return reply.type(type).send(finish === undefined ? body : finish(body));
}

/** If-None-Match takes precedence when given; If-Modified-Since has whole seconds. */
function isFresh(headers: FastifyRequest['headers'], etag: string, changedAt: Date | undefined): boolean {
  const known = headers['if-none-match'];
  if (known !== undefined) {
    const tags = known.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
    return tags.includes(etag) || tags.includes('*');
  }
  const since = Date.parse(headers['if-modified-since'] ?? '');
  return changedAt !== undefined && Math.floor(changedAt.getTime() / 1000) * 1000 <= since;
}
