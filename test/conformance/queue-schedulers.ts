import { describe, expect, it } from 'vitest';
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
