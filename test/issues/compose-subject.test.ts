import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { preheaderFor, sameText, subjectFor } from '../../src/issues/subject.ts';
import {
  countWords,
  lengthOf,
  oneLine,
  truncateAtSentence,
  truncateAtWord,
} from '../../src/issues/truncate.ts';
import { comparison, comparisons, tool } from '../helpers/compose.ts';

const pair = (...tools: [ReturnType<typeof tool>, ReturnType<typeof tool>]) => comparison('a-vs-b', ...tools);
const zed = pair(tool('Zed', 88), tool('Cursor', 31));
const splits = pair(tool('V0', 50), tool('Bolt', 50));
const skips = pair(tool('Suno', 20), tool('Udio', 25));

describe('a subject', () => {
  it.each([
    ['one ships, one does not', zed, 'Ship Zed, skip Cursor: most reviewers agree'],
    [
      'the other way round',
      pair(tool('Cursor', 31), tool('Zed', 88)),
      'Ship Zed, skip Cursor: most reviewers agree',
    ],
    [
      'both ship, one leads',
      pair(tool('Copilot', 100), tool('Tabnine', 75)),
      'Ship Copilot over Tabnine: most reviewers agree',
    ],
    [
      'both ship',
      pair(tool('Zed', 80), tool('Windsurf', 90)),
      'Ship both Zed and Windsurf: reviewers like them both',
    ],
    ['none ships', skips, 'Skip both Suno and Udio: reviewers would use neither'],
    ['both split', splits, 'Split: V0 or Bolt, and reviewers are divided'],
    [
      'readers upset the panel',
      pair(tool('Lindy', 100, { communityShip: 10 }), tool('Relay', 80)),
      'Ship Relay over Lindy, but readers disagree',
    ],
    [
      'readers decide',
      pair(tool('Lindy', 80, { communityShip: 80 }), tool('Relay', 90, { communityShip: 40 })),
      'Ship Lindy over Relay, but reviewers like both',
    ],
    [
      'a long pair of names drops the second',
      pair(tool('Suno Studio Professional (beta, Europe)', 90), tool('Udio Classic', 10)),
      'Ship Suno Studio Professional (beta, Europe)',
    ],
    [
      'a name stays whole',
      pair(tool('Copilot for Business and Enterprise Teams', 100), tool('Tabnine', 75)),
      'Ship Copilot for Business and Enterprise Teams',
    ],
    [
      'names alike stand alone',
      pair(
        tool('Anthropic Claude Code Enterprise Max Edition', 90),
        tool('Anthropic Claude Code Enterprise Pro Edition', 30),
      ),
      'Ship Anthropic Claude Code Enterprise Max Edition',
    ],
  ])('%s', (_what, lead, subject) => {
    expect(subjectFor(lead)).toBe(subject);
    expect(lengthOf(subject)).toBeLessThanOrEqual(55);
  });
});

describe('a preheader', () => {
  it('has the next two verdicts', () => {
    expect(preheaderFor(zed, [splits, skips], subjectFor(zed))).toBe(
      'Split: V0 or Bolt. Skip both Suno and Udio.',
    );
  });

  it('says how many more there are when the two are short, or the evidence for the first', () => {
    const short = pair(tool('A', 90), tool('B', 10));
    const other = pair(tool('C', 90), tool('D', 10));
    expect(preheaderFor(zed, [short, other, skips], '')).toBe(
      'Reviewers ship A, skip B. C, not D. And 1 more inside.',
    );
    expect(preheaderFor(zed, [short, other], '')).toBe(
      'Reviewers ship A, skip B. C, not D. Entry price: Free.',
    );
  });

  it('has the prices of the lead when there is nothing else', () => {
    expect(preheaderFor(zed, [], subjectFor(zed))).toBe(
      'Entry price: Free. Both tools side by side, reviewer by reviewer.',
    );
  });

  it('passes over comparisons with a tool of the lead, which the subject names', () => {
    const again = pair(tool('zed', 88), tool('Windsurf', 20));
    expect(preheaderFor(zed, [again, splits, skips], subjectFor(zed))).toBe(
      'Split: V0 or Bolt. Skip both Suno and Udio.',
    );
    expect(preheaderFor(zed, [again], subjectFor(zed))).toBe(
      'Entry price: Free. Both tools side by side, reviewer by reviewer.',
    );
    const priced = pair(tool('Zed', 88, { entryPrice: 'Zed Pro $20' }), tool('Cursor', 31));
    expect(preheaderFor(priced, [], '')).toBe('Both tools side by side, reviewer by reviewer.');
  });

  it('fits, never repeats itself and never breaks a header, for any names of tools', () => {
    fc.assert(
      fc.property(comparisons, fc.array(comparisons, { maxLength: 4 }), (lead, others) => {
        const subject = subjectFor(lead);
        const preheader = preheaderFor(lead, others, subject);
        for (const text of [subject, preheader]) {
          expect(text).toBe(oneLine(text));
          expect(text).not.toMatch(/\p{Surrogate}/u);
          expect(text).not.toMatch(/undefined|NaN|\[object/u);
          expect(text).not.toBe('');
        }
        // Names are never shortened: only what nobody could read is truncated.
        expect(lengthOf(subject)).toBeLessThanOrEqual(130);
        expect(lengthOf(preheader)).toBeLessThanOrEqual(132);
        expect(sameText(subject, preheader)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

describe('truncating', () => {
  it.each([
    ['One sentence. Another one. A third that is too long to stay.', 30, 'One sentence. Another one. …'],
    ['One. A second sentence that is far too long to be kept whole.', 30, 'One. A second sentence that…'],
    ['A comma, and a (parenthesis that goes on', 17, 'A comma, and a…'],
    ['short', 30, 'short'],
    ['描画が速くて軽いエディタです', 8, '描画が速くて…'],
  ])('%j to %i', (text, max, expected) => {
    expect(truncateAtSentence(text, max)).toBe(expected);
  });

  it('does not split a price', () => {
    expect(truncateAtWord('It costs $20/mo today', 14)).toBe('It costs…');
  });

  it('ends at a grapheme within the limit, and marks the omission', () => {
    const unit = fc.constantFrom('a', 'b ', '. ', 'é', 'e\u0301', '👨‍👩‍👧', '🇩🇪', '画', '…', '\u0301', '- ');
    const texts = fc.array(unit, { maxLength: 60 }).map((units) => units.join(''));
    fc.assert(
      fc.property(
        texts,
        fc.integer({ min: 2, max: 40 }),
        fc.constantFrom(truncateAtSentence, truncateAtWord),
        (text, max, cut) => {
          const result = cut(text, max);
          expect(lengthOf(result)).toBeLessThanOrEqual(max);
          if (lengthOf(text) <= max) {
            expect(result).toBe(text);
            return;
          }
          expect(result.endsWith('…')).toBe(true);
          const kept = result.slice(0, -1).trimEnd();
          const boundaries = [...new Intl.Segmenter('en').segment(text)].map(({ index }) => index);
          expect(text.startsWith(kept)).toBe(true);
          expect([...boundaries, text.length]).toContain(kept.length);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('counts words of any script', () => {
    expect(countWords("It doesn't cost $20/mo.")).toBe(5);
    expect(countWords('描画が速い')).toBeGreaterThan(1);
  });
});
