import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Comparison } from '../../src/comparisons/model.ts';
import { nameKey, topics } from '../../src/comparisons/names.ts';
import { verdict } from '../../src/comparisons/verdict.ts';
import {
  type Candidate,
  interest,
  interestParts,
  leadFirst,
  leadInterest,
  type PastLead,
  rank,
} from '../../src/issues/rank.ts';
import { directForm } from '../../src/issues/subject.ts';
import { candidate, candidates, comparison, tool } from '../helpers/compose.ts';

const AT = new Date('2026-11-24T00:00:00Z');
const old = { firstSeenAt: new Date('2026-01-01T00:00:00Z') };
const unanimous = comparison('unanimous', tool('A', 100), tool('B', 0));

const of = (a: Parameters<typeof tool>, b: Parameters<typeof tool>, more: Partial<Candidate> = old) =>
  interest(candidate(comparison('x', tool(...a), tool(...b)), more), AT);

describe('interest', () => {
  it('is 0 for an old comparison without disagreement', () => {
    expect(interest(candidate(unanimous, old), AT)).toBe(0);
  });

  it('counts the disagreement of a panel, by the more disputed tool', () => {
    expect(of(['A', 50], ['B', 100])).toBe(40);
    expect(of(['A', 75], ['B', 25])).toBe(20);
  });

  it('counts the points between panel and community, and nothing without votes', () => {
    expect(of(['A', 100, { communityShip: 10 }], ['B', 0])).toBe(36);
    expect(of(['A', 100, { communityShip: 100 }], ['B', 0, { communityShip: null }])).toBe(0);
  });

  it('counts freshness for two weeks, from publication where that is known', () => {
    const seen = (firstSeenAt: string, publishedAt: string | null = null) =>
      interest(candidate({ ...unanimous, publishedAt }, { firstSeenAt: new Date(firstSeenAt) }), AT);
    expect(seen('2026-11-24T00:00:00Z')).toBe(20);
    expect(seen('2026-11-17T00:00:00Z')).toBe(10);
    expect(seen('2026-11-10T00:00:00Z')).toBe(0);
    expect(seen('2026-11-24T00:00:00Z', '2026-11-17T00:00:00Z')).toBe(10);
    // First seen after the slot's midnight: fresh, and not fresher than that.
    expect(seen('2026-11-24T08:00:00Z')).toBe(20);
  });

  it('counts a verdict that was mailed differently before', () => {
    const before = verdict([tool('A', 0), tool('B', 100)]);
    const same = verdict(unanimous.tools);
    expect(interest(candidate(unanimous, { ...old, mailed: before }), AT)).toBe(20);
    expect(interest(candidate(unanimous, { ...old, mailed: same }), AT)).toBe(0);
  });

  it('stays within its scale, and its parts within their maxima', () => {
    fc.assert(
      fc.property(candidates, (all) => {
        for (const one of all) {
          const { split, gap, fresh, overturned } = interestParts(one, AT);
          for (const [part, share] of [
            [split, 40],
            [gap, 40],
            [fresh, 20],
            [overturned, 20],
          ] as const) {
            expect(part).toBeGreaterThanOrEqual(0);
            expect(part).toBeLessThanOrEqual(share);
          }
          expect(Math.abs(interest(one, AT) - (split + gap + fresh + overturned))).toBeLessThanOrEqual(
            0.0501,
          );
        }
      }),
    );
  });
});

describe('rank', () => {
  it('puts the most interesting first, then the fresher, then by slug', () => {
    const split = candidate(comparison('split', tool('A', 50), tool('B', 50)), old);
    const fresher = { firstSeenAt: new Date('2026-02-01T00:00:00Z') };
    const named = (slug: string, more: Partial<Candidate> = old) =>
      candidate(comparison(slug, tool('A', 100), tool('B', 0)), more);
    const ranked = rank([named('b'), named('a'), named('z', fresher), split], AT);
    expect(ranked.map((one) => one.comparison.slug)).toEqual(['split', 'z', 'a', 'b']);
  });

  it('gives the same order for any order of its input, and does not change the input', () => {
    const shuffled = candidates.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    );
    fc.assert(
      fc.property(shuffled, ([all, other]) => {
        const before = [...all];
        expect(rank(all, AT)).toEqual(rank(other, AT));
        expect(all).toEqual(before);
      }),
    );
  });
});

describe('the lead', () => {
  const past = (comparison: Comparison): PastLead => ({
    tools: comparison.tools.map(({ name }) => nameKey(name)),
    topics: topics(comparison),
    kind: directForm(comparison),
    form: directForm(comparison),
  });
  const split = comparison('split', tool('A', 50), tool('B', 50));
  const music = comparison(
    'music',
    tool('C', 60, { category: 'Music' }),
    tool('D', 10, { category: 'Music' }),
  );
  const leadOf = (all: Comparison[], leads: PastLead[]) =>
    leadFirst(
      rank(
        all.map((each) => candidate(each, old)),
        AT,
      ),
      leads,
      AT,
    ).map(({ comparison: { slug } }) => slug);

  it('is the most interesting comparison, and the others keep their order', () => {
    expect(leadOf([music, split, unanimous], [])).toEqual(['split', 'music', 'unanimous']);
    expect(leadFirst([], [], AT)).toEqual([]);
  });

  it('has no tool of a lead of the last four issues, while there is another candidate', () => {
    const again = past(comparison('x', tool('b', 90), tool('E', 10)));
    expect(leadOf([split, unanimous], [again])).toEqual(['split', 'unanimous']);
    const other = comparison('other', tool('F', 100), tool('G', 0));
    expect(leadOf([split, other], [again])).toEqual(['other', 'split']);
    expect(leadOf([split], [again])).toEqual(['split']);
    const leads = [1, 2, 3, 4].map((n) => past(comparison(`${n}`, tool(`P${n}`, 0), tool(`Q${n}`, 0))));
    expect(leadOf([split, other], [...leads, again])[0]).toBe('split');
  });

  it('takes turns in topic and kind of verdict', () => {
    const leads = [past(comparison('x', tool('P', 50), tool('Q', 50)))];
    expect(leadInterest(candidate(split, old), leads, AT)).toBe(interest(candidate(split, old), AT) - 14);
    expect(leadInterest(candidate(unanimous, old), leads, AT)).toBe(-6);
    expect(leadInterest(candidate(music, old), leads, AT)).toBe(interest(candidate(music, old), AT) - 8);
  });
});
