import type { Bound, Figure, Row } from './rows.ts';

/** A row with its medians. */
export interface Line {
  name: string;
  about: string;
  unit: string;
  ours: number;
  against: number;
  /** Median of the ratios of each round, ours to the other's. */
  ratio: number;
  promise: Bound | null;
  limit: Bound | null;
  /** null: nothing is promised. */
  kept: boolean | null;
}

export function lineOf(row: Row, rounds: Map<string, unknown>[]): Line {
  const value = ({ measurement, read }: Figure, round: Map<string, unknown>) =>
    read(round.get(measurement.id));
  const ours = median(rounds.map((round) => value(row.ours, round)));
  const ratio = median(
    rounds.map((round) => (value(row.ours, round) / value(row.against, round)) ** (row.isCost ? -1 : 1)),
  );
  const { promise = null, limit = null } = row;
  return {
    name: row.name,
    about: row.about,
    unit: row.unit,
    ours,
    against: median(rounds.map((round) => value(row.against, round))),
    ratio,
    promise,
    limit,
    kept: promise === null && limit === null ? null : holds(ratio, promise) && holds(ours, limit),
  };
}

function holds(value: number, bound: Bound | null): boolean {
  if (bound === null) return true;
  return 'atLeast' in bound ? value >= bound.atLeast : value <= bound.atMost;
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

export function print(lines: Line[], run: { machine: string; runs: number; services: boolean }): void {
  const cells = [
    ['', 'what', 'ours', 'theirs', 'ratio', 'promised', ''],
    ...lines.map(({ name, about, unit, ours, against, ratio, promise, limit, kept }, index) => [
      lines[index - 1]?.name === name ? '' : name,
      about,
      `${figure(ours)} ${unit}`,
      `${figure(against)} ${unit}`,
      figure(ratio),
      [...(promise ? [bound(promise)] : []), ...(limit ? [`${bound(limit)} ${unit}`] : [])].join(', '),
      kept === null ? '' : kept ? 'kept' : 'MISSED',
    ]),
  ];
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  const numeric = new Set([2, 3, 4]);
  for (const row of cells) {
    const line = row.map((cell, column) =>
      numeric.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
    );
    console.log(line.join('  ').trimEnd());
  }
  console.log(`\nMedians of ${run.runs} on ${run.machine}. Compare the ratios, not the figures.`);
  if (!run.services)
    console.log('PostgreSQL or Redis is not installed: only the embedded backend was measured.');
}

const bound = (one: Bound) => ('atLeast' in one ? `≥ ${figure(one.atLeast)}` : `≤ ${figure(one.atMost)}`);

/** Three digits are all that a bench can measure. */
function figure(value: number): string {
  if (value >= 1_000) return Number(value.toPrecision(3)).toLocaleString('en');
  return String(Number(value.toPrecision(value < 1 ? 2 : 3)));
}
