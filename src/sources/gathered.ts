import type { ListedEntry } from '../comparisons/gone/presence.ts';
import type { Comparison } from '../comparisons/model.ts';
import { pairKey } from '../comparisons/names.ts';
import type { AppError, Fault } from '../platform/errors.ts';

/** A rejected comparison. With faults it goes to quarantine; without, it was only a duplicate. */
export interface Rejection {
  /** The file or the page. */
  name: string;
  reason: string;
  faults?: Fault[];
  /** sha256 of the input; null when nothing could be read. */
  bodyHash?: string | null;
}

/** The result of a source: valid comparisons, and rejected ones by name and reason. */
export interface Gathered {
  comparisons: Comparison[];
  rejected: Rejection[];
}

/** What a folder gave, and which of its files gave it. */
export interface GatheredFolder extends Gathered {
  entries: ListedEntry[];
}

/** The report on one source, named as in the settings ("folder:samples/comparisons"). */
export interface SourceReport {
  source: string;
  /** Read this time. */
  comparisons: number;
  /** Known earlier, and not read again because they did not change. */
  unchanged: number;
  rejected: number;
  /** Already given by an earlier source. */
  duplicates: number;
  /** Left to the next gathering, because the time budget ended. */
  postponed: number;
  /** Why the whole source gave nothing; null when it could be read. */
  fault: AppError | null;
}

/**
 * Accepts each pair of tools once, in either order: A-vs-B and B-vs-A are the same comparison. The first one is used. A
 * later one of the same source is rejected, and the reason names the first; one of another source is a duplicate, which
 * is normal.
 */
export class Collection implements Gathered {
  readonly comparisons: Comparison[] = [];
  readonly rejected: Rejection[] = [];
  readonly #origins = new Map<string, { name: string; source: string }>();

  /** @param name names the file or page within its `source`. @returns whether it is new. */
  add(name: string, comparison: Comparison, source = ''): 'added' | 'duplicate' | 'rejected' {
    const pair = pairKey(comparison);
    const earlier = this.#origins.get(pair);
    if (earlier !== undefined) {
      if (earlier.source !== source) return 'duplicate';
      this.reject({ name, reason: `the same comparison as in ${earlier.name}` });
      return 'rejected';
    }
    this.#origins.set(pair, { name, source });
    this.comparisons.push(comparison);
    return 'added';
  }

  /** Reserves the pair of an unchanged page, which was not read again. */
  reserve(name: string, pair: string, source: string): void {
    if (!this.#origins.has(pair)) this.#origins.set(pair, { name, source });
  }

  reject(rejection: Rejection): void {
    this.rejected.push(rejection);
  }
}
