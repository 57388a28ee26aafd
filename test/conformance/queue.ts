import { randomUUID } from 'node:crypto';
import type { Queue } from 'bullmq';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/errors.ts';
import {
  contracts,
  HoldQueue,
  type JobName,
  type JobQueue,
  openQueue,
  type Payload,
  type Processors,
  QUEUE_NAMES,
  type QueueName,
} from '../../src/queue/index.ts';

/** Where queues live, for one file of tests. */
export interface QueueHome extends AsyncDisposable {
  /** What `openQueue` takes. */
  home: Parameters<typeof openQueue>[0];
  /** BullMQ's own view, to put in what nobody may put in and to look at what is there. Closed by the caller. */
  raw(name: QueueName): Queue;
  /** Forgets every job. */
  empty(): Promise<void>;
}

type Failure = { job: string; attempt: number; final: boolean; error: Error };

/** What a worker of the tests does with each job, and what came of it. */
class Bench implements AsyncDisposable {
  readonly done: { name: JobName; payload: unknown }[] = [];
  readonly failures: Failure[] = [];
  readonly #workers: AsyncDisposable[] = [];

  async work(
    queue: JobQueue,
    does: Partial<Processors> = {},
    options: { concurrency?: number } = {},
  ): Promise<AsyncDisposable> {
    const processors = Object.fromEntries(
      NAMES.map((name) => [
        name,
        async (payload: never) => {
          this.done.push({ name, payload });
          await does[name]?.(payload);
        },
      ]),
    ) as Processors;
    const worker = await queue.work(processors, {
      concurrency: options.concurrency ?? 1,
      onFailure: (failure) => this.failures.push(failure),
    });
    this.#workers.push(worker);
    return worker;
  }

  /** By number: the next attempt may be over before word of the last one comes. */
  attempts(): [attempt: number, final: boolean][] {
    return this.failures
      .toSorted((a, b) => a.attempt - b.attempt)
      .map(({ attempt, final }) => [attempt, final]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers) await worker[Symbol.asyncDispose]();
  }
}

const NAMES = Object.keys(contracts) as JobName[];

const PAYLOADS: { [Name in JobName]: Payload<Name> } = {
  slot: {},
  gather: {},
  sign_up: {},
  reconcile: {},
  prepare: { issueId: randomUUID() },
  submit: { batchId: randomUUID() },
  mail: { mailId: randomUUID() },
  events: {},
};

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

/** The same rules for jobs, whichever home they have. */
export function describeQueue(name: string, newHome: () => Promise<QueueHome>): void {
  describe(name, () => {
    let home: QueueHome;
    let queue: JobQueue;
    let bench: Bench;
    const disturbances: Error[] = [];
    const open = () => openQueue(home.home, (error) => disturbances.push(error));
    const backoffs = NAMES.map((job) => [job, contracts[job].backoffMs] as const);

    beforeAll(async () => {
      home = await newHome();
      // The number of attempts is what is tested; how long BullMQ waits between them would only take time.
      for (const job of NAMES) Object.assign(contracts[job], { backoffMs: 1 });
    });
    beforeEach(async () => {
      await home.empty();
      queue = await open();
      bench = new Bench();
    });
    afterEach(async () => {
      await bench?.[Symbol.asyncDispose]();
      await queue?.[Symbol.asyncDispose]();
    });
    afterAll(async () => {
      for (const [job, backoffMs] of backoffs) Object.assign(contracts[job], { backoffMs });
      const disturbed = new Set(disturbances.map(({ message }) => message));
      await home?.[Symbol.asyncDispose]();
      expect([...disturbed]).toEqual([]);
    });

    /** Looks at a queue the way BullMQ does. */
    const look = async <T>(at: QueueName, what: (queue: Queue) => Promise<T>): Promise<T> => {
      const raw = home.raw(at);
      try {
        return await what(raw);
      } finally {
        await raw.close();
      }
    };
    const nothingLeft = async () => {
      for (const each of QUEUE_NAMES) {
        const counts = await look(each, (raw) =>
          raw.getJobCounts('waiting', 'active', 'delayed', 'prioritized'),
        );
        if (Object.values(counts).some((count) => count > 0)) return false;
      }
      return true;
    };
    const quiet = () => expect.poll(nothingLeft, POLL).toBe(true);

    describe('payloads', () => {
      it.each(BAD)('of %s are looked at before they are queued: %j', async (job, payload) => {
        await expect(queue.enqueue(job, payload as never)).rejects.toThrow();
        await expect(queue.enqueue(job, PAYLOADS[job] as never, payload as never)).rejects.toThrow();
        expect(await queue.waiting(contracts[job].queue)).toBe(0);
      });

      it('are looked at again by whoever works, and a bad one is nobody’s second attempt', async () => {
        await look('delivery', (raw) =>
          raw.addBulk([
            { name: 'submit', data: { batchId: 'from an older release' }, opts: { attempts: 5 } },
            { name: 'unheard-of', data: {}, opts: { attempts: 5 } },
          ]),
        );
        await bench.work(queue);
        await expect.poll(() => bench.failures.length, POLL).toBe(2);
        await quiet();
        expect(bench.failures.toSorted((a, b) => a.job.localeCompare(b.job))).toMatchObject([
          { job: 'submit', attempt: 1, final: true },
          { job: 'unheard-of', attempt: 1, final: true },
        ]);
        expect(bench.done).toEqual([]);
      });

      it('reach the worker as they were', async () => {
        await bench.work(queue);
        for (const job of NAMES) await queue.enqueue(job, PAYLOADS[job] as never);
        await expect.poll(() => bench.done.length, POLL).toBe(NAMES.length);
        for (const job of NAMES) expect(bench.done).toContainEqual({ name: job, payload: PAYLOADS[job] });
        expect(bench.failures).toEqual([]);
      });
    });

    it('rung for many times, has one job at work and one behind it, where once is enough', async () => {
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
      await quiet();
      expect(bench.done).toHaveLength(2);
      await queue.enqueue('events', {});
      await expect.poll(() => doors.length, POLL).toBe(3);
      doors[2]?.();
      await quiet();
    });

    it('does what was enqueued while nobody worked, in order, many at once', async () => {
      const before = await open();
      const batches = Array.from({ length: 1_203 }, () => ({ batchId: randomUUID() }));
      await before.enqueue('submit', ...batches);
      await before[Symbol.asyncDispose]();
      expect(await queue.waiting('delivery')).toBe(batches.length);
      expect(await queue.waiting('issues')).toBe(0);
      await bench.work(queue);
      await expect.poll(() => bench.done.length, POLL).toBe(batches.length);
      expect(bench.done.map(({ payload }) => payload)).toEqual(batches);
      await quiet();
      expect(await queue.waiting('delivery')).toBe(0);
    });

    it.each(NAMES)('tries a failing %s as often as its contract says', async (job) => {
      const { attempts } = contracts[job];
      await bench.work(queue, { [job]: () => Promise.reject(new Error('not today')) });
      await queue.enqueue(job, PAYLOADS[job] as never);
      await expect.poll(() => bench.failures.length, POLL).toBe(attempts);
      await quiet();
      expect(bench.done).toHaveLength(attempts);
      expect(bench.attempts()).toEqual(
        Array.from({ length: attempts }, (_, index) => [index + 1, index + 1 === attempts]),
      );
      expect(bench.failures[0]).toMatchObject({ job, error: { message: 'not today' } });
    });

    it('goes on after a failure, and counts the attempts that helped', async () => {
      let rounds = 0;
      await bench.work(queue, {
        submit: async () => {
          rounds += 1;
          if (rounds < 3) throw new Error('not yet');
        },
      });
      await queue.enqueue('submit', PAYLOADS.submit);
      await expect.poll(() => rounds, POLL).toBe(3);
      await quiet();
      await expect.poll(() => bench.failures.length, POLL).toBe(2);
      expect(bench.failures.map(({ final }) => final)).toEqual([false, false]);
    });

    it('does not repeat what a person must mend', async () => {
      const fault = new AppError('postal-address-missing', 'No address.', { help: 'Set it.' });
      await bench.work(queue, { prepare: () => Promise.reject(fault) });
      await queue.enqueue('prepare', PAYLOADS.prepare);
      await expect.poll(() => bench.failures.length, POLL).toBe(1);
      await quiet();
      expect(bench.done).toHaveLength(1);
      expect(bench.failures).toMatchObject([{ attempt: 1, final: true, error: { message: 'No address.' } }]);
    });

    describe('a held queue', () => {
      const HELD_MS = 700;

      it('stands still in every process, loses no attempt, and goes on where it was', async () => {
        await using other = await open();
        const jobs = Array.from({ length: 4 }, () => ({ batchId: randomUUID() }));
        const [first] = jobs;
        let heldAt = 0;
        const starts: { batchId: string; after: number }[] = [];
        const submit = async ({ batchId }: Payload<'submit'>) => {
          if (heldAt === 0) {
            heldAt = Date.now();
            throw new HoldQueue(HELD_MS);
          }
          starts.push({ batchId, after: Date.now() - heldAt });
          if (batchId === first?.batchId) throw new Error('fails from now on');
        };
        await queue.enqueue('submit', first as { batchId: string });
        await bench.work(queue, { submit });
        // A worker that starts, and jobs that come, while the queue is held: nobody told them but the queue. (On a
        // machine so busy that nobody looked in time, they come when it is over.)
        const isHeld = async () => (await look('delivery', (raw) => raw.getRateLimitTtl())) > 0;
        const isOver = () => heldAt > 0 && Date.now() - heldAt > HELD_MS;
        await expect.poll(async () => (await isHeld()) || isOver(), POLL).toBe(true);
        await bench.work(other, { submit });
        await queue.enqueue('submit', ...jobs.slice(1));

        await expect.poll(() => bench.failures.length, POLL).toBe(contracts.submit.attempts);
        await quiet();
        // A timer may be a millisecond early.
        expect(Math.min(...starts.map(({ after }) => after))).toBeGreaterThanOrEqual(HELD_MS - 5);
        const attempts = starts.filter(({ batchId }) => batchId === first?.batchId);
        expect(attempts).toHaveLength(contracts.submit.attempts);
        expect(bench.failures).toHaveLength(contracts.submit.attempts);
        expect(new Set(starts.map(({ batchId }) => batchId))).toEqual(
          new Set(jobs.map((job) => job.batchId)),
        );
      });

      it('holds only itself, and lets its workers go home', async () => {
        const worker = await bench.work(queue, { submit: () => Promise.reject(new HoldQueue(600_000)) });
        await queue.enqueue('submit', PAYLOADS.submit);
        await expect.poll(() => look('delivery', (raw) => raw.getRateLimitTtl()), POLL).toBeGreaterThan(0);
        await queue.enqueue('slot', {});
        await expect.poll(() => bench.done.some((job) => job.name === 'slot'), POLL).toBe(true);
        await worker[Symbol.asyncDispose]();
        expect(bench.failures).toEqual([]);
        expect(await queue.waiting('delivery')).toBe(1);
      });
    });

    describe('a pace', () => {
      const PER_SECOND = 25;

      it('is kept by all processes together, and is that of the last who set it', async () => {
        await using other = await open();
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
        // In windows of a tenth of a second or so, each of which may end in the beginning of the next.
        const span = (Math.max(...starts) - Math.min(...starts)) / 1_000;
        expect(20 / span).toBeLessThanOrEqual(PER_SECOND * 1.5);

        // A lane of its own: nobody waits for an issue to be mailed their confirmation.
        await queue.enqueue('mail', ...Array.from({ length: 5 }, () => ({ mailId: randomUUID() })));
        await expect.poll(() => bench.done.filter(({ name }) => name === 'mail').length, POLL).toBe(5);
        expect(bench.failures).toEqual([]);
      });

      it('does not let a held queue go', async () => {
        await queue.pace(PER_SECOND);
        await bench.work(queue, { submit: () => Promise.reject(new HoldQueue(600_000)) });
        await queue.enqueue('submit', PAYLOADS.submit);
        await expect
          .poll(() => look('delivery', (raw) => raw.getRateLimitTtl()), POLL)
          .toBeGreaterThan(60_000);
        await queue.pace(PER_SECOND * 2);
        expect(await look('delivery', (raw) => raw.getRateLimitTtl())).toBeGreaterThan(60_000);
      });

      it('and the schedulers are back when everything was forgotten', async () => {
        await queue.pace(PER_SECOND);
        await queue.schedule([{ name: 'reconcile', every: 60_000 }]);
        await home.empty();
        await using _again = await open();
        await bench.work(queue);
        const limit = await look('delivery', (raw) => raw.getGlobalRateLimit());
        expect(limit).toMatchObject({ max: 3, duration: 120 });
        const found = await look('issues', (raw) => raw.getJobSchedulers());
        expect(found.map(({ key }) => key)).toEqual(['reconcile']);
      });
    });

    describe('schedulers', () => {
      const names = (at: QueueName) =>
        look(at, async (raw) =>
          (await raw.getJobSchedulers()).map(({ key, name: job, every, pattern, tz }) => ({
            key,
            job,
            ...(every ? { every: Number(every) } : { pattern, tz }),
          })),
        );

      it('are made once, however often and from wherever they are asked for', async () => {
        const wanted = [
          { name: 'slot', pattern: '0 9 * * 2', timezone: 'Europe/Berlin' },
          { name: 'reconcile', every: 60_000 },
        ] as const;
        await using other = await open();
        await Promise.all([queue.schedule([...wanted]), other.schedule([...wanted])]);
        await queue.schedule([...wanted]);
        const made = [
          { key: 'slot', job: 'slot', pattern: '0 9 * * 2', tz: 'Europe/Berlin' },
          { key: 'reconcile', job: 'reconcile', every: 60_000 },
        ];
        const found = await names('issues');
        expect(found).toHaveLength(2);
        expect(found).toEqual(expect.arrayContaining(made));
        const jobs = await look('issues', (raw) => raw.getJobs(['waiting', 'delayed', 'prioritized']));
        // One that fires at once may ring for either caller; ringing twice is what a doorbell may do.
        expect(new Set(jobs.map((job) => job.name))).toEqual(new Set(['reconcile', 'slot']));
      });

      it('become exactly what is asked for now', async () => {
        await queue.schedule([
          { name: 'slot', pattern: '0 9 * * 2', timezone: 'UTC' },
          { name: 'reconcile', every: 60_000 },
        ]);
        await queue.schedule([{ name: 'slot', pattern: '30 7 * * 5', timezone: 'Asia/Tokyo' }]);
        expect(await names('issues')).toEqual([
          { key: 'slot', job: 'slot', pattern: '30 7 * * 5', tz: 'Asia/Tokyo' },
        ]);
        const jobs = await look('issues', (raw) => raw.getJobs(['waiting', 'delayed', 'prioritized']));
        expect(jobs.filter((job) => job.name === 'slot')).toHaveLength(1);
      });

      it('ring again and again, with an empty payload and one attempt', async () => {
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

    it('fault 2: waits for the jobs in hand when it stops, and starts no other', async () => {
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
      // Whatever it does instead of waiting, it has had the time to.
      for (let round = 0; round < 20; round += 1) await look('delivery', (raw) => raw.getJobCounts());
      const early = stopped;
      gate.resolve();
      await stopping;
      expect(early).toBe(false);
      expect(bench.done).toHaveLength(1);
      expect(await queue.waiting('delivery')).toBe(1);
      expect(bench.failures).toEqual([]);
    });

    it('fault 1: gives the jobs of a process that is gone to the next at once, when told that it is gone', async () => {
      const gate = withResolvers();
      const begun = withResolvers();
      // What it says when it finds its jobs taken is its own affair.
      await using gone = await openQueue(home.home, () => {});
      await using _worker = await bench.work(gone, {
        submit: () => {
          begun.resolve();
          return gate.promise;
        },
      });
      try {
        await queue.enqueue('submit', PAYLOADS.submit);
        await begun.promise;
        expect(await queue.waiting('delivery')).toBe(0);
        await queue.reclaim();
        expect(await queue.waiting('delivery')).toBe(1);
        await bench.work(queue);
        await expect.poll(() => bench.done.length, POLL).toBe(2);
        await quiet();
      } finally {
        gate.resolve();
      }
      expect(bench.done).toEqual(
        Array.from({ length: 2 }, () => ({ name: 'submit', payload: PAYLOADS.submit })),
      );
      expect(bench.failures).toEqual([]);
    });

    it('works on as many deliveries at once as it is told, and not one more', async () => {
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
      await quiet();
      expect(busy).toBe(6);
    });
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

/** Longer than any test may take: what never comes fails the test, and a busy machine does not. */
const POLL = { timeout: 170_000, interval: 20 };
