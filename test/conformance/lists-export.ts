import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import { exportSubscribers } from '../../src/subscribers/import-export/export.ts';
import { importSubscribers } from '../../src/subscribers/import-export/import.ts';
import { countSubscribers } from '../../src/subscribers/subscriber-store.ts';
import { KEYS } from '../helpers/ledger.ts';
import type { DatabaseLocation, WithDatabase } from '../helpers/locations.ts';
import { peopleForEach } from '../helpers/people.ts';

const AT = '2026-10-01T08:00:00Z';
const EVERYBODY = ['active', 'pending', 'unsubscribed', 'suppressed'] as const;

/** An export contains everybody, and an import into another database loses nothing. */
export function describeExport(
  withDatabase: WithDatabase,
  newLocation: () => Promise<DatabaseLocation>,
): void {
  describe('an export', () => {
    const people = peopleForEach(withDatabase);

    const exported = async (...options: [format?: 'csv' | 'json', statuses?: typeof EVERYBODY]) => {
      const [format = 'csv', statuses = EVERYBODY] = options;
      let text = '';
      let count = 0;
      for await (const page of exportSubscribers(people.db, format, statuses, KEYS)) {
        text += page.text;
        count += page.people;
      }
      return { text, count };
    };

    it('lists everybody, with their consent', async () => {
      const { host } = people;
      const consent = 'By letter';
      await people.load(
        `email,status,topics,timezone,confirmed_at,paused_until\n+a@${host},active,Writing;Audio & Music,Asia/Tokyo,${AT},2027-01-01T00:00:00Z\nb@${host},bounced,,,,\n`,
        { consent },
      );
      const { text } = await exported();
      const lines = text.split('\n');
      expect(lines[0]).toBe(
        'email,status,topics,timezone,confirmed_at,paused_until,left_at,left_reason,consent_at,consent_method,consent_source,created_at,links',
      );
      const at = new Date(AT).toISOString();
      expect(lines.find((line) => line.includes(`+a@${host}`))).toMatch(
        `'+a@${host},active,Audio & Music;Writing,Asia/Tokyo,${at},2027-01-01T00:00:00.000Z,,,${at},import,${host},`,
      );
      expect(lines.find((line) => line.includes(`b@${host}`))).toMatch(/,suppressed,,,,,[^,]+Z,bounced,,,,/);
      const json = JSON.parse((await exported('json')).text) as { email: string }[];
      expect(json.find(({ email }) => email === `+a@${host}`)).toMatchObject({
        status: 'active',
        topics: ['Audio & Music', 'Writing'],
        consent_method: 'import',
      });
    });

    it('contains only the requested states, and is complete over many pages', async () => {
      const { db, host } = people;
      const lines = Array.from({ length: 2_345 }, (_, index) => `reader-${index}@${host},${AT}`);
      await people.load(`email,confirmed_at\n${lines.join('\n')}\n`);
      const { text, count } = await exported('csv', ['active'] as never);
      expect(count).toBe((await countSubscribers(db)).active);
      expect(new Set(text.match(new RegExp(`reader-\\d+@${host}`, 'g'))).size).toBe(2_345);
      expect(text).not.toMatch(/,(?:pending|unsubscribed|suppressed),/);
      expect(JSON.parse((await exported('json', ['pending'] as never)).text)).toEqual(
        expect.arrayContaining([expect.objectContaining({ status: 'pending' })]),
      );
    });

    it('imported into an empty database gives the same people in the same states', async () => {
      const { db } = people;
      // A row without an address is not a person any more.
      await sql`insert into subscribers (email, email_key, status, left_at)
        values ('', gen_random_uuid()::text, 'unsubscribed', now())`.execute(db);
      await using other = await newLocation();
      await using empty = await other.open();
      const file = path.join(other.dataDir, 'export.csv');
      await writeFile(file, (await exported()).text);
      const report = await importSubscribers(empty.kysely, file, { source: 'moved' });
      expect(report).toMatchObject({ known: 0, rejected: 0, left: 0 });
      const everybody = (connection: Connection) =>
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
      expect(await everybody(empty.kysely)).toEqual(await everybody(db));
    });
  });
}
