import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import type { IssueStatus } from '../../src/platform/db/schema.ts';
import { closeCancelled } from '../../src/sending/batches/batch-store.ts';
import { applyEvents } from '../../src/sending/events/apply-events.ts';
import { finishIssue, issueProgress } from '../../src/sending/progress.ts';
import { settleBatch } from '../../src/sending/settlements/settle.ts';
import { unsettledBatches } from '../../src/sending/settlements/settlement-store.ts';
import { unsubscribe } from '../../src/subscribers/subscriber-store.ts';
import { ageEvents, deliveryRow, eventAbout, submittedWeek, subscriberRow, take } from '../helpers/events.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { ageClaim, batchRow, expireLeases } from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';
import type { Behaviour } from '../helpers/provider.ts';

/** How a batch whose response was lost is settled: by an event, or by a person. */
export function describeUnanswered(withDatabase: WithDatabase): void {
  describe('a batch without a response', () => {
    let db: Connection;
    withDatabase(({ kysely }) => {
      db = kysely;
    });

    /** A batch whose response is lost for so long that it cannot be asked again. One of its members has unsubscribed. */
    async function uncertain(count: number, behaviour: Behaviour) {
      const found = await submittedWeek(db, count, behaviour);
      await unsubscribe(db, found.readers[0] ?? '', 'test');
      await expireLeases(db);
      await ageClaim(db, found.batch, 21);
      await found.submit(found.batch);
      expect(await batchRow(db, found.batch)).toMatchObject({ status: 'uncertain' });
      return found;
    }

    it('is settled by an event about one member, which proves that all were accepted (fault 13)', async () => {
      const { issue, readers, deliveries, batch, provider, submit } = await uncertain(3, 'answer-lost');
      expect(await finishIssue(db, issue.id)).toBe(false);
      const event = eventAbout('email.delivered', deliveries[1] ?? '');
      expect(await take(db, event)).toMatchObject({
        applied: 1,
        settled: [{ id: batch, issueId: issue.id }],
      });
      expect(
        (await Promise.all(deliveries.map((id) => deliveryRow(db, id)))).map(({ status, reason }) => [
          status,
          reason,
        ]),
      ).toEqual([
        ['submitted', 'mailed before they left'],
        ['delivered', null],
        ['submitted', null],
      ]);
      expect(await deliveryRow(db, deliveries[1])).toMatchObject({ provider_id: event.providerId });
      expect(
        await db.selectFrom('settlements').selectAll().where('batch_id', '=', batch).execute(),
      ).toMatchObject([{ revision: 1, decision: 'accepted', decided_by: `event ${event.id}` }]);
      expect(await finishIssue(db, issue.id)).toBe(true);
      expect(await submit(batch)).toEqual({ kind: 'unavailable' });
      expect(provider.copies).toHaveLength(3);
      expect(await subscriberRow(db, readers[0])).toMatchObject({ status: 'unsubscribed' });
      await assertInvariants(db, issue.id);
    });

    it('is settled by events that arrived while its response was awaited', async () => {
      const { issue, readers, deliveries, batch, submit } = await submittedWeek(db, 2, 'answer-lost');
      expect(await take(db, eventAbout('email.sent', deliveries[1] ?? ''))).toMatchObject({
        parked: 1,
        settled: [],
      });
      await unsubscribe(db, readers[0] ?? '', 'test');
      await expireLeases(db);
      await ageClaim(db, batch, 21);
      await submit(batch);
      await ageEvents(db, 200);
      expect(await applyEvents(db)).toMatchObject({ applied: 1, settled: [{ id: batch }] });
      expect(await finishIssue(db, issue.id)).toBe(true);
      await assertInvariants(db, issue.id);
    });

    it('that a person settles as accepted mails no reader again', async () => {
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

    it('that a person settles as not accepted is sent once more, without unsubscribed readers', async () => {
      const { issue, readers, deliveries, batch, provider, submit } = await uncertain(3, 'request-lost');
      await ageClaim(db, batch, 25);
      const [listed] = (await unsettledBatches(db)).filter(({ id }) => id === batch);
      expect(listed).toMatchObject({ overdue: true });
      await settleBatch(db, batch.slice(0, 18), 'not-accepted', 'Ann');
      expect(await batchRow(db, batch)).toMatchObject({ status: 'pending', revision: 2 });
      await submit(batch);
      expect(provider.requests.at(-1)?.key).toBe(`batch/${batch}/r2`);
      expect(provider.copies).toHaveLength(2);
      expect(await deliveryRow(db, deliveries[0])).toMatchObject({
        status: 'excluded',
        reason: 'unsubscribed',
      });
      expect(
        await db.selectFrom('settlements').selectAll().where('batch_id', '=', batch).execute(),
      ).toMatchObject([{ revision: 1, decision: 'not-accepted', decided_by: 'person Ann' }]);
      expect(await finishIssue(db, issue.id)).toBe(true);
      expect(await subscriberRow(db, readers[0])).toMatchObject({ status: 'unsubscribed' });
      await assertInvariants(db, issue.id);
    });

    it('cannot be settled while its response can still arrive: a person gets the time from which it can', async () => {
      const { issue, batch, submit } = await submittedWeek(db, 2, 'answer-lost', 'answer-lost');
      /** Returns the result, or the error message. */
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

      // It is uncertain after that time.
      await expireLeases(db);
      await closeCancelled(db, issue.id);
      expect(await settled()).toEqual({ batchId: batch, issueId: issue.id });
      await closeCancelled(db, issue.id);
      expect(await submit(batch)).toEqual({ kind: 'unavailable' });
    });

    it('that a person opened by mistake is closed again by an event, before it is sent twice', async () => {
      const { issue, deliveries, batch, provider, submit } = await uncertain(3, 'answer-lost');
      await settleBatch(db, batch, 'not-accepted', 'Ann');
      expect(await take(db, eventAbout('email.delivered', deliveries[2] ?? ''))).toMatchObject({
        settled: [{ id: batch }],
      });
      expect(await submit(batch)).toEqual({ kind: 'unavailable' });
      expect(provider.copies).toHaveLength(3);
      expect(await finishIssue(db, issue.id)).toBe(true);
      await assertInvariants(db, issue.id);
    });
  });
}
