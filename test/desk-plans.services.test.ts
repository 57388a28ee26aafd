import { type CompiledQuery, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Connection, openDatabase } from '../src/db/index.ts';
import {
  eventsAbout,
  issueOutcomes,
  issueProgress,
  listIssueLines,
  submitRate,
  unsettledBatches,
} from '../src/delivery/index.ts';
import { listAudit } from '../src/desk/index.ts';
import { listIssues } from '../src/issues/index.ts';
import {
  countSubscribers,
  exportSubscriber,
  listGrowth,
  listOrigins,
  searchSubscribers,
} from '../src/subscribers/index.ts';
import { createDatabase } from './helpers/database.ts';

const databaseUrl = inject('databaseUrl');

const PEOPLE = 100_000;
const ISSUES = 60;

/** Of them, those whose deliveries are written. */
const WRITTEN = 12;

/** What grows with the list or with the weeks; a desk page never reads one of these from end to end. */
const BIG = [
  'subscribers',
  'consent_events',
  'deliveries',
  'batches',
  'tallies',
  'events',
  'clicks',
  'votes',
  'mails',
];

/**
 * A list of this size with its issues. Every issue has its batches and tallies; the deliveries of the last dozen are
 * written, with clicks, and events of the last: more of the same in the same index would not change a plan.
 */
const FILL = [
  `insert into subscribers (email, email_key, status, created_at, confirmed_at, left_at)
    select e, e, case when n % 20 = 0 then 'unsubscribed' when n % 33 = 0 then 'pending' else 'active' end, at, at,
      case when n % 20 = 0 then at + interval '90 days' end
    from (select n, 'reader-' || lpad(n::text, 6, '0') || '@mail-' || n % 97 || '.example' as e,
      now() - make_interval(hours => n / 5) as at from generate_series(1, ${PEOPLE}) n) r`,
  `insert into consent_events (subscriber_id, event, at, method, source)
    select id, event, created_at, 'form', 'home' from subscribers, unnest(array['requested', 'confirmed']) event`,
  `insert into issues (number, slug, slot, due_at, status, template, plan, prepared_at, finished_at)
    select n, to_char(d, 'YYYY-MM-DD'), d, d, 'sent', 'react:digest', '{}', d, d
    from (select n, date '2025-01-07' + n * 7 as d from generate_series(1, ${ISSUES}) n) r`,
  `insert into variants (issue_id, number, subject, preheader, html, text, content_hash)
    select i.id, n, 'The verdict', '', '<p>Ship</p>', 'Ship', 'x' from issues i, generate_series(1, 3) n`,
  `insert into batches (issue_id, variant_id, number, status, claimed_at)
    select i.id, v.id, n, 'submitted', i.due_at from issues i, generate_series(1, ${PEOPLE / 100}) n
    join variants v on v.number = 1 + n % 3 where v.issue_id = i.id`,
  `alter table deliveries disable trigger user`,
  // One after the other, as weeks are.
  ...Array.from(
    { length: WRITTEN },
    (
      _,
      ago,
    ) => `insert into deliveries (issue_id, subscriber_id, batch_id, position, status, submitted_at, delivered_at)
    select i.id, s.id, b.id, s.n % 100, 'delivered', i.due_at, i.due_at + make_interval(mins => (s.n / 500)::int)
    from issues i, (select id, row_number() over (order by id) - 1 as n from subscribers) s
    join batches b on b.number = 1 + s.n / 100 where b.issue_id = i.id and i.number = ${ISSUES + 1 - WRITTEN} + ${ago}`,
  ),
  `alter table deliveries enable trigger user`,
  `insert into tallies (issue_id, holder, status, reason, count)
    select issue_id, id, 'submitted', '', 100 from batches`,
  `insert into figures (issue_id, delivered) select id, ${PEOPLE} from issues`,
  `insert into events (id, type, kind, at, delivery_id, outcome)
    select 'msg_' || d.id, 'email.delivered', 'delivered', d.delivered_at, d.id, 'applied'
    from deliveries d join issues i on i.id = d.issue_id where i.number = ${ISSUES}`,
  `insert into clicks (delivery_id, link, issue_id, first_at, last_at, is_scanner)
    select d.id, 'https://verdicts.example/a', d.issue_id, d.delivered_at, d.delivered_at, false
    from deliveries d join issues i on i.id = d.issue_id where i.number > ${ISSUES - WRITTEN} and d.position < 10`,
  `insert into comparisons (slug, pair_key, url, content, content_hash)
    select 'c-' || n, 'c-' || n, 'https://verdicts.example/c-' || n, '{}', 'x' from generate_series(1, 300) n`,
  `insert into issue_comparisons (issue_id, comparison_id, section, content, content_hash)
    select i.id, c.id, 'new', '{}', 'x' from issues i join comparisons c
      on substr(c.slug, 3)::int between i.number * 5 - 4 and i.number * 5`,
  `insert into votes (subscriber_id, tool_key, call, comparison_id, at)
    select s.id, 'tool ' || c.slug, 'ship', c.id, now() - make_interval(days => (s.n % 400)::int)
    from (select id, row_number() over () as n from subscribers) s
    join comparisons c on c.slug = 'c-' || (1 + s.n % 300)`,
  `insert into mails (id, kind, subscriber_id, content, key_id, status, sent_at)
    select gen_random_uuid(), 'welcome', id, '{}', 'k', 'sent', now() from subscribers`,
  `insert into desk_audit (who, what) select 'chief@desk.example', 'edited' from generate_series(1, 5000)`,
];

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows'?: number;
  'Actual Total Time'?: number;
  Plans?: Plan[];
}

describe.skipIf(!databaseUrl)('the pages of the desk, with 100,000 readers and 60 issues', () => {
  const closing: (() => PromiseLike<unknown>)[] = [];
  const compiled: CompiledQuery[] = [];
  let db: Connection;

  beforeAll(async () => {
    const { url, drop } = await createDatabase(databaseUrl);
    closing.push(drop);
    const database = await openDatabase({ databaseUrl: url, dataDir: '/nowhere' });
    closing.push(() => database[Symbol.asyncDispose]());
    for (const statement of FILL) await sql.raw(statement).execute(database.kysely);
    await sql`vacuum analyze`.execute(database.kysely);
    db = database.kysely.withPlugin({
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => result,
    });
    const executor = db.getExecutor();
    const execute = executor.executeQuery.bind(executor);
    executor.executeQuery = (query, ...rest) => {
      compiled.push(query);
      return execute(query, ...rest);
    };
  }, 300_000);
  afterAll(async () => {
    for (const close of closing.toReversed()) await close();
  });

  const newest = async () => (await listIssues(db, { limit: 1 }))[0]?.id ?? '';
  const somebody = async () => (await searchSubscribers(db, 'reader-05', { limit: 1 }))[0]?.id ?? '';

  const PAGES: Record<string, () => Promise<unknown>> = {
    'the list of issues': () => listIssueLines(db, { limit: 20 }),
    'an earlier page of it': () => listIssueLines(db, { before: '2025-08-01', limit: 20 }),
    'watch: where it stands': async () => issueProgress(db, await newest()),
    'watch: its rate': async () => submitRate(db, await newest()),
    'watch: what is uncertain': () => unsettledBatches(db, '2026-01-06'),
    'afterwards: variants and hours': async () => issueOutcomes(db, await newest()),
    'subscribers: counts': () => countSubscribers(db),
    'subscribers: search': () => searchSubscribers(db, 'reader-0', { limit: 50 }),
    'subscribers: a later page': () => searchSubscribers(db, 'reader-0', { after: 'reader-05', limit: 50 }),
    'one person': async () => exportSubscriber(db, await somebody()),
    'one person: events': async () => eventsAbout(db, await somebody()),
    'growth: weeks': () => listGrowth(db),
    'growth: forms': () => listOrigins(db),
    log: () => listAudit(db, { limit: 100 }),
  };

  it.each(Object.keys(PAGES))('%s walks along indexes', async (page) => {
    compiled.length = 0;
    await PAGES[page]?.();
    const queries = [...compiled];
    expect(queries.length).toBeGreaterThan(0);
    for (const query of queries) {
      const { rows } = await db.executeQuery<{ 'QUERY PLAN': { Plan: Plan }[] }>({
        ...query,
        sql: `explain (analyze, format json) ${query.sql}`,
      });
      const plan = rows[0]?.['QUERY PLAN'][0]?.Plan;
      if (plan === undefined) throw new Error('no plan');
      if (process.env.SHOW_PLANS) console.log(`${page}\n${outline(plan)}`);
      expect(scanned(plan)).toEqual([]);
    }
  });
});

/** Big tables that are read from end to end. */
function scanned(plan: Plan): string[] {
  const table = plan['Relation Name'] ?? '';
  const own = plan['Node Type'] === 'Seq Scan' && BIG.includes(table) ? [table] : [];
  return [...own, ...(plan.Plans ?? []).flatMap(scanned)];
}

function outline(plan: Plan, depth = 0): string {
  const { 'Node Type': type, 'Relation Name': table, 'Index Name': index } = plan;
  const what = [type, table, index && `by ${index}`].filter(Boolean).join(' ');
  const line = `${'  '.repeat(depth)}${what} (${plan['Actual Rows']} rows, ${plan['Actual Total Time']} ms)`;
  return [line, ...(plan.Plans ?? []).map((each) => outline(each, depth + 1))].join('\n');
}
