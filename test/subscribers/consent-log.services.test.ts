import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Connection, Database } from '../../src/platform/db/database.ts';
import { sealConsentLog, verifyConsentLog } from '../../src/subscribers/consent-log/consent-log-store.ts';
import { describeConsentLog } from '../conformance/consent-log.ts';
import { type DatabaseLocation, emptyPostgresLocation, postgresLocation } from '../helpers/locations.ts';

const server = inject('databaseUrl');

describe.skipIf(server === '')('on a server', () => {
  describeConsentLog(
    'the consent log on PostgreSQL',
    () => postgresLocation(server),
    () => emptyPostgresLocation(server),
  );

  describe('a log with many simultaneous writers', () => {
    let location: DatabaseLocation;
    let database: Database;
    let db: Connection;
    let reader: string;
    beforeAll(async () => {
      location = await postgresLocation(server);
      database = await location.open(20);
      db = database.kysely;
      const { rows } = await sql<{ id: string }>`insert into subscribers (email, email_key, status)
        values ('a@b.example', 'a@b.example', 'pending') returning id`.execute(db);
      reader = rows[0]?.id ?? '';
    });
    afterAll(async () => {
      await database?.[Symbol.asyncDispose]();
      await location?.[Symbol.asyncDispose]();
    });
    const write = (on: Connection) =>
      sql`insert into consent_events (subscriber_id, event, method)
        values (${reader}, 'preference_changed', 'test')`.execute(on);

    it('F13: is sealed only up to finished transactions, and no writer waits for the seal', async () => {
      let sealing: Promise<unknown> | undefined;
      await db.transaction().execute(async (slow) => {
        await write(slow);
        await write(db);
        sealing = sealConsentLog(db);
        // Transactions that begin meanwhile are not delayed, and may begin a hundred times.
        for (let turn = 0; turn < 100; turn += 1) await write(db);
        expect((await sql`select from consent_seals`.execute(db)).rows).toEqual([]);
      });
      await sealing;
      const { head, faults } = await verifyConsentLog(db);
      expect(head?.number).toBe(1);
      expect(faults).toEqual([]);
      const { rows } = await sql<{ from_id: number; rows: number }>`select * from consent_seals`.execute(db);
      expect(rows[0]).toMatchObject({ from_id: 1 });
      expect(rows[0]?.rows).toBeGreaterThanOrEqual(2);
    });

    it('F13: stays valid while it is sealed over and over and writers roll back', async () => {
      let isWriting = true;
      const writers = Array.from({ length: 8 }, async (_, index) => {
        for (let turn = 0; turn < 60; turn += 1) {
          await db
            .transaction()
            .execute(async (tx) => {
              await write(tx);
              await sql`select pg_sleep(${(index % 3) / 1000})`.execute(tx);
              await write(tx);
              if (turn % 5 === 0) throw new Error('given up');
            })
            .catch(() => {});
        }
      });
      const sealer = (async () => {
        let seals = 0;
        while (isWriting) seals += (await sealConsentLog(db)).length;
        return seals;
      })();
      await Promise.all(writers);
      isWriting = false;
      expect(await sealer).toBeGreaterThan(1);
      await sealConsentLog(db);
      const { unsealed, faults } = await verifyConsentLog(db);
      expect({ unsealed, faults }).toEqual({ unsealed: 0, faults: [] });
    });
  });
});
