/**
 * Cutting text for readers. Lengths are in graphemes, what a reader counts as one character: nothing here
 * ever cuts inside a surrogate pair, an accent, a flag or a family. The locale is fixed, so that every
 * machine cuts the same bytes (I5).
 */
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const sentences = new Intl.Segmenter('en', { granularity: 'sentence' });
const words = new Intl.Segmenter('en', { granularity: 'word' });

/** Scripts that put no spaces between words; everything else is cut at white space only. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const DANGLING = /[\s,;:·|/&–—(["'“‘-]+$/u;

/** Length in graphemes. */
export function lengthOf(text: string): number {
  return [...graphemes.segment(text)].length;
}

/** How many words a reader reads. */
export function countWords(text: string): number {
  return [...words.segment(text)].filter((segment) => segment.isWordLike).length;
}

/** Line breaks, tabs and control characters become single spaces: safe in a mail header. */
export function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

/**
 * At most `max` graphemes of `text`, ending with a whole word and `mark`. A single word longer than
 * that is cut inside, and then always marked.
 */
export function cutAtWord(text: string, max: number, mark = '…'): string {
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
 * At most `max` graphemes of `text`: whole sentences and " …" where they fill at least two fifths of the
 * room, otherwise whole words and "…".
 */
export function cutAtSentence(text: string, max: number): string {
  if (lengthOf(text) <= max) return text;
  let kept = '';
  for (const { segment } of sentences.segment(text)) {
    if (lengthOf((kept + segment).trimEnd()) > max - 2) break;
    kept += segment;
  }
  kept = kept.trimEnd();
  return lengthOf(kept) >= max * 0.4 ? `${kept} …` : cutAtWord(text, max);
}

function mayPart(last: Intl.SegmentData, next: Intl.SegmentData, wordStarts: Set<number>): boolean {
  if (/^\s/u.test(next.segment)) return true;
  return wordStarts.has(next.index) && (UNSPACED.test(last.segment) || UNSPACED.test(next.segment));
}
