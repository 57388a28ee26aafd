import { load } from 'cheerio';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eraseSubscriber } from '../../src/subscribers/erase/own-data-store.ts';
import { findSubscriber } from '../../src/subscribers/subscriber-store.ts';
import { signer } from '../../src/subscribers/tokens.ts';
import { openSite, SITE, type TestSite } from '../helpers/site.ts';

/** The pages behind the links in mail: unsubscribe and preferences. */

let site: TestSite;
let app: FastifyInstance;
beforeAll(async () => {
  site = await openSite();
  app = site.app;
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const ONE_CLICK = 'List-Unsubscribe=One-Click';

const multipart = (fields: Record<string, string>, boundary = 'bnd', newline = '\r\n') =>
  [
    ...Object.entries(fields).map(([name, value]) =>
      [`--${boundary}`, `Content-Disposition: form-data; name="${name}"`, '', value].join(newline),
    ),
    `--${boundary}--`,
    '',
  ].join(newline);

let readers = 0;
const subscribe = (topics: string[] = []) => site.subscribe(`reader${++readers}@mail.example`, topics);
const statusOf = async (id: string) => (await findSubscriber(site.db, id))?.status;
const topicsOf = async (id: string) => (await findSubscriber(site.db, id))?.topics;
const events = (id: string) =>
  site.db
    .selectFrom('consent_events')
    .select(['event', 'method', 'details'])
    .where('subscriber_id', '=', id)
    .where('event', '<>', 'confirmed')
    .orderBy('id')
    .execute();
const post = (url: string, more: InjectOptions = {}) => app.inject({ method: 'POST', url, ...more });
const leave = (id: string) => `/unsubscribe/${site.token('unsubscribe', id)}`;
const prefer = (id: string, version = 1) => `/preferences/${site.token('preferences', id, version)}`;

/** Every row of every table that a request could change. */
const everything = async () =>
  JSON.stringify([
    await site.db.selectFrom('subscribers').selectAll().orderBy('id').execute(),
    await site.db.selectFrom('consent_events').selectAll().orderBy('id').execute(),
    await site.db.selectFrom('deliveries').selectAll().orderBy('id').execute(),
  ]);

describe('a GET of a link', () => {
  it('changes no row, even 50 times: scanners follow every link', async () => {
    const id = await subscribe(['Coding']);
    const before = await everything();
    for (const url of [leave(id), prefer(id)]) {
      for (let time = 0; time < 50; time += 1) {
        const method = (['GET', 'HEAD', 'OPTIONS', 'GET', 'PUT'] as const)[time % 5];
        const answer = await app.inject({
          method: method ?? 'GET',
          url,
          query: { confirm: '1', leave: '1', save: '1' },
        });
        expect(answer.statusCode).toBe({ GET: 200, HEAD: 200, OPTIONS: 204, PUT: 405 }[method ?? 'GET']);
      }
    }
    expect(await everything()).toBe(before);
  });

  it('shows a masked address, and one button that works without a script', async () => {
    const id = await site.subscribe('jane@doe.org');
    const page = load((await app.inject({ url: leave(id), headers: BROWSER })).body);
    expect(page('main').text()).toContain('j***@d***.org');
    expect(page.html()).not.toContain('jane');
    expect(page('script, [onclick], meta[http-equiv]').length).toBe(0);
    expect(page('form').length).toBe(1);
    expect(page('form').attr()).toEqual({ method: 'post' });
    expect(page('form button[type=submit]').text()).toBe('Unsubscribe');
    expect(page('form input').attr()).toEqual({ type: 'hidden', name: 'confirm', value: '1' });
  });

  it('keeps the token out of caches, search engines, referrers and other sites', async () => {
    const id = await subscribe();
    for (const url of [leave(id), prefer(id), `${leave(id)}x`, '/unsubscribe', '/preferences']) {
      const { headers } = await app.inject(url);
      expect(headers['cache-control']).toBe('no-store');
      expect(headers['x-robots-tag']).toBe('noindex');
      expect(headers['referrer-policy']).toBe('no-referrer');
      expect(headers['set-cookie']).toBeUndefined();
      const policy = String(headers['content-security-policy']);
      expect(policy).toMatch(/^default-src 'none';style-src 'sha256-[\w+/]+=*';form-action 'self';/);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
    }
  });

  it.each(['/unsubscribe', '/preferences'])(
    '%s without a token explains what to do, and can mail a link',
    async (url) => {
      const answer = await app.inject({ url, headers: BROWSER });
      expect(answer.statusCode).toBe(200);
      const page = load(answer.body);
      expect(page('form').length).toBe(1);
      expect(page('main a').attr('href')).toBe('mailto:desk@verdicts.example');
      expect((await post(url)).statusCode).toBe(422);
    },
  );
});

describe('one-click unsubscribe (RFC 8058)', () => {
  const type = (boundary: string) => ({ 'content-type': `multipart/form-data; boundary=${boundary}` });
  it.each([
    ['urlencoded', FORM, ONE_CLICK],
    [
      'urlencoded with a charset',
      { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' },
      ONE_CLICK,
    ],
    ['multipart', type('----bnd'), multipart({ 'List-Unsubscribe': 'One-Click' }, '----bnd')],
    ['multipart, short boundary', type('b'), multipart({ 'List-Unsubscribe': 'One-Click' }, 'b')],
    [
      'multipart, quoted boundary',
      type('"=_Part 0:1"'),
      multipart({ 'List-Unsubscribe': 'One-Click' }, '=_Part 0:1'),
    ],
    [
      'multipart, wild boundary',
      type('----=_Part_0_1.2'),
      multipart({ 'List-Unsubscribe': 'One-Click' }, '----=_Part_0_1.2'),
    ],
    ['no content type', {}, ONE_CLICK],
  ])(
    '%s: takes effect at once, with a small answer, no cookie, no redirect, and can be repeated',
    async (_name, headers, payload) => {
      const id = await subscribe();
      for (let time = 0; time < 2; time += 1) {
        const answer = await post(leave(id), { headers, payload: Buffer.from(payload) });
        expect(answer.statusCode).toBe(200);
        expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
        expect(answer.body).toBe('You are off the list.\n');
        expect(answer.headers['set-cookie']).toBeUndefined();
      }
      expect(await statusOf(id)).toBe('unsubscribed');
      expect(await events(id)).toEqual([{ event: 'unsubscribed', method: 'one_click', details: {} }]);
    },
  );

  it.each([
    ['no body', {}, undefined],
    ['an unknown field', FORM, 'list-unsubscribe=yes'],
    ['JSON', { 'content-type': 'application/json' }, '{"List-Unsub'],
    ['multipart without a boundary', { 'content-type': 'multipart/form-data' }, 'x'],
    ['multipart cut off', { 'content-type': 'multipart/form-data; boundary=b' }, '--b\r\nContent-Disp'],
    ['bytes', { 'content-type': 'image/png' }, '\u0000\u0001'],
  ])('%s: a genuine token still counts', async (_name, headers, payload) => {
    const id = await subscribe();
    const answer = await post(leave(id), { headers, ...(payload === undefined ? {} : { payload }) });
    expect([answer.statusCode, answer.body]).toEqual([200, 'You are off the list.\n']);
    expect(await statusOf(id)).toBe('unsubscribed');
    expect(await events(id)).toMatchObject([{ event: 'unsubscribed', method: 'unknown' }]);
  });

  it('fault 22: accepts a voided link, and one signed with the previous key', async () => {
    const id = await subscribe();
    await site.db.updateTable('subscribers').set({ token_version: 7 }).where('id', '=', id).execute();
    expect((await app.inject(leave(id))).statusCode).toBe(200);
    expect((await post(leave(id), { headers: FORM, payload: ONE_CLICK })).statusCode).toBe(200);
    expect(await statusOf(id)).toBe('unsubscribed');

    const other = await subscribe();
    const old = signer([site.keys[1] ?? ''], 'unsubscribe')({ subscriberId: other, version: 1 });
    expect((await post(`/unsubscribe/${old}`)).statusCode).toBe(200);
    expect(await statusOf(other)).toBe('unsubscribed');
  });

  it('an erased person is off the list', async () => {
    const id = await subscribe();
    await eraseSubscriber(site.db, { id }, 'admin');
    for (const answer of [await app.inject(leave(id)), await post(leave(id), { headers: BROWSER })]) {
      expect(answer.statusCode).toBe(200);
      expect(load(answer.body)('h1').text()).toBe('You are off the list');
    }
  });

  it('weakens nothing: a suppressed person stays suppressed', async () => {
    const id = await subscribe();
    await site.db.updateTable('subscribers').set({ status: 'suppressed' }).where('id', '=', id).execute();
    expect((await post(leave(id))).statusCode).toBe(200);
    expect(await statusOf(id)).toBe('suppressed');
    expect(await events(id)).toEqual([]);
  });
});

describe('the unsubscribe button', () => {
  it('leads to a page that confirms it, and the link shows the same page from then on', async () => {
    const id = await subscribe();
    const answer = await post(leave(id), { headers: { ...FORM, ...BROWSER }, payload: 'confirm=1' });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(load(answer.body)('h1').text()).toBe('You are off the list');
    expect(await events(id)).toMatchObject([{ event: 'unsubscribed', method: 'post_button' }]);

    const again = load((await app.inject(leave(id))).body);
    expect(again('h1').text()).toBe('You are off the list');
    expect(again('form').length).toBe(0);
  });
});

describe('an invalid link', () => {
  const forgeries = async () => {
    const id = await subscribe();
    const genuine = site.token('unsubscribe', id);
    const flipped = genuine.slice(0, -1) + (genuine.endsWith('A') ? 'B' : 'A');
    return [
      'x',
      flipped,
      `${genuine}x`,
      genuine.slice(1),
      genuine.replace('.1.', '.2.'),
      site.token('preferences', id),
      `1.${'x'.repeat(400)}`,
      '%00',
      '..%2fhealthz',
    ];
  };

  it('gets the same answer, whatever is wrong with it, and changes nothing', async () => {
    const tokens = await forgeries();
    const before = await everything();
    const pages = new Set<string>();
    for (const token of tokens) {
      for (const method of ['GET', 'POST'] as const) {
        const answer = await app.inject({ method, url: `/unsubscribe/${token}`, headers: BROWSER });
        expect(answer.statusCode, token).toBe(404);
        pages.add(answer.body);
      }
    }
    expect(pages.size).toBe(1);
    expect(load([...pages][0] ?? '')('h1').text()).toBe('This link does not work');
    expect(await everything()).toBe(before);
  });

  it('gets the same page for preferences, whether forged or made for another page', async () => {
    const id = await subscribe();
    const pages = new Set<string>();
    for (const url of [
      '/preferences/x',
      `${prefer(id)}x`,
      `/preferences/${site.token('vote', id)}`,
      `/preferences/${site.token('unsubscribe', id)}`,
    ]) {
      for (const method of ['GET', 'POST'] as const) {
        const answer = await app.inject({
          method,
          url,
          headers: { ...BROWSER, ...FORM },
          payload: 'leave=1',
        });
        expect(answer.statusCode, url).toBe(404);
        pages.add(answer.body);
      }
    }
    expect(pages.size).toBe(1);
    expect(await statusOf(id)).toBe('active');
  });

  it('gets problem+json when a mail provider posts to it', async () => {
    const answer = await post('/unsubscribe/x', { headers: FORM, payload: ONE_CLICK });
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(answer.json()).toMatchObject({
      type: 'about:blank',
      title: 'This link does not work',
      status: 404,
    });
    expect(answer.json().instance).toMatch(/^urn:uuid:[\da-f-]{36}$/);
  });
});

describe('preferences', () => {
  const ticks = (html: string) => {
    const page = load(html);
    return page('input[type=checkbox]')
      .toArray()
      .map((box) => `${page(box).attr('checked') === undefined ? ' ' : 'x'} ${page(box).attr('value')}`);
  };
  const save = (id: string, topics: string[]) =>
    post(prefer(id), {
      headers: { ...FORM, ...BROWSER },
      payload: ['save=1', ...topics.map((topic) => `topic=${encodeURIComponent(topic)}`)].join('&'),
    });

  it('offer every category compared so far, and the earlier choice', async () => {
    const id = await subscribe(['Robots', 'Writing']);
    const answer = await app.inject(prefer(id));
    expect(answer.statusCode).toBe(200);
    expect(ticks(answer.body)).toEqual(['  Audio & Music', '  Coding', 'x Robots', 'x Writing']);
    expect(load(answer.body)('main').text()).toContain('r***@m***.example');
  });

  it('save the ticked topics, sorted, and log the change once', async () => {
    const id = await subscribe(['Robots']);
    for (let time = 0; time < 2; time += 1) {
      const answer = await save(id, ['Writing', 'Coding', 'Writing']);
      expect(answer.statusCode).toBe(200);
      expect(load(answer.body)('[role=status]').text()).toContain(
        'Saved. From the next issue on you get Coding and Writing',
      );
      expect(await topicsOf(id)).toEqual(['Coding', 'Writing']);
    }
    expect(await events(id)).toEqual([
      {
        event: 'preference_changed',
        method: 'post_button',
        details: { topics: ['Coding', 'Writing'], was: ['Robots'] },
      },
    ]);
    expect(ticks((await app.inject(prefer(id))).body)).toEqual(['  Audio & Music', 'x Coding', 'x Writing']);
  });

  it('treat no ticked topic as everything, in either encoding', async () => {
    const id = await subscribe(['Coding']);
    const answer = await post(prefer(id), {
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
      payload: multipart({ save: '1' }, 'b'),
    });
    expect(load(answer.body)('[role=status]').text()).toContain('you get everything');
    expect(await topicsOf(id)).toEqual([]);
  });

  it('save no topic that was not offered', async () => {
    const id = await subscribe(['Coding']);
    await save(id, ['Coding', 'Gambling', '<b>', '']);
    expect(await topicsOf(id)).toEqual(['Coding']);
    expect(await events(id)).toEqual([]);
  });

  it.each([
    ['nothing', {}, undefined],
    ['a strange form', FORM, 'topic=Writing'],
    ['a one-click request that lost its way', FORM, ONE_CLICK],
  ])('%s is not read as "everything"', async (_name, headers, payload) => {
    const id = await subscribe(['Coding']);
    const answer = await post(prefer(id), { headers, ...(payload === undefined ? {} : { payload }) });
    expect(answer.statusCode).toBe(422);
    expect(await topicsOf(id)).toEqual(['Coding']);
  });

  it('have an unsubscribe button, after which no topic can be chosen', async () => {
    const id = await subscribe(['Coding']);
    const answer = await post(prefer(id), { headers: { ...FORM, ...BROWSER }, payload: 'leave=1' });
    expect(load(answer.body)('h1').text()).toBe('You are off the list');
    expect(await events(id)).toMatchObject([{ event: 'unsubscribed', method: 'post_button' }]);
    for (const again of [await app.inject(prefer(id)), await save(id, ['Writing'])]) {
      expect(load(again.body)('h1').text()).toBe('You are off the list');
    }
    expect(await topicsOf(id)).toEqual(['Coding']);
  });
});

it('the pages link to no other site', async () => {
  const id = await subscribe();
  for (const url of ['/', '/issues', leave(id), prefer(id), '/unsubscribe', '/preferences', '/nowhere']) {
    const page = load((await app.inject({ url, headers: BROWSER })).body);
    const targets = page('[href], [src], [action]')
      .toArray()
      .map((one) => page(one).attr('href') ?? page(one).attr('action') ?? 'src');
    expect(targets.filter((target) => !/^(?:\/(?!\/)|mailto:)/.test(target))).toEqual([]);
    expect(page('h1').length).toBe(1);
    expect(page('footer').text()).toContain(SITE.postalAddress);
  }
});
