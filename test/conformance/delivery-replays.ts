import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import type { Outcome } from '../../src/providers/port.ts';
import {
  claimableBatches,
  expireAllLeases,
  uncertainBatches,
} from '../../src/sending/batches/batch-store.ts';
import { finishIssue } from '../../src/sending/progress.ts';
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

    it('D3, faults 12, 13: is asked without the member who left; a conflict says that all were mailed', async () => {
      const { issue, readers, batch, submit, provider } = await weekOf(db, 3, 'answer-lost');
      await submit(batch);
      await leave(db, readers[1]);
      expect(await submit(batch)).toEqual({ kind: 'done', issueId: issue.id });
      expect(provider.requests.map(({ key, messages }) => [key, messages.length])).toEqual([
        [`batch/${batch}/r1`, 3],
        [`batch/${batch}/r1`, 2],
      ]);
      expect(await batchRow(db, batch)).toMatchObject({
        status: 'submitted',
        reason: 'settled by its key: it was accepted',
      });
      const deliveries = await deliveriesOf(db, issue.id);
      expect(deliveries.get(readers[1] ?? '')).toMatchObject({
        status: 'submitted',
        reason: 'mailed before they left',
      });
      expect(deliveries.get(readers[0] ?? '')).toMatchObject({ status: 'submitted', reason: null });
      expect(provider.copies).toHaveLength(3);
      expect(await finishIssue(db, issue.id)).toBe(true);
      await assertInvariants(db, issue.id);
    });

    it('D3, fault 13: mails those who stay, under the same key, when its request never arrived', async () => {
      const { issue, readers, batch, submit, provider } = await weekOf(db, 3, 'request-lost', 'request-lost');
      await submit(batch);
      await leave(db, readers[1]);
      await expireLeases(db);
      expect(await submit(batch)).toMatchObject({ kind: 'again' });
      await leave(db, readers[2]);
      await expireLeases(db);
      expect(await submit(batch)).toMatchObject({ kind: 'done' });
      expect(provider.requests.map(({ key, messages }) => [key, messages.length])).toEqual([
        [`batch/${batch}/r1`, 3],
        [`batch/${batch}/r1`, 2],
        [`batch/${batch}/r1`, 1],
      ]);
      expect(provider.copies).toHaveLength(1);
      const deliveries = await deliveriesOf(db, issue.id);
      for (const id of readers.slice(1))
        expect(deliveries.get(id)).toMatchObject({ status: 'excluded', reason: 'unsubscribed' });
      expect(await finishIssue(db, issue.id)).toBe(true);
      await assertInvariants(db, issue.id);
    });

    it('D3: needs no answer when all of its members have left', async () => {
      const { issue, readers, batch, submit, provider } = await weekOf(db, 2, 'answer-lost');
      await submit(batch);
      for (const id of readers) await leave(db, id);
      expect(await submit(batch)).toMatchObject({ kind: 'done' });
      expect(provider.requests).toHaveLength(1);
      expect(await finishIssue(db, issue.id)).toBe(true);
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

    it('D3: is asked with other bytes when its own cannot be built again, and mails nobody twice', async () => {
      for (const [lost, copies] of [
        ['answer-lost', 2],
        ['request-lost', 2],
      ] as const) {
        const { issue, batch, submit, provider } = await weekOf(db, 2, lost);
        await submit(batch);
        await expireLeases(db);
        const other = createSubmitter(db, provider, ['a key that signs other links, long']);
        expect(await other(batch)).toMatchObject({ kind: 'done' });
        expect(provider.copies).toHaveLength(copies);
        expect(await batchRow(db, batch)).toMatchObject({ status: 'submitted' });
        await assertInvariants(db, issue.id);
      }
    });

    it('D2: a key that was used elsewhere mails nobody, and leaves the decision to a person', async () => {
      const { issue, batch, submit, provider, statuses } = await weekOf(db, 2, {
        kind: 'conflict',
        reason: '409',
      });
      expect(await submit(batch)).toMatchObject({ kind: 'done' });
      expect(provider.copies).toHaveLength(0);
      expect(await statuses()).toEqual(['uncertain', 'uncertain']);
      await assertInvariants(db, issue.id);
    });

    it('leaves the decision to a person when the provider keeps no record', async () => {
      const { issue, batch, submit, provider } = await weekOf(db, 1, 'answer-lost');
      await submit(batch);
      await ageClaim(db, batch, 21);
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
