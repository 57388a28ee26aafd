import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { processors } from '../../jobs/all-jobs.ts';
import { type App, createApp } from '../../src/app/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { findIssue } from '../../src/issues/issue-store.ts';
import { lockFrozenTo } from '../../src/sending/audience/audience-store.ts';
import { finishIssue, issueProgress } from '../../src/sending/progress.ts';
import { keyId } from '../../src/subscribers/tokens.ts';
import { queueMail } from '../../src/transactional/transactional-store.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { expireLeases, onlyReaders, sendingIssue } from '../helpers/ledger.ts';
import { createMigratedDatabase } from '../helpers/locations.ts';
import { type Process, startCommand } from '../helpers/processes.ts';
import { type LocalResend, startResend } from '../resend/index.ts';

const databaseUrl = inject('databaseUrl');
const redisUrl = inject('redisUrl');

describe.skipIf(!databaseUrl || !redisUrl)('workers that share a database, a Redis and a Resend', () => {
  let dataDir: string;
  let env: Record<string, string>;
  let drop: () => Promise<void>;
  let provider: LocalResend;
  let app: App;
  const open: AsyncDisposable[] = [];
  const processes: Process[] = [];

  beforeEach(async () => {
    dataDir = await mkdtemp(path.join(os.tmpdir(), 'wv-many-'));
    const database = await createMigratedDatabase(databaseUrl);
    drop = database.drop;
    provider = await startResend({ ratePerSecond: Number.POSITIVE_INFINITY });
    env = {
      DATA_DIR: dataDir,
      DATABASE_URL: database.url,
      REDIS_URL: `${redisUrl}/13`,
      SECRET_KEY: 'k'.repeat(40),
      RESEND_API_KEY: provider.apiKey,
      RESEND_BASE_URL: provider.url,
      RESEND_RATE: '1000',
      LOG_LEVEL: 'silent',
    };
    // The leftovers of one test, perhaps a pause, must not affect the next.
    const redis = new Redis(env.REDIS_URL ?? '');
    await redis.flushdb();
    await redis.quit();
    app = await openWorkerless();
  });
  afterEach(async () => {
    for (const each of processes.splice(0)) await each[Symbol.asyncDispose]();
    for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
    await provider[Symbol.asyncDispose]();
    await drop();
    await rm(dataDir, { recursive: true, force: true });
  });

  async function openWorkerless(): Promise<App> {
    const { config, secrets } = loadConfig(env);
    const opened = await createApp(config, secrets);
    open.push(opened);
    return opened;
  }

  /** Creates an issue with this many readers, and enqueues its batches. */
  async function issueFor(readers: number) {
    await onlyReaders(
      app.db,
      Array.from({ length: readers }, () => []),
    );
    const issue = await sendingIssue(app.db);
    await app.queue.enqueue('submit', ...issue.batches.map((batchId) => ({ batchId })));
    return issue;
  }

  async function whenSent(issueId: string): Promise<void> {
    while ((await findIssue(app.db, { id: issueId }))?.status !== 'sent') {
      await app.queue.enqueue('reconcile', {});
      await sleep(100);
    }
  }

  test('record answers while a page of the audience is being frozen', async () => {
    await onlyReaders(
      app.db,
      Array.from({ length: 30 }, () => []),
    );
    const issue = await sendingIssue(app.db, 10);
    await app.db.transaction().execute(async (tx) => {
      expect(await lockFrozenTo(tx, issue.id)).toBeDefined();
      expect(await app.submit(issue.batches[0] ?? '')).toMatchObject({ kind: 'done' });
    });
    expect(await issueProgress(app.db, issue.id)).toMatchObject({ submitted: 10 });
  });

  async function expectOneCopyEach(issueId: string, readers: number): Promise<void> {
    const copies = provider.accepted().filter(({ deliveryId }) => deliveryId !== null);
    expect(new Set(copies.map(({ deliveryId }) => deliveryId)).size).toBe(readers);
    expect(copies).toHaveLength(readers);
    expect(await issueProgress(app.db, issueId)).toMatchObject({ audience: readers, submitted: readers });
    await assertInvariants(app.db, issueId);
  }

  test.each([2, 10])('%i of them send every reader one copy', async (count) => {
    const issue = await issueFor(2_000);
    // Every batch is enqueued twice, which can happen.
    await app.queue.enqueue('submit', ...issue.batches.map((batchId) => ({ batchId })));
    for (let worker = 0; worker < count; worker += 1) {
      const each = await openWorkerless();
      open.push(await each.queue.work(processors(each), { concurrency: 3, onFailure: () => {} }));
    }
    await whenSent(issue.id);
    await expectOneCopyEach(issue.id, 2_000);
    expect(provider.requests).toHaveLength(20);
  });

  test('one that is suspended beyond its lease and then continues overwrites nothing and mails no reader twice', async () => {
    provider.planBy(({ attempt }) => (attempt === 1 ? 'slow' : undefined));
    const issue = await issueFor(1_500);
    const frozen = startCommand(['serve', '--role', 'worker'], env);
    processes.push(frozen);
    while (provider.requests.length === 0) await sleep(20);
    frozen.kill('SIGSTOP');
    const held = await app.db.selectFrom('batches').select('id').where('status', '=', 'submitting').execute();
    expect(held.length).toBeGreaterThan(0);

    // A minute later its leases have expired, and another worker does its work.
    await expireLeases(app.db);
    const other = await openWorkerless();
    open.push(await other.queue.work(processors(other), { concurrency: 3, onFailure: () => {} }));
    await whenSent(issue.id);
    const database = () =>
      app.db.selectFrom('batches').selectAll().where('issue_id', '=', issue.id).orderBy('number').execute();
    const before = await database();
    await expectOneCopyEach(issue.id, 1_500);

    frozen.kill('SIGCONT');
    frozen.kill('SIGTERM');
    expect(await frozen.ended).toMatchObject({ code: 0 });
    expect(await database()).toEqual(before);
    expect(await finishIssue(app.db, issue.id)).toBe(false);
    await expectOneCopyEach(issue.id, 1_500);
  });

  test('fault 2: one that is stopped waits for the responses to its requests, and begins nothing new', async () => {
    provider.planBy(({ path }) => ({ kind: 'slow', ms: path === '/emails' ? 5_000 : 3_000 }));
    const letter = {
      kind: 'sign_in',
      recipient: 'desk@verdicts.example',
      keyId: keyId(app.keys[0]),
    } as const;
    const mailId = await queueMail(app.db, letter);
    await app.queue.enqueue('mail', { mailId });
    const worker = startCommand(['serve', '--role', 'worker'], env);
    processes.push(worker);
    const arrival = async (path: string) => {
      while (!provider.requests.some((request) => request.path === path)) await new Promise(setImmediate);
    };
    await arrival('/emails');
    const issue = await issueFor(2_000);
    await arrival('/emails/batch');
    worker.kill('SIGTERM');
    expect(await worker.ended).toMatchObject({ code: 0, stderr: '' });

    // Every response was awaited and recorded.
    const asked = provider.requests.length - 1;
    expect(asked).toBeLessThan(20);
    expect(provider.requests.map(({ status }) => status)).toEqual(Array(asked + 1).fill(200));
    const { submitted, batches } = await issueProgress(app.db, issue.id);
    expect([submitted, batches.submitted, batches.submitting]).toEqual([asked * 100, asked, undefined]);
    const mail = app.db.selectFrom('mails').select('status').where('id', '=', mailId);
    expect(await mail.executeTakeFirst()).toEqual({ status: 'sent' });

    provider.calm();
    const next = await openWorkerless();
    open.push(await next.queue.work(processors(next), { concurrency: 3, onFailure: () => {} }));
    await whenSent(issue.id);
    expect(provider.requests).toHaveLength(21);
    await expectOneCopyEach(issue.id, 2_000);
  });
});
