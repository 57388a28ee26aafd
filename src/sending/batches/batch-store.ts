import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { renumberIssues } from '../../issues/number-store.ts';
import type { Connection } from '../../platform/db/database.ts';
import { prepared } from '../../platform/db/prepared.ts';
import type { BatchStatus, IssueStatus } from '../../platform/db/schema.ts';
import { canProbe, PROBE_MS } from '../../providers/circuit/circuit-store.ts';
import { type ItemOutcome, LAYOUT, REPLAY_HOURS } from '../../providers/port.ts';
import type { Member } from '../envelope.ts';
import type { ExclusionReason } from '../exclusion.ts';

/** What determines the messages of a batch. */
export interface Unbuilt {
  variantId: string;
  /** Changes when its issue goes on with another sender. */
  envelopeHash: string;
  /** The version of the layout that its first request had. */
  layout: number;
  members: Member[];
}

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
  /** Members of that earlier request who have left since. They are not in this request. */
  leavers: { deliveryId: string; reason: ExclusionReason }[];
  /** How many requests were made for it, with this one. */
  attempts: number;
  /** The provider has refused messages of this issue since it last accepted one. */
  hasRefusals: boolean;
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
  layout: number | null;
  lease_id: string | null;
  attempts: number;
  leased: boolean;
  forgotten: boolean;
  issue_status: IssueStatus;
  envelope_hash: string | null;
  failures: number;
  is_circuit_open: boolean;
  has_refusals: boolean;
}

/**
 * Claims a batch in one transaction: members who have unsubscribed are excluded (I3), membership, order and bytes
 * are frozen (I5), and `submitting` is durable before any request to the provider. A batch that was already
 * `submitting` is taken over when its lease has expired, under the same key. When members have left since, it is asked
 * with the bytes of those who stay: a conflict says that the earlier request was accepted, and otherwise only they are
 * mailed (docs/adr/0027). A batch that is too old for that becomes `uncertain`.
 *
 * `build` runs inside the transaction: it must read through `tx` only, and its result must depend on nothing else.
 */
export async function claimBatch<Built extends { payloadHash: string }>(
  db: Connection,
  batchId: string,
  leaseMs: number,
  build: (tx: Connection, batch: Unbuilt) => Promise<Built>,
): Promise<Claim<Built>> {
  return db.transaction().execute(async (tx): Promise<Claim<Built>> => {
    const { rows } = await prepared<BatchRow>('claim_batch')`
      select b.id, b.issue_id, b.variant_id, b.status, b.revision, b.payload_hash, b.layout, b.lease_id, b.attempts,
        i.status as issue_status, md5(i.envelope::text) as envelope_hash,
        coalesce(b.lease_until > now(), false) as leased,
        coalesce(b.claimed_at < now() - make_interval(hours => ${REPLAY_HOURS}), false) as forgotten,
        c.failures, c.open_until is not null as is_circuit_open, r.issue_id is not null as has_refusals
      from batches b join issues i on i.id = b.issue_id cross join circuit c
        left join refusal_runs r on r.issue_id = b.issue_id
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
    if (row.forgotten && row.status === 'submitting') {
      return await setUncertain(
        tx,
        row,
        `unanswered for more than ${REPLAY_HOURS} h, the provider may have forgotten its key`,
      );
    }
    const members = open.filter((member) => !excludedMembers.includes(member));
    const leavers = excludedMembers.map(({ deliveryId, exclusionReason }) => ({
      deliveryId,
      reason: exclusionReason as ExclusionReason,
    }));
    if (row.status === 'pending' || members.length === 0) await exclude(tx, leavers);
    if (members.length === 0) {
      await tx
        .updateTable('batches')
        .set({ status: 'submitted', reason: 'everyone in it left' })
        .where('id', '=', batchId)
        .execute();
      return { kind: 'settled', issueId: row.issue_id };
    }

    const layout = row.status === 'pending' ? LAYOUT : (row.layout ?? LAYOUT);
    const built = await build(tx, {
      variantId: row.variant_id,
      envelopeHash: row.envelope_hash ?? '',
      layout,
      members,
    });
    if (row.is_circuit_open && !(await canProbe(tx, leaseMs))) return { kind: 'wait', ms: PROBE_MS };
    const leaseId = randomUUID();
    await prepared('lease_batch')`
      update batches set status = 'submitting', lease_id = ${leaseId}, payload_hash = ${built.payloadHash}, layout = ${layout},
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
        leavers: row.status === 'submitting' ? leavers : [],
        attempts: row.attempts + 1,
        hasRefusals: row.has_refusals,
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

/**
 * Begins the request of a claimed batch: one statement, the last before the request (I3).
 * @returns false when a member of the request has left, or another worker has the lease: no request may be made.
 */
export async function beginRequest(
  db: Connection,
  { id, leaseId, positions }: Pick<ClaimedBatch, 'id' | 'leaseId' | 'positions'>,
): Promise<boolean> {
  const { rows } = await prepared('begin_request')`
    select from batches b
    where b.id = ${id} and b.lease_id = ${leaseId}::uuid and b.lease_until > now() and not exists (
      select from deliveries d join subscribers s on s.id = d.subscriber_id
      where d.batch_id = b.id and d.status = 'prepared' and s.status <> 'active'
        and d.position = any(${positions}::int[])
    )
  `.execute(db);
  return rows.length > 0;
}

/**
 * Excludes the members by the reasons that `membersOf` read. Their state is not read again: a person who subscribes
 * again meanwhile must stay out, because the frozen bytes leave them out too.
 */
async function exclude(tx: Connection, leavers: ClaimedBatch['leavers']): Promise<void> {
  if (leavers.length === 0) return;
  await sql`
    update deliveries d set status = 'excluded', reason = reasons.reason
    from unnest(
      ${leavers.map(({ deliveryId }) => deliveryId)}::uuid[], ${leavers.map(({ reason }) => reason)}::text[]
    ) as reasons (id, reason)
    where d.id = reasons.id and d.status = 'prepared'
  `.execute(tx);
}

async function setUncertain(tx: Connection, row: BatchRow, reason: string): Promise<Claim<never>> {
  await closeBatch(tx, { id: row.id, leaseId: row.lease_id }, 'uncertain', reason);
  return { kind: 'settled', issueId: row.issue_id };
}

/**
 * Records the provider's response, if the lease is still ours (fencing: a worker that outlived its lease changes
 * nothing). Members are found by their positions, so that one index scan finds all of them. Members who left after an
 * earlier request are excluded: this response proves that it was not accepted.
 * @param items the outcomes of the members at `positions`, in the same order.
 * @returns whether it was recorded.
 */
export async function recordResponse(
  db: Connection,
  batch: { id: string; leaseId: string | null; positions: number[]; leavers?: ClaimedBatch['leavers'] },
  items: ItemOutcome[],
): Promise<boolean> {
  const { leavers = [] } = batch;
  if (leavers.length === 0) return recordItems(db, batch, items);
  return db.transaction().execute(async (tx) => {
    const isRecorded = await recordItems(tx, batch, items);
    if (isRecorded) await exclude(tx, leavers);
    return isRecorded;
  });
}

async function recordItems(
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
 * Splits a batch that certainly was not accepted, but a part of which may be: a new batch gets all but the first `size`
 * members, and both get new keys.
 * @returns the batches to submit now; empty when the lease was no longer ours.
 */
export async function splitBatch(
  db: Connection,
  batch: { id: string; issueId: string; leaseId: string; positions: number[] },
  size: number,
): Promise<string[]> {
  const moved = batch.positions.slice(size);
  return db.transaction().execute(async (tx) => {
    // The lock on the issue prevents two new batches from getting the same number.
    await sql`select from issues where id = ${batch.issueId} for no key update`.execute(tx);
    const { rows } = await sql<{ id: string }>`
      with old as (
        update batches set status = 'pending', revision = revision + 1, payload_hash = null, claimed_at = null,
          lease_id = null, lease_until = null, reason = null, split_from = coalesce(split_from, id)
        where id = ${batch.id} and status = 'submitting' and lease_id = ${batch.leaseId}::uuid
        returning id, issue_id, variant_id, revision, split_from, reopened
      ), made as (
        insert into batches (issue_id, variant_id, number, revision, split_from, reopened)
        select issue_id, variant_id, (select max(number) + 1 from batches where issue_id = ${batch.issueId}), revision,
          split_from, reopened
        from old
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
 * @returns whether the lease was still ours.
 */
export async function closeBatch(
  db: Connection,
  batch: { id: string; leaseId: string | null },
  status: 'failed' | 'uncertain',
  reason: string,
): Promise<boolean> {
  const { rows } = await sql`
    with batch as (
      update batches set status = ${status}, reason = ${reason}, lease_id = null
      where id = ${batch.id} and lease_id is not distinct from ${batch.leaseId}::uuid
      returning id
    ), members as (
      update deliveries d set status = ${status}, reason = ${reason}
      from batch where d.batch_id = batch.id and d.status = 'prepared'
    )
    select from batch
  `.execute(db);
  return rows.length > 0;
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
