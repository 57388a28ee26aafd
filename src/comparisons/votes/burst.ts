/**
 * When many votes on one tool from one network look like one person's. Votes from an office, a university or a mobile
 * network also come together. So a burst needs more votes than a household has, and a share of all votes on the tool at
 * the time; and its votes are set aside for an editor, not deleted.
 */
export const BURST = {
  /** Length of the time window in minutes. */
  minutes: 60,
  /** More votes than this from one network: an IPv4 /24, an IPv6 /64. */
  votes: 10,
  /** More votes than this from an IPv6 /48, which contains 65,536 /64 networks. */
  wideVotes: 30,
  /** And more than this share of all votes on the tool in the window. */
  share: 0.2,
} as const;

/** Days for which a vote stores the hash of its network. */
export const NETWORK_DAYS = 7;

/** @param counts votes on one tool in the window: from the network, from the wider network, and all. */
export function isBurst({ narrow, wide, all }: { narrow: number; wide: number; all: number }): boolean {
  const exceeds = (count: number, limit: number) => count > limit && count > all * BURST.share;
  return exceeds(narrow, BURST.votes) || exceeds(wide, BURST.wideVotes);
}
