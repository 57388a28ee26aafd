import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Comparison, Tool } from '../../src/comparisons/model.ts';
import { slugFor } from '../../src/comparisons/names.ts';
import { AppError } from '../../src/platform/errors.ts';
import { readPage } from '../../src/sources/parse/page.ts';
import { comparison } from '../helpers/arbitraries.ts';
import { asText, HTML_LAYOUTS } from '../helpers/pages.ts';

/** Pages with their comparison as data, or in tables with a column for each tool. */

const html = (text: string) =>
  text
    .replace(/&/gu, '&amp;')
    .replace(/</gu, '&lt;')
    .replace(/>/gu, '&gt;')
    .replace(/ a /gu, ' a&nbsp;')
    .replace(/tea(?=ms)/gu, 'tea&shy;');
const script = (value: unknown) => JSON.stringify(value).replace(/</gu, '\\u003c');
const title = ({ tools }: Comparison) => html(`${tools[0].name} vs ${tools[1].name}`);
const community = (tool: Tool) => (tool.communityShip === null ? '—' : `${tool.communityShip}%`);

/** Other comparisons that a site shows beside the page's own. */
const RELATED = ['Elsewhere', 'Otherwise'].map((name) => ({
  name,
  category: 'Data',
  tagline: 'Beside the point',
  description: 'Not what this page is about.',
  panelShip: 50,
  communityShip: null,
  entryPrice: 'Free',
  reviews: [],
}));

const snake = (tool: Tool) => ({
  name: tool.name,
  category: tool.category,
  tagline: tool.tagline,
  description: tool.description,
  panel_ship: tool.panelShip,
  community_ship: tool.communityShip,
  entry_price: tool.entryPrice,
  reviews: tool.reviews,
});

const application = (tool: Tool) => ({
  '@type': 'SoftwareApplication',
  name: tool.name,
  applicationCategory: tool.category,
  slogan: tool.tagline,
  description: tool.description,
  additionalProperty: [
    { '@type': 'PropertyValue', name: 'Panel ship', value: `${tool.panelShip}%` },
    { '@type': 'PropertyValue', name: 'Community', value: community(tool) },
    { '@type': 'PropertyValue', name: 'Entry', value: tool.entryPrice },
  ],
  review: tool.reviews.map(({ lens, quote, call }) => ({
    '@type': 'Review',
    author: { '@type': 'Person', name: `The ${lens}` },
    reviewBody: quote,
    ...(call ? { reviewRating: { '@type': 'Rating', name: call === 'ship' ? 'Ship' : 'Skip' } } : {}),
  })),
});

const LAYOUTS: Record<string, (value: Comparison) => string> = {
  'JSON-LD in the words of schema.org': (value) => `<!doctype html><html><head><title>${title(value)}</title>
<script type="application/ld+json">${script({
    '@context': 'https://schema.org',
    '@graph': [
      { '@type': 'BreadcrumbList', itemListElement: [{ '@type': 'ListItem', name: 'Compare' }] },
      {
        '@type': 'WebPage',
        url: value.url,
        mainEntity: {
          '@type': 'ItemList',
          itemListElement: value.tools.map((tool, position) => ({
            '@type': 'ListItem',
            position,
            item: application(tool),
          })),
        },
      },
    ],
  })}</script></head><body><h1>${title(value)}</h1><p>Read the verdict in the app.</p></body></html>`,

  'JSON-LD with our extension': (value) =>
    `<html><head><script type="application/ld+json">${script({
      '@context': 'https://schema.org',
      '@type': 'WebPage',
      _verdict: value,
    })}</script></head><body><main><h1>${title(value)}</h1></main></body></html>`,

  'the data of a framework, with other comparisons beside it': (value) =>
    `<html><head><title>${title(value)} | Site</title></head><body><div id="__next"><h1>${title(value)}</h1>
<a href="/x">Elsewhere vs Otherwise</a></div>
<script id="__NEXT_DATA__" type="application/json">${script({
      props: {
        pageProps: {
          related: [{ slug: 'elsewhere', tools: RELATED }],
          comparison: {
            id: 7,
            slug: 'whatever',
            url: value.url,
            tool_a: snake(value.tools[0]),
            tool_b: snake(value.tools[1]),
          },
        },
      },
    })}</script></body></html>`,

  'the state of a script, before it has run': (value) =>
    `<html><head></head><body><div id="root"></div><script>window.__STATE__ = ${script({ page: { tools: value.tools.map(snake) } })};</script></body></html>`,

  'JSON from end to end': (value) => JSON.stringify({ data: { comparison: value } }),

  'a table with both tools as columns': (value) => {
    const { tools } = value;
    const row = (label: string, cell: (tool: Tool) => string) =>
      `<tr><th scope="row">${label}</th>${tools.map((tool) => `<td>${cell(tool)}</td>`).join('')}</tr>`;
    const reviews = (tools[0].reviews ?? []).map((review, index) =>
      row(`The ${review.lens.charAt(0).toUpperCase()}${review.lens.slice(1)}`, (tool) => {
        const { quote = '', call = null } = tool.reviews[index] ?? {};
        return `${call ? `<b class="call">${call.toUpperCase()}</b> ` : ''}<p>“${html(quote)}”</p>`;
      }),
    );
    return `<!doctype html><html><body><nav><table><tr><td>Panel ship</td></tr></table></nav><h1>${title(value)}</h1>
<table class="versus"><thead><tr><td></td>${tools.map((tool) => `<th><a href="#">${html(tool.name)}</a></th>`).join('')}</tr></thead>
<tbody>${row('Category', (tool) => html(tool.category))}${row('In one line', (tool) => html(tool.tagline))}
${row('Panel ship', (tool) => `<strong>${tool.panelShip}&nbsp;%</strong>`)}${row('Community', community)}
${row('Entry price', (tool) => html(tool.entryPrice))}${row('What it is', (tool) => `<div>${html(tool.description)}</div>`)}</tbody></table>
<h2>Reviewer scorecard</h2><table>${reviews.join('\n')}</table>
<footer>Weekly AI Tool Verdicts</footer></body></html>`;
  },
};

const named = (value: Comparison) => ({ ...value, slug: slugFor(value.tools[0].name, value.tools[1].name) });

describe('any comparison, printed with its data and read back', () => {
  for (const [what, print] of Object.entries(LAYOUTS)) {
    it(`as ${what}`, () => {
      fc.assert(
        fc.property(comparison({ isStated: true }), (value) => {
          expect(readPage(print(value), { url: value.url })).toEqual(named(value));
        }),
      );
    });
  }

  it('means the same in every layout', () => {
    fc.assert(
      fc.property(comparison(), (value) => {
        const prints = [
          ...Object.values(LAYOUTS),
          ...Object.values(HTML_LAYOUTS),
          (each: Comparison) => asText(each).join('\n'),
        ];
        for (const print of prints) expect(readPage(print(value), { url: value.url })).toEqual(named(value));
      }),
      { numRuns: 25 },
    );
  });
});

describe('data that is not reliable alone', () => {
  const [value] = fc.sample(comparison(), { numRuns: 1, seed: 5 });
  if (!value) throw new Error('no sample');
  const read = (text: string) => readPage(text, { url: value.url });
  const withScript = (data: unknown, type = 'application/json') =>
    HTML_LAYOUTS.article?.(value).replace(
      '</main>',
      `</main><script type="${type}">${script(data)}</script>`,
    ) ?? '';

  it.each([
    ['is of another comparison', { tools: RELATED }],
    [
      'is only what search engines want',
      { '@type': 'ItemList', itemListElement: value.tools.map(({ name }) => ({ name })) },
    ],
    ['lacks a field', { tools: value.tools.map(({ tagline, ...tool }) => tool) }],
    [
      'is of several comparisons with these names',
      [
        { tools: value.tools },
        {
          tools: [
            { ...value.tools[0], name: value.tools[1].name },
            { ...value.tools[1], name: 'vs' },
          ],
        },
      ],
    ],
    ['is no object', 7],
  ])('is ignored in favour of the visible text when it %s', (_, data) => {
    expect(read(withScript(data))).toEqual(named(value));
  });

  it('is ignored when it is damaged or endless', () => {
    expect(read(withScript({}).replace('{}', '{"tools": ['))).toEqual(named(value));
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    expect(read(withScript({}).replace('{}', deep))).toEqual(named(value));
  });

  it('reports its faults when there is nothing else to read', () => {
    const tools = value.tools.map((tool) => ({ ...tool, panelShip: 140 }));
    const reasons = (text: string) => {
      try {
        return JSON.stringify(read(text));
      } catch (error) {
        if (error instanceof AppError) return error.message;
        throw error;
      }
    };
    expect(reasons(JSON.stringify({ tools }))).toContain('tools.0.panelShip');
    const table = LAYOUTS['a table with both tools as columns']?.(value) ?? '';
    expect(reasons(table.replaceAll('Entry price', 'Of note'))).toContain('tools.0.entryPrice: missing');
  });
});

describe('the URL of a page', () => {
  const [value] = fc.sample(comparison(), { numRuns: 1, seed: 5 });
  if (!value) throw new Error('no sample');
  const page = (url: string) => HTML_LAYOUTS.article?.({ ...value, url }) ?? '';
  it.each([
    ['https://site.example/a', 'https://site.example/a'],
    ['https://www.site.example/a', 'https://www.site.example/a'],
    ['/a', 'https://site.example/a'],
    ['https://victim.example/a', 'https://site.example/b?utm=1'],
    ['javascript:alert(1)', 'https://site.example/b?utm=1'],
  ])('that calls itself %s is %s', (canonical, url) => {
    expect(readPage(page(canonical), { base: 'https://site.example/b?utm=1' }).url).toBe(url);
  });

  it.each([
    'javascript:alert(1)',
    'ftp://site.example/a',
    '/a',
    'not an address',
    `https://site.example/${'a'.repeat(2_000)}`,
  ])('that was not fetched is invalid, with the field at fault, when it calls itself %s', (canonical) => {
    expect(() => readPage(page(canonical), { site: 'https://digest.example' })).toThrow(/\burl: /);
  });

  it('that was not fetched is its canonical URL as the URL standard parses it', () => {
    expect(readPage(page('\u2028https://site.example/a\u2028')).url).toBe('https://site.example/a');
  });
});
