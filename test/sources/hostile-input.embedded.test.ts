import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { parseSource } from '../../src/sources/gather.ts';
import { stopReading } from '../../src/sources/thread/thread.ts';
import { gatherAll } from '../../src/workflow/week.ts';
import { ENDLESS, HOSTILE, RULES } from '../helpers/hostile-input.ts';
import { openSite, type TestSite } from '../helpers/site.ts';
import { openSiteServer, type SiteServer, sitemapOf } from '../helpers/site-server.ts';

/** Pushes and gatherings of input that cannot be read in time, and a health check that must not wait for them. */

const TOKEN = 'a-token-of-more-than-thirty-two-letters';
/** An orchestrator restarts a process that does not respond for longer. */
const PATIENCE_MS = 1_000;

let site: TestSite;
let origin: string;
let elsewhere: SiteServer;
beforeAll(async () => {
  site = await openSite();
  const server = await site.serve({ apiToken: TOKEN });
  origin = await server.listen({ host: '127.0.0.1', port: 0 });
  elsewhere = await openSiteServer('127.0.0.2');
});
afterAll(async () => {
  await elsewhere?.[Symbol.asyncDispose]();
  await stopReading();
  await site?.[Symbol.asyncDispose]();
});

/** Requests the health check until the task is done. @returns the task's result, and the longest wait for an answer. */
async function besideHealth<T>(task: Promise<T>): Promise<{ value: T; longest: number }> {
  let isDone = false;
  const done = task.finally(() => {
    isDone = true;
  });
  let longest = 0;
  do {
    const asked = performance.now();
    const { status } = await fetch(`${origin}/healthz`);
    expect(status).toBe(200);
    longest = Math.max(longest, performance.now() - asked);
  } while (!isDone);
  return { value: await done, longest };
}

describe('F8: /healthz answers while', () => {
  const pushes = [
    ...Object.entries(HOSTILE),
    [
      'what takes for ever',
      { text: ENDLESS, reason: /could not be read within 2 seconds; make it shorter/u },
    ] as const,
  ];

  it.each(pushes)('a push of %s is refused', async (_, { text, reason }) => {
    const push = async () => {
      const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'text/html' };
      const answer = await fetch(`${origin}/api/comparisons`, { method: 'POST', headers, body: text });
      return { status: answer.status, problem: (await answer.json()) as { errors: { reason: string }[] } };
    };
    const { value, longest } = await besideHealth(push());
    expect(value).toMatchObject({
      status: 422,
      problem: { errors: [{ reason: expect.stringMatching(reason) }] },
    });
    expect(longest).toBeLessThan(PATIENCE_MS);
  });

  it('such sites, feeds, sitemaps and robots.txt are gathered', async () => {
    const { put, origin: from } = elsewhere;
    const pages = { ...HOSTILE, 'what takes for ever': { text: ENDLESS, reason: /within 2 seconds/u } };
    const listed = Object.values(pages).map(({ text, reason }, index) => {
      put(`/pages/${index}`, text, { 'content-type': 'text/html' });
      return { url: `${from}/pages/${index}`, reason };
    });
    put('/robots.txt', `Sitemap: ${from}/sitemap.xml`);
    put('/sitemap.xml', sitemapOf(listed.map(({ url }) => url)));
    put('/tables.xml', `<rss><channel>${HOSTILE['30 kB of nested tables']?.text}`);
    put(
      '/values.json',
      `{"version":"https://jsonfeed.org/version/1.1","items":[${'[[],[],[]],'.repeat(200_000)}{}]}`,
    );
    await using ruled = await openSiteServer('127.0.0.3');
    ruled.put('/robots.txt', RULES);
    const long = Array.from({ length: 100 }, (_, id) => `${ruled.origin}/${'a'.repeat(1_900)}${id}`);
    ruled.put('/sitemap.xml', sitemapOf(long));
    await using mapped = await openSiteServer('127.0.0.4');
    mapped.put('/robots.txt', '');
    mapped.put('/sitemap.xml', `<urlset>${'<url>'.repeat(200_000)}`);

    const sources = [
      `site:${from}/pages/`,
      `feed:${from}/tables.xml`,
      `feed:${from}/values.json`,
      `site:${ruled.origin}/`,
      `site:${mapped.origin}/`,
    ];
    const { config } = loadConfig({
      DATA_DIR: site.dir,
      ALLOW_PRIVATE_SOURCES: '1',
      POSTAL_ADDRESS: '1 Ballot Lane',
    });
    const app = {
      config: { ...config, sources: sources.map(parseSource) },
      db: site.db,
      logger: pino({ level: 'silent' }),
      clock: () => new Date(),
    } as unknown as App;
    const { value, longest } = await besideHealth(gatherAll(app));
    expect(longest).toBeLessThan(PATIENCE_MS);
    expect(value.rejected.map(({ name, reason }) => ({ name, reason }))).toEqual(
      listed.map(({ url, reason }) => ({ name: url, reason: expect.stringMatching(reason) })),
    );
    expect(value.sources.map(({ fault }) => fault?.message)).toEqual([
      undefined,
      expect.stringContaining('is nested more than 200 deep'),
      expect.stringContaining('has more than 1,000,000 values'),
      expect.stringContaining('has more than 1,000 rules for us'),
      expect.stringContaining('nested more than 20 deep'),
    ]);
  });
});
