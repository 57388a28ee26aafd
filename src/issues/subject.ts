import type { CountedComparison, Verdict } from '../comparisons/model.ts';
import { entryPrices, nameKey } from '../comparisons/names.ts';
import { capitalised, numberWord, panelCount } from '../comparisons/people.ts';
import { DISAGREE } from '../comparisons/reasons.ts';
import { communityOf, decidedBy, outcome, standsOf, toolMark } from '../comparisons/verdict.ts';
import { lengthOf, oneLine, truncateAtWord } from './truncate.ts';

/**
 * Subject and preheader of an issue. The subject is the best verdict, the preheader the next two: never an issue
 * number, never the same text twice, never the lead's tools in both. Lengths (30 to 55 and 40 to 90 characters) are
 * goals. That the text is true is a rule: a name is never shortened, because half a name is another product; a line
 * that is too long drops its second tool, or stays long. Readers who disagree are named with "but".
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
  /** "Reviewers take Zed over Cursor", "Reviewers ship Mem, but readers don't" */
  | 'who'
  /** "Zed, not Cursor", "Neither Suno nor Udio ships", "V0 and Bolt: no clear verdict" */
  | 'names'
  /** "Suno or Udio? Skip both", "V0 or Bolt? The panel is split" */
  | 'question';

interface Fits {
  min: number;
  max: number;
}
const SUBJECT: Fits = { min: 30, max: 55 };
const PREHEADER: Fits = { min: 40, max: 90 };
/** Nothing is longer than this: a name may have 120 characters. */
const LONGEST = 130;

type Pair = Pick<CountedComparison, 'tools'>;
type Tools = Pair['tools'];

/**
 * The verdict on an issue's lead: "Ship Zed, skip Cursor: three of four reviewers agree".
 * @param past the forms of the last subjects, newest first: see {@link formOf}.
 */
export function subjectFor(lead: Pair, past: readonly (SubjectForm | null)[] = []): string {
  return lineOf(wordingFor(lead, past), SUBJECT);
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
  const { mark, pick } = outcome(tools);
  if (pick !== null) return 'ship-one';
  return mark === 'split' ? 'split' : `${mark}-both`;
}

/** How many of the last subjects count, and how many of them may have the form already. */
const RECENT = { subjects: 4, uses: 2 };

function wordingFor({ tools }: Pair, past: readonly (SubjectForm | null)[]): Wording {
  const recent = past.slice(0, RECENT.subjects);
  const usesOf = ({ form }: Wording) => recent.filter((each) => each === form).length;
  const wordings = wordingsOf(tools);
  const fresh = wordings.find((wording) => usesOf(wording) < RECENT.uses);
  return fresh ?? wordings.reduce((best, each) => (usesOf(each) < usesOf(best) ? each : best));
}

/**
 * The verdicts after the lead: "Suno and Udio both ship. Neither Lindy nor Relay does." A comparison with a tool of the
 * lead is passed over, because the subject names it. When there are none, the prices of the lead without its names.
 * @param others the other comparisons, in order.
 * @param subject never repeated; nor is its form, if there is another.
 */
export function preheaderFor(
  lead: Pair,
  others: readonly Pair[],
  subject: string,
  form: SubjectForm | null = directForm(lead),
): string {
  const texts = [nextVerdicts(unlike(lead, others), form), entry(lead)];
  const isNew = (text: string) => text !== '' && !sameText(text, subject) && !isNamedIn(text, lead);
  return padded(texts.find(isNew) ?? NOTHING_ELSE, ` ${NOTHING_ELSE}`);
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

/** The verdicts on the next two comparisons, each in a form that neither the subject nor its neighbour has. */
function nextVerdicts([second, third, ...more]: readonly Pair[], form: SubjectForm | null): string {
  if (!second) return '';
  const inForm = ({ tools }: Pair, ...used: (SubjectForm | null)[]) => {
    const wordings = wordingsOf(tools);
    return wordings.find((wording) => !used.includes(wording.form)) ?? wordings[0];
  };
  const wording = inForm(second, form);
  const line = sentence(lineOf(wording, { min: 0, max: PREHEADER.max }));
  const alone = padded(
    sentence(lineOf(wording, { ...PREHEADER, min: PREHEADER.min - 1 })),
    ` ${entry(second)}`,
  );
  if (!third) return alone;
  const room = PREHEADER.max - lengthOf(line) - 2;
  const next = sentence(lineOf(inForm(third, form, wording.form), { min: 0, max: room }));
  const both = `${line} ${next}`;
  if (sameText(line, next) || lengthOf(both) > PREHEADER.max) return alone;
  return more.length > 0
    ? padded(both, ` And ${more.length} more inside.`)
    : padded(both, ` ${entry(second)}`);
}

function sentence(text: string): string {
  return /[.…?!]$/u.test(text) ? text : `${text}.`;
}

/** Appends the addition if the text is too short without it and short enough with it. */
function padded(text: string, addition: string): string {
  const longer = text + addition;
  return lengthOf(text) < PREHEADER.min && lengthOf(longer) <= PREHEADER.max ? longer : text;
}

function entry({ tools }: Pair): string {
  return truncateAtWord(oneLine(`Entry price: ${entryPrices(tools)}.`), PREHEADER.max);
}

/** A way to say a verdict. */
interface Wording {
  form: SubjectForm;
  /** True lines, the most telling first: with both tools and who says so, with both, with one. */
  lines: string[];
}

/** The first line that fits; else the one that is nearest to it. No name is ever shortened. */
function lineOf({ lines }: Wording, { min, max }: Fits): string {
  const fitting = lines.find((line) => lengthOf(line) >= min && lengthOf(line) <= max);
  const distance = (line: string) => Math.max(min - lengthOf(line), lengthOf(line) - max, 0);
  const nearest = lines.reduce((best, each) => (distance(each) < distance(best) ? each : best));
  return truncateAtWord(fitting ?? nearest, LONGEST);
}

/** Returns the true wordings of a verdict, the direct one first. No line names a tool twice. */
function wordingsOf(tools: Tools): [Wording, ...Wording[]] {
  const { mark, pick } = outcome(tools);
  const names: [string, string] = [oneLine(tools[0].name), oneLine(tools[1].name)];
  const doubt = doubtOf(tools, names);
  const form = directForm({ tools });
  const wording = (
    of: SubjectForm,
    both: string[],
    one: string[] = [],
    evidence = evidenceOf(tools),
  ): Wording => ({
    form: of,
    lines:
      doubt === null
        ? withEvidence(both, one, evidence)
        : [...withDoubt(both, one, doubt), ...(pick === null ? disputedLines(tools, names) : [])],
  });
  if (pick !== null) return picked(tools, names, pick, wording);
  const [a, b] = names;
  if (mark === 'ship')
    return [
      wording(form, [`Ship both ${a} and ${b}`]),
      wording('names', [`${a} and ${b} both ship`]),
      wording('question', [`${a} or ${b}? Ship either`]),
    ];
  if (mark === 'skip')
    return [
      wording(form, [`Skip both ${a} and ${b}`]),
      wording('names', [`Neither ${a} nor ${b} ships`]),
      wording('question', [`${a} or ${b}? Skip both`]),
    ];
  return split(tools, names, wording);
}

type Make = (form: SubjectForm, both: string[], one?: string[], evidence?: string[]) => Wording;

function picked(tools: Tools, names: [string, string], pick: 0 | 1, wording: Make): [Wording, ...Wording[]] {
  const [a, b] = pick === 0 ? names : [names[1], names[0]];
  const isSkipped = standsOf(tools)[1 - pick] === 'skip';
  const decided = decidedBy(tools);
  const who = decided === 'readers' ? 'Readers' : 'Reviewers';
  const count = panelCount(tools[pick]);
  const people =
    decided === 'readers' || count === null || count.ship === count.of
      ? null
      : `${numberWord(count.ship)} of ${numberWord(count.of)} reviewers`;
  return [
    wording('ship-one', [isSkipped ? `Ship ${a}, skip ${b}` : `Ship ${a} over ${b}`], [`Ship ${a}`]),
    // It says who decided.
    wording(
      'who',
      [isSkipped ? `${who} ship ${a}, skip ${b}` : `${who} take ${a} over ${b}`],
      [...(people === null ? [] : [`${people} would ship ${a}`].map(capitalised)), `${who} ship ${a}`],
      evidenceOf(tools).filter((each) => !each.includes('review')),
    ),
    wording('names', [isSkipped ? `${a}, not ${b}` : `${a} beats ${b}`], [`${a} is the one to ship`]),
  ];
}

function split(tools: Tools, names: [string, string], wording: Make): [Wording, ...Wording[]] {
  const stands = standsOf(tools);
  const isPanelSplit = tools.every((tool, side) => stands[side] === 'skip' || toolMark(tool) === 'split');
  const open = stands[0] === 'skip' ? 1 : 0;
  const [a, b] = open === 0 ? names : [names[1], names[0]];
  const disputed = disputedLines(tools, names);
  const others: Wording[] = disputed.length > 0 ? [{ form: 'who', lines: disputed }] : [];
  if (stands[0] === 'skip' || stands[1] === 'skip')
    return [
      wording('split', [`Split on ${a}, skip ${b}`], [`Split on ${a}`]),
      ...others,
      ...(isPanelSplit
        ? [wording('who', [`The panel is split on ${a}, skips ${b}`], [`The panel is split on ${a}`], [])]
        : []),
      wording('names', [`${a}: no clear verdict; skip ${b}`], [`${a}: no clear verdict`]),
    ];
  return [
    wording('split', [`Split: ${a} or ${b}`]),
    ...others,
    ...(isPanelSplit
      ? [
          wording('question', [`${a} or ${b}? The panel is split`], [], []),
          wording('who', [`The panel is split on ${a} and ${b}`], [], []),
        ]
      : [wording('question', [`${a} or ${b}? No clear verdict`])]),
    wording('names', [`${a} and ${b}: no clear verdict`]),
  ];
}

function withEvidence(both: string[], one: string[], evidence: string[]): string[] {
  const backed = (lines: string[]) => lines.flatMap((line) => evidence.map((each) => line + each));
  // A question has its answer at its end, and needs no witness if it is long enough.
  return [...both, ...backed(both), ...backed(one), ...one];
}

function withDoubt(both: string[], one: string[], { ofBoth, ofOne }: Doubt): string[] {
  return [
    ...both.flatMap((line) => ofBoth.map((doubt) => line + doubt)),
    ...one.flatMap((line) => ofOne.map((doubt) => line + doubt)),
  ];
}

/** Who is behind a verdict, in a few words that name no tool. The longest comes first. */
function evidenceOf(tools: Tools): string[] {
  const { mark, pick } = outcome(tools);
  const joint = mark === 'split' ? ', ' : ': ';
  if (pick === null)
    return (
      {
        ship: ['reviewers like them both', 'both convince'],
        skip: ['reviewers would use neither', 'neither convinces'],
        split: ['and reviewers are divided', 'reviewers are divided'],
      } satisfies Record<Verdict['mark'], string[]>
    )[mark].map((text) => joint + text);
  if (decidedBy(tools) === 'readers') return [': readers decide', ': readers tip it'];
  const count = panelCount(tools[pick]);
  if (count === null) return [': most reviewers agree', ': reviewers agree'];
  const { ship, of } = count;
  const people = ship === of ? `all ${numberWord(of)}` : `${numberWord(ship)} of ${numberWord(of)}`;
  return [`: ${people} reviewers agree`, `: ${people} agree`];
}

/** How readers disagree, after a line that names both tools, and after one that names only the tool to ship. */
interface Doubt {
  ofBoth: string[];
  ofOne: string[];
}

/** Null while readers dispute neither tool. */
function doubtOf(tools: Tools, names: [string, string]): Doubt | null {
  const [one, other] = disputedSides(tools);
  if (one === undefined) return null;
  const { pick } = outcome(tools);
  if (decidedBy(tools) === 'readers')
    return { ofBoth: [', but reviewers like both'], ofOne: [', but reviewers like both'] };
  const disagree = [', but readers disagree'];
  if (other !== undefined || pick === null) return { ofBoth: disagree, ofOne: disagree };
  const isUnder = gapOf(tools[one]) < 0;
  if (one === pick) {
    const about = isUnder ? ', but readers are less sure' : ', but readers go further';
    return { ofBoth: [about, ...disagree], ofOne: [about, ...disagree] };
  }
  const rival = isUnder ? `, but readers doubt ${names[one]}` : `, but readers like ${names[one]}`;
  return { ofBoth: disagree, ofOne: [rival, ...disagree] };
}

/** Readers' share less the panel's, in points; 0 when nobody knows what readers think. */
function gapOf(tool: Tools[0]): number {
  return (communityOf(tool) ?? tool.panelShip) - tool.panelShip;
}

/** The tools about which readers and panel disagree, the widest gap first. */
function disputedSides(tools: Tools): (0 | 1)[] {
  return ([0, 1] as const)
    .filter((side) => Math.abs(gapOf(tools[side])) >= DISAGREE)
    .sort((a, b) => Math.abs(gapOf(tools[b])) - Math.abs(gapOf(tools[a])));
}

/** One line for each disputed tool: "Reviewers ship Mem, but readers don't". */
function disputedLines(tools: Tools, names: [string, string]): string[] {
  return disputedSides(tools).map((side) => {
    const tool = tools[side];
    const mark = toolMark(tool);
    const panel = mark === 'split' ? 'Panel split on' : `Reviewers ${mark}`;
    return `${panel} ${names[side]}, but readers ${oppositionOf(tool)}`;
  });
}

function oppositionOf(tool: Tools[0]): string {
  const readers = toolMark({ panelShip: communityOf(tool) ?? tool.panelShip });
  const mark = toolMark(tool);
  if (readers !== mark && readers !== 'split' && mark !== 'ship') return `${readers} it`;
  if (readers === 'skip' && mark === 'ship') return "don't";
  return gapOf(tool) < 0 ? 'are less sure' : 'are kinder';
}
