import { load } from 'cheerio';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { deskForAll, type NewDeskDatabase, type TestDesk, type Visitor } from '../helpers/desk.ts';
import { onlyReaders, sendingIssue } from '../helpers/ledger.ts';

/** The statistics of an issue, from the counters of the database. */
export function describeAfterwards(name: string, newDatabase: NewDeskDatabase): void {
  describe(`the statistics of an issue, on ${name}`, () => {
    let desk: TestDesk;
    let editor: Visitor;
    let slug: string;

    deskForAll(newDatabase, async (opened) => {
      ({ desk, editor } = opened);
      const { db } = desk.app;
      await onlyReaders(db, Array(6).fill([]));
      const { id, batches } = await sendingIssue(db);
      slug =
        (await sql<{ slug: string }>`select slug from issues where id = ${id}`.execute(db)).rows[0]?.slug ??
        '';
      const become = (position: number, status: string, hour: string | null) =>
        sql`
      update deliveries set status = ${status}, bounce = ${status === 'bounced' ? 'hard' : null}, submitted_at = '2026-11-24T09:00:00Z', delivered_at = ${hour}
      where batch_id = ${batches[0]} and position = ${position}
    `.execute(db);
      await become(0, 'delivered', '2026-11-24T09:05:00Z');
      await become(1, 'delivered', '2026-11-24T09:55:00Z');
      await become(2, 'complained', '2026-11-24T11:00:00Z');
      await become(3, 'bounced', null);
      await become(4, 'submitted', null);
      await sql`update variants set subject = '=1+1' where issue_id = ${id}`.execute(db);
    });

    const cells = (body: string, section: number) => {
      const page = load(body);
      return page('section')
        .eq(section)
        .find('tbody tr')
        .toArray()
        .map((row) =>
          page(row)
            .find('td')
            .toArray()
            .map((each) => page(each).text()),
        );
    };

    it('counts by hour and by variant, with a table beside each chart', async () => {
      const { body } = await editor.get(`/editor/issues/${slug}/afterwards`);
      expect(cells(body, 0)).toEqual([
        ['24 Nov 2026, 10:00', '2'],
        ['24 Nov 2026, 12:00', '1'],
      ]);
      expect(cells(body, 1)).toEqual([[], ['5', '3', '1', '1']]);
      const page = load(body);
      expect(page('th[scope=rowgroup]').text()).toBe('1: =1+1');
      for (const chart of page('svg.chart').toArray())
        for (const part of ['title', 'desc']) expect(page(chart).find(part).text()).not.toBe('');
    });

    it('exports the same numbers as CSV, in which no cell is a formula', async () => {
      const { headers, body } = await editor.get(`/editor/issues/${slug}/afterwards.csv`);
      expect(headers['content-type']).toBe('text/csv; charset=utf-8');
      expect(headers['content-disposition']).toBe(`attachment; filename="issue-${slug}.csv"`);
      expect(body.trim().split('\n')).toEqual([
        'variant,subject,hour,submitted,delivered,bounced,complained',
        "1,'=1+1,2026-11-24T09:00:00.000Z,2,2,0,0",
        "1,'=1+1,2026-11-24T11:00:00.000Z,1,1,0,1",
        "1,'=1+1,,2,0,1,0",
      ]);
      expect((await desk.visitor().get(`/editor/issues/${slug}/afterwards.csv`)).statusCode).toBe(303);
    });

    it('shows how the list grew, and how many sign-ups were confirmed', async () => {
      const { db } = desk.app;
      await sql`
      with asked as (
        insert into subscribers (email, email_key, status, confirmed_at)
        select n || '@grown.example', n || '@grown.example', case when n < 4 then 'active' else 'pending' end, case when n < 4 then now() end
        from generate_series(1, 4) n returning id, confirmed_at
      )
      insert into consent_events (subscriber_id, event, at, method, source)
      select id, 'requested', now() - interval '1 hour', 'form', 'sidebar' from asked
      union all
      select id, 'confirmed', now(), 'link', null from asked where confirmed_at is not null
    `.execute(db);
      const { body } = await editor.get('/editor/growth');
      expect(cells(body, 0)).toHaveLength(26);
      expect(cells(body, 0)[0]?.[1]).toBe('3');
      expect(cells(body, 1)).toEqual([['sidebar', '4', '3, 75.0%']]);
    });
  });
}
