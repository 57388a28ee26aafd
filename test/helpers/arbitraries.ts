import fc from 'fast-check';
import { type Comparison, comparisonSchema, type Tool } from '../../src/comparisons/model.ts';
import { pairKey } from '../../src/comparisons/names.ts';

/**
 * Random comparisons that look real and are easy to misread: names with "vs" in them, labels and percentages inside
 * sentences, quotes in quotes, apostrophes, inch marks, several scripts.
 */

const NAME_WORDS = [
  'Orca',
  'Ferret',
  'Inkwell',
  'v2',
  '3',
  '(22B)',
  'Pro',
  'Studio',
  "O'Hare",
  'C++',
  'データ舟',
  'Ёж',
  'Ñandú',
  '(now vs then)',
  'AI',
  'Entry',
  'Community',
  'and',
  'الحبر',
  'Verse',
  'Vs.ly',
  'हिन्दी',
  '100%',
];
const PLAIN_WORDS = [
  'teams',
  'that',
  'ship',
  'skip',
  'every',
  'cloud',
  'backend',
  'costs',
  'about',
  '40%',
  '$200',
  'less',
  'than',
  'one',
  'engineer',
  'vs',
  'its',
  "don't",
  'it’s',
  'users’',
  'entry',
  'community',
  'panel',
  '24"',
  'naïve',
  "provider='x'",
  '(maybe)',
  '—',
  'e.g.',
  'v2.1',
  '速い',
  'быстро',
  'and',
  'a',
  'the',
  '“quoted”',
  '"so called"',
  '‘inner’',
  'https://example.org/a?b=1&c=2',
  'R&D',
  '<tag>',
];
const CATEGORIES = [
  'Developer Tools',
  'Voice & Audio',
  'Search',
  'Notes/Writing',
  '検索ツール',
  'Data',
  'No-code App Builders',
];
const PRICES = [
  'Free',
  '$20/mo',
  '€0.40 / 1M tokens',
  'From $9 per seat, billed yearly',
  'Contact sales',
  '¥1,200/月',
  '£5',
  'Free Entry tier',
  'Custom',
  '1 299 kr/år',
];

/** Words that identify a lens, so that a page without labels can be read at all. */
export const CUES: Record<string, string[]> = {
  builder: ['The primitive here is clean', 'The DX bet lands'],
  skeptic: ['Direct competitor is a spreadsheet', 'What kills this is boredom'],
  founder: ['The buyer here is a team lead', 'The moat is thin'],
  futurist: ['The thesis here is falsifiable', 'The trend line points up'],
  designer: ['The visual hierarchy is calm', 'The typography does the work'],
  creator: ['The audience will notice', 'Creators keep their taste'],
};
export const LENSES = Object.keys(CUES);

const words = (min: number, max: number) =>
  fc.array(fc.constantFrom(...PLAIN_WORDS), { minLength: min, maxLength: max }).map((list) => list.join(' '));

const sentence = fc
  .tuple(
    fc.constantFrom('It', 'This', 'Nobody', 'Sie', 'Это', '“Fast”'),
    words(2, 14),
    fc.constantFrom('.', '!', '?', '…', '.”'),
  )
  // A closing mark needs its opening one; an inch mark before a full stop is ignored.
  .map(([start, middle, end]) =>
    end === '.”' ? `${start} “${balanced(middle)}.”` : `${start} ${middle}${end}`,
  );

function balanced(text: string): string {
  return text.replace(/[“”"]/gu, '');
}

export const name = fc
  .tuple(
    fc.constantFrom('Orca', 'Hedge Maze', 'Ink', 'Ferret', '検索くん', 'Zażółć', 'Straße', 'Null'),
    fc.array(fc.constantFrom(...NAME_WORDS), { maxLength: 4 }),
  )
  .map(([first, rest]) => [first, ...rest].join(' '));

const tagline = fc
  .tuple(fc.constantFrom('Find', 'One API,', 'Örtlich', '音声'), words(1, 12), fc.constantFrom('', '.', '!'))
  .map(([start, middle, end]) => `${start} ${middle}${end}`);

export const percentage = fc.oneof(fc.constantFrom(0, 100, 50, 75, 62), fc.integer({ min: 0, max: 100 }));

const quoteOf = (lens: string) =>
  fc
    .tuple(fc.constantFrom(...(CUES[lens] ?? [''])), fc.array(sentence, { maxLength: 4 }))
    .map(([cue, rest]) => [`${cue}.`, ...rest].join(' ').trim());

function tool(lenses: readonly string[], isStated: boolean): fc.Arbitrary<Tool> {
  return fc
    .record({
      name,
      category: fc.constantFrom(...CATEGORIES),
      tagline,
      description: fc.array(sentence, { minLength: 1, maxLength: 5 }).map((list) => list.join(' ')),
      panelShip: percentage,
      communityShip: fc.option(percentage, { nil: null }),
      entryPrice: fc.constantFrom(...PRICES),
      quotes: fc.tuple(...lenses.map(quoteOf)),
      calls: fc.tuple(...lenses.map(() => fc.constantFrom('ship' as const, 'skip' as const))),
    })
    .map(({ quotes, calls, ...facts }) => ({
      ...facts,
      reviews: lenses.map((lens, index) => ({
        lens,
        quote: quotes[index] ?? '',
        call:
          facts.panelShip === 100
            ? ('ship' as const)
            : facts.panelShip === 0
              ? ('skip' as const)
              : isStated
                ? (calls[index] ?? null)
                : null,
      })),
    }));
}

/**
 * A comparison as a page can show it. `isStated`: every review has its call; otherwise calls are known only when the
 * panel is unanimous.
 */
export function comparison(options: { isStated?: boolean } = {}): fc.Arbitrary<Comparison> {
  return fc
    .shuffledSubarray(LENSES, { minLength: 3, maxLength: 6 })
    .chain((lenses) =>
      fc.tuple(tool(lenses, options.isStated ?? false), tool(lenses, options.isStated ?? false)),
    )
    .filter((tools) => new Set(JSON.parse(pairKey({ tools })) as string[]).size === 2)
    .map((tools) =>
      comparisonSchema.parse({
        slug: 'a-vs-b',
        url: 'https://site.example/compare/a-vs-b',
        publishedAt: null,
        tools,
      }),
    );
}
