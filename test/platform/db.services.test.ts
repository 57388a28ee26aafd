import { describe, expect, inject, it } from 'vitest';
import { openDatabase } from '../../src/platform/db/database.ts';
import { explain } from '../../src/platform/errors.ts';
import { describeDatabase } from '../conformance/database.ts';
import { emptyPostgresLocation } from '../helpers/locations.ts';
import { freePort } from '../helpers/services.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describeDatabase('PostgreSQL', () => emptyPostgresLocation(server));

  it('reports an unreachable server in one line without the password', async () => {
    const databaseUrl = `postgres://verdict:hunter2@127.0.0.1:${await freePort()}/verdict`;
    const error = await openDatabase({ databaseUrl, dataDir: '' }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'database-unreachable' });
    expect(explain(error)).toMatch(
      /^The database of DATABASE_URL does not answer\. It said: .*ECONNREFUSED.*\.$/,
    );
    expect(explain(error)).not.toContain('hunter2');
  });
});
