import { randomUUID } from 'node:crypto';
import { createPostgresBackend, Queue } from 'bullmq';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import {
  contracts,
  type JobName,
  type Payload,
  QUEUE_NAMES,
  type QueueName,
} from '../../src/platform/queue/contracts.ts';
import {
  type JobQueue,
  openQueue,
  type Processors,
  type Working,
} from '../../src/platform/queue/job-queue.ts';
import type { DatabaseLocation } from './locations.ts';

/** The backend of the queues, for one file of tests. */
export interface QueueBackend extends AsyncDisposable {
  /** The arguments of `openQueue`. */
  connection: Parameters<typeof openQueue>[0];
  /** BullMQ's own view, to insert jobs that the program refuses, and to inspect them. The caller closes it. */
  raw(name: QueueName): Queue;
  /** Deletes every job. */
  empty(): Promise<void>;
}

/** Queues in a database of their own, with its pool as the program would use it. */
export async function databaseQueues(newLocation: () => Promise<DatabaseLocation>): Promise<QueueBackend> {
  const location = await newLocation();
  const database = await location.open(30);
  const pool = database.queuePool();
  return {
    connection: { pool },
    raw: (name) =>
      new Queue(name, { connection: pool as never }, createPostgresBackend as never) as unknown as Queue,
    empty: async () => {
      await pool.query('drop schema if exists bullmq cascade');
    },
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]();
      await location[Symbol.asyncDispose]();
    },
  };
}

export const NAMES = Object.keys(contracts) as JobName[];

/** A valid payload for each. */
export const PAYLOADS: { [Name in JobName]: Payload<Name> } = {
  slot: {},
  gather: {},
  sign_up: {},
  reconcile: {},
  prepare: { issueId: randomUUID() },
  submit: { batchId: randomUUID() },
  mail: { mailId: randomUUID() },
  events: {},
  clean_outbox: {},
  retention: {},
};

/** Longer than any test may take: an event that never comes fails the test, and a busy machine does not. */
export const POLL = { timeout: 170_000, interval: 20 };

interface Failure {
  job: string;
  attempt: number;
  final: boolean;
  error: Error;
}

/** A queue for every test of the group, its workers' processors, and their results. */
export interface QueueBench {
  readonly queue: JobQueue;
  readonly done: { name: JobName; payload: unknown }[];
  readonly failures: Failure[];
  /** Another process's connection to the same queue; the caller closes it. */
  open(): Promise<JobQueue>;
  /** Starts a worker, which ends with the test. */
  work(queue: JobQueue, does?: Partial<Processors>, options?: { concurrency?: number }): Promise<Working>;
  /** Failed attempts by number: the next may be over before the event of the last one arrives. */
  attempts(): [attempt: number, final: boolean][];
  /** Inspects a queue like BullMQ. */
  look<T>(at: QueueName, what: (queue: Queue) => Promise<T>): Promise<T>;
  /** Waits until no job is left. */
  quiet(): Promise<void>;
  /** Deletes every job. */
  empty(): Promise<void>;
}

export function benchForAll(newBackend: () => Promise<QueueBackend>): QueueBench {
  let backend: QueueBackend;
  let queue: JobQueue;
  const disturbances: Error[] = [];
  const done: QueueBench['done'] = [];
  const failures: Failure[] = [];
  const workers: AsyncDisposable[] = [];
  const backoffs = NAMES.map((job) => [job, contracts[job].backoffMs] as const);
  const open = () => openQueue(backend.connection, (error) => disturbances.push(error));

  beforeAll(async () => {
    backend = await newBackend();
    // The number of attempts is tested; BullMQ's wait between them would only take time.
    for (const job of NAMES) Object.assign(contracts[job], { backoffMs: 1 });
  });
  beforeEach(async () => {
    await backend.empty();
    queue = await open();
    done.length = 0;
    failures.length = 0;
  });
  afterEach(async () => {
    for (const worker of workers.splice(0)) await worker[Symbol.asyncDispose]();
    await queue?.[Symbol.asyncDispose]();
  });
  afterAll(async () => {
    for (const [job, backoffMs] of backoffs) Object.assign(contracts[job], { backoffMs });
    const disturbed = new Set(disturbances.map(({ message }) => message));
    await backend?.[Symbol.asyncDispose]();
    expect([...disturbed]).toEqual([]);
  });

  const look: QueueBench['look'] = async (at, what) => {
    const raw = backend.raw(at);
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

  return {
    get queue() {
      return queue;
    },
    done,
    failures,
    open,
    look,
    async work(at, does = {}, { concurrency = 1 } = {}) {
      const processors = Object.fromEntries(
        NAMES.map((name) => [
          name,
          async (payload: never) => {
            done.push({ name, payload });
            await does[name]?.(payload);
          },
        ]),
      ) as Processors;
      const worker = await at.work(processors, {
        concurrency,
        onFailure: (failure) => failures.push(failure),
      });
      workers.push(worker);
      return worker;
    },
    attempts: () =>
      failures.toSorted((a, b) => a.attempt - b.attempt).map(({ attempt, final }) => [attempt, final]),
    quiet: () => expect.poll(nothingLeft, POLL).toBe(true),
    empty: () => backend.empty(),
  };
}
