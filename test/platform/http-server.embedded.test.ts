import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { load } from 'cheerio';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiDocument } from '../../src/api/openapi.ts';
import { parseHsts } from '../../src/config/values.ts';
import type { Schema } from '../../src/platform/db/schema.ts';
import { resendWebhook } from '../../src/providers/resend/resend-webhook.ts';
import { findSubscriber } from '../../src/subscribers/subscriber-store.ts';
import { WEBHOOK_SECRET } from '../helpers/events.ts';
import { openSite, SITE, type TestSite } from '../helpers/site.ts';

/** Rules for every route: errors, methods, limits, headers, the log. */

let site: TestSite;
const lines: string[] = [];
beforeAll(async () => {
  site = await openSite({ logger: pino({ level: 'trace' }, { write: (line: string) => lines.push(line) }) });
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

const BROWSER = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

describe('errors', () => {
  it.each([
    [undefined, 'application/problem+json; charset=utf-8'],
    ['*/*', 'application/problem+json; charset=utf-8'],
    ['application/json', 'application/problem+json; charset=utf-8'],
    ['text/html;q=0.1, application/problem+json', 'application/problem+json; charset=utf-8'],
    [BROWSER.accept, 'text/html; charset=utf-8'],
  ])('Accept: %s gets %s', async (accept, type) => {
    const answer = await site.app.inject({ url: '/nowhere', ...(accept ? { headers: { accept } } : {}) });
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['content-type']).toBe(type);
    expect(answer.headers.vary).toContain('Accept');
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it.each([
    '/',
    '/issues',
    '/issues/2026-11-24',
    '/issues.atom',
    '/unsubscribe',
    '/unsubscribe/x',
    '/preferences/x',
    '/healthz',
    '/outbox/index.html',
  ])('%s: another method gets 405 with the allowed methods, and OPTIONS lists the same', async (url) => {
    const isForm = url.endsWith('/x') || url === '/unsubscribe';
    const allow = isForm ? 'GET, HEAD, POST, OPTIONS' : 'GET, HEAD, OPTIONS';
    for (const method of isForm ? (['PUT', 'DELETE'] as const) : (['POST', 'DELETE', 'TRACE'] as const)) {
      const answer = await site.app.inject({ method, url });
      expect([answer.statusCode, answer.headers.allow, answer.json().status]).toEqual([405, allow, 405]);
    }
    const options = await site.app.inject({ method: 'OPTIONS', url });
    expect([options.statusCode, options.headers.allow, options.body]).toEqual([204, allow, '']);
  });

  it('a form may have 8 kB, in either encoding', async () => {
    const id = await site.subscribe('big@mail.example');
    const url = `/unsubscribe/${site.token('unsubscribe', id)}`;
    for (const headers of [FORM, { 'content-type': 'multipart/form-data; boundary=b' }]) {
      const answer = await site.app.inject({
        method: 'POST',
        url,
        headers,
        payload: 'x'.repeat(8 * 1024 + 1),
      });
      expect([answer.statusCode, answer.json().status]).toEqual([413, 413]);
    }
    expect((await findSubscriber(site.db, id))?.status).toBe('active');
  });

  it("a URL that cannot be decoded is the client's fault, and is not repeated in the answer", async () => {
    const answer = await site.app.inject('/unsubscribe/secret%zz');
    expect([answer.statusCode, answer.json().status]).toEqual([400, 400]);
    expect(answer.body).not.toContain('secret');
  });

  it('fault 4: an unavailable database gives 503 everywhere, never "you are off the list"', async () => {
    const pool = new pg.Pool({ host: '127.0.0.1', port: 1 });
    const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
    const app = await site.serve({ db });
    const id = await site.subscribe('patient@mail.example');
    const unsubscribe = `/unsubscribe/${site.token('unsubscribe', id)}`;
    const preferences = `/preferences/${site.token('preferences', id)}`;
    const gets = ['/', '/issues', '/issues/2026-11-24', '/issues.atom', unsubscribe, preferences];
    for (const answer of [
      ...(await Promise.all(gets.map((url) => app.inject({ url, headers: BROWSER })))),
      await app.inject({
        method: 'POST',
        url: unsubscribe,
        headers: { ...FORM, ...BROWSER },
        payload: 'confirm=1',
      }),
    ]) {
      expect(answer.statusCode).toBe(503);
      expect(answer.headers['retry-after']).toBe('60');
      const page = load(answer.body);
      expect(page('h1').text()).toBe('Not right now');
      expect(page('main').text()).toMatch(/Reference: [\da-f-]{36}/);
      expect(answer.body).not.toMatch(/ECONNREFUSED|127\.0\.0\.1|\bat .*\.ts/);
    }
    const oneClick = await app.inject({
      method: 'POST',
      url: unsubscribe,
      headers: FORM,
      payload: 'List-Unsubscribe=One-Click',
    });
    expect(oneClick.statusCode).toBe(503);
    expect((await app.inject('/healthz')).statusCode).toBe(200);
    await db.destroy();
  });

  it('fault 4: an unsubscribe that does not commit gives 503, and works when it is repeated', async () => {
    const id = await site.subscribe('unlucky@mail.example');
    const send = () =>
      site.app.inject({
        method: 'POST',
        url: `/unsubscribe/${site.token('unsubscribe', id)}`,
        headers: FORM,
        payload: 'List-Unsubscribe=One-Click',
      });
    await sql`create function refuse() returns trigger language plpgsql as $$ begin raise 'no space left' using detail = 'Key (email)=(' || new.email || ') was written.'; end $$`.execute(
      site.db,
    );
    await sql`create constraint trigger refuse after update on subscribers deferrable initially deferred
      for each row execute function refuse()`.execute(site.db);
    expect((await send()).statusCode).toBe(503);
    expect((await findSubscriber(site.db, id))?.status).toBe('active');
    await sql`drop trigger refuse on subscribers`.execute(site.db);
    expect((await send()).statusCode).toBe(200);
    expect((await findSubscriber(site.db, id))?.status).toBe('unsubscribed');
  });

  it('readyz is 503 while a dependency is unavailable, healthz is not', async () => {
    const app = await site.serve({ ready: () => Promise.reject(new Error('redis://:password@queue')) });
    const answer = await app.inject('/readyz');
    expect([answer.statusCode, answer.json().title]).toEqual([503, 'Not ready']);
    expect(answer.body).not.toContain('password');
    expect((await app.inject('/healthz')).json()).toEqual({ status: 'ok' });
    expect((await site.app.inject('/readyz')).json()).toEqual({ status: 'ok' });
  });
});

describe('headers', () => {
  it('F20: require https only when the operator asks for it, and only as much as asked', async () => {
    const sent = async (text: string) => {
      const app = await site.serve({ hsts: parseHsts(text) });
      return (await app.inject('/')).headers['strict-transport-security'];
    };
    expect((await site.app.inject('/')).headers['strict-transport-security']).toBeUndefined();
    expect(await sent('off')).toBeUndefined();
    expect(await sent('on')).toBe('max-age=31536000');
    expect(await sent('max-age=86400')).toBe('max-age=86400');
    expect(await sent('max-age=63072000; includeSubDomains; preload')).toBe(
      'max-age=63072000; includeSubDomains; preload',
    );
  });

  it.each(['/', '/issues/2026-11-24', '/issues.atom', '/nowhere', '/healthz'])(
    '%s cannot be sniffed, and sets no cookie',
    async (url) => {
      const { headers } = await site.app.inject(url);
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'/);
      expect(headers['set-cookie']).toBeUndefined();
      expect(headers['x-powered-by']).toBeUndefined();
    },
  );
});

describe('without an outbox', () => {
  it('the route does not exist', async () => {
    const app = await site.serve({ outbox: null });
    for (const url of ['/outbox', '/outbox/index.html']) expect((await app.inject(url)).statusCode).toBe(404);
  });
});

describe('over a real connection', () => {
  it('an endless body stops at the limit, and the token stays out of the log', async () => {
    const id = await site.subscribe('chunked@mail.example');
    const token = site.token('unsubscribe', id);
    const app = await site.serve({});
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    const send = (chunks: string[]) =>
      new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
        const outgoing = httpRequest({
          port,
          host: '127.0.0.1',
          method: 'POST',
          path: `/unsubscribe/${token}`,
          headers: { ...FORM, 'transfer-encoding': 'chunked' },
        });
        outgoing.on('response', async (answer) =>
          resolve({ status: answer.statusCode, body: await text(answer) }),
        );
        outgoing.on('error', reject);
        for (const chunk of chunks) outgoing.write(chunk);
        outgoing.end();
      });
    expect((await send(['x'.repeat(5000), 'x'.repeat(5000)])).status).toBe(413);
    expect(await send(['List-Unsubscribe', '=One-Click'])).toEqual({
      status: 200,
      body: 'You are off the list.\n',
    });
  });
});

// The last test of the file: it reads the log of all the others.
it('the log has routes, statuses and causes, and no token, address or URL', async () => {
  const id = await site.subscribe('quiet@mail.example');
  const tokens = [site.token('unsubscribe', id), site.token('preferences', id)];
  for (const url of [
    `/unsubscribe/${tokens[0]}`,
    `/preferences/${tokens[1]}`,
    `/lost/${tokens[0]}`,
    `/unsubscribe/${tokens[0]}%zz`,
    `/unsubscribe/${tokens[0]}${'x'.repeat(600)}`,
  ]) {
    await site.app.inject({ url, headers: { referer: `https://x.example/${tokens[0]}` } });
    await site.app.inject({ method: 'POST', url });
  }
  const log = lines.join('');
  const entries = lines.map((line) => JSON.parse(line));
  expect(entries).toContainEqual(
    expect.objectContaining({ method: 'GET', route: '/unsubscribe/:token', status: 200, msg: 'answered' }),
  );
  expect(entries).toContainEqual(expect.objectContaining({ route: 'none', status: 404 }));
  expect(entries.filter((entry) => entry.route === '/healthz').every((entry) => entry.level === 20)).toBe(
    true,
  );
  expect(log).toContain('ECONNREFUSED');
  expect(log).toContain('no space left');
  for (const secret of [
    ...tokens.map((token) => token.slice(10, 40)),
    'mail.example',
    '/lost/',
    'x.example',
  ]) {
    expect(log.includes(secret), secret).toBe(false);
  }
});

describe('the API for programs', () => {
  /** Every `$ref` in it. */
  const references = (value: unknown): string[] =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, inner]) =>
          key === '$ref' ? [String(inner)] : references(inner),
        )
      : [];

  it('exists, answers as described, and has the same description for people', async () => {
    const server = await site.serve({
      apiToken: 'a-token-of-more-than-thirty-two-letters',
      webhook: resendWebhook([WEBHOOK_SECRET], () => new Date()),
      ready: async () => {},
    });
    const answer = await server.inject('/openapi.json');
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    const document: ApiDocument = answer.json();
    expect(document).toMatchObject({ openapi: '3.1.1', servers: [{ url: SITE.publicUrl }] });
    for (const reference of references(document)) {
      const found = reference
        .slice(2)
        .split('/')
        .reduce((at: unknown, name) => Object(at)[name], document);
      expect(found, reference).toBeTypeOf('object');
    }

    const page = load((await server.inject({ url: '/docs', headers: BROWSER })).body);
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [name, operation] of Object.entries(operations)) {
        const method = name.toUpperCase() as 'GET' | 'POST' | 'DELETE';
        const { statusCode } = await server.inject({ method, url: path.replace(/\{\w+\}/, 'x') });
        expect(Object.keys(operation.responses), `${method} ${path}`).toContain(String(statusCode));
        expect(page('h3').text()).toContain(`${method} ${path}`);
        expect(page('main').text()).toContain(operation.summary);
      }
    }
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/subscribe', '/unsubscribe/{token}', '/api/comparisons', '/webhooks/resend']),
    );
  });

  it('is not described when the settings disable it', async () => {
    const { paths }: ApiDocument = (await site.app.inject('/openapi.json')).json();
    for (const path of ['/api/comparisons', '/webhooks/resend', '/metrics'])
      expect(paths).not.toHaveProperty([path]);
  });
});
