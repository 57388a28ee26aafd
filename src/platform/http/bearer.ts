import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';

/** Makes the check for `Authorization: Bearer TOKEN`; without a configured token it always fails. */
export function bearerOf(token: string | undefined): (request: FastifyRequest) => boolean {
  return (request) => {
    const [, given] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? [];
    return isSameSecret(given ?? '', token ?? '') && given !== undefined;
  };
}

/** Compares digests: they have equal lengths, so the time of the comparison reveals nothing. */
export function isSameSecret(given: string, wanted: string): boolean {
  return timingSafeEqual(digest(given), digest(wanted));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
