import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { examinePooler } from '../../src/app/doctor.ts';
import { openDatabase } from '../../src/platform/db/database.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { finishIssue } from '../../src/sending/progress.ts';
import { createSubmitter } from '../../src/sending/submit.ts';
import type { TestDatabase } from '../helpers/database.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { KEYS, onlyReaders, sendingIssue } from '../helpers/ledger.ts';
import { createMigratedDatabase } from '../helpers/locations.ts';
import { Provider } from '../helpers/provider.ts';
import { findPgBouncer, type Service, startPgBouncer } from '../helpers/services.ts';

const server = inject('databaseUrl');
const file = findPgBouncer();

describe.skipIf(server === '' || file === null)('D12: behind PgBouncer as it is packaged', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createMigratedDatabase(server);
  });
  afterAll(() => database?.drop());

  async function behind(
    mode: Parameters<typeof startPgBouncer>[2],
    use: (service: Service) => Promise<void>,
  ) {
    const service = await startPgBouncer(file ?? '', database.url, mode);
    try {
      await use(service);
    } finally {
      await service.stop();
    }
  }

  it.each(['session', 'transaction'] as const)(
    'in %s mode it is recognised, and two processes send an issue to everybody once',
    async (mode) => {
      await behind(mode, async ({ url }) => {
        const options = { databaseUrl: url, dataDir: '', connections: 6 };
        await using first = await openDatabase(options);
        await using second = await openDatabase(options);
        expect([first.pooler, second.pooler]).toEqual([mode, mode]);
        expect(examinePooler(mode)[0]?.message).toContain(`${mode} mode`);

        const db = first.kysely;
        await onlyReaders(
          db,
          Array.from({ length: 900 }, () => []),
        );
        const { id } = await sendingIssue(db);
        const provider = new Provider();
        const work = async (submit: ReturnType<typeof createSubmitter>, from: number) => {
          for (const [index, batch] of (await claimableBatches(db, id)).entries())
            if (index % 4 === from) await submit(batch);
        };
        const [one, two] = [first, second].map(({ kysely }) => createSubmitter(kysely, provider, KEYS)) as [
          ReturnType<typeof createSubmitter>,
          ReturnType<typeof createSubmitter>,
        ];
        await Promise.all([work(one, 0), work(two, 1), work(one, 2), work(two, 3)]);
        for (const batch of await claimableBatches(db, id)) await one(batch);
        expect(await finishIssue(db, id)).toBe(true);
        expect(provider.copies).toHaveLength(900);
        expect(new Set(provider.copies).size).toBe(900);
        await assertInvariants(db, id);
      });
    },
  );

  it('has its time limits in both modes', async () => {
    for (const mode of ['session', 'transaction'] as const) {
      await behind(mode, async ({ url }) => {
        await using opened = await openDatabase({ databaseUrl: url, dataDir: '', connections: 2 });
        const { rows } = await opened.web.transaction().execute((tx) =>
          sql`select current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement,
            current_setting('idle_in_transaction_session_timeout') as idle`.execute(tx),
        );
        expect(rows, mode).toEqual([{ lock: '2s', statement: '15s', idle: '20s' }]);
      });
    }
  });

  it('in statement mode is refused with what to do', async () => {
    await behind('statement', async ({ url }) => {
      await expect(openDatabase({ databaseUrl: url, dataDir: '' })).rejects.toMatchObject({
        code: 'pooler-statements',
        help: expect.stringContaining('pool_mode'),
      });
    });
  });
});

describe.skipIf(server === '')('without a pooler', () => {
  it('D12: none is seen', async () => {
    const database = await createMigratedDatabase(server);
    try {
      await using opened = await openDatabase({ databaseUrl: database.url, dataDir: '', connections: 1 });
      expect(opened.pooler).toBe('none');
      expect(examinePooler(opened.pooler)).toEqual([]);
    } finally {
      await database.drop();
    }
  });
});
