import { parseArgs } from 'node:util';
import { type Scenario, simulate } from './simulate.ts';

/** `npm run simulate -- --readers 1000000,10000000 --seed 1`: prints docs/scale.md's table of a simulated issue. */
const { values } = parseArgs({
  options: {
    readers: { type: 'string', default: '1000000,10000000' },
    seed: { type: 'string', default: '1' },
  },
});

const HOUR_MS = 3_600_000;
const CALM = {
  ...{ workers: 2, ratePerSecond: 10, faults: 0, isPermissive: true, outages: [], killEveryMinutes: 0 },
  ...{ leavingPerHour: 0.002, badAddresses: 0.00005 },
} satisfies Partial<Scenario>;
const WEATHERS: Record<string, Omit<Scenario, 'readers' | 'seed'>> = {
  calm: CALM,
  'rough: 5 % faults, a kill in 10 min, 2 % leave an hour': {
    ...{ ...CALM, faults: 0.05, killEveryMinutes: 10, leavingPerHour: 0.02 },
  },
  'storm: 20 % faults, a kill a minute, 10 % leave an hour, 30 min away': {
    ...{ ...CALM, faults: 0.2, killEveryMinutes: 1, leavingPerHour: 0.1 },
    outages: [[0.1 * HOUR_MS, 0.6 * HOUR_MS]],
  },
  'away for 21 hours, longer than keys are used': {
    ...{ ...CALM, outages: [[0.1 * HOUR_MS, 21.1 * HOUR_MS]] },
  },
  'no permissive mode, 1 bad address in 20,000': { ...CALM, isPermissive: false },
  '100 requests a second, rough': { ...CALM, ratePerSecond: 100, faults: 0.05, killEveryMinutes: 10 },
};

const columns = ['readers', 'weather', 'ended', 'time', 'requests', 'repeated', '429', '409', 'kills'];
const more = [
  'splits',
  'mailed',
  'left',
  'refused',
  'uncertain',
  'waiting',
  'lost',
  'doubled',
  'overcounted',
  'heap',
];
const rows: string[][] = [];
for (const readers of values.readers.split(',').map(Number)) {
  for (const [name, weather] of Object.entries(WEATHERS)) {
    const run = simulate({ ...weather, readers, seed: Number(values.seed) });
    const count = (number: number) => number.toLocaleString('en');
    rows.push([
      ...[count(readers), name, run.status, `${(run.ms / HOUR_MS).toFixed(2)} h`, count(run.requests)],
      ...[run.repeated, run.limited, run.conflicts, run.kills, run.splits, run.mailed, run.left].map(count),
      ...[run.failed, run.uncertain, run.waiting, run.lost, run.doubled, run.overcounted].map(count),
      `${Math.round(run.memory / 1e6)} MB`,
    ]);
    if (run.lost !== 0 || run.doubled !== 0) process.exitCode = 1;
  }
}
for (const row of [[...columns, ...more], [...columns, ...more].map(() => '---'), ...rows])
  process.stdout.write(`| ${row.join(' | ')} |\n`);
