import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import { eraseSubscriber } from '../../src/subscribers/erase/own-data-store.ts';
import {
  changeAddressByFreshLink,
  eraseByFreshLink,
  exportByFreshLink,
  type FreshLinkPurpose,
  findFreshLink,
  voidLinks,
} from '../../src/subscribers/step-up/step-up-store.ts';
import { findSubscriber } from '../../src/subscribers/subscriber-store.ts';
import { KEYS } from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';
import { askForFreshLink, waitingRequests } from '../helpers/mail-requests.ts';
import { readersIn } from '../helpers/readers.ts';

/** F5: the effect of a fresh link on the database, also when its button is pressed many times at once. */
export function describeStepUp(withDatabase: WithDatabase): void {
  let db: Connection;
  withDatabase(({ kysely }) => {
    db = kysely;
  });
  const { eventsOf, mailsOf, newAddress, reader, rowOf } = readersIn(withDatabase);
  const tokenFor = async (id: string, purpose: FreshLinkPurpose) =>
    (await askForFreshLink(db, id, purpose, KEYS))?.slice('/fresh/'.length) ?? '';
  const FIVE = [1, 2, 3, 4, 5];
  const kindsOf = async (id: string) => (await mailsOf(id)).map(({ kind }) => kind);

  describe('F5: a fresh link, pressed five times at once', () => {
    it('exports the data once', async () => {
      const { id } = await reader();
      const token = await tokenFor(id, 'export');
      const done = await Promise.all(FIVE.map(() => exportByFreshLink(db, token, KEYS)));
      expect(done.filter((each) => each !== undefined)).toHaveLength(1);
      expect(await kindsOf(id)).toEqual(['step_up', 'exported']);
      expect((await findFreshLink(db, token))?.state).toBe('used');
    });

    it('erases once, also when an editor does the same', async () => {
      for (let turn = 0; turn < 5; turn += 1) {
        const { id } = await reader();
        const token = await tokenFor(id, 'erase');
        const [byEditor, ...byLink] = await Promise.all([
          eraseSubscriber(db, { id }, 'admin'),
          ...FIVE.map(() => eraseByFreshLink(db, token, KEYS)),
        ]);
        expect([byEditor, ...byLink].filter(Boolean)).toHaveLength(1);
        expect((await eventsOf(id)).filter(({ event }) => event === 'erased')).toHaveLength(1);
        // A reader who erases themselves gets a mail; one whom a person erased has asked that person.
        expect((await kindsOf(id)).filter((kind) => kind === 'erased')).toHaveLength(byEditor ? 0 : 1);
        expect((await findFreshLink(db, token))?.state).toBe(byEditor ? undefined : 'used');
      }
    });

    it('mails one new address', async () => {
      const { id } = await reader();
      const token = await tokenFor(id, 'change_address');
      const addresses = FIVE.map(newAddress);
      await Promise.all(addresses.map((to) => changeAddressByFreshLink(db, token, to)));
      const asked = (await waitingRequests(db)).filter(({ details }) => {
        return (details as { subscriberId?: string }).subscriberId === id;
      });
      expect(asked.map(({ kind }) => kind)).toEqual(['change']);
    });
  });

  it('F5: a fresh link works for its own purpose and its own reader only', async () => {
    const [one, other] = [await reader(), await reader()];
    const token = await tokenFor(one.id, 'export');
    expect(await eraseByFreshLink(db, token, KEYS)).toBeUndefined();
    expect(await changeAddressByFreshLink(db, token, newAddress())).toBeUndefined();
    expect((await findFreshLink(db, token))?.state).toBe('open');
    const done = await exportByFreshLink(db, token, KEYS);
    expect(done?.data.subscriber.email).toBe(one.email);
    expect(JSON.stringify(done?.data)).not.toContain(other.email);
    expect(await exportByFreshLink(db, 'x', KEYS)).toBeUndefined();
  });

  it('F5: a request for another address is answered only for active readers', async () => {
    const answered: Record<string, (string | null)[]> = {};
    for (const status of ['active', 'unsubscribed', 'suppressed'] as const) {
      const { id } = await reader(status);
      const links: (string | null)[] = [];
      for (const purpose of ['export', 'erase', 'change_address'] as const)
        links.push((await askForFreshLink(db, id, purpose, KEYS)) === null ? null : purpose);
      answered[status] = links;
    }
    expect(answered).toEqual({
      active: ['export', 'erase', 'change_address'],
      unsubscribed: ['export', 'erase', null],
      suppressed: [null, null, null],
    });
  });

  it('F5: older links are voided once, however often the button is pressed at once, with one mail and one log entry', async () => {
    const { id } = await reader();
    const subscriber = await findSubscriber(db, id);
    if (subscriber === undefined) throw new Error('no reader');
    const fresh = await tokenFor(id, 'erase');
    const mails = await Promise.all(FIVE.map(() => voidLinks(db, subscriber, KEYS)));
    expect(mails.filter((mail) => mail !== null)).toHaveLength(1);
    expect((await rowOf(id)).token_version).toBe(2);
    expect(await eventsOf(id)).toEqual([
      { event: 'preference_changed', method: 'post_button', details: { links: 'voided' } },
    ]);
    expect((await findFreshLink(db, fresh))?.state).toBe('void');
    expect(await eraseByFreshLink(db, fresh, KEYS)).toBeUndefined();
    expect((await rowOf(id)).status).toBe('active');
  });

  it('F5: an expired link exports nothing', async () => {
    const { id } = await reader();
    const token = await tokenFor(id, 'export');
    await sql`update fresh_links set expires_at = now() where subscriber_id = ${id}`.execute(db);
    expect((await findFreshLink(db, token))?.state).toBe('expired');
    expect(await exportByFreshLink(db, token, KEYS)).toBeUndefined();
    expect(await kindsOf(id)).toEqual(['step_up']);
  });
}
