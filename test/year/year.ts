import { sql } from 'kysely';
import { instantsOf, MS, SCHEDULE, type Week, weeksFrom, ZONE } from './calendar.ts';
import { Outcomes, WEBHOOK_SECRET } from './events.ts';
import type { Home } from './home.ts';
import { growthFaults, LongestBlock, type Memory, memory, type TableSize, tableSizes } from './measure.ts';
import { type Difference, Model, type Snapshot, slotDifference } from './model.ts';
import { isIn, type Plan, planTroubles } from './outages.ts';
import { type HourlyJob, type Program, startProgram } from './program.ts';
import { HttpProvider, type MailService, Provider, type ProviderEvents } from './provider.ts';
import { random } from './random.ts';
import { HABITS, type Habits, Readers } from './readers.ts';
import { type Page, Site } from './site.ts';
import { EDITOR, isAlarm, OPERATOR, type StaffMail, wrongStaffMail } from './staff-mail.ts';

/** A year of weekly issues: the real program, by a virtual clock, in a world that follows from a seed. */
export interface YearOptions {
  weeks: number;
  seed: number;
  /** Readers at the beginning. */
  readers: number;
  /** Share of the pages that visibly change in a week. */
  change: number;
  /** New pages in a week, at least and at most. */
  fresh: readonly [number, number];
  /** Week of the reprint. */
  reprint: number | null;
  /** Nothing fails. */
  calm: boolean;
  source: 'folder' | 'site';
  /** How mail leaves: to a part of this process, or over HTTP to the local Resend. */
  provider: 'direct' | 'http';
  /** Local date on or after which the first slot is. */
  from: string;
  habits?: Partial<Habits>;
  onWeek?(row: WeekRow): void;
}

export interface WeekRow {
  week: number;
  slot: string;
  /** How its slot ended, as far as it is known at the end of the week. */
  outcome: string;
  readers: number;
  copies: number;
  /** Comparisons of the site that are there. */
  archive: number;
  fresh: number;
  /** Changes with a row, and those that are told by number. */
  changed: number;
  counted: number;
  variants: number;
  /** Bytes of the largest variant, as delivered. */
  htmlBytes: number;
  draftSeconds: number;
  sendSeconds: number;
  blockMs: number;
  memory: Memory;
  deliveries: number;
  subject: string;
  preheader: string;
}

export interface YearReport {
  rows: WeekRow[];
  /** Slugs of the issues that went out, in order. */
  sent: string[];
  differences: Difference[];
  staffMails: StaffMail[];
  tables: TableSize[];
  readers: { ever: number; active: number };
  seconds: number;
}

const KEYS = ['the first key of a simulated year 0123', 'the second key of a simulated year 0123'];

export async function simulateYear(home: Home, options: YearOptions): Promise<YearReport> {
  const began = performance.now();
  await using year = await Year.begin(home, options);
  for (const week of year.weeks) await year.live(week);
  return { ...(await year.end()), seconds: (performance.now() - began) / 1_000 };
}

/** An issue on its way, and what is known of it. */
interface Open {
  slug: string;
  week: number;
  composedAt: Date;
  draft: Snapshot;
}

class Year implements AsyncDisposable {
  readonly weeks: Week[];
  readonly #home: Home;
  readonly #options: YearOptions;
  readonly #plan: Plan;
  readonly #site: Site;
  readonly #readers: Readers;
  readonly #model: Model;
  #provider: MailService;
  readonly #outcomes: Outcomes;
  readonly #random;
  readonly #block = new LongestBlock();
  readonly #staffMails: StaffMail[] = [];
  readonly #rows: WeekRow[] = [];
  readonly #sent: string[] = [];
  readonly #errors = new Set<string>();
  readonly #drafts = new Map<string, Open>();
  /** By slug: how its slot ended. */
  readonly #slots = new Map<string, { status: string; sentAt: Date | null }>();
  /** By slug of an issue that is being sent: what was accepted of it. */
  readonly #accepted = new Map<string, { htmlBytes: number; copies: number }>();
  #program: Program | null = null;
  #week = 0;
  #hasRotated = false;
  #gatheredAt = new Date(0);
  #lastIssue: Page[] = [];
  #row: Partial<WeekRow> = {};

  private constructor(home: Home, options: YearOptions, site: Site) {
    const { seed, weeks, from } = options;
    this.#home = home;
    this.#options = options;
    this.weeks = weeksFrom(from, weeks);
    this.#random = random(seed, 'world');
    this.#plan = planTroubles({ ...options, weeks: this.weeks, random: random(seed, 'troubles') });
    this.#site = site;
    this.#readers = new Readers(random(seed, 'readers'), { ...HABITS, ...options.habits });
    this.#model = new Model(site, this.#readers);
    this.#outcomes = new Outcomes(random(seed, 'outcomes'));
    this.#provider = new Provider(this.#mailEvents, random(seed, 'provider'), options.calm ? 0 : 0.02);
  }

  static async begin(home: Home, options: YearOptions): Promise<Year> {
    const site = await Site.open({ seed: options.seed, kind: options.source, folder: home.folder });
    const year = new Year(home, options, site);
    try {
      if (options.provider === 'http')
        year.#provider = await HttpProvider.open(year.#mailEvents, home.folder);
      // A site that has been there for a while.
      for (let page = 0; page < 12; page += 1) site.publish(home.clock.now);
      await year.#start();
      await year.#readers.import(year.#running, options.readers, home.clock.now);
      return year;
    } catch (error) {
      await year[Symbol.asyncDispose]();
      throw error;
    }
  }

  async live(week: Week): Promise<void> {
    this.#week = week.number;
    this.#row = { draftSeconds: 0, sendSeconds: 0 };
    const ends = this.#plan.troubles.flatMap(({ to }) =>
      [0.2, 30, 57].map((minutes) => ({ at: new Date(to.getTime() + minutes * MS.minute), gathers: false })),
    );
    const [first, last] = [week.dueAt.getTime() - 158 * MS.hour, week.dueAt.getTime() + 9.5 * MS.hour];
    const instants = [
      ...instantsOf(week),
      ...ends.map((end) => ({ ...end, hours: (end.at.getTime() - week.dueAt.getTime()) / MS.hour })),
    ]
      .filter(({ at }) => at.getTime() > first && at.getTime() < last)
      .sort((a, b) => a.at.getTime() - b.at.getTime());
    for (const [index, { at, hours, gathers }] of instants.entries()) {
      this.#home.clock.goTo(at);
      await this.#trouble(at);
      this.#moveWorld(week, hours, index);
      if (this.#program === null) continue;
      await this.#meetPeople(hours);
      if (gathers) {
        await this.#doJob('gather');
        await this.#doJob('retention');
      }
      await this.#doJob('reconcile');
      await this.#settle();
      await this.#watch();
      await this.#outcomes.post(this.#program, () => this.#settle());
      await this.#watch();
      if (this.#provider.state !== 'works') await this.#program.stopWorkers();
    }
    await this.#closeWeek(week);
  }

  async end(): Promise<Omit<YearReport, 'seconds'>> {
    for (const week of this.weeks) {
      const { status = 'nothing', sentAt = null } = this.#slots.get(week.slot) ?? {};
      const difference = slotDifference({
        week,
        status,
        sentAt,
        reportedAt: this.#reportOf(week),
        reachableAt: this.#reachableAt(week),
      });
      if (difference !== null) this.#model.report(week.number, 'late-unreported', difference);
    }
    for (const message of growthFaults(this.#rows)) this.#model.report(this.#week, 'growth', message);
    for (const message of wrongStaffMail(this.#staffMails))
      this.#model.report(this.#week, 'staff-mail', message);
    for (const line of this.#errors) this.#model.report(this.#week, 'error', line);
    return {
      rows: this.#rows,
      sent: this.#sent,
      differences: this.#model.differences,
      staffMails: this.#staffMails,
      tables: this.#program === null ? [] : await tableSizes(this.#program.app.db),
      readers: { ever: this.#readers.all.length, active: this.#readers.active.length },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program?.[Symbol.asyncDispose]();
    await this.#provider[Symbol.asyncDispose]();
    await this.#site[Symbol.asyncDispose]();
  }

  get #mailEvents(): ProviderEvents {
    return {
      onCopy: (copy) => {
        this.#model.copy(this.#week, copy, this.#failingSince(copy.at));
        const reader = this.#readers.of(copy.to);
        if (reader === undefined) return;
        if (reader.links === null || !reader.keepsFirstMail) reader.links = copy.links;
        this.#outcomes.follow(copy, reader, this.#week);
        const known = this.#accepted.get(copy.issue) ?? { htmlBytes: 0, copies: 0 };
        this.#accepted.set(copy.issue, { ...known, copies: known.copies + 1 });
      },
      onVariant: (issue, html) => {
        const known = this.#accepted.get(issue) ?? { htmlBytes: 0, copies: 0 };
        this.#accepted.set(issue, {
          ...known,
          htmlBytes: Math.max(known.htmlBytes, Buffer.byteLength(html)),
        });
      },
      onMail: (mail, at) => {
        const { to, kind, subject } = mail;
        if (to === EDITOR || to === OPERATOR) this.#staffMails.push({ at, to, kind, subject });
        else this.#readers.receive(mail);
      },
    };
  }

  /** When the provider began to answer with errors, if it did so within the last day. */
  #failingSince(at: Date): Date | null {
    const failing = this.#plan.troubles.find(
      ({ kind, from, to }) =>
        kind === 'provider-failing' && from < at && at.getTime() < to.getTime() + MS.day,
    );
    return failing?.from ?? null;
  }

  get #running(): Program {
    if (this.#program === null) throw new Error('the program does not run');
    return this.#program;
  }

  /** Topics that some page has which the program has read. */
  get #knownTopics(): Set<string> {
    const read = this.#site.pages.filter((page) => page.read !== null);
    return new Set(read.flatMap(({ tools }) => tools.map(({ category }) => category)));
  }

  async #start(): Promise<void> {
    const keys = this.#week >= this.#plan.rotation ? [...KEYS].reverse() : KEYS.slice(0, 1);
    this.#program = await startProgram({
      env: {
        ...this.#home.env,
        SECRET_KEY: keys.join(','),
        PUBLIC_URL: 'https://verdicts.example',
        ...this.#provider.env,
        RESEND_WEBHOOK_SECRET: WEBHOOK_SECRET,
        POSTAL_ADDRESS: '1 Example Street, Sampleton',
        SCHEDULE,
        TIMEZONE: ZONE,
        APPROVAL: 'auto',
        SOURCES: this.#site.source,
        ALLOW_PRIVATE_SOURCES: '1',
        EDITORS: `${EDITOR}:publisher`,
        OPERATORS: OPERATOR,
      },
      mailer: this.#provider.mailer,
      onError: (line) => this.#onError(line),
    });
  }

  /** Errors that the plan does not explain are differences. */
  #onError(line: string): void {
    const entry = JSON.parse(line) as Record<string, string>;
    const { msg = line, err, reason = '', duty = '', job = '', notice } = entry;
    // People are mailed about it, and whether they are is looked at for each slot.
    if (notice !== undefined || /not approved|an issue missed its slot/u.test(msg)) return;
    const error = (err as unknown as { message?: string } | undefined)?.message ?? '';
    const isExplained = this.#provider.state !== 'works' || this.#site.isDown;
    if (!isExplained)
      this.#errors.add([msg, duty, job, reason, error].filter(Boolean).join(': ').slice(0, 300));
  }

  /** Begins and ends troubles, and rotates the key. */
  async #trouble(now: Date): Promise<void> {
    this.#site.isDown = isIn(this.#plan, 'source', now);
    await this.#provider.become(
      isIn(this.#plan, 'provider-away', now)
        ? 'away'
        : isIn(this.#plan, 'provider-failing', now)
          ? 'failing'
          : 'works',
    );
    const isStopped = isIn(this.#plan, 'process', now);
    const rotates = this.#week === this.#plan.rotation && !this.#hasRotated;
    this.#hasRotated ||= rotates;
    if (this.#program !== null && (isStopped || rotates)) {
      await this.#program[Symbol.asyncDispose]();
      this.#program = null;
    }
    if (this.#program === null && !isStopped) await this.#start();
    await this.#program?.startWorkers();
  }

  /** The site's own week: new pages on its working days, changes, deletions, the reprint. */
  #moveWorld({ number }: Week, hours: number, index: number): void {
    const now = this.#home.clock.now;
    const { change, fresh, reprint } = this.#options;
    if (index === 0) {
      this.#row.fresh = 0;
      if (number > 1) this.#site.change(change);
      if (number === reprint) this.#site.reprint();
    }
    const isDay = hours < -30;
    if (isDay && !this.#plan.silent.has(number)) {
      const [least, most] = fresh;
      const today = this.#random.between(least, most) / 5;
      const count = Math.floor(today) + (this.#random.chance(today % 1) ? 1 : 0);
      for (let page = 0; page < count; page += 1) this.#site.publish(now);
    }
    // One page in three weeks is deleted, on the day before the draft or within an hour of it.
    if ((hours === -48 || hours === -26) && this.#random.chance(0.17)) {
      const page = this.#random.pick(this.#site.alive);
      this.#site.delete(page, now);
    }
  }

  async #meetPeople(hours: number): Promise<void> {
    const program = this.#running;
    const known = this.#knownTopics;
    if (known.size === 0) return;
    await this.#readers.followFreshLinks(program);
    const share = hours < -30 ? 0.16 : hours === -12 || (hours > 0.4 && hours < 0.6) ? 0.1 : 0;
    if (share === 0) return;
    const wait = () => this.#home.clock.advance(3);
    await this.#readers.signUp(program, share, { known, wait });
    await this.#readers.act(program, share, { known, pages: this.#lastIssue });
    await this.#settle();
    await this.#readers.followFreshLinks(program);
    await this.#settle();
  }

  async #doJob(job: HourlyJob): Promise<void> {
    const program = this.#running;
    const before = await this.#phase();
    const seconds = await this.#block.during(async () => {
      await program.run(job);
      if (job === 'reconcile') await this.#settle();
    });
    const after = await this.#phase();
    if (after.drafts > before.drafts) this.#row.draftSeconds = (this.#row.draftSeconds ?? 0) + seconds;
    if (after.sent > before.sent) this.#row.sendSeconds = (this.#row.sendSeconds ?? 0) + seconds;
    await this.#noteGatherings();
  }

  /** Counts that show whether a job drafted or sent an issue. */
  async #phase(): Promise<{ drafts: number; sent: number }> {
    const { rows } = await sql<{ drafts: number; sent: number }>`
      select count(*)::int as drafts, count(*) filter (where status = 'sent')::int as sent from issues
    `.execute(this.#running.app.db);
    return rows[0] ?? { drafts: 0, sent: 0 };
  }

  /** The program has read the site: what it found is what it may know. */
  async #noteGatherings(): Promise<void> {
    const { rows } = await sql<{ at: Date; isRead: boolean }>`
      select at, sources -> 0 ->> 'fault' is null as "isRead" from gathers
      where at > ${this.#gatheredAt} order by at
    `.execute(this.#running.app.db);
    for (const { at, isRead } of rows) {
      this.#gatheredAt = at;
      if (isRead) this.#site.wasRead(this.#home.clock.now);
    }
  }

  async #settle(): Promise<void> {
    const program = this.#running;
    // Without a provider its workers wait, some of them for long.
    const works = this.#provider.state === 'works';
    const isIdle = await program.settle(works ? 60_000 : 400);
    await this.#provider.drain();
    if (!isIdle && works) this.#model.report(this.#week, 'stuck', 'the queues do not get empty');
  }

  /** Looks at the issues, and judges those that are out. */
  async #watch(): Promise<void> {
    const { rows } = await sql<{
      slug: string;
      status: string;
      createdAt: Date;
      preparedAt: Date | null;
      finishedAt: Date | null;
      isPlanned: boolean;
    }>`
      select slug, status, created_at as "createdAt", prepared_at as "preparedAt", finished_at as "finishedAt",
        plan is not null as "isPlanned"
      from issues order by slot desc limit 6
    `.execute(this.#running.app.db);
    for (const { slug, status, createdAt, preparedAt, finishedAt, isPlanned } of rows) {
      const before = this.#slots.get(slug);
      this.#slots.set(slug, { status, sentAt: status === 'sent' ? finishedAt : null });
      const known = this.#drafts.get(slug);
      if (isPlanned && known?.composedAt.getTime() !== createdAt.getTime()) {
        const draft = this.#model.snapshot(createdAt);
        this.#drafts.set(slug, { slug, week: this.#week, composedAt: createdAt, draft });
      }
      if (status === 'sent' && before?.status !== 'sent' && preparedAt !== null)
        await this.#judge(slug, preparedAt);
    }
  }

  async #judge(slug: string, frozenAt: Date): Promise<void> {
    const { db } = this.#running.app;
    const open = this.#drafts.get(slug);
    const accepted = this.#accepted.get(slug);
    if (open === undefined || accepted === undefined) {
      this.#model.report(
        this.#week,
        'unrecorded',
        `${slug} is sent, and nothing of it was accepted or drafted`,
      );
      return;
    }
    const contents = await sql<{ slug: string; section: string; told: string }>`
      select c.slug, ic.section, ic.told from issue_comparisons ic
      join comparisons c on c.id = ic.comparison_id join issues i on i.id = ic.issue_id where i.slug = ${slug}
    `.execute(db);
    const variants = await sql<{ count: number; subject: string; preheader: string; text: string }>`
      select count(*) over ()::int as count, subject, preheader, text
      from variants v join issues i on i.id = v.issue_id where i.slug = ${slug} order by v.number limit 1
    `.execute(db);
    const of = (section: string, told: string) =>
      contents.rows.filter((row) => row.section === section && row.told === told).map((row) => row.slug);
    const [fresh, changed, changedCounted] = [
      of('new', 'row'),
      of('changed', 'row'),
      of('changed', 'summary'),
    ];
    const { htmlBytes, copies } = accepted;
    const { count: variantCount = 0, subject = '', preheader = '', text = '' } = variants.rows[0] ?? {};
    this.#model.judge(this.#week, {
      ...{ slug, draft: open.draft, frozenAt, outAt: this.#home.clock.now },
      ...{ fresh, changed, changedCounted, freshCounted: of('new', 'summary') },
      ...{ subject, preheader, htmlBytes, text: text.replace(/\s+/gu, ' ') },
    });
    this.#sent.push(slug);
    this.#lastIssue = fresh.flatMap((each) => this.#site.page(each) ?? []);
    this.#drafts.delete(slug);
    this.#accepted.delete(slug);
    Object.assign(this.#row, {
      ...{ copies: (this.#row.copies ?? 0) + copies, fresh: fresh.length, changed: changed.length },
      counted: changedCounted.length,
      ...{ variants: variantCount, htmlBytes, subject, preheader },
    });
  }

  async #closeWeek(week: Week): Promise<void> {
    this.#provider.forget();
    const { rows } =
      this.#program === null
        ? { rows: [] }
        : await sql<{ count: number }>`select count(*)::int as count from deliveries`.execute(
            this.#program.app.db,
          );
    const row: WeekRow = {
      ...{
        copies: 0,
        fresh: 0,
        changed: 0,
        counted: 0,
        variants: 0,
        htmlBytes: 0,
        draftSeconds: 0,
        sendSeconds: 0,
      },
      ...{ subject: '', preheader: '' },
      ...this.#row,
      week: week.number,
      slot: week.slot,
      outcome: this.#slots.get(week.slot)?.status ?? 'nothing',
      readers: this.#readers.active.length,
      archive: this.#site.alive.length,
      blockMs: this.#block.take(),
      memory: memory(),
      deliveries: rows[0]?.count ?? 0,
    };
    this.#rows.push(row);
    this.#options.onWeek?.(row);
  }

  /** When people were mailed that something is wrong with the slot. */
  #reportOf({ dueAt }: Week): Date | null {
    const from = dueAt.getTime() - 25 * MS.hour;
    const to = dueAt.getTime() + 5 * MS.day;
    const alarm = this.#staffMails.find(
      (mail) => isAlarm(mail) && mail.at.getTime() >= from && mail.at.getTime() < to,
    );
    return alarm?.at ?? null;
  }

  #reachableAt({ dueAt }: Week): Date {
    const covering = this.#plan.troubles.filter(
      ({ kind, from, to }) => kind !== 'source' && from <= new Date(dueAt.getTime() + MS.hour) && to > dueAt,
    );
    return new Date(Math.max(dueAt.getTime(), ...covering.map(({ to }) => to.getTime())));
  }
}
