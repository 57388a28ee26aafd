import { mkdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { explain } from '../../src/platform/errors.ts';
import { importSubscribers } from '../../src/subscribers/import-export/import.ts';
import type { WithDatabase } from '../helpers/locations.ts';
import { addedBy, peopleForEach } from '../helpers/people.ts';

const AT = '2026-10-01T08:00:00Z';

/** How an import reads a file: spreadsheet formats, bad rows, a pipe, or no list at all. */
export function describeFiles(withDatabase: WithDatabase): void {
  describe('an import', () => {
    const people = peopleForEach(withDatabase);

    it('rejects rows that it cannot read, with line and reason, and imports the others', async () => {
      const { db, host } = people;
      const file = await people.file(
        [
          'email,status,topics,timezone,confirmed_at,note', // 1
          `a@${host},active,,,${AT}`,
          'not an address,active,,,', // 3
          '', // 4: an empty line is not a row
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
      expect(Object.keys(await people.states())).toEqual(['a', 'd', 'f']);

      const rejected = await readFile(rejectedFile, 'utf8');
      expect(rejected.split('\n').slice(0, 2)).toEqual([
        'email,status,topics,timezone,confirmed_at,note,line,reason',
        'not an address,active,,,,,3,email contains a space or an invisible character',
      ]);
      expect(rejected).toContain('"with, comma",12,');
      expect((await stat(rejectedFile)).mode & 0o777).toBe(0o600);
      // Once corrected, it is a list like any other.
      const mended = await people.file(rejected.replaceAll(',keen,', ',unsubscribed,'));
      expect(await importSubscribers(db, mended, { source: host })).toMatchObject({ rejected: 4 });
      expect(await people.states()).toMatchObject({ b: 'unsubscribed', g: 'unsubscribed' });
    });

    it('writes no file of rejected rows when there are none', async () => {
      const { db, host } = people;
      const file = await people.file(`email\na@${host}\n`);
      const rejectedFile = `${file}.rejected.csv`;
      expect(await importSubscribers(db, file, { source: host, rejectedFile })).toMatchObject({
        rejectedFile: null,
      });
      await expect(stat(rejectedFile)).rejects.toThrow('ENOENT');
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
      const { host } = people;
      const report = await people.load(content.replaceAll('HOST', host));
      expect(report).toMatchObject({ rows: added, known: 0, rejected: 0 });
      expect(addedBy(report)).toBe(added);
    });

    it('reports a missing address column once, and imports nobody', async () => {
      await expect(people.load('address,name\nx,y\n')).rejects.toMatchObject({
        code: 'import-columns',
        help: expect.stringContaining('address, name'),
      });
    });

    it("reads a spreadsheet's semicolons or tabs, and rows of any length", async () => {
      const { host } = people;
      for (const [index, mark] of [';', '\t'].entries()) {
        const row = (...cells: string[]) => cells.join(mark);
        const file = [
          row('email', 'confirmed_at'),
          row(`a${index}@${host}`, AT),
          row(`b${index}@${host}`),
          row(`c${index}@${host}`, AT, 'more'),
        ];
        expect(await people.load(file.join('\r\n'))).toMatchObject({
          added: { active: 2, pending: 1 },
          rejected: 0,
        });
      }
    });

    it('of an unreadable file prints one line', async () => {
      const { db, host } = people;
      const folder = path.join(people.folder, 'a-folder.csv');
      await mkdir(folder, { recursive: true });
      const unclosed = await people.file(`email\n"a@${host}\n`);
      for (const file of [path.join(people.folder, 'nowhere.csv'), folder, unclosed]) {
        const error = await importSubscribers(db, file, { source: host }).catch((reason: unknown) => reason);
        expect(error).toMatchObject({ code: 'import-unreadable' });
        expect(explain(error)).toContain(file);
        expect(explain(error)).not.toContain('\n');
      }
    });

    it('reads a pipe, whose size and end it does not know', async () => {
      const { db, host } = people;
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
  });
}
