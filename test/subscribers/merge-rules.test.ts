import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SubscriberStatus } from '../../src/platform/db/schema.ts';
import {
  causeOf,
  type Known,
  type Listed,
  type MergeResult,
  mergeResult,
  stateOf,
  withConsent,
} from '../../src/subscribers/import-export/merge-rules.ts';
import { REFUSED_REASON } from '../../src/subscribers/suppression.ts';

const AT = new Date('2026-01-02T03:04:05Z');
const NOW = new Date('2026-11-24T09:00:00Z');

/** Every kind of person whom a list can name. */
const BEFORE: Record<string, Known | undefined> = {
  nobody: undefined,
  'pending, never asked': { status: 'pending', wasAsked: false, reason: null },
  'pending, asked': { status: 'pending', wasAsked: true, reason: null },
  active: { status: 'active', wasAsked: true, reason: null },
  unsubscribed: { status: 'unsubscribed', wasAsked: true, reason: null },
  bounced: { status: 'suppressed', wasAsked: true, reason: 'bounced' },
  complained: { status: 'suppressed', wasAsked: true, reason: 'complained' },
  erased: 'erased',
  refused: 'refused',
};

/** Everything that a list can say of a person. */
const LISTED: Record<string, Pick<Listed, 'status' | 'reason'>> = {
  pending: { status: 'pending' },
  active: { status: 'active' },
  unsubscribed: { status: 'unsubscribed' },
  suppressed: { status: 'suppressed' },
  cleaned: { status: 'suppressed', reason: 'cleaned' },
  spam: { status: 'suppressed', reason: 'spam' },
};

const TABLE: Record<string, Record<string, MergeResult>> = {
  nobody: {
    pending: 'added',
    active: 'added',
    unsubscribed: 'added',
    suppressed: 'added',
    cleaned: 'added',
    spam: 'added',
  },
  'pending, never asked': {
    pending: 'known',
    active: 'activated',
    unsubscribed: 'left',
    suppressed: 'left',
    cleaned: 'left',
    spam: 'left',
  },
  'pending, asked': {
    pending: 'known',
    active: 'known',
    unsubscribed: 'left',
    suppressed: 'left',
    cleaned: 'left',
    spam: 'left',
  },
  active: {
    pending: 'known',
    active: 'known',
    unsubscribed: 'left',
    suppressed: 'left',
    cleaned: 'left',
    spam: 'left',
  },
  unsubscribed: {
    pending: 'known',
    active: 'known',
    unsubscribed: 'known',
    suppressed: 'left',
    cleaned: 'left',
    spam: 'left',
  },
  bounced: {
    pending: 'known',
    active: 'known',
    unsubscribed: 'known',
    suppressed: 'known',
    cleaned: 'known',
    spam: 'left',
  },
  complained: {
    pending: 'known',
    active: 'known',
    unsubscribed: 'known',
    suppressed: 'known',
    cleaned: 'known',
    spam: 'known',
  },
  erased: {
    pending: 'erased',
    active: 'erased',
    unsubscribed: 'erased',
    suppressed: 'erased',
    cleaned: 'erased',
    spam: 'erased',
  },
  refused: {
    pending: 'erased',
    active: 'erased',
    unsubscribed: 'erased',
    suppressed: 'erased',
    cleaned: 'erased',
    spam: 'erased',
  },
};

describe('an import', () => {
  it.each(Object.keys(BEFORE))('of a person who is %s', (name) => {
    const results = Object.entries(LISTED).map(([listed, row]) => [listed, mergeResult(BEFORE[name], row)]);
    expect(Object.fromEntries(results)).toEqual(TABLE[name]);
  });

  const listed: fc.Arbitrary<Listed> = fc.record({
    status: fc.constantFrom<SubscriberStatus>('pending', 'active', 'unsubscribed', 'suppressed'),
    confirmedAt: fc.constantFrom(null, AT),
    reason: fc.constantFrom(null, 'bounced', 'cleaned', 'complained', 'spam', 'by hand: asked to'),
  });
  const before = fc.constantFrom(...Object.values(BEFORE));

  it('a second import of the same list changes nobody', () => {
    fc.assert(
      fc.property(before, listed, (known, row) => {
        const first = mergeResult(known, row);
        if (first === 'known' || first === 'erased') return;
        expect(mergeResult(stateOf(row), row)).toBe('known');
      }),
    );
  });

  it('never makes an unsubscribed or unconfirmed person active (I4, I7)', () => {
    fc.assert(
      fc.property(before, listed, (known, row) => {
        if (known === undefined || mergeResult(known, row) !== 'activated') return;
        expect(known).toEqual({ status: 'pending', wasAsked: false, reason: null });
      }),
    );
  });

  it.each<[string, Listed, string | undefined, object]>([
    [
      'active with a time of their own',
      { status: 'active', confirmedAt: AT },
      undefined,
      { status: 'active', confirmedAt: AT },
    ],
    [
      'active with both',
      { status: 'active', confirmedAt: AT },
      'they agreed',
      { status: 'active', confirmedAt: AT },
    ],
    [
      'active by the consent of the list',
      { status: 'active', confirmedAt: null },
      'they agreed',
      { status: 'active', confirmedAt: NOW },
    ],
    [
      'active without any',
      { status: 'active', confirmedAt: null },
      undefined,
      { status: 'pending', confirmedAt: null, lacksConsent: true },
    ],
    [
      'unsubscribed',
      { status: 'unsubscribed', confirmedAt: null },
      'they agreed',
      { status: 'unsubscribed', confirmedAt: null },
    ],
  ])('adds a person who is %s according to their consent (I4)', (_who, row, consent, expected) => {
    expect(withConsent(row, consent, NOW)).toEqual(expected);
  });

  it.each<[string, Known | undefined, string | null]>([
    ['nobody', undefined, null],
    ['a reader', { status: 'active', wasAsked: true, reason: 'bounced' }, null],
    ['erased', 'erased', 'erased'],
    ['refused', 'refused', 'refused'],
    [
      'suppressed as they wished',
      { status: 'suppressed', wasAsked: true, reason: REFUSED_REASON },
      'refused',
    ],
    ['suppressed for no known reason', { status: 'suppressed', wasAsked: true, reason: null }, 'other'],
  ])('says why %s is never mailed', (_who, known, cause) => {
    expect(causeOf(known)).toBe(cause);
  });
});
