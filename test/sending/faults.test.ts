import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

/**
 * Every fault that a sender of weekly issues meets has a test that carries its number, `fault 13: …` or
 * `faults 5, 22: …`. The numbers, and what must hold:
 *
 *  1 a worker killed at any place              14 clock changes, zones, skewed clocks
 *  2 a deploy in mid-send                      15 two schedulers, a scheduler that runs twice
 *  3 Redis flushed, restarted, away, evicting  16 many workers, one slower than its lease
 *  4 PostgreSQL away, cut, a lost commit       18 a poisoned subscriber
 *  5 429 and quotas                            19 nothing new this week
 *  6 5xx, HTML, no connection                  20 a huge list
 *  7 no answer after it was accepted           22 settings: keys, domains, addresses
 *  8 conflicts of the key                      23 a migration in mid-send
 *  9 answers that nobody promised              24 a backup restored
 * 10 one bad address in a strict batch         25 operators: twice, again, in the middle
 * 11 events: twice, late, early, forged
 * 12 leaving while it is sent
 * 13 leaving while it is uncertain
 *
 * 17 (a poisoned comparison) and 21 (no space left) are of rendering and of the machine.
 */
const ROWS = [...range(1, 16), ...range(18, 20), ...range(22, 25)];

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

it('every fault has a test by its number', () => {
  const folder = path.resolve(import.meta.dirname, '..');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /(?:\.test|conformance\/[^/]+)\.tsx?$/u.test(file) && !file.endsWith('faults.test.ts'),
  );
  const named = new Set<number>();
  for (const file of files) {
    const code = readFileSync(path.join(folder, file), 'utf8');
    for (const [, numbers = ''] of code.matchAll(/['"`]faults? (\d+(?:, \d+)*): /gu)) {
      for (const number of numbers.split(', ')) named.add(Number(number));
    }
  }
  expect(ROWS.filter((row) => !named.has(row))).toEqual([]);
});
