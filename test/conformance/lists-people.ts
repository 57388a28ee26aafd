import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { hasSubscribersFrom, unsubscribe } from '../../src/subscribers/subscriber-store.ts';
import type { WithDatabase } from '../helpers/locations.ts';
import { peopleForEach } from '../helpers/people.ts';

const AT = '2026-10-01T08:00:00Z';

/** Which people an import adds, and with which status: nobody becomes active again by a list. */
export function describeNewcomers(withDatabase: WithDatabase): void {
  describe('an import', () => {
    const people = peopleForEach(withDatabase);

    it('adds people with their status and their consent', async () => {
      const { db, host } = people;
      const report = await people.load(
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
      expect(await people.rows()).toEqual([
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
      expect(await people.events('a')).toEqual([
        {
          event: 'confirmed',
          at: confirmed_at,
          method: 'import',
          source: host,
          details: {
            file: expect.stringMatching(/^list\d+\.example-\d+\.csv$/),
            sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
            imported_at: expect.any(String),
          },
        },
      ]);
      expect((await people.events('b')).map(({ event }) => event)).toEqual(['confirmed', 'unsubscribed']);
      expect((await people.events('c')).map(({ event }) => event)).toEqual(['suppressed']);
      expect(await people.events('d')).toEqual([]);
      expect(await hasSubscribersFrom(db, host)).toBe(true);
      expect(await hasSubscribersFrom(db, 'elsewhere')).toBe(false);
    });

    it('makes nobody active who did not confirm (I4)', async () => {
      const { host } = people;
      const list = `email,status,confirmed_at\na@${host},active,\nb@${host},,\nc@${host},pending,${AT}\n`;
      expect(await people.load(list)).toMatchObject({ added: { pending: 3 }, withoutConsent: 2 });
      expect(await people.load(`email\nd@${host}\n`)).toMatchObject({
        added: { pending: 1 },
        withoutConsent: 1,
      });
      expect((await people.rows()).map(({ status, confirmed_at }) => [status, confirmed_at])).toEqual([
        ['pending', null],
        ['pending', null],
        ['pending', null],
        ['pending', null],
      ]);
      for (const local of ['a', 'b', 'c', 'd']) expect(await people.events(local)).toEqual([]);
    });

    it('makes people active by the consent that covers the list, and logs it', async () => {
      const { host } = people;
      const consent = 'Ticked the box at the fair in Lyon, 3 May 2026; the sheets are in the safe';
      const list = `email,status,confirmed_at\na@${host},,\nb@${host},active,${AT}\nc@${host},pending,\nd@${host},unsubscribed,\n`;
      expect(await people.load(list, { consent })).toMatchObject({
        added: { active: 2, pending: 1, unsubscribed: 1 },
        withoutConsent: 0,
      });
      const [event] = await people.events('a');
      expect(event).toMatchObject({ event: 'confirmed', method: 'import', details: { basis: consent } });
      expect((await people.rows())[0]).toMatchObject({ status: 'active', confirmed_at: event?.at });
      // A person's own confirmation time is the better evidence.
      expect((await people.events('b'))[0]?.at).toEqual(new Date(AT));
    });

    it('makes people active whom an earlier list brought without consent, but no other pending person', async () => {
      const { db, host } = people;
      await people.load(`email\na@${host}\nb@${host}\nc@${host}\n`);
      // As after a sign-up by the form: this person was asked, and has not answered.
      await sql`insert into consent_events (subscriber_id, event, method) values (${await people.idOf('b')}, 'requested', 'form')`.execute(
        db,
      );
      const again = `email\na@${host}\nb@${host}\n`;
      expect(await people.load(again)).toMatchObject({ known: 2, activated: 0 });
      expect(await people.load(again, { consent: 'They asked by letter' })).toMatchObject({
        known: 1,
        activated: 1,
      });
      expect(await people.load(`email,confirmed_at\nc@${host},${AT}\n`)).toMatchObject({ activated: 1 });
      expect(await people.states()).toEqual({ a: 'active', b: 'pending', c: 'active' });
      expect((await people.rows())[2]?.confirmed_at).toEqual(new Date(AT));
      expect((await people.events('a')).map(({ event }) => event)).toEqual(['confirmed']);
    });

    it('leaves known people unchanged: nobody becomes active again by a list', async () => {
      const { db, host } = people;
      await people.load(
        `email,status,topics,confirmed_at\na@${host},active,Coding,${AT}\nb@${host},suppressed,,\n`,
      );
      await unsubscribe(db, await people.idOf('a'), 'one_click');
      const before = [await people.rows(), await people.events('a'), await people.events('b')];
      const report = await people.load(
        `email,status,topics,confirmed_at\nA@${host.toUpperCase()},active,Writing,2026-11-01T00:00:00Z\nb@${host},active,,${AT}\n`,
      );
      expect(report).toMatchObject({ rows: 2, known: 2, left: 0, activated: 0 });
      expect([await people.rows(), await people.events('a'), await people.events('b')]).toEqual(before);
    });

    it('applies an unsubscribe in a list, and never the opposite (I7)', async () => {
      const { host } = people;
      const list = (...states: string[]) =>
        `email,status,confirmed_at\n${states.map((state, index) => `${'abcd'[index]}@${host},${state},${AT}`).join('\n')}\n`;
      await people.load(list('active', 'active', 'unsubscribed', 'suppressed'));
      expect(
        await people.load(list('unsubscribed', 'suppressed', 'suppressed', 'unsubscribed')),
      ).toMatchObject({
        left: 3,
        known: 1,
      });
      const gone = { a: 'unsubscribed', b: 'suppressed', c: 'suppressed', d: 'suppressed' };
      expect(await people.states()).toEqual(gone);
      expect((await people.events('a')).map(({ event }) => event)).toEqual(['confirmed', 'unsubscribed']);
      expect((await people.events('c')).map(({ event }) => event)).toEqual([
        'confirmed',
        'unsubscribed',
        'suppressed',
      ]);
      expect(
        await people.load(list('active', 'active', 'active', 'active'), { consent: 'No' }),
      ).toMatchObject({
        known: 4,
      });
      expect(await people.states()).toEqual(gone);
    });

    it('does not add a forgotten person, unless they came back by themselves', async () => {
      const { db, host } = people;
      await sql`insert into erased_addresses (hash)
        values (address_hash(${`a@${host}`})), (address_hash(${`b@${host}`}))`.execute(db);
      await people.load(`email,confirmed_at\nc@${host},${AT}\n`);
      await sql`insert into subscribers (email, email_key, status, confirmed_at)
        values (${`b@${host}`}, ${`b@${host}`}, 'active', now())`.execute(db);
      const list = `email,status\nA@${host},active\nb@${host},unsubscribed\nc@${host},active\n`;
      for (const dryRun of [true, false]) {
        expect(await people.load(list, { dryRun, consent: 'Again' })).toMatchObject({
          erased: 1,
          left: 1,
          known: 1,
        });
      }
      expect(await people.states()).toEqual({ b: 'unsubscribed', c: 'active' });
    });

    it('does not add a person who asked never to be mailed, in any spelling of the inbox', async () => {
      const { db, host } = people;
      await sql`insert into refused_inboxes (limit_key) values (address_hash(${`a@${host}`}))`.execute(db);
      const list = `email,confirmed_at\nA+news@${host},${AT}\nb@${host},${AT}\n`;
      for (const dryRun of [true, false])
        expect(await people.load(list, { dryRun })).toMatchObject({ erased: 1, added: { active: 1 } });
      expect(await people.states()).toEqual({ b: 'active' });
    });

    it('uses the strongest status when a list has two rows for one person, however far apart', async () => {
      const { host } = people;
      const others = Array.from({ length: 1_500 }, (_, index) => `other-${index}@${host},active,${AT}`);
      const report = await people.load(
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
      expect(await people.states()).toMatchObject({
        near: 'unsubscribed',
        back: 'suppressed',
        far: 'suppressed',
      });
    });
  });
}
