import { type CompiledQuery, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import { findSubscriberByAddress } from '../../src/subscribers/subscriber-store.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { CHIEF, onServer, openDesk, type TestDesk, type Visitor } from '../helpers/desk.ts';

const databaseUrl = inject('databaseUrl');

const PEOPLE = 100_000;
const ISSUES = 60;

/** How many of these issues have written deliveries. */
const WRITTEN = 12;

/** Tables that grow with the list or with the weeks; a desk page never scans one of these. */
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
 * A list of this size with its issues. Every issue has its batches and counters; the deliveries of the last dozen
 * are written, with clicks, and the events of the last issue: more rows in the same index would not change a plan.
 */
/** A variant of the usual length. */
const BODY = `repeat('<p>Ship <a href="https://verdicts.example/c">it</a></p>', 1200)`;

/** The content of past issues; only the slug differs. */
const CONTENT = JSON.stringify(comparison('', tool('Orca', 50), tool('Hedge', 75)));

const FILL = [
  `insert into subscribers (email, email_key, topics, status, created_at, confirmed_at, left_at)
    select e, e, case n % 10 when 1 then '{Coding}' when 2 then '{Writing}' when 3 then '{Coding,Writing}'
      else '{}' end::text[], case when n % 20 = 0 then 'unsubscribed' when n % 33 = 0 then 'pending' else 'active' end, at, at,
      case when n % 20 = 0 then at + interval '90 days' end
    from (select n, 'reader-' || lpad(n::text, 6, '0') || '@mail-' || n % 97 || '.example' as e,
      now() - make_interval(hours => n / 5) as at from generate_series(1, ${PEOPLE}) n) r`,
  `insert into consent_events (subscriber_id, event, at, method, source)
    select id, event, created_at, 'form', 'home' from subscribers, unnest(array['requested', 'confirmed']) event`,
  `update issues set number = ${ISSUES + 1}`,
  `insert into issues (number, slug, slot, due_at, status, template, plan, prepared_at, finished_at)
    select n, to_char(d, 'YYYY-MM-DD'), d, d, 'sent', 'react:digest', draft.plan, d, d
    from (select plan from issues) draft, (select n, date '2025-01-07' + n * 7 as d from generate_series(1, ${ISSUES}) n) r`,
  `insert into variants (issue_id, number, subject, preheader, html, text, content_hash)
    select i.id, n, 'The verdict', '', ${BODY}, 'Ship', 'x' from issues i, generate_series(1, 3) n where i.status = 'sent'`,
  `insert into batches (issue_id, variant_id, number, status, claimed_at)
    select i.id, v.id, n, 'submitted', i.due_at from issues i, generate_series(1, ${PEOPLE / 100}) n
    join variants v on v.number = 1 + n % 3 where v.issue_id = i.id`,
  `alter table deliveries disable trigger user`,
  // One issue after the other.
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
  `insert into figures (issue_id, delivered) select id, ${PEOPLE} from issues where status = 'sent'`,
  `insert into events (id, type, kind, at, delivery_id, outcome)
    select 'msg_' || d.id, 'email.delivered', 'delivered', d.delivered_at, d.id, 'applied'
    from deliveries d join issues i on i.id = d.issue_id where i.number = ${ISSUES}`,
  `insert into clicks (delivery_id, link, issue_id, first_at, last_at, is_scanner)
    select d.id, 'https://verdicts.example/a', d.issue_id, d.delivered_at, d.delivered_at, false
    from deliveries d join issues i on i.id = d.issue_id where i.number > ${ISSUES - WRITTEN} and d.position < 10`,
  `insert into comparisons (slug, pair_key, url, content, content_hash)
    select 'c-' || n, 'c-' || n, 'https://verdicts.example/c-' || n,
      '${CONTENT}'::jsonb || jsonb_build_object('slug', 'c-' || n, 'url', 'https://verdicts.example/c-' || n), 'x' from generate_series(1, 300) n`,
  `insert into issue_comparisons (issue_id, comparison_id, section, content, content_hash)
    select i.id, c.id, 'new', c.content, 'x' from issues i
    cross join generate_series(i.number * 5 - 4, i.number * 5) n join comparisons c on c.slug = 'c-' || n
    where i.status = 'sent'`,
  // Most votes are on the tools of every comparison here; a few of last night wait for an editor.
  `insert into votes (subscriber_id, tool_key, call, comparison_id, at, reader_since, state, set_aside_at)
    select s.id, case when s.n % 3 = 0 then 'tool ' || c.slug else 'orca' end, 'ship', c.id,
      now() - make_interval(days => (s.n % 400)::int), s.created_at,
      case when s.n % 500 = 0 then 'set_aside' else 'counted' end, case when s.n % 500 = 0 then now() end
    from (select id, created_at, row_number() over () as n from subscribers) s
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
  let desk: TestDesk;
  let chief: Visitor;
  let db: Connection;
  let reader: string;
  const asked: CompiledQuery[] = [];

  beforeAll(async () => {
    desk = await openDesk({}, onServer(databaseUrl));
    db = desk.app.db;
    await desk.compose();
    for (const statement of FILL) await sql.raw(statement).execute(db);
    await sql`vacuum analyze`.execute(db);
    reader = (await findSubscriberByAddress(db, 'reader-000500@mail-15.example'))?.id ?? '';
    chief = await desk.signIn(CHIEF);
    const executor = db.getExecutor();
    const execute = executor.executeQuery.bind(executor);
    executor.executeQuery = (query, ...rest) => {
      asked.push(query);
      return execute(query, ...rest);
    };
  }, 300_000);
  afterAll(async () => await desk?.[Symbol.asyncDispose]());

  const last = '/editor/issues/2026-03-03';
  const draft = '/editor/issues/2026-11-24';
  const get = (url: string) => () => chief.get(url);

  const PAGES: Record<string, () => Promise<{ statusCode: number }>> = {
    'This week': get('/editor'),
    'a sent issue': get(last),
    checks: get(`${draft}/checks`),
    'preview of the draft': get(`${draft}/preview`),
    'its frame, as one reader gets it': () => chief.get(`${draft}/mail?as=${reader}`),
    'preview of a sent issue': get(`${last}/preview`),
    'its frame': get(`${last}/mail`),
    'its frame, as one reader got it': () => chief.get(`${last}/mail?as=${reader}`),
    'the draft beside the last one': get(`${draft}/mail?look=last`),
    'a test': get(`${draft}/test`),
    'approve, in numbers': get(`${draft}/do/approve`),
    issues: get('/editor/issues'),
    'earlier issues': get('/editor/issues?before=2025-08-01'),
    watch: get(`${last}/watch`),
    afterwards: get(`${last}/afterwards`),
    'afterwards, of an older one': get('/editor/issues/2025-12-23/afterwards'),
    'afterwards, as a table': get(`${last}/afterwards.csv`),
    growth: get('/editor/growth'),
    comparisons: get('/editor/comparisons'),
    'comparisons by name': get('/editor/comparisons?find=orca'),
    'comparisons that were taken down': get('/editor/comparisons?only=hidden'),
    'one comparison': get('/editor/comparisons/c-7'),
    'its page, as strangers see it': get('/editor/comparisons/c-7/page'),
    subscribers: get('/editor/people'),
    'a search': () => chief.post('/editor/people', { address: 'reader-0' }),
    'its second page': () => chief.post('/editor/people', { address: 'reader-0', after: 'reader-05' }),
    'one person': () => chief.get(`/editor/people/${reader}`),
    'before erasing': () => chief.get(`/editor/people/${reader}/erase`),
    sources: get('/editor/sources'),
    'your account': get('/editor/account'),
    'the token of this session': get('/editor/session'),
    log: get('/editor/log'),
  };

  /** For each query, its slowest run. */
  const heaviest = new Map<string, { page: string; ms: number; plan: string }>();

  it.each(Object.keys(PAGES))('%s: uses indexes only', async (page) => {
    asked.length = 0;
    const answer = await PAGES[page]?.();
    expect(answer?.statusCode).toBe(200);
    const queries = asked.filter(({ sql: text }) => /^\s*(?:select|with)\b/i.test(text));
    expect(queries.length).toBeGreaterThan(0);
    const whole: string[] = [];
    for (const query of queries) {
      const { rows } = await db.executeQuery<{ 'QUERY PLAN': { Plan: Plan }[] }>({
        ...query,
        sql: `explain (analyze, format json) ${query.sql}`,
      });
      const plan = rows[0]?.['QUERY PLAN'][0]?.Plan;
      if (plan === undefined) throw new Error('no plan');
      const ms = plan['Actual Total Time'] ?? 0;
      if (ms > (heaviest.get(query.sql)?.ms ?? 0)) heaviest.set(query.sql, { page, ms, plan: outline(plan) });
      whole.push(...scanned(plan));
    }
    expect(whole).toEqual([]);
  });

  // docs/desk-plans.md lists them.
  afterAll(() => {
    const plans = [...heaviest.values()].sort((a, b) => b.ms - a.ms);
    for (const { page, ms, plan } of plans.slice(0, Number(process.env.SHOW_PLANS ?? 0)))
      console.log(`${page}, ${ms.toFixed(1)} ms\n${plan}`);
  });
});

/** Returns the big tables that are scanned completely. */
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
