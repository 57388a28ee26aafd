import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Connection } from '../platform/db/database.ts';
import { REPLAY_HOURS } from '../providers/port.ts';
import type { MailKind } from './mail-kinds.ts';

export interface NewMail {
  kind: MailKind;
  /** Set by the caller when a link in the mail depends on it. */
  id?: string;
  subscriberId?: string;
  /** The address, when it is not the subscriber's. */
  recipient?: string;
  /** The template's input; nothing secret. */
  content?: Record<string, unknown>;
  /** `keyId` of the key that signs its links. */
  keyId: string;
}

/**
 * Stores a mail in the database. Call it in the transaction of the change that causes the mail, and enqueue the mail
 * (job `mail`) after the commit: a crash in between delays the mail by a minute, but does not lose it.
 * @returns its id.
 */
export async function queueMail(tx: Connection, mail: NewMail): Promise<string> {
  const [id = ''] = await queueMails(tx, [mail]);
  return id;
}

/** The same for many mails, in one statement. @returns their ids, in order. */
export async function queueMails(tx: Connection, mails: readonly NewMail[]): Promise<string[]> {
  if (mails.length === 0) return [];
  const rows = mails.map((mail) => ({
    id: mail.id ?? randomUUID(),
    kind: mail.kind,
    subscriber_id: mail.subscriberId ?? null,
    recipient: mail.recipient ?? null,
    content: mail.content ?? {},
    key_id: mail.keyId,
  }));
  await sql`
    insert into mails (id, kind, subscriber_id, recipient, content, key_id)
    select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r (id uuid, kind text, subscriber_id uuid, recipient text, content jsonb, key_id text)
  `.execute(tx);
  return rows.map(({ id }) => id);
}

/** A mail that this worker has claimed. */
export interface ClaimedMail {
  id: string;
  kind: MailKind;
  leaseId: string;
  keyId: string;
  to: string;
  content: Record<string, unknown>;
  subscriber: {
    id: string;
    status: string;
    /** Why they are off the list. */
    reason: string | null;
    topics: string[];
    tokenVersion: number;
  } | null;
  /** First claimed so long ago that the provider may have forgotten its key. */
  forgotten: boolean;
}

/** @returns undefined when it is already sent, or another worker has it. */
export async function claimMail(
  db: Connection,
  id: string,
  leaseMs: number,
): Promise<ClaimedMail | undefined> {
  const { rows } = await sql<ClaimedMail>`
    with claimed as (
      update mails set lease_id = gen_random_uuid(), attempts = attempts + 1,
        lease_until = now() + make_interval(secs => ${leaseMs / 1_000}), claimed_at = coalesce(claimed_at, now())
      where id = ${id} and status = 'pending' and coalesce(lease_until <= now(), true)
      returning *
    )
    select m.id, m.kind, m.lease_id as "leaseId", m.key_id as "keyId", m.content,
      coalesce(m.recipient, s.email) as "to",
      m.claimed_at < now() - make_interval(hours => ${REPLAY_HOURS}) as forgotten,
      case when s.id is not null then jsonb_build_object('id', s.id, 'status', s.status, 'reason', s.reason,
        'topics', to_jsonb(s.topics), 'tokenVersion', s.token_version) end as subscriber
    from claimed m left join subscribers s on s.id = m.subscriber_id
  `.execute(db);
  return rows[0];
}

export type MailEnd =
  | { status: 'sent'; providerId: string }
  /** Will not be sent, was refused permanently, or its outcome cannot be determined. */
  | { status: 'dropped' | 'failed' | 'uncertain'; reason: string };

/**
 * Closes a mail, if this worker still has the lease. The last mail to an erased person loses its address.
 * @returns whether this worker still had the lease.
 */
export async function closeMail(db: Connection, mail: ClaimedMail, end: MailEnd): Promise<boolean> {
  const { rows } = await sql`
    update mails set status = ${end.status}, lease_id = null, lease_until = null,
      reason = ${'reason' in end ? end.reason : null}, provider_id = ${'providerId' in end ? end.providerId : null},
      sent_at = case when ${end.status} = 'sent' then now() end,
      recipient = case when kind = 'erased' then '' else recipient end
    where id = ${mail.id} and lease_id = ${mail.leaseId} returning 1
  `.execute(db);
  return rows.length > 0;
}

/** No answer: the same bytes may be sent again under the same key. */
export async function releaseMail(db: Connection, mail: ClaimedMail): Promise<void> {
  await sql`update mails set lease_until = now() where id = ${mail.id} and lease_id = ${mail.leaseId}`.execute(
    db,
  );
}

/**
 * No request was made, or it was certainly not accepted: the mail counts as never claimed, so that waiting does not
 * make it too old to be sent. An earlier attempt without an answer still counts.
 */
export async function returnMail(db: Connection, mail: ClaimedMail): Promise<void> {
  await sql`
    update mails set lease_id = null, lease_until = null, attempts = attempts - 1,
      claimed_at = case when attempts > 1 then claimed_at end
    where id = ${mail.id} and lease_id = ${mail.leaseId}
  `.execute(db);
}

/** Mails that a worker could take now, oldest first, at most 1,000. */
export async function pendingMails(db: Connection): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from mails where status = 'pending' and coalesce(lease_until <= now(), true)
    order by created_at limit 1000
  `.execute(db);
  return rows.map((row) => row.id);
}
