import { describe, inject } from 'vitest';
import { describeRestoredDatabase } from '../conformance/restored.ts';
import { createDatabase } from '../helpers/database.ts';
import { createMigratedDatabase } from '../helpers/locations.ts';

const [databaseUrl, redisUrl] = [inject('databaseUrl'), inject('redisUrl')];

describe.skipIf(!databaseUrl || !redisUrl)('with services', () => {
  describeRestoredDatabase('PostgreSQL and Redis', async () => {
    const made = [await createMigratedDatabase(databaseUrl)];
    const [{ url }] = made as [(typeof made)[number]];
    return {
      env: { DATABASE_URL: url, REDIS_URL: redisUrl },
      async restoreLater() {
        const backup = await createDatabase(databaseUrl, { url });
        made.push(backup);
        return async () => ({ DATABASE_URL: backup.url });
      },
      async close() {
        for (const { drop } of made.toReversed()) await drop();
      },
    };
  });
});
