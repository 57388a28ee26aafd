import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { changeIssue } from '../../src/issues/issue-store.ts';
import type { Connection } from '../../src/platform/db/database.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { finishIssue } from '../../src/sending/progress.ts';
import { renewSender } from '../../src/sending/sender-store.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { batchRow, ENVELOPE, weekOf } from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';

/** MAIL_FROM that was mended while an issue was paused. */
export function describeSender(withDatabase: WithDatabase): void {
  describe('D13: a mended sender', () => {
    let db: Connection;
    withDatabase((database) => {
      db = database.kysely;
    });
    const mended = { from: 'Verdicts <digest@mended.example>', replyTo: ENVELOPE.replyTo };

    it('is that of the batches which were not begun, also in a worker that knows the issue', async () => {
      const { issue, submit, provider, batch } = await weekOf(db, 150, 'answers', {
        kind: 'halt',
        reason: 'invalid_from_address: mend MAIL_FROM',
      });
      await submit(batch);
      const [open = ''] = await claimableBatches(db, issue.id);
      expect(await submit(open)).toMatchObject({ kind: 'halted' });
      // While it is sent, its sender is that of its start.
      expect(await renewSender(db, issue.id, mended)).toBeNull();
      await changeIssue(db, issue.id, { type: 'pause', reason: 'mend MAIL_FROM' });
      expect(await renewSender(db, issue.id, mended)).toEqual({
        ...{ before: ENVELOPE.from, after: mended.from, inDoubt: 0 },
      });
      expect(await renewSender(db, issue.id, mended)).toBeNull();
      await changeIssue(db, issue.id, { type: 'resume' });
      await submit(open);
      expect(provider.requests.map(({ messages }) => messages[0]?.from)).toEqual([
        ENVELOPE.from,
        ENVELOPE.from,
        mended.from,
      ]);
      expect(new Set(provider.copies).size).toBe(150);
      expect(await finishIssue(db, issue.id)).toBe(true);
      await assertInvariants(db, issue.id);
    });

    it('waits while a batch has no answer: that is asked again as it was', async () => {
      const { issue, submit, provider, batch } = await weekOf(db, 20, 'answer-lost');
      await submit(batch);
      const { payload_hash: hash } = await batchRow(db, batch);
      await changeIssue(db, issue.id, { type: 'pause', reason: 'tea' });
      expect(await renewSender(db, issue.id, mended)).toMatchObject({ inDoubt: 1 });
      await changeIssue(db, issue.id, { type: 'resume' });
      await sql`update batches set lease_until = now() where id = ${batch}`.execute(db);
      expect(await submit(batch)).toMatchObject({ kind: 'done' });
      expect(provider.requests.map(({ payloadHash }) => payloadHash)).toEqual([hash, hash]);
      expect(provider.copies).toHaveLength(20);
      await assertInvariants(db, issue.id);
    });
  });
}
