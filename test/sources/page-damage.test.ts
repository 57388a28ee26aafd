import { describe, expect, it } from 'vitest';
import type { Comparison } from '../../src/comparisons/model.ts';
import { AppError } from '../../src/platform/errors.ts';
import { readPage } from '../../src/sources/parse/page.ts';
import { reflow } from '../helpers/pages.ts';

/**
 * Pages that are damaged, or built in an unusual way: read correctly or refused with the field named, never misread.
 */

const A = 'Granite Harbour Index Builder v3';
const B = 'Teal Kiwi Small (8B)';
const QUOTES = {
  builder: ['The primitive here is clean and small.', 'The DX bet lands on day one.'],
  skeptic: ['Direct competitor is a spreadsheet with macros.', 'What kills this is a weekend of boredom.'],
  founder: ['The buyer here is a team lead in a hurry.', 'The moat is thin, the upsell is not.'],
  futurist: ['The thesis here is falsifiable by spring.', 'The trend line points up and to the right.'],
};
const LENSES = ['builder', 'skeptic', 'founder', 'futurist'] as const;
const marked = (quote: string | undefined) => `“${quote}”`;
const pairs = LENSES.map((lens) => QUOTES[lens].map(marked));
const column = (side: 0 | 1) => pairs.map((pair) => pair[side] ?? '');

const FIGURES = ['75%', 'Panel ship', '—', 'Community', 'Free', 'Entry'];
const TAGLINES = [
  'Every index of your archive, one key away from all the harbours',
  'Eight billion weights that fit on the laptop you already have',
];
const DESCRIPTIONS = [
  'It reads an archive once and keeps the index fresh by night. Nobody has to ask for it twice, and nothing leaves the harbour.',
  'It answers without a network and says so. The weights are free to take, which makes a pilot cheap for any team that has a laptop.',
];
const HEAD = [
  'AI tool comparison',
  `${A} vs ${B}`,
  'Which one should you ship with? Here is the side-by-side panel verdict and the pricing read.',
];
const card = (side: 0 | 1) => [
  'Developer Tools',
  [A, B][side] ?? '',
  TAGLINES[side] ?? '',
  ...FIGURES,
  DESCRIPTIONS[side] ?? '',
];
const END = ['Weekly AI Tool Verdicts', 'Get the next comparison in your inbox'];
const LINES = [...HEAD, ...card(0), ...card(1), 'Reviewer scorecard', ...pairs.flat(), ...END];
const TEXT = LINES.join('\n');
const scorecard = (...lines: string[]) =>
  [...HEAD, ...card(0), ...card(1), 'Reviewer scorecard', ...lines, ...END].join('\n');

const WHOLE = readPage(TEXT);

function outcome(text: string): Comparison['tools'] | string {
  try {
    return readPage(text).tools;
  } catch (error) {
    if (error instanceof AppError && error.code === 'page-unreadable') return error.message;
    throw error;
  }
}

it('reads the undamaged page', () => {
  expect(WHOLE.tools.map(({ name, category }) => [name, category])).toEqual([
    [A, 'Developer Tools'],
    [B, 'Developer Tools'],
  ]);
});

describe('a name', () => {
  const broken = (text: string) => text.replace('Index Builder v3', 'Index\nBuilder v3');
  const html = (h1: string, h2: readonly [string, string]) =>
    `<html><body><h1>${h1}</h1><p>${HEAD[2]}</p>${([0, 1] as const)
      .map((side) => {
        const [category, , ...rest] = card(side);
        return `<p>${category}</p><h2>${h2[side]}</h2>${rest.map((line) => `<p>${line}</p>`).join('')}`;
      })
      .join('')}<h2>Reviewer scorecard</h2>${pairs
      .flat()
      .map((quote) => `<p>${quote}</p>`)
      .join('')}</body></html>`;
  const title = `${A} vs ${B}`;
  const [a, b] = ['Granite Harbour Index<br>Builder v3', 'Teal Kiwi Small<br>(8B)'];

  it.each([
    ['in its heading', TEXT.replace(`Tools\n${A}`, (text) => broken(text))],
    ['in its heading after a word', TEXT.replace(`Tools\n${A}`, `Tools\nGranite\n${A.slice(8)}`)],
    ['in the second heading', TEXT.replace(`Tools\n${B}`, 'Tools\nTeal Kiwi Small\n(8B)')],
    ['in the title', TEXT.replace(title, broken(title).replace(' (8B)', '\n(8B)'))],
    ['in HTML headings', html(title, [a, b])],
    ['in an HTML title', html(`${a} vs ${b}`, [A, B])],
    ['around "vs"', html(`${A}<br>vs<br>${B}`, [a, b])],
    ['under a trail', TEXT.replace(title, `Home / Compare / ${title}`).replace(`Tools\n${A}`, broken)],
  ])('is complete though broken %s', (_, text) => {
    expect(outcome(text)).toEqual(WHOLE.tools);
  });

  it('that is broken alike in title and heading is refused', () => {
    expect(outcome(html(`${a} vs ${B}`, [a, B]))).toContain('tools.0.name: ');
    expect(outcome(html(`${A} vs ${b}`, [A, b]))).toContain('tools.1.name: ');
  });

  it('of which the heading has only the end is refused', () => {
    expect(outcome(TEXT.replace(`Tools\n${A}`, 'Tools\nBuilder v3'))).toContain('tools.0.name: ');
  });

  it('is not split to make a category of its beginning, at any width', () => {
    const lines = LINES.filter((_, index) => index !== HEAD.length);
    for (let width = 20; width <= 130; width += 1) {
      expect(outcome(reflow(lines, width).join('\n'))).toContain('tools.0.category: ');
      expect(outcome(reflow([lines.join(' ')], width).join('\n'))).toMatch(/tools\.0\.(?:category|name): /u);
    }
  });

  it('that both tools share is refused', () => {
    expect(outcome(TEXT.replaceAll(B, A))).toContain('tools.1.name: ');
    const tools = WHOLE.tools.map((tool) => ({ ...tool, name: A }));
    expect(outcome(JSON.stringify({ tools }))).toContain('tools.1.name: ');
  });
});

describe('a scorecard', () => {
  const both = 'tools.0.reviews, tools.1.reviews: ';
  it('with one tool after the other and no names is refused', () => {
    expect(outcome(scorecard(...column(0), ...column(1)))).toContain(both);
  });

  it.each([1, 3, 5])('without the quotes %i and the next one is refused', (index) => {
    const quotes = pairs.flat();
    quotes.splice(index, 2);
    expect(outcome(scorecard(...quotes))).toContain(both);
  });

  it.each([
    ['tools in columns', [A, ...column(0), B, ...column(1)]],
    ['tools in columns, the second first', [B, ...column(1), A, ...column(0)]],
    ['lenses in rows', ['Lens', A, B, ...LENSES.flatMap((lens, row) => [lens, ...(pairs[row] ?? [])])]],
    [
      'lenses in rows, the second tool first',
      ['Lens', B, A, ...LENSES.flatMap((lens, row) => [lens, ...[...(pairs[row] ?? [])].reverse()])],
    ],
    [
      'a header in one line, the second tool first and its name cut short',
      [
        `Lens | Teal Kiwi Small | ${A}`,
        ...LENSES.flatMap((lens, row) => [lens, ...[...(pairs[row] ?? [])].reverse()]),
      ],
    ],
    ['a header without lenses, the second tool first', [`${B} | ${A}`, ...pairs.flatMap(([a, b]) => [b, a])]],
    ['names above quotes', pairs.flatMap(([a, b]) => [B, b, A, a])],
    ['names below quotes', pairs.flatMap(([a, b]) => [b, `— on ${B}`, a, `— on ${A}`])],
    [
      'lens and name in one line',
      LENSES.flatMap((lens, row) => [
        `${lens} on ${B}:`,
        pairs[row]?.[1],
        `${lens} on ${A}:`,
        pairs[row]?.[0],
      ]),
    ],
  ])('is read with %s', (_, lines) => {
    expect(outcome(scorecard(...lines.map(String)))).toEqual(WHOLE.tools);
  });

  it('without names is refused when every quote that names a tool names the other', () => {
    const named = (text: string, of: string) => `“${text.slice(1, -1)} ${of} knows it.”`;
    const [one = [], ...rest] = pairs;
    const [a = '', b = ''] = one;
    const swapped = [named(b, 'Teal Kiwi'), named(a, 'Granite Harbour')];
    expect(outcome(scorecard(...swapped, ...rest.flat()))).toContain(both);
    expect(typeof outcome(scorecard(...swapped.reverse(), ...rest.flat()))).toBe('object');
  });

  it('whose table has its columns in reverse order is read so', () => {
    const row = (label: string, a: string, b: string, cell = 'td') =>
      `<tr><th>${label}</th><${cell}>${a}</${cell}><${cell}>${b}</${cell}></tr>`;
    const [a, b] = WHOLE.tools;
    const text = `<h1>${A} vs ${B}</h1><table>${row('', A, B, 'th')}${row('Panel ship', '75.0%', '75 percent')}${row('Entry', a.entryPrice, b.entryPrice)}
${row('Category', a.category, b.category)}${row('Tagline', a.tagline, b.tagline)}${row('About', a.description, b.description)}</table>
<table>${row('', B, A, 'th')}${LENSES.map((lens) => row(lens, QUOTES[lens][1] ?? '', QUOTES[lens][0] ?? '')).join('')}</table>`;
    expect(outcome(text)).toEqual(WHOLE.tools);
  });
});

describe('text around a card', () => {
  const above = (noise: string) => TEXT.replace(`Developer Tools\n${B}`, `${noise}\nDeveloper Tools\n${B}`);
  it.each(['Visit site', 'VS', 'vs', '2', '#2', 'Editor’s pick', 'Visit site\nVS\n2'])(
    'is no description: %s',
    (noise) => {
      expect(outcome(above(noise))).toEqual(WHOLE.tools);
      expect(outcome(TEXT.replace('\nReviewer scorecard', `\n${noise}\nReviewer scorecard`))).toEqual(
        WHOLE.tools,
      );
    },
  );

  it.each(['\nNew', ' NEW', '\nEditor’s pick'])('is no tagline: a badge %j', (badge) => {
    expect(outcome(TEXT.replace(`Tools\n${B}`, `Tools\n${B}${badge}`))).toEqual(WHOLE.tools);
  });

  it('is refused when it may belong to a field', () => {
    expect(outcome(TEXT.replace(`Tools\n${B}`, `Tools\n${B}\nby Kiwi Labs, Wellington`))).toContain(
      'tools.1.tagline: ',
    );
    expect(outcome(above('2.'))).toContain('tools.0.description: ');
    expect(outcome(above('VS.'))).toContain('tools.0.description: ');
    expect(outcome(above('Read what our readers made of it this week'))).toContain('tools.0.description: ');
    expect(outcome(TEXT.replaceAll('Entry\nIt', 'Entry\nVisit their site\nIt'))).toContain(
      'tools.0.description: ',
    );
  });

  it('is kept when it is a sentence', () => {
    const text = TEXT.replace(DESCRIPTIONS[0] ?? '', 'It saves, e.g.\n$200.\nNew!\n40%.');
    const [first, second] = WHOLE.tools;
    expect(outcome(text)).toEqual([{ ...first, description: 'It saves, e.g. $200. New! 40%.' }, second]);
  });

  it('is no category', () => {
    expect(outcome(TEXT.replace(`Tools\n${B}`, `Tools\n2\n${B}`))).toContain('tools.1.category: ');
  });

  it('is refused when it is a third card', () => {
    const third = [
      'Developer Tools',
      'Ochre Fern',
      'Beside the point',
      ...FIGURES,
      'Not what this is about.',
    ];
    const text = (at: string) => TEXT.replace(at, `${third.join('\n')}\n${at}`);
    expect(outcome(text('Reviewer scorecard'))).toContain('"Panel ship"');
    expect(outcome(text(`Developer Tools\n${B}`))).toContain('"Panel ship"');
    expect(outcome(`${TEXT}\n${third.join('\n')}`)).toEqual(WHOLE.tools);
  });
});

describe('ordinary HTML', () => {
  const page = (body: string) =>
    `<!doctype html><html><head><title>x</title></head><body>${body}</body></html>`;
  for (const tag of ['span', 'b', 'a', 'strong', 'label', 'x-value', 'button']) {
    it.each(['', '\n'])(`has one <${tag}> for each value, %j between`, (between) => {
      const text = page(LINES.map((line) => `<${tag}>${line}</${tag}>`).join(between));
      expect(outcome(text)).toEqual(WHOLE.tools);
      expect(outcome(page(`<div id="app"><main>${text}</main></div>`))).toEqual(WHOLE.tools);
    });
  }

  it('has cards of inline values, headings that are buttons, and empty buttons', () => {
    const inline = (side: 0 | 1) => {
      const [category, name, tagline, ...rest] = card(side);
      return `<div><span>${category}</span><h2><button>${name}</button></h2><span>${tagline}</span><button>Try it</button>
<div>${rest
        .slice(0, -1)
        .map((value) => `<i>${value}</i>`)
        .join('')}</div><span>${rest.at(-1)}</span><button>Vote</button></div>`;
    };
    const text = page(
      `<h1>${HEAD[1]}</h1>${inline(0)}${inline(1)}<h2><button>Reviewer scorecard</button></h2>${pairs
        .flat()
        .map((quote) => `<p>${quote}</p>`)
        .join('')}`,
    );
    expect(outcome(text)).toEqual(WHOLE.tools);
  });

  it.each([
    ['over', ['75%', '—', 'Free'], ['Panel ship', 'Community', 'Entry']],
    ['under', ['Panel ship', 'Community', 'Entry'], ['75%', '—', 'Free']],
  ])('has its values %s their labels in a table', (_, ...rows) => {
    const table = `<table>${rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('')}</table>`;
    const block = (line: string) => `<div>${line}</div>`;
    const text = page(TEXT.replaceAll(FIGURES.join('\n'), table).split('\n').map(block).join(''));
    expect(outcome(text)).toEqual(WHOLE.tools);
  });
});

describe('a figure', () => {
  it.each(['75.0%', '75,0 %', '75 percent', '75 per cent', '75 %'])('may be written as %s', (figure) => {
    expect(outcome(TEXT.replaceAll('75%', figure))).toEqual(WHOLE.tools);
    const labels = TEXT.replaceAll(FIGURES.join('\n'), `Panel ship: ${figure}\nCommunity: —\nEntry: Free`);
    expect(outcome(labels)).toEqual(WHOLE.tools);
  });

  it.each([
    ['48% (120 votes)', 48],
    ['48% · 1,204 votes', 48],
    ['— (0 votes)', null],
  ])('of readers may be written as %s', (figure, value) => {
    const tools = outcome(TEXT.replaceAll('—\nCommunity', `${figure}\nCommunity`));
    expect(tools).toEqual(WHOLE.tools.map((tool) => ({ ...tool, communityShip: value })));
  });

  it.each(['75.5%', '175%', '75', '75 percentage points', '48% (120)'])('is refused as %s', (figure) => {
    expect(outcome(TEXT.replaceAll('75%', figure))).toContain('tools.0.panelShip: ');
    expect(outcome(TEXT.replaceAll('—\nCommunity', `${figure}\nCommunity`))).toContain(
      'tools.0.communityShip: ',
    );
  });
});
