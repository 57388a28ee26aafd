import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';

/** Makes the test for requests that carry `Authorization: Bearer TOKEN`; without a token nobody passes. */
export function bearerOf(token: string | undefined): (request: FastifyRequest) => boolean {
  return (request) => {
    const [, given] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? [];
    return isSameSecret(given ?? '', token ?? '') && given !== undefined;
  };
}

/** Digests are of one length, and take one time to compare. */
export function isSameSecret(given: string, wanted: string): boolean {
  return timingSafeEqual(digest(given), digest(wanted));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
