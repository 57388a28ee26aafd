import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection, Database } from '../../src/platform/db/database.ts';
import { migrations } from '../../src/platform/db/migrations/all-migrations.ts';
import type { Pool, PoolClient } from '../../src/platform/db/pool.ts';
import { prepared } from '../../src/platform/db/prepared.ts';
import { claimBatch, recordResponse } from '../../src/sending/batches/batch-store.ts';
import { isUnderWay } from '../../src/sending/delivery-store.ts';
import type { DatabaseLocation } from '../helpers/locations.ts';
import { type Column, declaredTables, type Tables } from '../helpers/schema-columns.ts';

/**
 * What the rest of the program expects of a database, on either backend. Only the *time* of a statement's turn may
 * differ, because PGlite is one session.
 */
export function describeDatabase(name: string, newLocation: () => Promise<DatabaseLocation>): void {
  describe(name, () => {
    let location: DatabaseLocation;
    let database: Database;
    let db: Connection;
    let pool: Pool;

    beforeAll(async () => {
      location = await newLocation();
      database = await location.open(50);
      db = database.kysely;
      pool = database.queuePool();
      await sql`create table public.counters (name text primary key, value int not null)`.execute(db);
    });
    afterAll(async () => {
      await database?.[Symbol.asyncDispose]();
      await location?.[Symbol.asyncDispose]();
    });

    describe('types', () => {
      beforeAll(async () => {
        await sql`create table public.round_trips (int8 int8, at timestamptz, day date, content jsonb, words text[],
          bytes bytea, flag boolean, share float8, label text)`.execute(db);
      });

      it('return the stored values', async () => {
        const row = fc.record({
          int8: fc.option(fc.maxSafeInteger()),
          at: fc.option(
            fc.date({ min: new Date('1900-01-01'), max: new Date('2200-01-01'), noInvalidDate: true }),
          ),
          day: fc.option(days),
          content: fc.option(json),
          words: fc.option(fc.array(fc.option(text), { maxLength: 6 })),
          bytes: fc.option(fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes))),
          flag: fc.option(fc.boolean()),
          share: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)),
          label: fc.option(text),
        });
        await fc.assert(
          fc.asyncProperty(row, async (given) => {
            const content = given.content === null ? null : JSON.stringify(given.content);
            const { rows } = await sql`
              insert into public.round_trips values (${given.int8}, ${given.at}, ${given.day}, ${content}::jsonb,
                ${given.words}, ${given.bytes}, ${given.flag}, ${given.share}, ${given.label})
              returning *`.execute(db);
            expect(rows).toEqual([given]);
          }),
          { numRuns: 60 },
        );
      });

      it('preserve values that are easily corrupted', async () => {
        const words = [
          null,
          'null',
          '',
          'a "quoted" word',
          "it's",
          'back\\slash',
          '{curly, comma}',
          'データ舟 👩‍👩‍👧',
          'line\nbreak',
        ];
        const {
          rows: [row],
        } = await sql<Record<string, unknown>>`
          select ${words}::text[] as words, ${Number.MAX_SAFE_INTEGER}::int8 as big, count(*) as count, sum(1) as sum,
            '2026-03-29'::date as day, '{"a": [1, null, "\\u00e9"]}'::jsonb as content,
            '2026-11-24T09:00:00.123Z'::timestamptz as at, array[]::text[] as none, '\\x00ff00'::bytea as bytes
        `.execute(db);
        expect(row).toEqual({
          words,
          big: Number.MAX_SAFE_INTEGER,
          count: 1,
          sum: 1,
          day: '2026-03-29',
          content: { a: [1, null, 'é'] },
          at: new Date('2026-11-24T09:00:00.123Z'),
          none: [],
          bytes: Buffer.from([0, 255, 0]),
        });
      });
    });

    describe('errors', () => {
      it.each([
        ['a key used twice', `insert into counters values ('twice', 1), ('twice', 2)`, '23505'],
        [
          'nobody to refer to',
          `insert into consent_events (subscriber_id, event, method) values (gen_random_uuid(), 'confirmed', 'test')`,
          '23503',
        ],
        [
          'a status that does not exist',
          `insert into subscribers (email, email_key, status) values ('a@b.example', 'a@b.example', 'keen')`,
          '23514',
        ],
        ['a missing value', `insert into counters values (null, 1)`, '23502'],
        ['a table that is not there', 'select * from nowhere', '42P01'],
        ['no SQL', 'selekt 1', '42601'],
        ['a number that is none', `select 'x'::int`, '22P02'],
      ])('%s carries its SQLSTATE, and the next statement runs', async (_, statement, code) => {
        await expect(sql.raw(statement).execute(db)).rejects.toMatchObject({ code });
        await expect(sql.raw(statement).execute(db)).rejects.toMatchObject({ code });
        expect((await sql<{ one: number }>`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }]);
      });

      it('name the violated constraint', async () => {
        await expect(
          sql`insert into counters values ('same', 1), ('same', 2)`.execute(db),
        ).rejects.toMatchObject({ constraint: 'counters_pkey', table: 'counters' });
      });
    });

    describe('transactions', () => {
      const insert = (on: Connection, key: string) =>
        sql`insert into counters values (${key}, 1)`.execute(on);
      const exists = async (key: string) =>
        (await sql`select from counters where name = ${key}`.execute(db)).rows.length === 1;

      it('store everything or nothing', async () => {
        await db.transaction().execute((tx) => insert(tx, 'kept'));
        const broken = db.transaction().execute(async (tx) => {
          await insert(tx, 'dropped');
          throw new Error('second thoughts');
        });
        await expect(broken).rejects.toThrow('second thoughts');
        expect([await exists('kept'), await exists('dropped')]).toEqual([true, false]);
      });

      it('that failed refuse further statements, and are released', async () => {
        const broken = db.transaction().execute(async (tx) => {
          await insert(tx, 'before the fault');
          await expect(sql`select 1 / 0`.execute(tx)).rejects.toMatchObject({ code: '22012' });
          await insert(tx, 'after the fault');
        });
        await expect(broken).rejects.toMatchObject({ code: '25P02' });
        expect(await exists('before the fault')).toBe(false);
      });

      it('of a client that disconnects within them are rolled back', async () => {
        const client = await pool.connect();
        await client.query('begin');
        await client.query(`insert into counters values ('abandoned', 1)`);
        client.release(true);
        await expect.poll(() => exists('abandoned')).toBe(false);
        // A remaining lock on the row would make this wait for ever.
        await insert(db, 'abandoned');
      });

      it('of a client that disconnects before its turn never begin', async () => {
        const first = await pool.connect();
        const second = await pool.connect();
        await first.query('begin');
        const waiting = second.query(`begin; insert into counters values ('too late', 1)`);
        const outcome = waiting.then(
          () => 'answered',
          () => 'broken off',
        );
        second.release(true);
        await first.query('commit');
        first.release();
        expect(await outcome).toBe('broken off');
        await expect.poll(() => exists('too late')).toBe(false);
        await insert(db, 'too late');
      });

      it("do not see each other's changes until they commit", async () => {
        const [client, watcher] = [await pool.connect(), await pool.connect()];
        let done = false;
        await client.query('begin');
        await client.query(`insert into counters values ('mine', 1)`);
        const seen = watcher
          .query(`select count(*) from counters where name like 'mine%'`)
          .then(({ rows }) => ({ count: rows[0]?.count, done }));
        // On a server the other one reads in between and sees nothing; an embedded one waits for its turn.
        if (location.backend === 'postgres') await seen;
        for (let step = 0; step < 20; step += 1)
          await client.query('insert into counters values ($1, 1)', [`mine ${step}`]);
        done = true;
        await client.query('commit');
        expect(await seen).toEqual(
          location.backend === 'postgres' ? { count: 0, done: false } : { count: 21, done: true },
        );
        client.release();
        watcher.release();
      });

      it('lose no update when many count at once', async () => {
        await sql`insert into counters values ('shared', 0)`.execute(db);
        const add = (turn: number) =>
          db.transaction().execute(async (tx) => {
            const { rows } = await sql<{
              value: number;
            }>`select value from counters where name = 'shared' for update`.execute(tx);
            await sql`select ${turn}::int`.execute(tx);
            await sql`update counters set value = ${(rows[0]?.value ?? 0) + 1} where name = 'shared'`.execute(
              tx,
            );
            if (turn % 5 === 0) throw new Error('changed its mind');
          });
        const outcomes = await Promise.allSettled(Array.from({ length: 40 }, (_, turn) => add(turn)));
        expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(8);
        const { rows } = await sql`select value from counters where name = 'shared'`.execute(db);
        expect(rows).toEqual([{ value: 32 }]);
      });

      it('serve fifty clients at once', async () => {
        const clients = await Promise.all(Array.from({ length: 50 }, () => pool.connect()));
        await Promise.all(
          clients.map(async (client, number) => {
            await client.query('begin');
            await client.query('insert into counters values ($1, $2)', [`client ${number}`, number]);
            const { rows } = await client.query('select sum(value) as sum from counters where name = $1', [
              `client ${number}`,
            ]);
            expect(rows).toEqual([{ sum: number }]);
            await client.query(number % 2 === 0 ? 'commit' : 'rollback');
          }),
        );
        for (const client of clients) client.release();
        const { rows } = await sql`select count(*) from counters where name like 'client %'`.execute(db);
        expect(rows).toEqual([{ count: 25 }]);
      });
    });

    describe('LISTEN and NOTIFY', () => {
      /** A client that listens on a channel, and its notifications. */
      const listener = async (
        channel: string,
      ): Promise<{ client: PoolClient; received: (string | undefined)[] }> => {
        const client = await pool.connect();
        const received: (string | undefined)[] = [];
        client.on('notification', (message) => {
          if (message.channel === channel) received.push(message.payload);
        });
        await client.query(`listen ${channel}`);
        return { client, received };
      };

      it('reach every listener, after the commit and in order', async () => {
        const [one, two] = [await listener('wake_up'), await listener('wake_up')];
        await db.transaction().execute(async (tx) => {
          await sql`select pg_notify('wake_up', 'first 鈴')`.execute(tx);
          await sql`select pg_notify('wake_up', 'second')`.execute(tx);
        });
        const regretted = db.transaction().execute(async (tx) => {
          await sql`select pg_notify('wake_up', 'rolled back')`.execute(tx);
          throw new Error('regret');
        });
        await expect(regretted).rejects.toThrow('regret');
        await sql`select pg_notify('another', 'not for us')`.execute(db);
        await sql`notify wake_up, 'last'`.execute(db);
        for (const { client, received } of [one, two]) {
          await expect.poll(() => received).toEqual(['first 鈴', 'second', 'last']);
          client.release(true);
        }
      });

      it('do not block the session for other clients', async () => {
        const { client, received } = await listener('patience');
        await Promise.all(
          Array.from({ length: 20 }, (_, number) =>
            db.transaction().execute(async (tx) => {
              await sql`insert into counters values (${`beside a listener ${number}`}, 1)`.execute(tx);
              await sql`select pg_notify('patience', ${String(number)})`.execute(tx);
            }),
          ),
        );
        await expect.poll(() => new Set(received).size).toBe(20);
        // The listening client is served as well.
        expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
        client.release(true);
      });
    });

    describe('prepared statements', () => {
      const names = async (connection: Connection) => {
        const { rows } = await sql<{ name: string }>`
          select name from pg_prepared_statements where name <> ''
        `.execute(connection);
        // A name ends in the hash of its text; on the embedded database then in the number of its connection.
        return [...new Set(rows.map((row) => row.name.replace(/_[0-9a-f]{8}(?:_\d+)?$/, '')))].sort();
      };
      const double = (value: number) =>
        prepared<{ doubled: number }>('double_value')`select ${value}::int * 2 as doubled`;

      it('exist under their name, and run on any connection', async () => {
        const values = Array.from({ length: 40 }, (_, index) => index);
        const results = await Promise.all(
          values.map((value) =>
            db.transaction().execute(async (tx) => {
              const first = await double(value).execute(tx);
              const second = await double(value).execute(tx);
              return [
                first.rows[0]?.doubled,
                second.rows[0]?.doubled,
                (await names(tx)).includes('double_value'),
              ];
            }),
          ),
        );
        expect(results).toEqual(values.map((value) => [value * 2, value * 2, true]));
      });

      it('report how many rows they changed, like other statements', async () => {
        await sql`insert into public.counters values ('changed', 1)`.execute(db);
        const { numAffectedRows } = await prepared('change_counter')`
          update public.counters set value = value + 1 where name = 'changed'
        `.execute(db);
        expect(numAffectedRows).toBe(1n);
      });

      it('D12: of another text have another name, so that no process can bind the wrong one', async () => {
        await db.transaction().execute(async (tx) => {
          const one = await prepared('one_text')`select 1 as n`.execute(tx);
          const two = await prepared('one_text')`select 2 as n`.execute(tx);
          expect([...one.rows, ...two.rows]).toEqual([{ n: 1 }, { n: 2 }]);
        });
      });

      it('include the statements of every batch', async () => {
        await using fresh = await newLocation();
        await using alone = await fresh.open(1);
        const claim = await claimBatch(alone.kysely, randomUUID(), 1_000, () => expect.unreachable());
        expect(claim).toEqual({ kind: 'unavailable' });
        await isUnderWay(alone.kysely, randomUUID());
        const batch = { id: randomUUID(), leaseId: randomUUID(), positions: [0] };
        await recordResponse(alone.kysely, batch, [{ accepted: 'an id' }]);
        expect(await names(alone.kysely)).toEqual(['claim_batch', 'is_under_way', 'record_answer']);
      });
    });

    describe('the schema', () => {
      it('matches src/platform/db/schema.ts', async () => {
        const actual = await actualTables(db);
        expect(actual).toEqual(asStored(declaredTables(), actual));
      });

      it('has an append-only consent log (I8)', async () => {
        const { id } = await db
          .insertInto('subscribers')
          .values({ email: 'a@log.example', email_key: 'a@log.example', status: 'pending', topics: [] })
          .returning('id')
          .executeTakeFirstOrThrow();
        const event = { subscriber_id: id, event: 'requested', method: 'test', details: '{}' } as const;
        await db.insertInto('consent_events').values(event).execute();
        const code = '23001';
        await expect(sql`update consent_events set method = 'other'`.execute(db)).rejects.toMatchObject({
          code,
        });
        await expect(sql`delete from consent_events`.execute(db)).rejects.toMatchObject({ code });
        await expect(sql`truncate consent_events cascade`.execute(db)).rejects.toMatchObject({ code });
        await expect(sql`truncate subscribers cascade`.execute(db)).rejects.toMatchObject({ code });
        await expect(sql`delete from subscribers where id = ${id}`.execute(db)).rejects.toMatchObject({
          code: '23503',
        });
        const rows = await db.selectFrom('consent_events').select('method').execute();
        expect(rows).toEqual([{ method: 'test' }]);
      });
    });

    describe('opening', () => {
      const history = async (connection: Connection) =>
        (await sql`select name, timestamp from kysely_migration order by name`.execute(connection)).rows;

      it('fault 23: two opens at once migrate once, and a later one changes nothing', async () => {
        await using fresh = await newLocation();
        const outcomes = await Promise.allSettled([fresh.open(), fresh.open()]);
        const opened = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
        const refused = outcomes.flatMap((outcome) =>
          outcome.status === 'rejected' ? [outcome.reason] : [],
        );
        expect(opened).toHaveLength(fresh.backend === 'postgres' ? 2 : 1);
        for (const reason of refused) expect(reason).toMatchObject({ code: 'data-dir-locked' });
        const before = await history((opened[0] as Database).kysely);
        expect(before).toHaveLength(Object.keys(migrations).length);
        for (const each of opened) await each[Symbol.asyncDispose]();

        await using again = await fresh.open();
        expect(await history(again.kysely)).toEqual(before);
        expect(Object.keys(await actualTables(again.kysely))).toContain('deliveries');
      });
    });
  });
}

/** Every text that PostgreSQL can store: no NUL, no lone surrogate. */
const text = fc
  .oneof(
    fc.string({ unit: 'grapheme', maxLength: 30 }),
    fc.constantFrom('', 'NULL', '"', "'", '\\', '{}', ',', '\n'),
  )
  .map((value) => value.replaceAll('\0', ''));

const days = fc
  .date({ min: new Date('1900-01-01'), max: new Date('2200-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));

/** JSON has no minus zero. */
const json = fc
  .jsonValue({ stringUnit: 'grapheme', maxDepth: 3 })
  .map((value) => JSON.parse(JSON.stringify(value).replaceAll('\\u0000', '')) as unknown)
  // A jsonb null is a separate value, which a reader cannot tell from SQL null.
  .filter((value) => value !== null);

const KINDS: Record<string, Column['kind']> = {
  text: 'text',
  uuid: 'text',
  date: 'text',
  ARRAY: 'text[]',
  integer: 'number',
  boolean: 'boolean',
  bigint: 'number',
  'timestamp with time zone': 'timestamp',
  jsonb: 'json',
  bytea: 'bytes',
};

interface ColumnRow {
  table_name: string;
  column_name: string;
  is_nullable: 'YES' | 'NO';
  data_type: string;
  made: boolean;
}

/** The columns in the database. */
async function actualTables(db: Connection): Promise<Tables> {
  const words = await allowedWords(db);
  const tables: Tables = {};
  const { rows } = await sql<ColumnRow>`
    select table_name, column_name, is_nullable, data_type, column_default is not null or is_identity = 'YES' as made
    from information_schema.columns
    where table_schema = 'public' and table_name not like 'kysely%' and table_name not in ('counters', 'round_trips')
  `.execute(db);
  for (const row of rows) {
    const columns = tables[row.table_name] ?? {};
    tables[row.table_name] = columns;
    columns[row.column_name] = {
      kind: KINDS[row.data_type] ?? (row.data_type as never),
      nullable: row.is_nullable === 'YES',
      made: row.made,
      words: words.get(`${row.table_name}.${row.column_name}`) ?? [],
    };
  }
  return tables;
}

/** `check (status in ('a', 'b'))` of every column that has one. */
async function allowedWords(db: Connection): Promise<Map<string, string[]>> {
  const { rows } = await sql<{ column: string; definition: string }>`
    select c.conrelid::regclass || '.' || a.attname as column, pg_get_constraintdef(c.oid) as definition
    from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    where c.contype = 'c' and array_length(c.conkey, 1) = 1 and c.connamespace = 'public'::regnamespace
  `.execute(db);
  return new Map(
    rows.map(({ column, definition }) => [
      column,
      [...definition.matchAll(/'([a-z_-]+)'::text/g)].map(([, word = '']) => word).sort(),
    ]),
  );
}

/** Columns whose types are stricter than the database. */
function asStored(declared: Tables, actual: Tables): Tables {
  for (const [table, columns] of Object.entries(declared)) {
    // The type may still require a column that has a default.
    for (const [name, column] of Object.entries(columns))
      column.made ||= actual[table]?.[name]?.made ?? false;
  }
  // Always an earlier status of the row, which is checked when it is set.
  if (declared.issues?.resume_to) declared.issues.resume_to.words = [];
  // A new kind of mail needs no migration.
  if (declared.mails?.kind) declared.mails.kind.words = [];
  return declared;
}
