import type { Comparison, CountedComparison, Tool } from '../model.ts';
import { isSamePrice } from './price-print.ts';

/**
 * What changed in a comparison, field by field, and in which way: two changes of one way differ only in the names and
 * the figures that they contain. "$20/mo" → "$20 per month" and "From $9/mo" → "From $9 per month" are of one way.
 */

export type Field =
  | 'price'
  | 'panel'
  | 'community'
  | 'name'
  | 'category'
  | 'tagline'
  | 'description'
  | 'reviews'
  | 'address';

export interface FieldChange {
  /** The tool; 0 for the address of the comparison. */
  side: 0 | 1;
  field: Field;
  /** "/ mo → per month", "#1 → #2". */
  way: string;
  /** Every figure of the old text is in the new one, and no other. */
  keepsFigures: boolean;
  /** An issue would tell it. Texts are not told, nor is a price in another print. */
  isTold: boolean;
  /** The values of price, panel and community; of a longer text only the part that differs, for people. */
  was: string | number | null;
  now: string | number | null;
}

/** The way of a text that has little in common with the earlier one. */
export const REWRITTEN = 'rewritten';

/** Characters of a difference: a longer one is no pattern, it is another text. */
const MAX_DIFFERENCE = 120;

/**
 * The changes between two versions of one comparison; both list the tools in the same order. Votes of the site's
 * community change every day in every comparison, so only figures that disappeared count. Pure.
 */
export function fieldChanges(was: Comparison, now: Comparison): FieldChange[] {
  const names = [...was.tools, ...now.tools].map(({ name }) => name);
  const address = textChange(0, 'address', was.url, now.url, names);
  return [...toolChanges(0, was, now, names), ...toolChanges(1, was, now, names), ...address];
}

function toolChanges(side: 0 | 1, was: Comparison, now: Comparison, names: readonly string[]): FieldChange[] {
  const [a, b] = [was.tools[side], now.tools[side]];
  const changes: FieldChange[] = [];
  if (a.entryPrice !== b.entryPrice) {
    const isTold = !isSamePrice(a.entryPrice, b.entryPrice);
    const values = { was: a.entryPrice, now: b.entryPrice };
    changes.push({ side, field: 'price', ...wayOf(a.entryPrice, b.entryPrice, names), isTold, ...values });
  }
  const figure = (field: 'panel' | 'community', from: number | null, to: number | null) =>
    changes.push({
      ...{ side, field, isTold: true, was: from, now: to },
      ...wayOf(String(from ?? '—'), String(to ?? '—'), []),
    });
  if (a.panelShip !== b.panelShip) figure('panel', a.panelShip, b.panelShip);
  if (a.communityShip !== null && b.communityShip === null) figure('community', a.communityShip, null);
  for (const field of ['name', 'category', 'tagline', 'description'] as const)
    changes.push(...textChange(side, field, a[field], b[field], names));
  changes.push(...textChange(side, 'reviews', reviewsOf(a), reviewsOf(b), names));
  return changes;
}

function reviewsOf({ reviews }: Tool): string {
  return reviews.map(({ lens, call, quote }) => `${lens} ${call ?? ''} ${quote}`).join('\n');
}

function textChange(
  side: 0 | 1,
  field: Field,
  was: string,
  now: string,
  names: readonly string[],
): FieldChange[] {
  if (was === now) return [];
  const [removed, added] = difference(was, now);
  const isShort = removed.length <= MAX_DIFFERENCE && added.length <= MAX_DIFFERENCE;
  const shown = isShort ? { was: removed.trim(), now: added.trim() } : { was: null, now: null };
  return [{ side, field, ...wayOf(was, now, names), isTold: false, ...shown }];
}

/**
 * The way of a change: the words that went, and those that came in their place, with names and figures replaced. Equal
 * figures get equal numbers, so a price that also changed its amount is of another way than its mere print. Linear in
 * the texts.
 */
export function wayOf(
  was: string,
  now: string,
  names: readonly string[],
): Pick<FieldChange, 'way' | 'keepsFigures'> {
  const [removed, added] = difference(was, now);
  if (removed.length > MAX_DIFFERENCE || added.length > MAX_DIFFERENCE)
    return { way: REWRITTEN, keepsFigures: false };
  const [before, after] = [wordsOf(removed, names), wordsOf(added, names)];
  const figures = new Map<string, string>();
  const general = (words: string[]) =>
    words.map((word) => {
      if (!isFigure(word)) return word;
      const known = figures.get(word) ?? `#${figures.size + 1}`;
      figures.set(word, known);
      return known;
    });
  const [from, to] = [general(before).join(' '), general(after).join(' ')];
  const keepsFigures =
    JSON.stringify(before.filter(isFigure).sort()) === JSON.stringify(after.filter(isFigure).sort());
  return { way: `${from || '∅'} → ${to || '∅'}`, keepsFigures };
}

/** What is left of two texts without their common beginning and end; no word or number is split. */
function difference(was: string, now: string): [removed: string, added: string] {
  const most = Math.min(was.length, now.length);
  let start = 0;
  while (start < most && was[start] === now[start]) start += 1;
  let end = 0;
  while (end < most - start && was[was.length - 1 - end] === now[now.length - 1 - end]) end += 1;
  while (start > 0 && (isWithinWord(was, start) || isWithinWord(now, start))) start -= 1;
  while (end > 0 && (isWithinWord(was, was.length - end) || isWithinWord(now, now.length - end))) end -= 1;
  return [was.slice(start, was.length - end), now.slice(start, now.length - end)];
}

const WORD = /[\p{L}\p{M}\p{N}\p{Cs}]/u;

function isWithinWord(text: string, at: number): boolean {
  return at > 0 && at < text.length && WORD.test(text[at - 1] ?? '') && WORD.test(text[at] ?? '');
}

/** Stands for the name of a tool: a character that no text can contain, see UNSEEN of the model. */
const NAME = '\u2060';

function wordsOf(text: string, names: readonly string[]): string[] {
  let general = text.toLowerCase();
  for (const name of [...new Set(names)].sort((a, b) => b.length - a.length)) {
    const plain = name.toLowerCase();
    if (!general.includes(plain)) continue;
    const quoted = plain.replace(/[\\^$.*+?()[\]{}|/]/gu, '\\$&');
    general = general.replace(new RegExp(`(?<![\\p{L}\\p{N}])${quoted}(?![\\p{L}\\p{N}])`, 'gu'), NAME);
  }
  const words = general.match(/\p{N}+(?:[.,]\p{N}+)*|[\p{L}\p{M}]+|\S/gu) ?? [];
  return words.map((word) => (word === NAME ? '{tool}' : word));
}

function isFigure(word: string): boolean {
  return /^\p{N}/u.test(word);
}

/** A change of a figure or a price that is only the site's new print. */
export interface Reprinted {
  side: 0 | 1;
  field: 'price' | 'panel' | 'community';
  was: string | number | null;
  now: string | number | null;
}

/**
 * A mailed comparison as the site would print it now, so that only what really changed differs from today's. A field
 * that was mailed otherwise is left as it is.
 * @param reprinted in the order in which they happened.
 */
export function inTodaysPrint(mailed: CountedComparison, reprinted: readonly Reprinted[]): CountedComparison {
  if (reprinted.length === 0) return mailed;
  const tools = structuredClone(mailed.tools);
  for (const { side, field, was, now } of reprinted) {
    const tool = tools[side];
    if (field === 'price' && tool.entryPrice === was) tool.entryPrice = String(now);
    if (field === 'panel' && tool.panelShip === was) tool.panelShip = Number(now);
    if (field === 'community' && tool.communityShip === was)
      tool.communityShip = now === null ? null : Number(now);
  }
  return { ...mailed, tools };
}
