import os from 'node:os';
import { parseArgs } from 'node:util';
import type { Measurement } from './measure.ts';
import { type Row, rowsFor } from './rows.ts';
import { openStage } from './stage.ts';
import { lineOf, print } from './table.ts';

/**
 * `npm run bench`: one table; every line is the ratio of two figures that were measured in the same round on the same
 * machine. Absolute figures differ on other machines; the ratio is the promise.
 */
const HELP = `npm run bench -- [options]
  --runs N        rounds; the table shows medians (default 3)
  --only a,b      only these rows: personalise, body, wire, pipeline, cpu, memory, first, freeze, progress,
                  paced, events
  --quick         smaller sizes, no promises
  --json          one JSON document instead of the table`;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit();
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

await using stage = await openStage();
const only = values.only?.split(',');
const rows = rowsFor({ backends: stage.backends, quick: values.quick }).filter(
  ({ name }) => only?.includes(name) ?? true,
);
const rounds = await measure(rows, Number(values.runs));
const lines = rows.map((row) => lineOf(row, rounds));
const machine = `${os.cpus().length} × ${os.cpus()[0]?.model.trim()}, Node ${process.versions.node}`;

if (values.json) console.log(JSON.stringify({ machine, runs: rounds.length, rows: lines }, null, 2));
else print(lines, { machine, runs: rounds.length, services: stage.backends.includes('services') });
if (lines.some(({ kept }) => kept === false)) process.exitCode = 1;

/** By measurement: all contenders once, then all of them again, so that a noisy minute affects all of them. */
async function measure(chosen: Row[], runs: number): Promise<Map<string, unknown>[]> {
  const needed = new Map<string, Measurement>();
  for (const { ours, against } of chosen) {
    for (const { measurement } of [ours, against]) needed.set(measurement.id, measurement);
  }
  const taken: Map<string, unknown>[] = [];
  for (let run = 1; run <= runs; run += 1) {
    const round = new Map<string, unknown>();
    for (const [id, measurement] of needed) {
      const startedAt = performance.now();
      round.set(id, await measurement.take(stage));
      const seconds = (performance.now() - startedAt) / 1_000;
      process.stderr.write(`round ${run} of ${runs}: ${id} (${seconds.toFixed(1)} s)\n`);
    }
    taken.push(round);
  }
  return taken;
}
