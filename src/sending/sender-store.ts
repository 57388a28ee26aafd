import { sql } from 'kysely';
import type { Connection } from '../platform/db/database.ts';
import type { Envelope } from './envelope.ts';

export type Sender = Pick<Envelope, 'from' | 'replyTo'>;

/** What became of the sender of an issue that goes on. */
export interface SenderChange {
  before: string;
  after: string;
  /** Batches whose answer was lost: while there are some, the sender stays, because they are asked again as they were. */
  inDoubt: number;
}

/**
 * Gives an issue that stopped in the middle the sender of the settings, for the batches that were not begun. Call it in the
 * transaction that lets it go on.
 * @returns null when its sender is that of the settings, or when it has none yet.
 */
export async function renewSender(
  tx: Connection,
  issueId: string,
  { from, replyTo }: Sender,
): Promise<SenderChange | null> {
  const { rows } = await sql<SenderChange>`
    with found as (
      select i.id, i.envelope ->> 'from' as before, (
        select count(*)::int from batches b where b.issue_id = i.id and b.status in ('submitting', 'uncertain')
      ) as in_doubt
      from issues i
      where i.id = ${issueId} and i.status in ('paused', 'failed') and i.resume_to = 'sending'
        and (i.envelope ->> 'from', i.envelope ->> 'replyTo') <> (${from}::text, ${replyTo}::text)
      for update of i
    ), renewed as (
      update issues i set envelope = i.envelope || jsonb_build_object('from', ${from}::text, 'replyTo', ${replyTo}::text)
      from found where i.id = found.id and found.in_doubt = 0
    )
    select before, ${from}::text as after, in_doubt as "inDoubt" from found
  `.execute(tx);
  return rows[0] ?? null;
}
