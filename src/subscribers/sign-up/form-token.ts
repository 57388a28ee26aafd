import { createHmac, randomInt, timingSafeEqual } from 'node:crypto';
import type { Keys } from '../tokens.ts';

/**
 * The form timestamp token: when a form was shown, signed, in a hidden field. A person needs seconds to type an address
 * and does not come back tomorrow; a machine answers at once or from a copy. The token is only a hint: it never causes
 * a refusal, it selects the posts that are checked more closely. A token works for one post. Its random part keeps the
 * tokens of two people apart who load the form in the same millisecond.
 */

const MIN_AGE_MS = 2_000;
const MAX_AGE_MS = 24 * 3_600_000;

/** A used token is remembered for as long as it would be valid. */
export const TOKEN_TTL_SECONDS = MAX_AGE_MS / 1_000;

/** Unix milliseconds in base 36 need 8 characters until the year 2059, and 9 after that. */
const TIME_LENGTH = 9;
const RANDOM_LENGTH = 8;

/** `<time and random part, base 36>.<22 characters>`; contains nothing about the reader. */
export function signFormToken(keys: Keys, at: Date): string {
  const time = at.getTime().toString(36).padStart(TIME_LENGTH, '0');
  const random = Array.from({ length: RANDOM_LENGTH }, () => randomInt(36).toString(36)).join('');
  return `${time}${random}.${signature(keys[0], time + random)}`;
}

/** Whether the form with this token was filled in at a person's pace. */
export function isHumanPace(keys: Keys, token: string | undefined, now: Date): boolean {
  const [, text = '', given = ''] = /^([\da-z]{17})\.([\w-]{22})$/.exec(token ?? '') ?? [];
  if (text === '') return false;
  const genuine = keys.some((key) => timingSafeEqual(Buffer.from(signature(key, text)), Buffer.from(given)));
  const age = now.getTime() - Number.parseInt(text.slice(0, TIME_LENGTH), 36);
  return genuine && age >= MIN_AGE_MS && age <= MAX_AGE_MS;
}

function signature(key: string, text: string): string {
  return createHmac('sha256', key).update(`form\0${text}`).digest().subarray(0, 16).toString('base64url');
}
