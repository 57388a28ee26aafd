import type { Comparison, Mark, Tool, Verdict } from '../comparisons/model.ts';
import { entryPrices, nameKey, withoutLooseEnd } from '../comparisons/names.ts';
import { CLEAR_LEAD, isContested, toolMark, verdict } from '../comparisons/verdict.ts';
import { lengthOf, oneLine, truncateAtWord } from './truncate.ts';

/**
 * Subject and preheader of an issue. The subject is the best verdict, the preheader the next two: never an issue
 * number, never the same text twice, never the lead's tools in both. The lengths (30 to 50 and 40 to 90 characters)
 * are goals; that the text is true is a rule.
 */

/**
 * The forms of a subject. The first four say the verdict directly, one form for each kind of verdict; the others say
 * the same in other words, so that subjects vary from week to week.
 */
export type SubjectForm =
  /** "Ship Zed, skip Cursor", "Ship Copilot over Tabnine" */
  | 'ship-one'
  /** "Ship both Suno and Udio" */
  | 'ship-both'
  /** "Skip both Suno and Udio" */
  | 'skip-both'
  /** "Split: V0 or Bolt", "Split on V0, skip Bolt" */
  | 'split'
  /** "The panel ships Zed, skips Cursor", "Readers ship Lindy over Relay" */
  | 'who'
  /** "Zed, not Cursor", "Neither Suno nor Udio ships", "V0 and Bolt: no clear verdict" */
  | 'names'
  /** "Suno or Udio? Skip both", "V0 or Bolt? The panel is split" */
  | 'question';

interface Fits {
  min: number;
  max: number;
}
const SUBJECT: Fits = { min: 30, max: 50 };
const PREHEADER: Fits = { min: 40, max: 90 };

type Pair = Pick<Comparison, 'tools'>;

/**
 * The verdict on an issue's lead in at most 50 characters: "Ship Zed, skip Cursor: panel 88% to 31%".
 * @param past the forms of the last subjects, newest first: see {@link formOf}.
 */
export function subjectFor(lead: Pair, past: readonly (SubjectForm | null)[] = []): string {
  return lineOf(wordingFor(lead, past), lead, SUBJECT);
}

/**
 * Returns the form of {@link subjectFor}: the direct one, unless two of the last four subjects had it; then another
 * that was used less. So no form comes four times running while a verdict can be said in two ways.
 */
export function formOf(lead: Pair, past: readonly (SubjectForm | null)[]): SubjectForm {
  return wordingFor(lead, past).form;
}

/** Returns the form that says the verdict of a pair directly. */
export function directForm({ tools }: Pair): SubjectForm {
  const { mark, pick } = verdict(tools);
  if (pick !== null) return 'ship-one';
  return mark === 'split' ? 'split' : `${mark}-both`;
}

/** How many of the last subjects count, and how many of them may have the form already. */
const RECENT = { subjects: 4, uses: 2 };

function wordingFor(lead: Pair, past: readonly (SubjectForm | null)[]): Wording {
  const recent = past.slice(0, RECENT.subjects);
  const usesOf = ({ form }: Wording) => recent.filter((each) => each === form).length;
  const [direct, ...others] = wordingsOf(lead.tools);
  const fitting = [direct, ...others.filter((wording) => namesIn(wording, lead.tools, SUBJECT.max) !== null)];
  const fresh = fitting.find((wording) => usesOf(wording) < RECENT.uses);
  return fresh ?? fitting.reduce((best, each) => (usesOf(each) < usesOf(best) ? each : best));
}

/**
 * The verdicts after the lead: "Ship both Suno and Udio. Skip both Lindy and Relay." A comparison with a tool of the
 * lead is passed over, because the subject names it. When there are none, the figures of the lead without its names.
 * @param others the other comparisons, in order.
 * @param subject never repeated.
 */
export function preheaderFor(lead: Pair, others: readonly Pair[], subject: string): string {
  const texts = [nextVerdicts(unlike(lead, others)), figures(lead), entry(lead)];
  const isNew = (text: string) => text !== '' && !sameText(text, subject) && !isNamedIn(text, lead);
  return texts.find(isNew) ?? NOTHING_ELSE;
}

const NOTHING_ELSE = 'Both tools side by side, reviewer by reviewer.';

/** Returns the pairs without a tool of the lead; of two with one tool in common, the second comes last. */
function unlike(lead: Pair, others: readonly Pair[]): Pair[] {
  const keys = ({ tools }: Pair) => tools.map(({ name }) => nameKey(name));
  const shares = (a: Pair, b: Pair) => keys(a).some((key) => keys(b).includes(key));
  const [second, ...rest] = others.filter((pair) => !shares(lead, pair));
  if (second === undefined) return [];
  const third = rest.findIndex((pair) => !shares(second, pair));
  return third < 0 ? [second, ...rest] : [second, ...rest.slice(third), ...rest.slice(0, third)];
}

/** A price is the site's own text, and may name the tool. */
function isNamedIn(text: string, { tools }: Pair): boolean {
  return tools.some(({ name }) => text.toLowerCase().includes(oneLine(name).toLowerCase()));
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

/** "Panel at 88% and 31%, readers at 60% and 55%. Entry price: Free vs $20/mo." */
function figures({ tools }: Pair): string {
  const [a, b] = tools;
  const both = (who: string, [first, second]: [number, number]) =>
    first === second ? `${who} at ${first}% each` : `${who} at ${first}% and ${second}%`;
  const panel = both('Panel', [a.panelShip, b.panelShip]);
  const readers =
    a.communityShip === null || b.communityShip === null
      ? ''
      : both(', readers', [a.communityShip, b.communityShip]);
  const text = `${panel}${readers}.`;
  const longer = `${text} ${entry({ tools })}`;
  return lengthOf(longer) <= PREHEADER.max ? longer : text;
}

function entry(lead: Pair): string {
  return truncateAtWord(oneLine(`Entry price: ${entryPrices(lead.tools)}.`), PREHEADER.max);
}

/** A way to say a verdict, as a function of the tools' names. */
interface Wording {
  form: SubjectForm;
  say: (a: string, b: string) => string;
  /** What makes it longer, the most telling first. */
  evidence: string[];
}

/** The direct wording of a verdict as a headline of at most `max` graphemes. */
function headline(pair: Pair, fits: Fits): string {
  return lineOf(wordingsOf(pair.tools)[0], pair, fits);
}

/** Evidence is added when the line would be shorter than `min`, names are shortened when it would be too long. */
function lineOf(wording: Wording, { tools }: Pair, { min, max }: Fits): string {
  const { say, evidence } = wording;
  const names = namesIn(wording, tools, max);
  if (!names) return truncateAtWord(oneTool(tools) ?? say(nameOf(tools[0]), nameOf(tools[1])), max);
  const line = say(...names);
  if (lengthOf(line) >= min) return line;
  const longer = evidence.map((backed) => line + backed).filter((text) => lengthOf(text) <= max);
  return longer.find((text) => lengthOf(text) >= min) ?? longer.at(-1) ?? line;
}

function namesIn({ say }: Wording, tools: Comparison['tools'], max: number): [string, string] | null {
  return namesThatFit(tools, (a, b) => lengthOf(say(a, b)) - max);
}

/** Returns the true wordings of a verdict, the direct one first. No wording names a tool twice. */
function wordingsOf(tools: Comparison['tools']): [Wording, ...Wording[]] {
  const { mark, pick } = verdict(tools);
  const stands = tools.map(markOf);
  const backed = evidence(tools);
  const form = directForm({ tools });
  const direct = (say: Wording['say']): Wording => ({ form, say, evidence: backed });
  const other = (form: SubjectForm, say: Wording['say']): Wording => ({ form, say, evidence: backed });
  // It names the panel or the readers already.
  const who = (say: Wording['say']): Wording => ({
    ...{ form: 'who', say },
    evidence: backed.map((each) => each.replace(/(?:panel|readers) (?:at )?(?=\d)/u, '')),
  });
  const decided = decidedBy(tools);

  if (pick !== null) {
    const inOrder = (say: Wording['say']): Wording['say'] => (pick === 0 ? say : (a, b) => say(b, a));
    const isSkipped = stands[1 - pick] === 'skip';
    const subject = decided === 'panel' ? 'The panel ships' : 'Readers ship';
    return [
      direct(inOrder(isSkipped ? (a, b) => `Ship ${a}, skip ${b}` : (a, b) => `Ship ${a} over ${b}`)),
      ...(decided === null
        ? []
        : [
            who(inOrder((a, b) => (isSkipped ? `${subject} ${a}, skips ${b}` : `${subject} ${a} over ${b}`))),
          ]),
      other('names', inOrder(isSkipped ? (a, b) => `${a}, not ${b}` : (a, b) => `${a} over ${b}`)),
    ];
  }
  if (mark === 'ship')
    return [
      direct((a, b) => `Ship both ${a} and ${b}`),
      other('names', (a, b) => `${a} and ${b} both ship`),
      other('question', (a, b) => `${a} or ${b}? Ship either`),
    ];
  if (mark === 'skip')
    return [
      direct((a, b) => `Skip both ${a} and ${b}`),
      other('names', (a, b) => `Neither ${a} nor ${b} ships`),
      other('question', (a, b) => `${a} or ${b}? Skip both`),
    ];
  const isPanelSplit = tools.every((tool, side) => stands[side] === 'skip' || toolMark(tool) === 'split');
  const open = stands[0] === 'skip' ? 1 : 0;
  if (stands[0] === 'skip' || stands[1] === 'skip') {
    const inOrder = (say: Wording['say']): Wording['say'] => (open === 0 ? say : (a, b) => say(b, a));
    return [
      direct(inOrder((a, b) => `Split on ${a}, skip ${b}`)),
      ...(isPanelSplit ? [who(inOrder((a, b) => `The panel is split on ${a}, skips ${b}`))] : []),
      other(
        'names',
        inOrder((a, b) => `${a}: no clear verdict; skip ${b}`),
      ),
    ];
  }
  return [
    direct((a, b) => `Split: ${a} or ${b}`),
    ...(isPanelSplit
      ? [
          { ...who((a, b) => `${a} or ${b}? The panel is split`), form: 'question' as const },
          who((a, b) => `The panel is split on ${a} and ${b}`),
        ]
      : [other('question', (a, b) => `${a} or ${b}? No clear verdict`)]),
    other('names', (a, b) => `${a} and ${b}: no clear verdict`),
  ];
}

/** Who decided for the one tool to ship; null when readers doubted the panel. */
function decidedBy(tools: Comparison['tools']): 'panel' | 'readers' | null {
  if (tools.some(isContested)) return null;
  const [a, b] = tools;
  const isClear = toolMark(a) !== toolMark(b) || Math.abs(a.panelShip - b.panelShip) >= CLEAR_LEAD;
  return isClear ? 'panel' : 'readers';
}

/** When the two names do not fit together, the one tool to ship can be named alone. */
function oneTool(tools: Comparison['tools']): string | null {
  const { pick } = verdict(tools);
  return pick === null ? null : `Ship ${nameOf(tools[pick])}`;
}

/**
 * The evidence for a verdict in a few words: that readers doubt the panel, else the shares that decided it, the
 * panel's or, where the panel did not decide, the readers'. It names no tool.
 */
function evidence(tools: Comparison['tools']): string[] {
  const { mark, pick } = verdict(tools);
  const joint = mark === 'split' ? ', ' : ': ';
  if (tools.some(isContested)) return [`${joint}readers doubt the panel`];
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
