import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';
import type { Limit } from '../../platform/queue/limiter.ts';
import { CHANGE_LINK_HOURS } from '../../transactional/link-lifetimes.ts';
import type { MailRequestHandler } from '../../transactional/requests/answer-requests.ts';
import { type MailRequest, refuseInbox } from '../../transactional/requests/request-store.ts';
import { queueMail, queueMails } from '../../transactional/transactional-store.ts';
import { type Keys, keyId, oneTimeToken, tokenHash } from '../tokens.ts';

/** How long a break is: one issue a week is left out. */
export const PAUSE_WEEKS = 4;

/**
 * Changes of address that one reader may ask for. Requests are counted, not mails: how many are left must not tell
 * which of the addresses were known.
 */
export const CHANGES: readonly Limit[] = [{ points: 3, seconds: 86_400 }];

/**
 * No issue for {@link PAUSE_WEEKS}. In force when it commits: a delivery that is not claimed yet is excluded. Asking
 * again while it lasts changes nothing.
 */
export async function pause(db: Connection, id: string): Promise<void> {
  await sql`
    with changed as (
      update subscribers set paused_until = now() + make_interval(weeks => ${PAUSE_WEEKS}::int)
      where id = ${id} and status = 'active' and coalesce(paused_until <= now(), true)
      returning id, paused_until
    )
    insert into consent_events (subscriber_id, event, method, details)
    select id, 'preference_changed', 'post_button', jsonb_build_object('pausedUntil', paused_until) from changed
  `.execute(db);
}

/** Issues again from the next one on. */
export async function resume(db: Connection, id: string): Promise<void> {
  await sql`
    with changed as (
      update subscribers set paused_until = null where id = ${id} and paused_until > now() returning id
    )
    insert into consent_events (subscriber_id, event, method, details)
    select id, 'preference_changed', 'post_button', jsonb_build_object('pausedUntil', null) from changed
  `.execute(db);
}

/**
 * Answers readers who gave another address: that address is asked whether it wants to be the one, and nothing
 * changes until it says so. The latest request counts, whatever comes of it: a link that an earlier request made
 * ends even when the new address is mailed nothing, so that nobody can tell why. Nothing is sent to an address that
 * is in the database already, whatever its state, or was erased.
 */
export function addressChangeHandler(keys: Keys): MailRequestHandler {
  return async (tx, admitted, silent) => {
    const askerOf = ({ details }: MailRequest) => String(details.subscriberId);
    const askers = await lockActive(tx, [...admitted, ...silent].map(askerOf));
    await sql`
      delete from confirmations
      where subscriber_id = any(${[...askers]}::uuid[]) and purpose = 'change' and used_at is null
    `.execute(tx);

    const taken = await takenAmong(
      tx,
      admitted.map(({ emailKey }) => emailKey),
    );
    const key = keyId(keys[0]);
    const asked = admitted
      .filter((each) => askers.has(askerOf(each)) && !taken.has(each.emailKey))
      .map((each) => ({ ...each, subscriberId: askerOf(each), mailId: randomUUID() }));
    const links = asked.map(({ mailId, subscriberId, email, emailKey }) => ({
      token_hash: tokenHash(oneTimeToken(keys, mailId, key)),
      subscriber_id: subscriberId,
      email,
      email_key: emailKey,
    }));
    await sql`
      insert into confirmations (token_hash, purpose, subscriber_id, email, email_key, details, expires_at)
      select token_hash, 'change', subscriber_id, email, email_key, '{}',
        now() + make_interval(hours => ${CHANGE_LINK_HOURS}::int)
      from jsonb_to_recordset(${JSON.stringify(links)}::jsonb)
        as r (token_hash text, subscriber_id uuid, email text, email_key text)
    `.execute(tx);
    return queueMails(
      tx,
      asked.map(({ mailId, subscriberId, email }) => ({
        id: mailId,
        kind: 'change',
        subscriberId,
        recipient: email,
        keyId: key,
      })),
    );
  };
}

/** Of these readers, those who are active; nobody else changes them until the transaction ends. */
async function lockActive(tx: Connection, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`
    select id from subscribers where id = any(${ids}::uuid[]) and status = 'active' order by id for update
  `.execute(tx);
  return new Set(rows.map(({ id }) => id));
}

/** Of these keys of addresses, those that are in the database or were erased. */
async function takenAmong(tx: Connection, emailKeys: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql<{ key: string }>`
    select key from unnest(${emailKeys}::text[]) as typed (key)
    where exists (select from subscribers where email_key = key)
      or exists (select from erased_addresses where hash = address_hash(key))
  `.execute(tx);
  return new Set(rows.map(({ key }) => key));
}

/** Where a change of address stands: `over` when its link ran out, or the reader or the address is not free any more. */
export interface AddressChange {
  state: 'open' | 'done' | 'over';
  /** The address that issues go to now. */
  from: string;
  to: string;
}

/** @returns undefined for a token that never was, or that a later one replaced. */
export async function findAddressChange(db: Connection, token: string): Promise<AddressChange | undefined> {
  return (await readChange(db, token))?.change;
}

/**
 * Moves a reader to the address that confirmed. Links in older mail, which sits in the old inbox, open no
 * preferences from then on; they still unsubscribe. The old address is told. Twice is once.
 * @returns the change, and the mail to enqueue when it was made just now.
 */
export async function changeAddress(
  db: Connection,
  token: string,
  keys: Keys,
): Promise<{ change: AddressChange; mailId: string | null } | undefined> {
  return db.transaction().execute(async (tx) => {
    const found = await readChange(tx, token, sql`for update of c, s`);
    if (found === undefined || found.change.state !== 'open') return found && { ...found, mailId: null };
    const { change, subscriberId } = found;
    const { rows } = await sql`
      with moved as (
        update subscribers set email = ${change.to}, email_key = ${found.toKey}, token_version = token_version + 1
        where id = ${subscriberId}
        returning id
      ), used as (
        update confirmations set used_at = now() where token_hash = ${tokenHash(token)}
      )
      insert into consent_events (subscriber_id, event, method, details)
      select id, 'preference_changed', 'post_button', '{"address": "changed"}' from moved
      returning id
    `.execute(tx);
    if (rows.length === 0) return undefined;
    const mailId = await queueMail(tx, {
      kind: 'changed',
      subscriberId,
      recipient: change.from,
      keyId: keyId(keys[0]),
    });
    return { change: { ...change, state: 'done' }, mailId };
  });
}

async function readChange(db: Connection, token: string, lock = sql``) {
  const { rows } = await sql<{ subscriberId: string; toKey: string } & AddressChange>`
    select c.subscriber_id as "subscriberId", c.email_key as "toKey", s.email as "from", c.email as "to",
      case
        when c.used_at is not null then 'done'
        when c.expires_at <= now() or s.status <> 'active'
          or exists (select from subscribers where email_key = c.email_key)
          or exists (select from erased_addresses where hash = address_hash(c.email_key)) then 'over'
        else 'open'
      end as state
    from confirmations c join subscribers s on s.id = c.subscriber_id
    where c.token_hash = ${tokenHash(token)} and c.purpose = 'change'
    ${lock}
  `.execute(db);
  const [row] = rows;
  if (row === undefined) return undefined;
  const { subscriberId, toKey, ...change } = row;
  return { subscriberId, toKey, change };
}

/** Mails a fresh link to their preferences to those who are readers. */
export function linkHandler(keys: Keys): MailRequestHandler {
  return async (tx, admitted) => {
    const { rows } = await sql<{ id: string }>`
      select id from subscribers
      where email_key = any(${admitted.map(({ emailKey }) => emailKey)}::text[]) and status = 'active'
    `.execute(tx);
    return queueMails(
      tx,
      rows.map(({ id }) => ({ kind: 'link', subscriberId: id, keyId: keyId(keys[0]) })),
    );
  };
}

/**
 * Nobody mails the address again that a change would lead to: at the wish of who holds the link to it.
 * @returns whether the link was ever ours.
 */
export async function refuseAddressChange(db: Connection, token: string): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const found = await readChange(tx, token);
    if (found === undefined) return false;
    // Where the change was made, it is the address of a reader, whose way out is to leave.
    if (found.change.state === 'done') return false;
    await refuseInbox(tx, found.toKey);
    await sql`
      update confirmations set expires_at = least(expires_at, now()) where token_hash = ${tokenHash(token)}
    `.execute(tx);
    return true;
  });
}
