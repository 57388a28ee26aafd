import { load } from 'cheerio';
import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import { saveComparisons } from '../../src/comparisons/comparison-store.ts';
import type { Comparison } from '../../src/comparisons/model.ts';
import { nameKey } from '../../src/comparisons/names.ts';
import { markHidden, markShown } from '../../src/comparisons/visibility-store.ts';
import { findIssue, type Issue } from '../../src/issues/issue-store.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { approve, draft, finish, prepare, slotToCompose } from '../../src/workflow/week.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { deskForAll, draftAt, type NewDeskDatabase, type TestDesk, type Visitor } from '../helpers/desk.ts';

/** What an issue told, in rows, by number, or by an editor's decision, and what the next issues tell after it. */
export function describeTold(name: string, newDatabase: NewDeskDatabase): void {
  describe(`what issues told, on ${name}`, () => {
    let desk: TestDesk;
    let editor: Visitor;
    let issue: Issue;
    deskForAll(newDatabase, (opened) => {
      ({ desk, editor } = opened);
    });
    const { edit, fresh } = draftAt(() => ({ desk, issue }));

    const pair = (n: number, price: number, panel = 50): Comparison =>
      comparison(
        `left-${n}-vs-right-${n}`,
        tool(`Left ${n}`, panel, { entryPrice: `$${price}/mo` }),
        tool(`Right ${n}`, 50),
      );
    const pairs = (count: number, price: number) =>
      Array.from({ length: count }, (_, n) => pair(n, price + n * 7));
    const gather = (comparisons: Comparison[]) => saveComparisons(desk.app.db, comparisons);

    async function compose(comparisons: Comparison[]): Promise<Issue> {
      await gather(comparisons);
      issue = await draft(desk.app, await slotToCompose(desk.app));
      return issue;
    }

    async function send(): Promise<void> {
      const { app } = desk;
      await approve(app, await fresh());
      await prepare(app, issue.id);
      for (const batch of await claimableBatches(app.db, issue.id)) await app.submit(batch);
      await finish(app, issue.id);
      expect((await findIssue(app.db, { id: issue.id }))?.status).toBe('sent');
    }

    const toldAs = async () => {
      const rows = await desk.app.db
        .selectFrom('issue_comparisons')
        .select(({ fn }) => ['section', 'told', fn.countAll<string>().as('count')])
        .where('issue_id', '=', issue.id)
        .groupBy(['section', 'told'])
        .execute();
      return Object.fromEntries(rows.map((row) => [`${row.section} ${row.told}`, Number(row.count)]));
    };
    const changedRows = async () => (await fresh()).plan?.changed.map(({ row }) => row.slug) ?? [];

    beforeAll(async () => {
      await desk.addReaders(['reader@readers.example', 'other@readers.example', 'third@readers.example']);
      // They read before the first issue, so that their votes count from the second on.
      await sql`update subscribers set created_at = '2020-01-01', confirmed_at = '2020-01-01'`.execute(
        desk.app.db,
      );
    });

    it('Y1: of a flood forty are new, forty wait, and the rest is told by number', async () => {
      const { plan } = await compose(pairs(100, 10));
      expect(plan?.comparisons).toHaveLength(40);
      expect(plan?.summary).toEqual([{ row: { kind: 'new', count: 20 }, topics: ['Coding'] }]);
      expect(await toldAs()).toEqual({ 'new row': 40, 'new summary': 20 });
      const page = load((await editor.get(`/editor/issues/${issue.slug}`)).body);
      expect(page('#aside').text()).toContain('told by number');
      expect(page('#aside').text()).toContain('And 10 more comparisons.');
    });

    it('Y1: an edit keeps what is told by number, and can add one of it', async () => {
      const [counted] = await desk.app.db
        .selectFrom('issue_comparisons as ic')
        .innerJoin('comparisons as c', 'c.id', 'ic.comparison_id')
        .select('c.slug')
        .where('ic.told', '=', 'summary')
        .orderBy('c.slug')
        .execute();
      const [, second] = (await fresh()).plan?.comparisons ?? [];
      await edit(editor, { kind: 'hold', slug: second?.comparison.slug ?? '' });
      expect(await toldAs()).toEqual({ 'new row': 39, 'new summary': 20 });
      await edit(editor, { kind: 'add', slug: counted?.slug ?? '' });
      expect(await toldAs()).toEqual({ 'new row': 40, 'new summary': 19 });
      await edit(editor, { kind: 'hold', slug: counted?.slug ?? '' });
      await edit(editor, { kind: 'add', slug: second?.comparison.slug ?? '' });
      await send();
    });

    it('Y1: the page of the issue lists everything that it told, and the next issue what waited', async () => {
      const page = load((await desk.visitor().get(`/issues/${issue.slug}/all`)).body);
      expect(page('h1').text()).toBe('Everything in No. 1');
      expect(page('.entries li')).toHaveLength(59);
      const hidden = page('.entries a').first().attr('href')?.split('/').at(-1) ?? '';
      await markHidden(desk.app.db, { slug: hidden, reason: 'A test.', who: 'test' });
      const without = load((await desk.visitor().get(`/issues/${issue.slug}/all`)).body);
      expect(without('.entries li')).toHaveLength(58);
      expect(without.html()).not.toContain(hidden);
      await markShown(desk.app.db, hidden);
      const { plan } = await compose([]);
      expect(plan?.comparisons).toHaveLength(40);
      expect(plan?.summary).toEqual([]);
      await send();
      expect((await compose([])).plan?.comparisons).toHaveLength(1);
      await send();
      expect((await compose([])).reason).toBe('No new comparison since the last issue.');
    });

    it('Y1: a change in sixty comparisons has eight rows and a number, and all of it is told', async () => {
      // Each price moves in its own way, so that it is no new print.
      const moved = pairs(60, 10).map((each, n) => {
        const [a, b] = each.tools;
        return {
          ...each,
          tools: [{ ...a, entryPrice: `$${900 + n} ${'x'.repeat(n % 30)}` }, b] as typeof each.tools,
        };
      });
      moved[7] = pair(7, 59, 90);
      const { plan } = await compose([
        comparison('new-vs-newer', tool('New', 90), tool('Newer', 10)),
        ...moved,
      ]);
      expect(plan?.changed.map(({ row }) => row.kind)).toEqual(['turned', ...Array(7).fill('price')]);
      expect(plan?.summary).toEqual([{ row: { kind: 'price', count: 52 }, topics: ['Coding'] }]);
      expect(await toldAs()).toEqual({ 'new row': 1, 'changed row': 8, 'changed summary': 52 });
    });

    it('Y1: an editor drops one row, defers another and puts a third back', async () => {
      const [turned = '', dropped = '', deferred = ''] = await changedRows();
      const row = (kind: string, key: string) => edit(editor, { kind, section: 'changed', key });
      for (const key of [turned, dropped]) await row('row_leave_out', key);
      await row('row_hold', deferred);
      const page = load((await editor.get(`/editor/issues/${issue.slug}`)).body);
      expect(page('#changed li')).toHaveLength(11);
      expect(page('#changed').text()).toContain('waits for the next issue');
      expect(await row('row_add', turned)).toMatchObject({ statusCode: 303 });
      expect(await changedRows()).not.toContain(dropped);
      expect((await changedRows()).at(0)).toBe(turned);
      // Whatever an editor takes out, another row takes its place.
      expect(await toldAs()).toEqual({
        'new row': 1,
        'changed row': 8,
        'changed summary': 50,
        'changed dropped': 1,
      });
      expect((await row('row_hold', 'nowhere')).statusCode).toBe(422);
      await send();
      const all = load((await desk.visitor().get(`/issues/${issue.slug}/all`)).body);
      expect(
        all('h2')
          .toArray()
          .map((each) => all(each).text()),
      ).toEqual(['Verdicts that turned', 'Prices that moved', 'New comparisons']);
      expect(all('.entries li')).toHaveLength(59);
      await compose([comparison('one-vs-two', tool('One', 90), tool('Two', 10))]);
      expect(await changedRows()).toEqual([deferred]);
    });

    it('what readers said is dated, and deferred votes are told next week', async () => {
      await send();
      const { db } = desk.app;
      const vote = (call: 'ship' | 'skip', at: string) =>
        sql`
        insert into votes (subscriber_id, tool_key, call, comparison_id, at, reader_since)
        select s.id, ${nameKey('One')}, ${call}, c.id, ${at}::timestamptz, '2020-01-01'
        from subscribers s, comparisons c
        where s.status = 'active' and c.slug = 'one-vs-two'
        on conflict (subscriber_id, tool_key) do update set call = excluded.call, at = excluded.at`.execute(
          db,
        );
      await vote('skip', '2026-01-01T00:00:00Z');
      const slot = issue.slug;
      await compose([comparison('three-vs-four', tool('Three', 90), tool('Four', 10))]);
      // Nobody voted since the last issue.
      expect((await fresh()).plan?.readers).toEqual([]);
      await sql`update votes set at = now() + interval '1 minute'`.execute(db);
      await compose([]);
      const [said] = (await fresh()).plan?.readers ?? [];
      expect(said?.row).toMatchObject({
        ...{ slug: 'one-vs-two', tool: 'One', votes: 3, readersShip: 0, isPanelChanged: false },
        recent: { votes: 3, ship: 0 },
      });
      await edit(editor, { kind: 'row_hold', section: 'readers', key: 'one-vs-two one' });
      expect((await fresh()).plan).toMatchObject({
        readers: [],
        heldVotes: [{ slug: 'one-vs-two', side: 0, since: slot }],
      });
      await send();
      await compose([comparison('five-vs-six', tool('Five', 90), tool('Six', 10))]);
      expect((await fresh()).plan?.readers.map(({ row }) => row.tool)).toEqual(['One']);
    });
  });
}
