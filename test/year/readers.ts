import type { SingleMail } from '../../src/providers/port.ts';
import { addSubscribers } from '../../src/subscribers/subscriber-store.ts';
import { MS } from './calendar.ts';
import type { Program } from './program.ts';
import type { Accepted } from './provider.ts';
import type { Random } from './random.ts';
import type { Page } from './site.ts';

/**
 * The readers of a year, and what they do by the links in their mail: the truth about them is kept here, by what they
 * did, and never read from the program.
 */
export interface Reader {
  /** Position in {@link Readers.all}. */
  index: number;
  email: string;
  /** Their network. */
  ip: string;
  topics: string[];
  /** What they had chosen until they changed it last. */
  earlierTopics: { until: Date; topics: string[] } | null;
  /** When they confirmed; null: not yet. */
  since: Date | null;
  /** When they left, were erased, complained, or when their address bounced for good. */
  until: Date | null;
  pausedFrom: Date | null;
  pausedTo: Date | null;
  /** From the last mail, or for a few from the first: those must work as long. */
  links: Accepted['links'] | null;
  keepsFirstMail: boolean;
  /** Their mailbox is full from this week on. */
  isFullFrom: number;
  /** Issues in a row that their full mailbox refused. */
  refusals: number;
  confirmLink: string | null;
  /** What they will do with the link that they were mailed for it. */
  asked: 'erase' | null;
  freshLink: string | null;
}

/** How much happens in a week, as shares of the readers. */
export interface Habits {
  /** New readers. */
  growth: number;
  leave: number;
  pause: number;
  changeTopics: number;
  vote: number;
  erase: number;
}

export const HABITS: Habits = {
  growth: 0.03,
  leave: 0.008,
  pause: 0.01,
  changeTopics: 0.01,
  vote: 0.05,
  erase: 0.001,
};

const TOPICS: string[][] = [
  [],
  [],
  [],
  ['Developer Tools'],
  ['Meetings', 'Writing'],
  ['Images', 'Video'],
  ['Data', 'Search'],
  ['Automation'],
];

export class Readers {
  readonly all: Reader[] = [];
  readonly #byEmail = new Map<string, Reader>();
  readonly #random: Random;
  readonly #habits: Habits;

  constructor(random: Random, habits: Habits) {
    this.#random = random;
    this.#habits = habits;
  }

  of(email: string): Reader | undefined {
    return this.#byEmail.get(email);
  }

  get active(): Reader[] {
    return this.all.filter(({ since, until }) => since !== null && until === null);
  }

  /** The first readers come with a list. */
  async import(program: Program, count: number, now: Date): Promise<void> {
    const since = new Date(now.getTime() - 30 * MS.day);
    const readers = Array.from({ length: count }, () => {
      const reader = this.add();
      reader.since = since;
      return reader;
    });
    const rows = readers.map(({ email, topics }) => ({
      email,
      key: email,
      status: 'active' as const,
      topics,
      timezone: null,
      confirmedAt: since,
    }));
    for (let at = 0; at < rows.length; at += 1_000)
      await addSubscribers(program.app.db, rows.slice(at, at + 1_000), 'the list of before');
  }

  /**
   * New people fill in the form.
   * @param known topics that the form offers; others are not stored.
   * @param wait lets seconds pass: a person does not type an address at once.
   */
  async signUp(
    program: Program,
    share: number,
    { known, wait }: { known: ReadonlySet<string>; wait(): void },
  ): Promise<void> {
    const count = this.#often(this.active.length * this.#habits.growth * share);
    const forms: { reader: Reader; stamp: string }[] = [];
    for (let each = 0; each < count; each += 1) {
      const reader = this.add();
      reader.topics = reader.topics.filter((topic) => known.has(topic));
      const form = await program.request({
        method: 'GET',
        url: '/subscribe',
        headers: { accept: 'application/json' },
        remoteAddress: reader.ip,
      });
      forms.push({ reader, stamp: (JSON.parse(form.body) as { stamp: string }).stamp });
    }
    if (count > 0) wait();
    for (const { reader, stamp } of forms) {
      const { email, topics, ip } = reader;
      const answer = await program.request({
        method: 'POST',
        url: '/subscribe',
        headers: { 'content-type': 'application/json' },
        payload: JSON.stringify({ email, topics, stamp }),
        remoteAddress: ip,
      });
      expectStatus(answer, 202, 'a sign-up');
    }
  }

  /** Those who were mailed a link since press its button; one in twenty never confirms. */
  async followFreshLinks(program: Program): Promise<void> {
    for (const reader of this.all) {
      const { confirmLink, freshLink } = reader;
      reader.confirmLink = null;
      reader.freshLink = null;
      if (confirmLink !== null && this.#random.chance(0.95)) {
        await this.#press(program, reader, confirmLink, 'confirm=1');
        reader.since = new Date();
      }
      if (freshLink !== null && reader.asked === 'erase') {
        await this.#press(program, reader, freshLink, 'erase=1');
        reader.until ??= new Date();
        reader.asked = null;
      }
    }
  }

  /**
   * @param share of what happens in a week.
   * @param pages the comparisons of the last issue.
   * @param known topics that can be chosen.
   */
  async act(
    program: Program,
    share: number,
    { pages, known }: { pages: readonly Page[]; known: ReadonlySet<string> },
  ): Promise<void> {
    const { leave, pause, changeTopics, vote, erase } = this.#habits;
    const readers = this.active.filter(({ links }) => links !== null);
    const some = (habit: number) => this.#random.sample(readers, this.#often(readers.length * habit * share));
    for (const reader of some(vote)) await this.#vote(program, reader, pages);
    for (const reader of some(changeTopics)) await this.#changeTopics(program, reader, known);
    for (const reader of some(pause)) {
      if (reader.pausedTo !== null && reader.pausedTo > new Date()) continue;
      await this.#press(program, reader, reader.links?.preferences ?? '', 'pause=1');
      reader.pausedFrom = new Date();
      reader.pausedTo = new Date(reader.pausedFrom.getTime() + 4 * MS.week);
    }
    for (const reader of some(erase)) {
      await this.#press(program, reader, reader.links?.preferences ?? '', 'ask=erase');
      reader.asked = 'erase';
    }
    for (const reader of some(leave)) {
      await this.#press(program, reader, reader.links?.unsubscribe ?? '', 'List-Unsubscribe=One-Click');
      reader.until ??= new Date();
    }
  }

  /** A transactional email to a reader arrived. */
  receive({ to, text }: SingleMail): void {
    const reader = this.of(to);
    if (reader === undefined) return;
    reader.confirmLink = /\S+\/confirm\/[\w.~-]+/u.exec(text)?.[0] ?? reader.confirmLink;
    reader.freshLink = /\S+\/fresh\/[\w.~-]+/u.exec(text)?.[0] ?? reader.freshLink;
  }

  /** Whether the reader gets an issue that is frozen at this moment, if it has something for them. */
  static isWaiting({ since, until, pausedFrom, pausedTo }: Reader, at: Date): boolean {
    if (since === null || since > at || (until !== null && until <= at)) return false;
    return pausedFrom === null || pausedTo === null || pausedFrom > at || pausedTo <= at;
  }

  /** What a reader had chosen at a moment of the last days. */
  static topicsAt({ topics, earlierTopics }: Reader, at: Date): string[] {
    return earlierTopics !== null && earlierTopics.until > at ? earlierTopics.topics : topics;
  }

  async #vote(program: Program, reader: Reader, pages: readonly Page[]): Promise<void> {
    if (pages.length === 0) return;
    const { slug } = this.#random.pick(pages);
    const call = this.#random.chance(0.6) ? 'ship' : 'skip';
    const link = `${reader.links?.vote}/${slug}/${this.#random.pick(['a', 'b'])}/${call}`;
    await this.#press(program, reader, link, '');
  }

  async #changeTopics(program: Program, reader: Reader, known: ReadonlySet<string>): Promise<void> {
    const topics = this.#random.pick(TOPICS).filter((topic) => known.has(topic));
    const form = ['save=1', ...topics.map((topic) => `topic=${encodeURIComponent(topic)}`)].join('&');
    await this.#press(program, reader, reader.links?.preferences ?? '', form);
    reader.earlierTopics = { until: new Date(), topics: reader.topics };
    reader.topics = topics;
  }

  async #press(program: Program, reader: Reader, link: string, form: string) {
    const { pathname } = new URL(link);
    const answer = await program.request({
      method: 'POST',
      url: pathname,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' },
      payload: form,
      remoteAddress: reader.ip,
    });
    return expectStatus(answer, 200, `pressing ${pathname.replace(/[\w.~-]{20,}/gu, ':token')}`);
  }

  /** A new person, who has not confirmed. */
  add(): Reader {
    const index = this.all.length;
    const reader: Reader = {
      index,
      email: `reader-${index}@post-${index % 97}.example`,
      ip: `${20 + (index % 190)}.${(index >> 8) % 250}.${index % 250}.${1 + (index % 200)}`,
      topics: [...this.#random.pick(TOPICS)].sort(),
      earlierTopics: null,
      since: null,
      until: null,
      pausedFrom: null,
      pausedTo: null,
      links: null,
      keepsFirstMail: this.#random.chance(0.1),
      isFullFrom: this.#random.chance(0.03) ? this.#random.between(2, 70) : Number.POSITIVE_INFINITY,
      refusals: 0,
      confirmLink: null,
      asked: null,
      freshLink: null,
    };
    this.all.push(reader);
    this.#byEmail.set(reader.email, reader);
    return reader;
  }

  /** A count with this mean: small means must not always round to zero. */
  #often(mean: number): number {
    return Math.floor(mean) + (this.#random.chance(mean % 1) ? 1 : 0);
  }
}

function expectStatus<Answer extends { statusCode: number; body: string }>(
  answer: Answer,
  status: number,
  what: string,
): Answer {
  if (answer.statusCode === status) return answer;
  throw new Error(`${what} was answered with ${answer.statusCode}: ${answer.body.slice(0, 300)}`);
}
