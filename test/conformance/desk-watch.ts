import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { load } from 'cheerio';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { listAudit } from '../../src/desk/audit/audit.ts';
import { changeIssue, findIssue } from '../../src/issues/issue-store.ts';
import { issueProgress } from '../../src/sending/progress.ts';
import { CHIEF, deskForAll, type NewDeskDatabase, type TestDesk, type Visitor } from '../helpers/desk.ts';
import { onlyReaders, sendingIssue } from '../helpers/ledger.ts';

/** What the desk shows about an issue while it is sent, and about batches that only a person can settle. */
export function describeWatching(name: string, newDatabase: NewDeskDatabase): void {
  describe(`watching an issue while it is sent, on ${name}`, () => {
    let desk: TestDesk;
    let chief: Visitor;
    let editor: Visitor;

    deskForAll(newDatabase, async (opened) => {
      ({ desk, chief, editor } = opened);
      await desk.server.listen({ host: '127.0.0.1', port: 0 });
    });

    const sending = async (readers: number) => {
      await onlyReaders(desk.app.db, Array(readers).fill([]));
      const { id, batches } = await sendingIssue(desk.app.db);
      const issue = await findIssue(desk.app.db, { id });
      return { id, batch: batches[0] ?? '', slug: issue?.slug ?? '' };
    };
    const submit = (id: string, count: number) =>
      sql`
    update deliveries set status = 'submitted', submitted_at = now() where id in
      (select id from deliveries where issue_id = ${id} and status = 'prepared' limit ${count})
  `.execute(desk.app.db);
    const loseAnswer = async (batch: string, hoursAgo = 25) => {
      await sql`update batches set status = 'uncertain', reason = 'no answer in 30 s',
      claimed_at = now() - make_interval(hours => ${hoursAgo}) where id = ${batch}`.execute(desk.app.db);
      await sql`update deliveries set status = 'uncertain' where batch_id = ${batch}`.execute(desk.app.db);
    };
    const origin = () => `http://127.0.0.1:${(desk.server.server.address() as AddressInfo).port}`;

    /** A browser's end of a stream, read until `enough` says so or it ends. */
    async function follow(slug: string, visitor: Visitor) {
      const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const abort = new AbortController();
      const answer = await fetch(`${origin()}/editor/issues/${slug}/watch/events`, {
        headers: { cookie },
        redirect: 'manual',
        signal: abort.signal,
      });
      const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      return {
        answer,
        close: () => abort.abort(),
        async until(enough: (text: string) => boolean): Promise<string> {
          while (!enough(text)) {
            const next = await reader?.read();
            if (next === undefined || next.done) break;
            text += next.value;
          }
          return text;
        },
      };
    }

    it('is linked from the issue, for editors too', async () => {
      const { id, slug } = await desk.compose();
      await sql`update issues set status = 'sending', number = (select coalesce(max(number), 0) + 1 from issues) where id = ${id}`.execute(
        desk.app.db,
      );
      const links = async () => {
        const page = load((await editor.get(`/editor/issues/${slug}`)).body);
        return page('main a')
          .toArray()
          .map((each) => [page(each).text(), page(each).attr('href')]);
      };
      expect(await links()).toContainEqual(['Watch it go', `/editor/issues/${slug}/watch`]);
      await changeIssue(desk.app.db, id, { type: 'pause', reason: 'tea' });
      expect(await links()).toContainEqual(['How far it went', `/editor/issues/${slug}/watch`]);
    });

    it('shows the numbers of the ledger, without a script', async () => {
      const { id, slug } = await sending(7);
      await submit(id, 4);
      await sql`update deliveries set status = 'excluded', reason = 'unsubscribed' where id in
      (select id from deliveries where issue_id = ${id} and status = 'prepared' limit 1)`.execute(
        desk.app.db,
      );
      const progress = await issueProgress(desk.app.db, id);
      expect(progress).toMatchObject({ submitted: 4, prepared: 2, excluded: { unsubscribed: 1 } });
      const page = load((await editor.get(`/editor/issues/${slug}/watch`)).body);
      expect(
        page('#progress .numbers b')
          .toArray()
          .map((each) => page(each).text()),
      ).toEqual(['4', '2', '1']);
      expect(page('#progress').text()).toContain('5 of 7 people settled');
    });

    it('sends changes, and asks to reload the page when the issue is final', async () => {
      const { id, slug } = await sending(3);
      const stream = await follow(slug, editor);
      expect(stream.answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
      await stream.until((text) => text.includes('0 of 3 people'));
      await submit(id, 2);
      await stream.until((text) => text.includes('2 of 3 people'));
      await submit(id, 1);
      await changeIssue(desk.app.db, id, { type: 'pause', reason: 'Enough.' });
      const all = await stream.until(() => false);
      expect(all).toContain('3 of 3 people');
      expect(all.endsWith('event: turn\ndata: \n\n')).toBe(true);
      for (const line of all.split('\n')) expect(line).toMatch(/^(event: |data: |retry: |: |$)/);
    });

    it('asks to reload the page when a batch becomes uncertain', async () => {
      const { slug, batch } = await sending(3);
      const stream = await follow(slug, editor);
      await stream.until((text) => text.includes('0 of 3 people'));
      await loseAnswer(batch);
      expect(await stream.until((text) => text.includes('event: turn'))).toContain('uncertain');
      stream.close();
    });

    it('needs a session, and HEAD opens no stream', async () => {
      const { slug } = await sending(1);
      const stranger = await follow(slug, desk.visitor());
      expect([stranger.answer.status, stranger.answer.headers.get('location')]).toEqual([
        303,
        '/editor/sign-in',
      ]);
      const cookie = [...editor.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const url = `/editor/issues/${slug}/watch/events`;
      const head = await desk.server.inject({ method: 'HEAD', url, headers: { cookie } });
      expect([head.statusCode, head.body]).toEqual([200, '']);
    });

    it('lets fifty editors watch, and tells the next browser not to reconnect', async () => {
      const { slug } = await sending(1);
      const streams = await Promise.all(Array.from({ length: 50 }, () => follow(slug, editor)));
      expect(streams.every(({ answer }) => answer.status === 200)).toBe(true);
      const late = await follow(slug, editor);
      expect(late.answer.status).toBe(204);
      for (const { close } of streams) close();
      await expect
        .poll(async () => {
          const again = await follow(slug, editor);
          again.close();
          return again.answer.status;
        })
        .toBe(200);
    });

    describe('an uncertain batch', () => {
      it('is shown with its evidence, and settled by a publisher once', async () => {
        const { id, slug, batch } = await sending(3);
        await loseAnswer(batch);
        const page = load((await chief.get(`/editor/issues/${slug}/watch`)).body);
        expect(page('#uncertain').text()).toContain('no answer in 30 s');
        expect(page('#uncertain').text()).toContain('none in a day');
        const form = { batch, decision: 'accepted' };
        for (const _ of [1, 2]) {
          const answer = await chief.post(`/editor/issues/${slug}/settle`, form);
          expect([answer.statusCode, answer.headers.location]).toEqual([303, `/editor/issues/${slug}/watch`]);
        }
        expect(await issueProgress(desk.app.db, id)).toMatchObject({ submitted: 3, uncertain: 0 });
        // It was the last batch of its issue, so the issue is sent now.
        expect((await findIssue(desk.app.db, { id }))?.status).toBe('sent');
        const actions = (await listAudit(desk.app.db, { limit: 50 })).filter(({ issue }) => issue === slug);
        expect(actions).toMatchObject([
          { who: CHIEF, what: 'batch_settled', details: { batch: 1, decision: 'accepted' } },
        ]);
      });

      it('is sent once more when the provider has none of its messages', async () => {
        const { id, slug, batch } = await sending(2);
        await loseAnswer(batch);
        await chief.post(`/editor/issues/${slug}/settle`, { batch, decision: 'not-accepted' });
        expect(await issueProgress(desk.app.db, id)).toMatchObject({ prepared: 2, batches: { pending: 1 } });
      });

      it('cannot be settled as not accepted while a request may be on its way', async () => {
        const { id, slug, batch } = await sending(2);
        await loseAnswer(batch);
        await sql`update batches set lease_until = now() where id = ${batch}`.execute(desk.app.db);
        const page = load((await chief.get(`/editor/issues/${slug}/watch`)).body);
        expect(page('#uncertain').text()).toContain('may still be on its way');
        expect(page('#uncertain button[value=accepted]').length).toBe(1);
        expect(page('#uncertain button[value=not-accepted]').length).toBe(0);
        const answer = await chief.post(`/editor/issues/${slug}/settle`, { batch, decision: 'not-accepted' });
        expect(answer.statusCode).toBe(303);
        expect(await issueProgress(desk.app.db, id)).toMatchObject({ uncertain: 2, prepared: 0 });
      });

      it('is not settled by an editor, by a stranger, or without a decision', async () => {
        const { id, slug, batch } = await sending(2);
        await loseAnswer(batch);
        const url = `/editor/issues/${slug}/settle`;
        const good = { batch, decision: 'accepted' };
        const answers = [
          await editor.post(url, good),
          await chief.post(url, { ...good, csrf: 'forged' }),
          await desk.visitor().post(url, good),
          await chief.post(url, { batch }),
        ];
        expect(answers.map(({ statusCode }) => statusCode)).toEqual([403, 403, 403, 422]);
        expect(
          load((await editor.get(`/editor/issues/${slug}/watch`)).body)('#uncertain button').length,
        ).toBe(0);
        expect(await issueProgress(desk.app.db, id)).toMatchObject({ uncertain: 2 });
      });
    });

    it('D1: a publisher gives readers who failed another chance, after the page said how many they are', async () => {
      const { id, slug } = await sending(5);
      const { db } = desk.app;
      await submit(id, 2);
      await sql`update batches set status = 'submitted' where issue_id = ${id}`.execute(db);
      await sql`update deliveries set status = 'failed', reason = 'quota & more'
        where issue_id = ${id} and status = 'prepared'`.execute(db);
      await changeIssue(db, id, { type: 'finish' });
      const watch = load((await editor.get(`/editor/issues/${slug}/watch`)).body);
      const link = watch('#failed a').attr('href') ?? '';
      expect(watch('#failed a').text()).toBe('Try again with 3…');
      expect(load((await editor.get(link)).body)('main form').length).toBe(0);
      const page = load((await chief.get(link)).body);
      expect(page('h1').text()).toBe('Try again with 3 readers?');
      expect((await findIssue(db, { id }))?.status).toBe('sent');

      const form = { reason: 'quota & more', readers: '3' };
      const url = `/editor/issues/${slug}/retry`;
      const answers = [
        await editor.post(url, form),
        await chief.post(url, { ...form, readers: '4' }),
        await chief.post(url, form),
        await chief.post(url, form),
      ];
      expect(answers.map(({ statusCode }) => statusCode)).toEqual([403, 409, 303, 409]);
      expect((await findIssue(db, { id }))?.status).toBe('sending');
      expect(await issueProgress(db, id)).toMatchObject({ submitted: 2, prepared: 3, failed: {} });
      expect((await chief.get(`${url}?reason=unknown`)).statusCode).toBe(404);
    });

    it('lets the server close while an editor watches', async () => {
      const { slug } = await sending(1);
      const stream = await follow(slug, editor);
      await stream.until((text) => text.includes('event: progress'));
      const closed = once(desk.server.server, 'close');
      await desk.server.close();
      await closed;
      await stream.until(() => false);
    });
  });
}
