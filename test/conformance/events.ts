import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Connection, IssueStatus, MailStatus } from '../../src/db/index.ts';
import {
  applyEvents,
  closeCancelled,
  createSubmitter,
  finishIssue,
  forgetEvents,
  issueFigures,
  issueProgress,
  type NewEvent,
  settleBatch,
  silentIssue,
  storeEvents,
  suppressSoftBouncers,
  unsettledBatches,
} from '../../src/delivery/index.ts';
import { unsubscribe } from '../../src/subscribers/index.ts';
import { queueMail, queueMails } from '../../src/transactional/index.ts';
import { ageEvents, HARD, outcomeOf, recount, SOFT, told, wakeEvents } from '../helpers/events.ts';
import { databaseForAll, type Place } from '../helpers/homes.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import {
  ageClaim,
  batchRow,
  deliveriesOf,
  expireLeases,
  KEYS,
  onlyReaders,
  sendingIssue,
} from '../helpers/ledger.ts';
import { type Behaviour, Provider } from '../helpers/provider.ts';

/** Every event once, and one in five once more. */
function withRepetitions(count: number): number[] {
  const all = [...Array(count).keys()];
  return [...all, ...all.slice(0, Math.ceil(count / 5))];
}

function shuffled(indexes: number[]): fc.Arbitrary<number[]> {
  return fc.shuffledSubarray(indexes, { minLength: indexes.length });
}

/** What the provider tells us later, and what becomes of it: on either home. */
export function describeEvents(name: string, newPlace: () => Promise<Place>): void {
  describe(name, () => {
    let db: Connection;
    databaseForAll(newPlace, (database) => {
      db = database.kysely;
    });

    /** An issue of so many readers, submitted by this provider. */
    async function week(count: number, ...plan: Behaviour[]) {
      const readers = await onlyReaders(
        db,
        Array.from({ length: count }, () => []),
      );
      return again(readers, ...plan);
    }

    /** The next issue for whoever is on the list. */
    async function again(readers: string[], ...plan: Behaviour[]) {
      const issue = await sendingIssue(db);
      const provider = new Provider(...plan);
      const submit = createSubmitter(db, provider, KEYS);
      for (const batch of issue.batches) await submit(batch);
      const found = await deliveriesOf(db, issue.id);
      const deliveries = readers.map((id) => found.get(id)?.id ?? '');
      const [batch = ''] = issue.batches;
      return { issue, readers, deliveries, provider, submit, batch };
    }

    async function take(...events: NewEvent[]) {
      await storeEvents(db, events);
      return applyEvents(db);
    }

    const delivery = (id: string | undefined) =>
      db
        .selectFrom('deliveries')
        .selectAll()
        .where('id', '=', id ?? '')
        .executeTakeFirstOrThrow();
    const subscriber = (id: string | undefined) =>
      db
        .selectFrom('subscribers')
        .select(['status', 'reason'])
        .where('id', '=', id ?? '')
        .executeTakeFirstOrThrow();
    const consents = async (id: string | undefined) =>
      (
        await db
          .selectFrom('consent_events')
          .select('method')
          .where('subscriber_id', '=', id ?? '')
          .where('event', '=', 'suppressed')
          .orderBy('id')
          .execute()
      ).map(({ method }) => method);
    const eventRow = (id: string) =>
      db.selectFrom('events').selectAll().where('id', '=', id).executeTakeFirstOrThrow();

    describe('an event', () => {
      it('fault 11: told five times is one event, and counts once', async () => {
        const { issue, deliveries } = await week(2);
        const event = told('email.delivered', deliveries[0] ?? '', { id: 'msg_five_times' });
        expect(await storeEvents(db, [event, event])).toBe(1);
        for (let time = 0; time < 3; time += 1) expect(await storeEvents(db, [event])).toBe(0);
        expect(await applyEvents(db)).toMatchObject({ applied: 1 });
        expect(await take(event)).toMatchObject({ applied: 0 });
        expect(await delivery(deliveries[0])).toMatchObject({ status: 'delivered' });
        expect(await recount(db, issue.id)).toMatchObject({ delivered: 1 });
        await assertInvariants(db, issue.id);
      });

      it('fault 11: of delivery changes nothing after a hard bounce (I7)', async () => {
        const { issue, readers, deliveries } = await week(1);
        await take(told('email.bounced', deliveries[0] ?? '', { data: HARD, at: '2026-11-24T09:00:05Z' }));
        await take(told('email.delivered', deliveries[0] ?? '', { at: '2026-11-24T09:00:04Z' }));
        expect(await delivery(deliveries[0])).toMatchObject({
          status: 'bounced',
          bounce: 'hard',
          reason: 'NoEmail',
          delivered_at: new Date('2026-11-24T09:00:04Z'),
        });
        expect(await subscriber(readers[0])).toEqual({ status: 'suppressed', reason: 'bounced' });
        expect(await consents(readers[0])).toEqual(['bounce']);
        await assertInvariants(db, issue.id);
      });

      it('fault 11: of a complaint may come before the delivery it is about', async () => {
        const { issue, readers, deliveries } = await week(1);
        await take(told('email.complained', deliveries[0] ?? ''));
        await take(told('email.delivered', deliveries[0] ?? ''), told('email.sent', deliveries[0] ?? ''));
        expect(await delivery(deliveries[0])).toMatchObject({
          status: 'complained',
          bounce: null,
          reason: null,
        });
        expect(await subscriber(readers[0])).toEqual({ status: 'suppressed', reason: 'complained' });
        expect(await consents(readers[0])).toEqual(['complaint']);
        expect(await recount(db, issue.id)).toMatchObject({ delivered: 1, complained: 1 });
        await assertInvariants(db, issue.id);
      });

      it('fault 11: that comes before our own commit waits until that is there', async () => {
        const { issue, deliveries, batch, submit } = await week(2, 'answer-lost');
        const early = told('email.delivered', deliveries[0] ?? '');
        expect(await take(early)).toMatchObject({ applied: 0, parked: 1 });
        expect(await delivery(deliveries[0])).toMatchObject({ status: 'prepared' });
        expect(await eventRow(early.id)).toMatchObject({ outcome: null, looks: 1 });
        expect(await applyEvents(db)).toMatchObject({ applied: 0, parked: 0 });

        await submit(batch);
        await wakeEvents(db);
        expect(await applyEvents(db)).toMatchObject({ applied: 1 });
        expect(await delivery(deliveries[0])).toMatchObject({ status: 'delivered' });
        await assertInvariants(db, issue.id);
      });

      it('fault 11: with an id of the provider only, before we have written it down, is found later', async () => {
        const { issue, readers, deliveries, provider, batch, submit } = await week(2, 'answer-lost');
        const { email } = (await deliveriesOf(db, issue.id)).get(readers[1] ?? '') ?? { email: '' };
        const answer = await provider.recall(`batch/${batch}/r1`);
        const ids =
          answer === 'unknown-key' ? [] : answer.map((item) => ('accepted' in item ? item.accepted : ''));
        const event = told('email.delivered', null, {
          data: { email_id: ids[provider.copies.indexOf(email)] },
        });
        expect(await take(event)).toMatchObject({ applied: 0, parked: 1 });
        await submit(batch);
        await wakeEvents(db);
        expect(await applyEvents(db)).toMatchObject({ applied: 1 });
        expect(await delivery(deliveries[1])).toMatchObject({ status: 'delivered' });
        await assertInvariants(db, issue.id);
      });

      it('fault 11: of a message that nobody knows is given up after three days', async () => {
        const event = told('email.bounced', randomUUID(), { data: HARD });
        expect(await take(event)).toMatchObject({ parked: 1, unmatched: 0 });
        await ageEvents(db, 71);
        expect(await applyEvents(db)).toMatchObject({ parked: 1, unmatched: 0 });
        await ageEvents(db, 2);
        expect(await applyEvents(db)).toMatchObject({ parked: 0, unmatched: 1 });
        expect(await eventRow(event.id)).toMatchObject({ outcome: 'unmatched', due_at: null, looks: 3 });
      });

      it('fault 11: that is eight days late still counts', async () => {
        const { issue, readers, deliveries } = await week(2);
        expect(await finishIssue(db, issue.id)).toBe(true);
        await sql`update deliveries set submitted_at = submitted_at - interval '8 days' where issue_id = ${issue.id}`.execute(
          db,
        );
        await take(told('email.complained', deliveries[1] ?? '', { at: new Date().toISOString() }));
        expect(await delivery(deliveries[1])).toMatchObject({ status: 'complained' });
        expect(await subscriber(readers[1])).toMatchObject({ status: 'suppressed' });
      });

      it('of a type nobody knows is kept, and changes nothing', async () => {
        const { issue, deliveries } = await week(1);
        const event = told('email.teleported', deliveries[0] ?? '');
        expect(await take(event)).toMatchObject({ applied: 0, parked: 0 });
        expect(await eventRow(event.id)).toMatchObject({ type: 'email.teleported', outcome: 'ignored' });
        expect(await delivery(deliveries[0])).toMatchObject({ status: 'submitted' });
        await assertInvariants(db, issue.id);
      });

      it('is forgotten after 90 days, and until then known again', async () => {
        const { deliveries } = await week(1);
        const event = told('email.delivered', deliveries[0] ?? '');
        await take(event);
        expect(await forgetEvents(db)).toBe(0);
        await sql`update events set received_at = now() - interval '91 days' where id = ${event.id}`.execute(
          db,
        );
        expect(await forgetEvents(db)).toBe(1);
      });
    });

    describe('a reader', () => {
      it('is left on the list by a soft bounce, and taken off by the third issue in a row', async () => {
        const first = await week(3);
        const { readers } = first;
        const soft = (id: string | undefined) => told('email.bounced', id ?? '', { data: SOFT });
        await take(soft(first.deliveries[0]), soft(first.deliveries[1]), soft(first.deliveries[2]));
        expect(await delivery(first.deliveries[0])).toMatchObject({
          status: 'bounced',
          bounce: 'soft',
          reason: 'MailboxFull',
        });
        await sql`update issues set prepared_at = due_at where id = ${first.issue.id}`.execute(db);
        expect(await suppressSoftBouncers(db)).toBe(0);

        const second = await again(readers);
        await sql`update issues set prepared_at = due_at where id = ${second.issue.id}`.execute(db);
        // The second hears of an absence: the mail arrived.
        await take(
          soft(second.deliveries[0]),
          soft(second.deliveries[1]),
          told('email.delivered', second.deliveries[1] ?? ''),
        );
        await take(soft(second.deliveries[2]));
        expect(await delivery(second.deliveries[1])).toMatchObject({ status: 'delivered', bounce: null });
        expect(await suppressSoftBouncers(db)).toBe(0);

        const third = await again(readers);
        await sql`update issues set prepared_at = due_at where id = ${third.issue.id}`.execute(db);
        await take(soft(third.deliveries[0]), soft(third.deliveries[1]));
        expect(await suppressSoftBouncers(db)).toBe(1);
        expect(await suppressSoftBouncers(db)).toBe(0);
        expect((await Promise.all(readers.map(subscriber))).map(({ status }) => status)).toEqual([
          'suppressed',
          'active',
          'active',
        ]);
        expect(await consents(readers[0])).toEqual(['bounce']);
      });

      it('who left is suppressed by a complaint, and a complaint outweighs a bounce (I7)', async () => {
        const { readers, deliveries } = await week(2);
        await unsubscribe(db, readers[0] ?? '', 'test');
        await take(
          told('email.complained', deliveries[0] ?? ''),
          told('email.bounced', deliveries[1] ?? '', { data: HARD }),
        );
        expect(await subscriber(readers[0])).toEqual({ status: 'suppressed', reason: 'complained' });
        await take(told('email.complained', deliveries[1] ?? ''));
        expect(await subscriber(readers[1])).toEqual({ status: 'suppressed', reason: 'complained' });
        await take(told('email.bounced', deliveries[1] ?? '', { data: HARD }));
        expect(await subscriber(readers[1])).toEqual({ status: 'suppressed', reason: 'complained' });
        expect(await consents(readers[1])).toEqual(['bounce', 'complaint']);
      });

      it('is suppressed when the provider says so of an address, which is not kept; and stays so', async () => {
        const { readers, issue } = await week(1);
        const { email } = (await deliveriesOf(db, issue.id)).get(readers[0] ?? '') ?? { email: '' };
        const added = told('suppression.added', null, {
          data: { email: email.toUpperCase(), origin: 'complaint', source_id: null, email_id: undefined },
        });
        await take(added);
        expect(await subscriber(readers[0])).toEqual({ status: 'suppressed', reason: 'complained' });
        const { rows } = await sql<{
          text: string;
        }>`select e::text as text from events e where id = ${added.id}`.execute(db);
        expect(rows[0]?.text.toLowerCase()).not.toContain(email);
        await take(told('suppression.removed', null, { data: { email } }));
        expect(await subscriber(readers[0])).toMatchObject({ status: 'suppressed' });
      });

      it('whom the provider did not mail, because it never will, is suppressed', async () => {
        const { readers, deliveries } = await week(1);
        await take(
          told('email.suppressed', deliveries[0] ?? '', {
            data: { suppressed: { type: 'OnAccountSuppressionList' } },
          }),
        );
        expect(await delivery(deliveries[0])).toMatchObject({
          bounce: 'hard',
          reason: 'OnAccountSuppressionList',
        });
        expect(await subscriber(readers[0])).toEqual({ status: 'suppressed', reason: 'bounced' });
      });

      it('who is not mailed after all, for want of quota, stays on the list', async () => {
        const { issue, readers, deliveries } = await week(1);
        await take(
          told('email.failed', deliveries[0] ?? '', { data: { failed: { reason: 'reached_daily_quota' } } }),
        );
        expect(await delivery(deliveries[0])).toMatchObject({
          status: 'failed',
          reason: 'reached_daily_quota',
        });
        expect(await subscriber(readers[0])).toMatchObject({ status: 'active' });
        expect(await finishIssue(db, issue.id)).toBe(true);
        await assertInvariants(db, issue.id);
      });
    });

    describe('a transactional mail', () => {
      async function mailTo(subscriberId: string | undefined, status: MailStatus, recipient?: string) {
        const id = await queueMail(db, {
          kind: recipient === undefined ? 'link' : 'change',
          keyId: 'aaaaaa',
          ...(subscriberId === undefined ? {} : { subscriberId }),
          ...(recipient === undefined ? {} : { recipient }),
        });
        await db.updateTable('mails').set({ status }).where('id', '=', id).execute();
        return id;
      }
      const about = (type: string, mail: string, data = {}) =>
        told(type, null, { data: { tags: { mail }, ...data } });

      it('that bounces hard or is complained about takes its reader off the list', async () => {
        const { readers } = await week(3);
        const mails = await Promise.all(readers.map((id) => mailTo(id, 'sent')));
        await take(
          about('email.bounced', mails[0] ?? '', HARD),
          about('email.complained', mails[1] ?? ''),
          about('email.bounced', mails[2] ?? '', SOFT),
        );
        expect(await Promise.all(readers.map(subscriber))).toMatchObject([
          { status: 'suppressed', reason: 'bounced' },
          { status: 'suppressed', reason: 'complained' },
          { status: 'active' },
        ]);
      });

      it('to another address than the reader’s says nothing about the reader', async () => {
        const { readers } = await week(1);
        const toNew = await mailTo(readers[0], 'sent', 'new@readers.example');
        const toEditor = await mailTo(undefined, 'sent', 'desk@verdicts.example');
        expect(
          await take(about('email.bounced', toNew, HARD), about('email.bounced', toEditor, HARD)),
        ).toMatchObject({ applied: 2, suppressed: 0 });
        expect(await subscriber(readers[0])).toMatchObject({ status: 'active' });
      });

      it('whose answer was lost was accepted, if there is an event about it', async () => {
        const { readers } = await week(1);
        const mail = await mailTo(readers[0], 'uncertain');
        const event = about('email.delivered', mail);
        await take(event);
        expect(
          await db
            .selectFrom('mails')
            .select(['status', 'provider_id'])
            .where('id', '=', mail)
            .executeTakeFirst(),
        ).toEqual({ status: 'sent', provider_id: event.providerId });

        // Of a confirm mail that is a part of the consent, and told once.
        const [asked] = await queueMails(db, [
          { kind: 'confirm', keyId: 'aaaaaa', ...(readers[0] ? { subscriberId: readers[0] } : {}) },
        ]);
        await sql`update mails set status = 'uncertain' where id = ${asked}`.execute(db);
        const delivered = about('email.delivered', asked ?? '');
        await take(delivered);
        await take(about('email.opened', asked ?? ''));
        const log = db.selectFrom('consent_events').select(['subscriber_id', 'details']);
        expect(await log.where('event', '=', 'confirm_sent').execute()).toEqual([
          { subscriber_id: readers[0], details: { mail: asked, provider: delivered.providerId } },
        ]);
        expect(await take(about('email.delivered', randomUUID()))).toMatchObject({ parked: 1 });
      });
    });

    describe('a batch without an answer', () => {
      /** Submitted, unanswered, and a member left: nobody may ask again. */
      async function uncertain(count: number, behaviour: Behaviour) {
        const found = await week(count, behaviour);
        await unsubscribe(db, found.readers[0] ?? '', 'test');
        await expireLeases(db);
        await found.submit(found.batch);
        expect(await batchRow(db, found.batch)).toMatchObject({ status: 'uncertain' });
        return found;
      }

      it('is settled by one event about one member: all were accepted (fault 13)', async () => {
        const { issue, readers, deliveries, batch, provider, submit } = await uncertain(3, 'answer-lost');
        expect(await finishIssue(db, issue.id)).toBe(false);
        const event = told('email.delivered', deliveries[1] ?? '');
        expect(await take(event)).toMatchObject({ applied: 1, settled: [{ id: batch, issueId: issue.id }] });
        expect(
          (await Promise.all(deliveries.map(delivery))).map(({ status, reason }) => [status, reason]),
        ).toEqual([
          ['submitted', 'mailed before they left'],
          ['delivered', null],
          ['submitted', null],
        ]);
        expect(await delivery(deliveries[1])).toMatchObject({ provider_id: event.providerId });
        expect(
          await db.selectFrom('settlements').selectAll().where('batch_id', '=', batch).execute(),
        ).toMatchObject([{ revision: 1, decision: 'accepted', decided_by: `event ${event.id}` }]);
        expect(await finishIssue(db, issue.id)).toBe(true);
        expect(await submit(batch)).toEqual({ kind: 'unavailable' });
        expect(provider.copies).toHaveLength(3);
        expect(await subscriber(readers[0])).toMatchObject({ status: 'unsubscribed' });
        await assertInvariants(db, issue.id);
      });

      it('is settled by events that came while its answer was awaited', async () => {
        const { issue, readers, deliveries, batch, submit } = await week(2, 'answer-lost');
        expect(await take(told('email.sent', deliveries[1] ?? ''))).toMatchObject({ parked: 1, settled: [] });
        await unsubscribe(db, readers[0] ?? '', 'test');
        await expireLeases(db);
        await submit(batch);
        await ageEvents(db, 200);
        expect(await applyEvents(db)).toMatchObject({ applied: 1, settled: [{ id: batch }] });
        expect(await finishIssue(db, issue.id)).toBe(true);
        await assertInvariants(db, issue.id);
      });

      it('settled by a person as accepted mails nobody again', async () => {
        const { issue, batch, provider } = await uncertain(3, 'answer-lost');
        expect(await unsettledBatches(db, 'no such issue')).toEqual([]);
        const [listed] = (await unsettledBatches(db)).filter(({ id }) => id === batch);
        expect(listed).toMatchObject({ deliveries: 3, left: 1, events: 0, overdue: false, revision: 1 });
        await settleBatch(db, batch, 'accepted', 'Ann');
        expect(await finishIssue(db, issue.id)).toBe(true);
        expect(provider.copies).toHaveLength(3);
        expect(await batchRow(db, batch)).toMatchObject({ reason: 'settled by Ann: it was accepted' });
        expect(await issueProgress(db, issue.id)).toMatchObject({ submitted: 3, uncertain: 0 });
        await expect(settleBatch(db, batch, 'not-accepted', 'Bob')).rejects.toMatchObject({
          code: 'batch-settled',
        });
        await expect(settleBatch(db, randomUUID(), 'accepted', 'Bob')).rejects.toMatchObject({
          code: 'batch-unknown',
        });
        await assertInvariants(db, issue.id);
      });

      it('settled by a person as not accepted goes out once more, without who left', async () => {
        const { issue, readers, deliveries, batch, provider, submit } = await uncertain(3, 'request-lost');
        await ageClaim(db, batch, 25);
        const [listed] = (await unsettledBatches(db)).filter(({ id }) => id === batch);
        expect(listed).toMatchObject({ overdue: true });
        await settleBatch(db, batch.slice(0, 18), 'not-accepted', 'Ann');
        expect(await batchRow(db, batch)).toMatchObject({ status: 'pending', revision: 2 });
        await submit(batch);
        expect(provider.requests.at(-1)?.key).toBe(`batch/${batch}/r2`);
        expect(provider.copies).toHaveLength(2);
        expect(await delivery(deliveries[0])).toMatchObject({ status: 'excluded', reason: 'unsubscribed' });
        expect(
          await db.selectFrom('settlements').selectAll().where('batch_id', '=', batch).execute(),
        ).toMatchObject([{ revision: 1, decision: 'not-accepted', decided_by: 'person Ann' }]);
        expect(await finishIssue(db, issue.id)).toBe(true);
        expect(await subscriber(readers[0])).toMatchObject({ status: 'unsubscribed' });
        await assertInvariants(db, issue.id);
      });

      it('is nobody’s to settle while its answer can still come: a person hears when it may be', async () => {
        const { issue, batch, submit } = await week(2, 'answer-lost', 'answer-lost');
        /** Or what it says instead. */
        const settled = () =>
          settleBatch(db, batch, 'not-accepted', 'Ann').catch((error) => `${error.code}: ${error.help}`);
        const inState = (status: IssueStatus) =>
          db.updateTable('issues').set({ status }).where('id', '=', issue.id).execute();
        await sql`update batches set lease_until = '2030-01-01T09:00:00Z' where id = ${batch}`.execute(db);
        expect(await settled()).toMatch(
          /^batch-settled: .*asked for again.* after 2030-01-01T09:00:00\.000Z\. If it is uncertain then/,
        );
        await inState('paused');
        expect(await settled()).toMatch(/Its issue is paused: `resume` it/);
        await inState('cancelled');
        expect(await settled()).toMatch(/within a minute after 2030.* it is uncertain\. Settle it then/);
        expect(await batchRow(db, batch)).toMatchObject({ status: 'submitting', revision: 1 });

        // And so it is.
        await expireLeases(db);
        await closeCancelled(db, issue.id);
        expect(await settled()).toEqual({ batchId: batch, issueId: issue.id });
        await closeCancelled(db, issue.id);
        expect(await submit(batch)).toEqual({ kind: 'unavailable' });
      });

      it('that a person opened by mistake is closed again by an event, before it goes out twice', async () => {
        const { issue, deliveries, batch, provider, submit } = await uncertain(3, 'answer-lost');
        await settleBatch(db, batch, 'not-accepted', 'Ann');
        expect(await take(told('email.delivered', deliveries[2] ?? ''))).toMatchObject({
          settled: [{ id: batch }],
        });
        expect(await submit(batch)).toEqual({ kind: 'unavailable' });
        expect(provider.copies).toHaveLength(3);
        expect(await finishIssue(db, issue.id)).toBe(true);
        await assertInvariants(db, issue.id);
      });
    });

    describe('the figures of an issue', () => {
      const click = (id: string | undefined, second: number, link: string, userAgent = 'Mozilla/5.0') =>
        told('email.clicked', id ?? '', {
          at: new Date(Date.UTC(2026, 10, 24, 9, 0, second)).toISOString(),
          data: { click: { link: `https://site.example/${link}`, userAgent } },
        });

      it('are those of the ledger, with the clicks of machines apart', async () => {
        const { issue, readers, deliveries } = await week(9);
        await sql`update issues set prepared_at = now() where id = ${issue.id}`.execute(db);
        const [early = '', late = '', scanner = '', everything = '', undelivered = '', opened = ''] =
          deliveries;
        const at = '2026-11-24T09:00:00Z';
        // In no order: the clicks come before what they are measured by.
        await take(
          click(early, 20, 'a'),
          click(late, 20, 'a'),
          click(late, 300, 'b'),
          click(scanner, 300, 'a', 'Barracuda Sentinel'),
          ...['a', 'b', 'c', 'd', 'e'].map((link) => click(everything, 300, link)),
          click(undelivered, 10, 'a'),
        );
        await take(
          ...[early, late, scanner, everything, opened].map((id) => told('email.delivered', id, { at })),
          told('email.opened', opened),
          told('email.opened', opened),
          told('email.bounced', deliveries[6] ?? '', { data: HARD }),
          told('email.bounced', deliveries[7] ?? '', { data: SOFT }),
          told('email.complained', deliveries[8] ?? ''),
        );
        await unsubscribe(db, readers[1] ?? '', 'test');
        expect(await issueFigures(db, issue.id)).toEqual({
          delivered: 6,
          bouncedHard: 1,
          bouncedSoft: 1,
          complained: 1,
          failed: 0,
          opened: 1,
          clicked: 2,
          clickedByMachines: 3,
          left: 1,
        });
        await assertInvariants(db, issue.id);
      });

      it('are none for an issue of which nothing was told, or that nobody knows', async () => {
        const { issue } = await week(2);
        const nothing = {
          ...{ delivered: 0, bouncedHard: 0, bouncedSoft: 0, complained: 0, failed: 0 },
          ...{ opened: 0, clicked: 0, clickedByMachines: 0, left: 0 },
        };
        expect(await issueFigures(db, issue.id)).toEqual(nothing);
        expect(await issueFigures(db, randomUUID())).toEqual(nothing);
      });

      it('tell of silence only when an issue went out a while ago and no event came since', async () => {
        const { issue, deliveries } = await week(1);
        const prepared = (minutes: number) =>
          sql`update issues set prepared_at = now() - make_interval(mins => ${minutes}) where id = ${issue.id}`.execute(
            db,
          );
        await sql`update issues set prepared_at = null`.execute(db);
        await sql`update events set received_at = received_at - interval '1 day'`.execute(db);
        const { slug } = await db
          .selectFrom('issues')
          .select('slug')
          .where('id', '=', issue.id)
          .executeTakeFirstOrThrow();
        expect(await silentIssue(db)).toBeUndefined();
        await prepared(29);
        expect(await silentIssue(db)).toBeUndefined();
        await prepared(31);
        expect(await silentIssue(db)).toBe(slug);
        await take(told('email.sent', deliveries[0] ?? ''));
        expect(await silentIssue(db)).toBeUndefined();
      });
    });

    describe('events in any order, with one in five told twice', () => {
      const TYPES: [string, Record<string, unknown>?][] = [
        ['email.sent'],
        ['email.delivered'],
        ['email.delivery_delayed'],
        ['email.opened'],
        [
          'email.clicked',
          { click: { link: 'https://site.example/compare/a-vs-b?utm=1', userAgent: 'Mozilla/5.0' } },
        ],
        ['email.clicked', { click: { link: 'https://site.example/compare/a-vs-b', userAgent: 'Barracuda' } }],
        ['email.bounced', HARD],
        ['email.bounced', { bounce: { type: 'Permanent', subType: 'General' } }],
        ['email.bounced', SOFT],
        ['email.complained'],
        ['email.failed', { failed: { reason: 'reached_daily_quota' } }],
        ['email.failed', { failed: { reason: 'another' } }],
        ['email.suppressed', { suppressed: { type: 'OnAccountSuppressionList' } }],
        ['email.unheard_of'],
      ];

      it('end in the same state', async () => {
        const READERS = 4;
        const happening = fc.record({
          reader: fc.nat({ max: READERS - 1 }),
          type: fc.nat({ max: TYPES.length - 1 }),
          second: fc.nat({ max: 59 }),
        });
        const story = fc
          .array(happening, { minLength: 1, maxLength: 12 })
          .chain((events) =>
            fc.tuple(
              fc.constant(events),
              shuffled(withRepetitions(events.length)),
              fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 6 }),
            ),
          );
        await fc.assert(
          fc.asyncProperty(story, async ([events, order, portions]) => {
            const outcomes = [];
            for (const [sequence, cuts] of [
              [[...events.keys()], [events.length]],
              [order, portions],
            ] as const) {
              const { issue, deliveries } = await week(READERS);
              const made = events.map(({ reader, type, second }) => {
                const [name = '', data] = TYPES[type] ?? [''];
                const at = `2026-11-24T09:00:${String(second).padStart(2, '0')}Z`;
                return told(name, deliveries[reader] ?? '', { at, ...(data ? { data } : {}) });
              });
              const left = sequence.map((index) => made[index] as NewEvent);
              for (let turn = 0; left.length > 0; turn += 1) {
                await take(...left.splice(0, Math.max(1, cuts[turn % cuts.length] ?? 1)));
              }
              const { issue_id, ...figures } = (await db
                .selectFrom('figures')
                .selectAll()
                .where('issue_id', '=', issue.id)
                .executeTakeFirst()) ?? { issue_id: null };
              if (issue_id !== null) expect(figures).toEqual(await recount(db, issue.id));
              await assertInvariants(db, issue.id);
              outcomes.push(await outcomeOf(db, issue.id));
            }
            expect(outcomes[1]).toEqual(outcomes[0]);
          }),
          { numRuns: 25 },
        );
      });
    });
  });
}
