import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import { openResend } from '../../src/providers/resend/resend.ts';
import { applyEvents } from '../../src/sending/events/apply-events.ts';
import { finishIssue, issueProgress } from '../../src/sending/progress.ts';
import { createMailSender } from '../../src/sending/transactional/send-transactional-email.ts';
import { addSubscribers } from '../../src/subscribers/subscriber-store.ts';
import { keyId } from '../../src/subscribers/tokens.ts';
import { queueMail } from '../../src/transactional/transactional-store.ts';
import { ageEvents, eventAbout, HARD, subscriberRow, take, wakeEvents } from '../helpers/events.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { deliveriesOf, KEYS, weekOf } from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';
import { type FaultName, type LocalResend, startResend } from '../resend/index.ts';

/** Events about a message whose response is still awaited, and about mails whose response was a refusal. */
export function describeEarly(withDatabase: WithDatabase): void {
  describe('an event before the response', () => {
    let db: Connection;
    let provider: LocalResend;
    let mailer: ReturnType<typeof openResend>;
    withDatabase(({ kysely }) => {
      db = kysely;
    });
    beforeEach(async () => {
      await sql`update circuit set failures = 0, reason = null, since = null, open_until = null`.execute(db);
      provider = await startResend({ ratePerSecond: Number.POSITIVE_INFINITY });
      mailer = openResend({ apiKey: provider.apiKey, baseUrl: provider.url, random: () => 0 });
    });
    afterEach(async () => {
      await mailer?.[Symbol.asyncDispose]();
      await provider?.[Symbol.asyncDispose]();
    });

    it('fault 11: that is a complaint suppresses its reader at once', async () => {
      const { issue, readers, batch, submit, provider: memory } = await weekOf(db, 2, 'answer-lost');
      await submit(batch);
      const early = (await deliveriesOf(db, issue.id)).get(readers[0] ?? '');
      expect(await take(db, eventAbout('email.complained', early?.id ?? ''))).toMatchObject({
        parked: 1,
        suppressed: 1,
      });
      expect(await subscriberRow(db, readers[0])).toEqual({ status: 'suppressed', reason: 'complained' });

      // The batch is asked for without that reader, and the conflict settles it.
      await submit(batch);
      expect(await issueProgress(db, issue.id)).toMatchObject({ submitted: 2, uncertain: 0 });
      await wakeEvents(db);
      expect(await applyEvents(db)).toMatchObject({ applied: 1, settled: [], suppressed: 0 });
      expect(await finishIssue(db, issue.id)).toBe(true);
      expect(memory.copies).toHaveLength(2);
      await assertInvariants(db, issue.id);
    });

    it('fault 11: that is a bounce waits for the response, which says more', async () => {
      const { issue, readers, batch, submit } = await weekOf(db, 4, 'answer-lost');
      await submit(batch);
      const early = (await deliveriesOf(db, issue.id)).get(readers[0] ?? '');
      const bounce = eventAbout('email.bounced', early?.id ?? '', { data: HARD });
      expect(await take(db, bounce)).toMatchObject({ parked: 1, suppressed: 0 });
      expect(await submit(batch)).toMatchObject({ kind: 'done' });
      expect(await issueProgress(db, issue.id)).toMatchObject({ submitted: 4, uncertain: 0 });
      await wakeEvents(db);
      expect(await applyEvents(db)).toMatchObject({ applied: 1, suppressed: 1, settled: [] });
      expect(await subscriberRow(db, readers[0])).toEqual({ status: 'suppressed', reason: 'bounced' });
      await assertInvariants(db, issue.id);
    });

    describe('a mail', () => {
      const settings = {
        from: 'Verdicts <hello@verdicts.example>',
        replyTo: 'desk@verdicts.example',
        newsletter: { name: 'Verdicts', url: 'https://verdicts.example', postalAddress: '1 Street' },
      };
      async function confirmMail() {
        const email = `${randomUUID()}@readers.example`;
        const status = 'pending' as const;
        await addSubscribers(
          db,
          [{ email, key: email, status, topics: [], timezone: null, confirmedAt: null }],
          'test',
        );
        const { id: subscriberId } = await db
          .selectFrom('subscribers')
          .select('id')
          .where('email_key', '=', email)
          .executeTakeFirstOrThrow();
        const id = await queueMail(db, { kind: 'confirm', subscriberId, keyId: keyId(KEYS[0]) });
        return { id, send: createMailSender(db, mailer, KEYS, settings), subscriberId };
      }
      const rowOf = (id: string) =>
        db.selectFrom('mails').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
      const age = (id: string, hours: number) =>
        sql`update mails set claimed_at = claimed_at - make_interval(hours => ${hours}) where id = ${id}`.execute(
          db,
        );
      const asked = async (id: string | undefined) =>
        (
          await db
            .selectFrom('consent_events')
            .select('id')
            .where('subscriber_id', '=', id ?? '')
            .where('event', '=', 'confirm_sent')
            .execute()
        ).length;

      it.each<FaultName>(['daily-quota', 'monthly-quota', '403-domain', '429-retry-after'])(
        'fault 5: that met %s is not too old a day later, because nobody has it',
        async (fault) => {
          const { id, send } = await confirmMail();
          provider.plan(fault);
          expect((await send(id)).kind).toMatch(/again|wait/);
          await age(id, 30);
          expect(await send(id)).toEqual({ kind: 'done' });
          expect(await rowOf(id)).toMatchObject({ status: 'sent', attempts: 1 });
          expect(provider.total).toBe(1);
        },
      );

      it('fault 5: that met a quota after its response got lost becomes uncertain a day later: it may have arrived', async () => {
        const { id, send } = await confirmMail();
        provider.plan('reset-after', 'daily-quota');
        await send(id);
        await send(id);
        await age(id, 30);
        expect(await send(id)).toEqual({ kind: 'done' });
        expect(await rowOf(id)).toMatchObject({ status: 'uncertain' });
        expect(provider.total).toBe(1);
      });

      it('fault 11: with an event before its response is recorded still stores the wording of the question', async () => {
        const { id, send, subscriberId } = await confirmMail();
        provider.plan('reset-after');
        await send(id);
        const event = eventAbout('email.delivered', null, { data: { tags: { mail: id } } });
        expect(await take(db, event)).toMatchObject({ parked: 1, applied: 0 });
        expect(await rowOf(id)).toMatchObject({ status: 'pending' });
        expect(await send(id)).toEqual({ kind: 'done' });
        await wakeEvents(db);
        expect(await applyEvents(db)).toMatchObject({ applied: 1 });
        expect(await rowOf(id)).toMatchObject({ status: 'sent' });
        expect(await asked(subscriberId)).toBe(1);
        expect(provider.total).toBe(1);
      });

      it('fault 11: that cannot be sent again counts as sent, if an event arrived before that was known', async () => {
        const { id, send, subscriberId } = await confirmMail();
        provider.plan('reset-after');
        await send(id);
        expect(
          await take(db, eventAbout('email.sent', null, { data: { tags: { mail: id } } })),
        ).toMatchObject({
          parked: 1,
        });
        await age(id, 21);
        await send(id);
        expect(await rowOf(id)).toMatchObject({ status: 'uncertain' });
        await ageEvents(db, 21);
        expect(await applyEvents(db)).toMatchObject({ applied: 1 });
        expect(await rowOf(id)).toMatchObject({ status: 'sent', provider_id: expect.any(String) });
        expect(await asked(subscriberId)).toBe(1);
      });
    });
  });
}
