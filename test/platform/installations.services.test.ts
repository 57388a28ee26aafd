import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { processors } from '../../jobs/all-jobs.ts';
import { type App, createApp } from '../../src/app/app.ts';
import { examineNeighbours } from '../../src/app/doctor.ts';
import { loadConfig } from '../../src/config/config.ts';
import { findIssue } from '../../src/issues/issue-store.ts';
import { openNotices } from '../../src/notices/notice-store.ts';
import { openDatabase } from '../../src/platform/db/database.ts';
import { explain } from '../../src/platform/errors.ts';
import { Lifetime } from '../../src/platform/lifetime.ts';
import { FORMER_PREFIX } from '../../src/platform/queue/neighbours.ts';
import { reconcile } from '../../src/workflow/duties.ts';
import { watchForProblems } from '../../src/workflow/watch-problems.ts';
import { createDatabase } from '../helpers/database.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { onlyReaders, sendingIssue } from '../helpers/ledger.ts';
import { createMigratedDatabase, temporaryFolder } from '../helpers/locations.ts';
import { Provider } from '../helpers/provider.ts';

const [databaseUrl, redisUrl] = [inject('databaseUrl'), inject('redisUrl')];
const READERS = 300;

describe.skipIf(!databaseUrl || !redisUrl)('installations that share a Redis', () => {
  const shared = `${redisUrl}/11`;
  let lifetime: Lifetime;
  let redis: Redis;

  beforeEach(async () => {
    lifetime = new Lifetime();
    redis = new Redis(shared, { maxRetriesPerRequest: null });
    lifetime.defer(() => redis.disconnect());
    await redis.flushdb();
  });
  afterEach(() => lifetime[Symbol.asyncDispose]());

  async function newDatabase(): Promise<string> {
    const { url, drop } = await createMigratedDatabase(databaseUrl);
    lifetime.defer(drop);
    return url;
  }

  async function open(url: string, provider = new Provider()): Promise<App & { provider: Provider }> {
    const folder = temporaryFolder();
    lifetime.defer(() => folder[Symbol.dispose]());
    const { config, secrets } = loadConfig({
      DATA_DIR: folder.path,
      DATABASE_URL: url,
      REDIS_URL: shared,
      SECRET_KEY: 'k'.repeat(40),
      LOG_LEVEL: 'silent',
    });
    return { ...lifetime.use(await createApp(config, secrets, { mailer: provider })), provider };
  }

  async function newIssue({ db }: App) {
    await onlyReaders(
      db,
      Array.from({ length: READERS }, () => []),
    );
    return sendingIssue(db);
  }

  /** @returns the batches that its jobs were about. */
  async function work(app: App): Promise<Set<string>> {
    const asked = new Set<string>();
    const all = processors(app);
    const submit: typeof all.submit = (payload) => {
      asked.add(payload.batchId);
      return all.submit(payload);
    };
    lifetime.use(await app.queue.work({ ...all, submit }, { concurrency: 2, onFailure: () => {} }));
    return asked;
  }

  const status = async ({ db }: App, id: string) => (await findIssue(db, { id }))?.status;
  const POLL = { timeout: 60_000, interval: 50 };

  it('D6, B28: each sends its issue, and takes no job of the other', async () => {
    const apps = [await open(await newDatabase()), await open(await newDatabase())];
    const issues = [];
    for (const app of apps) issues.push(await newIssue(app));
    const asked = [];
    for (const app of apps) asked.push(await work(app));
    for (const [index, app] of apps.entries()) {
      const batches = issues[index]?.batches ?? [];
      await app.queue.enqueue('submit', ...batches.map((batchId) => ({ batchId })));
    }
    for (const [index, app] of apps.entries()) {
      const { id = '', batches = [] } = issues[index] ?? {};
      await expect.poll(() => status(app, id), POLL).toBe('sent');
      expect([...(asked[index] ?? [])].toSorted(), 'a worker took jobs of the other').toEqual(
        batches.toSorted(),
      );
      expect([app.provider.copies.length, new Set(app.provider.copies).size]).toEqual([READERS, READERS]);
      await assertInvariants(app.db, id);
      expect(await app.queue.neighbours()).toEqual([]);
    }
  });

  it('D6: what a version with one prefix for all left is deleted, and done once, from the rows', async () => {
    const url = await newDatabase();
    const app = await open(url);
    const { id, batches } = await newIssue(app);
    const former = new Queue('issues', { connection: redis, prefix: FORMER_PREFIX });
    const formerDelivery = new Queue('delivery', { connection: redis, prefix: FORMER_PREFIX });
    await former.upsertJobScheduler('slot', { pattern: '0 9 * * 2' }, { name: 'slot', data: {} });
    await formerDelivery.addBulk(batches.map((batchId) => ({ name: 'submit', data: { batchId } })));
    const oldWorker = new Worker('issues', async () => {}, { connection: redis, prefix: FORMER_PREFIX });
    await oldWorker.waitUntilReady();
    const formerKeys = async () =>
      (await redis.keys('*')).filter((key) => /^weekly-verdict:(issues|delivery|transactional):/u.test(key));

    // While a worker of that version runs, its queues are its own, and people are told.
    await app.queue.schedule([{ name: 'slot', pattern: '0 9 * * 2', longestMs: 1e9 }]);
    await expect
      .poll(async () => examineNeighbours(await app.queue.neighbours()))
      .toMatchObject([{ level: 'warn', message: expect.stringContaining('older version') }]);
    await watchForProblems(app);
    const notices = async () => (await openNotices(app.db)).filter(({ kind }) => kind === 'redis-shared');
    expect(await notices()).toMatchObject([{ subject: 'older-version' }]);
    expect((await formerKeys()).length).toBeGreaterThan(3);
    await work(app);
    expect(await formerKeys()).toEqual(expect.arrayContaining([`${FORMER_PREFIX}:delivery:meta`]));

    await oldWorker.close();
    await work(await open(url, app.provider));
    expect(await formerKeys()).toEqual([]);
    expect(await app.queue.raw[0]?.getJobScheduler('slot')).toMatchObject({ pattern: '0 9 * * 2' });
    await reconcile(app);
    await expect.poll(() => status(app, id), POLL).toBe('sent');
    expect([app.provider.copies.length, new Set(app.provider.copies).size]).toEqual([READERS, READERS]);
    await watchForProblems(app);
    expect(await notices()).toEqual([]);
  });

  it('D6: a copy of a database is noticed by both, takes no job, and becomes an installation of its own', async () => {
    const url = await newDatabase();
    const before = await open(url);
    const issue = await newIssue(before);
    await before[Symbol.asyncDispose]();
    const copied = await createDatabase(databaseUrl, { url });
    lifetime.defer(copied.drop);
    const original = await open(url);
    const copy = await open(copied.url);
    const asked = await work(copy);
    await work(original);
    for (const app of [original, copy]) {
      expect(examineNeighbours(await app.queue.neighbours())).toMatchObject([
        { level: 'block', help: expect.stringContaining('reconcile-restore --copy') },
      ]);
      await watchForProblems(app);
      expect((await openNotices(app.db)).filter(({ kind }) => kind === 'redis-shared')).toMatchObject([
        { subject: 'copy' },
      ]);
    }
    await original.queue.enqueue('submit', ...issue.batches.map((batchId) => ({ batchId })));
    await expect.poll(() => status(original, issue.id), POLL).toBe('sent');
    expect([...asked]).toEqual([]);

    await copy.mark.becomeCopy();
    expect(await status(copy, issue.id)).toBe('paused');
    const renewed = await open(copied.url);
    expect(await renewed.queue.neighbours()).toEqual([]);
    expect(await renewed.mark.check()).toBeNull();
    expect(await original.mark.check()).toBeNull();
  });

  it('refuses a schema of a shared database in one line', async () => {
    const address = new URL(await newDatabase());
    address.searchParams.set('options', '-csearch_path=staging');
    const error = await openDatabase({ databaseUrl: address.href, dataDir: '' }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'schema-set' });
    expect(explain(error)).toContain('Give each installation a database of its own');
  });
});
