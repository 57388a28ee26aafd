import { randomUUID } from 'node:crypto';
import { load } from 'cheerio';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { listAudit } from '../../src/desk/audit/audit.ts';
import { AppError } from '../../src/platform/errors.ts';
import type { Processors } from '../../src/platform/queue/job-queue.ts';
import {
  CHIEF,
  deskForAll,
  EDITOR,
  type NewDeskDatabase,
  type TestDesk,
  type Visitor,
} from '../helpers/desk.ts';

const BOARD = '/editor/queues';
const JSON_ONLY = { accept: 'application/json, text/plain, */*' };

/** The board of the queues, on the given database. */
export function describeQueues(name: string, newDatabase: NewDeskDatabase): void {
  describe(`the queues at the desk on ${name}`, () => {
    let desk: TestDesk;
    let chief: Visitor;
    let editor: Visitor;

    deskForAll(newDatabase, (opened) => {
      ({ desk, chief, editor } = opened);
    });

    const actions = async () =>
      (await listAudit(desk.app.db, { limit: 100 })).map(({ who, what, details }) => ({
        who,
        what,
        details,
      }));
    const queues = async (query = ''): Promise<Record<string, ShownQueue>> => {
      const { body } = await chief.get(`${BOARD}/api/queues${query}`, JSON_ONLY);
      return Object.fromEntries(JSON.parse(body).queues.map((each: { name: string }) => [each.name, each]));
    };
    const failed = async () => (await queues('?activeQueue=issues&status=failed')).issues?.jobs ?? [];

    /** Enqueues a job for an issue that cannot be prepared. */
    const failOnce = async (): Promise<Shown> => {
      const before = new Set((await failed()).map(({ id }) => id));
      await desk.app.queue.enqueue('prepare', { issueId: randomUUID() });
      await new Promise<void>((resolve, reject) => {
        const fail = { prepare: () => Promise.reject(new AppError('no-readers', 'Nobody reads it.')) };
        const worker = desk.app.queue.work(fail as never as Processors, {
          concurrency: 1,
          onFailure: () => worker.then((each) => each[Symbol.asyncDispose]()).then(resolve, reject),
        });
        worker.catch(reject);
      });
      const job = (await failed()).find(({ id }) => !before.has(id));
      if (job === undefined) throw new Error('nothing failed');
      return job;
    };

    it('have their own page for publishers, with a policy that no other page has', async () => {
      const page = await chief.get(BOARD);
      expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
      expect(page.headers['content-security-policy']).toContain("style-src 'self' 'unsafe-inline'");
      expect(page.headers['cache-control']).toBe('no-store');
      const html = load(page.body);
      const files = [
        ...html('script[src]')
          .toArray()
          .map((each) => html(each).attr('src')),
        ...html('link[rel=stylesheet]')
          .toArray()
          .map((each) => html(each).attr('href')),
      ];
      expect(html('base').attr('href')).toBe(`${BOARD}/`);
      expect(files.length).toBeGreaterThan(2);
      for (const file of files) expect((await chief.get(`${BOARD}/${file}`)).statusCode).toBe(200);
      for (const other of ['/editor/log', '/editor/sources'])
        expect((await chief.get(other)).headers['content-security-policy']).not.toContain('unsafe-inline');
    });

    it('show waiting and failed jobs, with the reason', async () => {
      const { id } = await failOnce();
      const all = await queues();
      expect(Object.keys(all).toSorted()).toEqual(['delivery', 'issues', 'transactional']);
      expect(all.issues?.counts).toMatchObject({ failed: 1, active: 0 });
      const { body } = await chief.get(`${BOARD}/api/queues/issues/${id}`, JSON_ONLY);
      expect(JSON.parse(body)).toMatchObject({
        status: 'failed',
        job: { name: 'prepare', failedReason: 'Nobody reads it.' },
      });
    });

    it('never say that there is no worker while there is one', async () => {
      const nothing = {} as Processors;
      await using _ = await desk.app.queue.work(nothing, { concurrency: 1, onFailure: () => {} });
      const idle = async () => Object.values(await queues()).filter(({ hasWorkers }) => hasWorkers === false);
      // Redis learns the name of a worker a moment after it began.
      await expect.poll(idle, { timeout: 10_000 }).toEqual([]);
    });

    it('let a publisher retry or remove a failed job, and the log says who did it', async () => {
      const [again, never] = [await failOnce(), await failOnce()];
      const waiting = await desk.app.queue.waiting('issues');
      const answers = [
        await chief.put(`${BOARD}/api/queues/issues/${again.id}/retry`),
        await chief.put(`${BOARD}/api/queues/issues/${never.id}/clean`),
      ];
      expect(answers.map(({ statusCode }) => Math.floor(statusCode / 100))).toEqual([2, 2]);
      expect(await desk.app.queue.waiting('issues')).toBe(waiting + 1);
      const left = (await failed()).map(({ id }) => id);
      expect(left).not.toContain(again.id);
      expect(left).not.toContain(never.id);
      expect((await actions()).slice(0, 2)).toEqual([
        { who: CHIEF, what: 'job_tended', details: { action: 'removed', queue: 'issues', job: never.id } },
        { who: CHIEF, what: 'job_tended', details: { action: 'retried', queue: 'issues', job: again.id } },
      ]);
      expect((await chief.get('/editor/log')).body).toContain('saw to a queue');
    });

    it.each([
      ['pause', '/api/queues/issues/pause'],
      ['pause all', '/api/queues/pause'],
      ['obliterate', '/api/queues/issues/obliterate'],
      ['empty', '/api/queues/issues/empty'],
      ['set a pace', '/api/queues/delivery/rate-limit'],
      ['release a hold', '/api/queues/delivery/rate-limit/release'],
      ['set hands', '/api/queues/delivery/concurrency'],
      ['drop a schedule', '/api/queues/issues/job-schedulers/slot/remove'],
      ['clear away the next runs of schedules', '/api/queues/issues/clean/delayed'],
      ['the same, by a way round', '/api/queues/x/../issues/clean/delayed'],
    ])('let nobody %s', async (_what, path) => {
      const before = await queues();
      const log = await actions();
      const answer = await chief.put(BOARD + path);
      expect(answer.statusCode).toBe(403);
      expect(await queues()).toEqual(before);
      expect(await actions()).toEqual(log);
    });

    it('change nothing when the action cannot be recorded', async () => {
      const { id } = await failOnce();
      const { db } = desk.app;
      await sql`alter table desk_audit add constraint full_up check (what <> 'job_tended') not valid`.execute(
        db,
      );
      const answer = await chief.put(`${BOARD}/api/queues/issues/${id}/retry`);
      await sql`alter table desk_audit drop constraint full_up`.execute(db);
      expect(answer.statusCode).toBe(500);
      expect((await failed()).map((each) => each.id)).toContain(id);
    });

    it('allow no other action: only the program creates jobs', async () => {
      const answer = await chief.post(`${BOARD}/api/queues/issues/add`, { name: 'reconcile' });
      expect([answer.statusCode, answer.headers.allow]).toEqual([405, 'GET, HEAD, PUT, OPTIONS']);
    });

    it.each([
      ['from another site', { 'sec-fetch-site': 'cross-site' }],
      ['from another host of the domain', { 'sec-fetch-site': 'same-site' }],
      ['from another origin, where the browser is old', { origin: 'https://evil.example' }],
      ['that does not say where it comes from', {}],
    ])('refuse a change %s, and write it down', async (_from, headers: Record<string, string>) => {
      const { id } = await failOnce();
      const answer = await chief.put(`${BOARD}/api/queues/issues/${id}/retry`, headers);
      expect(answer.statusCode).toBe(403);
      expect((await failed()).map((each) => each.id)).toContain(id);
      expect((await actions())[0]).toMatchObject({ who: CHIEF, what: 'form_refused' });
    });

    it('accept a change of an older browser that names our origin', async () => {
      const { id } = await failOnce();
      const headers = { origin: 'https://verdicts.example' };
      const answer = await chief.put(`${BOARD}/api/queues/issues/${id}/clean`, headers);
      expect(answer.statusCode).toBe(204);
    });

    it('are closed to editors, who see no link to them either', async () => {
      for (const answer of [
        await editor.get(BOARD),
        await editor.get(`${BOARD}/api/queues`, JSON_ONLY),
        await editor.put(`${BOARD}/api/queues/issues/1/retry`),
      ]) {
        expect(answer.statusCode).toBe(403);
        expect((await actions())[0]).toMatchObject({ who: EDITOR, what: 'role_refused' });
      }
      const links = async (visitor: Visitor) => load((await visitor.get('/editor/log')).body)('nav').text();
      expect(await links(editor)).not.toContain('Queues');
      expect(await links(chief)).toContain('Queues');
    });

    it('are closed to everybody else: a page redirects to signing in, a request of a script does not', async () => {
      const stranger = desk.visitor();
      const page = await stranger.get(BOARD);
      expect([page.statusCode, page.headers.location]).toEqual([303, '/editor/sign-in']);
      for (const path of ['/api/queues', '/api/redis/stats', '/static/favicon.ico'])
        expect((await stranger.get(BOARD + path, { accept: '*/*' })).statusCode).toBe(403);
      expect((await stranger.put(`${BOARD}/api/queues/issues/1/retry`)).statusCode).toBe(403);
    });
  });
}

interface ShownQueue {
  counts: { failed: number; active: number };
  jobs: Shown[];
  hasWorkers: boolean | null;
}

interface Shown {
  id: string;
}
