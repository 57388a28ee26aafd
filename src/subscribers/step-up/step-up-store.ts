import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';
import type { Schema } from '../../platform/db/schema.ts';
import { FRESH_LINK_MINUTES } from '../../transactional/link-lifetimes.ts';
import type { MailRequestHandler } from '../../transactional/requests/answer-requests.ts';
import { addMailRequest, type MailRequest } from '../../transactional/requests/request-store.ts';
import { queueMail, queueMails } from '../../transactional/transactional-store.ts';
import type { Address } from '../address.ts';
import { exportSubscriber, forgetPerson, type OwnData } from '../erase/own-data-store.ts';
import { findSubscriber, type Subscriber } from '../subscriber-store.ts';
import { type Keys, keyId, oneTimeToken, tokenHash } from '../tokens.ts';

/**
 * Fresh links. A link in an issue may lie in many inboxes, because issues are forwarded; a fresh link was mailed to the
 * reader just now. It serves one purpose, once; opening its page does not use it up. Docs: ADR 20.
 */

export type FreshLinkPurpose = Schema['fresh_links']['purpose'];

export const FRESH_LINK_PURPOSES: readonly FreshLinkPurpose[] = ['export', 'erase', 'change_address'];

/**
 * Stores a request for a fresh link, made by somebody with another link of this reader. The mail goes to the reader's
 * address, also when a stranger asks. A job answers, within the limits of all mail that strangers can cause.
 */
export async function requestFreshLink(
  db: Connection,
  { id, email }: Pick<Subscriber, 'id' | 'email'>,
  purpose: FreshLinkPurpose,
): Promise<void> {
  const address = { email, key: email.toLowerCase() };
  await addMailRequest(db, { kind: 'step_up', address, details: { subscriberId: id, purpose } });
}

/**
 * Mails fresh links. Two simultaneous requests for one purpose get one link. A suppressed person gets none, and only
 * active readers can change their address.
 */
export function freshLinkHandler(keys: Keys): MailRequestHandler {
  return async (tx, accepted) => {
    const key = keyId(keys[0]);
    const links = [
      ...new Map(accepted.map((each) => [`${requesterOf(each)} ${purposeOf(each)}`, each])).values(),
    ].map((request) => {
      const mailId = randomUUID();
      return {
        mail_id: mailId,
        token_hash: tokenHash(oneTimeToken(keys, mailId, key)),
        subscriber_id: requesterOf(request),
        purpose: purposeOf(request),
      };
    });
    const { rows } = await sql<{ id: string; subscriberId: string; purpose: FreshLinkPurpose }>`
      with asked as (
        select r.*, s.token_version from jsonb_to_recordset(${JSON.stringify(links)}::jsonb)
          as r (mail_id uuid, token_hash text, subscriber_id uuid, purpose text)
        join subscribers s on s.id = r.subscriber_id
        where s.email <> '' and s.status <> 'suppressed' and (r.purpose <> 'change_address' or s.status = 'active')
      ), made as (
        insert into fresh_links (token_hash, subscriber_id, purpose, token_version, expires_at)
        select token_hash, subscriber_id, purpose, token_version, now() + make_interval(mins => ${FRESH_LINK_MINUTES}::int)
        from asked
      )
      select mail_id as id, subscriber_id as "subscriberId", purpose from asked
    `.execute(tx);
    return queueMails(
      tx,
      rows.map(({ id, subscriberId, purpose }) => ({
        id,
        kind: 'step_up',
        subscriberId,
        content: { purpose },
        keyId: key,
      })),
    );
  };
}

const requesterOf = ({ details }: MailRequest) => String(details.subscriberId);
const purposeOf = ({ details }: MailRequest) => String(details.purpose);

/** State of a fresh link. `void`: its reader voided older links, moved to another address, or was erased. */
export interface FreshLink {
  state: 'open' | 'used' | 'expired' | 'void';
  purpose: FreshLinkPurpose;
  subscriberId: string;
  email: string;
}

/** @returns undefined when the token never existed. */
export async function findFreshLink(db: Connection, token: string): Promise<FreshLink | undefined> {
  const { rows } = await sql<FreshLink>`
    select f.purpose, s.id as "subscriberId", s.email, ${STATE} as state
    from fresh_links f join subscribers s on s.id = f.subscriber_id
    where f.token_hash = ${tokenHash(token)}
  `.execute(db);
  return rows[0];
}

const STATE = sql`case
  when f.used_at is not null then 'used'
  when f.token_version <> s.token_version or s.email = '' or (f.purpose = 'change_address' and s.status <> 'active')
    then 'void'
  when f.expires_at <= now() then 'expired'
  else 'open' end`;

/**
 * Uses a link up and runs its action, in one transaction. Of two simultaneous calls, the second finds the link used.
 * @returns undefined when there is no open link for this purpose; nothing was changed.
 */
async function consumeFreshLink<T>(
  db: Connection,
  token: string,
  purpose: FreshLinkPurpose,
  act: (tx: Connection, owner: Subscriber) => Promise<T>,
): Promise<T | undefined> {
  return db.transaction().execute(async (tx) => {
    // Lock the reader's row first: everything that erases or moves a person locks in this order.
    const { rows: owners } = await sql<{ id: string }>`
      select s.id from fresh_links f join subscribers s on s.id = f.subscriber_id
      where f.token_hash = ${tokenHash(token)} for update of s
    `.execute(tx);
    const { rows: used } = await sql`
      update fresh_links f set used_at = now() from subscribers s
      where f.token_hash = ${tokenHash(token)} and f.purpose = ${purpose} and s.id = f.subscriber_id
        and ${STATE} = 'open'
      returning f.token_hash
    `.execute(tx);
    const owner = used.length === 0 ? undefined : await findSubscriber(tx, owners[0]?.id ?? '');
    return owner && (await act(tx, owner));
  });
}

/** Exports everything we store of a reader; a mail notifies them of it. @returns the mail to enqueue. */
export async function exportByFreshLink(
  db: Connection,
  token: string,
  keys: Keys,
): Promise<{ data: OwnData; mailId: string } | undefined> {
  return consumeFreshLink(db, token, 'export', async (tx, { id }) => {
    const mailId = await queueMail(tx, { kind: 'exported', subscriberId: id, keyId: keyId(keys[0]) });
    return { data: (await exportSubscriber(tx, id)) as OwnData, mailId };
  });
}

/** Erases a reader. One last mail confirms it, and its row loses the address when the mail is sent. */
export async function eraseByFreshLink(
  db: Connection,
  token: string,
  keys: Keys,
): Promise<{ mailId: string } | undefined> {
  return consumeFreshLink(db, token, 'erase', async (tx, { id, email }) => {
    await forgetPerson(tx, { id }, 'post_button');
    const mailId = await queueMail(tx, {
      kind: 'erased',
      subscriberId: id,
      recipient: email,
      keyId: keyId(keys[0]),
    });
    return { mailId };
  });
}

/** Stores a reader's request for another address; that address gets a mail, as from every other form. */
export async function changeAddressByFreshLink(
  db: Connection,
  token: string,
  to: Address,
): Promise<true | undefined> {
  return consumeFreshLink(db, token, 'change_address', async (tx, { id }) => {
    await addMailRequest(tx, { kind: 'change', address: to, details: { subscriberId: id } });
    return true as const;
  });
}

/**
 * Voids every link mailed to a reader so far, including fresh ones; the old links can still unsubscribe. The reader is
 * mailed a new link. A second call changes nothing.
 * @returns the mail to enqueue; null when another request was first.
 */
export async function voidLinks(
  db: Connection,
  { id, tokenVersion }: Pick<Subscriber, 'id' | 'tokenVersion'>,
  keys: Keys,
): Promise<string | null> {
  return db.transaction().execute(async (tx) => {
    const { rows } = await sql`
      with changed as (
        update subscribers set token_version = token_version + 1
        where id = ${id} and token_version = ${tokenVersion} and email <> ''
        returning id
      ), carried as (
        update link_ids set version = null
        where subscriber_id in (select id from changed) and version is not null
      )
      insert into consent_events (subscriber_id, event, method, details)
      select id, 'preference_changed', 'post_button', '{"links": "voided"}' from changed
      returning id
    `.execute(tx);
    if (rows.length === 0) return null;
    return queueMail(tx, { kind: 'voided', subscriberId: id, keyId: keyId(keys[0]) });
  });
}
