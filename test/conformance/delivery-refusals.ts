import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import type { BatchRequest, Outcome } from '../../src/providers/port.ts';
import { classify } from '../../src/providers/resend/classify.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { finishIssue, issueProgress } from '../../src/sending/progress.ts';
import { reopenRefused } from '../../src/sending/refusals/refusal-store.ts';
import { createSubmitter, type SubmitResult } from '../../src/sending/submit.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { batchRow, KEYS, onlyReaders, sendingIssue, weekOf } from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';
import { Provider } from '../helpers/provider.ts';

/** How a provider refuses a whole request: by Resend's status and name, or message by message in an answer. */
const REFUSALS: [string, (request: BatchRequest) => Outcome][] = [
  ...(
    [
      [400, 'validation_error'],
      [422, 'validation_error'],
      [422, 'missing_required_field'],
      [422, 'missing_required_parameter'],
      [422, 'invalid_parameter'],
      [422, 'invalid_attachment'],
      [422, 'invalid_from_address'],
      [422, 'invalid_access'],
      [422, 'invalid_region'],
      [400, 'invalid_idempotency_key'],
      [401, 'missing_api_key'],
      [401, 'restricted_api_key'],
      [403, 'invalid_api_key'],
      [403, 'suspended_api_key'],
      [403, 'invalid_permission'],
      [403, 'validation_error'],
      [403, 'email_above_quota'],
      [403, undefined],
      [404, 'not_found'],
      [405, 'method_not_allowed'],
      [413, undefined],
      [429, 'daily_quota_exceeded'],
      [429, 'monthly_quota_exceeded'],
      [451, 'security_error'],
    ] as const
  ).map(([status, name]): [string, (request: BatchRequest) => Outcome] => [
    `${status} ${name ?? 'without a name'}`,
    ({ copies }) => classify({ status, name, headers: {}, size: copies.length, now: new Date() }),
  ]),
  [
    '200 with errors',
    ({ copies }) => ({ kind: 'accepted', items: copies.map(() => ({ rejected: 'not today' })) }),
  ],
];

/** What a refusal costs: one address its reader, the whole account nobody. */
export function describeRefusals(withDatabase: WithDatabase): void {
  describe('D1: a provider that refuses everything', () => {
    let db: Connection;
    withDatabase((database) => {
      db = database.kysely;
    });

    /** Submits until nothing is left to do or the issue is to be paused, like workers one after the other. */
    const work = async (
      issueId: string,
      submit: (batchId: string) => Promise<SubmitResult>,
      next = first,
    ) => {
      for (let batch = await next(issueId); batch !== undefined; batch = await next(issueId)) {
        const result = await submit(batch);
        if (result.kind === 'halted') return result;
      }
      return null;
    };
    const first = async (issueId: string) => (await claimableBatches(db, issueId))[0];

    it.each(REFUSALS.flatMap(([name, refuse]) => [0, 1, 5].map((good) => [name, good, refuse] as const)))(
      'by %s after %i good batches stops the issue within three, and costs nobody',
      async (_, good, refuse) => {
        await onlyReaders(
          db,
          Array.from({ length: 900 }, () => []),
        );
        const issue = await sendingIssue(db);
        const accepts = Array.from({ length: good }, () => 'answers' as const);
        let isMended = false;
        const provider = new Provider(
          ...accepts,
          ...Array.from({ length: 50 }, () => async (request: BatchRequest, honest: () => Outcome) => {
            return isMended ? honest() : refuse(request);
          }),
        );
        const submit = createSubmitter(db, provider, KEYS);
        const halted = await work(issue.id, submit);
        expect(halted).toMatchObject({ kind: 'halted', issueId: issue.id, reason: expect.any(String) });
        const tried = new Set(
          provider.requests.slice(good).flatMap(({ messages }) => messages.map(({ to }) => to)),
        );
        expect(tried.size).toBeLessThanOrEqual(300);
        expect(provider.requests.length).toBeLessThanOrEqual(good + 9);
        expect(await issueProgress(db, issue.id)).toMatchObject({
          submitted: 100 * good,
          prepared: 900 - 100 * good,
          failed: {},
          uncertain: 0,
        });
        expect(await finishIssue(db, issue.id)).toBe(false);

        isMended = true;
        expect(await work(issue.id, submit)).toBeNull();
        expect(provider.copies).toHaveLength(900);
        expect(new Set(provider.copies).size).toBe(900);
        expect(await finishIssue(db, issue.id)).toBe(true);
        await assertInvariants(db, issue.id);
      },
    );

    it('also stops an issue of a single batch, and one whose last readers are all that is left', async () => {
      for (const count of [2, 60]) {
        const refuse = async (): Promise<Outcome> => ({ kind: 'split', reason: 'validation_error' });
        const plan = Array.from({ length: 8 }, () => refuse);
        const { issue, submit } = await weekOf(db, count, ...plan);
        expect(await work(issue.id, submit), `${count} readers`).toMatchObject({ kind: 'halted' });
        expect(await issueProgress(db, issue.id)).toMatchObject({ prepared: count, failed: {} });
      }
    });

    it('in most of an answer, for one reason, stops the issue too; its accepted readers keep their copy', async () => {
      const { issue, submit, provider } = await weekOf(db, 100, async ({ copies }, honest) => {
        const outcome = honest();
        if (outcome.kind !== 'accepted') return outcome;
        provider.copies.splice(-80);
        return {
          kind: 'accepted',
          items: copies.map((_, index) =>
            index < 20 ? (outcome.items[index] as { accepted: string }) : { rejected: 'quota' },
          ),
        };
      });
      expect(await work(issue.id, submit)).toMatchObject({ kind: 'halted' });
      expect(await issueProgress(db, issue.id)).toMatchObject({ submitted: 20, prepared: 80, failed: {} });
      expect(await work(issue.id, submit)).toBeNull();
      expect(provider.copies).toHaveLength(100);
      await assertInvariants(db, issue.id);
    });

    it('is told from one that refuses an address: that costs its reader alone, in few requests', async () => {
      let bad = '';
      const { issue, readers, submit, provider } = await weekOf(
        db,
        100,
        ...Array.from({ length: 40 }, () => async (request: BatchRequest, honest: () => Outcome) => {
          const isBad = request.copies.some(({ to }) => to === bad);
          if (!isBad) return honest();
          const reason = 'validation_error';
          return request.copies.length > 1
            ? ({ kind: 'split', reason } as const)
            : ({ kind: 'rejected', reason } as const);
        }),
      );
      const reader = await db
        .selectFrom('subscribers')
        .select('email')
        .where('id', '=', readers[41] ?? '')
        .executeTakeFirstOrThrow();
      bad = reader.email ?? '';
      expect(await work(issue.id, submit)).toBeNull();
      expect(await issueProgress(db, issue.id)).toMatchObject({
        submitted: 99,
        failed: { validation_error: 1 },
      });
      expect(provider.requests.length).toBeLessThan(24);
      expect(await finishIssue(db, issue.id)).toBe(true);
      await assertInvariants(db, issue.id);
    });

    it('I10: is told from one that refuses an address in each batch, and ends the issue', async () => {
      const bad = new Set<string>();
      const refuseBad = async (request: BatchRequest, honest: () => Outcome): Promise<Outcome> => {
        const reason = 'validation_error';
        if (!request.copies.some(({ to }) => bad.has(to))) return honest();
        return request.copies.length > 1 ? { kind: 'split', reason } : { kind: 'rejected', reason };
      };
      const { issue, readers, submit, provider } = await weekOf(
        db,
        600,
        ...Array.from({ length: 200 }, () => refuseBad),
      );
      for (const place of [10, 120, 230, 340, 450, 560, 570, 580, 590, 595]) {
        const id = readers[place] ?? '';
        const { email } = await db
          .selectFrom('subscribers')
          .select('email')
          .where('id', '=', id)
          .executeTakeFirstOrThrow();
        bad.add(email ?? '');
      }
      /** The worst order: what the provider refuses is all that is left at the end. */
      const badLast = async (issueId: string) => {
        const open = await claimableBatches(db, issueId);
        if (open.length === 0) return undefined;
        const sizes = await db
          .selectFrom('deliveries')
          .innerJoin('subscribers', 'subscribers.id', 'deliveries.subscriber_id')
          .select(({ fn }) => ['batch_id', fn.countAll<number>().as('size'), fn.max('email').as('email')])
          .where('batch_id', 'in', open)
          .groupBy('batch_id')
          .execute();
        const isLast = (each: (typeof sizes)[number]) => Number(each.size) === 1 && bad.has(each.email ?? '');
        return (sizes.find((each) => !isLast(each)) ?? sizes[0])?.batch_id ?? undefined;
      };
      const pauses: string[] = [];
      for (let more = true; more; ) {
        const halted = await work(issue.id, submit, badLast);
        more = halted !== null;
        if (halted?.kind === 'halted') pauses.push(halted.reason);
        if (pauses.length > 3) break;
      }
      expect(pauses.length, pauses.join('; ')).toBeLessThanOrEqual(1);
      expect(await issueProgress(db, issue.id)).toMatchObject({
        submitted: 590,
        failed: { validation_error: 10 },
      });
      expect(new Set(provider.copies).size).toBe(590);
      expect(await finishIssue(db, issue.id)).toBe(true);
      await assertInvariants(db, issue.id);
    });

    it('and is asked once more about the refused when the issue goes on', async () => {
      const { issue, submit, batch } = await weekOf(db, 1, { kind: 'rejected', reason: 'too large' });
      await submit(batch);
      expect(await issueProgress(db, issue.id)).toMatchObject({ failed: { 'too large': 1 } });
      expect(await reopenRefused(db, issue.id)).toBe(1);
      expect(await batchRow(db, batch)).toMatchObject({ status: 'pending', revision: 2, refused_at: null });
      expect(await reopenRefused(db, issue.id)).toBe(0);
      expect(await submit(batch)).toMatchObject({ kind: 'done' });
      expect(await finishIssue(db, issue.id)).toBe(true);
      await assertInvariants(db, issue.id);
    });
  });
}

/** The same after so many good batches that nothing would expect a refusal; on one database, with batches of three. */
export function describeLateRefusals(withDatabase: WithDatabase): void {
  describe('D1: a provider that refuses everything after 40 good batches', () => {
    let db: Connection;
    withDatabase((database) => {
      db = database.kysely;
    });

    it.each([
      ['by 422 validation_error', { kind: 'split', reason: '422 validation_error' } as const],
      ['by 200 with errors', null],
    ])('%s stops the issue within three', async (_, refusal) => {
      let isMended = false;
      const refuse = async (request: BatchRequest, honest: () => Outcome): Promise<Outcome> => {
        if (isMended) return honest();
        return refusal ?? { kind: 'accepted', items: request.copies.map(() => ({ rejected: 'not today' })) };
      };
      const { issue, submit, provider } = await weekOf(
        db,
        150,
        ...Array.from({ length: 40 }, () => 'answers' as const),
        ...Array.from({ length: 30 }, () => refuse),
      );
      await sql`insert into batches (issue_id, variant_id, number)
        select issue_id, variant_id, 2 + n from batches, generate_series(1, 48) n
        where issue_id = ${issue.id} and number = 1`.execute(db);
      await sql`update deliveries d set batch_id = b.id, position = r.rank % 3
        from (select id, (row_number() over (order by id) - 1)::int as rank from deliveries where issue_id = ${issue.id}) r
          join batches b on b.issue_id = ${issue.id} and b.number = 1 + r.rank / 3
        where d.id = r.id`.execute(db);

      const work = async () => {
        for (
          let [next] = await claimableBatches(db, issue.id);
          next;
          [next] = await claimableBatches(db, issue.id)
        ) {
          const result = await submit(next);
          if (result.kind === 'halted') return result;
        }
        return null;
      };
      expect(await work()).toMatchObject({ kind: 'halted' });
      expect(await issueProgress(db, issue.id)).toMatchObject({ submitted: 120, prepared: 30, failed: {} });
      const refused = provider.requests.slice(40);
      expect(new Set(refused.flatMap(({ messages }) => messages.map(({ to }) => to))).size).toBeLessThan(10);
      isMended = true;
      expect(await work()).toBeNull();
      expect(await finishIssue(db, issue.id)).toBe(true);
      expect(new Set(provider.copies).size).toBe(150);
      expect(provider.copies).toHaveLength(150);
      await assertInvariants(db, issue.id);
    });
  });
}
