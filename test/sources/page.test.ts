import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Comparison } from '../../src/comparisons/model.ts';
import { slugFor } from '../../src/comparisons/names.ts';
import { AppError } from '../../src/platform/errors.ts';
import { readPage } from '../../src/sources/parse/page.ts';
import { comparison } from '../helpers/arbitraries.ts';
import { asText, HTML_LAYOUTS, reflow, type TextStyle } from '../helpers/pages.ts';

const SEED = new URL('../../../shared/seed/comparison-page.txt', import.meta.url);

function named(value: Comparison): Comparison {
  return { ...value, slug: slugFor(value.tools[0].name, value.tools[1].name) };
}

function read(text: string, value: Comparison): Comparison {
  return readPage(text, { url: value.url });
}

function faultsOf(text: string): string {
  try {
    return `read without a fault: ${JSON.stringify(readPage(text))}`;
  } catch (error) {
    if (error instanceof AppError && error.code === 'page-unreadable') return error.message;
    throw error;
  }
}

/** For each layout: the values are of the same kinds in all of them. */
const RUNS = { numRuns: 40 };

describe('any comparison, printed and read back', () => {
  const styles: Record<string, TextStyle> = {
    'the layout of the site': {},
    'straight quotes': { marks: ['"', '"'] },
    'guillemets, figures on one line': { marks: ['«', '»'], figures: 'one-line' },
    'labels before figures': { figures: 'label-first' },
    'a lens above each pair': { labels: 'pair' },
  };
  for (const [what, style] of Object.entries(styles)) {
    it(`as text: ${what}`, () => {
      fc.assert(
        fc.property(comparison(), (value) => {
          expect(read(asText(value, style).join('\n'), value)).toEqual(named(value));
        }),
        RUNS,
      );
    });
  }

  it('as text with a lens and a call above each quote', () => {
    fc.assert(
      fc.property(comparison({ isStated: true }), (value) => {
        expect(read(asText(value, { labels: 'each' }).join('\n'), value)).toEqual(named(value));
      }),
    );
  });

  it('wrapped at any width, indented, with blank lines and CRLF', () => {
    const layout = fc.record({
      width: fc.integer({ min: 24, max: 140 }),
      indent: fc.constantFrom('', '  ', '\t'),
      newline: fc.constantFrom('\n', '\r\n', '\n\n', '\r\n \r\n'),
      labels: fc.constantFrom<'none' | 'pair'>('none', 'pair'),
    });
    fc.assert(
      fc.property(comparison(), layout, (value, { width, indent, newline, labels }) => {
        const text = reflow(asText(value, { labels }), width, indent).join(newline);
        expect(read(text, value)).toEqual(named(value));
      }),
    );
  });

  for (const [what, print] of Object.entries(HTML_LAYOUTS)) {
    it(`as HTML: ${what}`, () => {
      fc.assert(
        fc.property(comparison(), (value) => {
          expect(read(print(value), value)).toEqual(named(value));
        }),
        RUNS,
      );
    });
  }
});

describe('stored real pages', () => {
  const fixture = (name: string) =>
    readFileSync(new URL(`../fixtures/pages/${name}`, import.meta.url), 'utf8');

  it('HTML with reviewers named beside their lens', () => {
    const { tools, ...page } = readPage(fixture('named-reviewers.html'));
    expect(page).toEqual({
      slug: 'quillon-vs-brevity-desk-draft-vs-final',
      url: 'https://verdicts.example/compare/quillon-vs-brevity-desk',
      publishedAt: '2026-11-17T07:30:00Z',
    });
    expect(tools[0]).toMatchObject({
      name: 'Quillon',
      category: 'Writing',
      tagline: 'Turns meeting notes into minutes nobody disputes',
      panelShip: 67,
      communityShip: null,
      entryPrice: 'From €9 per seat, billed yearly',
      description:
        'Quillon listens, cites the minute and second, and asks before it guesses a name. Minutes go out within four minutes of the call.',
    });
    expect(tools[1]).toMatchObject({
      name: 'Brevity Desk (draft vs final)',
      panelShip: 33,
      communityShip: 81,
      entryPrice: 'Free',
    });
    const calls = tools.map((tool) => tool.reviews.map(({ lens, call }) => `${lens} ${call}`));
    expect(calls).toEqual([
      ['builder ship', 'skeptic skip', 'founder ship'],
      ['builder ship', 'skeptic skip', 'founder skip'],
    ]);
    expect(tools[0].reviews[0]?.quote).toContain('got "no changes", which');
    expect(tools[1].reviews[0]?.quote).toBe("One endpoint, POST /cut, and it's idempotent.");
  });

  it('text with the reviews of one tool after those of the other, and a lens of its own', () => {
    const { tools } = readPage(fixture('by-tool.txt'));
    expect(
      tools.map(({ category, panelShip, communityShip, entryPrice }) => [
        category,
        panelShip,
        communityShip,
        entryPrice,
      ]),
    ).toEqual([
      ['Search', 50, 62, '$20/mo'],
      ['Data', 75, null, 'Contact sales'],
    ]);
    expect(tools[0].description).toBe(
      'Lodestone indexes a laptop overnight and answers with the sentence you half remember.',
    );
    expect(tools[0].reviews).toEqual([
      { lens: 'builder', call: 'ship', quote: 'It answers in 90 ms with a 24" monitor full of logs open.' },
      {
        lens: 'night-shift nurse',
        call: 'skip',
        quote: 'At 3 a.m. I want the dosage table, not "a helpful summary" of it.',
      },
    ]);
    expect(tools[1].reviews.map(({ call }) => call)).toEqual(['ship', 'ship']);
  });
});

describe.skipIf(!existsSync(SEED))('the seed page', () => {
  const seed = existsSync(SEED) ? readFileSync(SEED, 'utf8') : '';
  const lines = seed.trimEnd().split('\n');
  const whole = () => readPage(seed);

  it('gives every field of both tools', () => {
    const { slug, tools } = whole();
    expect(slug).toBe(slugFor(lines[4] ?? '', lines[14] ?? ''));
    for (const [side, first] of [3, 13].entries()) {
      const tool = tools[side === 0 ? 0 : 1];
      const [category, name, tagline] = lines.slice(first);
      expect(tool).toMatchObject({
        category,
        name,
        tagline,
        panelShip: 100,
        communityShip: null,
        entryPrice: 'Free',
      });
      expect(tool.description).toBe(lines[first + 9]);
      expect(tool.reviews.map(({ lens, call }) => `${lens} ${call}`)).toEqual([
        'builder ship',
        'skeptic ship',
        'founder ship',
        'futurist ship',
      ]);
      expect(tool.reviews.map(({ quote }) => `“${quote}”`)).toEqual(
        [24, 26, 28, 30].map((line) => lines[line + side]),
      );
    }
  });

  it('reads the same as one endless line, or as that line wrapped again', () => {
    const words = lines.join(' ');
    for (const text of [
      words,
      ...[20, 30, 40, 72, 80, 120].map((width) => reflow([words], width).join('\r\n')),
    ]) {
      expect(readPage(text)).toEqual(whole());
    }
  });

  it('is never misread when lines are joined at random', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: lines.length, maxLength: lines.length }), (joins) => {
        const text = lines.map((line, index) => line + (joins[index] ? ' ' : '\n')).join('');
        const outcome = faultsOf(text);
        if (outcome.startsWith('read')) expect(readPage(text)).toEqual(whole());
      }),
    );
  });

  it('takes other figures', () => {
    const figures = seed
      .replaceAll('100%', '75%')
      .replace('—\nComm', '62%\nComm')
      .replace('Free\nEntry', '$20/mo\nEntry');
    const { tools } = readPage(figures);
    expect(tools.map((tool) => [tool.panelShip, tool.communityShip, tool.entryPrice])).toEqual([
      [75, 62, '$20/mo'],
      [75, null, 'Free'],
    ]);
    expect(tools[0].reviews.map(({ call }) => call)).toEqual([null, null, null, null]);
  });

  const wrong: [what: string, edit: (text: string) => string, fault: string][] = [
    [
      'a panel above 100',
      (text) => text.replace('100%', '104%'),
      'tools.0.panelShip: "104%" is not a whole percentage 0 to 100',
    ],
    [
      'a fraction',
      (text) => text.replace('100%', '62.5%'),
      'tools.0.panelShip: "62.5%" is not a whole percentage',
    ],
    [
      'no per cent',
      (text) => text.replace('100%', '100'),
      'tools.0.panelShip: "100" is not a whole percentage',
    ],
    [
      'a wordy community',
      (text) => text.replace('—\nComm', 'lots\nComm'),
      'tools.0.communityShip: "lots" is not',
    ],
    [
      'an orphaned dash',
      (text) => text.replace('Community\n', ''),
      'tools.0.entryPrice: "— Free" is not a price',
    ],
    [
      'a heading unlike the title',
      (text) => text.replace(/^Mistral 3 Small/mu, 'Mistral Small'),
      'tools.1.name: ',
    ],
    [
      'a quote that does not end',
      (text) => text.replace('.”', '.'),
      '8 opening and 7 closing quotation marks',
    ],
    [
      'no scorecard',
      (text) => text.replace(/^Reviewer scorecard$/mu, ''),
      'tools.1.description: no "Reviewer scorecard"',
    ],
    ['nothing at all', () => '', 'tools.0.panelShip: "Panel ship" stands nowhere on the page'],
    ['another page', () => '<html><body><h1>404</h1></body></html>', '"Panel ship" stands nowhere'],
  ];
  it.each(wrong)('names the field: %s', (_, edit, fault) => {
    expect(faultsOf(edit(seed))).toContain(fault);
  });

  const fields: [line: number, field: string][] = [
    [1, 'title'],
    [3, 'tools.0.category'],
    [4, 'tools.0.name'],
    [5, 'tools.0.tagline'],
    [6, 'tools.0.panelShip'],
    [7, 'tools.0.panelShip'],
    [10, 'tools.0.entryPrice'],
    [11, 'tools.0.entryPrice'],
    [12, 'tools.0.description'],
    [13, 'tools.1.category'],
    [14, 'tools.1.name'],
    [15, 'tools.1.tagline'],
    [16, 'tools.1.panelShip'],
    [17, 'tools.1.panelShip'],
    [20, 'tools.1.entryPrice'],
    [22, 'tools.1.description'],
    [25, 'tools.1.reviews'],
  ];
  it.each(fields)('names the field that is missing without line %i: %s', (line, field) => {
    expect(faultsOf(lines.filter((_, index) => index !== line).join('\n'))).toContain(`${field}: `);
  });

  it('treats a missing community figure as no votes', () => {
    expect(readPage(lines.filter((_, index) => index !== 8).join('\n'))).toEqual(whole());
  });
});

it('finds a call that contradicts a unanimous panel', () => {
  const value = fc.sample(comparison({ isStated: true }), { numRuns: 1, seed: 7 })[0];
  if (!value) throw new Error('no sample');
  for (const tool of value.tools) {
    tool.panelShip = 50;
    for (const review of tool.reviews) review.call = 'skip';
  }
  const text = asText(value, { labels: 'each' }).join('\n');
  expect(read(text, value)).toEqual(named(value));
  expect(faultsOf(text.replace('50%', '100%'))).toContain(
    'tools.0.reviews.0.call: "skip" beside a panel of 100%',
  );
});

it.each([
  ['too long', 'a'.repeat(1_000_001), 'longer than 1,000,000 characters'],
  ['nested without end', `${'<div>'.repeat(5_000)}x`, 'nested more than 200 deep'],
])('refuses a page that is %s', (_, text, reason) => {
  expect(faultsOf(text)).toMatch(new RegExp(reason, 'u'));
});
