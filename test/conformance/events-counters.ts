import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import { issueCounters, issueWithoutEvents } from '../../src/sending/counters/counter-store.ts';
import { unsubscribe } from '../../src/subscribers/subscriber-store.ts';
import { eventAbout, HARD, SOFT, submittedWeek, take } from '../helpers/events.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import type { WithDatabase } from '../helpers/locations.ts';

/** The counters that an editor sees of a sent issue. */
export function describeFigures(withDatabase: WithDatabase): void {
  describe('the counters of an issue', () => {
    let db: Connection;
    withDatabase(({ kysely }) => {
      db = kysely;
    });

    const click = (id: string | undefined, second: number, link: string, userAgent = 'Mozilla/5.0') =>
      eventAbout('email.clicked', id ?? '', {
        at: new Date(Date.UTC(2026, 10, 24, 9, 0, second)).toISOString(),
        data: { click: { link: `https://site.example/${link}`, userAgent } },
      });

    it('are those of the ledger, with the clicks of programs counted separately', async () => {
      const { issue, readers, deliveries } = await submittedWeek(db, 9);
      await sql`update issues set prepared_at = now() where id = ${issue.id}`.execute(db);
      const [early = '', late = '', scanner = '', everything = '', undelivered = '', opened = ''] =
        deliveries;
      const at = '2026-11-24T09:00:00Z';
      // Out of order: the clicks arrive before the deliveries that they are compared with.
      await take(
        db,
        click(early, 20, 'a'),
        click(late, 20, 'a'),
        click(late, 300, 'b'),
        click(scanner, 300, 'a', 'Barracuda Sentinel'),
        ...['a', 'b', 'c', 'd', 'e'].map((link) => click(everything, 300, link)),
        click(undelivered, 10, 'a'),
      );
      await take(
        db,
        ...[early, late, scanner, everything, opened].map((id) => eventAbout('email.delivered', id, { at })),
        eventAbout('email.opened', opened),
        eventAbout('email.opened', opened),
        eventAbout('email.bounced', deliveries[6] ?? '', { data: HARD }),
        eventAbout('email.bounced', deliveries[7] ?? '', { data: SOFT }),
        eventAbout('email.complained', deliveries[8] ?? ''),
      );
      await unsubscribe(db, readers[1] ?? '', 'test');
      expect(await issueCounters(db, issue.id)).toEqual({
        delivered: 6,
        bouncedHard: 1,
        bouncedSoft: 1,
        complained: 1,
        failed: 0,
        opened: 1,
        clicked: 2,
        clickedByMachines: 3,
        left: 1,
      });
      await assertInvariants(db, issue.id);
    });

    it('are zero for an issue without events, and for an unknown issue', async () => {
      const { issue } = await submittedWeek(db, 2);
      const nothing = {
        ...{ delivered: 0, bouncedHard: 0, bouncedSoft: 0, complained: 0, failed: 0 },
        ...{ opened: 0, clicked: 0, clickedByMachines: 0, left: 0 },
      };
      expect(await issueCounters(db, issue.id)).toEqual(nothing);
      expect(await issueCounters(db, randomUUID())).toEqual(nothing);
    });

    it('Y11: report missing events only when an issue was accepted a while ago and no event arrived since', async () => {
      const { issue, deliveries } = await submittedWeek(db, 1);
      const prepared = (minutes: number) =>
        sql`update issues set prepared_at = now() - make_interval(mins => ${minutes}) where id = ${issue.id}`.execute(
          db,
        );
      const accepted = (minutes: number) =>
        sql`update deliveries set submitted_at = now() - make_interval(mins => ${minutes}) where issue_id = ${issue.id}`.execute(
          db,
        );
      await sql`update issues set prepared_at = null`.execute(db);
      await sql`update events set received_at = received_at - interval '1 day'`.execute(db);
      const { slug } = await db
        .selectFrom('issues')
        .select('slug')
        .where('id', '=', issue.id)
        .executeTakeFirstOrThrow();
      expect(await issueWithoutEvents(db)).toBeUndefined();
      await prepared(24 * 60);
      // The provider did not answer for a day.
      await accepted(29);
      expect(await issueWithoutEvents(db), 'accepted 29 minutes ago').toBeUndefined();
      await accepted(31);
      expect(await issueWithoutEvents(db)).toBe(slug);
      await take(db, eventAbout('email.sent', deliveries[0] ?? ''));
      expect(await issueWithoutEvents(db)).toBeUndefined();
    });
  });
}
