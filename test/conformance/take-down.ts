import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { load } from 'cheerio';
import { sql } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';
import { findComparison, pushComparison, saveComparisons } from '../../src/comparisons/comparison-store.ts';
import { listAudit } from '../../src/desk/audit/audit.ts';
import { changeIssue, findIssue, type Issue } from '../../src/issues/issue-store.ts';
import { hideComparison } from '../../src/issues/take-down/take-down.ts';
import { AppError } from '../../src/platform/errors.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { prepareIssue } from '../../src/sending/prepare-issue.ts';
import { findSubscriberByAddress } from '../../src/subscribers/subscriber-store.ts';
import { keyId, signer } from '../../src/subscribers/tokens.ts';
import { queueMail } from '../../src/transactional/transactional-store.ts';
import { doSlotDuties, reconcile } from '../../src/workflow/duties.ts';
import { approve, draft, finish, prepare, slotToCompose } from '../../src/workflow/week.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { deskForAll, EDITOR, type NewDeskDatabase, type TestDesk, type Visitor } from '../helpers/desk.ts';

/** Names that occur nowhere else on a page. */
const [A, B] = ['Quagga', 'Thylacine'];
const SLUG = 'quagga-vs-thylacine';
const PAIR = comparison(SLUG, tool(A, 50), tool(B, 50));
const OTHER = comparison('dodo-vs-moa', tool('Dodo', 75), tool('Moa', 25));

/** A comparison that is taken down, and one that is not public yet. */
export function describeTakeDown(name: string, newDatabase: NewDeskDatabase): void {
  describe(`what strangers see of a comparison, on ${name}`, () => {
    let desk: TestDesk;
    let editor: Visitor;
    deskForAll(newDatabase, (opened) => {
      ({ desk, editor } = opened);
    });

    const get = (url: string, accept = 'text/html') => desk.server.inject({ url, headers: { accept } });
    const statusOf = async (url: string) => (await get(url)).statusCode;
    const hide = (slug = SLUG, reason = 'asked by its maker') =>
      editor.post(`/editor/comparisons/${slug}/hide`, { reason });
    const show = (slug = SLUG) => editor.post(`/editor/comparisons/${slug}/show`, {});
    const slugsOf = async (id: string) =>
      (await findIssue(desk.app.db, { id }))?.plan?.comparisons.map((each) => each.comparison.slug);
    const voteLink = async (slug: string) => {
      const { app } = desk;
      const id = (await findSubscriberByAddress(app.db, 'reader@readers.example'))?.id ?? '';
      return `/vote/${signer(app.keys, 'vote')({ subscriberId: id, version: 1 })}/${slug}`;
    };

    /** Removes everything, so that each test has its own comparisons and issues. */
    async function forgetAll(): Promise<void> {
      const { db } = desk.app;
      for (const table of ['issue_comparisons', 'left_out', 'votes', 'revisions', 'comparisons'])
        await sql`delete from ${sql.table(table)}`.execute(db);
      // A slot is unique; slots in the past are free.
      await sql`update issues i set slot = date '1990-01-02' + past.n::int, slug = 'past-' || past.n, resume_to = null,
        status = case when plan is null then 'skipped' else 'cancelled' end
        from (select id, row_number() over (order by due_at, id) + (select count(*) from issues where slug like 'past-%') as n
          from issues where slug not like 'past-%') past
        where past.id = i.id`.execute(db);
    }

    async function composed(comparisons = [PAIR, OTHER]): Promise<Issue> {
      await saveComparisons(desk.app.db, comparisons);
      return draft(desk.app, await slotToCompose(desk.app));
    }

    async function mailed(comparisons = [PAIR, OTHER]): Promise<Issue> {
      const { app } = desk;
      const issue = await approve(app, await composed(comparisons));
      await prepare(app, issue.id);
      for (const batch of await claimableBatches(app.db, issue.id)) await app.submit(batch);
      await finish(app, issue.id);
      const sent = await findIssue(app.db, { id: issue.id });
      expect(sent?.status).toBe('sent');
      return sent as Issue;
    }

    beforeEach(async () => {
      await forgetAll();
      await desk.addReaders(['reader@readers.example']);
    });

    describe('F11: taken down', () => {
      it('its page is gone, with a link to the others; lists, topics, feeds and the front page do not name it', async () => {
        await saveComparisons(desk.app.db, [
          comparison(
            'extinct-vs-extant',
            tool('Extinct', 50, { category: 'Lost causes' }),
            tool('Extant', 50),
          ),
        ]);
        await mailed();
        const PUBLIC = ['/', '/issues', '/issues.atom', '/issues.json', '/comparisons', '/subscribe'];
        const seen = async () =>
          (await Promise.all(PUBLIC.map(async (url) => [url, (await get(url)).body] as const)))
            .filter(([, body]) => /quagga|thylacine|lost causes/i.test(body))
            .map(([url]) => url);
        // The issue leads with it, so that its subject names it.
        expect(await seen()).toEqual(PUBLIC);
        expect(await statusOf(`/comparisons/${SLUG}`)).toBe(200);

        expect((await hide()).statusCode).toBe(303);
        await hide('extinct-vs-extant');
        expect(await seen()).toEqual([]);
        const gone = await get(`/comparisons/${SLUG}`);
        expect([gone.statusCode, gone.headers['cache-control']]).toEqual([410, 'no-store']);
        expect(gone.body).not.toMatch(/quagga|asked by its maker|application\/ld\+json/i);
        expect(load(gone.body)('main a[href="/comparisons"]').length).toBe(1);
        expect((await get(`/comparisons/${SLUG}`, 'application/json')).json()).toMatchObject({ status: 410 });
        expect((await get('/comparisons?topic=lost%20causes')).statusCode).toBe(404);

        expect((await show()).statusCode).toBe(303);
        expect(await statusOf(`/comparisons/${SLUG}`)).toBe(200);
        expect(await seen()).toContain('/');
        await show('extinct-vs-extant');
      });

      it('a client with an older copy of a list or a feed gets the new one', async () => {
        await mailed();
        for (const url of ['/', '/issues', '/issues.json', '/comparisons', `/issues/2026-11-24`]) {
          const since = new Date(Date.now() + 1_000).toUTCString();
          const before = await get(url);
          await sql`update comparisons set visibility_changed_at = now() + interval '5 seconds', hidden_at = now(),
            hidden_reason = 'x', hidden_by = 'x' where slug = ${SLUG}`.execute(desk.app.db);
          const after = await desk.server.inject({
            url,
            headers: { accept: 'text/html', 'if-modified-since': since },
          });
          expect([url, after.statusCode]).toEqual([url, 200]);
          expect(after.headers.etag, url).not.toBe(before.headers.etag);
          await sql`update comparisons set hidden_at = null, hidden_reason = null, hidden_by = null`.execute(
            desk.app.db,
          );
        }
      });

      it("no transactional email names it: a new reader's welcome mail names only public comparisons", async () => {
        const { app } = desk;
        const { slug } = await mailed();
        const id = (await findSubscriberByAddress(app.db, 'reader@readers.example'))?.id ?? '';
        const welcome = async () => {
          const queued = {
            kind: 'welcome' as const,
            subscriberId: id,
            content: { issue: slug },
            keyId: keyId(app.keys[0]),
          };
          const mailId = await queueMail(app.db, queued);
          await app.sendMail(mailId);
          const folder = path.join(app.config.dataDir, 'outbox', 'transactional', `mail-${mailId}`);
          return readFile(path.join(folder, '001.html'), 'utf8');
        };
        expect(await welcome()).toMatch(/quagga/i);
        await hide();
        const letter = await welcome();
        expect(letter).not.toMatch(/quagga|thylacine/i);
        expect(letter).toContain('Dodo');
        await hide(OTHER.slug);
        expect(await welcome()).not.toMatch(/dodo/i);
      });

      it('votes on it are refused, even by links that were mailed', async () => {
        await mailed();
        const link = await voteLink(SLUG);
        const post = (url: string) => desk.server.inject({ method: 'POST', url });
        expect((await post(`${link}/a/ship`)).statusCode).toBe(200);
        await hide();
        for (const answer of [await get(link), await get(`${link}/a/skip`), await post(`${link}/a/skip`)])
          expect(answer.statusCode).toBe(410);
        expect((await post(`${await voteLink(OTHER.slug)}/a/ship`)).statusCode).toBe(200);
      });

      it('the archive shows a notice above the issue, and keeps its bytes', async () => {
        const { slug } = await mailed();
        const bytes = () => desk.app.db.selectFrom('variants').select(['html', 'text']).execute();
        const [before, frozen] = [await get(`/issues/${slug}`), await bytes()];
        await hide();
        const page = load((await get(`/issues/${slug}`)).body);
        expect(page('[role=note]').text()).toBe(
          `Taken down since this was mailed: ${A} vs ${B}. What this issue says of it does not stand any more.`,
        );
        expect(page('body').children().first().is('[role=note]')).toBe(true);
        expect(page('[role=note] a').attr('href')).toBe(`https://verdicts.example/comparisons/${SLUG}`);
        page('[role=note]').remove();
        expect(page.html()).toBe(load(before.body).html());
        const text = (await get(`/issues/${slug}.txt`)).body;
        expect(text).toMatch(/^Taken down since this was mailed:\n- Quagga vs Thylacine: https/);
        expect(await bytes()).toEqual(frozen);
        await show();
        expect((await get(`/issues/${slug}`)).body).toBe(before.body);
      });

      it("a draft is composed without it, with the editors' choices; composing and adding do not bring it back", async () => {
        const { app } = desk;
        const issue = await composed([
          PAIR,
          OTHER,
          comparison('emu-vs-rhea', tool('Emu', 100), tool('Rhea', 0)),
        ]);
        const edit = async (form: Record<string, string>) => {
          const { revision = 0 } = (await findIssue(app.db, { id: issue.id })) ?? {};
          return editor.post(`/editor/issues/${issue.slug}/edit`, { revision: String(revision), ...form });
        };
        await edit({ kind: 'words', subject: 'Dodo or moa, said an editor', preheader: '', intro: '' });
        await edit({ kind: 'hold', slug: 'emu-vs-rhea' });
        await edit({ kind: 'lead', slug: SLUG });
        await hide();
        const now = await findIssue(app.db, { id: issue.id });
        expect(now).toMatchObject({ status: 'review', plan: { subject: 'Dodo or moa, said an editor' } });
        expect([await slugsOf(issue.id), now?.plan?.heldBack]).toEqual([[OTHER.slug], ['emu-vs-rhea']]);

        await saveComparisons(app.db, [
          { ...PAIR, tools: [PAIR.tools[0], { ...PAIR.tools[1], entryPrice: '$1' }] },
        ]);
        await draft(app, await slotToCompose(app));
        expect(await slugsOf(issue.id)).toEqual([OTHER.slug]);
        expect((await edit({ kind: 'add', slug: SLUG })).statusCode).toBe(422);
        expect((await editor.get(`/editor/issues/${issue.slug}`)).body).not.toContain(A);

        await show();
        await edit({ kind: 'add', slug: SLUG });
        expect(await slugsOf(issue.id)).toContain(SLUG);
      });

      it('a draft without any other comparison is skipped', async () => {
        const issue = await composed([PAIR]);
        expect(await slugsOf(issue.id)).toEqual([SLUG]);
        await hide();
        expect(await findIssue(desk.app.db, { id: issue.id })).toMatchObject({
          status: 'skipped',
          plan: null,
        });
        expect((await editor.get(`/editor/comparisons/${SLUG}`)).body).toContain('its slot is skipped');
      });

      it('an approved issue loses its approval, with a log entry, and editors are asked again', async () => {
        const { app } = desk;
        const issue = await composed();
        await reconcile(app);
        await approve(app, (await findIssue(app.db, { id: issue.id })) as Issue);
        await hide();
        expect(await findIssue(app.db, { id: issue.id })).toMatchObject({ status: 'review' });
        expect(await slugsOf(issue.id)).not.toContain(SLUG);
        const page = load((await editor.get(`/editor/comparisons/${SLUG}`)).body);
        expect(page('main').text()).toContain(
          'was approved: its approval was taken back, and it was composed again without it. Approve it once more.',
        );
        const written = (await listAudit(app.db, { limit: 2 })).map(({ who, what }) => [who, what]);
        expect(written).toEqual([
          [EDITOR, 'comparison_hidden'],
          [EDITOR, 'approval_taken_back'],
        ]);
        const reminders = () =>
          app.db.selectFrom('mails').select('id').where('kind', '=', 'reminder').execute();
        const before = (await reminders()).length;
        await doSlotDuties(app);
        expect((await reminders()).length).toBeGreaterThan(before);
      });

      it('an issue paused before its time loses it too; an issue that is being sent is reported', async () => {
        const { app } = desk;
        const issue = await approve(app, await composed());
        await changeIssue(app.db, issue.id, { type: 'pause', reason: 'wait' });
        await hide();
        expect(await findIssue(app.db, { id: issue.id })).toMatchObject({ status: 'review', resumeTo: null });
        await show();

        await forgetAll();
        const going = await approve(app, await composed());
        await prepare(app, going.id);
        await hide();
        expect(await findIssue(app.db, { id: going.id })).toMatchObject({ status: 'sending' });
        expect((await editor.get(`/editor/comparisons/${SLUG}`)).body).toContain(
          'goes out with it right now: pause or cancel it',
        );
      });

      it('between approval and freezing, the issue stops with the reason', async () => {
        const { app } = desk;
        const issue = await approve(app, await composed());
        await changeIssue(app.db, issue.id, { type: 'prepare' });
        await hide();
        const { mail, newsletterName, publicUrl } = app.config;
        const envelope = { ...mail, newsletterName, publicUrl, keyId: keyId(app.keys[0]) };
        expect(await prepareIssue(app.db, issue.id, envelope)).toBe(false);
        expect(await findIssue(app.db, { id: issue.id })).toMatchObject({
          status: 'failed',
          reason: expect.stringContaining(`${SLUG}: taken down`),
        });
      });

      it('an approval is refused for a plan that still contains it', async () => {
        const { app } = desk;
        const issue = await composed();
        await sql`update comparisons set hidden_at = now(), hidden_reason = 'x', hidden_by = 'x' where slug = ${SLUG}`.execute(
          app.db,
        );
        await expect(approve(app, issue)).rejects.toThrow(/taken down since the issue was composed/);
      });

      it("later issues show neither its changes nor its readers' votes", async () => {
        const { app } = desk;
        await mailed();
        await hide();
        const { db } = app;
        const readers = Array.from({ length: 4 }, (_, n) => `voter-${n}@readers.example`);
        await desk.addReaders(readers);
        const { id = '' } = (await findComparison(db, SLUG)) ?? {};
        await sql`insert into votes (subscriber_id, tool_key, call, comparison_id)
          select s.id, ${A.toLowerCase()}, 'ship', ${id} from subscribers s where s.email_key = any(${readers}::text[])`.execute(
          db,
        );
        await saveComparisons(db, [
          { ...PAIR, tools: [{ ...PAIR.tools[0], panelShip: 0 }, PAIR.tools[1]] },
          comparison('kea-vs-kaka', tool('Kea', 75), tool('Kaka', 25)),
        ]);
        const next = await draft(app, await slotToCompose(app));
        expect(JSON.stringify(next.plan)).not.toMatch(/quagga|thylacine/i);
      });

      it('leaving it out of an issue does not take the page down', async () => {
        const issue = await composed();
        const { revision } = issue;
        await editor.post(`/editor/issues/${issue.slug}/edit`, {
          ...{ revision: String(revision), kind: 'leave_out', slug: SLUG, reason: 'not this week' },
        });
        expect(await slugsOf(issue.id)).toEqual([OTHER.slug]);
        expect(await statusOf(`/comparisons/${SLUG}`)).toBe(200);
      });

      it('no source and no push shows it again, whatever they deliver', async () => {
        const { db } = desk.app;
        await saveComparisons(db, [PAIR]);
        await hide();
        const dearer = {
          ...PAIR,
          tools: [PAIR.tools[0], { ...PAIR.tools[1], entryPrice: '$99/mo' }],
        } as typeof PAIR;
        await saveComparisons(db, [dearer]);
        const swapped = { ...dearer, tools: [dearer.tools[1], dearer.tools[0]] } as typeof PAIR;
        for (const pushed of [PAIR, dearer, swapped])
          expect(await pushComparison(db, pushed)).toMatchObject({ slug: SLUG, hidden: true });
        expect(await statusOf(`/comparisons/${SLUG}`)).toBe(410);
      });

      it('needs a reason, and a second call changes nothing', async () => {
        const { db } = desk.app;
        await saveComparisons(db, [PAIR]);
        const entries = async () =>
          (await listAudit(db, { limit: 200 })).filter(({ what }) => what === 'comparison_hidden').length;
        const before = await entries();
        expect((await hide(SLUG, '   ')).statusCode).toBe(422);
        expect(await statusOf(`/comparisons/${SLUG}`)).toBe(200);
        await expect(
          hideComparison(db, { slug: SLUG, reason: 'x'.repeat(301), who: EDITOR }),
        ).rejects.toThrow(AppError);
        expect(await hideComparison(db, { slug: 'nobody-vs-nothing', reason: 'x', who: EDITOR })).toEqual({
          change: 'unknown',
          issues: [],
        });
        for (const reason of ['first', 'second']) expect((await hide(SLUG, reason)).statusCode).toBe(303);
        expect(await entries()).toBe(before + 1);
        const page = (await editor.get(`/editor/comparisons/${SLUG}`)).body;
        expect(page).toContain('first');
        expect(page).not.toContain('second');
        for (const url of ['hide', 'show'])
          expect(
            (await editor.post(`/editor/comparisons/nobody-vs-nothing/${url}`, { reason: 'x' })).statusCode,
          ).toBe(404);
      });

      it('is found at the desk by a part of a name, page by page, and its page can be opened there', async () => {
        const { db } = desk.app;
        const many = Array.from({ length: 40 }, (_, n) =>
          comparison(`beetle-${n}-vs-wasp-${n}`, tool(`Beetle ${n}`, 50), tool(`Wasp ${n}`, 50)),
        );
        await saveComparisons(db, [PAIR, ...many]);
        const names = (body: string) =>
          load(body)('tbody th')
            .toArray()
            .map((each) => load(body)(each).text());
        expect(names((await editor.get('/editor/comparisons?find=QUAG')).body)).toEqual([`${A} vs ${B}`]);
        expect(names((await editor.get("/editor/comparisons?find=%25'")).body)).toEqual([]);
        const first = (await editor.get('/editor/comparisons?find=beetle')).body;
        const next = load(first)('a:contains("Older")').attr('href') ?? '';
        const found = [...names(first), ...names((await editor.get(next)).body)];
        expect([found.length, new Set(found).size]).toEqual([40, 40]);
        await hide();
        expect(names((await editor.get('/editor/comparisons?only=hidden')).body)).toEqual([`${A} vs ${B}`]);
        const page = await editor.get(`/editor/comparisons/${SLUG}/page`);
        expect([page.statusCode, page.headers['x-robots-tag']]).toEqual([200, 'noindex']);
        expect(page.body).toContain(`${A} vs ${B}`);
        expect(await statusOf(`/editor/comparisons/${SLUG}/page`)).toBe(303);
      });
    });
  });

  describe(`F11: PUBLISH=mailed, on ${name}`, () => {
    let desk: TestDesk;
    let editor: Visitor;
    deskForAll(
      newDatabase,
      (opened) => {
        ({ desk, editor } = opened);
      },
      { PUBLISH: 'mailed' },
    );
    const get = (url: string) => desk.server.inject({ url, headers: { accept: 'text/html' } });

    it('a page is public from the first mail on, and not before; the desk shows it', async () => {
      const { app } = desk;
      const pair = comparison(SLUG, tool(A, 50, { category: 'Extinct' }), tool(B, 50));
      await desk.addReaders(['reader@readers.example']);
      await saveComparisons(app.db, [pair]);
      const id = (await findSubscriberByAddress(app.db, 'reader@readers.example'))?.id ?? '';
      const vote = `/vote/${signer(app.keys, 'vote')({ subscriberId: id, version: 1 })}/${SLUG}`;
      const statuses = async () =>
        Promise.all([`/comparisons/${SLUG}`, vote].map(async (url) => (await get(url)).statusCode));
      const named = async () =>
        (await Promise.all(['/', '/comparisons', '/issues.json', '/subscribe'].map(get)))
          .map(({ body }) => /quagga|extinct/i.test(body))
          .filter(Boolean).length;
      const listed = async () => (await editor.get('/editor/comparisons')).body;

      expect([await statuses(), await named()]).toEqual([[404, 404], 0]);
      expect(await listed()).toContain('waits for an issue');
      expect((await editor.get(`/editor/comparisons/${SLUG}/page`)).statusCode).toBe(200);

      const issue = await approve(app, await draft(app, await slotToCompose(app)));
      await prepare(app, issue.id);
      // Frozen, and no request was sent yet.
      expect((await findIssue(app.db, { id: issue.id }))?.status).toBe('sending');
      expect(await statuses()).toEqual([404, 404]);
      const [batch = ''] = await claimableBatches(app.db, issue.id);
      // A reader who has the mail may come before its answer is recorded.
      await sql`update batches set status = 'submitting' where id = ${batch}`.execute(app.db);
      expect(await statuses()).toEqual([200, 200]);
      await sql`update batches set status = 'pending' where id = ${batch}`.execute(app.db);
      await app.submit(batch);
      await finish(app, issue.id);
      expect([await statuses(), await named()]).toEqual([[200, 200], 4]);
      expect(await listed()).not.toContain('waits for an issue');
    });
  });
}
