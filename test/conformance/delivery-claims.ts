import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { changeIssue } from '../../src/issues/issue-store.ts';
import type { Connection } from '../../src/platform/db/database.ts';
import { LAYOUT } from '../../src/providers/port.ts';
import {
  claimableBatches,
  claimBatch,
  releaseBatch,
  reopenBatch,
} from '../../src/sending/batches/batch-store.ts';
import { finishIssue } from '../../src/sending/progress.ts';
import { createSubmitter } from '../../src/sending/submit.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { batchRow, deliveriesOf, KEYS, leave, suppress, weekOf } from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';

/** Which worker may submit a batch, and what is decided at its claim. */
export function describeClaims(withDatabase: WithDatabase): void {
  describe('claiming a batch', () => {
    let db: Connection;
    withDatabase((database) => {
      db = database.kysely;
    });

    it('fault 4: is durable, with the hash of its bytes, before the request to the provider', async () => {
      const seen: unknown[] = [];
      const { issue, batch, submit, provider, statuses } = await weekOf(db, 3, async (request, honest) => {
        const { status, payload_hash, lease_id } = await batchRow(db, batch);
        seen.push(status, payload_hash === request.payloadHash, lease_id !== null, await statuses());
        return honest();
      });
      expect(await submit(batch)).toEqual({ kind: 'done', issueId: issue.id });
      expect(seen).toEqual(['submitting', true, true, ['prepared', 'prepared', 'prepared']]);
      expect(await batchRow(db, batch)).toMatchObject({
        status: 'submitted',
        lease_id: null,
        attempts: 1,
        revision: 1,
      });
      expect(await statuses()).toEqual(['submitted', 'submitted', 'submitted']);
      expect(provider.requests[0]?.key).toBe(`batch/${batch}/r1`);
      const ids = [...(await deliveriesOf(db, issue.id)).values()].map(({ provider_id }) => provider_id);
      expect(await provider.recall(`batch/${batch}/r1`)).toEqual(
        expect.arrayContaining(ids.map((accepted) => ({ accepted }))),
      );
      await assertInvariants(db, issue.id);
    });

    it('asks for a batch in the layout that it began with, and lays out a new request as today', async () => {
      const { batch } = await weekOf(db, 2);
      const layouts: number[] = [];
      const claim = async () => {
        const claimed = await claimBatch(db, batch, 60_000, async (_, { layout }) => {
          layouts.push(layout);
          return { payloadHash: 'hash' };
        });
        if (claimed.kind !== 'claimed') throw new Error(claimed.kind);
        return claimed.batch;
      };
      const first = await claim();
      // An earlier release had another.
      await db.updateTable('batches').set({ layout: 7 }).where('id', '=', batch).execute();
      await releaseBatch(db, first);
      await reopenBatch(db, await claim());
      await claim();
      expect(layouts).toEqual([LAYOUT, 7, LAYOUT]);
    });

    it('fault 12: excludes members who unsubscribed since the audience was frozen, with the reason (I3)', async () => {
      const { issue, readers, batch, submit, provider } = await weekOf(db, 4);
      await leave(db, readers[0]);
      await suppress(db, readers[2]);
      await submit(batch);
      const deliveries = await deliveriesOf(db, issue.id);
      expect(readers.map((id) => [deliveries.get(id)?.status, deliveries.get(id)?.reason])).toEqual([
        ['excluded', 'unsubscribed'],
        ['submitted', null],
        ['excluded', 'suppressed'],
        ['submitted', null],
      ]);
      expect(provider.copies.sort()).toEqual(
        [readers[1], readers[3]].map((id) => deliveries.get(id ?? '')?.email),
      );
      await assertInvariants(db, issue.id);
    });

    it('mails no member who unsubscribes between the claim and the request (I3)', async () => {
      const { issue, readers, batch, provider, statuses } = await weekOf(db, 3);
      const submit = createSubmitter(
        pausedAfterTransactions(db, async () => {
          await leave(db, readers[1]);
        }),
        provider,
        KEYS,
      );
      expect(await submit(batch)).toMatchObject({ kind: 'again' });
      expect(provider.requests).toEqual([]);
      expect(await batchRow(db, batch)).toMatchObject({ status: 'pending', revision: 2, lease_id: null });
      expect(await createSubmitter(db, provider, KEYS)(batch)).toEqual({ kind: 'done', issueId: issue.id });
      expect((await statuses()).sort()).toEqual(['excluded', 'submitted', 'submitted']);
      await assertInvariants(db, issue.id);
    });

    it('whose members have all unsubscribed makes no request', async () => {
      const { issue, readers, batch, submit, provider } = await weekOf(db, 2);
      for (const reader of readers) await leave(db, reader);
      expect(await submit(batch)).toEqual({ kind: 'done', issueId: issue.id });
      expect(provider.requests).toEqual([]);
      expect(await batchRow(db, batch)).toMatchObject({
        status: 'submitted',
        reason: 'everyone in it left',
      });
      expect(await finishIssue(db, issue.id)).toBe(true);
      await assertInvariants(db, issue.id);
    });

    it('succeeds for one of many workers', async () => {
      const { issue, batch, submit, provider } = await weekOf(db, 3);
      const results = await Promise.all(Array.from({ length: 6 }, () => submit(batch)));
      expect(results.filter(({ kind }) => kind === 'done')).toHaveLength(1);
      expect(results.filter(({ kind }) => kind === 'unavailable')).toHaveLength(5);
      expect(await submit(batch)).toEqual({ kind: 'unavailable' });
      expect(provider.requests).toHaveLength(1);
      await assertInvariants(db, issue.id);
    });

    it.each(['pause', 'cancel', 'fail'] as const)(
      'is refused while the issue does not send: %s',
      async (type) => {
        const { issue, batch, submit, provider } = await weekOf(db, 2);
        await changeIssue(db, issue.id, type === 'cancel' ? { type } : { type, reason: 'test' });
        expect(await submit(batch)).toEqual({ kind: 'unavailable' });
        expect(provider.requests).toEqual([]);
        expect(await claimableBatches(db, issue.id)).toEqual([]);
        if (type === 'cancel') return;
        await changeIssue(db, issue.id, { type: 'resume' });
        expect(await claimableBatches(db, issue.id)).toEqual([batch]);
        expect(await submit(batch)).toMatchObject({ kind: 'done' });
      },
    );

    it('that does not exist has no effect', async () => {
      const { submit } = await weekOf(db, 1);
      expect(await submit(randomUUID())).toEqual({ kind: 'unavailable' });
    });
  });
}

/** The same database, with a pause after each transaction. */
function pausedAfterTransactions(db: Connection, pause: () => Promise<void>): Connection {
  return new Proxy(db, {
    get(target, key) {
      if (key === 'transaction') {
        return () => ({
          async execute(run: (tx: Connection) => Promise<unknown>) {
            const result = await target.transaction().execute(run);
            await pause();
            return result;
          },
        });
      }
      const value = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
