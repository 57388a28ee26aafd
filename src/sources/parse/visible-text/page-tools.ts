import { pairKey } from '../../../comparisons/names.ts';
import type { Fault } from '../../../platform/errors.ts';
import { descriptionIn, type FoundText, isNoise, SENTENCE_END, taglineIn } from './noise.ts';
import { type Break, HARD, linesOf, NONE, type PageText } from './page-text.ts';
import { bare, findStats, hasMoreFigures, type Stats } from './stats.ts';

/** The data of one tool above the scorecard; null when a fault says why. */
export interface ToolBlock {
  name: string | null;
  category: string | null;
  tagline: string | null;
  description: string | null;
  panelShip: number | null;
  communityShip: number | null;
  entryPrice: string | null;
}

export interface ToolBlocks {
  tools: [ToolBlock, ToolBlock];
  /** Offset of the reviewer scorecard, or -1. */
  scorecardAt: number;
  faults: Fault[];
}

/** A name on which the page's title and the tool's heading agree. */
interface Heading {
  name: string;
  from: number;
  to: number;
  /** Its end in the title. */
  titleEnd: number;
  category: Category | null;
  score: number;
  /** Title and heading both break in a possible longer name: then the name is ambiguous. */
  isUnsure: boolean;
}

interface Category {
  from: number;
  text: string;
  score: number;
  isUnsure: boolean;
}

interface Span {
  from: number;
  to: number;
}

const MAX_TITLES = 40;
const MAX_NAME = 120;
const MAX_CATEGORY = 60;
/** How far back to look for the begin of a line or the end of a sentence. */
const MAX_LINE = 500;
/** A name occurs a few times between its title and its figures; a word that occurs more often is not a name. */
const MAX_OCCURRENCES = 100;

/**
 * Finds both tools of a page: "A vs B", then for each of them category, name, tagline, figures, description, then the
 * reviewer scorecard. The names are the text that title and headings share, so that a "vs" or a line break within a
 * name does not matter.
 */
export function findTools(page: PageText): ToolBlocks {
  const nothing = { name: null, category: null, tagline: null, description: null };
  const none = { ...nothing, panelShip: null, communityShip: null, entryPrice: null };
  const { readings, faults } = findStats(page);
  const fits = readings.map((stats) => ({ stats, ...findNames(page, stats) }));
  const [first, ...others] = fits;
  if (!first) return { tools: [none, none], scorecardAt: -1, faults };
  const { stats, names, fault } = others.reduce((best, fit) => (fit.score > best.score ? fit : best), first);
  faults.push(...stats[0].faults, ...stats[1].faults);
  if (!names) {
    faults.push(fault);
    return { tools: [none, none], scorecardAt: -1, faults };
  }
  const scorecard = findScorecard(page, stats[1].to);
  if (!scorecard) {
    faults.push({
      field: 'tools.1.description',
      reason: 'no "Reviewer scorecard" after it, so its end cannot be told',
    });
  }
  if (hasMoreFigures(page, stats, scorecard?.from ?? page.flat.length)) {
    faults.push({
      field: 'tools',
      reason: '"Panel ship" stands above the scorecard for more than two tools',
    });
  }
  const descriptionEnds = [
    names[1].category?.from ?? names[1].from,
    scorecard?.from ?? page.flat.length,
  ] as const;

  const read = (side: 0 | 1): ToolBlock => {
    const heading = names[side];
    const { from, to, panelShip, communityShip, entryPrice } = stats[side];
    const field = (name: string, text: string, missing: string) => {
      if (text === '') faults.push({ field: `tools.${side}.${name}`, reason: missing });
      return text || null;
    };
    const words = (name: string, { text, ambiguity }: FoundText, missing: string) => {
      if (ambiguity === null) return field(name, text, missing);
      faults.push({ field: `tools.${side}.${name}`, reason: ambiguity });
      return null;
    };
    if (heading.isUnsure) {
      faults.push({
        field: `tools.${side}.name`,
        reason: `cannot tell whether "${heading.name}" is all of it, as title and heading break there`,
      });
    }
    if (heading.category?.isUnsure) {
      faults.push({
        field: `tools.${side}.category`,
        reason: `cannot tell where the text above "${heading.name}" ends and the category begins`,
      });
    }
    return {
      name: heading.name,
      category: field('category', heading.category?.text ?? '', `missing above "${heading.name}"`),
      tagline: words('tagline', taglineIn(page, heading.to, from), `missing below "${heading.name}"`),
      panelShip,
      communityShip,
      entryPrice,
      description:
        side === 1 && !scorecard
          ? null
          : words('description', descriptionIn(page, to, descriptionEnds[side]), 'missing after the figures'),
    };
  };
  return { tools: [read(0), read(1)], scorecardAt: scorecard?.to ?? -1, faults };
}

function findScorecard(page: PageText, from: number): Span | null {
  const found = [...page.flat.matchAll(/(?<!\S)(?:the |panel |reviewers?['’]? )?scorecard:?(?!\S)/giu)]
    .map((match) => ({ from: match.index, to: match.index + match[0].length }))
    .filter((span) => span.from >= from);
  const ownLine = found.find(
    (span) => page.breakAt(span.from) !== NONE && page.breakAt(span.to + 1) !== NONE,
  );
  return ownLine ?? found.find((span) => /^reviewer/iu.test(page.flat.slice(span.from))) ?? null;
}

type Names = { score: number } & ({ names: [Heading, Heading]; fault: null } | { names: null; fault: Fault });

function findNames(page: PageText, stats: [Stats, Stats]): Names {
  const { flat } = page;
  let best: { pair: [Heading | null, Heading | null]; score: number; at: Span } | undefined;
  // Only the nearest titles: lists of other comparisons stand further above.
  const titles = [...flat.slice(0, stats[0].from).matchAll(/ (?:vs\.?|versus) /giu)].slice(-MAX_TITLES);
  for (const match of titles) {
    const at = { from: match.index, to: match.index + match[0].length };
    // In a text that was joined and wrapped again, line ends are accidental and mark no border.
    const runsOn = hardBreaksIn(page, { from: at.to, to: stats[1].to }) === 0;
    const right = findHeading(page, 1, namesAfter(page, at.to), stats[0].to, stats[1].from, runsOn);
    const left = findHeading(
      page,
      0,
      namesBefore(page, at.from),
      right?.titleEnd ?? at.to,
      stats[0].from,
      runsOn,
    );
    const score = (left?.score ?? -20) + (right?.score ?? -20);
    if (!best || score >= best.score) best = { pair: [left, right], score, at };
  }
  if (!best) {
    const fault = { field: 'title', reason: 'no "A vs B" above the first "Panel ship"' };
    return { score: -100, names: null, fault };
  }
  const { score } = best;
  const [left, right] = best.pair;
  if (!left || !right) {
    const side = left ? 1 : 0;
    const candidates = side ? namesAfter(page, best.at.to) : namesBefore(page, best.at.from);
    const isWhole = (span: Span) => page.breakAt(side ? span.to + 1 : span.from) !== NONE;
    const line = side ? candidates.find(isWhole) : candidates.findLast(isWhole);
    const name = line ? `"${flat.slice(line.from, line.to)}"` : 'the name';
    const reason = `${name} of the title does not stand again above its figures`;
    return { score, names: null, fault: { field: `tools.${side}.name`, reason } };
  }
  if (isSameName(left.name, right.name)) {
    const reason = `"${right.name}" is the name of the first tool too`;
    return { score, names: null, fault: { field: 'tools.1.name', reason } };
  }
  // A category that is certain for the first tool shows where the same category begins for the second.
  const known = left.category && !left.category.isUnsure ? left.category.text : null;
  const category = right.category?.isUnsure ? findCategory(page, stats[0].to, right, known) : right.category;
  return { score, names: [left, { ...right, category }], fault: null };
}

/** Whether two names are equal, by the rule that identifies comparisons. */
export function isSameName(a: string, b: string): boolean {
  return pairKey({ tools: [{ name: a }, { name: b }] }) === pairKey({ tools: [{ name: a }, { name: a }] });
}

/** Every run of words that ends (side 0) or begins (side 1) at the "vs" of a title. */
function namesBefore(page: PageText, end: number): Span[] {
  return wordStarts(page.flat, Math.max(0, end - MAX_NAME), end).map((from) => ({ from, to: end }));
}

function namesAfter(page: PageText, start: number): Span[] {
  const { flat } = page;
  const ends = wordStarts(flat, start + 1, Math.min(flat.length, start + MAX_NAME + 1)).map((at) => at - 1);
  return [...ends, Math.min(flat.length, start + MAX_NAME + 1)].map((to) => ({ from: start, to }));
}

function wordStarts(flat: string, from: number, to: number): number[] {
  const starts: number[] = [];
  for (let at = from; at < to; at += 1) {
    if ((at === 0 || flat.charAt(at - 1) === ' ') && flat.charAt(at) !== ' ') starts.push(at);
  }
  return starts;
}

const EDGE: Record<Break, number> = { 0: 0, 1: 2, 2: 3 };

/**
 * The best candidate name of the title that occurs again between `from` and `to`; of two, the longer. A part of a name
 * can also occur again: words that follow it in both places belong to it. Unless the whole page has no line breaks, the
 * name must reach the edge of the title, or fill the lines of its heading and leave only introductory words in the
 * title.
 */
function findHeading(
  page: PageText,
  side: 0 | 1,
  names: Span[],
  from: number,
  to: number,
  runsOn: boolean,
): Heading | null {
  let best: Heading | null = null;
  for (const span of names) {
    const name = page.flat.slice(span.from, span.to);
    const titleEdge = runsOn ? 0 : edges(page, span)[side ? 'end' : 'start'];
    const inTitle = titleEdge - 4 * hardBreaksIn(page, span);
    for (const at of occurrences(page.flat, name, from, to)) {
      const heading = { from: at, to: at + name.length };
      const goesOn = continuation(page, side, span, heading, from);
      if (goesOn === 'certain') continue;
      const { start, end } = runsOn ? { start: 0, end: 0 } : edges(page, heading);
      if (!runsOn && titleEdge === 0 && (start === 0 || end === 0 || !isFramed(page, side, span))) continue;
      const category = findCategory(page, from, heading);
      const score =
        inTitle +
        start +
        end -
        4 * hardBreaksIn(page, heading) +
        (category ? Math.min(category.score, 4) : -4);
      if (best && (score < best.score || (score === best.score && name.length < best.name.length))) continue;
      best = { name, ...heading, titleEnd: span.to, category, score, isUnsure: goesOn === 'possible' };
    }
  }
  return best;
}

/**
 * The words with which a name continues in both title and heading, away from the "vs". When both break before these
 * words, they may be another field, such as a category above each.
 */
function continuation(
  page: PageText,
  side: 0 | 1,
  title: Span,
  heading: Span,
  from: number,
): 'certain' | 'possible' | null {
  const { flat } = page;
  const [inTitle, inHeading] = [title, heading].map((span) =>
    side ? wordAfter(flat, span.to) : wordBefore(flat, span.from),
  );
  if (inTitle !== inHeading || inTitle === '' || heading.from <= from) return null;
  const isBroken = [title, heading].every((span) => edges(page, span)[side ? 'end' : 'start'] === EDGE[HARD]);
  if (!isBroken) return 'certain';
  const [lineInTitle, lineInHeading] = [title, heading].map((span) => neighbour(page, side, span));
  if (lineInTitle === undefined || lineInHeading === undefined) return null;
  const text = flat.slice(lineInHeading.from, lineInHeading.to);
  if (flat.slice(lineInTitle.from, lineInTitle.to) !== text) return null;
  return side === 1 || findCategory(page, from, { ...heading, from: lineInHeading.from }) ? 'possible' : null;
}

function wordBefore(flat: string, at: number): string {
  return at === 0 ? '' : flat.slice(flat.lastIndexOf(' ', at - 2) + 1, at - 1);
}

function wordAfter(flat: string, at: number): string {
  return flat.slice(at + 1).split(' ', 1)[0] ?? '';
}

/** The line after a name (side 1) or before it. */
function neighbour(page: PageText, side: 0 | 1, { from, to }: Span): Span {
  if (side === 0) {
    let start = Math.max(0, from - 1);
    while (start > 0 && page.breakAt(start) !== HARD) start -= 1;
    return { from: start, to: from - 1 };
  }
  let end = to + 2;
  while (end < page.flat.length && page.breakAt(end) !== HARD) end += 1;
  return { from: to + 1, to: end - 1 };
}

/** Words that introduce or follow two names in a title: "Home / Compare /", "Which is better, … ?". */
const FRAME_WORD = /\b(?:compar\p{L}*|verdicts?|reviews?|which|versus|better)\b/iu;

/** Whether the title's line contains, besides the name, only words that cannot be part of it. */
function isFramed(page: PageText, side: 0 | 1, { from, to }: Span): boolean {
  const { flat } = page;
  if (side === 0) {
    let start = from;
    while (start > 0 && page.breakAt(start) === NONE) start -= 1;
    const lead = flat.slice(start, from).trim();
    return /[/›>»:|·•—–,-]$/u.test(lead) || FRAME_WORD.test(lead);
  }
  let end = to + 1;
  while (end < flat.length && page.breakAt(end) === NONE) end += 1;
  const rest = flat.slice(to, end).trim();
  return /^[/›<«:|·•—–,(?-]/u.test(rest) || FRAME_WORD.test(rest);
}

function edges(page: PageText, span: Span): { start: number; end: number } {
  return { start: EDGE[page.breakAt(span.from)], end: EDGE[page.breakAt(span.to + 1)] };
}

function hardBreaksIn(page: PageText, span: Span): number {
  return wordStarts(page.flat, span.from + 1, span.to).filter((at) => page.breakAt(at) === HARD).length;
}

function occurrences(flat: string, name: string, from: number, to: number): number[] {
  const found: number[] = [];
  for (
    let at = flat.indexOf(name, from);
    at !== -1 && at + name.length <= to && found.length < MAX_OCCURRENCES;
    at = flat.indexOf(name, at + 1)
  ) {
    const next = flat.charAt(at + name.length);
    if ((at === 0 || flat.charAt(at - 1) === ' ') && (next === '' || next === ' ')) found.push(at);
  }
  return found;
}

/**
 * The category directly above a heading: it begins at a line break, or after the end of a sentence when the text has no
 * line breaks. `hint` is a category that the page uses for certain.
 */
function findCategory(
  page: PageText,
  from: number,
  heading: Span,
  hint: string | null = null,
): Category | null {
  const { flat } = page;
  const above =
    linesOf(page, { from: Math.max(from, heading.from - MAX_LINE), to: heading.from - 1 }).at(-1) ?? '';
  if (isNoise(above)) return null;
  const earliest = Math.max(from, heading.from - MAX_CATEGORY - 1);
  const found = wordStarts(flat, earliest, heading.from - 1).flatMap(
    (at): (Category & { isBroken: boolean })[] => {
      const text = flat.slice(at, heading.from - 1);
      const before = flat.slice(Math.max(from, at - MAX_LINE), at).trim();
      const kind = before === '' ? HARD : page.breakAt(at);
      const isAfterSentence = SENTENCE_END.test(before);
      if (kind === NONE && !isAfterSentence) return [];
      const score =
        3 * kind +
        (isAfterSentence ? 4 : 0) +
        (text === hint ? 5 : 0) -
        (before === '' ? 3 : 0) -
        (/[.!?…](?=\s)/u.test(text) ? 4 : 0) -
        (SENTENCE_END.test(text) ? 9 : 0) -
        5 * hardBreaksIn(page, { from: at, to: heading.from - 1 });
      const isSettled = kind === HARD || isAfterSentence || text === hint;
      return [{ from: at, text: label(text), score, isUnsure: !isSettled, isBroken: kind !== NONE }];
    },
  );
  // Nearest first, so that of two equally good starts the shorter category is used.
  const [best, ...others] = found.reverse().sort((a, b) => b.score - a.score);
  if (!best || best.score < 2) return null;
  return {
    ...best,
    isUnsure: best.isUnsure && others.some((other) => other.isBroken && other.score > best.score - 2),
  };
}

function label(text: string): string {
  return bare(text.replace(/^category:\s*/iu, ''));
}
