import { topics } from '../comparisons/names.ts';
import { byWeight, type Change, changedVerdict, type MailedComparison } from './changes.ts';
import type { ChangedVerdict } from './content.ts';
import type { Aside, Counted, EditorChoices, Limits, Told, Topical } from './planned-rows.ts';

export interface ChangedRows {
  rows: Topical<ChangedVerdict>[];
  /** Told by number, because there are too many. */
  summarised: Topical<ChangedVerdict>[];
  aside: Aside[];
  told: Told[];
}

/**
 * The rows of *changed verdicts*, and what the summary counts. A comparison that is in this issue needs no row, nor
 * does one that the editor left out.
 */
export function changedRows(
  mailed: readonly MailedComparison[],
  unless: ReadonlySet<string>,
  { heldChanges = [], leftOutChanges = [] }: Partial<EditorChoices>,
  limits: Pick<Limits, 'changed' | 'turned'>,
): ChangedRows {
  const [held, leftOut] = [new Set(heldChanges), new Set(leftOutChanges)];
  const all = mailed
    .filter(({ now }) => !unless.has(now.slug))
    .flatMap((comparison): (Change & { topics: string[] })[] => {
      const change = changedVerdict(comparison);
      return change ? [{ ...change, topics: topics(comparison.now) }] : [];
    })
    .sort(byWeight)
    .map(({ row, topics }) => ({ row, topics }));
  const isHeld = ({ row: { slug } }: Topical<ChangedVerdict>) => held.has(slug);
  const isDropped = ({ row: { slug } }: Topical<ChangedVerdict>) => !held.has(slug) && leftOut.has(slug);
  const shown = all.filter((each) => !isHeld(each) && !isDropped(each));
  const turned = shown.findIndex(({ row: { kind } }) => kind !== 'turned');
  const turnedCount = turned < 0 ? shown.length : turned;
  const length = Math.min(Math.max(limits.changed, Math.min(turnedCount, limits.turned)), shown.length);
  const [rows, summarised] = [shown.slice(0, length), shown.slice(length)];
  const tell =
    (told: Told['told']) =>
    ({ row }: Topical<ChangedVerdict>): Told => ({
      ...{ slug: row.slug, section: 'changed' as const, told },
      change: row,
    });
  return {
    rows,
    summarised,
    aside: all
      .filter((each) => isHeld(each) || isDropped(each))
      .map((each) => ({
        section: 'changed',
        how: isHeld(each) ? 'held' : 'dropped',
        key: each.row.slug,
        title: each.row.title,
      })),
    told: [
      ...rows.map(tell('row')),
      ...summarised.map(tell('summary')),
      ...all.filter(isDropped).map(tell('dropped')),
    ],
  };
}

/** Counts by kind and topics, so that each variant can count what is of its topics. */
export function countedBy(all: readonly { kind: Counted['kind']; topics: string[] }[]): Topical<Counted>[] {
  const counts = new Map<string, Topical<Counted>>();
  for (const { kind, topics } of all) {
    const key = JSON.stringify([kind, topics]);
    const { row } = counts.get(key) ?? { row: { kind, count: 0 } };
    counts.set(key, { row: { kind, count: row.count + 1 }, topics });
  }
  return [...counts].sort(([a], [b]) => (a < b ? -1 : Number(a > b))).map(([, counted]) => counted);
}
