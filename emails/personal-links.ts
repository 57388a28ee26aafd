import type { IssueContent, PlaceholderCounts } from '../src/issues/content.ts';
import { votable } from './words.ts';

/**
 * How many personal links the digest prints, with either engine: four votes for the lead, one for each card and each
 * comparison without a card, and two links at its end. A render with another number fails, so a new personal link in
 * a template must be counted here.
 */
export function digestLinks(content: IssueContent): PlaceholderCounts {
  return { unsubscribe: 1, preferences: 1, vote: 4 + content.cards.length + votable(content).length };
}
