import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/db/index.ts';
import {
  type Address,
  addSubscribers,
  changeAddress,
  eraseSubscriber,
  findAddressChange,
  requestAddressChange,
  requestLink,
  unsubscribe,
} from '../../src/subscribers/index.ts';
import type { WithDatabase } from '../helpers/homes.ts';
import { KEYS } from '../helpers/ledger.ts';
import { readersIn, tokenOf } from '../helpers/readers.ts';

/** Another address, asked for in one inbox and confirmed in the other; and a link for who lost theirs. */
export function describeNewAddress(withDatabase: WithDatabase): void {
  let db: Connection;
  withDatabase(({ kysely }) => {
    db = kysely;
  });
  const { eventsOf, mailsOf, newAddress, reader, rowOf } = readersIn(withDatabase);

  describe('a new address', () => {
    it('takes over when it says so, and the old one is told', async () => {
      const { id, email } = await reader();
      const to = newAddress();
      const mailId = (await requestAddressChange(db, id, to, KEYS)) ?? '';
      expect(await mailsOf(id)).toEqual([
        { id: mailId, kind: 'change', recipient: to.email, status: 'pending' },
      ]);
      expect(await findAddressChange(db, tokenOf(mailId))).toEqual({
        state: 'open',
        from: email,
        to: to.email,
      });
      expect((await rowOf(id)).email).toBe(email);

      const answers = await Promise.all([
        changeAddress(db, tokenOf(mailId), KEYS),
        changeAddress(db, tokenOf(mailId), KEYS),
      ]);
      expect(answers.map((answer) => answer?.change.state)).toEqual(['done', 'done']);
      expect(answers.filter((answer) => answer?.mailId).length).toBe(1);
      expect(await rowOf(id)).toMatchObject({ email: to.email, email_key: to.key, token_version: 2 });
      expect((await mailsOf(id)).map(({ kind, recipient }) => [kind, recipient])).toEqual([
        ['change', to.email],
        ['changed', email],
      ]);
      // The log says that it was changed, never from what to what.
      expect(await eventsOf(id)).toEqual([
        { event: 'preference_changed', method: 'post_button', details: { address: 'changed' } },
      ]);
    });

    it('is asked only while it is nobody’s: known in whatever state, one’s own, or erased is not mailed', async () => {
      const { id, ...own } = await reader();
      const others = [
        own,
        await reader(),
        await reader('pending'),
        await reader('unsubscribed'),
        await reader('suppressed'),
      ];
      const forgotten = await reader();
      await eraseSubscriber(db, { id: forgotten.id }, 'admin');
      for (const { email, key } of [...others, forgotten])
        expect(await requestAddressChange(db, id, { email, key }, KEYS)).toBeNull();
      expect(await mailsOf(id)).toEqual([]);
    });

    it('is asked at most three times a day, also all at once; the latest request counts', async () => {
      const { id } = await reader();
      const asked: (string | null)[] = [];
      for (let time = 0; time < 2; time += 1)
        asked.push(await requestAddressChange(db, id, newAddress(), KEYS));
      asked.push(
        ...(await Promise.all([1, 2, 3].map(() => requestAddressChange(db, id, newAddress(), KEYS)))),
      );
      const mails = asked.filter((mail) => mail !== null);
      expect(mails.length).toBe(3);
      const found = await Promise.all(mails.map((mail) => findAddressChange(db, tokenOf(mail))));
      expect(found.filter((change) => change !== undefined).length).toBe(1);
    });

    it('cannot be had when the link is old, the reader left, or somebody else was faster', async () => {
      const spoil: ((id: string, to: Address) => Promise<unknown>)[] = [
        (id) => sql`update confirmations set expires_at = now() where subscriber_id = ${id}`.execute(db),
        (id) => unsubscribe(db, id, 'one_click'),
        (id) => sql`update subscribers set status = 'suppressed' where id = ${id}`.execute(db),
        (_id, to) =>
          addSubscribers(
            db,
            [{ ...to, status: 'pending', topics: [], timezone: null, confirmedAt: null }],
            'test',
          ),
      ];
      for (const each of spoil) {
        const { id, email } = await reader();
        const to = newAddress();
        const mailId = (await requestAddressChange(db, id, to, KEYS)) ?? '';
        await each(id, to);
        expect((await findAddressChange(db, tokenOf(mailId)))?.state).toBe('over');
        expect(await changeAddress(db, tokenOf(mailId), KEYS)).toMatchObject({
          change: { state: 'over' },
          mailId: null,
        });
        expect((await rowOf(id)).email).toBe(email);
      }
      expect(await findAddressChange(db, 'x')).toBeUndefined();
      expect(await changeAddress(db, '', KEYS)).toBeUndefined();
    });

    it('of two readers goes to one', async () => {
      const [one, other] = [await reader(), await reader()];
      const to = newAddress();
      const mails = [
        (await requestAddressChange(db, one.id, to, KEYS)) ?? '',
        (await requestAddressChange(db, other.id, to, KEYS)) ?? '',
      ];
      const answers = await Promise.allSettled(mails.map((mail) => changeAddress(db, tokenOf(mail), KEYS)));
      const done = answers.filter(
        (each) => each.status === 'fulfilled' && each.value?.change.state === 'done',
      );
      expect(done.length).toBe(1);
      for (const mail of mails) {
        const change = await changeAddress(db, tokenOf(mail), KEYS);
        expect(['done', 'over']).toContain(change?.change.state);
      }
      const { count } = await db
        .selectFrom('subscribers')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('email_key', '=', to.key)
        .executeTakeFirstOrThrow();
      expect(count).toBe(1);
    });
  });

  describe('a fresh link', () => {
    it('is mailed to readers only, once in ten minutes, three times a day', async () => {
      for (const status of ['pending', 'unsubscribed', 'suppressed'] as const)
        expect(await requestLink(db, await reader(status), KEYS)).toBeNull();
      expect(await requestLink(db, newAddress(), KEYS)).toBeNull();

      const someone = await reader();
      const age = () =>
        sql`update mails set created_at = created_at - interval '11 minutes' where subscriber_id = ${someone.id}`.execute(
          db,
        );
      const asked = await Promise.all([1, 2, 3].map(() => requestLink(db, someone, KEYS)));
      expect(asked.filter((mail) => mail !== null).length).toBe(1);
      for (const expected of [1, 1, 0]) {
        await age();
        const again = await Promise.all([requestLink(db, someone, KEYS), requestLink(db, someone, KEYS)]);
        expect(again.filter((mail) => mail !== null).length).toBe(expected);
      }
    });
  });
}
