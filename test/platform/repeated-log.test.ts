import { expect, it } from 'vitest';
import { logRepeated, REPEAT_MS } from '../../src/platform/repeated-log.ts';

it('D9: a fault that repeats is written once a minute, with how often it came', () => {
  let now = 0;
  const lines: [string, number][] = [];
  const log = logRepeated(
    ({ message }, times) => lines.push([message, times]),
    () => now,
  );
  for (let at = 0; at < 1_000; at += 1) {
    log(new Error(`OOM command not allowed, script: ${at}`));
    if (at === 500) log(new Error('READONLY replica'));
  }
  expect(lines).toEqual([
    ['OOM command not allowed, script: 0', 1],
    ['READONLY replica', 1],
  ]);
  now = REPEAT_MS;
  log(new Error('OOM command not allowed, script: 7'));
  expect(lines[2]).toEqual(['OOM command not allowed, script: 7', 1_000]);
});
