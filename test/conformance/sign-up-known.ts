import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import { addSubscribers } from '../../src/subscribers/subscriber-store.ts';
import type { WithDatabase } from '../helpers/homes.ts';
import { linkIn, signUpsForAll } from '../helpers/sign-ups.ts';

/** What the form does for people who are on the database already, or were. */
export function describeKnown(withDatabase: WithDatabase): void {
  describe('of people who are known', () => {
    let db: Connection;
    withDatabase(({ kysely }) => {
      db = kysely;
    });
    const { ask, events, pass, press, row, sent, signUp } = signUpsForAll(withDatabase);

    it('who left comes back by a fresh opt-in only, and stays away until then', async () => {
      await signUp('back@example.org');
      await press(linkIn(sent[0]));
      await sql`update subscribers set status = 'unsubscribed', left_at = now() where email_key = 'back@example.org'`.execute(
        db,
      );
      await pass('1 day');
      // The link that was used once does not bring anybody back.
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

    it('a reader who signs up is told so, once in 30 days', async () => {
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

    it('nothing is sent to who is suppressed, and no form lifts it', async () => {
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

    it('an erased person may come back on their own, and is then no longer on the list of the erased', async () => {
      await sql`insert into erased_addresses (hash) values (address_hash('forgotten@example.org'))`.execute(
        db,
      );
      await signUp('forgotten@example.org');
      expect(sent.map(({ kind }) => kind)).toEqual(['confirm']);
      await press(linkIn(sent[0]));
      expect(await db.selectFrom('erased_addresses').selectAll().execute()).toEqual([]);
    });

    it('“never mail me again” holds for every spelling of the inbox, and after the link is over', async () => {
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
