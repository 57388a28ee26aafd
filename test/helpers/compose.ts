import fc from 'fast-check';
import { type Comparison, comparisonSchema, type Tool } from '../../src/comparisons/model.ts';
import type { MailedComparison } from '../../src/issues/changes.ts';
import type { ComposeInput } from '../../src/issues/compose.ts';
import type { Candidate } from '../../src/issues/rank.ts';
import type { ToolVotes } from '../../src/issues/readers-rows.ts';

/** Comparisons for the tests of composing: by hand when the texts matter, by fast-check otherwise. */

export const DATE = '2026-11-24';

export function tool(name: string, panelShip: number, more: Partial<Tool> = {}): Tool {
  return {
    name,
    category: 'Coding',
    tagline: `${name} in one line.`,
    description: `${name} described in a sentence.`,
    panelShip,
    communityShip: null,
    entryPrice: 'Free',
    reviews: [],
    ...more,
  };
}

export function comparison(slug: string, a: Tool, b: Tool): Comparison {
  return { slug, url: `https://site.example/compare/${slug}`, publishedAt: null, tools: [a, b] };
}

export function candidate(value: Comparison, more: Partial<Candidate> = {}): Candidate {
  return { comparison: value, firstSeenAt: new Date('2026-11-20T12:00:00Z'), mailed: null, ...more };
}

export function input(candidates: readonly Candidate[], more: Partial<ComposeInput> = {}): ComposeInput {
  return {
    newsletter: {
      name: 'Weekly AI Tool Verdicts',
      url: 'https://site.example',
      postalAddress: '1 Street, Town',
    },
    number: 7,
    slug: DATE,
    date: DATE,
    links: { online: `https://site.example/issues/${DATE}` },
    candidates,
    mailed: [],
    votes: [],
    ...more,
  };
}

/** Votes on a tool, all of them cast since the last issue. */
export function votesOn(comparison: Comparison, side: 0 | 1, ship: number, skip: number): ToolVotes {
  return {
    ...{ comparison, tool: side, ship, skip, recent: { ship, skip } },
    ...{
      panelSince: '2026-09-01',
      isPanelChanged: false,
      since: '2026-11-17',
      sinceAt: '2026-11-17T08:00:00.000Z',
    },
  };
}

export const CATEGORIES = ['Coding', 'Writing', 'Audio & Music', '画像'];

const texts = fc.oneof(
  fc.lorem({ maxCount: 40 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }),
  fc.constantFrom(
    '語りかけると描いてくれる道具。速い。',
    'Family 👨‍👩‍👧‍👦 plan 🇩🇪 naïve é',
    'C++ & C# (beta)',
  ),
);
const names = fc.oneof(
  fc.constantFrom(
    'Zed',
    'Cursor',
    'V0',
    'データ舟',
    'Anthropic Claude Code Enterprise Edition (EU, preview)',
  ),
  fc.lorem({ maxCount: 8 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
);
const percents = fc.oneof(fc.constantFrom(0, 25, 50, 75, 100), fc.integer({ min: 0, max: 100 }));

const reviews = fc.record({
  lens: fc.constantFrom('builder', 'skeptic', 'founder', 'futurist'),
  quote: texts,
  call: fc.constantFrom('ship' as const, 'skip' as const, null),
});
const tools = fc.record({
  name: names,
  category: fc.constantFrom(...CATEGORIES),
  tagline: texts,
  description: texts,
  panelShip: percents,
  communityShip: fc.option(percents),
  entryPrice: fc.constantFrom('Free', '$20/mo', '€0.40 per 1M tokens'),
  reviews: fc.array(reviews, { maxLength: 6 }),
});

/** Comparisons as any source may deliver them: through the schema, without those it refuses. */
export const comparisons: fc.Arbitrary<Comparison> = fc
  .record({
    slug: fc.stringMatching(/^[a-z0-9]{1,8}$/),
    publishedAt: fc.option(fc.constantFrom('2026-11-23T08:00:00Z', '2026-10-01T08:00:00+02:00')),
    tools: fc.tuple(tools, tools),
  })
  .map((value) => comparisonSchema.safeParse({ ...value, url: `https://site.example/compare/${value.slug}` }))
  .filter((result) => result.success)
  .map((result) => result.data);

const seen = fc
  .constantFrom('2026-11-23T09:00:00Z', '2026-11-18T09:00:00Z', '2026-09-01T00:00:00Z')
  .map((at) => new Date(at));

export const candidates: fc.Arbitrary<Candidate[]> = fc.uniqueArray(
  fc.record({ comparison: comparisons, firstSeenAt: seen, mailed: fc.constant(null) }),
  { selector: ({ comparison: { slug } }) => slug, maxLength: 14 },
);

const mailed: fc.Arbitrary<MailedComparison[]> = fc
  .uniqueArray(comparisons, { selector: ({ slug }) => slug, maxLength: 4 })
  .chain((all) =>
    fc.tuple(
      ...all.map((now) => comparisons.map((was) => ({ was: { ...was, slug: now.slug }, now, mailedIn: 3 }))),
    ),
  );
const votes: fc.Arbitrary<ToolVotes[]> = fc.uniqueArray(
  fc
    .tuple(comparisons, fc.constantFrom(0 as const, 1 as const), fc.nat(30), fc.nat(30))
    .map((drawn) => votesOn(...drawn)),
  { selector: (vote) => vote.comparison.slug, maxLength: 6 },
);

/** Whole weeks, with an editor who pins, holds back and leaves out. */
export const weeks: fc.Arbitrary<ComposeInput> = candidates.chain((all) => {
  const slugs = all.map((one) => one.comparison.slug);
  return fc
    .record({
      mailed,
      votes,
      lead: fc.option(fc.constantFrom('nowhere', ...slugs)),
      heldBack: fc.subarray(slugs),
      leftOut: fc.subarray(slugs),
      rare: fc.boolean(),
      cards: fc.nat(6),
    })
    .map(({ mailed, votes, lead, heldBack, leftOut, rare, cards }) =>
      input(all, {
        mailed,
        votes,
        limits: { cards },
        // Most editors keep most of the week.
        editor: rare ? { lead, heldBack, leftOut } : { lead, heldBack: heldBack.slice(0, 1), leftOut: [] },
      }),
    );
});
