import { sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';
import type { BatchStatus } from '../../platform/db/schema.ts';
import type { ProviderEvent, ReceivedEvent } from '../../providers/port.ts';
import { parseAddress } from '../../subscribers/address.ts';
import { BOUNCE_REASONS } from '../../subscribers/suppression.ts';
import type { DeliveryState, OutcomeCounters, Suppression } from './outcome.ts';

/** Returns the address in the normalized form in which subscribers are unique. */
function keyOf(email: string | null): string | null {
  const address = parseAddress(email ?? '');
  return 'reason' in address ? null : address.key;
}

/**
 * Stores received events in one statement; events that are already stored stay as they are. They are not applied
 * here.
 * @returns how many were new.
 */
export async function storeEvents(db: Connection, events: readonly ReceivedEvent[]): Promise<number> {
  const column = <Key extends keyof ReceivedEvent>(key: Key) => events.map((event) => event[key]);
  const { rows } = await sql`
    insert into events (id, type, kind, at, delivery_id, mail_id, subscriber_id, provider_id, reason, link,
      is_scanner, due_at, outcome)
    select r.id, r.type, r.kind, r.at, r.delivery_id, r.mail_id,
      (select s.id from subscribers s where s.email_key = r.email_key),
      r.provider_id, r.reason, r.link, r.is_scanner,
      case when r.kind <> 'other' then now() end, case when r.kind = 'other' then 'ignored' end
    from unnest(
      ${column('id')}::text[], ${column('type')}::text[], ${column('kind')}::text[], ${column('at')}::timestamptz[],
      ${column('deliveryId')}::uuid[], ${column('mailId')}::uuid[], ${events.map(({ email }) => keyOf(email))}::text[],
      ${column('providerId')}::text[], ${column('reason')}::text[], ${column('link')}::text[],
      ${column('isScanner')}::boolean[]
    ) as r (id, type, kind, at, delivery_id, mail_id, email_key, provider_id, reason, link, is_scanner)
    on conflict (id) do nothing
    returning 1
  `.execute(db);
  return rows.length;
}

/** Key of the advisory lock that is held while events are applied or a batch is settled. */
const APPLYING = 0x5d1e;

/**
 * Takes the lock for applying events until the transaction ends: two transactions that write the same rows in
 * different order would deadlock.
 *
 * It also forbids the planner sequential scans and hash or merge joins, which it would wrongly choose on tables
 * without statistics (the embedded database has no autoanalyze): for a thousand ids, a thousand index look-ups are
 * right.
 * @returns whether this transaction got the lock.
 */
export async function tryLockApplying(tx: Connection): Promise<boolean> {
  const { rows } = await sql<{ mine: boolean; set_config: string }>`
    select pg_try_advisory_xact_lock(${APPLYING}) as mine, set_config('enable_seqscan', 'off', true),
      set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)
  `.execute(tx);
  return rows[0]?.mine ?? false;
}

/** Takes the same lock, and waits for it. */
export async function lockApplying(tx: Connection): Promise<void> {
  await sql`select pg_advisory_xact_lock(${APPLYING})`.execute(tx);
}

export interface DueEvent extends ProviderEvent {
  subscriberId: string | null;
  /** Time since it was received, in ms. */
  ageMs: number;
}

/** Events that are due, the longest waiting first. */
export async function dueEvents(tx: Connection, limit: number): Promise<DueEvent[]> {
  const { rows } = await sql<DueEvent>`
    select id, type, kind, at, delivery_id as "deliveryId", mail_id as "mailId", subscriber_id as "subscriberId",
      provider_id as "providerId", reason, link, is_scanner as "isScanner",
      (extract(epoch from now() - received_at) * 1000)::float8 as "ageMs"
    from events where due_at <= now() order by due_at limit ${limit}
  `.execute(tx);
  return rows;
}

/** Whether an event is due. */
export async function hasDueEvents(db: Connection): Promise<boolean> {
  const { rows } = await sql`select from events where due_at <= now() limit 1`.execute(db);
  return rows.length > 0;
}

export interface LedgerEntry extends DeliveryState {
  id: string;
  issueId: string;
  subscriberId: string;
  batchId: string;
  batchStatus: BatchStatus;
  /** When its batch was claimed: the closest known time to its acceptance. */
  claimedAt: Date;
}

/** Reads the deliveries that were ever in a batch; the provider cannot report anything about the others. */
export async function readDeliveries(tx: Connection, ids: readonly string[]): Promise<LedgerEntry[]> {
  const { rows } = await sql<LedgerEntry>`
    select d.id, d.issue_id as "issueId", d.subscriber_id as "subscriberId", d.batch_id as "batchId",
      b.status as "batchStatus", coalesce(b.claimed_at, now()) as "claimedAt", d.status, d.reason, d.bounce, d.provider_id as "providerId",
      d.submitted_at as "submittedAt", d.delivered_at as "deliveredAt", d.opened_at as "openedAt"
    from unnest(${ids}::uuid[]) as r (id) join deliveries d on d.id = r.id join batches b on b.id = d.batch_id
  `.execute(tx);
  return rows;
}

/**
 * Finds our deliveries by the provider's message id and the subscriber. It searches all deliveries of the
 * subscriber: an index on provider ids, which are almost never looked up, would cost a write for every delivery.
 */
export async function findByProvider(
  tx: Connection,
  messages: readonly { providerId: string; subscriberId: string }[],
): Promise<Map<string, string>> {
  if (messages.length === 0) return new Map();
  const { rows } = await sql<{ id: string; provider_id: string }>`
    select d.id, d.provider_id
    from unnest(
      ${messages.map(({ providerId }) => providerId)}::text[], ${messages.map(({ subscriberId }) => subscriberId)}::uuid[]
    ) as r (provider_id, subscriber_id)
      cross join issues i
      join deliveries d on d.issue_id = i.id and d.subscriber_id = r.subscriber_id and d.provider_id = r.provider_id
  `.execute(tx);
  return new Map(rows.map((row) => [row.provider_id, row.id]));
}

/** A transactional email that an event is about. */
export interface MailEntry {
  id: string;
  /** null: it was sent to another address than the subscriber's. */
  subscriberId: string | null;
  /** The provider's response is still awaited; when it arrives, the wording of a confirm mail is recorded with it. */
  isOpen: boolean;
}

/**
 * Reads the transactional emails that events are about. An event proves that the email was accepted, so an email
 * without a response becomes `sent`; for a confirm mail this goes into the consent log too.
 */
export async function readMails(
  tx: Connection,
  accepted: ReadonlyMap<string, string | null>,
): Promise<Map<string, MailEntry>> {
  if (accepted.size === 0) return new Map();
  const ids = [...accepted.keys()];
  await sql`
    with sent as (
      update mails m set status = 'sent', reason = null, provider_id = r.provider_id, sent_at = now()
      from unnest(${ids}::uuid[], ${[...accepted.values()]}::text[]) as r (id, provider_id)
      where m.id = r.id and m.status in ('uncertain', 'failed')
      returning m.id, m.kind, m.subscriber_id, m.provider_id
    )
    insert into consent_events (subscriber_id, event, method, details)
    select subscriber_id, 'confirm_sent', 'mail', jsonb_build_object('mail', id, 'provider', provider_id)
    from sent where kind = 'confirm' and subscriber_id is not null
  `.execute(tx);
  const { rows } = await sql<MailEntry>`
    select m.id, m.status = 'pending' as "isOpen", case when m.recipient is null then m.subscriber_id end as "subscriberId"
    from unnest(${ids}::uuid[]) as r (id) join mails m on m.id = r.id
  `.execute(tx);
  return new Map(rows.map((row) => [row.id, row]));
}

export async function writeDeliveries(
  tx: Connection,
  entries: readonly ({ id: string } & DeliveryState)[],
): Promise<void> {
  const column = <Key extends 'id' | keyof DeliveryState>(key: Key) => entries.map((entry) => entry[key]);
  await sql`
    update deliveries d set status = r.status, reason = r.reason, bounce = r.bounce, provider_id = r.provider_id,
      submitted_at = r.submitted_at, delivered_at = r.delivered_at, opened_at = r.opened_at
    from unnest(
      ${column('id')}::uuid[], ${column('status')}::text[], ${column('reason')}::text[], ${column('bounce')}::text[],
      ${column('providerId')}::text[], ${column('submittedAt')}::timestamptz[],
      ${column('deliveredAt')}::timestamptz[], ${column('openedAt')}::timestamptz[]
    ) as r (id, status, reason, bounce, provider_id, submitted_at, delivered_at, opened_at)
    where d.id = r.id
  `.execute(tx);
}

/** Adds to the counters of issues, in the transaction that changed their deliveries. */
export async function addCounters(
  tx: Connection,
  changes: ReadonlyMap<string, OutcomeCounters>,
): Promise<void> {
  for (const [issueId, change] of changes) {
    await sql`
      insert into figures as f (issue_id, delivered, bounced_hard, bounced_soft, complained, failed, opened)
      values (${issueId}, ${change.delivered}, ${change.bouncedHard}, ${change.bouncedSoft}, ${change.complained},
        ${change.failed}, ${change.opened})
      on conflict (issue_id) do update set delivered = f.delivered + excluded.delivered,
        bounced_hard = f.bounced_hard + excluded.bounced_hard, bounced_soft = f.bounced_soft + excluded.bounced_soft,
        complained = f.complained + excluded.complained, failed = f.failed + excluded.failed,
        opened = f.opened + excluded.opened
    `.execute(tx);
  }
}

export interface Click {
  deliveryId: string;
  issueId: string;
  link: string;
  firstAt: Date;
  lastAt: Date;
  isScanner: boolean;
}

export async function writeClicks(tx: Connection, clicks: readonly Click[]): Promise<void> {
  const column = <Key extends keyof Click>(key: Key) => clicks.map((click) => click[key]);
  await sql`
    insert into clicks as c (delivery_id, link, issue_id, first_at, last_at, is_scanner)
    select * from unnest(
      ${column('deliveryId')}::uuid[], ${column('link')}::text[], ${column('issueId')}::uuid[],
      ${column('firstAt')}::timestamptz[], ${column('lastAt')}::timestamptz[], ${column('isScanner')}::boolean[]
    )
    on conflict (delivery_id, link) do update set first_at = least(c.first_at, excluded.first_at),
      last_at = greatest(c.last_at, excluded.last_at), is_scanner = c.is_scanner and excluded.is_scanner
  `.execute(tx);
}

/**
 * Suppresses subscribers. A stronger reason replaces a weaker one, never the reverse (I7).
 * @returns how many rows changed.
 */
export async function suppressSubscribers(
  tx: Connection,
  reasons: ReadonlyMap<string, Suppression>,
  source: string,
): Promise<number> {
  if (reasons.size === 0) return 0;
  const { rows } = await sql`
    with changed as (
      update subscribers s set status = 'suppressed', reason = r.reason, left_at = coalesce(s.left_at, now())
      from unnest(${[...reasons.keys()]}::uuid[], ${[...reasons.values()]}::text[]) as r (id, reason)
      where s.id = r.id and (s.status <> 'suppressed'
        or s.reason = any(${[...BOUNCE_REASONS]}::text[]) and r.reason = 'complained')
      returning s.id, s.reason
    )
    insert into consent_events (subscriber_id, event, method, source)
    select id, 'suppressed', case reason when 'complained' then 'complaint' else 'bounce' end, ${source} from changed
    returning 1
  `.execute(tx);
  return rows.length;
}

export type EventResult =
  | { id: string; outcome: 'applied' | 'ignored' | 'unmatched'; waitMs: null }
  | { id: string; outcome: null; waitMs: number };

/** Records the outcome of events, or when to try them again. */
export async function markEvents(tx: Connection, results: readonly EventResult[]): Promise<void> {
  await sql`
    update events e set outcome = r.outcome, looks = e.looks + 1,
      due_at = now() + make_interval(secs => r.wait_ms / 1000)
    from unnest(
      ${results.map(({ id }) => id)}::text[], ${results.map(({ outcome }) => outcome)}::text[],
      ${results.map(({ waitMs }) => waitMs)}::float8[]
    ) as r (id, outcome, wait_ms)
    where e.id = r.id
  `.execute(tx);
}

/** Deletes the events that are older than this many days, 10,000 in each statement. @returns how many. */
export async function forgetEvents(db: Connection, days: number): Promise<number> {
  let deleted = 0;
  for (let last = LIMIT; last === LIMIT; deleted += last) {
    const { rows } = await sql`
      delete from events where id in (
        select id from events where received_at < now() - make_interval(days => ${days})
        order by received_at limit ${LIMIT}
      ) returning 1
    `.execute(db);
    last = rows.length;
  }
  return deleted;
}
const LIMIT = 10_000;

/**
 * Suppresses the subscribers whose deliveries bounced softly in each of their last three issues. Called before an
 * audience is frozen: by then the events of the previous issue have had a week.
 * @returns how many.
 */
export async function suppressSoftBouncers(db: Connection): Promise<number> {
  const { rows } = await sql`
    with candidates as (
      select distinct d.subscriber_id from deliveries d join subscribers s on s.id = d.subscriber_id
      where d.bounce = 'soft' and s.status = 'active'
        and d.issue_id in (select id from issues where prepared_at is not null order by due_at desc limit 3)
    ), hopeless as (
      select c.subscriber_id from candidates c, lateral (
        select mine.bounce from issues i, lateral (
          -- One index look-up for each issue: a join could read all deliveries to find a few.
          select d.bounce from deliveries d
          where d.issue_id = i.id and d.subscriber_id = c.subscriber_id
            -- A bounce before an editor restored the subscriber does not count again.
            and d.submitted_at > coalesce((
              select max(at) from consent_events e
              where e.subscriber_id = c.subscriber_id and e.event = 'restored'
            ), '-infinity')
          limit 1
        ) mine
        order by i.due_at desc limit ${SOFT_BOUNCES}
      ) last
      group by c.subscriber_id having count(*) filter (where last.bounce = 'soft') = ${SOFT_BOUNCES}
    ), changed as (
      update subscribers s set status = 'suppressed', reason = 'bounced', left_at = coalesce(s.left_at, now())
      from hopeless where s.id = hopeless.subscriber_id and s.status = 'active'
      returning s.id
    )
    insert into consent_events (subscriber_id, event, method, source)
    select id, 'suppressed', 'bounce', 'soft bounces' from changed
    returning 1
  `.execute(db);
  return rows.length;
}

/** How many issues in a row must have bounced. */
const SOFT_BOUNCES = 3;
