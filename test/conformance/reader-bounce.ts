import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import { suppressSoftBouncers } from '../../src/sending/events/event-store.ts';
import { restoreSubscriber } from '../../src/subscribers/people-store.ts';
import { blockInbox } from '../../src/subscribers/sign-up/sign-up-store.ts';
import { addSubscribers } from '../../src/subscribers/subscriber-store.ts';
import { eventAbout, nextWeek, SOFT, submittedWeek, take } from '../helpers/events.ts';
import type { WithDatabase } from '../helpers/locations.ts';
import { readersIn } from '../helpers/readers.ts';
import { linkIn, signUpsForAll } from '../helpers/sign-ups.ts';

/** B17: how a reader whose mail bounced becomes active again, and nobody else does. */
export function describeWayBack(withDatabase: WithDatabase): void {
  let db: Connection;
  withDatabase(({ kysely }) => {
    db = kysely;
  });
  const { eventsOf, reader, rowOf } = readersIn(withDatabase);
  const { pass, press, sent, signUp } = signUpsForAll(withDatabase);
  const suppress = (id: string, reason: string | null) =>
    sql`update subscribers set status = 'suppressed', reason = ${reason}, left_at = now() where id = ${id}`.execute(
      db,
    );
  const restore = (id: string) => restoreSubscriber(db, id, { reason: 'the mailbox is mended' });

  describe('B17: a reader whose mail bounced', () => {
    it('signs up by the form, confirms, and is active again', async () => {
      const { id, email } = await reader();
      await suppress(id, 'bounced');
      await signUp(email);
      expect(sent.map(({ kind, to }) => [kind, to])).toEqual([['confirm', email]]);
      // The sign-up alone lifts nothing.
      expect(await rowOf(id)).toMatchObject({ status: 'suppressed', reason: 'bounced' });
      await press(linkIn(sent[0]));
      expect(await rowOf(id)).toMatchObject({ status: 'active', reason: null, left_at: null });
      const events = (await eventsOf(id)).map(({ event }) => event);
      expect(events).toEqual(['requested', 'confirm_sent', 'restored', 'confirmed']);
      expect((await eventsOf(id))[2]?.details).toMatchObject({ was: 'bounced' });
    });

    it('gets a confirm mail once a day and three times in 30 days, however often the address is typed', async () => {
      const { id, email } = await reader();
      await suppress(id, 'bounced');
      const counts: number[] = [];
      for (const wait of ['0 minutes', '11 minutes', '24 hours', '24 hours', '24 hours']) {
        await pass(wait);
        await signUp(email);
        counts.push(sent.length);
      }
      expect(counts).toEqual([1, 1, 2, 3, 3]);
    });

    it.each([
      ['complained', 'complained'],
      ['was suppressed by hand', 'by hand: asked by letter'],
      ['is blocked by a list', 'blocklisted'],
      ['was suppressed for an unknown reason', null],
    ])(
      'may come back; a person who %s gets no mail by the form, and no command lifts it',
      async (_who, reason) => {
        const { id, email } = await reader();
        await suppress(id, reason);
        await signUp(email);
        expect(sent).toEqual([]);
        expect(await restore(id)).toMatchObject({ kind: 'kept', reason });
        expect(await rowOf(id)).toMatchObject({ status: 'suppressed', reason });
      },
    );

    it('and then refused all mail is not restored, even when they refused in another spelling', async () => {
      const [one, other] = [await reader(), await reader()];
      await suppress(one.id, 'bounced');
      const nobody = { ip: null, userAgent: null };
      const invitation = { subscriberId: one.id, emailKey: one.key } as Parameters<typeof blockInbox>[1];
      await blockInbox(db, invitation, nobody);
      expect(await restore(one.id)).toMatchObject({ kind: 'kept', cause: 'refused' });
      await suppress(other.id, 'bounced');
      const spelled = other.key.replace('self.', 's.elf.');
      await blockInbox(db, { ...invitation, subscriberId: one.id, emailKey: spelled }, nobody);
      expect(await restore(other.id)).toMatchObject({ kind: 'kept', cause: 'refused' });
    });

    it('is restored by a person to the earlier status, with a log entry, once', async () => {
      const [stayed, left, asked] = [await reader(), await reader(), await reader('pending')];
      await sql`insert into consent_events (subscriber_id, event, method) values (${left.id}, 'unsubscribed', 'test')`.execute(
        db,
      );
      for (const { id } of [stayed, left, asked]) await suppress(id, 'bounced');
      expect(await restore(stayed.id)).toEqual({ kind: 'restored', status: 'active' });
      expect(await restore(stayed.id)).toEqual({ kind: 'not-suppressed', status: 'active' });
      expect(await rowOf(stayed.id)).toMatchObject({ status: 'active', reason: null, left_at: null });
      expect((await eventsOf(stayed.id)).at(-1)).toEqual({
        event: 'restored',
        method: 'admin',
        details: { was: 'bounced', reason: 'the mailbox is mended' },
      });
      expect(await restore(left.id)).toEqual({ kind: 'restored', status: 'unsubscribed' });
      expect(await restore(asked.id)).toEqual({ kind: 'never-confirmed' });
      expect(await restore(crypto.randomUUID())).toBeUndefined();
    });

    it('is reported separately by an import, and a complaint in a list outweighs the bounce', async () => {
      const people = [await reader(), await reader(), await reader()];
      for (const [at, reason] of ['bounced', 'complained', 'bounced'].entries())
        await suppress(people[at]?.id ?? '', reason);
      const row = ({ email, key }: { email: string; key: string }) => ({
        email,
        key,
        topics: [],
        timezone: null,
      });
      const confirmedAt = new Date('2026-11-01T00:00:00Z');
      const active = people
        .slice(0, 2)
        .map((each) => ({ ...row(each), status: 'active' as const, confirmedAt }));
      const spam = {
        ...row(people[2] ?? active[0] ?? { email: '', key: '' }),
        status: 'suppressed' as const,
      };
      const added = await addSubscribers(
        db,
        [...active, { ...spam, confirmedAt: null, reason: 'spam' }],
        'test',
      );
      expect(added.suppressed).toEqual({ bounced: 1, complained: 1, refused: 0, erased: 0, other: 0 });
      expect(added.left).toBe(1);
      expect(await restore(people[2]?.id ?? '')).toMatchObject({ kind: 'kept', cause: 'complained' });
    });

    it('is not suppressed again for the same three soft bounces', async () => {
      const first = await submittedWeek(db, 1);
      const soft = (id: string | undefined) =>
        take(db, eventAbout('email.bounced', id ?? '', { data: SOFT }));
      const weeks = [first, await nextWeek(db, first.readers), await nextWeek(db, first.readers)];
      for (const { issue, deliveries } of weeks) {
        await sql`update issues set prepared_at = due_at where id = ${issue.id}`.execute(db);
        await soft(deliveries[0]);
      }
      expect(await suppressSoftBouncers(db)).toBe(1);
      expect(await restore(first.readers[0] ?? '')).toEqual({ kind: 'restored', status: 'active' });
      expect(await suppressSoftBouncers(db)).toBe(0);
    });
  });
}
