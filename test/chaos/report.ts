import { total } from '../../src/sending/progress.ts';
import type { Report } from './run.ts';

function countsOf(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ') || 'none';
}

/** One issue in one line, with its violations below. */
export function lineOf(report: Report): string {
  const { attack, verdict } = report;
  const { progress } = verdict;
  const figures = [
    `seed ${attack.seed}`,
    `kills ${report.kills.length} of ${attack.kills} (${countsOf(report.kills)})`,
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

/** All issues in one line. */
export function sumOf(reports: readonly Report[]): string {
  const sum = (count: (report: Report) => number) => reports.reduce((all, report) => all + count(report), 0);
  const figures = [
    `${sum(({ kills }) => kills.length)} kills`,
    `${sum(({ verdict }) => verdict.lost.length)} lost`,
    `${sum(({ verdict }) => verdict.doubled.length)} doubled`,
    `${sum(({ verdict }) => verdict.afterLeaving.length)} after leaving`,
    `${sum(({ verdict }) => (verdict.isSent ? 0 : 1))} unfinished`,
    `${sum(({ isGood }) => (isGood ? 0 : 1))} with a fault of ours`,
  ];
  return `${reports.length} issues, ${figures.join(', ')}`;
}
