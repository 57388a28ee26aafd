import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PLACEHOLDERS } from '../../src/issues/content.ts';
import { type Message, messagesOf } from '../../src/providers/port.ts';
import { bodyOf } from '../../src/providers/resend/batch-body.ts';
import { buildBatch, toSendable } from '../../src/sending/envelope.ts';
import { progressOf, total } from '../../src/sending/progress.ts';
import { keyId, verify } from '../../src/subscribers/tokens.ts';

const OLD = 'the key of last year, long enough.';
const NEW = 'the key of this year, long enough.';
const METADATA = {
  slug: '2026-11-24',
  number: 47,
  envelope: {
    from: 'Weekly AI Tool Verdicts <digest@verdicts.example>',
    replyTo: 'The desk <desk@in.verdicts.example>',
    newsletterName: 'Weekly AI Tool Verdicts',
    publicUrl: 'https://verdicts.example',
    keyId: keyId(OLD),
  },
};
const variant = (more: { subject?: string; html?: string; text?: string } = {}) => ({
  subject: more.subject ?? 'Ship Inkwell',
  html:
    more.html ?? `<a href="${PLACEHOLDERS.preferences}">p</a> <a href="${PLACEHOLDERS.unsubscribe}">u</a>`,
  text: more.text ?? `p ${PLACEHOLDERS.preferences}\nu ${PLACEHOLDERS.unsubscribe}\n`,
});
const member = (index: number) => ({
  deliveryId: randomUUID(),
  subscriberId: randomUUID(),
  email: `reader-${index}@readers.example`,
  tokenVersion: index + 1,
});
const members = [0, 1, 2].map(member);
const BATCH = randomUUID();
const build = (
  more: {
    metadata?: typeof METADATA;
    keys?: [string, ...string[]];
    members?: typeof members;
    variant?: ReturnType<typeof variant>;
    batchId?: string;
  } = {},
) => {
  const request = buildBatch(
    toSendable(more.metadata ?? METADATA, more.variant ?? variant()),
    more.batchId ?? BATCH,
    more.members ?? members,
    more.keys ?? [OLD],
  );
  const bytes = Array.from(bodyOf({ key: '', ...request }), (chunk) => chunk.toString('latin1')).join('');
  return { payloadHash: request.payloadHash, messages: messagesOf(request), bytes };
};

/** The token at the end of every URL of this kind in a text. */
const tokens = (text: string, kind: string) =>
  [...text.matchAll(new RegExp(`https://verdicts\\.example/${kind}/([\\w.-]+)`, 'g'))].map(
    ([, token = '']) => token,
  );

describe('a batch', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: new Date('2026-11-24T09:00:00Z') });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it('is the same bytes at any time and on any machine (I5)', () => {
    const first = build();
    vi.setSystemTime(new Date('2031-01-01T00:00:00Z'));
    vi.spyOn(Math, 'random').mockImplementation(() => {
      throw new Error('chance has no part in it');
    });
    expect(build()).toEqual(first);
  });

  it('is the same bytes after a key rotation, as long as the old key is configured', () => {
    expect(build({ keys: [NEW, OLD] })).toEqual(build());
    expect(build({ keys: [NEW] }).payloadHash).not.toBe(build().payloadHash);
  });

  it('has another hash when any part of it differs', () => {
    const changed: Parameters<typeof build>[0][] = [
      { members: members.slice(1) },
      { members: [...members].reverse() },
      {
        members: members.map((each, index) => (index === 1 ? { ...each, email: 'x@readers.example' } : each)),
      },
      { members: members.map((each, index) => (index === 2 ? { ...each, tokenVersion: 9 } : each)) },
      { members: members.map((each, index) => (index === 0 ? { ...each, deliveryId: randomUUID() } : each)) },
      { variant: variant({ subject: 'Skip Inkwell' }) },
      { variant: variant({ html: '<p>' }) },
      { variant: variant({ text: 'p' }) },
      { metadata: { ...METADATA, slug: '2026-12-01' } },
      { metadata: { ...METADATA, envelope: { ...METADATA.envelope, from: 'other@verdicts.example' } } },
      { metadata: { ...METADATA, envelope: { ...METADATA.envelope, replyTo: 'other@verdicts.example' } } },
      {
        metadata: { ...METADATA, envelope: { ...METADATA.envelope, publicUrl: 'https://elsewhere.example' } },
      },
      { batchId: randomUUID() },
    ];
    const hashes = [build(), ...changed.map(build)].map(({ payloadHash }) => payloadHash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('has a hash that is equal exactly for equal bytes', () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 6 }),
      fc.constantFrom(...Object.values(PLACEHOLDERS), '\ud83d', '"'),
    );
    const body = fc.array(piece, { maxLength: 3 }).map((pieces) => pieces.join(''));
    const few = fc.record({
      variant: fc.record({ subject: body, html: body, text: body }),
      members: fc.subarray(members, { minLength: 1 }),
      batchId: fc.constantFrom(BATCH, 'another'),
      keys: fc.constantFrom<[string, ...string[]]>([OLD], [NEW], [NEW, OLD]),
      metadata: fc.constantFrom(METADATA, { ...METADATA, slug: '2026-12-01' }),
    });
    // Two unrelated batches are never equal, so the second is the first one, changed in one place or none.
    const pair = fc.tuple(
      few,
      few,
      fc.constantFrom('variant', 'members', 'batchId', 'keys', 'metadata', 'none'),
    );
    fc.assert(
      fc.property(pair, ([one, other, changed]) => {
        const again = changed === 'none' ? structuredClone(one) : { ...one, [changed]: other[changed] };
        const [a, b] = [build(one), build(again)];
        expect(a.payloadHash === b.payloadHash).toBe(a.bytes === b.bytes);
      }),
      {
        numRuns: 500,
        examples: [
          [
            [
              {
                variant: { subject: '', html: 'ab', text: 'c' },
                members,
                batchId: BATCH,
                keys: [OLD],
                metadata: METADATA,
              },
              {
                variant: { subject: '', html: 'a', text: 'bc' },
                members,
                batchId: BATCH,
                keys: [OLD],
                metadata: METADATA,
              },
              'variant',
            ],
          ],
        ],
      },
    );
  });
});

describe('a message', () => {
  const { messages } = build();
  const [first, second] = messages as [Message, Message, Message];

  it('has the header fields of a list, HTTPS before mailto', () => {
    const [token = ''] = tokens(first.headers['List-Unsubscribe'] ?? '', 'unsubscribe');
    expect(first.headers).toEqual({
      'List-Unsubscribe': `<https://verdicts.example/unsubscribe/${token}>, <mailto:u+${token}@in.verdicts.example>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      'List-Id': 'Weekly AI Tool Verdicts <digest.verdicts.example>',
      'List-Help': '<https://verdicts.example/>',
      'List-Archive': '<https://verdicts.example/issues>',
      'List-Post': 'NO',
      'List-Owner': '<mailto:desk@in.verdicts.example>',
      'Feedback-ID': 'issue47:weekly:digest:weeklyverdict',
      'X-Entity-Ref-ID': '2026-11-24',
    });
    expect(first).toMatchObject({
      deliveryId: members[0]?.deliveryId,
      issue: '2026-11-24',
      from: METADATA.envelope.from,
      to: 'reader-0@readers.example',
      replyTo: METADATA.envelope.replyTo,
      subject: 'Ship Inkwell',
    });
  });

  it('has data of its reader only in List-Unsubscribe', () => {
    const common = ({ 'List-Unsubscribe': _, ...others }: Record<string, string>) => others;
    expect(common(first.headers)).toEqual(common(second.headers));
  });

  it('has the mailto token where no mail client truncates it', () => {
    const local = /mailto:([^@]+)@/.exec(first.headers['List-Unsubscribe'] ?? '')?.[1] ?? '';
    expect(local.length).toBeGreaterThan(20);
    // RFC 5321 §4.5.3.1.1 allows 64; some count one less.
    expect(local.length).toBeLessThanOrEqual(63);
  });

  it('has links with one scope each, for its own reader', () => {
    for (const [index, message] of messages.entries()) {
      const reader = { subscriberId: members[index]?.subscriberId, version: members[index]?.tokenVersion };
      const everywhere = [message.headers['List-Unsubscribe'] ?? '', message.html, message.text];
      const leave = everywhere.flatMap((text) => tokens(text, 'unsubscribe'));
      expect(leave).toHaveLength(3);
      for (const token of leave) {
        expect(verify([OLD], 'unsubscribe', token)).toEqual(reader);
        expect(verify([OLD], 'preferences', token)).toBeUndefined();
      }
      const choose = everywhere.flatMap((text) => tokens(text, 'preferences'));
      expect(choose).toHaveLength(2);
      for (const token of choose) {
        expect(verify([NEW, OLD], 'preferences', token)).toEqual(reader);
        expect(verify([OLD], 'unsubscribe', token)).toBeUndefined();
      }
      expect([message.html, message.text].filter((text) => text.includes('@'))).toEqual([]);
      for (const placeholder of Object.values(PLACEHOLDERS))
        expect(message.html + message.text).not.toContain(placeholder);
    }
  });

  it('is valid for a newsletter with brackets in its name and a sender without a name', () => {
    const envelope = {
      ...METADATA.envelope,
      newsletterName: 'Ship <it>',
      from: 'a@b.example',
      replyTo: 'c@d.example',
    };
    const [message] = build({ metadata: { ...METADATA, envelope } }).messages;
    expect(message?.headers['List-Id']).toBe('"Ship <it>" <digest.b.example>');
    expect(message?.headers['List-Owner']).toBe('<mailto:c@d.example>');
    expect(message?.headers['List-Unsubscribe']).toMatch(/<mailto:u\+[\w.-]+@d\.example>$/);
  });
});

describe('progress', () => {
  const status = fc.constantFrom(
    'prepared',
    'submitted',
    'delivered',
    'bounced',
    'complained',
    'excluded',
    'failed',
    'uncertain',
  );
  const tallies = fc.uniqueArray(
    fc.record({
      status,
      reason: fc.constantFrom(null, 'unsubscribed', 'no-content'),
      count: fc.integer({ min: 1, max: 10_000 }),
    }),
    { selector: ({ status, reason }) => `${status} ${reason}`, maxLength: 20 },
  );

  it('balances for any ledger (I2)', () => {
    fc.assert(
      fc.property(tallies, (ledger) => {
        const progress = progressOf(ledger, []);
        const { audience, prepared, submitted, uncertain } = progress;
        expect(prepared + submitted + uncertain + total(progress.excluded) + total(progress.failed)).toBe(
          audience,
        );
        expect(audience).toBe(ledger.reduce((sum, { count }) => sum + count, 0));
        const accepted = ['submitted', 'delivered', 'bounced', 'complained'];
        expect(submitted).toBe(
          ledger.filter((row) => accepted.includes(row.status)).reduce((sum, { count }) => sum + count, 0),
        );
      }),
    );
  });

  it('counts each reason separately, and the batches too', () => {
    expect(
      progressOf(
        [
          { status: 'excluded', reason: 'unsubscribed', count: 2 },
          { status: 'excluded', reason: 'no-content', count: 3 },
          { status: 'failed', reason: null, count: 1 },
        ],
        [{ status: 'pending', reason: null, count: 4 }],
      ),
    ).toEqual({
      audience: 6,
      prepared: 0,
      submitted: 0,
      excluded: { unsubscribed: 2, 'no-content': 3 },
      failed: { unknown: 1 },
      uncertain: 0,
      batches: { pending: 4 },
    });
  });
});
