import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Comparison } from '../../src/comparisons/model.ts';
import { contentHash } from '../../src/comparisons/names.ts';
import {
  detectReprints,
  REPRINT_FROM,
  type RecentChange,
} from '../../src/comparisons/reprints/detect-reprint.ts';
import {
  type FieldChange,
  fieldChanges,
  inTodaysPrint,
  REWRITTEN,
  type Reprinted,
  wayOf,
} from '../../src/comparisons/reprints/field-changes.ts';
import { changedVerdict } from '../../src/issues/changes.ts';
import { comparison as anyComparison } from '../helpers/arbitraries.ts';
import { comparison, tool } from '../helpers/compose.ts';

const recent = (comparisonId: string, changes: readonly FieldChange[]): RecentChange[] =>
  changes.map((change) => ({ ...change, comparisonId }));

describe('Y2: the way of a change', () => {
  it.each([
    ['$20/mo', '$20 per month', '/ mo → per month', true],
    ['From $9/mo', 'From $9 per month', '/ mo → per month', true],
    ['€0.40 per 1M tokens', '€0.40 / 1M tokens', 'per → /', true],
    ['$20/mo', '$30 per month', '#1 / mo → #2 per month', false],
    ['$20/mo', '$30/mo', '#1 → #2', false],
    ['20', '25', '#1 → #2', false],
    ['Free', '$0', 'free → $ #1', false],
    ['$20', '20 $', '$ #1 → #1 $', true],
    ['Zed ships.', 'Zed (AI) ships.', '∅ → ( ai )', true],
    ['By Zed. Fast.', 'Fast.', 'by {tool} . → ∅', true],
  ])('%s → %s is %s', (was, now, way, keepsFigures) => {
    expect(wayOf(was, now, ['Zed'])).toEqual({ way, keepsFigures });
  });

  it('is the same for every tool and figure', () => {
    const word = fc.stringMatching(/^[A-Z][a-z]{2,9}$/);
    fc.assert(
      fc.property(word, word, fc.nat(9_999), fc.nat(9_999), (one, other, a, b) => {
        const print = (name: string, amount: number) =>
          wayOf(`${name} costs $${amount}/mo`, `$${amount} a month: ${name}`, [name]);
        expect(print(one, a)).toEqual(print(other, b));
      }),
    );
  });

  it('of a text with little in common is a rewriting', () => {
    const words = (from: number) => Array.from({ length: 60 }, (_, n) => `word${from + n}`).join(' ');
    expect(wayOf(words(0), words(100), [])).toEqual({ way: REWRITTEN, keepsFigures: false });
  });

  it('takes time in proportion to the text, whatever is in it', () => {
    for (const [was, now] of [
      ['a'.repeat(4_000), `${'a'.repeat(3_999)}b`],
      ['データ'.repeat(1_300), `速い${'データ'.repeat(1_300)}`],
      ['😀'.repeat(2_000), '😁'.repeat(2_000)],
    ] as const)
      expect(wayOf(was, now, ['a', 'データ']).way).toBeTypeOf('string');
  });
});

describe('Y2: the changes of a comparison by field', () => {
  it('are none without a change, and some with one', () => {
    fc.assert(
      fc.property(anyComparison({ isStated: true }), anyComparison(), (was, now) => {
        expect(fieldChanges(was, structuredClone(was))).toEqual([]);
        const quiet = (each: Comparison) => ({
          ...each,
          tools: each.tools.map((one) => ({ ...one, communityShip: null })) as Comparison['tools'],
        });
        const [a, b] = [quiet(was), quiet(now)];
        expect(fieldChanges(a, b).length > 0).toBe(contentHash(a) !== contentHash(b));
      }),
    );
  });

  it('an issue tells prices and panels, and neither texts nor another print of a price', () => {
    const was = comparison(
      'a-vs-b',
      tool('A', 50, { entryPrice: '$20/mo' }),
      tool('B', 0, { communityShip: 40 }),
    );
    const now = comparison(
      'a-vs-b',
      tool('A', 75, { entryPrice: '$20 per month', tagline: 'Other.' }),
      tool('B', 0, { communityShip: null, entryPrice: '$9' }),
    );
    expect(fieldChanges(was, now).map(({ side, field, isTold }) => [side, field, isTold])).toEqual([
      [0, 'price', false],
      [0, 'panel', true],
      [0, 'tagline', false],
      [1, 'price', true],
      [1, 'community', true],
    ]);
  });

  it('votes that moved are none: they do so every day', () => {
    const was = comparison('a-vs-b', tool('A', 50, { communityShip: 40 }), tool('B', 0));
    const now = comparison(
      'a-vs-b',
      tool('A', 50, { communityShip: 41 }),
      tool('B', 0, { communityShip: 3 }),
    );
    expect(fieldChanges(was, now)).toEqual([]);
  });
});

describe('Y2: detectReprints', () => {
  const print = (n: number, was: string, now: string) =>
    recent(
      `c${n}`,
      fieldChanges(
        comparison(`a${n}-vs-b`, tool(`A${n}`, 50, { entryPrice: was }), tool('B', 50)),
        comparison(`a${n}-vs-b`, tool(`A${n}`, 50, { entryPrice: now }), tool('B', 50)),
      ),
    );
  const many = (count: number, from = 0) => Array.from({ length: count }, (_, n) => from + n);

  it('500 new prints with 5 real changes among them: the 500 are one reprint, the 5 are none of it', () => {
    const changes = [
      ...many(500).flatMap((n) => print(n, `From $${n + 1}/mo`, `Starts at $${n + 1}/mo`)),
      ...many(5, 500).flatMap((n) => print(n, `From $${n + 1}/mo`, `Starts at $${n + 9}/mo`)),
    ];
    expect(detectReprints(changes, 600)).toEqual([
      { field: 'price', way: 'from → starts at', keepsFigures: true, isTold: true, comparisons: 500 },
    ]);
  });

  it('a fifth of all prices may rise in one week, half of them is a question', () => {
    const rise = (count: number) => many(count).flatMap((n) => print(n, `$${n}/mo`, `$${n + 2}/mo`));
    expect(detectReprints(rise(20), 100)).toEqual([]);
    expect(detectReprints(rise(50), 100)).toMatchObject([{ way: '#1 → #2', comparisons: 50 }]);
  });

  it('few changes of a small archive are news', () => {
    expect(
      detectReprints(
        many(4).flatMap((n) => print(n, 'From $9', 'Starts at $9')),
        4,
      ),
    ).toEqual([]);
  });

  const groups = fc.array(
    fc.record({
      field: fc.constantFrom('price' as const, 'panel' as const, 'tagline' as const),
      way: fc.constantFrom('a', 'b', 'c'),
      comparisons: fc.nat(60),
    }),
    { maxLength: 6 },
  );
  const changesOf = (all: readonly { field: RecentChange['field']; way: string; comparisons: number }[]) =>
    all.flatMap(({ field, way, comparisons }) =>
      many(comparisons).map((n) => ({
        ...{ comparisonId: `c${n}`, field, way },
        ...{ keepsFigures: way !== 'c', isTold: field !== 'tagline' },
      })),
    );

  it('finds exactly what reaches its threshold, in any order, however often a comparison counts', () => {
    fc.assert(
      fc.property(groups, fc.integer({ min: 1, max: 200 }), fc.nat(), (all, archiveSize, turn) => {
        const changes = changesOf(all);
        const at = turn % Math.max(1, changes.length);
        const turned = [...changes.slice(at), ...changes.slice(0, at), ...changes.slice(0, at)];
        const found = detectReprints(changes, archiveSize);
        const sorted = (each: typeof found) => each.map((one) => JSON.stringify(one)).sort();
        expect(sorted(detectReprints(turned, archiveSize))).toEqual(sorted(found));
        for (const field of ['price', 'panel', 'tagline'] as const)
          for (const way of ['a', 'b', 'c']) {
            const comparisons = Math.max(
              0,
              ...all
                .filter((each) => each.field === field && each.way === way)
                .map((each) => each.comparisons),
            );
            const from = REPRINT_FROM[way === 'c' ? 'otherFigures' : 'sameFigures'];
            const isOne = comparisons >= from.comparisons && comparisons >= from.share * archiveSize;
            expect(found.some((each) => each.field === field && each.way === way)).toBe(isOne);
          }
      }),
    );
  });
});

describe('Y2: inTodaysPrint', () => {
  const [was, now] = [anyComparison({ isStated: true }), anyComparison({ isStated: true })];
  const sameNames = (one: Comparison, other: Comparison): Comparison => ({
    ...other,
    slug: one.slug,
    tools: [
      { ...other.tools[0], name: one.tools[0].name },
      { ...other.tools[1], name: one.tools[1].name },
    ],
  });
  const figuresOf = (one: Comparison, other: Comparison) =>
    fieldChanges(one, other).filter(({ field }) =>
      ['price', 'panel', 'community'].includes(field),
    ) as Reprinted[];

  it('leaves nothing to tell when every change is a reprint, and all of it when none is', () => {
    fc.assert(
      fc.property(was, now, (one, other) => {
        fc.pre(one.tools[0].name !== one.tools[1].name);
        const today = sameNames(one, other);
        const [a, b] = today.tools;
        const stayed = {
          ...today,
          tools: [
            { ...a, communityShip: one.tools[0].communityShip },
            { ...b, communityShip: one.tools[1].communityShip },
          ] as Comparison['tools'],
        };
        const baseline = inTodaysPrint(one, figuresOf(one, stayed));
        expect(changedVerdict({ was: baseline, now: stayed, mailedIn: 1 })).toBeNull();
        expect(inTodaysPrint(one, [])).toBe(one);
      }),
    );
  });

  it('a comparison that was mailed since is left as it was mailed', () => {
    const mailed = comparison('a-vs-b', tool('A', 50, { entryPrice: '$30' }), tool('B', 50));
    const reprinted: Reprinted[] = [{ side: 0, field: 'price', was: '$20/mo', now: '$20 monthly' }];
    expect(inTodaysPrint(mailed, reprinted)).toEqual(mailed);
  });

  it('a reprint, and a new price after it: only the new price differs', () => {
    const mailed = comparison('a-vs-b', tool('A', 50, { entryPrice: 'From $20' }), tool('B', 50));
    const reprinted: Reprinted[] = [{ side: 0, field: 'price', was: 'From $20', now: 'Starts at $20' }];
    const today = comparison('a-vs-b', tool('A', 50, { entryPrice: 'Starts at $25' }), tool('B', 50));
    expect(
      changedVerdict({ was: inTodaysPrint(mailed, reprinted), now: today, mailedIn: 1 })?.row.whatMoved,
    ).toBe('The entry price of A went from Starts at $20 to Starts at $25.');
  });
});
