import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type App, createApp } from '../../src/app/app.ts';
import { examineClocks } from '../../src/app/doctor.ts';
import { saveComparisons } from '../../src/comparisons/comparison-store.ts';
import { loadConfig } from '../../src/config/config.ts';
import { requireIssue } from '../../src/issues/issue-store.ts';
import { openNotices } from '../../src/notices/notice-store.ts';
import { wrongClocks } from '../../src/platform/db/wrong-clock-store.ts';
import { Lifetime } from '../../src/platform/lifetime.ts';
import type { JobQueue, Working } from '../../src/platform/queue/job-queue.ts';
import { addSubscribers } from '../../src/subscribers/subscriber-store.ts';
import { DUTIES, doSlotDuties, reconcile } from '../../src/workflow/duties.ts';
import { thisWorker, watchClock } from '../../src/workflow/watch-clock.ts';
import { approve, draft, slotToCompose } from '../../src/workflow/week.ts';
import { comparison, tool } from '../helpers/compose.ts';
import type { NewDeskDatabase } from '../helpers/desk.ts';
import { temporaryFolder } from '../helpers/locations.ts';
import { Provider } from '../helpers/provider.ts';

const HOUR_MS = 3_600_000;
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** A worker whose clock differs from the database's. */
export function describeClocks(name: string, newDatabase: NewDeskDatabase): void {
  describe(`clocks on ${name}`, () => {
    let lifetime: Lifetime;
    let app: App;
    let id: string;
    /** By how much this machine's clock is ahead. */
    let aheadMs: number;

    /** An approved issue that is due in three hours by the database's time. */
    beforeEach(async () => {
      lifetime = new Lifetime();
      aheadMs = 0;
      const folder = temporaryFolder();
      lifetime.defer(() => folder[Symbol.dispose]());
      const place = await newDatabase(folder.path);
      lifetime.defer(() => place.close());
      const due = new Date(Date.now() + 3 * HOUR_MS);
      const { config, secrets } = loadConfig({
        DATA_DIR: folder.path,
        SECRET_KEY: 'k'.repeat(40),
        POSTAL_ADDRESS: '1 Example Street, Sampleton',
        SCHEDULE: `${DAYS[due.getUTCDay()]} ${due.toISOString().slice(11, 16)}`,
        LOG_LEVEL: 'silent',
        EDITORS: 'chief@desk.example:publisher',
        ...place.env,
      });
      const machineClock = () => Date.now() + aheadMs;
      const opened = lifetime.use(await createApp(config, secrets, { machineClock, mailer: new Provider() }));
      const queue = Object.assign(Object.create(opened.queue) as JobQueue, { enqueue: async () => {} });
      app = { ...opened, queue };
      await sql`update kysely_migration set timestamp = '2026-01-01T00:00:00.000Z'`.execute(app.db);
      const email = 'reader@readers.example';
      const confirmedAt = new Date('2026-01-02T00:00:00Z');
      const reader = {
        email,
        key: email,
        status: 'active' as const,
        topics: [],
        timezone: null,
        confirmedAt,
      };
      await addSubscribers(app.db, [reader], 'test');
      await saveComparisons(app.db, [comparison('a-vs-b', tool('A', 80), tool('B', 20))]);
      const issue = await approve(app, await draft(app, await slotToCompose(app)));
      id = issue.id;
      expect(issue.status).toBe('approved');
    });
    afterEach(async () => {
      await lifetime[Symbol.asyncDispose]();
    });
    const status = async () => (await requireIssue(app.db, { id })).status;
    const isDue = () => sql`update issues set due_at = now() where id = ${id}`.execute(app.db);
    const notices = async () => (await openNotices(app.db)).filter(({ kind }) => kind === 'clock-wrong');

    it('D4: a worker five hours ahead does not start an issue before its slot', async () => {
      aheadMs = 5 * HOUR_MS;
      await app.time.measure();
      expect(Math.abs(app.clock().getTime() - Date.now())).toBeLessThan(60_000);
      await doSlotDuties(app);
      await reconcile(app);
      expect(await status()).toBe('approved');
    });

    it('D4: a clock that jumps after it was compared starts nothing either, and a late one is no reason to wait', async () => {
      aheadMs = 5 * HOUR_MS;
      await DUTIES['start issues that are due'](app);
      expect(await status()).toBe('approved');
      aheadMs = -5 * HOUR_MS;
      await isDue();
      await DUTIES['start issues that are due'](app);
      expect(await status()).toBe('preparing');
    });

    it.each([
      ['five hours ahead', 5 * HOUR_MS, '5 h ahead of'],
      ['an hour and a half behind', -1.5 * HOUR_MS, '1 h 30 min behind'],
    ])(
      'D4: a worker %s says so once, is held, and takes no duty of a slot until it is right',
      async (_, ms, words) => {
        const lines: string[] = [];
        const held: boolean[] = [];
        const working: Working = {
          hold: async (queue, isHeld) => {
            expect(queue).toBe('issues');
            held.push(isHeld);
          },
          async [Symbol.asyncDispose]() {},
        };
        const say = (_context: object, line: string) => void lines.push(line);
        const worker = {
          ...app,
          logger: Object.assign(Object.create(app.logger), { error: say, warn: say }),
        };
        aheadMs = ms;
        await using watch = await watchClock(worker, working);
        await watch.check();
        const about = lines.filter((line) => line.includes('clock of this worker'));
        expect(about).toEqual([
          `the clock of this worker is ${words} the database's: it takes no scheduled work until it is right`,
        ]);
        expect(held).toEqual([true]);
        expect(await notices()).toMatchObject([
          { subject: thisWorker(), message: expect.stringContaining(`${words} the database's`) },
        ]);
        expect(examineClocks(app.time.aheadMs, await wrongClocks(app.db))).toMatchObject([
          { level: 'block', message: expect.stringContaining(words) },
          { level: 'warn', message: expect.stringContaining('this machine') },
        ]);
        await isDue();
        await reconcile(worker);
        expect(await status(), 'a worker with a wrong clock did the duties of a slot').toBe('approved');

        aheadMs = 0;
        await watch.check();
        expect(held).toEqual([true, false]);
        await reconcile(worker);
        expect(await status()).toBe('preparing');
        expect(await notices()).toEqual([]);
        expect(examineClocks(app.time.aheadMs, await wrongClocks(app.db))).toMatchObject([{ level: 'ok' }]);
      },
    );
  });
}
