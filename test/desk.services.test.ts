import { describe, inject } from 'vitest';
import { describeDesk } from './conformance/desk.ts';
import { createDatabase } from './helpers/database.ts';

const databaseUrl = inject('databaseUrl');

describe.skipIf(!databaseUrl)('with services', () => {
  describeDesk('PostgreSQL', async () => {
    const { url, drop } = await createDatabase(databaseUrl);
    return { env: { DATABASE_URL: url }, close: drop };
  });
});
