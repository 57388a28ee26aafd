import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { processors } from '../../jobs/all-jobs.ts';
import { type App, createApp } from '../../src/app/app.ts';
import { findPublished, publishedIssues } from '../../src/archive/archive-store.ts';
import { loadConfig } from '../../src/config/config.ts';
import { changeIssue, findIssue, type Issue, requireIssue } from '../../src/issues/issue-store.ts';
import { prepareIssue } from '../../src/sending/prepare-issue.ts';
import { issueProgress } from '../../src/sending/progress.ts';
import { parseSource } from '../../src/sources/gather.ts';
import { addSubscribers, unsubscribe } from '../../src/subscribers/subscriber-store.ts';
import { keyId } from '../../src/subscribers/tokens.ts';
import { doSlotDuties, reconcile } from '../../src/workflow/duties.ts';
import { approve, cancel, draft, gatherAll, send, slotToCompose } from '../../src/workflow/week.ts';
import { acceptedRecipients } from '../helpers/outbox.ts';

/** A whole week, on the given database and queue: the same steps with the same result. */
export function describeWeek(
  name: string,
  newDatabase: (dataDir: string) => Promise<{ env: Record<string, string>; close(): Promise<void> }>,
): void {
  describe(`a week on ${name}`, () => {
    let dataDir: string;
    let created: Awaited<ReturnType<typeof newDatabase>>;
    let app: App;
    const open: AsyncDisposable[] = [];
    let now = new Date('2026-11-23T10:00:00Z');

    async function openApp(): Promise<App> {
      const { config, secrets } = loadConfig({
        DATA_DIR: dataDir,
        SECRET_KEY: 'k'.repeat(40),
        POSTAL_ADDRESS: '1 Example Street, Sampleton',
        SOURCES: 'folder:samples/comparisons',
        SCHEDULE: 'Tue 09:00',
        TIMEZONE: 'Europe/Berlin',
        LOG_LEVEL: 'silent',
        ...created.env,
      });
      const opened = await createApp(config, secrets, { clock: () => now });
      open.push(opened);
      return opened;
    }

    /** Workers like those of `serve`, and a promise of the issue's end. */
    async function workOn(workers: App[]): Promise<void> {
      for (const each of workers) {
        open.push(
          await each.queue.work(processors(each), {
            concurrency: 2,
            onFailure: ({ error }) => lost.push(error),
          }),
        );
      }
    }
    const lost: Error[] = [];

    async function whenSettled(issue: Issue): Promise<Issue> {
      for (;;) {
        const current = await findIssue(app.db, { id: issue.id });
        if (lost[0] !== undefined) throw lost[0];
        if (current && !['approved', 'preparing', 'sending'].includes(current.status)) return current;
        // Not all the time, because the workers need the only session, too.
        await sleep(20);
      }
    }

    async function addReaders(count: number, topics: string[] = []): Promise<void> {
      const confirmedAt = new Date('2026-11-01T00:00:00Z');
      const rows = Array.from({ length: count }, (_, index) => {
        const email = `reader-${topics.join('').length}-${index}@example.org`;
        return { email, key: email, status: 'active' as const, topics, timezone: null, confirmedAt };
      });
      await addSubscribers(app.db, rows, 'test');
    }

    /** Content and audience are frozen, but the queue is empty, as after a flush. */
    async function prepareOnly(issue: Issue): Promise<void> {
      const { mail, newsletterName, publicUrl } = app.config;
      await prepareIssue(app.db, issue.id, { ...mail, newsletterName, publicUrl, keyId: keyId(app.keys[0]) });
    }

    beforeEach(async () => {
      lost.length = 0;
      now = new Date('2026-11-23T10:00:00Z');
      dataDir = await mkdtemp(path.join(os.tmpdir(), 'wv-week-'));
      created = await newDatabase(dataDir);
      app = await openApp();
    });
    afterEach(async () => {
      for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
      await created.close();
      await rm(dataDir, { recursive: true, force: true });
    });

    test('goes from the sources to every confirmed reader once, and the ledger balances', async () => {
      await addReaders(230);
      await addReaders(20, ['Robotics']);
      await gatherAll(app);
      const issue = await draft(app, await slotToCompose(app));
      expect(issue).toMatchObject({ status: 'review', number: 1, slug: '2026-11-24' });
      await approve(app, issue);
      await workOn([app]);
      await send(app, issue);
      expect((await whenSettled(issue)).status).toBe('sent');

      const progress = await issueProgress(app.db, issue.id);
      expect(progress).toMatchObject({
        audience: 250,
        submitted: 230,
        prepared: 0,
        uncertain: 0,
        failed: {},
      });
      expect(progress.excluded).toEqual({ 'no-content': 20 });
      const recipients = await acceptedRecipients(dataDir, issue.slug);
      expect(new Set(recipients).size).toBe(230);
      expect(recipients).toHaveLength(230);

      const again = await draft(app, await slotToCompose(app));
      expect(again).toMatchObject({
        status: 'skipped',
        slug: '2026-12-01',
        reason: 'No new comparison since the last issue.',
      });
    });

    test('fault 12: a reader who unsubscribes before their batch is claimed gets nothing', async () => {
      await addReaders(3);
      await gatherAll(app);
      const issue = await approve(app, await draft(app, await slotToCompose(app)));
      const { id } = await app.db
        .selectFrom('subscribers')
        .select('id')
        .orderBy('email')
        .executeTakeFirstOrThrow();
      await prepareOnly(issue);
      await unsubscribe(app.db, id, 'post_button');
      await workOn([app]);
      await reconcile(app);
      expect((await whenSettled(issue)).status).toBe('sent');
      expect((await issueProgress(app.db, issue.id)).excluded).toEqual({ unsubscribed: 1 });
      expect(await acceptedRecipients(dataDir, issue.slug)).toHaveLength(2);
    });

    test('fault 15: the schedule drafts at its lead and sends at its slot, each once', async () => {
      await addReaders(5);
      now = new Date('2026-11-23T07:59:00Z');
      await doSlotDuties(app);
      expect(await findIssue(app.db, { slot: '2026-11-24' })).toBeUndefined();
      now = new Date('2026-11-23T08:00:00Z');
      await doSlotDuties(app);
      await doSlotDuties(app);
      const issue = await findIssue(app.db, { slot: '2026-11-24' });
      expect(issue?.status).toBe('review');
      if (issue === undefined) return;
      await approve(app, issue);
      await workOn([app]);
      await reconcile(app);
      expect((await findIssue(app.db, { id: issue.id }))?.status).toBe('approved');
      now = new Date('2026-11-24T08:00:00Z');
      await Promise.all([reconcile(app), reconcile(app), doSlotDuties(app)]);
      expect((await whenSettled(issue)).status).toBe('sent');
      await reconcile(app);
      expect(await acceptedRecipients(dataDir, issue.slug)).toHaveLength(5);
    });

    test('faults 15, 24: a slot missed by more than twelve hours waits for a person', async () => {
      await addReaders(2);
      now = new Date('2026-11-23T08:00:00Z');
      await doSlotDuties(app);
      const issue = await findIssue(app.db, { slot: '2026-11-24' });
      if (issue === undefined) throw new Error('no draft');
      await approve(app, issue);
      // In time by the clock of this test, which is not the database's.
      await app.db.updateTable('issues').set({ approved_at: now }).where('id', '=', issue.id).execute();
      now = new Date('2026-11-24T20:01:00Z');
      await reconcile(app);
      expect(await findIssue(app.db, { id: issue.id })).toMatchObject({
        status: 'paused',
        resumeTo: 'approved',
      });
      await workOn([app]);
      const paused = await findIssue(app.db, { id: issue.id });
      await send(app, paused ?? issue);
      expect((await whenSettled(issue)).status).toBe('sent');
    });

    test('fault 3: an emptied queue and an interrupted send are repaired from the rows alone', async () => {
      await addReaders(350);
      await gatherAll(app);
      const issue = await approve(app, await draft(app, await slotToCompose(app)));
      await prepareOnly(issue);
      // One batch was claimed and submitted by a worker that died before it could record the response.
      const { id: batchId } = await app.db
        .selectFrom('batches')
        .select('id')
        .orderBy('number')
        .executeTakeFirstOrThrow();
      await app.submit(batchId);
      await app.db
        .updateTable('batches')
        .set({
          status: 'submitting',
          lease_until: new Date(0),
          lease_id: '00000000-0000-4000-8000-000000000000',
        })
        .where('id', '=', batchId)
        .execute();
      await app.db
        .updateTable('deliveries')
        .set({ status: 'prepared' })
        .where('batch_id', '=', batchId)
        .execute();
      await workOn([app]);
      await reconcile(app);
      expect((await whenSettled(issue)).status).toBe('sent');
      const recipients = await acceptedRecipients(dataDir, issue.slug);
      expect(new Set(recipients).size).toBe(350);
      expect(recipients).toHaveLength(350);
    });

    test('a verdict that changed since it was mailed is reported as changed, once', async () => {
      await addReaders(1);
      const earlier = { ...app, config: { ...app.config, sources: [parseSource('folder:samples/earlier')] } };
      await gatherAll(earlier);
      await workOn([app]);
      const first = await approve(app, await draft(app, await slotToCompose(app)));
      await send(app, first);
      await whenSettled(first);
      await gatherAll(app);
      const second = await draft(app, await slotToCompose(app));
      expect(second.plan?.changed).toHaveLength(1);
      expect(second.plan?.changed[0]?.row.mailedIn).toBe(1);
      await send(app, await approve(app, second));
      await whenSettled(second);
      const [extra] = await addExtra(app);
      const third = await draft(app, await slotToCompose(app));
      expect(third.plan?.comparisons.map(({ comparison }) => comparison.slug)).toEqual([extra]);
      expect(third.plan?.changed).toEqual([]);
    });

    test('Y8: a cancelled issue leaves no hole in the numbers that readers see', async () => {
      await addReaders(2);
      await gatherAll(app);
      await workOn([app]);
      const first = await approve(app, await draft(app, await slotToCompose(app)));
      await send(app, first);
      await whenSettled(first);
      now = new Date('2026-11-30T10:00:00Z');
      await addExtra(app);
      const second = await approve(app, await draft(app, await slotToCompose(app)));
      expect(second.number).toBe(2);
      // Its content is frozen and has the number, but nothing was submitted.
      await changeIssue(app.db, second.id, { type: 'prepare' });
      await prepareOnly(second);
      await cancel(app, await requireIssue(app.db, { id: second.id }));
      now = new Date('2026-12-07T10:00:00Z');
      const third = await approve(app, await draft(app, await slotToCompose(app)));
      expect(third).toMatchObject({ slug: '2026-12-08', number: 2 });
      await send(app, third);
      expect((await whenSettled(third)).status).toBe('sent');
      expect((await publishedIssues(app.db, 10)).map(({ number, slug }) => [number, slug])).toEqual([
        [2, '2026-12-08'],
        [1, '2026-11-24'],
      ]);
      expect((await findPublished(app.db, third.slug))?.text).toContain('No. 2 ·');
    });

    test('Y8: an issue that waits keeps no number from the issue that goes out before it', async () => {
      await addReaders(1);
      await gatherAll(app);
      const late = await draft(app, await slotToCompose(app));
      now = new Date('2026-11-30T10:00:00Z');
      await addExtra(app);
      const issue = await approve(app, await draft(app, await slotToCompose(app)));
      expect([late.number, issue.number]).toEqual([1, 2]);
      await workOn([app]);
      await send(app, issue);
      await whenSettled(issue);
      expect((await findPublished(app.db, issue.slug))?.text).toContain('No. 1 ·');
      await reconcile(app);
      expect((await requireIssue(app.db, { id: late.id })).number).toBe(2);
    });

    test('Y8: an issue that was cancelled after somebody got it keeps its number', async () => {
      await addReaders(101);
      await gatherAll(app);
      const issue = await approve(app, await draft(app, await slotToCompose(app)));
      await prepareOnly(issue);
      const { id: batchId } = await app.db.selectFrom('batches').select('id').executeTakeFirstOrThrow();
      await app.submit(batchId);
      await cancel(app, await requireIssue(app.db, { id: issue.id }));
      now = new Date('2026-11-30T10:00:00Z');
      await addExtra(app);
      expect((await draft(app, await slotToCompose(app))).number).toBe(2);
    });

    /** One more comparison, so that there is a third week. */
    async function addExtra(app: App): Promise<string[]> {
      const folder = path.join(dataDir, 'extra');
      await mkdir(folder);
      const sample = JSON.parse(await readFile('samples/earlier/hemstitch-vs-nightjar.json', 'utf8'));
      const [a, b] = sample.tools;
      const comparison = {
        ...sample,
        slug: 'one-vs-two',
        url: 'https://comparisons.example/one-vs-two',
        tools: [
          { ...a, name: 'One' },
          { ...b, name: 'Two' },
        ],
      };
      await writeFile(path.join(folder, 'extra.json'), JSON.stringify(comparison));
      await gatherAll({ ...app, config: { ...app.config, sources: [parseSource(`folder:${folder}`)] } });
      return ['one-vs-two'];
    }
  });
}
