import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { changeIssue } from '../../src/issues/issue-store.ts';
import type { Connection } from '../../src/platform/db/database.ts';
import { issuesInPreparation } from '../../src/sending/audience/audience-store.ts';
import { freezeRest } from '../../src/sending/prepare-issue.ts';
import { finishIssue, issueProgress } from '../../src/sending/progress.ts';
import { createSubmitter } from '../../src/sending/submit.ts';
import { unsubscribe } from '../../src/subscribers/subscriber-store.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { batchesOf, deliveriesOf, KEYS, onlyReaders, sendingIssue } from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';
import { Provider } from '../helpers/provider.ts';

/** How a list of more than one page is frozen while its first batches are sent. */
export function describeAudience(withDatabase: WithDatabase): void {
  describe('a long audience', () => {
    let db: Connection;
    withDatabase(({ kysely }) => {
      db = kysely;
    });

    /** Creates this many readers, of whom the first page is frozen; ids in their order. */
    async function week(count: number, pageSize: number) {
      const readers = await onlyReaders(
        db,
        Array.from({ length: count }, () => []),
      );
      const issue = await sendingIssue(db, pageSize);
      return { issue, readers: readers.sort() };
    }

    async function pages(issueId: string, pageSize: number): Promise<string[][]> {
      const all: string[][] = [];
      for await (const batchIds of freezeRest(db, issueId, pageSize)) all.push(batchIds);
      return all;
    }

    async function submitAll(issueId: string): Promise<Provider> {
      const provider = new Provider();
      const submit = createSubmitter(db, provider, KEYS);
      for (const batch of await batchesOf(db, issueId)) await submit(batch);
      return provider;
    }

    it('reaches every reader once, in batches with consecutive numbers', async () => {
      const { issue, readers } = await week(730, 200);
      expect((await issueProgress(db, issue.id)).audience).toBe(200);
      const rest = await pages(issue.id, 250);
      expect(rest.map((batchIds) => batchIds.length)).toEqual([3, 3, 1]);
      expect(await batchesOf(db, issue.id)).toEqual([...issue.batches, ...rest.flat()]);

      const provider = await submitAll(issue.id);
      const mailed = provider.requests.flatMap(({ messages }) => messages.map(({ to }) => to));
      expect([mailed.length, new Set(mailed).size]).toEqual([730, 730]);
      expect([...(await deliveriesOf(db, issue.id)).keys()].sort()).toEqual(readers);
      expect(await finishIssue(db, issue.id)).toBe(true);
      await assertInvariants(db, issue.id);
    });

    it.each([
      [400, 200, 200],
      [399, 200, 200],
      [200, 200, 1],
      [1, 1, 1],
    ])('ends where the list ends: %i readers in pages of %i and %i', async (count, first, next) => {
      const { issue } = await week(count, first);
      await pages(issue.id, next);
      expect((await issueProgress(db, issue.id)).audience).toBe(count);
      expect(await pages(issue.id, next)).toEqual([]);
      expect(await issuesInPreparation(db)).not.toContain(issue.id);
      await changeIssue(db, issue.id, { type: 'cancel' });
    });

    it('is not finished before all readers are frozen, even if every batch is submitted', async () => {
      const { issue } = await week(30, 20);
      await submitAll(issue.id);
      expect(await finishIssue(db, issue.id)).toBe(false);
      // A worker of an older version, which does not know pages.
      await expect(sql`update issues set status = 'sent' where id = ${issue.id}`.execute(db)).rejects.toThrow(
        'issues_sent_is_frozen',
      );
      expect(await issuesInPreparation(db)).toContain(issue.id);

      await pages(issue.id, 20);
      expect(await finishIssue(db, issue.id)).toBe(false);
      await submitAll(issue.id);
      expect(await finishIssue(db, issue.id)).toBe(true);
      await assertInvariants(db, issue.id);
    });

    it('continues after the last page, with two workers at once, without a reader in two batches', async () => {
      const { issue } = await week(500, 50);
      // A worker froze one more page and was killed.
      for await (const _batches of freezeRest(db, issue.id, 50)) break;
      expect((await issueProgress(db, issue.id)).audience).toBe(100);
      const made = await Promise.all([pages(issue.id, 50), pages(issue.id, 50)]);
      expect(made.flat(2)).toHaveLength(8);
      expect((await issueProgress(db, issue.id)).audience).toBe(500);
      await submitAll(issue.id);
      expect(await finishIssue(db, issue.id)).toBe(true);
      await assertInvariants(db, issue.id);
    });

    it('excludes readers who unsubscribe before their page is frozen, and after it', async () => {
      const { issue, readers } = await week(6, 2);
      await unsubscribe(db, readers[1] ?? '', 'test');
      await unsubscribe(db, readers[4] ?? '', 'test');
      await pages(issue.id, 2);
      await unsubscribe(db, readers[5] ?? '', 'test');
      const provider = await submitAll(issue.id);
      expect(provider.requests.flatMap(({ messages }) => messages)).toHaveLength(3);
      expect(await finishIssue(db, issue.id)).toBe(true);
      expect(await issueProgress(db, issue.id)).toMatchObject({
        audience: 5,
        submitted: 3,
        excluded: { unsubscribed: 2 },
      });
    });

    it('is frozen further while the issue is paused, but not after it is cancelled', async () => {
      const { issue } = await week(60, 20);
      await changeIssue(db, issue.id, { type: 'pause', reason: 'a quota' });
      for await (const _batches of freezeRest(db, issue.id, 20)) break;
      expect((await issueProgress(db, issue.id)).audience).toBe(40);
      await changeIssue(db, issue.id, { type: 'cancel' });
      expect(await pages(issue.id, 20)).toEqual([]);
      expect((await issueProgress(db, issue.id)).audience).toBe(40);
      expect(await issuesInPreparation(db)).not.toContain(issue.id);
    });
  });
}
