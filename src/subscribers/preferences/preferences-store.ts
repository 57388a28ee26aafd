import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';
import type { Limit } from '../../platform/queue/limiter.ts';
import { CHANGE_LINK_HOURS } from '../../transactional/link-lifetimes.ts';
import type { MailRequestHandler } from '../../transactional/requests/answer-requests.ts';
import { type MailRequest, refuseInbox } from '../../transactional/requests/request-store.ts';
import { queueMail, queueMails } from '../../transactional/transactional-store.ts';
import { type Keys, keyId, oneTimeToken, tokenHash } from '../tokens.ts';

/** How long a pause is. With one issue a week it skips this many issues. */
export const PAUSE_WEEKS = 4;

/**
 * Address changes that one reader may request. Requests are counted, not mails: otherwise the number left would reveal
 * which addresses are known.
 */
export const CHANGES: readonly Limit[] = [{ points: 3, seconds: 86_400 }];

/**
 * Pauses all issues for {@link PAUSE_WEEKS}. It takes effect on commit: a delivery that is not claimed yet is excluded.
 * A second call during the pause changes nothing.
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

/** Ends a pause: the next issue is mailed again. */
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
 * Answers readers who gave another address: that address gets a mail, and nothing changes until its owner confirms.
 * Only the latest request counts: it ends the link of an earlier request even when the new address gets no mail, so
 * that the reader cannot infer the reason. An address that is in the database, in any status, or was erased gets no
 * mail.
 */
export function addressChangeHandler(keys: Keys): MailRequestHandler {
  return async (tx, accepted, declined) => {
    const requesterOf = ({ details }: MailRequest) => String(details.subscriberId);
    const requesters = await lockActive(tx, [...accepted, ...declined].map(requesterOf));
    await sql`
      delete from confirmations
      where subscriber_id = any(${[...requesters]}::uuid[]) and purpose = 'change' and used_at is null
    `.execute(tx);

    const taken = await takenAmong(
      tx,
      accepted.map(({ emailKey }) => emailKey),
    );
    const key = keyId(keys[0]);
    const asked = accepted
      .filter((each) => requesters.has(requesterOf(each)) && !taken.has(each.emailKey))
      .map((each) => ({ ...each, subscriberId: requesterOf(each), mailId: randomUUID() }));
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

/** Returns which of these readers are active, and locks their rows until the transaction ends. */
async function lockActive(tx: Connection, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`
    select id from subscribers where id = any(${ids}::uuid[]) and status = 'active' order by id for update
  `.execute(tx);
  return new Set(rows.map(({ id }) => id));
}

/** Returns which of these address keys are in the database or were erased. */
async function takenAmong(tx: Connection, emailKeys: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql<{ key: string }>`
    select key from unnest(${emailKeys}::text[]) as typed (key)
    where exists (select from subscribers where email_key = key)
      or exists (select from erased_addresses where hash = address_hash(key))
  `.execute(tx);
  return new Set(rows.map(({ key }) => key));
}

/** State of an address change. `over`: its link expired, the reader is not active, or the address is taken. */
export interface AddressChange {
  state: 'open' | 'done' | 'over';
  /** The reader's current address. */
  from: string;
  to: string;
}

/** @returns undefined when the token never existed or a later one replaced it. */
export async function findAddressChange(db: Connection, token: string): Promise<AddressChange | undefined> {
  return (await readChange(db, token))?.change;
}

/**
 * Moves a reader to the address that confirmed. Links in older mail, which lies in the old inbox, no longer open
 * preferences; they still unsubscribe. The old address is notified. A second call changes nothing.
 * @returns the change, and the mail to enqueue when this call made it.
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

/**
 * Blocks the new address of a change, at the request of a person who has its link: it is never mailed again.
 * @returns whether the link was ever ours.
 */
export async function refuseAddressChange(db: Connection, token: string): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const found = await readChange(tx, token);
    if (found === undefined) return false;
    // Once the change is made, the address belongs to a reader, who can unsubscribe instead.
    if (found.change.state === 'done') return false;
    await refuseInbox(tx, found.toKey);
    await sql`
      update confirmations set expires_at = least(expires_at, now()) where token_hash = ${tokenHash(token)}
    `.execute(tx);
    return true;
  });
}
