import type { CountedComparison, CountedTool, Tool } from '../comparisons/model.ts';
import { entryPrices, title, topics } from '../comparisons/names.ts';
import { type LensRow, type LensSide, lensRows, readersOf } from '../comparisons/side-by-side.ts';
import { toolMark, verdict } from '../comparisons/verdict.ts';
import type { CompactRow, ComparisonCard, GlanceRow, ToolCard } from './content.ts';
import { cutAtSentence } from './cut.ts';

/** Graphemes of a reviewer's quote and of a tool's description, by the size of the card. */
const MAX_LENGTH = {
  lead: { quote: 220, description: 320 },
  card: { quote: 140, description: 200 },
};

/** One comparison drawn large: every lens for the lead, the one or two that decide it for a standard card. */
export function cardFor(comparison: CountedComparison, size: 'lead' | 'card'): ComparisonCard {
  const { slug, url, tools } = comparison;
  const rows = lensRows(tools);
  const room = MAX_LENGTH[size];
  return {
    slug,
    title: title(comparison),
    url,
    category: topics(comparison).join(' / '),
    verdict: verdict(tools),
    tools: [toolCard(tools[0], room.description), toolCard(tools[1], room.description)],
    lenses: (size === 'lead' ? rows : decidingRows(rows, tools)).map((row) => cutQuotes(row, room.quote)),
  };
}

export function compactRow(comparison: CountedComparison): CompactRow {
  return { ...glanceRow(comparison), url: comparison.url };
}

export function glanceRow(comparison: CountedComparison): GlanceRow {
  const { slug, tools } = comparison;
  return { slug, title: title(comparison), verdict: verdict(tools), entryPrice: entryPrices(tools) };
}

function toolCard(tool: CountedTool, room: number): ToolCard {
  const { name, category, tagline, panelShip, communityShip, entryPrice } = tool;
  return {
    name,
    category,
    tagline,
    description: cutAtSentence(tool.description, room),
    mark: toolMark(tool),
    panelShip,
    communityShip,
    readers: readersOf(tool),
    entryPrice,
  };
}

/**
 * The one or two lenses that decide a comparison. First the reviewer who dissents from their panel, for
 * a verdict is best understood from its objection; else the one who tells the two tools apart; else the
 * one who wrote about both. Then the best of the others whose calls differ: the other side of the
 * argument. Where no call is known, one lens is enough.
 */
function decidingRows(rows: readonly LensRow[], tools: readonly [Tool, Tool]): LensRow[] {
  const weight = ({ sides }: LensRow) => {
    const dissents = ([0, 1] as const).filter((side) => dissentsFrom(tools[side], sides[side])).length;
    const [a, b] = [callOf(sides[0]), callOf(sides[1])];
    const tellsApart = a !== null && b !== null && a !== b;
    return dissents * 4 + (tellsApart ? 2 : 0) + (sides[0] && sides[1] ? 1 : 0);
  };
  // Sorting is stable: equals stay in the order of the page.
  const [first, ...others] = rows.toSorted((a, b) => weight(b) - weight(a));
  if (!first) return [];
  const calls = (row: LensRow) => row.sides.map(callOf).join();
  const second = others.find(
    (row) => row.sides.some((side) => callOf(side) !== null) && calls(row) !== calls(first),
  );
  return second ? [first, second] : [first];
}

function dissentsFrom(tool: Tool, side: LensSide | null): boolean {
  const [call, mark] = [callOf(side), toolMark(tool)];
  return call !== null && mark !== 'split' && call !== mark;
}

function callOf(side: LensSide | null): LensSide['call'] {
  return side?.call ?? null;
}

function cutQuotes({ lens, sides }: LensRow, room: number): LensRow {
  const cut = (side: LensSide | null) => side && { call: side.call, quote: cutAtSentence(side.quote, room) };
  return { lens, sides: [cut(sides[0]), cut(sides[1])] };
}
