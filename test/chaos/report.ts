import { total } from '../../src/delivery/index.ts';
import type { Report } from './run.ts';

function countsOf(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ') || 'none';
}

/** One issue in one line, and what was wrong with it below. */
export function lineOf(report: Report): string {
  const { verdict } = report;
  const { progress } = verdict;
  const figures = [
    `seed ${report.seed}`,
    `kills ${report.kills.length} (${countsOf(report.kills)})`,
    `faults ${countsOf(report.faults)}`,
    `audience ${progress.audience}`,
    `accepted ${verdict.accepted}`,
    `excluded ${total(progress.excluded)}`,
    `failed ${total(progress.failed)}`,
    `left ${report.left} (${verdict.inFlight} in flight)`,
    `uncertain settled by ${countsOf(report.settlements)}`,
    `${report.seconds.toFixed(0)} s`,
  ];
  const faults = [...verdict.lost, ...verdict.doubled, ...verdict.afterLeaving, ...verdict.faults];
  return `${report.isGood ? 'ok  ' : 'FAIL'} ${figures.join(' · ')}${report.isGood ? '' : `\n     ${faults.slice(0, 12).join('\n     ')}`}`;
}
