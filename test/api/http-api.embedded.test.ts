import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findComparison } from '../../src/comparisons/comparison-store.ts';
import type { Comparison } from '../../src/comparisons/model.ts';
import { loadConfig } from '../../src/config/config.ts';
import { listAudit } from '../../src/desk/audit/audit.ts';
import type { Schema } from '../../src/platform/db/schema.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { HTML_LAYOUTS } from '../helpers/pages.ts';
import { openSite, SITE, type TestSite } from '../helpers/site.ts';

const TOKEN = 'a-token-of-more-than-thirty-two-letters';
const seed = path.resolve(import.meta.dirname, '../../../shared/seed/comparison-page.txt');

let site: TestSite;
let app: FastifyInstance;
beforeAll(async () => {
  site = await openSite();
  app = await site.serve({ apiToken: TOKEN });
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

const push = (payload: string | Buffer | object, headers: Record<string, string> = {}) =>
  app.inject({
    method: 'POST',
    url: '/api/comparisons',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
    payload: typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload),
  });
const PROBLEM = 'application/problem+json; charset=utf-8';
const one = comparison('anvil-vs-bellows', tool('Anvil', 75), tool('Bellows', 25, { entryPrice: '$20/mo' }));

describe('a comparison in JSON', () => {
  it('a push answers 201 for a new one, 200 for a known one, and 200 with the changes for a changed one', async () => {
    const url = `${SITE.publicUrl}/comparisons/${one.slug}`;
    const created = await push(one);
    expect([created.statusCode, created.headers.location]).toEqual([201, url]);
    expect(created.json()).toEqual({
      status: 'created',
      slug: one.slug,
      url,
      revision: 1,
      changed: [],
      hidden: false,
    });

    const again = await push(one);
    expect([again.statusCode, again.json()]).toEqual([
      200,
      { status: 'unchanged', slug: one.slug, url, revision: 1, changed: [], hidden: false },
    ]);

    const [a, b] = one.tools;
    const dearer = await push({ ...one, tools: [a, { ...b, entryPrice: '$25/mo' }] });
    expect([dearer.statusCode, dearer.json()]).toEqual([
      200,
      {
        status: 'changed',
        slug: one.slug,
        url,
        revision: 2,
        changed: [{ part: 'price', what: 'Entry price of Bellows', from: '$20/mo', to: '$25/mo' }],
        hidden: false,
      },
    ]);
    expect(dearer.headers['cache-control']).toBe('no-store');
  });

  it('without slug and address, the slug follows from the names and the address is our own page', async () => {
    const { slug: _slug, url: _url, ...bare } = comparison('', tool('データ舟', 50), tool('Reed 2', 50));
    const answer = await push(bare);
    const { slug, url } = answer.json();
    expect([answer.statusCode, slug]).toEqual([201, 'データ舟-vs-reed-2']);
    expect(url).toBe(`${SITE.publicUrl}/comparisons/${encodeURIComponent(slug)}`);
    expect((await findComparison(site.db, slug))?.comparison.url).toBe(url);
    expect((await app.inject(new URL(url).pathname)).statusCode).toBe(200);
  });

  it('a push with the slug or page of another pair answers 409 and changes nothing', async () => {
    const before = await findComparison(site.db, one.slug);
    const stranger = comparison('smith-vs-tongs', tool('Smith', 0), tool('Tongs', 0));
    for (const field of ['slug', 'url'] as const) {
      const answer = await push({ ...stranger, [field]: before?.comparison[field] });
      expect([answer.statusCode, answer.headers['content-type']]).toEqual([409, PROBLEM]);
      expect(answer.json().errors).toEqual([
        { field, reason: 'belongs to the comparison of anvil and bellows' },
      ]);
    }
    expect(await findComparison(site.db, one.slug)).toEqual(before);
  });

  it('an invalid push answers 422 and names each invalid field', async () => {
    const [a, b] = one.tools;
    const { tagline: _tagline, ...untold } = a;
    const answer = await push({
      ...one,
      url: 'ftp://site.example/x',
      tools: [untold, { ...b, panelShip: 101, reviews: [{ lens: 'builder', quote: 'x', call: 'maybe' }] }],
    });
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([422, PROBLEM]);
    const { status, title, errors } = answer.json();
    expect([status, title]).toEqual([422, 'That is not a complete comparison']);
    expect(errors.map(({ field }: { field: string }) => field).sort()).toEqual([
      'tools.0.tagline',
      'tools.1.panelShip',
      'tools.1.reviews.0.call',
      'url',
    ]);
    expect(errors).toContainEqual({ field: 'tools.0.tagline', reason: 'missing' });
  });

  it('an optional field is not reported as missing', async () => {
    const { errors } = (await push({ tools: [{ ...one.tools[0], name: '' }, null] })).json();
    expect(errors.map(({ field }: { field: string }) => field)).toEqual(['tools.0.name', 'tools.1']);
    const taken = (await push({ ...one, slug: null, url: 7 })).json().errors;
    expect(taken.map(({ field }: { field: string }) => field)).toEqual(['slug', 'url']);
  });

  it.each(['', '{"slug":', '[]', 'null', '"words"', '[{"slug":"a"}]'])(
    '%j is no comparison: 422',
    async (text) => {
      const answer = await push(text);
      expect([answer.statusCode, answer.json().errors.length]).toEqual([422, 1]);
    },
  );

  it('bytes that are not UTF-8 are refused, not guessed', async () => {
    const answer = await push(Buffer.from(JSON.stringify(one).replace('Anvil', 'Anvíl'), 'latin1'));
    expect(answer.json().errors).toEqual([{ field: '', reason: 'not utf-8 text' }]);
  });
});

describe('a comparison as a page', () => {
  const [anvil, bellows] = one.tools;
  const reviews = (who: string) => [
    { lens: 'builder', quote: `The primitive of ${who} is clean and it holds.`, call: 'ship' as const },
    { lens: 'skeptic', quote: `Direct competitor of ${who} is a spreadsheet.`, call: 'ship' as const },
    { lens: 'founder', quote: `The buyer of ${who} is a team lead somewhere.`, call: 'ship' as const },
  ];
  const printed: Comparison = {
    ...comparison(
      'drawknife-vs-spokeshave',
      { ...anvil, name: 'Drawknife', panelShip: 100, reviews: reviews('Drawknife') },
      { ...bellows, name: 'Spokeshave', panelShip: 100, reviews: reviews('Spokeshave') },
    ),
  };
  const html = HTML_LAYOUTS.article?.(printed) ?? '';

  it('HTML is read like any page of the site; its address is its canonical link', async () => {
    const answer = await push(html, { 'content-type': 'text/html; charset=utf-8' });
    expect([answer.statusCode, answer.json().slug]).toEqual([201, printed.slug]);
    expect((await findComparison(site.db, printed.slug))?.comparison).toEqual(printed);
    expect((await push(html, { 'content-type': 'text/html' })).json().status).toBe('unchanged');
    expect((await push(printed)).json().status).toBe('unchanged');
  });

  it('an incomplete page answers 422 and names the missing parts', async () => {
    const answer = await push(html.replace('<span>Community</span>', ''), { 'content-type': 'TEXT/HTML' });
    expect(answer.statusCode).toBe(422);
    const fields = answer.json().errors.map(({ field }: { field: string }) => field);
    expect(fields.length).toBeGreaterThan(0);
    expect(fields.every((field: string) => field.startsWith('tools.0'))).toBe(true);
  });

  it.skipIf(!existsSync(seed))('the seed, as plain text', async () => {
    const answer = await push(readFileSync(seed), { 'content-type': 'text/plain' });
    expect([answer.statusCode, answer.json().status]).toEqual([201, 'created']);
  });
});

describe('F11: DELETE', () => {
  const remove = (slug: string, more = '', headers: Record<string, string> = {}) =>
    app.inject({
      method: 'DELETE',
      url: `/api/comparisons/${encodeURIComponent(slug)}${more}`,
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
    });

  it('takes a comparison down once, and a later push does not show it again', async () => {
    const duo = comparison('データ舟-vs-tongs', tool('データ舟', 75), tool('Tongs', 25));
    await push(duo);
    const page = `/comparisons/${encodeURIComponent(duo.slug)}`;
    expect((await app.inject(page)).statusCode).toBe(200);
    const gone = await remove(duo.slug, '?reason=asked%20by%20its%20maker');
    expect([gone.statusCode, gone.headers['cache-control'], gone.json()]).toEqual([
      200,
      'no-store',
      { status: 'hidden', slug: duo.slug, issues: [] },
    ]);
    expect((await app.inject(page)).statusCode).toBe(410);
    const again = await remove(duo.slug);
    expect([again.statusCode, again.json()]).toEqual([
      200,
      { status: 'unchanged', slug: duo.slug, issues: [] },
    ]);
    const pushed = await push({ ...duo, tools: [{ ...duo.tools[0], entryPrice: '$9' }, duo.tools[1]] });
    expect([pushed.statusCode, pushed.json()]).toMatchObject([200, { status: 'changed', hidden: true }]);
    expect((await app.inject(page)).statusCode).toBe(410);
    expect((await listAudit(site.db, { limit: 1 }))[0]).toMatchObject({
      who: 'push',
      what: 'comparison_hidden',
      details: { comparison: duo.slug, reason: 'asked by its maker' },
    });
  });

  it('needs the token, a known comparison and a reason of a valid length', async () => {
    await push(one);
    expect((await remove(one.slug, '', { authorization: 'Bearer nothing' })).statusCode).toBe(401);
    for (const slug of ['nobody-vs-nothing', '..', 'A b', '\0'])
      expect((await remove(slug)).statusCode, slug).toBe(404);
    expect((await remove(one.slug, `?reason=${'x'.repeat(301)}`)).statusCode).toBe(422);
    expect((await app.inject(`/comparisons/${one.slug}`)).statusCode).toBe(200);
    const get = await app.inject(`/api/comparisons/${one.slug}`);
    expect([get.statusCode, get.headers.allow]).toEqual([405, 'DELETE, OPTIONS']);
  });
});

describe('the route', () => {
  it.each([
    ['no token', {}],
    ['another token', { authorization: `Bearer ${TOKEN}x` }],
    ['a part of the token', { authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
    ['an empty token', { authorization: 'Bearer ' }],
    ['another scheme', { authorization: `Basic ${TOKEN}` }],
  ] as const)('%s: 401, before the body is read', async (_name, headers) => {
    const answer = await app.inject({
      method: 'POST',
      url: '/api/comparisons',
      headers: { 'content-type': 'application/json', ...headers },
      payload: 'x'.repeat(2_000_000),
    });
    expect([answer.statusCode, answer.headers['www-authenticate'], answer.json().status]).toEqual([
      401,
      'Bearer',
      401,
    ]);
    expect(answer.body).not.toContain(TOKEN.slice(0, 10));
  });

  it.each(['application/x-www-form-urlencoded', 'application/ld+json', 'constructor', 'image/png'])(
    '%s: 415',
    async (type) => {
      const answer = await push('a=b', { 'content-type': type });
      expect([answer.statusCode, answer.json().title]).toEqual([415, 'That is no comparison we can read']);
    },
  );

  it('a body of 1 MB is accepted, and a longer one is refused', async () => {
    const padded = (length: number) => JSON.stringify(one).padEnd(length, ' ');
    expect((await push(padded(1_000_001))).statusCode).toBe(413);
    expect((await push(padded(1_000_000))).statusCode).toBe(200);
  });

  it('GET is 405, and OPTIONS says what is allowed', async () => {
    const answer = await app.inject('/api/comparisons');
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, 'POST, OPTIONS']);
    expect((await app.inject({ method: 'OPTIONS', url: '/api/comparisons' })).statusCode).toBe(204);
  });

  it('without API_TOKEN the route does not exist', async () => {
    for (const method of ['GET', 'POST'] as const) {
      const answer = await site.app.inject({
        method,
        url: '/api/comparisons',
        headers: { authorization: 'Bearer ' },
      });
      expect(answer.statusCode).toBe(404);
    }
  });

  it('an unavailable database answers 503, to be tried again', async () => {
    const pool = new pg.Pool({ host: '127.0.0.1', port: 1 });
    const away = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
    const broken = await site.serve({ apiToken: TOKEN, db: away });
    const answer = await broken.inject({
      method: 'POST',
      url: '/api/comparisons',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      payload: JSON.stringify(one),
    });
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '60']);
    await away.destroy();
  });
});

describe('API_TOKEN', () => {
  it('is a secret, long enough not to be guessed', () => {
    const env = { DATA_DIR: site.dir, SECRET_KEY: 'x'.repeat(32) };
    expect(loadConfig(env).secrets.apiToken).toBeUndefined();
    const { config, secrets } = loadConfig({ ...env, API_TOKEN: TOKEN });
    expect(secrets.apiToken).toBe(TOKEN);
    expect(JSON.stringify(config)).not.toContain(TOKEN);
    expect(() => loadConfig({ ...env, API_TOKEN: 'short' })).toThrow(/API_TOKEN: is shorter than 32/);
    expect(() => loadConfig({ ...env, API_TOKEN: `${TOKEN} ` })).toThrow(/API_TOKEN: must be letters/);
  });
});
