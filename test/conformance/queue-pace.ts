import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { contracts, type Payload } from '../../src/platform/queue/contracts.ts';
import { RateLimitedError } from '../../src/platform/queue/job-queue.ts';
import { PAYLOADS, POLL, type QueueBench } from '../helpers/queues.ts';

/** The rate of a queue: paused, limited, with a concurrency, and stopped with its worker. */
export function describePace(bench: QueueBench): void {
  describe('a paused queue', () => {
    const HELD_MS = 700;

    it('stops in every process, loses no attempt, and continues where it stopped', async () => {
      const { queue } = bench;
      await using other = await bench.open();
      const jobs = Array.from({ length: 4 }, () => ({ batchId: randomUUID() }));
      const [first] = jobs;
      let heldAt = 0;
      const starts: { batchId: string; after: number }[] = [];
      const submit = async ({ batchId }: Payload<'submit'>) => {
        if (heldAt === 0) {
          heldAt = Date.now();
          throw new RateLimitedError(HELD_MS);
        }
        starts.push({ batchId, after: Date.now() - heldAt });
        if (batchId === first?.batchId) throw new Error('fails from now on');
      };
      await queue.enqueue('submit', first as { batchId: string });
      await bench.work(queue, { submit });
      // A worker that starts, and jobs that arrive, while the queue is paused: only the queue can tell them. (On a very
      // busy machine, they run when the pause is over.)
      const isHeld = async () => (await bench.look('delivery', (raw) => raw.getRateLimitTtl())) > 0;
      const isOver = () => heldAt > 0 && Date.now() - heldAt > HELD_MS;
      await expect.poll(async () => (await isHeld()) || isOver(), POLL).toBe(true);
      await bench.work(other, { submit });
      await queue.enqueue('submit', ...jobs.slice(1));

      await expect.poll(() => bench.failures.length, POLL).toBe(contracts.submit.attempts);
      await bench.quiet();
      // A timer may be a millisecond early.
      expect(Math.min(...starts.map(({ after }) => after))).toBeGreaterThanOrEqual(HELD_MS - 5);
      const attempts = starts.filter(({ batchId }) => batchId === first?.batchId);
      expect(attempts).toHaveLength(contracts.submit.attempts);
      expect(bench.failures).toHaveLength(contracts.submit.attempts);
      expect(new Set(starts.map(({ batchId }) => batchId))).toEqual(new Set(jobs.map((job) => job.batchId)));
    });

    it('pauses only itself, and lets its workers close', async () => {
      const { queue } = bench;
      const worker = await bench.work(queue, { submit: () => Promise.reject(new RateLimitedError(600_000)) });
      await queue.enqueue('submit', PAYLOADS.submit);
      await expect
        .poll(() => bench.look('delivery', (raw) => raw.getRateLimitTtl()), POLL)
        .toBeGreaterThan(0);
      await queue.enqueue('slot', {});
      await expect.poll(() => bench.done.some((job) => job.name === 'slot'), POLL).toBe(true);
      await worker[Symbol.asyncDispose]();
      expect(bench.failures).toEqual([]);
      expect(await queue.waiting('delivery')).toBe(1);
    });
  });

  describe('a rate limit', () => {
    const PER_SECOND = 25;

    it('applies to all processes together, and the last one set is used', async () => {
      const { queue } = bench;
      await using other = await bench.open();
      const starts: number[] = [];
      const submit = async () => {
        starts.push(performance.now());
      };
      await queue.pace(1_000);
      await queue.pace(PER_SECOND);
      await queue.enqueue('submit', ...Array.from({ length: 20 }, () => ({ batchId: randomUUID() })));
      await bench.work(queue, { submit }, { concurrency: 4 });
      await using _theirs = await bench.work(other, { submit }, { concurrency: 4 });
      await expect.poll(() => starts.length, POLL).toBe(20);
      // In windows of about a tenth of a second; the end of one may overlap the beginning of the next.
      const span = (Math.max(...starts) - Math.min(...starts)) / 1_000;
      expect(20 / span).toBeLessThanOrEqual(PER_SECOND * 1.5);

      // A separate queue: a confirm mail never waits for an issue.
      await queue.enqueue('mail', ...Array.from({ length: 5 }, () => ({ mailId: randomUUID() })));
      await expect.poll(() => bench.done.filter(({ name }) => name === 'mail').length, POLL).toBe(5);
      expect(bench.failures).toEqual([]);
    });

    it('does not end the pause of a queue', async () => {
      const { queue } = bench;
      await queue.pace(PER_SECOND);
      await bench.work(queue, { submit: () => Promise.reject(new RateLimitedError(600_000)) });
      await queue.enqueue('submit', PAYLOADS.submit);
      await expect
        .poll(() => bench.look('delivery', (raw) => raw.getRateLimitTtl()), POLL)
        .toBeGreaterThan(60_000);
      await queue.pace(PER_SECOND * 2);
      expect(await bench.look('delivery', (raw) => raw.getRateLimitTtl())).toBeGreaterThan(60_000);
    });

    it('and the schedulers are restored after Redis was emptied', async () => {
      const { queue } = bench;
      await queue.pace(PER_SECOND);
      await queue.schedule([{ name: 'reconcile', every: 60_000 }]);
      await bench.empty();
      await using _again = await bench.open();
      await bench.work(queue);
      const limit = await bench.look('delivery', (raw) => raw.getGlobalRateLimit());
      expect(limit).toMatchObject({ max: 3, duration: 120 });
      const found = await bench.look('issues', (raw) => raw.getJobSchedulers());
      expect(found.map(({ key }) => key)).toEqual(['reconcile']);
    });
  });

  it('fault 2: a stopping worker waits for its running jobs, and starts no other', async () => {
    const { queue } = bench;
    const gate = withResolvers();
    const started = withResolvers();
    const worker = await bench.work(queue, {
      submit: async () => {
        started.resolve();
        await gate.promise;
      },
    });
    await queue.enqueue('submit', { batchId: randomUUID() }, { batchId: randomUUID() });
    await started.promise;
    let stopped = false;
    const stopping = worker[Symbol.asyncDispose]().then(() => {
      stopped = true;
    });
    // If it does anything else instead of waiting, it has had the time to.
    for (let round = 0; round < 20; round += 1) await bench.look('delivery', (raw) => raw.getJobCounts());
    const early = stopped;
    gate.resolve();
    await stopping;
    expect(early).toBe(false);
    expect(bench.done).toHaveLength(1);
    expect(await queue.waiting('delivery')).toBe(1);
    expect(bench.failures).toEqual([]);
  });

  it('runs as many deliveries at once as configured, and no more', async () => {
    const { queue } = bench;
    const gate = withResolvers();
    let busy = 0;
    const submit = async () => {
      busy += 1;
      await gate.promise;
    };
    await bench.work(queue, { submit }, { concurrency: 3 });
    try {
      await queue.enqueue('submit', ...Array.from({ length: 6 }, () => ({ batchId: randomUUID() })));
      // An issue's job does not wait behind them.
      await queue.enqueue('slot', {});
      await expect.poll(() => bench.done.some(({ name }) => name === 'slot'), POLL).toBe(true);
      await expect.poll(() => busy, POLL).toBe(3);
      expect(await queue.waiting('delivery')).toBe(3);
    } finally {
      gate.resolve();
    }
    await bench.quiet();
    expect(busy).toBe(6);
  });
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers(): { promise: Promise<void>; resolve(): void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
