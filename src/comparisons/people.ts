import type { Tool } from './model.ts';

/**
 * Shares in words for readers, who count people rather than percent: "three of four reviewers", "two readers in three".
 * Figures stand beside the sentences, in tables.
 */

/** How many reviewers of a panel would ship a tool. */
export interface PanelCount {
  ship: number;
  of: number;
}

/**
 * The count behind a panel's share, when the page shows its reviewers: their number times the share is a whole number of
 * people, and no reviewer's call contradicts it. Null otherwise: "62%" of four reviewers is no count of them.
 */
export function panelCount({ panelShip, reviews }: Pick<Tool, 'panelShip' | 'reviews'>): PanelCount | null {
  const of = reviews.length;
  if (of < 2) return null;
  const ship = Math.round((panelShip * of) / 100);
  const calls = (call: 'ship' | 'skip') => reviews.filter((review) => review.call === call).length;
  const isWhole = Math.abs((100 * ship) / of - panelShip) < 1;
  return isWhole && calls('ship') <= ship && calls('skip') <= of - ship ? { ship, of } : null;
}

/** A number as it is written in a sentence: "three", "none", "14". */
export function numberWord(count: number): string {
  return (
    ['none', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'][count] ??
    String(count)
  );
}

/** A panel as the subject of "would ship": "three of four reviewers", "all four reviewers", "most reviewers". */
export function reviewers(count: PanelCount | null, share: number): string {
  if (count === null) return SOME_REVIEWERS[amountOf(share)];
  const { ship, of } = count;
  if (ship === 0) return 'no reviewer';
  if (ship === of) return of === 2 ? 'both reviewers' : `all ${numberWord(of)} reviewers`;
  return `${numberWord(ship)} of ${numberWord(of)} reviewers`;
}

/** The same panel once more in one sentence: "three", "all four", "none", "most". */
export function reviewersAgain(count: PanelCount | null, share: number): string {
  if (count === null) return SOME[amountOf(share)];
  const { ship, of } = count;
  if (ship === of) return of === 2 ? 'both' : `all ${numberWord(of)}`;
  return numberWord(ship);
}

/** The same panel after another subject: "three of four", "all four", "most". */
export function partOfReviewers(count: PanelCount | null, share: number): string {
  const again = reviewersAgain(count, share);
  return count === null || count.ship === 0 || count.ship === count.of
    ? again
    : `${again} of ${numberWord(count.of)}`;
}

type Amount = 'none' | 'few' | 'half' | 'most' | 'all';

function amountOf(share: number): Amount {
  if (share === 0) return 'none';
  if (share === 100) return 'all';
  if (share <= 34) return 'few';
  return share < 66 ? 'half' : 'most';
}

const SOME: Record<Amount, string> = {
  none: 'none',
  few: 'only a few',
  half: 'about half',
  most: 'most',
  all: 'all',
};
const SOME_REVIEWERS: Record<Amount, string> = {
  none: 'no reviewer',
  few: 'few reviewers',
  half: 'about half the reviewers',
  most: 'most reviewers',
  all: 'every reviewer',
};

/** Shares that people say as a fraction. Half has words of its own. */
const FRACTIONS: readonly [share: number, count: number, of: number][] = [
  [10, 1, 10],
  [20, 1, 5],
  [25, 1, 4],
  [33, 1, 3],
  [40, 2, 5],
  [60, 3, 5],
  [67, 2, 3],
  [75, 3, 4],
  [80, 4, 5],
  [90, 9, 10],
];

/**
 * Readers as the subject of "would ship": "two readers in three", "half the readers", "hardly any reader". A share is at
 * most five points from what the words say.
 */
export function readers(share: number): string {
  const { count, of, half } = inPeople(share);
  if (half !== null) return `${half} the readers`;
  if (of === null) return `${count} reader`;
  return `${count} ${count === 'one' ? 'reader' : 'readers'} in ${of}`;
}

/** The same once more in one sentence: "two in three", "half", "hardly any". */
export function readersAgain(share: number): string {
  const { count, of, half } = inPeople(share);
  if (half !== null) return half;
  if (of !== null) return `${count} in ${of}`;
  return { no: 'none', every: 'all', 'nearly every': 'nearly all' }[count] ?? count;
}

function inPeople(share: number): { count: string; of: string | null; half: string | null } {
  const whole = (count: string) => ({ count, of: null, half: null });
  if (share === 0) return whole('no');
  if (share < 6) return whole('hardly any');
  if (share === 100) return whole('every');
  if (share > 94) return whole('nearly every');
  if (share > 43 && share < 57) return { count: '', of: null, half: halfOf(share) };
  const [, count, of] = FRACTIONS.reduce((best, each) =>
    Math.abs(each[0] - share) < Math.abs(best[0] - share) ? each : best,
  );
  return { count: numberWord(count), of: numberWord(of), half: null };
}

function halfOf(share: number): string {
  if (share === 50) return 'half';
  if (share > 47 && share < 53) return 'about half';
  return `just ${share < 50 ? 'under' : 'over'} half`;
}

/** "Three of four reviewers" */
export function capitalised(text: string): string {
  return text.charAt(0).toLocaleUpperCase('en') + text.slice(1);
}
