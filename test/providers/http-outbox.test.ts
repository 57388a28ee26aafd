import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBaseServer } from '../../src/platform/http/base-server.ts';
import { answerProblems } from '../../src/platform/http/problems.ts';
import { outboxRoutes } from '../../src/providers/outbox/outbox-routes.ts';

/**
 * A directory like this, in which only files under `outbox` may be shown:
 *
 * secret.html outbox-secret/a.html outbox/index.html
 * outbox/2026-11-24/batch-1/{001.html,001.eml,answer.json,.draft.html,notes.txt}
 * outbox/{out.html,outside,sibling,loop.html} -> elsewhere; outbox/inside.html -> 2026-11-24/batch-1/001.html
 */
const TOKEN = 'a-token-of-this-run-and-of-no-other-one';
/** The URL of the outbox with its token. */
const AT = `/outbox/${TOKEN}`;

let dir: string;
let app: FastifyInstance;
beforeAll(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'verdict-outbox-'));
  const batch = path.join(dir, 'outbox/2026-11-24/batch-1');
  mkdirSync(batch, { recursive: true });
  mkdirSync(path.join(dir, 'outbox-secret'));
  for (const file of ['secret.html', 'outbox-secret/a.html']) writeFileSync(path.join(dir, file), 'SECRET');
  writeFileSync(path.join(dir, 'outbox/index.html'), 'the issues');
  for (const [name, content] of [
    ['001.html', '<p style="color:red">Mail</p>'],
    ['001.eml', 'To: reader@mail.example\r\n\r\n<b>Mail</b>'],
    ['answer.json', '{}'],
    ['.draft.html', 'SECRET'],
    ['notes.txt', 'SECRET'],
  ] as const) {
    writeFileSync(path.join(batch, name), content);
  }
  const link = (target: string, name: string) => symlinkSync(target, path.join(dir, 'outbox', name));
  link(path.join(dir, 'secret.html'), 'out.html');
  link(dir, 'outside');
  link(path.join(dir, 'outbox-secret'), 'sibling');
  link('loop.html', 'loop.html');
  link('2026-11-24/batch-1/001.html', 'inside.html');

  app = createBaseServer({ logger: false });
  answerProblems(app);
  await app.register(async (scope) =>
    outboxRoutes(scope, { directory: path.join(dir, 'outbox'), token: TOKEN }),
  );
  await app.ready();
});
afterAll(async () => {
  await app?.close();
  rmSync(dir, { recursive: true, force: true });
});

const get = (url: string, more: InjectOptions = {}) => app.inject({ url, ...more });

describe('browsing the outbox', () => {
  it('shows a mail without scripts, origin or remote content', async () => {
    const answer = await get(`${AT}/2026-11-24/batch-1/001.html`);
    expect([answer.statusCode, answer.body]).toEqual([200, '<p style="color:red">Mail</p>']);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    const policy = String(answer.headers['content-security-policy']);
    expect(policy).toMatch(
      /^sandbox [\w -]*; default-src 'none'; style-src 'unsafe-inline'; form-action 'none'/,
    );
    expect(policy).not.toMatch(/allow-(?:scripts|same-origin|forms)/);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('shows its source as text, whatever it contains', async () => {
    const answer = await get(`${AT}/2026-11-24/batch-1/001.eml`);
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'text/plain; charset=utf-8']);
  });

  it('redirects a directory to its index, so that relative links work', async () => {
    for (const [url, target] of [
      ['', '/index.html'],
      ['/', '/index.html'],
      ['/2026-11-24', '/2026-11-24/index.html'],
      ['/2026-11-24/batch-1/', '/2026-11-24/batch-1/index.html'],
    ] as const) {
      const answer = await get(AT + url);
      expect([answer.statusCode, answer.headers.location]).toEqual([302, AT + target]);
    }
    expect((await get(`${AT}/index.html`)).body).toBe('the issues');
    expect((await get(`${AT}/inside.html`)).statusCode).toBe(200);
  });
});

describe('a path outside the outbox', () => {
  let port = 0;
  beforeAll(async () => {
    await app.listen({ host: '127.0.0.1', port: 0 });
    port = (app.server.address() as AddressInfo).port;
  });

  /** Sends the path unchanged: `inject` and `fetch` would normalise it. */
  const overTheWire = async (path: string) => {
    const [answer] = (await once(request({ port, host: '127.0.0.1', path }).end(), 'response')) as [
      IncomingMessage,
    ];
    return { status: answer.statusCode, body: await text(answer) };
  };

  it('the raw request works', async () => {
    expect(await overTheWire(`${AT}/index.html`)).toEqual({ status: 200, body: 'the issues' });
  });

  it.each([
    '/../secret.html',
    '/..%2fsecret.html',
    '/%2e%2e/secret.html',
    '/%2e%2e%2fsecret.html',
    '/2026-11-24/../../secret.html',
    '/2026-11-24/..%2f..%2f..%2fsecret.html',
    '/..%5csecret.html',
    '/....//secret.html',
    '/%252e%252e/secret.html',
    '/../outbox-secret/a.html',
    '//etc/passwd',
    '/%2fetc%2fpasswd',
    '/index.html%00.eml',
    '/out.html',
    '/outside/secret.html',
    '/outside',
    '/sibling/a.html',
    '/loop.html',
    '/2026-11-24/batch-1/.draft.html',
    '/2026-11-24/batch-1/notes.txt',
    '/2026-11-24/batch-1/002.html',
    '/index.html/x.html',
    `/${'x'.repeat(300)}.html`,
  ])('%s is not found', async (url) => {
    const { status, body } = await overTheWire(AT + url);
    expect(body).not.toContain('SECRET');
    expect(status).toBe(404);
  });
});

describe('access to the outbox', () => {
  const PAGES = ['', '/', '/index.html', '/2026-11-24/batch-1/001.eml'];

  it.each([
    ['somebody at this machine', {}],
    ['a client of a proxy that says 127.0.0.1', { headers: { host: '127.0.0.1:3000' } }],
    ['a client of a proxy that says localhost', { headers: { host: 'localhost:3000' } }],
    ['an IPv6 client', { remoteAddress: '::1', headers: { host: '[::1]:3000' } }],
    ['another machine', { remoteAddress: '10.0.0.7' }],
    ['another machine that says otherwise', { headers: { 'x-forwarded-for': '127.0.0.1' } }],
  ] as [string, InjectOptions][])('F16: is refused to %s, without the token', async (_who, more) => {
    for (const start of [
      '/outbox',
      '/outbox/',
      `/outbox/${TOKEN.slice(1)}`,
      `/outbox/${TOKEN}x`,
      '/outbox/%00',
    ]) {
      for (const page of PAGES) {
        const answer = await get(start + page, more);
        expect(answer.statusCode, start + page).toBe(404);
        expect(answer.body).not.toMatch(/the issues|reader@mail/);
      }
    }
    expect((await get('/outbox', more)).json().detail).toContain('`serve` printed its address');
  });

  it('is allowed with the token, from anywhere', async () => {
    for (const more of [{}, { remoteAddress: '10.0.0.7', headers: { host: 'verdicts.example' } }])
      expect((await get(`${AT}/index.html`, more)).statusCode).toBe(200);
  });
});

it('an outbox that does not exist yet is empty', async () => {
  await using fresh = createBaseServer({ logger: false });
  answerProblems(fresh);
  await fresh.register(async (scope) =>
    outboxRoutes(scope, { directory: path.join(dir, 'not-yet'), token: TOKEN }),
  );
  const answer = await fresh.inject(`${AT}/index.html`);
  expect([answer.statusCode, answer.body]).toEqual([200, 'The outbox is empty: nothing was mailed yet.\n']);
  expect((await fresh.inject(`${AT}/2026-11-24/index.html`)).statusCode).toBe(404);
});
