import { sql } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';
import { saveComparisons } from '../../src/comparisons/comparison-store.ts';
import type { Comparison } from '../../src/comparisons/model.ts';
import { findIssue, type Issue } from '../../src/issues/issue-store.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { estimateIssue } from '../../src/sending/preview/estimate.ts';
import { previewIssue } from '../../src/sending/preview/preview-issue.ts';
import { issueProgress } from '../../src/sending/progress.ts';
import { findSubscriberByAddress } from '../../src/subscribers/subscriber-store.ts';
import { signer } from '../../src/subscribers/tokens.ts';
import { approve, cancel, draft, finish, prepare, slotToCompose } from '../../src/workflow/week.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { deskForAll, type NewDeskDatabase, type TestDesk } from '../helpers/desk.ts';
import { assertInvariants } from '../helpers/invariants.ts';

const READERS = 230;
const A = comparison('quagga-vs-thylacine', tool('Quagga', 100), tool('Thylacine', 25));
const B = comparison('dodo-vs-moa', tool('Dodo', 75), tool('Moa', 25));
const NEWS = comparison('orca-vs-hedge', tool('Orca', 50), tool('Hedge', 50));

/** An issue that is cancelled after some readers have it. */
export function describeStopped(name: string, newDatabase: NewDeskDatabase): void {
  describe(`an issue that was stopped half-way, on ${name}`, () => {
    let desk: TestDesk;
    let stopped: Issue;
    deskForAll(newDatabase, async (opened) => {
      ({ desk } = opened);
    });

    const emails = Array.from({ length: READERS }, (_, n) => `reader-${n}@readers.example`);
    const get = (url: string) => desk.server.inject({ url, headers: { accept: 'text/html' } });

    async function submit(issue: Issue, batches = Number.POSITIVE_INFINITY): Promise<void> {
      for (const batch of (await claimableBatches(desk.app.db, issue.id)).slice(0, batches))
        await desk.app.submit(batch);
    }

    async function compose(comparisons: Comparison[]): Promise<Issue> {
      await saveComparisons(desk.app.db, comparisons);
      return draft(desk.app, await slotToCompose(desk.app));
    }

    /** Sends the next issue to all. */
    async function sendNext(comparisons: Comparison[]): Promise<Issue> {
      const { app } = desk;
      const issue = await approve(app, await compose(comparisons));
      await prepare(app, issue.id);
      await submit(issue);
      await finish(app, issue.id);
      expect(await findIssue(app.db, { id: issue.id })).toMatchObject({ status: 'sent' });
      await assertInvariants(app.db, issue.id);
      return issue;
    }

    /** Reader → the comparisons of their mail. */
    async function mailed(issue: Issue): Promise<Map<string, string[]>> {
      const { rows } = await sql<{ email: string; text: string }>`
        select s.email, v.text from deliveries d join subscribers s on s.id = d.subscriber_id
          join batches b on b.id = d.batch_id join variants v on v.id = b.variant_id
        where d.issue_id = ${issue.id} and d.status = 'submitted'
      `.execute(desk.app.db);
      const all = [A, B, NEWS].map(({ slug }) => slug);
      return new Map(rows.map(({ email, text }) => [email, all.filter((slug) => text.includes(slug))]));
    }

    beforeEach(async () => {
      const { app } = desk;
      for (const table of ['issue_comparisons', 'votes', 'revisions', 'comparisons'])
        await sql`delete from ${sql.table(table)}`.execute(app.db);
      // A slot is unique; slots in the past are free.
      await sql`update issues i set slot = date '1990-01-02' + past.n::int, slug = 'past-' || past.n
        from (select id, row_number() over (order by id) + (select count(*) from issues where slug like 'past-%') as n
          from issues where slug not like 'past-%') past
        where past.id = i.id`.execute(app.db);
      await desk.addReaders(emails);
      stopped = await approve(app, await compose([A, B]));
      await prepare(app, stopped.id);
      await submit(stopped, 1);
      await cancel(app, await (findIssue(app.db, { id: stopped.id }) as Promise<Issue>));
      expect(await issueProgress(app.db, stopped.id)).toMatchObject({ submitted: 100, prepared: 0 });
    });

    it('B27: its readers find it online, and nobody else is led there', async () => {
      const page = await get(`/issues/${stopped.slug}`);
      expect(page.statusCode).toBe(200);
      expect(page.body).toContain('This issue was stopped while it was sent');
      expect(page.headers['x-robots-tag']).toBe('noindex');
      const text = await get(`/issues/${stopped.slug}.txt`);
      expect([text.statusCode, text.body.startsWith('This issue was stopped')]).toEqual([200, true]);
      expect((await get(`/issues/${stopped.slug}/all`)).statusCode).toBe(200);
      for (const list of ['/', '/issues', '/issues.atom', '/issues.json', '/sitemap.xml'])
        expect((await get(list)).body, list).not.toContain(`/issues/${stopped.slug}`);

      // A vote by a link of its mail counts.
      const [email = ''] = (await mailed(stopped)).keys();
      const { id = '' } = (await findSubscriberByAddress(desk.app.db, email)) ?? {};
      const token = signer(desk.app.keys, 'vote')({ subscriberId: id, version: 1 });
      const link = `/vote/${token}/${A.slug}/a/ship`;
      expect((await get(link)).statusCode).toBe(200);
      expect((await desk.server.inject({ method: 'POST', url: link })).statusCode).toBe(200);
      const votes = desk.app.db.selectFrom('votes').select('subscriber_id');
      expect(await votes.execute()).toEqual([{ subscriber_id: id }]);
    });

    it('B27: the next issue brings each reader what they do not have, once', async () => {
      const first = await mailed(stopped);
      const draftOfNext = await compose([NEWS]);
      expect(draftOfNext.plan?.notes).toContainEqual(
        expect.stringContaining(`mailed to some readers by issue ${stopped.slug}, which was stopped`),
      );
      const estimate = await estimateIssue(desk.app.db, draftOfNext);
      expect(estimate.variants.map(({ people }) => people)).toEqual([130, 100]);
      const [owner = ''] = first.keys();
      const { id = '' } = (await findSubscriberByAddress(desk.app.db, owner)) ?? {};
      const { text } = await previewIssue(desk.app.db, draftOfNext, { subscriberId: id });
      expect([text.includes(A.slug), text.includes(NEWS.slug)]).toEqual([false, true]);

      const second = await mailed(await sendNext([]));
      for (const email of emails) {
        const both = [...(first.get(email) ?? []), ...(second.get(email) ?? [])];
        expect(both.toSorted(), email).toEqual([A.slug, B.slug, NEWS.slug].toSorted());
      }
      expect(second.size).toBe(READERS);
    });

    it('B27: who has all of it gets no second mail, and the ledger says why', async () => {
      const first = await mailed(stopped);
      const next = await sendNext([]);
      const second = await mailed(next);
      expect([first.size, second.size]).toEqual([100, 130]);
      expect([...first.keys()].filter((email) => second.has(email))).toEqual([]);
      expect(await issueProgress(desk.app.db, next.id)).toMatchObject({ excluded: { 'had-all': 100 } });
    });

    it('B27: what changed since goes to everybody again', async () => {
      const first = await mailed(stopped);
      const second = await mailed(
        await sendNext([comparison(A.slug, tool('Quagga', 25), tool('Thylacine', 100))]),
      );
      for (const email of emails)
        expect(second.get(email), email).toEqual(first.has(email) ? [A.slug] : [A.slug, B.slug]);
    });
  });
}
