import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import { applyEvents } from '../../src/sending/events/apply-events.ts';
import { forgetEvents, storeEvents } from '../../src/sending/events/event-store.ts';
import { finishIssue } from '../../src/sending/progress.ts';
import {
  ageEvents,
  deliveryRow,
  eventAbout,
  eventRow,
  HARD,
  recount,
  submittedWeek,
  subscriberRow,
  suppressionsOf,
  take,
  wakeEvents,
} from '../helpers/events.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { deliveriesOf } from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';

/** How an event is stored and applied, whenever and however often it arrives. */
export function describeTelling(withDatabase: WithDatabase): void {
  describe('an event', () => {
    let db: Connection;
    withDatabase(({ kysely }) => {
      db = kysely;
    });

    it('fault 11: reported five times is one event, and counts once', async () => {
      const { issue, deliveries } = await submittedWeek(db, 2);
      const event = eventAbout('email.delivered', deliveries[0] ?? '', { id: 'msg_five_times' });
      expect(await storeEvents(db, [event, event])).toBe(1);
      for (let time = 0; time < 3; time += 1) expect(await storeEvents(db, [event])).toBe(0);
      expect(await applyEvents(db)).toMatchObject({ applied: 1 });
      expect(await take(db, event)).toMatchObject({ applied: 0 });
      expect(await deliveryRow(db, deliveries[0])).toMatchObject({ status: 'delivered' });
      expect(await recount(db, issue.id)).toMatchObject({ delivered: 1 });
      await assertInvariants(db, issue.id);
    });

    it('fault 11: of a delivery changes nothing after a hard bounce (I7)', async () => {
      const { issue, readers, deliveries } = await submittedWeek(db, 1);
      await take(
        db,
        eventAbout('email.bounced', deliveries[0] ?? '', { data: HARD, at: '2026-11-24T09:00:05Z' }),
      );
      await take(db, eventAbout('email.delivered', deliveries[0] ?? '', { at: '2026-11-24T09:00:04Z' }));
      expect(await deliveryRow(db, deliveries[0])).toMatchObject({
        status: 'bounced',
        bounce: 'hard',
        reason: 'NoEmail',
        delivered_at: new Date('2026-11-24T09:00:04Z'),
      });
      expect(await subscriberRow(db, readers[0])).toEqual({ status: 'suppressed', reason: 'bounced' });
      expect(await suppressionsOf(db, readers[0])).toEqual(['bounce']);
      await assertInvariants(db, issue.id);
    });

    it('fault 11: of a complaint may arrive before the event of its delivery', async () => {
      const { issue, readers, deliveries } = await submittedWeek(db, 1);
      await take(db, eventAbout('email.complained', deliveries[0] ?? ''));
      await take(
        db,
        eventAbout('email.delivered', deliveries[0] ?? ''),
        eventAbout('email.sent', deliveries[0] ?? ''),
      );
      expect(await deliveryRow(db, deliveries[0])).toMatchObject({
        status: 'complained',
        bounce: null,
        reason: null,
      });
      expect(await subscriberRow(db, readers[0])).toEqual({ status: 'suppressed', reason: 'complained' });
      expect(await suppressionsOf(db, readers[0])).toEqual(['complaint']);
      expect(await recount(db, issue.id)).toMatchObject({ delivered: 1, complained: 1 });
      await assertInvariants(db, issue.id);
    });

    it('fault 11: that arrives before our own commit waits for it', async () => {
      const { issue, deliveries, batch, submit } = await submittedWeek(db, 2, 'answer-lost');
      const early = eventAbout('email.delivered', deliveries[0] ?? '');
      expect(await take(db, early)).toMatchObject({ applied: 0, parked: 1 });
      expect(await deliveryRow(db, deliveries[0])).toMatchObject({ status: 'prepared' });
      expect(await eventRow(db, early.id)).toMatchObject({ outcome: null, looks: 1 });
      expect(await applyEvents(db)).toMatchObject({ applied: 0, parked: 0 });

      await submit(batch);
      await wakeEvents(db);
      expect(await applyEvents(db)).toMatchObject({ applied: 1 });
      expect(await deliveryRow(db, deliveries[0])).toMatchObject({ status: 'delivered' });
      await assertInvariants(db, issue.id);
    });

    it('fault 11: with the provider’s id only, before we have stored that id, is matched later', async () => {
      const { issue, readers, deliveries, provider, batch, submit } = await submittedWeek(
        db,
        2,
        'answer-lost',
      );
      const { email } = (await deliveriesOf(db, issue.id)).get(readers[1] ?? '') ?? { email: '' };
      const answer = await provider.recall(`batch/${batch}/r1`);
      const ids =
        answer === 'unknown-key' ? [] : answer.map((item) => ('accepted' in item ? item.accepted : ''));
      const event = eventAbout('email.delivered', null, {
        data: { email_id: ids[provider.copies.indexOf(email)], to: [email] },
      });
      expect(await take(db, event)).toMatchObject({ applied: 0, parked: 1 });
      await submit(batch);
      await wakeEvents(db);
      expect(await applyEvents(db)).toMatchObject({ applied: 1 });
      expect(await deliveryRow(db, deliveries[1])).toMatchObject({ status: 'delivered' });
      await assertInvariants(db, issue.id);
    });

    it('D11: of a complaint about another product’s mail is kept, and suppresses nobody', async () => {
      const { issue, readers } = await submittedWeek(db, 2);
      const { email } = (await deliveriesOf(db, issue.id)).get(readers[0] ?? '') ?? { email: '' };
      const event = eventAbout('email.complained', null, { data: { to: [email.toUpperCase()] } });
      expect(await take(db, event)).toMatchObject({ applied: 0, parked: 1, suppressed: 0 });
      expect(await subscriberRow(db, readers[0])).toMatchObject({ status: 'active' });
      expect(JSON.stringify(await eventRow(db, event.id)).toLowerCase()).not.toContain(email.toLowerCase());
      await ageEvents(db, 73);
      expect(await applyEvents(db)).toMatchObject({ unmatched: 1 });
      await assertInvariants(db, issue.id);
    });

    it('fault 11: about an unknown message is given up after three days', async () => {
      const event = eventAbout('email.bounced', randomUUID(), { data: HARD });
      expect(await take(db, event)).toMatchObject({ parked: 1, unmatched: 0 });
      await ageEvents(db, 71);
      expect(await applyEvents(db)).toMatchObject({ parked: 1, unmatched: 0 });
      await ageEvents(db, 2);
      expect(await applyEvents(db)).toMatchObject({ parked: 0, unmatched: 1 });
      expect(await eventRow(db, event.id)).toMatchObject({ outcome: 'unmatched', due_at: null, looks: 3 });
    });

    it('fault 11: that is eight days late still counts', async () => {
      const { issue, readers, deliveries } = await submittedWeek(db, 2);
      expect(await finishIssue(db, issue.id)).toBe(true);
      await sql`update deliveries set submitted_at = submitted_at - interval '8 days' where issue_id = ${issue.id}`.execute(
        db,
      );
      await take(db, eventAbout('email.complained', deliveries[1] ?? '', { at: new Date().toISOString() }));
      expect(await deliveryRow(db, deliveries[1])).toMatchObject({ status: 'complained' });
      expect(await subscriberRow(db, readers[1])).toMatchObject({ status: 'suppressed' });
    });

    it('of an unknown type is stored, and changes nothing', async () => {
      const { issue, deliveries } = await submittedWeek(db, 1);
      const event = eventAbout('email.teleported', deliveries[0] ?? '');
      expect(await take(db, event)).toMatchObject({ applied: 0, parked: 0 });
      expect(await eventRow(db, event.id)).toMatchObject({ type: 'email.teleported', outcome: 'ignored' });
      expect(await deliveryRow(db, deliveries[0])).toMatchObject({ status: 'submitted' });
      await assertInvariants(db, issue.id);
    });

    it('Y9: is deleted after its time, though no other event ever comes', async () => {
      const { deliveries } = await submittedWeek(db, 1);
      const event = eventAbout('email.delivered', deliveries[0] ?? '');
      await take(db, event);
      expect(await forgetEvents(db, 90)).toBe(0);
      await sql`update events set received_at = now() - interval '91 days' where id = ${event.id}`.execute(
        db,
      );
      expect(await forgetEvents(db, 90)).toBe(1);
    });
  });
}
