import type { CountedComparison } from '../comparisons/model.ts';
import { nameKey, title, topics } from '../comparisons/names.ts';
import { shipShare } from '../comparisons/verdict.ts';
import { byWeight, changedVerdict, type MailedComparison } from './changes.ts';
import type { ChangedVerdict, IssueContent, ReadersSaid } from './content.ts';
import { type Candidate, interest, rank } from './rank.ts';
import { sameText } from './subject.ts';
import { oneLine } from './truncate.ts';

/**
 * Turns the comparisons of a week into the plan of an issue. The plan is plain JSON, complete and in order: an
 * editor approves it, it is frozen with its hash, and {@link variantsOf} makes the variants from it alone.
 * Composing is a pure function of its input, independent of the order of that input.
 */

export interface ComposeInput {
  newsletter: IssueContent['newsletter'];
  /** Counts from 1. */
  number: number;
  slug: string;
  /** Local date of the slot, "2026-11-24". */
  date: string;
  links: { online: string };
  /** Every comparison that no sent issue has carried yet; each slug once. */
  candidates: readonly Candidate[];
  /** Comparisons that were mailed before, each once, whether they changed or not. */
  mailed: readonly MailedComparison[];
  /** Readers' votes on the last issue. */
  votes: readonly ToolVotes[];
  editor?: Partial<EditorChoices>;
  /** `ISSUE_MIN_COMPARISONS`, default 1; less than 1 means 1, because an empty issue is never sent. */
  minComparisons?: number;
  limits?: Partial<Limits>;
}

export interface ToolVotes {
  comparison: CountedComparison;
  /** Index of the tool in its comparison. */
  tool: 0 | 1;
  ship: number;
  skip: number;
}

export interface EditorChoices {
  /** Slug of the comparison to lead with. */
  lead: string | null;
  /** Slugs in the editor's order; later arrivals come after them. Empty: the default order. */
  order: readonly string[];
  /** Slugs that are held back for the next issue. */
  heldBack: readonly string[];
  /** Slugs that are left out of this issue; the store also keeps them out of later ones. */
  leftOut: readonly string[];
  /** Topics that are held back for the next issue, with every comparison that has no other topic. */
  withoutTopics: readonly string[];
  intro: string | null;
  subject: string | null;
  preheader: string | null;
}

export interface Limits {
  /** How many standard cards follow the lead; the rest go to the compact list. Default 5. */
  cards: number;
  /**
   * The most comparisons in one issue, the most interesting first. The rest is not dropped: like every comparison
   * that no issue has carried, it is a candidate for the next issue. Default 40, which fits into one mail when only
   * the lead has a card.
   */
  comparisons: number;
  /** Rows of *what readers said*, with the widest disagreement first. Default 4. */
  readers: number;
  /**
   * How many votes a tool needs for *what readers said*: with fewer, the row would reveal how one reader voted.
   * Default 3.
   */
  votes: number;
}

/**
 * An issue as it is approved. Rows that need no further choice are finished; comparisons are shortened for each
 * variant.
 */
export interface Plan {
  newsletter: IssueContent['newsletter'];
  number: number;
  slug: string;
  date: string;
  links: { online: string };
  intro: string | null;
  /** The editor's text; null: the default text. */
  subject: string | null;
  preheader: string | null;
  cards: number;
  /** In the order in which they appear. */
  comparisons: PlannedComparison[];
  changed: Topical<ChangedVerdict>[];
  readers: Topical<ReadersSaid>[];
  heldBack: string[];
  leftOut: string[];
  /** Notes for the editor, one line each, such as a pinned lead that does not exist. */
  notes: string[];
}

export interface PlannedComparison {
  /** As it will be mailed. */
  comparison: CountedComparison;
  /** 0 to 120, see {@link interest}. */
  interest: number;
  /** Whether the editor pinned it as the lead. */
  pinned: boolean;
}

export interface Topical<Row> {
  row: Row;
  /** Categories of the tools it is about. */
  topics: string[];
}

export type Composition = { kind: 'composed'; plan: Plan } | { kind: 'skipped'; reason: string };

/** Plans an issue, or returns in one line why the slot has none. */
export function compose(input: ComposeInput): Composition {
  const { leftOut = [], withoutTopics = [], order = [], lead: pin = null, ...words } = input.editor ?? {};
  const heldBack = [...(words.heldBack ?? []), ...offTopic(input.candidates, withoutTopics)];
  const excluded = new Set([...heldBack, ...leftOut]);
  const present = input.candidates.filter(({ comparison }) => !excluded.has(comparison.slug));
  const minimum = Math.max(1, input.minComparisons ?? 1);
  if (present.length < minimum) return { kind: 'skipped', reason: tooFew(present.length, minimum, input) };

  const day = new Date(`${input.date}T00:00:00Z`);
  const ranked = inOrder(rank(present, day), order);
  const pinned = ranked.find(({ comparison }) => comparison.slug === pin);
  const ordered = pinned ? [pinned, ...ranked.filter((candidate) => candidate !== pinned)] : ranked;

  const limit = input.limits?.comparisons ?? 40;
  const notes = pin !== null && !pinned ? [lostPin(pin, excluded.has(pin))] : [];
  if (ordered.length > limit)
    notes.push(`${ordered.length - limit} comparisons wait for the next issue: ${limit} fit in one.`);
  const late =
    order.length === 0 ? 0 : present.filter(({ comparison }) => !order.includes(comparison.slug)).length;
  if (late > 0)
    notes.push(
      `${late} ${late === 1 ? 'comparison' : 'comparisons'} came in after the order was set, and stand at its end.`,
    );
  const [subject, preheader] = [said(words.subject), said(words.preheader)];
  const echo = subject !== null && preheader !== null && sameText(subject, preheader);
  if (echo) notes.push('The preheader repeats the subject; ours is used instead.');

  const known = new Set(input.candidates.map(({ comparison }) => comparison.slug));
  const unless = new Set([...excluded, ...known]);
  return {
    kind: 'composed',
    plan: {
      newsletter: input.newsletter,
      number: input.number,
      slug: input.slug,
      date: input.date,
      links: input.links,
      intro: said(words.intro),
      subject,
      preheader: echo ? null : preheader,
      cards: input.limits?.cards ?? 5,
      comparisons: ordered.slice(0, limit).map((candidate) => ({
        comparison: candidate.comparison,
        interest: interest(candidate, day),
        pinned: candidate === pinned,
      })),
      changed: changedRows(input.mailed, unless),
      readers: readersRows(input.votes, input.limits ?? {}),
      heldBack: distinct(heldBack).filter((slug) => known.has(slug)),
      leftOut: distinct(leftOut).filter((slug) => known.has(slug)),
      notes,
    },
  };
}

/** Sorts: comparisons in the editor's order first, then the rest by rank. */
function inOrder(ranked: Candidate[], order: readonly string[]): Candidate[] {
  const place = new Map(order.map((slug, index) => [slug, index]));
  const placeOf = ({ comparison }: Candidate) => place.get(comparison.slug) ?? order.length;
  return ranked.toSorted((a, b) => placeOf(a) - placeOf(b));
}

/** Returns the slugs of comparisons that are about these topics and no other. */
function offTopic(candidates: readonly Candidate[], without: readonly string[]): string[] {
  const waiting = new Set(without.map((topic) => topic.toLowerCase()));
  return candidates
    .filter(({ comparison }) => topics(comparison).every((topic) => waiting.has(topic.toLowerCase())))
    .map(({ comparison }) => comparison.slug);
}

/** A comparison that is in this issue needs no row, nor does one that the editor left out. */
function changedRows(mailed: readonly MailedComparison[], unless: ReadonlySet<string>): Plan['changed'] {
  return mailed
    .filter(({ now }) => !unless.has(now.slug))
    .flatMap((comparison) => {
      const row = changedVerdict(comparison);
      return row ? [{ row, topics: topics(comparison.now) }] : [];
    })
    .sort((a, b) => byWeight(a.row, b.row));
}

/** A tool in two comparisons gets one row: its votes are the same in both. */
function readersRows(
  votes: readonly ToolVotes[],
  { readers: limit = 4, votes: fewest = 3 }: Partial<Limits>,
): Plan['readers'] {
  const gap = ({ row }: Topical<ReadersSaid>) => Math.abs(row.readersShip - row.panelShip);
  const listed = new Set<string>();
  return votes
    .filter(({ ship, skip }) => ship + skip >= Math.max(1, fewest))
    .sort((a, b) => compare(a.comparison.slug, b.comparison.slug) || a.tool - b.tool)
    .filter(({ comparison, tool }) => {
      const key = nameKey(comparison.tools[tool].name);
      return !listed.has(key) && listed.add(key);
    })
    .map(({ comparison, tool, ship, skip }) => {
      const { name, category, panelShip } = comparison.tools[tool];
      const readersShip = shipShare({ ship, skip }) ?? 0;
      const row = {
        tool: name,
        title: title(comparison),
        url: comparison.url,
        panelShip,
        readersShip,
        votes: ship + skip,
      };
      return { row, topics: [category] };
    })
    .sort((a, b) => gap(b) - gap(a) || b.row.votes - a.row.votes)
    .slice(0, limit);
}

function tooFew(count: number, minimum: number, { candidates }: ComposeInput): string {
  const kept = candidates.length - count;
  const aside = kept > 0 ? `, ${kept} held back or left out` : '';
  if (count === 0) return `No new comparison since the last issue${aside}.`;
  return `${count} new ${count === 1 ? 'comparison' : 'comparisons'}${aside}; an issue needs at least ${minimum}.`;
}

function lostPin(slug: string, isExcluded: boolean): string {
  const why = isExcluded ? 'is held back or left out' : "is not among this issue's comparisons";
  return `The pinned lead "${slug}" ${why}; the most interesting comparison leads instead.`;
}

/** An editor's text as one line; null when the field is empty. */
function said(text: string | null | undefined): string | null {
  return oneLine(text ?? '') || null;
}

function distinct(slugs: readonly string[]): string[] {
  return [...new Set(slugs)].sort(compare);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
