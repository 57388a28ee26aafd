import { describe, inject } from 'vitest';
import { describeWeek } from '../conformance/week.ts';
import { createMigratedDatabase } from '../helpers/locations.ts';

const databaseUrl = inject('databaseUrl');
const redisUrl = inject('redisUrl');

/** A separate Redis database for every week: 0 to 15 is what a server has by default. */
let nextRedis = 1;

describe.skipIf(!databaseUrl || !redisUrl)('with services', () => {
  describeWeek('PostgreSQL and Redis', async () => {
    const { url, drop } = await createMigratedDatabase(databaseUrl);
    return { env: { DATABASE_URL: url, REDIS_URL: `${redisUrl}/${nextRedis++}` }, close: drop };
  });
  describeWeek('PostgreSQL alone', async () => {
    const { url, drop } = await createMigratedDatabase(databaseUrl);
    return { env: { DATABASE_URL: url }, close: drop };
  });
});
