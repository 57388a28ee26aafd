import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

/** A suite that no file runs is red for nobody, and its faults still count as tested. */
it('every suite under conformance/ is run by somebody', () => {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/u.test(file))
    .map((file) => readFileSync(path.join(import.meta.dirname, file), 'utf8'));
  const suites = files.flatMap((code) =>
    [...code.matchAll(/export function (describe\w+)/gu)].map(([, name]) => name ?? ''),
  );
  expect(suites.length).toBeGreaterThan(20);
  const isRun = (suite: string) =>
    files.some((code) =>
      new RegExp(`(?<!function )\\b${suite}\\(|describe\\(.*, ${suite}\\)`, 'u').test(code),
    );
  expect(suites.filter((suite) => !isRun(suite))).toEqual([]);
});
