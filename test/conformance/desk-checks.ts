import { load } from 'cheerio';
import { sql } from 'kysely';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { saveComparisons } from '../../src/comparisons/comparison-store.ts';
import type { Comparison } from '../../src/comparisons/model.ts';
import { listAudit } from '../../src/desk/audit/audit.ts';
import { createInspector } from '../../src/desk/checks/inspector.ts';
import type { Issue } from '../../src/issues/issue-store.ts';
import { DUTIES, reconcile } from '../../src/workflow/duties.ts';
import { prepare } from '../../src/workflow/week.ts';
import {
  CHIEF,
  deskForAll,
  draftAt,
  EDITOR,
  type NewDeskDatabase,
  type TestDesk,
  type Visitor,
  WEEK,
} from '../helpers/desk.ts';
import { openSiteServer } from '../helpers/site-server.ts';

/** The problems of an issue, and the overrides of publishers. */
export function describeChecks(name: string, newDatabase: NewDeskDatabase): void {
  describe(`the checks of an issue, at the desk, on ${name}`, () => {
    let desk: TestDesk;
    let issue: Issue;
    let chief: Visitor;
    let editor: Visitor;
    deskForAll(
      newDatabase,
      (opened) => {
        ({ desk, chief, editor } = opened);
      },
      // The site of these comparisons is a server in this process.
      { ALLOW_PRIVATE_SOURCES: '1' },
    );
    beforeEach(async () => {
      await sql`update issues set status = 'review'`.execute(desk.app.db);
      for (const table of ['check_overrides', 'link_checks', 'issue_choices', 'sources', 'quarantine'])
        await sql`delete from ${sql.table(table)}`.execute(desk.app.db);
      issue = await desk.compose();
    });

    const here = () => `/editor/issues/${issue.slug}`;
    const { fresh } = draftAt(() => ({ desk, issue }));
    const checks = async (visitor = chief) => load((await visitor.get(`${here()}/checks`)).body);
    const headline = async () => (await checks())('h1').text();
    const approve = async () => chief.post(`${here()}/do/approve`, { plan: (await fresh()).planHash ?? '' });
    const override = async (visitor: Visitor, key: string, reason: string) => {
      const { planHash, template } = await fresh();
      return visitor.post(`${here()}/checks/override`, { key, reason, template, plan: planHash ?? '' });
    };
    /** Makes the page of the lead show another price than the issue. */
    const raisePrice = async (entryPrice = '$25/mo') => {
      const [first] = WEEK as [Comparison];
      const [a, b] = first.tools;
      await saveComparisons(desk.app.db, [{ ...first, tools: [{ ...a, entryPrice }, b] }]);
    };
    const KEY = 'price.changed:orca-vs-hedge';
    const REASON = 'The site shows a sale that ends tomorrow.';

    it('are summarized in one line on This week, which links to them', async () => {
      const page = load((await editor.get('/editor')).body);
      const line = page(`a[href="${here()}/checks"]`);
      expect(line.text()).toMatch(/^Checks: \d+ to look at$/);
      await raisePrice();
      expect(load((await editor.get('/editor')).body)(`a[href="${here()}/checks"]`).text()).toMatch(
        /^Checks: 1 stops it, /,
      );
    });

    it('Y5: are stored, and a view renders nothing while they are', async () => {
      const { db } = desk.app;
      await sql`delete from issue_renderings`.execute(db);
      await reconcile(desk.app, { 'check drafts': DUTIES['check drafts'] });
      const found = { id: 'size.html', level: 'block', where: 'html', message: 'As stored.', help: '' };
      const variants = [{ number: 1, bytes: 12_345, content: { topics: [] }, checks: [found] }];
      const { rows } = await sql`
        update issue_renderings set variants = ${JSON.stringify(variants)}::jsonb returning issue_id
      `.execute(db);
      expect(rows).toEqual([{ issue_id: issue.id }]);
      expect((await checks())('.checks').text()).toContain('As stored.');
      // The approval is refused or granted by what is sent, never by what is stored.
      expect((await approve()).statusCode).toBe(303);
    });

    it('Y5: are said to be in progress while a view has them made in the background', async () => {
      await sql`delete from issue_renderings`.execute(desk.app.db);
      const { db, clock } = desk.app;
      const inspect = createInspector({ db, clock, desk: { checksWaitMs: 0, setUp: () => [] } });
      expect(await inspect(await fresh())).toBeNull();
      await vi.waitUntil(async () => (await inspect(await fresh())) !== null, { timeout: 60_000 });
    });

    it('stop an approval while one is red; after composing again the issue is approved', async () => {
      await raisePrice();
      const page = await checks();
      expect(page('.sign.stops').text()).toContain('Stops it');
      expect(page('.checks').text()).toContain('Orca costs $25/mo now, not Free.');
      expect(page('.checks a[href$="#at-orca-vs-hedge"]')).toHaveLength(1);
      const refused = await approve();
      expect(refused.statusCode).toBe(422);
      expect(refused.body).toContain('Orca costs $25/mo now');
      expect((await fresh()).status).toBe('review');

      await chief.post(`${here()}/compose`, {});
      expect(await headline()).not.toContain('stops it');
      expect((await approve()).statusCode).toBe(303);
      expect((await fresh()).status).toBe('approved');
    });

    it('may be overridden by a publisher, for exactly this version, and the override is logged', async () => {
      const figure = 'figure.subject';
      const write = async (subject: string) => {
        const { revision } = await fresh();
        const words = { kind: 'words', subject, preheader: '', intro: '' };
        await editor.post(`${here()}/edit`, { revision: String(revision), ...words });
      };
      await write('Orca: 99% would ship it, says nobody');
      const { planHash: plan } = await fresh();
      expect((await override(chief, figure, 'too short')).statusCode).toBe(422);
      for (const _ of [1, 2]) expect((await override(chief, figure, REASON)).statusCode).toBe(303);
      const entries = (await listAudit(desk.app.db, { limit: 20 })).filter(
        ({ what }) => what === 'check_overridden',
      );
      expect(entries).toMatchObject([
        { who: CHIEF, issue: issue.slug, details: { check: figure, reason: REASON, plan } },
      ]);
      expect(await headline()).toMatch(/^1 let stand/);
      expect((await checks())('.checks').text()).toContain(`Let stand by ${CHIEF}`);

      await write('Orca: 98% would ship it, says nobody');
      expect(await headline()).toMatch(/^1 stops it/);
      expect((await approve()).statusCode).toBe(422);
    });

    it('cannot be overridden by an editor, who does not see the button', async () => {
      await raisePrice();
      const page = await checks(editor);
      expect(page('form[action$="/override"]')).toHaveLength(0);
      expect(page('.checks').text()).toContain('A publisher may let it stand');
      expect((await override(editor, KEY, REASON)).statusCode).toBe(403);
      expect((await listAudit(desk.app.db, { limit: 1 }))[0]).toMatchObject({
        who: EDITOR,
        what: 'role_refused',
      });
      expect((await approve()).statusCode).toBe(422);
    });

    it('cannot be overridden where the law or every reader is concerned', async () => {
      await sql`
      update issues set plan_hash = repeat('a', 64),
        plan = jsonb_set(plan::jsonb, '{newsletter,postalAddress}', '""') where id = ${issue.id}
    `.execute(desk.app.db);
      expect(await headline()).toContain('1 stops it');
      const answer = await override(chief, 'postal-address', REASON);
      expect(answer.statusCode).toBe(422);
      expect(answer.body).toContain('Nobody may let this stand');
      const { rows } = await sql`select from check_overrides`.execute(desk.app.db);
      expect(rows).toHaveLength(0);
    });

    it('refuse an override of another version, and one of a check that is not red', async () => {
      await raisePrice();
      const form = { key: KEY, reason: REASON, template: issue.template, plan: 'f'.repeat(64) };
      expect((await chief.post(`${here()}/checks/override`, form)).statusCode).toBe(409);
      expect((await override(chief, 'link.unfollowed', REASON)).statusCode).toBe(422);
    });

    it('request each linked page once when asked, and store the result', async () => {
      await using site = await openSiteServer();
      const [first, second] = WEEK as [Comparison, Comparison];
      site.put('/robots.txt', 'User-agent: *\nDisallow: /private');
      site.put('/here', '<p>here</p>');
      await saveComparisons(desk.app.db, [
        { ...first, url: `${site.origin}/here` },
        { ...second, url: `${site.origin}/private/page` },
        ...WEEK.slice(2).map((each, index) => ({ ...each, url: `${site.origin}/gone/${index}` })),
      ]);
      await chief.post(`${here()}/compose`, {});
      expect((await editor.post(`${here()}/checks/links`, {})).statusCode).toBe(303);
      expect(site.requests.map(({ path }) => path).sort()).toEqual([
        '/gone/0',
        '/gone/1',
        '/here',
        '/robots.txt',
      ]);
      expect(site.mostAtOnce).toBe(1);
      const text = (await checks())('main').text();
      expect(text).toContain('it is kept from us by robots.txt');
      expect(text).toContain('Its page is gone: it answered 404.');
      expect(text).toContain('it is there');
      expect(await headline()).toMatch(/^2 stop it/);
      expect((await approve()).statusCode).toBe(422);

      for (const index of [0, 1]) site.put(`/gone/${index}`, '<p>back</p>');
      await editor.post(`${here()}/checks/links`, {});
      expect(await headline()).not.toContain('stop');
      expect((await approve()).statusCode).toBe(303);
    });

    it('report failing sources and unreadable pages', async () => {
      await sql`insert into sources (source, failures, reason, failed_at)
      values ('site:https://site.example/', 3, 'answered 500', now())`.execute(desk.app.db);
      await sql`insert into quarantine (source, url, faults, body_hash, first_seen_at, last_seen_at)
      values ('site:https://site.example/', 'https://site.example/x', '[]', null, now(), now())`.execute(
        desk.app.db,
      );
      const text = (await checks())('.checks').text();
      expect(text).toContain('Nothing comes from it: answered 500.');
      expect(text).toContain('1 page could not be read since the last issue.');
    });

    it('that were overridden stop neither the approval nor the preparation', async () => {
      await desk.addReaders(['reader@mail.example']);
      const { revision } = await fresh();
      const words = {
        kind: 'words',
        subject: 'Orca: 99% would ship it, says nobody',
        preheader: '',
        intro: '',
      };
      await chief.post(`${here()}/edit`, { revision: String(revision), ...words });
      expect((await approve()).statusCode).toBe(422);
      expect((await override(chief, 'figure.subject', REASON)).statusCode).toBe(303);
      expect((await approve()).statusCode).toBe(303);
      await prepare(desk.app, issue.id);
      expect((await fresh()).status).toBe('sending');
    });
  });
}
