import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Comparison } from '../../src/comparisons/model.ts';
import { type ComposeInput, compose, type Plan } from '../../src/issues/compose.ts';
import type { IssueContent } from '../../src/issues/content.ts';
import { contentHash } from '../../src/issues/content-hash.ts';
import type { EditorChoices } from '../../src/issues/planned-rows.ts';
import type { ToolVotes } from '../../src/issues/readers-rows.ts';
import { lengthOf } from '../../src/issues/truncate.ts';
import { variantFor, variantsOf } from '../../src/issues/variants.ts';
import {
  CATEGORIES,
  candidate,
  candidates,
  comparison,
  input,
  tool,
  votesOn,
  weeks,
} from '../helpers/compose.ts';

function planOf(week: ComposeInput): Plan {
  const composition = compose(week);
  if (composition.kind === 'skipped') throw new Error(composition.reason);
  return composition.plan;
}
function issueOf(plan: Plan, topics: string[] = []): IssueContent {
  const content = variantFor(plan, topics);
  if (!content) throw new Error(`nothing about ${topics.join()}`);
  return content;
}
const printed = (issue: IssueContent) => [issue.lead, ...issue.rows].map((row) => row.slug);
const edited = (all: Comparison[], editor: Partial<EditorChoices>, more: Partial<ComposeInput> = {}) =>
  input(
    all.map((one) => candidate(one)),
    { editor, ...more },
  );

const split = comparison('v0-vs-bolt', tool('V0', 50), tool('Bolt', 50));
const clear = comparison('zed-vs-cursor', tool('Zed', 90), tool('Cursor', 10));
const music = comparison(
  'suno-vs-udio',
  tool('Suno', 25, { category: 'Music' }),
  tool('Udio', 25, { category: 'Music' }),
);
const mixed = comparison(
  'lindy-vs-sudowrite',
  tool('Lindy', 100),
  tool('Sudowrite', 100, { category: 'Writing' }),
);
const week = [clear, music, mixed, split];

describe('the minimum', () => {
  const skipped = (value: ComposeInput) => {
    const composition = compose(value);
    return composition.kind === 'skipped' ? composition.reason : null;
  };

  it('skips the slot with a reason in words', () => {
    expect(skipped(input([]))).toBe('No new comparison since the last issue.');
    expect(skipped(input([], { minComparisons: 0 }))).toBe('No new comparison since the last issue.');
    expect(skipped(edited([clear], {}, { minComparisons: 2 }))).toBe(
      '1 new comparison; an issue needs at least 2.',
    );
    expect(skipped(edited([clear, split, music], { heldBack: ['v0-vs-bolt'] }, { minComparisons: 3 }))).toBe(
      '2 new comparisons, 1 held back or left out; an issue needs at least 3.',
    );
    expect(skipped(edited(week, {}, { minComparisons: 4 }))).toBeNull();
  });
});

describe('the plan', () => {
  it('leads with the most interesting comparison, or with the pinned one', () => {
    expect(planOf(edited(week, {})).comparisons.map((one) => one.comparison.slug)).toEqual([
      'v0-vs-bolt',
      'suno-vs-udio',
      'zed-vs-cursor',
      'lindy-vs-sudowrite',
    ]);
    const pinned = planOf(edited(week, { lead: 'lindy-vs-sudowrite' }));
    expect(issueOf(pinned).lead.slug).toBe('lindy-vs-sudowrite');
    expect(pinned.comparisons.map((one) => one.pinned)).toEqual([true, false, false, false]);
  });

  it('notes a pinned lead that is missing and a preheader that repeats the subject', () => {
    expect(planOf(edited(week, { lead: 'gone' })).notes).toEqual([
      'The pinned lead "gone" is not among this issue\'s comparisons; the most interesting comparison leads instead.',
    ]);
    expect(planOf(edited(week, { lead: clear.slug, leftOut: [clear.slug] })).notes[0]).toContain(
      'held back or left out',
    );
    const echo = planOf(edited(week, { subject: 'Ship it', preheader: ' ship  it! ' }));
    expect([echo.preheader, echo.notes.length]).toEqual([null, 1]);
  });

  it('loses nothing: each comparison appears once, in one place, unless the editor excludes it', () => {
    fc.assert(
      fc.property(weeks, (value) => {
        const composition = compose(value);
        const absent = new Set([...(value.editor?.heldBack ?? []), ...(value.editor?.leftOut ?? [])]);
        const expected = value.candidates
          .map((one) => one.comparison.slug)
          .filter((slug) => !absent.has(slug));
        expect(composition.kind).toBe(expected.length === 0 ? 'skipped' : 'composed');
        if (composition.kind === 'skipped') return;
        const issue = issueOf(composition.plan);
        expect(printed(issue).toSorted()).toEqual(expected.toSorted());
        const cards = Math.min(value.limits?.cards ?? 3, expected.length - 1);
        expect(issue.cards.map((card) => card.slug)).toEqual(
          issue.rows.slice(0, cards).map((row) => row.slug),
        );
        const { heldBack, leftOut } = composition.plan;
        expect(new Set([...heldBack, ...leftOut])).toEqual(absent);
        for (const { slug } of issue.changed) expect(expected).not.toContain(slug);
      }),
      { numRuns: 80 },
    );
  });

  it('is the same JSON for any order of its input, also after the database', () => {
    const shuffle = <T>(all: readonly T[]) => fc.shuffledSubarray([...all], { minLength: all.length });
    const twice = weeks.chain((value) =>
      fc.tuple(
        fc.constant(value),
        fc
          .tuple(shuffle(value.candidates), shuffle(value.mailed), shuffle(value.votes))
          .map(([others, mailed, votes]) => ({ ...value, candidates: others, mailed, votes })),
      ),
    );
    fc.assert(
      fc.property(twice, fc.shuffledSubarray(CATEGORIES.map((one) => [one])), ([value, other], sets) => {
        const [one, two] = [compose(value), compose(other)];
        expect(one).toEqual(two);
        if (one.kind === 'skipped') return;
        const stored = JSON.parse(JSON.stringify(one.plan)) as Plan;
        expect(stored).toEqual(one.plan);
        const variants = variantsOf(one.plan, sets);
        expect(variantsOf(stored, sets.toReversed())).toEqual(variants);
        expect(JSON.parse(JSON.stringify(variants))).toEqual(variants);
      }),
      { numRuns: 30 },
    );
  });
});

describe('the lines of an issue', () => {
  const plan = planOf(edited(week, {}));

  it('come from the lead and the next two, and differ by variant', () => {
    expect(issueOf(plan)).toMatchObject({
      number: 7,
      date: '2026-11-24',
      dateLabel: 'Tuesday, 24 November 2026',
      subject: 'Split: V0 or Bolt, and reviewers are divided',
      preheader: 'Skip both Suno and Udio. Ship Zed, skip Cursor.',
      readingMinutes: 1,
      intro: null,
      topics: [],
    });
    expect(issueOf(plan, ['music'])).toMatchObject({
      subject: 'Skip both Suno and Udio: reviewers would use neither',
      topics: ['Music'],
    });
  });

  it('are the editor’s where they are about the same comparisons, and never break a header', () => {
    const words = planOf(
      edited(week, { subject: 'V0 or\r\nBcc: everyone', preheader: 'Music,\nthen  editors', intro: '  ' }),
    );
    expect(issueOf(words)).toMatchObject({
      subject: 'V0 or Bcc: everyone',
      preheader: 'Music, then editors',
      intro: null,
    });
    expect(issueOf(words, ['Music']).subject).toMatch(/^Skip both Suno/u);
    // The same lead but other comparisons after it: the subject is still true, the preheader would not be.
    expect(issueOf(words, ['Coding'])).toMatchObject({
      subject: 'V0 or Bcc: everyone',
      preheader: 'Ship Zed, skip Cursor. Ship both Lindy and Sudowrite.',
    });
  });

  it('count reading time from the readable words', () => {
    const wordy = Array.from({ length: 6 }, (_, index) =>
      comparison(`c-${index}`, tool('A', 100, { tagline: 'word '.repeat(110).trim() }), tool('B', 0)),
    );
    const minutes = issueOf(planOf(edited(wordy, {}))).readingMinutes;
    expect(minutes).toBeGreaterThanOrEqual(3);
    expect(minutes).toBeLessThanOrEqual(5);
  });
});

describe('a card', () => {
  const quote = (lens: string, call: 'ship' | 'skip' | null, text = `${lens} says ${call}.`) => ({
    lens,
    call,
    quote: text,
  });
  const long = 'A first sentence that carries the point of it all, as a good reviewer writes. '
    .repeat(6)
    .trim();
  const reviewed = comparison(
    'a-vs-b',
    tool('A', 75, {
      description: long,
      reviews: [quote('builder', 'ship'), quote('skeptic', 'skip', long), quote('founder', 'ship')],
    }),
    tool('B', 25, {
      reviews: [quote('builder', 'skip'), quote('skeptic', 'skip'), quote('futurist', 'skip')],
    }),
  );
  const plan = planOf(edited([split, reviewed], {}));

  const quotesIn = (lenses: IssueContent['lead']['lenses']) =>
    lenses.flatMap(({ lens, sides }) =>
      sides.flatMap((side, at) => (side === null || side.quote === '' ? [] : [`${lens} ${at}`])),
    );

  it('of the lead has the calls of every lens and two quotes: who dissents, and the other side', () => {
    const { lead } = issueOf(planOf(edited([split, reviewed], { lead: 'a-vs-b' })));
    expect(lead.lenses.map((row) => row.lens)).toEqual(['Builder', 'Skeptic', 'Founder', 'Futurist']);
    expect(lead.lenses[3]?.sides).toEqual([null, { call: 'skip', quote: '' }]);
    expect(quotesIn(lead.lenses)).toEqual(['Builder 0', 'Skeptic 0']);
    const cut = lead.lenses[1]?.sides[0]?.quote ?? '';
    expect(lengthOf(cut)).toBeLessThanOrEqual(220);
    expect(cut).toMatch(/reviewer writes\. …$/u);
    expect(lengthOf(lead.tools[0].description)).toBeLessThanOrEqual(200);
  });

  it('of another comparison has the dissenting reviewer, one quote, and no description', () => {
    const [card] = issueOf(plan).cards;
    expect(card?.lenses.map((row) => row.lens)).toEqual(['Skeptic']);
    expect(quotesIn(card?.lenses ?? [])).toEqual(['Skeptic 0']);
    expect(lengthOf(card?.lenses[0]?.sides[0]?.quote ?? '')).toBeLessThanOrEqual(140);
    expect(card?.tools.map(({ description }) => description)).toEqual(['', '']);
  });

  it('has one lens where no call is known, and none where no reviewer wrote', () => {
    const mute = comparison(
      'm-vs-n',
      tool('M', 100, { reviews: [quote('builder', null), quote('skeptic', null)] }),
      tool('N', 100, { reviews: [quote('skeptic', null)] }),
    );
    const issue = issueOf(planOf(edited([split, mute, clear], {})));
    expect(issue.cards.find((card) => card.slug === 'm-vs-n')?.lenses.map((row) => row.lens)).toEqual([
      'Skeptic',
    ]);
    expect(issue.cards.find((card) => card.slug === clear.slug)?.lenses).toEqual([]);
  });

  it('omits none of the lead’s calls, and quotes two reviewers at most', () => {
    fc.assert(
      fc.property(candidates, (all) => {
        if (all.length === 0) return;
        const { lead, cards } = issueOf(planOf(input(all)));
        const source = all.find((one) => one.comparison.slug === lead.slug)?.comparison;
        const reviews = source?.tools.flatMap((one) => one.reviews) ?? [];
        const sides = lead.lenses.flatMap((row) => row.sides.filter((side) => side !== null));
        expect(sides.filter(({ call }) => call !== null)).toHaveLength(
          reviews.filter(({ call }) => call !== null).length,
        );
        expect(quotesIn(lead.lenses).length).toBeLessThanOrEqual(2);
        for (const card of cards) {
          expect(card.lenses.length).toBeLessThanOrEqual(1);
          expect(quotesIn(card.lenses).length).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('variants', () => {
  const plan = planOf(edited(week, {}));

  it('are shared by sets with the same selection, and none is empty', () => {
    const sets = [[], ['Music'], ['music', 'Cooking'], ['Cooking'], ['Coding', 'Music'], ['Writing']];
    const { variants, assignments } = variantsOf(plan, sets);
    const numbers = new Map(assignments.map(({ topics, variant }) => [topics.join('+'), variant]));
    expect(numbers.get('')).toBe(1);
    expect(numbers.get('Coding+Music')).toBe(1);
    expect(numbers.get('Cooking')).toBeNull();
    expect(numbers.get('Music')).toBe(numbers.get('music+Cooking'));
    expect(variants.map((variant) => variant.content.topics)).toEqual([[], ['Music'], ['Writing']]);
    expect(variants.map((variant) => printed(variant.content).length)).toEqual([4, 1, 1]);
  });

  it('always include the general one, for the archive', () => {
    expect(
      variantsOf(plan, []).variants.map((variant) => [variant.number, printed(variant.content).length]),
    ).toEqual([[1, 4]]);
  });

  it('carry exactly the comparisons of their topics, in the order of the plan', () => {
    const sets = fc.array(fc.subarray([...CATEGORIES, 'Nothing']), { maxLength: 8 });
    fc.assert(
      fc.property(weeks, sets, (value, topicSets) => {
        const composition = compose(value);
        if (composition.kind === 'skipped') return;
        const { variants, assignments } = variantsOf(composition.plan, topicSets);
        expect(new Set(assignments.map((one) => one.topics.join()))).toEqual(
          new Set(topicSets.map((one) => one.join())),
        );
        for (const { topics, variant } of assignments) {
          const expected = composition.plan.comparisons
            .map((one) => one.comparison)
            .filter((one) => topics.length === 0 || one.tools.some((side) => topics.includes(side.category)))
            .map((one) => one.slug);
          if (variant === null) expect(expected).toEqual([]);
          else expect(printed(variants[variant - 1]?.content as IssueContent)).toEqual(expected);
        }
        const bodies = variants.map(({ content: { topics, ...rest } }) => JSON.stringify(rest));
        expect(new Set(bodies).size).toBe(bodies.length);
        for (const { content } of variants) {
          expect(content.readingMinutes).toBeGreaterThanOrEqual(1);
          expect(content.subject).not.toBe(content.preheader);
        }
        for (const { number } of variants.slice(1))
          expect(assignments.some((one) => one.variant === number)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});

describe('a changed verdict', () => {
  const was = comparison('x-vs-y', tool('X', 62, { entryPrice: 'Free' }), tool('Y', 25));
  const now = comparison('x-vs-y', tool('X', 88, { entryPrice: '$10/mo' }), tool('Y', 25));
  const rows = (value: Partial<ComposeInput>) => issueOf(planOf(input([candidate(clear)], value)));

  it('is listed with the mailed and the current verdict', () => {
    const { changed } = rows({ mailed: [{ was, now, mailedIn: 5 }] });
    expect(changed).toHaveLength(1);
    expect(changed[0]).toMatchObject({
      title: 'X vs Y',
      was: { mark: 'split' },
      now: { mark: 'ship', pick: 0 },
      whatMoved:
        'X took the lead: reviewers went from about half to most. The entry price of X went from Free to $10/mo.',
      mailedIn: 5,
    });
  });

  it('is not listed when nothing relevant changed, or the site swapped its sides', () => {
    const voted = comparison('x-vs-y', tool('X', 62, { communityShip: 50, tagline: 'New.' }), tool('Y', 25));
    const swapped = comparison('x-vs-y', was.tools[1], was.tools[0]);
    expect(rows({ mailed: [{ was, now: voted, mailedIn: 5 }] }).changed).toEqual([]);
    expect(rows({ mailed: [{ was, now: swapped, mailedIn: 5 }] }).changed).toEqual([]);
  });

  it('names the readers when they reversed the verdict', () => {
    const before = comparison('x-vs-y', tool('X', 100), tool('Y', 25));
    const after = comparison('x-vs-y', tool('X', 100, { communityShip: 10 }), tool('Y', 25));
    expect(rows({ mailed: [{ was: before, now: after, mailedIn: 5 }] }).changed[0]?.whatMoved).toBe(
      'X lost its lead: one in ten of its readers would ship it.',
    );
  });

  it('turns by readers only when their share moved far enough, and enough of them voted', () => {
    // The panel ships X; with a community of 34% or less its verdict is a split.
    const at = (communityShip: number | null, readers?: { ship: number; skip: number }) =>
      comparison(
        'x-vs-y',
        { ...tool('X', 100, { communityShip }), ...(readers && { readers }) },
        tool('Y', 25),
      );
    const kindOf = (mailed: Comparison, today: Comparison) =>
      rows({ mailed: [{ was: mailed, now: today, mailedIn: 5 }] }).changed.map(({ kind }) => kind);
    expect(kindOf(at(36), at(34))).toEqual([]);
    expect(kindOf(at(36), at(30))).toEqual([]);
    expect(kindOf(at(36), at(29))).toEqual(['turned']);
    // Back again: to and fro around the threshold is no news either way.
    expect(kindOf(at(29), at(35))).toEqual([]);
    expect(kindOf(at(29), at(40))).toEqual(['turned']);
    // A share that is not printed any more says nothing.
    expect(kindOf(at(10), at(null))).toEqual([]);
    // Our own readers: 1 of 12 may be chance, 2 of 24 are not.
    expect(kindOf(at(null), at(null, { ship: 1, skip: 11 }))).toEqual([]);
    expect(kindOf(at(null), at(null, { ship: 2, skip: 22 }))).toEqual(['turned']);
    // A panel turns a verdict at once.
    const panel = (panelShip: number) => comparison('x-vs-y', tool('X', panelShip), tool('Y', 25));
    expect(kindOf(panel(67), panel(65))).toEqual(['turned']);
  });

  it('is not listed two issues in a row, unless its verdict turned', () => {
    const twice = (today: Comparison) =>
      rows({ mailed: [{ was, now: today, mailedIn: 6, isRecent: true }] }).changed.map(({ kind }) => kind);
    expect(twice(comparison('x-vs-y', tool('X', 62, { entryPrice: '$9/mo' }), tool('Y', 25)))).toEqual([]);
    expect(twice(comparison('x-vs-y', tool('X', 60), tool('Y', 25)))).toEqual([]);
    expect(twice(now)).toEqual(['turned']);
  });

  it('comes before changed prices, and these before changed panels', () => {
    const changed = (slug: string, today: Comparison['tools'][0]) => ({
      was: { ...was, slug },
      now: comparison(slug, today, was.tools[1]),
      mailedIn: 5,
    });
    const mailed = [
      changed('a', tool('X', 60)),
      changed('b', tool('X', 62, { entryPrice: '$9/mo' })),
      changed('c', tool('X', 50)),
      changed('d', tool('X', 90)),
    ];
    const plan = planOf(input([candidate(clear)], { mailed, limits: { changed: 3 } }));
    expect(plan.changed.map(({ row }) => [row.slug, row.kind])).toEqual([
      ['d', 'turned'],
      ['b', 'price'],
      ['c', 'panel'],
    ]);
    expect(plan.summary).toEqual([{ row: { kind: 'panel', count: 1 }, topics: ['Coding'] }]);
    expect(issueOf(plan).rest).toMatchObject({ turned: 0, prices: 0, panels: 1, new: 0 });
  });

  it('can be left out or deferred by an editor: the one is told, the other comes next week', () => {
    const mailed = [{ was, now, mailedIn: 5 }];
    const composed = (editor: Partial<EditorChoices>) => {
      const result = compose(input([candidate(clear)], { mailed, editor }));
      if (result.kind === 'skipped') throw new Error(result.reason);
      const told = result.told.filter(({ slug }) => slug === 'x-vs-y').map((each) => each.told);
      return { told, rows: result.plan.changed.length, aside: result.plan.aside?.map(({ how }) => how) };
    };
    expect(composed({})).toEqual({ told: ['row'], rows: 1, aside: [] });
    expect(composed({ leftOutChanges: ['x-vs-y'] })).toEqual({
      told: ['dropped'],
      rows: 0,
      aside: ['dropped'],
    });
    expect(composed({ heldChanges: ['x-vs-y'] })).toEqual({ told: [], rows: 0, aside: ['held'] });
  });

  it('is not listed when the comparison is in the issue, or the editor excluded it', () => {
    const value = { mailed: [{ was, now, mailedIn: 5 }] };
    expect(planOf(input([candidate(now)], value)).changed).toEqual([]);
    expect(planOf(edited([clear], { leftOut: ['x-vs-y'] }, value)).changed).toEqual([]);
  });

  it('is in the variants of its topic', () => {
    const plan = planOf(input([candidate(clear), candidate(music)], { mailed: [{ was, now, mailedIn: 5 }] }));
    expect(issueOf(plan, ['Coding']).changed).toHaveLength(1);
    expect(issueOf(plan, ['Music']).changed).toEqual([]);
  });
});

describe('what readers said', () => {
  it('shows the panel beside readers, the widest disagreement first, without tools that have no votes', () => {
    const votes = [votesOn(clear, 0, 9, 1), votesOn(clear, 1, 2, 1), votesOn(music, 0, 0, 0)];
    const { readers } = issueOf(planOf(edited(week, {}, { votes })));
    const { slug, url } = clear;
    const row = { slug, url, title: 'Zed vs Cursor', since: '1 September', isPanelChanged: false };
    const recent = (ship: number, votes: number) => ({ ship, votes, since: '17 November' });
    expect(readers).toEqual([
      { ...row, tool: 'Cursor', panelShip: 10, readersShip: 67, votes: 3, recent: recent(67, 3) },
      { ...row, tool: 'Zed', panelShip: 90, readersShip: 90, votes: 10, recent: recent(90, 10) },
    ]);
    expect(planOf(edited(week, {}, { votes, limits: { readers: 1 } })).readers).toHaveLength(1);
  });

  it('leaves out a tool with so few votes that they would reveal a voter, and lists a tool once', () => {
    const again = {
      ...music,
      slug: 'suno-again',
      tools: [music.tools[0], clear.tools[0]] as typeof music.tools,
    };
    const votes = [votesOn(clear, 0, 1, 1), votesOn(again, 0, 1, 2), votesOn(music, 0, 1, 2)];
    const rows = (limits = {}) =>
      planOf(edited(week, {}, { votes, limits })).readers.map(({ row }) => row.tool);
    expect(rows()).toEqual(['Suno']);
    expect(rows({ votes: 0 })).toEqual(['Zed', 'Suno']);
  });

  it('dates the votes on the current panel and those since the last issue, and repeats none', () => {
    const rowsOf = (more: Partial<ToolVotes>) =>
      issueOf(planOf(edited(week, {}, { votes: [{ ...votesOn(clear, 0, 30, 10), ...more }] }))).readers;
    const changed = { panelSince: '2025-12-12', isPanelChanged: true, recent: { ship: 1, skip: 3 } };
    expect(rowsOf(changed)[0]).toMatchObject({
      ...{ readersShip: 75, votes: 40, since: '12 December 2025', isPanelChanged: true },
      recent: { ship: 25, votes: 4, since: '17 November' },
    });
    // Nobody voted since the last issue, or the panel changed after the votes.
    expect(rowsOf({ recent: { ship: 0, skip: 0 } })).toEqual([]);
    expect(rowsOf({ ship: 0, skip: 0 })).toEqual([]);
  });

  it('can be left out or deferred row by row; deferred votes are told with those of next week', () => {
    const votes = [votesOn(clear, 0, 9, 1), votesOn(clear, 1, 2, 1)];
    const plan = planOf(
      edited(
        week,
        { heldReaders: ['zed-vs-cursor zed'], leftOutReaders: ['zed-vs-cursor cursor'] },
        { votes },
      ),
    );
    expect(plan.readers).toEqual([]);
    expect(plan.aside?.map(({ how, title }) => [how, title])).toEqual([
      ['dropped', 'Cursor (Zed vs Cursor)'],
      ['held', 'Zed (Zed vs Cursor)'],
    ]);
    const { since, sinceAt } = votesOn(clear, 0, 9, 1);
    expect(plan.heldVotes).toEqual([{ slug: 'zed-vs-cursor', side: 0, since, sinceAt }]);
  });

  it('has a fixed order also where everything is equal', () => {
    const votes = ([0, 1] as const).map((side) => votesOn(music, side, 1, 3));
    for (const order of [votes, votes.toReversed()]) {
      const { readers } = issueOf(planOf(edited(week, {}, { votes: order })));
      expect(readers.map((row) => row.tool)).toEqual(['Suno', 'Udio']);
    }
  });
});

describe('contentHash', () => {
  it('ignores the order of keys, and nothing else', () => {
    expect(contentHash({ a: 1, b: [{ c: 'x', d: null }] })).toBe(
      contentHash({ b: [{ d: null, c: 'x' }], a: 1 }),
    );
    expect(contentHash({ a: 1, b: undefined })).toBe(contentHash({ a: 1 }));
    const hashes = [{ a: 1 }, { a: '1' }, { a: [1] }, { a: null }, {}, [1, 2], [2, 1], 'a'].map(contentHash);
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(contentHash({})).toMatch(/^[0-9a-f]{64}$/u);
  });

  it('is the same after a round trip through JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(contentHash(JSON.parse(JSON.stringify(value)))).toBe(contentHash(value));
      }),
    );
  });
});
