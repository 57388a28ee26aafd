import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '..');
const page = readFileSync(path.join(root, 'docs/threat-model.md'), 'utf8');

const promises = [...page.matchAll(/^\| ([FB]\d+) \| (.+?) \| (.+?) \|$/gmu)].map(
  ([, number = '', promise = '', tests = '']) => ({
    number,
    promise,
    files: [...tests.matchAll(/`([^`]+)`/gu)].map(([, file = '']) => file),
  }),
);

describe('the threat model', () => {
  it('has every finding', () => {
    const findings = [
      ...Array.from({ length: 20 }, (_, index) => `F${index + 1}`),
      'B13',
      'B15',
      'B17',
      'B32',
    ];
    const missing = findings.filter((finding) => !promises.some(({ number }) => number === finding));
    expect(missing).toEqual([]);
  });

  it.each(promises)('$number: $promise', ({ number, files }) => {
    expect(files).not.toEqual([]);
    for (const file of files) {
      expect(existsSync(path.join(root, file)), `${file} is there`).toBe(true);
      const code = readFileSync(path.join(root, file), 'utf8');
      const isNamed = new RegExp(`^(?!\\s*(?:\\*|//)).*['"\`].*\\b${number}\\b`, 'mu').test(code);
      expect(isNamed, `a test of ${file} has ${number} in its name`).toBe(true);
    }
  });
});
