import type { Call, CountedTool, Tool } from './model.ts';
import { shipShare } from './verdict.ts';

/** The data that a page and a mail both show of two tools, side by side. */

/** Share of `ship` among our own readers' votes, and the number of votes. */
export interface ReadersShare {
  ship: number;
  votes: number;
}

export interface LensRow {
  /** "Builder" */
  lens: string;
  /** For tool 0 and tool 1; null when the reviewer wrote nothing about it. */
  sides: [LensSide | null, LensSide | null];
}

export interface LensSide {
  /** null when the page does not say. */
  call: Call | null;
  quote: string;
}

/** Our readers' votes on a tool; null while there are none. */
export function readersOf({ readers }: Pick<CountedTool, 'readers'>): ReadersShare | null {
  const ship = readers ? shipShare(readers) : null;
  return readers === undefined || ship === null ? null : { ship, votes: readers.ship + readers.skip };
}

/**
 * Both tools' reviews side by side, in the page's order of lenses. A second review with the same lens gets a second
 * row.
 */
export function lensRows(tools: readonly [Tool, Tool]): LensRow[] {
  const rows = new Map<string, LensRow>();
  for (const side of [0, 1] as const) {
    const seen = new Map<string, number>();
    for (const { lens, quote, call } of tools[side].reviews) {
      const nth = (seen.get(lens) ?? 0) + 1;
      seen.set(lens, nth);
      const key = `${nth} ${lens}`;
      const row: LensRow = rows.get(key) ?? { lens: capitalised(lens), sides: [null, null] };
      row.sides[side] = { call, quote };
      rows.set(key, row);
    }
  }
  return [...rows.values()];
}

function capitalised(lens: string): string {
  const [first = '', ...rest] = lens;
  return first.toLocaleUpperCase('en') + rest.join('');
}
