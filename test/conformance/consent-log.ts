import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Connection, Database } from '../../src/platform/db/database.ts';
import { sealConsentLog, verifyConsentLog } from '../../src/subscribers/consent-log/consent-log-store.ts';
import { eraseSubscriber } from '../../src/subscribers/erase/own-data-store.ts';
import { forgetOldSignUps } from '../../src/subscribers/sign-up/sign-up-store.ts';
import { addSubscribers } from '../../src/subscribers/subscriber-store.ts';
import { runCommand } from '../helpers/command.ts';
import type { DatabaseLocation } from '../helpers/locations.ts';
import { migrateTo } from '../helpers/older-database.ts';

/** Readers with a `confirmed` event each. */
async function addReaders(db: Connection, count: number, name = 'reader'): Promise<void> {
  const rows = Array.from({ length: count }, (_, index) => ({
    email: `${name}${index}@chain.example`,
    key: `${name}${index}@chain.example`,
    status: 'active' as const,
    topics: [],
    timezone: null,
    confirmedAt: new Date('2026-11-01T09:00:00.123Z'),
    pausedUntil: null,
    reason: null,
    lacksConsent: false,
  }));
  await addSubscribers(db, rows, 'fair.csv', { details: { basis: 'they ticked a box at the fair' } });
}

class Undo extends Error {}

/** The state of the log after a change that only its owner can make; the change is then undone. */
async function faultsAfter(db: Connection, ...statements: string[]) {
  let faults: Awaited<ReturnType<typeof verifyConsentLog>>['faults'] = [];
  const tampering = db.transaction().execute(async (tx) => {
    for (const table of ['consent_events', 'consent_seals', 'consent_texts', 'consent_evidence'])
      await sql`alter table ${sql.table(table)} disable trigger all`.execute(tx);
    for (const statement of statements) await sql.raw(statement).execute(tx);
    faults = (await verifyConsentLog(tx)).faults;
    throw new Undo();
  });
  await expect(tampering).rejects.toBeInstanceOf(Undo);
  return faults;
}

/** The consent log as a hash chain (I8), on both backends. */
export function describeConsentLog(
  name: string,
  newLocation: () => Promise<DatabaseLocation>,
  newEmptyLocation: () => Promise<DatabaseLocation>,
): void {
  describe(name, () => {
    it('F13: the migration takes the events of an older version as they are, and seals them at once', async () => {
      await using older = await newEmptyLocation();
      await migrateTo('0017-in-place', older, async (db) => {
        await sql`insert into subscribers (email, email_key, status)
          select n || '@old.example', n || '@old.example', 'pending' from generate_series(1, 3) n`.execute(
          db,
        );
        await sql`insert into consent_events (subscriber_id, event, method, at)
          select id, 'requested', 'form', '2025-01-01' from subscribers, generate_series(1, 4000)`.execute(
          db,
        );
      });
      await using opened = await older.open();
      expect(await verifyConsentLog(opened.kysely)).toMatchObject({
        ...{ events: 12_000, unsealed: 0, faults: [] },
        head: { number: 2 },
      });
      await expect(sql`update consent_events set method = 'x'`.execute(opened.kysely)).rejects.toMatchObject({
        code: '23001',
      });
    });

    let location: DatabaseLocation;
    let database: Database;
    let db: Connection;
    beforeAll(async () => {
      location = await newLocation();
      database = await location.open(20);
      db = database.kysely;
      const text = 'Send me the verdicts.';
      const hash = createHash('sha256').update(text).digest('hex');
      await sql`insert into consent_texts (version, hash, text) values ('2026-11.x', ${hash}, ${text})`.execute(
        db,
      );
      await addReaders(db, 30);
      await sql`insert into consent_events (subscriber_id, event, method, source, details)
        select id, 'requested', 'form', null, jsonb_build_object('consent', jsonb_build_object('version', '2026-11.x',
          'hash', ${hash}::text)) from subscribers limit 5`.execute(db);
      await sealConsentLog(db);
      await addReaders(db, 10, 'later');
      await sealConsentLog(db);
      await addReaders(db, 3, 'last');
    });
    afterAll(async () => {
      await database?.[Symbol.asyncDispose]();
      await location?.[Symbol.asyncDispose]();
    });

    it('F13: every event gets the hash of its row, whatever an insert says', async () => {
      const { rows } = await sql<{ row: Record<string, unknown>; hash: string; at: string }>`
        insert into consent_events (subscriber_id, event, method, source, details, row_hash)
        select id, 'preference_changed', 'test', 'Größe "x"', '{"b": [1, null], "a": "é"}', '\\x00'
        from subscribers limit 1
        returning to_jsonb(consent_events) as row, encode(row_hash, 'hex') as hash,
          (extract(epoch from at) * 1000000)::bigint::text as at
      `.execute(db);
      const { row = {}, hash, at } = rows[0] ?? {};
      // Anybody who has the row can compute it: the ADR says how.
      const text = `[${row.id}, "${row.subscriber_id}", "preference_changed", ${at}, "test", "Größe \\"x\\"", {"a": "é", "b": [1, null]}]`;
      expect(hash).toBe(createHash('sha256').update(text).digest('hex'));
    });

    it('F13: is valid, with sealed and unsealed events', async () => {
      const { events, head, unsealed, faults } = await verifyConsentLog(db);
      expect(faults).toEqual([]);
      expect(head?.number).toBe(2);
      expect(events).toBe(30 + 5 + 10 + 3 + 1);
      expect(unsealed).toBe(4);
    });

    it.each(['consent_texts', 'consent_seals', 'consent_events'])('F13: %s is append-only', async (table) => {
      const refused = { code: '23001', message: `${table} is append-only` };
      await expect(sql`update ${sql.table(table)} set at = now()`.execute(db)).rejects.toMatchObject(refused);
      await expect(sql`delete from ${sql.table(table)}`.execute(db)).rejects.toMatchObject(refused);
      await expect(sql`truncate ${sql.table(table)} cascade`.execute(db)).rejects.toMatchObject({
        code: '23001',
      });
    });

    const REHASHED = `update consent_events set row_hash =
      consent_event_hash(id, subscriber_id, event, at, method, source, details) where id = 3`;
    it.each([
      [
        'a time moved',
        [`update consent_events set at = at - interval '1 second' where id = 3`],
        { kind: 'event-changed', event: 3 },
      ],
      [
        'a detail added',
        [`update consent_events set details = details || '{"x": 1}' where id = 7`],
        { kind: 'event-changed', event: 7 },
      ],
      [
        'a source taken away',
        [`update consent_events set source = null where id = 2`],
        { kind: 'event-changed', event: 2 },
      ],
      [
        'an event given to somebody else',
        [
          `update consent_events set subscriber_id = (select id from subscribers order by email desc limit 1) where id = 3`,
        ],
        { kind: 'event-changed', event: 3 },
      ],
      [
        'a change in what is not sealed yet',
        [`update consent_events set method = 'form' where id = (select max(id) from consent_events)`],
        { kind: 'event-changed' },
      ],
      [
        'a change with a new hash',
        [`update consent_events set method = 'form' where id = 3`, REHASHED],
        { kind: 'events-rewritten', seal: { number: 1, fromId: 1, toId: 35 } },
      ],
      [
        'an event deleted',
        [`delete from consent_events where id = 34`],
        { kind: 'events-lost-or-added', seal: { number: 1, rows: 35, found: 34 } },
      ],
      [
        'an event deleted, and its number given to another',
        [
          'alter table consent_events alter column id drop identity',
          `update consent_events set id = 34000 where id = 34`,
        ],
        { kind: 'events-lost-or-added', seal: { number: 1 } },
      ],
      [
        'an event put before the first',
        [
          `insert into consent_events (id, subscriber_id, event, method) overriding system value select -5, id, 'confirmed', 'test' from subscribers limit 1`,
        ],
        { kind: 'event-before-the-first', event: -5 },
      ],
      [
        'a seal deleted',
        ['delete from consent_seals where number = 1'],
        { kind: 'seal-broken', seal: { number: 2 } },
      ],
      [
        'a seal changed',
        ['update consent_seals set rows = 34 where number = 1'],
        { kind: 'seal-broken', seal: { number: 1 } },
      ],
      [
        'a time of a seal moved',
        [`update consent_seals set at = at + interval '1 day' where number = 2`],
        { kind: 'seal-broken', seal: { number: 2 } },
      ],
      [
        'a seal made to fit',
        [
          'delete from consent_events where id = 34',
          `update consent_seals s set rows = e.rows, rows_hash = e.hash,
             hash = consent_seal_hash(1, 1, 35, e.rows, e.hash, '', s.at)
           from (select count(*) as rows, sha256(string_agg(row_hash, '' order by id)) as hash
             from consent_events where id <= 35) e where number = 1`,
        ],
        { kind: 'seal-broken', seal: { number: 2 } },
      ],
      [
        'a text changed',
        [`update consent_texts set text = 'Mail me anything.'`],
        { kind: 'text-changed', text: '2026-11.x' },
      ],
      [
        'a text changed with its hash',
        [`update consent_texts set text = 'x', hash = encode(sha256('x'), 'hex')`],
        { kind: 'text-missing', text: '2026-11.x' },
      ],
      ['a text deleted', ['delete from consent_texts'], { kind: 'text-missing', text: '2026-11.x' }],
      [
        'a reader made by hand',
        [
          `insert into subscribers (id, email, email_key, status, confirmed_at) values ('00000000-0000-4000-8000-0000000000aa', 'x@y.example', 'x@y.example', 'active', now())`,
        ],
        { kind: 'reader-without-consent', reader: '00000000-0000-4000-8000-0000000000aa' },
      ],
      [
        'everything deleted',
        ['delete from consent_evidence', 'delete from consent_events', 'delete from consent_seals'],
        { kind: 'reader-without-consent' },
      ],
    ])('F13: reports %s', async (_, statements, fault) => {
      expect(await faultsAfter(db, ...statements)).toEqual(
        expect.arrayContaining([expect.objectContaining(deeply(fault))]),
      );
      expect((await verifyConsentLog(db)).faults).toEqual([]);
    });

    it('F13: stays valid after erasure, retention and the deletion of evidence', async () => {
      await sql`insert into consent_evidence (event_id, ip) select id, '203.0.113.7' from consent_events`.execute(
        db,
      );
      await sql`insert into subscribers (email, email_key, status, created_at)
        values ('never@confirmed.example', 'never@confirmed.example', 'pending', now() - interval '90 days')`.execute(
        db,
      );
      expect(await eraseSubscriber(db, { key: 'reader3@chain.example' }, 'test')).toBe(true);
      await forgetOldSignUps(db, new Date());
      await sealConsentLog(db);
      expect((await verifyConsentLog(db)).faults).toEqual([]);
      const { rows } = await sql`
        select from consent_evidence e join consent_events c on c.id = e.event_id
        join subscribers s on s.id = c.subscriber_id where s.email = ''`.execute(db);
      expect(rows).toEqual([]);
      expect((await sql`select from consent_evidence limit 1`.execute(db)).rows).toHaveLength(1);
    });

    it('F13: seals all new events, in parts, and none twice', async () => {
      await sql`insert into consent_events (subscriber_id, event, method)
        select (select id from subscribers where email <> '' limit 1), 'preference_changed', 'test'
        from generate_series(1, 25000)`.execute(db);
      const before = (await verifyConsentLog(db)).head?.number ?? 0;
      const made = await Promise.all([sealConsentLog(db), sealConsentLog(db)]);
      expect(new Set(made.flat().map(({ number }) => number)).size).toBe(made.flat().length);
      const { head, unsealed, faults } = await verifyConsentLog(db);
      expect(faults).toEqual([]);
      expect(unsealed).toBe(0);
      expect((head?.number ?? 0) - before).toBe(3);
      expect(await sealConsentLog(db)).toEqual([]);
    });

    describe('when its owner changed a row', () => {
      let message: string;
      let code: number;
      beforeEach(async () => {
        await sql`alter table consent_events disable trigger consent_events_append_only`.execute(db);
        await sql`update consent_events set method = 'form' where id = 5`.execute(db);
        await sql`alter table consent_events enable trigger consent_events_append_only`.execute(db);
        // The embedded database is for one process at a time.
        if (location.backend === 'embedded') await database[Symbol.asyncDispose]();
        const env = { DATA_DIR: location.dataDir, SECRET_KEY: 'k'.repeat(32), POSTAL_ADDRESS: '1 Street' };
        const server = location.databaseUrl === undefined ? {} : { DATABASE_URL: location.databaseUrl };
        const result = await runCommand(['doctor'], { ...env, ...server });
        message = result.stdout;
        code = result.code;
      });

      it('F13: doctor names it, explains it, and fails', () => {
        expect(code).toBe(1);
        expect(message).toContain(
          'BLOCK consent log: Event 5 is not as it was written: its row was changed in the database.',
        );
      });
    });
  });
}

/** Compares only the named fields of nested objects. */
function deeply(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      typeof each === 'object' && each !== null ? expect.objectContaining(each) : each,
    ]),
  );
}
