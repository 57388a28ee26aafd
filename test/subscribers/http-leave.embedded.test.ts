import { load } from 'cheerio';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/subscribers/address.ts';
import { eraseSubscriber } from '../../src/subscribers/erase/own-data-store.ts';
import { changeAddress } from '../../src/subscribers/preferences/preferences-store.ts';
import { confirmSubscription } from '../../src/subscribers/sign-up/answer-sign-up.ts';
import { consentText } from '../../src/subscribers/sign-up/consent.ts';
import { addSignUp } from '../../src/subscribers/sign-up/sign-up-store.ts';
import { keyId, oneTimeToken, signer } from '../../src/subscribers/tokens.ts';
import { everyRow } from '../helpers/everywhere.ts';
import { askForChange, passRequests } from '../helpers/mail-requests.ts';
import { openSite, SITE, type TestSite } from '../helpers/site.ts';

/** B13: a page that says "you are off the list" must be true, whatever happened to the row that the link names. */

let site: TestSite;
beforeAll(async () => {
  site = await openSite();
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

let inboxes = 0;
const newAddress = () => {
  const address = parseAddress(`Leaver.${++inboxes}@mail.example`);
  if ('reason' in address) throw new Error(address.reason);
  return address;
};
const evidence = { ip: null, userAgent: null };
const linkOf = (id: string, version = 1) => `/unsubscribe/${site.token('unsubscribe', id, version)}`;
const browser = { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' };
const get = (url: string) => site.app.inject({ url, headers: { accept: 'text/html' } });
const press = (url: string, payload = 'confirm=1') =>
  site.app.inject({ method: 'POST', url, payload, headers: browser });
const oneClick = (url: string) =>
  site.app.inject({
    method: 'POST',
    url,
    payload: 'List-Unsubscribe=One-Click',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
const h1 = (body: string) => load(body)('h1').text();
const main = (body: string) => load(body)('main').text();
const OFF = 'You are off the list';

/** The row of an address, or undefined. */
const rowOf = (key: string) =>
  site.db.selectFrom('subscribers').selectAll().where('email_key', '=', key).executeTakeFirst();
const tokenOf = (mailId: string) => oneTimeToken(site.keys, mailId, keyId(site.keys[0]));

/** Signs a person up by the form and presses the button of the confirm mail. */
async function signUp(address: ReturnType<typeof newAddress>): Promise<string> {
  const asked = { address, topics: [], timezone: null, source: 'test', isSuspicious: false, evidence };
  // The limits of an inbox are tested elsewhere.
  await passRequests(site.db, '40 days');
  await addSignUp(site.db, asked, consentText(SITE.newsletterName), true);
  const mailIds = await site.answer();
  const token = tokenOf(mailIds[0] ?? '');
  await confirmSubscription(site.db, site.keys, { token, evidence, latestIssue: null });
  const row = await rowOf(address.key);
  if (row?.status !== 'active') throw new Error('nobody signed up');
  return row.id;
}

/** Moves a reader to another address, by both mails. */
async function move(id: string, to: ReturnType<typeof newAddress>): Promise<void> {
  await passRequests(site.db, '40 days');
  const mailId = (await askForChange(site.db, id, to, site.keys)) ?? '';
  const done = await changeAddress(site.db, tokenOf(mailId), site.keys);
  if (done?.change.state !== 'done') throw new Error('nobody moved');
}

/** Requests every page that can say "off" for a link, one after the other. */
const everyWay = [
  ['a mail program, by one click', oneClick],
  ['a person, by the button', press],
] as const;

describe('B13: a link whose id is in no row', () => {
  let stranger: string;
  beforeAll(() => {
    stranger = linkOf('00000000-0000-4000-8000-000000000000');
  });

  it('does not say "off": it answers 410, with a plain line for machines, and changes nothing', async () => {
    const before = await everyRow(site.db);
    const answer = await oneClick(stranger);
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([410, 'text/plain; charset=utf-8']);
    expect(answer.body).toBe(
      `Nobody was taken off the list: it is not known whose link this is. Leave at ${SITE.publicUrl}/unsubscribe\n`,
    );
    for (const page of [await get(stranger), await press(stranger)]) {
      expect([page.statusCode, h1(page.body)]).toEqual([410, 'We cannot tell whose link this is']);
      expect(page.body).not.toContain(OFF);
    }
    expect(await everyRow(site.db)).toBe(before);
  });

  it('offers a way that works at once: type the address, get one mail, press one button', async () => {
    const address = newAddress();
    const id = await signUp(address);
    const form = load((await get(stranger)).body)('form');
    expect([form.attr('method'), form.attr('action'), form.find('input').attr('name')]).toEqual([
      'post',
      '/unsubscribe',
      'email',
    ]);
    const sent = await press('/unsubscribe', `email=${encodeURIComponent(address.email.toUpperCase())}`);
    expect([sent.statusCode, h1(sent.body)]).toEqual([200, 'Look in your inbox']);
    expect(await site.answer()).toHaveLength(1);
    const mail = await site.db
      .selectFrom('mails')
      .select(['kind', 'subscriber_id'])
      .where('id', '=', site.enqueued.at(-1) ?? '')
      .executeTakeFirst();
    expect(mail).toEqual({ kind: 'leave', subscriber_id: id });
    expect((await rowOf(address.key))?.status).toBe('active');
  });

  it('gives the same answer for any address and mails only readers; a repeated request causes no second mail', async () => {
    const address = newAddress();
    await signUp(address);
    const pages = new Set<string>();
    const mails: string[] = [];
    for (const email of [address.email, address.email, 'nobody@else.example']) {
      pages.add((await press('/unsubscribe', `email=${email}`)).body);
      mails.push(...(await site.answer()));
    }
    expect(pages.size).toBe(1);
    expect(mails).toHaveLength(1);
  });

  it.each(['', 'nobody', 'a b@c.example'])(
    '%j is refused beside the field, with the typed text',
    async (typed) => {
      const answer = await press('/unsubscribe', `email=${encodeURIComponent(typed)}`);
      expect(answer.statusCode).toBe(422);
      const field = load(answer.body)('input[name=email]');
      expect([field.attr('aria-invalid'), field.attr('value')]).toEqual(['true', typed]);
    },
  );
});

it('B13: a link of another key says so, with the same way out; it may belong to this address or not', async () => {
  const address = newAddress();
  const id = await signUp(address);
  const foreign = signer(
    ['the key of quite another house...'],
    'unsubscribe',
  )({ subscriberId: id, version: 1 });
  const before = await everyRow(site.db);
  const machine = await oneClick(`/unsubscribe/${foreign}`);
  expect([machine.statusCode, machine.body]).toEqual([
    404,
    `Nobody was taken off the list: this link is of another installation. Leave at ${SITE.publicUrl}/unsubscribe\n`,
  ]);
  for (const scope of ['unsubscribe', 'preferences'] as const) {
    const token = signer(['the key of quite another house...'], scope)({ subscriberId: id, version: 1 });
    const page = await get(`/${scope}/${token}`);
    expect([page.statusCode, h1(page.body)]).toEqual([404, 'This link does not work here']);
    expect(main(page.body)).toContain('It was made with a key that we do not have');
    expect(load(page.body)('form').attr('action')).toBe(`/${scope}`);
  }
  expect(await everyRow(site.db)).toBe(before);
});

describe.each(everyWay)('B13: after an erasure, %s', (_name, way) => {
  it('says "off" while nobody has the inbox again, and unsubscribes the new subscription when somebody has', async () => {
    const address = newAddress();
    const old = await signUp(address);
    await eraseSubscriber(site.db, { id: old }, 'admin');
    expect([(await way(linkOf(old))).statusCode, h1((await get(linkOf(old))).body)]).toEqual([200, OFF]);

    const back = await signUp(address);
    expect(back).not.toBe(old);
    const page = load((await get(linkOf(old))).body);
    expect([page('h1').text(), page('main strong').text()]).toEqual(['Leave the list?', 'L***@m***.example']);
    expect((await way(linkOf(old))).statusCode).toBe(200);
    expect((await rowOf(address.key))?.status).toBe('unsubscribed');
    expect(h1((await get(linkOf(old))).body)).toBe(OFF);
  });

  it('also finds people who came back and were erased twice', async () => {
    const address = newAddress();
    const first = await signUp(address);
    await eraseSubscriber(site.db, { id: first }, 'admin');
    const second = await signUp(address);
    await eraseSubscriber(site.db, { id: second }, 'admin');
    expect((await way(linkOf(second))).statusCode).toBe(200);
    await signUp(address);
    expect((await way(linkOf(first))).statusCode).toBe(200);
    expect((await rowOf(address.key))?.status).toBe('unsubscribed');
  });

  it('says that its owner is unknown when nothing was stored, as in older versions', async () => {
    const address = newAddress();
    const old = await signUp(address);
    await eraseSubscriber(site.db, { id: old }, 'admin');
    await sql`delete from old_links where link_id = ${old}`.execute(site.db);
    await signUp(address);
    expect((await way(linkOf(old))).statusCode).toBe(410);
    expect((await rowOf(address.key))?.status).toBe('active');
  });

  it('opens only the unsubscribe page: neither preferences nor votes of the new subscription', async () => {
    const address = newAddress();
    const old = await signUp(address);
    await eraseSubscriber(site.db, { id: old }, 'admin');
    expect(h1((await get(`/preferences/${site.token('preferences', old)}`)).body)).toBe(OFF);
    await signUp(address);
    for (const url of [
      `/preferences/${site.token('preferences', old)}`,
      `/vote/${site.token('vote', old)}/kestrel-vs-quillwright/a/ship`,
    ]) {
      for (const answer of [await get(url), await press(url, 'pause=1')]) {
        expect([answer.statusCode, h1(answer.body)]).toEqual([410, 'This link is void']);
      }
    }
    expect(await rowOf(address.key)).toMatchObject({ status: 'active', paused_until: null });
  });
});

describe.each(everyWay)('B13: after a change of address, %s', (_name, way) => {
  it('an old link unsubscribes like a new one', async () => {
    for (const version of [1, 2]) {
      const [from, to] = [newAddress(), newAddress()];
      const id = await signUp(from);
      await move(id, to);
      expect((await way(linkOf(id, version))).statusCode).toBe(200);
      expect((await rowOf(to.key))?.status).toBe('unsubscribed');
    }
  });

  it('an old link also unsubscribes a person who signed up with the old inbox; a new link does not', async () => {
    const [from, to] = [newAddress(), newAddress()];
    const id = await signUp(from);
    await move(id, to);
    await signUp(from);
    expect((await way(linkOf(id, 2))).statusCode).toBe(200);
    expect([(await rowOf(to.key))?.status, (await rowOf(from.key))?.status]).toEqual([
      'unsubscribed',
      'active',
    ]);

    expect(h1((await get(linkOf(id, 1))).body)).toBe('Leave the list?');
    expect((await way(linkOf(id, 1))).statusCode).toBe(200);
    expect((await rowOf(from.key))?.status).toBe('unsubscribed');
  });

  it('an old link also unsubscribes a person who moved to the old inbox later', async () => {
    const [from, to, third] = [newAddress(), newAddress(), newAddress()];
    const id = await signUp(from);
    await move(id, to);
    const other = await signUp(third);
    await move(other, from);
    expect((await way(linkOf(id, 1))).statusCode).toBe(200);
    expect((await rowOf(from.key))?.status).toBe('unsubscribed');
  });
});

it('B13: preferences of an unsubscribed person say "off" only when nobody the link leads to is mailed', async () => {
  const [from, to] = [newAddress(), newAddress()];
  const id = await signUp(from);
  await move(id, to);
  await move(id, from);
  // The link of version 2 lies in an inbox that belongs to somebody else now.
  await signUp(to);
  await oneClick(linkOf(id, 3));
  const url = `/preferences/${site.token('preferences', id, 3)}`;
  expect(h1((await get(url)).body)).toBe(OFF);
  expect((await rowOf(to.key))?.status).toBe('active');

  const old = `/preferences/${site.token('preferences', id, 2)}`;
  expect((await get(old)).statusCode).toBe(410);
  expect(h1((await press(old, 'leave=1')).body)).toBe(OFF);
  expect((await rowOf(to.key))?.status).toBe('unsubscribed');
});
