import { load } from 'cheerio';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { listAudit } from '../../src/desk/audit/audit.ts';
import { findSubscriberByAddress } from '../../src/subscribers/subscriber-store.ts';
import { refuseInbox } from '../../src/transactional/requests/request-store.ts';
import {
  CHIEF,
  deskForAll,
  EDITOR,
  type NewDeskDatabase,
  type TestDesk,
  type Visitor,
} from '../helpers/desk.ts';
import { sendingIssue } from '../helpers/ledger.ts';

/** What the desk shows about one reader and can do, and the sources. */
export function describePeople(name: string, newDatabase: NewDeskDatabase): void {
  describe(`subscribers and sources at the desk, on ${name}`, () => {
    let desk: TestDesk;
    let chief: Visitor;
    let editor: Visitor;

    deskForAll(newDatabase, async (opened) => {
      ({ desk, chief, editor } = opened);
      const many = Array.from({ length: 60 }, (_, n) => `many-${String(n).padStart(2, '0')}@readers.example`);
      await desk.addReaders(['ada@readers.example', 'adam@readers.example']);
      await desk.addReaders(many);
    });

    const idOf = async (email: string) => (await findSubscriberByAddress(desk.app.db, email))?.id ?? '';
    const addresses = (body: string) => {
      const page = load(body);
      return page('tbody td:first-child')
        .toArray()
        .map((each) => page(each).text());
    };
    const actionsAbout = async (id: string) =>
      (await listAudit(desk.app.db, { limit: 100 })).filter(({ details }) => details?.reader === id);

    it('finds people by how their address begins, page by page, with no address in a URL', async () => {
      const answer = await editor.post('/editor/people', { address: ' ADA' });
      expect(addresses(answer.body)).toEqual(['ada@readers.example', 'adam@readers.example']);
      const seen: string[] = [];
      let form: Record<string, string> | undefined = { address: 'many' };
      for (let pages = 0; form !== undefined && pages < 5; pages += 1) {
        const { body } = await editor.post('/editor/people', form);
        seen.push(...addresses(body));
        const after = load(body)('input[name=after]').attr('value');
        form = after === undefined ? undefined : { address: 'many', after };
      }
      expect(seen).toHaveLength(60);
      expect(new Set(seen).size).toBe(60);
      expect(seen).toEqual(seen.toSorted());
      for (const typed of ['nobody', '%', 'many_', '\u{1F600}', "' or 1=1 --"])
        expect(addresses((await editor.post('/editor/people', { address: typed })).body)).toEqual([]);
      const hrefs = load(answer.body)('[href], [action]')
        .toArray()
        .flatMap(({ attribs }) => [attribs.href ?? '', attribs.action ?? '']);
      expect(hrefs.join(' ')).not.toContain('@');
    });

    it('opens the page of a single match directly', async () => {
      const { headers } = await editor.post('/editor/people', { address: 'Adam@readers.example' });
      expect(headers.location).toBe(`/editor/people/${await idOf('adam@readers.example')}`);
    });

    it('shows everything that the database has about a person', async () => {
      const id = await idOf('ada@readers.example');
      const { db } = desk.app;
      const issue = await sendingIssue(db);
      await sql`update deliveries set status = 'delivered', submitted_at = now() where subscriber_id = ${id}`.execute(
        db,
      );
      await sql`insert into events (id, type, kind, at, delivery_id, outcome)
      select 'msg_1', 'email.delivered', 'delivered', now(), id, 'applied' from deliveries where subscriber_id = ${id}
        and issue_id = ${issue.id}`.execute(db);
      const page = load((await editor.get(`/editor/people/${id}`)).body);
      expect(page('h1').text()).toBe('ada@readers.example');
      expect(page('table[aria-label=Consent]').text()).toContain('confirmed');
      expect(page('table[aria-label=Issues]').text()).toContain('delivered');
      expect(page('table[aria-label=Events]').text()).toContain('delivered');
      expect(page('form button').text()).not.toContain('Suppress');
      for (const url of ['/editor/people/nobody', `/editor/people/${crypto.randomUUID()}`])
        expect((await editor.get(url)).statusCode).toBe(404);
    });

    it('suppresses a person once, with a publisher’s reason', async () => {
      const id = await idOf('many-01@readers.example');
      const url = `/editor/people/${id}/suppress`;
      expect((await editor.post(url, { reason: 'asked' })).statusCode).toBe(403);
      expect((await chief.post(url, { reason: '  ' })).statusCode).toBe(422);
      expect((await chief.post(url, { reason: 'asked', csrf: 'forged' })).statusCode).toBe(403);
      for (const _ of [1, 2]) expect((await chief.post(url, { reason: 'erased' })).statusCode).toBe(303);
      const page = load((await editor.get(`/editor/people/${id}`)).body);
      expect(page('.overline').text()).toBe('suppressed');
      // Whatever the words of the reason, they are no less in the database.
      expect(page('h1').text()).toBe('many-01@readers.example');
      expect(await actionsAbout(id)).toMatchObject([{ who: CHIEF, what: 'suppressed' }]);
    });

    it('B17: lifts a bounce once, with a publisher’s reason, and names the actual cause of other suppressions', async () => {
      const [bounced, complained, refused] = await Promise.all(
        ['many-11', 'many-12', 'many-13'].map((name) => idOf(`${name}@readers.example`)),
      );
      const suppress = (id: string | undefined, reason: string) =>
        sql`update subscribers set status = 'suppressed', reason = ${reason} where id = ${id}`.execute(
          desk.app.db,
        );
      await suppress(bounced, 'bounced');
      await suppress(complained, 'complained');
      await suppress(refused, 'bounced');
      await refuseInbox(desk.app.db, 'many-13+x@readers.example');
      const page = async (id: string | undefined) => load((await chief.get(`/editor/people/${id}`)).body);
      expect((await page(bounced))('dl').text()).toContain('mail to this address bounced');
      expect((await page(complained))('dl').text()).toContain('this person reported our mail as spam');
      expect((await page(complained))('form button').text()).not.toContain('Lift');

      const url = `/editor/people/${bounced}/restore`;
      expect((await editor.post(url, { reason: 'mended' })).statusCode).toBe(403);
      expect((await chief.post(url, { reason: ' ' })).statusCode).toBe(422);
      for (const _ of [1, 2]) expect((await chief.post(url, { reason: 'mended' })).statusCode).toBe(303);
      expect((await page(bounced))('.overline').text()).toBe('active');
      expect((await page(bounced))('table[aria-label=Consent]').text()).toContain('restored');
      expect(await actionsAbout(bounced ?? '')).toMatchObject([
        { who: CHIEF, what: 'restored', details: { reason: 'mended' } },
      ]);
      for (const id of [complained, refused]) {
        const answer = await chief.post(`/editor/people/${id}/restore`, { reason: 'please' });
        expect([answer.statusCode, load(answer.body)('h1').text()]).toEqual([409, 'That cannot be lifted']);
        expect((await page(id))('.overline').text()).toBe('suppressed');
      }
    });

    it('erases a person in two steps, and the address is nowhere afterwards', async () => {
      const email = 'many-02@readers.example';
      const id = await idOf(email);
      const url = `/editor/people/${id}/erase`;
      expect((await editor.post(url, {})).statusCode).toBe(403);
      expect((await chief.get(url)).body).toContain(`Erase ${email}?`);
      expect(await idOf(email)).toBe(id);
      for (const _ of [1, 2]) expect((await chief.post(url, {})).statusCode).toBe(303);
      expect(await idOf(email)).toBe('');
      const { body } = await chief.get(`/editor/people/${id}`);
      expect(load(body)('h1').text()).toBe('Somebody who was forgotten');
      expect(body).not.toContain('many-02');
      const actions = await actionsAbout(id);
      expect(actions).toMatchObject([{ who: CHIEF, what: 'erased' }]);
      expect(JSON.stringify(actions)).not.toContain('many-02');
      expect(addresses((await chief.post('/editor/people', { address: 'erased:' })).body)).toEqual([]);
    });

    it('shows the faults of the sources, and asks a worker to gather', async () => {
      const { db, queue } = desk.app;
      await sql`insert into sources (source, failures, reason, failed_at) values ('feed:x', 3, 'no answer', now())`.execute(
        db,
      );
      await sql`insert into gathers (at, added, changed, unchanged, sources, rejected) values (now(), 2, 0, 5,
      '[{"source":"feed:x","comparisons":2,"unchanged":5,"rejected":1,"duplicates":0,"fault":null}]', '[]')`.execute(
        db,
      );
      await sql`insert into quarantine (source, url, faults, first_seen_at, last_seen_at) values ('feed:x',
      'https://x.example/a', '[{"field":"tools.1.entryPrice","reason":"missing"}]', now(), now())`.execute(
        db,
      );
      const before = await queue.waiting('issues');
      const answer = await editor.post('/editor/sources/gather', {});
      expect([answer.statusCode, answer.headers.location]).toEqual([303, '/editor/sources?gathering']);
      expect(await queue.waiting('issues')).toBe(before + 1);
      expect((await listAudit(db, { limit: 1 }))[0]).toMatchObject({ who: EDITOR, what: 'gather_rung' });
      const { body } = await editor.get('/editor/sources?gathering');
      for (const text of [
        '7 comparisons, 1 skipped',
        'failing, 3 times in a row',
        'tools.1.entryPrice: missing',
      ])
        expect(body).toContain(text);
    });
  });
}
