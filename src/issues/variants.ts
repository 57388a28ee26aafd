import type { CountedComparison, Verdict } from '../comparisons/model.ts';
import { topics as topicsOf } from '../comparisons/names.ts';
import { type Reason, sentencesInOrder } from '../comparisons/reasons.ts';
import { reasonsOf } from '../comparisons/verdict.ts';
import { cardFor, verdictRow } from './cards.ts';
import type { Plan, PlannedComparison } from './compose.ts';
import {
  type ChangedVerdict,
  type ComparisonCard,
  type IssueContent,
  PLACEHOLDERS,
  type ReadersSaid,
  type Rest,
} from './content.ts';
import type { Counted, Topical } from './planned-rows.ts';
import { readingMinutes } from './reading-time.ts';
import { formOf, preheaderFor, sameText, subjectFor } from './subject.ts';
import { countWords, oneLine } from './truncate.ts';

/**
 * Turns the plan of an issue into its variants: one for every different selection among the topic sets that readers
 * chose. A topic is a tool's category, compared without case.
 */

export interface Variant {
  /** Counts from 1; variant 1 has everything and is shown in the archive. */
  number: number;
  content: IssueContent;
}

export interface Assignment {
  /** The topic set as it was given. */
  topics: string[];
  /** The ids of the stopped issues that these readers have. */
  had: string[];
  /**
   * Number of the variant; null = it has no content for these readers this week, so they are excluded
   * (`no-content`, or `had-all` when they have it all already).
   */
  variant: number | null;
}

export interface Variants {
  variants: Variant[];
  assignments: Assignment[];
}

/**
 * What costs time in a variant, each made once however many variants show it: shortening texts and counting words.
 */
interface Parts {
  lead(comparison: CountedComparison): ComparisonCard;
  card(comparison: CountedComparison): ComparisonCard;
  reasons(comparison: CountedComparison): Reason[];
  wordsIn(text: string): number;
}

function partsOnce(): Parts {
  return {
    lead: once((comparison) => cardFor(comparison, 'lead')),
    card: once((comparison) => cardFor(comparison, 'card')),
    reasons: once(({ tools }) => reasonsOf(tools)),
    wordsIn: once(countWords),
  };
}

function once<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const known = new Map<Key, Value>();
  return (key) => {
    const value = known.get(key) ?? make(key);
    known.set(key, value);
    return value;
  };
}

interface Selection {
  comparisons: PlannedComparison[];
  changed: Topical<ChangedVerdict>[];
  summary: Topical<Counted>[];
  readers: Topical<ReadersSaid>[];
}

/** "Tuesday, 24 November 2026". */
const DATE_LABEL = new Intl.DateTimeFormat('en-GB', {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  timeZone: 'UTC',
});

/** How many changes have a full row; more verdicts that turned have a line. */
const CHANGED_ROWS = 8;

/**
 * Returns every variant of an issue, the general one first, and which one each topic set gets. Sets with the same
 * selection share a variant. The same plan gives the same variants with the same numbers for the same sets, in
 * whatever order they are given.
 * @param topicSets the distinct sets that readers chose; an empty set = everything.
 * @param hadSets the distinct sets of stopped issues that readers have, without the empty one.
 */
export function variantsOf(
  plan: Plan,
  topicSets: readonly (readonly string[])[],
  hadSets: readonly (readonly string[])[] = [],
): Variants {
  const groups = new Map<string, { selection: Selection; sets: Set<string>[]; number: number }>();
  const everything = select(plan, new Set());
  groups.set(fingerprint(everything), { selection: everything, sets: [new Set()], number: 1 });

  // Whoever chose topics since gets what readers of everything get, so that these always have an assignment.
  const readers = [
    ...inOrder(topicSets).map((topics) => ({ topics, had: [] as string[] })),
    ...inOrder(hadSets).flatMap((had) => inOrder([[], ...topicSets]).map((topics) => ({ topics, had }))),
  ];
  const assignments = readers.map(({ topics, had }): Assignment => {
    const chosen = new Set(topics.map(plain).filter(Boolean));
    const selection = withoutHad(plan, select(plan, chosen), had);
    if (selection.comparisons.length === 0) return { topics, had, variant: null };
    const key = fingerprint(selection);
    const group = groups.get(key) ?? { selection, sets: [], number: groups.size + 1 };
    group.sets.push(chosen);
    groups.set(key, group);
    return { topics, had, variant: group.number };
  });

  const parts = partsOnce();
  const variants = [...groups.values()].map(({ selection, sets, number }) => ({
    number,
    content: contentOf(plan, selection, number === 1 ? [] : chosenTopics(selection, sets), parts),
  }));
  return { variants, assignments };
}

/** Returns the content for readers of exactly these topics, or null when there is no comparison for them. */
export function variantFor(plan: Plan, topics: readonly string[]): IssueContent | null {
  const { variants, assignments } = variantsOf(plan, [topics]);
  const number = assignments[0]?.variant ?? null;
  return variants.find((variant) => variant.number === number)?.content ?? null;
}

function select(plan: Plan, chosen: ReadonlySet<string>): Selection {
  const wanted = (topics: readonly string[]) =>
    chosen.size === 0 || topics.some((topic) => chosen.has(plain(topic)));
  return {
    comparisons: plan.comparisons.filter(({ comparison }) => wanted(topicsOf(comparison))),
    changed: plan.changed.filter(({ topics }) => wanted(topics)),
    summary: (plan.summary ?? []).filter(({ topics }) => wanted(topics)),
    readers: plan.readers.filter(({ topics }) => wanted(topics)),
  };
}

/** Leaves out what readers have from these stopped issues. */
function withoutHad({ had = [] }: Plan, selection: Selection, issues: readonly string[]): Selection {
  const known = new Set(
    had.filter(({ issue }) => issues.includes(issue)).flatMap(({ comparisons }) => comparisons),
  );
  if (known.size === 0) return selection;
  return {
    ...selection,
    comparisons: selection.comparisons.filter(({ comparison }) => !known.has(comparison.slug)),
    changed: selection.changed.filter(({ row }) => !known.has(row.slug)),
  };
}

function fingerprint({ comparisons, changed, summary, readers }: Selection): string {
  return JSON.stringify([
    comparisons.map(({ comparison }) => comparison.slug),
    changed.map(({ row }) => row.slug),
    countsOf(summary),
    readers.map(({ row }) => [row.url, row.tool]),
  ]);
}

/** Returns the topics that a variant's readers chose and that occur in it, as the site writes them. */
function chosenTopics({ comparisons, changed, readers }: Selection, sets: readonly Set<string>[]): string[] {
  const occurring = [
    ...comparisons.flatMap(({ comparison }) => topicsOf(comparison)),
    ...[...changed, ...readers].flatMap(({ topics }) => topics),
  ];
  const chosen = new Map<string, string>();
  for (const topic of occurring) {
    const key = plain(topic);
    if (!chosen.has(key) && sets.some((set) => set.has(key))) chosen.set(key, topic);
  }
  return [...chosen].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, topic]) => topic);
}

function contentOf(plan: Plan, selection: Selection, topics: string[], parts: Parts): IssueContent {
  const comparisons = selection.comparisons.map(({ comparison }) => comparison);
  const [lead, ...others] = comparisons;
  if (!lead) throw new Error('a variant without a comparison');
  const changed = selection.changed.map(({ row }) => row);
  const sentences = sentencesInOrder(comparisons.slice(0, 1 + plan.cards).map(parts.reasons));
  const varied = <Row extends { verdict: Verdict }>(row: Row, place: number): Row => ({
    ...row,
    verdict: { ...row.verdict, because: sentences[place] ?? row.verdict.because },
  });
  const body = {
    intro: plan.intro,
    lead: varied(parts.lead(lead), 0),
    rows: others.map(verdictRow),
    cards: others.slice(0, plan.cards).map((each, at) => varied(parts.card(each), 1 + at)),
    changed: changed.slice(0, CHANGED_ROWS),
    turned: changed.slice(CHANGED_ROWS),
    rest: restOf(plan, selection.summary),
    readers: selection.readers.map(({ row }) => row),
  };
  return {
    newsletter: plan.newsletter,
    number: plan.number,
    slug: plan.slug,
    date: plan.date,
    dateLabel: DATE_LABEL.format(new Date(`${plan.date}T00:00:00Z`)),
    readingMinutes: readingMinutes(body, parts.wordsIn),
    ...firstLines(plan, selection),
    ...body,
    topics,
    links: {
      online: plan.links.online,
      unsubscribe: PLACEHOLDERS.unsubscribe,
      preferences: PLACEHOLDERS.preferences,
      vote: PLACEHOLDERS.vote,
    },
  };
}

/** How many of each kind the summary tells. */
function countsOf(summary: readonly Topical<Counted>[]): Record<Counted['kind'], number> {
  const counts = { turned: 0, price: 0, panel: 0, new: 0 };
  for (const { row } of summary) counts[row.kind] += row.count;
  return counts;
}

function restOf(plan: Plan, summary: readonly Topical<Counted>[]): Rest | null {
  const { turned, price, panel, new: added } = countsOf(summary);
  if (turned + price + panel + added === 0) return null;
  return {
    url: `${plan.links.online}/all`,
    turnedTitles: [],
    turned,
    prices: price,
    panels: panel,
    new: added,
  };
}

/**
 * Subject and preheader of a variant. An editor's line replaces the default only where it is about the same
 * comparisons: the subject where the issue's lead leads, the preheader where the next two follow as well.
 */
function firstLines(plan: Plan, { comparisons }: Selection): Pick<IssueContent, 'subject' | 'preheader'> {
  const opensAlike = (length: number) =>
    plan.comparisons
      .slice(0, length)
      .every(({ comparison }, index) => comparisons[index]?.comparison.slug === comparison.slug);
  const [lead, ...others] = comparisons.map(({ comparison }) => comparison);
  if (!lead) throw new Error('a variant without a comparison');
  const isTheirs = plan.subject !== null && opensAlike(1);
  const subject = isTheirs && plan.subject !== null ? plan.subject : subjectFor(lead, plan.pastForms);
  const form = isTheirs ? null : formOf(lead, plan.pastForms ?? []);
  const ours = preheaderFor(lead, others, subject, form);
  const theirs = plan.preheader !== null && opensAlike(3) && !sameText(plan.preheader, subject);
  return {
    subject: oneLine(subject),
    preheader: oneLine(theirs && plan.preheader !== null ? plan.preheader : ours),
  };
}

/** Each set once, in a fixed order: variants get the same numbers on every machine. */
function inOrder(topicSets: readonly (readonly string[])[]): string[][] {
  const sets = new Map(topicSets.map((topics) => [JSON.stringify(topics), [...topics]]));
  return [...sets].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, topics]) => topics);
}

function plain(topic: string): string {
  return oneLine(topic).normalize('NFC').toLowerCase();
}
