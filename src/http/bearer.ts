import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';

/** Makes the test for requests that carry `Authorization: Bearer TOKEN`; without a token nobody passes. */
export function bearerOf(token: string | undefined): (request: FastifyRequest) => boolean {
  const wanted = digest(token ?? '');
  return (request) => {
    const [, given] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? [];
    // Digests are of one length, and take one time to compare.
    return timingSafeEqual(digest(given ?? ''), wanted) && given !== undefined;
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
