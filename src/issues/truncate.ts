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
  return [...graphemes.segment(text)].length;
}

/** Counts words. */
export function countWords(text: string): number {
  return [...words.segment(text)].filter((segment) => segment.isWordLike).length;
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
  const all = [...graphemes.segment(text)];
  if (all.length <= max) return text;
  const wordStarts = new Set([...words.segment(text)].map((segment) => segment.index));
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
  if (lengthOf(text) <= max) return text;
  let kept = '';
  for (const { segment } of sentences.segment(text)) {
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
