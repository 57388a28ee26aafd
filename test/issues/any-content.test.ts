import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Comparison, comparisonSchema, type Tool } from '../../src/comparisons/model.ts';
import type { MailedComparison } from '../../src/issues/changes.ts';
import { type ComposeInput, compose } from '../../src/issues/compose.ts';
import type { IssueContent } from '../../src/issues/content.ts';
import { variantsOf } from '../../src/issues/variants.ts';
import { checks, SIZE_LIMITS } from '../../src/render/checks.ts';
import { renderToFit, TEMPLATES, type TemplateRef } from '../../src/render/render-variant.ts';
import { CATEGORIES, candidate, comparison, comparisons, input, tool } from '../helpers/compose.ts';

/** Whatever a source delivers, its issue fits into a mail, and no verdict that turned is lost. */

type Kind = 'turned' | 'price' | 'panel';

/** Comparisons that were mailed and have changed since. */
function changes(count: number, kindOf: (index: number) => Kind): MailedComparison[] {
  return Array.from({ length: count }, (_, index) => {
    const [a, b] = [`Considerably Named Tool ${index}`, `Another Tool of Some Length ${index}`];
    const kind = kindOf(index);
    const category = CATEGORIES[index % CATEGORIES.length] as string;
    const slug = `old-${String(index).padStart(4, '0')}`;
    const was = comparison(slug, tool(a, 80, { category, entryPrice: '$20/mo' }), tool(b, 25, { category }));
    const now = {
      turned: tool(a, 50, { category, entryPrice: '$20/mo' }),
      panel: tool(a, 90, { category, entryPrice: '$20/mo' }),
      price: tool(a, 80, { category, entryPrice: '$25/mo' }),
    }[kind];
    return { was, now: comparison(slug, now, was.tools[1]), mailedIn: 3 };
  });
}

const fresh = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    candidate(comparison(`new-${index}`, tool(`New ${index}`, 90), tool(`Newer ${index}`, 10))),
  );

function general(week: ComposeInput): IssueContent {
  const composed = compose(week);
  if (composed.kind === 'skipped') throw new Error(composed.reason);
  const [first] = variantsOf(composed.plan, []).variants;
  if (first === undefined) throw new Error('no variant');
  return first.content;
}

/** How many verdicts that turned an issue tells, in rows, lines, names and numbers. */
function turnedIn({ changed, turned, rest }: IssueContent): number {
  const rows = [...changed, ...turned].filter(({ kind }) => kind === 'turned').length;
  return rows + (rest?.turnedTitles.length ?? 0) + (rest?.turned ?? 0);
}

/** How many changes an issue tells altogether. */
function changesIn(content: IssueContent): number {
  const { changed, turned, rest } = content;
  const counted = rest === null ? 0 : rest.turnedTitles.length + rest.turned + rest.prices + rest.panels;
  return changed.length + turned.length + counted;
}

async function fitted(full: IssueContent, template: TemplateRef): Promise<IssueContent> {
  const { content, rendered } = await renderToFit(full, template);
  expect(rendered.bytes.html).toBeLessThanOrEqual(SIZE_LIMITS.warn);
  expect(checks(content, rendered).filter(({ level }) => level === 'block')).toEqual([]);
  return content;
}

describe.each(TEMPLATES)('Y1: an issue by %s', (template) => {
  it.each([
    ['22 rows, as in the week that stopped the newsletter', 22, () => 'price' as const],
    ['55 rows', 55, (index: number) => (['turned', 'price', 'panel'] as const)[index % 3] as Kind],
    ['60 verdicts that turned', 60, () => 'turned' as const],
    ['1,000 verdicts that turned', 1_000, () => 'turned' as const],
    ['a new price on 1,000 pages', 1_000, () => 'price' as const],
  ])('with %s can be sent, and loses no change', async (_, count, kindOf) => {
    const mailed = changes(count, kindOf);
    const full = general(input(fresh(12), { mailed }));
    const content = await fitted(full, template);
    const turned = mailed.filter((__, index) => kindOf(index) === 'turned').length;
    expect(turnedIn(content)).toBe(turned);
    expect(changesIn(content)).toBe(count);
  });

  it('with a flood of 1,000 new pages can be sent, and counts each', async () => {
    const content = await fitted(
      general(input(fresh(1_000), { mailed: changes(40, () => 'turned') })),
      template,
    );
    const { rows, rest } = content;
    // Forty wait for the next issue.
    expect(1 + rows.length + (rest?.new ?? 0)).toBe(960);
    expect(turnedIn(content)).toBe(40);
  });
});

describe('Y1: an issue from any source', () => {
  /** Texts of the greatest size that a source can deliver. */
  const filled = (max: number) =>
    fc.constantFrom('"', '&', "'", '<', '語', 'a\u0301\u0302\u0303', '👨‍👩‍👧‍👦', 'word ').map((unit) =>
      unit
        .repeat(Math.ceil(max / unit.length))
        .slice(0, max)
        .toWellFormed()
        .replace(/\uFFFD/gu, ''),
    );
  const largest: fc.Arbitrary<Tool> = fc.record({
    name: fc.tuple(filled(100), fc.stringMatching(/^[a-z]{10,20}$/)).map(([text, end]) => text + end),
    category: filled(60),
    tagline: filled(240),
    description: filled(4_000),
    panelShip: fc.integer({ min: 0, max: 100 }),
    communityShip: fc.option(fc.integer({ min: 0, max: 100 })),
    entryPrice: filled(60),
    reviews: fc.array(
      fc.record({
        lens: fc.stringMatching(/^[a-z]{40}$/),
        quote: filled(4_000),
        call: fc.constant('ship' as const),
      }),
      { minLength: 12, maxLength: 12 },
    ),
  });
  const huge: fc.Arbitrary<Comparison> = fc
    .tuple(fc.stringMatching(/^[a-z]{150}$/), largest, largest, filled(1_900))
    .map(([slug, a, b, query]) =>
      comparisonSchema.safeParse({
        slug,
        url: `https://site.example/?${query}`,
        publishedAt: null,
        tools: [a, b],
      }),
    )
    .filter((result) => result.success)
    .map((result) => result.data);

  const worlds = fc
    .tuple(
      fc.oneof(
        fc.array(huge, { minLength: 1, maxLength: 45 }),
        fc.array(comparisons, { minLength: 1, maxLength: 45 }),
      ),
      fc.oneof(fc.array(huge, { maxLength: 60 }), fc.constant([])),
      fc.integer({ min: 0, max: 300 }),
    )
    .map(([added, changed, more]) => {
      const named = (all: Comparison[], prefix: string) =>
        all.map((each, at) => ({ ...each, slug: `${prefix}-${at}` }));
      const turned = named([...changed], 'turned').map((now): MailedComparison => {
        const [a, b] = now.tools;
        const flip = (side: Tool): Tool => ({ ...side, panelShip: side.panelShip > 50 ? 0 : 100 });
        return { was: { ...now, tools: [flip(a), flip(b)] }, now, mailedIn: 2 };
      });
      return input(
        named(added, 'new').map((each) => candidate(each)),
        {
          mailed: [
            ...turned,
            ...changes(more, (index) => (['turned', 'price', 'panel'] as const)[index % 3] as Kind),
          ],
        },
      );
    });

  it.each(TEMPLATES)(
    'fits a mail by %s, and loses no verdict that turned',
    async (template) => {
      await fc.assert(
        fc.asyncProperty(worlds, async (week) => {
          const full = general(week);
          const { content, rendered } = await renderToFit(full, template);
          expect(rendered.bytes.html).toBeLessThanOrEqual(SIZE_LIMITS.warn);
          expect(turnedIn(content)).toBe(turnedIn(full));
          expect(changesIn(content)).toBe(changesIn(full));
        }),
        // The sizes to choose from are the same for both; MJML takes five times as long to render one.
        { numRuns: template === 'react:digest' ? 12 : 5 },
      );
    },
    120_000,
  );
});
