import type { ComparisonCard, IssueContent } from './content.ts';
import { countWords } from './truncate.ts';

/** Words that a reader reads per minute on a screen. */
const WORDS_PER_MINUTE = 220;

/** Figures of a tool with their labels: "Panel ship 75%", "Community ship 62%". */
const WORDS_OF_FIGURES = 6;

type Body = Pick<
  IssueContent,
  'intro' | 'lead' | 'rows' | 'cards' | 'changed' | 'turned' | 'rest' | 'readers'
>;

/** Returns how long the texts that a variant prints take to read, in whole minutes, at least 1. */
export function readingMinutes(
  { intro, lead, rows, cards, changed, turned, rest, readers }: Body,
  wordsIn: (text: string) => number = countWords,
): number {
  const texts = [
    intro ?? '',
    ...[lead, ...cards].flatMap(textsOfCard),
    ...rows.flatMap(({ names, verdict, entryPrice }) => [...names, verdict.mark, entryPrice]),
    ...[...changed, ...turned].flatMap(({ title, was, now }) => [title, was.words, now.words]),
    ...changed.map(({ whatMoved }) => whatMoved),
    ...(rest?.turnedTitles ?? []),
    ...readers.flatMap(({ tool, title }) => [tool, title]),
  ];
  const figures = (2 + 2 * cards.length + 2 * readers.length) * WORDS_OF_FIGURES;
  const words = texts.reduce((sum, text) => sum + wordsIn(text), figures);
  return Math.max(1, Math.ceil(words / WORDS_PER_MINUTE));
}

function textsOfCard({ title, category, verdict, tools, lenses }: ComparisonCard): string[] {
  return [
    ...[title, category, verdict.words, verdict.because],
    ...tools.flatMap(({ name, tagline, description, entryPrice }) => [
      name,
      tagline,
      description,
      entryPrice,
    ]),
    ...lenses.flatMap(({ lens, sides }) => [
      lens,
      ...sides.flatMap((side, at) => (side === null ? [] : [tools[at]?.name ?? '', side.quote])),
    ]),
  ];
}
