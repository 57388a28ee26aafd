import { sql } from 'kysely';
import type { Connection } from '../platform/db/database.ts';

/** Shows editors a problem that only a person can fix, once, until it is resolved. */

export type NoticeKind =
  | 'source-failing'
  | 'reprint'
  | 'silent-week'
  | 'sign-up-flood'
  | 'events-missing'
  | 'batch-uncertain'
  | 'votes-set-aside'
  | 'duty-failing'
  | 'checks-failed';

export interface Notice {
  kind: NoticeKind;
  /** The source, the reprint, the slot, the domain, the issue, the batch, the tool, or the duty. */
  subject: string;
  message: string;
  at: Date;
}

/** Adds a notice for the editors, once until it is resolved. @returns whether it is new. */
export async function notify(db: Connection, notice: Notice): Promise<boolean> {
  const { kind, subject, message, at } = notice;
  const { rows } = await sql`
    insert into notices (kind, subject, message, at) values (${kind}, ${subject}, ${message}, ${at})
    on conflict (kind, subject) where resolved_at is null do nothing
    returning id
  `.execute(db);
  return rows.length > 0;
}

/** @returns whether there was an open notice. */
export async function resolve(
  db: Connection,
  { kind, subject, at }: Omit<Notice, 'message'>,
): Promise<boolean> {
  const { rows } = await sql`
    update notices set resolved_at = ${at} where kind = ${kind} and subject = ${subject} and resolved_at is null
    returning id
  `.execute(db);
  return rows.length > 0;
}

/** Open notices, oldest first. */
export async function openNotices(db: Connection): Promise<Notice[]> {
  const rows = await db
    .selectFrom('notices')
    .select(['kind', 'subject', 'message', 'at'])
    .where('resolved_at', 'is', null)
    .orderBy('at')
    .execute();
  return rows as Notice[];
}
