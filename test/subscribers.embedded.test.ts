import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Connection, Database } from '../src/db/index.ts';
import { explain } from '../src/errors.ts';
import {
  countSubscribers,
  hasSubscribersFrom,
  importSubscribers,
  setTopics,
  unsubscribe,
} from '../src/subscribers/index.ts';
import { embeddedPlace, type Place } from './helpers/homes.ts';

let place: Place;
let database: Database;
let db: Connection;
let files = 0;
beforeAll(async () => {
  place = await embeddedPlace();
  database = await place.open();
  db = database.kysely;
});
afterAll(async () => {
  await database?.[Symbol.asyncDispose]();
  await place?.[Symbol.asyncDispose]();
});

/** A file of its own for each import, with addresses that no other test has. */
let host = '';
beforeEach(() => {
  files += 1;
  host = `list${files}.example`;
});
const csv = async (content: string | Buffer): Promise<string> => {
  const file = path.join(place.dataDir, `list-${files}-${Math.random()}.csv`);
  await writeFile(file, content);
  return file;
};
const load = async (content: string | Buffer, source = host) =>
  importSubscribers(db, await csv(content), source);

const rowsOf = async () =>
  (
    await db
      .selectFrom('subscribers')
      .select(['email', 'status', 'topics', 'timezone', 'confirmed_at', 'left_at'])
      .where('email', 'like', `%@${host}`)
      .orderBy('email')
      .execute()
  ).map(({ left_at, ...row }) => ({ ...row, left: left_at !== null }));
const eventsOf = async (local: string) =>
  (
    await sql<{ event: string; at: Date; method: string; source: string | null }>`
      select e.event, e.at, e.method, e.source from consent_events e join subscribers s on s.id = e.subscriber_id
      where s.email = ${`${local}@${host}`} order by e.id
    `.execute(db)
  ).rows;
const idOf = async (local: string) => {
  const { id } = await db
    .selectFrom('subscribers')
    .select('id')
    .where('email', '=', `${local}@${host}`)
    .executeTakeFirstOrThrow();
  return id;
};

const AT = '2026-10-01T08:00:00Z';

describe('an import', () => {
  it('takes people as they are, with the consent that came with them', async () => {
    const report = await load(
      `email,status,topics,timezone,confirmed_at\n` +
        `a@${host},active,Writing;Coding; Writing ,Europe/Berlin,${AT}\n` +
        `b@${host},unsubscribed,,,${AT}\n` +
        `c@${host},suppressed,,,\n` +
        `d@${host},pending,,,\n`,
    );
    expect(report).toEqual({ rows: 4, added: 4, known: 0, rejected: [] });
    const confirmed_at = new Date(AT);
    expect(await rowsOf()).toEqual([
      {
        email: `a@${host}`,
        status: 'active',
        topics: ['Coding', 'Writing'],
        timezone: 'Europe/Berlin',
        confirmed_at,
        left: false,
      },
      { email: `b@${host}`, status: 'unsubscribed', topics: [], timezone: null, confirmed_at, left: true },
      {
        email: `c@${host}`,
        status: 'suppressed',
        topics: [],
        timezone: null,
        confirmed_at: null,
        left: true,
      },
      { email: `d@${host}`, status: 'pending', topics: [], timezone: null, confirmed_at: null, left: false },
    ]);
    expect(await eventsOf('a')).toEqual([
      { event: 'confirmed', at: confirmed_at, method: 'import', source: host },
    ]);
    expect((await eventsOf('b')).map(({ event }) => event)).toEqual(['confirmed', 'unsubscribed']);
    expect((await eventsOf('c')).map(({ event }) => event)).toEqual(['suppressed']);
    expect(await eventsOf('d')).toEqual([]);
    expect(await hasSubscribersFrom(db, host)).toBe(true);
    expect(await hasSubscribersFrom(db, 'elsewhere')).toBe(false);
  });

  it('takes nobody for a reader who did not confirm (I4)', async () => {
    await load(`email,status,confirmed_at\na@${host},active,\nb@${host},,\nc@${host},pending,${AT}\n`);
    await load(`email\nd@${host}\n`);
    expect((await rowsOf()).map(({ status, confirmed_at }) => [status, confirmed_at])).toEqual([
      ['pending', null],
      ['pending', null],
      ['pending', null],
      ['pending', null],
    ]);
    for (const local of ['a', 'b', 'c', 'd']) expect(await eventsOf(local)).toEqual([]);
  });

  it('reports what it cannot read by its line, and takes the rest', async () => {
    const { rejected, ...counts } = await load(
      [
        'email,status,topics,timezone,confirmed_at,note', // 1
        `a@${host},active,,,${AT}`,
        'not an address,active,,,', // 3
        '', // 4: an empty line is no row
        `b@${host},keen,,,`, // 5
        `c@${host},active,,,yesterday`, // 6
        `d@${host},active,,,${AT},"two\nlines"`, // 7 and 8
        `x@localhost,active,,,`, // 9
        `e@${host},active,Wri\0ting,,${AT}`, // 10
        `f@${host},active,,,${AT}`,
      ].join('\r\n'),
    );
    expect(counts).toEqual({ rows: 8, added: 3, known: 0 });
    expect(rejected.map(({ line }) => line)).toEqual([3, 5, 6, 9, 10]);
    const reasons = rejected.map(({ reason }) => reason);
    for (const [index, about] of [
      /email .*space/,
      /status/,
      /confirmed_at/,
      /email .*form/,
      /topics/,
    ].entries())
      expect(reasons[index]).toMatch(about);
    expect((await rowsOf()).map(({ email }) => email)).toEqual([`a@${host}`, `d@${host}`, `f@${host}`]);
  });

  it('leaves those who are known as they are: nobody comes back by a list', async () => {
    await load(`email,status,topics,confirmed_at\na@${host},active,Coding,${AT}\nb@${host},suppressed,,\n`);
    await unsubscribe(db, await idOf('a'), 'one_click');
    const before = [await rowsOf(), await eventsOf('a'), await eventsOf('b')];
    const report = await load(
      `email,status,topics,confirmed_at\nA@${host.toUpperCase()},active,Writing,2026-11-01T00:00:00Z\nb@${host},active,,${AT}\n`,
    );
    expect(report).toEqual({ rows: 2, added: 0, known: 2, rejected: [] });
    expect([await rowsOf(), await eventsOf('a'), await eventsOf('b')]).toEqual(before);
  });

  it('takes a person once, however often and in whatever spelling', async () => {
    const report = await load(`email,confirmed_at\na@${host},${AT}\nA@${host},${AT}\n a@${host} ,\n`);
    expect(report).toMatchObject({ rows: 3, added: 1, known: 2 });
    expect(await rowsOf()).toHaveLength(1);
    expect(await eventsOf('a')).toHaveLength(1);
  });

  it('can be repeated, and done twice at once', async () => {
    const lines = Array.from({ length: 2_345 }, (_, index) => `reader-${index}@${host},${AT}`);
    const file = await csv(`email,confirmed_at\n${lines.join('\n')}\n`);
    const reports = await Promise.all([importSubscribers(db, file, host), importSubscribers(db, file, host)]);
    expect(reports.map(({ added, known }) => added + known)).toEqual([2_345, 2_345]);
    expect(reports.reduce((sum, { added }) => sum + added, 0)).toBe(2_345);
    expect(await importSubscribers(db, file, host)).toEqual({
      rows: 2_345,
      added: 0,
      known: 2_345,
      rejected: [],
    });
    const { rows } = await sql`
      select count(*), count(distinct subscriber_id) as people from consent_events where source = ${host}
    `.execute(db);
    expect(rows).toEqual([{ count: 2_345, people: 2_345 }]);
  });

  it.each([
    [
      'a byte order mark, other columns and capital names',
      `\uFEFFName;x, EMAIL ,Confirmed_At\nAnna,a@HOST,${AT}\n`,
      1,
    ],
    ['quotes', `"email","topics"\n"a@HOST","Writing;""Coding"""\n`, 1],
    ['short lines', `email,status,topics\na@HOST\nb@HOST,pending\n`, 2],
    ['only a head', 'email,status\n', 0],
    ['nothing', '', 0],
  ])('reads a file with %s', async (_, content, added) => {
    expect(await load(content.replaceAll('HOST', host))).toEqual({
      rows: added,
      added,
      known: 0,
      rejected: [],
    });
  });

  it('says so once when there is no column of addresses, and takes nobody', async () => {
    await expect(load('address,name\nx,y\n')).rejects.toMatchObject({
      code: 'import-columns',
      help: expect.stringContaining('address, name'),
    });
  });

  it('reads what a spreadsheet writes with semicolons or tabs, and rows of any length', async () => {
    for (const [index, mark] of [';', '\t'].entries()) {
      const row = (...cells: string[]) => cells.join(mark);
      const file = [
        row('email', 'confirmed_at'),
        row(`a${index}@${host}`, AT),
        row(`b${index}@${host}`),
        row(`c${index}@${host}`, AT, 'more'),
      ];
      expect(await load(file.join('\r\n'))).toMatchObject({ rows: 3, added: 3, rejected: [] });
    }
    expect((await rowsOf()).filter(({ status }) => status === 'active')).toHaveLength(4);
  });

  it('of a file that is none is one line', async () => {
    const folder = path.join(place.dataDir, 'a-folder.csv');
    await mkdir(folder, { recursive: true });
    const unclosed = await csv(`email\n"a@${host}\n`);
    for (const file of [path.join(place.dataDir, 'nowhere.csv'), folder, unclosed]) {
      const error = await importSubscribers(db, file, 'test').catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'import-unreadable' });
      expect(explain(error)).toContain(file);
      expect(explain(error)).not.toContain('\n');
    }
  });

  it('accounts for every row of any file', async () => {
    const cell = fc.oneof(
      fc.constantFrom('active', 'pending', 'unsubscribed', 'suppressed', '', AT, 'Coding;Writing', 'UTC'),
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.nat(30).map((number) => `p${number}@`),
    );
    const quoted = (value: string) =>
      `"${(value.endsWith('@') ? value + host : value).replaceAll('"', '""')}"`;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell, cell, cell), { maxLength: 20 }), async (table) => {
        const before = Object.values(await countSubscribers(db)).reduce((sum, count) => sum + count, 0);
        const report = await load(
          `email,status,topics,confirmed_at\n${table.map((row) => row.map(quoted).join(',')).join('\n')}\n`,
        );
        expect(report.added + report.known + report.rejected.length).toBe(report.rows);
        const after = Object.values(await countSubscribers(db)).reduce((sum, count) => sum + count, 0);
        expect(after - before).toBe(report.added);
      }),
      { numRuns: 40 },
    );
    // I4, over everything that was ever imported here.
    const { rows } = await sql`
      select email from subscribers s where status = 'active' and not exists (
        select from consent_events c where c.subscriber_id = s.id and c.event = 'confirmed')
    `.execute(db);
    expect(rows).toEqual([]);
  });
});

describe('leaving', () => {
  it('is in force at once, logged once, and never weakens a stronger state (I7)', async () => {
    await load(
      `email,status,confirmed_at\na@${host},active,${AT}\nb@${host},suppressed,${AT}\nc@${host},pending,\n`,
    );
    for (const local of ['a', 'b', 'c']) {
      await Promise.all([
        unsubscribe(db, await idOf(local), 'one_click'),
        unsubscribe(db, await idOf(local), 'mailto'),
      ]);
    }
    expect((await rowsOf()).map(({ status, left }) => [status, left])).toEqual([
      ['unsubscribed', true],
      ['suppressed', true],
      ['unsubscribed', true],
    ]);
    expect((await eventsOf('a')).map(({ event }) => event)).toEqual(['confirmed', 'unsubscribed']);
    expect((await eventsOf('b')).map(({ event }) => event)).toEqual(['confirmed', 'suppressed']);
    await unsubscribe(db, '00000000-0000-4000-8000-000000000000', 'one_click');
  });
});

describe('topics', () => {
  it('are kept sorted and once each, and logged when they change', async () => {
    await load(`email,confirmed_at\na@${host},${AT}\n`);
    const id = await idOf('a');
    expect(await setTopics(db, id, ['Writing', 'Coding', 'Writing'])).toEqual(['Coding', 'Writing']);
    expect(await setTopics(db, id, ['Writing', 'Coding'])).toEqual(['Coding', 'Writing']);
    expect((await rowsOf())[0]?.topics).toEqual(['Coding', 'Writing']);
    expect((await eventsOf('a')).map(({ event }) => event)).toEqual(['confirmed', 'preference_changed']);
    expect(await setTopics(db, id, [])).toEqual([]);
    expect((await rowsOf())[0]?.topics).toEqual([]);
  });
});
