import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Keys } from '../../subscribers/tokens.ts';

/**
 * The browser in which an editor has signed in before keeps a signed cookie that says so. It opens nothing: it only
 * gives the requests for a sign-in link that this browser sends a share of their own, which strangers cannot use up.
 */

/** As long as browsers keep any cookie. */
export const BROWSER_COOKIE_DAYS = 400;

/** `<22 random characters>.<43 characters>`; the address is signed and not in it. */
export function signBrowser(keys: Keys, email: string): string {
  const id = randomBytes(16).toString('base64url');
  return `${id}.${signature(keys[0], id, email)}`;
}

/** Whether this editor has signed in before in the browser that sends the cookie. */
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
