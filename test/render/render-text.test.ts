import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wrap } from '../../emails/parts/plain-text.ts';
import { renderVariant } from '../../src/render/render-variant.ts';
import { goldenIssue } from '../fixtures/golden-issue.ts';

describe('wrap', () => {
  it('keeps every character but white space, in order, and no line over 72', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 400 }),
        fc.constantFrom('', '  ', '    [x] '),
        (text, indent) => {
          const wrapped = wrap(text, indent);
          expect(wrapped.slice(indent.length).replace(/\s/gu, '')).toBe(`${text}`.replace(/\s/gu, ''));
          expect(wrapped.split('\n').filter((line) => [...line].length > 72)).toEqual([]);
        },
      ),
    );
  });
});

describe('the text part', () => {
  it('stays within 72 columns, links on lines of their own', async () => {
    const { text } = await renderVariant(goldenIssue, 'react:digest');
    const lines = text.split('\n');
    expect(lines.filter((line) => [...line].length > 72 && !line.startsWith('https://'))).toEqual([]);
    expect(lines.filter((line) => line.includes('https://') && !/^https:\/\/\S+$/u.test(line))).toEqual([]);
    expect(lines.filter((line) => /\s$/u.test(line))).toEqual([]);
  });

  it('puts every verdict before its comparison', async () => {
    const { text } = await renderVariant(goldenIssue, 'react:digest');
    const [, rest = ''] = text.split('ALSO COMPARED');
    for (const { title, verdict } of goldenIssue.cards.filter((card) => card.title.length < 60)) {
      expect(rest.indexOf(verdict.words)).toBeGreaterThan(-1);
      expect(rest.indexOf(verdict.words)).toBeLessThan(rest.indexOf(`${title} |`));
    }
  });
});
