import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { describe, expect, inject, it } from 'vitest';
import { explain } from '../../src/platform/errors.ts';
import { openQueue } from '../../src/platform/queue/job-queue.ts';
import { prefixOf } from '../../src/platform/queue/neighbours.ts';
import { describeQueue } from '../conformance/queue.ts';
import { postgresLocation } from '../helpers/locations.ts';
import { databaseQueues, type QueueBackend } from '../helpers/queues.ts';
import { findRedis, freePort, startRedis } from '../helpers/services.ts';

const OWNER = { installation: 'tests', database: 'queues' };
const { redisUrl, databaseUrl } = { redisUrl: inject('redisUrl'), databaseUrl: inject('databaseUrl') };

describe.skipIf(redisUrl === '')('on Redis', () => {
  describeQueue('BullMQ on Redis', () => redisHome(redisUrl));

  it('fault 3: that evicts keys is refused, with what to do', async (context) => {
    const program = findRedis();
    if (program === null) return context.skip('redis-server not found, and the shared Redis is left alone');
    const service = await startRedis(program);
    const redis = new Redis(service.url);
    try {
      await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
      const error = await openQueue({ redisUrl: service.url, owner: OWNER }, () => {}).catch(
        (reason: unknown) => reason,
      );
      expect(error).toMatchObject({ code: 'redis-evicts' });
      expect(explain(error)).toMatch(/allkeys-lru.*noeviction/);
      await redis.config('SET', 'maxmemory-policy', 'noeviction');
      await (await openQueue({ redisUrl: service.url, owner: OWNER }, () => {}))[Symbol.asyncDispose]();
      // No client is left behind, neither of the refused opener nor of the other.
      await expect
        .poll(
          async () =>
            String(await redis.client('LIST'))
              .trim()
              .split('\n').length,
        )
        .toBe(1);
    } finally {
      redis.disconnect();
      await service.stop();
    }
  });

  it('reports an unreachable server in one line without the password', async () => {
    const url = `redis://:hunter2@127.0.0.1:${await freePort()}`;
    const error = await openQueue({ redisUrl: url, owner: OWNER }, () => {}).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'redis-unreachable' });
    expect(explain(error)).toMatch(/^The Redis of REDIS_URL does not answer\. It said: .+$/);
    expect(explain(error)).toContain('ECONNREFUSED');
    expect(explain(error)).not.toContain('hunter2');
  });
});

describe.skipIf(databaseUrl === '')('on PostgreSQL', () => {
  describeQueue('BullMQ on PostgreSQL', () => databaseQueues(() => postgresLocation(databaseUrl)));
});

async function redisHome(server: string): Promise<QueueBackend> {
  const url = new URL(server);
  // A numbered database: other tests may use the first one.
  url.pathname = '/7';
  const redis = new Redis(url.href, { maxRetriesPerRequest: null });
  return {
    connection: { redisUrl: url.href, owner: OWNER },
    raw: (name) => new Queue(name, { connection: redis, prefix: prefixOf(OWNER) }),
    empty: async () => {
      await redis.flushdb();
    },
    [Symbol.asyncDispose]: async () => {
      await redis.flushdb();
      redis.disconnect();
    },
  };
}
