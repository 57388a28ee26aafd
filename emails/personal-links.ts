import type { IssueContent, PlaceholderCounts } from '../src/issues/content.ts';

/**
 * How many personal links the digest prints, with either engine: four votes for each card, one for each shorter
 * row, and two at its end. A render with another number fails, so a new personal link in a template must be counted
 * here.
 */
export function digestLinks({ cards, compact, changed }: IssueContent): PlaceholderCounts {
  const lead = 1;
  return {
    unsubscribe: 1,
    preferences: 1,
    vote: 4 * (lead + cards.length) + compact.length + changed.length,
  };
}
