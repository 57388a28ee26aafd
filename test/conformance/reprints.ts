import { load } from 'cheerio';
import { sql } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';
import { pushComparison, saveComparisons } from '../../src/comparisons/comparison-store.ts';
import type { Comparison } from '../../src/comparisons/model.ts';
import {
  answerReprint,
  listReprints,
  type ReprintAnswer,
} from '../../src/comparisons/reprints/reprint-store.ts';
import { changedVerdict } from '../../src/issues/changes.ts';
import { findChanged, findIssue, type Issue } from '../../src/issues/issue-store.ts';
import { openNotices } from '../../src/notices/notice-store.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { approve, draft, finish, prepare, slotToCompose } from '../../src/workflow/week.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { deskForAll, EDITOR, type NewDeskDatabase, type TestDesk, type Visitor } from '../helpers/desk.ts';

/** A site that prints its comparisons in another way. */
export function describeReprints(name: string, newDatabase: NewDeskDatabase): void {
  describe(`a site that changes its print, on ${name}`, () => {
    let desk: TestDesk;
    let editor: Visitor;
    deskForAll(newDatabase, (opened) => {
      ({ desk, editor } = opened);
    });
    beforeEach(async () => {
      const { db } = desk.app;
      const tables = [
        'issue_comparisons',
        'reprints',
        'field_changes',
        'notices',
        'revisions',
        'comparisons',
      ];
      for (const table of tables) await sql`delete from ${sql.table(table)}`.execute(db);
      // A slot is unique; slots in the past are free.
      await sql`update issues i set slot = date '1990-01-02' + past.n::int, slug = 'past-' || past.n, resume_to = null,
        status = case when plan is null then 'skipped' else 'cancelled' end
        from (select id, row_number() over (order by due_at, id) + (select count(*) from issues where slug like 'past-%') as n
          from issues where slug not like 'past-%') past
        where past.id = i.id`.execute(db);
      await desk.addReaders(['reader@readers.example']);
    });

    type Print = (n: number) => { price: string; panel?: number; tagline?: string };
    const pair = (n: number, print: Print): Comparison => {
      const { price, panel = 50, tagline = `Left ${n} in one line.` } = print(n);
      const left = tool(`Left ${n}`, panel, { entryPrice: price, tagline });
      return comparison(`left-${n}-vs-right-${n}`, left, tool(`Right ${n}`, 50));
    };
    const all = (count: number, print: Print) => Array.from({ length: count }, (_, n) => pair(n, print));
    const from: Print = (n) => ({ price: `From $${n + 1}/mo` });
    const startsAt: Print = (n) => ({ price: `Starts at $${n + 1}/mo` });
    /** The first five cost more, too. */
    const startsAtMore: Print = (n) => ({ price: `Starts at $${n + (n < 5 ? 100 : 1)}/mo` });

    /** What the next issue would tell as changed. */
    const told = async () =>
      (await findChanged(desk.app.db, undefined)).flatMap(
        (each) => changedVerdict(each)?.row.whatMoved ?? [],
      );
    const gather = (comparisons: Comparison[]) => saveComparisons(desk.app.db, comparisons);
    const reprints = () => listReprints(desk.app.db);
    const answer = async (given: ReprintAnswer) => {
      const [open] = await listReprints(desk.app.db, { isOpen: true });
      await answerReprint(desk.app.db, { id: open?.id ?? '', answer: given, who: EDITOR, at: new Date() });
    };

    /** All of them go out in one issue, at most 40. */
    async function mail(comparisons: Comparison[]): Promise<Issue> {
      const { app } = desk;
      await gather(comparisons);
      const issue = await approve(app, await draft(app, await slotToCompose(app)));
      await prepare(app, issue.id);
      for (const batch of await claimableBatches(app.db, issue.id)) await app.submit(batch);
      await finish(app, issue.id);
      const sent = await findIssue(app.db, { id: issue.id });
      expect(sent?.status).toBe('sent');
      return sent as Issue;
    }

    it('Y2: "$20 per month" instead of "$20/mo" is told nowhere, and is recorded as one event', async () => {
      await mail(all(30, (n) => ({ price: `$${n + 1}/mo` })));
      await gather(all(30, (n) => ({ price: `$${n + 1} per month` })));
      expect(await told()).toEqual([]);
      expect(await reprints()).toMatchObject([
        { field: 'price', comparisons: 30, isTold: false, answer: 'not_news', answeredBy: null },
      ]);
      expect(await openNotices(desk.app.db)).toEqual([]);
    });

    it('Y2: 25 new prints are one question and no news, 5 new prices among them are told', async () => {
      await mail(all(30, from));
      await gather(all(30, startsAtMore));
      expect((await told()).sort()).toEqual(
        [0, 1, 2, 3, 4].map(
          (n) => `The entry price of Left ${n} went from From $${n + 1}/mo to Starts at $${n + 100}/mo.`,
        ),
      );
      expect(await reprints()).toMatchObject([{ comparisons: 25, archiveSize: 30, answer: null }]);
      const [notice, ...more] = await openNotices(desk.app.db);
      expect(more).toEqual([]);
      expect(notice).toMatchObject({ kind: 'reprint' });
      expect(notice?.message).toContain('25 of 30 comparisons changed the entry price in the same way');
    });

    it('Y2: what else changed in a comparison with a new print is told, alone', async () => {
      await mail(all(30, from));
      await gather(all(30, (n) => ({ ...startsAt(n), panel: n < 5 ? 80 : 50 })));
      expect((await told()).sort()).toEqual(
        [0, 1, 2, 3, 4].map((n) => `Left ${n} took the lead: reviewers went from about half to most.`),
      );
    });

    it('Y2: it is the same when the print trickles in over many gatherings, or by push', async () => {
      await mail(all(30, from));
      const [first, second, third] = [0, 4, 12].map((at, index) =>
        all(30, startsAt).slice(at, [4, 12, 28][index]),
      );
      await gather(first ?? []);
      expect(await told()).toHaveLength(4);
      await gather(second ?? []);
      expect(await told()).toEqual([]);
      await gather(third ?? []);
      for (const each of all(30, startsAt).slice(28)) await pushComparison(desk.app.db, each);
      expect(await told()).toEqual([]);
      expect(await reprints()).toMatchObject([{ comparisons: 30 }]);
      expect(await openNotices(desk.app.db)).toHaveLength(1);
    });

    it('Y2: what changed in the same way long before does not count', async () => {
      await mail(all(30, from));
      await gather(all(4, startsAt));
      await sql`update field_changes set at = now() - interval '9 days'`.execute(desk.app.db);
      await gather(all(8, startsAt));
      expect(await told()).toHaveLength(8);
      expect(await reprints()).toEqual([]);
    });

    it('Y2: "not news" makes the new print the baseline: nothing is told, a later price is', async () => {
      await mail(all(30, from));
      await gather(all(30, startsAt));
      await answer('not_news');
      expect(await told()).toEqual([]);
      expect(await openNotices(desk.app.db)).toEqual([]);
      await gather([pair(3, () => ({ price: 'Starts at $99/mo' })), ...all(30, startsAt).slice(4)]);
      expect(await told()).toEqual([
        'The entry price of Left 3 went from Starts at $4/mo to Starts at $99/mo.',
      ]);
    });

    it('Y2: a site that takes its print back is no news, either', async () => {
      await mail(all(30, from));
      await gather(all(30, startsAt));
      await answer('not_news');
      await gather(all(30, from));
      expect(await told()).toEqual([]);
      await answer('not_news');
      await gather([pair(3, () => ({ price: 'From $99/mo' }))]);
      expect(await told()).toEqual(['The entry price of Left 3 went from From $4/mo to From $99/mo.']);
    });

    it('Y2: "real changes" tells them, also those that come in later', async () => {
      await mail(all(30, from));
      await gather(all(20, startsAt));
      expect(await told()).toEqual([]);
      await answer('news');
      expect(await told()).toHaveLength(20);
      await gather(all(30, startsAt));
      expect(await told()).toHaveLength(30);
      expect(await openNotices(desk.app.db)).toEqual([]);
    });

    it('Y2: figures that changed in half of the archive are a question; news goes on after "not news"', async () => {
      await mail(all(30, () => ({ price: 'Free', panel: 60 })));
      await gather(all(20, () => ({ price: 'Free', panel: 20 })));
      expect(await told()).toEqual([]);
      await answer('not_news');
      await gather([pair(7, () => ({ price: 'Free', panel: 90 }))]);
      expect(await told()).toEqual(['Left 7 took the lead: reviewers went from only a few to most.']);
    });

    it('Y2: another wording is recorded, and nobody is asked: no issue tells it', async () => {
      await mail(all(30, (n) => ({ price: 'Free', tagline: `Left ${n} in one line.` })));
      await gather(all(30, (n) => ({ price: 'Free', tagline: `Left ${n} in one line. Read on!` })));
      expect(await reprints()).toMatchObject([{ field: 'tagline', isTold: false, answer: 'not_news' }]);
      expect(await openNotices(desk.app.db)).toEqual([]);
    });

    it('Y2: the desk asks on the page of the sources; the answer is logged, and the first one stands', async () => {
      const mailed = await mail(all(30, from));
      await gather(all(30, startsAt));
      const page = load((await editor.get('/editor/sources')).body);
      expect(page('#reprints').text()).toContain('“From $1/mo” → “Starts at $1/mo”');
      const action = page('#reprints form').attr('action') ?? '';
      expect((await editor.post(action, { answer: 'perhaps' })).statusCode).toBe(422);
      expect((await editor.post(action, { answer: 'not_news' })).statusCode).toBe(303);
      expect((await editor.post(action, { answer: 'news' })).statusCode).toBe(303);
      expect(await reprints()).toMatchObject([{ answer: 'not_news', answeredBy: EDITOR }]);
      const answered = load((await editor.get('/editor/sources')).body);
      expect(answered('#reprints form')).toHaveLength(0);
      expect(answered('#reprints').text()).toContain(`not news, says ${EDITOR}`);
      expect(load((await editor.get('/editor/log')).body)('main').text()).toContain(
        'said whether a change of the site is news · answer: not_news · change: 30 of 30 comparisons',
      );
      // The public page agrees with the answer.
      const open = await desk.server.inject({ url: '/comparisons/left-3-vs-right-3' });
      expect(open.body).toContain(`href="/issues/${mailed.slug}"`);
      expect(open.body).toContain('Nothing of it changed since.');
    });

    it('Y2: a draft that told some of it before there was a question stops, until it is composed again', async () => {
      await mail(all(60, from).slice(0, 40));
      await mail(all(60, from).slice(40));
      await gather([...all(4, startsAt), comparison('new-vs-fresh', tool('New', 75), tool('Fresh', 25))]);
      const { app } = desk;
      const slot = { key: '2026-12-08', label: 'the next', dueAt: new Date('2026-12-08T08:00:00Z') };
      const open = await draft(app, slot);
      expect(open.plan?.changed).toHaveLength(4);
      await gather(all(60, startsAt));
      await expect(approve(app, open)).rejects.toMatchObject({
        code: 'checks-failed',
        message: expect.stringContaining('4 of its changes are a change of the whole site'),
      });
      const again = await draft(app, slot);
      expect(again.plan?.changed).toEqual([]);
      expect((await approve(app, again)).status).toBe('approved');
    });

    it('Y2: an issue that is composed while nobody has answered carries none of it', async () => {
      await mail(all(30, from));
      await gather([...all(30, startsAt), comparison('new-vs-fresh', tool('New', 75), tool('Fresh', 25))]);
      const { app } = desk;
      const slot = { key: '2026-12-01', label: 'the next', dueAt: new Date('2026-12-01T08:00:00Z') };
      const open = await draft(app, slot);
      expect(open.plan?.comparisons.map((each) => each.comparison.slug)).toEqual(['new-vs-fresh']);
      expect(open.plan?.changed).toEqual([]);
      await answer('news');
      expect((await draft(app, slot)).plan?.changed.length).toBeGreaterThan(0);
    });
  });
}
