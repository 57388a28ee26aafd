import type { Limit } from '../../platform/queue/limiter.ts';

/** Limits of the sign-up form only; src/transactional/requests decides how much mail all forms together can cause. */

const DAY = 86_400;

/** A reader who signs up again is reminded at most once in this time. */
export const ALREADY_DAYS = 30;

/**
 * Confirm mails to an address that bounced: its owner may have repaired it, but every further bounce harms our
 * reputation with its provider.
 */
export const AFTER_BOUNCE: readonly Limit[] = [
  { points: 1, seconds: DAY },
  { points: 3, seconds: 30 * DAY },
];

/** A person who does not confirm within this time is forgotten. */
export const PENDING_DAYS = 30;
