import type { IssueContent, PlaceholderCounts } from '../src/issues/content.ts';

/**
 * How many links that are a reader's own the digest prints, by either engine: four votes for each card, one for each
 * shorter row, and the two ways at its end. A render that prints another number is refused, so who adds such a link to
 * a template adds it here.
 */
export function digestLinks({ cards, compact, changed }: IssueContent): PlaceholderCounts {
  const lead = 1;
  return {
    unsubscribe: 1,
    preferences: 1,
    vote: 4 * (lead + cards.length) + compact.length + changed.length,
  };
}
