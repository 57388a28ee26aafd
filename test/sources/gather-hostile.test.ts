import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Comparison } from '../../src/comparisons/model.ts';
import { isPublicAddress } from '../../src/sources/crawl/public-address.ts';
import { gather, parseSource, type WebOptions } from '../../src/sources/gather.ts';
import { HTML_LAYOUTS } from '../helpers/pages.ts';
import { comparisons, openSiteServer, type SiteServer, sitemapOf } from '../helpers/site-server.ts';

/**
 * The server listens on 127.0.0.2, the one address that is allowed here; every other address is checked by the real
 * rule, so that 127.0.0.1 is as forbidden as in production.
 */
const HOST = '127.0.0.2';
const NAMES: Record<string, string[]> = {
  'outside.example': [HOST],
  'inside.example': ['127.0.0.1'],
  'mixed.example': [HOST, '10.0.0.7'],
};
const web: WebOptions = {
  userAgent: 'WeeklyVerdict/0.1 (+https://digest.example)',
  mayReach: (address) => address === HOST || isPublicAddress(address),
  resolve: async (hostname) => {
    const addresses = NAMES[hostname];
    if (addresses) return addresses.map((address) => ({ address, family: 4 }));
    throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
  },
  limits: { connectMs: 500, headersMs: 500, bodyMs: 500, wholeMs: 4_000 },
  sleep: async () => {},
};

let site: SiteServer;
let secret: SiteServer;
let port: string;
beforeAll(async () => {
  site = await openSiteServer(HOST);
  secret = await openSiteServer('127.0.0.1');
  secret.put('/feed.json', JSON.stringify({ version: 'https://jsonfeed.org/version/1.1', items: [] }));
  port = new URL(site.origin).port;
  for (const [path, { answer }] of Object.entries(HOSTILE)) {
    site.handle(path, (_, response) => void answer(response));
  }
});
afterAll(async () => {
  await site[Symbol.asyncDispose]();
  await secret[Symbol.asyncDispose]();
});

const BLOCK = Buffer.alloc(1_000_000, 'x');
/** 2 GB of zeros in 2 MB: gzip members may follow one another. */
const MEMBER = gzipSync(Buffer.alloc(10_000_000));
const BOMB = Buffer.concat(Array.from({ length: 200 }, () => MEMBER));
let delivered = 0;

async function endless(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/html' });
  for (let sent = 0; sent < 2_000 && !response.destroyed; sent += 1) {
    delivered += 1;
    if (response.write(BLOCK)) continue;
    const over = new AbortController();
    const { signal } = over;
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]).catch(
      () => {},
    );
    over.abort();
  }
  response.end();
}

const redirect = (to: () => string) => (response: ServerResponse) =>
  void response.writeHead(302, { location: to() }).end();

const HOSTILE: Record<string, { answer: (response: ServerResponse) => unknown; reason: RegExp }> = {
  '/hangs': { answer: () => {}, reason: /did not answer within 0\.5 s/u },
  '/stalls': {
    answer: (response) => void response.writeHead(200, { 'content-type': 'text/html' }).write('<html>'),
    reason: /sent nothing for 0\.5 s/u,
  },
  '/drips': {
    answer: (response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      const timer = setInterval(() => response.write('<p>'), 100);
      response.on('close', () => clearInterval(timer));
    },
    reason: /took longer than 4 s/u,
  },
  '/resets': { answer: (response) => response.socket?.resetAndDestroy(), reason: /closed the connection/u },
  '/cuts': {
    answer: (response) => {
      response.writeHead(200, { 'content-type': 'text/html', 'content-length': '5000' }).write('<html>');
      setImmediate(() => response.destroy());
    },
    reason: /closed the connection/u,
  },
  '/chatters': {
    answer: (response) => response.socket?.end('lorem ipsum dolor\r\n\r\n'),
    reason: /does not speak HTTP/u,
  },
  '/boasts': {
    answer: (response) => response.writeHead(200, { 'x-long': 'y'.repeat(20_000) }).end(),
    reason: /16 kB of headers/u,
  },
  '/breaks': { answer: (response) => response.writeHead(500).end('oops'), reason: /answered 500/u },
  '/endless': { answer: endless, reason: /is longer than \d+ MB/u },
  '/announces': {
    answer: (response) => response.writeHead(200, { 'content-length': '2000000000' }).write('x'),
    reason: /is longer than \d+ MB/u,
  },
  '/bomb': {
    answer: (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(BOMB),
    reason: /is longer than \d+ MB/u,
  },
  '/bomb-in-bomb': {
    answer: (response) => response.writeHead(200, { 'content-encoding': 'gzip, gzip' }).end(gzipSync(BOMB)),
    reason: /packed as "gzip, gzip", which is not read/u,
  },
  '/damaged': {
    answer: (response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(deflateSync('<html></html>')),
    reason: /packed data that is damaged/u,
  },
  '/truncated': {
    answer: (response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('<html></html>').subarray(0, 15)),
    reason: /packed data that is damaged/u,
  },
  '/loop': { answer: redirect(() => '/loop'), reason: /redirects more than 5 times/u },
  '/to-loopback': {
    answer: redirect(() => `${secret.origin}/feed.json`),
    reason: /leads to 127\.0\.0\.1, which is no public address/u,
  },
  '/to-metadata': {
    answer: redirect(() => 'http://169.254.169.254/latest/meta-data/'),
    reason: /leads to 169\.254\.169\.254/u,
  },
  '/to-mapped': {
    answer: redirect(() => `http://[::ffff:127.0.0.1]:${new URL(secret.origin).port}/feed.json`),
    reason: /leads to ::ffff:7f00:1/u,
  },
  '/to-octal': { answer: redirect(() => 'http://0177.1/'), reason: /leads to 127\.0\.0\.1/u },
  '/to-inside': {
    answer: redirect(() => `http://inside.example:${new URL(secret.origin).port}/feed.json`),
    reason: /leads to 127\.0\.0\.1/u,
  },
  '/to-mixed': { answer: redirect(() => `http://mixed.example:${port}/x`), reason: /leads to 10\.0\.0\.7/u },
  '/to-nowhere': { answer: redirect(() => 'http://nowhere.example/'), reason: /has no address/u },
  '/to-file': { answer: redirect(() => 'file:///etc/passwd'), reason: /leads to file:/u },
  '/latin': {
    answer: (response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end(Buffer.from([0x3c, 0xe9, 0xe8])),
    reason: /is no text in utf-8/u,
  },
  '/klingon': {
    answer: (response) => response.writeHead(200, { 'content-type': 'text/html; charset=klingon' }).end('x'),
    reason: /unknown charset, "klingon"/u,
  },
  '/lies': {
    answer: (response) => response.writeHead(200, { 'content-type': 'text/html' }).end(gzipSync('<html>')),
    reason: /is no text in utf-8/u,
  },
};
const KINDS = Object.entries(HOSTILE);

describe('hostile pages among valid ones', () => {
  it('each end within a limit with a reason, and all others are gathered with little memory', async () => {
    const good = comparisons(40);
    for (const [index, value] of good.entries()) {
      site.put(
        `/good/${index}`,
        HTML_LAYOUTS.article?.({ ...value, url: `${site.origin}/good/${index}` }) ?? '',
      );
    }
    site.put('/image', Buffer.from('89504e47', 'hex'), { 'content-type': 'image/png' });
    const paths = [...KINDS.map(([path]) => path), '/image'];
    const urls = good.flatMap((_, index) => [`/good/${index}`, ...paths.splice(0, 1)]);
    site.put('/sitemap.xml', sitemapOf(urls.map((path) => site.origin + path)));

    const before = process.memoryUsage().rss;
    let most = before;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss);
    }, 5);
    delivered = 0;
    const result = await gather([parseSource(`site:${site.origin}/`)], { web }).finally(() =>
      clearInterval(watch),
    );

    expect(result.comparisons).toHaveLength(good.length);
    const reasons = Object.fromEntries(
      result.rejected.map(({ name, reason }) => [name.slice(site.origin.length), reason]),
    );
    for (const [path, { reason }] of KINDS) expect(reasons[path], path).toMatch(reason);
    expect(reasons['/image']).toBe('is served as image/png, not as a page');
    expect(Object.keys(reasons)).toHaveLength(KINDS.length + 1);
    expect(secret.requests).toEqual([]);
    expect(delivered).toBeLessThan(50);
    expect((most - before) / 1e6).toBeLessThan(200);
  });
});

describe('hostile sources beside a valid one', () => {
  it('each end with a reason of their own, and the valid one is gathered', async () => {
    const one = comparisons(1)[0] as Comparison;
    site.put('/one', HTML_LAYOUTS.table?.({ ...one, url: `${site.origin}/one` }) ?? '');
    site.put(
      '/rss',
      `<rss version="2.0"><channel><title>x</title><item><link>${site.origin}/one</link></item></channel></rss>`,
      {
        'content-type': 'image/gif',
      },
    );
    const sources = [
      ...KINDS.map(([path]) => `feed:${site.origin}${path}`),
      `feed:http://outside.example:${port}/rss`,
    ];
    delivered = 0;
    const { sources: reports, comparisons: found } = await gather(sources.map(parseSource), { web });
    for (const [index, [path, { reason }]] of KINDS.entries()) {
      expect(reports[index]?.fault?.message, path).toMatch(reason);
      expect(reports[index]?.fault?.message).toContain(path);
    }
    expect(reports.at(-1)).toMatchObject({ fault: null, comparisons: 1 });
    expect(found).toHaveLength(1);
    expect(delivered).toBeLessThan(100);
    expect(secret.requests).toEqual([]);
  });

  it.each([
    ['inside.example', /leads to 127\.0\.0\.1/u],
    ['mixed.example', /leads to 10\.0\.0\.7/u],
    ['127.0.0.1', /leads to 127\.0\.0\.1/u],
    ['[::1]', /leads to ::1/u],
    ['2130706433', /leads to 127\.0\.0\.1/u],
    ['nowhere.example', /has no address/u],
  ])('refuses %s', async (host, reason) => {
    const { sources } = await gather([parseSource(`site:http://${host}:${port}/`)], { web });
    expect(sources[0]?.fault?.message).toMatch(reason);
  });
});

describe('Retry-After', () => {
  const feedOf = (answers: ((response: ServerResponse) => void)[]) => {
    let asked = 0;
    site.handle('/busy', (_, response) => answers[Math.min(asked++, answers.length - 1)]?.(response));
    return () => asked;
  };
  const busy = (retryAfter: string) => (response: ServerResponse) =>
    void response.writeHead(429, { 'retry-after': retryAfter }).end();
  const empty = (response: ServerResponse) =>
    void response.end(JSON.stringify({ version: 'https://jsonfeed.org/version/1.1', items: [] }));
  /** A clock that only sleeping moves. */
  const patient = () => {
    const slept: number[] = [];
    return {
      slept,
      web: {
        ...web,
        sleep: async (ms: number) => void slept.push(ms),
        now: () => slept.reduce((a, b) => a + b, 0),
      },
    };
  };

  it('is obeyed, within a limit', async () => {
    const asked = feedOf([busy('2'), empty]);
    const clock = patient();
    const { sources } = await gather([parseSource(`feed:${site.origin}/busy`)], { web: clock.web });
    expect(sources[0]?.fault).toBeNull();
    expect(asked()).toBe(2);
    expect(clock.slept).toEqual([2_000]);
  });

  it('that is too long, or endless, is a reason, and the host is skipped', async () => {
    const asked = feedOf([busy('3600')]);
    const clock = patient();
    const sources = [`feed:${site.origin}/busy`, `feed:${site.origin}/busy?2`].map(parseSource);
    site.handle('/busy?2', (_, response) => busy('1')(response));
    const first = await gather(sources.slice(0, 1), { web: clock.web });
    expect(first.sources[0]?.fault?.message).toContain('answered 429, to come back after 3600 s');
    expect(asked()).toBe(1);
    const second = await gather(sources.slice(1), { web: clock.web });
    expect(second.sources[0]?.fault?.message).toContain('answered 429, to come back after 1 s');
    expect(clock.slept).toEqual([1_000, 1_000]);
  });
});
