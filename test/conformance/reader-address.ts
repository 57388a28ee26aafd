import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import type { Address } from '../../src/subscribers/address.ts';
import { eraseSubscriber } from '../../src/subscribers/erase/own-data-store.ts';
import {
  changeAddress,
  findAddressChange,
  refuseAddressChange,
} from '../../src/subscribers/preferences/preferences-store.ts';
import { consentText } from '../../src/subscribers/sign-up/consent.ts';
import { addSignUp } from '../../src/subscribers/sign-up/sign-up-store.ts';
import { addSubscribers, unsubscribe } from '../../src/subscribers/subscriber-store.ts';
import { addMailRequest, refuseInbox } from '../../src/transactional/requests/request-store.ts';
import { KEYS } from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';
import { answerRequests, askForChange, askForLostLink, passRequests } from '../helpers/mail-requests.ts';
import { readersIn, tokenOf } from '../helpers/readers.ts';

/** Another address, requested in one inbox and confirmed in the other; and a new link for a reader without one. */
export function describeNewAddress(withDatabase: WithDatabase): void {
  let db: Connection;
  withDatabase(({ kysely }) => {
    db = kysely;
  });
  const { eventsOf, mailsOf, newAddress, reader, rowOf } = readersIn(withDatabase);

  describe('a new address', () => {
    it('replaces the old one when it confirms, and the old one is notified', async () => {
      const { id, email } = await reader();
      const to = newAddress();
      const mailId = (await askForChange(db, id, to, KEYS)) ?? '';
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
      // The log says that the address changed, never from which to which.
      expect(await eventsOf(id)).toEqual([
        { event: 'preference_changed', method: 'post_button', details: { address: 'changed' } },
      ]);
    });

    it("is mailed only while it is unknown: a known one in any status, the reader's own, or an erased one is not", async () => {
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
        expect(await askForChange(db, id, { email, key }, KEYS)).toBeNull();
      expect(await mailsOf(id)).toEqual([]);
    });

    it('F3: the latest request counts, even when its address is known and is mailed nothing', async () => {
      const [{ id }, known] = [await reader(), await reader()];
      const linkAfter = async (to: Address) => {
        const mail = (await askForChange(db, id, newAddress(), KEYS)) ?? '';
        expect((await findAddressChange(db, tokenOf(mail)))?.state).toBe('open');
        await askForChange(db, id, to, KEYS);
        return findAddressChange(db, tokenOf(mail));
      };
      expect(await linkAfter(newAddress())).toBeUndefined();
      expect(await linkAfter(known)).toBeUndefined();
    });

    it('F3: five simultaneous requests cause one link, to the newest address', async () => {
      const { id } = await reader();
      const addresses = Array.from({ length: 5 }, newAddress);
      // In one transaction, so that the clock gives all of them the same instant.
      await db.transaction().execute(async (tx) => {
        for (const address of addresses)
          await addMailRequest(tx, { kind: 'change', address, details: { subscriberId: id } });
      });
      const answered = await Promise.all([1, 2, 3].map(() => answerRequests(db, KEYS)));
      expect(answered.flatMap(({ mailIds }) => mailIds)).toHaveLength(1);
      expect((await mailsOf(id)).map(({ recipient }) => recipient)).toEqual([addresses.at(-1)?.email]);
    });

    it('F4: counts against the limits of its inbox, in any spelling and for any requester', async () => {
      const readers = await Promise.all(Array.from({ length: 10 }, () => reader()));
      const spellings = ['bombed@victims.example', 'b.ombed@victims.example', 'bombed+a@victims.example'];
      for (const { id } of readers) {
        for (const email of spellings) {
          const address = { email, key: email };
          await addMailRequest(db, { kind: 'change', address, details: { subscriberId: id } });
        }
      }
      expect((await answerRequests(db, KEYS)).mailIds).toHaveLength(1);
      // The sign-up form counts against the same inbox.
      const consent = consentText('Weekly Verdicts');
      const evidence = { ip: null, userAgent: null };
      const address = { email: 'bom.bed@victims.example', key: 'bom.bed@victims.example' };
      const signUp = { address, topics: [], timezone: null, source: null, isSuspicious: false, evidence };
      await addSignUp(db, signUp, consent, true);
      expect((await answerRequests(db, KEYS)).mailIds).toEqual([]);
    });

    it('F4: is never mailed when its owner refused all mail, in any spelling', async () => {
      const { id } = await reader();
      await refuseInbox(db, 'never.again@victims.example');
      for (const email of ['neveragain+news@victims.example', 'NeverAgain@victims.example']) {
        const address = { email, key: email.toLowerCase() };
        expect(await askForChange(db, id, address, KEYS)).toBeNull();
      }
      expect(await mailsOf(id)).toEqual([]);
    });

    it('F4: is blocked permanently by the link in its mail, which then moves nobody', async () => {
      const { id } = await reader();
      const to = newAddress();
      const mailId = (await askForChange(db, id, to, KEYS)) ?? '';
      expect(await refuseAddressChange(db, tokenOf(mailId))).toBe(true);
      expect(await refuseAddressChange(db, tokenOf(mailId))).toBe(true);
      expect(await changeAddress(db, tokenOf(mailId), KEYS)).toMatchObject({ change: { state: 'over' } });
      await passRequests(db, '11 minutes');
      expect(await askForChange(db, id, { email: to.email, key: `${to.key}` }, KEYS)).toBeNull();
      expect(await refuseAddressChange(db, 'x')).toBe(false);
    });

    it('cannot be used when the link expired, the reader unsubscribed, or somebody else was first', async () => {
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
        const mailId = (await askForChange(db, id, to, KEYS)) ?? '';
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

    it('of two readers goes to one of them', async () => {
      const [one, other] = [await reader(), await reader()];
      const to = newAddress();
      const mails = [
        (await askForChange(db, one.id, to, KEYS)) ?? '',
        await passRequests(db, '11 minutes').then(
          async () => (await askForChange(db, other.id, to, KEYS)) ?? '',
        ),
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
        expect(await askForLostLink(db, await reader(status), KEYS)).toBeNull();
      expect(await askForLostLink(db, newAddress(), KEYS)).toBeNull();

      const someone = await reader();
      const ask = async () => {
        for (let time = 0; time < 3; time += 1) await addMailRequest(db, { kind: 'link', address: someone });
        return (await answerRequests(db, KEYS)).mailIds.length;
      };
      const counts = [await ask()];
      for (let time = 0; time < 3; time += 1) {
        await passRequests(db, '11 minutes');
        counts.push(await ask());
      }
      expect(counts).toEqual([1, 1, 1, 0]);
    });
  });
}
