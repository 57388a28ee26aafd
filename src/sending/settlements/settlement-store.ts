import { type RawBuilder, sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';
import type { BatchStatus, IssueStatus } from '../../platform/db/schema.ts';
import { closeBatch } from '../batches/batch-store.ts';

/** How long an uncertain batch waits for an event before a person is asked. */
export const EVIDENCE_HOURS = 24;

/**
 * How long to wait after the last worker stopped waiting for a response: a request that was still on its way then
 * has arrived by now, or never will.
 */
const IN_FLIGHT_MINUTES = 10;

/** From when on a batch can be settled as not accepted; null when it can be now. */
const notBefore = sql<Date | null>`case when b.lease_until + make_interval(mins => ${IN_FLIGHT_MINUTES}) > now()
  then b.lease_until + make_interval(mins => ${IN_FLIGHT_MINUTES}) end`;

/** Counts events that prove that these deliveries were accepted, and that are not applied yet. */
const proofs = (deliveryIds: RawBuilder<unknown>) => sql<number>`(select count(*)::int from events e
  where (e.due_at is not null or e.outcome = 'unmatched') and e.kind <> 'suppressed'
    and e.delivery_id = any(${deliveryIds}))`;

/**
 * Closes batches that were accepted after all, with all members of the request. A batch in state `submitting` is
 * not changed: its response is still on its way.
 * @returns the batches that this call settled.
 */
export async function settleAccepted(
  tx: Connection,
  batches: ReadonlyMap<string, string>,
  reason: string,
): Promise<{ id: string; issueId: string }[]> {
  if (batches.size === 0) return [];
  const { rows } = await sql<{ id: string; issueId: string }>`
    with settled as (
      update batches b set status = 'submitted', lease_id = null, lease_until = null, reason = ${reason}
      from unnest(${[...batches.keys()]}::uuid[], ${[...batches.values()]}::text[]) as r (id, decided_by)
      where b.id = r.id and b.status in ('uncertain', 'pending', 'failed')
      returning b.id, b.issue_id, b.revision, b.claimed_at, r.decided_by
    ), members as (
      update deliveries d set status = 'submitted', submitted_at = coalesce(settled.claimed_at, now()),
        reason = case when s.status not in ('active', 'pending') then 'mailed before they left' end
      from settled, subscribers s
      where d.batch_id = settled.id and s.id = d.subscriber_id and d.status in ('prepared', 'uncertain', 'failed')
    ), noted as (
      insert into settlements (batch_id, revision, decision, decided_by)
      select id, revision, 'accepted', decided_by from settled
    )
    select id, issue_id as "issueId" from settled
  `.execute(tx);
  return rows;
}

/**
 * Settles a claimed batch by the provider's word that its key was used for other bytes: the earlier request was
 * accepted, with all of its members. Nothing changes when the lease is not ours any more.
 */
export async function settleConflict(
  db: Connection,
  batch: { id: string; leaseId: string },
  reason: string,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await closeBatch(tx, batch, 'uncertain', reason);
    await settleAccepted(
      tx,
      new Map([[batch.id, `provider ${reason}`]]),
      'settled by its key: it was accepted',
    );
  });
}

/** An uncertain batch, with what a person needs to decide about it. */
export interface UnsettledBatch {
  id: string;
  number: number;
  revision: number;
  issue: string;
  reason: string | null;
  claimedAt: Date;
  deliveries: number;
  /** Members who are no longer subscribed. */
  left: number;
  /** Events about messages of the batch; with at least one of them the next run of `apply-events` settles it. */
  events: number;
  /** Whether it has waited for events long enough. */
  overdue: boolean;
  /** Until then a request may still be on its way, so `not-accepted` cannot be decided. null: that time is over. */
  notBefore: Date | null;
}

export async function unsettledBatches(db: Connection, issue?: string): Promise<UnsettledBatch[]> {
  const { rows } = await sql<UnsettledBatch>`
    select b.id, b.number, b.revision, i.slug as issue, b.reason, b.claimed_at as "claimedAt",
      b.claimed_at < now() - make_interval(hours => ${EVIDENCE_HOURS}) as overdue, ${notBefore} as "notBefore",
      m.deliveries, m."left", m.events
    from batches b join issues i on i.id = b.issue_id, lateral (
      select count(*) as deliveries, count(*) filter (where s.status not in ('active', 'pending')) as "left",
        ${proofs(sql`array_agg(d.id)`)} as events
      from deliveries d join subscribers s on s.id = d.subscriber_id
      where d.batch_id = b.id and d.status = 'uncertain'
    ) m
    where b.status = 'uncertain' and ${issue === undefined ? sql`true` : sql`i.slug = ${issue}`}
    order by i.due_at, b.number
  `.execute(db);
  return rows;
}

/**
 * Opens an uncertain batch again under a new key; the next claim excludes the members who have unsubscribed.
 * @returns whether it was uncertain.
 */
export async function settleNotAccepted(
  tx: Connection,
  batchId: string,
  decidedBy: string,
  reason: string,
): Promise<boolean> {
  const { rows } = await sql`
    with settled as (
      update batches set status = 'pending', revision = revision + 1, payload_hash = null, claimed_at = null,
        lease_id = null, lease_until = null, reason = ${reason}
      where id = ${batchId} and status = 'uncertain'
      returning id, revision
    ), members as (
      update deliveries d set status = 'prepared', reason = null
      from settled where d.batch_id = settled.id and d.status = 'uncertain'
    ), noted as (
      insert into settlements (batch_id, revision, decision, decided_by)
      select id, revision - 1, 'not-accepted', ${decidedBy} from settled
    )
    select from settled
  `.execute(tx);
  return rows.length > 0;
}

export interface NamedBatch {
  id: string;
  status: BatchStatus;
  issueId: string;
  issueStatus: IssueStatus;
  /** While it is `submitting`: until when a worker holds it, or the circuit is open. */
  busyUntil: Date | null;
  /** While it is `uncertain`: see {@link UnsettledBatch}. */
  notBefore: Date | null;
  /** While it is `uncertain`: how many events prove that it was accepted. */
  events: number;
}

/**
 * Finds batches by the beginning of their id.
 * @returns the matches, at most two.
 */
export async function findBatchesByPrefix(db: Connection, prefix: string): Promise<NamedBatch[]> {
  const { rows } = await sql<NamedBatch>`
    select b.id, b.status, b.issue_id as "issueId", i.status as "issueStatus",
      case when b.status = 'submitting' then greatest(b.lease_until, c.open_until, now()) end as "busyUntil",
      case when b.status = 'uncertain' then ${notBefore} end as "notBefore",
      case when b.status = 'uncertain' then
        ${proofs(sql`array(select d.id from deliveries d where d.batch_id = b.id and d.status = 'uncertain')`)}
        else 0 end as events
    from batches b join issues i on i.id = b.issue_id cross join circuit c
    where starts_with(b.id::text, ${prefix.toLowerCase()}) limit 2
  `.execute(db);
  return rows;
}
