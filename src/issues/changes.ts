import type { CountedComparison, CountedTool } from '../comparisons/model.ts';
import { title } from '../comparisons/names.ts';
import { isSamePrice } from '../comparisons/reprints/price-print.ts';
import { communityOf, verdict } from '../comparisons/verdict.ts';
import type { ChangedVerdict } from './content.ts';

/** A mailed comparison, as it was mailed and as it is now. */
export interface MailedComparison {
  was: CountedComparison;
  now: CountedComparison;
  /** Number of the issue that carried it last. */
  mailedIn: number;
}

/**
 * Returns the row of *changed verdicts*, or null when neither panel, price nor verdict changed. Tools are matched
 * by name, so a site that swaps its sides reports no change; a renamed tool is matched by its side.
 */
export function changedVerdict({ was: mailed, now, mailedIn }: MailedComparison): ChangedVerdict | null {
  const was = aligned(mailed, now);
  const [before, after] = [verdict(was), verdict(now.tools)];
  const turned = before.mark !== after.mark || before.pick !== after.pick;
  const moves = [moved(was[0], now.tools[0], turned), moved(was[1], now.tools[1], turned)].flat();
  if (!turned && moves.length === 0) return null;
  return {
    slug: now.slug,
    title: title(now),
    url: now.url,
    was: before,
    now: after,
    whatMoved: moves.join('; '),
    mailedIn,
  };
}

/** Sorts rows: reversed verdicts first, then by slug. */
export function byWeight(a: ChangedVerdict, b: ChangedVerdict): number {
  const turned = ({ was, now }: ChangedVerdict) => Number(was.mark !== now.mark || was.pick !== now.pick);
  return turned(b) - turned(a) || (a.slug < b.slug ? -1 : 1);
}

function aligned(was: CountedComparison, now: CountedComparison): CountedComparison['tools'] {
  const [a, b] = was.tools;
  const swapped = a.name === now.tools[1].name || b.name === now.tools[0].name;
  return swapped ? [b, a] : [a, b];
}

/** Readers' votes change every day, so they are mentioned only when they reversed the verdict. */
function moved(was: CountedTool, now: CountedTool, turned: boolean): string[] {
  const moves: string[] = [];
  const [before, after] = [communityOf(was), communityOf(now)];
  if (was.panelShip !== now.panelShip) {
    moves.push(`Panel on ${now.name} ${was.panelShip}% → ${now.panelShip}%`);
  }
  if (turned && before !== after) {
    moves.push(`Readers on ${now.name} ${share(before)} → ${share(after)}`);
  }
  if (!isSamePrice(was.entryPrice, now.entryPrice)) {
    moves.push(`${now.name} now ${now.entryPrice} (was ${was.entryPrice})`);
  }
  return moves;
}

function share(percent: number | null): string {
  return percent === null ? '—' : `${percent}%`;
}
