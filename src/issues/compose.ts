import type { CountedComparison } from '../comparisons/model.ts';
import { topics } from '../comparisons/names.ts';
import { changedRows, countedBy } from './changed-rows.ts';
import type { MailedComparison } from './changes.ts';
import type { ChangedVerdict, IssueContent, ReadersSaid } from './content.ts';
import type { Aside, Counted, EditorChoices, Limits, Told, Topical } from './planned-rows.ts';
import { type Candidate, interest, leadFirst, MEMORY, type PastLead, rank } from './rank.ts';
import { type HeldVotes, readersRows, type ToolVotes } from './readers-rows.ts';
import { formOf, type SubjectForm, sameText } from './subject.ts';
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
  /** Comparisons that readers were told about before, each once, whether they changed or not. */
  mailed: readonly MailedComparison[];
  /** Readers' votes on the last issue. */
  votes: readonly ToolVotes[];
  /** The leads of the last issues, newest first; the last {@link MEMORY} count. */
  pastLeads?: readonly PastLead[];
  /** What readers have from issues that were stopped half-way. */
  had?: readonly Had[];
  /** Slugs of candidates that this issue already tells in its summary: they stay there while it is edited. */
  summarised?: readonly string[];
  editor?: Partial<EditorChoices>;
  /** `ISSUE_MIN_COMPARISONS`, default 1; less than 1 means 1, because an empty issue is never sent. */
  minComparisons?: number;
  limits?: Partial<Limits>;
}

const LIMITS: Limits = {
  cards: 3,
  comparisons: 40,
  waiting: 40,
  changed: 8,
  turned: 100,
  readers: 4,
  votes: 3,
};

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
  /** Verdicts that turned first, then prices, then panels. */
  changed: Topical<ChangedVerdict>[];
  /** What is told by number only. Plans of earlier versions have none. */
  summary?: Topical<Counted>[];
  readers: Topical<ReadersSaid>[];
  heldBack: string[];
  leftOut: string[];
  /** Rows of *changed verdicts* and *what readers said* that the editor took out. */
  aside?: Aside[];
  heldVotes?: HeldVotes[];
  /** The form of the default subject; null: the editor wrote the subject. */
  form?: SubjectForm | null;
  /** The forms of the last subjects, newest first: the default subject of every variant avoids them. */
  pastForms?: (SubjectForm | null)[];
  /** Issues that were stopped after some readers had them: these readers get this one without what they have. */
  had?: Had[];
  /** Notes for the editor, one line each, such as a pinned lead that does not exist. */
  notes: string[];
}

/** What the readers of a stopped issue have. */
export interface Had {
  /** The id of the stopped issue, and its slug. */
  issue: string;
  slug: string;
  /** Slugs of the comparisons that it told as they still are. */
  comparisons: string[];
}

export interface PlannedComparison {
  /** As it will be mailed. */
  comparison: CountedComparison;
  /** 0 to 120, see {@link interest}. */
  interest: number;
  /** Whether the editor pinned it as the lead. */
  pinned: boolean;
}

export type Composition =
  | { kind: 'composed'; plan: Plan; told: Told[] }
  | { kind: 'skipped'; reason: string };

/** Plans an issue, or returns in one line why the slot has none. */
export function compose(input: ComposeInput): Composition {
  const { leftOut = [], withoutTopics = [], order = [], lead: pin = null, ...words } = input.editor ?? {};
  const limits = { ...LIMITS, ...input.limits };
  const heldBack = [...(words.heldBack ?? []), ...offTopic(input.candidates, withoutTopics)];
  const excluded = new Set([...heldBack, ...leftOut]);
  const counted = new Set(input.summarised);
  const present = input.candidates.filter(
    ({ comparison: { slug } }) => !excluded.has(slug) && !counted.has(slug),
  );
  const minimum = Math.max(1, input.minComparisons ?? 1);
  if (present.length < minimum) return { kind: 'skipped', reason: tooFew(present.length, minimum, input) };

  const day = new Date(`${input.date}T00:00:00Z`);
  const pastLeads = (input.pastLeads ?? []).slice(0, MEMORY);
  const ranked =
    order.length > 0 ? inOrder(rank(present, day), order) : leadFirst(rank(present, day), pastLeads, day);
  const pinned = ranked.find(({ comparison }) => comparison.slug === pin);
  const ordered = pinned ? [pinned, ...ranked.filter((candidate) => candidate !== pinned)] : ranked;
  const planned = ordered.slice(0, limits.comparisons);
  const waiting = ordered.slice(planned.length, planned.length + limits.waiting);
  const summarised = [
    ...ordered.slice(planned.length + waiting.length),
    ...input.candidates.filter(({ comparison: { slug } }) => counted.has(slug) && !excluded.has(slug)),
  ].map(({ comparison }) => comparison);

  const notes = pin !== null && !pinned ? [lostPin(pin, excluded.has(pin))] : [];
  if (waiting.length > 0)
    notes.push(`${waiting.length} comparisons wait for the next issue: ${limits.comparisons} fit in one.`);
  if (summarised.length > 0)
    notes.push(
      `${summarised.length} new comparisons are told by number, with a link to the page that lists them.`,
    );
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
  const changes = changedRows(input.mailed, new Set([...excluded, ...known]), words, limits);
  const readers = readersRows(input, words, limits);
  const pastForms = pastLeads.map(({ form }) => form);
  const [lead] = planned;
  const told = new Set([
    ...planned.map(({ comparison: { slug } }) => slug),
    ...changes.rows.map(({ row: { slug } }) => slug),
  ]);
  const had = hadOf(input.had ?? [], told);
  for (const { slug, comparisons } of had) {
    const count = comparisons.length === 1 ? 'One comparison was' : `${comparisons.length} comparisons were`;
    notes.push(
      `${count} mailed to some readers by issue ${slug}, which was stopped: these readers get this issue without.`,
    );
  }
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
      cards: limits.cards,
      comparisons: planned.map((candidate) => ({
        comparison: candidate.comparison,
        interest: interest(candidate, day),
        pinned: candidate === pinned,
      })),
      changed: changes.rows,
      summary: countedBy([
        ...changes.summarised.map(({ row: { kind }, topics }) => ({ kind, topics })),
        ...summarised.map((comparison) => ({ kind: 'new' as const, topics: topics(comparison) })),
      ]),
      readers: readers.rows,
      heldBack: distinct(heldBack).filter((slug) => known.has(slug)),
      leftOut: distinct(leftOut).filter((slug) => known.has(slug)),
      aside: [...changes.aside, ...readers.aside],
      heldVotes: readers.heldVotes,
      form: lead === undefined || subject !== null ? null : formOf(lead.comparison, pastForms),
      pastForms,
      ...(had.length > 0 ? { had } : {}),
      notes,
    },
    told: [
      ...planned.map(({ comparison: { slug } }) => asTold(slug, 'row')),
      ...summarised.map(({ slug }) => asTold(slug, 'summary')),
      ...changes.told,
    ],
  };
}

/** What of an issue readers have already. */
function hadOf(had: readonly Had[], told: ReadonlySet<string>): Had[] {
  return had
    .map(({ comparisons, ...stopped }) => ({
      ...stopped,
      comparisons: comparisons.filter((slug) => told.has(slug)).sort(compare),
    }))
    .filter(({ comparisons }) => comparisons.length > 0)
    .sort((a, b) => compare(a.issue, b.issue));
}

function asTold(slug: string, told: Told['told']): Told {
  return { slug, section: 'new', told, change: null };
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
