import type { Call, Review } from '../../../comparisons/model.ts';
import type { Fault } from '../../../platform/errors.ts';
import { haveUnlikeLenses, lensesOf, lensNamed } from '../lenses.ts';
import { linesOf, type PageText } from './page-text.ts';
import { findQuotes, isLabel } from './quotes.ts';

export interface Scorecard {
  reviews: [Review[], Review[]];
  faults: Fault[];
}

/** The content of the words around a quote: the lens, the tool, ship or skip. */
interface Label {
  /** "The Builder", or another known lens. */
  lens: string | null;
  /** Words that may be a reviewer's name, or an unknown lens. */
  person: string | null;
  tool: 0 | 1 | null;
  calls: Call[];
  /** Both tools, in the order of a table's column headers. */
  columns: readonly [0 | 1, 0 | 1] | 'unclear' | null;
}

const NOTHING: Label = { lens: null, person: null, tool: null, calls: [], columns: null };

/**
 * Reads the reviews of both tools, from offset `from` on. Labels may stand before or after their quotes, above each
 * quote or each pair, or above the columns of a table. Without labels, quotes alternate between the tools, and their
 * words give the lens ({@link lensesOf}). A pair with the words of two lenses is refused: a quote is missing, or the
 * order is different.
 */
export function readScorecard(page: PageText, from: number, names: readonly [string, string]): Scorecard {
  const found = findQuotes(page, from);
  const fail = (reason: string): Scorecard => ({
    reviews: [[], []],
    faults: [{ field: 'tools.0.reviews, tools.1.reviews', reason }],
  });
  if (!found) return fail(whyNoQuotes(page.flat.slice(from)));

  const texts = found.quotes.map((quote) => quote.text);
  const labels = [
    ...found.quotes.map(({ before }, index) => readLabel(page, before, names, index === 0 ? 'last' : 'all')),
    readLabel(page, found.after, names, 'first'),
  ];
  const calls = callsOf(labels, texts.length);
  const lenses = sticky(labels, 'lens', texts.length);
  const people = sticky(labels, 'person', texts.length);
  const columns = columnsOf(labels);
  if (columns === 'unclear') return fail('cannot tell from the names of both tools which quote is whose');
  const tools = toolsOf(labels, texts.length);
  if (!tools) return fail('some quotes have the name of their tool and some have none');

  const isLabelled = lenses.every((lens) => lens !== null);
  if (!isLabelled && lenses.some((lens) => lens !== null))
    return fail('some quotes have a lens and some have none');
  const persons = people.every((person) => person !== null && count(people, person) === 2) ? people : null;
  const groups: (string | number | null)[] = isLabelled
    ? lenses
    : (persons ?? texts.map((_, index) => (isByTool(tools) ? index % (texts.length / 2) : index >> 1)));
  const order = [...new Set(groups)];

  const uneven = order.find((group) => count(groups, group) !== 2);
  if (uneven !== undefined) {
    return fail(
      isLabelled
        ? `quotes of the lens "${uneven}": ${count(groups, uneven)}, expected one for each tool`
        : `quotes after "Reviewer scorecard": ${texts.length}, expected one for each tool and lens`,
    );
  }
  const pairs = order.map((group) => texts.filter((_, index) => groups[index] === group));
  if (!isLabelled && pairs.some(([one = '', other = '']) => haveUnlikeLenses(one, other)))
    return fail('two quotes that should share a lens speak of different ones; one may be missing');
  const cued = isLabelled ? order.map(String) : lensesOf(pairs);
  const named = cued.map((lens, index) => lens ?? (persons ? String(order[index]) : null));

  if (columns === null && tools.every((tool) => tool === null) && areCrossed(texts, names))
    return fail('quotes without a tool above them name the other tool; their order may be another one');

  const card: Scorecard = { reviews: [[], []], faults: [] };
  const seen = new Map<unknown, 0 | 1>();
  for (const [index, quote] of texts.entries()) {
    const group = groups[index];
    const before = seen.get(group);
    const tool = tools[index] ?? (columns ?? ([0, 1] as const))[before === undefined ? 0 : 1];
    if (before === tool) return fail(`two quotes of the same lens for "${names[tool]}"`);
    seen.set(group, tool);
    const lens = named[order.indexOf(group ?? null)] ?? null;
    if (lens === null) {
      const field = `tools.${tool}.reviews.${card.reviews[tool].length}.lens`;
      card.faults.push({ field, reason: 'neither a label nor the words of the quote tell it' });
    }
    card.reviews[tool].push({ lens: lens ?? '', quote, call: calls[index] ?? null });
  }
  return card;
}

function whyNoQuotes(scorecard: string): string {
  const marks = (mark: RegExp) => scorecard.match(mark)?.length ?? 0;
  const [opening, closing] = [marks(/[“„«]/gu), marks(/[”»]/gu)];
  if (opening + closing + marks(/"/gu) === 0) return 'no quotes after "Reviewer scorecard"';
  return opening === closing
    ? 'cannot tell where the quotes after "Reviewer scorecard" begin and end'
    : `the scorecard has ${opening} opening and ${closing} closing quotation marks`;
}

function count(list: readonly unknown[], value: unknown): number {
  return list.filter((entry) => entry === value).length;
}

/**
 * One property of the labels for every quote. Labels stand before the quotes when the first quote has one there, else
 * after them; a quote without a label uses its neighbour's.
 */
function sticky<K extends 'lens' | 'person' | 'tool'>(
  labels: readonly Label[],
  key: K,
  quotes: number,
): Label[K][] {
  const values = labels.map((label) => label[key]);
  const result = new Array<Label[K]>(quotes).fill(null as Label[K]);
  if (values[0] !== null) {
    for (let index = 0; index < quotes; index += 1) {
      result[index] = (values[index] ?? result[index - 1] ?? null) as Label[K];
    }
  } else {
    for (let index = quotes - 1; index >= 0; index -= 1) {
      result[index] = (values[index + 1] ?? result[index + 1] ?? null) as Label[K];
    }
  }
  return result;
}

/**
 * The tool of every quote, as in {@link sticky}; all null when only columns or the order tell it; null when only some
 * quotes have a label.
 */
function toolsOf(labels: readonly Label[], quotes: number): (0 | 1 | null)[] | null {
  const tools = sticky(labels, 'tool', quotes);
  const isPartly = tools.some((tool) => tool === null) && tools.some((tool) => tool !== null);
  return isPartly ? null : tools;
}

/** The order of the columns; all column headers must agree on it. */
function columnsOf(labels: readonly Label[]): Label['columns'] {
  const [first = null, ...others] = labels.flatMap(({ columns }) => (columns === null ? [] : [columns]));
  return others.every((other) => other[0] === first?.[0]) ? first : 'unclear';
}

/** Whether every quote, taken in turn, names the other tool and none names its own. */
function areCrossed(texts: readonly string[], names: readonly [string, string]): boolean {
  const [a, b] = names.map((name) => name.split(' ', 1)[0] ?? '');
  if (a === undefined || b === undefined || a === b || a.length < 3 || b.length < 3) return false;
  const speaks = (side: 0 | 1, of: string) =>
    texts.some((text, index) => index % 2 === side && text.includes(of));
  return speaks(0, b) && speaks(1, a) && !speaks(0, a) && !speaks(1, b);
}

/** Whether all quotes of one tool come before those of the other. */
function isByTool(tools: readonly (0 | 1 | null)[]): boolean {
  const [first] = tools;
  const half = tools.length / 2;
  return (
    first !== null && tools.length > 2 && tools.every((tool, index) => (tool === first) === index < half)
  );
}

function callsOf(labels: readonly Label[], quotes: number): (Call | null)[] {
  const isBefore = (labels[0]?.calls.length ?? 0) > 0;
  const calls: (Call | null)[] = [];
  for (let index = 0; index < quotes; index += 1) {
    const own = labels[isBefore ? index : index + 1] ?? NOTHING;
    const above = isBefore && index > 0 && own === NOTHING ? (labels[index - 1] ?? NOTHING) : NOTHING;
    calls.push(own.calls[0] ?? above.calls[1] ?? above.calls[0] ?? null);
  }
  return calls;
}

const CALL = /(?<![\p{L}\p{N}-])(ship|skip)(?:s|ped)?(?![\p{L}\p{N}-])/giu;
const FILLER =
  /(?<![\p{L}\p{N}-])(?:verdict|calls?|votes?|says|lens|reviewers?|review|panel|would|view|on|for|about)(?![\p{L}\p{N}-])/giu;

/**
 * Reads the label in a range of the page. Before the first quote only the last lines can be a label, after the last
 * quote only the first line; other text belongs to the page.
 */
function readLabel(
  page: PageText,
  span: { from: number; to: number },
  names: readonly [string, string],
  which: 'all' | 'first' | 'last',
): Label {
  const lines = linesOf(page, span);
  const label: Label = { ...NOTHING, calls: [] };
  const labelLines =
    which === 'all'
      ? lines
      : which === 'first'
        ? lines.slice(0, 1).filter((line) => isLabel(line) && saysSomething(line))
        : lines.slice(lines.findLastIndex((line) => !isLabel(line)) + 1);
  if (labelLines.length === 0) return NOTHING;

  const tools: (0 | 1)[] = [];
  for (const line of labelLines) {
    for (const piece of replaceNames(line, names).split(SEPARATOR)) {
      const part = piece.trim();
      const tool = toolNamed(part, names);
      if (tool !== null) {
        tools.push(tool);
        continue;
      }
      for (const [, call] of part.matchAll(CALL))
        label.calls.push(call?.toLowerCase() === 'ship' ? 'ship' : 'skip');
      const rest = part.replace(CALL, ' ').replace(FILLER, ' ').replace(/\s+/gu, ' ').trim();
      if (!/[\p{L}\p{N}]/u.test(rest)) continue;
      const role = /^the (.+)$/iu.exec(rest)?.[1]?.toLowerCase();
      label.lens ??= role ?? lensNamed(rest);
      if (role === undefined && lensNamed(rest) === null) label.person ??= rest.toLowerCase();
    }
  }
  const [first = null, second = null] = tools;
  const alternate = tools.every((tool, index) => tool === tools[index % 2]);
  if (tools.every((tool) => tool === first)) label.tool = first;
  else if (first === null || second === null || first === second || !alternate) label.columns = 'unclear';
  else {
    // Both names on one line are column headers; the line below may give the tool of the first quote.
    label.columns = [first, second];
    if (tools.length % 2 === 1) label.tool = first;
  }
  return label;
}

const SEPARATOR = /[|·•;:,()[\]]|(?:^|\s)[—–-]+(?:\s|$)/u;

/** Placeholders for the tools in a line, so that no mark in a name is parsed. */
const PLACEHOLDERS = ['\uE000', '\uE001'] as const;

/** Replaces tool names in a line by placeholders; the longer name first, because one may begin with the other. */
function replaceNames(line: string, names: readonly [string, string]): string {
  const byLength = ([0, 1] as const)
    .filter((tool) => names[tool] !== '')
    .sort((a, b) => names[b].length - names[a].length);
  return byLength.reduce(
    (rest, tool) => {
      const name = names[tool].replace(/[.*+?^${}()|[\]\\]/gu, '\\$&');
      const before = '(?<=^\\s*|[|·•;:,([—–-]\\s*|\\b(?:on|for|about|of|re)\\s+)';
      const after = '(?=\\s*(?:$|[|·•;:,)\\]—–-]))';
      return rest.replace(new RegExp(before + name + after, 'giu'), `|${PLACEHOLDERS[tool]}|`);
    },
    line.replace(/[\uE000\uE001]/gu, ' '),
  );
}

/**
 * The tool of a placeholder, or the only tool whose name begins with these words: "Mistral 3 Small" for "Mistral 3
 * Small (22B)".
 */
function toolNamed(part: string, names: readonly [string, string]): 0 | 1 | null {
  if (part === PLACEHOLDERS[0] || part === PLACEHOLDERS[1]) return part === PLACEHOLDERS[0] ? 0 : 1;
  if (part.length < 4 || lensNamed(part) !== null || /^the /iu.test(part)) return null;
  const fits = ([0, 1] as const).filter((tool) =>
    names[tool].toLowerCase().startsWith(`${part.toLowerCase()} `),
  );
  return fits.length === 1 ? (fits[0] ?? null) : null;
}

function saysSomething(line: string): boolean {
  return (
    /^[—–-]/u.test(line) ||
    /^the \p{L}+/iu.test(line) ||
    lensNamed(line) !== null ||
    /^\W*(?:ship|skip)\W*$/iu.test(line)
  );
}
