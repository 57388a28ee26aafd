import { expect, it } from 'vitest';
import { changeIssue } from '../../src/issues/issue-store.ts';
import { openNotices } from '../../src/notices/notice-store.ts';
import { draft, gatherAll } from '../../src/workflow/week.ts';
import { type Gatherer, gatheringForAll } from '../helpers/gathering.ts';
import { comparisons } from '../helpers/site-server.ts';

let gatherer: Gatherer;
gatheringForAll((opened) => {
  gatherer = opened;
});

it('puts comparisons published around the cut-off, or dated back by a month, into exactly one issue', async () => {
  const { site, db } = gatherer;
  const CUT_OFF = Date.UTC(2026, 10, 23, 9);
  let now = CUT_OFF;
  const app = gatherer.app([`feed:${site.origin}/feed.json`], { clock: () => new Date(now) });
  const slot = (day: number) => {
    const dueAt = new Date(Date.UTC(2026, 10, day, 9));
    return { key: `2026-11-${day}`, label: `2026-11-${day}`, dueAt };
  };
  const MONTH = 30 * 86_400_000;
  const values = comparisons(8);
  const publishedAt = [
    CUT_OFF - 1_000,
    CUT_OFF,
    CUT_OFF + 1_000,
    CUT_OFF - MONTH,
    // The same, from a site that lists them only after the first issue was composed.
    CUT_OFF - 1_000,
    CUT_OFF,
    CUT_OFF + 1_000,
    CUT_OFF - MONTH,
  ];
  const items = values.map(({ slug, tools }, index) => ({
    id: slug,
    url: `${site.origin}/${index}`,
    date_published: new Date(publishedAt[index] ?? 0).toISOString(),
    _verdict: { tools },
  }));
  const publish = (count: number) =>
    site.put(
      '/feed.json',
      JSON.stringify({ version: 'https://jsonfeed.org/version/1.1', items: items.slice(0, count) }),
    );

  const compose = async (day: number) => {
    await gatherAll(app);
    const issue = await draft(app, slot(day));
    if (issue.status === 'review') await changeIssue(db, issue.id, { type: 'approve' });
    now += 7 * 86_400_000;
    return issue;
  };
  publish(4);
  const first = await compose(24);
  publish(8);
  const second = await compose(25);
  const silent = await compose(26);

  const carried = await db
    .selectFrom('issue_comparisons as ic')
    .innerJoin('comparisons as c', 'c.id', 'ic.comparison_id')
    .select(['c.url', 'ic.issue_id'])
    .execute();
  const of = (issueId: string) =>
    carried
      .filter(({ issue_id }) => issue_id === issueId)
      .map(({ url }) => url.slice(-1))
      .sort();
  expect(of(first.id)).toEqual(['0', '1', '2', '3']);
  expect(of(second.id)).toEqual(['4', '5', '6', '7']);
  expect(carried).toHaveLength(8);

  expect(silent).toMatchObject({ status: 'skipped' });
  await draft(app, slot(26));
  expect(await openNotices(db)).toMatchObject([
    { kind: 'silent-week', subject: '2026-11-26', message: expect.stringContaining('No new comparison') },
  ]);
});
