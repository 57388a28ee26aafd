import { sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';

/** The readers of an issue whose message the provider refused for one reason. */
export interface FailedReason {
  reason: string;
  /** All of them. */
  readers: number;
  /** Those of them who can be asked again: they have not left, are not paused, and nothing says that they have the issue. */
  retryable: number;
}

/**
 * A condition on `deliveries d` and `subscribers s`: the provider has certainly not accepted the message, and its reader
 * still wants it. A message that was accepted and then dropped by the provider has its id.
 */
const isRetryable = sql<boolean>`(d.provider_id is null and d.submitted_at is null and s.status = 'active'
  and (s.paused_until is null or s.paused_until <= now())
  and not exists (select from events e where e.delivery_id = d.id and e.kind <> 'suppressed'
    and (e.due_at is not null or e.outcome = 'unmatched')))`;

/** Returns why readers of an issue did not get it, the most frequent reason first. */
export async function failedReasons(db: Connection, issueId: string): Promise<FailedReason[]> {
  const { rows } = await sql<FailedReason>`
    select d.reason, count(*)::int as readers, (count(*) filter (where ${isRetryable}))::int as retryable
    from deliveries d join subscribers s on s.id = d.subscriber_id
    where d.issue_id = ${issueId} and d.status = 'failed'
    group by d.reason order by readers desc, d.reason
  `.execute(db);
  return rows;
}

/** As many as the provider takes in one request. */
const BATCH_SIZE = 100;

/**
 * Puts the readers of one reason back to `prepared`, in new batches with new keys. Those who have left, and whom an event
 * mentions, stay as they are.
 * @returns how many readers.
 */
export async function reopenFailed(tx: Connection, issueId: string, reason: string): Promise<number> {
  // The lock on the issue prevents two new batches from getting the same number.
  await sql`select from issues where id = ${issueId} for no key update`.execute(tx);
  const { numAffectedRows } = await sql`
    with chosen as (
      select d.id, b.variant_id, (row_number() over (partition by b.variant_id order by b.number, d.position) - 1)::int as rank
      from deliveries d join subscribers s on s.id = d.subscriber_id join batches b on b.id = d.batch_id
      where d.issue_id = ${issueId} and d.status = 'failed' and d.reason = ${reason} and ${isRetryable}
    ), wanted as (
      select variant_id, part, (select max(number) from batches where issue_id = ${issueId})
        + row_number() over (order by variant_id, part) as number
      from (select distinct variant_id, rank / ${BATCH_SIZE} as part from chosen) parts
    ), made as (
      insert into batches (issue_id, variant_id, number) select ${issueId}, variant_id, number from wanted
      returning id, number
    )
    update deliveries d set status = 'prepared', reason = null, batch_id = made.id, position = c.rank % ${BATCH_SIZE}
    from chosen c join wanted w on w.variant_id = c.variant_id and w.part = c.rank / ${BATCH_SIZE}
      join made on made.number = w.number
    where d.id = c.id
  `.execute(tx);
  // A batch of which nobody is left to be asked again is not opened when its issue goes on.
  await sql`
    update batches b set refused_at = null where b.issue_id = ${issueId} and b.refused_at is not null
      and not exists (select from deliveries d where d.batch_id = b.id and d.status = 'failed')
  `.execute(tx);
  return Number(numAffectedRows ?? 0n);
}
