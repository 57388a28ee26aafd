import type { Spent } from './child.ts';
import type { Figures as EventsFigures } from './contenders/events.ts';
import type { Figures as PiecesFigures } from './contenders/pieces.ts';
import {
  bare,
  database,
  events,
  type Measurement,
  paced,
  pieces,
  pipeline,
  tutorial,
  wire,
} from './measure.ts';
import type { Backend } from './stage.ts';

/** One number of a measurement. */
export interface Figure {
  measurement: Measurement;
  /** From the result of this round's measurement. */
  read(figures: unknown): number;
}

export type Bound = { atLeast: number } | { atMost: number };

/** One line of the table: ours against another, both measured in the same round. */
export interface Row {
  /** The name for `--only`; several rows may share one. */
  name: string;
  about: string;
  unit: string;
  ours: Figure;
  against: Figure;
  /** Both are costs, and the ratio says how many times ours is cheaper; otherwise it is ours to theirs. */
  isCost?: true;
  /** The promised ratio of the two. */
  promise?: Bound;
  /** The promise for our own figure. */
  limit?: Bound;
}

export interface Scale {
  backends: Backend[];
  quick: boolean;
}

/** The table, top to bottom. */
export function rowsFor({ backends, quick }: Scale): Row[] {
  const sizes = quick ? [1_000, 10_000] : [1_000, 10_000, 100_000];
  const largest = sizes.at(-1) as number;
  const many = quick ? 100_000 : 1_000_000;
  const lessons = quick ? 500 : 2_000;
  const main = backends[0] as Backend;

  const rows: Row[] = [
    ...parts(),
    ...backends.flatMap((backend) =>
      sizes.flatMap((readers) => sending(backend, readers, lessons, readers === largest)),
    ),
    {
      name: 'cpu',
      about: `CPU an email, ${count(largest)} readers on ${main}, against the tutorial's`,
      unit: 'µs',
      ours: figure(pipeline(main, largest), cpuMicros),
      against: figure(tutorial(main, lessons), cpuMicros),
      isCost: true,
      promise: { atLeast: 50 },
    },
    {
      name: 'memory',
      about: `peak memory, ${count(many)} readers on ${main}, against ${count(10_000)}`,
      unit: 'MB',
      ours: figure(pipeline(main, many), ({ peakMegabytes }) => peakMegabytes),
      against: figure(pipeline(main, 10_000), ({ peakMegabytes }) => peakMegabytes),
      ...(main === 'services' ? { promise: { atMost: 1.3 }, limit: { atMost: 256 } } : {}),
    },
    {
      name: 'first',
      about: `first batch out, ${count(largest)} readers on ${main}, against ${count(1_000)}`,
      unit: 's',
      ours: figure(pipeline(main, largest), ({ firstBatchSeconds }) => firstBatchSeconds),
      against: figure(pipeline(main, 1_000), ({ firstBatchSeconds }) => firstBatchSeconds),
      limit: { atMost: 1 },
    },
    {
      name: 'freeze',
      about: `audience of ${count(many)} frozen on ${main}, against inserting its rows as they are`,
      unit: 's',
      ours: figure(database(main, many), ({ freezeSeconds }) => freezeSeconds),
      against: figure(database(main, many), ({ copySeconds }) => copySeconds),
    },
    {
      name: 'progress',
      about: `progress of ${count(many)} on ${main}, against counting the deliveries`,
      unit: 'ms',
      ours: figure(database(main, many), ({ progressSeconds }) => progressSeconds * 1_000),
      against: figure(database(main, many), ({ countSeconds }) => countSeconds * 1_000),
      isCost: true,
      limit: { atMost: 10 },
    },
    ...(backends.includes('services') ? [pacedRow] : []),
    ...backends.flatMap((backend) => eventRows(backend, quick ? 10_000 : 100_000)),
  ];
  // The promises apply to full sizes only.
  return quick ? rows.map(({ promise: _, limit: __, ...row }) => row) : rows;
}

const pacedRow: Row = {
  name: 'paced',
  about: 'event loop p99 at 10 requests a second, people signing up, against no issue going out',
  unit: 'ms',
  ours: figure(paced(20_000), ({ sending }) => sending),
  against: figure(paced(20_000), ({ quiet }) => quiet),
  limit: { atMost: 10 },
};

function eventRows(backend: Backend, readers: number): Row[] {
  const rates = (name: keyof EventsFigures) => figure(events(backend, readers), (figures) => figures[name]);
  const row = { name: 'events', unit: 'events/s' };
  return [
    {
      ...row,
      about: `stored on ${backend}, against one at a time`,
      ours: rates('stored'),
      against: rates('storedSingly'),
    },
    {
      ...row,
      about: `applied on ${backend}, against one at a time`,
      ours: rates('applied'),
      against: rates('appliedSingly'),
    },
    {
      ...row,
      about: `applied on ${backend}, tables never analyzed, against analyzed`,
      ours: rates('appliedUnanalyzed'),
      against: rates('applied'),
      promise: { atLeast: 0.5 },
    },
  ];
}

function parts(): Row[] {
  const micros = (part: keyof PiecesFigures) => figure(pieces, (figures) => figures[part]);
  return [
    {
      name: 'personalise',
      about: "a reader's copy, against replaceAll",
      unit: 'µs',
      ours: micros('segments'),
      against: micros('replaceAll'),
      isCost: true,
    },
    {
      name: 'personalise',
      about: "a reader's copy, against rendering it",
      unit: 'µs',
      ours: micros('segments'),
      against: micros('render'),
      isCost: true,
    },
    {
      name: 'body',
      about: "a reader's bytes, against JSON.stringify",
      unit: 'µs',
      ours: micros('body'),
      against: micros('stringify'),
      isCost: true,
      promise: { atLeast: 25 },
    },
    {
      name: 'wire',
      about: 'our adapter, against a bare loop',
      unit: 'emails/s',
      ours: figure(wire(10_000), rate),
      against: figure(bare(10_000), rate),
    },
  ];
}

function sending(backend: Backend, readers: number, lessons: number, promised: boolean): Row[] {
  const about = `${count(readers)} readers on ${backend}`;
  const ours = figure(pipeline(backend, readers), rate);
  return [
    {
      name: 'pipeline',
      about: `${about}, against a bare loop`,
      unit: 'emails/s',
      ours,
      against: figure(bare(Math.max(readers, 10_000)), rate),
      ...(promised ? { promise: { atLeast: backend === 'services' ? 0.35 : 0.15 } } : {}),
    },
    {
      name: 'pipeline',
      about: `${about}, against the tutorial`,
      unit: 'emails/s',
      ours,
      against: figure(tutorial(backend, lessons), rate),
      ...(promised && backend === 'services' ? { promise: { atLeast: 40 } } : {}),
    },
  ];
}

function figure<Figures>(measurement: Measurement<Figures>, read: (figures: Figures) => number): Figure {
  return { measurement, read: (figures) => read(figures as Figures) };
}

const rate = ({ emails, seconds }: Spent & { emails: number }) => emails / seconds;
const cpuMicros = ({ emails, cpuSeconds }: Spent & { emails: number }) => (cpuSeconds * 1e6) / emails;
const count = (readers: number) => (readers >= 1e6 ? `${readers / 1e6}M` : `${readers / 1e3}k`);
