import type { CountedComparison, Verdict } from '../comparisons/model.ts';
import { nameKey, topics } from '../comparisons/names.ts';
import { communityOf, outcome } from '../comparisons/verdict.ts';
import { directForm, type SubjectForm } from './subject.ts';

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
  const now = outcome(tools);
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

/** What led an earlier issue. */
export interface PastLead {
  /** `nameKey` of both tools. */
  tools: readonly string[];
  topics: readonly string[];
  /** The form that says its verdict directly: the kind of verdict. */
  kind: SubjectForm;
  /** The form of its subject; null: the editor wrote it. */
  form: SubjectForm | null;
}

/** How many issues the choice of a lead remembers. */
export const MEMORY = 4;

/** Taken off for each of the last {@link MEMORY} leads that had the same; a tool outweighs every interest. */
const PENALTIES = { tool: 1_000, topic: 6, kind: 8 };

/**
 * Returns how much a comparison should lead the issue of the day `at`: its interest, less a penalty for each recent
 * lead with one of its tools, one of its topics, or a verdict of the same kind. So no tool leads twice within four
 * issues while there is another candidate, and topics and kinds of verdicts take turns when their interest is
 * similar.
 */
export function leadInterest(candidate: Candidate, past: readonly PastLead[], at: Date): number {
  const tools = candidate.comparison.tools.map(({ name }) => nameKey(name));
  const about = topics(candidate.comparison);
  const kind = directForm(candidate.comparison);
  const penalty = past
    .slice(0, MEMORY)
    .reduce(
      (sum, lead) =>
        sum +
        (lead.tools.some((tool) => tools.includes(tool)) ? PENALTIES.tool : 0) +
        (lead.topics.some((topic) => about.includes(topic)) ? PENALTIES.topic : 0) +
        (lead.kind === kind ? PENALTIES.kind : 0),
      0,
    );
  return interest(candidate, at) - penalty;
}

/** Moves the best lead to the front; the order of the others stays. The first of equal ones wins. */
export function leadFirst(ranked: readonly Candidate[], past: readonly PastLead[], at: Date): Candidate[] {
  const weighed = ranked.map((candidate) => ({ candidate, weight: leadInterest(candidate, past, at) }));
  const lead = weighed.reduce<(typeof weighed)[number] | undefined>(
    (best, each) => (best === undefined || each.weight > best.weight ? each : best),
    undefined,
  )?.candidate;
  return lead === undefined ? [] : [lead, ...ranked.filter((candidate) => candidate !== lead)];
}

/** A site's old pages do not count as new on the day when we first read them. */
function freshAt(comparison: CountedComparison, firstSeenAt: Date): number {
  const seen = firstSeenAt.getTime();
  return comparison.publishedAt === null ? seen : Math.min(seen, Date.parse(comparison.publishedAt));
}
