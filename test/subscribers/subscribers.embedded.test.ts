import { describe, expect, it } from 'vitest';
import { setTopics, unsubscribe } from '../../src/subscribers/subscriber-store.ts';
import { databaseForAll, embeddedLocation } from '../helpers/locations.ts';
import { peopleForEach } from '../helpers/people.ts';

const people = peopleForEach(databaseForAll(embeddedLocation));

const AT = '2026-10-01T08:00:00Z';

describe('unsubscribing', () => {
  it('takes effect at once, is logged once, and never weakens a stronger status (I7)', async () => {
    const { db, host } = people;
    await people.load(
      `email,status,confirmed_at\na@${host},active,${AT}\nb@${host},suppressed,${AT}\nc@${host},pending,\n`,
    );
    for (const local of ['a', 'b', 'c']) {
      await Promise.all([
        unsubscribe(db, await people.idOf(local), 'one_click'),
        unsubscribe(db, await people.idOf(local), 'mailto'),
      ]);
    }
    expect((await people.rows()).map(({ status, left }) => [status, left])).toEqual([
      ['unsubscribed', true],
      ['suppressed', true],
      ['unsubscribed', true],
    ]);
    expect((await people.events('a')).map(({ event }) => event)).toEqual(['confirmed', 'unsubscribed']);
    expect((await people.events('b')).map(({ event }) => event)).toEqual(['confirmed', 'suppressed']);
    await unsubscribe(db, '00000000-0000-4000-8000-000000000000', 'one_click');
  });
});

describe('topics', () => {
  it('are stored sorted and once each, and logged when they change', async () => {
    const { db, host } = people;
    await people.load(`email,confirmed_at\na@${host},${AT}\n`);
    const id = await people.idOf('a');
    expect(await setTopics(db, id, ['Writing', 'Coding', 'Writing'])).toEqual(['Coding', 'Writing']);
    expect(await setTopics(db, id, ['Writing', 'Coding'])).toEqual(['Coding', 'Writing']);
    expect((await people.rows())[0]?.topics).toEqual(['Coding', 'Writing']);
    expect((await people.events('a')).map(({ event }) => event)).toEqual(['confirmed', 'preference_changed']);
    expect(await setTopics(db, id, [])).toEqual([]);
    expect((await people.rows())[0]?.topics).toEqual([]);
  });
});
