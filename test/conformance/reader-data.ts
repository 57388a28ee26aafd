import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import { eraseSubscriber, exportSubscriber } from '../../src/subscribers/erase/own-data-store.ts';
import { pause } from '../../src/subscribers/preferences/preferences-store.ts';
import { keyId } from '../../src/subscribers/tokens.ts';
import { queueMail } from '../../src/transactional/transactional-store.ts';
import { whereverWritten } from '../helpers/everywhere.ts';
import { KEYS } from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';
import { askForChange, askForLostLink } from '../helpers/mail-requests.ts';
import { readersIn } from '../helpers/readers.ts';

/** The data stored about one person: the export contains all of it, and erasure deletes all of it. */
export function describeOwnData(withDatabase: WithDatabase): void {
  let db: Connection;
  withDatabase(({ kysely }) => {
    db = kysely;
  });
  const { eventsOf, mailsOf, newAddress, reader, rowOf } = readersIn(withDatabase);

  describe('erasing', () => {
    it('leaves the address nowhere, and an import cannot add it again', async () => {
      const { id, email, key } = await reader();
      const to = newAddress();
      const bystander = await reader();
      await sql`
        insert into consent_evidence (event_id, ip, user_agent)
        select id, '203.0.113.7', 'Erased/1.0' from consent_events where subscriber_id = ${id}
      `.execute(db);
      await askForChange(db, id, to, KEYS);
      await queueMail(db, { kind: 'changed', subscriberId: id, recipient: email, keyId: keyId(KEYS[0]) });
      await queueMail(db, { kind: 'test', recipient: email, keyId: keyId(KEYS[0]) });
      await pause(db, id);

      expect((await whereverWritten(db, key)).length).toBeGreaterThan(2);
      const erased = await Promise.all([
        eraseSubscriber(db, { id }, 'post_button'),
        eraseSubscriber(db, { id }, 'post_button'),
      ]);
      expect(erased.filter(Boolean).length).toBe(1);
      for (const trace of [key, to.key, '203.0.113.7', 'Erased/1.0'])
        expect([trace, await whereverWritten(db, trace)]).toEqual([trace, []]);
      expect((await whereverWritten(db, bystander.key)).length).toBeGreaterThan(0);

      expect(await rowOf(id)).toMatchObject({
        email: '',
        status: 'suppressed',
        reason: 'erased',
        topics: [],
        timezone: null,
        paused_until: null,
      });
      expect((await mailsOf(id)).map(({ status }) => status)).toEqual(['dropped', 'dropped']);
      expect((await eventsOf(id)).at(-1)).toEqual({ event: 'erased', method: 'post_button', details: {} });
      const { rows } = await sql`select from erased_addresses where hash = address_hash(${key})`.execute(db);
      expect(rows.length).toBe(1);
    });

    it('of an unknown address keeps it out of later imports', async () => {
      const { key } = newAddress();
      expect(await eraseSubscriber(db, { key }, 'admin')).toBe(false);
      const { rows } = await sql`select from erased_addresses where hash = address_hash(${key})`.execute(db);
      expect(rows.length).toBe(1);
      const someone = await reader();
      expect(await eraseSubscriber(db, { key: someone.key }, 'admin')).toBe(true);
      expect((await rowOf(someone.id)).email).toBe('');
    });
  });

  it('an export has everything about one person, and nothing about another', async () => {
    const { id, email } = await reader();
    const other = await reader();
    await sql`
      insert into consent_evidence (event_id, ip, user_agent)
      select id, '203.0.113.8', 'Mail/2' from consent_events where subscriber_id = ${id}
    `.execute(db);
    await askForLostLink(db, { email, key: email.toLowerCase() }, KEYS);
    const data = await exportSubscriber(db, id);
    expect(data).toMatchObject({
      subscriber: { email, status: 'active', topics: ['Coding'], timezone: 'UTC', pausedUntil: null },
      consents: [
        { event: 'confirmed', method: 'import', source: 'test', ip: '203.0.113.8', userAgent: 'Mail/2' },
      ],
      deliveries: [],
      mails: [{ kind: 'link', to: email, status: 'pending' }],
    });
    expect(JSON.stringify(data)).not.toContain(other.email);
    expect(await exportSubscriber(db, '00000000-0000-4000-8000-000000000000')).toBeUndefined();
  });
}
