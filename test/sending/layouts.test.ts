import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { PLACEHOLDERS } from '../../src/issues/content.ts';
import { LAYOUT } from '../../src/providers/port.ts';
import { bodyOf } from '../../src/providers/resend/batch-body.ts';
import { buildBatch, toSendable } from '../../src/sending/envelope.ts';
import { ENVELOPE, KEYS } from '../helpers/ledger.ts';

/**
 * The bytes of a batch in every layout that was ever released. A released line never changes: when a request should be
 * laid out otherwise, raise LAYOUT, leave the earlier layout beside the new one, and add a line.
 */
const BYTES: Record<number, string> = {
  1: '2b9e2f005f19f0cd50e15214d82fc2b8fc27e554dbcb479f114293be436acc59',
  // The name of this newsletter is ASCII, so its List-Id is the same.
  2: '2b9e2f005f19f0cd50e15214d82fc2b8fc27e554dbcb479f114293be436acc59',
};

const RENDERED = {
  subject: 'Verdicts “of” the week',
  html: `<p>Ship it &amp; go 🚢</p><a href="${PLACEHOLDERS.vote}/a-vs-b/a/ship">Ship</a><a href="${PLACEHOLDERS.preferences}">Topics</a><a href="${PLACEHOLDERS.unsubscribe}">Leave</a>`,
  text: `Ship it — go\n${PLACEHOLDERS.vote}/a-vs-b/a/ship\n${PLACEHOLDERS.preferences}\n${PLACEHOLDERS.unsubscribe}\n`,
};
const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const MEMBERS = ['short@r.example', 'a-longer-address@readers.example', 'jörg@bücher.example'].map(
  (email, n) => ({
    ...{ deliveryId: id(n), subscriberId: id(10 + n), email, tokenVersion: n + 1 },
  }),
);

function bytesOf(layout: number): string {
  const variant = toSendable({ slug: '2026-11-24', number: 7, envelope: ENVELOPE }, RENDERED, layout);
  const request = { key: 'batch/1/r1', ...buildBatch(variant, id(99), MEMBERS, KEYS) };
  const hash = createHash('sha256');
  for (const chunk of bodyOf(request)) hash.update(chunk);
  return hash.digest('hex');
}

it('has the bytes of every layout that was released, and a line for the current one', () => {
  expect(Object.keys(BYTES).map(Number)).toEqual(Array.from({ length: LAYOUT }, (_, n) => n + 1));
  for (const [layout, hash] of Object.entries(BYTES))
    expect(bytesOf(Number(layout)), `layout ${layout}`).toBe(hash);
});
