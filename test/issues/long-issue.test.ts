import { describe, expect, test } from 'vitest';
import { compose } from '../../src/issues/compose.ts';
import type { IssueContent } from '../../src/issues/content.ts';
import { variantsOf } from '../../src/issues/variants.ts';
import { checks, SIZE_LIMITS } from '../../src/render/checks.ts';
import { renderToFit, TEMPLATES } from '../../src/render/render-variant.ts';
import { candidate, comparison, input, tool } from '../helpers/compose.ts';

const words = (count: number) => 'A sentence of nine words that says next to nothing. '.repeat(count).trim();

/** A backlog as after a first gathering, with long texts in every comparison. */
function backlog(count: number) {
  return Array.from({ length: count }, (_, index) => {
    const say = (name: string, panelShip: number) =>
      tool(name, panelShip, {
        tagline: words(1),
        description: words(8),
        entryPrice: 'From $12 per seat, billed yearly',
        reviews: ['builder', 'skeptic', 'founder', 'futurist'].map((lens) => ({
          lens,
          quote: words(10),
          call: null,
        })),
      });
    const [a, b] = [`Considerably Named Tool ${index}`, `Another Tool of Some Length ${index}`];
    return candidate(
      comparison(`comparison-${index}`, say(a, (index * 37) % 101), say(b, (index * 61) % 101)),
    );
  });
}

function contentOf(count: number): { content: IssueContent; notes: string[] } {
  const composed = compose(input(backlog(count)));
  if (composed.kind === 'skipped') throw new Error(composed.reason);
  const [general] = variantsOf(composed.plan, []).variants;
  if (general === undefined) throw new Error('no variant');
  return { content: general.content, notes: composed.plan.notes };
}

describe.each(TEMPLATES)('a long issue by %s', (template) => {
  test.each([8, 14, 18, 40])('of %i comparisons fits a mail, and drops none of them', async (count) => {
    const full = contentOf(count).content;
    const { content, rendered } = await renderToFit(full, template);
    expect(rendered.bytes.html).toBeLessThanOrEqual(SIZE_LIMITS.block);
    expect(checks(content, rendered).filter(({ level }) => level === 'block')).toEqual([]);
    const shown = [content.lead, ...content.cards, ...content.compact, ...content.brief].map(
      ({ slug }) => slug,
    );
    expect(shown).toEqual([full.lead, ...full.cards, ...full.compact].map(({ slug }) => slug));
    for (const { title } of [full.lead, ...full.cards, ...full.compact])
      expect(rendered.text).toContain(title);
  });
});

test('of a flood, forty are in the issue, forty wait, and the rest is told by number', () => {
  const { content, notes } = contentOf(100);
  expect(1 + content.cards.length + content.compact.length).toBe(40);
  expect(content.rest).toMatchObject({ new: 20, url: 'https://site.example/issues/2026-11-24/all' });
  expect(notes).toEqual([
    '40 comparisons wait for the next issue: 40 fit in one.',
    '20 new comparisons are told by number, with a link to the page that lists them.',
  ]);
});
