import { EXCLUSION_WORDS, type ExclusionReason } from '../../sending/exclusion.ts';

/** 12,408 */
export const figure = (value: number): string => value.toLocaleString('en-US');

/** "1 person", "12,408 people". */
export const count = (value: number, one: string, many = `${one}s`): string =>
  `${figure(value)} ${value === 1 ? one : many}`;

/** "12.4%"; an em dash of nothing. */
export const percent = (part: number, whole: number): string =>
  whole === 0 ? '—' : `${((100 * part) / whole).toFixed(1)}%`;

/** Why somebody was excluded, in words; another reason as the ledger keeps it. */
export const reasonOf = (reason: string): string =>
  reason in EXCLUSION_WORDS ? EXCLUSION_WORDS[reason as ExclusionReason] : reason;
