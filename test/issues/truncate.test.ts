import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { countWords, lengthOf, truncateAtSentence, truncateAtWord } from '../../src/issues/truncate.ts';

const graphemes = (text: string) => [...new Intl.Segmenter('en').segment(text)].map(({ segment }) => segment);

/** Latin, Han, Thai, accents in two code points, families, flags, spaces and line breaks. */
const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom('a', 'Zed ', '. ', '\n', '字', 'かな', 'ก็', 'e\u0301', '👨‍👩‍👧‍👦', '🇩🇪', '🏳️‍🌈', '-'),
      fc.string({ unit: 'grapheme', maxLength: 3 }),
    ),
    { maxLength: 900, size: 'max' },
  )
  .map((parts) => parts.join(''));

describe('texts of any length and script', () => {
  test('have the length in graphemes of the whole text', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(lengthOf(text)).toBe(graphemes(text).length);
      }),
    );
  });

  test('are truncated between graphemes, and only when they are too long', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 5, max: 120 }), (text, max) => {
        for (const truncate of [truncateAtWord, truncateAtSentence]) {
          const short = truncate(text, max);
          expect(lengthOf(short)).toBeLessThanOrEqual(max);
          if (lengthOf(text) <= max) expect(short).toBe(text);
          else {
            const kept = graphemes(short.replace(/ ?…$/u, ''));
            expect(graphemes(text).slice(0, kept.length)).toEqual(kept);
          }
        }
      }),
    );
  });
});

describe('Y2: the cost of a text grows in proportion to it', () => {
  afterEach(() => vi.restoreAllMocks());

  test.each([
    ['Latin', 'A sentence of nine words that says next to nothing. '.repeat(2_000)],
    ['one word', 'x'.repeat(100_000)],
    ['Chinese', '字典里没有这个词。'.repeat(10_000)],
  ])('%s: no segmenter gets a long text', (_name, text) => {
    const inputs: number[] = [];
    const { segment } = Intl.Segmenter.prototype;
    vi.spyOn(Intl.Segmenter.prototype, 'segment').mockImplementation(function (
      this: Intl.Segmenter,
      input: string,
    ) {
      inputs.push(input.length);
      return segment.call(this, input);
    });
    lengthOf(text);
    countWords(text);
    truncateAtWord(text, 90);
    truncateAtSentence(text, 300);
    expect(Math.max(...inputs)).toBeLessThan(6_000);
    expect(inputs.reduce((sum, length) => sum + length, 0)).toBeLessThan(3 * text.length);
  });

  test('words are counted as they are in a short text', () => {
    expect(countWords('The panel would ship Zed (88%). '.repeat(400))).toBe(6 * 400);
  });
});
