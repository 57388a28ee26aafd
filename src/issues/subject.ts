import type { Comparison, Mark, Tool, Verdict } from '../comparisons/model.ts';
import { entryPrices, withoutLooseEnd } from '../comparisons/names.ts';
import { isContested, toolMark, verdict } from '../comparisons/verdict.ts';
import { lengthOf, oneLine, truncateAtWord } from './truncate.ts';

/**
 * Subject and preheader of an issue. The subject is the best verdict, the preheader the next two: never an issue
 * number, never the same text twice. The lengths (30 to 50 and 40 to 90 characters) are goals; that the text is
 * true is a rule.
 */

interface Fits {
  min: number;
  max: number;
}
const SUBJECT: Fits = { min: 30, max: 50 };
const PREHEADER: Fits = { min: 40, max: 90 };

type Pair = Pick<Comparison, 'tools'>;

/** "Ship Zed, skip Cursor: panel 88% to 31%": the verdict on an issue's lead in at most 50 characters. */
export function subjectFor(lead: Pair): string {
  return headline(lead, SUBJECT);
}

/**
 * The verdicts after the lead: "Ship both Suno and Udio. Skip both Lindy and Relay." When there are none, the
 * shares behind the lead, which do not fit into the subject.
 * @param others the other comparisons, in order.
 * @param subject never repeated.
 */
export function preheaderFor(lead: Pair, others: readonly Pair[], subject: string): string {
  const texts = [nextVerdicts(others), backing(lead), entry(lead)];
  return texts.find((text) => text !== '' && !sameText(text, subject)) ?? '';
}

/** Whether two lines look the same to a reader who skims. */
export function sameText(a: string, b: string): boolean {
  const plain = (text: string) =>
    text
      .normalize('NFKC')
      .toLowerCase()
      .replace(/[\s\p{P}]+/gu, '');
  return plain(a) === plain(b);
}

function nextVerdicts(others: readonly Pair[]): string {
  const [second, third] = others;
  if (!second) return '';
  const { min, max } = PREHEADER;
  const line = (pair: Pair, room: Partial<Fits> = {}) =>
    sentence(headline(pair, { min: 0, max: max - 1, ...room }));
  if (!third || sameText(line(second), line(third))) {
    return padded(line(second, { min: min - 1 }), ` ${entry(second)}`);
  }
  const lengths = [lengthOf(line(second)), lengthOf(line(third))] as const;
  // Each line is sure of half the length; what one does not need the other may use.
  const half = Math.floor((max - 1) / 2);
  const beside = (other: number) => ({ max: Math.max(half, max - 1 - other) - 1 });
  const both = `${line(second, beside(lengths[1]))} ${line(third, beside(lengths[0]))}`;
  const more = others.length - 2;
  const longer = more > 0 ? padded(both, ` And ${more} more inside.`) : both;
  return lengthOf(longer) >= min ? longer : `${line(second, { min: 30, max: half - 1 })} ${line(third)}`;
}

function sentence(text: string): string {
  return text.endsWith('…') ? text : `${text}.`;
}

/** Appends the addition if the text is too short without it and short enough with it. */
function padded(text: string, addition: string): string {
  const longer = text + addition;
  return lengthOf(text) < PREHEADER.min && lengthOf(longer) <= PREHEADER.max ? longer : text;
}

function backing(lead: Pair): string {
  return padded(truncateAtWord(oneLine(verdict(lead.tools).because), PREHEADER.max), ` ${entry(lead)}`);
}

function entry(lead: Pair): string {
  return truncateAtWord(oneLine(`Entry price: ${entryPrices(lead.tools)}.`), PREHEADER.max);
}

/**
 * A verdict as a headline of at most `max` graphemes; shares are added when it would be shorter than `min`, names
 * are shortened when it would be too long.
 */
function headline({ tools }: Pair, { min, max }: Fits): string {
  const say = phrasing(tools);
  const names = namesThatFit(tools, (a, b) => lengthOf(say(a, b)) - max);
  if (!names) return truncateAtWord(oneTool(tools) ?? say(nameOf(tools[0]), nameOf(tools[1])), max);
  const line = say(...names);
  if (lengthOf(line) >= min) return line;
  const longer = evidence(tools)
    .map((backed) => line + backed)
    .filter((text) => lengthOf(text) <= max);
  return longer.find((text) => lengthOf(text) >= min) ?? longer.at(-1) ?? line;
}

/** Returns the sentence of a pair's verdict as a function of the tools' names. */
function phrasing(tools: Comparison['tools']): (a: string, b: string) => string {
  const { mark, pick } = verdict(tools);
  const stands = tools.map(markOf);
  if (pick !== null) {
    const other = stands[1 - pick] === 'skip' ? ', skip' : ' over';
    return (a, b) => (pick === 0 ? `Ship ${a}${other} ${b}` : `Ship ${b}${other} ${a}`);
  }
  if (mark !== 'split') return (a, b) => `${mark === 'ship' ? 'Ship' : 'Skip'} both ${a} and ${b}`;
  if (stands[0] === 'skip') return (a, b) => `Split on ${b}, skip ${a}`;
  if (stands[1] === 'skip') return (a, b) => `Split on ${a}, skip ${b}`;
  return (a, b) => `Split: ${a} or ${b}`;
}

/** When the two names do not fit together, the one tool to ship can be named alone. */
function oneTool(tools: Comparison['tools']): string | null {
  const { pick } = verdict(tools);
  return pick === null ? null : `Ship ${nameOf(tools[pick])}`;
}

/**
 * The evidence for a verdict in a few words: the readers who reversed it, else the shares that decided it, the
 * panel's or, where the panel did not decide, the readers'.
 */
function evidence(tools: Comparison['tools']): string[] {
  const { mark, pick } = verdict(tools);
  const joint = mark === 'split' ? ', ' : ': ';
  const contested = tools.filter(isContested);
  if (contested.length > 0) {
    return contested.map(
      (tool) => `${joint}readers ${toolMark(tool) === 'ship' ? 'doubt' : 'would ship'} ${nameOf(tool)}`,
    );
  }
  const [a, b] = pick === 1 ? [tools[1], tools[0]] : tools;
  if (pick === null || a.panelShip > b.panelShip)
    return [joint + describeShares('panel', a.panelShip, b.panelShip, pick)];
  if (a.communityShip === null || b.communityShip === null) return [];
  return [joint + describeShares('readers', a.communityShip, b.communityShip, pick)];
}

function describeShares(who: string, a: number, b: number, pick: Verdict['pick']): string {
  if (a === b) return `${who} at ${a}% each`;
  return `${who} ${a}% ${pick === null ? 'and' : 'to'} ${b}%`;
}

/** Like the verdict: readers who vote the opposite make a tool's mark a split. */
function markOf(tool: Tool): Mark {
  return isContested(tool) ? 'split' : toolMark(tool);
}

/**
 * Both names in full, else without their parentheses, else with whole words removed from their ends, the longer one
 * first. Null when they would become the same or empty.
 * @param excess graphemes over the limit with these names; 0 or less fits.
 */
function namesThatFit(
  tools: Comparison['tools'],
  excess: (a: string, b: string) => number,
): [string, string] | null {
  const full: [string, string] = [nameOf(tools[0]), nameOf(tools[1])];
  if (excess(...full) <= 0) return full;
  const bare: [string, string] = [withoutParentheses(full[0]), withoutParentheses(full[1])];
  const same = ([a, b]: [string, string]) => sameText(a, b);
  if (!same(bare) && excess(...bare) <= 0) return bare;
  const lengths: [number, number] = [lengthOf(bare[0]), lengthOf(bare[1])];
  const room = lengths[0] + lengths[1] - excess(...bare);
  const half = Math.floor(room / 2);
  if (half < 6) return null;
  const first = lengths[0] <= half ? lengths[0] : Math.max(half, room - lengths[1]);
  const short: [string, string] = [shortened(bare[0], first), shortened(bare[1], room - first)];
  const mistaken =
    (short[0] !== bare[0] && startsWith(full[1], short[0])) ||
    (short[1] !== bare[1] && startsWith(full[0], short[1]));
  return same(short) || mistaken ? null : short;
}

/** "Claude" is not a clear name for Claude Code beside Claude Cowork. */
function startsWith(name: string, short: string): boolean {
  return name.toLowerCase().startsWith(short.toLowerCase().replace(/…$/u, ''));
}

function nameOf(tool: Tool): string {
  return oneLine(tool.name);
}

function withoutParentheses(name: string): string {
  return (
    name
      .replace(/\s*(?:\([^()]*\)|\[[^[\]]*\])/gu, '')
      .replace(/\s+/gu, ' ')
      .trim() || name
  );
}

/** Shortens by whole words, so that the result reads like a name. */
function shortened(name: string, room: number): string {
  if (lengthOf(name) <= room) return name;
  return withoutLooseEnd(truncateAtWord(name, room, ''));
}
