import { describe, inject } from 'vitest';
import { describeQueues } from '../conformance/desk-queues.ts';
import { onServer } from '../helpers/desk.ts';

const databaseUrl = inject('databaseUrl');
const redisUrl = inject('redisUrl');

describe.skipIf(!databaseUrl || !redisUrl)('with services', () => {
  describeQueues('Redis', async (dataDir) => {
    const { env, close } = await onServer(databaseUrl)(dataDir);
    return { env: { ...env, REDIS_URL: `${redisUrl}/12` }, close };
  });
});
