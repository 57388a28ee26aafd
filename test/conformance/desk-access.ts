import { load } from 'cheerio';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { listAudit, REFUSALS_PER_HOUR } from '../../src/desk/audit/audit.ts';
import type { AuditAction } from '../../src/desk/audit/audit-actions.ts';
import { resetPasskeys } from '../../src/desk/auth/passkeys.ts';
import { endAccessOfFormerEditors, printLink } from '../../src/desk/auth/sessions.ts';
import type { Issue } from '../../src/issues/issue-store.ts';
import { findSubscriberByAddress } from '../../src/subscribers/subscriber-store.ts';
import {
  CHIEF,
  deskForAll,
  draftAt,
  EDITOR,
  type NewDeskDatabase,
  type TestDesk,
  type Visitor,
} from '../helpers/desk.ts';
import { forgetRequests } from '../helpers/mail-requests.ts';

/** What strangers cannot do to the log, and what is left of former editors, on the given database. */
export function describeAccess(name: string, newDatabase: NewDeskDatabase): void {
  describe(`access to the desk, on ${name}`, () => {
    let desk: TestDesk;
    let issue: Issue;
    let chief: Visitor;
    let editor: Visitor;
    deskForAll(newDatabase, async (opened) => {
      ({ desk, chief, editor } = opened);
      issue = await desk.compose();
      await desk.addReaders(['ada@readers.example', 'adam@readers.example']);
    });
    const { fresh, edit } = draftAt(() => ({ desk, issue }));

    const entries = async (what: AuditAction) =>
      (await listAudit(desk.app.db, { limit: 2_000 })).filter((each) => each.what === what);
    const forgetLinks = () => forgetRequests(desk.app.db);
    /** Moves the counts into an earlier hour, instead of waiting. */
    const anotherHour = () =>
      sql`update desk_refusals set hour = hour - interval '3 hours'`.execute(desk.app.db);
    const signedIn = async (email: string) => {
      await forgetLinks();
      return desk.signIn(email);
    };

    describe('the log of refusals', () => {
      const { strangers, oneEditor } = REFUSALS_PER_HOUR;

      it('F14: the log still lists an editor’s refusals after any number of strangers’ refusals', async () => {
        await anotherHour();
        const forger = desk.visitor();
        const before = (await entries('session_refused')).length;
        for (let knock = 0; knock < strangers + 60; knock += 1) {
          forger.cookies.set('__Host-desk', 'A'.repeat(43));
          await forger.get('/editor');
        }
        const [summary, ...listed] = (await entries('session_refused')).slice(0, -before || undefined);
        expect(listed).toHaveLength(strangers);
        expect(summary).toMatchObject({ who: null, summary: { count: 60 } });

        // A thief who uses an ended session is still listed.
        const owner = await signedIn(EDITOR);
        const stolen = owner.cookies.get('__Host-desk') ?? '';
        await owner.post('/editor/sign-out', {});
        const thief = desk.visitor();
        thief.cookies.set('__Host-desk', stolen);
        await thief.get('/editor');
        expect((await entries('session_refused'))[0]).toMatchObject({
          who: EDITOR,
          details: { why: 'ended', route: '/editor' },
        });
      });

      it('F14: the log has one summary per hour and kind, whose count increases', async () => {
        const forger = desk.visitor();
        forger.cookies.set('__Host-desk', 'B'.repeat(43));
        await forger.post('/editor/compose', { csrf: 'x' });
        const summaries = (await entries('session_refused')).filter(({ summary }) => summary !== undefined);
        expect(summaries.map(({ summary }) => summary?.count)).toEqual([61]);
        expect((await chief.get('/editor/log')).body).toContain(
          'refused: a session: 61 more times in this hour, beyond those listed one by one',
        );
        await anotherHour();
        await forger.post('/editor/compose', { csrf: 'x' });
        expect((await entries('session_refused'))[0]).toMatchObject({
          who: null,
          details: { why: 'no such session' },
        });
      });

      it('F14: links refused to strangers, and too many requests for an editor’s address, hide no thief', async () => {
        await anotherHour();
        await forgetLinks();
        const { db } = desk.app;
        // Refusals that strangers can cause: unknown links, and links that an editor does not get any more.
        await sql`insert into desk_refusals (bucket, hour, count) values
          ('link_refused', date_trunc('hour', now(), 'UTC'), ${strangers + 500}),
          (${`link_refused ${EDITOR} too many`}, date_trunc('hour', now(), 'UTC'), ${oneEditor + 500})`.execute(
          db,
        );
        const listed = (await entries('link_refused')).length;
        const stranger = desk.visitor();
        await stranger.post(`/editor/sign-in/${'x'.repeat(43)}`, {});
        expect(await entries('link_refused')).toHaveLength(listed);
        await desk.visitor().post('/editor/sign-in', { email: EDITOR });
        await stranger.post(new URL(desk.links.at(-1) ?? '').pathname, {});
        expect((await entries('link_refused'))[0]).toMatchObject({
          who: EDITOR,
          details: { why: 'another browser' },
        });
      });

      it('F14: an editor has their own quota, which also ends in a summary', async () => {
        await anotherHour();
        await sql`insert into desk_refusals (bucket, hour, count)
          values (${`role_refused ${EDITOR} `}, date_trunc('hour', now(), 'UTC'), ${oneEditor - 1})`.execute(
          desk.app.db,
        );
        const before = (await entries('role_refused')).length;
        for (const action of ['approve', 'send', 'pause'])
          await editor.post(`/editor/issues/${issue.slug}/do/${action}`, { plan: '' });
        const [summary, ...listed] = (await entries('role_refused')).slice(0, -before || undefined);
        expect(listed).toHaveLength(1);
        expect(summary).toMatchObject({ who: EDITOR, summary: { count: 2 } });
      });
    });

    describe('an editor who is removed from the settings', () => {
      const leaveAndReturn = async (meanwhile: () => Promise<unknown>) => {
        const { editors } = desk.app.config;
        const at = editors.findIndex(({ email }) => email === EDITOR);
        const taken = editors.splice(at, 1);
        await meanwhile();
        editors.splice(at, 0, ...taken);
      };

      it('F15: an editor who is added again has no old session if it was used in between', async () => {
        const [seen, unseen] = [await signedIn(EDITOR), await signedIn(EDITOR)];
        const kept = new Map(seen.cookies);
        await leaveAndReturn(async () => expect((await seen.get('/editor')).statusCode).toBe(303));
        seen.cookies = kept;
        for (const each of [seen, unseen])
          expect((await each.get('/editor')).headers.location).toBe('/editor/sign-in');
        expect((await chief.get('/editor')).statusCode).toBe(200);
        expect((await entries('access_ended'))[0]).toMatchObject({ who: EDITOR });
      });

      it('F15: an editor who is added again has no old session, sign-in link or review link after a start without them', async () => {
        const { db, config } = desk.app;
        const old = await signedIn(EDITOR);
        await old.post(`/editor/issues/${issue.slug}/reviews`, {});
        const review = /\/editor\/review\/[\w-]+/.exec(
          (await old.get(`/editor/issues/${issue.slug}/preview`)).body,
        )?.[0];
        const asking = desk.visitor();
        await asking.post('/editor/sign-in', { email: EDITOR });
        const link = new URL(desk.links.at(-1) ?? '').pathname;
        await leaveAndReturn(() => endAccessOfFormerEditors(db, config.editors));
        expect((await old.get('/editor')).statusCode).toBe(303);
        expect((await asking.post(link, {})).statusCode).toBe(403);
        expect((await desk.visitor().get(review ?? '')).statusCode).toBe(404);
        expect((await entries('access_ended'))[0]).toMatchObject({
          who: EDITOR,
          details: { sessions: 1, links: 2 },
        });
        editor = await signedIn(EDITOR);
      });

      it('F15: an editor who is added again cannot sign in by a link that was tried in between', async () => {
        await forgetLinks();
        const visitor = desk.visitor();
        await visitor.post('/editor/sign-in', { email: EDITOR });
        const link = new URL(desk.links.at(-1) ?? '').pathname;
        await leaveAndReturn(async () => expect((await visitor.post(link, {})).statusCode).toBe(403));
        expect((await visitor.post(link, {})).statusCode).toBe(403);
        editor = await signedIn(EDITOR);
      });
    });

    describe('reading the data of readers', () => {
      const idOf = async (email: string) => (await findSubscriberByAddress(desk.app.db, email))?.id ?? '';

      it('F15: reading is recorded: a search, a person’s page, the page before erasing, their copy, an export', async () => {
        const [ada, adam] = [await idOf('ada@readers.example'), await idOf('adam@readers.example')];
        const newest = async () => (await listAudit(desk.app.db, { limit: 1 }))[0];
        await editor.post('/editor/people', { address: 'ada' });
        expect(await newest()).toMatchObject({
          who: EDITOR,
          what: 'people_searched',
          details: { letters: 3, subscribers: [ada, adam] },
        });
        for (const url of [`/editor/people/${ada}`, `/editor/people/${ada}/erase`]) {
          await editor.get(url);
          expect([url, await newest()]).toMatchObject([
            url,
            { who: EDITOR, what: 'person_read', details: { subscriber: ada } },
          ]);
        }
        await editor.get(`/editor/issues/${issue.slug}/preview?as=${adam}`);
        expect(await newest()).toMatchObject({
          ...{ who: EDITOR, what: 'person_read', issue: issue.slug },
          details: { subscriber: adam },
        });
        await editor.get(`/editor/issues/${issue.slug}/afterwards.csv`);
        expect(await newest()).toMatchObject({ who: EDITOR, what: 'exported', issue: issue.slug });
        // The log outlives an erasure: it names no reader by their address.
        expect(JSON.stringify(await listAudit(desk.app.db, { limit: 2_000 }))).not.toContain(
          '@readers.example',
        );
      });

      it('F15: network addresses and browsers are shown to publishers only', async () => {
        const ada = await idOf('ada@readers.example');
        await sql`with event as (
            insert into consent_events (subscriber_id, event, at, method, source)
            values (${ada}, 'requested', now(), 'form', 'home') returning id
          )
          insert into consent_evidence (event_id, ip, user_agent) select id, '203.0.113.77', 'Firefox/140' from event`.execute(
          desk.app.db,
        );
        const seen = async (visitor: Visitor) => (await visitor.get(`/editor/people/${ada}`)).body;
        for (const secret of ['203.0.113.77', 'Firefox/140']) {
          expect(await seen(chief)).toContain(secret);
          expect(await seen(editor)).not.toContain(secret);
        }
      });
    });

    describe('a form that is sent after its session ended', () => {
      const intro = `Fifty characters, with “quotes” & <marks>, and ${'\u{1F990}'}`;
      const words = { kind: 'words', subject: 'Kept word for word', preheader: '', intro };
      const send = async (visitor: Visitor, csrf: string) =>
        visitor.post(`/editor/issues/${issue.slug}/edit`, {
          revision: String((await fresh()).revision),
          ...words,
          csrf,
        });
      /** The form on a page that shows the sent form again. */
      const keptForm = (body: string) => {
        const page = load(body);
        const form = page('main form');
        const fields = form
          .find('input[type=hidden]')
          .toArray()
          .map(({ attribs }): [string, string] => [attribs.name ?? '', attribs.value ?? '']);
        return { url: form.attr('action') ?? '', form: Object.fromEntries(fields), page };
      };

      it('B32: a form comes back complete, and is saved by one press after signing in in another tab', async () => {
        const visitor = await signedIn(EDITOR);
        const csrf = await visitor.csrf();
        await sql`update desk_sessions set ended_at = now() where email = ${EDITOR}`.execute(desk.app.db);
        const refused = await send(visitor, csrf);
        const { url, form, page } = keptForm(refused.body);
        expect([refused.statusCode, page('h1').text()]).toEqual([403, 'Your session has ended']);
        expect(page('dd').last().text()).toBe(intro);
        expect(page('a[target=_blank]').attr('href')).toBe('/editor/sign-in');
        expect((await fresh()).plan?.intro).not.toBe(intro);

        await forgetLinks();
        await visitor.post('/editor/sign-in', { email: EDITOR });
        await visitor.post(new URL(desk.links.at(-1) ?? '').pathname, {});
        expect((await visitor.post(url, form)).statusCode).toBe(303);
        expect((await fresh()).plan).toMatchObject({ subject: words.subject, intro });
      });

      it('B32: a form of another session comes back complete with a new token, and is sent by one press', async () => {
        const visitor = await signedIn(EDITOR);
        const before = await fresh();
        const refused = await send(visitor, 'x'.repeat(43));
        const { url, form, page } = keptForm(refused.body);
        expect([refused.statusCode, page('h1').text()]).toEqual([403, 'This form is of an earlier session']);
        expect(page('main').text()).toContain(EDITOR);
        expect(await fresh()).toEqual(before);
        expect((await visitor.post(url, form)).statusCode).toBe(303);
        expect((await fresh()).plan?.intro).toBe(intro);
      });

      it('B32: a form of an editor is not sent in the name of another who signs in after them', async () => {
        const visitor = await signedIn(EDITOR);
        const csrf = await visitor.csrf();
        await visitor.post('/editor/sign-out', {});
        await visitor.post('/editor/sign-in', { email: CHIEF });
        await visitor.post(new URL(desk.links.at(-1) ?? '').pathname, {});
        const refused = await send(visitor, csrf);
        expect([refused.statusCode, keptForm(refused.body).page('main').text()]).toEqual([
          403,
          expect.stringContaining(CHIEF),
        ]);
      });

      it.each<[string, Record<string, string>]>([
        ['of another site', { 'sec-fetch-site': 'cross-site' }],
        ['of another host of the domain', { 'sec-fetch-site': 'same-site' }],
        ['of another origin', { 'sec-fetch-site': '', origin: 'https://evil.example' }],
      ])('B32: a form %s gives no form back, and no token', async (_name, headers) => {
        for (const visitor of [await signedIn(EDITOR), desk.visitor()]) {
          const url = `/editor/issues/${issue.slug}/edit`;
          const answer = await visitor.post(url, { ...words, csrf: 'x' }, headers);
          const { form, page } = keptForm(answer.body);
          expect([answer.statusCode, form]).toEqual([403, {}]);
          expect(page('main').text()).not.toContain('Kept word for word');
        }
      });

      it('B32: tokens differ from browser to browser, and from editor to editor', async () => {
        const [one, other, boss] = [await signedIn(EDITOR), await signedIn(EDITOR), await signedIn(CHIEF)];
        const tokens = [await one.csrf(), await other.csrf(), await boss.csrf()];
        expect(new Set(tokens).size).toBe(3);
        expect((await edit(one, { kind: 'unpin', csrf: tokens[1] ?? '' })).statusCode).toBe(403);
        expect(one.cookies.get('__Host-desk-form')).toMatch(/^[\w-]{43}$/);
      });

      it('B32: a script gets this browser’s current token, and its request does not sign out', async () => {
        const visitor = await signedIn(EDITOR);
        const asked = await visitor.get('/editor/session', { accept: 'application/json' });
        expect(asked.json()).toEqual({ email: EDITOR, csrf: await visitor.csrf() });
        const cookie = visitor.cookies.get('__Host-desk') ?? '';
        await visitor.post('/editor/sign-out', {});
        visitor.cookies.set('__Host-desk', cookie);
        const answer = await visitor.get('/editor/session', { accept: 'application/json' });
        expect([answer.statusCode, answer.headers['set-cookie']]).toEqual([403, undefined]);
      });
    });

    describe('the operator’s link', () => {
      const print = (typed: string) =>
        printLink(desk.app.db, { typed, editors: desk.app.config.editors, by: 'operator root' });

      it('signs in once, in any browser, and is recorded', async () => {
        const { token } = await print(` ${EDITOR.toUpperCase()} `);
        expect((await entries('link_printed'))[0]).toMatchObject({
          who: 'operator root',
          details: { for: EDITOR },
        });
        const [first, second] = [desk.visitor(), desk.visitor()];
        expect((await first.post(`/editor/sign-in/${token}`, {})).headers.location).toBe('/editor');
        expect((await first.get('/editor')).statusCode).toBe(200);
        expect((await second.post(`/editor/sign-in/${token}`, {})).statusCode).toBe(403);
      });

      it('works when strangers have used up the hour’s links, and uses up none itself', async () => {
        await forgetLinks();
        for (let asked = 0; asked < 6; asked += 1)
          await desk.visitor().post('/editor/sign-in', { email: EDITOR });
        const { token } = await print(EDITOR);
        expect((await desk.visitor().post(`/editor/sign-in/${token}`, {})).statusCode).toBe(303);
      });

      it('expires after 15 minutes, and only an address in EDITORS gets one', async () => {
        const { token } = await print(EDITOR);
        await sql`update desk_links set expires_at = expires_at - interval '15 minutes' where browser_hash is null`.execute(
          desk.app.db,
        );
        expect((await desk.visitor().post(`/editor/sign-in/${token}`, {})).statusCode).toBe(403);
        await expect(print('stranger@desk.example')).rejects.toMatchObject({ code: 'editor-unknown' });
      });

      it('after a reset of passkeys ends every session and unused link of that editor only', async () => {
        const { db } = desk.app;
        const visitor = await signedIn(EDITOR);
        const { token } = await print(EDITOR);
        await resetPasskeys(db, { editor: { email: EDITOR, role: 'editor' }, by: 'operator root' });
        expect((await visitor.get('/editor')).statusCode).toBe(303);
        expect((await desk.visitor().post(`/editor/sign-in/${token}`, {})).statusCode).toBe(403);
        expect((await chief.get('/editor')).statusCode).toBe(200);
        expect((await entries('passkeys_reset'))[0]).toMatchObject({
          who: 'operator root',
          details: { of: EDITOR, passkeys: 0 },
        });
      });
    });
  });
}
