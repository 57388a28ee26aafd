import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { load } from 'cheerio';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { listAudit } from '../../src/desk/audit/audit.ts';
import { changeIssue, findIssue, type Issue } from '../../src/issues/issue-store.ts';
import { disableLinks } from '../../src/render/disable-links.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { estimateIssue } from '../../src/sending/preview/estimate.ts';
import { issueProgress } from '../../src/sending/progress.ts';
import { refuseInbox } from '../../src/transactional/requests/request-store.ts';
import { reconcile } from '../../src/workflow/duties.ts';
import { draft, prepare } from '../../src/workflow/week.ts';
import { comparison, tool } from '../helpers/compose.ts';
import {
  deskForAll,
  draftAt,
  EDITOR,
  type NewDeskDatabase,
  type TestDesk,
  type Visitor,
} from '../helpers/desk.ts';
import { readMail } from '../helpers/eml.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** The week’s draft, from its first edit to the last reader, over HTTP on the given database. */
export function describeDesk(name: string, newDatabase: NewDeskDatabase): void {
  describe(`the desk on ${name}`, () => {
    let desk: TestDesk;
    let issue: Issue;
    let chief: Visitor;
    let editor: Visitor;
    deskForAll(newDatabase, async (opened) => {
      ({ desk, chief, editor } = opened);
      issue = await desk.compose();
    });
    const { edit, fresh, lastAction, slugs } = draftAt(() => ({ desk, issue }));

    describe('editing', () => {
      it('moves and pins comparisons and writes texts, and every step is logged', async () => {
        expect(await slugs()).toEqual(['orca-vs-hedge', 'moth-vs-lamp', 'pike-vs-perch', 'reed-vs-rush']);
        const answer = await edit(editor, { kind: 'up', slug: 'pike-vs-perch' });
        expect([answer.statusCode, answer.headers.location]).toEqual([
          303,
          `/editor/issues/${issue.slug}#at-pike-vs-perch`,
        ]);
        expect(await slugs()).toEqual(['orca-vs-hedge', 'pike-vs-perch', 'moth-vs-lamp', 'reed-vs-rush']);
        expect(await lastAction()).toMatchObject({
          who: EDITOR,
          what: 'edited',
          issue: issue.slug,
          details: { kind: 'up', slug: 'pike-vs-perch' },
        });
        await edit(editor, { kind: 'move', slug: 'reed-vs-rush', before: 'orca-vs-hedge' });
        expect(await slugs()).toEqual(['reed-vs-rush', 'orca-vs-hedge', 'pike-vs-perch', 'moth-vs-lamp']);
        await edit(editor, { kind: 'lead', slug: 'moth-vs-lamp' });
        expect((await slugs())?.[0]).toBe('moth-vs-lamp');
        await edit(editor, { kind: 'reorder' });
        expect((await slugs())?.[0]).toBe('orca-vs-hedge');
        await edit(editor, {
          kind: 'words',
          subject: 'What  the editor\r\nwrote',
          preheader: '',
          intro: 'Hello.',
        });
        expect((await fresh()).plan).toMatchObject({ subject: 'What the editor wrote', intro: 'Hello.' });
        expect((await fresh()).status).toBe('review');
      });

      it('by two editors at once shows both versions to the second, and loses neither', async () => {
        const { revision } = await fresh();
        await edit(
          chief,
          { kind: 'words', subject: 'The chief was here', preheader: '', intro: '' },
          revision,
        );
        const words = { kind: 'words', subject: 'The editor, too', preheader: '', intro: '' };
        const answer = await edit(editor, words, revision);
        expect(answer.statusCode).toBe(409);
        const page = load(answer.body);
        expect(page('main').text()).toContain('The chief was here');
        expect(page('main').text()).toContain('The editor, too');
        expect((await fresh()).plan?.subject).toBe('The chief was here');
        // The same form again, with the revision on the page.
        const again = Object.fromEntries(
          page('main form input')
            .map((_, input) => [[page(input).attr('name'), page(input).attr('value')]])
            .get(),
        );
        expect((await editor.post(`/editor/issues/${issue.slug}/edit`, again)).statusCode).toBe(303);
        expect((await fresh()).plan?.subject).toBe('The editor, too');
      });

      it('an excluded comparison has its reason on the page, and stays out until it is put back', async () => {
        expect(
          (await edit(editor, { kind: 'leave_out', slug: 'reed-vs-rush', reason: ' ' })).statusCode,
        ).toBe(422);
        await edit(editor, { kind: 'leave_out', slug: 'reed-vs-rush', reason: 'Rush has closed' });
        await edit(editor, { kind: 'hold', slug: 'pike-vs-perch' });
        expect(await slugs()).toEqual(['orca-vs-hedge', 'moth-vs-lamp']);
        expect((await editor.get('/editor')).body).toContain('Rush has closed');
        await edit(editor, { kind: 'add', slug: 'reed-vs-rush' });
        expect(await slugs()).toContain('reed-vs-rush');
        await edit(editor, { kind: 'leave_out', slug: 'reed-vs-rush', reason: 'Rush has closed, really' });
        expect(await slugs()).toEqual(['orca-vs-hedge', 'moth-vs-lamp']);
      });

      it('composing again keeps every choice, and adds new comparisons at the end', async () => {
        await edit(editor, { kind: 'move', slug: 'moth-vs-lamp', before: 'orca-vs-hedge' });
        const before = await fresh();
        const late = [comparison('gull-vs-tern', tool('Gull', 50), tool('Tern', 45))];
        await desk.compose(late);
        expect(await slugs()).toEqual(['moth-vs-lamp', 'orca-vs-hedge', 'gull-vs-tern']);
        const after = await fresh();
        expect(after.plan).toMatchObject({
          subject: before.plan?.subject,
          heldBack: ['pike-vs-perch'],
          leftOut: ['reed-vs-rush'],
        });
        expect(after.revision).toBeGreaterThan(before.revision);
        await edit(editor, { kind: 'hold', slug: 'gull-vs-tern' });
      });

      it('topics can be held back for the next issue, and another template can render this one', async () => {
        const look = { kind: 'look', template: 'mjml:digest', offered: ['Coding', 'Writing'] };
        await edit(editor, { ...look, topic: ['Writing'] });
        expect(await slugs()).toEqual(['moth-vs-lamp']);
        expect((await fresh()).template).toBe('mjml:digest');
        await edit(editor, { ...look, template: 'react:digest', topic: ['Coding', 'Writing'] });
        expect(await slugs()).toEqual(['moth-vs-lamp', 'orca-vs-hedge']);
      });

      it('never empties an issue', async () => {
        await edit(editor, { kind: 'hold', slug: 'moth-vs-lamp' });
        const answer = await edit(editor, { kind: 'hold', slug: 'orca-vs-hedge' });
        expect(answer.statusCode).toBe(422);
        expect(await slugs()).toEqual(['orca-vs-hedge']);
        await edit(editor, { kind: 'add', slug: 'moth-vs-lamp' });
      });
    });

    describe('sending', () => {
      const READERS = ['anna@readers.example', 'bert@readers.example', 'cleo@readers.example'];

      it('reminds every editor once of a waiting draft, in two mails and no more', async () => {
        const mails = async () => {
          const { rows } = await sql<{ id: string }>`select id from mails where kind = 'reminder'`.execute(
            desk.app.db,
          );
          return rows;
        };
        await reconcile(desk.app);
        await reconcile(desk.app);
        expect(await mails()).toHaveLength(2);
        const near = { ...desk.app, clock: () => new Date('2026-11-24T05:30:00Z') };
        await reconcile(near);
        await reconcile(near);
        expect(await mails()).toHaveLength(4);
      });

      it('sends a test with exactly the bytes of the issue, to addresses that are not in the ledger', async () => {
        const url = `/editor/issues/${issue.slug}/test`;
        const before = desk.enqueued.length;
        for (const to of [
          '',
          'no address',
          Array.from({ length: 21 }, (_, one) => `a${one}@b.example`).join(' '),
        ])
          expect((await editor.post(url, { to })).statusCode).toBe(422);
        const answer = await editor.post(url, { to: `${EDITOR}, somebody@else.example` });
        expect(answer.headers.location).toBe(`${url}?sent=2`);
        const mails = desk.enqueued.slice(before);
        for (const id of mails) expect(await desk.app.sendMail(id)).toEqual({ kind: 'done' });
        const folder = path.join(desk.app.config.dataDir, 'outbox', 'transactional');
        const html = await Promise.all(
          mails.map(async (id) => readFile(path.join(folder, `mail-${id}`, '001.html'), 'utf8')),
        );
        const frame = await editor.get(`/editor/issues/${issue.slug}/mail`);
        expect(html.map((each) => sha256(disableLinks(each)))).toEqual(Array(2).fill(sha256(frame.body)));
        const eml = readMail(await readFile(path.join(folder, `mail-${mails[0]}`, '001.eml')));
        expect(eml.one('subject')).toBe('[Test] The editor, too');
        const { rows } = await sql`select from deliveries`.execute(desk.app.db);
        expect(rows).toHaveLength(0);
      });

      it('F4: sends no test to an address that is suppressed or refused all mail, in any spelling, and says why', async () => {
        const url = `/editor/issues/${issue.slug}/test`;
        const { db } = desk.app;
        await desk.addReaders(['gone.away@gmail.com']);
        await sql`update subscribers set status = 'suppressed', reason = 'bounced' where email_key = 'gone.away@gmail.com'`.execute(
          db,
        );
        await refuseInbox(db, 'never.again@readers.example');
        const before = desk.enqueued.length;
        for (const [to, why] of [
          ['gone.away@gmail.com', 'mail to this address bounced'],
          [`${EDITOR} G.oneaway+news@googlemail.com`, 'mail to this address bounced'],
          ['neveragain+x@readers.example', 'asked never to be mailed'],
        ] as const) {
          const answer = await editor.post(url, { to });
          expect(answer.statusCode).toBe(422);
          expect(load(answer.body)('main').text()).toContain(why);
        }
        expect(desk.enqueued).toHaveLength(before);
        for (let turn = 0; turn < 20; turn += 1)
          expect((await editor.post(url, { to: `outside+${turn}@else.example` })).statusCode).toBe(303);
        const tooMany = await editor.post(url, { to: 'out.side@else.example' });
        expect(tooMany.statusCode).toBe(422);
        expect(load(tooMany.body)('main').text()).toContain('had as many tests as an inbox may have now');
      });

      it('shows its effect first, with the same numbers as the later freeze', async () => {
        await desk.addReaders(READERS);
        await desk.addReaders(['dora@readers.example'], ['Writing']);
        await desk.addReaders(['emil@readers.example'], ['Robotics']);
        await desk.addReaders(['finn@readers.example']);
        await sql`update subscribers set paused_until = now() + interval '1 day' where email = 'finn@readers.example'`.execute(
          desk.app.db,
        );
        const page = load((await chief.get(`/editor/issues/${issue.slug}/do/approve`)).body);
        expect(page('main strong').text()).toBe(
          'It goes to 4 people in 2 variants, from Tuesday 24 November, 09:00 Europe/Berlin.',
        );
      });

      it('approves the version that was shown, once for any number of presses, and never a later edit', async () => {
        const url = `/editor/issues/${issue.slug}/do/approve`;
        const stale = (await fresh()).planHash ?? '';
        await edit(editor, { kind: 'words', subject: 'A last word', preheader: '', intro: '' });
        expect((await chief.post(url, { plan: stale })).statusCode).toBe(409);
        expect((await fresh()).status).toBe('review');
        const seen = (await fresh()).planHash ?? '';
        const answers = await Promise.all([chief.post(url, { plan: seen }), chief.post(url, { plan: seen })]);
        expect(answers.map(({ statusCode }) => statusCode)).toEqual([303, 303]);
        expect((await fresh()).status).toBe('approved');
        const edited = await edit(editor, { kind: 'up', slug: 'moth-vs-lamp' });
        expect(edited.statusCode).toBe(409);
      });

      it('pauses, resumes and cancels, each idempotent', async () => {
        const act = async (action: string) =>
          chief.post(`/editor/issues/${issue.slug}/do/${action}`, { plan: (await fresh()).planHash ?? '' });
        for (const [action, status] of [
          ['pause', 'paused'],
          ['pause', 'paused'],
          ['resume', 'approved'],
          ['resume', 'approved'],
          ['take-back', 'review'],
          ['take-back', 'review'],
          ['approve', 'approved'],
        ] as const) {
          expect([action, (await act(action)).statusCode]).toEqual([action, 303]);
          expect((await fresh()).status).toBe(status);
        }
        const actions = (await listAudit(desk.app.db, { limit: 5 })).map(({ what }) => what);
        expect(actions.slice(0, 4)).toEqual(['approved', 'approval_taken_back', 'resumed', 'paused']);
      });

      it('mails as many readers as were shown, and the frame has a reader’s submitted bytes', async () => {
        const forecast = await estimateIssue(desk.app.db, await fresh());
        const plan = (await fresh()).planHash ?? '';
        for (const _ of [1, 2]) await chief.post(`/editor/issues/${issue.slug}/do/send`, { plan });
        const frames = new Map<string, string>();
        const frameOf = async (email: string) => {
          const found = await chief.post(`/editor/issues/${issue.slug}/preview`, { email });
          const as = new URL(String(found.headers.location), 'https://x.example').searchParams.get('as');
          return chief.get(`/editor/issues/${issue.slug}/mail?as=${as}`);
        };
        for (const email of [...READERS, 'dora@readers.example'])
          frames.set(email, sha256((await frameOf(email)).body));

        await prepare(desk.app, issue.id);
        for (const batch of await claimableBatches(desk.app.db, issue.id)) await desk.app.submit(batch);
        const progress = await issueProgress(desk.app.db, issue.id);
        expect([progress.submitted, progress.excluded]).toEqual([forecast.people, forecast.excluded]);
        expect(forecast).toMatchObject({ people: 4, excluded: { 'no-content': 1, paused: 1 } });

        const submitted = await htmlByReader(path.join(desk.app.config.dataDir, 'outbox', issue.slug));
        expect(submitted.size).toBe(4);
        for (const [email, html] of submitted) {
          expect(html).toContain('/unsubscribe/1.');
          expect([email, sha256(disableLinks(html))]).toEqual([email, frames.get(email)]);
          // The issue is frozen now, and the frame is still the same.
          expect([email, sha256((await frameOf(email)).body)]).toEqual([email, frames.get(email)]);
        }
      });

      it('a comparison that was held back is in the next issue, an excluded one is not', async () => {
        await changeIssue(desk.app.db, issue.id, { type: 'finish' });
        const slot = { key: '2026-12-01', label: '2026-12-01', dueAt: new Date('2026-12-01T08:00:00Z') };
        const next = await draft(desk.app, slot);
        expect(next.plan?.comparisons.map((each) => each.comparison.slug).sort()).toEqual([
          'gull-vs-tern',
          'pike-vs-perch',
        ]);
        const page = (await editor.get('/editor/issues/2026-12-01')).body;
        expect(page).toContain(`left out of ${issue.slug}: Rush has closed, really`);
        const url = '/editor/issues/2026-12-01/edit';
        await editor.post(url, { revision: String(next.revision), kind: 'add', slug: 'reed-vs-rush' });
        const now = await findIssue(desk.app.db, { id: next.id });
        expect(now?.plan?.comparisons.map((each) => each.comparison.slug)).toContain('reed-vs-rush');
      });
    });

    describe('a link for reviewers', () => {
      it('shows the preview without an account, changes nothing, and ends when it is revoked', async () => {
        const base = '/editor/issues/2026-12-01';
        await editor.post(`${base}/reviews`, {});
        const page = load((await editor.get(`${base}/preview`)).body);
        const url = new URL(page('#reviewers a').attr('href') ?? '').pathname;
        const stranger = desk.visitor();
        const shown = await stranger.get(url);
        expect([shown.statusCode, load(shown.body)('form[method=post]').length]).toEqual([200, 0]);
        const frame = await stranger.get(`${url}/mail`);
        expect(frame.body).toBe((await editor.get(`${base}/mail`)).body);
        // No reader's copy is shown, even if one is requested.
        const { rows } = await sql<{ id: string }>`select id from subscribers limit 1`.execute(desk.app.db);
        expect((await stranger.get(`${url}/mail?as=${rows[0]?.id}`)).body).toBe(frame.body);
        expect((await stranger.post(url, {})).statusCode).toBe(405);
        const id = page('#reviewers button[name=revoke]').attr('value') ?? '';
        await editor.post(`${base}/reviews`, { revoke: id });
        expect((await stranger.get(url)).statusCode).toBe(404);
        expect((await stranger.get(`${url}/mail`)).statusCode).toBe(404);
      });
    });
  });
}

/** The accepted HTML by recipient. */
async function htmlByReader(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of await readdir(folder, { recursive: true })) {
    if (!name.endsWith('.eml')) continue;
    const file = path.join(folder, name);
    const to = readMail(await readFile(file)).one('to');
    found.set(to, await readFile(file.replace(/eml$/, 'html'), 'utf8'));
  }
  return found;
}
