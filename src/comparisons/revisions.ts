import type { Comparison, Review, Tool } from './model.ts';
import { isSamePrice } from './reprints/price-print.ts';
import { verdict } from './verdict.ts';

/** The parts of a comparison whose changes are reported. `text` is every text that is not a figure. */
export type Part = 'panel' | 'price' | 'community' | 'verdict' | 'text';

/** One change, in words. Both null: a text too long to quote was rewritten. */
export interface Change {
  part: Part;
  /** "Panel on Zed", "Verdict", "Description of Zed". */
  what: string;
  /** "62%", "—", "Free", "Ship both". */
  from: string | null;
  to: string | null;
}

/**
 * The changes between two versions of one comparison, most important first; both must list the tools in the same order.
 * Empty exactly when both have the same content (see contentHash). Pure.
 */
export function changesBetween(was: Comparison, now: Comparison): Change[] {
  const all = [
    verdictChange(was, now),
    ...([0, 1] as const).flatMap((side) => toolChanges(was.tools[side], now.tools[side])),
    change('text', 'Address', was.url, now.url),
  ];
  const rank: Part[] = ['verdict', 'panel', 'price', 'community', 'text'];
  return all.flat().toSorted((a, b) => rank.indexOf(a.part) - rank.indexOf(b.part));
}

/** "Panel on Zed: 62% → 88%", "Description of Zed rewritten". */
export function describeChange({ what, from, to }: Change): string {
  return from === null || to === null ? `${what} rewritten` : `${what}: ${from} → ${to}`;
}

/** A renamed tool alone is no new verdict: only mark and pick count. */
function verdictChange(was: Comparison, now: Comparison): Change[] {
  const [before, after] = [verdict(was.tools), verdict(now.tools)];
  if (before.mark === after.mark && before.pick === after.pick) return [];
  return [{ part: 'verdict', what: 'Verdict', from: before.words, to: after.words }];
}

/** Names the panel of a tool in a {@link Change}. */
export function panelOf(tool: string): string {
  return `Panel on ${tool}`;
}

function toolChanges(was: Tool, now: Tool): Change[] {
  const { name } = now;
  return [
    change('panel', panelOf(name), share(was.panelShip), share(now.panelShip)),
    priceChange(name, was.entryPrice, now.entryPrice),
    change('community', `Community on ${name}`, share(was.communityShip), share(now.communityShip)),
    change('text', 'Name', was.name, now.name),
    change('text', `Category of ${name}`, was.category, now.category),
    change('text', `Tagline of ${name}`, was.tagline, now.tagline),
    rewritten(`Description of ${name}`, was.description, now.description),
    reviewChanges(name, was.reviews, now.reviews),
  ].flat();
}

/** The same price in another print is a change of a text. */
function priceChange(name: string, was: string, now: string): Change[] {
  return isSamePrice(was, now)
    ? change('text', `Print of the entry price of ${name}`, was, now)
    : change('price', `Entry price of ${name}`, was, now);
}

/** Reviews are matched by lens; two reviews with one lens, by their order. */
function reviewChanges(tool: string, was: readonly Review[], now: readonly Review[]): Change[] {
  const [before, after] = [byLens(was), byLens(now)];
  const lenses = [...new Set([...before.keys(), ...after.keys()])];
  const changes = lenses.flatMap((lens) => {
    const [a, b] = [before.get(lens), after.get(lens)];
    const what = `${(a ?? b)?.lens} on ${tool}`;
    if (a === undefined || b === undefined) {
      return change('text', `Review of the ${what}`, a ? 'there' : 'none', b ? 'there' : 'none');
    }
    return [
      change('panel', `Call of the ${what}`, a.call ?? 'not known', b.call ?? 'not known'),
      rewritten(`Review of the ${what}`, a.quote, b.quote),
    ].flat();
  });
  if (changes.length > 0) return changes;
  return rewritten(`Order of the reviews of ${tool}`, [...before.keys()].join(), [...after.keys()].join());
}

function byLens(reviews: readonly Review[]): Map<string, Review> {
  const map = new Map<string, Review>();
  for (const review of reviews) {
    let nth = 1;
    while (map.has(`${nth} ${review.lens}`)) nth += 1;
    map.set(`${nth} ${review.lens}`, review);
  }
  return map;
}

function change(part: Part, what: string, from: string, to: string): Change[] {
  return from === to ? [] : [{ part, what, from, to }];
}

function rewritten(what: string, from: string, to: string): Change[] {
  return from === to ? [] : [{ part: 'text', what, from: null, to: null }];
}

function share(percent: number | null): string {
  return percent === null ? '—' : `${percent}%`;
}
