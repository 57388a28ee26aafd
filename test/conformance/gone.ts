import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { load } from 'cheerio';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { pushComparison } from '../../src/comparisons/comparison-store.ts';
import type { Comparison } from '../../src/comparisons/model.ts';
import { slugFor } from '../../src/comparisons/names.ts';
import { listAudit } from '../../src/desk/audit/audit.ts';
import { findCandidates, findChanged, findIssue, type Issue } from '../../src/issues/issue-store.ts';
import type { NoticeKind } from '../../src/notices/notice-kinds.ts';
import { openNotices } from '../../src/notices/notice-store.ts';
import { injectedTime } from '../../src/platform/db/database-time.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { parseSource } from '../../src/sources/gather.ts';
import { sourceHealth } from '../../src/sources/source-store.ts';
import { DUTIES } from '../../src/workflow/duties.ts';
import { followIssueLinks } from '../../src/workflow/follow-issue-links.ts';
import { watchForProblems } from '../../src/workflow/watch-problems.ts';
import {
  approve,
  approveAutomatically,
  draft,
  finish,
  gatherAll,
  prepare,
  send,
  slotToCompose,
} from '../../src/workflow/week.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { deskForAll, EDITOR, type NewDeskDatabase, type TestDesk, type Visitor } from '../helpers/desk.ts';
import { openSiteServer, type SiteServer, sitemapOf } from '../helpers/site-server.ts';

const NAMES = ['Auk', 'Bee', 'Cod', 'Doe', 'Eel', 'Fox', 'Gnu', 'Hen', 'Ibis', 'Jay', 'Kea', 'Lynx'];

/** A comparison whose page is no longer on its site. */
export function describeGone(name: string, newDatabase: NewDeskDatabase): void {
  describe(`a comparison that is gone, on ${name}`, () => {
    let desk: TestDesk;
    let chief: Visitor;
    let editor: Visitor;
    let site: SiteServer;
    let app: App;
    deskForAll(
      newDatabase,
      async (opened) => {
        ({ desk, chief, editor } = opened);
        await desk.addReaders(['reader@readers.example']);
      },
      // The site is a server in this process.
      { ALLOW_PRIVATE_SOURCES: '1' },
    );
    beforeAll(async () => {
      site = await openSiteServer();
    });
    afterAll(() => site?.[Symbol.asyncDispose]());

    const tables = [
      'issue_comparisons',
      'left_out',
      'issue_choices',
      'link_checks',
      'notices',
      'pages',
    ].concat(['quarantine', 'sources', 'gathers', 'reprints', 'field_changes', 'revisions', 'comparisons']);
    beforeEach(async () => {
      for (const table of tables) await sql`delete from ${sql.table(table)}`.execute(desk.app.db);
      // A slot is unique; slots in the past are free.
      await sql`update issues i set slot = date '1990-01-02' + past.n::int, slug = 'past-' || past.n, resume_to = null,
        late_at = null, status = case when plan is null then 'skipped' else 'cancelled' end
        from (select id, row_number() over (order by due_at, id) + (select count(*) from issues where slug like 'past-%') as n
          from issues where slug not like 'past-%') past
        where past.id = i.id`.execute(desk.app.db);
      for (const n of NAMES.keys()) site.remove(at(n));
      app = {
        ...desk.app,
        config: { ...desk.app.config, sources: [parseSource(`site:${site.origin}/compare/`)] },
      };
    });

    const at = (n: number) => `/compare/${n}`;
    const pair = (n: number, price = 'Free'): Comparison => {
      const [a, b] = [NAMES[n] ?? '', `${NAMES[n]}ling`];
      const value = comparison(slugFor(a, b), tool(a, 75, { entryPrice: price }), tool(b, 25));
      return { ...value, url: site.origin + at(n) };
    };
    const slug = (n: number) => pair(n).slug;
    const put = (n: number, price?: string) =>
      site.put(at(n), JSON.stringify(pair(n, price)), { 'content-type': 'application/json' });
    const sitemap = (all: number[]) =>
      site.put('/sitemap.xml', sitemapOf(all.map((n) => site.origin + at(n))));
    const range = (count: number) => Array.from({ length: count }, (_, n) => n);
    /** So many pages, listed and there. */
    const publish = (count: number) => {
      sitemap(range(count));
      for (const n of range(count)) put(n);
    };
    const gather = async (times = 1) => {
      for (let time = 1; time < times; time += 1) await gatherAll(app);
      return gatherAll(app);
    };
    const candidates = async () =>
      (await findCandidates(app.db, undefined)).map((each) => each.comparison.slug).sort();
    const slugsOf = async ({ id }: Issue) =>
      (await findIssue(app.db, { id }))?.plan?.comparisons.map((each) => each.comparison.slug).sort();
    const statusOf = async ({ id }: Issue) => (await findIssue(app.db, { id }))?.status;
    const compose = async () => draft(app, await slotToCompose(app));
    const page = async (url: string) => load((await desk.server.inject({ url })).body)('main').text();
    const KINDS: NoticeKind[] = ['source-failing', 'comparisons-missing', 'comparison-gone', 'links-broken'];
    /** Those of our kinds that are open now. */
    const notices = async () => {
      await watchForProblems(app);
      return (await openNotices(app.db)).map(({ kind }) => kind).filter((kind) => KINDS.includes(kind));
    };
    const automatic = (): App => ({ ...app, config: { ...app.config, approval: 'auto' } });

    async function mail(issue: Issue): Promise<void> {
      await prepare(app, issue.id);
      for (const batch of await claimableBatches(app.db, issue.id)) await app.submit(batch);
      await finish(app, issue.id);
      expect(await statusOf(issue)).toBe('sent');
    }

    describe('by its source', () => {
      it('Y4: a page that answers 404 or 410 is not mailed, is marked in public, and comes back with its page', async () => {
        publish(4);
        await gather();
        expect(await candidates()).toHaveLength(4);
        site.remove(at(0));
        site.handle(at(1), (_, response) => response.writeHead(410).end());
        expect((await gather()).changes.gone).toEqual([
          { slug: slug(0), reason: 'answered 404' },
          { slug: slug(1), reason: 'answered 410' },
        ]);
        expect(await candidates()).toEqual([slug(2), slug(3)]);
        expect(await page(`/comparisons/${slug(0)}`)).toContain(
          'No longer on the site since 23 November 2026',
        );
        expect((await page('/comparisons')).match(/No longer on the site/g)).toHaveLength(2);
        expect((await editor.get('/editor/comparisons')).body).toContain('no longer on the site since');

        expect((await gather()).changes.gone).toEqual([]);
        put(0);
        expect((await gather()).changes.back).toEqual([slug(0)]);
        expect(await candidates()).toEqual([slug(0), slug(2), slug(3)]);
        expect(await page(`/comparisons/${slug(0)}`)).not.toContain('No longer on the site');
      });

      it('Y4: it is not mailed as changed, either', async () => {
        publish(4);
        await gather();
        await mail(await approve(app, await compose()));
        for (const n of range(4)) put(n, '$9/mo');
        await gather();
        expect(await findChanged(app.db, undefined)).toHaveLength(4);
        site.remove(at(2));
        await gather();
        expect((await findChanged(app.db, undefined)).map(({ now }) => now.slug)).not.toContain(slug(2));
        expect(await findChanged(app.db, undefined)).toHaveLength(3);
      });

      it('Y4: a page whose sitemap date is old is requested again after a 404', async () => {
        const old = (n: number) => ({ loc: site.origin + at(n), lastmod: '2026-01-01' });
        publish(4);
        site.put('/sitemap.xml', sitemapOf(range(4).map(old)));
        await gather();
        await sql`update pages set lastmod = null where url = ${site.origin + at(0)}`.execute(app.db);
        site.remove(at(0));
        expect((await gather()).changes.gone).toHaveLength(1);
        await sql`update pages set lastmod = '2026-01-01' where url = ${site.origin + at(0)}`.execute(app.db);
        expect((await gather()).changes.back).toEqual([]);
        put(0);
        expect((await gather()).changes.back).toEqual([slug(0)]);
      });

      it('Y4: out of its sitemap for three gatherings running it is gone, and once back in it it is back', async () => {
        publish(4);
        await gather();
        sitemap([1, 2, 3]);
        await gather(2);
        expect(await candidates()).toHaveLength(4);
        sitemap(range(4));
        await gather();
        sitemap([1, 2, 3]);
        expect((await gather(3)).changes.gone).toMatchObject([{ slug: slug(0) }]);
        expect(await candidates()).toEqual([slug(1), slug(2), slug(3)]);
        sitemap(range(4));
        expect((await gather()).changes.back).toEqual([slug(0)]);
      });

      it('Y4: a deleted file is gone after three gatherings, a file with a fault is not', async () => {
        const folder = path.join(app.config.dataDir, `folder-${Math.random()}`);
        await mkdir(folder);
        const file = (n: number) => path.join(folder, `${n}.json`);
        for (const n of range(3)) await writeFile(file(n), JSON.stringify(pair(n)));
        app.config.sources = [parseSource(`folder:${folder}`)];
        await gather();
        await writeFile(file(0), '{"half":');
        await rm(file(1));
        expect((await gather(3)).changes.gone).toEqual([
          { slug: slug(1), reason: `was not in folder:${folder} for 3 gatherings running` },
        ]);
        expect(await candidates()).toEqual([slug(0), slug(2)]);
        await writeFile(file(1), JSON.stringify(pair(1)));
        expect((await gather()).changes.back).toEqual([slug(1)]);
      });

      it('Y4: an empty folder is a failing source, and nothing of it is gone', async () => {
        const folder = path.join(app.config.dataDir, `folder-${Math.random()}`);
        await mkdir(folder);
        await writeFile(path.join(folder, 'a.json'), JSON.stringify(range(3).map((n) => pair(n))));
        app.config.sources = [parseSource(`folder:${folder}`)];
        await gather();
        await rm(path.join(folder, 'a.json'));
        for (const _ of range(4)) await expect(gather()).rejects.toMatchObject({ code: 'source-empty' });
        expect(await candidates()).toHaveLength(3);
        expect(await sourceHealth(app.db)).toMatchObject([{ isFailing: true, failures: 4 }]);
        expect(await notices()).toEqual(['source-failing']);
      });

      it('Y4: a site that is away, or answers 404 to everything, is a failing source', async () => {
        publish(8);
        await gather();
        for (const n of range(8)) site.remove(at(n));
        for (const _ of range(4)) await expect(gather()).rejects.toMatchObject({ code: 'source-unreadable' });
        site.remove('/sitemap.xml');
        for (const _ of range(4)) await expect(gather()).rejects.toMatchObject({ code: 'source-unreadable' });
        expect(await candidates()).toHaveLength(8);
      });

      it('Y4: more than a quarter at once is a question: they stay until an editor says so, or they are back', async () => {
        publish(12);
        await gather();
        for (const n of range(8)) site.remove(at(n));
        await gather(3);
        expect(await candidates()).toHaveLength(12);
        expect(await notices()).toEqual(['comparisons-missing']);
        const source = `site:${site.origin}/compare/`;
        const asked = load((await editor.get('/editor/sources')).body)('#missing');
        expect(asked.text()).toContain('8 of 12 comparisons missing');
        put(0);
        await gather();
        expect((await editor.post('/editor/sources/missing', { source })).statusCode).toBe(303);
        expect(await candidates()).toHaveLength(5);
        expect(await notices()).toEqual([]);
        expect((await listAudit(app.db, { limit: 1 }))[0]).toMatchObject({
          ...{ who: EDITOR, what: 'missing_confirmed' },
          details: { source, comparisons: 7 },
        });
        expect((await editor.get('/editor/sources')).body).not.toContain('id="missing"');
        await gather();
        expect(await candidates()).toHaveLength(5);
      });

      it('Y4: what no gathering requests is gone by its link, and comes back by it or by a push', async () => {
        app.config.sources = [];
        for (const n of range(4)) {
          put(n);
          await pushComparison(app.db, pair(n));
        }
        const issue = await compose();
        site.remove(at(0));
        site.remove(at(1));
        await followIssueLinks(app, issue);
        expect(await candidates()).toEqual([]);
        expect((await findCandidates(app.db, issue.id)).map((each) => each.comparison.slug).sort()).toEqual([
          slug(2),
          slug(3),
        ]);
        await pushComparison(app.db, pair(0));
        put(1);
        await gather();
        expect(await findCandidates(app.db, issue.id)).toHaveLength(3);
        // A page is requested again once a day.
        await sql`update link_checks set checked_at = '2026-11-22T00:00:00Z'`.execute(app.db);
        await sql`update comparisons set gone_at = '2026-11-22T00:00:00Z' where gone_at is not null`.execute(
          app.db,
        );
        await gather();
        expect(await findCandidates(app.db, issue.id)).toHaveLength(4);
      });
    });

    describe('in an issue', () => {
      let issue: Issue;
      const here = () => `/editor/issues/${issue.slug}`;
      const fresh = async () => (await findIssue(app.db, { id: issue.id })) as Issue;
      beforeEach(async () => {
        publish(4);
        await gather();
        issue = await compose();
      });

      it('Y4: a draft that is composed again is composed without it', async () => {
        site.remove(at(0));
        await gather();
        expect(await slugsOf(await draft(app, await slotToCompose(app)))).toEqual([
          slug(1),
          slug(2),
          slug(3),
        ]);
      });

      it('Y4: in review it is a check that nobody may let stand; leaving it out removes it', async () => {
        site.remove(at(0));
        await gather();
        const checks = load((await chief.get(`${here()}/checks`)).body);
        expect(checks('h1').text()).toMatch(/^1 stops it/);
        expect(checks('.checks').text()).toContain('Its page is gone: it answered 404.');
        expect(checks('form[action$="/override"]')).toHaveLength(0);
        const { planHash, template } = await fresh();
        const plan = planHash ?? '';
        const override = { key: `gone:${slug(0)}`, reason: 'We like it all the same.', template, plan };
        expect((await chief.post(`${here()}/checks/override`, override)).body).toContain(
          'Nobody may let this stand',
        );
        expect((await chief.post(`${here()}/do/approve`, { plan })).statusCode).toBe(422);
        expect(await notices()).toEqual(['comparison-gone']);

        expect((await editor.post(`${here()}/checks/leave-out-gone`, {})).statusCode).toBe(303);
        expect(await slugsOf(issue)).toEqual([slug(1), slug(2), slug(3)]);
        expect((await listAudit(app.db, { limit: 1 }))[0]).toMatchObject({
          ...{ who: EDITOR, what: 'gone_left_out', issue: issue.slug },
          details: { comparisons: [slug(0)] },
        });
        expect(await notices()).toEqual([]);
        expect(
          (await chief.post(`${here()}/do/approve`, { plan: (await fresh()).planHash ?? '' })).statusCode,
        ).toBe(303);
      });

      it('Y4, B18: a page that goes after the approval is not mailed: the issue waits for an editor', async () => {
        await approve(app, issue);
        site.remove(at(0));
        await gather();
        expect(await notices()).toEqual(['comparison-gone']);
        const week = load((await editor.get(here())).body);
        expect(week('#gone').text()).toContain('it answered 404');
        await expect(send(app, await fresh())).rejects.toMatchObject({ code: 'comparison-gone' });
        const atSlot = { ...app, time: injectedTime(() => issue.dueAt), clock: () => issue.dueAt };
        await DUTIES['start issues that are due'](atSlot);
        expect(await fresh()).toMatchObject({
          ...{ status: 'paused', resumeTo: 'approved' },
          reason: expect.stringContaining('its page is gone, it answered 404'),
        });
        await editor.post(week('#gone form').attr('action') ?? '', {});
        expect(await statusOf(issue)).toBe('review');
        expect(await slugsOf(issue)).toEqual([slug(1), slug(2), slug(3)]);
        const approved = await approve(app, await fresh());
        await send(app, approved);
        await mail(approved);
      });

      it('Y4: a page that goes while the issue is being prepared stops it', async () => {
        await send(app, await approve(app, issue));
        site.remove(at(0));
        await gather();
        await prepare(app, issue.id);
        expect(await fresh()).toMatchObject({ status: 'failed', reason: expect.stringContaining('is gone') });
      });

      it('Y4: with APPROVAL=auto an approved issue is composed again without it, and approved once more', async () => {
        await approveAutomatically(automatic(), issue);
        expect(await statusOf(issue)).toBe('approved');
        site.remove(at(0));
        await gather();
        await DUTIES['leave out what is gone'](automatic());
        expect(await statusOf(issue)).toBe('approved');
        expect(await slugsOf(issue)).toEqual([slug(1), slug(2), slug(3)]);
        expect(await notices()).toEqual([]);
      });
    });

    describe('before an automatic approval', () => {
      let issue: Issue;
      const fresh = async () => (await findIssue(app.db, { id: issue.id })) as Issue;
      const later = (minutes: number): App => ({
        ...automatic(),
        clock: () => new Date(app.clock().getTime() + minutes * 60_000),
      });
      const again = (minutes: number) => DUTIES['approve issues whose links work by now'](later(minutes));
      beforeEach(async () => {
        publish(4);
        await gather();
        issue = await compose();
        site.forget();
      });

      it('Y4: every link is followed, and an issue whose links work is approved', async () => {
        await approveAutomatically(automatic(), issue);
        expect(await statusOf(issue)).toBe('approved');
        expect(site.requests.map((each) => each.path).sort()).toEqual([...range(4).map(at), '/robots.txt']);
        expect(site.mostAtOnce).toBe(1);
      });

      it.each([
        [404, 'answered 404'],
        [500, 'answered 500'],
      ])('Y4: a link that answers %i holds the issue in review, with the reason', async (status, reason) => {
        site.handle(at(2), (_, response) => response.writeHead(status).end());
        await approveAutomatically(automatic(), issue);
        expect(await fresh()).toMatchObject({
          status: 'review',
          reason: expect.stringContaining(
            `one link leads nowhere (${NAMES[2]} vs ${NAMES[2]}ling: it ${reason})`,
          ),
        });
        expect(await notices()).toEqual(['links-broken']);
        expect(load((await editor.get(`/editor/issues/${issue.slug}`)).body)('main').text()).toContain(
          reason,
        );
        site.forget();
        await again(1);
        expect(site.requests).toEqual([]);
        expect(await statusOf(issue)).toBe('review');
      });

      it('Y4: it is approved once its links work, unless somebody has edited it', async () => {
        site.handle(at(2), (_, response) => response.writeHead(500).end());
        await approveAutomatically(automatic(), issue);
        put(2);
        site.forget();
        await again(16);
        expect(await fresh()).toMatchObject({ status: 'approved', reason: null });
        expect(site.requests.map((each) => each.path)).toEqual(['/robots.txt', at(2)]);
        expect(await notices()).toEqual([]);
      });

      it('Y4: an issue that an editor has changed is left to the editor', async () => {
        site.handle(at(2), (_, response) => response.writeHead(500).end());
        await approveAutomatically(automatic(), issue);
        put(2);
        const { revision } = await fresh();
        const words = {
          kind: 'words',
          subject: 'Auk ships, says the panel of four',
          preheader: '',
          intro: '',
        };
        await editor.post(`/editor/issues/${issue.slug}/edit`, { revision: String(revision), ...words });
        await again(16);
        expect(await fresh()).toMatchObject({ status: 'review', reason: null });
        expect(await notices()).toEqual([]);
      });

      it('Y4: a page that refuses programs, or that robots.txt keeps from us, holds nothing', async () => {
        site.handle(at(0), (_, response) => response.writeHead(403).end());
        site.put('/robots.txt', `User-agent: *\nDisallow: ${at(1)}`);
        await approveAutomatically(automatic(), issue);
        site.remove('/robots.txt');
        expect(await statusOf(issue)).toBe('approved');
      });
    });
  });
}
