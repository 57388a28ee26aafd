import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { followEach } from '../../src/sources/crawl/follow-links.ts';
import { stopReading } from '../../src/sources/thread/thread.ts';
import { openSiteServer, type SiteServer } from '../helpers/site-server.ts';

describe('Y4: following links', () => {
  let site: SiteServer;
  let hanging: SiteServer;
  beforeAll(async () => {
    [site, hanging] = await Promise.all([openSiteServer(), openSiteServer('127.0.0.2')]);
  });
  afterAll(async () => {
    await Promise.all([site, hanging].map((each) => each[Symbol.asyncDispose]()));
    await stopReading();
  });

  const follow = (urls: string[], { budgetMs = 20_000, mayReach = (_: string) => true as boolean } = {}) =>
    followEach(urls, { userAgent: 'test', mayReach }, { agent: 'test', budgetMs });

  it('a host that never answers keeps no other link from its result, and ends with the time', async () => {
    for (const path of ['/robots.txt', '/a', '/b']) hanging.handle(path, () => {});
    site.put('/here', 'here');
    const checks = await follow([`${hanging.origin}/a`, `${hanging.origin}/b`, `${site.origin}/here`], {
      budgetMs: 500,
    });
    expect(checks).toEqual([{ url: `${site.origin}/here`, status: 200, reason: null, isBroken: false }]);
  });

  it.each([
    [404, true],
    [410, true],
    [500, true],
    [503, true],
    [401, false],
    [403, false],
    [429, false],
  ])('an answer of %i is broken: %s', async (status, isBroken) => {
    site.handle('/page', (_, response) => response.writeHead(status).end());
    expect(await follow([`${site.origin}/page`])).toMatchObject([{ status, isBroken }]);
  });

  it('a host that nobody listens at is broken, one that we may not ask is not', async () => {
    const { origin } = site;
    const closed = 'http://127.0.0.1:9/page';
    expect(await follow([closed])).toMatchObject([{ status: null, isBroken: true }]);
    expect(await follow([`${origin}/here`], { mayReach: () => false })).toMatchObject([
      { status: null, reason: 'leads to 127.0.0.1, which is no public address', isBroken: false },
    ]);
    site.put('/robots.txt', 'User-agent: *\nDisallow: /private');
    expect(await follow([`${origin}/private`])).toMatchObject([{ isBroken: false }]);
  });

  it('names that lead nowhere by definition are not followed', async () => {
    const urls = ['https://site.example/a', 'https://a.test/', 'https://b.invalid./x'];
    expect(await follow(urls)).toEqual([]);
  });
});
