import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { finishIssue, issueProgress } from '../../src/sending/progress.ts';
import { reconcileWithProvider } from '../../src/sending/submit.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { batchRow, leave, weekOf } from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';
import type { Behaviour } from '../helpers/provider.ts';

/** Every response that a provider can give, and its effect on a batch. */
export function describeAnswers(withDatabase: WithDatabase): void {
  describe('a response of the provider', () => {
    let db: Connection;
    withDatabase((database) => {
      db = database.kysely;
    });

    it('that asks to wait uses up no attempt, and the next request has a new key', async () => {
      const { issue, batch, submit, provider, statuses } = await weekOf(db, 2, {
        kind: 'retryAfter',
        ms: 1_500,
      });
      expect(await submit(batch)).toEqual({ kind: 'wait', ms: 1_500 });
      expect(await batchRow(db, batch)).toMatchObject({ status: 'pending', revision: 2, lease_id: null });
      expect(await claimableBatches(db, issue.id)).toEqual([batch]);
      expect(await submit(batch)).toMatchObject({ kind: 'done' });
      expect(await statuses()).toEqual(['submitted', 'submitted']);
      expect(provider.copies).toHaveLength(2);
      await assertInvariants(db, issue.id);
    });

    it('that asks to wait lets a reader unsubscribe meanwhile', async () => {
      const { issue, readers, batch, submit, provider } = await weekOf(db, 2, { kind: 'retryAfter', ms: 1 });
      await submit(batch);
      await leave(db, readers[0]);
      await submit(batch);
      expect(provider.copies).toHaveLength(1);
      await assertInvariants(db, issue.id);
    });

    it('that asks to stop changes nothing and waits for a person', async () => {
      const { issue, batch, submit, statuses } = await weekOf(db, 2, { kind: 'halt', reason: 'quota' });
      expect(await submit(batch)).toEqual({ kind: 'halted', issueId: issue.id, reason: 'quota' });
      expect(await statuses()).toEqual(['prepared', 'prepared']);
      expect(await finishIssue(db, issue.id)).toBe(false);
      await assertInvariants(db, issue.id);
    });

    it('that refuses a single message fails its delivery, with the reason', async () => {
      const { issue, batch, submit, statuses } = await weekOf(db, 1, {
        kind: 'rejected',
        reason: 'validation_error',
      });
      expect(await submit(batch)).toMatchObject({ kind: 'done' });
      expect(await statuses()).toEqual(['failed']);
      expect(await batchRow(db, batch)).toMatchObject({ status: 'failed', reason: 'validation_error' });
      expect(await finishIssue(db, issue.id)).toBe(true);
      expect(await issueProgress(db, issue.id)).toMatchObject({
        failed: { validation_error: 1 },
        submitted: 0,
      });
      await assertInvariants(db, issue.id);
    });

    it('fault 18: that refuses one message fails only that delivery', async () => {
      const { issue, batch, submit, provider } = await weekOf(db, 5, 'refuses-some');
      await submit(batch);
      expect(await issueProgress(db, issue.id)).toMatchObject({
        failed: { 'invalid address': 1 },
        submitted: 4,
      });
      expect(provider.copies).toHaveLength(4);
      await assertInvariants(db, issue.id);
    });

    it.each<[string, Behaviour]>([
      ['that got lost', 'answer-lost'],
      ['that is perhaps', { kind: 'ambiguous', reason: '502', final: false }],
    ])('%s is asked for again, under the same key', async (_, behaviour) => {
      const { issue, batch, submit, provider } = await weekOf(db, 2, behaviour);
      expect(await submit(batch)).toMatchObject({ kind: 'again' });
      expect(await claimableBatches(db, issue.id)).toEqual([batch]);
      await submit(batch);
      expect(provider.requests[1]).toEqual(provider.requests[0]);
      expect(provider.copies).toHaveLength(2);
      expect(await batchRow(db, batch)).toMatchObject({ status: 'submitted', revision: 1, attempts: 2 });
      await assertInvariants(db, issue.id);
    });

    // The provider checks limits before its idempotency records: a full queue or an exceeded quota says nothing about
    // an earlier request.
    it.each<Exclude<Behaviour & { kind: string }, string>>([
      { kind: 'retryAfter', ms: 1 },
      { kind: 'halt', reason: 'quota' },
    ])('to a replay, $kind, changes neither key nor bytes', async (behaviour) => {
      const { issue, batch, submit, provider } = await weekOf(db, 2, 'answer-lost', behaviour);
      await submit(batch);
      expect(await submit(batch)).toMatchObject({ kind: behaviour.kind === 'halt' ? 'halted' : 'wait' });
      expect(await batchRow(db, batch)).toMatchObject({ status: 'submitting', revision: 1 });
      expect(await claimableBatches(db, issue.id)).toEqual([batch]);
      await submit(batch);
      expect(new Set(provider.requests.map(({ key, payloadHash }) => key + payloadHash)).size).toBe(1);
      expect(provider.copies).toHaveLength(2);
      expect(await finishIssue(db, issue.id)).toBe(true);
      await assertInvariants(db, issue.id);
    });

    it('that refuses a replay does not prove that the first request was refused', async () => {
      const refuses = { kind: 'rejected', reason: 'validation_error' } as const;
      const plan = Array.from({ length: 4 }, () => refuses);
      const { issue, batch, submit, provider, statuses } = await weekOf(db, 2, 'answer-lost', ...plan);
      for (let request = 1; request <= 4; request += 1) {
        expect(await submit(batch)).toMatchObject({ kind: 'again' });
        expect(await batchRow(db, batch)).toMatchObject({ status: 'submitting', revision: 1 });
      }
      expect(await submit(batch)).toMatchObject({ kind: 'done' });
      expect(await statuses()).toEqual(['uncertain', 'uncertain']);
      expect(await reconcileWithProvider(db, provider)).toContain(issue.id);
      expect(await statuses()).toEqual(['submitted', 'submitted']);
      await assertInvariants(db, issue.id);
    });

    it.each<[string, Behaviour]>([
      ['that will never be known', { kind: 'ambiguous', reason: 'a conflict', final: true }],
      ['for too few messages', 'answers-short'],
      [
        'for too many messages',
        { kind: 'accepted', items: Array.from({ length: 3 }, () => ({ accepted: 'x' })) } as never,
      ],
    ])('%s leaves all of it uncertain', async (_, behaviour) => {
      const { issue, batch, submit, statuses } = await weekOf(db, 2, behaviour);
      expect(await submit(batch)).toMatchObject({ kind: 'done' });
      expect(await statuses()).toEqual(['uncertain', 'uncertain']);
      expect(await claimableBatches(db, issue.id)).toEqual([]);
      expect(await finishIssue(db, issue.id)).toBe(false);
      await assertInvariants(db, issue.id);
    });
  });
}
