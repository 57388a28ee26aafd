import { createHmac, timingSafeEqual } from 'node:crypto';

/** Older or newer than this, and a genuine request may be one that somebody recorded. */
const TOLERANCE_S = 300;

/**
 * Whether a webhook is genuine: its `svix-signature` (a list of `v1,<base64>`) has one that any of our
 * secrets makes over `id.timestamp.body`, and its time is about now. While a secret is rotated both sides
 * have two.
 * @param body the bytes as they came: read and written again they would be others.
 */
export function isGenuine(
  secrets: readonly string[],
  headers: { id: string; timestamp: string; signature: string },
  body: Buffer,
  now: Date,
): boolean {
  const { id, timestamp, signature } = headers;
  if (!/^[\x21-\x7e]{1,256}$/.test(id) || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(Math.floor(now.getTime() / 1_000) - Number(timestamp)) > TOLERANCE_S) return false;
  const given = signature
    .split(' ')
    .filter((entry) => entry.startsWith('v1,'))
    .map((entry) => Buffer.from(entry.slice(3), 'base64'));
  let genuine = false;
  for (const secret of secrets) {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
    const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
    for (const each of given) {
      // Every one is compared, so that the time tells nothing about which was right.
      if (each.length === expected.length && timingSafeEqual(each, expected)) genuine = true;
    }
  }
  return genuine;
}
