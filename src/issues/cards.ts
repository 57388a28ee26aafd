import type { CountedComparison, CountedTool, Tool, ToolMark } from '../comparisons/model.ts';
import { entryPrices, title, topics } from '../comparisons/names.ts';
import { type LensRow, type LensSide, lensRows, readersOf } from '../comparisons/side-by-side.ts';
import { outcome, toolMark, toolMarks, verdict } from '../comparisons/verdict.ts';
import type { ComparisonCard, ToolCard, VerdictRow } from './content.ts';
import { truncateAtSentence } from './truncate.ts';

/** The most graphemes of a reviewer's quote and of a tool's description, by the size of the card. */
const MAX_LENGTH = {
  lead: { quote: 220, description: 200 },
  card: { quote: 140, description: 0 },
};

/** How many reviewers are quoted, by the size of the card; everything they wrote is on the comparison's page. */
const QUOTES = { lead: 2, card: 1 };

/** A card for one comparison: every lens for the lead, the one that decides for a standard card. */
export function cardFor(comparison: CountedComparison, size: 'lead' | 'card'): ComparisonCard {
  const { slug, url, tools } = comparison;
  const decision = verdict(tools);
  const room = MAX_LENGTH[size];
  const marks = toolMarks(tools);
  const rows = lensRows(tools);
  const quoted = decidingRows(rows, tools).slice(0, QUOTES[size]);
  const shown = size === 'lead' ? rows : quoted;
  return {
    slug,
    title: title(comparison),
    url,
    category: topics(comparison).join(' / '),
    verdict: decision,
    tools: [toolCard(tools[0], marks[0], room.description), toolCard(tools[1], marks[1], room.description)],
    lenses: shown.flatMap((row) => {
      const side = quoted.includes(row) ? quotedSide(row, tools, decision.pick) : null;
      return printedLens(row, side, room.quote) ?? [];
    }),
  };
}

export function verdictRow({ slug, url, tools }: CountedComparison): VerdictRow {
  return {
    slug,
    title: title({ tools }),
    url,
    verdict: outcome(tools),
    entryPrice: entryPrices(tools),
    names: [tools[0].name, tools[1].name],
    prices: [tools[0].entryPrice, tools[1].entryPrice],
  };
}

/** A grapheme may have any number of code units; so many for each keep a text's size within limits. */
const UNITS = 4;

function shorten(text: string, max: number): string {
  if (max === 0) return '';
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

/** Quotes the reviewer where they dissent from the panel, else on the tool that the verdict picks. */
function quotedSide({ sides }: LensRow, tools: readonly [Tool, Tool], pick: 0 | 1 | null): 0 | 1 | null {
  const written = ([0, 1] as const).filter((side) => (sides[side]?.quote ?? '') !== '');
  return (
    written.find((side) => dissentsFrom(tools[side], sides[side])) ??
    written.find((side) => side === pick) ??
    written[0] ??
    null
  );
}

/** A lens with both calls and one quote at most; null when neither is left. */
function printedLens({ lens, sides }: LensRow, quoted: 0 | 1 | null, room: number): LensRow | null {
  const printed = ([0, 1] as const).map((at): LensSide | null => {
    const side = sides[at];
    if (side === null) return null;
    const quote = at === quoted ? shorten(side.quote, room) : '';
    return quote === '' && side.call === null ? null : { call: side.call, quote };
  });
  const [a = null, b = null] = printed;
  return a === null && b === null ? null : { lens, sides: [a, b] };
}
