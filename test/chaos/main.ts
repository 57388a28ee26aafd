import { parseArgs } from 'node:util';
import { layGround, type Store } from './ground.ts';
import { type Report, run } from './run.ts';

/** `npm run chaos`: sends issue after issue under fire until so many processes were killed. */

const USAGE = `npm run chaos -- [--kills N] [--seed S] [--store embedded|services] [--readers N]

Sends issues while workers are killed and services fail, one line an issue, until N processes were killed
(default 20). A failure names its seed: \`--seed S --kills N\` with those of its line repeats it.
`;

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
  return {
    kills: whole('kills', values.kills),
    seed: whole('seed', values.seed),
    store: values.store as Store,
    readers: whole('readers', values.readers ?? (values.store === 'services' ? '1200' : '700')),
  };
}

function countsOf(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ') || 'none';
}

export function lineOf(report: Report): string {
  const { verdict } = report;
  const { progress } = verdict;
  const sum = (reasons: Record<string, number>) => Object.values(reasons).reduce((a, b) => a + b, 0);
  const figures = [
    `seed ${report.seed}`,
    `kills ${report.kills.length} (${countsOf(report.kills)})`,
    `faults ${countsOf(report.faults)}`,
    `audience ${progress.audience}`,
    `accepted ${verdict.accepted}`,
    `excluded ${sum(progress.excluded)}`,
    `failed ${sum(progress.failed)}`,
    `left ${report.left} (${verdict.inFlight} in flight)`,
    `uncertain settled by ${countsOf(report.settlements)}`,
    `${report.seconds.toFixed(0)} s`,
  ];
  const faults = [...verdict.lost, ...verdict.doubled, ...verdict.afterLeaving, ...verdict.faults];
  return `${report.isGood ? 'ok  ' : 'FAIL'} ${figures.join(' · ')}${report.isGood ? '' : `\n     ${faults.slice(0, 12).join('\n     ')}`}`;
}

async function main(): Promise<number> {
  const { kills, seed, store, readers } = settings();
  await using ground = await layGround(store, readers);
  const totals = { issues: 0, kills: 0, lost: 0, doubled: 0, afterLeaving: 0, unfinished: 0 };
  const failed: number[] = [];
  const perIssue = store === 'services' ? 10 : 6;
  for (let at = seed; totals.kills < kills; at += 1) {
    const report = await run(ground, at, Math.min(perIssue, kills - totals.kills));
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

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`error: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
