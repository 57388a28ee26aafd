import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { describe, expect, inject, it } from 'vitest';
import { createApp } from '../../src/app/app.ts';
import { metricsOf } from '../../src/app/public-server.ts';
import { loadConfig } from '../../src/config/config.ts';
import { explain } from '../../src/platform/errors.ts';
import { faultOf } from '../../src/platform/faults.ts';
import { contracts } from '../../src/platform/queue/contracts.ts';
import { openQueue, type Processors } from '../../src/platform/queue/job-queue.ts';
import { prefixOf } from '../../src/platform/queue/neighbours.ts';
import { describeQueue } from '../conformance/queue.ts';
import { createMigratedDatabase, postgresLocation, temporaryFolder } from '../helpers/locations.ts';
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

  it('D9: that is full is asked ever less often, and works by itself when there is room', async (context) => {
    const program = findRedis();
    if (program === null) return context.skip('redis-server not found, and the shared Redis is left alone');
    const service = await startRedis(program);
    const redis = new Redis(service.url);
    const errors: string[] = [];
    try {
      await using queue = await openQueue({ redisUrl: service.url, owner: OWNER }, ({ message }) =>
        errors.push(message),
      );
      const done: string[] = [];
      const processors = Object.fromEntries(
        Object.keys(contracts).map((name) => [name, async () => void done.push(name)]),
      ) as unknown as Processors;
      await using working = await queue.work(processors, { concurrency: 2, onFailure: () => {} });
      await working.hold('issues', true);
      await queue.enqueue('gather', {});
      await redis.config('SET', 'maxmemory', '1');
      await working.hold('issues', false);
      // A pause after each refusal: the queue with the job is asked again.
      await expect.poll(() => errors.filter((error) => error.includes('OOM')).length).toBeGreaterThan(2);
      // In a second the busy loop wrote more than a thousand.
      const since = performance.now();
      await expect.poll(() => performance.now() - since).toBeGreaterThan(900);
      expect(errors.length).toBeLessThan(30);
      expect(await queue.probe().catch(faultOf)).toBe('redis-full');
      await redis.config('SET', 'maxmemory', '0');
      await queue.probe();
      await expect.poll(() => done, { timeout: 30_000 }).toEqual(['gather']);
    } finally {
      redis.disconnect();
      await service.stop();
    }
  });

  it('D9: that answers nothing leaves the metrics their other numbers', async (context) => {
    const program = findRedis();
    if (program === null || databaseUrl === '') return context.skip('redis-server or PostgreSQL not found');
    const service = await startRedis(program);
    const redis = new Redis(service.url);
    const database = await createMigratedDatabase(databaseUrl);
    const folder = temporaryFolder();
    try {
      const { config, secrets } = loadConfig({
        DATA_DIR: folder.path,
        DATABASE_URL: database.url,
        REDIS_URL: service.url,
        SECRET_KEY: 'k'.repeat(40),
        METRICS: 'token',
        METRICS_TOKEN: 'm'.repeat(40),
        LOG_LEVEL: 'silent',
      });
      await using app = await createApp(config, secrets);
      const metrics = metricsOf(app);
      expect((await metrics?.write())?.body).toMatch(/^weekly_verdict_queue_up 1$/m);
      // For longer than the test may take.
      await redis.client('PAUSE', 600_000);
      const body = (await metrics?.write())?.body ?? '';
      expect(body).toMatch(/^weekly_verdict_queue_up 0$/m);
      expect(body).not.toContain('weekly_verdict_queue_waiting{');
      expect(body).toMatch(/^weekly_verdict_events_waiting 0$/m);
      expect(await app.faults.probe()).toMatchObject([
        { kind: 'redis-silent', message: expect.stringMatching(/^Redis does not answer/) },
      ]);
      redis.disconnect();
      await service.stop();
    } finally {
      redis.disconnect();
      await service.stop();
      folder[Symbol.dispose]();
      await database.drop();
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
