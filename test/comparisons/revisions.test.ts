import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignTo, clash, identify, type Known } from '../../src/comparisons/identity.ts';
import { type Comparison, slugSchema } from '../../src/comparisons/model.ts';
import { canonicalUrl, contentHash, pairKey } from '../../src/comparisons/names.ts';
import { changesBetween, describeChange } from '../../src/comparisons/revisions.ts';
import { comparison as anyComparison } from '../helpers/arbitraries.ts';
import { comparison, tool } from '../helpers/compose.ts';

const review = (lens: string, quote: string, call: 'ship' | 'skip' | null = null) => ({ lens, quote, call });
const words = (was: Comparison, now: Comparison) =>
  changesBetween(was, now).map((change) => `${change.part} | ${describeChange(change)}`);

describe('changesBetween', () => {
  it('describes changes in words, most important first', () => {
    const was = comparison(
      'a-vs-b',
      tool('A', 50, { reviews: [review('builder', 'Old words.', 'skip'), review('founder', 'Same.')] }),
      tool('B', 0),
    );
    const now = comparison(
      'a-vs-b',
      tool('A', 75, {
        reviews: [review('builder', 'New words.', 'ship'), review('skeptic', 'Hm.')],
        description: 'Told anew.',
        tagline: 'Now with letters.',
      }),
      tool('B', 0, { communityShip: 40, entryPrice: '$20/mo' }),
    );
    expect(words(was, { ...now, url: 'https://site.example/elsewhere' })).toEqual([
      'verdict | Verdict: Split on A → Ship A',
      'panel | Panel on A: 50% → 75%',
      'panel | Call of the builder on A: skip → ship',
      'price | Entry price of B: Free → $20/mo',
      'community | Community on B: — → 40%',
      'text | Tagline of A: A in one line. → Now with letters.',
      'text | Description of A rewritten',
      'text | Review of the builder on A rewritten',
      'text | Review of the founder on A: there → none',
      'text | Review of the skeptic on A: none → there',
      'text | Address: https://site.example/compare/a-vs-b → https://site.example/elsewhere',
    ]);
  });

  it('a new name is a text change, and no new verdict', () => {
    const was = comparison('a-vs-b', tool('A', 100), tool('B', 0));
    const [a, b] = was.tools;
    const now: Comparison = { ...was, tools: [{ ...a, name: 'A 2' }, b] };
    expect(words(was, now)).toEqual(['text | Name: A → A 2']);
  });

  it('is empty exactly when the hash is the same', () => {
    fc.assert(
      fc.property(anyComparison({ isStated: true }), anyComparison(), fc.nat(40), (one, other, seed) => {
        const mixed = mix(one, other, seed);
        expect(changesBetween(one, mixed).length > 0).toBe(contentHash(one) !== contentHash(mixed));
        expect(changesBetween(one, structuredClone(one))).toEqual([]);
      }),
    );
  });

  it('reviews in another order are a change', () => {
    const [x, y] = [review('builder', 'x'), review('skeptic', 'y')];
    const was = comparison('a-vs-b', tool('A', 50, { reviews: [x, y] }), tool('B', 0));
    const now = comparison('a-vs-b', tool('A', 50, { reviews: [y, x] }), tool('B', 0));
    expect(words(was, now)).toEqual(['text | Order of the reviews of A rewritten']);
  });
});

/** One comparison with single fields of another. */
function mix(one: Comparison, other: Comparison, seed: number): Comparison {
  const [a, b] = structuredClone(one.tools);
  const fields = Object.keys(a) as (keyof typeof a)[];
  const field = fields[seed % fields.length] ?? 'name';
  return seed > 30
    ? one
    : {
        ...one,
        tools:
          seed % 2 === 0
            ? [{ ...a, [field]: other.tools[0][field] }, b]
            : [a, { ...b, [field]: other.tools[1][field] }],
      };
}

describe('identity', () => {
  const row = (value: Comparison): Known => ({
    id: `id of ${value.slug}`,
    slug: value.slug,
    pair_key: pairKey(value),
    url: value.url,
  });
  const ab = comparison('a-vs-b', tool('A', 100), tool('B', 0));
  const cd = comparison('c-vs-d', tool('C', 100), tool('D', 0));

  it('the same pair is the same comparison, in any order, case and place', () => {
    const other = { ...comparison('b-vs-a', tool('b', 0), tool('a', 100)), url: 'https://site.example/new' };
    const [one] = identify([row(ab)], [other]);
    expect(one).toMatchObject({ kind: 'known', row: { slug: 'a-vs-b' }, comparison: { url: other.url } });
    expect(alignTo(ab, other)).toMatchObject({ slug: 'a-vs-b', tools: [{ name: 'a' }, { name: 'b' }] });
  });

  it('the same page is the same comparison, with a renamed tool', () => {
    const renamed = { ...comparison('a2-vs-b', tool('B', 0), tool('A2', 100)), url: ab.url };
    expect(identify([row(ab)], [renamed])[0]).toMatchObject({ kind: 'known', row: { slug: 'a-vs-b' } });
    expect(alignTo(ab, renamed).tools.map(({ name }) => name)).toEqual(['A2', 'B']);
  });

  it('a page is never taken from its comparison', () => {
    const [one, two] = identify([row(ab), row(cd)], [{ ...ab, url: cd.url }, cd]);
    expect(one).toMatchObject({ kind: 'known', comparison: { url: ab.url } });
    expect(two).toMatchObject({ kind: 'known', row: { slug: 'c-vs-d' } });
    const [, lodger] = identify([row(ab)], [ab, { ...cd, url: ab.url }]);
    expect(lodger).toMatchObject({ kind: 'refused', reason: 'C vs D: the page of another comparison' });
  });

  it('two of one pair in one delivery are one; two names with one slug are two', () => {
    const [, second] = identify([], [ab, comparison('b-vs-a', tool('B', 0), tool('A', 100))]);
    expect(second).toMatchObject({ kind: 'refused', reason: 'B vs A: the same two tools came before' });
    const c = { ...comparison('c-vs-d', tool('C++', 100), tool('D', 0)), url: 'https://site.example/cpp' };
    const [, cpp] = identify([], [cd, c]);
    const [again] = identify([row(cd)], [c]);
    expect(again).toEqual(cpp);
    expect(cpp?.comparison.slug).toMatch(/^c-vs-d-[0-9a-f]{8}$/);
    expect(cpp?.kind).toBe('new');
  });

  it('keeps pairs and pages unique, for any input', () => {
    const some = fc
      .array(fc.tuple(fc.constantFrom('A', 'B', 'C', 'D'), fc.constantFrom('A', 'B', 'C', 'E'), fc.nat(4)))
      .map((all) =>
        all
          .filter(([a, b]) => a !== b)
          .map(([a, b, page]) => ({
            ...comparison(`slug-${(page * 7) % 3}`, tool(a, 50), tool(b, 50)),
            url: `https://site.example/${page}`,
          })),
      );
    fc.assert(
      fc.property(some, some, (first, second) => {
        const saved = new Map<string, Comparison>();
        const save = (incoming: Comparison[]) => {
          const known = [...saved.values()].map(row);
          for (const one of identify(known, incoming)) {
            if (one.kind === 'refused') continue;
            const slug = one.kind === 'known' ? one.row.slug : one.comparison.slug;
            expect(slugSchema.safeParse(slug).success).toBe(true);
            if (one.kind === 'new') expect(saved.has(slug)).toBe(false);
            saved.set(slug, { ...one.comparison, slug });
          }
          const all = [...saved.values()];
          expect(new Set(all.map(pairKey)).size).toBe(all.length);
          expect(new Set(all.map(({ url }) => url)).size).toBe(all.length);
        };
        save(first);
        save(second);
        const before = structuredClone([...saved]);
        save(second);
        // The same delivery again changes only comparisons that had to wait for a free page.
        if (second.length === 1) expect([...saved]).toEqual(before);
      }),
    );
  });

  it('a push learns which comparison owns its slug or page', () => {
    expect(clash([row(ab)], comparison('a-vs-b', tool('B', 0), tool('A', 0)))).toBeUndefined();
    expect(clash([row(ab)], comparison('a-vs-b', tool('C', 0), tool('A', 0)))).toEqual({
      field: 'slug',
      reason: 'belongs to the comparison of a and b',
    });
    expect(clash([row(ab)], { ...cd, url: ab.url })?.field).toBe('url');
  });
});

describe('canonicalUrl', () => {
  it.each([
    ['https://Site.Example/x#reviews', 'https://site.example/x'],
    ['https://site.example/x?utm_source=mail&id=2&fbclid=9', 'https://site.example/x?id=2'],
    ['https://site.example/x?utm_medium=a', 'https://site.example/x'],
    ['https://site.example:443/舟/', 'https://site.example/%E8%88%9F/'],
    ['https://site.example/x?q=a%20b', 'https://site.example/x?q=a%20b'],
  ])('%s is %s', (url, canonical) => {
    expect(canonicalUrl(url)).toBe(canonical);
    expect(canonicalUrl(canonical)).toBe(canonical);
  });
});
