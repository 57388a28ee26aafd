import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type App, createApp } from '../../src/app/app.ts';
import { readMetrics } from '../../src/app/public-server.ts';
import { loadConfig } from '../../src/config/config.ts';
import { openNotices } from '../../src/notices/notice-store.ts';
import type { JobQueue } from '../../src/platform/queue/job-queue.ts';
import { keyId } from '../../src/subscribers/tokens.ts';
import { queueMail } from '../../src/transactional/transactional-store.ts';
import { DUTIES, type Duty, reconcile } from '../../src/workflow/duties.ts';
import { NOTIFY_AFTER } from '../../src/workflow/duty-store.ts';
import { copyDatabase, temporaryFolder } from '../helpers/locations.ts';

const duties: Readonly<Record<string, Duty>> = DUTIES;
const NAMES = Object.keys(duties);
const MAILS = 'enqueue transactional emails';

describe('duties', () => {
  let app: App;
  const dataDir = temporaryFolder();
  beforeAll(async () => {
    copyDatabase(dataDir.path);
    const { config, secrets } = loadConfig({
      DATA_DIR: dataDir.path,
      LOG_LEVEL: 'silent',
      SECRET_KEY: 'k'.repeat(40),
    });
    // A day before the slot: drafts should exist by now.
    app = await createApp(config, secrets, { clock: () => new Date('2026-12-01T08:00:00Z') });
  });
  afterAll(async () => {
    await app?.[Symbol.asyncDispose]();
    dataDir[Symbol.dispose]();
  });
  beforeEach(async () => {
    await sql`truncate comparisons, mails, notices, failing_duties cascade`.execute(app.db);
  });

  const mailWaits = () =>
    queueMail(app.db, {
      kind: 'sign_in',
      recipient: 'editor@verdicts.example',
      keyId: keyId(app.keys[0]),
    });
  const failures = async () => (await readMetrics(app)).failingDuties;
  const notices = async () => (await openNotices(app.db)).filter(({ kind }) => kind === 'duty-failing');

  it('continue when a comparison in the database cannot be composed', async () => {
    await mailWaits();
    await sql`
      insert into comparisons (slug, pair_key, url, content, content_hash)
      values ('a-vs-b', 'a|b', 'https://x.example/a-vs-b', '{}', 'h')
    `.execute(app.db);
    await reconcile(app);
    expect(await app.queue.waiting('transactional')).toBe(1);
    expect(await failures()).toEqual({ 'draft issues': 1 });
  });

  it.each(NAMES)(
    '%s: when it fails, the others are done, and editors are notified after three times',
    async (name) => {
      const done: string[] = [];
      const observed = Object.fromEntries(
        NAMES.map((each): [string, Duty] => [
          each,
          async (given) => {
            if (each === name) throw new Error('it is broken');
            await duties[each]?.(given);
            done.push(each);
          },
        ]),
      );
      await mailWaits();
      const enqueued: string[] = [];
      // The queue stays empty, however often jobs are enqueued.
      const queue = Object.assign(Object.create(app.queue) as JobQueue, {
        waiting: async () => 0,
        enqueue: async (job: string) => void enqueued.push(job),
      });
      const worker = { ...app, queue };
      for (let times = 1; times < NOTIFY_AFTER; times += 1) await reconcile(worker, observed);
      expect(await notices()).toEqual([]);
      done.length = 0;
      await reconcile(worker, observed);

      expect(done).toEqual(NAMES.filter((each) => each !== name));
      expect(enqueued.includes('mail')).toBe(name !== MAILS);
      expect(await failures()).toEqual({ [name]: NOTIFY_AFTER });
      expect(await notices()).toMatchObject([
        { subject: name, message: expect.stringContaining('it is broken') },
      ]);

      await reconcile(app);
      expect(await failures()).toEqual({});
      expect(await notices()).toEqual([]);
    },
  );
});
