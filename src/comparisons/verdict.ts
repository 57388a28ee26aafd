import type { CountedTool, Mark, Tool, ToolMark, Verdict, Votes } from './model.ts';
import { type Judged, type Reason, reasonsFor } from './reasons.ts';

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

const RANK = { ship: 0, split: 1, skip: 2 };

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
  return { ...outcome(tools), because: reasonsOf(tools)[0]?.sentence ?? '' };
}

/** The verdict without its sentence, which takes longer to make than the rest. */
export function outcome(tools: Pair): Omit<Verdict, 'because'> {
  const [a, b] = [tools[0].name, tools[1].name];
  const stands = standsOf(tools);
  const pick = pickOf(tools, stands);
  if (pick !== null) return { mark: 'ship', pick, words: `Ship ${tools[pick].name}` };
  if (stands[0] === 'ship') return { mark: 'ship', pick, words: 'Ship both' };
  if (stands[0] === 'skip' && stands[1] === 'skip') return { mark: 'skip', pick, words: 'Skip both' };
  const words = stands[0] === stands[1] ? `Split: ${a} or ${b}` : `Split on ${stands[0] === 'split' ? a : b}`;
  return { mark: 'split', pick, words };
}

/**
 * The marks that two tools wear beside their verdict. They never contradict it: a tool that ships and was not picked is
 * `second`, and only what the verdict ships is `ship`.
 */
export function toolMarks(tools: Pair): [ToolMark, ToolMark] {
  const stands = standsOf(tools);
  const pick = pickOf(tools, stands);
  const markAt = (side: 0 | 1) => (stands[side] === 'ship' && pick === 1 - side ? 'second' : stands[side]);
  return [markAt(0), markAt(1)];
}

/** The true sentences behind the verdict: see {@link reasonsFor}. */
export function reasonsOf(tools: Pair): Reason[] {
  const [a, b] = tools;
  const stands = standsOf(tools);
  const swap =
    RANK[stands[0]] - RANK[stands[1]] ||
    b.panelShip - a.panelShip ||
    (communityOf(b) ?? 0) - (communityOf(a) ?? 0);
  const first = pickOf(tools, stands) ?? (swap > 0 ? 1 : 0);
  return reasonsFor(judged(first === 0 ? a : b), judged(first === 0 ? b : a), decidedBy(tools));
}

/** Who decided for the one tool to ship; null when none was picked. */
export function decidedBy(tools: Pair): 'panel' | 'readers' | null {
  const stands = standsOf(tools);
  if (pickOf(tools, stands) === null) return null;
  const isByPanel = stands[0] !== stands[1] || leader(tools[0].panelShip, tools[1].panelShip) !== null;
  return isByPanel ? 'panel' : 'readers';
}

function judged(tool: CountedTool): Judged {
  return { tool, mark: toolMark(tool), readers: communityOf(tool) };
}

/** The panel's marks, where a contested one is `split`. */
export function standsOf(tools: Pair): Pair<Mark> {
  const standOf = (tool: CountedTool) => (isContested(tool) ? 'split' : toolMark(tool));
  return [standOf(tools[0]), standOf(tools[1])];
}

function pickOf(tools: Pair, stands: Pair<Mark>): 0 | 1 | null {
  if (stands[0] !== 'ship' && stands[1] !== 'ship') return null;
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
