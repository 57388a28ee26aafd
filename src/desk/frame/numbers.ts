import { EXCLUSION_WORDS, type ExclusionReason } from '../../sending/exclusion.ts';

/** 12,408 */
export const formatNumber = (value: number): string => value.toLocaleString('en-US');

/** "1 person", "12,408 people". */
export const count = (value: number, one: string, many = `${one}s`): string =>
  `${formatNumber(value)} ${value === 1 ? one : many}`;

/** "12.4%"; an em dash when the whole is 0. */
export const percent = (part: number, whole: number): string =>
  whole === 0 ? '—' : `${((100 * part) / whole).toFixed(1)}%`;

/** The reason of an exclusion in words; an unknown reason as the ledger stores it. */
export const reasonOf = (reason: string): string =>
  reason in EXCLUSION_WORDS ? EXCLUSION_WORDS[reason as ExclusionReason] : reason;
