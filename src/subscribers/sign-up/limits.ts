/**
 * How much mail strangers can make us send. In 2016 sign-up forms were used to bury people in confirm mails
 * (Spamhaus, "subscription bombing"): the confirm mail is the weapon, so it is what is counted.
 */

/** So many of something in so many seconds. */
export interface Limit {
  points: number;
  seconds: number;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * Requests of one network: whoever sends more is told when to come again (429). A school or an office may
 * be one network; its inboxes are guarded by {@link PER_INBOX} in any case.
 */
export const REQUESTS: readonly Limit[] = [
  { points: 10, seconds: MINUTE },
  { points: 60, seconds: HOUR },
];

/** The same in place of a challenge that cannot be verified now. */
export const SUSPICIOUS_REQUESTS: readonly Limit[] = [
  { points: 2, seconds: MINUTE },
  { points: 6, seconds: HOUR },
];

/** Mails to one inbox. Whoever asks for more hears the same as everybody. */
export const PER_INBOX: readonly Limit[] = [
  { points: 1, seconds: 10 * MINUTE },
  { points: 3, seconds: DAY },
  { points: 5, seconds: 30 * DAY },
];

/** Mails an hour: above it nobody is refused, but waits, and an editor is told. */
export const BUDGET = {
  /** To one domain, which may be somebody's only mail server. */
  domain: 300,
  /** To all. */
  all: 3_000,
  /** To all, for sign-ups that look like a machine's. */
  suspicious: 300,
} as const;

/** A reader who signs up again is told so once in this time. */
export const ALREADY_DAYS = 30;

/** What waits longer for the budget is given up. */
export const WAIT_HOURS = 24;

/** A confirm link works this long. */
export const CONFIRM_HOURS = 72;

/** Who did not confirm in this time is forgotten. */
export const PENDING_DAYS = 30;

/** Where a consent came from is kept this long: long enough for any complaint about it. */
export const EVIDENCE_MONTHS = 12;

/** Other names of one provider. */
const SAME_DOMAIN: Record<string, string> = { 'googlemail.com': 'gmail.com' };

/**
 * One inbox, as far as its spelling can hide it: without plus tags and dots, which some providers ignore. For
 * counting only, where two people who share a count wait a little; as an identity it would be wrong.
 * @param key of {@link Address}.
 */
export function foldAddress(key: string): string {
  const at = key.lastIndexOf('@');
  const domain = key.slice(at + 1);
  const bare = key.slice(0, at).replace(/(?<=.)\+.*$/, '');
  return `${bare.replaceAll('.', '')}@${SAME_DOMAIN[domain] ?? domain}`;
}
