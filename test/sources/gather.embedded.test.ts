import { gzipSync } from 'node:zlib';
import { sql } from 'kysely';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { saveComparisons } from '../../src/comparisons/comparison-store.ts';
import type { Comparison } from '../../src/comparisons/model.ts';
import { openNotices } from '../../src/notices/notice-store.ts';
import type { Connection } from '../../src/platform/db/database.ts';
import { lastGather, quarantined, sourceHealth } from '../../src/sources/source-store.ts';
import { gatherAll } from '../../src/workflow/week.ts';
import { gatheringForAll } from '../helpers/gathering.ts';
import { HTML_LAYOUTS } from '../helpers/pages.ts';
import { comparisons, type SiteServer, sitemapIndexOf, sitemapOf } from '../helpers/site-server.ts';

const GOOD = 291;
const BROKEN = 9;

let site: SiteServer;
let db: Connection;
let now = new Date('2026-11-23T08:00:00Z');
let log: { level: number; msg: string }[] = [];
/** The installation gathers from these. */
let gatherer: (sources: string[]) => App;

gatheringForAll((opened) => {
  ({ site, db } = opened);
  const logger = pino({ level: 'warn' }, { write: (line: string) => void log.push(JSON.parse(line)) });
  gatherer = (sources) => opened.app(sources, { logger, clock: () => now });
});

/** Which rows exist, and in which version: equal before and after means that nothing was written. */
async function versions(): Promise<string> {
  const tables = ['comparisons', 'revisions', 'pages', 'quarantine', 'sources', 'notices'];
  const found: unknown[] = [];
  for (const table of tables) {
    const { rows } = await sql`
      select count(*)::int as rows, coalesce(max(xmin::text::bigint), 0)::text as newest from ${sql.table(table)}
    `.execute(db);
    found.push([table, rows[0]]);
  }
  return JSON.stringify(found);
}

async function count(table: 'comparisons' | 'revisions' | 'pages' | 'quarantine'): Promise<number> {
  const { total } = await db
    .selectFrom(table)
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  return Number(total);
}

const LAYOUTS = [HTML_LAYOUTS.article, HTML_LAYOUTS.table, HTML_LAYOUTS.components];
const all = comparisons(GOOD + BROKEN).map((value, index) => ({ value, path: `/comparisons/${index}` }));

function pageOf(value: Comparison, url: string, index: number): string {
  return LAYOUTS[index % 3]?.({ ...value, url }) ?? '';
}

/** Ways in which a page can be invalid, one after the other. */
const BREAKS: ((html: string) => string | Buffer)[] = [
  (html) => html.replaceAll(/Reviewer scorecard/gu, 'Reviews'),
  (html) => html.replaceAll(/Panel ship/gu, 'Panel'),
  (html) => html.replace(/\d+(?:<!-- -->)?%/u, '140%'),
  () => '<html><body><h1>Coming soon</h1></body></html>',
  (html) =>
    Buffer.concat([Buffer.from(html.slice(0, 400)), Buffer.from([0xc3, 0x28]), Buffer.from(html.slice(400))]),
];

function publish(): void {
  site.put(
    '/robots.txt',
    `User-agent: *\nDisallow: /comparisons/drafts/\nSitemap: ${site.origin}/sitemap-index.xml\n`,
  );
  const urls = all.map((each) => site.origin + each.path);
  site.put('/sitemap-index.xml', sitemapIndexOf([`${site.origin}/a.xml.gz`, `${site.origin}/b.xml`]));
  site.put('/a.xml.gz', gzipSync(sitemapOf([...urls.slice(0, 180), `${site.origin}/comparisons/drafts/1`])));
  site.put('/b.xml', sitemapOf([...urls.slice(180), `${site.origin}/about`, `${site.origin}/comparisons/`]));
  for (const [index, each] of all.entries()) {
    const html = pageOf(each.value, site.origin + each.path, index);
    const isBroken = index % 33 === 7 && index < 33 * BROKEN;
    site.put(each.path, isBroken ? (BREAKS[index % BREAKS.length]?.(html) ?? html) : html);
  }
}

describe('a site of three hundred pages', () => {
  const gatherSite = () => gatherAll(gatherer([`site:${site.origin}/comparisons/`]));

  it('gives all valid ones, and quarantines exactly the invalid ones with reasons', async () => {
    publish();
    const report = await gatherSite();
    expect(report.sources).toMatchObject([{ fault: null, rejected: BROKEN, postponed: 0 }]);
    expect(report).toMatchObject({ added: GOOD, changed: 0, unchanged: 0 });
    const { total, entries } = await quarantined(db, { limit: 100 });
    expect(total).toBe(BROKEN);
    const numbers = entries.map(({ url }) => Number(/\d+$/u.exec(url)?.[0]));
    expect(numbers.sort((a, b) => a - b)).toEqual(
      Array.from({ length: BROKEN }, (_, index) => 33 * index + 7),
    );
    for (const { faults, bodyHash } of entries) {
      expect(faults[0]?.reason).toBeTruthy();
      expect(bodyHash).toMatch(/^[0-9a-f]{64}$/u);
    }
    expect(await count('comparisons')).toBe(GOOD);
    expect(
      site.requests.every(({ agent }) => /^WeeklyVerdict\/0\.1 \(\+http:\/\/localhost:3000\)$/u.test(agent)),
    ).toBe(true);
    expect(site.requests.some(({ path }) => path.includes('drafts') || path === '/about')).toBe(false);
    expect(site.mostAtOnce).toBeLessThanOrEqual(4);
  });

  it('gets conditional requests the second time, and nothing is written', async () => {
    site.forget();
    const before = await versions();
    const report = await gatherSite();
    expect(report).toMatchObject({ added: 0, changed: 0, unchanged: GOOD, rejected: [] });
    expect(await versions()).toBe(before);
    expect(site.requests).toHaveLength(GOOD + BROKEN + 4);
    expect(site.requests.filter(({ isConditional, status }) => !isConditional || status !== 304)).toEqual([]);
  });

  it('creates exactly five revisions of five changed pages, and releases a corrected one', async () => {
    const before = await count('revisions');
    const changed = [0, 1, 2, 150, 299];
    for (const index of changed) {
      const each = all[index];
      if (!each) throw new Error('no page');
      const [a, b] = each.value.tools;
      const value = { ...each.value, tools: [{ ...a, entryPrice: '$99/mo' }, b] } as Comparison;
      site.put(each.path, pageOf(value, site.origin + each.path, index));
    }
    const mended = all[7];
    if (!mended) throw new Error('no page');
    site.put(mended.path, pageOf(mended.value, site.origin + mended.path, 7));
    expect(await gatherSite()).toMatchObject({ added: 1, changed: 5, rejected: [] });
    expect(await count('revisions')).toBe(before + 6);
    expect(await count('quarantine')).toBe(BROKEN - 1);
  });
});

describe('a feed, a site and a push of the same comparisons', () => {
  it('give each comparison once, and request each page once', async () => {
    const values = all.slice(0, 40);
    const url = (each: (typeof all)[number]) => site.origin + each.path;
    const items = values.slice(0, 20).map((each) => ({
      id: url(each),
      url: url(each),
      _verdict: each.value.tools && { tools: each.value.tools },
    }));
    site.put(
      '/feed.json',
      JSON.stringify({ version: 'https://jsonfeed.org/version/1.1', title: 'x', items }),
    );
    const rss = values.slice(10, 30).map((each) => `<item><title>x</title><link>${url(each)}</link></item>`);
    site.put(
      '/feed.xml',
      `<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>${rss.join('')}</channel></rss>`,
    );
    const [pushed] = values;
    if (!pushed) throw new Error('no value');
    await saveComparisons(db, [{ ...pushed.value, url: url(pushed) }]);
    const before = await count('comparisons');

    site.forget();
    const sources = [
      `feed:${site.origin}/feed.json`,
      `feed:${site.origin}/feed.xml`,
      `site:${site.origin}/comparisons/`,
    ];
    const report = await gatherAll(gatherer(sources));
    expect(report.sources.map(({ fault }) => fault)).toEqual([null, null, null]);
    expect(await count('comparisons')).toBe(before + report.added);
    expect(report.added).toBeLessThanOrEqual(2);
    const asked = site.requests.map(({ path }) => path);
    expect(new Set(asked).size).toBe(asked.length);
    expect(asked).not.toContain('/comparisons/3');

    site.forget();
    const database = await versions();
    expect(await gatherAll(gatherer(sources))).toMatchObject({ added: 0, changed: 0 });
    expect(await versions()).toBe(database);
    expect(site.requests.filter(({ isConditional }) => !isConditional)).toEqual([]);
  });
});

describe('two simultaneous gatherings', () => {
  it('only one runs: the other is refused, and the lease of a dead one expires', async () => {
    site.put('/empty.json', JSON.stringify({ version: 'https://jsonfeed.org/version/1.1', items: [] }));
    const app = gatherer([`feed:${site.origin}/empty.json`]);
    const [first, second] = await Promise.allSettled([gatherAll(app), gatherAll(app)]);
    expect(first.status).toBe('fulfilled');
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'gathering-runs' } });
    await gatherAll(app);

    const died = (ago: number) =>
      sql`insert into gathering (holder, until) values (gen_random_uuid(), now() - make_interval(mins => ${ago}::int))`;
    await died(-5).execute(db);
    await expect(gatherAll(app)).rejects.toMatchObject({ code: 'gathering-runs' });
    await sql`delete from gathering`.execute(db);
    await died(1).execute(db);
    await gatherAll(app);
  });
});

describe('a failing source', () => {
  it('is reported once at the third failure, and once more when it recovers', async () => {
    const feed = `feed:${site.origin}/feed.json`;
    const bad = `feed:${site.origin}/gone.json`;
    const run = async () => {
      log = [];
      now = new Date(now.getTime() + 60_000);
      await gatherAll(gatherer([feed, bad]));
      return log.filter(({ msg }) => /failing/u.test(msg)).map(({ msg }) => msg);
    };
    expect(await run()).toEqual([]);
    expect(await run()).toEqual([]);
    expect(await run()).toEqual(['a source is failing: it gave nothing three times in a row']);
    expect(await run()).toEqual([]);
    expect(await sourceHealth(db)).toMatchObject([
      { source: bad, failures: 4, isFailing: true, reason: expect.stringContaining('answered 404') },
    ]);
    expect(await openNotices(db)).toMatchObject([{ kind: 'source-failing', subject: bad }]);
    expect((await lastGather(db))?.sources[1]?.fault).toContain('answered 404');

    site.put('/gone.json', JSON.stringify({ version: 'https://jsonfeed.org/version/1.1', items: [] }));
    expect(await run()).toEqual(['a failing source has recovered']);
    expect(await run()).toEqual([]);
    expect(await openNotices(db)).toEqual([]);
    expect(await sourceHealth(db)).toMatchObject([{ source: bad, failures: 0, isFailing: false }]);
  });

  it('that is the only one is an error, and in the database', async () => {
    now = new Date(now.getTime() + 60_000);
    await expect(gatherAll(gatherer([`site:${site.origin}/nothing/`]))).rejects.toMatchObject({
      code: 'source-unreadable',
    });
    expect((await lastGather(db))?.sources[0]?.fault).toContain('has no address below /nothing/');
  });
});
