import { load } from 'cheerio';
import type { InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eraseSubscriber } from '../../src/subscribers/erase/own-data-store.ts';
import type { FreshLinkPurpose } from '../../src/subscribers/step-up/step-up-store.ts';
import { findSubscriber, unsubscribe } from '../../src/subscribers/subscriber-store.ts';
import { keyId, oneTimeToken } from '../../src/subscribers/tokens.ts';
import { everyRow, whereverWritten } from '../helpers/everywhere.ts';
import { askForFreshLink, passRequests } from '../helpers/mail-requests.ts';
import { openSite, type TestSite } from '../helpers/site.ts';

/**
 * The pages for pause, another address, data export and erasure. Their effects on the database are tested in
 * conformance/reader.ts; step-up.embedded.test.ts tests why three of them need a fresh link.
 */

let site: TestSite;
beforeAll(async () => {
  site = await openSite();
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

let readers = 0;
const subscribe = () => site.subscribe(`chooser${++readers}@mail.example`, ['Coding']);
const prefer = (id: string, more = '') => `/preferences/${site.token('preferences', id)}${more}`;
const change = (mailId: string) => `/change/${oneTimeToken(site.keys, mailId, keyId(site.keys[0]))}`;
const fresh = async (id: string, purpose: FreshLinkPurpose) =>
  (await askForFreshLink(site.db, id, purpose, site.keys)) ?? '';
const get = (url: string) => site.app.inject({ url, headers: { accept: 'text/html' } });
let networks = 0;
/** Each request comes from a new network, unless the test gives one. */
const post = (url: string, payload: string, more: InjectOptions = {}) =>
  site.app.inject({
    method: 'POST',
    url,
    payload,
    remoteAddress: `10.0.0.${++networks}`,
    headers: { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' },
    ...more,
  });
/** A reader types a new address, behind a fresh link. */
const moveTo = async (id: string, email: string, more: InjectOptions = {}) =>
  post(await fresh(id, 'change_address'), `change_address=1&email=${encodeURIComponent(email)}`, more);
const status = (body: string) => load(body)('[role=status]').text();
const h1 = (body: string) => load(body)('h1').last().text();

describe('a pause', () => {
  it('shows its end, and can be ended', async () => {
    const id = await subscribe();
    const paused = await post(prefer(id), 'pause=1');
    const until = (await findSubscriber(site.db, id))?.pausedUntil ?? new Date(0);
    const said = until.toLocaleDateString('en-GB', {
      day: 'numeric',
      month: 'long',
      year: 'numeric',
      timeZone: 'UTC',
    });
    expect(status(paused.body)).toBe(`Paused. No issue until ${said}.`);
    const page = load((await get(prefer(id))).body);
    expect(page('time').attr('datetime')).toBe(until.toISOString());
    expect(page('button').text()).toContain('Go on again now');
    expect(page('button').text()).not.toContain('Pause');

    const resumed = await post(prefer(id), 'resume=1');
    expect(status(resumed.body)).toContain('The next issue is yours again');
    expect(load(resumed.body)('button').text()).toContain('Pause for 4 weeks');
  });
});

describe('another address', () => {
  it("gets the same answer when it is free, the reader's own, somebody else's or erased", async () => {
    const [id, other, gone] = [await subscribe(), await subscribe(), await subscribe()];
    const emailOf = async (one: string) => (await findSubscriber(site.db, one))?.email ?? '';
    const erased = await emailOf(gone);
    await eraseSubscriber(site.db, { id: gone }, 'admin');
    const enqueued = site.enqueued.length;
    const pages = new Set<string>();
    const asked = [
      [await fresh(await subscribe(), 'change_address'), 'free@else.example'],
      [await fresh(id, 'change_address'), await emailOf(id)],
      [await fresh(id, 'change_address'), await emailOf(other)],
      [await fresh(id, 'change_address'), erased],
    ] as const;
    for (const [link, email] of asked) {
      const answer = await post(link, `change_address=1&email=${encodeURIComponent(email)}`);
      expect(answer.statusCode).toBe(200);
      pages.add(answer.body.replaceAll(email, 'ADDRESS'));
    }
    expect(pages.size).toBe(1);
    await site.answer();
    expect(site.enqueued.length).toBe(enqueued + 1);
  });

  it.each([
    '',
    'nobody',
    'a b@c.example',
    'a@b.example\r\nBcc: x@y.example',
    '<script>alert(1)</script>@x',
    'x'.repeat(300),
  ])('%j is refused beside the field, with the typed text', async (typed) => {
    const id = await subscribe();
    const enqueued = site.enqueued.length;
    for (const [url, body] of [
      [await fresh(id, 'change_address'), `change_address=1&email=${encodeURIComponent(typed)}`],
      ['/preferences', `email=${encodeURIComponent(typed)}`],
    ] as const) {
      const answer = await post(url, body);
      expect(answer.statusCode).toBe(422);
      const page = load(answer.body);
      const field = page('input[name=email]');
      expect(field.attr('aria-invalid')).toBe('true');
      expect(page(`#${field.attr('aria-describedby')}`).text()).toMatch(/^The address /);
      expect(page('script').length).toBe(0);
      expect(field.attr('value')).toBe(typed.slice(0, 254).replace('\r\n', '\n'));
    }
    expect(site.enqueued.length).toBe(enqueued);
  });

  it('moves with one button; old links still unsubscribe, and show nothing else', async () => {
    const id = await subscribe();
    const [oldPreferences, oldUnsubscribe] = [prefer(id), `/unsubscribe/${site.token('unsubscribe', id)}`];
    await moveTo(id, 'moved@new.example');
    await site.answer();
    const url = change(site.enqueued.at(-1) ?? '');
    const before = await everyRow(site.db);
    for (let time = 0; time < 50; time += 1)
      expect((await site.app.inject({ method: time % 2 ? 'GET' : 'HEAD', url })).statusCode).toBe(200);
    expect(await everyRow(site.db)).toBe(before);
    const page = load((await get(url)).body);
    expect(page('main').text()).toContain('m***@n***.example');
    expect(page.html()).not.toContain('moved@');

    for (let time = 0; time < 2; time += 1)
      expect(h1((await post(url, '')).body)).toBe('Your address is changed');
    expect((await findSubscriber(site.db, id))?.email).toBe('moved@new.example');
    expect((await get(oldPreferences)).statusCode).toBe(410);
    expect(h1((await get(url)).body)).toBe('Your address is changed');
    expect((await post(oldUnsubscribe, 'List-Unsubscribe=One-Click')).statusCode).toBe(200);
    expect((await findSubscriber(site.db, id))?.status).toBe('unsubscribed');
  });

  it.each(['x', '%00', 'a'.repeat(43), 'a'.repeat(400), '..%2f..'])(
    '/change/%s is not found',
    async (token) => {
      for (const method of ['GET', 'POST'] as const)
        expect((await site.app.inject({ method, url: `/change/${token}` })).statusCode).toBe(404);
    },
  );
});

describe('a fresh link', () => {
  it('gets the same answer for every address, and is mailed to readers only', async () => {
    const id = await subscribe();
    const email = (await findSubscriber(site.db, id))?.email ?? '';
    const bodies = new Set<string>();
    for (const typed of [email, email.toUpperCase(), 'stranger@else.example'])
      bodies.add((await post('/preferences', `email=${encodeURIComponent(typed)}`)).body);
    expect(bodies.size).toBe(1);
    expect([...bodies][0]).not.toContain('@mail.example');
    expect(await site.answer()).toHaveLength(1);
  });

  it("and step-up requests count against the network's limit, like sign-ups", async () => {
    const [id, remoteAddress] = [await subscribe(), '192.0.2.99'];
    const link = await fresh(id, 'change_address');
    const askings = [
      () => post('/preferences', 'email=stranger%40else.example', { remoteAddress }),
      () => post(prefer(id), 'ask=export', { remoteAddress }),
      () => post('/subscribe', 'email=new%40else.example', { remoteAddress }),
    ];
    for (const turn of [0, 1, 2, 0, 1, 2, 0, 1, 2, 0])
      expect((await askings[turn]?.())?.statusCode).toBeLessThan(400);
    for (const ask of [
      ...askings,
      () => post(link, 'change_address=1&email=new%40else.example', { remoteAddress }),
    ]) {
      const refused = await ask();
      expect([refused.statusCode, Number(refused.headers['retry-after']) > 0]).toEqual([429, true]);
    }
    // A request that causes no mail is not counted: unsubscribing always works.
    expect((await post(prefer(id), 'pause=1', { remoteAddress })).statusCode).toBe(200);
    expect((await post(prefer(id), 'leave=1', { remoteAddress })).statusCode).toBe(200);
  });
});

describe('F3: a reader may request three address changes a day', () => {
  it('whether or not the addresses are known, and the fourth is refused', async () => {
    for (const isKnown of [true, false]) {
      const [id, other] = [await subscribe(), await subscribe()];
      const victim = isKnown ? ((await findSubscriber(site.db, other))?.email ?? '') : `no${id}@else.example`;
      const ask = async (email: string) => {
        await passRequests(site.db, '11 minutes');
        return moveTo(id, email);
      };
      expect((await ask(victim)).statusCode).toBe(200);
      for (const name of ['one', 'two']) expect((await ask(`${name}${id}@own.example`)).statusCode).toBe(200);
      const fourth = await ask(`three${id}@own.example`);
      expect(fourth.statusCode).toBe(422);
      const field = load(fourth.body)('input[name=email]');
      expect(field.attr('value')).toBe(`three${id}@own.example`);
      expect(load(fourth.body)('#email-problem').text()).toContain('you have given three today');
    }
  });
});

describe('F4: the mail to a new address', () => {
  it('has a link to a page on which its owner refuses all mail; a GET of it changes nothing', async () => {
    const id = await subscribe();
    await moveTo(id, 'refuses@new.example');
    await site.answer();
    const url = `${change(site.enqueued.at(-1) ?? '')}/never`;
    const before = await everyRow(site.db);
    const page = await get(url);
    expect([page.statusCode, h1(page.body)]).toEqual([200, 'Never mail you again?']);
    expect(page.body).not.toContain('refuses@');
    expect(await everyRow(site.db)).toBe(before);
    expect((await post(url, '')).statusCode).toBe(422);
    for (let time = 0; time < 2; time += 1)
      expect(h1((await post(url, 'never=1')).body)).toBe('We will not mail you again');
    await moveTo(await subscribe(), 're.fuses+x@new.example');
    expect(await site.answer()).toEqual([]);
    expect((await get('/change/x/never')).statusCode).toBe(404);
  });
});

describe("a reader's data", () => {
  it('is a file that no cache stores, also for unsubscribed people', async () => {
    const id = await subscribe();
    await unsubscribe(site.db, id, 'one_click');
    const left = load((await get(prefer(id))).body);
    expect(
      left('form input[name=ask]')
        .map((_, each) => left(each).attr('value'))
        .toArray(),
    ).toEqual(['export', 'erase']);
    const answer = await post(await fresh(id, 'export'), 'export=1');
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.headers['content-disposition']).toBe('attachment; filename="my-data.json"');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.json()).toMatchObject({ subscriber: { status: 'unsubscribed' } });
  });

  it('is erased only by the button on a second page', async () => {
    const id = await subscribe();
    const email = (await findSubscriber(site.db, id))?.email ?? '';
    const url = await fresh(id, 'erase');
    const before = await everyRow(site.db);
    const page = load((await get(url)).body);
    expect(page('form').length).toBe(1);
    expect(page('main').text()).toContain('This cannot be taken back.');
    for (const body of ['', 'confirm=1', 'List-Unsubscribe=One-Click'])
      expect((await post(url, body)).statusCode).toBe(422);
    expect(await everyRow(site.db)).toBe(before);

    for (let time = 0; time < 2; time += 1)
      expect(h1((await post(url, 'erase=1')).body)).toBe('We erased your data');
    // Except for the one mail that confirms it.
    expect(await whereverWritten(site.db, email)).toEqual(['mails.recipient']);
    for (const each of [prefer(id), `/unsubscribe/${site.token('unsubscribe', id)}`])
      expect(h1((await get(each)).body)).toBe('You are off the list');
    expect(h1((await get(url)).body)).toBe('We erased your data');
  });
});

it('no form here makes a complained or bounced person active', async () => {
  const id = await subscribe();
  await site.db
    .updateTable('subscribers')
    .set({ status: 'suppressed', reason: 'complained' })
    .where('id', '=', id)
    .execute();
  const email = (await findSubscriber(site.db, id))?.email ?? '';
  /** Every table except the counters of answered requests. */
  const database = async () => {
    expect(await site.answer()).toEqual([]);
    for (const table of ['rate_limits', 'mail_request_counts'] as const)
      await site.db.deleteFrom(table).execute();
    return everyRow(site.db);
  };
  const before = await database();
  for (const body of ['save=1', 'pause=1', 'resume=1', 'leave=1', 'void=1'])
    expect(h1((await post(prefer(id), body)).body)).toBe('You are off the list');
  await post('/preferences', `email=${encodeURIComponent(email)}`);
  for (const purpose of ['export', 'erase', 'change_address'])
    expect(h1((await post(prefer(id), `ask=${purpose}`)).body)).toBe('Look in your inbox');
  expect(await database()).toBe(before);
});
