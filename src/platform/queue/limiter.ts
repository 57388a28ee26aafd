import {
  type RateLimiterAbstract,
  RateLimiterPostgres,
  RateLimiterRedis,
  RateLimiterRes,
} from 'rate-limiter-flexible';
import type { Pool } from '../db/pool.ts';
import { prefixOf, type QueueOwner } from './neighbours.ts';
import { connectCounters } from './redis.ts';

/** At most `points` of something in `seconds`. */
export interface Limit {
  points: number;
  seconds: number;
}

/** Counts requests, for all processes together. */
export interface Limiter extends AsyncDisposable {
  /**
   * Counts one for `key` against each of `limits`, and stops at the first that is exceeded.
   * @returns ms until the limit allows another; 0 when it was allowed.
   */
  consume(key: string, limits: readonly Limit[]): Promise<number>;
}

/**
 * Counts in Redis, if there is one, and in the database when there is none or it does not respond: counting then starts
 * again at zero there, but the limits still apply.
 */
export function openLimiter({
  redisUrl,
  owner,
  pool,
}: {
  redisUrl: string | undefined;
  owner: QueueOwner;
  pool: Pool;
}): Limiter {
  const redis = redisUrl === undefined ? undefined : connectCounters(redisUrl);
  // Without statement names: the embedded database is one session, which accepts a name only once.
  const storeClient = {
    query: ({ text, values }: { text: string; values: unknown[] }) => pool.query(text, values),
  };
  const limiters = new Map<string, RateLimiterAbstract>();
  const limiterOf = ({ points, seconds }: Limit): RateLimiterAbstract => {
    const name = `${points}/${seconds}s`;
    const known = limiters.get(name);
    if (known !== undefined) return known;
    const limit = { points, duration: seconds, keyPrefix: `${prefixOf(owner)}:limit:${name}` };
    const inDatabase = new RateLimiterPostgres({
      ...limit,
      storeClient,
      storeType: 'pool',
      schemaName: 'public',
      tableName: 'rate_limits',
      // A migration creates the table, and reconcile deletes expired rows.
      tableCreated: true,
      clearExpiredByTimeout: false,
    });
    const made = redis
      ? new RateLimiterRedis({
          ...limit,
          storeClient: redis,
          rejectIfRedisNotReady: true,
          insuranceLimiter: inDatabase,
        })
      : inDatabase;
    limiters.set(name, made);
    return made;
  };
  return {
    async consume(key, limits) {
      for (const limit of limits) {
        try {
          await limiterOf(limit).consume(key);
        } catch (refusal) {
          // The library throws its refusals like errors; a database failure is an error.
          if (!(refusal instanceof RateLimiterRes)) throw refusal;
          return Math.max(1, refusal.msBeforeNext);
        }
      }
      return 0;
    },
    async [Symbol.asyncDispose]() {
      redis?.disconnect();
    },
  };
}
