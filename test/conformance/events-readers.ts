import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import { suppressSoftBouncers } from '../../src/sending/events/event-store.ts';
import { finishIssue } from '../../src/sending/progress.ts';
import { unsubscribe } from '../../src/subscribers/subscriber-store.ts';
import {
  deliveryRow,
  eventAbout,
  HARD,
  nextWeek,
  SOFT,
  submittedWeek,
  subscriberRow,
  suppressionsOf,
  take,
} from '../helpers/events.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { deliveriesOf } from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';

/** Which events suppress a reader, and which do not. */
export function describeTakingOff(withDatabase: WithDatabase): void {
  describe('a reader', () => {
    let db: Connection;
    withDatabase(({ kysely }) => {
      db = kysely;
    });

    it('stays on the list after a soft bounce, and is suppressed after the third issue in a row', async () => {
      const first = await submittedWeek(db, 3);
      const { readers } = first;
      const soft = (id: string | undefined) => eventAbout('email.bounced', id ?? '', { data: SOFT });
      await take(db, soft(first.deliveries[0]), soft(first.deliveries[1]), soft(first.deliveries[2]));
      expect(await deliveryRow(db, first.deliveries[0])).toMatchObject({
        status: 'bounced',
        bounce: 'soft',
        reason: 'MailboxFull',
      });
      await sql`update issues set prepared_at = due_at where id = ${first.issue.id}`.execute(db);
      expect(await suppressSoftBouncers(db)).toBe(0);

      const second = await nextWeek(db, readers);
      await sql`update issues set prepared_at = due_at where id = ${second.issue.id}`.execute(db);
      // The second one is an out-of-office reply: the mail arrived.
      await take(
        db,
        soft(second.deliveries[0]),
        soft(second.deliveries[1]),
        eventAbout('email.delivered', second.deliveries[1] ?? ''),
      );
      await take(db, soft(second.deliveries[2]));
      expect(await deliveryRow(db, second.deliveries[1])).toMatchObject({
        status: 'delivered',
        bounce: null,
      });
      expect(await suppressSoftBouncers(db)).toBe(0);

      const third = await nextWeek(db, readers);
      await sql`update issues set prepared_at = due_at where id = ${third.issue.id}`.execute(db);
      await take(db, soft(third.deliveries[0]), soft(third.deliveries[1]));
      expect(await suppressSoftBouncers(db)).toBe(1);
      expect(await suppressSoftBouncers(db)).toBe(0);
      expect(
        (await Promise.all(readers.map((id) => subscriberRow(db, id)))).map(({ status }) => status),
      ).toEqual(['suppressed', 'active', 'active']);
      expect(await suppressionsOf(db, readers[0])).toEqual(['bounce']);
    });

    it('who unsubscribed is suppressed by a complaint, and a complaint outweighs a bounce (I7)', async () => {
      const { readers, deliveries } = await submittedWeek(db, 2);
      await unsubscribe(db, readers[0] ?? '', 'test');
      await take(
        db,
        eventAbout('email.complained', deliveries[0] ?? ''),
        eventAbout('email.bounced', deliveries[1] ?? '', { data: HARD }),
      );
      expect(await subscriberRow(db, readers[0])).toEqual({ status: 'suppressed', reason: 'complained' });
      await take(db, eventAbout('email.complained', deliveries[1] ?? ''));
      expect(await subscriberRow(db, readers[1])).toEqual({ status: 'suppressed', reason: 'complained' });
      await take(db, eventAbout('email.bounced', deliveries[1] ?? '', { data: HARD }));
      expect(await subscriberRow(db, readers[1])).toEqual({ status: 'suppressed', reason: 'complained' });
      expect(await suppressionsOf(db, readers[1])).toEqual(['bounce', 'complaint']);
    });

    it('stays suppressed when the provider reports an address as suppressed, and the address is not stored', async () => {
      const { readers, issue } = await submittedWeek(db, 1);
      const { email } = (await deliveriesOf(db, issue.id)).get(readers[0] ?? '') ?? { email: '' };
      const added = eventAbout('suppression.added', null, {
        data: { email: email.toUpperCase(), origin: 'complaint', source_id: null, email_id: undefined },
      });
      await take(db, added);
      expect(await subscriberRow(db, readers[0])).toEqual({ status: 'suppressed', reason: 'complained' });
      const { rows } = await sql<{
        text: string;
      }>`select e::text as text from events e where id = ${added.id}`.execute(db);
      expect(rows[0]?.text.toLowerCase()).not.toContain(email);
      await take(db, eventAbout('suppression.removed', null, { data: { email } }));
      expect(await subscriberRow(db, readers[0])).toMatchObject({ status: 'suppressed' });
    });

    it('is suppressed when the provider refuses to mail them for ever', async () => {
      const { readers, deliveries } = await submittedWeek(db, 1);
      await take(
        db,
        eventAbout('email.suppressed', deliveries[0] ?? '', {
          data: { suppressed: { type: 'OnAccountSuppressionList' } },
        }),
      );
      expect(await deliveryRow(db, deliveries[0])).toMatchObject({
        bounce: 'hard',
        reason: 'OnAccountSuppressionList',
      });
      expect(await subscriberRow(db, readers[0])).toEqual({ status: 'suppressed', reason: 'bounced' });
    });

    it('stays on the list when the provider drops the mail because of a quota', async () => {
      const { issue, readers, deliveries } = await submittedWeek(db, 1);
      await take(
        db,
        eventAbout('email.failed', deliveries[0] ?? '', {
          data: { failed: { reason: 'reached_daily_quota' } },
        }),
      );
      expect(await deliveryRow(db, deliveries[0])).toMatchObject({
        status: 'failed',
        reason: 'reached_daily_quota',
      });
      expect(await subscriberRow(db, readers[0])).toMatchObject({ status: 'active' });
      expect(await finishIssue(db, issue.id)).toBe(true);
      await assertInvariants(db, issue.id);
    });
  });
}
