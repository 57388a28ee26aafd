import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { findIssue } from '../../src/issues/issue-store.ts';
import type { Connection } from '../../src/platform/db/database.ts';
import type { BatchRequest, Outcome } from '../../src/providers/port.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { finishIssue, issueProgress } from '../../src/sending/progress.ts';
import { retryFailed } from '../../src/sending/retries/retry.ts';
import { failedReasons } from '../../src/sending/retries/retry-store.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { batchesOf, deliveriesOf, leave, weekOf } from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';

/** Another chance for readers whom the provider refused. */
export function describeRetries(withDatabase: WithDatabase): void {
  describe('D1: a retry', () => {
    let db: Connection;
    withDatabase((database) => {
      db = database.kysely;
    });

    /** An issue that is sent, but for some readers: the provider refused each seventh for one reason, two for another. */
    const partlySent = async (count: number) => {
      const refuse = async ({ copies }: BatchRequest, honest: () => Outcome): Promise<Outcome> => {
        const outcome = honest();
        if (outcome.kind !== 'accepted') return outcome;
        const items = copies.map(({ to }, index) => {
          const rejected = index % 7 === 3 ? 'mailbox on a list' : index < 2 ? 'no such domain' : undefined;
          if (rejected === undefined) return outcome.items[index] as { accepted: string };
          week.provider.copies.splice(week.provider.copies.indexOf(to), 1);
          return { rejected };
        });
        return { kind: 'accepted', items };
      };
      const week = await weekOf(db, count, refuse, refuse);
      for (const batch of week.issue.batches) await week.submit(batch);
      expect(await finishIssue(db, week.issue.id)).toBe(true);
      return week;
    };
    const work = async ({ issue, submit }: Awaited<ReturnType<typeof weekOf>>) => {
      for (const batch of await claimableBatches(db, issue.id)) await submit(batch);
    };
    const statusOf = async (id: string) => (await findIssue(db, { id }))?.status;

    it('mails a sent issue to the readers of one reason, without those who left, and it is sent again', async () => {
      const week = await partlySent(120);
      const { issue, provider } = week;
      const before = [...provider.copies];
      const finishedAt = (await findIssue(db, { id: issue.id }))?.finishedAt;
      const failed = [...(await deliveriesOf(db, issue.id))].filter(
        ([, { reason }]) => reason === 'mailbox on a list',
      );
      await leave(db, failed[0]?.[0]);
      expect(await failedReasons(db, issue.id)).toEqual([
        { reason: 'mailbox on a list', readers: failed.length, retryable: failed.length - 1 },
        { reason: 'no such domain', readers: 4, retryable: 4 },
      ]);

      expect(await retryFailed(db, issue.id, 'mailbox on a list')).toMatchObject({
        issue: { status: 'sending' },
        readers: failed.length - 1,
      });
      expect(await issueProgress(db, issue.id)).toMatchObject({
        prepared: failed.length - 1,
        failed: { 'mailbox on a list': 1, 'no such domain': 4 },
      });
      await assertInvariants(db, issue.id);
      // A second call finds nobody, and changes nothing.
      await expect(retryFailed(db, issue.id, 'mailbox on a list')).rejects.toMatchObject({
        code: 'retry-nobody',
      });

      await work(week);
      expect(await finishIssue(db, issue.id)).toBe(true);
      expect(await statusOf(issue.id)).toBe('sent');
      expect((await findIssue(db, { id: issue.id }))?.finishedAt).toEqual(finishedAt);
      expect(provider.copies.slice(before.length).sort()).toEqual(
        failed
          .slice(1)
          .map(([, { email }]) => email)
          .sort(),
      );
      expect(new Set(provider.copies).size).toBe(provider.copies.length);
      expect(new Set(provider.requests.map(({ key }) => key)).size).toBe(provider.requests.length);
      await assertInvariants(db, issue.id);
    });

    it('never mails whom the provider accepted and dropped, nor whom an event mentions', async () => {
      const { issue } = await partlySent(30);
      const [first, second] = [...(await deliveriesOf(db, issue.id)).values()].filter(
        ({ reason }) => reason === 'mailbox on a list',
      );
      await sql`update deliveries set provider_id = 'accepted', submitted_at = now() where id = ${first?.id}`.execute(
        db,
      );
      await sql`insert into events (id, type, kind, at, delivery_id, due_at)
        values (gen_random_uuid()::text, 'email.delivered', 'delivered', now(), ${second?.id}, now())`.execute(
        db,
      );
      const [found] = await failedReasons(db, issue.id);
      expect(found).toMatchObject({ readers: 4, retryable: 2 });
      expect((await retryFailed(db, issue.id, 'mailbox on a list')).readers).toBe(2);
      await sql`delete from events`.execute(db);
    });

    it('of a paused issue waits for its resume; of a cancelled one is refused', async () => {
      const { issue } = await partlySent(30);
      await sql`update issues set status = 'paused', resume_to = 'sending', reason = 'tea' where id = ${issue.id}`.execute(
        db,
      );
      expect(await retryFailed(db, issue.id, 'no such domain')).toMatchObject({
        issue: { status: 'paused' },
        readers: 2,
      });
      await sql`update issues set status = 'cancelled', resume_to = null, reason = null where id = ${issue.id}`.execute(
        db,
      );
      const batches = await batchesOf(db, issue.id);
      await expect(retryFailed(db, issue.id, 'mailbox on a list')).rejects.toMatchObject({
        code: 'issue-refuses',
      });
      expect(await batchesOf(db, issue.id)).toEqual(batches);
    });

    it('of another number of readers than a person has seen changes nothing', async () => {
      const { issue } = await partlySent(30);
      await expect(retryFailed(db, issue.id, 'no such domain', { expected: 3 })).rejects.toMatchObject({
        code: 'retry-changed',
      });
      expect(await statusOf(issue.id)).toBe('sent');
      expect(await issueProgress(db, issue.id)).toMatchObject({ prepared: 0 });
    });
  });
}
