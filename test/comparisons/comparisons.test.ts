import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Comparison, comparisonSchema, slugSchema, type Tool } from '../../src/comparisons/model.ts';
import { contentHash, entryPrices, pairKey, slugFor, title, topics } from '../../src/comparisons/names.ts';
import {
  communityOf,
  isContested,
  QUORUM,
  shipShare,
  toolMark,
  toolMarks,
  verdict,
} from '../../src/comparisons/verdict.ts';
import { comparison, percentage } from '../helpers/arbitraries.ts';

function tool(
  name: string,
  panelShip: number,
  communityShip: number | null = null,
  more: Partial<Tool> = {},
): Tool {
  return {
    name,
    category: 'Data',
    tagline: 'A tagline',
    description: 'A description.',
    panelShip,
    communityShip,
    entryPrice: 'Free',
    reviews: [],
    ...more,
  };
}

const pair: fc.Arbitrary<[Tool, Tool]> = comparison().chain(({ tools }) =>
  fc
    .tuple(percentage, percentage, fc.option(percentage, { nil: null }), fc.option(percentage, { nil: null }))
    .map(([a, b, readersA, readersB]) => [
      { ...tools[0], panelShip: a, communityShip: readersA },
      { ...tools[1], panelShip: b, communityShip: readersB },
    ]),
);

describe('toolMark', () => {
  it.each([
    [100, 'ship'],
    [75, 'ship'],
    [67, 'ship'],
    [66, 'ship'],
    [65, 'split'],
    [50, 'split'],
    [35, 'split'],
    [34, 'skip'],
    [33, 'skip'],
    [0, 'skip'],
  ] as const)('a panel of %i%% gives %s', (panelShip, mark) => {
    expect(toolMark({ panelShip })).toBe(mark);
  });

  it('is symmetric: what ships at p skips at 100 - p', () => {
    const mirror = { ship: 'skip', skip: 'ship', split: 'split' } as const;
    fc.assert(
      fc.property(percentage, (panelShip) => {
        expect(toolMark({ panelShip: 100 - panelShip })).toBe(mirror[toolMark({ panelShip })]);
      }),
    );
  });
});

describe('the community', () => {
  const readers = (ship: number, skip: number) => ({ ...tool('Ada', 100, 80), readers: { ship, skip } });

  it("is the source's until ten of our readers voted, and ours from then on, never a mixture", () => {
    expect(communityOf(tool('Ada', 100))).toBeNull();
    expect(communityOf(readers(0, QUORUM - 1))).toBe(80);
    expect(communityOf(readers(1, QUORUM - 1))).toBe(10);
    expect(communityOf({ ...readers(0, QUORUM), communityShip: null })).toBe(0);
  });

  it('of our own can question a verdict, and never reverses it', () => {
    const doubted = verdict([readers(1, 29), tool('Bix', 0)]);
    expect([doubted.mark, doubted.pick, doubted.words]).toEqual(['split', null, 'Split on Ada']);
    expect(doubted.because).toContain('but hardly any reader would ship Ada');
    expect(verdict([readers(0, QUORUM - 1), tool('Bix', 0)]).words).toBe('Ship Ada');
  });

  it('is a share between 0 and 100, null without votes', () => {
    const votes = fc.record({ ship: fc.nat(1_000_000), skip: fc.nat(1_000_000) });
    fc.assert(
      fc.property(votes, ({ ship, skip }) => {
        const share = shipShare({ ship, skip });
        if (ship + skip === 0) expect(share).toBeNull();
        else expect((share ?? 0) + (shipShare({ ship: skip, skip: ship }) ?? 0)).toBeOneOf([100, 101]);
      }),
    );
    expect(shipShare({ ship: 0, skip: 0 })).toBeNull();
  });
});

describe('verdict', () => {
  const cases: [what: string, a: Tool, b: Tool, mark: string, pick: 0 | 1 | null, words: string][] = [
    ['both unanimous', tool('Ada', 100), tool('Bix', 100), 'ship', null, 'Ship both'],
    ['one ships, one is skipped', tool('Ada', 25), tool('Bix', 75), 'ship', 1, 'Ship Bix'],
    ['one ships, one is split', tool('Ada', 75), tool('Bix', 50), 'ship', 0, 'Ship Ada'],
    ['both ship, one by a reviewer more', tool('Ada', 75), tool('Bix', 100), 'ship', 1, 'Ship Bix'],
    ['both ship, nearly level', tool('Ada', 83), tool('Bix', 100), 'ship', null, 'Ship both'],
    ['readers break a tie', tool('Ada', 100, 70), tool('Bix', 100, 91), 'ship', 1, 'Ship Bix'],
    [
      'readers of one tool alone break none',
      tool('Ada', 100, 91),
      tool('Bix', 100),
      'ship',
      null,
      'Ship both',
    ],
    ['both skipped', tool('Ada', 0), tool('Bix', 25), 'skip', null, 'Skip both'],
    ['both split', tool('Ada', 50), tool('Bix', 40), 'split', null, 'Split: Ada or Bix'],
    ['a split beside a skip', tool('Ada', 0), tool('Bix', 50), 'split', null, 'Split on Bix'],
    [
      'readers against the panel',
      tool('Ada', 100, 12),
      tool('Bix', 0, 90),
      'split',
      null,
      'Split: Ada or Bix',
    ],
    ['readers against one of two', tool('Ada', 100, 20), tool('Bix', 75, 80), 'ship', 1, 'Ship Bix'],
    ['readers undecided', tool('Ada', 100, 50), tool('Bix', 25, 50), 'ship', 0, 'Ship Ada'],
  ];
  it.each(cases)('%s', (_, a, b, mark, pick, words) => {
    expect(verdict([a, b])).toMatchObject({ mark, pick, words });
  });

  it('swapping the tools swaps the pick and nothing else', () => {
    fc.assert(
      fc.property(pair, ([a, b]) => {
        const one = verdict([a, b]);
        const other = verdict([b, a]);
        expect(other.mark).toBe(one.mark);
        expect(other.pick).toBe(one.pick === null ? null : 1 - one.pick);
        if (one.mark !== 'split') expect(other.words).toBe(one.words);
      }),
    );
  });

  it('never picks a tool that its panel would skip, or that readers reject', () => {
    fc.assert(
      fc.property(pair, (tools) => {
        const { pick } = verdict(tools);
        if (pick === null) return;
        expect(toolMark(tools[pick])).toBe('ship');
        expect(isContested(tools[pick])).toBe(false);
      }),
    );
  });

  it('marks its tools as it reads: only what it ships is marked ship', () => {
    fc.assert(
      fc.property(pair, (tools) => {
        const { mark, pick } = verdict(tools);
        const marks = toolMarks(tools);
        if (pick !== null) {
          expect(marks[pick]).toBe('ship');
          expect(marks[1 - pick]).not.toBe('ship');
        } else if (mark === 'split') expect(marks).not.toContain('ship');
        else expect(marks).toEqual([mark, mark]);
      }),
    );
    expect(toolMarks([tool('Ada', 75), tool('Bix', 100)])).toEqual(['second', 'ship']);
  });
});

describe('names', () => {
  it.each([
    ['Hugging Bear v2', 'Mist 3 (22B)', 'hugging-bear-v2-vs-mist-3-22b'],
    ['C++ Copilot', "O'Hare", 'c-copilot-vs-ohare'],
    ['データ舟', 'ＦＵＬＬ', 'データ舟-vs-full'],
    ['हिन्दी', 'الحبر', 'हिन्दी-vs-الحبر'],
    ['Straße', 'İnci', 'straße-vs-i̇nci'],
  ])('%s and %s give a slug', (a, b, slug) => {
    expect(slugFor(a, b)).toBe(slug);
  });

  it('any two names give a valid slug', () => {
    const any = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 120 });
    fc.assert(
      fc.property(any, any, (a, b) => {
        expect(slugSchema.safeParse(slugFor(a, b)).success).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('prices, title, topics', () => {
    const tools: [Tool, Tool] = [
      tool('A', 1),
      tool('B', 1, null, { entryPrice: '$20/mo', category: 'Search' }),
    ];
    expect(entryPrices(tools)).toBe('Free vs $20/mo');
    expect(entryPrices([tools[0], tools[0]])).toBe('Free');
    expect(title({ tools })).toBe('A vs B');
    expect(topics({ tools })).toEqual(['Data', 'Search']);
    expect(topics({ tools: [tools[0], tools[0]] })).toEqual(['Data']);
    expect(pairKey({ tools })).toBe(pairKey({ tools: [{ name: 'ｂ' }, { name: 'a' }] }));
  });
});

describe('contentHash', () => {
  it('changes with everything that a reader sees, and with nothing else', () => {
    fc.assert(
      fc.property(comparison(), (value) => {
        const same: Comparison = { ...structuredClone(value), publishedAt: '2026-11-20T08:00:00Z' };
        expect(contentHash(same)).toBe(contentHash(value));
        const reordered = JSON.parse(JSON.stringify(value)) as Comparison;
        reordered.tools[0] = Object.fromEntries(Object.entries(reordered.tools[0]).reverse()) as Tool;
        expect(contentHash(reordered)).toBe(contentHash(value));

        const moved = structuredClone(value);
        moved.tools[1].panelShip = (moved.tools[1].panelShip + 1) % 101;
        expect(contentHash(moved)).not.toBe(contentHash(value));
        const requoted = structuredClone(value);
        for (const review of requoted.tools[0].reviews.slice(0, 1)) review.quote += ' Twice.';
        expect(contentHash(requoted)).not.toBe(contentHash(value));
      }),
    );
  });
});

describe('the model', () => {
  it('is stable: parsed input parses to itself', () => {
    fc.assert(
      fc.property(comparison(), (value) => {
        expect(comparisonSchema.parse(value)).toEqual(value);
      }),
    );
  });

  it('accepts slugs of every script, but no capitals or stray hyphens', () => {
    for (const slug of ['a-vs-b', 'データ舟-vs-22b', 'हिन्दी'])
      expect(slugSchema.safeParse(slug).success).toBe(true);
    for (const slug of ['A-vs-b', '-a', 'a--b', 'a b', '', 'a/b'])
      expect(slugSchema.safeParse(slug).success).toBe(false);
  });
});
