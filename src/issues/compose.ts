import type { CountedComparison } from '../comparisons/model.ts';
import { nameKey, title, topics } from '../comparisons/names.ts';
import { shipShare } from '../comparisons/verdict.ts';
import { byWeight, changedVerdict, type MailedComparison } from './changes.ts';
import type { ChangedVerdict, IssueContent, ReadersSaid } from './content.ts';
import { oneLine } from './cut.ts';
import { type Candidate, interest, rank } from './rank.ts';
import { sameText } from './subject.ts';

/**
 * From what the week brought to the plan of an issue. The plan is plain JSON, complete and in order: it is
 * what an editor approves, what is frozen with its hash, and all that {@link variantsOf} needs to make the
 * bodies. Composing is a pure function of its input, whatever order that comes in.
 */

export interface ComposeInput {
  newsletter: IssueContent['newsletter'];
  /** Counts from 1. */
  number: number;
  slug: string;
  /** Local date of the slot, "2026-11-24". */
  date: string;
  links: { online: string };
  /** Every comparison that no sent issue has carried yet, each slug once. */
  candidates: readonly Candidate[];
  /** Comparisons mailed before, once each, whether they moved or not. */
  mailed: readonly MailedComparison[];
  /** Readers' votes on the last issue. */
  votes: readonly ToolVotes[];
  editor?: Partial<EditorChoices>;
  /** `ISSUE_MIN_COMPARISONS`, default 1; less than 1 means 1, for nobody gets an empty issue. */
  minComparisons?: number;
  limits?: Partial<Limits>;
}

export interface ToolVotes {
  comparison: CountedComparison;
  /** Which of its tools. */
  tool: 0 | 1;
  ship: number;
  skip: number;
}

export interface EditorChoices {
  /** Slug of the comparison to lead with. */
  lead: string | null;
  /** Slugs in the editor's order; what came in later stands after them. Empty: the order is ours. */
  order: readonly string[];
  /** Slugs that wait for the next issue. */
  heldBack: readonly string[];
  /** Slugs that never go into this issue; the store keeps them out of later ones. */
  leftOut: readonly string[];
  /** Topics that wait for the next issue, with every comparison that is about nothing else. */
  withoutTopics: readonly string[];
  intro: string | null;
  subject: string | null;
  preheader: string | null;
}

export interface Limits {
  /** Standard cards after the lead; the rest go to the compact list. Default 5. */
  cards: number;
  /**
   * Comparisons in one issue, the most interesting first. The rest is not dropped: it stands for the next
   * issue like everything that none has carried. Default 40, which fits a mail with no card but the lead's.
   */
  comparisons: number;
  /** Rows of *what readers said*, the widest disagreement first. Default 4. */
  readers: number;
  /** Votes before *what readers said* speaks of a tool: fewer would tell how somebody voted. Default 3. */
  votes: number;
}

/** An issue as approved. Rows that need no further choice are finished; comparisons are cut to size per variant. */
export interface Plan {
  newsletter: IssueContent['newsletter'];
  number: number;
  slug: string;
  date: string;
  links: { online: string };
  intro: string | null;
  /** The editor's words, or null for ours. */
  subject: string | null;
  preheader: string | null;
  cards: number;
  /** In the order in which they appear. */
  comparisons: PlannedComparison[];
  changed: Topical<ChangedVerdict>[];
  readers: Topical<ReadersSaid>[];
  heldBack: string[];
  leftOut: string[];
  /** What the editor should know, one line each: a pin that leads nowhere. */
  notes: string[];
}

export interface PlannedComparison {
  /** As it will be mailed. */
  comparison: CountedComparison;
  /** 0 to 120, see {@link interest}. */
  interest: number;
  /** Put first by the editor. */
  pinned: boolean;
}

export interface Topical<Row> {
  row: Row;
  /** Categories of the tools it is about. */
  topics: string[];
}

export type Composition = { kind: 'composed'; plan: Plan } | { kind: 'skipped'; reason: string };

/** Plans an issue, or says in one line why the slot has none. */
export function compose(input: ComposeInput): Composition {
  const { leftOut = [], withoutTopics = [], order = [], lead: pin = null, ...words } = input.editor ?? {};
  const heldBack = [...(words.heldBack ?? []), ...offTopic(input.candidates, withoutTopics)];
  const absent = new Set([...heldBack, ...leftOut]);
  const present = input.candidates.filter(({ comparison }) => !absent.has(comparison.slug));
  const minimum = Math.max(1, input.minComparisons ?? 1);
  if (present.length < minimum) return { kind: 'skipped', reason: tooFew(present.length, minimum, input) };

  const day = new Date(`${input.date}T00:00:00Z`);
  const ranked = inOrder(rank(present, day), order);
  const pinned = ranked.find(({ comparison }) => comparison.slug === pin);
  const ordered = pinned ? [pinned, ...ranked.filter((candidate) => candidate !== pinned)] : ranked;

  const limit = input.limits?.comparisons ?? 40;
  const notes = pin !== null && !pinned ? [lostPin(pin, absent.has(pin))] : [];
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
  const unless = new Set([...absent, ...known]);
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

/** Those in the editor's order first, then the rest as they are ranked. */
function inOrder(ranked: Candidate[], order: readonly string[]): Candidate[] {
  const place = new Map(order.map((slug, index) => [slug, index]));
  const placeOf = ({ comparison }: Candidate) => place.get(comparison.slug) ?? order.length;
  return ranked.toSorted((a, b) => placeOf(a) - placeOf(b));
}

/** Slugs of the comparisons that are about these topics and nothing else. */
function offTopic(candidates: readonly Candidate[], without: readonly string[]): string[] {
  const waiting = new Set(without.map((topic) => topic.toLowerCase()));
  return candidates
    .filter(({ comparison }) => topics(comparison).every((topic) => waiting.has(topic.toLowerCase())))
    .map(({ comparison }) => comparison.slug);
}

/** A comparison in this issue anyway needs no row; nor does one the editor keeps out. */
function changedRows(mailed: readonly MailedComparison[], unless: ReadonlySet<string>): Plan['changed'] {
  return mailed
    .filter(({ now }) => !unless.has(now.slug))
    .flatMap((comparison) => {
      const row = changedVerdict(comparison);
      return row ? [{ row, topics: topics(comparison.now) }] : [];
    })
    .sort((a, b) => byWeight(a.row, b.row));
}

/** A tool that stands in two comparisons is told of once: its votes are the same in both. */
function readersRows(
  votes: readonly ToolVotes[],
  { readers: limit = 4, votes: fewest = 3 }: Partial<Limits>,
): Plan['readers'] {
  const gap = ({ row }: Topical<ReadersSaid>) => Math.abs(row.readersShip - row.panelShip);
  const told = new Set<string>();
  return votes
    .filter(({ ship, skip }) => ship + skip >= Math.max(1, fewest))
    .sort((a, b) => compare(a.comparison.slug, b.comparison.slug) || a.tool - b.tool)
    .filter(({ comparison, tool }) => {
      const key = nameKey(comparison.tools[tool].name);
      return !told.has(key) && told.add(key);
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

function lostPin(slug: string, absent: boolean): string {
  const why = absent ? 'is held back or left out' : "is not among this issue's comparisons";
  return `The pinned lead "${slug}" ${why}; the most interesting comparison leads instead.`;
}

/** An editor's text in one line; an empty field is no text. */
function said(text: string | null | undefined): string | null {
  return oneLine(text ?? '') || null;
}

function distinct(slugs: readonly string[]): string[] {
  return [...new Set(slugs)].sort(compare);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
