import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { notify, openNotices } from '../../src/notices/notice-store.ts';
import type { Connection } from '../../src/platform/db/database.ts';
import { parseAddress } from '../../src/subscribers/address.ts';
import { deleteExpiredEvidence } from '../../src/subscribers/consent-log/consent-log-store.ts';
import { forgetOldSignUps } from '../../src/subscribers/sign-up/sign-up-store.ts';
import { foldAddress } from '../../src/transactional/requests/request-policy.ts';
import { NOTICE_RULES } from '../../src/workflow/notice-rules.ts';
import type { WeekContext } from '../../src/workflow/week-context.ts';
import type { WithDatabase } from '../helpers/locations.ts';
import { signUpsForAll } from '../helpers/sign-ups.ts';

/** How much mail the form may cause, and how long data about its users is stored. */
export function describeLimits(withDatabase: WithDatabase): void {
  describe('limits of the form', () => {
    let db: Connection;
    withDatabase(({ kysely }) => {
      db = kysely;
    });
    const { events, pass, post, row, sent, signUp, work } = signUpsForAll(withDatabase);

    it('an inbox gets one mail in 10 minutes, 3 a day, 5 in 30 days, however it is spelled', async () => {
      const spellings = [
        'l.imit@gmail.com',
        'li.mit@gmail.com',
        'limit+1@gmail.com',
        'LIMIT+2@googlemail.com',
      ];
      const count = async () => {
        for (const email of spellings) await post({ email });
        await work();
        return sent.length;
      };
      expect(await count()).toBe(1);
      await pass('9 minutes');
      expect(await count()).toBe(1);
      await pass('2 minutes');
      expect(await count()).toBe(2);
      await pass('11 minutes');
      expect(await count()).toBe(3);
      await pass('11 minutes');
      expect(await count()).toBe(3);
      await pass('24 hours');
      expect(await count()).toBe(4);
      await pass('24 hours');
      expect(await count()).toBe(5);
      await pass('24 hours');
      expect(await count()).toBe(5);
      await pass('31 days');
      expect(await count()).toBe(6);
    });

    it('when the budget of a domain without readers is exceeded, its sign-ups wait, and others do not', async () => {
      const people = Array.from({ length: 32 }, (_, index) => `p${index}@small-host.example`);
      for (const email of people) await post({ email });
      await post({ email: 'elsewhere@example.org' });
      expect(await work()).toEqual(['small-host.example']);
      expect(sent.filter(({ to }) => to.endsWith('@small-host.example'))).toHaveLength(30);
      expect(sent.some(({ to }) => to === 'elsewhere@example.org')).toBe(true);
      expect(await db.selectFrom('mail_requests').selectAll().execute()).toHaveLength(2);
      for (const subject of ['small-host.example', 'other-host.example', '*'])
        await notify(db, { kind: 'sign-up-flood', subject, message: 'A flood.', at: new Date() });
      const floods = async () => {
        const current = await NOTICE_RULES['sign-up-flood'].find(
          { db } as WeekContext,
          await openNotices(db),
        );
        return current.map(({ subject }) => subject);
      };
      expect(await floods()).toEqual(['small-host.example', '*']);
      await pass('61 minutes');
      expect(await work()).toEqual([]);
      expect(await floods()).toEqual([]);
      expect(sent).toHaveLength(33);
      expect(await db.selectFrom('mail_requests').selectAll().execute()).toEqual([]);
    });

    it('a person who never confirmed is forgotten after 30 days, and may sign up again', async () => {
      await signUp('shy@example.org');
      const { id } = (await row('shy@example.org')) ?? { id: '' };
      await pass('29 days');
      await forgetOldSignUps(db, new Date());
      expect(await row('shy@example.org')).toBeDefined();
      await pass('2 days');
      await forgetOldSignUps(db, new Date());
      expect(await row('shy@example.org')).toBeUndefined();
      expect(await row(id)).toMatchObject({ email: '', status: 'unsubscribed', reason: 'never confirmed' });
      expect(
        await db.selectFrom('confirmations').selectAll().where('subscriber_id', '=', id).execute(),
      ).toEqual([]);
      expect(JSON.stringify(await events(id))).not.toContain('shy@');
      await signUp('shy@example.org');
      expect(sent).toHaveLength(2);
    });

    it('Y10: the origin of a consent is stored as long as somebody reads, and a year after', async () => {
      await post({ email: 'traced@example.org' }, { headers: { 'user-agent': 'Reader/1.0' } });
      await work();
      const evidence = () =>
        db
          .selectFrom('consent_evidence')
          .select(['ip', 'user_agent'])
          .where('user_agent', '=', 'Reader/1.0')
          .execute();
      const found = [{ ip: expect.stringMatching(/^10\./), user_agent: 'Reader/1.0' }];
      expect(await evidence()).toEqual(found);
      await sql`update subscribers set status = 'active', confirmed_at = now() where email = 'traced@example.org'`.execute(
        db,
      );
      await pass('30 months');
      await deleteExpiredEvidence(db, 12);
      expect(await evidence()).toEqual(found);

      const leave = (ago: string) =>
        sql`update subscribers set status = 'unsubscribed', left_at = now() - ${ago}::interval
          where email = 'traced@example.org'`.execute(db);
      await leave('11 months');
      await deleteExpiredEvidence(db, 12);
      expect(await evidence()).toEqual(found);
      await leave('13 months');
      expect(await deleteExpiredEvidence(db, 12)).toBeGreaterThan(0);
      expect(await evidence()).toEqual([]);
    });

    it('the stored hash of an inbox does not reveal the address', async () => {
      const address = parseAddress('secret.person@gmail.com');
      if ('reason' in address) throw new Error(address.reason);
      await signUp(address.email);
      const counted = JSON.stringify(await db.selectFrom('mail_request_counts').selectAll().execute());
      expect(counted).not.toContain('secret');
      expect(counted).not.toContain(foldAddress(address.key));
    });
  });
}
