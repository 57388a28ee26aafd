import { randomUUID } from 'node:crypto';
import { type RawBuilder, sql } from 'kysely';
import type { Connection } from '../../db/index.ts';
import { queueMail } from '../../transactional/index.ts';
import type { Address } from '../address.ts';
import { type Keys, keyId, oneTimeToken, tokenHash } from '../tokens.ts';

/** Four issues. */
const PAUSE_DAYS = 28;

/** How long the link works that a new address is sent. */
const CHANGE_HOURS = 72;

/** Mails of one kind that one reader can cause: whoever found their link must not be able to pester anybody. */
const MAILS_A_DAY = 3;

/**
 * No issue for four weeks. In force when it commits: a delivery that is not claimed yet is excluded. Asking
 * again while it lasts changes nothing.
 */
export async function takePause(db: Connection, id: string): Promise<void> {
  await sql`
    with changed as (
      update subscribers set paused_until = now() + make_interval(days => ${PAUSE_DAYS}::int)
      where id = ${id} and status = 'active' and coalesce(paused_until <= now(), true)
      returning id, paused_until
    )
    insert into consent_events (subscriber_id, event, method, details)
    select id, 'preference_changed', 'post_button', jsonb_build_object('pausedUntil', paused_until) from changed
  `.execute(db);
}

/** Issues again from the next one on. */
export async function endPause(db: Connection, id: string): Promise<void> {
  await sql`
    with changed as (
      update subscribers set paused_until = null where id = ${id} and paused_until > now() returning id
    )
    insert into consent_events (subscriber_id, event, method, details)
    select id, 'preference_changed', 'post_button', jsonb_build_object('pausedUntil', null) from changed
  `.execute(db);
}

/**
 * Asks the new address whether it wants to be the one; nothing changes until it says so. The latest request
 * counts. Nothing is sent to an address that is on the books already, whatever its state, or was erased, nor
 * more than three times a day; who asks is told the same in every case.
 * @returns the mail to ring for, or null.
 */
export async function requestAddressChange(
  db: Connection,
  id: string,
  to: Address,
  keys: Keys,
): Promise<string | null> {
  return db.transaction().execute(async (tx) => {
    if (!(await lockActive(tx, sql`id = ${id}`))) return null;
    const { rows } = await sql<{ wanted: boolean }>`
      select not exists (select from subscribers where email_key = ${to.key})
        and not exists (select from erased_addresses where hash = address_hash(${to.key}))
        and (select count(*) from mails where subscriber_id = ${id} and kind = 'change'
          and created_at > now() - interval '1 day') < ${MAILS_A_DAY} as wanted
    `.execute(tx);
    if (rows[0]?.wanted !== true) return null;
    await tx
      .deleteFrom('confirmations')
      .where('subscriber_id', '=', id)
      .where('purpose', '=', 'change')
      .where('used_at', 'is', null)
      .execute();
    const mailId = randomUUID();
    const key = keyId(keys[0]);
    await tx
      .insertInto('confirmations')
      .values({
        token_hash: tokenHash(oneTimeToken(keys, mailId, key)),
        purpose: 'change',
        subscriber_id: id,
        email: to.email,
        email_key: to.key,
        details: '{}',
        expires_at: sql`now() + make_interval(hours => ${CHANGE_HOURS}::int)`,
      })
      .execute();
    return queueMail(tx, { id: mailId, kind: 'change', subscriberId: id, recipient: to.email, keyId: key });
  });
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
 * @returns the change, and the mail to ring for when it was made just now.
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
 * Mails a reader a fresh link to their preferences, at most one in ten minutes and three a day. Who asks is
 * told the same whether there is such a reader or not.
 * @returns the mail to ring for, or null.
 */
export async function requestLink(db: Connection, address: Address, keys: Keys): Promise<string | null> {
  return db.transaction().execute(async (tx) => {
    const id = await lockActive(tx, sql`email_key = ${address.key}`);
    if (id === undefined) return null;
    const { rows } = await sql<{ wanted: boolean }>`
      select count(*) < ${MAILS_A_DAY} and coalesce(max(created_at) < now() - interval '10 minutes', true) as wanted
      from mails where subscriber_id = ${id} and kind = 'link' and created_at > now() - interval '1 day'
    `.execute(tx);
    if (rows[0]?.wanted !== true) return null;
    return queueMail(tx, { kind: 'link', subscriberId: id, keyId: keyId(keys[0]) });
  });
}

/** One request of a reader at a time: what is counted next is all there is. */
async function lockActive(tx: Connection, which: RawBuilder<unknown>): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    select id from subscribers where ${which} and status = 'active' for update
  `.execute(tx);
  return rows[0]?.id;
}
