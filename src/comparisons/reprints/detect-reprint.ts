import type { Field } from './field-changes.ts';

/**
 * A site that changes its clothes: when much of the archive changes within days in the same field and way, it is one
 * event of the site, not news about that many tools.
 */

/**
 * Changes are counted over this many days: a gathering may leave pages to the next one, and asks for a page that its
 * sitemap calls unchanged only once a week.
 */
export const REPRINT_WINDOW_DAYS = 8;

/**
 * How many comparisons of the archive make a reprint: at least this share of them, and at least so many.
 *
 * `sameFigures`: the figures stayed, and only what surrounds them is new, in every comparison in the same words. News
 * does not do that, so a tenth is enough. `otherFigures`: the figures changed, too. Prices and panels do that every
 * week, so half of the archive has to: then the site counts otherwise, or is read wrongly.
 */
export const REPRINT_FROM = {
  sameFigures: { share: 0.1, comparisons: 5 },
  otherFigures: { share: 0.5, comparisons: 20 },
} as const;

/** A change of the last days that belongs to no reprint yet. */
export interface RecentChange {
  comparisonId: string;
  field: Field;
  way: string;
  keepsFigures: boolean;
  isTold: boolean;
}

export interface Reprint {
  field: Field;
  way: string;
  keepsFigures: boolean;
  /** An issue would tell at least one of its changes, so an editor has to say whether it is news. */
  isTold: boolean;
  comparisons: number;
}

/**
 * The reprints among the changes of {@link REPRINT_WINDOW_DAYS}: what is not in one of them is news. Pure; linear in
 * the changes, and independent of their order.
 * @param archiveSize the number of comparisons in the database.
 */
export function detectReprints(changes: readonly RecentChange[], archiveSize: number): Reprint[] {
  const groups = new Map<string, Omit<Reprint, 'comparisons'> & { ids: Set<string> }>();
  for (const { comparisonId, field, way, keepsFigures, isTold } of changes) {
    const key = `${field} ${way}`;
    const group = groups.get(key) ?? { field, way, keepsFigures, isTold: false, ids: new Set() };
    group.isTold ||= isTold;
    group.ids.add(comparisonId);
    groups.set(key, group);
  }
  return [...groups.values()]
    .map(({ ids, ...group }) => ({ ...group, comparisons: ids.size }))
    .filter(({ keepsFigures, comparisons }) => {
      const from = REPRINT_FROM[keepsFigures ? 'sameFigures' : 'otherFigures'];
      return comparisons >= from.comparisons && comparisons >= from.share * archiveSize;
    });
}
