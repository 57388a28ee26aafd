import fc from 'fast-check';
import { expect, it } from 'vitest';
import { listId } from '../../src/sending/list-id.ts';

/** Decodes encoded words as a mail program does (RFC 2047 §6.2). */
const decoded = (value: string) =>
  value
    .replace(/\?=\s+=\?/gu, '?==?')
    .replace(/=\?utf-8\?B\?([^?]*)\?=/gu, (_, base64: string) => Buffer.from(base64, 'base64').toString());

it.each([
  ['Weekly AI Tool Verdicts', 'Weekly AI Tool Verdicts <digest.verdicts.example>'],
  ['Ship <it>, or "skip"', '"Ship <it>, or \\"skip\\"" <digest.verdicts.example>'],
  ['Urteile für 検索', '=?utf-8?B?VXJ0ZWlsZSBmw7xyIOaknOe0og==?= <digest.verdicts.example>'],
])('%s', (name, value) => {
  expect(listId(name, 'verdicts.example')).toBe(value);
});

it('has the identifier outside encoded words, in ASCII, for every name', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }), (name) => {
      const value = listId(name, 'bücher.example');
      expect(value).toMatch(/^[ -~]+$/u);
      expect(value).toMatch(/ <digest\.xn--bcher-kva\.example>$/u);
      for (const word of value.match(/=\?utf-8\?[^ ]*/gu) ?? []) expect(word.length).toBeLessThanOrEqual(75);
      if (value.startsWith('=?')) expect(decoded(value.split(' <')[0] ?? '')).toBe(name.toWellFormed());
    }),
    { numRuns: 200 },
  );
});
