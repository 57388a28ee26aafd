import fc from 'fast-check';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { explain } from '../../src/platform/errors.ts';
import { importSubscribers } from '../../src/subscribers/import-export/import.ts';
import { countSubscribers } from '../../src/subscribers/subscriber-store.ts';
import type { WithDatabase } from '../helpers/locations.ts';
import { addedBy, peopleForEach } from '../helpers/people.ts';

const AT = '2026-10-01T08:00:00Z';

/** An import accounts for every row once, however often it runs and wherever it was interrupted. */
export function describeAccounts(withDatabase: WithDatabase): void {
  describe('an import', () => {
    const people = peopleForEach(withDatabase);

    it('adds a person once, however often and in whatever spelling they are listed', async () => {
      const { host } = people;
      const report = await people.load(
        `email,confirmed_at\na@${host},${AT}\nA@${host},${AT}\n a@${host} ,\n`,
      );
      expect(report).toMatchObject({ rows: 3, added: { active: 1 }, known: 2 });
      expect(await people.rows()).toHaveLength(1);
      expect(await people.events('a')).toHaveLength(1);
    });

    it('can be repeated, and can run twice at once', async () => {
      const { db, host } = people;
      const lines = Array.from({ length: 2_345 }, (_, index) => `reader-${index}@${host},${AT}`);
      const file = await people.file(`email,confirmed_at\n${lines.join('\n')}\n`);
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

    it('that was interrupted keeps finished chunks, and ends in the same state when it runs again', async () => {
      const { db, host } = people;
      const lines = Array.from({ length: 3_500 }, (_, index) => `reader-${index}@${host},${AT}`);
      const file = await people.file(`email,confirmed_at\n${lines.join('\n')}\n`);
      const stop = new AbortController();
      const error = await importSubscribers(db, file, {
        source: host,
        signal: stop.signal,
        onProgress: ({ rows }) => rows === 2_000 && stop.abort(),
      }).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'interrupted' });
      expect(explain(error)).toMatch(/^Interrupted after 2000 rows/);
      expect(await people.rows()).toHaveLength(2_000);
      expect(await importSubscribers(db, file, { source: host })).toMatchObject({
        added: { active: 1_500 },
        known: 2_000,
      });
      const { rows } = await sql`
        select count(*), count(distinct subscriber_id) as people from consent_events where source = ${host}
      `.execute(db);
      expect(rows).toEqual([{ count: 3_500, people: 3_500 }]);
    });

    it('accounts for every row of any list, and a dry run reports the same and writes nothing', async () => {
      const { db } = people;
      const cell = fc.oneof(
        fc.constantFrom('active', 'pending', 'unsubscribed', 'suppressed', '', AT, 'Coding;Writing', 'UTC'),
        fc.string({ unit: 'grapheme', maxLength: 12 }),
      );
      const email = fc.nat(5).map((number) => `p${number}@`);
      const quoted = (value: string) =>
        `"${(value.endsWith('@') ? value + people.host : value).replaceAll('"', '""')}"`;
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
            // The same people as in earlier runs, or others.
            if (turn === 0) people.moveOn();
            const before = await countSubscribers(db);
            const list = `email,status,topics,confirmed_at\n${table.map((each) => each.map(quoted).join(',')).join('\n')}\n`;
            const told = await people.load(list, { consent, dryRun: true });
            expect(await countSubscribers(db)).toEqual(before);
            const report = await people.load(list, { consent });
            expect(told).toEqual(report);
            const { rows, known, activated, left, erased, rejected } = report;
            expect(addedBy(report) + known + activated + left + erased + rejected).toBe(rows);
            const all = (counts: Record<string, number>) =>
              Object.values(counts).reduce((total, count) => total + count, 0);
            expect(all(await countSubscribers(db)) - all(before)).toBe(addedBy(report));
          },
        ),
        { numRuns: 60 },
      );
      // I4, over all people imported here.
      const { rows } = await sql`
        select email from subscribers s where status = 'active' and not exists (
          select from consent_events c where c.subscriber_id = s.id and c.event = 'confirmed')
      `.execute(db);
      expect(rows).toEqual([]);
    });
  });
}
