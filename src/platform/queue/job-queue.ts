import {
  assertSchemaCompatibility,
  type BackendFactory,
  createPostgresBackend,
  ErrorCode,
  type IQueueBackend,
  type Job,
  LATEST_SCHEMA_VERSION,
  Queue,
  RateLimitError,
  runMigrations,
  SchemaMigrationRequiredError,
  UnrecoverableError,
  Worker,
} from 'bullmq';
import type { Redis } from 'ioredis';
import type { Pool } from '../db/pool.ts';
import { AppError } from '../errors.ts';
import { Lifetime } from '../lifetime.ts';
import { within } from '../within.ts';
import { contracts, type JobName, type Payload, QUEUE_NAMES, type QueueName } from './contracts.ts';
import {
  announceWorker,
  deleteFormerQueues,
  findNeighbours,
  type Neighbour,
  prefixOf,
  type QueueOwner,
} from './neighbours.ts';
import { connectRedis } from './redis.ts';

/** BullMQ's own queue object, for the queue board only. */
export type RawQueue = Queue;

export type Processors = { [Name in JobName]: (payload: Payload<Name>) => Promise<void> };

export interface JobScheduler {
  name: JobName;
  /** Every so many ms, or a cron pattern in an IANA zone. */
  every?: number;
  pattern?: string;
  timezone?: string;
  /** No two runs are further apart than this many ms; needed with a pattern. */
  longestMs?: number;
}

/** BullMQ on one of two backends: Redis, or the program's database. */
export interface JobQueue extends AsyncDisposable {
  /** In the order of {@link QUEUE_NAMES}. */
  readonly raw: readonly RawQueue[];
  enqueue<Name extends JobName>(name: Name, ...payloads: Payload<Name>[]): Promise<void>;
  /** Number of jobs in `queue` that wait for a worker. */
  waiting(queue: QueueName): Promise<number>;
  /** For how long the oldest job in `queue` has waited for a worker, in ms; null: none waits. */
  oldestWaitingMs(queue: QueueName): Promise<number | null>;
  /** Values in Redis, beside the queue; null without one. */
  readonly shared: SharedValues | null;
  /** Others on the same Redis whom a person should know about. */
  neighbours(): Promise<Neighbour[]>;
  /** Writes something that goes away by itself. @throws what the queue says; Error when it says nothing in time. */
  probe(): Promise<void>;
  /** Replaces all schedulers by these; every process may call it at every start. */
  schedule(schedulers: JobScheduler[]): Promise<void>;
  /**
   * Limits how many jobs of `delivery` begin in a second, over all processes, evenly spread; null: no limit except the
   * concurrency. A worker process calls it before it works; the last call applies.
   */
  pace(perSecond: number | null): Promise<void>;
  /**
   * Returns every active job to the queue at once. Call it only when no other process runs, so that all active jobs
   * belong to a dead one. BullMQ itself waits for the lock to expire and for its second check: up to a minute.
   */
  reclaim(): Promise<void>;
  /** Starts working; disposing waits for the running jobs. */
  work(processors: Processors, options: WorkOptions): Promise<Working>;
}

/** Values that all processes share, each with a number that only rises. */
export interface SharedValues {
  read(key: string): Promise<string | null>;
  /** Stores it, unless a value with a higher number is stored. */
  raise(key: string, number: number, value: string): Promise<void>;
}

/** The workers of one process. */
export interface Working extends AsyncDisposable {
  /** While it is held, this process takes no job of `queue`; one that runs is finished first. */
  hold(queue: QueueName, isHeld: boolean): Promise<void>;
}

export interface WorkOptions {
  /** Batches in flight in this process. */
  concurrency: number;
  onFailure(failure: { job: string; attempt: number; final: boolean; error: Error }): void;
  /** A job was done. */
  onSuccess?(job: string): void;
}

/**
 * Thrown by a processor when the provider asks to wait: the queue pauses for `ms` in every process, and the job returns
 * to its head without losing an attempt.
 */
export class RateLimitedError extends Error {
  readonly ms: number;
  constructor(ms: number) {
    super(`the queue waits ${ms} ms`);
    this.ms = ms;
  }
}

/**
 * For `issues`: enough that a slow source does not delay a due issue. For `transactional`: people wait for these mails.
 */
const OTHERS_CONCURRENCY = 4;

/** A Redis, which other installations may use too, or the program's database. */
export type QueueLocation = { redisUrl: string; owner: QueueOwner } | { pool: Pool };

/**
 * Opens the queues.
 * @throws AppError `redis-unreachable`, `redis-evicts`, `queue-needs-rights`.
 */
export async function openQueue(location: QueueLocation, onError: (error: Error) => void): Promise<JobQueue> {
  const lifetime = new Lifetime();
  try {
    const connect = await backend(location, lifetime);
    const queues = new Map<QueueName, Queue>();
    for (const name of QUEUE_NAMES) {
      const queue = connect.queue(name);
      queue.on('error', onError);
      lifetime.defer(() => queue.close());
      await queue.waitUntilReady();
      queues.set(name, queue);
    }
    const queueOf = (name: QueueName) => queues.get(name) as Queue;
    const limits = new Map<QueueName, Limit>(QUEUE_NAMES.map((name) => [name, NEVER_REACHED]));
    const wanted = new Map<string, JobScheduler>();
    /** Whether all that are wanted were updated once. */
    let isScheduled = true;
    const limit = async (name: QueueName) => {
      const { max, duration } = limits.get(name) ?? NEVER_REACHED;
      await queueOf(name).setGlobalRateLimit(max, duration);
    };
    const upsert = async ({ name, every, pattern, timezone }: JobScheduler) => {
      const queue = queueOf(contracts[name].queue);
      const repeat = {
        ...(every === undefined ? {} : { every }),
        ...(pattern === undefined ? {} : { pattern }),
        ...(timezone === undefined ? {} : { tz: timezone }),
      };
      const opts = jobOptions({ ...contracts[name], attempts: 1 });
      await queue.upsertJobScheduler(name, repeat, { name, data: {}, opts }).catch(async (error) => {
        // Another process created it at the same moment, with its first job.
        const made = COLLISIONS.has(error.code) && (await queue.getJobScheduler(name));
        if (!made) throw error;
      });
    };
    /**
     * Creates the schedulers that are missing, and puts right those whose next run is too far ahead: a process with a
     * wrong clock computed it. A process whose own clock is wrong leaves them all alone.
     * @param all updates the others too.
     */
    const maintainSchedulers = async (all: boolean) => {
      const now = await connect.now();
      if (Math.abs(Date.now() - now) > CLOCK_TOLERANCE_MS) return;
      for (const scheduler of wanted.values()) {
        const { name, every, longestMs = every ?? Number.POSITIVE_INFINITY } = scheduler;
        const queue = queueOf(contracts[name].queue);
        const found = await queue.getJobScheduler(name);
        const isTooFarAhead = (found?.next ?? 0) > now + longestMs + CLOCK_TOLERANCE_MS;
        if (isTooFarAhead) await queue.removeJobScheduler(name);
        if (all || !found || isTooFarAhead) await upsert(scheduler);
      }
      isScheduled = true;
    };
    /** A Redis that was emptied has lost limits and schedulers; a worker process restores them. */
    const maintainQueues = async () => {
      await connect.announce();
      for (const name of QUEUE_NAMES) if (!(await queueOf(name).getGlobalRateLimit())) await limit(name);
      await maintainSchedulers(!isScheduled);
    };

    return {
      raw: [...queues.values()],
      shared: connect.shared,
      neighbours: () => connect.neighbours(),
      probe: () => connect.probe(),
      async enqueue(name, ...payloads) {
        const { queue, payload, ...rest } = contracts[name];
        const once = 'once' in rest ? { deduplication: { id: name, keepLastIfActive: true } } : {};
        const opts = { ...jobOptions(rest), ...once };
        for (let at = 0; at < payloads.length; at += 1_000) {
          const chunk = payloads.slice(at, at + 1_000);
          await queueOf(queue).addBulk(chunk.map((data) => ({ name, data: payload.parse(data), opts })));
        }
      },
      waiting: (name) => queueOf(name).getWaitingCount(),
      async oldestWaitingMs(name) {
        // Both backends list the newest first; `asc` would not change that on PostgreSQL.
        const last = (await queueOf(name).getWaitingCount()) - 1;
        const [oldest] = last < 0 ? [] : await queueOf(name).getJobs(['wait'], last, last);
        // A worker may have taken it by now.
        return oldest === undefined ? null : Math.max(0, Date.now() - oldest.timestamp - (oldest.delay ?? 0));
      },
      async schedule(schedulers) {
        for (const name of QUEUE_NAMES) {
          for (const { key } of await queueOf(name).getJobSchedulers()) {
            if (!schedulers.some((scheduler) => scheduler.name === key))
              await queueOf(name).removeJobScheduler(key);
          }
        }
        wanted.clear();
        for (const scheduler of schedulers) wanted.set(scheduler.name, scheduler);
        isScheduled = false;
        await maintainSchedulers(true);
      },
      async pace(perSecond) {
        limits.set('delivery', perSecond === null ? NEVER_REACHED : rateLimit(perSecond));
        await limit('delivery');
      },
      async reclaim() {
        for (const queue of queues.values()) {
          // Without the lock token.
          for (const job of await queue.getActive()) await job.moveToWait();
        }
      },
      async work(processors, options) {
        const working = new Lifetime();
        const workers = new Map<QueueName, PatientWorker>();
        await maintainQueues();
        const maintenance = setInterval(() => maintainQueues().catch(onError), RETENTION_MS);
        working.defer(() => clearInterval(maintenance));
        for (const name of QUEUE_NAMES) {
          const worker = connect.worker(
            name,
            (job) =>
              processJob(job, processors, async (ms) => {
                // Without a limit, workers do not check whether the queue is paused.
                await limit(name);
                await queueOf(name).rateLimit(ms);
              }),
            name === 'delivery' ? options.concurrency : OTHERS_CONCURRENCY,
          );
          workers.set(name, patient(worker));
          worker.on('error', onError);
          worker.on('failed', (job, error) => {
            const attempts = job?.opts.attempts ?? 1;
            const attempt = job?.attemptsMade ?? 1;
            const final = error instanceof UnrecoverableError || attempt >= attempts;
            options.onFailure({ job: job?.name ?? name, attempt, final, error });
          });
          worker.on('completed', (job) => options.onSuccess?.(job.name));
          working.defer(() => worker.close());
        }
        return {
          async hold(name, isHeld) {
            await (workers.get(name) as PatientWorker).hold(isHeld);
          },
          [Symbol.asyncDispose]: () => working[Symbol.asyncDispose](),
        };
      },
      [Symbol.asyncDispose]: () => lifetime[Symbol.asyncDispose](),
    };
  } catch (error) {
    await lifetime[Symbol.asyncDispose]().catch(() => {});
    throw error;
  }
}

/** A worker that was refused by its queue tries again after this long, and then after twice as long each time. */
const BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 30_000;

interface PatientWorker {
  hold(isHeld: boolean): Promise<void>;
}

/**
 * Lets a worker pause after an error of its queue, as of a Redis or a disk that is full: BullMQ itself would ask again at
 * once, a thousand times a second.
 */
function patient(worker: Worker): PatientWorker {
  let backoff = BACKOFF_MS;
  let isWaiting = false;
  let isHeld = false;
  worker.on('active', () => {
    backoff = BACKOFF_MS;
  });
  worker.on('drained', () => {
    backoff = BACKOFF_MS;
  });
  worker.on('error', () => {
    if (isWaiting || isHeld || worker.closing !== undefined) return;
    isWaiting = true;
    void worker.pause(true);
    const timer = setTimeout(() => {
      isWaiting = false;
      // Its own errors are events.
      if (!isHeld && worker.closing === undefined) worker.resume().catch(() => {});
    }, backoff);
    timer.unref();
    backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS);
  });
  return {
    async hold(hold) {
      isHeld = hold;
      if (hold) await worker.pause();
      else if (!isWaiting) await worker.resume();
    },
  };
}

/** How many jobs may begin in how many ms. Stored in the queue, for all processes. */
interface Limit {
  max: number;
  duration: number;
}

/**
 * A limit that is never reached. Without any limit, a worker does not check whether the queue is paused, and {@link
 * RateLimitedError} would only stop the worker that threw it.
 */
const NEVER_REACHED: Limit = { max: 1_000_000_000, duration: 1_000 };

/**
 * Spreads a rate over windows as short as a tenth of a second: neither the provider, whose windows begin at other
 * moments, nor our event loop gets the jobs of a whole second at once.
 */
function rateLimit(perSecond: number): Limit {
  const max = Math.max(1, Math.round(perSecond / 10));
  return { max, duration: Math.ceil((1_000 * max) / perSecond) };
}

/** How long an emptied Redis may lack limits and schedulers. */
const RETENTION_MS = 15_000;

/** How long a probe waits. */
const PROBE_MS = 2_000;

/** A difference between two clocks that does no harm: a job runs that much late. */
const CLOCK_TOLERANCE_MS = 60_000;

const COLLISIONS = new Set<unknown>([ErrorCode.SchedulerJobIdCollision, ErrorCode.SchedulerJobSlotsBusy]);

interface Backend {
  shared: SharedValues | null;
  /** A worker of this process is there. */
  announce(): Promise<void>;
  neighbours(): Promise<Neighbour[]>;
  probe(): Promise<void>;
  /** The time of the server, which all processes share, in ms. */
  now(): Promise<number>;
  queue(name: QueueName): Queue;
  worker(name: QueueName, processor: (job: Job) => Promise<void>, concurrency: number): Worker;
}

async function backend(location: QueueLocation, lifetime: Lifetime): Promise<Backend> {
  if ('redisUrl' in location) {
    const { queues: connection, workers } = await connectRedis(location.redisUrl);
    lifetime.defer(() => connection.disconnect());
    lifetime.defer(() => workers.disconnect());
    const { owner } = location;
    const prefix = prefixOf(owner);
    const now = async () => {
      const [seconds, microseconds] = await connection.time();
      return Number(seconds) * 1_000 + Number(microseconds) / 1_000;
    };
    return {
      shared: sharedValues(connection),
      async announce() {
        await announceWorker(connection, owner, await now());
        await deleteFormerQueues(connection);
      },
      neighbours: async () => findNeighbours(connection, owner, await now()),
      async probe() {
        await within(PROBE_MS, connection.set(`${prefix}:probe`, '1', 'EX', 60)).catch((error) => {
          throw error.name === 'ReplyError' ? error : new Error('Command timed out', { cause: error });
        });
      },
      now,
      queue: (name) => new Queue(name, { connection, prefix }),
      worker: (name, processor, concurrency) =>
        new Worker(name, processor, { connection: workers, prefix, concurrency }),
    };
  }
  // Every BullMQ queue and worker adds an error listener to the pool and never removes it.
  location.pool.setMaxListeners(0);
  await prepareQueueDatabase(location.pool);
  const connection = location.pool as never;
  const { pool } = location;
  const factory = createPostgresBackend as unknown as BackendFactory<IQueueBackend, never>;
  return {
    shared: null,
    announce: async () => {},
    neighbours: async () => [],
    probe: async () => {},
    now: async () => {
      const { rows } = await pool.query('select clock_timestamp() as now');
      return (rows[0] as { now: Date }).now.getTime();
    },
    queue: (name) => new Queue(name, { connection }, factory) as unknown as Queue,
    worker: (name, processor, concurrency) =>
      new Worker(name, processor, { connection, concurrency }, factory) as unknown as Worker,
  };
}

function sharedValues(connection: Redis): SharedValues {
  const name = (key: string) => `weekly-verdict:${key}`;
  return {
    read: async (key) => connection.hget(name(key), 'value'),
    async raise(key, number, value) {
      await connection.eval(
        `if tonumber(redis.call('hget', KEYS[1], 'number') or '-1') < tonumber(ARGV[1]) then
          redis.call('hset', KEYS[1], 'number', ARGV[1], 'value', ARGV[2])
        end`,
        1,
        name(key),
        number,
        value,
      );
    },
  };
}

/**
 * Migrates BullMQ's own tables, and creates what it would otherwise create on first use, which the working role may
 * not.
 * @throws AppError `queue-needs-rights` when they are missing or old, and this role may not create them.
 */
export async function prepareQueueDatabase(pool: Pool): Promise<void> {
  const client = await pool.connect();
  try {
    const version = await assertSchemaCompatibility(client).catch((error) => {
      if (error instanceof SchemaMigrationRequiredError) return 0;
      throw error;
    });
    if (version < LATEST_SCHEMA_VERSION) await runMigrations(client);
    for (const name of QUEUE_NAMES) {
      // Each queue has a sequence for ids, which BullMQ creates with the first id.
      await client.query(
        'select bullmq.next_job_id($1) where to_regclass($2 || bullmq.job_id_seq_name($1)) is null',
        [name, 'bullmq.'],
      );
    }
    const { rows } = await client.query(
      `select has_database_privilege(current_database(), 'temporary') as "mayMakeTemporary"`,
    );
    if (!rows[0]?.mayMakeTemporary) throw new QueueRightsMissing();
  } catch (error) {
    const isRefused = error instanceof QueueRightsMissing || (error as { code?: string }).code === '42501';
    if (!isRefused) throw error;
    throw new AppError(
      'queue-needs-rights',
      'The role of DATABASE_URL may not keep the queue in the database.',
      {
        help: 'Set REDIS_URL; or run `migrate` with MIGRATE_DATABASE_URL and without REDIS_URL, which makes its tables.',
        cause: error,
      },
    );
  } finally {
    client.release();
  }
}

class QueueRightsMissing extends Error {}

/** A finished job is deleted: the ledger has its result. A failed one is kept for inspection. */
function jobOptions(contract: { attempts: number; backoffMs: number }) {
  return {
    attempts: contract.attempts,
    backoff: { type: 'exponential', delay: contract.backoffMs, jitter: 0.5 },
    removeOnComplete: true,
    removeOnFail: { count: 1_000 },
  };
}

async function processJob(
  job: Job,
  processors: Processors,
  hold: (ms: number) => Promise<void>,
): Promise<void> {
  const name = job.name as JobName;
  const contract = contracts[name];
  if (contract === undefined) throw new UnrecoverableError(`Nobody knows a job called ${job.name}.`);
  const payload = contract.payload.safeParse(job.data);
  if (!payload.success) throw new UnrecoverableError(`Bad payload for ${name}: ${payload.error.message}`);
  try {
    await (processors[name] as (payload: unknown) => Promise<void>)(payload.data);
  } catch (error) {
    if (error instanceof RateLimitedError) {
      await hold(error.ms);
      throw new RateLimitError();
    }
    // A fault that a person must fix does not go away between two attempts; BullMQ stops retrying only for this class.
    if (error instanceof AppError) throw new UnrecoverableError(error.message);
    throw error;
  }
}
