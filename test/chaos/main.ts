import { parseArgs } from 'node:util';
import { layGround, type Store } from './ground.ts';
import { lineOf } from './report.ts';
import { run } from './run.ts';

/** `npm run chaos`: sends issue after issue under fire until so many processes were killed. */

const USAGE = `npm run chaos -- [--kills N] [--seed S] [--store embedded|services] [--readers N] [--built]

Sends issues while workers are killed and services fail, one line an issue, until N processes were killed
(default 20). A failure names its seed: \`--seed S --kills N\` with those of its line repeats it.
\`--built\` runs what \`npm run build\` made, as the image does, instead of the sources. NODE_DEBUG=chaos tells more.
`;

const options = {
  kills: { type: 'string', default: '20' },
  seed: { type: 'string', default: '1' },
  store: { type: 'string', default: 'embedded' },
  readers: { type: 'string' },
  built: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

function settings() {
  const { values } = parseArgs({ options });
  if (values.help) {
    process.stdout.write(USAGE);
    process.exit(0);
  }
  const whole = (name: string, text: string) => {
    const number = Number(text);
    if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} ${text} is no number above 0`);
    return number;
  };
  if (values.store !== 'embedded' && values.store !== 'services')
    throw new Error(`--store is embedded or services, not ${values.store}`);
  return {
    kills: whole('kills', values.kills),
    seed: whole('seed', values.seed),
    plot: {
      store: values.store as Store,
      program: values.built ? ('built' as const) : ('source' as const),
      readers: whole('readers', values.readers ?? (values.store === 'services' ? '1600' : '600')),
    },
  };
}

async function main(): Promise<number> {
  const { kills, seed, plot } = settings();
  await using ground = await layGround(plot);
  const totals = { issues: 0, kills: 0, lost: 0, doubled: 0, afterLeaving: 0, unfinished: 0 };
  const failed: number[] = [];
  const perIssue = plot.store === 'services' ? 20 : 8;
  for (let at = seed; totals.kills < kills; at += 1) {
    const report = await run(ground, { seed: at, kills: Math.min(perIssue, kills - totals.kills) });
    process.stdout.write(`${lineOf(report)}\n`);
    for (const crash of report.crashes) process.stderr.write(`     a process ended by itself: ${crash}\n`);
    totals.issues += 1;
    totals.kills += report.kills.length;
    totals.lost += report.verdict.lost.length;
    totals.doubled += report.verdict.doubled.length;
    totals.afterLeaving += report.verdict.afterLeaving.length;
    if (!report.isGood) failed.push(at);
  }
  process.stdout.write(
    `${totals.issues} issues, ${totals.kills} kills: ${totals.lost} lost, ${totals.doubled} doubled, ${totals.afterLeaving} after leaving\n`,
  );
  if (failed.length === 0) return 0;
  process.stdout.write(`seeds with faults: ${failed.join(', ')}\n`);
  return 1;
}

// Whoever is told to go takes its processes along: they are ended at the exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`error: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
