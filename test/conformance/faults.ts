import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeIssue, findIssue } from '../../src/issues/issue-store.ts';
import type { Connection } from '../../src/platform/db/database.ts';
import { openCircuit } from '../../src/providers/circuit/circuit-store.ts';
import { openResend } from '../../src/providers/resend/resend.ts';
import { claimableBatches, closeCancelled } from '../../src/sending/batches/batch-store.ts';
import { finishIssue, issueProgress } from '../../src/sending/progress.ts';
import { createSubmitter, type SubmitResult } from '../../src/sending/submit.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import {
  batchesOf,
  batchRow,
  deliveriesOf,
  expireLeases,
  KEYS,
  onlyReaders,
  sendingIssue,
} from '../helpers/ledger.ts';
import { type DatabaseLocation, databaseForAll } from '../helpers/locations.ts';
import { Provider } from '../helpers/provider.ts';
import { type Fault, type FaultName, type LocalResend, startResend } from '../resend/index.ts';

/**
 * Rows 5 to 10, 16 and 25 of the fault matrix: a provider that fails over a real socket, and a ledger that must be
 * correct afterwards. It is compared with the mails that the provider really accepted.
 */
export function describeFaults(name: string, newLocation: () => Promise<DatabaseLocation>): void {
  describe(name, () => {
    let db: Connection;
    let provider: LocalResend;
    let mailer: ReturnType<typeof openResend>;
    databaseForAll(newLocation, (database) => {
      db = database.kysely;
    });
    beforeEach(async () => {
      provider = await startResend({ ratePerSecond: Number.POSITIVE_INFINITY });
      mailer = openResend({ apiKey: provider.apiKey, baseUrl: provider.url, random: () => 0 });
    });
    afterEach(async () => {
      await mailer?.[Symbol.asyncDispose]();
      await provider?.[Symbol.asyncDispose]();
    });

    /** An issue with this many readers; their addresses may be invalid. */
    async function week(count: number, spoil: Record<number, string> = {}) {
      const readers = await onlyReaders(
        db,
        Array.from({ length: count }, () => []),
      );
      for (const [index, email] of Object.entries(spoil))
        await sql`update subscribers set email = ${email} where id = ${readers[Number(index)]}`.execute(db);
      const issue = await sendingIssue(db);
      return { issue, readers, submit: createSubmitter(db, mailer, KEYS), batch: issue.batches[0] ?? '' };
    }

    /** Runs the workers on open batches until nothing changes. */
    async function work(issueId: string, submit: (batch: string) => Promise<SubmitResult>, rounds = 40) {
      for (let round = 0; round < rounds; round += 1) {
        const open = await claimableBatches(db, issueId);
        if (open.length === 0) break;
        for (const batch of open) await submit(batch);
        await assertInvariants(db, issueId);
        await expireLeases(db);
      }
      return finishIssue(db, issueId);
    }

    /** Asserts one copy for exactly the deliveries that the ledger calls submitted. */
    async function expectOneCopyEach(issueId: string, count: number): Promise<void> {
      await assertInvariants(db, issueId);
      const submitted = [...(await deliveriesOf(db, issueId)).values()].filter(
        ({ status }) => status === 'submitted',
      );
      const accepted = provider.accepted();
      expect(accepted.map(({ deliveryId }) => deliveryId).sort()).toEqual(
        submitted.map(({ id }) => id).sort(),
      );
      expect(new Map(accepted.map(({ deliveryId, id }) => [deliveryId, id]))).toEqual(
        new Map(submitted.map(({ id, provider_id }) => [id, provider_id])),
      );
      expect(accepted).toHaveLength(count);
    }

    it.each<FaultName>(['429', '429-retry-after', '429-retry-date'])(
      'fault 5: %s pauses every worker, uses up no attempt, and mails nobody twice',
      async (fault) => {
        const { issue, submit, batch } = await week(3);
        provider.plan(fault);
        const result = await submit(batch);
        expect(result.kind).toBe('wait');
        expect(result.kind === 'wait' && result.ms).toBeLessThanOrEqual(1_000);
        expect(await work(issue.id, submit)).toBe(true);
        await expectOneCopyEach(issue.id, 3);
      },
    );

    it.each<[FaultName, string]>([
      ['daily-quota', 'daily quota'],
      ['monthly-quota', 'monthly quota'],
      ['403-domain', 'MAIL_FROM'],
      ['403-key', 'RESEND_API_KEY'],
    ])(
      'fault 5 and 22: %s pauses the issue with its reason, and resuming continues',
      async (fault, reason) => {
        const { issue, submit, batch } = await week(3);
        provider.plan(fault);
        const result = await submit(batch);
        expect(result).toMatchObject({
          kind: 'halted',
          issueId: issue.id,
          reason: expect.stringContaining(reason),
        });
        await changeIssue(db, issue.id, { type: 'pause', reason });
        expect(await submit(batch)).toEqual({ kind: 'unavailable' });
        await changeIssue(db, issue.id, { type: 'resume' });
        expect(await work(issue.id, submit)).toBe(true);
        await expectOneCopyEach(issue.id, 3);
      },
    );

    it.each<FaultName>([
      '500',
      '500-accepted',
      '500-empty',
      '502-html',
      '502-accepted',
      '503',
      '504-accepted',
    ])('fault 6: %s is repeated with the same key, and mails nobody twice', async (fault) => {
      const { issue, submit, batch } = await week(3);
      provider.plan(fault, fault);
      expect(await submit(batch)).toMatchObject({ kind: 'again' });
      expect(await work(issue.id, submit)).toBe(true);
      expect(new Set(provider.requests.map(({ key }) => key)).size).toBe(1);
      await expectOneCopyEach(issue.id, 3);
    });

    it('fault 6: an unresponsive provider gets no requests, then one worker probes it, at growing intervals', async () => {
      const { issue, submit } = await week(850);
      provider.planBy(() => '503');
      const [first = '', ...others] = issue.batches;
      for (let failure = 1; failure < 5; failure += 1)
        expect(await submit(first)).toMatchObject({ kind: 'again' });
      expect(await openCircuit(db)).toBeUndefined();
      const opened = await submit(first);
      expect(opened).toMatchObject({ kind: 'wait', reason: '503 service_unavailable' });
      expect(opened.kind === 'wait' && opened.ms).toBeLessThanOrEqual(6_250);
      expect(await openCircuit(db)).toMatchObject({ reason: '503 service_unavailable' });

      const asked = provider.requests.length;
      for (const each of others) expect(await submit(each)).toEqual({ kind: 'wait', ms: 1_000 });
      expect(provider.requests).toHaveLength(asked);

      await expireLeases(db);
      const round = await Promise.all(others.map((each) => submit(each)));
      expect(provider.requests).toHaveLength(asked + 1);
      const waits = round.flatMap((result) => (result.kind === 'wait' && result.reason ? [result.ms] : []));
      expect(waits).toHaveLength(1);
      expect(waits[0]).toBeGreaterThanOrEqual(7_500);

      provider.calm();
      await expireLeases(db);
      await submit(first);
      expect(await openCircuit(db)).toBeUndefined();
      expect(await work(issue.id, submit)).toBe(true);
      await expectOneCopyEach(issue.id, 850);
    });

    it.each<FaultName>(['reset-after', 'reset-before', 'truncated', 'html-in-200', 'error-in-200'])(
      'fault 7: %s is repeated with the same bytes, and gets the first answer',
      async (fault) => {
        const { issue, submit, batch } = await week(4);
        provider.plan(fault);
        expect(await submit(batch)).toMatchObject({ kind: 'again' });
        expect(await work(issue.id, submit)).toBe(true);
        await expectOneCopyEach(issue.id, 4);
      },
    );

    it('fault 7: a missing answer ends the wait before the lease expires', async () => {
      const { issue, batch } = await week(4);
      provider.plan('hang-after');
      const hurried = createSubmitter(db, mailer, KEYS, 600);
      expect(await hurried(batch)).toMatchObject({ kind: 'again', reason: 'no answer in time' });
      expect(await work(issue.id, createSubmitter(db, mailer, KEYS))).toBe(true);
      await expectOneCopyEach(issue.id, 4);
    });

    it('fault 8: a worker waits for a running request with the same key', async () => {
      const { issue, submit, batch } = await week(3);
      provider.plan('concurrent');
      expect(await submit(batch)).toMatchObject({ kind: 'again' });
      expect(await work(issue.id, submit)).toBe(true);
      expect(new Set(provider.requests.map(({ key }) => key)).size).toBe(1);
      await expectOneCopyEach(issue.id, 3);
    });

    it('fault 8: a key that was used for other bytes fails no delivery, and is never repeated', async () => {
      const { issue, submit, batch } = await week(3);
      await fetch(`${provider.url}/emails/batch`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${provider.apiKey}`,
          'user-agent': 'test',
          'content-type': 'application/json',
          'idempotency-key': `batch/${batch}/r1`,
        },
        body: JSON.stringify([{ from: 'a@b.example', to: ['x@y.example'], subject: 's', text: 't' }]),
      });
      expect(await submit(batch)).toMatchObject({ kind: 'done' });
      expect(await batchRow(db, batch)).toMatchObject({ status: 'uncertain', revision: 1 });
      expect(await work(issue.id, submit)).toBe(false);
      expect(await issueProgress(db, issue.id)).toMatchObject({ uncertain: 3, failed: {} });
      await assertInvariants(db, issue.id);
    });

    it.each<[FaultName | Fault, number]>([
      ['half', 2],
      ['third-refused', 3],
    ])(
      'fault 9: %s: each answer goes to its own message, and only refused messages fail',
      async (fault, every) => {
        const { issue, submit } = await week(7);
        provider.plan(fault);
        expect(await work(issue.id, submit)).toBe(true);
        const failed = Math.floor(7 / every);
        expect(await issueProgress(db, issue.id)).toMatchObject({ submitted: 7 - failed });
        await expectOneCopyEach(issue.id, 7 - failed);
      },
    );

    it.each<FaultName>(['short', 'duplicated'])(
      'fault 9: %s ids are not guessed: the whole batch is uncertain',
      async (fault) => {
        const { issue, submit, batch } = await week(4);
        provider.plan(fault);
        expect(await submit(batch)).toMatchObject({ kind: 'done' });
        expect(await issueProgress(db, issue.id)).toMatchObject({ uncertain: 4, submitted: 0 });
        expect(await work(issue.id, submit)).toBe(false);
        expect(provider.total).toBe(4);
        await assertInvariants(db, issue.id);
      },
    );

    it('fault 10: one bad address in a batch fails alone', async () => {
      const { issue, submit } = await week(100, { 37: 'not an address' });
      expect(await work(issue.id, submit)).toBe(true);
      expect(await issueProgress(db, issue.id)).toMatchObject({ submitted: 99, audience: 100 });
      await expectOneCopyEach(issue.id, 99);
    });

    it('fault 10: when a bad address fails the whole batch, the batch is halved until only that address fails', async () => {
      const { issue, readers } = await week(100, { 0: 'bad@spoilt.example', 63: 'worse@spoilt.example' });
      const strict = new Provider();
      const submit = createSubmitter(
        db,
        {
          destination: strict.destination,
          send: (mail, key) => strict.send(mail, key),
          submit: async (request) => {
            if (!request.copies.some(({ to }) => to.endsWith('@spoilt.example')))
              return strict.submit(request);
            const reason = 'validation_error';
            return request.copies.length > 1 ? { kind: 'split', reason } : { kind: 'rejected', reason };
          },
        },
        KEYS,
      );
      expect(await work(issue.id, submit)).toBe(true);
      const deliveries = await deliveriesOf(db, issue.id);
      const failed = [...deliveries.values()].filter(({ status }) => status === 'failed');
      expect(failed.map(({ subscriber_id }) => subscriber_id).sort()).toEqual(
        [readers[0], readers[63]].map(String).sort(),
      );
      expect(failed.every(({ reason }) => reason === 'validation_error')).toBe(true);
      expect(new Set(strict.copies).size).toBe(98);
      expect(strict.copies).toHaveLength(98);
      const keys = strict.requests.map(({ key }) => key);
      expect(new Set(keys).size).toBe(keys.length);
      const numbers = await db
        .selectFrom('batches')
        .select('number')
        .where('issue_id', '=', issue.id)
        .execute();
      expect(new Set(numbers.map(({ number }) => number)).size).toBe((await batchesOf(db, issue.id)).length);
      await assertInvariants(db, issue.id);
    });

    it('fault 10: a request that is too large is halved, by two workers at once', async () => {
      const { issue, submit } = await week(200);
      provider.plan('413', '413');
      const results = await Promise.all(issue.batches.map((batch) => submit(batch)));
      expect(results.map(({ kind }) => kind)).toEqual(['split', 'split']);
      expect(await batchesOf(db, issue.id)).toHaveLength(4);
      expect(await work(issue.id, submit)).toBe(true);
      await expectOneCopyEach(issue.id, 200);
    });

    it('fault 10: a replay is never halved, because the first request may have been accepted', async () => {
      const { issue, submit, batch } = await week(4);
      provider.plan('500-accepted', '422', '422', '422', '422');
      for (let request = 1; request <= 5; request += 1) await submit(batch);
      expect(await batchRow(db, batch)).toMatchObject({ status: 'uncertain', revision: 1 });
      expect(await batchesOf(db, issue.id)).toEqual([batch]);
      expect(provider.total).toBe(4);
      await assertInvariants(db, issue.id);
    });

    it('when every message is refused, the issue pauses before the whole list was tried', async () => {
      const { issue, submit } = await week(300);
      provider.planBy(() => '422');
      let halted: SubmitResult | undefined;
      for (let round = 0; round < 60 && halted === undefined; round += 1) {
        for (const batch of (await claimableBatches(db, issue.id)).slice(0, 1)) {
          const result = await submit(batch);
          if (result.kind === 'halted') halted = result;
        }
      }
      expect(halted).toMatchObject({ reason: 'The provider refuses every message: validation_error' });
      const { failed, prepared } = await issueProgress(db, issue.id);
      expect(failed).toEqual({});
      expect(prepared).toBe(300);
      await assertInvariants(db, issue.id);
    });

    it('fault 16: a worker that was frozen until its lease expired does not begin its request', async () => {
      const { issue, batch } = await week(3);
      const frozen = createSubmitter(db, mailer, KEYS, 0);
      expect(await frozen(batch)).toMatchObject({ kind: 'again', reason: expect.stringContaining('lease') });
      expect(provider.requests).toEqual([]);
      expect(await work(issue.id, createSubmitter(db, mailer, KEYS))).toBe(true);
      await expectOneCopyEach(issue.id, 3);
    });

    describe('fault 25: an issue that is cancelled', () => {
      it('excludes the remaining readers, keeps the submitted ones, and balances; a second cancel changes nothing', async () => {
        const { issue, submit } = await week(250);
        const [first = '', second = '', third = ''] = issue.batches;
        await submit(first);
        const late = await sendWhile(
          provider,
          () => submit(second),
          async () => {
            for (let click = 0; click < 2; click += 1) {
              await changeIssue(db, issue.id, { type: 'cancel' });
              await closeCancelled(db, issue.id);
            }
          },
        );
        expect(late).toMatchObject({ kind: 'done' });
        expect(await submit(third)).toEqual({ kind: 'unavailable' });
        expect(await issueProgress(db, issue.id)).toMatchObject({
          audience: 250,
          submitted: 200,
          prepared: 0,
          excluded: { cancelled: 50 },
        });
        await closeCancelled(db);
        await expectOneCopyEach(issue.id, 200);
        expect((await findIssue(db, { id: issue.id }))?.status).toBe('cancelled');
      });

      it('does not repeat a request without an answer, because that could mail it', async () => {
        const { issue, submit, batch } = await week(3);
        provider.plan('reset-after');
        await submit(batch);
        await changeIssue(db, issue.id, { type: 'cancel' });
        await closeCancelled(db, issue.id);
        expect(await batchRow(db, batch)).toMatchObject({ status: 'uncertain' });
        expect(provider.requests).toHaveLength(1);
        await assertInvariants(db, issue.id);
      });
    });

    it('fault 25: an issue that is paused and resumed ten times continues and never starts again', async () => {
      const { issue, submit } = await week(450);
      for (const batch of issue.batches) {
        for (let click = 0; click < 2; click += 1) {
          await changeIssue(db, issue.id, { type: 'pause', reason: 'by hand' });
          await changeIssue(db, issue.id, { type: 'pause', reason: 'by hand' });
          expect(await submit(batch)).toEqual({ kind: 'unavailable' });
          await changeIssue(db, issue.id, { type: 'resume' });
          await changeIssue(db, issue.id, { type: 'resume' });
        }
        await submit(batch);
      }
      expect(await finishIssue(db, issue.id)).toBe(true);
      expect(provider.requests).toHaveLength(5);
      await expectOneCopyEach(issue.id, 450);
    });
  });
}

/** Runs a function while the provider processes a request. */
async function sendWhile<T>(
  provider: LocalResend,
  send: () => Promise<T>,
  meanwhile: () => Promise<void>,
): Promise<T> {
  let done: Promise<void> | undefined;
  provider.planBy(() => {
    done ??= meanwhile();
    return 'slow';
  });
  const sent = await send();
  await done;
  provider.calm();
  return sent;
}
