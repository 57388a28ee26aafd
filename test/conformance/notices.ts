import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { countOpenNotices, notifyAll, openNotices } from '../../src/notices/notice-store.ts';
import { DUTIES, reconcile } from '../../src/workflow/duties.ts';
import { approve, cancel } from '../../src/workflow/week.ts';
import type { NewDeskDatabase } from '../helpers/desk.ts';
import { CHIEF, EDITOR, openWeeks, type Weeks } from '../helpers/weeks.ts';

const FIRST = '2027-01-05';
const OPS = 'ops@desk.example';

/** What needs a person, who is mailed about it, and when it is over. */
export function describeNotices(name: string, newDatabase: NewDeskDatabase): void {
  describe(`notices on ${name}`, () => {
    let weeks: Weeks;
    const open = async (env: Record<string, string> = {}) => {
      weeks = await openWeeks(newDatabase, env);
    };
    afterEach(async () => {
      await weeks?.[Symbol.asyncDispose]();
    });
    const kinds = async () => (await openNotices(weeks.app.db)).map(({ kind }) => kind);
    const bodies = (to: string) =>
      weeks.inbox.filter((mail) => mail.to === to).map(({ text }) => text.replace(/\s+/gu, ' '));

    describe('with the default operators', () => {
      beforeEach(() => open());

      it('Y3: a late issue is mailed at once to publishers and editors, once, and again when it goes out', async () => {
        await weeks.news('a-vs-b');
        await weeks.minute();
        expect(weeks.subjects(EDITOR)).toEqual(['Issue 1 is ready for review']);
        weeks.inbox.length = 0;
        weeks.at('2027-01-05T09:00:00Z');
        await weeks.minute();
        const subject = `The issue of ${FIRST} did not go out`;
        expect(weeks.inbox.map(({ to, subject: of }) => [to, of])).toEqual([
          [CHIEF, subject],
          [EDITOR, subject],
        ]);
        expect(bodies(EDITOR)[0]).toContain('Nobody approved it before its slot.');
        expect(bodies(EDITOR)[0]).toContain('Approve it, and it goes out at once');
        expect(bodies(EDITOR)[0]).toContain(`https://verdicts.example/editor/issues/${FIRST}`);
        await weeks.hours('2027-01-05T10:00:00Z', '2027-01-05T20:00:00Z', 2);
        expect(weeks.inbox).toHaveLength(2);
        await approve(weeks.app, await weeks.issue(FIRST));
        await weeks.minute();
        await weeks.minute();
        expect(weeks.subjects(EDITOR)).toEqual([subject, 'Over: It was sent.']);
        expect(await kinds()).toEqual([]);
      });

      it('Y3: a late issue that is cancelled, or sent by the next one, closes its notice', async () => {
        await weeks.news('a-vs-b');
        await weeks.minute();
        weeks.at('2027-01-05T09:00:00Z');
        await weeks.minute();
        expect(await kinds()).toEqual(['issue-late']);
        weeks.at('2027-01-11T09:00:00Z');
        await weeks.minute();
        await approve(weeks.app, await weeks.issue('2027-01-12'));
        weeks.at('2027-01-12T09:00:00Z');
        await weeks.minute();
        await weeks.minute();
        expect(await kinds()).toEqual([]);
        expect(bodies(CHIEF).at(-1)).toContain('issue 2027-01-12 was sent with what was in it');
      });

      it('Y6: an issue that stopped half-way is told with its reason, and that it goes on', async () => {
        await weeks.news('a-vs-b');
        await weeks.minute();
        await approve(weeks.app, await weeks.issue(FIRST));
        weeks.provider.plan({ kind: 'halt', reason: 'The daily quota is used up.' });
        weeks.at('2027-01-05T09:00:00Z');
        await weeks.minute();
        await weeks.minute();
        expect(await weeks.issue(FIRST)).toMatchObject({ status: 'paused', resumeTo: 'sending' });
        expect(weeks.subjects(CHIEF).at(-1)).toBe(`The issue of ${FIRST} stopped half-way`);
        expect(bodies(EDITOR).at(-1)).toContain('The daily quota is used up.');
        await cancel(weeks.app, await weeks.issue(FIRST));
        weeks.at('2027-01-05T09:30:00Z');
        await weeks.minute();
        expect(weeks.subjects(CHIEF).at(-1)).toBe('Over: It was cancelled.');
      });

      it('Y7, B22: a skipped slot is told; news before it too; and its notice closes when the slot has passed', async () => {
        await weeks.minute();
        expect(weeks.subjects(EDITOR)).toEqual([`Nothing goes out on ${FIRST}`]);
        expect(bodies(EDITOR)[0]).toContain('No new comparison since the last issue.');
        weeks.at('2027-01-04T15:00:00Z');
        await weeks.news('a-vs-b', 'c-vs-d');
        await weeks.minute();
        expect(weeks.subjects(EDITOR).toSorted()).toEqual([
          'Issue 1 is ready for review',
          `Nothing goes out on ${FIRST}`,
          'Over: It is composed after all, with 2 comparisons.',
        ]);
        expect(await kinds()).toEqual([]);

        await approve(weeks.app, await weeks.issue(FIRST));
        weeks.at('2027-01-05T09:00:00Z');
        await weeks.minute();
        weeks.at('2027-01-11T09:00:00Z');
        await weeks.minute();
        expect(await kinds()).toEqual(['silent-week']);
        const before = weeks.inbox.length;
        weeks.at('2027-01-12T09:00:00Z');
        await weeks.minute();
        expect(await kinds()).toEqual([]);
        expect(weeks.inbox).toHaveLength(before);
      });

      it('Y7: a slot that is found empty after it has passed is told, and its notice closes a day later', async () => {
        weeks.at('2027-01-06T12:00:00Z');
        await weeks.minute();
        expect(weeks.subjects(EDITOR)).toEqual([`Nothing goes out on ${FIRST}`]);
        weeks.at('2027-01-07T13:00:00Z');
        await weeks.minute();
        expect(await kinds()).toEqual([]);
      });

      it('Y6: nothing sent for longer than a week and a day is told once, and when it is over', async () => {
        await weeks.news('a-vs-b');
        await weeks.minute();
        await approve(weeks.app, await weeks.issue(FIRST));
        weeks.at('2027-01-05T09:00:00Z');
        await weeks.minute();
        await weeks.minute();
        const told = () =>
          weeks.subjects(CHIEF).filter((subject) => subject.includes('more than eight days'));
        weeks.at('2027-01-13T08:59:00Z');
        await weeks.minute();
        expect(told()).toEqual([]);
        await weeks.hours('2027-01-13T09:01:00Z', '2027-01-17T09:01:00Z', 24);
        expect(told()).toHaveLength(1);
        expect(weeks.subjects(EDITOR).some((subject) => subject.includes('eight days'))).toBe(false);
        await weeks.news('c-vs-d');
        weeks.at('2027-01-18T09:00:00Z');
        await weeks.minute();
        await approve(weeks.app, await weeks.issue('2027-01-19'));
        weeks.at('2027-01-19T09:00:00Z');
        await weeks.minute();
        await weeks.minute();
        expect(weeks.subjects(CHIEF).at(-1)).toBe('Over: An issue was sent.');
      });

      it('Y6: a duty that fails is told, also one that no version has any more is forgotten', async () => {
        const broken = {
          'do a thing': async () => {
            throw new Error('it is broken');
          },
        };
        for (let times = 0; times < 3; times += 1) await reconcile(weeks.app, broken);
        await reconcile(weeks.app, { 'mail notices': DUTIES['mail notices'] });
        const { rows } = await sql<{ content: string }>`
          select content::text as content from mails where kind = 'notice' and recipient = ${CHIEF}
        `.execute(weeks.app.db);
        expect(rows[0]?.content).toContain('The worker cannot do a thing');
        await weeks.minute();
        expect(await kinds()).not.toContain('duty-failing');
      });

      it('Y6: 1,000 uncertain batches and 100 failing sources are one mail to each person', async () => {
        const { db } = weeks.app;
        const at = weeks.app.clock();
        const many = (count: number) =>
          Array.from({ length: count }, (_, index) => {
            const subject = randomUUID();
            return { subject, message: `${index}: ${subject}`, at };
          });
        expect(await notifyAll(db, 'batch-uncertain', many(1_000))).toHaveLength(1_000);
        expect(await notifyAll(db, 'source-failing', many(100))).toHaveLength(100);
        await reconcile(weeks.app, { 'mail notices': DUTIES['mail notices'] });
        await reconcile(weeks.app, { 'mail notices': DUTIES['mail notices'] });
        const mails = await db.selectFrom('mails').select(['recipient', 'content']).execute();
        expect(mails.map(({ recipient }) => recipient)).toEqual([CHIEF]);
        expect(JSON.stringify(mails[0]?.content).length).toBeLessThan(8_000);
        // No batch is uncertain, and no such source is configured: they close together, and that is one mail too.
        weeks.at('2027-01-04T12:30:00Z');
        await weeks.minute();
        expect(await countOpenNotices(db)).toEqual({ 'silent-week': 1 });
        const over = weeks.inbox.filter(({ text }) => text.includes('And 990 more.'));
        expect(over.map(({ to }) => to)).toEqual([CHIEF]);
      });

      it('workers that look in the same moment mail once', async () => {
        const { db } = weeks.app;
        await notifyAll(db, 'events-missing', [{ subject: 'x', message: 'M.', at: weeks.app.clock() }]);
        const mailing = { 'mail notices': DUTIES['mail notices'] };
        await Promise.all(Array.from({ length: 5 }, () => reconcile(weeks.app, mailing)));
        const mails = await db.selectFrom('mails').select('recipient').execute();
        expect(mails).toEqual([{ recipient: CHIEF }]);
      });

      it('what began and ended between two mails is told to nobody', async () => {
        const { db } = weeks.app;
        await notifyAll(db, 'sign-up-flood', [
          { subject: 'a.example', message: 'A.', at: weeks.app.clock() },
        ]);
        await weeks.minute();
        expect(weeks.subjects(CHIEF).join()).not.toContain('sign-ups');
        expect(await kinds()).toEqual(['silent-week']);
      });

      it('a notice that keeps coming and going is mailed at growing intervals', async () => {
        const { db } = weeks.app;
        const start = Date.parse('2027-01-04T12:00:00Z');
        for (let minute = 0; minute < 360; minute += 3) {
          weeks.at(new Date(start + minute * 60_000).toISOString());
          if (minute % 2 === 0)
            await notifyAll(db, 'events-missing', [{ subject: 'x', message: 'M.', at: weeks.app.clock() }]);
          else
            await sql`update notices set resolved_at = ${weeks.app.clock()} where resolved_at is null`.execute(
              db,
            );
          await reconcile(weeks.app, { 'mail notices': DUTIES['mail notices'] });
        }
        const { rows } = await sql<{ count: number }>`select count(*)::int as count from mails`.execute(db);
        expect(rows[0]?.count).toBeGreaterThan(6);
        expect(rows[0]?.count).toBeLessThanOrEqual(6 + 6);
      });
    });

    it('Y6: with APPROVAL=auto, failed checks are mailed with the reason, and the late mail repeats it', async () => {
      await open({ APPROVAL: 'auto', POSTAL_ADDRESS: '' });
      await weeks.news('a-vs-b');
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'review' });
      expect(weeks.subjects(EDITOR)).toContain(`The issue of ${FIRST} failed its checks`);
      expect(bodies(CHIEF).join()).toContain('No issue can be approved without a postal address.');
      const before = weeks.inbox.length;
      weeks.at('2027-01-04T18:00:00Z');
      await weeks.minute();
      expect(weeks.inbox).toHaveLength(before);
      weeks.at('2027-01-05T09:00:00Z');
      await weeks.minute();
      expect(weeks.subjects(EDITOR).at(-1)).toBe(`The issue of ${FIRST} did not go out`);
      expect(bodies(EDITOR).at(-1)).toContain('No issue can be approved without a postal address.');
      expect(await kinds()).toEqual(['issue-late']);
    });

    it('with APPROVAL=auto, a draft that a crash left in review is approved all the same', async () => {
      await open({ APPROVAL: 'auto' });
      await weeks.news('a-vs-b');
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'approved' });
      await sql`update issues set status = 'review', approved_at = null`.execute(weeks.app.db);
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'approved' });
    });

    it('Y6: OPERATORS are mailed about everything, editors about what they can deal with', async () => {
      await open({ OPERATORS: OPS });
      await weeks.minute();
      await notifyAll(weeks.app.db, 'sign-up-flood', [
        { subject: '*', message: 'More sign-ups than may be mailed.', at: weeks.app.clock() },
      ]);
      weeks.at('2027-01-04T12:20:00Z');
      await reconcile(weeks.app, { 'mail notices': DUTIES['mail notices'] });
      await weeks.minute();
      expect(weeks.subjects(OPS)[0]).toBe(`Nothing goes out on ${FIRST}`);
      expect(weeks.subjects(OPS)[1]).toBe('More sign-ups than may be mailed');
      expect(weeks.subjects(CHIEF)).toEqual([`Nothing goes out on ${FIRST}`]);
    });

    it('without anybody to mail, notices wait for an address', async () => {
      await open({ EDITORS: '' });
      await weeks.minute();
      expect(weeks.inbox).toEqual([]);
      Object.assign(weeks.app.config, { operators: [OPS] });
      await weeks.minute();
      expect(weeks.subjects(OPS)).toEqual([`Nothing goes out on ${FIRST}`]);
    });
  });
}
