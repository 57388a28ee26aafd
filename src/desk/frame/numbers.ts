/** 12,408 */
export const figure = (value: number): string => value.toLocaleString('en-US');

/** "1 person", "12,408 people". */
export const count = (value: number, one: string, many = `${one}s`): string =>
  `${figure(value)} ${value === 1 ? one : many}`;

/** "12.4%"; an em dash of nothing. */
export const percent = (part: number, whole: number): string =>
  whole === 0 ? '—' : `${((100 * part) / whole).toFixed(1)}%`;

/** Reasons as the ledger keeps them, in words. */
const REASONS: Record<string, string> = {
  'no-content': 'nothing in it is about their topics',
  'no-consent': 'no consent is on the books',
  paused: 'they asked for a break',
  unsubscribed: 'they left before it was their turn',
  suppressed: 'they are never to be mailed',
  pending: 'they have not confirmed',
  cancelled: 'the issue was cancelled',
};

export const reasonOf = (reason: string): string => REASONS[reason] ?? reason;
