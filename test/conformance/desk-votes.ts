import { load } from 'cheerio';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { findComparison } from '../../src/comparisons/comparison-store.ts';
import { castVote, countVotes } from '../../src/comparisons/votes/vote-store.ts';
import { watchVotes } from '../../src/comparisons/votes/watch-votes.ts';
import { listAudit } from '../../src/desk/audit/audit.ts';
import { openNotices } from '../../src/notices/notice-store.ts';
import { findSubscriberByAddress } from '../../src/subscribers/subscriber-store.ts';
import {
  deskForAll,
  EDITOR,
  type NewDeskDatabase,
  type TestDesk,
  type Visitor,
  WEEK,
} from '../helpers/desk.ts';
import { sendingIssue } from '../helpers/ledger.ts';

/** What the desk shows about votes that were set aside, and the decisions about them. */
export function describeSetAsideVotes(name: string, newDatabase: NewDeskDatabase): void {
  describe(`votes set aside, on ${name}`, () => {
    let desk: TestDesk;
    let editor: Visitor;
    const [PAIR] = WEEK as [(typeof WEEK)[number]];

    deskForAll(newDatabase, async (opened) => {
      ({ desk, editor } = opened);
      const { db } = desk.app;
      await desk.compose();
      await desk.addReaders(Array.from({ length: 30 }, (_, n) => `voter-${n}@readers.example`));
      await sql`update subscribers set created_at = '2020-01-01', confirmed_at = '2020-01-01'`.execute(db);
      for (const _ of [1, 2]) {
        const { id } = await sendingIssue(db);
        await sql`update issues set prepared_at = clock_timestamp() where id = ${id}`.execute(db);
      }
    });

    const burst = async (side: 0 | 1, from: number, to: number) => {
      const { db } = desk.app;
      const stored = await findComparison(db, PAIR.slug);
      for (let n = from; n < to; n += 1) {
        const { id = '' } = (await findSubscriberByAddress(db, `voter-${n}@readers.example`)) ?? {};
        await castVote(db, {
          ...{ subscriberId: id, comparisonId: stored?.id ?? '', tool: PAIR.tools[side], call: 'ship' },
          from: { network: '203.0.113.0/24', wideNetwork: null },
        });
      }
    };
    const counted = async () =>
      [...(await countVotes(desk.app.db, [PAIR])).values()].reduce(
        (sum, { ship, skip }) => sum + ship + skip,
        0,
      );
    const notices = async () =>
      (await openNotices(desk.app.db))
        .filter(({ kind }) => kind === 'votes-set-aside')
        .map(({ subject }) => subject);
    const page = async () => load((await editor.get('/editor/comparisons')).body);
    const form = async (decision: string) => {
      const shown = await page();
      const value = (field: string) => shown(`form[action$="/votes"] [name=${field}]`).attr('value') ?? '';
      return { tool: value('tool'), until: value('until'), decision };
    };

    it('F12: editors are notified once, and count or discard them, which is recorded', async () => {
      await burst(0, 0, 15);
      expect(await counted()).toBe(0);
      for (const _ of [1, 2]) await watchVotes(desk.app);
      expect(await notices()).toEqual(['orca']);
      expect((await page())('main').text()).toContain('orca: 15 votes, 15 ship and 0 skip');
      expect((await editor.get('/editor/sources')).body).toContain('15 votes on orca came from one network');

      const seen = await form('count');
      await burst(0, 15, 16);
      expect((await editor.post('/editor/comparisons/votes', seen)).statusCode).toBe(303);
      expect(await counted()).toBe(15);
      expect((await listAudit(desk.app.db, { limit: 1 }))[0]).toMatchObject({
        who: EDITOR,
        what: 'votes_counted',
        details: { tool: 'orca', votes: 15 },
      });
      await watchVotes(desk.app);
      expect(await notices()).toEqual(['orca']);

      await editor.post('/editor/comparisons/votes', await form('discard'));
      expect(await counted()).toBe(15);
      await watchVotes(desk.app);
      expect(await notices()).toEqual([]);
      expect((await page())('form[action$="/votes"]').length).toBe(0);
    });

    it('F12: an invalid decision changes nothing', async () => {
      await burst(1, 0, 12);
      const good = await form('count');
      for (const wrong of [
        { ...good, decision: 'constructor' },
        { ...good, decision: '' },
        { ...good, until: "infinity'" },
        { ...good, until: '' },
      ])
        expect((await editor.post('/editor/comparisons/votes', wrong)).statusCode).toBe(422);
      expect((await editor.post('/editor/comparisons/votes', { ...good, csrf: 'forged' })).statusCode).toBe(
        403,
      );
      expect((await form('count')).until).toBe(good.until);
    });
  });
}
