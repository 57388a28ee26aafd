import { sql } from 'kysely';
import { PLACEHOLDERS } from '../../src/issues/content.ts';
import { contentHash } from '../../src/issues/content-hash.ts';
import type { Connection } from '../../src/platform/db/database.ts';
import { freezePage, PAGES, storeVariants } from '../../src/sending/audience/audience-store.ts';
import type { Envelope } from '../../src/sending/envelope.ts';
import { createSubmitter } from '../../src/sending/submit.ts';
import { addSubscribers, unsubscribe } from '../../src/subscribers/subscriber-store.ts';
import { type Keys, keyId } from '../../src/subscribers/tokens.ts';
import { type Behaviour, Provider } from './provider.ts';

/** Inserts issues and readers directly into the database, for tests that do not test composing and rendering. */
export const KEYS: Keys = ['a key for the tests, long enough..', 'the key before it, long enough...'];

export const ENVELOPE: Envelope = {
  from: 'Verdicts <digest@verdicts.example>',
  replyTo: 'desk@verdicts.example',
  newsletterName: 'Verdicts',
  publicUrl: 'https://verdicts.example',
  keyId: keyId(KEYS[0]),
};

let people = 0;
let weeks = 0;

/**
 * Adds confirmed readers; all earlier ones are unsubscribed, so that each test has an audience of its own. (Nobody can
 * be deleted, because of the consent log.)
 * @returns their ids, in the order of their addresses.
 */
export async function onlyReaders(db: Connection, topics: string[][]): Promise<string[]> {
  await sql`update subscribers set status = 'unsubscribed', left_at = now() where status = 'active'`.execute(
    db,
  );
  const confirmedAt = new Date('2026-11-01T00:00:00Z');
  const rows = topics.map((each) => {
    people += 1;
    const email = `reader-${String(people).padStart(6, '0')}@readers.example`;
    return { email, key: email, status: 'active' as const, topics: each, timezone: null, confirmedAt };
  });
  if (rows.length === 0) return [];
  await addSubscribers(db, rows, 'test');
  const found = await db
    .selectFrom('subscribers')
    .select(['id', 'email'])
    .where(
      'email',
      'in',
      rows.map(({ email }) => email),
    )
    .orderBy('email')
    .execute();
  return found.map(({ id }) => id);
}

/** An issue in `sending` with one variant and the first page of its audience frozen: all active readers. */
export async function sendingIssue(
  db: Connection,
  pageSize = PAGES.first,
): Promise<{ id: string; batches: string[] }> {
  weeks += 1;
  await sql`update circuit set failures = 0, reason = null, since = null, open_until = null`.execute(db);
  const slot = new Date(Date.UTC(2020, 0, 7 * weeks)).toISOString().slice(0, 10);
  const { id } = await db
    .insertInto('issues')
    .values({
      // Downwards, because composing uses the next number up.
      number: 1_000_000 - weeks,
      slug: slot,
      slot,
      due_at: new Date(`${slot}T09:00:00Z`),
      status: 'sending',
      template: 'react:digest',
      plan: '{}',
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  const body = {
    subject: `Verdicts of ${slot}`,
    html: `<p>Ship it.</p><a href="${PLACEHOLDERS.unsubscribe}">Leave</a>`,
    text: `Ship it.\n${PLACEHOLDERS.unsubscribe}\n${PLACEHOLDERS.preferences}\n`,
  };
  await db.transaction().execute(async (tx) => {
    const variant = {
      number: 1,
      preheader: '',
      contentHash: contentHash(body),
      readers: [{ topics: [], had: [] }],
      ...body,
    };
    await storeVariants(tx, id, [variant], [], ENVELOPE);
    await freezePage(tx, id, null, pageSize);
  });
  return { id, batches: await batchesOf(db, id) };
}

/** An issue with one batch of this many readers (two batches above a hundred), a provider and a worker. */
export async function weekOf(db: Connection, count: number, ...plan: Behaviour[]) {
  const readers = await onlyReaders(
    db,
    Array.from({ length: count }, () => []),
  );
  const issue = await sendingIssue(db);
  const provider = new Provider(...plan);
  const submit = createSubmitter(db, provider, KEYS);
  const [batch = ''] = issue.batches;
  const statuses = async () => [...(await deliveriesOf(db, issue.id)).values()].map(({ status }) => status);
  return { issue, readers, provider, submit, batch, statuses };
}

export const leave = (db: Connection, id: string | undefined) => unsubscribe(db, id ?? '', 'test');

export async function suppress(db: Connection, id: string | undefined): Promise<void> {
  await sql`update subscribers set status = 'suppressed', left_at = now(), reason = 'complained' where id = ${id}`.execute(
    db,
  );
}

/** In order. */
export async function batchesOf(db: Connection, issueId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('batches')
    .select('id')
    .where('issue_id', '=', issueId)
    .orderBy('number')
    .execute();
  return rows.map(({ id }) => id);
}

export async function batchRow(db: Connection, id: string) {
  return db.selectFrom('batches').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}

/** The deliveries of an issue, by subscriber. */
export async function deliveriesOf(db: Connection, issueId: string) {
  const rows = await db
    .selectFrom('deliveries as d')
    .innerJoin('subscribers as s', 's.id', 'd.subscriber_id')
    .select([
      'd.id',
      'd.subscriber_id',
      's.email',
      'd.status',
      'd.reason',
      'd.batch_id',
      'd.position',
      'd.provider_id',
    ])
    .where('d.issue_id', '=', issueId)
    .orderBy('s.email')
    .execute();
  return new Map(rows.map((row) => [row.subscriber_id, row]));
}

/** Makes all leases expired, and the circuit closed. */
export async function expireLeases(db: Connection): Promise<void> {
  await sql`update circuit set open_until = now() where open_until is not null`.execute(db);
  await sql`update batches set lease_until = now() - interval '1 hour' where lease_until is not null`.execute(
    db,
  );
}

/** Makes a batch claimed that long ago. */
export async function ageClaim(db: Connection, batchId: string, hours: number): Promise<void> {
  await sql`update batches set claimed_at = claimed_at - make_interval(hours => ${hours}) where id = ${batchId}`.execute(
    db,
  );
}
