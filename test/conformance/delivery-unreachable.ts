import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import { circuitState } from '../../src/providers/circuit/circuit-store.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { finishIssue } from '../../src/sending/progress.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { batchRow, expireLeases, leave, weekOf } from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';

const NOBODY = { kind: 'unreachable', reason: 'no answer: ECONNREFUSED' } as const;

/** A provider without a connection: as unresponsive as one that does not answer, but certainly without our mail. */
export function describeUnreachable(withDatabase: WithDatabase): void {
  describe('a provider that cannot be reached', () => {
    let db: Connection;
    withDatabase((database) => {
      db = database.kysely;
    });

    it('faults 6, 12: has accepted nothing, so that a reader who unsubscribes meanwhile makes no batch uncertain', async () => {
      const { issue, readers, batch, submit, provider, statuses } = await weekOf(db, 3, NOBODY, NOBODY);
      expect(await submit(batch)).toEqual({ kind: 'again', reason: NOBODY.reason });
      expect(await batchRow(db, batch)).toMatchObject({ status: 'pending', revision: 2, claimed_at: null });
      expect(await claimableBatches(db, issue.id)).toEqual([batch]);
      await leave(db, readers[0]);
      expect(await submit(batch)).toMatchObject({ kind: 'again' });
      expect(await submit(batch)).toMatchObject({ kind: 'done' });
      expect((await statuses()).sort()).toEqual(['excluded', 'submitted', 'submitted']);
      expect(provider.copies).toHaveLength(2);
      expect(await finishIssue(db, issue.id)).toBe(true);
      await assertInvariants(db, issue.id);
    });

    it('fault 6: says nothing about an earlier request, whose key and bytes stay the same', async () => {
      const { issue, batch, submit, provider } = await weekOf(db, 2, 'answer-lost', NOBODY);
      await submit(batch);
      expect(await submit(batch)).toMatchObject({ kind: 'again' });
      expect(await batchRow(db, batch)).toMatchObject({ status: 'submitting', revision: 1 });
      expect(await submit(batch)).toMatchObject({ kind: 'done' });
      expect(new Set(provider.requests.map(({ key, payloadHash }) => key + payloadHash)).size).toBe(1);
      expect(provider.copies).toHaveLength(2);
      await assertInvariants(db, issue.id);
    });

    it('fault 6: gets no request after five failures in a row, like an unresponsive one', async () => {
      const { issue, batch, submit } = await weekOf(db, 1, ...Array(5).fill(NOBODY));
      for (let failure = 1; failure < 5; failure += 1)
        expect(await submit(batch)).toMatchObject({ kind: 'again' });
      expect(await submit(batch)).toMatchObject({ kind: 'wait', reason: NOBODY.reason });
      expect(await circuitState(db)).toMatchObject({ failures: 5, isOpen: true });
      await expireLeases(db);
      expect(await submit(batch)).toMatchObject({ kind: 'done' });
      expect(await circuitState(db)).toMatchObject({ failures: 0, isOpen: false });
      expect(await finishIssue(db, issue.id)).toBe(true);
    });

    it('fault 8: is different from a provider that is busy with the same request, which is responsive', async () => {
      const busy = {
        kind: 'ambiguous',
        reason: 'concurrent_idempotent_requests',
        final: false,
        isBusy: true,
      } as const;
      const { batch, submit, provider } = await weekOf(db, 2, 'answer-lost', ...Array(7).fill(busy));
      await submit(batch);
      expect(await circuitState(db)).toMatchObject({ failures: 1 });
      for (let turn = 0; turn < 7; turn += 1) {
        expect(await submit(batch)).toEqual({ kind: 'again', reason: busy.reason });
        expect(await circuitState(db)).toMatchObject({ failures: 0, isOpen: false });
      }
      expect(await batchRow(db, batch)).toMatchObject({ status: 'submitting', revision: 1 });
      expect(await submit(batch)).toMatchObject({ kind: 'done' });
      expect(provider.copies).toHaveLength(2);
    });

    it('fault 16: changes nothing through a worker that has lost its lease', async () => {
      const { batch, submit, provider } = await weekOf(db, 2, async () => {
        await expireLeases(db);
        await submit(batch);
        return NOBODY;
      });
      expect(await submit(batch)).toEqual({ kind: 'unavailable' });
      expect(await batchRow(db, batch)).toMatchObject({ status: 'submitted', revision: 1 });
      expect(await circuitState(db)).toMatchObject({ failures: 0 });
      expect(provider.copies).toHaveLength(2);
    });
  });
}
