import type { CountedComparison, CountedTool, Tool, ToolMark } from '../comparisons/model.ts';
import { entryPrices, title, topics } from '../comparisons/names.ts';
import { type LensRow, type LensSide, lensRows, readersOf } from '../comparisons/side-by-side.ts';
import { toolMark, toolMarks, verdict } from '../comparisons/verdict.ts';
import type { CompactRow, ComparisonCard, GlanceRow, ToolCard } from './content.ts';
import { truncateAtSentence } from './truncate.ts';

/** The most graphemes of a reviewer's quote and of a tool's description, by the size of the card. */
const MAX_LENGTH = {
  lead: { quote: 220, description: 320 },
  card: { quote: 140, description: 200 },
};

/** A card for one comparison: every lens for the lead, the one or two deciding lenses for a standard card. */
export function cardFor(comparison: CountedComparison, size: 'lead' | 'card'): ComparisonCard {
  const { slug, url, tools } = comparison;
  const rows = lensRows(tools);
  const room = MAX_LENGTH[size];
  const marks = toolMarks(tools);
  return {
    slug,
    title: title(comparison),
    url,
    category: topics(comparison).join(' / '),
    verdict: verdict(tools),
    tools: [toolCard(tools[0], marks[0], room.description), toolCard(tools[1], marks[1], room.description)],
    lenses: (size === 'lead' ? rows : decidingRows(rows, tools)).map((row) =>
      truncateQuotes(row, room.quote),
    ),
  };
}

export function compactRow(comparison: CountedComparison): CompactRow {
  return { ...glanceRow(comparison), url: comparison.url };
}

export function glanceRow(comparison: CountedComparison): GlanceRow {
  const { slug, tools } = comparison;
  return { slug, title: title(comparison), verdict: verdict(tools), entryPrice: entryPrices(tools) };
}

/** A grapheme may have any number of code units; so many for each keep a text's size within limits. */
const UNITS = 4;

function shorten(text: string, max: number): string {
  const start = text.length > max * UNITS ? `${text.slice(0, max * UNITS).toWellFormed()}…` : text;
  return truncateAtSentence(start, max);
}

function toolCard(tool: CountedTool, mark: ToolMark, room: number): ToolCard {
  const { name, category, tagline, panelShip, communityShip, entryPrice } = tool;
  return {
    name,
    category,
    tagline,
    description: shorten(tool.description, room),
    mark,
    panelShip,
    communityShip,
    readers: readersOf(tool),
    entryPrice,
  };
}

/**
 * Returns the one or two lenses that decide a comparison. First a reviewer who dissents from the panel, because the
 * objection explains a verdict best; else one who judges the two tools differently; else one who wrote about both.
 * Second, the best of the others whose calls differ, as the other side of the argument. Where no call is known, one
 * lens is enough.
 */
function decidingRows(rows: readonly LensRow[], tools: readonly [Tool, Tool]): LensRow[] {
  const weight = ({ sides }: LensRow) => {
    const dissents = ([0, 1] as const).filter((side) => dissentsFrom(tools[side], sides[side])).length;
    const [a, b] = [callOf(sides[0]), callOf(sides[1])];
    const tellsApart = a !== null && b !== null && a !== b;
    return dissents * 4 + (tellsApart ? 2 : 0) + (sides[0] && sides[1] ? 1 : 0);
  };
  // The sort is stable: equal rows keep the order of the page.
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

function truncateQuotes({ lens, sides }: LensRow, room: number): LensRow {
  const truncate = (side: LensSide | null) => side && { call: side.call, quote: shorten(side.quote, room) };
  return { lens, sides: [truncate(sides[0]), truncate(sides[1])] };
}
