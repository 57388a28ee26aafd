import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Comparison } from '../../src/comparisons/model.ts';
import { type Gathering, gather, parseSource, type WebOptions } from '../../src/sources/gather.ts';
import type { Known } from '../../src/sources/memory.ts';
import { HTML_LAYOUTS } from '../helpers/pages.ts';
import { comparisons, openSiteServer, type SiteServer, sitemapOf } from '../helpers/site-server.ts';

let site: SiteServer;
beforeEach(async () => {
  site = await openSiteServer();
});
afterEach(() => site[Symbol.asyncDispose]());

const web: WebOptions = { userAgent: 'WeeklyVerdict/0.1 (+https://digest.example)', mayReach: () => true };
const values = comparisons(12);
const pageOf = (index: number, edit: (value: Comparison) => Comparison = (value) => value) => {
  const value = values[index] as Comparison;
  return HTML_LAYOUTS.article?.(edit({ ...value, url: `${site.origin}/c/${index}` })) ?? '';
};
const paths = () => site.requests.map(({ path }) => path);

/** What the next gathering would find in the database. */
function remembered(before: Known, { memory }: Gathering): Known {
  const pages = new Map(before.pages.map((page) => [page.url, page]));
  for (const page of memory.remember) pages.set(page.url, page);
  for (const url of memory.forget) pages.delete(url);
  const key = (each: { source: string; url: string }) => `${each.source} ${each.url}`;
  const quarantine = new Map(before.quarantine.map((each) => [key(each), each]));
  for (const each of memory.quarantine) quarantine.set(key(each), each);
  for (const each of memory.release) quarantine.delete(key(each));
  return { pages: [...pages.values()], quarantine: [...quarantine.values()] };
}

/** Gatherings one after the other, each with the memory of the earlier ones. */
function weeks(source: string, options: WebOptions = web) {
  let known: Known = { pages: [], quarantine: [] };
  return async (now = new Date('2026-11-23T08:00:00Z')) => {
    site.forget();
    const result = await gather([parseSource(source)], { known, web: options, now });
    known = remembered(known, result);
    return { ...result, known };
  };
}

describe('robots.txt', () => {
  it('is obeyed for our own name before all others, including its delay', async () => {
    site.put(
      '/robots.txt',
      'User-agent: *\nDisallow: /\n\nUser-agent: WeeklyVerdict\nCrawl-delay: 2\nDisallow: /c/1\nSitemap: /map.xml\n',
    );
    site.put('/map.xml', sitemapOf([0, 1, 2].map((index) => `${site.origin}/c/${index}`)));
    for (const index of [0, 1]) site.put(`/c/${index}`, pageOf(index));
    site.handle('/c/2', (_, response) => void response.writeHead(302, { location: '/c/1' }).end());
    const slept: number[] = [];
    const total = () => slept.reduce((sum, ms) => sum + ms, 0);
    const sleep = async (ms: number) => void slept.push(ms);
    const { comparisons: found, rejected } = await weeks(`site:${site.origin}/`, {
      ...web,
      sleep,
      now: total,
    })();
    expect(found).toHaveLength(1);
    expect(rejected.map(({ reason }) => reason)).toEqual(['is kept from us by robots.txt']);
    expect(paths()).not.toContain('/c/1');
    expect(total()).toBeGreaterThanOrEqual(2_000);
    expect(site.mostAtOnce).toBe(1);
  });

  it.each([
    ['that is not there allows everything', 404, null],
    ['that cannot be had allows nothing', 500, /robots\.txt answered 500/u],
  ])('%s', async (_, status, fault) => {
    site.handle('/robots.txt', (_request, response) => void response.writeHead(status).end());
    site.put('/sitemap.xml', sitemapOf([`${site.origin}/c/0`]));
    site.put('/c/0', pageOf(0));
    const { comparisons: found, sources } = await weeks(`site:${site.origin}/`)();
    expect(found).toHaveLength(fault === null ? 1 : 0);
    if (fault) expect(sources[0]?.fault?.message).toMatch(fault);
  });
});

describe('lastmod', () => {
  it('saves a request when it is precise enough, but not for ever', async () => {
    const list = (lastmods: string[]) =>
      site.put(
        '/sitemap.xml',
        sitemapOf(lastmods.map((lastmod, index) => ({ loc: `${site.origin}/c/${index}`, lastmod }))),
      );
    for (const index of [0, 1, 2]) site.put(`/c/${index}`, pageOf(index));
    list(['2026-11-20T08:00:00Z', '2026-11-23', '2026-11-10']);
    const run = weeks(`site:${site.origin}/`);
    const pages = () => paths().filter((path) => path.startsWith('/c/'));
    const day = (offset: number) => new Date(Date.UTC(2026, 10, 23 + offset, 8));
    await run(day(0));
    expect(pages()).toHaveLength(3);

    const asked = new Map<string, number>();
    for (let offset = 0; offset < 7; offset += 1) {
      await run(day(offset));
      expect(site.requests.filter(({ status, path }) => path.startsWith('/c/') && status !== 304)).toEqual(
        [],
      );
      for (const path of pages()) asked.set(path, (asked.get(path) ?? 0) + 1);
    }
    // The page of the same day may have changed after it was read, so it is requested each time.
    expect(Object.fromEntries(asked)).toEqual({ '/c/0': 1, '/c/1': 7, '/c/2': 1 });

    list(['2026-11-25T08:00:00Z', '2026-11-23', '2026-11-10']);
    await run(day(7));
    expect(pages()).toContain('/c/0');
  });
});

describe('quarantine', () => {
  it('holds a page until it changes, and keeps it after a failed request', async () => {
    site.put('/sitemap.xml', sitemapOf([`${site.origin}/c/0`, `${site.origin}/c/1`]));
    site.put('/c/0', pageOf(0));
    const broken = pageOf(1).replaceAll('Panel ship', 'Panel');
    // A server without ETags: the bytes themselves must show the change.
    const serve = (body: string) =>
      site.handle(
        '/c/1',
        (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end(body),
      );
    serve(broken);
    const run = weeks(`site:${site.origin}/`);
    const first = await run();
    expect(first.known.quarantine).toMatchObject([
      {
        url: `${site.origin}/c/1`,
        faults: [{ field: 'tools.0.panelShip' }, {}],
        bodyHash: expect.any(String),
      },
    ]);
    const second = await run();
    expect(second.memory).toEqual({ remember: [], forget: [], quarantine: [], release: [] });
    expect(second.rejected).toEqual([]);

    site.handle('/c/1', (_, response) => void response.writeHead(500).end());
    expect((await run()).known.quarantine).toEqual(first.known.quarantine);
    serve(pageOf(1));
    const mended = await run();
    expect(mended.comparisons).toHaveLength(1);
    expect(mended.known.quarantine).toEqual([]);
  });

  it('holds an unreachable page until it can be read, and drops a page that is no longer listed', async () => {
    site.put('/sitemap.xml', sitemapOf([0, 1].map((index) => `${site.origin}/c/${index}`)));
    for (const index of [0, 1]) site.put(`/c/${index}`, pageOf(index));
    const run = weeks(`site:${site.origin}/`);
    await run();
    site.handle('/c/1', (_, response) => void response.writeHead(500).end());
    expect((await run()).known.quarantine).toMatchObject([
      { faults: [{ reason: 'answered 500' }], bodyHash: null },
    ]);
    site.put('/c/1', pageOf(1));
    const back = await run();
    expect(back.known.quarantine).toEqual([]);
    expect(back.sources).toMatchObject([{ comparisons: 0, unchanged: 2 }]);

    site.put('/c/1', '<h1>Gone</h1>');
    expect((await run()).known.quarantine).toHaveLength(1);
    site.put('/sitemap.xml', sitemapOf([`${site.origin}/c/0`]));
    const { known } = await run();
    expect(known.quarantine).toEqual([]);
    expect(known.pages.map(({ url }) => url.slice(site.origin.length)).sort()).toEqual([
      '/c/0',
      '/sitemap.xml',
    ]);
  });

  it('drops nothing while a source cannot be listed', async () => {
    site.put('/sitemap.xml', sitemapOf([0, 1].map((index) => `${site.origin}/c/${index}`)));
    site.put('/c/0', pageOf(0));
    site.put('/c/1', 'nothing');
    const run = weeks(`site:${site.origin}/`);
    const first = await run();
    site.handle('/sitemap.xml', (_, response) => response.socket?.destroy());
    const second = await run();
    expect(second.sources[0]?.fault?.message).toContain('closed the connection');
    expect(second.known).toEqual(first.known);
  });
});

describe('the time budget', () => {
  it('when it ends, leaves the rest to the next gathering', async () => {
    site.put('/sitemap.xml', sitemapOf(values.map((_, index) => `${site.origin}/c/${index}`)));
    for (const index of values.keys()) site.put(`/c/${index}`, pageOf(index));
    const over = new Set<() => void>();
    // All but three pages wait for an answer that does not come in time.
    for (const index of [...values.keys()].slice(3))
      site.handle(`/c/${index}`, (_, response) => void over.add(() => response.end()));
    const run = weeks(`site:${site.origin}/`, { ...web, budgetMs: 1_500 });
    const first = await run();
    expect(first.comparisons).toHaveLength(3);
    expect(first.sources).toMatchObject([{ postponed: values.length - 3, fault: null, rejected: 0 }]);
    for (const index of values.keys()) site.put(`/c/${index}`, pageOf(index));
    const second = await run();
    expect(second.comparisons).toHaveLength(values.length - 3);
  });
});

describe('feeds', () => {
  it('may be Atom with relative links, and give dates that pages do not have', async () => {
    site.put('/c/0', pageOf(0));
    site.put(
      '/atom.xml',
      `<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title><id>x</id><entry><id>1</id><title>x</title>
<link rel="alternate" href="/c/0#top"/><published>2026-11-17T08:00:00Z</published></entry></feed>`,
    );
    const { comparisons: found } = await weeks(`feed:${site.origin}/atom.xml`)();
    expect(found).toMatchObject([{ url: `${site.origin}/c/0`, publishedAt: '2026-11-17T08:00:00Z' }]);
  });

  it('may have several pages, and name the faults of an entry', async () => {
    const version = 'https://jsonfeed.org/version/1.1';
    const item = (index: number, tools: unknown = values[index]?.tools) => ({
      id: `${index}`,
      url: `/c/${index}`,
      date_published: '2026-11-17T08:00:00+01:00',
      _verdict: { tools },
    });
    site.put(
      '/feed.json',
      JSON.stringify({ version, items: [item(0), item(1, [])], next_url: '/more.json' }),
    );
    site.put('/more.json', JSON.stringify({ version, items: [item(2)], next_url: '/feed.json' }));
    const run = weeks(`feed:${site.origin}/feed.json`);
    const { comparisons: found, known } = await run();
    expect(found.map(({ url }) => url)).toEqual([0, 2].map((index) => `${site.origin}/c/${index}`));
    expect(found[0]?.tools).toEqual(values[0]?.tools);
    expect(known.quarantine).toMatchObject([
      {
        url: `${site.origin}/c/1`,
        faults: [{ field: 'tools', reason: 'too small: expected array to have >=2 items' }],
      },
    ]);
    const again = await run();
    expect(again.memory).toEqual({ remember: [], forget: [], quarantine: [], release: [] });
    expect(again.sources).toMatchObject([{ unchanged: 2, comparisons: 0 }]);
  });

  it.each([
    ['{', 'its JSON is damaged'],
    ['{"items":[]}', 'not what https://jsonfeed.org'],
    ['<html><body>Hello</body></html>', 'neither JSON Feed nor RSS nor Atom'],
    ['', 'neither JSON Feed nor RSS nor Atom'],
  ])('that are invalid say so: %s', async (body, reason) => {
    site.put('/feed', body);
    expect((await weeks(`feed:${site.origin}/feed`)()).sources[0]?.fault?.message).toContain(reason);
  });
});
