import {
  type RateLimiterAbstract,
  RateLimiterPostgres,
  RateLimiterRedis,
  RateLimiterRes,
} from 'rate-limiter-flexible';
import type { Pool } from '../db/pool.ts';
import { connectCounters } from './redis.ts';

/** So many of something in so many seconds. */
export interface Limit {
  points: number;
  seconds: number;
}

/** Counts requests, for all processes together. */
export interface Limiter extends AsyncDisposable {
  /**
   * Counts one for `key` against each of `limits`, the first that is exceeded ends it.
   * @returns ms until there is room again; 0 when there is.
   */
  consume(key: string, limits: readonly Limit[]): Promise<number>;
}

/**
 * Counts in Redis where there is one, and in the database where there is none or it does not answer: then
 * counting begins anew there, and a limit is still a limit.
 */
export function openLimiter({ redisUrl, pool }: { redisUrl: string | undefined; pool: Pool }): Limiter {
  const redis = redisUrl === undefined ? undefined : connectCounters(redisUrl);
  // Without the names of its statements: the embedded database is one session, in which a name is taken once.
  const storeClient = {
    query: ({ text, values }: { text: string; values: unknown[] }) => pool.query(text, values),
  };
  const limiters = new Map<string, RateLimiterAbstract>();
  const limiterOf = ({ points, seconds }: Limit): RateLimiterAbstract => {
    const name = `${points}/${seconds}s`;
    const known = limiters.get(name);
    if (known !== undefined) return known;
    const limit = { points, duration: seconds, keyPrefix: `weekly-verdict:limit:${name}` };
    const inDatabase = new RateLimiterPostgres({
      ...limit,
      storeClient,
      storeType: 'pool',
      schemaName: 'public',
      tableName: 'rate_limits',
      // By a migration; and what is over is deleted by reconcile.
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
          // A refusal is thrown like an error; a database that is away is one.
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
