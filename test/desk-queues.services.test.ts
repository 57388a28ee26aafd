import { describe, inject } from 'vitest';
import { describeQueues } from './conformance/desk-queues.ts';
import { createDatabase } from './helpers/database.ts';

const databaseUrl = inject('databaseUrl');
const redisUrl = inject('redisUrl');

describe.skipIf(!databaseUrl || !redisUrl)('with services', () => {
  describeQueues('Redis', async () => {
    const { url, drop } = await createDatabase(databaseUrl);
    return { env: { DATABASE_URL: url, REDIS_URL: `${redisUrl}/12` }, close: drop };
  });
});
