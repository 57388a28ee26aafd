import type { CountedComparison, Votes } from '../comparisons/model.ts';
import { nameKey, title } from '../comparisons/names.ts';
import { shipShare } from '../comparisons/verdict.ts';
import type { ReadersSaid } from './content.ts';
import type { Aside, EditorChoices, Limits, Topical } from './planned-rows.ts';

export interface ToolVotes {
  comparison: CountedComparison;
  /** Index of the tool in its comparison. */
  tool: 0 | 1;
  /** The votes on its current panel, and since when: the day of its last change, "2026-09-01". */
  ship: number;
  skip: number;
  panelSince: string;
  /** Whether the panel ever changed; otherwise `panelSince` is the day when the comparison was first seen. */
  isPanelChanged: boolean;
  /** The votes since the issue that last carried it, that issue's date, and the time (ISO) when it was sent. */
  recent: Votes;
  since: string;
  sinceAt: string;
}

/** Votes of a row that the editor held back: the next issue tells them since the same time. */
export interface HeldVotes extends Pick<ToolVotes, 'since' | 'sinceAt'> {
  slug: string;
  side: 0 | 1;
}

/** Names a row of *what readers said*. */
export function readersKey({ slug, tool }: Pick<ReadersSaid, 'slug' | 'tool'>): string {
  return `${slug} ${nameKey(tool)}`;
}

/**
 * The rows of *what readers said*, the widest disagreement first. A tool in two comparisons gets one row, because its
 * votes are the same in both. Without votes since the last issue there is no row: nothing is told twice.
 */
export function readersRows(
  { votes, date }: { votes: readonly ToolVotes[]; date: string },
  { heldReaders = [], leftOutReaders = [] }: Partial<EditorChoices>,
  limits: Pick<Limits, 'readers' | 'votes'>,
): { rows: Topical<ReadersSaid>[]; heldVotes: HeldVotes[]; aside: Aside[] } {
  const gap = ({ row }: Topical<ReadersSaid>) => Math.abs(row.readersShip - row.panelShip);
  const fewest = Math.max(1, limits.votes);
  const [held, leftOut] = [new Set(heldReaders), new Set(leftOutReaders)];
  const listed = new Set<string>();
  const told = votes
    .filter(({ ship, skip, recent }) => Math.min(ship + skip, recent.ship + recent.skip) >= fewest)
    .toSorted((a, b) => compareText(a.comparison.slug, b.comparison.slug) || a.tool - b.tool)
    .filter(({ comparison, tool }) => {
      const key = nameKey(comparison.tools[tool].name);
      return !listed.has(key) && listed.add(key);
    })
    .map(({ comparison, tool, ship, skip, panelSince, isPanelChanged, recent, since, sinceAt }) => {
      const { name, category, panelShip } = comparison.tools[tool];
      const row = {
        slug: comparison.slug,
        tool: name,
        title: title(comparison),
        url: comparison.url,
        panelShip,
        readersShip: shipShare({ ship, skip }) ?? 0,
        votes: ship + skip,
        since: dayLabel(panelSince, date),
        isPanelChanged,
        recent: {
          ship: shipShare(recent) ?? 0,
          votes: recent.ship + recent.skip,
          since: dayLabel(since, date),
        },
      };
      return { row, topics: [category], votes: { slug: comparison.slug, side: tool, sinceAt, since } };
    })
    .sort(
      (a, b) =>
        gap(b) - gap(a) || b.row.votes - a.row.votes || compareText(readersKey(a.row), readersKey(b.row)),
    );
  const howOf = ({ row }: Topical<ReadersSaid>): Aside['how'] | null => {
    const key = readersKey(row);
    return held.has(key) ? 'held' : leftOut.has(key) ? 'dropped' : null;
  };
  return {
    rows: told
      .filter((each) => howOf(each) === null)
      .slice(0, limits.readers)
      .map(({ row, topics }) => ({ row, topics })),
    heldVotes: told.filter((each) => howOf(each) === 'held').map(({ votes }) => votes),
    aside: told.flatMap((each) => {
      const how = howOf(each);
      const { tool, title } = each.row;
      return how === null
        ? []
        : [{ section: 'readers', how, key: readersKey(each.row), title: `${tool} (${title})` }];
    }),
  };
}

/** "3 March"; with its year when that is not the year of the issue. */
function dayLabel(date: string, issueDate: string): string {
  const label = DAY_LABEL.format(new Date(`${date}T00:00:00Z`));
  return date.slice(0, 4) === issueDate.slice(0, 4) ? label : `${label} ${date.slice(0, 4)}`;
}
const DAY_LABEL = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', timeZone: 'UTC' });

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
