import { Redis } from 'ioredis';
import { AppError } from '../errors.ts';
import { within } from '../within.ts';

/** How long a command waits for its answer, also for Redis to come back; BullMQ's workers wait for longer. */
const COMMAND_MS = 10_000;

/**
 * Connections for BullMQ: one for queues, whose commands end in time, and one for workers, which wait while Redis is
 * unavailable or has no job (BullMQ requires `maxRetriesPerRequest: null`).
 * @throws AppError `redis-unreachable`, `redis-evicts`.
 */
export async function connectRedis(url: string): Promise<{ queues: Redis; workers: Redis }> {
  const workers = new Redis(url, {
    maxRetriesPerRequest: null,
    lazyConnect: true,
    retryStrategy: (attempt) => Math.min(attempt * 200, 5_000),
  });
  // Every command rejects or waits by itself; without a listener ioredis prints to the console.
  workers.on('error', () => {});
  const queues = workers.duplicate({ commandTimeout: COMMAND_MS });
  queues.on('error', () => {});
  const probe = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
  // `connect` rejects only with "Connection is closed."; the reason comes as an event.
  let reason: unknown;
  probe.on('error', (error) => {
    reason = error;
  });
  try {
    await within(COMMAND_MS, probe.connect());
    const policy = await probe.config('GET', 'maxmemory-policy').catch(() => undefined);
    // A managed Redis may refuse CONFIG; then the operator must follow the manual.
    if (Array.isArray(policy) && policy[1] !== undefined && policy[1] !== 'noeviction') {
      throw new AppError('redis-evicts', `Redis may throw jobs away: its maxmemory-policy is ${policy[1]}.`, {
        help: 'Start it with --maxmemory-policy noeviction.',
      });
    }
    await Promise.all([workers.connect(), queues.connect()]);
    return { queues, workers };
  } catch (error) {
    for (const redis of [workers, queues]) redis.disconnect();
    if (error instanceof AppError) throw error;
    throw new AppError('redis-unreachable', 'The Redis of REDIS_URL does not answer.', {
      help: `It said: ${messageOf(reason ?? error)}.`,
      cause: reason ?? error,
    });
  } finally {
    probe.disconnect();
  }
}

/**
 * A connection for counters that a request waits for: it must not block the request. While Redis is unavailable a
 * command fails at once, and an unanswered one fails soon.
 */
export function connectCounters(url: string): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 250,
    connectTimeout: 2_000,
    retryStrategy: (attempt) => Math.min(attempt * 200, 2_000),
  });
  redis.on('error', () => {});
  return redis;
}

/** For a host with several addresses, the error of each. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ');
  return error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
}
