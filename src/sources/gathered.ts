import type { Comparison } from '../comparisons/model.ts';
import { pairKey } from '../comparisons/names.ts';
import type { AppError, Fault } from '../platform/errors.ts';

/** What could not be taken in. With faults it goes to quarantine; without, it only was there already. */
export interface Rejection {
  /** The file or the page. */
  name: string;
  reason: string;
  faults?: Fault[];
  /** sha256 of what was read; null where nothing was. */
  bodyHash?: string | null;
}

/** What a source gave: comparisons that passed the schema, and by name and reason what did not. */
export interface Gathered {
  comparisons: Comparison[];
  rejected: Rejection[];
}

/** One source's part in a gathering, its text as in the settings ("folder:samples/comparisons"). */
export interface SourceReport {
  source: string;
  /** Read this time. */
  comparisons: number;
  /** Known from before, and not read again because they did not change. */
  unchanged: number;
  rejected: number;
  /** Given by a source before this one already. */
  duplicates: number;
  /** Left to the next gathering, because the time was over. */
  postponed: number;
  /** Why the whole source gave nothing; null where it could be read. */
  fault: AppError | null;
}

/**
 * Takes in each pair of tools once, whichever of the two comes first: A-vs-B and
 * B-vs-A are the same comparison. The first stays; a later one of the same source is rejected with a word
 * about where the first came from, one of another source is what having two sources means.
 */
export class Collection implements Gathered {
  readonly comparisons: Comparison[] = [];
  readonly rejected: Rejection[] = [];
  readonly #origins = new Map<string, { name: string; source: string }>();

  /** @returns whether it is new; `name` tells a file or page from others of its `source`. */
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

  /** An unchanged page keeps its comparison's place, though nobody read it again. */
  hold(name: string, pair: string, source: string): void {
    if (!this.#origins.has(pair)) this.#origins.set(pair, { name, source });
  }

  reject(rejection: Rejection): void {
    this.rejected.push(rejection);
  }
}
