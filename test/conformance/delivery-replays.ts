import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import type { Outcome } from '../../src/providers/port.ts';
import {
  claimableBatches,
  expireAllLeases,
  uncertainBatches,
} from '../../src/sending/batches/batch-store.ts';
import { finishIssue, issueProgress } from '../../src/sending/progress.ts';
import { createSubmitter, reconcileWithProvider } from '../../src/sending/submit.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { ageClaim, batchRow, deliveriesOf, expireLeases, leave, weekOf } from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';
import type { Behaviour } from '../helpers/provider.ts';

/** What happens to a batch whose worker died, or was slow, between claim and record. */
export function describeReplays(withDatabase: WithDatabase): void {
  describe('a worker that died between claim and record', () => {
    let db: Connection;
    withDatabase((database) => {
      db = database.kysely;
    });

    it('fault 1: is replaced when its lease expires, with the same key and the same bytes', async () => {
      const { issue, batch, submit, provider } = await weekOf(db, 3, 'answer-lost');
      expect(await submit(batch)).toEqual({ kind: 'again', reason: 'read ECONNRESET' });
      await sql`update batches set lease_until = now() + interval '1 minute' where id = ${batch}`.execute(db);
      expect(await submit(batch)).toEqual({ kind: 'unavailable' });
      expect(await claimableBatches(db, issue.id)).toEqual([]);

      await expireLeases(db);
      expect(await claimableBatches(db, issue.id)).toEqual([batch]);
      expect(await submit(batch)).toMatchObject({ kind: 'done' });
      expect(provider.requests).toHaveLength(2);
      expect(provider.requests[1]).toEqual(provider.requests[0]);
      expect(provider.copies).toHaveLength(3);
      expect(await finishIssue(db, issue.id)).toBe(true);
      await assertInvariants(db, issue.id);
    });

    it('is replaced at once where only one process can exist', async () => {
      const { issue, batch, submit } = await weekOf(db, 1, async () => {
        throw new Error('killed');
      });
      await submit(batch);
      await sql`update batches set lease_until = now() + interval '1 minute' where id = ${batch}`.execute(db);
      await expireAllLeases(db);
      expect(await claimableBatches(db, issue.id)).toEqual([batch]);
    });

    it.each<[string, Outcome]>([
      ['accepted', { kind: 'accepted', items: Array.from({ length: 2 }, () => ({ accepted: 'late' })) }],
      ['refused', { kind: 'rejected', reason: 'late' }],
      ['one too few', { kind: 'accepted', items: [{ accepted: 'late' }] }],
      ['perhaps', { kind: 'ambiguous', reason: 'late', final: false }],
      ['never to be known', { kind: 'ambiguous', reason: 'late', final: true }],
      ['later', { kind: 'retryAfter', ms: 1 }],
      ['stop', { kind: 'halt', reason: 'late' }],
    ])('fault 16: and was not dead after all changes nothing: %s', async (_, late) => {
      // Both workers have requests at the provider, which has not responded to either.
      const providers = [new DelayedProvider(), new DelayedProvider()] as const;
      const { issue, batch, submit, provider } = await weekOf(db, 2, ...providers.map((door) => door.hold));
      const slow = submit(batch);
      await providers[0].reached;
      await expireLeases(db);
      const quick = submit(batch);
      await providers[1].reached;
      const database = async () => [
        await batchRow(db, batch),
        [...(await deliveriesOf(db, issue.id))],
        await db.selectFrom('circuit').selectAll().execute(),
      ];

      const before = await database();
      providers[0].open(late);
      await slow;
      expect(await database()).toEqual(before);
      providers[1].open();
      expect(await quick).toMatchObject({ kind: 'done' });
      expect(await batchRow(db, batch)).toMatchObject({ status: 'submitted', revision: 1 });
      expect(provider.copies).toHaveLength(2);
      await assertInvariants(db, issue.id);
    });

    it('fault 16: and gets its response after another finished its work changes nothing', async () => {
      const door = new DelayedProvider();
      const { issue, batch, submit } = await weekOf(db, 2, door.hold);
      const slow = submit(batch);
      await door.reached;
      await expireLeases(db);
      await submit(batch);
      const database = async () => [await batchRow(db, batch), [...(await deliveriesOf(db, issue.id))]];
      const before = await database();
      door.open({ kind: 'rejected', reason: 'late' });
      await slow;
      expect(await database()).toEqual(before);
    });

    it('faults 12, 13: leaves an uncertain batch when a member has unsubscribed meanwhile', async () => {
      const { issue, readers, batch, submit, provider, statuses } = await weekOf(db, 3, 'answer-lost');
      await submit(batch);
      await leave(db, readers[1]);
      expect(await submit(batch)).toEqual({ kind: 'done', issueId: issue.id });
      expect(provider.requests).toHaveLength(1);
      expect(await batchRow(db, batch)).toMatchObject({
        status: 'uncertain',
        reason: 'a reader in it left before the answer arrived',
      });
      expect(await statuses()).toEqual(['uncertain', 'uncertain', 'uncertain']);
      expect(await finishIssue(db, issue.id)).toBe(false);
      expect(await issueProgress(db, issue.id)).toMatchObject({ audience: 3, uncertain: 3, submitted: 0 });
      expect(await uncertainBatches(db, issue.id)).toMatchObject([{ id: batch, positions: { length: 3 } }]);
      await assertInvariants(db, issue.id);

      // It had been accepted, so it counts as submitted to the unsubscribed reader as well.
      expect(await reconcileWithProvider(db, provider)).toContain(issue.id);
      expect(await statuses()).toEqual(['submitted', 'submitted', 'submitted']);
      expect(provider.copies).toHaveLength(3);
      expect(await reconcileWithProvider(db, provider)).not.toContain(issue.id);
      expect(await finishIssue(db, issue.id)).toBe(true);
      await assertInvariants(db, issue.id);
    });

    it('fault 13: is replaced without the unsubscribed reader, under a new key, when its request never arrived', async () => {
      const { issue, readers, batch, submit, provider } = await weekOf(db, 3, 'request-lost');
      await submit(batch);
      await leave(db, readers[1]);
      await submit(batch);
      expect(await reconcileWithProvider(db, provider)).toContain(issue.id);
      expect(await batchRow(db, batch)).toMatchObject({
        status: 'pending',
        revision: 2,
        payload_hash: null,
      });
      await assertInvariants(db, issue.id);
      expect(await submit(batch)).toMatchObject({ kind: 'done' });
      expect(provider.requests.map(({ key }) => key)).toEqual([`batch/${batch}/r1`, `batch/${batch}/r2`]);
      expect(provider.copies).toHaveLength(2);
      const deliveries = await deliveriesOf(db, issue.id);
      expect(deliveries.get(readers[1] ?? '')).toMatchObject({
        status: 'excluded',
        reason: 'unsubscribed',
      });
      await assertInvariants(db, issue.id);
    });

    it('fault 1: is not replayed when the provider may have forgotten the key', async () => {
      const { issue, batch, submit, provider } = await weekOf(db, 2, 'answer-lost');
      await submit(batch);
      await ageClaim(db, batch, 19);
      provider.plan('answer-lost');
      expect(await submit(batch)).toMatchObject({ kind: 'again' });
      await ageClaim(db, batch, 2);
      expect(await submit(batch)).toMatchObject({ kind: 'done' });
      expect(provider.requests).toHaveLength(2);
      expect(await batchRow(db, batch)).toMatchObject({
        status: 'uncertain',
        reason: expect.stringContaining('20 h'),
      });
      await assertInvariants(db, issue.id);
      await reconcileWithProvider(db, provider);
      expect(provider.copies).toHaveLength(2);
      expect(await finishIssue(db, issue.id)).toBe(true);
    });

    it('is not replayed with other bytes', async () => {
      const { issue, batch, submit, provider } = await weekOf(db, 2, 'answer-lost');
      await submit(batch);
      const stranger = createSubmitter(db, provider, ['a key that signs other links, long']);
      expect(await stranger(batch)).toMatchObject({ kind: 'done' });
      expect(provider.requests).toHaveLength(1);
      expect(await batchRow(db, batch)).toMatchObject({
        status: 'uncertain',
        reason: expect.stringContaining('byte for byte'),
      });
      await assertInvariants(db, issue.id);
    });

    it('leaves the decision to a person when the provider keeps no record', async () => {
      const { issue, readers, batch, submit, provider } = await weekOf(db, 1, 'answer-lost');
      await submit(batch);
      await leave(db, readers[0]);
      await submit(batch);
      const { recall: _, ...forgetful } = {
        ...provider,
        submit: provider.submit.bind(provider),
        send: provider.send.bind(provider),
      };
      expect(await reconcileWithProvider(db, forgetful)).toEqual([]);
      expect((await uncertainBatches(db, issue.id)).map(({ id }) => id)).toEqual([batch]);
    });
  });
}

/** A provider that accepts a request at once, and responds when the test says so. */
class DelayedProvider {
  readonly reached: Promise<void>;
  #reach = () => {};
  #answer: (outcome: Outcome) => void = () => {};
  #honest: Outcome = { kind: 'halt', reason: 'nobody was here' };
  constructor() {
    this.reached = new Promise((resolve) => {
      this.#reach = resolve;
    });
  }
  hold: Behaviour = (_, honest) => {
    this.#honest = honest();
    this.#reach();
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  };
  open(outcome = this.#honest): void {
    this.#answer(outcome);
  }
}
