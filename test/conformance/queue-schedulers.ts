import { describe, expect, it, vi } from 'vitest';
import type { QueueName } from '../../src/platform/queue/contracts.ts';
import { POLL, type QueueBench } from '../helpers/queues.ts';

/** Recurring jobs, and when they run. */
export function describeSchedulers(bench: QueueBench): void {
  describe('schedulers', () => {
    const names = (at: QueueName) =>
      bench.look(at, async (raw) =>
        (await raw.getJobSchedulers()).map(({ key, name: job, every, pattern, tz }) => ({
          key,
          job,
          ...(every ? { every: Number(every) } : { pattern, tz }),
        })),
      );

    it('are created once, however often and from whichever process', async () => {
      const { queue } = bench;
      const wanted = [
        { name: 'slot', pattern: '0 9 * * 2', timezone: 'Europe/Berlin' },
        { name: 'reconcile', every: 60_000 },
      ] as const;
      await using other = await bench.open();
      await Promise.all([queue.schedule([...wanted]), other.schedule([...wanted])]);
      await queue.schedule([...wanted]);
      const made = [
        { key: 'slot', job: 'slot', pattern: '0 9 * * 2', tz: 'Europe/Berlin' },
        { key: 'reconcile', job: 'reconcile', every: 60_000 },
      ];
      const found = await names('issues');
      expect(found).toHaveLength(2);
      expect(found).toEqual(expect.arrayContaining(made));
      const jobs = await bench.look('issues', (raw) => raw.getJobs(['waiting', 'delayed', 'prioritized']));
      // One that fires at once may run for either caller; a second run changes nothing.
      expect(new Set(jobs.map((job) => job.name))).toEqual(new Set(['reconcile', 'slot']));
    });

    it('are replaced by the ones that are requested now', async () => {
      const { queue } = bench;
      await queue.schedule([
        { name: 'slot', pattern: '0 9 * * 2', timezone: 'UTC' },
        { name: 'reconcile', every: 60_000 },
      ]);
      await queue.schedule([{ name: 'slot', pattern: '30 7 * * 5', timezone: 'Asia/Tokyo' }]);
      expect(await names('issues')).toEqual([
        { key: 'slot', job: 'slot', pattern: '30 7 * * 5', tz: 'Asia/Tokyo' },
      ]);
      const jobs = await bench.look('issues', (raw) => raw.getJobs(['waiting', 'delayed', 'prioritized']));
      expect(jobs.filter((job) => job.name === 'slot')).toHaveLength(1);
    });

    const nextRuns = () =>
      bench.look('issues', async (raw) =>
        Object.fromEntries((await raw.getJobSchedulers()).map(({ key, next }) => [key, next ?? 0])),
      );

    it('D4: a next run that a worker with a wrong clock put hours ahead is put right at a start, and by any worker', async () => {
      const WEEK = 7 * 24 * 3_600_000;
      const slotIn = (ms: number) => {
        const at = new Date(Date.now() + ms);
        return `${at.getUTCMinutes()} ${at.getUTCHours()} * * ${at.getUTCDay()}`;
      };
      const wanted = [
        { name: 'slot', pattern: slotIn(3 * 3_600_000), timezone: 'UTC', longestMs: WEEK },
        { name: 'reconcile', every: 60_000 },
      ] as const;
      const now = Date.now();
      /** What a worker leaves whose clock is five hours ahead. */
      const spoil = () =>
        bench.look('issues', async (raw) => {
          for (const { key } of await raw.getJobSchedulers()) await raw.removeJobScheduler(key);
          const spy = vi.spyOn(Date, 'now').mockReturnValue(now + 5 * 3_600_000);
          try {
            const [{ name: slot, pattern, timezone }, { name: reconcile, every }] = wanted;
            await raw.upsertJobScheduler(slot, { pattern, tz: timezone }, { name: slot, data: {} });
            await raw.upsertJobScheduler(
              reconcile,
              { every, startDate: now + 5 * 3_600_000 },
              { name: reconcile, data: {} },
            );
          } finally {
            spy.mockRestore();
          }
        });
      const expectRight = async (next: Record<string, number>) => {
        expect(next.reconcile, 'reconcile is due too late').toBeLessThanOrEqual(Date.now() + 2 * 60_000);
        expect(next.slot, 'the slot would be missed').toBeLessThanOrEqual(now + 3 * 3_600_000);
      };
      await spoil();
      expect((await nextRuns()).reconcile).toBeGreaterThan(now + 4 * 3_600_000);
      expect((await nextRuns()).slot).toBeGreaterThan(now + WEEK);

      await bench.queue.schedule([...wanted]);
      await expectRight(await nextRuns());

      await spoil();
      await bench.work(bench.queue);
      await expectRight(await nextRuns());
    });

    it('D4: a process whose own clock is wrong leaves the schedulers alone', async () => {
      await bench.queue.schedule([{ name: 'reconcile', every: 3_600_000 }]);
      const before = await nextRuns();
      await using other = await bench.open();
      const now = Date.now();
      const spy = vi.spyOn(Date, 'now').mockReturnValue(now + 5 * 3_600_000);
      try {
        await other.schedule([{ name: 'reconcile', every: 3_600_000 }]);
      } finally {
        spy.mockRestore();
      }
      expect(await nextRuns()).toEqual(before);
    });

    it('D4: a worker that is held takes no job of that queue until it is let go', async () => {
      const { queue } = bench;
      const worker = await bench.work(queue);
      await worker.hold('issues', true);
      await queue.enqueue('gather', {});
      await queue.enqueue('sign_up', {});
      await expect.poll(() => bench.done.map(({ name }) => name), POLL).toEqual(['sign_up']);
      expect(await queue.waiting('issues')).toBe(1);
      await worker.hold('issues', false);
      await expect.poll(() => bench.done.map(({ name }) => name), POLL).toEqual(['sign_up', 'gather']);
    });

    it('run again and again, with an empty payload and one attempt', async () => {
      const { queue } = bench;
      await bench.work(queue, { reconcile: () => Promise.reject(new Error('busy')) });
      await queue.schedule([{ name: 'reconcile', every: 60 }]);
      await expect.poll(() => bench.done.length, POLL).toBeGreaterThanOrEqual(3);
      await queue.schedule([]);
      expect(new Set(bench.done.map((job) => JSON.stringify(job)))).toEqual(
        new Set(['{"name":"reconcile","payload":{}}']),
      );
      expect(bench.failures.every(({ final }) => final)).toBe(true);
    });
  });
}
