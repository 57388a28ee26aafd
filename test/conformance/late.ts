import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { editIssue } from '../../src/issues/compose-issue.ts';
import { hideComparison } from '../../src/issues/take-down/take-down.ts';
import { moveIssue } from '../../src/workflow/move-issue.ts';
import {
  approve,
  cancel,
  draft,
  resume,
  send,
  slotToCompose,
  weekSettings,
} from '../../src/workflow/week.ts';
import type { NewDeskDatabase } from '../helpers/desk.ts';
import { CHIEF, openWeeks, type Weeks } from '../helpers/weeks.ts';

const FIRST = '2027-01-05';
const SECOND = '2027-01-12';

/** A slot that passed without its issue. */
export function describeLate(name: string, newDatabase: NewDeskDatabase): void {
  describe(`a missed slot on ${name}`, () => {
    let weeks: Weeks;
    beforeEach(async () => {
      weeks = await openWeeks(newDatabase);
    });
    afterEach(async () => {
      await weeks?.[Symbol.asyncDispose]();
    });

    it('Y3: an issue that nobody approved is paused at its slot, and the next one carries its comparisons', async () => {
      await weeks.news('a-vs-b', 'c-vs-d');
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'review', lateAt: null });
      weeks.at('2027-01-05T09:00:00Z');
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({
        status: 'paused',
        resumeTo: 'review',
        reason: 'Nobody approved it before its slot.',
        lateAt: expect.any(Date),
      });
      await weeks.news('e-vs-f');
      weeks.at('2027-01-11T09:00:00Z');
      await weeks.minute();
      const next = await weeks.issue(SECOND);
      expect(next.status).toBe('review');
      expect(next.plan?.comparisons.map(({ comparison }) => comparison.slug).toSorted()).toEqual([
        'a-vs-b',
        'c-vs-d',
        'e-vs-f',
      ]);
      await approve(weeks.app, next);
      weeks.at('2027-01-12T09:00:00Z');
      await weeks.minute();
      await weeks.minute();
      expect(await weeks.mailed()).toEqual({ [SECOND]: ['a-vs-b', 'c-vs-d', 'e-vs-f'] });
      expect(await weeks.issue(FIRST)).toMatchObject({
        status: 'skipped',
        number: null,
        reason: `It missed its slot, and issue ${SECOND} was sent with what was in it.`,
        lateAt: null,
      });
    });

    it('Y3: what is gone from its site, or left out, keeps no late issue open once the next one was sent', async () => {
      const { db } = weeks.app;
      await weeks.news('a-vs-b', 'c-vs-d', 'e-vs-f');
      await weeks.minute();
      weeks.at('2027-01-05T09:00:00Z');
      await weeks.minute();
      await sql`update comparisons set gone_at = now(), gone_by = 'page', gone_reason = 'answered 410'
        where slug = 'c-vs-d'`.execute(db);
      weeks.at('2027-01-11T09:00:00Z');
      await weeks.minute();
      const next = await weeks.issue(SECOND);
      expect(next.plan?.comparisons).toHaveLength(2);
      await editIssue(
        db,
        {
          ...{ issueId: next.id, revision: next.revision, who: CHIEF },
          edit: { kind: 'leave_out', slug: 'e-vs-f', reason: 'not about a tool' },
        },
        weekSettings(weeks.app),
      );
      await approve(weeks.app, await weeks.issue(SECOND));
      weeks.at('2027-01-12T09:00:00Z');
      await weeks.minute();
      await weeks.minute();
      expect(await weeks.mailed()).toEqual({ [SECOND]: ['a-vs-b'] });
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'skipped' });
    });

    it('Y3: the process was down over draft and slot: the issue is composed late, paused, and the next week is not skipped', async () => {
      await weeks.news('a-vs-b');
      // A day and a half after the slot.
      weeks.at('2027-01-06T21:00:00Z');
      await weeks.minute();
      const late = await weeks.issue(FIRST);
      expect(late).toMatchObject({ status: 'paused', resumeTo: 'review' });
      expect(late.reason).toContain('composed after its slot');
      expect(late.reason).toContain('missed by more than 12 hours');
      weeks.at('2027-01-11T09:00:00Z');
      await weeks.minute();
      expect(await weeks.issue(SECOND)).toMatchObject({ status: 'review' });
    });

    it('Y3: two drafts that are composed in one minute, the late one first, do not starve the next', async () => {
      await weeks.news('a-vs-b');
      weeks.at('2027-01-11T10:00:00Z');
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'paused' });
      expect(await weeks.issue(SECOND)).toMatchObject({ status: 'review', reason: null });
    });

    it('Y3: a late issue that is sent after all repeats nothing, and the next one leaves it out', async () => {
      await weeks.news('a-vs-b', 'c-vs-d');
      await weeks.minute();
      weeks.at('2027-01-05T09:00:00Z');
      await weeks.minute();
      weeks.at('2027-01-06T09:00:00Z');
      await approve(weeks.app, await weeks.issue(FIRST));
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'sent', lateAt: null, reason: null });
      await weeks.news('e-vs-f');
      weeks.at('2027-01-11T09:00:00Z');
      await weeks.minute();
      await approve(weeks.app, await weeks.issue(SECOND));
      weeks.at('2027-01-12T09:00:00Z');
      await weeks.minute();
      expect(await weeks.mailed()).toEqual({ [FIRST]: ['a-vs-b', 'c-vs-d'], [SECOND]: ['e-vs-f'] });
    });

    it('Y3: what the next issue carries by now is refused with what to do, and no reader gets it twice', async () => {
      await weeks.news('a-vs-b', 'c-vs-d');
      await weeks.minute();
      weeks.at('2027-01-05T09:00:00Z');
      await weeks.minute();
      const late = await weeks.issue(FIRST);
      weeks.at('2027-01-11T09:00:00Z');
      await weeks.minute();
      const refused = { code: 'contents-taken', help: 'Nothing is left of it: cancel it.' };
      await expect(approve(weeks.app, late)).rejects.toMatchObject(refused);
      // The editor holds one back: it is left for the late issue.
      await cancel(weeks.app, await weeks.issue(SECOND));
      await approve(weeks.app, await weeks.issue(FIRST));
      await weeks.minute();
      expect(await weeks.mailed()).toEqual({ [FIRST]: ['a-vs-b', 'c-vs-d'] });
    });

    it('Y3: a late issue is composed again without what the next one was sent with, and asks for another approval', async () => {
      await weeks.news('a-vs-b', 'c-vs-d');
      await weeks.minute();
      await approve(weeks.app, await weeks.issue(FIRST));
      await inTime(FIRST);
      weeks.at('2027-01-05T21:30:00Z');
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'paused', resumeTo: 'approved' });
      // The next issue carries one of the two.
      weeks.at('2027-01-11T09:00:00Z');
      await weeks.minute();
      await sql`delete from issue_comparisons ic using issues i, comparisons c
        where i.id = ic.issue_id and c.id = ic.comparison_id and i.slug = ${SECOND} and c.slug = 'c-vs-d'`.execute(
        weeks.app.db,
      );
      await approve(weeks.app, await weeks.issue(SECOND));
      weeks.at('2027-01-12T09:00:00Z');
      await weeks.minute();
      const paused = await weeks.issue(FIRST);
      await expect(send(weeks.app, paused)).rejects.toMatchObject({
        code: 'contents-taken',
        message: `Issue ${FIRST} missed its slot, and issue ${SECOND} carries what was in it.`,
        help: 'It was composed again from what is left: look at it, and approve that.',
      });
      const left = await weeks.issue(FIRST);
      expect(left).toMatchObject({ status: 'paused', resumeTo: 'review' });
      expect(left.plan?.comparisons.map(({ comparison }) => comparison.slug)).toEqual(['c-vs-d']);
      await approve(weeks.app, left);
      await weeks.minute();
      expect(await weeks.mailed()).toMatchObject({ [FIRST]: ['c-vs-d'], [SECOND]: ['a-vs-b'] });
    });

    it('Y3: an editor may edit a late issue: it is not paused again while they do', async () => {
      await weeks.news('a-vs-b');
      await weeks.minute();
      weeks.at('2027-01-05T09:00:00Z');
      await weeks.minute();
      await resume(weeks.app, await weeks.issue(FIRST));
      weeks.at('2027-01-05T09:30:00Z');
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'review' });
      // Nobody finishes it.
      weeks.at('2027-01-11T09:00:00Z');
      await weeks.minute();
      expect(await weeks.issue(SECOND)).toMatchObject({ status: 'review' });
      await expect(approve(weeks.app, await weeks.issue(FIRST))).rejects.toMatchObject({
        code: 'contents-taken',
      });
    });

    it('Y3: an issue that a person paused before its slot is late too, and stays resumable', async () => {
      await weeks.news('a-vs-b');
      await weeks.minute();
      await approve(weeks.app, await weeks.issue(FIRST));
      await sql`update issues set status = 'paused', resume_to = 'approved', reason = 'Wait.'`.execute(
        weeks.app.db,
      );
      weeks.at('2027-01-05T09:05:00Z');
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({
        status: 'paused',
        reason: 'Wait.',
        lateAt: expect.any(Date),
      });
      await resume(weeks.app, await weeks.issue(FIRST));
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'sent', lateAt: null });
    });

    it('Y3: the reason of a skipped slot names the issue that keeps its comparisons', async () => {
      await weeks.news('a-vs-b');
      await weeks.minute();
      await approve(weeks.app, await weeks.issue(FIRST));
      await sql`update issues set status = 'paused', resume_to = 'sending', reason = 'The quota is used up.'`.execute(
        weeks.app.db,
      );
      weeks.at('2027-01-11T09:00:00Z');
      await weeks.minute();
      expect((await weeks.issue(SECOND)).reason).toContain(
        `Issue ${FIRST}, which is paused, has one comparison that is not sent yet.`,
      );
    });

    it('Y3: taking a comparison down works on a late issue, whatever the next one carries', async () => {
      await weeks.news('a-vs-b', 'c-vs-d');
      await weeks.minute();
      await approve(weeks.app, await weeks.issue(FIRST));
      await inTime(FIRST);
      weeks.at('2027-01-05T21:30:00Z');
      await weeks.minute();
      await hideComparison(weeks.app.db, { slug: 'a-vs-b', reason: 'wrong price', who: 'test' });
      const late = await weeks.issue(FIRST);
      expect(late).toMatchObject({ status: 'paused', resumeTo: 'review' });
      expect(late.plan?.comparisons.map(({ comparison }) => comparison.slug)).toEqual(['c-vs-d']);
      weeks.at('2027-01-11T09:00:00Z');
      await weeks.minute();
      await hideComparison(weeks.app.db, { slug: 'c-vs-d', reason: 'wrong price', who: 'test' });
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'skipped' });
      expect(await weeks.issue(SECOND)).toMatchObject({ status: 'skipped' });
    });

    it('I6: with APPROVAL=auto a slot is served up to twelve hours late, and waits for a person after that', async () => {
      await weeks.news('a-vs-b');
      const auto = { ...weeks.app, config: { ...weeks.app.config, approval: 'auto' as const } };
      weeks.at('2027-01-05T20:59:00Z');
      expect(await slotToCompose(auto)).toMatchObject({ key: FIRST });
      Object.assign(weeks.app, { config: auto.config });
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'sent' });
      await weeks.news('c-vs-d');
      weeks.at('2027-01-12T21:01:00Z');
      await weeks.minute();
      expect(await weeks.issue(SECOND)).toMatchObject({ status: 'paused', resumeTo: 'review' });
    });

    it('B22: a skipped slot that is still ahead is composed again when news comes', async () => {
      weeks.at('2027-01-04T13:00:00Z');
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'skipped', number: null });
      // The database's clock is not the one of this test.
      const { db } = weeks.app;
      await sql`update issues set created_at = ${weeks.app.clock()}`.execute(db);
      const { revision } = await weeks.issue(FIRST);
      await weeks.minute();
      expect((await weeks.issue(FIRST)).revision).toBe(revision);
      await weeks.news('a-vs-b', 'c-vs-d');
      weeks.at('2027-01-04T13:40:00Z');
      await sql`update comparisons set first_seen_at = ${weeks.app.clock()}`.execute(db);
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'review', reason: null });
      expect((await weeks.issue(FIRST)).plan?.comparisons).toHaveLength(2);
    });

    it('B22: a slot that was skipped stays skipped once it has passed', async () => {
      weeks.at('2027-01-05T08:00:00Z');
      await weeks.minute();
      await weeks.news('a-vs-b');
      weeks.at('2027-01-05T09:00:00Z');
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'skipped' });
      weeks.at('2027-01-11T09:00:00Z');
      await weeks.minute();
      expect(await weeks.issue(SECOND)).toMatchObject({ status: 'review' });
    });

    it('B26: one issue goes out a day after its slot, and the next one keeps its own', async () => {
      await weeks.news('a-vs-b');
      await weeks.minute();
      const approved = await approve(weeks.app, await weeks.issue(FIRST));
      const moved = await moveIssue(weeks.app, approved, new Date('2027-01-06T09:00:00Z'));
      expect(moved).toMatchObject({
        slug: FIRST,
        status: 'approved',
        dueAt: new Date('2027-01-06T09:00:00Z'),
      });
      await weeks.hours('2027-01-05T08:59:00Z', '2027-01-06T08:59:00Z', 8);
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'approved', lateAt: null });
      expect(weeks.subjects(CHIEF)).toEqual(['Issue 1 is ready for review']);
      weeks.at('2027-01-06T09:00:00Z');
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'sent' });
      await weeks.news('c-vs-d');
      weeks.at('2027-01-11T09:00:00Z');
      await weeks.minute();
      expect(await weeks.issue(SECOND)).toMatchObject({ dueAt: new Date('2027-01-12T09:00:00Z') });
    });

    it('B26: a moved issue that nobody approves is late at its new time, and a late one can be moved', async () => {
      await weeks.news('a-vs-b');
      await weeks.minute();
      await moveIssue(weeks.app, await weeks.issue(FIRST), new Date('2027-01-06T09:00:00Z'));
      weeks.at('2027-01-05T09:00:00Z');
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'review' });
      weeks.at('2027-01-06T09:00:00Z');
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'paused', lateAt: expect.any(Date) });
      await expect(
        moveIssue(weeks.app, await weeks.issue(FIRST), new Date('2027-01-07T09:00:00Z')),
      ).rejects.toMatchObject({ code: 'issue-refuses' });
      const resumed = await resume(weeks.app, await weeks.issue(FIRST));
      await moveIssue(weeks.app, resumed, new Date('2027-01-07T09:00:00Z'));
      await approve(weeks.app, await weeks.issue(FIRST));
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'approved', lateAt: null });
      weeks.at('2027-01-07T09:00:00Z');
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'sent' });
    });

    it('B26: a time that has passed, or that belongs to the next issue, is refused', async () => {
      await weeks.news('a-vs-b');
      await weeks.minute();
      const issue = await weeks.issue(FIRST);
      for (const to of ['2027-01-04T11:59:00Z', '2027-01-12T09:00:00Z', '2027-02-01T09:00:00Z'])
        await expect(moveIssue(weeks.app, issue, new Date(to))).rejects.toMatchObject({
          code: 'move-refused',
        });
      expect(await weeks.issue(FIRST)).toMatchObject({ dueAt: new Date('2027-01-05T09:00:00Z') });
      await moveIssue(weeks.app, issue, new Date('2027-01-12T08:59:00Z'));
    });

    it('a person composes after the slot: the issue is late, and not taken from their hands', async () => {
      await weeks.news('a-vs-b');
      weeks.at('2027-01-05T10:00:00Z');
      const issue = await draft(weeks.app, await slotToCompose(weeks.app));
      expect(issue).toMatchObject({ slug: FIRST, status: 'review', lateAt: expect.any(Date) });
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'review' });
      await approve(weeks.app, issue);
      await weeks.minute();
      expect(await weeks.issue(FIRST)).toMatchObject({ status: 'sent' });
    });

    /** Approved in time by the clock of this test, which is not the database's. */
    async function inTime(slot: string): Promise<void> {
      await weeks.app.db
        .updateTable('issues')
        .set({ approved_at: weeks.app.clock() })
        .where('slot', '=', slot)
        .execute();
    }
  });
}
