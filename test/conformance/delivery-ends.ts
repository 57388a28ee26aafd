import fc from 'fast-check';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { findIssue } from '../../src/issues/issue-store.ts';
import type { Connection } from '../../src/platform/db/database.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { finishIssue, issueProgress } from '../../src/sending/progress.ts';
import { createSubmitter, reconcileWithProvider } from '../../src/sending/submit.ts';
import { assertInvariants, brokenInvariants } from '../helpers/invariants.ts';
import {
  ageClaim,
  deliveriesOf,
  expireLeases,
  KEYS,
  leave,
  onlyReaders,
  sendingIssue,
  weekOf,
} from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';
import { type Behaviour, Provider } from '../helpers/provider.ts';

/** How an issue ends despite any fault, and the invariants that always hold. */
export function describeEnds(withDatabase: WithDatabase): void {
  describe('an issue', () => {
    let db: Connection;
    withDatabase((database) => {
      db = database.kysely;
    });

    describe('an issue is sent', () => {
      it('once, when no delivery is open', async () => {
        const readers = await onlyReaders(
          db,
          Array.from({ length: 201 }, () => []),
        );
        const issue = await sendingIssue(db);
        const provider = new Provider();
        const submit = createSubmitter(db, provider, KEYS);
        expect(issue.batches).toHaveLength(3);
        for (const batch of issue.batches) {
          expect(await finishIssue(db, issue.id)).toBe(false);
          await submit(batch);
          await assertInvariants(db, issue.id);
        }
        const outcomes = await Promise.all([finishIssue(db, issue.id), finishIssue(db, issue.id)]);
        expect(outcomes.sort()).toEqual([false, true]);
        expect(provider.requests.map(({ messages }) => messages.length)).toEqual([100, 100, 1]);
        expect(new Set(provider.copies).size).toBe(readers.length);
        await assertInvariants(db, issue.id);
      });

      it('not when its ledger does not balance', async () => {
        const { issue, batch, submit } = await weekOf(db, 2);
        await submit(batch);
        await sql`update deliveries set status = 'prepared' where issue_id = ${issue.id} and position = 0`.execute(
          db,
        );
        await expect(finishIssue(db, issue.id)).rejects.toThrow('does not balance: audience 2, settled 1');
        expect((await findIssue(db, { id: issue.id }))?.status).toBe('sending');
      });

      it('also with an empty audience', async () => {
        const { issue } = await weekOf(db, 0);
        expect(issue.batches).toEqual([]);
        expect(await finishIssue(db, issue.id)).toBe(true);
      });
    });

    describe('the invariants', () => {
      it.each([
        ['I1', `update deliveries set provider_id = 'same' where issue_id = $1`],
        [
          'I2',
          `update deliveries set status = 'prepared', provider_id = null, submitted_at = null where issue_id = $1 and position = 0`,
        ],
        ['I2', `update deliveries set status = 'uncertain' where issue_id = $1 and position = 0`],
        ['I2', `update deliveries set status = 'failed', reason = '' where issue_id = $1 and position = 0`],
        ['I2', `update batches set status = 'uncertain' where issue_id = $1`],
        ['I2', `update deliveries set provider_id = null where issue_id = $1 and position = 0`],
        [
          'I3',
          `update subscribers set status = 'unsubscribed', left_at = '2026-11-02' where status = 'active'`,
        ],
        ['I4', `update deliveries set submitted_at = '2026-10-01' where issue_id = $1`],
        ['I5', `update batches set status = 'submitting', payload_hash = null where issue_id = $1`],
        ['no foreign key', `update deliveries set subscriber_id = gen_random_uuid() where issue_id = $1`],
        ['I11', `update tallies set count = count + 1 where issue_id = $1`],
      ])('notice when they are broken: %s by %s', async (name, breaking) => {
        const { issue, batch, submit } = await weekOf(db, 2);
        await submit(batch);
        await finishIssue(db, issue.id);
        await assertInvariants(db, issue.id);
        const rolledBack = db.transaction().execute(async (tx) => {
          await sql.raw(breaking.replaceAll('$1', `'${issue.id}'`)).execute(tx);
          const broken = await brokenInvariants(tx, issue.id);
          expect(Object.keys(broken).some((each) => each.startsWith(name))).toBe(true);
          throw new Error('rolled back');
        });
        await expect(rolledBack).rejects.toThrow('rolled back');
      });
    });

    describe('many workers', () => {
      it('fault 16: submit every batch once, while readers unsubscribe and responses get lost', async () => {
        const readers = await onlyReaders(
          db,
          Array.from({ length: 430 }, () => []),
        );
        const issue = await sendingIssue(db);
        const provider = new Provider('answer-lost', 'answers', 'request-lost', {
          kind: 'retryAfter',
          ms: 1,
        });
        const workers = Array.from({ length: 6 }, () => createSubmitter(db, provider, KEYS));
        const unsubscribed = readers.filter((_, index) => index % 9 === 0);
        const everything = workers.flatMap((submit) => issue.batches.map((batch) => submit(batch)));
        await Promise.all([...everything, ...unsubscribed.map((id) => leave(db, id))]);
        await assertInvariants(db, issue.id);
        for (let round = 0; round < 8 && !(await finishIssue(db, issue.id)); round += 1) {
          await expireLeases(db);
          const open = await claimableBatches(db, issue.id);
          await Promise.all(workers.flatMap((submit) => open.map((batch) => submit(batch))));
          await reconcileWithProvider(db, provider);
          await assertInvariants(db, issue.id);
        }
        expect((await findIssue(db, { id: issue.id }))?.status).toBe('sent');
        expect(new Set(provider.copies).size).toBe(provider.copies.length);
        const progress = await issueProgress(db, issue.id);
        expect(progress.submitted).toBe(provider.copies.length);
        expect(progress).toMatchObject({ audience: 430, prepared: 0, uncertain: 0, failed: {} });
        expect(progress.submitted).toBeGreaterThanOrEqual(430 - unsubscribed.length);
      });
    });

    describe('whatever happens', () => {
      const behaviour = fc.constantFrom<Behaviour>(
        'answers',
        'answer-lost',
        'request-lost',
        'answers-short',
        'refuses-some',
        { kind: 'retryAfter', ms: 1 },
        { kind: 'halt', reason: 'quota' },
        { kind: 'rejected', reason: 'refused' },
        { kind: 'ambiguous', reason: 'perhaps', final: true },
      );
      const event = fc.oneof(
        { weight: 5, arbitrary: fc.record({ submit: fc.nat(1), behaviour }) },
        { weight: 2, arbitrary: fc.record({ leaves: fc.nat(102) }) },
        { weight: 2, arbitrary: fc.constant('leases run out' as const) },
        { weight: 1, arbitrary: fc.record({ ages: fc.nat(1) }) },
        { weight: 1, arbitrary: fc.constant('recall' as const) },
      );

      it('every reader gets the issue once or is accounted for, and the issue ends (I1 to I5, I10)', async () => {
        await fc.assert(
          fc.asyncProperty(fc.array(event, { maxLength: 12 }), async (events) => {
            const { issue, readers, provider, submit } = await weekOf(db, 103);
            for (const each of events) {
              if (each === 'leases run out') await expireLeases(db);
              else if (each === 'recall') await reconcileWithProvider(db, provider);
              else if ('leaves' in each) await leave(db, readers[each.leaves]);
              else if ('ages' in each) await ageClaim(db, issue.batches[each.ages] ?? '', 21);
              else {
                const asked = provider.requests.length;
                provider.plan(each.behaviour);
                await submit(issue.batches[each.submit] ?? '');
                if (provider.requests.length === asked) provider.unplan();
              }
              await assertInvariants(db, issue.id);
            }
            // The faults are over: do what reconcile does, until nothing is left to do.
            for (let round = 0; round < 8 && !(await finishIssue(db, issue.id)); round += 1) {
              await expireLeases(db);
              await reconcileWithProvider(db, provider);
              for (const batch of await claimableBatches(db, issue.id)) await submit(batch);
            }
            expect((await findIssue(db, { id: issue.id }))?.status).toBe('sent');
            await assertInvariants(db, issue.id);
            expect(new Set(provider.copies).size).toBe(provider.copies.length);
            const submitted = [...(await deliveriesOf(db, issue.id)).values()].filter(
              ({ status }) => status === 'submitted',
            );
            expect(provider.copies.toSorted()).toEqual(submitted.map(({ email }) => email).sort());
          }),
          { numRuns: 25 },
        );
      });
    });
  });
}
