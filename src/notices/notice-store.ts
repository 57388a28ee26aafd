import { sql } from 'kysely';
import type { Connection } from '../platform/db/database.ts';
import { EVERY_KIND, type NoticeKind } from './notice-kinds.ts';

/** Shows and mails people a problem that only a person can fix, once, until it is resolved. */

export interface Notice {
  kind: NoticeKind;
  /** The source, the reprint, the slot, the domain, the issue, the batch, the tool, or the duty. */
  subject: string;
  message: string;
  /** Since when. */
  at: Date;
}

/** Adds a notice, once until it is resolved. @returns whether it is new. */
export async function notify(db: Connection, { kind, ...notice }: Notice): Promise<boolean> {
  return (await notifyAll(db, kind, [notice])).length > 0;
}

/**
 * Adds the notices of one kind, each once until it is resolved, in one statement. An open one gets the new message.
 * @returns the subjects of the new ones.
 */
export async function notifyAll(
  db: Connection,
  kind: NoticeKind,
  notices: readonly Omit<Notice, 'kind'>[],
): Promise<string[]> {
  if (notices.length === 0) return [];
  const { rows } = await sql<{ subject: string; isNew: boolean }>`
    insert into notices (kind, subject, message, at)
    select distinct on (subject) ${kind}, subject, message, at
    from jsonb_to_recordset(${JSON.stringify(notices)}::jsonb) as r (subject text, message text, at timestamptz)
    on conflict (kind, subject) where resolved_at is null do update set message = excluded.message
      where notices.message <> excluded.message
    returning subject, xmax = 0 as "isNew"
  `.execute(db);
  return rows.filter(({ isNew }) => isNew).map(({ subject }) => subject);
}

/** An end of a notice. */
export interface Ended {
  subject: string;
  /** How it ended, for its recovery note; null: nobody is told. Without it: in the usual words of its kind. */
  recovery?: string | null | undefined;
}

/** @returns whether there was an open notice. */
export async function resolve(
  db: Connection,
  { kind, at, ...ended }: Ended & { kind: NoticeKind; at: Date },
): Promise<boolean> {
  return (await resolveAll(db, kind, [ended], at)) > 0;
}

/** Resolves notices of one kind, in one statement. @returns how many were open. */
export async function resolveAll(
  db: Connection,
  kind: NoticeKind,
  ended: readonly Ended[],
  at: Date,
): Promise<number> {
  if (ended.length === 0) return 0;
  // In the column '' is: nobody is told.
  const rows = ended.map(({ subject, recovery }) => ({
    subject,
    recovery: recovery === undefined ? null : (recovery ?? ''),
  }));
  const { rows: resolved } = await sql`
    update notices n set resolved_at = ${at}, recovery = r.recovery
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (subject text, recovery text)
    where n.kind = ${kind} and n.subject = r.subject and n.resolved_at is null
    returning n.id
  `.execute(db);
  return resolved.length;
}

/** Open notices, oldest first. */
export async function openNotices(db: Connection): Promise<Notice[]> {
  const rows = await db
    .selectFrom('notices')
    .select(['kind', 'subject', 'message', 'at'])
    .where('resolved_at', 'is', null)
    .where('kind', 'in', EVERY_KIND)
    .orderBy('at')
    .execute();
  return rows as Notice[];
}

/** Kind → how many are open; kinds without one are not in it. */
export async function countOpenNotices(db: Connection): Promise<Partial<Record<NoticeKind, number>>> {
  const { rows } = await sql<{ kind: NoticeKind; count: number }>`
    select kind, count(*)::int as count from notices where resolved_at is null group by kind order by kind
  `.execute(db);
  return Object.fromEntries(rows.map(({ kind, count }) => [kind, count]));
}

/** A notice that people have to be mailed about. */
export interface UnmailedNotice extends Notice {
  id: string;
  /** null: it is new, and open. Otherwise a mail was about it, and it is over since then. */
  endedAt: Date | null;
  /** How it ended; null: in the usual words of its kind. */
  recovery: string | null;
}

/**
 * Locks and returns the notices that people have to be mailed about, oldest first: the open ones that no mail was about,
 * and those that are over since a mail was about them. What began and ended between two mails is told to nobody.
 */
export async function lockUnmailed(tx: Connection): Promise<UnmailedNotice[]> {
  const { rows } = await sql<UnmailedNotice>`
    select id, kind, subject, message, at, resolved_at as "endedAt", recovery from notices
    where kind = any(${EVERY_KIND}::text[]) and (
      (mailed_at is null and resolved_at is null)
      or (mailed_at is not null and recovery_mailed_at is null and resolved_at is not null
        and recovery is distinct from ''))
    order by at, id for update
  `.execute(tx);
  return rows;
}

/** Marks notices as mailed: those that are over with their recovery note. */
export async function markMailed(tx: Connection, ids: readonly string[], at: Date): Promise<void> {
  await sql`
    update notices set mailed_at = coalesce(mailed_at, ${at}),
      recovery_mailed_at = case when resolved_at is not null then ${at}::timestamptz end
    where id = any(${ids}::uuid[])
  `.execute(tx);
}

/** When people were mailed about notices after `since`, newest first; every time once. */
export async function mailingTimes(tx: Connection, since: Date): Promise<Date[]> {
  const { rows } = await sql<{ at: Date }>`
    select mailed_at as at from notices where mailed_at > ${since}
    union select recovery_mailed_at from notices where recovery_mailed_at > ${since}
    order by at desc
  `.execute(tx);
  return rows.map(({ at }) => at);
}

/** Takes the lock for mailing notices until the transaction ends: two workers would mail the same ones. */
export async function lockMailing(tx: Connection): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('mail notices'))`.execute(tx);
}
