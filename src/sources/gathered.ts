import { type Comparison, pairKey } from '../comparisons/index.ts';
import type { AppError } from '../errors.ts';

/** What a source gave: comparisons that passed the schema, and by name and reason what did not. */
export interface Gathered {
  comparisons: Comparison[];
  rejected: { name: string; reason: string }[];
}

/** One source's part in a gathering, its text as in the settings ("folder:samples/comparisons"). */
export interface SourceReport {
  source: string;
  comparisons: number;
  rejected: number;
  /** Why the whole source gave nothing; null where it could be read. */
  fault: AppError | null;
}

/**
 * Takes in each pair of tools once, whichever of the two comes first and whatever its slug: A-vs-B and
 * B-vs-A are the same comparison. The first stays, a later one is rejected with a word about where the
 * first came from.
 */
export class Collection implements Gathered {
  readonly comparisons: Comparison[] = [];
  readonly rejected: Gathered['rejected'] = [];
  readonly #origins = new Map<string, string>();

  /** `name` is reported if the comparison is rejected, `origin` if it keeps a later one out. */
  add(name: string, comparison: Comparison, origin = name): void {
    const keys = [`slug ${comparison.slug}`, `pair ${pairKey(comparison)}`];
    const earlier = keys.map((key) => this.#origins.get(key)).find((known) => known !== undefined);
    if (earlier !== undefined) {
      this.reject(name, `the same comparison as in ${earlier}`);
      return;
    }
    for (const key of keys) this.#origins.set(key, origin);
    this.comparisons.push(comparison);
  }

  reject(name: string, reason: string): void {
    this.rejected.push({ name, reason });
  }
}
