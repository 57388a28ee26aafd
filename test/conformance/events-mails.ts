import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import type { MailStatus } from '../../src/platform/db/schema.ts';
import { applyEvents } from '../../src/sending/events/apply-events.ts';
import { queueMail, queueMails } from '../../src/transactional/transactional-store.ts';
import { ageEvents, eventAbout, HARD, SOFT, submittedWeek, subscriberRow, take } from '../helpers/events.ts';
import type { WithDatabase } from '../helpers/locations.ts';

/** Events about a mail to one person. */
export function describeMailEvents(withDatabase: WithDatabase): void {
  describe('a transactional mail', () => {
    let db: Connection;
    withDatabase(({ kysely }) => {
      db = kysely;
    });

    async function mailTo(subscriberId: string | undefined, status: MailStatus, recipient?: string) {
      const id = await queueMail(db, {
        kind: recipient === undefined ? 'link' : 'change',
        keyId: 'aaaaaa',
        ...(subscriberId === undefined ? {} : { subscriberId }),
        ...(recipient === undefined ? {} : { recipient }),
      });
      await db.updateTable('mails').set({ status }).where('id', '=', id).execute();
      return id;
    }
    const about = (type: string, mail: string, data = {}) =>
      eventAbout(type, null, { data: { tags: { mail }, ...data } });

    it('that bounces hard or is complained about suppresses its reader', async () => {
      const { readers } = await submittedWeek(db, 3);
      const mails = await Promise.all(readers.map((id) => mailTo(id, 'sent')));
      await take(
        db,
        about('email.bounced', mails[0] ?? '', HARD),
        about('email.complained', mails[1] ?? ''),
        about('email.bounced', mails[2] ?? '', SOFT),
      );
      expect(await Promise.all(readers.map((id) => subscriberRow(db, id)))).toMatchObject([
        { status: 'suppressed', reason: 'bounced' },
        { status: 'suppressed', reason: 'complained' },
        { status: 'active' },
      ]);
    });

    it('to another address than the reader’s says nothing about the reader', async () => {
      const { readers } = await submittedWeek(db, 1);
      const toNew = await mailTo(readers[0], 'sent', 'new@readers.example');
      const toEditor = await mailTo(undefined, 'sent', 'desk@verdicts.example');
      expect(
        await take(db, about('email.bounced', toNew, HARD), about('email.bounced', toEditor, HARD)),
      ).toMatchObject({ applied: 2, suppressed: 0 });
      expect(await subscriberRow(db, readers[0])).toMatchObject({ status: 'active' });
    });

    it('whose response was lost counts as accepted, if there is an event about it', async () => {
      const { readers } = await submittedWeek(db, 1);
      const mail = await mailTo(readers[0], 'uncertain');
      const event = about('email.delivered', mail);
      await take(db, event);
      expect(
        await db
          .selectFrom('mails')
          .select(['status', 'provider_id'])
          .where('id', '=', mail)
          .executeTakeFirst(),
      ).toEqual({ status: 'sent', provider_id: event.providerId });

      // For a confirm mail this is part of the consent, and is logged once.
      const [asked] = await queueMails(db, [
        { kind: 'confirm', keyId: 'aaaaaa', ...(readers[0] ? { subscriberId: readers[0] } : {}) },
      ]);
      await sql`update mails set status = 'uncertain' where id = ${asked}`.execute(db);
      const delivered = about('email.delivered', asked ?? '');
      await take(db, delivered);
      await take(db, about('email.opened', asked ?? ''));
      const log = db.selectFrom('consent_events').select(['subscriber_id', 'details']);
      expect(await log.where('event', '=', 'confirm_sent').execute()).toEqual([
        { subscriber_id: readers[0], details: { mail: asked, provider: delivered.providerId } },
      ]);
      expect(await take(db, about('email.delivered', randomUUID()))).toMatchObject({ parked: 1 });
      await ageEvents(db, 73);
      expect(await applyEvents(db)).toMatchObject({ unmatched: 1 });
    });
  });
}
