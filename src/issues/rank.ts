import type { CountedComparison, Verdict } from '../comparisons/model.ts';
import { communityOf, verdict } from '../comparisons/verdict.ts';

/** A comparison that no sent issue has carried yet. */
export interface Candidate {
  comparison: CountedComparison;
  firstSeenAt: Date;
  /** Its verdict if it was mailed before in another form; null if readers never saw it. */
  mailed: Verdict | null;
}

/** The parts of {@link interest}, each from 0 to its maximum, for the desk. */
export interface InterestParts {
  /** 0 to 40: how divided the more disputed of the two panels is; a panel of 50% gives 40. */
  split: number;
  /** 0 to 40: points between panel and community, the wider gap of the two tools. */
  gap: number;
  /** 0 to 20: 20 on the day of publication, 0 after {@link FRESH_DAYS}. */
  fresh: number;
  /** 20 when an earlier issue had another verdict. */
  overturned: number;
}

const SHARES = { split: 40, gap: 40, fresh: 20, overturned: 20 };
/** Two issues: a comparison that a reader missed once is still new, after two weeks it is not. */
const FRESH_DAYS = 14;
const DAY = 86_400_000;

export function interestParts({ comparison, firstSeenAt, mailed }: Candidate, at: Date): InterestParts {
  const { tools } = comparison;
  const split = Math.max(...tools.map((tool) => 1 - Math.abs(2 * tool.panelShip - 100) / 100));
  const gap = Math.max(
    ...tools.map((tool) => Math.abs((communityOf(tool) ?? tool.panelShip) - tool.panelShip) / 100),
  );
  const age = Math.max(0, at.getTime() - freshAt(comparison, firstSeenAt)) / DAY;
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
 * Returns how interesting a comparison is in an issue of the day `at`: 0 to 120, to one decimal. Disagreement
 * counts: among reviewers, between reviewers and readers, between today and an earlier issue; then freshness. A
 * unanimous old comparison has 0.
 */
export function interest(candidate: Candidate, at: Date): number {
  const { split, gap, fresh, overturned } = interestParts(candidate, at);
  return Math.round((split + gap + fresh + overturned) * 10) / 10;
}

/** Sorts by interest; equal ones by freshness, then by slug, so that the order is always the same. */
export function rank(candidates: readonly Candidate[], at: Date): Candidate[] {
  return candidates
    .map((candidate) => ({
      candidate,
      interest: interest(candidate, at),
      freshAt: freshAt(candidate.comparison, candidate.firstSeenAt),
    }))
    .sort(
      (a, b) =>
        b.interest - a.interest ||
        b.freshAt - a.freshAt ||
        (a.candidate.comparison.slug < b.candidate.comparison.slug ? -1 : 1),
    )
    .map(({ candidate }) => candidate);
}

/** A site's old pages do not count as new on the day when we first read them. */
function freshAt(comparison: CountedComparison, firstSeenAt: Date): number {
  const seen = firstSeenAt.getTime();
  return comparison.publishedAt === null ? seen : Math.min(seen, Date.parse(comparison.publishedAt));
}
