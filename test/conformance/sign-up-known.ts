import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import { addSubscribers } from '../../src/subscribers/subscriber-store.ts';
import type { WithDatabase } from '../helpers/locations.ts';
import { linkIn, signUpsForAll } from '../helpers/sign-ups.ts';

/** The form for people who are in the database already, or were. */
export function describeKnown(withDatabase: WithDatabase): void {
  describe('a known person', () => {
    let db: Connection;
    withDatabase(({ kysely }) => {
      db = kysely;
    });
    const { ask, events, pass, press, row, sent, signUp } = signUpsForAll(withDatabase);

    it('who unsubscribed becomes active only by a new confirmation, and not before', async () => {
      await signUp('back@example.org');
      await press(linkIn(sent[0]));
      await sql`update subscribers set status = 'unsubscribed', left_at = now() where email_key = 'back@example.org'`.execute(
        db,
      );
      await pass('1 day');
      // A used link makes nobody active again.
      expect((await press(linkIn(sent[0]))).statusCode).toBe(404);
      await signUp('back@example.org');
      expect(await row('back@example.org')).toMatchObject({ status: 'unsubscribed' });
      await press(linkIn(sent[1]));
      expect(await row('back@example.org')).toMatchObject({ status: 'active', left_at: null });
      expect((await events('back@example.org')).map(({ event }) => event)).toEqual([
        'requested',
        'confirm_sent',
        'confirmed',
        'requested',
        'confirm_sent',
        'confirmed',
        'resubscribed',
      ]);
    });

    it('who is a reader and signs up again gets a reminder, once in 30 days', async () => {
      const email = 'reader@example.org';
      const confirmedAt = new Date('2026-11-01T00:00:00Z');
      await addSubscribers(
        db,
        [{ email, key: email, status: 'active', topics: [], timezone: null, confirmedAt }],
        'test',
      );
      for (const time of ['11 minutes', '20 days', '11 days']) {
        await signUp(email);
        await pass(time);
      }
      expect(sent.map(({ kind }) => kind)).toEqual(['already']);
      await signUp(email);
      expect(sent.map(({ kind }) => kind)).toEqual(['already', 'already']);
      expect(await row(email)).toMatchObject({ status: 'active' });
    });

    it('who is suppressed gets no mail, and no form lifts it', async () => {
      const email = 'bounced@example.org';
      await addSubscribers(
        db,
        [{ email, key: email, status: 'suppressed', topics: [], timezone: null, confirmedAt: null }],
        'test',
      );
      await signUp(email);
      expect(sent).toEqual([]);
      expect(await row(email)).toMatchObject({ status: 'suppressed' });
    });

    it('who was erased may come back by themselves, and is then no longer on the list of erased addresses', async () => {
      await sql`insert into erased_addresses (hash) values (address_hash('forgotten@example.org'))`.execute(
        db,
      );
      await signUp('forgotten@example.org');
      expect(sent.map(({ kind }) => kind)).toEqual(['confirm']);
      await press(linkIn(sent[0]));
      expect(await db.selectFrom('erased_addresses').selectAll().execute()).toEqual([]);
    });

    it('who pressed “never mail me again” is blocked in every spelling of the inbox, also after the link expired', async () => {
      await signUp('v.ictim@gmail.com');
      await pass('73 hours');
      const never = `${linkIn(sent[0])}/never`;
      expect((await ask(never)).body).toContain('v***@g***.com');
      for (let time = 0; time < 2; time += 1) {
        const answer = await press(never, 'never=1');
        expect([answer.statusCode, answer.body]).toEqual([
          200,
          expect.stringContaining('not mail you again'),
        ]);
      }
      expect(await row('v.ictim@gmail.com')).toMatchObject({ status: 'suppressed' });
      expect((await events('v.ictim@gmail.com')).map(({ event }) => event)).toEqual([
        'requested',
        'confirm_sent',
        'suppressed',
      ]);
      await pass('40 days');
      await signUp('v.ictim@gmail.com');
      await signUp('vic.tim+again@googlemail.com');
      expect(sent).toHaveLength(1);
    });
  });
}
