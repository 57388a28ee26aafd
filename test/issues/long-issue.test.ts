import { describe, expect, test } from 'vitest';
import { compose } from '../../src/issues/compose.ts';
import type { IssueContent, PlaceholderCounts, PlaceholderName } from '../../src/issues/content.ts';
import { variantsOf } from '../../src/issues/variants.ts';
import { checks } from '../../src/render/checks.ts';
import { compile, personalise } from '../../src/render/personalise.ts';
import { LONGEST_TOKEN } from '../../src/render/placeholders.ts';
import { renderToFit, renderVariant, TEMPLATES, type TemplateRef } from '../../src/render/render-variant.ts';
import { signerOfAll } from '../../src/subscribers/tokens.ts';
import { candidate, comparison, input, tool } from '../helpers/compose.ts';

const words = (count: number) => 'A sentence of nine words that says next to nothing. '.repeat(count).trim();

/** A backlog as after a first gathering, by default with long texts in every comparison. */
function backlog(count: number, { sentences = 10, entryPrice = 'From $12 per seat, billed yearly' } = {}) {
  return Array.from({ length: count }, (_, index) => {
    const say = (name: string, panelShip: number) =>
      tool(name, panelShip, {
        tagline: words(1),
        description: words(sentences),
        entryPrice,
        reviews: ['builder', 'skeptic', 'founder', 'futurist'].map((lens) => ({
          lens,
          quote: words(sentences),
          call: null,
        })),
      });
    const [a, b] = [`Considerably Named Tool ${index}`, `Another Tool of Some Length ${index}`];
    return candidate(
      comparison(`comparison-${index}`, say(a, (index * 37) % 101), say(b, (index * 61) % 101)),
    );
  });
}

function contentOf(
  count: number,
  size?: Parameters<typeof backlog>[1],
): { content: IssueContent; notes: string[] } {
  const composed = compose(input(backlog(count, size)));
  if (composed.kind === 'skipped') throw new Error(composed.reason);
  const [general] = variantsOf(composed.plan, []).variants;
  if (general === undefined) throw new Error('no variant');
  return { content: general.content, notes: composed.plan.notes };
}

/** Bytes of an issue by comparisons, as a reader gets it. */
const BUDGET: Record<TemplateRef, Record<number, number>> = {
  'react:digest': { 1: 20_000, 3: 30_000, 8: 40_000, 20: 48_000, 40: 60_000 },
  'mjml:digest': { 1: 25_000, 3: 40_000, 8: 55_000, 20: 48_000, 40: 60_000 },
};

/** The links of a reader, with a token of the usual length. */
const READER_LINKS = (() => {
  const tokens = signerOfAll(['a'.repeat(32)])({
    subscriberId: '00000000-0000-4000-8000-000000000001',
    version: 1,
  });
  return Object.fromEntries(
    Object.entries(tokens).map(([name, token]) => [name, `https://site.example/${name}/${token}`]),
  ) as Record<PlaceholderName, string>;
})();

describe.each(TEMPLATES)('a long issue by %s', (template) => {
  test.each([1, 3, 8, 20, 40])(
    'of %i comparisons is within its budget as delivered, with every card and row',
    async (count) => {
      const full = contentOf(count).content;
      const { content, rendered } = await renderToFit(full, template);
      expect(content).toEqual(full);
      expect(full.cards).toHaveLength(Math.min(3, count - 1));
      const { html, text } = personalise(compile(rendered), READER_LINKS);
      expect(Buffer.byteLength(html)).toBeLessThanOrEqual(BUDGET[template][count] ?? 0);
      expect(checks(content, rendered).filter(({ level }) => level === 'block')).toEqual([]);
      const said = text.replace(/\s+/gu, ' ');
      for (const { names } of full.rows) for (const name of names) expect(said).toContain(name);
    },
  );

  test('Y12: is measured with the links of its readers, never below what they get', async () => {
    const rendered = await renderVariant(contentOf(8).content, template);
    const { html, text } = personalise(compile(rendered), READER_LINKS);
    const longest = (links: PlaceholderCounts) =>
      Object.values(links).reduce((sum, links) => sum + links * (LONGEST_TOKEN - TOKEN_LENGTH), 0);
    expect(rendered.bytes.html).toBe(Buffer.byteLength(html) + longest(rendered.links.html));
    expect(rendered.bytes.text).toBe(Buffer.byteLength(text) + longest(rendered.links.text));
  });
});

/** Of a token whose version has one digit. */
const TOKEN_LENGTH = 56;

test('eight verdicts are read in three minutes', () => {
  const { content } = contentOf(8, { sentences: 2, entryPrice: '$12/mo' });
  expect(content.readingMinutes).toBeLessThanOrEqual(3);
});

test('of a flood, forty are in the issue, forty wait, and the rest is told by number', () => {
  const { content, notes } = contentOf(100);
  expect(1 + content.rows.length).toBe(40);
  expect(content.rest).toMatchObject({ new: 20, url: 'https://site.example/issues/2026-11-24/all' });
  expect(notes).toEqual([
    '40 comparisons wait for the next issue: 40 fit in one.',
    '20 new comparisons are told by number, with a link to the page that lists them.',
  ]);
});
