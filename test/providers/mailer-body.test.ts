import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BatchRequest, type Copy, messagesOf, type Segments } from '../../src/providers/port.ts';
import { type Body, bodyOf } from '../../src/providers/resend/batch-body.ts';

/** Characters that JSON, HTML and UTF-8 treat specially, including lone surrogates. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('"', '\\', '\u2028', '\u0000', '\ud83d', '\ude00', '</script>', '検索', '🚢', '\r\n', ''),
);
const SLOTS = ['unsubscribe', 'preferences', 'token', 'missing'];
const segments: fc.Arbitrary<Segments> = fc
  .array(fc.tuple(fc.constantFrom(...SLOTS), hostile), { maxLength: 6 })
  .chain((rest) =>
    hostile.map((first) => ({
      literals: [first, ...rest.map(([, literal]) => literal)],
      slots: rest.map(([slot]) => slot),
    })),
  );
const values = fc.record({ unsubscribe: hostile, preferences: hostile, token: hostile });
const copy: fc.Arbitrary<Copy> = fc.record({ deliveryId: hostile, to: hostile, values, htmlValues: values });
const batch: fc.Arbitrary<BatchRequest> = fc.record({
  key: fc.constant('batch/1/r1'),
  payloadHash: fc.constant(''),
  batchId: hostile,
  variant: fc.record({
    issue: hostile,
    from: hostile,
    replyTo: hostile,
    subject: hostile,
    html: segments,
    text: segments,
    headers: fc.dictionary(fc.constantFrom('List-Id', 'List-Unsubscribe', 'X-"Odd"'), segments),
  }),
  copies: fc.array(copy, { minLength: 1, maxLength: 5 }),
});

/** The body that the tutorial's code would post. */
const plain = (request: BatchRequest) =>
  messagesOf(request).map(({ deliveryId, issue, from, to, replyTo, subject, html, text, headers }) => ({
    from,
    to: [to],
    reply_to: replyTo,
    subject,
    html,
    text,
    headers,
    tags: [
      { name: 'issue', value: issue },
      { name: 'batch', value: request.batchId },
      { name: 'delivery', value: deliveryId },
    ],
  }));

/** Two halves of a surrogate pair may be in two pieces, and are then escaped one by one: parsed, they are the same. */
const parsed = (json: string) => JSON.parse(json) as unknown;

/** A chunk is overwritten when the next is requested. */
const copiesOf = (body: Body) => Array.from(body, (chunk) => Buffer.from(chunk));
const bytesOf = (body: Body) => Buffer.concat(copiesOf(body));

describe('the body of a batch', () => {
  it('equals JSON.stringify of the whole messages, and has the announced length', () => {
    fc.assert(
      fc.property(batch, (request) => {
        const body = bodyOf(request);
        const bytes = bytesOf(body);
        expect(bytes.length).toBe(body.length);
        expect(isUtf8(bytes)).toBe(true);
        expect(parsed(bytes.toString('utf8'))).toEqual(parsed(JSON.stringify(plain(request))));
      }),
      { numRuns: 500 },
    );
  });

  it('is the same bytes every time', () => {
    fc.assert(
      fc.property(batch, (request) => {
        const bytes = () => bytesOf(bodyOf(structuredClone(request)));
        expect(bytes().equals(bytes())).toBe(true);
      }),
    );
  });

  /** Messages of about this many bytes, with other random content. */
  const long = (size: number, tokens: string[]): BatchRequest => ({
    key: '',
    payloadHash: '',
    batchId: 'b',
    variant: {
      issue: 'i',
      from: 'f',
      replyTo: 'r',
      subject: 's',
      html: { literals: ['x'.repeat(size), 'y'.repeat(99)], slots: ['token'] },
      text: { literals: ['', ''], slots: ['token'] },
      headers: {},
    },
    copies: tokens.map((token, index) => ({
      deliveryId: String(index),
      to: `${index}@readers.example`,
      values: { token },
      htmlValues: { token },
    })),
  });

  it.each([
    ['a hundred of 84 kB', long(84_000, Array(100).fill('z'.repeat(40)))],
    ['a hundred of 9 kB', long(9_000, Array(100).fill('z'.repeat(40)))],
    ['three of 700 kB', long(700_000, Array(3).fill('z'.repeat(40)))],
    [
      'some of all lengths',
      long(
        20_000,
        [5, 90_000, 9, 5, 70_000, 5, 5, 9].map((size) => 'z'.repeat(size)),
      ),
    ],
  ])('comes in chunks, and overwrites none that a socket may still hold: %s', (_, request) => {
    const chunks = Array.from(bodyOf(request), (chunk) => ({ chunk, was: Buffer.from(chunk) }));
    for (const { chunk, was } of chunks) if (chunk.length <= 64 * 1024) expect(chunk.equals(was)).toBe(true);
    expect(parsed(Buffer.concat(chunks.map(({ was }) => was)).toString())).toEqual(plain(request));
  });

  it('comes in at most as many chunks as eighths of a megabyte, or messages', () => {
    const sizes = (request: BatchRequest) => Array.from(bodyOf(request), ({ length }) => length);
    expect(sizes(long(84_000, Array(5).fill('z')))).toHaveLength(3);
    expect(sizes(long(9_000, Array(100).fill('z')))).toHaveLength(7);
    expect(sizes(long(700_000, Array(3).fill('z')))).toHaveLength(3);
  });
});
