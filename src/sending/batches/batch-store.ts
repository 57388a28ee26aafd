import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { renumberIssues } from '../../issues/number-store.ts';
import type { Connection } from '../../platform/db/database.ts';
import { prepared } from '../../platform/db/prepared.ts';
import type { BatchStatus, IssueStatus } from '../../platform/db/schema.ts';
import { canProbe, PROBE_MS } from '../../providers/circuit/circuit-store.ts';
import { type ItemOutcome, REPLAY_HOURS } from '../../providers/port.ts';
import type { Member } from '../envelope.ts';
import type { ExclusionReason } from '../exclusion.ts';

/** A batch that this worker has leased. */
export interface ClaimedBatch {
  id: string;
  issueId: string;
  variantId: string;
  revision: number;
  leaseId: string;
  payloadHash: string;
  /**
   * Positions of its members, in the order of the request. There are gaps, because unsubscribed members are left
   * out.
   */
  positions: number[];
  /** An earlier request under this key had no response: it may have been accepted already. */
  replayed: boolean;
  /** How many requests in a row had no response, of all workers, before this one. */
  failures: number;
  /** The circuit is open, and this worker tests whether the provider responds again. */
  isProbe: boolean;
}

export type Claim<Built> =
  | { kind: 'claimed'; batch: ClaimedBatch; built: Built }
  /** Another worker holds it, or the issue is not in state `sending`. */
  | { kind: 'unavailable' }
  /** The circuit is open: no request is made for this long. */
  | { kind: 'wait'; ms: number }
  /** The batch has no member left to submit. */
  | { kind: 'settled'; issueId: string };

interface BatchRow {
  id: string;
  issue_id: string;
  variant_id: string;
  status: BatchStatus;
  revision: number;
  payload_hash: string | null;
  lease_id: string | null;
  leased: boolean;
  forgotten: boolean;
  issue_status: IssueStatus;
  failures: number;
  is_circuit_open: boolean;
}

/**
 * Claims a batch in one transaction: members who have unsubscribed are excluded (I3), membership, order and bytes
 * are frozen (I5), and `submitting` is durable before any request to the provider. A batch that was already
 * `submitting` is taken over when its lease has expired, with the same members and bytes. Where that is impossible
 * (too old, a member has unsubscribed since, different bytes) the batch becomes `uncertain`.
 *
 * `build` runs inside the transaction: it must read through `tx` only, and its result must depend on nothing else.
 */
export async function claimBatch<Built extends { payloadHash: string }>(
  db: Connection,
  batchId: string,
  leaseMs: number,
  build: (tx: Connection, variantId: string, members: Member[]) => Promise<Built>,
): Promise<Claim<Built>> {
  return db.transaction().execute(async (tx): Promise<Claim<Built>> => {
    const { rows } = await prepared<BatchRow>('claim_batch')`
      select b.id, b.issue_id, b.variant_id, b.status, b.revision, b.payload_hash, b.lease_id, i.status as issue_status,
        coalesce(b.lease_until > now(), false) as leased,
        coalesce(b.claimed_at < now() - make_interval(hours => ${REPLAY_HOURS}), false) as forgotten,
        c.failures, c.open_until is not null as is_circuit_open
      from batches b join issues i on i.id = b.issue_id cross join circuit c
      where b.id = ${batchId} and b.status in ('pending', 'submitting')
      for update of b skip locked
    `.execute(tx);
    const row = rows[0];
    if (row === undefined || row.leased || row.issue_status !== 'sending') return { kind: 'unavailable' };

    const open = await membersOf(tx, batchId);
    // A member who paused after the first request was made still belongs to this issue.
    const excludedMembers = open.filter(
      ({ exclusionReason }) =>
        exclusionReason !== null && (exclusionReason !== 'paused' || row.status === 'pending'),
    );
    if (row.status === 'pending') await exclude(tx, excludedMembers);
    else if (row.forgotten) {
      return await setUncertain(
        tx,
        row,
        `unanswered for more than ${REPLAY_HOURS} h, the provider may have forgotten its key`,
      );
    } else if (excludedMembers.length > 0) {
      return await setUncertain(tx, row, 'a reader in it left before the answer arrived');
    }
    const members = open.filter((member) => !excludedMembers.includes(member));
    if (members.length === 0) {
      await tx
        .updateTable('batches')
        .set({ status: 'submitted', reason: 'everyone in it left' })
        .where('id', '=', batchId)
        .execute();
      return { kind: 'settled', issueId: row.issue_id };
    }

    const built = await build(tx, row.variant_id, members);
    if (row.status === 'submitting' && built.payloadHash !== row.payload_hash) {
      return await setUncertain(tx, row, 'its messages cannot be built again byte for byte');
    }
    if (row.is_circuit_open && !(await canProbe(tx, leaseMs))) return { kind: 'wait', ms: PROBE_MS };
    const leaseId = randomUUID();
    await prepared('lease_batch')`
      update batches set status = 'submitting', lease_id = ${leaseId}, payload_hash = ${built.payloadHash},
        lease_until = now() + make_interval(secs => ${leaseMs / 1_000}),
        claimed_at = coalesce(claimed_at, now()), attempts = attempts + 1
      where id = ${batchId}
    `.execute(tx);
    return {
      kind: 'claimed',
      batch: {
        id: row.id,
        issueId: row.issue_id,
        variantId: row.variant_id,
        revision: row.revision,
        leaseId,
        payloadHash: built.payloadHash,
        positions: members.map(({ position }) => position),
        replayed: row.status === 'submitting',
        failures: row.failures,
        isProbe: row.is_circuit_open,
      },
      built,
    };
  });
}

/** A member of a batch, and why they are excluded (null: they are not). */
type CheckedMember = Member & { position: number; exclusionReason: ExclusionReason | null };

/**
 * The members of a batch that are still `prepared`, in order, each with a reason to exclude them that arose after
 * the audience was frozen.
 */
async function membersOf(tx: Connection, batchId: string): Promise<CheckedMember[]> {
  const { rows } = await prepared<CheckedMember>('members_of_batch')`
    select d.id as "deliveryId", d.position, s.id as "subscriberId", s.email, s.token_version as "tokenVersion",
      case when s.status <> 'active' then s.status
        when s.paused_until > now() then ${'paused' satisfies ExclusionReason}::text end as "exclusionReason"
    from deliveries d join subscribers s on s.id = d.subscriber_id
    where d.batch_id = ${batchId} and d.status = 'prepared'
    order by d.position
  `.execute(tx);
  return rows;
}

/** Whether a member of a claimed batch has unsubscribed since. */
export async function hasUnsubscribed(db: Connection, batchId: string): Promise<boolean> {
  const { rows } = await sql`
    select from deliveries d join subscribers s on s.id = d.subscriber_id
    where d.batch_id = ${batchId} and d.status = 'prepared' and s.status <> 'active' limit 1
  `.execute(db);
  return rows.length > 0;
}

/**
 * Excludes the members by the reasons that `membersOf` read. Their state is not read again: a person who subscribes
 * again meanwhile must stay out, because the frozen bytes leave them out too.
 */
async function exclude(tx: Connection, excludedMembers: CheckedMember[]): Promise<void> {
  if (excludedMembers.length === 0) return;
  await sql`
    update deliveries d set status = 'excluded', reason = reasons.reason
    from unnest(
      ${excludedMembers.map(({ deliveryId }) => deliveryId)}::uuid[],
      ${excludedMembers.map(({ exclusionReason }) => exclusionReason)}::text[]
    ) as reasons (id, reason)
    where d.id = reasons.id and d.status = 'prepared'
  `.execute(tx);
}

async function setUncertain(tx: Connection, row: BatchRow, reason: string): Promise<Claim<never>> {
  await closeBatch(tx, { id: row.id, leaseId: row.lease_id }, 'uncertain', reason);
  return { kind: 'settled', issueId: row.issue_id };
}

/**
 * Records the provider's response in one statement, if the lease is still ours (fencing: a worker that outlived its
 * lease changes nothing). Members are found by their positions, so that one index scan finds all of them.
 * @param items the outcomes of the members at `positions`, in the same order.
 * @returns whether it was recorded.
 */
export async function recordResponse(
  db: Connection,
  { id, leaseId, positions }: { id: string; leaseId: string | null; positions: number[] },
  items: ItemOutcome[],
): Promise<boolean> {
  const accepted: (string | null)[] = Array(Math.max(...positions) + 1).fill(null);
  const rejected = [...accepted];
  for (const [index, item] of items.entries()) {
    const position = positions[index] as number;
    if ('accepted' in item) accepted[position] = item.accepted;
    else rejected[position] = item.rejected;
  }
  const { rows } = await prepared('record_answer')`
    with batch as (
      update batches set status = 'submitted', lease_id = null, lease_until = null, reason = null
      where id = ${id} and status in ('submitting', 'uncertain') and lease_id is not distinct from ${leaseId}::uuid
      returning id
    ), recorded as (
      update deliveries d set provider_id = accepted[d.position + 1], reason = rejected[d.position + 1],
        status = case when accepted[d.position + 1] is null then 'failed' else 'submitted' end,
        submitted_at = case when accepted[d.position + 1] is not null then now() end
      from batch, (select ${accepted}::text[] as accepted, ${rejected}::text[] as rejected) answer
      where d.batch_id = batch.id and d.status in ('prepared', 'uncertain')
        and (accepted[d.position + 1] is not null or rejected[d.position + 1] is not null)
    )
    select id from batch
  `.execute(db);
  return rows.length > 0;
}

/**
 * Puts a batch that certainly was not accepted back to `pending` under a new key, with its membership open again.
 * @returns whether the lease was still ours.
 */
export async function reopenBatch(
  db: Connection,
  batch: { id: string; leaseId: string | null },
): Promise<boolean> {
  const { rows } = await sql`
    with batch as (
      update batches set status = 'pending', revision = revision + 1, payload_hash = null, claimed_at = null,
        lease_id = null, lease_until = null, reason = null
      where id = ${batch.id} and status in ('submitting', 'uncertain') and lease_id is not distinct from ${batch.leaseId}::uuid
      returning id
    ), members as (
      update deliveries d set status = 'prepared', reason = null
      from batch where d.batch_id = batch.id and d.status = 'uncertain'
    )
    select from batch
  `.execute(db);
  return rows.length > 0;
}

/**
 * Splits a batch that certainly was not accepted, but half of which may be: a new batch gets the second half of the
 * members, and both get new keys.
 * @returns the batches to submit now; empty when the lease was no longer ours.
 */
export async function splitBatch(
  db: Connection,
  batch: { id: string; issueId: string; leaseId: string; positions: number[] },
): Promise<string[]> {
  const moved = batch.positions.slice(Math.ceil(batch.positions.length / 2));
  return db.transaction().execute(async (tx) => {
    // The lock on the issue prevents two new batches from getting the same number.
    await sql`select from issues where id = ${batch.issueId} for no key update`.execute(tx);
    const { rows } = await sql<{ id: string }>`
      with old as (
        update batches set status = 'pending', revision = revision + 1, payload_hash = null, claimed_at = null,
          lease_id = null, lease_until = null, reason = null
        where id = ${batch.id} and status = 'submitting' and lease_id = ${batch.leaseId}::uuid
        returning id, issue_id, variant_id
      ), made as (
        insert into batches (issue_id, variant_id, number)
        select issue_id, variant_id, (select max(number) + 1 from batches where issue_id = ${batch.issueId}) from old
        returning id
      )
      select id from old union all select id from made
    `.execute(tx);
    const [, made] = rows;
    if (made === undefined) return [];
    await sql`
      update deliveries set batch_id = ${made.id}
      where batch_id = ${batch.id} and position = any(${moved}::int[]) and status = 'prepared'
    `.execute(tx);
    return rows.map(({ id }) => id);
  });
}

/**
 * Closes the batches of cancelled issues: deliveries that were not submitted are excluded. A batch whose lease
 * expired without a response becomes `uncertain`, because asking again could mail it. Of other issues, only the
 * numbers that they would get change: a cancelled issue that nobody can have gives its number back.
 */
export async function closeCancelled(db: Connection, issueId?: string): Promise<void> {
  const ofCancelled = sql`b.issue_id in (
    select id from issues where status = 'cancelled' and ${issueId === undefined ? sql`true` : sql`id = ${issueId}`}
  )`;
  await sql`
    with batch as (
      update batches b set status = 'failed', reason = 'cancelled'
      where ${ofCancelled} and b.status = 'pending'
      returning id
    )
    update deliveries d set status = 'excluded', reason = ${'cancelled' satisfies ExclusionReason}
    from batch where d.batch_id = batch.id and d.status = 'prepared'
  `.execute(db);
  await sql`
    with batch as (
      update batches b set status = 'uncertain', reason = 'cancelled before the answer arrived', lease_id = null
      where ${ofCancelled} and b.status = 'submitting' and b.lease_until <= now()
      returning id, reason
    )
    update deliveries d set status = 'uncertain', reason = batch.reason
    from batch where d.batch_id = batch.id and d.status = 'prepared'
  `.execute(db);
  await renumberIssues(db);
}

/**
 * Ends the lease now, so that the same bytes can be sent again under the same key.
 * @returns whether the lease was still ours.
 */
export async function releaseBatch(db: Connection, batch: { id: string; leaseId: string }): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update batches set lease_until = now() where id = ${batch.id} and lease_id = ${batch.leaseId}::uuid
  `.execute(db);
  return numAffectedRows === 1n;
}

/**
 * Closes a batch without a response: `failed` when the provider refused all of it for good, `uncertain` when only
 * events or a person can settle it. `lease_until` stays: it says until when a worker waited for the response.
 */
export async function closeBatch(
  db: Connection,
  batch: { id: string; leaseId: string | null },
  status: 'failed' | 'uncertain',
  reason: string,
): Promise<void> {
  await sql`
    with batch as (
      update batches set status = ${status}, reason = ${reason}, lease_id = null
      where id = ${batch.id} and lease_id is not distinct from ${batch.leaseId}::uuid
      returning id
    )
    update deliveries d set status = ${status}, reason = ${reason}
    from batch where d.batch_id = batch.id and d.status = 'prepared'
  `.execute(db);
}

/**
 * Expires all leases. On the embedded database there is only one process, so every lease found at boot belongs to a
 * process that is gone.
 */
export async function expireAllLeases(db: Connection): Promise<void> {
  await db
    .updateTable('batches')
    .set({ lease_until: sql`now()` })
    .where('status', '=', 'submitting')
    .execute();
  await db
    .updateTable('mails')
    .set({ lease_until: sql`now()` })
    .where('status', '=', 'pending')
    .where('lease_until', 'is not', null)
    .execute();
  // A crashed probe would keep all workers waiting until its lease ends. The failure count stays.
  await db
    .updateTable('circuit')
    .set({ open_until: sql`now()` })
    .where('open_until', '>', sql<Date>`now()`)
    .execute();
}

/** Batches of issues in state `sending` that a worker could claim now. */
export async function claimableBatches(db: Connection, issueId?: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select b.id from batches b join issues i on i.id = b.issue_id
    where i.status = 'sending' and b.status in ('pending', 'submitting')
      and (b.lease_until is null or b.lease_until <= now())
      and ${issueId === undefined ? sql`true` : sql`i.id = ${issueId}`}
    order by b.issue_id, b.number
  `.execute(db);
  return rows.map((row) => row.id);
}

export interface UncertainBatch {
  id: string;
  number: number;
  revision: number;
  issueId: string;
  issue: string;
  reason: string | null;
  /** Positions of its members, in the order of the request. */
  positions: number[];
}

export async function uncertainBatches(db: Connection, issueId?: string): Promise<UncertainBatch[]> {
  const { rows } = await sql<UncertainBatch>`
    select b.id, b.number, b.revision, b.issue_id as "issueId", i.slug as issue, b.reason,
      (select array_agg(d.position order by d.position) from deliveries d
        where d.batch_id = b.id and d.status = 'uncertain') as positions
    from batches b join issues i on i.id = b.issue_id
    where b.status = 'uncertain' and ${issueId === undefined ? sql`true` : sql`i.id = ${issueId}`}
    order by b.issue_id, b.number
  `.execute(db);
  return rows;
}
