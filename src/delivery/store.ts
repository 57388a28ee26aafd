import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { BatchStatus, Connection, IssueStatus, SubscriberStatus } from '../db/index.ts';
import type { Plan } from '../issues/index.ts';
import type { ItemOutcome } from '../mailer/index.ts';
import type { Envelope, IssueStamp, Member } from './envelope.ts';

/** The provider takes at most this many messages in one request. */
export const BATCH_SIZE = 100;

/** Provider keys live 24 h; after 20 h a replay could mail again, so nobody replays. */
const REPLAY_HOURS = 20;

/** Every distinct set of topics that a confirmed reader chose. */
export async function chosenTopics(db: Connection): Promise<string[][]> {
  const rows = await db
    .selectFrom('subscribers')
    .select('topics')
    .distinct()
    .where('status', '=', 'active')
    .execute();
  return rows.map((row) => row.topics);
}

/**
 * Freezes the audience of an issue in one statement: a delivery for every confirmed reader, placed in
 * batches of one variant each, or excluded with its reason. Whoever chose topics after the variants
 * were made gets the general variant.
 */
export async function freezeAudience(db: Connection, issueId: string): Promise<void> {
  // A list is sorted in memory, up to some hundred thousand readers.
  await sql`set local work_mem = '64MB'`.execute(db);
  await sql`
    with candidates as materialized (
      select s.id as subscriber_id,
        case when t.topics is null then general.id else t.variant_id end as variant_id,
        exists (select from consent_events c where c.subscriber_id = s.id and c.event = 'confirmed') as consented,
        coalesce(s.paused_until > now(), false) as paused
      from subscribers s
      join variants general on general.issue_id = ${issueId}::uuid and general.number = 1
      left join variant_topics t on t.issue_id = ${issueId}::uuid and t.topics = s.topics
      where s.status = 'active'
    ), placed as materialized (
      select subscriber_id, variant_id,
        row_number() over (partition by variant_id order by subscriber_id) - 1 as place
      from candidates where consented and not paused and variant_id is not null
    ), made as (
      insert into batches (issue_id, variant_id, number)
      select ${issueId}::uuid, b.variant_id, row_number() over (order by v.number, b.ordinal)
      from (select distinct variant_id, place / ${BATCH_SIZE}::int as ordinal from placed) b
      join variants v on v.id = b.variant_id
      returning id, variant_id, number
    ), batch as (
      select id, variant_id, row_number() over (partition by variant_id order by number) - 1 as ordinal from made
    )
    insert into deliveries (issue_id, subscriber_id, batch_id, position, status, reason)
    select ${issueId}::uuid, p.subscriber_id, b.id, p.place % ${BATCH_SIZE}::int, 'prepared', null
    from placed p join batch b on b.variant_id = p.variant_id and b.ordinal = p.place / ${BATCH_SIZE}::int
    union all
    select ${issueId}::uuid, subscriber_id, null, 0, 'excluded',
      case when not consented then 'no-consent' when paused then 'paused' else 'no-content' end
    from candidates where not consented or paused or variant_id is null
  `.execute(db);
}

/**
 * Without fresh statistics the planner takes the just filled tables for empty, and every batch scans
 * them; PGlite has no autovacuum that would ever mend it.
 */
export async function analyzeAudience(db: Connection): Promise<void> {
  for (const table of ['deliveries', 'batches', 'tallies', 'variant_topics'])
    await sql`analyze ${sql.table(table)}`.execute(db);
}

/** A batch in the hands of this worker. */
export interface ClaimedBatch {
  id: string;
  issueId: string;
  variantId: string;
  revision: number;
  leaseId: string;
  payloadHash: string;
  /** It was asked before under this key, without an answer: perhaps it is accepted already. */
  replayed: boolean;
  /** Requests without an answer in a row, of all workers, before this one. */
  failures: number;
  /** The provider is left alone, and this worker tries whether it answers again. */
  isProbe: boolean;
}

export type Claim<Built> =
  | { kind: 'claimed'; batch: ClaimedBatch; built: Built }
  /** Somebody else has it, or the issue is not sending: nothing to do now. */
  | { kind: 'unavailable' }
  /** The provider did not answer others; it is not asked for so long. */
  | { kind: 'wait'; ms: number }
  /** Nothing of it is left to submit. */
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
 * Takes a batch, in one transaction: who left is excluded (I3), membership, order and bytes are frozen
 * (I5), and `submitting` is durable before any provider call. A batch that was already `submitting` is
 * taken over when its lease has run out, with the same members and bytes; where that is impossible
 * (too old, a member left since, other bytes) it becomes `uncertain`, never a guess.
 *
 * `build` runs inside the transaction: what it reads, it reads by `tx`, and its answer follows from that alone.
 */
export async function claimBatch<Built extends { payloadHash: string }>(
  db: Connection,
  batchId: string,
  leaseMs: number,
  build: (tx: Connection, variantId: string, members: Member[]) => Promise<Built>,
): Promise<Claim<Built>> {
  return db.transaction().execute(async (tx): Promise<Claim<Built>> => {
    const { rows } = await sql<BatchRow>`
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
    // A pause that began while the answer was on its way comes too late for this issue.
    const leavers = open.filter(
      ({ absent }) => absent !== null && (absent !== 'paused' || row.status === 'pending'),
    );
    if (row.status === 'pending') await exclude(tx, leavers);
    else if (row.forgotten) {
      return await setUncertain(
        tx,
        row,
        `unanswered for more than ${REPLAY_HOURS} h, the provider may have forgotten its key`,
      );
    } else if (leavers.length > 0) {
      return await setUncertain(tx, row, 'a reader in it left before the answer arrived');
    }
    const members = open.filter((member) => !leavers.includes(member));
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
    if (row.is_circuit_open && !(await mayProbe(tx, leaseMs))) return { kind: 'wait', ms: PROBE_MS };
    const leaseId = randomUUID();
    await sql`
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
        replayed: row.status === 'submitting',
        failures: row.failures,
        isProbe: row.is_circuit_open,
      },
      built,
    };
  });
}

/** A member, or why they get nothing. */
type Invited = Member & { absent: SubscriberStatus | 'paused' | null };

/** Who of a batch is open, in order, with what became of the person since the audience was frozen. */
async function membersOf(tx: Connection, batchId: string): Promise<Invited[]> {
  const { rows } = await sql<Invited>`
    select d.id as "deliveryId", s.id as "subscriberId", s.email, s.token_version as "tokenVersion",
      case when s.status <> 'active' then s.status when s.paused_until > now() then 'paused' end as absent
    from deliveries d join subscribers s on s.id = d.subscriber_id
    where d.batch_id = ${batchId} and d.status = 'prepared'
    order by d.position
  `.execute(tx);
  return rows;
}

/** By what was seen, not by what is true by now: who comes back in between stays out, like the bytes say. */
async function exclude(tx: Connection, leavers: Invited[]): Promise<void> {
  if (leavers.length === 0) return;
  await sql`
    update deliveries d set status = 'excluded', reason = left_as.absent
    from unnest(
      ${leavers.map(({ deliveryId }) => deliveryId)}::uuid[],
      ${leavers.map(({ absent }) => absent)}::text[]
    ) as left_as (id, absent)
    where d.id = left_as.id and d.status = 'prepared'
  `.execute(tx);
}

async function setUncertain(tx: Connection, row: BatchRow, reason: string): Promise<Claim<never>> {
  await closeBatch(tx, { id: row.id, leaseId: row.lease_id }, 'uncertain', reason);
  return { kind: 'settled', issueId: row.issue_id };
}

/**
 * Writes down what the provider answered, in one statement, if the lease is still ours (fencing: a
 * worker that outlived its lease changes nothing).
 * @returns whether it was written.
 */
export async function recordAnswer(
  db: Connection,
  batch: { id: string; leaseId: string | null },
  deliveryIds: string[],
  items: ItemOutcome[],
): Promise<boolean> {
  const { rows } = await sql`
    with batch as (
      update batches set status = 'submitted', lease_id = null, lease_until = null, reason = null
      where id = ${batch.id} and status in ('submitting', 'uncertain')
        and lease_id is not distinct from ${batch.leaseId}::uuid
      returning id
    ), recorded as (
      update deliveries d set status = r.status, reason = r.reason, provider_id = r.provider_id,
        submitted_at = case when r.status = 'submitted' then now() end
      from batch, unnest(
        ${deliveryIds}::uuid[],
        ${items.map((item) => ('accepted' in item ? 'submitted' : 'failed'))}::text[],
        ${items.map((item) => ('rejected' in item ? item.rejected : null))}::text[],
        ${items.map((item) => ('accepted' in item ? item.accepted : null))}::text[]
      ) as r (id, status, reason, provider_id)
      where d.id = r.id and d.batch_id = batch.id and d.status in ('prepared', 'uncertain')
    )
    select id from batch
  `.execute(db);
  return rows.length > 0;
}

/** The provider certainly took nothing: back to `pending` under a new key, membership open again. */
export async function reopenBatch(
  db: Connection,
  batch: { id: string; leaseId: string | null },
): Promise<void> {
  await sql`
    with batch as (
      update batches set status = 'pending', revision = revision + 1, payload_hash = null, claimed_at = null,
        lease_id = null, lease_until = null, reason = null
      where id = ${batch.id} and status in ('submitting', 'uncertain') and lease_id is not distinct from ${batch.leaseId}::uuid
      returning id
    )
    update deliveries d set status = 'prepared', reason = null
    from batch where d.batch_id = batch.id and d.status = 'uncertain'
  `.execute(db);
}

/**
 * The provider certainly took nothing, and might take half: a new batch gets the second half of the
 * readers, and both halves new keys.
 * @returns the batches to submit now; empty when the lease was not ours any more.
 */
export async function splitBatch(
  db: Connection,
  batch: { id: string; issueId: string; leaseId: string },
  deliveryIds: string[],
): Promise<string[]> {
  const moved = deliveryIds.slice(Math.ceil(deliveryIds.length / 2));
  return db.transaction().execute(async (tx) => {
    // One at a time in an issue, so that two new batches never get one number.
    await sql`select from issues where id = ${batch.issueId} for update`.execute(tx);
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
      update deliveries set batch_id = ${made.id} where id = any(${moved}::uuid[]) and status = 'prepared'
    `.execute(tx);
    return rows.map(({ id }) => id);
  });
}

/**
 * What a cancelled issue leaves: whoever was not submitted is excluded. A batch whose answer is awaited
 * by nobody any more is uncertain, because asking again could mail it. Does nothing to other issues.
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
    update deliveries d set status = 'excluded', reason = 'cancelled'
    from batch where d.batch_id = batch.id and d.status = 'prepared'
  `.execute(db);
  await sql`
    with batch as (
      update batches b set status = 'uncertain', reason = 'cancelled before the answer arrived',
        lease_id = null, lease_until = null
      where ${ofCancelled} and b.status = 'submitting' and b.lease_until <= now()
      returning id, reason
    )
    update deliveries d set status = 'uncertain', reason = batch.reason
    from batch where d.batch_id = batch.id and d.status = 'prepared'
  `.execute(db);
}

/** The answer is unknown: the lease ends now, so that the same bytes can be tried again under the same key. */
export async function releaseBatch(db: Connection, batch: { id: string; leaseId: string }): Promise<void> {
  await sql`
    update batches set lease_until = now() where id = ${batch.id} and lease_id = ${batch.leaseId}::uuid
  `.execute(db);
}

/**
 * Ends a batch without an answer: `failed` when the provider refused all of it for good, `uncertain`
 * when the answer will never be known from here and evidence or a person must settle it.
 */
export async function closeBatch(
  db: Connection,
  batch: { id: string; leaseId: string | null },
  status: 'failed' | 'uncertain',
  reason: string,
): Promise<void> {
  await sql`
    with batch as (
      update batches set status = ${status}, reason = ${reason}, lease_id = null, lease_until = null
      where id = ${batch.id} and lease_id is not distinct from ${batch.leaseId}::uuid
      returning id
    )
    update deliveries d set status = ${status}, reason = ${reason}
    from batch where d.batch_id = batch.id and d.status = 'prepared'
  `.execute(db);
}

/**
 * Ends the leases of a process that is certainly gone: on the embedded default, where there is only
 * one process, every lease found at boot.
 */
export async function voidLeases(db: Connection): Promise<void> {
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
}

/** After so many requests without an answer in a row, of all workers, the provider is left alone for a while. */
const FAILURES_TO_OPEN = 5;

/** The first pause, doubled each time, and the longest; a quarter more or less, so that installations drift apart. */
const PAUSE_SECONDS = 5;
const LONGEST_PAUSE_SECONDS = 300;

/** How often a worker looks whether the one who tries has an answer. */
const PROBE_MS = 1_000;

/** While the provider is left alone: whether this worker is the one who tries again. */
async function mayProbe(tx: Connection, leaseMs: number): Promise<boolean> {
  const { rows } = await sql`
    update circuit set open_until = now() + make_interval(secs => ${leaseMs / 1_000})
    where open_until <= now() returning is_only
  `.execute(tx);
  return rows.length > 0;
}

/**
 * A request got no answer. What was under way when the provider began to be left alone counts no more.
 * @returns for how many ms nobody should ask; null: the next one may.
 */
export async function countFailure(db: Connection, reason: string, isProbe: boolean): Promise<number | null> {
  const { rows } = await sql<{ ms: number | null }>`
    update circuit set failures = failures + 1, reason = ${reason}, since = coalesce(since, now()),
      open_until = case when failures + 1 >= ${FAILURES_TO_OPEN}::int then now() + make_interval(secs =>
        least(${PAUSE_SECONDS} * power(2, least(failures + 1 - ${FAILURES_TO_OPEN}::int, 20)), ${LONGEST_PAUSE_SECONDS})
        * (0.75 + random() / 2)) end
    where open_until is null or ${isProbe}
    returning ceil(extract(epoch from open_until - now()) * 1000)::int as ms
  `.execute(db);
  const [counted] = rows;
  return counted === undefined ? PROBE_MS : counted.ms;
}

/** The provider has answered, whatever it said. */
export async function forgetFailures(db: Connection): Promise<void> {
  await db
    .updateTable('circuit')
    .set({ failures: 0, reason: null, since: null, open_until: null })
    .where('failures', '>', 0)
    .execute();
}

/** Since when the provider does not answer, and when it is asked again; undefined while it does. */
export async function openCircuit(
  db: Connection,
): Promise<{ reason: string | null; since: Date | null; until: Date } | undefined> {
  const row = await db
    .selectFrom('circuit')
    .select(['reason', 'since', 'open_until'])
    .where('open_until', 'is not', null)
    .executeTakeFirst();
  return row?.open_until ? { reason: row.reason, since: row.since, until: row.open_until } : undefined;
}

/** Batches of sending issues that a worker could take now. */
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
  deliveryIds: string[];
}

export async function uncertainBatches(db: Connection, issueId?: string): Promise<UncertainBatch[]> {
  const { rows } = await sql<UncertainBatch>`
    select b.id, b.number, b.revision, b.issue_id as "issueId", i.slug as issue, b.reason,
      (select array_agg(d.id order by d.position) from deliveries d where d.batch_id = b.id and d.status = 'uncertain')
        as "deliveryIds"
    from batches b join issues i on i.id = b.issue_id
    where b.status = 'uncertain' and ${issueId === undefined ? sql`true` : sql`i.id = ${issueId}`}
    order by b.issue_id, b.number
  `.execute(db);
  return rows;
}

/** Whether a batch of the issue is still open or uncertain. */
export async function hasOpenBatch(db: Connection, issueId: string): Promise<boolean> {
  const { rows } = await sql`
    select from batches where issue_id = ${issueId} and status in ('pending', 'submitting', 'uncertain') limit 1
  `.execute(db);
  return rows.length > 0;
}

export interface Tally {
  status: string;
  reason: string | null;
  count: number;
}

/** What the triggers on the ledger have counted: every number that is shown comes from here (I11). */
export async function readTallies(db: Connection, issueId: string): Promise<Tally[]> {
  return db
    .selectFrom('tallies')
    .select(({ fn }) => ['status', 'reason', fn.sum<number>('count').as('count')])
    .where('issue_id', '=', issueId)
    .groupBy(['status', 'reason'])
    .having(({ fn }) => fn.sum('count'), '>', 0)
    .execute();
}

/** The ledger itself, counted row by row. */
export async function countDeliveries(db: Connection, issueId: string): Promise<Tally[]> {
  return db
    .selectFrom('deliveries')
    .select(({ fn }) => ['status', 'reason', fn.countAll<number>().as('count')])
    .where('issue_id', '=', issueId)
    .groupBy(['status', 'reason'])
    .execute();
}

export async function tallyBatches(db: Connection, issueId: string): Promise<Tally[]> {
  const rows = await db
    .selectFrom('batches')
    .select(({ fn }) => ['status', fn.countAll<number>().as('count')])
    .where('issue_id', '=', issueId)
    .groupBy('status')
    .execute();
  return rows.map((row) => ({ ...row, reason: null }));
}

/** A frozen variant with the stamp of its issue. */
export async function readVariant(
  db: Connection,
  id: string,
): Promise<{ subject: string; html: string; text: string; stamp: IssueStamp }> {
  const row = await db
    .selectFrom('variants as v')
    .innerJoin('issues as i', 'i.id', 'v.issue_id')
    .select(['v.subject', 'v.html', 'v.text', 'i.slug', 'i.number', 'i.envelope'])
    .where('v.id', '=', id)
    .executeTakeFirstOrThrow();
  const { subject, html, text, slug, number, envelope } = row;
  return { subject, html, text, stamp: { slug, number: number ?? 0, envelope: envelope as Envelope } };
}

/** The variant that everybody may read: the archive shows it as it was mailed. */
export async function readGeneralVariant(db: Connection, issueId: string) {
  return db
    .selectFrom('variants')
    .select(['subject', 'preheader', 'html', 'text'])
    .where('issue_id', '=', issueId)
    .where('number', '=', 1)
    .executeTakeFirst();
}

export interface NewVariant {
  number: number;
  subject: string;
  preheader: string;
  html: string;
  text: string;
  contentHash: string;
  /** The sets of topics that get it. */
  topics: string[][];
}

/** Stores every variant before the first submit (I5), and which topics get which; null = nothing for them. */
export async function storeVariants(
  tx: Connection,
  issueId: string,
  variants: NewVariant[],
  withoutContent: string[][],
  envelope: Envelope,
): Promise<void> {
  const entries: { issue_id: string; topics: string[]; variant_id: string | null }[] = withoutContent.map(
    (topics) => ({
      issue_id: issueId,
      topics,
      variant_id: null,
    }),
  );
  for (const { number, subject, preheader, html, text, contentHash, topics } of variants) {
    const { id } = await tx
      .insertInto('variants')
      .values({ issue_id: issueId, number, subject, preheader, html, text, content_hash: contentHash })
      .returning('id')
      .executeTakeFirstOrThrow();
    for (const each of topics) entries.push({ issue_id: issueId, topics: each, variant_id: id });
  }
  for (let at = 0; at < entries.length; at += 500) {
    await tx
      .insertInto('variant_topics')
      .values(entries.slice(at, at + 500))
      .execute();
  }
  await tx
    .updateTable('issues')
    .set({ envelope: JSON.stringify(envelope) })
    .where('id', '=', issueId)
    .execute();
}

/** An issue as everybody was mailed it: its subject, and what it compared. */
export async function mailedIssue(
  db: Connection,
  slug: string,
): Promise<
  | {
      slug: string;
      number: number;
      subject: string;
      comparisons: Plan['comparisons'][number]['comparison'][];
    }
  | undefined
> {
  const row = await db
    .selectFrom('issues as i')
    .innerJoin('variants as v', (join) => join.onRef('v.issue_id', '=', 'i.id').on('v.number', '=', 1))
    .select(['i.number', 'i.plan', 'v.subject'])
    .where('i.slug', '=', slug)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const comparisons = (row.plan as Plan).comparisons.map(({ comparison }) => comparison);
  return { slug, number: row.number ?? 0, subject: row.subject, comparisons };
}
