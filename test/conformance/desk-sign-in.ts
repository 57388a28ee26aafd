import { createHash } from 'node:crypto';
import { load } from 'cheerio';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { listAudit } from '../../src/desk/audit/audit.ts';
import type { Issue } from '../../src/issues/issue-store.ts';
import {
  CHIEF,
  deskForAll,
  draftAt,
  EDITOR,
  type NewDeskDatabase,
  type TestDesk,
  type Visitor,
} from '../helpers/desk.ts';
import { passRequests, waitingRequests } from '../helpers/mail-requests.ts';

let networks = 0;
/** The headers of a browser in a new network. */
function fromAfar(): Record<string, string> {
  networks += 1;
  return { 'x-forwarded-for': `203.${networks >> 8}.${networks & 255}.1` };
}

/** Authentication at the desk: links, sessions, forms and roles, over HTTP on the given database. */
export function describeSignIn(name: string, newDatabase: NewDeskDatabase): void {
  describe(`authentication at the desk on ${name}`, () => {
    let desk: TestDesk;
    let issue: Issue;
    let chief: Visitor;
    let editor: Visitor;
    deskForAll(newDatabase, async (opened) => {
      ({ desk, chief, editor } = opened);
      issue = await desk.compose();
    });
    const { edit, fresh, lastAction } = draftAt(() => ({ desk, issue }));

    describe('signing in', () => {
      it('answers strangers and editors alike, and mails editors only', async () => {
        const before = desk.enqueued.length;
        const [known, unknown] = [desk.visitor(), desk.visitor()];
        const answers = [
          await known.post('/editor/sign-in', { email: ' Editor@Desk.Example ' }),
          await unknown.post('/editor/sign-in', { email: 'stranger@desk.example' }),
        ];
        expect(answers.map(({ statusCode, headers }) => [statusCode, headers.location])).toEqual(
          Array(2).fill([303, '/editor/sign-in/asked']),
        );
        expect(desk.enqueued).toHaveLength(before + 1);
        expect([...known.cookies.keys()]).toEqual([...unknown.cookies.keys()]);
        expect(await lastAction()).toMatchObject({ who: null, what: 'link_refused' });
        expect(JSON.stringify(await listAudit(desk.app.db, { limit: 100 }))).not.toContain('stranger');
      });

      it('needs a press of the button: opening a link does not sign in and does not use it up', async () => {
        const visitor = desk.visitor();
        await visitor.post('/editor/sign-in', { email: EDITOR });
        const url = new URL(desk.links.at(-1) ?? '').pathname;
        for (const _ of [1, 2]) expect((await visitor.get(url)).statusCode).toBe(200);
        expect(visitor.cookies.has('__Host-desk')).toBe(false);
        const answer = await visitor.post(url, {});
        expect([answer.statusCode, answer.headers.location]).toEqual([303, '/editor']);
        expect(answer.headers['set-cookie']).toEqual(
          expect.arrayContaining([
            expect.stringMatching(/^__Host-desk=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
          ]),
        );
        expect((await visitor.get('/editor')).statusCode).toBe(200);
      });

      it.each([
        ['used before', async (visitor: Visitor, url: string) => void (await visitor.post(url, {}))],
        [
          'too old',
          async () =>
            void (await sql`update desk_links set expires_at = now() where used_at is null`.execute(
              desk.app.db,
            )),
        ],
        [
          'another browser',
          async (visitor: Visitor) => void visitor.cookies.set('__Host-desk-asked', 'x'.repeat(43)),
        ],
      ])('refuses a link that is %s, and writes it down', async (why, spoil) => {
        await passRequests(desk.app.db, '25 hours');
        const visitor = desk.visitor();
        await visitor.post('/editor/sign-in', { email: EDITOR });
        const url = new URL(desk.links.at(-1) ?? '').pathname;
        await spoil(visitor, url);
        visitor.cookies.delete('__Host-desk');
        const answer = await visitor.post(url, {});
        expect([answer.statusCode, load(answer.body)('h1').text()]).toEqual([
          403,
          'This link does not sign you in',
        ]);
        expect(visitor.cookies.has('__Host-desk')).toBe(false);
        expect(await lastAction()).toMatchObject({
          who: EDITOR,
          what: 'link_refused',
          details: { why: expect.any(String) },
        });
        if (why !== 'used before') expect((await lastAction())?.details).toEqual({ why });
      });

      it('mails an editor five links an hour, and no more', async () => {
        await passRequests(desk.app.db, '25 hours');
        const before = desk.enqueued.length;
        for (let turn = 0; turn < 8; turn += 1)
          await desk.visitor().post('/editor/sign-in', { email: EDITOR });
        expect(desk.enqueued).toHaveLength(before + 5);
        expect(await lastAction()).toMatchObject({ what: 'link_refused', details: { why: 'too many' } });
        await passRequests(desk.app.db, '25 hours');
      });

      describe('F6: strangers cannot keep an editor out', () => {
        const asks = async (visitor: Visitor, headers = fromAfar(), email = EDITOR) => {
          const before = desk.enqueued.length;
          const { statusCode } = await visitor.post('/editor/sign-in', { email }, headers);
          return { statusCode, mails: desk.enqueued.length - before };
        };
        /** The cookies that a browser still has after its session ended. */
        const ownBrowser = (of: Visitor) => {
          const visitor = desk.visitor();
          for (const [name, value] of of.cookies)
            if (name !== '__Host-desk') visitor.cookies.set(name, value);
          return visitor;
        };

        it('who has signed in with this browser before, however much strangers requested', async () => {
          await passRequests(desk.app.db, '25 hours');
          for (let turn = 0; turn < 8; turn += 1) await asks(desk.visitor());
          expect((await asks(desk.visitor())).mails).toBe(0);
          const own = ownBrowser(editor);
          expect(await asks(own)).toEqual({ statusCode: 303, mails: 1 });
          const url = new URL(desk.links.at(-1) ?? '').pathname;
          expect((await desk.visitor().post(url, {})).statusCode).toBe(403);
          expect((await own.post(url, {})).statusCode).toBe(303);
        });

        it('but this browser has no own quota for another editor, and a forged cookie has none', async () => {
          await passRequests(desk.app.db, '25 hours');
          for (let turn = 0; turn < 8; turn += 1) await asks(desk.visitor());
          expect((await asks(ownBrowser(chief))).mails).toBe(0);
          const cookie = editor.cookies.get('__Host-desk-browser') ?? '';
          expect(cookie).toMatch(/^[\w-]{22}\.[\w-]{43}$/);
          for (const forged of ['x', '.', `x${cookie.slice(1)}`, `${cookie.slice(0, -3)}AAA`]) {
            const forger = desk.visitor();
            forger.cookies.set('__Host-desk-browser', forged);
            expect((await asks(forger)).mails).toBe(0);
          }
        });

        it('and cannot fill an inbox: at most 15 links a day, from all browsers', async () => {
          await passRequests(desk.app.db, '25 hours');
          let mails = 0;
          for (let hour = 0; hour < 5; hour += 1) {
            for (let turn = 0; turn < 6; turn += 1) mails += (await asks(desk.visitor(), fromAfar())).mails;
            await passRequests(desk.app.db, '61 minutes');
          }
          expect(mails).toBe(15);
          await passRequests(desk.app.db, '25 hours');
        });

        it('nor use up the quota of a network: the editor’s own browser is counted separately', async () => {
          const remote = fromAfar();
          const statuses: number[] = [];
          for (let turn = 0; turn < 31; turn += 1)
            statuses.push((await asks(desk.visitor(), remote, `nobody${turn}@desk.example`)).statusCode);
          expect(statuses).toEqual([...Array(30).fill(303), 429]);
          expect((await asks(desk.visitor(), remote)).statusCode).toBe(429);
          expect(await asks(ownBrowser(editor), remote)).toEqual({ statusCode: 303, mails: 1 });
        });

        it('and one browser may ask five times in a quarter of an hour, for all addresses together', async () => {
          await passRequests(desk.app.db, '25 hours');
          for (const email of [CHIEF, 'nobody@desk.example']) {
            const visitor = desk.visitor();
            const statuses: number[] = [];
            for (let turn = 0; turn < 6; turn += 1)
              statuses.push((await asks(visitor, fromAfar(), email)).statusCode);
            expect(statuses).toEqual([303, 303, 303, 303, 303, 429]);
          }
          await passRequests(desk.app.db, '25 hours');
        });
      });

      it('F10: the form runs the same statements for an editor and for a stranger', async () => {
        const waiting = async () =>
          (await waitingRequests(desk.app.db)).map(({ kind, email }) => [kind, email]);
        const answers = await Promise.all(
          [EDITOR, 'stranger@desk.example'].map((email) =>
            desk.server.inject({
              method: 'POST',
              url: '/editor/sign-in',
              payload: new URLSearchParams({ email }).toString(),
              headers: { 'content-type': 'application/x-www-form-urlencoded', ...fromAfar() },
            }),
          ),
        );
        expect(answers.map(({ statusCode, body }) => [statusCode, body])).toEqual(Array(2).fill([303, '']));
        expect((await waiting()).sort()).toEqual([
          ['desk_sign_in', EDITOR],
          ['desk_sign_in', 'stranger@desk.example'],
        ]);
        await desk.answer();
        expect(await waiting()).toEqual([]);
        await passRequests(desk.app.db, '25 hours');
      });

      it('keeps no token that opens anything in its tables, its mails or its log', async () => {
        const cookie = chief.cookies.get('__Host-desk') ?? '';
        const link = new URL(desk.links[0] ?? '').pathname.split('/').at(-1) ?? '';
        for (const table of ['desk_links', 'desk_sessions', 'desk_audit', 'mails', 'desk_reviews']) {
          const { rows } = await sql`select * from ${sql.table(table)}`.execute(desk.app.db);
          for (const secret of [cookie, link]) expect(JSON.stringify(rows)).not.toContain(secret);
        }
      });
    });

    describe('a session', () => {
      it('is refused when it is forged, and the refusal is recorded', async () => {
        const forger = desk.visitor();
        forger.cookies.set('__Host-desk', 'A'.repeat(43));
        const page = await forger.get('/editor');
        expect([page.statusCode, page.headers.location]).toEqual([303, '/editor/sign-in']);
        expect(await lastAction()).toMatchObject({ who: null, what: 'session_refused' });
        forger.cookies.set('__Host-desk', 'A'.repeat(43));
        const before = (await fresh()).revision;
        const answer = await edit(forger, { kind: 'unpin', csrf: 'x' });
        expect(answer.statusCode).toBe(403);
        expect((await fresh()).revision).toBe(before);
      });

      it.each([
        ['12 hours unseen', sql`update desk_sessions set seen_at = now() - interval '12 hours'`],
        ['30 days old', sql`update desk_sessions set created_at = now() - interval '30 days'`],
      ])('ends when it is %s', async (_name, age) => {
        await passRequests(desk.app.db, '25 hours');
        const visitor = await desk.signIn(EDITOR);
        expect((await visitor.get('/editor')).statusCode).toBe(200);
        await sql`${age} where token_hash = ${createHash('sha256')
          .update(visitor.cookies.get('__Host-desk') ?? '')
          .digest('base64url')}`.execute(desk.app.db);
        expect((await visitor.get('/editor')).statusCode).toBe(303);
      });

      it('is ended by its owner, here or everywhere', async () => {
        await passRequests(desk.app.db, '25 hours');
        const [here, there, third] = [
          await desk.signIn(EDITOR),
          await desk.signIn(EDITOR),
          await desk.signIn(EDITOR),
        ];
        await here.post('/editor/sign-out', {});
        expect((await here.get('/editor')).statusCode).toBe(303);
        expect((await there.get('/editor')).statusCode).toBe(200);
        const kept = new Map(third.cookies);
        await there.post('/editor/sign-out', { everywhere: '1' });
        third.cookies = kept;
        expect((await third.get('/editor')).statusCode).toBe(303);
        expect((await chief.get('/editor')).statusCode).toBe(200);
        editor = await desk.signIn(EDITOR);
      });

      it.each([
        ['no token', { csrf: '' }, {}],
        ['a wrong token', { csrf: 'x'.repeat(43) }, {}],
        ['a form of another site', {}, { 'sec-fetch-site': 'cross-site' }],
        ['a form of another host of the domain', {}, { 'sec-fetch-site': 'same-site' }],
      ])('does nothing for %s, and writes it down', async (_name, form, headers) => {
        const before = await fresh();
        const url = `/editor/issues/${issue.slug}/do/approve`;
        const answer = await chief.post(url, { plan: before.planHash ?? '', ...form }, headers);
        expect(answer.statusCode).toBe(403);
        expect(await fresh()).toEqual(before);
        expect(await lastAction()).toMatchObject({ who: CHIEF, what: 'form_refused' });
      });

      it('of an editor decides nothing: approve, send, pause, resume and cancel need a publisher', async () => {
        const before = await fresh();
        for (const action of ['approve', 'take-back', 'send', 'pause', 'resume', 'cancel']) {
          const url = `/editor/issues/${issue.slug}/do/${action}`;
          const page = load((await editor.get(url)).body);
          expect([action, page('button:contains("it")').length]).toEqual([action, 0]);
          const answer = await editor.post(url, { plan: before.planHash ?? '' });
          expect([action, answer.statusCode]).toEqual([action, 403]);
          expect(await lastAction()).toMatchObject({ who: EDITOR, what: 'role_refused' });
        }
        expect(await fresh()).toEqual(before);
      });
    });

    it('the log can only grow', async () => {
      const code = '23001';
      const { db } = desk.app;
      await expect(sql`update desk_audit set who = 'x'`.execute(db)).rejects.toMatchObject({ code });
      await expect(sql`delete from desk_audit`.execute(db)).rejects.toMatchObject({ code });
      await expect(sql`truncate desk_audit`.execute(db)).rejects.toMatchObject({ code });
    });

    describe('every page', () => {
      it('is not cached, framed or indexed, and runs only our script', async () => {
        for (const url of [
          '/editor/sign-in',
          '/editor',
          '/editor/log',
          `/editor/issues/${issue.slug}/preview`,
        ]) {
          const { headers, statusCode } = await chief.get(url);
          expect([
            url,
            statusCode,
            headers['cache-control'],
            headers['x-robots-tag'],
            headers['referrer-policy'],
          ]).toEqual([url, 200, 'no-store', 'noindex', 'no-referrer']);
          expect(headers['content-security-policy']).toMatch(
            /^default-src 'none'; style-src(?: 'sha256-[^']+')+; script-src 'self'; .*frame-ancestors 'none'$/,
          );
        }
        const frame = await chief.get(`/editor/issues/${issue.slug}/mail?images=off`);
        expect(frame.headers['content-security-policy']).toBe(
          "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'",
        );
      });
    });

    it('an editor who is removed from the settings loses access at once', async () => {
      const { editors } = desk.app.config;
      const index = editors.findIndex(({ email }) => email === EDITOR);
      editors.splice(index, 1);
      expect((await editor.get('/editor')).statusCode).toBe(303);
      expect((await chief.get('/editor')).statusCode).toBe(200);
    });
  });
}
