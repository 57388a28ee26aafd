import { sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';
import { FREE_REFUSALS, type RefusalRun } from './refusals.ts';

/** Counts a request that was refused with all of its messages. @returns the run with it. */
export async function countRefusal(
  db: Connection,
  {
    issueId,
    batchId,
    readers,
    reason,
  }: { issueId: string; batchId: string; readers: number; reason: string },
): Promise<RefusalRun> {
  const { rows } = await sql<RefusalRun>`
    with batch as (update batches set refused_at = now() where id = ${batchId})
    insert into refusal_runs as r (issue_id, requests, readers, reason) values (${issueId}, 1, ${readers}, ${reason})
    on conflict (issue_id) do update
      set requests = r.requests + 1, readers = r.readers + excluded.readers, reason = excluded.reason
    returning r.requests, r.readers
  `.execute(db);
  return rows[0] as RefusalRun;
}

/**
 * Notes that the provider refused a single message because of its address, if that is what it was: it has accepted other
 * parts of the same batch. After {@link FREE_REFUSALS} of one batch the account is doubted again, until a person lets
 * the issue go on and the same message is refused once more.
 * @returns false: it may be any message's fault, and is to be counted.
 */
export async function refuseAddress(db: Connection, batchId: string): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update batches b set refused_at = now() where b.id = ${batchId}
      and exists (
        select from batches o where o.issue_id = b.issue_id and o.split_from = b.split_from and o.status = 'submitted'
      )
      and (b.reopened or (
        select count(*) from batches o
        where o.issue_id = b.issue_id and o.split_from = b.split_from and o.id <> b.id and o.refused_at is not null
      ) < ${FREE_REFUSALS})
  `.execute(db);
  return numAffectedRows === 1n;
}

/** Ends the run of an issue: the provider has accepted something of it. */
export async function endRefusals(db: Connection, issueId: string): Promise<void> {
  await db.deleteFrom('refusal_runs').where('issue_id', '=', issueId).execute();
}

/**
 * Puts the readers whom the provider refused back to `prepared`, in batches under new keys, and ends the run: the fault
 * was not theirs. A reader whose address it is will be refused again.
 * @returns how many readers.
 */
export async function reopenRefused(db: Connection, issueId: string): Promise<number> {
  return db.transaction().execute(async (tx) => {
    // The lock on the issue prevents two new batches from getting the same number.
    await sql`select from issues where id = ${issueId} for no key update`.execute(tx);
    await endRefusals(tx, issueId);
    // What was accepted in part keeps its key and its answer; only the refused move to a batch of their own.
    await sql`
      with partly as (
        update batches b set refused_at = null where b.issue_id = ${issueId} and b.refused_at is not null
          and b.status = 'submitted'
        returning b.id, b.variant_id, b.revision, coalesce(b.split_from, b.id) as split_from
      ), numbered as (
        select p.*, (select max(number) from batches where issue_id = ${issueId})
          + row_number() over (order by p.id) as number from partly p
      ), made as (
        insert into batches (issue_id, variant_id, number, revision, status, refused_at, split_from)
        select ${issueId}, variant_id, number, revision + 1, 'failed', now(), split_from from numbered
        returning id, number
      )
      update deliveries d set batch_id = made.id from made join numbered using (number)
      where d.batch_id = numbered.id and d.status = 'failed' and d.provider_id is null
    `.execute(tx);
    const { numAffectedRows } = await sql`
      with opened as (
        update batches set status = 'pending', revision = revision + 1, payload_hash = null, claimed_at = null,
          lease_id = null, lease_until = null, reason = null, refused_at = null, reopened = true
        where issue_id = ${issueId} and refused_at is not null and status = 'failed'
        returning id
      )
      update deliveries d set status = 'prepared', reason = null
      from opened where d.batch_id = opened.id and d.status = 'failed' and d.provider_id is null
    `.execute(tx);
    return Number(numAffectedRows ?? 0n);
  });
}
