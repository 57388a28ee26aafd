import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import { applyEvents } from '../../src/sending/events/apply-events.ts';
import { finishIssue } from '../../src/sending/progress.ts';
import { settleBatch } from '../../src/sending/settlements/settle.ts';
import { unsettledBatches } from '../../src/sending/settlements/settlement-store.ts';
import { createSubmitter } from '../../src/sending/submit.ts';
import { ageEvents, eventAbout, take } from '../helpers/events.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { ageClaim, batchRow, deliveriesOf, KEYS, leave, weekOf } from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';

/**
 * Which decisions a person may take about a batch whose response is lost, and when: no decision may cause two
 * copies.
 */
export function describeSettling(withDatabase: WithDatabase): void {
  describe('a person’s decision', () => {
    let db: Connection;
    withDatabase(({ kysely }) => {
      db = kysely;
    });

    /** Moves the batch's times into the past. */
    const wait = (batch: string, minutes: number) =>
      sql`update batches set lease_until = lease_until - make_interval(mins => ${minutes}) where id = ${batch}`.execute(
        db,
      );
    const says = (batch: string, decision: 'accepted' | 'not-accepted') =>
      settleBatch(db, batch, decision, 'Ann').catch((error) => `${error.code}: ${error.help}`);

    it('faults 13, 25: that nothing was accepted has to wait until no request can be on its way: it would cause a second copy', async () => {
      // The provider responds later than the worker waits; meanwhile a reader unsubscribes and a person decides
      // quickly.
      let arrive = () => {};
      const { issue, readers, batch, submit, provider } = await weekOf(db, 3, async (_, honest) => {
        arrive = honest;
        return { kind: 'ambiguous', reason: 'no answer in time', final: false };
      });
      await submit(batch);
      await leave(db, readers[0]);
      await ageClaim(db, batch, 21);
      await submit(batch);
      expect(await batchRow(db, batch)).toMatchObject({ status: 'uncertain', lease_id: null });
      expect(await says(batch, 'not-accepted')).toMatch(/^batch-not-yet: .*after 20\d\d-.*Z/);
      const [listed] = (await unsettledBatches(db)).filter(({ id }) => id === batch);
      expect(listed?.notBefore).toBeInstanceOf(Date);
      expect(await batchRow(db, batch)).toMatchObject({ status: 'uncertain', revision: 1 });
      arrive();

      const [, second] = [...(await deliveriesOf(db, issue.id)).values()];
      await take(db, eventAbout('email.sent', second?.id ?? ''));
      expect(await finishIssue(db, issue.id)).toBe(true);
      expect(provider.copies).toHaveLength(3);
      await assertInvariants(db, issue.id);
    });

    it('that nothing was accepted is valid once no request can arrive any more', async () => {
      const { issue, readers, batch, submit, provider } = await weekOf(db, 3, 'request-lost');
      await submit(batch);
      await leave(db, readers[0]);
      await ageClaim(db, batch, 21);
      await submit(batch);
      await wait(batch, 9);
      expect(await says(batch, 'not-accepted')).toMatch(/^batch-not-yet/);
      await wait(batch, 2);
      expect((await unsettledBatches(db)).find(({ id }) => id === batch)?.notBefore).toBeNull();
      expect(await says(batch, 'not-accepted')).toEqual({ batchId: batch, issueId: issue.id });
      await submit(batch);
      expect(provider.copies).toHaveLength(2);
      expect(await finishIssue(db, issue.id)).toBe(true);
      await assertInvariants(db, issue.id);
    });

    it('that all of it was accepted causes no copy, and never has to wait', async () => {
      const { issue, readers, batch, submit, provider } = await weekOf(db, 2, 'answer-lost');
      await submit(batch);
      await leave(db, readers[0]);
      await ageClaim(db, batch, 21);
      await submit(batch);
      expect(await says(batch, 'accepted')).toEqual({ batchId: batch, issueId: issue.id });
      expect(provider.copies).toHaveLength(2);
      await assertInvariants(db, issue.id);
    });

    it('that nothing was accepted is refused when an event proves the opposite, even one that is not applied yet', async () => {
      const { issue, readers, batch, submit, provider } = await weekOf(db, 3, 'answer-lost');
      await submit(batch);
      const [, second] = [...(await deliveriesOf(db, issue.id)).values()];
      // It arrived while the response was awaited, and is tried again only in an hour.
      expect(await take(db, eventAbout('email.delivered', second?.id ?? ''))).toMatchObject({ parked: 1 });
      await leave(db, readers[0]);
      await ageClaim(db, batch, 21);
      await submit(batch);
      await wait(batch, 60);
      expect(await says(batch, 'not-accepted')).toMatch(/^batch-proven: .*settles by itself/);
      expect(await batchRow(db, batch)).toMatchObject({ status: 'uncertain', revision: 1 });

      await ageEvents(db, 2);
      expect(await applyEvents(db)).toMatchObject({ settled: [{ id: batch }] });
      expect(await createSubmitter(db, provider, KEYS)(batch)).toEqual({ kind: 'unavailable' });
      expect(provider.copies).toHaveLength(3);
      expect(await finishIssue(db, issue.id)).toBe(true);
      await assertInvariants(db, issue.id);
    });
  });
}
