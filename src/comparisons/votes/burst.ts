/**
 * When many votes on one tool from one network look like one party's. Votes of an office, a university or a mobile
 * network come together as well: so a burst takes a number that no household has, and a share of all that is said of
 * the tool at the time; and it is set aside for an editor, not thrown away.
 */
export const BURST = {
  /** Minutes in which they came. */
  minutes: 60,
  /** More than so many of one network: a /24 of IPv4, a /64 of IPv6. */
  votes: 10,
  /** More than so many of a /48 of IPv6: whoever has one has 65,536 of the others. */
  wideVotes: 30,
  /** And more than this share of all votes on the tool in that time. */
  share: 0.2,
} as const;

/** Days for which votes keep the hash of the network that they came from. */
export const NETWORK_DAYS = 7;

/** @param counts votes on one tool within the time: of one network, of the wider one, and of all. */
export function isBurst({ narrow, wide, all }: { narrow: number; wide: number; all: number }): boolean {
  const exceeds = (count: number, limit: number) => count > limit && count > all * BURST.share;
  return exceeds(narrow, BURST.votes) || exceeds(wide, BURST.wideVotes);
}
