import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processors } from '../../jobs/all-jobs.ts';
import { type App, createApp } from '../../src/app/app.ts';
import { examineRestored } from '../../src/app/doctor.ts';
import { saveComparisons } from '../../src/comparisons/comparison-store.ts';
import { loadConfig } from '../../src/config/config.ts';
import { findIssue } from '../../src/issues/issue-store.ts';
import { openNotices } from '../../src/notices/notice-store.ts';
import { Lifetime } from '../../src/platform/lifetime.ts';
import type { JobQueue } from '../../src/platform/queue/job-queue.ts';
import { issuesInPreparation } from '../../src/sending/audience/audience-store.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { addSubscribers } from '../../src/subscribers/subscriber-store.ts';
import { reconcile } from '../../src/workflow/duties.ts';
import { approve, draft, resume, slotToCompose } from '../../src/workflow/week.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { temporaryFolder } from '../helpers/locations.ts';
import { Provider } from '../helpers/provider.ts';

const SLUG = '2027-01-05';
const READERS = 150;

/** A database, and the copies of it that a backup makes. */
export interface RestorableDatabase {
  env: Record<string, string>;
  /** Copies the database while nobody uses it. @returns the settings of an installation on the copy. */
  restoreLater(): Promise<() => Promise<Record<string, string>>>;
  close(): Promise<void>;
}

/** The embedded database: its folder in DATA_DIR is copied, and what is beside it is not. */
export function embeddedCopies(dataDir: string): Pick<RestorableDatabase, 'restoreLater'> {
  return {
    async restoreLater() {
      const [database, backup] = [path.join(dataDir, 'db'), path.join(dataDir, 'backup')];
      cpSync(database, backup, { recursive: true });
      return async () => {
        rmSync(database, { recursive: true });
        cpSync(backup, database, { recursive: true });
        return {};
      };
    },
  };
}

/** A database that was restored from a backup. */
export function describeRestoredDatabase(
  name: string,
  newDatabase: (dataDir: string) => Promise<RestorableDatabase>,
): void {
  describe(`a restored database on ${name}`, () => {
    let lifetime: Lifetime;
    let place: RestorableDatabase;
    let folder: string;
    let provider: Provider;
    let now: Date;
    let app: App | undefined;

    const open = async (env: Record<string, string> = place.env): Promise<App> => {
      const { config, secrets } = loadConfig({
        DATA_DIR: folder,
        SECRET_KEY: 'k'.repeat(40),
        POSTAL_ADDRESS: '1 Example Street, Sampleton',
        SCHEDULE: 'Tue 09:00',
        LOG_LEVEL: 'silent',
        ...place.env,
        ...env,
      });
      const opened = await createApp(config, secrets, { clock: () => now, mailer: provider });
      const queue = Object.assign(Object.create(opened.queue) as JobQueue, {
        waiting: async () => 0,
        enqueue: async () => {},
      });
      app = { ...opened, queue };
      return app;
    };
    const close = async () => {
      await app?.[Symbol.asyncDispose]();
      app = undefined;
    };
    /** Does the duties, and every job that follows, but no more than this many batches. */
    const minute = async (worker: App, batches = Number.POSITIVE_INFINITY) => {
      await reconcile(worker);
      const jobs = processors(worker);
      for (const issueId of await issuesInPreparation(worker.db)) await jobs.prepare({ issueId });
      for (const batchId of (await claimableBatches(worker.db)).slice(0, batches))
        await jobs.submit({ batchId });
    };
    const issue = async ({ db }: App) => {
      const found = await findIssue(db, { slug: SLUG });
      if (found === undefined) throw new Error('there is no issue');
      return found;
    };
    const expectEachOnce = () => {
      expect(provider.copies.length, 'readers were mailed twice').toBe(new Set(provider.copies).size);
    };

    beforeEach(async () => {
      lifetime = new Lifetime();
      const temporary = temporaryFolder();
      lifetime.defer(() => temporary[Symbol.dispose]());
      folder = temporary.path;
      place = await newDatabase(folder);
      lifetime.defer(() => place.close());
      provider = new Provider();
      now = new Date('2027-01-04T12:00:00Z');
      const { db } = await open();
      await sql`update kysely_migration set timestamp = '2027-01-02T00:00:00.000Z'`.execute(db);
      const confirmedAt = new Date('2026-12-01T00:00:00Z');
      const emails = Array.from({ length: READERS }, (_, index) => `r${index}@readers.example`);
      await addSubscribers(
        db,
        emails.map((email) => ({
          ...{ email, key: email, status: 'active' as const, topics: [], timezone: null, confirmedAt },
        })),
        'test',
      );
      await saveComparisons(db, [comparison('a-vs-b', tool('A', 80), tool('B', 20))]);
      await approve(app as App, await draft(app as App, await slotToCompose(app as App)));
    });
    afterEach(async () => {
      await close();
      await lifetime[Symbol.asyncDispose]();
    });

    it('D2: an issue that was mailed after the backup is not mailed again, and people read why', async () => {
      await close();
      const restore = await place.restoreLater();
      now = new Date('2027-01-05T09:00:00Z');
      await minute(await open());
      expect(provider.copies).toHaveLength(READERS);
      expect(await issue(app as App)).toMatchObject({ status: 'sent' });
      await close();
      const env = await restore();

      const restored = await open(env);
      for (let minutes = 0; minutes < 3; minutes += 1) await minute(restored);
      expectEachOnce();
      const words =
        /older than what was mailed: it was restored from a backup.*of issue 2027-01-05 \(until 20/;
      expect(await issue(restored)).toMatchObject({
        status: 'paused',
        resumeTo: 'approved',
        reason: expect.stringMatching(words),
      });
      expect(
        (await openNotices(restored.db)).filter(({ kind }) => kind === 'database-restored'),
      ).toMatchObject([{ message: expect.stringMatching(words) }]);
      expect(examineRestored(await restored.mark.check())).toMatchObject([
        { level: 'block', help: expect.stringContaining('verdict reconcile-restore') },
      ]);
      await expect(resume(restored, await issue(restored))).rejects.toMatchObject({
        code: 'database-restored',
      });

      // A person decides; the issue still waits for its own decision, and later backups are noticed again.
      expect(await restored.mark.accept()).toBe(0);
      expect(await restored.mark.check()).toBeNull();
      await minute(restored);
      expect((await openNotices(restored.db)).filter(({ kind }) => kind === 'database-restored')).toEqual([]);
      expect(await issue(restored)).toMatchObject({ status: 'paused' });
      expectEachOnce();
    });

    describe('in the middle of an issue', () => {
      let env: Record<string, string>;
      beforeEach(async () => {
        now = new Date('2027-01-05T09:00:00Z');
        await minute(app as App, 1);
        expect(provider.copies.length).toBeLessThan(READERS);
        await close();
        const restore = await place.restoreLater();
        await minute(await open());
        expect(provider.copies).toHaveLength(READERS);
        await close();
        env = await restore();
      });

      it('D2: it is paused, and after the decision the provider answers for what it remembers', async () => {
        const restored = await open(env);
        await minute(restored);
        expect(await issue(restored)).toMatchObject({ status: 'paused', resumeTo: 'sending' });
        expectEachOnce();
        expect(await restored.mark.accept()).toBe(0);
        await resume(restored, await issue(restored));
        await minute(restored);
        await minute(restored);
        expect(await issue(restored)).toMatchObject({ status: 'sent' });
        expect(provider.copies).toHaveLength(READERS);
        expectEachOnce();
      });

      it('D2: when the provider may have forgotten it, the rest is uncertain and nobody is mailed twice', async () => {
        const before = [...provider.copies];
        // It has no record that can be asked, like Resend.
        provider = Object.assign(new Provider(), { recall: undefined });
        const restored = await open(env);
        await minute(restored);
        await sql`
          update sending_mark set ahead = ahead || jsonb_build_object('at', now() - interval '25 hours')
        `.execute(restored.db);
        expect(await restored.mark.accept()).toBe(1);
        await resume(restored, await issue(restored));
        await minute(restored);
        expect(await issue(restored)).toMatchObject({ status: 'sending' });
        expect(before).toHaveLength(READERS);
        expect(provider.copies).toEqual([]);
      });
    });

    it('D2: a mark that is lost outside of the database is no alarm', async () => {
      now = new Date('2027-01-05T09:00:00Z');
      await minute(app as App, 1);
      await close();
      rmSync(path.join(folder, 'sending-mark'), { recursive: true });
      const moved = await open();
      expect(await moved.mark.check()).toBeNull();
      await minute(moved);
      expect(await issue(moved)).toMatchObject({ status: 'sent' });
      expectEachOnce();
    });

    if (name.includes('Redis'))
      it('D2: Redis alone knows it, where DATA_DIR is lost too', async () => {
        await close();
        const restore = await place.restoreLater();
        now = new Date('2027-01-05T09:00:00Z');
        await minute(await open());
        await close();
        const env = await restore();
        rmSync(path.join(folder, 'sending-mark'), { recursive: true });
        const restored = await open(env);
        await minute(restored);
        expect(await issue(restored)).toMatchObject({ status: 'paused' });
        expectEachOnce();
      });
  });
}
