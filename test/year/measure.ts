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
