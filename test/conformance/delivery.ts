import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { type Comparison, saveComparisons } from '../../src/comparisons/index.ts';
import type { Connection } from '../../src/db/index.ts';
import {
  approveIssue,
  claimableBatches,
  createSubmitter,
  finishIssue,
  issueProgress,
  prepareIssue,
  settleByRecall,
  uncertainBatches,
  voidLeases,
} from '../../src/delivery/index.ts';
import { changeIssue, composeIssue, findIssue, type Issue } from '../../src/issues/index.ts';
import type { Outcome } from '../../src/mailer/index.ts';
import { unsubscribe } from '../../src/subscribers/index.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { databaseForAll, type Place } from '../helpers/homes.ts';
import { assertInvariants, brokenInvariants } from '../helpers/invariants.ts';
import {
  ageClaim,
  batchesOf,
  batchRow,
  deliveriesOf,
  ENVELOPE,
  expireLeases,
  KEYS,
  onlyReaders,
  sendingIssue,
} from '../helpers/ledger.ts';
import { type Behaviour, Provider } from '../helpers/provider.ts';

/** How a batch is claimed, submitted and recorded, and how an issue ends, whatever goes wrong: on either home. */
export function describeDelivery(name: string, newPlace: () => Promise<Place>): void {
  describe(name, () => {
    let db: Connection;
    databaseForAll(newPlace, (database) => {
      db = database.kysely;
    });

    /** An issue with one batch of so many readers, a provider and a worker. */
    async function week(count: number, ...plan: Behaviour[]) {
      const readers = await onlyReaders(
        db,
        Array.from({ length: count }, () => []),
      );
      const issue = await sendingIssue(db);
      const provider = new Provider(...plan);
      const submit = createSubmitter(db, provider, KEYS);
      const [batch = ''] = issue.batches;
      const statuses = async () =>
        [...(await deliveriesOf(db, issue.id)).values()].map(({ status }) => status);
      return { issue, readers, provider, submit, batch, statuses };
    }

    const leave = (id: string | undefined) => unsubscribe(db, id ?? '', 'test');
    const suppress = (id: string | undefined) =>
      sql`update subscribers set status = 'suppressed', left_at = now(), reason = 'complained' where id = ${id}`.execute(
        db,
      );

    describe('claiming a batch', () => {
      it('fault 4: is durable, with its bytes, before the provider hears of it', async () => {
        const seen: unknown[] = [];
        const { issue, batch, submit, provider, statuses } = await week(3, async (request, honest) => {
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

      it('fault 12: leaves out who left since the audience was frozen, with the reason (I3)', async () => {
        const { issue, readers, batch, submit, provider } = await week(4);
        await leave(readers[0]);
        await suppress(readers[2]);
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

      it('of which everyone left asks the provider nothing', async () => {
        const { issue, readers, batch, submit, provider } = await week(2);
        for (const reader of readers) await leave(reader);
        expect(await submit(batch)).toEqual({ kind: 'done', issueId: issue.id });
        expect(provider.requests).toEqual([]);
        expect(await batchRow(db, batch)).toMatchObject({
          status: 'submitted',
          reason: 'everyone in it left',
        });
        expect(await finishIssue(db, issue.id)).toBe(true);
        await assertInvariants(db, issue.id);
      });

      it('is for one of many', async () => {
        const { issue, batch, submit, provider } = await week(3);
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
          const { issue, batch, submit, provider } = await week(2);
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

      it('that nobody knows is nothing to do', async () => {
        const { submit } = await week(1);
        expect(await submit(randomUUID())).toEqual({ kind: 'unavailable' });
      });
    });

    describe('a worker that died between claim and record', () => {
      it('fault 1: is replaced when its lease is over, with the same key and the same bytes', async () => {
        const { issue, batch, submit, provider } = await week(3, 'answer-lost');
        expect(await submit(batch)).toEqual({ kind: 'again', reason: 'read ECONNRESET' });
        await sql`update batches set lease_until = now() + interval '1 minute' where id = ${batch}`.execute(
          db,
        );
        expect(await submit(batch)).toEqual({ kind: 'unavailable' });
        expect(await claimableBatches(db, issue.id)).toEqual([]);

        await expireLeases(db);
        expect(await claimableBatches(db, issue.id)).toEqual([batch]);
        expect(await submit(batch)).toMatchObject({ kind: 'done' });
        expect(provider.requests).toHaveLength(2);
        expect(provider.requests[1]).toEqual(provider.requests[0]);
        expect(provider.copies).toHaveLength(3);
        expect(await finishIssue(db, issue.id)).toBe(true);
        await assertInvariants(db, issue.id);
      });

      it('is replaced at once where it must have been the only one', async () => {
        const { issue, batch, submit } = await week(1, async () => {
          throw new Error('killed');
        });
        await submit(batch);
        await sql`update batches set lease_until = now() + interval '1 minute' where id = ${batch}`.execute(
          db,
        );
        await voidLeases(db);
        expect(await claimableBatches(db, issue.id)).toEqual([batch]);
      });

      it.each<[string, Outcome]>([
        ['accepted', { kind: 'accepted', items: Array.from({ length: 2 }, () => ({ accepted: 'late' })) }],
        ['refused', { kind: 'rejected', reason: 'late' }],
        ['one too few', { kind: 'accepted', items: [{ accepted: 'late' }] }],
        ['perhaps', { kind: 'ambiguous', reason: 'late', final: false }],
        ['never to be known', { kind: 'ambiguous', reason: 'late', final: true }],
        ['later', { kind: 'retryAfter', ms: 1 }],
        ['stop', { kind: 'halt', reason: 'late' }],
      ])('fault 16: and was not dead after all changes nothing: %s', async (_, late) => {
        // Both workers are at the provider, which has not answered either of them.
        const doors = [new Door(), new Door()] as const;
        const { issue, batch, submit, provider } = await week(2, ...doors.map((door) => door.hold));
        const slow = submit(batch);
        await doors[0].reached;
        await expireLeases(db);
        const quick = submit(batch);
        await doors[1].reached;
        const books = async () => [await batchRow(db, batch), [...(await deliveriesOf(db, issue.id))]];

        const before = await books();
        doors[0].open(late);
        await slow;
        expect(await books()).toEqual(before);
        doors[1].open();
        expect(await quick).toMatchObject({ kind: 'done' });
        expect(await batchRow(db, batch)).toMatchObject({ status: 'submitted', revision: 1 });
        expect(provider.copies).toHaveLength(2);
        await assertInvariants(db, issue.id);
      });

      it('fault 16: and answers when another has finished its work changes nothing', async () => {
        const door = new Door();
        const { issue, batch, submit } = await week(2, door.hold);
        const slow = submit(batch);
        await door.reached;
        await expireLeases(db);
        await submit(batch);
        const books = async () => [await batchRow(db, batch), [...(await deliveriesOf(db, issue.id))]];
        const before = await books();
        door.open({ kind: 'rejected', reason: 'late' });
        await slow;
        expect(await books()).toEqual(before);
      });

      it('faults 12, 13: and whose reader left meanwhile leaves a batch that is uncertain, not a guess', async () => {
        const { issue, readers, batch, submit, provider, statuses } = await week(3, 'answer-lost');
        await submit(batch);
        await leave(readers[1]);
        expect(await submit(batch)).toEqual({ kind: 'done', issueId: issue.id });
        expect(provider.requests).toHaveLength(1);
        expect(await batchRow(db, batch)).toMatchObject({
          status: 'uncertain',
          reason: 'a reader in it left before the answer arrived',
        });
        expect(await statuses()).toEqual(['uncertain', 'uncertain', 'uncertain']);
        expect(await finishIssue(db, issue.id)).toBe(false);
        expect(await issueProgress(db, issue.id)).toMatchObject({ audience: 3, uncertain: 3, submitted: 0 });
        expect(await uncertainBatches(db, issue.id)).toMatchObject([
          { id: batch, deliveryIds: { length: 3 } },
        ]);
        await assertInvariants(db, issue.id);

        // It had been accepted: then that is what happened, to the reader who left since as well.
        expect(await settleByRecall(db, provider)).toContain(issue.id);
        expect(await statuses()).toEqual(['submitted', 'submitted', 'submitted']);
        expect(provider.copies).toHaveLength(3);
        expect(await settleByRecall(db, provider)).not.toContain(issue.id);
        expect(await finishIssue(db, issue.id)).toBe(true);
        await assertInvariants(db, issue.id);
      });

      it('fault 13: and had never been heard is done again without the reader who left, under another key', async () => {
        const { issue, readers, batch, submit, provider } = await week(3, 'request-lost');
        await submit(batch);
        await leave(readers[1]);
        await submit(batch);
        expect(await settleByRecall(db, provider)).toContain(issue.id);
        expect(await batchRow(db, batch)).toMatchObject({
          status: 'pending',
          revision: 2,
          payload_hash: null,
        });
        await assertInvariants(db, issue.id);
        expect(await submit(batch)).toMatchObject({ kind: 'done' });
        expect(provider.requests.map(({ key }) => key)).toEqual([`batch/${batch}/r1`, `batch/${batch}/r2`]);
        expect(provider.copies).toHaveLength(2);
        const deliveries = await deliveriesOf(db, issue.id);
        expect(deliveries.get(readers[1] ?? '')).toMatchObject({
          status: 'excluded',
          reason: 'unsubscribed',
        });
        await assertInvariants(db, issue.id);
      });

      it('fault 1: is not imitated when the provider may have forgotten the key', async () => {
        const { issue, batch, submit, provider } = await week(2, 'answer-lost');
        await submit(batch);
        await ageClaim(db, batch, 19);
        provider.plan('answer-lost');
        expect(await submit(batch)).toMatchObject({ kind: 'again' });
        await ageClaim(db, batch, 2);
        expect(await submit(batch)).toMatchObject({ kind: 'done' });
        expect(provider.requests).toHaveLength(2);
        expect(await batchRow(db, batch)).toMatchObject({
          status: 'uncertain',
          reason: expect.stringContaining('20 h'),
        });
        await assertInvariants(db, issue.id);
        await settleByRecall(db, provider);
        expect(provider.copies).toHaveLength(2);
        expect(await finishIssue(db, issue.id)).toBe(true);
      });

      it('is not imitated with other bytes', async () => {
        const { issue, batch, submit, provider } = await week(2, 'answer-lost');
        await submit(batch);
        const stranger = createSubmitter(db, provider, ['a key that signs other links, long']);
        expect(await stranger(batch)).toMatchObject({ kind: 'done' });
        expect(provider.requests).toHaveLength(1);
        expect(await batchRow(db, batch)).toMatchObject({
          status: 'uncertain',
          reason: expect.stringContaining('byte for byte'),
        });
        await assertInvariants(db, issue.id);
      });

      it('and a provider that keeps no record leaves the matter to a person', async () => {
        const { issue, readers, batch, submit, provider } = await week(1, 'answer-lost');
        await submit(batch);
        await leave(readers[0]);
        await submit(batch);
        const { recall: _, ...forgetful } = {
          ...provider,
          submit: provider.submit.bind(provider),
          send: provider.send.bind(provider),
        };
        expect(await settleByRecall(db, forgetful)).toEqual([]);
        expect((await uncertainBatches(db, issue.id)).map(({ id }) => id)).toEqual([batch]);
      });
    });

    describe('an answer', () => {
      it('to wait costs nothing and comes with another key', async () => {
        const { issue, batch, submit, provider, statuses } = await week(2, { kind: 'retryAfter', ms: 1_500 });
        expect(await submit(batch)).toEqual({ kind: 'wait', ms: 1_500 });
        expect(await batchRow(db, batch)).toMatchObject({ status: 'pending', revision: 2, lease_id: null });
        expect(await claimableBatches(db, issue.id)).toEqual([batch]);
        expect(await submit(batch)).toMatchObject({ kind: 'done' });
        expect(await statuses()).toEqual(['submitted', 'submitted']);
        expect(provider.copies).toHaveLength(2);
        await assertInvariants(db, issue.id);
      });

      it('to wait lets somebody leave meanwhile', async () => {
        const { issue, readers, batch, submit, provider } = await week(2, { kind: 'retryAfter', ms: 1 });
        await submit(batch);
        await leave(readers[0]);
        await submit(batch);
        expect(provider.copies).toHaveLength(1);
        await assertInvariants(db, issue.id);
      });

      it('to stop leaves everything as it was, for a person', async () => {
        const { issue, batch, submit, statuses } = await week(2, { kind: 'halt', reason: 'quota' });
        expect(await submit(batch)).toEqual({ kind: 'halted', issueId: issue.id, reason: 'quota' });
        expect(await statuses()).toEqual(['prepared', 'prepared']);
        expect(await finishIssue(db, issue.id)).toBe(false);
        await assertInvariants(db, issue.id);
      });

      it('that refuses all of it fails all of it, with the reason', async () => {
        const { issue, batch, submit, statuses } = await week(2, {
          kind: 'rejected',
          reason: 'validation_error',
        });
        expect(await submit(batch)).toMatchObject({ kind: 'done' });
        expect(await statuses()).toEqual(['failed', 'failed']);
        expect(await batchRow(db, batch)).toMatchObject({ status: 'failed', reason: 'validation_error' });
        expect(await finishIssue(db, issue.id)).toBe(true);
        expect(await issueProgress(db, issue.id)).toMatchObject({
          failed: { validation_error: 2 },
          submitted: 0,
        });
        await assertInvariants(db, issue.id);
      });

      it('fault 18: that refuses one of them fails that one', async () => {
        const { issue, batch, submit, provider } = await week(5, 'refuses-some');
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
        const { issue, batch, submit, provider } = await week(2, behaviour);
        expect(await submit(batch)).toMatchObject({ kind: 'again' });
        expect(await claimableBatches(db, issue.id)).toEqual([batch]);
        await submit(batch);
        expect(provider.requests[1]).toEqual(provider.requests[0]);
        expect(provider.copies).toHaveLength(2);
        expect(await batchRow(db, batch)).toMatchObject({ status: 'submitted', revision: 1, attempts: 2 });
        await assertInvariants(db, issue.id);
      });

      // The provider's doors come before its memory: a full queue or a spent quota says nothing of what it
      // accepted a moment ago.
      it.each<Exclude<Behaviour & { kind: string }, string>>([
        { kind: 'retryAfter', ms: 1 },
        { kind: 'halt', reason: 'quota' },
      ])('to a replay, $kind, changes neither key nor bytes', async (behaviour) => {
        const { issue, batch, submit, provider } = await week(2, 'answer-lost', behaviour);
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

      it('to a replay, that refuses all of it, is not believed', async () => {
        const { issue, batch, submit, provider, statuses } = await week(2, 'answer-lost', {
          kind: 'rejected',
          reason: 'validation_error',
        });
        await submit(batch);
        await submit(batch);
        expect(await statuses()).toEqual(['uncertain', 'uncertain']);
        expect(await settleByRecall(db, provider)).toContain(issue.id);
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
        const { issue, batch, submit, statuses } = await week(2, behaviour);
        expect(await submit(batch)).toMatchObject({ kind: 'done' });
        expect(await statuses()).toEqual(['uncertain', 'uncertain']);
        expect(await claimableBatches(db, issue.id)).toEqual([]);
        expect(await finishIssue(db, issue.id)).toBe(false);
        await assertInvariants(db, issue.id);
      });
    });

    describe('an issue is sent', () => {
      it('when nothing is open, and once', async () => {
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

      it('not when its books do not balance', async () => {
        const { issue, batch, submit } = await week(2);
        await submit(batch);
        await sql`update deliveries set status = 'prepared' where issue_id = ${issue.id} and position = 0`.execute(
          db,
        );
        await expect(finishIssue(db, issue.id)).rejects.toThrow('do not balance: audience 2, settled 1');
        expect((await findIssue(db, { id: issue.id }))?.status).toBe('sending');
      });

      it('with an audience of nobody', async () => {
        const { issue } = await week(0);
        expect(issue.batches).toEqual([]);
        expect(await finishIssue(db, issue.id)).toBe(true);
      });
    });

    describe('the audience', () => {
      const writing = { category: 'Writing' };
      const audio = { category: 'Audio & Music' };
      const WEEK: Comparison[] = [
        comparison('inkwell-vs-ferret', tool('Inkwell', 100, writing), tool('Ferret', 25, writing)),
        comparison('reed-vs-lute', tool('Reed', 100, audio), tool('Lute', 50, audio)),
        comparison('orca-vs-hedge', tool('Orca', 50), tool('Hedge', 50)),
      ];

      /** Composed, approved and prepared by the real steps. */
      async function publish(meanwhile: () => Promise<unknown> = async () => {}): Promise<Issue> {
        await saveComparisons(db, WEEK);
        const slot = { key: '2026-11-24', label: '2026-11-24', dueAt: new Date('2026-11-24T09:00:00Z') };
        const settings = {
          newsletter: { name: 'Verdicts', url: 'https://verdicts.example', postalAddress: '1 Street, Town' },
          template: 'react:digest',
          minComparisons: 1,
        };
        const { id } = await composeIssue(db, slot, settings, new Date('2026-11-23T09:00:00Z'));
        await approveIssue(db, id);
        await meanwhile();
        const started = await Promise.all([prepareIssue(db, id, ENVELOPE), prepareIssue(db, id, ENVELOPE)]);
        expect(started.sort()).toEqual([false, true]);
        expect(await prepareIssue(db, id, ENVELOPE)).toBe(false);
        return (await findIssue(db, { id })) as Issue;
      }

      it('gets the variant of its topics, and whoever has none or never consented gets nothing', async () => {
        const readers = await onlyReaders(db, [
          [],
          ['Writing'],
          ['Audio & Music', 'Writing'],
          ['Robotics'],
          ['Robotics', 'writing'],
          ['Coding'],
        ]);
        // Active by somebody's hand, without a word in the consent log.
        const { id: imposed } = await db
          .insertInto('subscribers')
          .values({
            email: 'imposed@readers.example',
            email_key: 'imposed@readers.example',
            status: 'active',
            topics: [],
            confirmed_at: new Date(),
          })
          .returning('id')
          .executeTakeFirstOrThrow();
        const issue = await publish();
        expect(issue.status).toBe('sending');
        await assertInvariants(db, issue.id);

        const deliveries = await deliveriesOf(db, issue.id);
        const provider = new Provider();
        const submit = createSubmitter(db, provider, KEYS);
        for (const batch of await batchesOf(db, issue.id)) await submit(batch);
        const carried = new Map(
          provider.requests.flatMap(({ messages }) =>
            messages.map(({ to, text }) => [
              to,
              WEEK.map(({ slug }) => slug).filter((slug) => text.includes(slug)),
            ]),
          ),
        );
        const [ink, reed, orca] = WEEK.map(({ slug }) => slug);
        const got = (id: string | undefined) => carried.get(deliveries.get(id ?? '')?.email ?? '')?.sort();
        expect(readers.map(got)).toEqual([
          [ink, orca, reed].sort(),
          [ink],
          [ink, reed].sort(),
          undefined,
          [ink],
          [orca],
        ]);
        expect(deliveries.get(readers[3] ?? '')).toMatchObject({
          status: 'excluded',
          reason: 'no-content',
          batch_id: null,
        });
        expect(deliveries.get(imposed)).toMatchObject({
          status: 'excluded',
          reason: 'no-consent',
          batch_id: null,
        });
        expect(await finishIssue(db, issue.id)).toBe(true);
        expect(await issueProgress(db, issue.id)).toMatchObject({
          audience: 7,
          submitted: 5,
          excluded: { 'no-content': 1, 'no-consent': 1 },
        });
        await assertInvariants(db, issue.id);
      });

      it('is cut into batches of one variant and at most a hundred, everybody once', async () => {
        await onlyReaders(
          db,
          Array.from({ length: 230 }, (_, index) => (index < 205 ? [] : ['Writing'])),
        );
        const issue = await sendingIssue(db);
        const { rows } = await sql<{ number: number; readers: number; places: number[] }>`
      select b.number, count(*) as readers, array_agg(d.position order by d.position) as places
      from batches b join deliveries d on d.batch_id = b.id where b.issue_id = ${issue.id}
      group by b.number order by b.number
    `.execute(db);
        expect(rows.map(({ readers }) => readers)).toEqual([100, 100, 30]);
        for (const { readers, places } of rows)
          expect(places).toEqual(Array.from({ length: readers }, (_, at) => at));
        // Topics that no variant was made for get the general one.
        expect((await deliveriesOf(db, issue.id)).size).toBe(230);
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
        const { issue, batch, submit } = await week(2);
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
      it('fault 16: submit every batch once, while readers leave and answers get lost', async () => {
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
        const leavers = readers.filter((_, index) => index % 9 === 0);
        const everything = workers.flatMap((submit) => issue.batches.map((batch) => submit(batch)));
        await Promise.all([...everything, ...leavers.map(leave)]);
        await assertInvariants(db, issue.id);
        for (let round = 0; round < 8 && !(await finishIssue(db, issue.id)); round += 1) {
          await expireLeases(db);
          const open = await claimableBatches(db, issue.id);
          await Promise.all(workers.flatMap((submit) => open.map((batch) => submit(batch))));
          await settleByRecall(db, provider);
          await assertInvariants(db, issue.id);
        }
        expect((await findIssue(db, { id: issue.id }))?.status).toBe('sent');
        expect(new Set(provider.copies).size).toBe(provider.copies.length);
        const progress = await issueProgress(db, issue.id);
        expect(progress.submitted).toBe(provider.copies.length);
        expect(progress).toMatchObject({ audience: 430, prepared: 0, uncertain: 0, failed: {} });
        expect(progress.submitted).toBeGreaterThanOrEqual(430 - leavers.length);
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

      it('every reader gets it once or is accounted for, and the issue ends (I1 to I5, I10)', async () => {
        await fc.assert(
          fc.asyncProperty(fc.array(event, { maxLength: 12 }), async (events) => {
            const { issue, readers, provider, submit } = await week(103);
            for (const each of events) {
              if (each === 'leases run out') await expireLeases(db);
              else if (each === 'recall') await settleByRecall(db, provider);
              else if ('leaves' in each) await leave(readers[each.leaves]);
              else if ('ages' in each) await ageClaim(db, issue.batches[each.ages] ?? '', 21);
              else {
                const asked = provider.requests.length;
                provider.plan(each.behaviour);
                await submit(issue.batches[each.submit] ?? '');
                if (provider.requests.length === asked) provider.unplan();
              }
              await assertInvariants(db, issue.id);
            }
            // The faults clear: what reconcile does, until there is nothing left to do.
            for (let round = 0; round < 8 && !(await finishIssue(db, issue.id)); round += 1) {
              await expireLeases(db);
              await settleByRecall(db, provider);
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

/** A provider that takes a request at once and answers when it is told to. */
class Door {
  readonly reached: Promise<void>;
  #reach = () => {};
  #answer: (outcome: Outcome) => void = () => {};
  #honest: Outcome = { kind: 'halt', reason: 'nobody was here' };
  constructor() {
    this.reached = new Promise((resolve) => {
      this.#reach = resolve;
    });
  }
  hold: Behaviour = (_, honest) => {
    this.#honest = honest();
    this.#reach();
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  };
  open(outcome = this.#honest): void {
    this.#answer(outcome);
  }
}
