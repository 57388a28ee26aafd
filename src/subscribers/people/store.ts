import { sql } from 'kysely';
import type { Connection, SubscriberStatus } from '../../db/index.ts';

/** A person in a list. */
export interface Found {
  id: string;
  email: string;
  /** Form of the address in which people are unique, and in whose order they are listed. */
  key: string;
  status: SubscriberStatus;
  createdAt: Date;
}

/** Later than every character of a key, which is ASCII. */
const END = '\x7f';

/**
 * Those whose address begins with `prefix`, in the order of their addresses, byte by byte: one walk along an
 * index, wherever the page begins.
 * @param page `after` is the key of the last one already shown.
 */
export async function searchSubscribers(
  db: Connection,
  prefix: string,
  { after, limit }: { after?: string | undefined; limit: number },
): Promise<Found[]> {
  const key = prefix.trim().toLowerCase();
  const { rows } = await sql<Found>`
    select id, email, email_key as key, status, created_at as "createdAt" from subscribers
    where email_key ~>=~ ${key} and email_key ~<~ ${key + END} and email_key ~>~ ${after ?? ''}
      and reason is distinct from 'erased'
    order by email_key using ~<~ limit ${limit}
  `.execute(db);
  return rows;
}

/**
 * Never mails a person again, by a person's word. In force when it commits: a delivery that is not claimed yet
 * is excluded (I3). Twice is once.
 * @param reason in the words of whoever asks.
 * @returns whether it is because of this call.
 */
export async function suppressSubscriber(db: Connection, id: string, reason: string): Promise<boolean> {
  const { rows } = await sql`
    with changed as (
      update subscribers set status = 'suppressed', reason = ${`by hand: ${reason}`},
        left_at = coalesce(left_at, now())
      where id = ${id} and status <> 'suppressed'
      returning id
    )
    insert into consent_events (subscriber_id, event, method, details)
    select id, 'suppressed', 'admin', jsonb_build_object('reason', ${reason}::text) from changed
    returning id
  `.execute(db);
  return rows.length > 0;
}
