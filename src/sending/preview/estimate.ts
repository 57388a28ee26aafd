import type { Issue } from '../../issues/issue-store.ts';
import { variantsOf } from '../../issues/variants.ts';
import type { Connection } from '../../platform/db/database.ts';
import { type ReaderGroup, stoppedIn } from '../audience/audience-store.ts';
import type { ExclusionReason } from '../exclusion.ts';
import { planOf } from '../prepare-issue.ts';
import { readersByTopics } from './preview-store.ts';

/** The audience of an issue if it were frozen now. */
export interface Estimate {
  /** How many readers would get it. */
  people: number;
  /** The variants that at least one reader would get, one for each different selection. */
  variants: { number: number; topics: string[]; people: number }[];
  /** How many readers would be excluded, by the reasons of the ledger. */
  excluded: Partial<Record<ExclusionReason, number>>;
}

/** Estimates the audience by the same rules that freeze it. */
export async function estimateIssue(db: Connection, issue: Issue): Promise<Estimate> {
  const plan = planOf(issue);
  const readers = await readersByTopics(db, stoppedIn(plan));
  const { variants, assignments } = variantsOf(
    plan,
    readers.map(({ topics }) => topics),
    readers.map(({ had }) => had).filter(({ length }) => length > 0),
  );
  const keyOf = ({ topics, had }: ReaderGroup) => JSON.stringify([topics, had]);
  const numberOf = new Map(assignments.map((each) => [keyOf(each), each.variant]));
  const counts = new Map<number, number>();
  const excluded: Estimate['excluded'] = {};
  for (const { topics, had, consented, paused, count } of readers) {
    const variant = numberOf.get(keyOf({ topics, had })) ?? null;
    const reason: ExclusionReason | null = !consented
      ? 'no-consent'
      : paused
        ? 'paused'
        : variant === null
          ? had.length > 0
            ? 'had-all'
            : 'no-content'
          : null;
    if (reason !== null) excluded[reason] = (excluded[reason] ?? 0) + count;
    else if (variant !== null) counts.set(variant, (counts.get(variant) ?? 0) + count);
  }
  return {
    people: [...counts.values()].reduce((sum, count) => sum + count, 0),
    variants: variants
      .map(({ number, content }) => ({ number, topics: content.topics, people: counts.get(number) ?? 0 }))
      .filter(({ people }) => people > 0),
    excluded,
  };
}
