import type { Limit } from '../../platform/queue/limiter.ts';

/** What signing up has of its own; how much mail any form can cause is decided in src/transactional/requests. */

const DAY = 86_400;

/** A reader who signs up again is told so once in this time. */
export const ALREADY_DAYS = 30;

/**
 * Confirm mails to an address that bounced: its owner may have mended it, and every further bounce costs us the good
 * will of its provider.
 */
export const AFTER_BOUNCE: readonly Limit[] = [
  { points: 1, seconds: DAY },
  { points: 3, seconds: 30 * DAY },
];

/** Who did not confirm in this time is forgotten. */
export const PENDING_DAYS = 30;

/** Where a consent came from is kept this long: long enough for any complaint about it. */
export const EVIDENCE_MONTHS = 12;
