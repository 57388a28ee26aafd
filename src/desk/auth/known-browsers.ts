import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Keys } from '../../subscribers/tokens.ts';

/**
 * A browser in which an editor has signed in before has a signed cookie that says so. It grants no access: its
 * requests for sign-in links only get their own rate limit, which strangers cannot use up.
 */

/** As long as browsers store any cookie. */
export const BROWSER_COOKIE_DAYS = 400;

/** `<22 random characters>.<43 characters>`; the address is signed, but not part of the value. */
export function signBrowser(keys: Keys, email: string): string {
  const id = randomBytes(16).toString('base64url');
  return `${id}.${signature(keys[0], id, email)}`;
}

/** Whether this editor has signed in before in the browser of this cookie. */
export function isOwnBrowser(keys: Keys, cookie: string | undefined, email: string): boolean {
  const [, id = '', given = ''] = /^([\w-]{22})\.([\w-]{43})$/.exec(cookie ?? '') ?? [];
  return keys.some((key) => {
    const expected = signature(key, id, email);
    return given.length === expected.length && timingSafeEqual(Buffer.from(expected), Buffer.from(given));
  });
}

function signature(key: string, id: string, email: string): string {
  return createHmac('sha256', key).update(`desk browser\0${id}\0${email}`).digest('base64url');
}
