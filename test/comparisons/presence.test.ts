import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decidePresence,
  GONE_AFTER,
  isTooMany,
  type KnownComparison,
  type ListedEntry,
  type SourceListing,
} from '../../src/comparisons/gone/presence.ts';

const SITE = 'site:https://site.test/compare/';
const known = (n: number, more: Partial<KnownComparison> = {}): KnownComparison => ({
  ...{ id: `c${n}`, pairKey: `p${n}`, source: SITE, entry: `https://site.test/compare/${n}` },
  ...{ missed: 0, goneBy: null },
  ...more,
});
const entry = (n: number, more: Partial<ListedEntry> = {}): ListedEntry => ({
  ...{ entry: `https://site.test/compare/${n}`, pairKey: `p${n}`, state: 'page' },
  ...more,
});
const listing = (entries: ListedEntry[], more: Partial<SourceListing> = {}): SourceListing => ({
  ...{ source: SITE, isComplete: true, entries },
  ...more,
});
const range = (count: number, from = 0) => Array.from({ length: count }, (_, n) => from + n);

describe('Y4: decidePresence', () => {
  it('writes nothing for an unchanged source', () => {
    const result = decidePresence(
      range(9).map((n) => known(n)),
      [listing(range(9).map((n) => entry(n)))],
    );
    expect(result).toEqual({ found: [], missed: [], gone: [], back: [], withheld: [] });
  });

  it('a page that answers 404 is gone at once', () => {
    const entries = [
      entry(0, { state: 'gone', reason: 'answered 404' }),
      ...range(8, 1).map((n) => entry(n)),
    ];
    const { gone } = decidePresence(
      range(9).map((n) => known(n)),
      [listing(entries)],
    );
    expect(gone).toEqual([{ id: 'c0', by: 'page', reason: 'answered 404' }]);
  });

  it('what a listing misses is gone at the third time, and not before', () => {
    const rest = range(8, 1);
    const missing = (missed: number) =>
      decidePresence(
        [known(0, { missed }), ...rest.map((n) => known(n))],
        [listing(rest.map((n) => entry(n)))],
      );
    expect(missing(0)).toMatchObject({ missed: [{ id: 'c0', missed: 1 }], gone: [] });
    expect(missing(1)).toMatchObject({ missed: [{ id: 'c0', missed: 2 }], gone: [] });
    expect(missing(2)).toMatchObject({ gone: [{ id: 'c0', by: 'listing' }] });
  });

  it('found once in between, it begins again', () => {
    const { found, missed } = decidePresence(
      [known(0, { missed: 2 })],
      [listing([entry(0, { state: 'listed' })])],
    );
    expect(found).toEqual([{ id: 'c0', source: SITE, entry: 'https://site.test/compare/0' }]);
    expect(missed).toEqual([]);
  });

  it('a feed, a source that was read in part, and one that is not read any more miss nothing', () => {
    for (const listings of [[listing([], { isComplete: false })], []])
      expect(decidePresence([known(0, { missed: 2 })], listings)).toMatchObject({ missed: [], gone: [] });
  });

  it('what cannot be read is still there: a file with a fault, a page in quarantine, a postponed page', () => {
    const unread = entry(0, { pairKey: null, state: 'listed' });
    expect(decidePresence([known(0, { missed: 2 })], [listing([unread])])).toMatchObject({
      gone: [],
      missed: [],
    });
  });

  it('moved to another source, it is there', () => {
    const feed = listing([entry(0)], { source: 'feed:x', isComplete: false });
    const { found, missed } = decidePresence([known(0), known(1)], [listing([entry(1)]), feed]);
    expect(found).toEqual([{ id: 'c0', source: 'feed:x', entry: 'https://site.test/compare/0' }]);
    expect(missed).toEqual([]);
  });

  it.each([
    ['page', 'page', true],
    ['page', 'listing', true],
    ['inline', 'page', false],
    ['inline', 'listing', true],
    ['listed', 'page', false],
    ['listed', 'listing', false],
    ['gone', 'page', false],
  ] as const)('found as "%s", what is gone by its %s is back: %s', (state, goneBy, isBack) => {
    const { back } = decidePresence([known(0, { goneBy })], [listing([entry(0, { state })])]);
    expect(back).toEqual(isBack ? ['c0'] : []);
  });

  it('an empty source is at fault: nothing is gone, however often', () => {
    const result = decidePresence(
      range(3).map((n) => known(n, { missed: 9 })),
      [listing([])],
    );
    expect(result.gone).toEqual([]);
    expect(result.withheld).toEqual([{ source: SITE, missing: 3, of: 3, isEmpty: true }]);
  });

  it('is linear, and the same in any order; never too many of a source go at once', () => {
    const state = fc.constantFrom('page' as const, 'inline' as const, 'listed' as const, 'gone' as const);
    const case_ = fc.record({
      comparisons: fc.array(
        fc.record({
          missed: fc.nat(4),
          source: fc.constantFrom(SITE, 'folder:y', null),
          listed: fc.option(state),
        }),
        { maxLength: 40 },
      ),
      isComplete: fc.boolean(),
    });
    fc.assert(
      fc.property(case_, ({ comparisons, isComplete }) => {
        const all = comparisons.map(({ missed, source }, n) => known(n, { missed, source }));
        const listings = [SITE, 'folder:y'].map((source) =>
          listing(
            comparisons.flatMap((each, n) =>
              each.source === source && each.listed !== null
                ? [entry(n, { state: each.listed, reason: 'x' })]
                : [],
            ),
            { source, isComplete },
          ),
        );
        const result = decidePresence(all, listings);
        const reversed = decidePresence(all.toReversed(), listings.toReversed());
        const sorted = (ids: { id: string }[]) => ids.map(({ id }) => id).sort();
        expect(sorted(reversed.gone)).toEqual(sorted(result.gone));
        expect(sorted(reversed.missed)).toEqual(sorted(result.missed));
        for (const source of [SITE, 'folder:y']) {
          const members = all.filter((each) => each.source === source);
          const goes = members.filter(({ id }) => result.gone.some((each) => each.id === id));
          expect(isTooMany(goes.length, members.length)).toBe(false);
        }
        for (const { id } of result.gone) {
          const each = comparisons[Number(id.slice(1))];
          expect(each?.listed === 'gone' || (each?.listed === null && each.missed + 1 >= GONE_AFTER)).toBe(
            true,
          );
          expect(each?.source).not.toBeNull();
        }
      }),
    );
  });
});
