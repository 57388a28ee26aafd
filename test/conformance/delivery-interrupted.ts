import { describe, expect, it } from 'vitest';
import { changeIssue, findIssue } from '../../src/issues/issue-store.ts';
import type { Connection } from '../../src/platform/db/database.ts';
import type { Outcome } from '../../src/providers/port.ts';
import { claimableBatches, closeCancelled } from '../../src/sending/batches/batch-store.ts';
import { finishIssue, issueProgress } from '../../src/sending/progress.ts';
import { reconcileWithProvider } from '../../src/sending/submit.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { batchesOf, expireLeases, leave, weekOf } from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';

const again = (reason: string): Outcome => ({ kind: 'ambiguous', reason, final: false });
const never = (reason: string): Outcome => ({ kind: 'ambiguous', reason, final: true });
/** The request is accepted, but this response comes back. */
const after = (outcome: Outcome) => (honest: () => Outcome) => {
  honest();
  return outcome;
};

/** Possible responses to a request during which the issue is stopped. */
const ANSWERS: [string, (honest: () => Outcome) => Outcome][] = [
  ['accepted', (honest) => honest()],
  ['accepted, but the answer is lost', after(again('read ECONNRESET'))],
  ['accepted, but the answer is odd', after(never('2 ids for 4 messages'))],
  ['no response', () => again('no answer in time')],
  ['nobody there', () => ({ kind: 'unreachable', reason: 'no answer: ECONNREFUSED' })],
  ['to be halved', () => ({ kind: 'split', reason: 'too many bytes' })],
  ['to wait', () => ({ kind: 'retryAfter', ms: 1 })],
  ['to stop', () => ({ kind: 'halt', reason: 'quota' })],
  ['refused', () => ({ kind: 'rejected', reason: 'validation_error' })],
];
/** Pause and cancel during a request: its response is recorded, and no other request begins. */
export function describeInterrupted(withDatabase: WithDatabase): void {
  describe('an issue that is stopped during a request,', () => {
    let db: Connection;
    withDatabase((database) => {
      db = database.kysely;
    });

    /** Four readers, and a request during which `stop` happens and a reader unsubscribes. */
    async function interrupted(answer: (honest: () => Outcome) => Outcome, stop: 'pause' | 'cancel') {
      const found = await weekOf(db, 4, async (_, honest) => {
        const reason = 'by hand';
        for (const _click of [1, 2]) await changeIssue(db, found.issue.id, { type: stop, reason });
        await closeCancelled(db, found.issue.id);
        await leave(db, found.readers[1]);
        return answer(honest);
      });
      await found.submit(found.batch);
      await assertInvariants(db, found.issue.id);
      return found;
    }
    /** Does what reconcile does, as if leases and the provider's pauses were over. */
    async function reconcile({ issue, submit, provider }: Awaited<ReturnType<typeof interrupted>>) {
      await expireLeases(db);
      await reconcileWithProvider(db, provider);
      await closeCancelled(db);
      for (const batch of await claimableBatches(db, issue.id)) await submit(batch);
      await assertInvariants(db, issue.id);
    }

    it.each(ANSWERS)(
      'fault 25: cancelled, the answer %s: nothing more goes, and it balances',
      async (_, answer) => {
        const found = await interrupted(answer, 'cancel');
        const { issue, provider } = found;
        const asked = provider.requests.length;
        for (let round = 0; round < 3; round += 1) await reconcile(found);
        for (const batch of await batchesOf(db, issue.id))
          expect(await found.submit(batch)).toEqual({ kind: 'unavailable' });
        expect(provider.requests).toHaveLength(asked);
        const { audience, prepared, uncertain, submitted, excluded, failed } = await issueProgress(
          db,
          issue.id,
        );
        const total = [excluded, failed]
          .flatMap((each) => Object.values(each))
          .reduce((sum, n) => sum + n, 0);
        expect({ audience, prepared, uncertain }).toEqual({ audience: 4, prepared: 0, uncertain: 0 });
        expect(submitted + total).toBe(4);
        expect(submitted).toBe(provider.copies.length);
        expect((await findIssue(db, { id: issue.id }))?.status).toBe('cancelled');
      },
    );

    it.each(ANSWERS)(
      'fault 25: paused, the answer %s: it goes on where it was, one copy each',
      async (_, answer) => {
        const found = await interrupted(answer, 'pause');
        const { issue, provider, submit, batch } = found;
        const asked = provider.requests.length;
        await reconcile(found);
        expect(await submit(batch)).toEqual({ kind: 'unavailable' });
        expect(provider.requests).toHaveLength(asked);
        for (const _click of [1, 2]) await changeIssue(db, issue.id, { type: 'resume' });
        for (let round = 0; round < 4; round += 1) await reconcile(found);
        expect(await finishIssue(db, issue.id)).toBe(true);
        expect(new Set(provider.copies).size).toBe(provider.copies.length);
        expect((await issueProgress(db, issue.id)).submitted).toBe(provider.copies.length);
        await assertInvariants(db, issue.id);
      },
    );
  });
}
