import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { sql } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Connection } from '../../src/db/index.ts';
import { explain } from '../../src/errors.ts';
import {
  countSubscribers,
  exportSubscribers,
  hasSubscribersFrom,
  type ImportOptions,
  type ImportReport,
  importSubscribers,
  unsubscribe,
} from '../../src/subscribers/index.ts';
import { databaseForAll, type Place } from '../helpers/homes.ts';

const AT = '2026-10-01T08:00:00Z';
const EVERYBODY = ['active', 'pending', 'unsubscribed', 'suppressed'] as const;

/** Lists that come in and go out, and people who are forgotten: on either home. */
export function describeLists(name: string, newPlace: () => Promise<Place>): void {
  describe(name, () => {
    let place: Place;
    let db: Connection;
    databaseForAll(newPlace, (database, opened) => {
      place = opened;
      db = database.kysely;
    });

    /** A file of its own for each import, with addresses that no other test has. */
    let host = '';
    let hosts = 0;
    let files = 0;
    beforeEach(() => {
      hosts += 1;
      host = `list${hosts}.example`;
    });
    const csv = async (content: string | Buffer): Promise<string> => {
      files += 1;
      const file = path.join(place.dataDir, `list-${files}.csv`);
      await writeFile(file, content);
      return file;
    };
    const load = async (content: string | Buffer, options: Partial<ImportOptions> = {}) =>
      importSubscribers(db, await csv(content), { source: host, ...options });

    const rowsOf = async () =>
      (
        await db
          .selectFrom('subscribers')
          .select(['email', 'status', 'topics', 'timezone', 'confirmed_at', 'left_at'])
          .where('email', 'like', `%@${host}`)
          .orderBy('email')
          .execute()
      ).map(({ left_at, ...row }) => ({ ...row, left: left_at !== null }));
    /** Local part → state. */
    const statesOf = async () =>
      Object.fromEntries((await rowsOf()).map(({ email, status }) => [email.split('@')[0], status]));
    const eventsOf = async (local: string) =>
      (
        await sql<{ event: string; at: Date; method: string; source: string | null; details: object }>`
          select e.event, e.at, e.method, e.source, e.details from consent_events e
          join subscribers s on s.id = e.subscriber_id where s.email = ${`${local}@${host}`} order by e.id
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
    const sum = (report: ImportReport) =>
      Object.values(report.added).reduce((total, count) => total + count, 0);

    describe('an import', () => {
      it('takes people as they are, with the consent that came with them', async () => {
        const report = await load(
          `email,status,topics,timezone,confirmed_at\n` +
            `a@${host},active,Writing;Coding; Writing ,Europe/Berlin,${AT}\n` +
            `b@${host},unsubscribed,,,${AT}\n` +
            `c@${host},suppressed,,,\n` +
            `d@${host},pending,,,\n`,
        );
        expect(report).toEqual({
          format: 'plain',
          unused: [],
          rows: 4,
          added: { active: 1, pending: 1, suppressed: 1, unsubscribed: 1 },
          withoutConsent: 0,
          activated: 0,
          left: 0,
          known: 0,
          erased: 0,
          rejected: 0,
          reasons: [],
          rejectedFile: null,
        });
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
          {
            email: `b@${host}`,
            status: 'unsubscribed',
            topics: [],
            timezone: null,
            confirmed_at,
            left: true,
          },
          {
            email: `c@${host}`,
            status: 'suppressed',
            topics: [],
            timezone: null,
            confirmed_at: null,
            left: true,
          },
          {
            email: `d@${host}`,
            status: 'pending',
            topics: [],
            timezone: null,
            confirmed_at: null,
            left: false,
          },
        ]);
        expect(await eventsOf('a')).toEqual([
          {
            event: 'confirmed',
            at: confirmed_at,
            method: 'import',
            source: host,
            details: {
              file: expect.stringMatching(/^list-\d+\.csv$/),
              sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
              imported_at: expect.any(String),
            },
          },
        ]);
        expect((await eventsOf('b')).map(({ event }) => event)).toEqual(['confirmed', 'unsubscribed']);
        expect((await eventsOf('c')).map(({ event }) => event)).toEqual(['suppressed']);
        expect(await eventsOf('d')).toEqual([]);
        expect(await hasSubscribersFrom(db, host)).toBe(true);
        expect(await hasSubscribersFrom(db, 'elsewhere')).toBe(false);
      });

      it('takes nobody for a reader who did not confirm (I4)', async () => {
        const list = `email,status,confirmed_at\na@${host},active,\nb@${host},,\nc@${host},pending,${AT}\n`;
        expect(await load(list)).toMatchObject({ added: { pending: 3 }, withoutConsent: 2 });
        expect(await load(`email\nd@${host}\n`)).toMatchObject({ added: { pending: 1 }, withoutConsent: 1 });
        expect((await rowsOf()).map(({ status, confirmed_at }) => [status, confirmed_at])).toEqual([
          ['pending', null],
          ['pending', null],
          ['pending', null],
          ['pending', null],
        ]);
        for (const local of ['a', 'b', 'c', 'd']) expect(await eventsOf(local)).toEqual([]);
      });

      it('takes people for readers by the consent that covers the list, and writes it down', async () => {
        const consent = 'Ticked the box at the fair in Lyon, 3 May 2026; the sheets are in the safe';
        const list = `email,status,confirmed_at\na@${host},,\nb@${host},active,${AT}\nc@${host},pending,\nd@${host},unsubscribed,\n`;
        expect(await load(list, { consent })).toMatchObject({
          added: { active: 2, pending: 1, unsubscribed: 1 },
          withoutConsent: 0,
        });
        const [event] = await eventsOf('a');
        expect(event).toMatchObject({ event: 'confirmed', method: 'import', details: { basis: consent } });
        expect((await rowsOf())[0]).toMatchObject({ status: 'active', confirmed_at: event?.at });
        // A time of one's own is the better evidence.
        expect((await eventsOf('b'))[0]?.at).toEqual(new Date(AT));
      });

      it('makes those active whom an earlier list brought without consent, and nobody else who waits', async () => {
        await load(`email\na@${host}\nb@${host}\nc@${host}\n`);
        // As the sign-up form leaves it: this person was asked, and has not answered.
        await sql`insert into consent_events (subscriber_id, event, method) values (${await idOf('b')}, 'requested', 'form')`.execute(
          db,
        );
        const again = `email\na@${host}\nb@${host}\n`;
        expect(await load(again)).toMatchObject({ known: 2, activated: 0 });
        expect(await load(again, { consent: 'They asked by letter' })).toMatchObject({
          known: 1,
          activated: 1,
        });
        expect(await load(`email,confirmed_at\nc@${host},${AT}\n`)).toMatchObject({ activated: 1 });
        expect(await statesOf()).toEqual({ a: 'active', b: 'pending', c: 'active' });
        expect((await rowsOf())[2]?.confirmed_at).toEqual(new Date(AT));
        expect((await eventsOf('a')).map(({ event }) => event)).toEqual(['confirmed']);
      });

      it('sets aside what it cannot read, with line and reason, and takes the rest', async () => {
        const file = await csv(
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
            `g@${host},keen,,,,"with, comma"`, // 12
          ].join('\r\n'),
        );
        const rejectedFile = `${file}.rejected.csv`;
        const report = await importSubscribers(db, file, { source: host, rejectedFile });
        expect(report).toMatchObject({ rows: 9, added: { active: 3 }, rejected: 6, rejectedFile });
        expect(report.reasons).toEqual([
          { reason: 'status is no word that we know for one', rows: 2, firstLine: 5 },
          { reason: 'email contains a space or an invisible character', rows: 1, firstLine: 3 },
          {
            reason: 'confirmed_at is not a date and time like 2026-11-01T09:00:00Z',
            rows: 1,
            firstLine: 6,
          },
          { reason: 'email is not of the form name@example.org', rows: 1, firstLine: 9 },
          { reason: 'topics contains an invisible character', rows: 1, firstLine: 10 },
        ]);
        expect(Object.keys(await statesOf())).toEqual(['a', 'd', 'f']);

        const rejected = await readFile(rejectedFile, 'utf8');
        expect(rejected.split('\n').slice(0, 2)).toEqual([
          'email,status,topics,timezone,confirmed_at,note,line,reason',
          'not an address,active,,,,,3,email contains a space or an invisible character',
        ]);
        expect(rejected).toContain('"with, comma",12,');
        expect((await stat(rejectedFile)).mode & 0o777).toBe(0o600);
        // Mended, it is a list like any other.
        const mended = await csv(rejected.replaceAll(',keen,', ',unsubscribed,'));
        expect(await importSubscribers(db, mended, { source: host })).toMatchObject({ rejected: 4 });
        expect(await statesOf()).toMatchObject({ b: 'unsubscribed', g: 'unsubscribed' });
      });

      it('writes no file of bad rows when there are none', async () => {
        const file = await csv(`email\na@${host}\n`);
        const rejectedFile = `${file}.rejected.csv`;
        expect(await importSubscribers(db, file, { source: host, rejectedFile })).toMatchObject({
          rejectedFile: null,
        });
        await expect(stat(rejectedFile)).rejects.toThrow('ENOENT');
      });

      it('leaves those who are known as they are: nobody comes back by a list', async () => {
        await load(
          `email,status,topics,confirmed_at\na@${host},active,Coding,${AT}\nb@${host},suppressed,,\n`,
        );
        await unsubscribe(db, await idOf('a'), 'one_click');
        const before = [await rowsOf(), await eventsOf('a'), await eventsOf('b')];
        const report = await load(
          `email,status,topics,confirmed_at\nA@${host.toUpperCase()},active,Writing,2026-11-01T00:00:00Z\nb@${host},active,,${AT}\n`,
        );
        expect(report).toMatchObject({ rows: 2, known: 2, left: 0, activated: 0 });
        expect([await rowsOf(), await eventsOf('a'), await eventsOf('b')]).toEqual(before);
      });

      it('believes a list that says somebody left, and never one that says they did not (I7)', async () => {
        const list = (...states: string[]) =>
          `email,status,confirmed_at\n${states.map((state, index) => `${'abcd'[index]}@${host},${state},${AT}`).join('\n')}\n`;
        await load(list('active', 'active', 'unsubscribed', 'suppressed'));
        expect(await load(list('unsubscribed', 'suppressed', 'suppressed', 'unsubscribed'))).toMatchObject({
          left: 3,
          known: 1,
        });
        const gone = { a: 'unsubscribed', b: 'suppressed', c: 'suppressed', d: 'suppressed' };
        expect(await statesOf()).toEqual(gone);
        expect((await eventsOf('a')).map(({ event }) => event)).toEqual(['confirmed', 'unsubscribed']);
        expect((await eventsOf('c')).map(({ event }) => event)).toEqual([
          'confirmed',
          'unsubscribed',
          'suppressed',
        ]);
        expect(await load(list('active', 'active', 'active', 'active'), { consent: 'No' })).toMatchObject({
          known: 4,
        });
        expect(await statesOf()).toEqual(gone);
      });

      it('brings nobody back who was forgotten, unless they came back by themselves', async () => {
        await sql`insert into erased_addresses (hash)
          values (address_hash(${`a@${host}`})), (address_hash(${`b@${host}`}))`.execute(db);
        await load(`email,confirmed_at\nc@${host},${AT}\n`);
        await sql`insert into subscribers (email, email_key, status, confirmed_at)
          values (${`b@${host}`}, ${`b@${host}`}, 'active', now())`.execute(db);
        const list = `email,status\nA@${host},active\nb@${host},unsubscribed\nc@${host},active\n`;
        for (const dryRun of [true, false]) {
          expect(await load(list, { dryRun, consent: 'Again' })).toMatchObject({
            erased: 1,
            left: 1,
            known: 1,
          });
        }
        expect(await statesOf()).toEqual({ b: 'unsubscribed', c: 'active' });
      });

      it('brings nobody in who asked never to be mailed, in whatever spelling of the inbox', async () => {
        await sql`insert into refused_inboxes (limit_key) values (address_hash(${`a@${host}`}))`.execute(db);
        const list = `email,confirmed_at\nA+news@${host},${AT}\nb@${host},${AT}\n`;
        for (const dryRun of [true, false])
          expect(await load(list, { dryRun })).toMatchObject({ erased: 1, added: { active: 1 } });
        expect(await statesOf()).toEqual({ b: 'active' });
      });

      it('lets the strongest word win where a list has two about one person, however far apart', async () => {
        const others = Array.from({ length: 1_500 }, (_, index) => `other-${index}@${host},active,${AT}`);
        const report = await load(
          [
            'email,status,confirmed_at',
            `near@${host},active,${AT}`,
            `near@${host},unsubscribed,`,
            `back@${host},suppressed,`,
            `back@${host},active,${AT}`,
            `far@${host},active,${AT}`,
            ...others,
            `far@${host},suppressed,`,
          ].join('\n'),
        );
        expect(report).toMatchObject({
          rows: 1_506,
          added: { active: 1_502, suppressed: 1 },
          left: 2,
          known: 1,
        });
        expect(await statesOf()).toMatchObject({
          near: 'unsubscribed',
          back: 'suppressed',
          far: 'suppressed',
        });
      });

      it('takes a person once, however often and in whatever spelling', async () => {
        const report = await load(`email,confirmed_at\na@${host},${AT}\nA@${host},${AT}\n a@${host} ,\n`);
        expect(report).toMatchObject({ rows: 3, added: { active: 1 }, known: 2 });
        expect(await rowsOf()).toHaveLength(1);
        expect(await eventsOf('a')).toHaveLength(1);
      });

      it('can be repeated, and done twice at once', async () => {
        const lines = Array.from({ length: 2_345 }, (_, index) => `reader-${index}@${host},${AT}`);
        const file = await csv(`email,confirmed_at\n${lines.join('\n')}\n`);
        const again = () => importSubscribers(db, file, { source: host });
        const reports = await Promise.all([again(), again()]);
        for (const report of reports) expect(report.added.active + report.known).toBe(2_345);
        expect(reports.reduce((total, { added }) => total + added.active, 0)).toBe(2_345);
        expect(await again()).toMatchObject({ rows: 2_345, added: { active: 0 }, known: 2_345 });
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
        const report = await load(content.replaceAll('HOST', host));
        expect(report).toMatchObject({ rows: added, known: 0, rejected: 0 });
        expect(sum(report)).toBe(added);
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
          expect(await load(file.join('\r\n'))).toMatchObject({
            added: { active: 2, pending: 1 },
            rejected: 0,
          });
        }
      });

      it('of a file that is none is one line', async () => {
        const folder = path.join(place.dataDir, 'a-folder.csv');
        await mkdir(folder, { recursive: true });
        const unclosed = await csv(`email\n"a@${host}\n`);
        for (const file of [path.join(place.dataDir, 'nowhere.csv'), folder, unclosed]) {
          const error = await importSubscribers(db, file, { source: host }).catch(
            (reason: unknown) => reason,
          );
          expect(error).toMatchObject({ code: 'import-unreadable' });
          expect(explain(error)).toContain(file);
          expect(explain(error)).not.toContain('\n');
        }
      });

      it('reads a pipe, of which it knows neither the size nor the end', async () => {
        const chunks = [`email,confirmed`, `_at\na@${host},${AT}\nb@`, `${host},${AT}`].map(Buffer.from);
        const seen: unknown[] = [];
        const report = await importSubscribers(db, Readable.from(chunks, { objectMode: false }), {
          source: host,
          onProgress: (progress) => seen.push(progress),
        });
        expect(report).toMatchObject({ rows: 2, added: { active: 2 } });
        expect(seen).toEqual([{ rows: 2, bytes: 0, size: undefined }]);
        expect(await importSubscribers(db, Readable.from([]), { source: host })).toMatchObject({ rows: 0 });
      });

      it('that is interrupted keeps what is in, and ends in the same state when it is run again', async () => {
        const lines = Array.from({ length: 3_500 }, (_, index) => `reader-${index}@${host},${AT}`);
        const file = await csv(`email,confirmed_at\n${lines.join('\n')}\n`);
        const stop = new AbortController();
        const error = await importSubscribers(db, file, {
          source: host,
          signal: stop.signal,
          onProgress: ({ rows }) => rows === 2_000 && stop.abort(),
        }).catch((reason: unknown) => reason);
        expect(error).toMatchObject({ code: 'interrupted' });
        expect(explain(error)).toMatch(/^Interrupted after 2000 rows/);
        expect(await rowsOf()).toHaveLength(2_000);
        expect(await importSubscribers(db, file, { source: host })).toMatchObject({
          added: { active: 1_500 },
          known: 2_000,
        });
        const { rows } = await sql`
          select count(*), count(distinct subscriber_id) as people from consent_events where source = ${host}
        `.execute(db);
        expect(rows).toEqual([{ count: 3_500, people: 3_500 }]);
      });

      it('accounts for every row of any list, and a dry run tells the same and writes nothing', async () => {
        const cell = fc.oneof(
          fc.constantFrom('active', 'pending', 'unsubscribed', 'suppressed', '', AT, 'Coding;Writing', 'UTC'),
          fc.string({ unit: 'grapheme', maxLength: 12 }),
        );
        const email = fc.nat(5).map((number) => `p${number}@`);
        const quoted = (value: string) =>
          `"${(value.endsWith('@') ? value + host : value).replaceAll('"', '""')}"`;
        const state = fc.constantFrom('active', 'pending', 'unsubscribed', 'suppressed');
        const time = fc.constantFrom(AT, '', '', 'yesterday');
        const row = fc.oneof(
          { weight: 4, arbitrary: fc.tuple(email, state, fc.constant(''), time) },
          { weight: 1, arbitrary: fc.tuple(fc.oneof(email, cell), cell, cell, cell) },
        );
        const consents = fc.constantFrom(undefined, 'They agreed');
        await fc.assert(
          fc.asyncProperty(
            fc.array(row, { maxLength: 20 }),
            consents,
            fc.nat(9),
            async (table, consent, turn) => {
              hosts += 1;
              // The same people as before, or others.
              if (turn === 0) host = `list${hosts}.example`;
              const before = await countSubscribers(db);
              const list = `email,status,topics,confirmed_at\n${table.map((each) => each.map(quoted).join(',')).join('\n')}\n`;
              const told = await load(list, { consent, dryRun: true });
              expect(await countSubscribers(db)).toEqual(before);
              const report = await load(list, { consent });
              expect(told).toEqual(report);
              const { rows, known, activated, left, erased, rejected } = report;
              expect(sum(report) + known + activated + left + erased + rejected).toBe(rows);
              const all = (counts: Record<string, number>) =>
                Object.values(counts).reduce((total, count) => total + count, 0);
              expect(all(await countSubscribers(db)) - all(before)).toBe(sum(report));
            },
          ),
          { numRuns: 60 },
        );
        // I4, over everything that was ever imported here.
        const { rows } = await sql`
          select email from subscribers s where status = 'active' and not exists (
            select from consent_events c where c.subscriber_id = s.id and c.event = 'confirmed')
        `.execute(db);
        expect(rows).toEqual([]);
      });
    });

    describe('an export', () => {
      const exported = async (...options: [format?: 'csv' | 'json', statuses?: typeof EVERYBODY]) => {
        const [format = 'csv', statuses = EVERYBODY] = options;
        let text = '';
        let people = 0;
        for await (const page of exportSubscribers(db, format, statuses)) {
          text += page.text;
          people += page.people;
        }
        return { text, people };
      };

      it('tells of everybody, with the consent they gave', async () => {
        const consent = 'By letter';
        await load(
          `email,status,topics,timezone,confirmed_at,paused_until\n+a@${host},active,Writing;Audio & Music,Asia/Tokyo,${AT},2027-01-01T00:00:00Z\nb@${host},bounced,,,,\n`,
          { consent },
        );
        const { text } = await exported();
        const lines = text.split('\n');
        expect(lines[0]).toBe(
          'email,status,topics,timezone,confirmed_at,paused_until,left_at,left_reason,consent_at,consent_method,consent_source,created_at',
        );
        const at = new Date(AT).toISOString();
        expect(lines.find((line) => line.includes(`+a@${host}`))).toMatch(
          `'+a@${host},active,Audio & Music;Writing,Asia/Tokyo,${at},2027-01-01T00:00:00.000Z,,,${at},import,${host},`,
        );
        expect(lines.find((line) => line.includes(`b@${host}`))).toMatch(
          /,suppressed,,,,,[^,]+Z,bounced,,,,/,
        );
        const json = JSON.parse((await exported('json')).text) as { email: string }[];
        expect(json.find(({ email }) => email === `+a@${host}`)).toMatchObject({
          status: 'active',
          topics: ['Audio & Music', 'Writing'],
          consent_method: 'import',
        });
      });

      it('has only the states that were asked for, and is complete over many pages', async () => {
        const lines = Array.from({ length: 2_345 }, (_, index) => `reader-${index}@${host},${AT}`);
        await load(`email,confirmed_at\n${lines.join('\n')}\n`);
        const { text, people } = await exported('csv', ['active'] as never);
        expect(people).toBe((await countSubscribers(db)).active);
        expect(new Set(text.match(new RegExp(`reader-\\d+@${host}`, 'g'))).size).toBe(2_345);
        expect(text).not.toMatch(/,(?:pending|unsubscribed|suppressed),/);
        expect(JSON.parse((await exported('json', ['pending'] as never)).text)).toEqual(
          expect.arrayContaining([expect.objectContaining({ status: 'pending' })]),
        );
      });

      it('read into an empty database gives the same people in the same states', async () => {
        // Whose address is gone is no person any more.
        await sql`insert into subscribers (email, email_key, status, left_at)
          values ('', gen_random_uuid()::text, 'unsubscribed', now())`.execute(db);
        await using other = await newPlace();
        await using empty = await other.open();
        const file = path.join(other.dataDir, 'export.csv');
        await writeFile(file, (await exported()).text);
        const report = await importSubscribers(empty.kysely, file, { source: 'moved' });
        expect(report).toMatchObject({ known: 0, rejected: 0, left: 0 });
        const people = (connection: Connection) =>
          connection
            .selectFrom('subscribers')
            .select([
              'email',
              'email_key',
              'status',
              'topics',
              'timezone',
              'confirmed_at',
              'paused_until',
              'reason',
            ])
            .where('email', '<>', '')
            .orderBy('email_key')
            .execute();
        expect(await people(empty.kysely)).toEqual(await people(db));
      });
    });

    // Last, because everybody after it would have its people in the way.
    describe('an import of a long list', () => {
      it('holds no more of it than a chunk, good rows or bad', async () => {
        setFlagsFromString('--expose-gc');
        const collect = runInNewContext('gc') as () => void;
        const LENGTH = 50_000;
        let made = 0;
        function* lines() {
          yield Buffer.from('email,status,confirmed_at,note\n');
          for (; made < LENGTH; made += 1) {
            const state = made % 3 === 0 ? 'keen' : made % 3 === 1 ? 'unsubscribed' : 'active';
            yield Buffer.from(`reader-${made}@${host},${state},${AT},${'x'.repeat(100)}\n`);
          }
        }
        const ahead: number[] = [];
        const heap: number[] = [];
        const list = Readable.from(lines(), { objectMode: false, highWaterMark: 65_536 });
        const report = await importSubscribers(db, list, {
          source: host,
          rejectedFile: path.join(place.dataDir, `${host}.rejected.csv`),
          onProgress({ rows }) {
            ahead.push(made - rows);
            if (rows % 10_000 !== 0) return;
            collect();
            heap.push(process.memoryUsage().heapUsed);
          },
        });
        expect(report).toMatchObject({
          rows: LENGTH,
          added: { active: 16_666, unsubscribed: 16_667 },
          rejected: 16_667,
        });
        expect(Math.max(...ahead)).toBeLessThan(5_000);
        // 40,000 rows more; a row that stays costs at least a hundred bytes.
        expect((heap.at(-1) ?? 0) - (heap[0] ?? 0)).toBeLessThan(2_000_000);
      });
    });
  });
}
