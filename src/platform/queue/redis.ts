import { Redis } from 'ioredis';
import { AppError } from '../errors.ts';

/**
 * A connection for BullMQ. Workers wait while Redis is unavailable (BullMQ requires `maxRetriesPerRequest: null`).
 * @throws AppError `redis-unreachable`, `redis-evicts`.
 */
export async function connectRedis(url: string): Promise<Redis> {
  const redis = new Redis(url, {
    maxRetriesPerRequest: null,
    lazyConnect: true,
    retryStrategy: (attempt) => Math.min(attempt * 200, 5_000),
  });
  // Every command rejects or waits by itself; without a listener ioredis prints to the console.
  redis.on('error', () => {});
  const probe = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
  // `connect` rejects only with "Connection is closed."; the reason comes as an event.
  let reason: unknown;
  probe.on('error', (error) => {
    reason = error;
  });
  try {
    await probe.connect();
    const policy = await probe.config('GET', 'maxmemory-policy').catch(() => undefined);
    // A managed Redis may refuse CONFIG; then the operator must follow the manual.
    if (Array.isArray(policy) && policy[1] !== undefined && policy[1] !== 'noeviction') {
      throw new AppError('redis-evicts', `Redis may throw jobs away: its maxmemory-policy is ${policy[1]}.`, {
        help: 'Start it with --maxmemory-policy noeviction.',
      });
    }
    await redis.connect();
    return redis;
  } catch (error) {
    redis.disconnect();
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
