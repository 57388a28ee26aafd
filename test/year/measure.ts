import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { sql } from 'kysely';
import type { Connection } from '../../src/platform/db/database.ts';

/** What a year costs: time, memory and rows. */

/** How often the event loop is looked at; a block shorter than this is not seen. */
const RESOLUTION_MS = 5;

/** The longest time that nothing else could run, while some work was done. */
export class LongestBlock {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #longest = 0;

  /** Does the work, and looks at the event loop during it. @returns its duration in seconds. */
  async during(work: () => Promise<unknown>): Promise<number> {
    const began = performance.now();
    this.#histogram.reset();
    this.#histogram.enable();
    try {
      await work();
    } finally {
      this.#histogram.disable();
      if (this.#histogram.count > 0)
        this.#longest = Math.max(this.#longest, this.#histogram.max / 1e6 - RESOLUTION_MS);
    }
    return (performance.now() - began) / 1_000;
  }

  /** @returns milliseconds since the last call. */
  take(): number {
    const longest = this.#longest;
    this.#longest = 0;
    return longest;
  }
}

export interface Memory {
  /** MB of this process. */
  rss: number;
  /** MB of objects that are still in use; null without `--expose-gc`. */
  heap: number | null;
}

export function memory(): Memory {
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  return { rss: rss / 1e6, heap: gc === undefined ? null : heapUsed / 1e6 };
}

export interface TableSize {
  table: string;
  rows: number;
  bytes: number;
}

/** All tables with rows, the largest first. */
export async function tableSizes(db: Connection): Promise<TableSize[]> {
  const { rows } = await sql<{ table: string; bytes: number }>`
    select c.relname as table, pg_total_relation_size(c.oid)::float8 as bytes
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname = 'public' and not c.relispartition
  `.execute(db);
  const sizes: TableSize[] = [];
  for (const { table, bytes } of rows) {
    const counted = await sql<{ rows: number }>`select count(*)::int as rows from ${sql.id(table)}`.execute(
      db,
    );
    sizes.push({ table, bytes, rows: counted.rows[0]?.rows ?? 0 });
  }
  return sizes.filter((size) => size.rows > 0).sort((a, b) => b.bytes - a.bytes);
}

/** The cost of one week, as far as its growth is judged. */
export interface WeekCost {
  archive: number;
  draftSeconds: number;
  sendSeconds: number;
  memory: Memory;
}

/** From this week on nothing may grow any more; the weeks before fill caches and buffers. */
const SETTLED_WEEK = 10;

/** MB that the heap may grow afterwards: the simulated world itself grows, too. */
const HEAP_GROWTH_MB = 20;

/** Time may grow with the archive, and this much more, because the machine is not always equally busy. */
const TIME_NOISE = 1.5;

/** Six weeks after the first ten, and the last six; null for a year that is too short to say. */
export function growthOf(rows: readonly WeekCost[]): { early: WeekCost; late: WeekCost } | null {
  if (rows.length < 30) return null;
  const of = (weeks: readonly WeekCost[]): WeekCost => ({
    archive: middle(weeks.map(({ archive }) => archive)),
    draftSeconds: middle(weeks.map(({ draftSeconds }) => draftSeconds)),
    sendSeconds: middle(weeks.map(({ sendSeconds }) => sendSeconds)),
    memory: {
      rss: middle(weeks.map(({ memory: { rss } }) => rss)),
      heap: weeks[0]?.memory.heap == null ? null : middle(weeks.map(({ memory: { heap } }) => heap ?? 0)),
    },
  });
  return { early: of(rows.slice(SETTLED_WEEK - 1, SETTLED_WEEK + 5)), late: of(rows.slice(-6)) };
}

/** What grows without bound, or faster than the archive. */
export function growthFaults(rows: readonly WeekCost[]): string[] {
  const growth = growthOf(rows);
  if (growth === null) return [];
  const { early, late } = growth;
  const faults: string[] = [];
  if (early.memory.heap !== null && late.memory.heap !== null) {
    const grown = late.memory.heap - early.memory.heap;
    if (grown > HEAP_GROWTH_MB) faults.push(`the heap grew by ${grown.toFixed(0)} MB after week 10`);
  }
  const seconds = (cost: WeekCost) => cost.draftSeconds + cost.sendSeconds;
  const slower = seconds(late) / seconds(early);
  if (slower > (late.archive / early.archive) * TIME_NOISE)
    faults.push(`drafting and sending took ${slower.toFixed(1)} times as long at the end as after week 10`);
  return faults;
}

/** The median of those above zero; 0 when there is none. */
function middle(values: readonly number[]): number {
  const sorted = values.filter((value) => value > 0).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
