import { createHash } from 'node:crypto';
import type { Comparison } from './model.ts';
import { nameKey, pairKey, title } from './names.ts';

/** The fields of a stored comparison that identify it. */
export interface Known {
  id: string;
  slug: string;
  pair_key: string;
  url: string;
}

/** How an incoming comparison relates to the stored ones. */
export type Identified<Row extends Known = Known> =
  | { kind: 'new'; comparison: Comparison }
  | { kind: 'known'; row: Row; comparison: Comparison }
  | { kind: 'refused'; comparison: Comparison; reason: string };

/**
 * Identifies each incoming comparison. One row per pair of tools, in either order; one row per page. Pure.
 *
 * 1. The same pair is the same comparison, whatever its page and its slug are now. 2. The same page with another pair
 * is the same comparison with a renamed tool. 3. Every other one is new. When its slug is taken, it gets another: two
 * names can give one slug ("C" and "C++"), and neither comparison may be lost.
 *
 * When two in one delivery are the same comparison, the first is used. {@link alignTo} sets slugs and the order of
 * tools.
 * @param known every row that shares a pair, a page or a slug with the incoming comparisons.
 */
export function identify<Row extends Known>(
  known: readonly Row[],
  incoming: readonly Comparison[],
): Identified<Row>[] {
  const byPair = new Map(known.map((row) => [row.pair_key, row]));
  const byUrl = new Map(known.map((row) => [row.url, row]));
  const slugs = new Set(known.map((row) => row.slug));
  /** The owner of each page after the save. */
  const pages = new Map(known.map((row) => [row.url, row.pair_key]));
  const claimed = new Set(incoming.map((each) => byPair.get(pairKey(each))?.id));
  const seen = new Set<string>();

  return incoming.map((comparison): Identified<Row> => {
    const pair = pairKey(comparison);
    if (seen.has(pair)) return refused(comparison, 'the same two tools came before');
    seen.add(pair);

    const samePair = byPair.get(pair);
    if (samePair !== undefined) {
      // A page of another comparison cannot be taken over.
      const free = !pages.has(comparison.url);
      if (free) {
        pages.delete(samePair.url);
        pages.set(comparison.url, pair);
      }
      return {
        kind: 'known',
        row: samePair,
        comparison: free ? comparison : { ...comparison, url: samePair.url },
      };
    }
    const samePage = byUrl.get(comparison.url);
    if (samePage !== undefined && !claimed.has(samePage.id)) {
      claimed.add(samePage.id);
      return { kind: 'known', row: samePage, comparison };
    }
    if (pages.has(comparison.url)) return refused(comparison, 'the page of another comparison');
    pages.set(comparison.url, pair);
    const slug = slugs.has(comparison.slug) ? ownSlug(comparison) : comparison.slug;
    slugs.add(slug);
    return { kind: 'new', comparison: { ...comparison, slug } };
  });
}

/**
 * For a push: the client names one comparison, and must be told when the name belongs to another.
 * @returns undefined when slug and page are free, or belong to this pair.
 */
export function clash(
  known: readonly Known[],
  incoming: Comparison,
): { field: 'slug' | 'url'; reason: string } | undefined {
  const pair = pairKey(incoming);
  for (const field of ['slug', 'url'] as const) {
    const other = known.find((row) => row[field] === incoming[field] && row.pair_key !== pair);
    if (other === undefined) continue;
    const names: string[] = JSON.parse(other.pair_key);
    return { field, reason: `belongs to the comparison of ${names.join(' and ')}` };
  }
  return undefined;
}

/** Turns B-vs-A of a comparison stored as A-vs-B round and keeps its slug: a swap is not a change. */
export function alignTo(known: Pick<Comparison, 'slug' | 'tools'>, incoming: Comparison): Comparison {
  const [a, b] = incoming.tools.map(({ name }) => nameKey(name));
  const [first, second] = known.tools.map(({ name }) => nameKey(name));
  const isSwapped = a !== first && b !== second && (a === second || b === first);
  return { ...incoming, slug: known.slug, tools: isSwapped ? swapped(incoming) : incoming.tools };
}

export function swapped({ tools: [a, b] }: Pick<Comparison, 'tools'>): Comparison['tools'] {
  return [b, a];
}

/** The slug with a suffix computed from the pair, so that it is always the same. */
function ownSlug(comparison: Comparison): string {
  const mark = createHash('sha256').update(pairKey(comparison)).digest('hex').slice(0, 8);
  const room = comparison.slug.slice(0, 150).toWellFormed();
  return `${room.replace(/[-\uFFFD]+$/u, '')}-${mark}`;
}

function refused(comparison: Comparison, reason: string) {
  return { kind: 'refused' as const, comparison, reason: `${title(comparison)}: ${reason}` };
}
