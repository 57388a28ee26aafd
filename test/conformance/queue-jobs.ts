import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/platform/errors.ts';
import { contracts, type JobName } from '../../src/platform/queue/contracts.ts';
import { NAMES, PAYLOADS, POLL, type QueueBench } from '../helpers/queues.ts';

const BAD: [JobName, unknown][] = [
  ...NAMES.flatMap((name): [JobName, unknown][] => [
    [name, null],
    [name, 'text'],
    [name, undefined],
  ]),
  ['prepare', {}],
  ['prepare', { issueId: 'not-a-uuid' }],
  ['submit', { batchId: 7 }],
  ['submit', { issueId: randomUUID() }],
];

/** Which jobs are accepted, and how often each runs and is retried. */
export function describeJobs(bench: QueueBench): void {
  describe('payloads', () => {
    it.each(BAD)('of %s are validated before they are queued: %j', async (job, payload) => {
      const { queue } = bench;
      await expect(queue.enqueue(job, payload as never)).rejects.toThrow();
      await expect(queue.enqueue(job, PAYLOADS[job] as never, payload as never)).rejects.toThrow();
      expect(await queue.waiting(contracts[job].queue)).toBe(0);
    });

    it('are validated again by the worker, and an invalid one is not retried', async () => {
      const { queue } = bench;
      await bench.look('delivery', (raw) =>
        raw.addBulk([
          { name: 'submit', data: { batchId: 'from an older release' }, opts: { attempts: 5 } },
          { name: 'unheard-of', data: {}, opts: { attempts: 5 } },
        ]),
      );
      await bench.work(queue);
      await expect.poll(() => bench.failures.length, POLL).toBe(2);
      await bench.quiet();
      expect(bench.failures.toSorted((a, b) => a.job.localeCompare(b.job))).toMatchObject([
        { job: 'submit', attempt: 1, final: true },
        { job: 'unheard-of', attempt: 1, final: true },
      ]);
      expect(bench.done).toEqual([]);
    });

    it('reach the worker unchanged', async () => {
      const { queue } = bench;
      await bench.work(queue);
      for (const job of NAMES) await queue.enqueue(job, PAYLOADS[job] as never);
      await expect.poll(() => bench.done.length, POLL).toBe(NAMES.length);
      for (const job of NAMES) expect(bench.done).toContainEqual({ name: job, payload: PAYLOADS[job] });
      expect(bench.failures).toEqual([]);
    });
  });

  it('the age of the oldest waiting job is that of the first one that waits', async () => {
    const { queue } = bench;
    expect(await queue.oldestWaitingMs('delivery')).toBeNull();
    const hourAgo = Date.now() - 3_600_000;
    await bench.look('delivery', async (raw) => {
      await raw.add('submit', PAYLOADS.submit, { timestamp: hourAgo });
      await raw.add('submit', PAYLOADS.submit, { timestamp: hourAgo + 1_800_000 });
      await raw.add('submit', PAYLOADS.submit, { timestamp: hourAgo - 3_600_000, delay: 7_200_000 });
    });
    const age = (await queue.oldestWaitingMs('delivery')) ?? 0;
    expect(age).toBeGreaterThanOrEqual(3_600_000);
    expect(age).toBeLessThan(5_400_000);
    expect(await queue.oldestWaitingMs('issues')).toBeNull();
  });

  it('enqueued many times, a once-only job runs once and waits at most once', async () => {
    const { queue } = bench;
    for (let time = 0; time < 5; time += 1) await queue.enqueue('events', {});
    expect(await queue.waiting('issues')).toBe(1);
    const doors: (() => void)[] = [];
    await bench.work(queue, {
      events: () => new Promise<void>((resolve) => doors.push(resolve)),
    });
    await expect.poll(() => doors.length, POLL).toBe(1);
    for (let time = 0; time < 5; time += 1) await queue.enqueue('events', {});
    doors[0]?.();
    await expect.poll(() => doors.length, POLL).toBe(2);
    doors[1]?.();
    await bench.quiet();
    expect(bench.done).toHaveLength(2);
    await queue.enqueue('events', {});
    await expect.poll(() => doors.length, POLL).toBe(3);
    doors[2]?.();
    await bench.quiet();
  });

  it('runs jobs that were enqueued without a worker, in order, many at once', async () => {
    const { queue } = bench;
    const before = await bench.open();
    const batches = Array.from({ length: 1_203 }, () => ({ batchId: randomUUID() }));
    await before.enqueue('submit', ...batches);
    await before[Symbol.asyncDispose]();
    expect(await queue.waiting('delivery')).toBe(batches.length);
    expect(await queue.waiting('issues')).toBe(0);
    await bench.work(queue);
    await expect.poll(() => bench.done.length, POLL).toBe(batches.length);
    expect(bench.done.map(({ payload }) => payload)).toEqual(batches);
    await bench.quiet();
    expect(await queue.waiting('delivery')).toBe(0);
  });

  it.each(NAMES)('retries a failing %s as often as its contract says', async (job) => {
    const { queue } = bench;
    const { attempts } = contracts[job];
    await bench.work(queue, { [job]: () => Promise.reject(new Error('not today')) });
    await queue.enqueue(job, PAYLOADS[job] as never);
    await expect.poll(() => bench.failures.length, POLL).toBe(attempts);
    await bench.quiet();
    expect(bench.done).toHaveLength(attempts);
    expect(bench.attempts()).toEqual(
      Array.from({ length: attempts }, (_, index) => [index + 1, index + 1 === attempts]),
    );
    expect(bench.failures[0]).toMatchObject({ job, error: { message: 'not today' } });
  });

  it('continues after a failure, and counts the attempts that were needed', async () => {
    const { queue } = bench;
    let rounds = 0;
    await bench.work(queue, {
      submit: async () => {
        rounds += 1;
        if (rounds < 3) throw new Error('not yet');
      },
    });
    await queue.enqueue('submit', PAYLOADS.submit);
    await expect.poll(() => rounds, POLL).toBe(3);
    await bench.quiet();
    await expect.poll(() => bench.failures.length, POLL).toBe(2);
    expect(bench.failures.map(({ final }) => final)).toEqual([false, false]);
  });

  it('does not retry a failure that a person must fix', async () => {
    const { queue } = bench;
    const fault = new AppError('postal-address-missing', 'No address.', { help: 'Set it.' });
    await bench.work(queue, { prepare: () => Promise.reject(fault) });
    await queue.enqueue('prepare', PAYLOADS.prepare);
    await expect.poll(() => bench.failures.length, POLL).toBe(1);
    await bench.quiet();
    expect(bench.done).toHaveLength(1);
    expect(bench.failures).toMatchObject([{ attempt: 1, final: true, error: { message: 'No address.' } }]);
  });
}
