import { MS, type Week } from './calendar.ts';
import type { Accepted } from './provider.ts';
import { type Reader, Readers } from './readers.ts';
import type { PageState, Site } from './site.ts';

/**
 * What should happen in a year, from the readers' own actions and the site's own pages. It reads nothing of the
 * program's rules, so a mistake in these is a difference here.
 */

/** An issue as it went out, by the provider's record and the program's archive. */
export interface SentIssue {
  slug: string;
  /** The site when the draft was made. */
  draft: Snapshot;
  /** When its audience was frozen, and when it was found to be out. */
  frozenAt: Date;
  outAt: Date;
  /** Slugs of the comparisons that it has as new, and as changed. */
  fresh: string[];
  changed: string[];
  /** Slugs of those that it only tells by number, as new and as changed. */
  freshCounted: string[];
  changedCounted: string[];
  /** Of the general variant. */
  subject: string;
  preheader: string;
  /** Of the general variant. */
  text: string;
  /** Of its largest variant, as delivered. */
  htmlBytes: number;
}

/** The pages that the program had read at some moment, by slug. */
export interface Snapshot {
  at: Date;
  pages: ReadonlyMap<string, { state: PageState; missed: number }>;
}

/** A difference between what should be and what is. */
export interface Difference {
  week: number;
  /** Stable, for counting: "doubled". */
  kind: string;
  message: string;
}

/** The largest html that goes out: larger ones are clipped by Gmail. */
const HTML_BUDGET = 95_000;

/** After this many readings of a site without a page, the page is gone. */
const GONE_AFTER = 3;

/** After so many issues in a row that their mailbox refused, a reader gets no more. */
const REFUSALS = 3;

/** Most new comparisons of one issue; the others wait for the next. */
const NEW_AT_MOST = 40;

/** More rows of changes than this in one issue, and something grows. */
const CHANGED_AT_MOST = 60;

/** A change may wait for one issue: the same comparison is not told as changed twice in a row. */
const ISSUES_UNTIL_TOLD = 2;

export class Model {
  readonly differences: Difference[] = [];
  readonly #site: Site;
  readonly #readers: Readers;
  /** What readers were last told of a page, by its slug. */
  readonly #told = new Map<string, PageState>();
  /** How many issues have left a change untold, by slug of the page. */
  readonly #untold = new Map<string, number>();
  /** By slug of the issue: who got it, by index. */
  readonly #got = new Map<string, Set<number>>();

  readonly #subjects: { form: string; tools: string[] }[] = [];

  constructor(site: Site, readers: Readers) {
    this.#site = site;
    this.#readers = readers;
  }

  report(week: number, kind: string, message: string): void {
    this.differences.push({ week, kind, message });
  }

  /**
   * A copy was accepted: call it at once, while the reader's state is that of this moment.
   * @param askedSince when requests without an answer began, of which this may be the end: such a request is asked
   *   again with the same messages, because it may have been accepted. Only those who left since are taken out of it.
   */
  copy(week: number, { issue, to, at }: Accepted, askedSince: Date | null = null): void {
    const reader = this.#readers.of(to);
    if (reader === undefined) {
      this.report(week, 'extra', `${issue} was mailed to a stranger`);
      return;
    }
    const got = this.#got.get(issue) ?? new Set();
    this.#got.set(issue, got);
    if (got.has(reader.index)) this.report(week, 'doubled', `${issue} was mailed twice to ${to}`);
    got.add(reader.index);
    if (reader.until !== null && reader.until <= at)
      this.report(week, 'after-leaving', `${issue} was mailed to ${to}, who had left`);
    else if (!Readers.isWaiting(reader, askedSince ?? at))
      this.report(week, 'while-paused', `${issue} was mailed to ${to}, who had paused or not confirmed`);
  }

  /** Compares an issue that is out with what should be in it, and with who should have it. */
  judge(week: number, issue: SentIssue): void {
    this.#judgeAudience(week, issue);
    this.#judgeNew(week, issue);
    this.#judgeChanged(week, issue);
    this.#judgeSubject(week, issue);
    if (issue.htmlBytes > HTML_BUDGET)
      this.report(week, 'html', `${issue.slug} has ${issue.htmlBytes} bytes of html, of ${HTML_BUDGET}`);
    this.#got.delete(issue.slug);
  }

  /** Call it when a draft was made. */
  snapshot(at: Date): Snapshot {
    const pages = new Map<string, { state: PageState; missed: number }>();
    for (const { slug, read, missed } of this.#site.pages)
      if (read !== null) pages.set(slug, { state: read, missed });
    return { at, pages };
  }

  /** How many pages a sent issue has had. */
  get mailedPages(): number {
    return this.#told.size;
  }

  #judgeAudience(week: number, { slug, frozenAt, outAt, fresh }: SentIssue): void {
    const got = this.#got.get(slug) ?? new Set();
    const topics = new Set(fresh.flatMap((each) => this.#topicsOf(each)));
    for (const reader of this.#readers.all) {
      const hasIt = got.has(reader.index);
      const isDue = this.#isDue(reader, frozenAt, topics);
      if (isDue === 'no' && reader.refusals >= REFUSALS) reader.until ??= frozenAt;
      if (hasIt && isDue === 'no')
        this.report(
          week,
          'extra',
          `${slug} was mailed to ${reader.email}, who should not have it: ${stateOf(reader)}`,
        );
      // Those who left or paused between the freezing and their turn are excluded.
      if (!hasIt && isDue === 'yes' && Readers.isWaiting(reader, outAt))
        this.report(week, 'left-out', `${slug} was not mailed to ${reader.email}: ${stateOf(reader)}`);
    }
  }

  #isDue(reader: Reader, frozenAt: Date, topics: ReadonlySet<string>): 'yes' | 'no' {
    if (!Readers.isWaiting(reader, frozenAt)) return 'no';
    if (reader.refusals >= REFUSALS) return 'no';
    const chosen = Readers.topicsAt(reader, frozenAt);
    return chosen.length === 0 || chosen.some((topic) => topics.has(topic)) ? 'yes' : 'no';
  }

  #judgeNew(week: number, { slug: issue, fresh, freshCounted, draft, text }: SentIssue): void {
    const inRows = new Set(fresh);
    for (const slug of [...fresh, ...freshCounted]) {
      const read = draft.pages.get(slug);
      if (read === undefined) {
        this.report(week, 'unknown-page', `${issue} has ${slug}, which was not on the site`);
        continue;
      }
      if (this.#told.has(slug)) this.report(week, 'new-twice', `${issue} has ${slug} as new again`);
      if (read.missed >= GONE_AFTER)
        this.report(week, 'gone-mailed', `${issue} has ${slug} as new, which is gone from the site`);
      const missing = this.#site.page(slug)?.tools.find(({ name }) => !text.includes(name));
      if (missing !== undefined && inRows.has(slug))
        this.report(week, 'new-unnamed', `${issue} does not name ${missing.name} of ${slug}`);
      this.#told.set(slug, read.state);
      this.#untold.delete(slug);
    }
    if (fresh.length >= NEW_AT_MOST) return;
    const missing = [...draft.pages].filter(([slug, { missed }]) => missed === 0 && !this.#told.has(slug));
    if (missing.length > 0) {
      const names = missing.slice(0, 3).map(([slug]) => slug);
      this.report(week, 'new-left-out', `${issue} has not ${names.join(', ')} (${missing.length} pages)`);
    }
  }

  #judgeChanged(week: number, { slug: issue, changed, changedCounted, draft }: SentIssue): void {
    if (changed.length > CHANGED_AT_MOST)
      this.report(week, 'changed-rows', `${issue} has ${changed.length} rows of changes`);
    for (const slug of [...changed, ...changedCounted]) {
      const read = draft.pages.get(slug);
      if (read === undefined || !this.#told.has(slug)) {
        this.report(week, 'changed-unmailed', `${issue} has ${slug} as changed, which was never mailed`);
        continue;
      }
      if (read.missed >= GONE_AFTER)
        this.report(week, 'gone-mailed', `${issue} has ${slug} as changed, which is gone from the site`);
      this.#told.set(slug, read.state);
      this.#untold.delete(slug);
    }
    const open: string[] = [];
    for (const [slug, state] of this.#told) {
      const read = draft.pages.get(slug);
      if (read === undefined || read.missed > 0) continue;
      if (isVisible(state, read.state)) open.push(slug);
      else this.#untold.delete(slug);
    }
    for (const slug of open) {
      const count = (this.#untold.get(slug) ?? 0) + 1;
      this.#untold.set(slug, count);
      if (count === ISSUES_UNTIL_TOLD)
        this.report(
          week,
          'change-untold',
          `${issue} does not say that ${slug} changed, nor did the one before`,
        );
    }
  }

  /** No form more than three times running, no tool in two of four subjects, and none again in its own preheader. */
  #judgeSubject(week: number, { slug, fresh, subject, preheader }: SentIssue): void {
    const form = formOf(subject);
    const tools = fresh
      .flatMap((each) => this.#site.page(each)?.tools ?? [])
      .map(({ name }) => name)
      .filter((name) => names(subject, name));
    const last = this.#subjects.slice(-3);
    this.#subjects.push({ form, tools: [...new Set(tools)] });
    const again = tools.find((name) => names(preheader, name));
    if (again !== undefined)
      this.report(week, 'subject-preheader', `${slug} has ${again} in subject and preheader`);
    // With few comparisons there is no choice.
    if (fresh.length < 4) return;
    if (last.length === 3 && last.every((each) => each.form === form))
      this.report(week, 'subject-form', `${slug} begins with "${form}" like the three before: ${subject}`);
    const known = tools.find((name) => last.some((each) => each.tools.includes(name)));
    if (known !== undefined)
      this.report(week, 'subject-tool', `${slug} has ${known} in its subject, like one of the last three`);
  }

  #topicsOf(slug: string): string[] {
    return this.#site.page(slug)?.tools.map(({ category }) => category) ?? [];
  }
}

function stateOf({ since, until, pausedFrom, pausedTo, topics, refusals }: Reader): string {
  return JSON.stringify({ since, until, pausedFrom, pausedTo, topics, refusals });
}

/** How a subject is built; the names of the tools do not matter. */
export function formOf(subject: string): string {
  const opening = /^(?:Ship both|Skip both|Ship|Skip|Split)/u.exec(subject)?.[0];
  return opening ?? (/\b(?:ship|skip|split)\b/iu.exec(subject)?.[0] ?? 'other').toLowerCase();
}

/** Whether a text names a tool, and not one with a longer name. */
function names(text: string, name: string): boolean {
  const at = text.indexOf(name);
  return at >= 0 && !/^(?:\w| \d)/u.test(text.slice(at + name.length));
}

/** Whether a reader would call it a change; another print of the same price is none. */
function isVisible(was: PageState, now: PageState): boolean {
  return (
    was.panel[0] !== now.panel[0] ||
    was.panel[1] !== now.panel[1] ||
    was.price[0] !== now.price[0] ||
    was.price[1] !== now.price[1]
  );
}

/** How the slot of a week ended. */
export interface SlotOutcome {
  week: Week;
  /** `sent`, or the status in which it was at last. */
  status: string;
  /** When the last of its mail was accepted; null when it was not sent. */
  sentAt: Date | null;
  /** When people were mailed that something is wrong with it; null when nobody was. */
  reportedAt: Date | null;
  /** When the program and its provider both worked again, when either did not at the slot. */
  reachableAt: Date;
}

/** A slot is served within an hour, or people are told within an hour. */
export function slotDifference({
  week,
  status,
  sentAt,
  reportedAt,
  reachableAt,
}: SlotOutcome): string | null {
  const servedBy = week.dueAt.getTime() + MS.hour;
  if (sentAt !== null && sentAt.getTime() <= servedBy) return null;
  const reportedBy = Math.max(week.dueAt.getTime(), reachableAt.getTime()) + MS.hour;
  if (reportedAt !== null && reportedAt.getTime() <= reportedBy) return null;
  const what = sentAt === null ? `ended as ${status}` : `was sent ${hoursLate(week, sentAt)} h late`;
  return `the slot of ${week.slot} ${what}, and ${reportedAt === null ? 'nobody was told' : 'people were told too late'}`;
}

function hoursLate({ dueAt }: Week, at: Date): string {
  return ((at.getTime() - dueAt.getTime()) / MS.hour).toFixed(1);
}
