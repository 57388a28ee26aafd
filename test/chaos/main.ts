import { parseArgs } from 'node:util';
import { layGround, type Store } from './ground.ts';
import { lineOf, sumOf } from './report.ts';
import { type Report, run } from './run.ts';

/** `npm run chaos`: sends issue after issue under fire until so many processes were killed. */

const USAGE = `npm run chaos -- [--kills N] [--seed S] [--store embedded|services] [--readers N]

Sends issues while workers are killed and services fail, one line an issue, until N processes were killed
(default 20). A failure says how to repeat it. NODE_DEBUG=chaos tells more.
`;

/** Most kills in an issue, and its readers: so many that work is in progress until the last of them. */
const ISSUE: Record<Store, { kills: number; readers: string }> = {
  embedded: { kills: 10, readers: '2000' },
  services: { kills: 30, readers: '6000' },
};

const options = {
  kills: { type: 'string', default: '20' },
  seed: { type: 'string', default: '1' },
  store: { type: 'string', default: 'embedded' },
  readers: { type: 'string' },
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
  const store: Store = values.store;
  return {
    kills: whole('kills', values.kills),
    seed: whole('seed', values.seed),
    // The output of `npm run build`, as in the image: it starts three times as fast as the sources.
    plot: { store, program: 'built', readers: whole('readers', values.readers ?? ISSUE[store].readers) },
  } as const;
}

async function main(): Promise<number> {
  const began = performance.now();
  const { kills, seed, plot } = settings();
  await using ground = await layGround(plot);
  const reports: Report[] = [];
  const killed = () => reports.reduce((sum, report) => sum + report.kills.length, 0);
  for (let at = seed; killed() < kills; at += 1) {
    const attack = { seed: at, kills: Math.min(ISSUE[plot.store].kills, kills - killed()) };
    const report = await run(ground, attack);
    reports.push(report);
    process.stdout.write(`${lineOf(report)}\n`);
    for (const crash of report.crashes) process.stderr.write(`     a process ended by itself: ${crash}\n`);
    if (!report.isGood)
      process.stdout.write(
        `     again: npm run chaos -- --store ${plot.store} --readers ${plot.readers} --seed ${at} --kills ${attack.kills}\n`,
      );
  }
  const minutes = (performance.now() - began) / 60_000;
  process.stdout.write(`${plot.store}: ${sumOf(reports)}, in ${minutes.toFixed(1)} minutes\n`);
  return reports.every(({ isGood }) => isGood) ? 0 : 1;
}

// A process that is asked to stop also ends its children and removes its files at its exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`error: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
