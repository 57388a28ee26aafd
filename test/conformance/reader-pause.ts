import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import { issueProgress } from '../../src/sending/progress.ts';
import { createSubmitter } from '../../src/sending/submit.ts';
import { eraseSubscriber } from '../../src/subscribers/erase/own-data-store.ts';
import { pause, resume } from '../../src/subscribers/preferences/preferences-store.ts';
import { findSubscriber, unsubscribe } from '../../src/subscribers/subscriber-store.ts';
import { assertInvariants } from '../helpers/invariants.ts';
import { deliveriesOf, KEYS, onlyReaders, sendingIssue } from '../helpers/ledger.ts';
import type { WithDatabase } from '../helpers/locations.ts';
import { Provider } from '../helpers/provider.ts';
import { readersIn } from '../helpers/readers.ts';

/** A pause: how long it lasts, and that issues exclude the paused reader. */
export function describePauses(withDatabase: WithDatabase): void {
  let db: Connection;
  withDatabase(({ kysely }) => {
    db = kysely;
  });
  const { eventsOf, reader } = readersIn(withDatabase);

  describe('a pause', () => {
    it('lasts four weeks, is logged once, and ends when the reader ends it', async () => {
      const { id } = await reader();
      await Promise.all([pause(db, id), pause(db, id)]);
      const until = (await findSubscriber(db, id))?.pausedUntil ?? new Date(0);
      const days = (until.getTime() - Date.now()) / 86_400_000;
      expect(Math.round(days)).toBe(28);
      await Promise.all([resume(db, id), resume(db, id)]);
      expect((await findSubscriber(db, id))?.pausedUntil).toBeNull();
      const events = await eventsOf(id);
      expect(events.map(({ event }) => event)).toEqual(['preference_changed', 'preference_changed']);
      expect(events[1]?.details).toEqual({ pausedUntil: null });
    });

    it('that has expired has no effect', async () => {
      const { id } = await reader();
      await pause(db, id);
      await sql`update subscribers set paused_until = now() - interval '1 second' where id = ${id}`.execute(
        db,
      );
      expect((await findSubscriber(db, id))?.pausedUntil).toBeNull();
      await pause(db, id);
      expect((await findSubscriber(db, id))?.pausedUntil).not.toBeNull();
    });

    it('is available to active readers only', async () => {
      for (const status of ['pending', 'unsubscribed', 'suppressed'] as const) {
        const { id } = await reader(status);
        await pause(db, id);
        expect((await findSubscriber(db, id))?.pausedUntil).toBeNull();
        expect(await eventsOf(id)).toEqual([]);
      }
    });
  });

  describe('an issue', () => {
    it('excludes readers who paused before the freeze, and readers who paused, unsubscribed or were erased before the claim', async () => {
      const [early = '', late = '', gone = '', erased = '', stays = ''] = await onlyReaders(db, [
        [],
        [],
        [],
        [],
        [],
      ]);
      await pause(db, early);
      const { id, batches } = await sendingIssue(db);
      await pause(db, late);
      await unsubscribe(db, gone, 'one_click');
      await eraseSubscriber(db, { id: erased }, 'post_button');
      const provider = new Provider();
      const submit = createSubmitter(db, provider, KEYS);
      for (const batch of batches) await submit(batch);
      const outcome = new Map(
        [...(await deliveriesOf(db, id))].map(([who, row]) => [who, row.reason ?? row.status]),
      );
      expect(Object.fromEntries(outcome)).toEqual({
        [early]: 'paused',
        [late]: 'paused',
        [gone]: 'unsubscribed',
        [erased]: 'suppressed',
        [stays]: 'submitted',
      });
      expect(await issueProgress(db, id)).toMatchObject({ audience: 5, submitted: 1, prepared: 0 });
      await assertInvariants(db, id);
    });
  });
}
