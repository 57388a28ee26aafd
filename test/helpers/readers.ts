import type { Connection } from '../../src/platform/db/database.ts';
import type { Address } from '../../src/subscribers/address.ts';
import { addSubscribers } from '../../src/subscribers/subscriber-store.ts';
import { keyId, oneTimeToken } from '../../src/subscribers/tokens.ts';
import { KEYS } from './ledger.ts';
import type { WithDatabase } from './locations.ts';

type Status = 'active' | 'pending' | 'unsubscribed' | 'suppressed';

let people = 0;

/** Separate readers for the tests of a group, and their rows in the database. */
export function readersIn(withDatabase: WithDatabase) {
  let db: Connection;
  withDatabase(({ kysely }) => {
    db = kysely;
  });

  /** An unused address; typed with capitals, so that spelling and key differ. */
  const newAddress = (): Address => {
    people += 1;
    return { email: `Self.${people}@own.example`, key: `self.${people}@own.example` };
  };

  return {
    newAddress,
    async reader(status: Status = 'active'): Promise<Address & { id: string }> {
      const address = newAddress();
      const confirmedAt = status === 'active' ? new Date('2026-11-01T00:00:00Z') : null;
      const row = { ...address, status, topics: ['Coding'], timezone: 'UTC', confirmedAt };
      await addSubscribers(db, [row], 'test');
      const { id } = await db
        .selectFrom('subscribers')
        .select('id')
        .where('email_key', '=', address.key)
        .executeTakeFirstOrThrow();
      return { ...address, id };
    },
    rowOf: (id: string) =>
      db.selectFrom('subscribers').selectAll().where('id', '=', id).executeTakeFirstOrThrow(),
    /** The consent log, without the import's events. */
    eventsOf: (id: string) =>
      db
        .selectFrom('consent_events')
        .select(['event', 'method', 'details'])
        .where('subscriber_id', '=', id)
        .where('method', '<>', 'import')
        .orderBy('id')
        .execute(),
    /** Oldest first. */
    mailsOf: (id: string) =>
      db
        .selectFrom('mails')
        .select(['id', 'kind', 'recipient', 'status'])
        .where('subscriber_id', '=', id)
        .orderBy('created_at')
        .execute(),
  };
}

/** The token in the link of a mail that has one. */
export const tokenOf = (mailId: string): string => oneTimeToken(KEYS, mailId, keyId(KEYS[0]));
