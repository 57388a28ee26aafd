import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Connection } from '../src/db/index.ts';
import { importSubscribers, setTopics, unsubscribe } from '../src/subscribers/index.ts';
import { databaseForAll, embeddedPlace, type Place } from './helpers/homes.ts';

let place: Place;
let db: Connection;
let files = 0;
databaseForAll(embeddedPlace, (database, opened) => {
  place = opened;
  db = database.kysely;
});

/** A file of its own for each import, with addresses that no other test has. */
let host = '';
beforeEach(() => {
  files += 1;
  host = `list${files}.example`;
});
const csv = async (content: string): Promise<string> => {
  const file = path.join(place.dataDir, `list-${files}-${Math.random()}.csv`);
  await writeFile(file, content);
  return file;
};
const load = async (content: string) => importSubscribers(db, await csv(content), { source: host });

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
