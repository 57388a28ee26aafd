import { sql } from 'kysely';
import { processors } from '../../jobs/all-jobs.ts';
import { type App, createApp } from '../../src/app/app.ts';
import { saveComparisons } from '../../src/comparisons/comparison-store.ts';
import { loadConfig } from '../../src/config/config.ts';
import { findIssue, type Issue } from '../../src/issues/issue-store.ts';
import { Lifetime } from '../../src/platform/lifetime.ts';
import { type JobQueue, RateLimitedError } from '../../src/platform/queue/job-queue.ts';
import type { Mailer, Outcome, SingleMail } from '../../src/providers/port.ts';
import { issuesInPreparation } from '../../src/sending/audience/audience-store.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { addSubscribers } from '../../src/subscribers/subscriber-store.ts';
import { pendingMails } from '../../src/transactional/transactional-store.ts';
import { doSlotDuties, reconcileAndBeat } from '../../src/workflow/duties.ts';
import type { VirtualClock } from '../year/clock.ts';
import { comparison, tool } from './compose.ts';
import type { NewDeskDatabase } from './desk.ts';
import { temporaryFolder } from './locations.ts';
import { Provider } from './provider.ts';

export const CHIEF = 'chief@desk.example';
export const EDITOR = 'editor@desk.example';

/** A mail to one person, and when it was accepted. */
export interface Received extends SingleMail {
  at: Date;
}

/** An installation whose clock is moved by hand, without workers: `minute` does what they would have done. */
export interface Weeks extends AsyncDisposable {
  app: App;
  /** Sets the clock. */
  at(time: string): void;
  /** Saves new comparisons. */
  news(...slugs: string[]): Promise<void>;
  /** Does the recurring duties once, and every job that follows from them. */
  minute(): Promise<void>;
  /** Sets the clock, minute by minute of these hours apart. */
  hours(from: string, to: string, step?: number): Promise<void>;
  issue(slot: string): Promise<Issue>;
  /** Mails to single people that the provider accepted, oldest first. */
  inbox: Received[];
  /** Subjects of those to one address. */
  subjects(to: string): string[];
  /** How often each issue reached readers: slug → comparisons that were mailed as new. */
  mailed(): Promise<Record<string, string[]>>;
  provider: Provider;
}

/** Noon of a Monday, a day before a slot: slots are Tuesdays, 09:00 UTC. */
export const START = '2027-01-04T12:00:00Z';

/**
 * Opens it at {@link START}. Without `time` the database has the time of this machine; with it, the embedded database
 * follows.
 */
export async function openWeeks(
  newDatabase: NewDeskDatabase,
  env: Record<string, string> = {},
  overrides: { mailer?: Mailer; time?: VirtualClock } = {},
): Promise<Weeks> {
  const lifetime = new Lifetime();
  try {
    const folder = temporaryFolder();
    lifetime.defer(() => folder[Symbol.dispose]());
    const place = await newDatabase(folder.path);
    lifetime.defer(() => place.close());
    const { time } = overrides;
    let now = new Date(START);
    const clock = () => time?.now ?? now;
    const at = (to: Date) => {
      now = to;
      time?.goTo(to);
    };
    const inbox: Received[] = [];
    const provider = new Provider();
    const recording: Mailer = Object.assign(Object.create(provider) as Provider, {
      async send(mail: SingleMail, key: string): Promise<Outcome> {
        inbox.push({ ...mail, at: clock() });
        return provider.send(mail, key);
      },
      submit: provider.submit.bind(provider),
      recall: provider.recall,
    });
    const { config, secrets } = loadConfig({
      DATA_DIR: folder.path,
      SECRET_KEY: 'k'.repeat(40),
      POSTAL_ADDRESS: '1 Example Street, Sampleton',
      PUBLIC_URL: 'https://verdicts.example',
      SCHEDULE: 'Tue 09:00',
      LOG_LEVEL: 'silent',
      EDITORS: `${CHIEF}:publisher, ${EDITOR}:editor`,
      ...place.env,
      ...env,
    });
    const opened = lifetime.use(
      await createApp(config, secrets, { clock, mailer: overrides.mailer ?? recording }),
    );
    // The rows say what is left to do; nothing waits in a queue.
    const queue = Object.assign(Object.create(opened.queue) as JobQueue, {
      waiting: async () => 0,
      enqueue: async () => {},
    });
    const app: App = { ...opened, queue };
    const { db } = app;
    await sql`update kysely_migration set timestamp = '2027-01-02T00:00:00.000Z'`.execute(db);
    const email = 'reader@readers.example';
    const confirmedAt = new Date('2026-12-01T00:00:00Z');
    await addSubscribers(
      db,
      [{ email, key: email, status: 'active', topics: [], timezone: null, confirmedAt }],
      'test',
    );

    const jobs = processors(app);
    const isOver = async (job: Promise<void>): Promise<void> =>
      job.catch((error) => {
        if (!(error instanceof RateLimitedError))
          app.logger.warn({ err: error }, 'a job will be tried again');
      });
    const doJobs = async () => {
      for (const issueId of await issuesInPreparation(db)) await isOver(jobs.prepare({ issueId }));
      for (const batchId of await claimableBatches(db)) await isOver(jobs.submit({ batchId }));
      for (const mailId of await pendingMails(db)) await isOver(jobs.mail({ mailId }));
    };
    const minute = async () => {
      await doSlotDuties(app);
      await reconcileAndBeat(app);
      await doJobs();
    };
    return {
      app,
      inbox,
      provider,
      at: (to) => at(new Date(to)),
      async news(...slugs) {
        const contents = slugs.map((slug) => comparison(slug, tool(`${slug} A`, 80), tool(`${slug} B`, 20)));
        await saveComparisons(db, contents);
      },
      minute,
      async hours(from, to, step = 1) {
        for (let next = Date.parse(from); next <= Date.parse(to); next += step * 3_600_000) {
          at(new Date(next));
          await minute();
        }
      },
      async issue(slot) {
        const issue = await findIssue(db, { slot });
        if (issue === undefined) throw new Error(`the slot ${slot} has no issue`);
        return issue;
      },
      subjects: (to) => inbox.filter((mail) => mail.to === to).map(({ subject }) => subject),
      async mailed() {
        const { rows } = await sql<{ issue: string; slugs: string[] }>`
          select i.slug as issue, array_agg(c.slug order by c.slug) as slugs
          from issues i join issue_comparisons ic on ic.issue_id = i.id and ic.section = 'new'
            join comparisons c on c.id = ic.comparison_id
          where i.status in ('sending', 'sent') group by i.slug order by i.slug
        `.execute(db);
        return Object.fromEntries(rows.map(({ issue, slugs }) => [issue, slugs]));
      },
      [Symbol.asyncDispose]: () => lifetime[Symbol.asyncDispose](),
    };
  } catch (error) {
    await lifetime[Symbol.asyncDispose]();
    throw error;
  }
}
