import type { CountedComparison, CountedTool, Verdict } from '../comparisons/model.ts';
import { title } from '../comparisons/names.ts';
import { panelCount, partOfReviewers, readersAgain, reviewersAgain } from '../comparisons/people.ts';
import { isSamePrice } from '../comparisons/reprints/price-print.ts';
import { communityOf, outcome, QUORUM, verdict } from '../comparisons/verdict.ts';
import type { ChangedVerdict } from './content.ts';

/** A comparison that readers were told about, as they were told, and as it is now. */
export interface MailedComparison {
  was: CountedComparison;
  now: CountedComparison;
  /** Number of the issue that told it last, in a row or in a summary. */
  mailedIn: number;
  /** The last issue had a row for it in *changed verdicts*: only a verdict that turned is told again so soon. */
  isRecent?: boolean;
}

/**
 * A community's share moves with every vote, so a verdict turns by it only when it would have turned this many
 * points earlier, too: a share that goes to and fro around 66% or 34% is no news.
 */
export const TURN_MARGIN = 5;

/** How many of our readers must have voted on a tool before their share can turn a verdict that was mailed. */
export const TURN_VOTES = 20;

/** A change that is news, and by how many points the panel moved, of both tools together. */
export interface Change {
  row: ChangedVerdict;
  panelPoints: number;
}

/**
 * Returns the row of *changed verdicts*, or null when there is no news: when neither panel, price nor verdict
 * changed, or when the verdict turned by a community that did not move far enough. Tools are matched by name, so a
 * site that swaps its sides reports no change; a renamed tool is matched by its side.
 */
export function changedVerdict({ was: mailed, now, mailedIn, isRecent }: MailedComparison): Change | null {
  const was = aligned(mailed, now);
  const [before, after] = [outcome(was), outcome(now.tools)];
  const steady = outcome([steadied(was[0], now.tools[0]), steadied(was[1], now.tools[1])]);
  const turned = !isSame(before, after) && !isSame(before, steady);
  const [a, b] = now.tools;
  const panelPoints = Math.abs(was[0].panelShip - a.panelShip) + Math.abs(was[1].panelShip - b.panelShip);
  const price = isRepriced(was[0], a) || isRepriced(was[1], b);
  if (!turned && (isRecent === true || (panelPoints === 0 && !price))) return null;
  const row = {
    kind: turned ? ('turned' as const) : price ? ('price' as const) : ('panel' as const),
    slug: now.slug,
    title: title(now),
    url: now.url,
    was: verdict(was),
    now: verdict(now.tools),
    whatMoved: whatMoved([was[0], a], [was[1], b], before.pick, after.pick, turned),
    mailedIn,
  };
  return { row, panelPoints };
}

const WEIGHT = { turned: 0, price: 1, panel: 2 };

/** Sorts: verdicts that turned, then prices, then panels; in each the largest move of a panel first, then by slug. */
export function byWeight(a: Change, b: Change): number {
  return WEIGHT[a.row.kind] - WEIGHT[b.row.kind] || b.panelPoints - a.panelPoints || byKind(a.row, b.row);
}

/** Sorts: verdicts that turned, then prices, then panels; in each by slug. */
export function byKind(a: ChangedVerdict, b: ChangedVerdict): number {
  return WEIGHT[a.kind] - WEIGHT[b.kind] || (a.slug < b.slug ? -1 : Number(a.slug > b.slug));
}

type Outcome = Pick<Verdict, 'mark' | 'pick'>;

/** Whether two verdicts have the same outcome; a renamed tool alone is no new verdict. */
function isSame(a: Outcome, b: Outcome): boolean {
  return a.mark === b.mark && a.pick === b.pick;
}

function aligned(was: CountedComparison, now: CountedComparison): CountedComparison['tools'] {
  const [a, b] = was.tools;
  const swapped = a.name === now.tools[1].name || b.name === now.tools[0].name;
  return swapped ? [b, a] : [a, b];
}

/**
 * The tool as it is now, with a community that is {@link TURN_MARGIN} points nearer to what was mailed, or to an even
 * vote when nothing was. Too few votes, and a share that is missing now, count as no move at all.
 */
function steadied(was: CountedTool, now: CountedTool): CountedTool {
  const { readers, ...tool } = now;
  const before = communityOf(was);
  const votes = readers === undefined ? 0 : readers.ship + readers.skip;
  const after = votes >= QUORUM && votes < TURN_VOTES ? null : communityOf(now);
  if (after === null) return { ...tool, communityShip: before };
  const towards = before ?? 50;
  const distance = Math.min(TURN_MARGIN, Math.abs(after - towards));
  return { ...tool, communityShip: after + (after > towards ? -distance : distance) };
}

function isRepriced(was: CountedTool, now: CountedTool): boolean {
  return !isSamePrice(was.entryPrice, now.entryPrice);
}

type Moved = readonly [was: CountedTool, now: CountedTool];

/**
 * What moved, as sentences: "Nightjar lost its lead: reviewers went from three of four to two. The entry price of
 * Hemstitch went from Free to $10/mo." Readers' votes change every day, so they are mentioned only when the verdict turned.
 */
function whatMoved(
  first: Moved,
  second: Moved,
  before: Verdict['pick'],
  after: Verdict['pick'],
  turned: boolean,
): string {
  const sides = [first, second] as const;
  // The tool that gained or lost the lead is told first.
  const main = after ?? before ?? 0;
  const inOrder = [main, main === 0 ? 1 : 0] as const;
  const people = inOrder.flatMap((side) => {
    const moves = peopleMoved(sides[side], turned);
    if (moves.length === 0) return [];
    const gained = side === after && before !== after && turned;
    const lost = side === before && before !== after && turned;
    const [, { name }] = sides[side];
    const what = moves.join(', and ');
    if (gained) return [`${name} took the lead: ${what}.`];
    return [lost ? `${name} lost its lead: ${what}.` : `${name}: ${what}.`];
  });
  const prices = inOrder.flatMap((side) => {
    const [was, now] = sides[side];
    return isRepriced(was, now)
      ? [`The entry price of ${now.name} went from ${was.entryPrice} to ${now.entryPrice}.`]
      : [];
  });
  return [...people, ...prices].join(' ');
}

function peopleMoved([was, now]: Moved, turned: boolean): string[] {
  const [before, after] = [communityOf(was), communityOf(now)];
  return [
    ...(was.panelShip === now.panelShip ? [] : [`reviewers went from ${panels(was, now)}`]),
    ...(turned && before !== after && after !== null
      ? [
          before === null
            ? `${readersAgain(after)} of its readers would ship it`
            : `readers went from ${readersAgain(before)} to ${readersAgain(after)}`,
        ]
      : []),
  ];
}

/** "three of four to two"; the number of reviewers is repeated where it changed. */
function panels(was: CountedTool, now: CountedTool): string {
  const [before, after] = [panelCount(was), panelCount(now)];
  const from = partOfReviewers(before, was.panelShip);
  const isSameSize = before !== null && before.of === after?.of && before.ship > 0 && before.ship < before.of;
  const to = isSameSize ? reviewersAgain(after, now.panelShip) : partOfReviewers(after, now.panelShip);
  return `${from} to ${to}`;
}
