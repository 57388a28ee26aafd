import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * Sends a public body with its validators, or 304 to who has it already (RFC 9110 §13.1). What is sent
 * changes when an issue goes out or a comparison moves, so five minutes old is fresh.
 * @param changedAt undefined where nothing says when.
 * @param finish puts in what is new for everybody who asks. It is no part of what is the same, so the validator is a
 *   weak one.
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
  // A cache that many people share must not hand one person's part to all of them (RFC 9213).
  if (finish !== undefined) reply.header('cdn-cache-control', 'no-store');
  if (changedAt !== undefined) reply.header('last-modified', changedAt.toUTCString());
  if (isFresh(request.headers, etag, changedAt)) return reply.code(304).send();
  return reply.type(type).send(finish === undefined ? body : finish(body));
}

/** If-None-Match rules wherever it is given; If-Modified-Since counts whole seconds. */
function isFresh(headers: FastifyRequest['headers'], etag: string, changedAt: Date | undefined): boolean {
  const known = headers['if-none-match'];
  if (known !== undefined) {
    const tags = known.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
    return tags.includes(etag) || tags.includes('*');
  }
  const since = Date.parse(headers['if-modified-since'] ?? '');
  return changedAt !== undefined && Math.floor(changedAt.getTime() / 1000) * 1000 <= since;
}
