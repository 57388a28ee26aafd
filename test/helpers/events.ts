import { createHmac, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Connection } from '../../src/platform/db/database.ts';
import type { ReceivedEvent } from '../../src/providers/port.ts';
import { readResendEvent } from '../../src/providers/resend/resend-event.ts';
import { applyEvents } from '../../src/sending/events/apply-events.ts';
import { storeEvents } from '../../src/sending/events/event-store.ts';
import { createSubmitter } from '../../src/sending/submit.ts';
import { deliveriesOf, KEYS, onlyReaders, sendingIssue } from './ledger.ts';
import { type Behaviour, Provider } from './provider.ts';

export const WEBHOOK_SECRET = `whsec_${Buffer.from('signs the events of the tests').toString('base64')}`;

/** Resend's webhook bodies, as documented: with all fields that we must not store. */
export function payload(type: string, data: Record<string, unknown> = {}, at = '2026-11-24T09:00:00.000Z') {
  return {
    type,
    created_at: at,
    data: {
      email_id: randomUUID(),
      created_at: '2026-11-24 08:59:58.123456+00:00',
      from: 'Verdicts <digest@verdicts.example>',
      to: ['reader@readers.example'],
      subject: 'Hermes ships',
      headers: [
        { name: 'List-Unsubscribe', value: '<https://verdicts.example/unsubscribe/1.aaaaaa.secret>' },
      ],
      ...data,
    },
  };
}

/** A request as Resend signs it; several secrets sign it twice, as during a rotation. */
export function signedRequest(
  body: unknown,
  { id = `msg_${randomUUID()}`, at = new Date(), secrets = [WEBHOOK_SECRET] } = {},
): { id: string; headers: Record<string, string>; payload: Buffer } {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(bytes).digest('base64')}`;
  });
  const headers = {
    'content-type': 'application/json',
    'svix-id': id,
    'svix-timestamp': timestamp,
    'svix-signature': signatures.join(' '),
  };
  return { id, headers, payload: bytes };
}

/** An event about a delivery, as it is stored. */
export function eventAbout(
  type: string,
  deliveryId: string | null,
  more: { id?: string; at?: string; data?: Record<string, unknown> } = {},
): ReceivedEvent {
  const tags = deliveryId === null ? {} : { tags: { delivery: deliveryId } };
  const body = Buffer.from(JSON.stringify(payload(type, { ...tags, ...more.data }, more.at)));
  return readResendEvent(more.id ?? `msg_${randomUUID()}`, body, new Date());
}

export const HARD = { bounce: { type: 'Permanent', subType: 'NoEmail', message: 'no such box' } };
export const SOFT = { bounce: { type: 'Transient', subType: 'MailboxFull', message: 'full' } };

/** Stores these events, and applies all that are due. */
export async function take(db: Connection, ...events: ReceivedEvent[]) {
  await storeEvents(db, events);
  return applyEvents(db);
}

/** An issue with this many readers, submitted by this provider; the deliveries are in the order of the readers. */
export async function submittedWeek(db: Connection, count: number, ...plan: Behaviour[]) {
  const readers = await onlyReaders(
    db,
    Array.from({ length: count }, () => []),
  );
  return nextWeek(db, readers, ...plan);
}

/** The next issue for all active readers. */
export async function nextWeek(db: Connection, readers: string[], ...plan: Behaviour[]) {
  const issue = await sendingIssue(db);
  const provider = new Provider(...plan);
  const submit = createSubmitter(db, provider, KEYS);
  for (const batch of issue.batches) await submit(batch);
  const found = await deliveriesOf(db, issue.id);
  const deliveries = readers.map((id) => found.get(id)?.id ?? '');
  const [batch = ''] = issue.batches;
  return { issue, readers, deliveries, provider, submit, batch };
}

export async function eventRow(db: Connection, id: string) {
  return db.selectFrom('events').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}

export async function deliveryRow(db: Connection, id: string | undefined) {
  return db
    .selectFrom('deliveries')
    .selectAll()
    .where('id', '=', id ?? '')
    .executeTakeFirstOrThrow();
}

/** A reader's status and reason. */
export async function subscriberRow(db: Connection, id: string | undefined) {
  return db
    .selectFrom('subscribers')
    .select(['status', 'reason'])
    .where('id', '=', id ?? '')
    .executeTakeFirstOrThrow();
}

/** Every reason for which a reader was unsubscribed or suppressed, from the consent log. */
export async function suppressionsOf(db: Connection, id: string | undefined): Promise<string[]> {
  const rows = await db
    .selectFrom('consent_events')
    .select('method')
    .where('subscriber_id', '=', id ?? '')
    .where('event', '=', 'suppressed')
    .orderBy('id')
    .execute();
  return rows.map(({ method }) => method);
}

/** Makes every postponed event due now. */
export async function wakeEvents(db: Connection): Promise<void> {
  await sql`update events set due_at = now() where due_at is not null`.execute(db);
}

/** Moves the arrival of every waiting event into the past. */
export async function ageEvents(db: Connection, hours: number): Promise<void> {
  await sql`
    update events set received_at = received_at - make_interval(hours => ${hours}), due_at = now()
    where due_at is not null
  `.execute(db);
}

/** The counters of an issue, counted again from its deliveries. */
export async function recount(db: Connection, issueId: string) {
  const { rows } = await sql`
    select count(*) filter (where status in ('delivered', 'complained')) as delivered,
      count(*) filter (where bounce = 'hard') as bounced_hard, count(*) filter (where bounce = 'soft') as bounced_soft,
      count(*) filter (where status = 'complained') as complained,
      count(*) filter (where status = 'failed' and submitted_at is not null) as failed, count(opened_at) as opened
    from deliveries where issue_id = ${issueId}
  `.execute(db);
  return rows[0];
}

/** Everything that events decide about an issue, without ids: ordered by its readers' addresses. */
export async function outcomeOf(db: Connection, issueId: string): Promise<unknown> {
  const { rows: readers } = await sql`
    select d.status, d.reason, d.bounce, d.delivered_at, d.opened_at, s.status as subscriber, s.reason as why,
      (select array_agg(c.link || ' ' || c.first_at || ' ' || c.last_at || ' ' || c.is_scanner order by c.link)
        from clicks c where c.delivery_id = d.id) as clicks
    from deliveries d join subscribers s on s.id = d.subscriber_id where d.issue_id = ${issueId} order by s.email
  `.execute(db);
  const { rows: figures } = await sql<Record<string, unknown>>`
    select * from figures where issue_id = ${issueId}
  `.execute(db);
  return { readers, figures: figures.map(({ issue_id, ...rest }) => rest) };
}
