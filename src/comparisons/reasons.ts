import type { Mark, Tool } from './model.ts';
import {
  capitalised,
  panelCount,
  partOfReviewers,
  readers,
  readersAgain,
  reviewers,
  reviewersAgain,
} from './people.ts';

/**
 * The sentence behind a verdict, for a reader: it counts people and names both tools in full. Each pair of tools has
 * several true sentences of different patterns, so that two neighbours in an issue never read alike. Where readers
 * disagree with the panel, every sentence says so, with "but".
 */

/** From this many points between the share of the panel and of the readers on, they disagree about a tool. */
export const DISAGREE = 30;

/** What a sentence needs of a tool. */
export interface Judged {
  tool: Pick<Tool, 'name' | 'panelShip' | 'reviews'>;
  /** The panel's. */
  mark: Mark;
  /** Share of `ship` among readers; null: unknown. */
  readers: number | null;
}

/** What decided: the panel, the readers, or nobody. */
export type Decided = 'panel' | 'readers' | null;

export interface Reason {
  /** The pattern of the sentence. */
  pattern: string;
  sentence: string;
}

/** True when readers are far from the panel. */
export function isDisputed({ tool, readers: share }: Judged): boolean {
  return share !== null && Math.abs(share - tool.panelShip) >= DISAGREE;
}

/**
 * Returns the true sentences about a pair, at least two, the one to use alone first. Which one that is depends on the
 * content, so that sentences vary from page to page.
 * @param first the better tool; `second` never has a better mark of the panel.
 */
export function reasonsFor(first: Judged, second: Judged, decided: Decided): Reason[] {
  const all = panelParts(first, second).map((part) => ({
    pattern: part.pattern,
    sentence: `${startOf(part.text, first, second)}${readersPart(first, second, decided, part)}.`,
  }));
  const start = contentNumber(first, second) % all.length;
  return [...all.slice(start), ...all.slice(0, start)];
}

/** With a capital letter, unless it begins with a name: a name has its own spelling. */
function startOf(text: string, ...judged: Judged[]): string {
  return judged.some(({ tool }) => text.startsWith(tool.name)) ? text : capitalised(text);
}

/** The same number for the same two tools in either order. */
function contentNumber(...judged: Judged[]): number {
  return judged.reduce((sum, { tool }) => sum + [...tool.name].length * 7 + tool.panelShip, 0);
}

interface Part {
  pattern: string;
  /** Begins with a small letter, unless it begins with a name. */
  text: string;
  /** The tool whose "would ship" ends the text, so that "but two readers in three would" is about it. */
  last?: Judged;
}

function panelParts(first: Judged, second: Judged): Part[] {
  const [one, other] = [panelOf(first), panelOf(second, first)];
  const same = one.full === panelOf(second).full;
  const only = isFew(second) ? `only ${other.again}` : other.again;
  const [a, b] = [first.tool.name, second.tool.name];

  if (first.mark === second.mark) {
    if (first.mark === 'ship') return bothShip(first, second, same);
    return first.mark === 'skip' ? bothSkip(first, second, same) : bothSplit(first, second, same);
  }
  const parts: Part[] = [
    { pattern: 'count', text: `${one.full} would ship ${a}; ${only} would ship ${b}`, last: second },
    { pattern: 'convinced', text: `${a} convinced ${one.full}, ${b} ${only}` },
    { pattern: 'behind', text: `${a} has ${one.full} behind it, ${b} ${other.again}` },
  ];
  if (second.mark === 'skip' && first.mark === 'ship')
    parts.push({
      pattern: 'skipped',
      text: `${skipping(second).full} would skip ${b}, and ${one.again} would ship ${a}`,
      last: first,
    });
  if (second.mark === 'skip' && first.mark === 'split')
    parts.push({
      pattern: 'divided',
      text: `reviewers are divided over ${a}, and ${skipping(second).part} would skip ${b}`,
    });
  if (second.mark === 'split')
    parts.push({ pattern: 'divided', text: `${one.full} would ship ${a}, while ${b} divides them` });
  if (agrees(first) && !isDisputed(first) && !isDisputed(second) && first.mark === 'ship')
    parts.push({
      pattern: 'agree',
      text: `reviewers and readers agree on ${a}: ${one.full} and ${readers(first.readers ?? 0)} would ship it; ${b} convinced ${only}`,
    });
  return parts;
}

function bothShip(first: Judged, second: Judged, same: boolean): Part[] {
  const [one, other] = [panelOf(first), panelOf(second, first)];
  const [a, b] = [first.tool.name, second.tool.name];
  return same
    ? [
        { pattern: 'either', text: `${one.full} would ship either ${a} or ${b}` },
        {
          pattern: 'between',
          text: isEqual(first, second)
            ? `nothing separates ${a} from ${b}: ${one.full} would ship both`
            : `there is little between them: ${one.full} would ship ${a}, and ${other.again} ${b}`,
        },
        { pattern: 'convinced', text: `${a} and ${b} each convinced ${one.full}` },
      ]
    : [
        {
          pattern: 'either',
          text: `${one.full} would ship ${a}, and ${other.again} would ship ${b}`,
          last: second,
        },
        {
          pattern: 'between',
          text: `both won the panel over: ${a} has ${one.full} behind it, ${b} ${other.again}`,
        },
        { pattern: 'convinced', text: `${a} convinced ${one.full}, and ${b} ${other.again}` },
      ];
}

function bothSplit(first: Judged, second: Judged, same: boolean): Part[] {
  const [one, other] = [panelOf(first), panelOf(second, first)];
  const [a, b] = [first.tool.name, second.tool.name];
  return same
    ? [
        {
          pattern: 'divided',
          text: `reviewers are divided over ${a} and ${b} alike: ${one.full} would ship each`,
        },
        {
          pattern: 'neither',
          text: `neither ${a} nor ${b} has won the panel over: ${one.full} would ship each`,
        },
        {
          pattern: 'between',
          text: `${one.full} would ship ${a}, and ${isEqual(first, second) ? 'as many' : other.again} ${b}`,
        },
      ]
    : [
        {
          pattern: 'divided',
          text: `reviewers are divided over both: ${one.full} would ship ${a}, ${other.again} ${b}`,
        },
        {
          pattern: 'neither',
          text: `neither has won the panel over: ${a} has ${one.full} behind it, ${b} ${other.again}`,
        },
        {
          pattern: 'between',
          text: `${one.full} would ship ${a}, and ${other.again} would ship ${b}`,
          last: second,
        },
      ];
}

function bothSkip(first: Judged, second: Judged, same: boolean): Part[] {
  const [a, b] = [first.tool.name, second.tool.name];
  const [one, other] = [panelOf(first), panelOf(second, first)];
  const [no, nor] = [skipping(first), skipping(second, first)];
  const only = one.full.startsWith('no ') || one.full.startsWith('few ') ? '' : 'only ';
  return same
    ? [
        { pattern: 'skipped', text: `${no.full} would skip ${a} and ${b} alike` },
        { pattern: 'neither', text: `neither ${a} nor ${b} convinced ${atMost(one.full)}` },
        { pattern: 'count', text: `${only}${one.full} would ship ${a} or ${b}` },
      ]
    : [
        { pattern: 'skipped', text: `${no.full} would skip ${a}, and ${nor.again} would skip ${b}` },
        {
          pattern: 'neither',
          text: `neither convinced the panel: ${a} has ${one.full} behind it, ${b} ${other.again}`,
        },
        { pattern: 'count', text: `${only}${one.full} would ship ${a}, and ${other.again} ${b}` },
      ];
}

/** Not only the same words, but the same share. */
function isEqual(first: Judged, second: Judged): boolean {
  return first.tool.panelShip === second.tool.panelShip;
}

/** "no reviewer" becomes "a single reviewer" after "neither"; everybody else is "more than". */
function atMost(who: string): string {
  if (who === 'no reviewer') return 'a single reviewer';
  return who.startsWith('few') ? 'more than a few reviewers' : `more than ${who}`;
}

interface Said {
  full: string;
  /** Short, when a panel of the same size was named before. */
  again: string;
  /** Short, when reviewers were named before without their number. */
  part: string;
}

/** Those who would ship it. */
function panelOf({ tool }: Judged, before?: Judged): Said {
  return said(panelCount(tool), tool.panelShip, before);
}

/** Those who would skip it. */
function skipping({ tool }: Judged, before?: Judged): Said {
  const count = panelCount(tool);
  return said(count && { ship: count.of - count.ship, of: count.of }, 100 - tool.panelShip, before);
}

function said(count: ReturnType<typeof panelCount>, share: number, before?: Judged): Said {
  const full = reviewers(count, share);
  const earlier = before && panelCount(before.tool);
  const isShort = before === undefined || count === null || earlier?.of === count.of;
  return {
    full,
    again: isShort ? reviewersAgain(count, share) : full,
    part: partOfReviewers(count, share),
  };
}

/** A small number of people is "only" so many; none and few say it themselves. */
function isFew({ tool, mark }: Judged): boolean {
  const count = panelCount(tool);
  return mark === 'skip' && count !== null && count.ship > 0;
}

function markOf(share: number): Mark {
  if (share >= 66) return 'ship';
  return share <= 34 ? 'skip' : 'split';
}

function agrees({ mark, readers: share }: Judged): boolean {
  return share !== null && markOf(share) === mark;
}

function readersPart(first: Judged, second: Judged, decided: Decided, { pattern, last }: Part): string {
  if (decided === 'readers' && first.readers !== null && second.readers !== null)
    return `, but readers prefer ${first.tool.name}: ${readers(first.readers)} would ship it, and ${readersAgain(second.readers)} ${second.tool.name}`;
  const [one, other] = [first, second].filter(isDisputed);
  if (one !== undefined && other !== undefined) return `, but ${bothDisputed(one, other)}`;
  if (one !== undefined)
    return `, but ${sharePart(one)} would${one === last ? '' : ` ship ${one.tool.name}`}`;
  if (pattern === 'agree' || first.readers === null) return '';
  if (agrees(first)) return agrees(second) || second.readers === null ? ', and readers agree' : '';
  return first.readers < first.tool.panelShip
    ? `, but readers are less sure of ${first.tool.name}`
    : `, and readers think more of ${first.tool.name}`;
}

function bothDisputed(one: Judged, other: Judged): string {
  const [here, there] = [sharePart(one), sharePart(other)];
  if (here === there) return `${here} would ship either`;
  const again = readersAgain(other.readers ?? 0);
  return `${here} would ship ${one.tool.name}, and ${isFewer(other) && !/^(?:none|hardly)/u.test(again) ? 'only ' : ''}${again} ${other.tool.name}`;
}

function sharePart(judged: Judged): string {
  const people = readers(judged.readers ?? 0);
  return isFewer(judged) && !/^(?:no|hardly) /u.test(people) ? `only ${people}` : people;
}

function isFewer({ tool, readers: share }: Judged): boolean {
  return share !== null && share < tool.panelShip;
}

/**
 * Chooses a sentence for each of several pairs that stand one under another: none has the pattern of the one before it,
 * and the pattern that was used longest ago comes first.
 */
export function sentencesInOrder(choices: readonly (readonly Reason[])[]): string[] {
  const lastUse = new Map<string, number>();
  return choices.map((reasons, place) => {
    const usedAt = ({ pattern }: Reason) => lastUse.get(pattern) ?? -1;
    const best = reasons.reduce((found, each) => (usedAt(each) < usedAt(found) ? each : found));
    lastUse.set(best.pattern, place);
    return best.sentence;
  });
}
