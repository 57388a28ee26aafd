/**
 * Truncates text for readers. Lengths are in graphemes, which a reader counts as one character: a surrogate pair,
 * an accent, a flag or a family emoji is never split. The locale is fixed, so that every machine produces the same
 * bytes (I5).
 */
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const sentences = new Intl.Segmenter('en', { granularity: 'sentence' });
const words = new Intl.Segmenter('en', { granularity: 'word' });

/** Scripts without spaces between words; all other text is split at white space only. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const DANGLING = /[\s,;:·|/&–—(["'“‘-]+$/u;

/** Length in graphemes. */
export function lengthOf(text: string): number {
  if (/^[ -~]*$/u.test(text)) return text.length;
  let length = 0;
  for (const piece of pieces(text)) for (const _ of graphemes.segment(piece)) length++;
  return length;
}

/** Counts words. */
export function countWords(text: string): number {
  let count = 0;
  for (const piece of pieces(text))
    for (const { isWordLike } of words.segment(piece)) count += Number(isWordLike);
  return count;
}

/** Borders between words, and between graphemes of other text: between two such characters there always is one. */
const BORDERS = [
  /\s(?=[!-~\p{Script=Han}])/u,
  /[ -~\p{Script=Han}\p{Script=Hiragana}](?=[ -~\p{Script=Han}])/u,
];
const PIECE = 500;

/**
 * Splits a text into short pieces, between words where it can, because a segmenter's time and memory grow with the
 * square of its input: in Node 20 every segment carries a copy of it.
 */
function* pieces(text: string): Generator<string> {
  let start = 0;
  for (let at = PIECE; at < text.length; at += PIECE) {
    const next = text.slice(at, at + PIECE);
    const border = BORDERS.map((each) => each.exec(next)).find((found) => found !== null);
    if (border == null) continue;
    const end = at + border.index + border[0].length;
    yield text.slice(start, end);
    start = end;
  }
  yield text.slice(start);
}

/** The longest grapheme that people write has 11 code units: a family of four. */
const UNITS = 16;

/**
 * Returns a beginning of the text with more than `count` graphemes, or all of it. The last grapheme of a beginning may
 * be incomplete.
 */
function beginning(text: string, count: number): string {
  for (let units = (count + 2) * UNITS; units < text.length; units *= 2) {
    const start = text.slice(0, units);
    if (lengthOf(start) > count + 1) return start;
  }
  return text;
}

/** Replaces line breaks, tabs and control characters by single spaces: safe in a mail header. */
export function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

/**
 * Returns at most `max` graphemes of `text`, ending with a whole word and `mark`. A single longer word is split,
 * and then always marked.
 */
export function truncateAtWord(text: string, max: number, mark = '…'): string {
  const start = beginning(text, max);
  const all = [...graphemes.segment(start)];
  if (all.length <= max) return text;
  const wordStarts = new Set([...words.segment(start)].map((segment) => segment.index));
  for (let count = max - lengthOf(mark); count > 0; count--) {
    const [last, next] = [all[count - 1], all[count]];
    if (!last || !next || !mayPart(last, next, wordStarts)) continue;
    const kept = text.slice(0, next.index).replace(DANGLING, '');
    if (kept !== '') return kept + mark;
  }
  return `${text.slice(0, all[Math.max(0, max - 1)]?.index)}…`;
}

/**
 * Returns at most `max` graphemes of `text`: whole sentences and " …" if they fill at least two fifths of the
 * limit, otherwise whole words and "…".
 */
export function truncateAtSentence(text: string, max: number): string {
  const start = beginning(text, max);
  if (lengthOf(start) <= max) return text;
  let kept = '';
  for (const { segment } of sentences.segment(start)) {
    if (lengthOf((kept + segment).trimEnd()) > max - 2) break;
    kept += segment;
  }
  kept = kept.trimEnd();
  return lengthOf(kept) >= max * 0.4 ? `${kept} …` : truncateAtWord(text, max);
}

function mayPart(last: Intl.SegmentData, next: Intl.SegmentData, wordStarts: Set<number>): boolean {
  if (/^\s/u.test(next.segment)) return true;
  return wordStarts.has(next.index) && (UNSPACED.test(last.segment) || UNSPACED.test(next.segment));
}
