import type { IssueContent } from './content.ts';
import { countWords } from './truncate.ts';

/** Words that a reader reads per minute on a screen. */
const WORDS_PER_MINUTE = 220;

type Body = Pick<
  IssueContent,
  'intro' | 'glance' | 'lead' | 'cards' | 'compact' | 'brief' | 'changed' | 'turned' | 'rest' | 'readers'
>;

/** Returns how long a variant takes to read, in whole minutes, at least 1. */
export function readingMinutes(
  { intro, glance, lead, cards, compact, brief, changed, turned, rest, readers }: Body,
  wordsIn: (text: string) => number = countWords,
): number {
  const texts = readable({ intro, glance, lead, cards, compact, brief, changed, turned, rest, readers });
  const words = texts.reduce((sum, text) => sum + wordsIn(text), 0);
  return Math.max(1, Math.ceil(words / WORDS_PER_MINUTE));
}

/** Returns every readable text of a variant, without URLs and marks. */
function readable(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, field]) => (UNREAD.has(key) ? [] : readable(field)));
}
const UNREAD = new Set(['slug', 'url', 'mark', 'call', 'kind']);
