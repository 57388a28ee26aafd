import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from './helpers/processes.ts';

const { satisfies } = createRequire(import.meta.url)('semver') as {
  satisfies(version: string, range: string): boolean;
};

interface Locked {
  version: string;
  engines?: { node?: string };
}

it.each(['20.19.0', '22.16.0', '24.0.0'])('every locked package runs on Node %s', (version) => {
  const lock = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8'));
  const packages = Object.entries<Locked>(lock.packages).filter(([name]) => name !== '');
  const refused = packages
    .filter(([, { engines }]) => engines?.node !== undefined && !satisfies(version, engines.node))
    .map(([name, { version: own, engines }]) => `${name} ${own} wants Node ${engines?.node}`);
  expect(refused, 'npm warns about these: see docs/adr/0006-node-20.md').toEqual([]);
});
