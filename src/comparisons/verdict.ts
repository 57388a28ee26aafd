import type { CountedTool, Mark, Tool, Verdict, Votes } from './model.ts';
import { shortNames } from './names.ts';

/** The two sides of a comparison, or the parts of them that a rule needs. */
export type Pair<T = CountedTool> = readonly [T, T];

/**
 * From this share on, a panel agrees: two reviewers of three. Sites round 2/3 both ways (66%, 67%), so the limit is 66,
 * and 34 for `skip`. A panel of four ships at 75% and is split at 50%.
 */
export const SHIP_FROM = 66;
export const SKIP_TO = 34;

/** When both tools ship, one is picked only with a lead of this many points: one reviewer in five. */
export const CLEAR_LEAD = 20;

/** The mark that the panel gives a tool: `ship` from 66%, `skip` up to 34%, `split` between. */
export function toolMark(tool: Pick<Tool, 'panelShip'>): Mark {
  if (tool.panelShip >= SHIP_FROM) return 'ship';
  return tool.panelShip <= SKIP_TO ? 'skip' : 'split';
}

/**
 * From this many votes on, our own readers count in a verdict: with fewer, one person moves the share by ten points.
 */
export const QUORUM = 10;

/** Share of `ship` among votes, 0 to 100; null without votes. */
export function shipShare({ ship, skip }: Votes): number | null {
  const votes = ship + skip;
  return votes === 0 ? null : Math.round((100 * ship) / votes);
}

/**
 * The community share that a verdict uses: our own readers from {@link QUORUM} votes on, because we can count them, and
 * otherwise the source's community. They are never added: a share without a count has no weight.
 */
export function communityOf({ communityShip, readers }: Pick<CountedTool, 'communityShip' | 'readers'>) {
  return readers !== undefined && readers.ship + readers.skip >= QUORUM ? shipShare(readers) : communityShip;
}

/** True when readers voted the opposite of the panel, each by at least two to one. */
export function isContested(tool: Pick<CountedTool, 'panelShip' | 'communityShip' | 'readers'>): boolean {
  const community = communityOf(tool);
  if (community === null) return false;
  const panel = toolMark(tool);
  const readers = toolMark({ panelShip: community });
  return panel !== 'split' && readers !== 'split' && panel !== readers;
}

/**
 * The outcome of a pair, from panel and community alone.
 *
 * 1. A tool has the panel's mark. When readers vote the opposite (see {@link isContested}), its mark becomes `split`:
 * readers can question a verdict, but not reverse it. 2. One tool ships: pick it. Both ship: pick the one whose panel
 * leads by {@link CLEAR_LEAD} points; with a smaller lead, the one that the readers of both prefer by as much;
 * otherwise both. 3. None ships: skip both when both are `skip`; otherwise it is split and nobody is picked.
 *
 * Swapping the tools swaps `pick` and changes nothing else of the outcome.
 */
export function verdict(tools: Pair): Verdict {
  const [a, b] = shortNames(tools);
  const stands: Pair<Mark> = [rankOf(tools[0]), rankOf(tools[1])];
  const because = reason(tools, [a, b], stands);

  if (stands[0] === 'ship' || stands[1] === 'ship') {
    const pick = favourite(tools, stands);
    return { mark: 'ship', pick, words: pick === null ? 'Ship both' : `Ship ${[a, b][pick]}`, because };
  }
  if (stands[0] === 'skip' && stands[1] === 'skip') {
    return { mark: 'skip', pick: null, words: 'Skip both', because };
  }
  const open = stands[0] === stands[1] ? `Split: ${a} or ${b}` : `Split on ${stands[0] === 'split' ? a : b}`;
  return { mark: 'split', pick: null, words: open, because };
}

function rankOf(tool: CountedTool): Mark {
  return isContested(tool) ? 'split' : toolMark(tool);
}

function favourite(tools: Pair, stands: Pair<Mark>): 0 | 1 | null {
  if (stands[0] !== stands[1]) return stands[0] === 'ship' ? 0 : 1;
  return leader(tools[0].panelShip, tools[1].panelShip) ?? readersFavourite(tools);
}

function readersFavourite([a, b]: Pair): 0 | 1 | null {
  const [first, second] = [communityOf(a), communityOf(b)];
  return first === null || second === null ? null : leader(first, second);
}

function leader(a: number, b: number): 0 | 1 | null {
  if (Math.abs(a - b) < CLEAR_LEAD) return null;
  return a > b ? 0 : 1;
}

/** One sentence with every figure that was used, the better tool first. */
function reason(tools: Pair, names: Pair<string>, stands: Pair<Mark>): string {
  const rank = { ship: 0, split: 1, skip: 2 };
  const marks: Pair<Mark> = [toolMark(tools[0]), toolMark(tools[1])];
  const swap =
    rank[stands[0]] - rank[stands[1]] ||
    tools[1].panelShip - tools[0].panelShip ||
    (communityOf(tools[1]) ?? 0) - (communityOf(tools[0]) ?? 0);
  const [first, second] = swap > 0 ? ([1, 0] as const) : ([0, 1] as const);

  const [one, other] = [tools[first], tools[second]];
  const also = ONE[marks[second]].replace(marks[first] === 'split' ? '' : /^would /u, '');
  const panel =
    marks[0] === marks[1]
      ? `${SAME[marks[0]]}, ${between(names[first], one.panelShip, names[second], other.panelShip)}`
      : `The panel ${ONE[marks[first]]} ${names[first]} (${one.panelShip}%) and ${also} ${names[second]} (${other.panelShip}%)`;

  const voted = ([first, second] as const).filter((side) => communityOf(tools[side]) !== null);
  if (voted.length === 0) return `${panel}.`;
  const votes = voted.map((side) => `${communityOf(tools[side])}% on ${names[side]}`).join(' and ');
  return `${panel}; ${voted.some((side) => isContested(tools[side])) ? 'but readers' : 'readers'} vote ship ${votes}.`;
}

const ONE: Record<Mark, string> = { ship: 'would ship', split: 'is split on', skip: 'would skip' };
const SAME: Record<Mark, string> = {
  ship: 'The panel would ship either',
  split: 'The panel is split on both',
  skip: 'The panel would skip both',
};

function between(first: string, of: number, second: string, against: number): string {
  return of === against ? `${of}% each` : `${first} ${of}% to ${second} ${against}%`;
}
