import { linesOf, type PageText, SOFT } from './page-text.ts';

/** The end of a sentence, including closing marks after its full stop. */
export const SENTENCE_END = /[.!?…。！？][)\]"'”’»]*$/u;

/** The longest text of a button, a badge or a rank. */
const MAX_NOISE = 25;
const BADGE =
  /^[^\p{L}\p{N}]*(?:new|beta|alpha|preview|hot|trending|popular|featured|sponsored|promoted|updated|winner|verified|(?:our|top|staff|editor['’]?s?['’]?)[ -](?:pick|choice)|best (?:value|overall)|vs|versus|visit (?:web)?site|learn more)[^\p{L}\p{N}.!?]*$/iu;
const RANK = /^(?:[#№] ?)?\p{N}{1,3}[.)]?$|^vs\.$/iu;

/** A text found on a page, or why its borders are ambiguous. */
export type FoundText = { text: string; ambiguity: null } | { text: null; ambiguity: string };

/** Whether a line is a rank, a badge, or a "vs" between two cards: never a field of a tool. */
export function isNoise(line: string): boolean {
  return !/[\p{L}\p{N}]/u.test(line) || BADGE.test(line) || RANK.test(line);
}

/** Reads the text between a heading and the figures, without badges. */
export function taglineIn(page: PageText, from: number, to: number): FoundText {
  const lines = linesOf(page, { from, to }).map(unframed);
  const own = lines.filter((line) => !isNoise(line));
  if (own.length === 0) return found(lines);
  const begins = own.findIndex(
    (line, index) => index > 0 && isNewLine(own[index - 1] ?? '', line) && !areSentences(own),
  );
  return begins === -1 ? found(own) : ambiguous(own[begins - 1] ?? '');
}

/**
 * Reads the sentences after the figures. Short lines after the last sentence are links and badges, perhaps of the next
 * card; longer ones, or short ones in between, are ambiguous.
 */
export function descriptionIn(page: PageText, from: number, to: number): FoundText {
  const wrapped = linesOf(page, { from, to }, SOFT).map(unframed);
  const lines: string[] = [];
  for (const line of linesOf(page, { from, to }).map(unframed)) {
    const tail = tailOf(line);
    // After a full line, a line break means nothing, so a few words below it may continue it or stand alone.
    const isBroken = tail !== null && wrapped.includes(tail);
    if (tail !== null && isBroken !== isNoise(tail)) return ambiguous(tail);
    if (tail !== null && isBroken) lines.push(line.slice(0, -tail.length).trim(), tail);
    else if (line !== '') lines.push(line);
  }
  const last = lines.findLastIndex((line) => SENTENCE_END.test(line));
  const ended = lines.find((line) => isNoise(line) && SENTENCE_END.test(line));
  if (ended !== undefined) return ambiguous(ended);
  const own = last === -1 ? lines.filter((line) => !isNoise(line)) : lines.slice(0, last + 1);
  const long = last === -1 ? undefined : lines.slice(last + 1).find((line) => line.length >= MAX_NOISE);
  if (long !== undefined) return ambiguous(long);
  const sentences = own.filter((line) => !isNoise(line));
  const unexpected = sentences.find((line, index) => {
    const before = sentences[index - 1];
    const after = sentences[index + 1];
    if (line.length >= MAX_NOISE || SENTENCE_END.test(line)) return false;
    if (after === undefined) return before !== undefined && isNewLine(before, line);
    return isNewLine(line, after) && (before === undefined || SENTENCE_END.test(before));
  });
  return unexpected === undefined ? found(sentences) : ambiguous(unexpected);
}

/** The few words without a full stop after the last sentence of a line. */
function tailOf(line: string): string | null {
  const words = line.split(' ');
  const last = words.findLastIndex((word) => SENTENCE_END.test(word));
  const tail = words.slice(last + 1).join(' ');
  return last !== -1 && tail !== '' && tail.length < MAX_NOISE ? tail : null;
}

function found(lines: readonly string[]): FoundText {
  return { text: unframed(lines.join(' ')), ambiguity: null };
}

function ambiguous(line: string): FoundText {
  return { text: null, ambiguity: `cannot tell whether "${line}" belongs to it` };
}

function unframed(line: string): string {
  return line.replace(/^[\s|·•]+|[\s|·•]+$/gu, '');
}

function areSentences(lines: readonly string[]): boolean {
  return lines.every((line) => SENTENCE_END.test(line));
}

/** Whether a line begins a new text instead of continuing the previous line. */
function isNewLine(before: string, line: string): boolean {
  return !/[,;:&(—–-]$/u.test(before) && !/^[\p{Ll}(]/u.test(line);
}
