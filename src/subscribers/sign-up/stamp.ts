import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Keys } from '../tokens.ts';

/**
 * When a form was shown, signed, in a hidden field of it. A person needs seconds to type an address and does
 * not come back tomorrow; a machine answers at once or from a copy. It proves nothing, so it never refuses
 * anybody: it says who is looked at more closely.
 */

const AT_LEAST_MS = 2_000;
const AT_MOST_MS = 24 * 3_600_000;

/** `<Unix ms, base 36>.<22 characters>`; tells nothing of the reader. */
export function stampForm(keys: Keys, at: Date): string {
  const time = at.getTime().toString(36);
  return `${time}.${signature(keys[0], time)}`;
}

/** Whether a form with this stamp was filled in at a person's pace. */
export function isHumanPace(keys: Keys, stamp: string | undefined, now: Date): boolean {
  const [, time = '', given = ''] = /^([\da-z]{1,11})\.([\w-]{22})$/.exec(stamp ?? '') ?? [];
  if (time === '') return false;
  const genuine = keys.some((key) => timingSafeEqual(Buffer.from(signature(key, time)), Buffer.from(given)));
  const age = now.getTime() - Number.parseInt(time, 36);
  return genuine && age >= AT_LEAST_MS && age <= AT_MOST_MS;
}

function signature(key: string, time: string): string {
  return createHmac('sha256', key).update(`form\0${time}`).digest().subarray(0, 16).toString('base64url');
}
