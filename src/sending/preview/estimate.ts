import type { Issue } from '../../issues/issue-store.ts';
import { variantsOf } from '../../issues/variants.ts';
import type { Connection } from '../../platform/db/database.ts';
import type { ExclusionReason } from '../exclusion.ts';
import { planOf } from '../prepare-issue.ts';
import { readersByTopics } from './preview-store.ts';

/** Whom an issue would go to if it were frozen now. */
export interface Estimate {
  /** Who would get it. */
  people: number;
  /** Bodies that somebody would get, as many as there are different selections. */
  variants: { number: number; topics: string[]; people: number }[];
  /** Who would be excluded, by reason, in the words of the ledger. */
  excluded: Partial<Record<ExclusionReason, number>>;
}

/** The numbers before the action, counted by the rules that freeze the audience. */
export async function estimateIssue(db: Connection, issue: Issue): Promise<Estimate> {
  const readers = await readersByTopics(db);
  const { variants, assignments } = variantsOf(
    planOf(issue),
    readers.map(({ topics }) => topics),
  );
  const numberOf = new Map(assignments.map(({ topics, variant }) => [JSON.stringify(topics), variant]));
  const counts = new Map<number, number>();
  const excluded: Estimate['excluded'] = {};
  for (const { topics, consented, paused, count } of readers) {
    const variant = numberOf.get(JSON.stringify(topics)) ?? null;
    const reason: ExclusionReason | null = !consented
      ? 'no-consent'
      : paused
        ? 'paused'
        : variant === null
          ? 'no-content'
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
