import { growthOf, type WeekCost } from './measure.ts';
import type { Difference } from './model.ts';
import type { WeekRow, YearReport } from './year.ts';

/** A year as text: a row a week, then what follows from all of them. */

const COLUMNS: readonly [head: string, width: number, cell: (row: WeekRow) => string][] = [
  ['week', 4, ({ week }) => String(week)],
  ['slot', 10, ({ slot }) => slot],
  ['outcome', 9, ({ outcome }) => outcome],
  ['readers', 7, ({ readers }) => String(readers)],
  ['copies', 6, ({ copies }) => String(copies)],
  ['archive', 7, ({ archive }) => String(archive)],
  ['new', 3, ({ fresh }) => String(fresh)],
  ['changed', 7, ({ changed }) => String(changed)],
  ['counted', 7, ({ counted }) => String(counted)],
  ['variants', 8, ({ variants }) => String(variants)],
  ['html kB', 7, ({ htmlBytes }) => (htmlBytes / 1_000).toFixed(1)],
  ['draft s', 7, ({ draftSeconds }) => draftSeconds.toFixed(1)],
  ['send s', 6, ({ sendSeconds }) => sendSeconds.toFixed(1)],
  ['block ms', 8, ({ blockMs }) => blockMs.toFixed(0)],
  ['rss MB', 6, ({ memory }) => memory.rss.toFixed(0)],
  ['heap MB', 7, ({ memory }) => memory.heap?.toFixed(0) ?? '-'],
  ['deliveries', 10, ({ deliveries }) => String(deliveries)],
];

export const headLine = () => COLUMNS.map(([head, width]) => head.padStart(width)).join('  ');

export const lineOf = (row: WeekRow) =>
  COLUMNS.map(([, width, cell]) => cell(row).padStart(width)).join('  ');

export function summaryOf(report: YearReport): string {
  const { rows, sent, differences, staffMails, tables, readers, seconds } = report;
  const copies = rows.reduce((sum, row) => sum + row.copies, 0);
  const kinds = new Map<string, Difference[]>();
  for (const each of differences) kinds.set(each.kind, [...(kinds.get(each.kind) ?? []), each]);
  return [
    '',
    `${rows.length} slots, ${sent.length} issues, ${copies} copies; ${readers.ever} readers ever, ${readers.active} at the end; ${seconds.toFixed(0)} s`,
    `html at most ${(Math.max(0, ...rows.map(({ htmlBytes }) => htmlBytes)) / 1_000).toFixed(1)} kB; changed rows at most ${Math.max(0, ...rows.map(({ changed }) => changed))}`,
    ...growthLines(rows),
    '',
    'mail to editors and operators:',
    ...staffMails.map(
      ({ at, to, kind, subject }) => `  ${at.toISOString().slice(0, 16)}  ${to}  ${kind}: ${subject}`,
    ),
    '',
    'tables:',
    ...tables.map(
      ({ table, rows: count, bytes }) =>
        `  ${table.padEnd(20)} ${String(count).padStart(9)} rows ${(bytes / 1e6).toFixed(2).padStart(9)} MB`,
    ),
    '',
    differences.length === 0 ? 'no difference' : `${differences.length} differences:`,
    ...[...kinds].flatMap(([kind, all]) => [
      `  ${kind}: ${all.length}`,
      ...all.slice(0, 5).map(({ week, message }) => `    week ${week}: ${message}`),
    ]),
    '',
  ].join('\n');
}

function growthLines(rows: readonly WeekRow[]): string[] {
  const growth = growthOf(rows);
  if (growth === null) return [];
  const { early, late } = growth;
  const line = (name: string, value: (cost: WeekCost) => number | null, digits: number) =>
    `${name}: ${value(early)?.toFixed(digits) ?? '-'} after week 10, ${value(late)?.toFixed(digits) ?? '-'} at the end`;
  return [
    line('archive', ({ archive }) => archive, 0),
    line('draft seconds', ({ draftSeconds }) => draftSeconds, 1),
    line('send seconds', ({ sendSeconds }) => sendSeconds, 1),
    line('heap MB', ({ memory }) => memory.heap, 0),
    line('rss MB', ({ memory }) => memory.rss, 0),
  ];
}
