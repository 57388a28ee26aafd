import type { CountedComparison, Verdict } from '../comparisons/model.ts';
import { communityOf, verdict } from '../comparisons/verdict.ts';

/** A comparison that no sent issue has carried yet. */
export interface Candidate {
  comparison: CountedComparison;
  firstSeenAt: Date;
  /** Its verdict when it was mailed before in another form; null when readers never saw it. */
  mailed: Verdict | null;
}

/** What {@link interest} is made of, each 0 to its share, for the desk. */
export interface InterestParts {
  /** 0 to 40: how much the more disputed of the two panels disagrees; a 50% panel gives all of it. */
  split: number;
  /** 0 to 40: points between panel and community, the wider gap of the two tools. */
  gap: number;
  /** 0 to 20: all of it on the day, nothing after {@link FRESH_DAYS}. */
  fresh: number;
  /** 20 when readers were once told otherwise. */
  overturned: number;
}

const SHARES = { split: 40, gap: 40, fresh: 20, overturned: 20 };
/** Two issues: what a reader may have missed once is still news, twice is not. */
const FRESH_DAYS = 14;
const DAY = 86_400_000;

export function interestParts({ comparison, firstSeenAt, mailed }: Candidate, at: Date): InterestParts {
  const { tools } = comparison;
  const split = Math.max(...tools.map((tool) => 1 - Math.abs(2 * tool.panelShip - 100) / 100));
  const gap = Math.max(
    ...tools.map((tool) => Math.abs((communityOf(tool) ?? tool.panelShip) - tool.panelShip) / 100),
  );
  const age = Math.max(0, at.getTime() - newsAt(comparison, firstSeenAt)) / DAY;
  const now = verdict(tools);
  const overturned = mailed !== null && (mailed.mark !== now.mark || mailed.pick !== now.pick);
  return {
    split: SHARES.split * split,
    gap: SHARES.gap * gap,
    fresh: SHARES.fresh * Math.max(0, 1 - age / FRESH_DAYS),
    overturned: overturned ? SHARES.overturned : 0,
  };
}

/**
 * How interesting a comparison is in an issue of the day `at`: 0 to 120, to one decimal. A disagreement
 * is news: reviewers among themselves, reviewers against readers, today against what was mailed; then
 * the fresher one. Unanimous and old is 0.
 */
export function interest(candidate: Candidate, at: Date): number {
  const { split, gap, fresh, overturned } = interestParts(candidate, at);
  return Math.round((split + gap + fresh + overturned) * 10) / 10;
}

/** Most interesting first; equals by the fresher one, then by slug, so that the order never wavers. */
export function rank(candidates: readonly Candidate[], at: Date): Candidate[] {
  return candidates
    .map((candidate) => ({
      candidate,
      interest: interest(candidate, at),
      newsAt: newsAt(candidate.comparison, candidate.firstSeenAt),
    }))
    .sort(
      (a, b) =>
        b.interest - a.interest ||
        b.newsAt - a.newsAt ||
        (a.candidate.comparison.slug < b.candidate.comparison.slug ? -1 : 1),
    )
    .map(({ candidate }) => candidate);
}

/** A site's old pages are not news on the day we first read them. */
function newsAt(comparison: CountedComparison, firstSeenAt: Date): number {
  const seen = firstSeenAt.getTime();
  return comparison.publishedAt === null ? seen : Math.min(seen, Date.parse(comparison.publishedAt));
}
