import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { type Component, listLicences } from '../.ci/licences.ts';
import { ROOT } from './helpers/processes.ts';

const component = (licence: string | undefined, name = 'x'): Component => ({
  name,
  version: '1.0.0',
  ...(licence === undefined ? {} : { licenses: [{ expression: licence }] }),
});

it.each([
  ['MIT', true],
  ['(MIT OR GPL-3.0-only)', true],
  ['MIT AND ISC', true],
  ['Apache-2.0', true],
  ['GPL-3.0-only', false],
  ['MIT AND GPL-3.0-only', false],
  ['AGPL-3.0-or-later', false],
  ['MPL-2.0', false],
  ['SEE LICENSE IN LICENSE.md', false],
  ['UNLICENSED', false],
  [undefined, false],
])('a package with the licence %s may be delivered: %s', (licence, isAllowed) => {
  expect(listLicences([component(licence)])).toEqual([
    { component: 'x@1.0.0', licence: licence ?? 'not said', isAllowed },
  ]);
});

it('each package is listed once, by name', () => {
  const listed = listLicences([component('MIT', 'b'), component('ISC', 'a'), component('MIT', 'b')]);
  expect(listed.map((each) => each.component)).toEqual(['a@1.0.0', 'b@1.0.0']);
});

it('F20: `npm sbom` lists what is delivered, and all of it may be', () => {
  const sbom = execFileSync(
    'npm',
    ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev', '--package-lock-only'],
    {
      cwd: ROOT,
      encoding: 'utf8',
      maxBuffer: 50_000_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const { bomFormat, components }: { bomFormat: string; components: Component[] } = JSON.parse(sbom);
  expect(bomFormat).toBe('CycloneDX');
  expect(components.map(({ name }) => name)).toEqual(expect.arrayContaining(['fastify', 'bullmq', 'pg']));
  expect(components.map(({ name }) => name)).not.toContain('vitest');
  expect(listLicences(components).filter(({ isAllowed }) => !isAllowed)).toEqual([]);
});
