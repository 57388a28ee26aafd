import { load } from 'cheerio';
import type { InjectOptions } from 'fastify';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Mailer, Outcome, SingleMail } from '../../src/providers/port.ts';
import { createMailSender } from '../../src/sending/transactional/send-transactional-email.ts';
import { parseAddress } from '../../src/subscribers/address.ts';
import { eraseSubscriber } from '../../src/subscribers/erase/own-data-store.ts';
import { FRESH_LINK_PURPOSES, type FreshLinkPurpose } from '../../src/subscribers/step-up/step-up-store.ts';
import { findSubscriber, unsubscribe } from '../../src/subscribers/subscriber-store.ts';
import { addMailRequest, refuseInbox } from '../../src/transactional/requests/request-store.ts';
import { everyRow, whereverWritten } from '../helpers/everywhere.ts';
import { askForFreshLink, forgetRequests, passRequests } from '../helpers/mail-requests.ts';
import { openSite, SITE, type TestSite } from '../helpers/site.ts';

/**
 * F5, B15: a mail is forwarded with its links. Anybody who has such a link may vote, choose topics, pause and
 * unsubscribe. To export a reader's data, erase them or move them, they must be able to read the reader's mail.
 */

let site: TestSite;
const mails: SingleMail[] = [];
let send: ReturnType<typeof createMailSender>;
beforeAll(async () => {
  site = await openSite();
  const mailer: Mailer = {
    destination: 'the test',
    submit: () => Promise.reject(new Error('no batches here')),
    async send(mail): Promise<Outcome> {
      mails.push(mail);
      return { kind: 'accepted', items: [{ accepted: `p-${mail.mailId}` }] };
    },
  };
  send = createMailSender(site.db, mailer, site.keys, {
    from: 'hello@verdicts.example',
    replyTo: SITE.replyTo,
    newsletter: { name: SITE.newsletterName, url: SITE.publicUrl, postalAddress: SITE.postalAddress },
  });
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await deliver();
  await forgetRequests(site.db);
});

let readers = 0;
const EVIDENCE = { ip: '203.0.113.77', userAgent: 'Forwarder/9' };
/** A person whose IP address and browser are on record. */
async function subscribe(): Promise<{ id: string; email: string }> {
  const email = `forwarded.reader${++readers}@mailbox.example`;
  const id = await site.subscribe(email, ['Coding']);
  await sql`
    insert into consent_evidence (event_id, ip, user_agent)
    select id, ${EVIDENCE.ip}, ${EVIDENCE.userAgent} from consent_events where subscriber_id = ${id}
  `.execute(site.db);
  return { id, email };
}
const prefer = (id: string, version?: number) => `/preferences/${site.token('preferences', id, version)}`;
const fresh = async (id: string, purpose: FreshLinkPurpose) =>
  (await askForFreshLink(site.db, id, purpose, site.keys)) ?? '';
const inject = (options: InjectOptions) =>
  site.app.inject({ headers: { accept: 'text/html' }, ...options } as InjectOptions);
const get = (url: string) => inject({ url });
const post = (url: string, payload: string) =>
  inject({
    method: 'POST',
    url,
    payload,
    headers: { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' },
  });
const h1 = (body: string) => load(body)('h1').last().text();
/** Runs the jobs until no mail is left. @returns the mails, in order. */
async function deliver(): Promise<SingleMail[]> {
  mails.length = 0;
  await site.answer();
  const { rows } = await sql<{ id: string }>`
    select id from mails where status = 'pending' order by created_at, id
  `.execute(site.db);
  for (const { id } of rows) await send(id);
  return [...mails];
}
/** The path of the first link in a mail with this prefix. */
const linkIn = (mail: SingleMail | undefined, begin: string) =>
  load(mail?.html ?? '')('a')
    .toArray()
    .map((each) => each.attribs.href ?? '')
    .find((href) => href.startsWith(`${SITE.publicUrl}${begin}`))
    ?.slice(SITE.publicUrl.length) ?? '';
const kinds = (sent: SingleMail[]) => sent.map(({ kind, to }) => [kind, to]);

describe('F5, B15: a link from an issue', () => {
  it('exports nothing, erases nobody and moves nobody', async () => {
    const { id, email } = await subscribe();
    const before = await everyRow(site.db);
    for (const path of ['', '/export', '/erase', '/change']) {
      const answer = await get(`${prefer(id)}${path}`);
      expect([path, answer.statusCode]).toEqual([path, path === '' ? 200 : 404]);
      expect(answer.body).not.toContain(email);
      for (const body of [
        'export=1',
        'erase=1',
        'change=1&email=thief@else.example',
        'change_address=1&email=thief@else.example',
        'ask=everything',
        'again=1',
      ]) {
        const refused = await post(`${prefer(id)}${path}`, body);
        expect([path, body, refused.statusCode]).toEqual([path, body, path === '' ? 422 : 404]);
        expect(refused.body).not.toContain(email);
      }
    }
    expect(await everyRow(site.db)).toBe(before);
  });

  it('is not a fresh link, and neither is any other link', async () => {
    const { id } = await subscribe();
    const bodies = new Set<string>();
    const link = await fresh(id, 'export');
    for (const token of [
      site.token('preferences', id),
      site.token('unsubscribe', id),
      site.token('vote', id),
      'x',
      '%00',
      'A'.repeat(43),
      `${link.slice('/fresh/'.length, -1)}_`,
      'a'.repeat(400),
    ]) {
      for (const method of ['GET', 'POST'] as const) {
        const answer = await inject({ method, url: `/fresh/${token}` });
        expect([token, method, answer.statusCode]).toEqual([token, method, 404]);
        bodies.add(answer.body);
      }
    }
    expect(bodies.size).toBe(1);
    for (const path of ['/preferences', '/unsubscribe', '/change', '/confirm'])
      expect([path, (await get(link.replace('/fresh', path))).statusCode]).toEqual([path, 404]);
  });

  it.each(FRESH_LINK_PURPOSES)(
    "requests a fresh link to %s: by a button, mailed to the reader's address",
    async (purpose) => {
      const { id, email } = await subscribe();
      const answer = await post(prefer(id), `ask=${purpose}`);
      expect([answer.statusCode, h1(answer.body)]).toEqual([200, 'Look in your inbox']);
      expect(load(answer.body)('main').text()).toContain('f***@m***.example');
      expect(answer.body).not.toContain(email);
      expect((await findSubscriber(site.db, id))?.status).toBe('active');

      const sent = await deliver();
      expect(kinds(sent)).toEqual([['step_up', email]]);
      const link = linkIn(sent[0], '/fresh/');
      expect(sent[0]?.text).toContain(link);
      const page = await get(link);
      expect([page.statusCode, page.headers['cache-control']]).toEqual([200, 'no-store']);
      expect(load(page.body)('main').text()).toContain(email);
      expect(load(page.body)('form input[type=hidden]').attr('name')).toBe(purpose);
      // What its owner can do about a request that they did not make.
      expect((await get(linkIn(sent[0], '/preferences/'))).body).toContain('Cancel all my older links');
    },
  );

  it('shows a masked address on every page, and no other personal data', async () => {
    const { id, email } = await subscribe();
    const other = await subscribe();
    const slug = 'kestrel-vs-quillwright';
    const [vote, leave] = [site.token('vote', id), `/unsubscribe/${site.token('unsubscribe', id)}`];
    const answers = [
      await get(prefer(id)),
      await post(prefer(id), 'save=1&topic=Coding'),
      await post(prefer(id), 'pause=1'),
      await post(prefer(id), 'resume=1'),
      await post(prefer(id), 'nothing=1'),
      ...(await Promise.all(FRESH_LINK_PURPOSES.map((purpose) => post(prefer(id), `ask=${purpose}`)))),
      await get(`/vote/${vote}/${slug}`),
      await get(`/vote/${vote}/${slug}/a/ship`),
      await post(`/vote/${vote}/${slug}/a/ship`, ''),
      await get(leave),
      await post(prefer(other.id), 'void=1'),
      await get(prefer(other.id)),
      await post(prefer(id), 'leave=1'),
      await get(prefer(id)),
      await post(leave, 'confirm=1'),
      await get(leave),
    ];
    // The pages of a requested address change, too.
    const { id: moving, email: from } = await subscribe();
    await post(await fresh(moving, 'change_address'), 'change_address=1&email=somebody.new@else.example');
    const change = linkIn(
      (await deliver()).find(({ kind }) => kind === 'change'),
      '/change/',
    );
    answers.push(await get(change), await get(`${change}/never`), await post(change, ''), await get(change));
    for (const { body, statusCode } of answers) {
      expect(statusCode).toBeLessThan(500);
      for (const personal of [
        email,
        other.email,
        from,
        'somebody.new@',
        ...Object.values(EVIDENCE),
        'import',
      ])
        expect(body).not.toContain(personal);
    }
  });

  it('may request one three times in ten minutes and six times a day, and strangers cannot use that up', async () => {
    const { id, email } = await subscribe();
    const parsed = parseAddress(email);
    if ('reason' in parsed) throw new Error(parsed.reason);
    const counts: number[] = [];
    for (let time = 0; time < 3; time += 1) {
      // A stranger types the address into every form.
      for (const kind of ['link', 'leave', 'change'] as const)
        await addMailRequest(site.db, { kind, address: parsed, details: { subscriberId: id } });
      await deliver();
      for (const purpose of FRESH_LINK_PURPOSES) await post(prefer(id), `ask=${purpose}`);
      await post(prefer(id), 'ask=export');
      counts.push((await deliver()).length);
      await passRequests(site.db, '11 minutes');
      await sql`delete from rate_limits`.execute(site.db);
    }
    expect(counts).toEqual([3, 3, 0]);
  });

  it('gives the same answer when the person may not be mailed', async () => {
    const [complained, refused] = [await subscribe(), await subscribe()];
    await sql`
      update subscribers set status = 'suppressed', reason = 'complained' where id = ${complained.id}
    `.execute(site.db);
    await refuseInbox(site.db, refused.email);
    const bodies = new Set<string>();
    for (const { id } of [complained, refused, await subscribe()])
      bodies.add((await post(prefer(id), 'ask=export')).body);
    expect(bodies.size).toBe(1);
    expect(await deliver()).toHaveLength(1);
    // An unsubscribed person can be erased without subscribing again.
    const left = await subscribe();
    await unsubscribe(site.db, left.id, 'one_click');
    for (const purpose of FRESH_LINK_PURPOSES) await post(prefer(left.id), `ask=${purpose}`);
    expect((await deliver()).map(({ subject }) => subject.split(' Weekly')[0]).sort()).toEqual([
      'Download your data from',
      'Erase your data at',
    ]);
  });
});

describe('F5, B15: a fresh link', () => {
  it.each(FRESH_LINK_PURPOSES)('to %s is not used up by a GET', async (purpose) => {
    const { id } = await subscribe();
    const url = await fresh(id, purpose);
    const before = await everyRow(site.db);
    for (let time = 0; time < 20; time += 1)
      expect((await inject({ method: time % 2 ? 'GET' : 'HEAD', url })).statusCode).toBe(200);
    expect(await everyRow(site.db)).toBe(before);
  });

  it('exports the data once, even when pressed twice at once, and the reader is notified', async () => {
    const [{ id, email }, bystander] = [await subscribe(), await subscribe()];
    const url = await fresh(id, 'export');
    const answers = await Promise.all([1, 2, 3].map(() => post(url, 'export=1')));
    const files = answers.filter(({ headers }) =>
      headers['content-type']?.toString().startsWith('application/json'),
    );
    expect(files).toHaveLength(1);
    expect(files[0]?.json()).toMatchObject({
      subscriber: { email, status: 'active' },
      consents: [EVIDENCE],
      mails: [{ kind: 'step_up' }, { kind: 'exported' }],
      freshLinks: [{ purpose: 'export' }],
    });
    expect(files[0]?.body).not.toContain(bystander.email);
    for (const { body, statusCode } of answers.filter((each) => !files.includes(each)))
      expect([statusCode, h1(body)]).toEqual([200, 'Your data was downloaded']);
    for (const answer of [await get(url), await post(url, 'export=1')]) {
      expect(h1(answer.body)).toBe('Your data was downloaded');
      expect(answer.body).not.toContain(email);
    }
    expect(kinds(await deliver()).filter(([kind]) => kind === 'exported')).toEqual([['exported', email]]);
  });

  it('erases once; one last mail confirms it, and then the address is stored nowhere', async () => {
    const { id, email } = await subscribe();
    const url = await fresh(id, 'erase');
    await fresh(id, 'export');
    await deliver();
    const answers = await Promise.all([1, 2, 3].map(() => post(url, 'erase=1')));
    for (const { statusCode, body } of [...answers, await get(url), await post(url, 'erase=1')])
      expect([statusCode, h1(body)]).toEqual([200, 'We erased your data']);
    expect((await findSubscriber(site.db, id))?.email).toBe('');
    expect(await whereverWritten(site.db, email)).toEqual(['mails.recipient']);
    const sent = await deliver();
    expect(kinds(sent)).toEqual([['erased', email]]);
    expect(linkIn(sent[0], '/preferences/')).toBe('');
    expect(await whereverWritten(site.db, email)).toEqual([]);
    const { rows } = await sql`select purpose from fresh_links where subscriber_id = ${id}`.execute(site.db);
    expect(rows).toEqual([{ purpose: 'erase' }]);
    expect(await deliver()).toEqual([]);
  });

  it('moves a reader when the new address confirms; an invalid address does not use it up', async () => {
    const { id, email } = await subscribe();
    const url = await fresh(id, 'change_address');
    const slip = await post(url, 'change_address=1&email=me%40nowhere');
    expect([slip.statusCode, load(slip.body)('input[name=email]').attr('value')]).toEqual([
      422,
      'me@nowhere',
    ]);
    const to = `moved${readers}@else.example`;
    const answers = await Promise.all(
      [to, `second.${to}`].map((each) => post(url, `change_address=1&email=${encodeURIComponent(each)}`)),
    );
    expect(answers.map(({ body }) => h1(body)).sort()).toEqual([
      'Look in the other inbox',
      'The new address was asked',
    ]);
    expect(h1((await get(url)).body)).toBe('The new address was asked');
    expect((await findSubscriber(site.db, id))?.email).toBe(email);
    const asked = (await deliver()).filter(({ kind }) => kind === 'change');
    expect(asked).toHaveLength(1);
    await post(linkIn(asked[0], '/change/'), '');
    expect((await findSubscriber(site.db, id))?.email).toBe(asked[0]?.to);
    expect(kinds(await deliver())).toEqual([['changed', email]]);
  });

  it('serves one purpose: the buttons of the others are refused, and do not use it up', async () => {
    const { id } = await subscribe();
    for (const purpose of FRESH_LINK_PURPOSES) {
      const url = await fresh(id, purpose);
      const before = await everyRow(site.db);
      for (const other of FRESH_LINK_PURPOSES.filter((each) => each !== purpose))
        expect((await post(url, `${other}=1&email=a@b.example`)).statusCode).toBe(422);
      for (const body of ['', 'again=1', `ask=${purpose}`])
        expect((await post(url, body)).statusCode).toBe(422);
      expect(await everyRow(site.db)).toBe(before);
      expect((await get(url)).statusCode).toBe(200);
    }
  });

  it('expires after 15 minutes; its page offers a new one, which goes to the same inbox', async () => {
    const { id, email } = await subscribe();
    for (const purpose of FRESH_LINK_PURPOSES) {
      const url = await fresh(id, purpose);
      const age = (minutes: number) =>
        sql`
        update fresh_links set created_at = created_at - make_interval(mins => ${minutes}::int),
          expires_at = expires_at - make_interval(mins => ${minutes}::int)
      `.execute(site.db);
      await age(14);
      expect((await get(url)).statusCode).toBe(200);
      await age(1);
      for (const answer of [await get(url), await post(url, `${purpose}=1&email=a@b.example`)]) {
        expect([answer.statusCode, h1(answer.body)]).toEqual([410, 'This link has run out']);
        expect(answer.body).not.toContain(email);
      }
      expect(h1((await post(url, 'again=1')).body)).toBe('Look in your inbox');
      const sent = (await deliver()).filter(({ kind }) => kind === 'step_up');
      const again = linkIn(sent.at(-1), '/fresh/');
      expect([sent.at(-1)?.to, again === url, (await get(again)).statusCode]).toEqual([email, false, 200]);
      await forgetRequests(site.db);
    }
    expect((await findSubscriber(site.db, id))?.email).toBe(email);
  });

  it('ends when its reader moves, voids links, or is erased otherwise', async () => {
    const enders: ((reader: { id: string; email: string }) => Promise<unknown>)[] = [
      ({ id }) => post(prefer(id), 'void=1'),
      async ({ id }) => {
        const link = await fresh(id, 'change_address');
        await post(link, `change_address=1&email=ended${readers}@else.example`);
        await post(
          linkIn(
            (await deliver()).find(({ kind }) => kind === 'change'),
            '/change/',
          ),
          '',
        );
      },
    ];
    for (const end of enders) {
      const reader = await subscribe();
      const url = await fresh(reader.id, 'export');
      await end(reader);
      for (const answer of [await get(url), await post(url, 'export=1'), await post(url, 'again=1')])
        expect([answer.statusCode, h1(answer.body)]).toEqual([410, 'This link is void']);
    }
    const { id } = await subscribe();
    const url = await fresh(id, 'export');
    await eraseSubscriber(site.db, { id }, 'admin');
    expect((await post(url, 'export=1')).statusCode).toBe(404);
  });
});

describe('F5: older links', () => {
  it('become void with one press; they still unsubscribe, and a mail contains a new link', async () => {
    const { id, email } = await subscribe();
    const slug = 'kestrel-vs-quillwright';
    const [vote, leave] = [`/vote/${site.token('vote', id)}/${slug}/a/ship`, site.token('unsubscribe', id)];
    const link = await fresh(id, 'export');
    const answers = await Promise.all([1, 2, 3].map(() => post(prefer(id), 'void=1')));
    expect(answers.map(({ statusCode }) => statusCode === 200 || statusCode === 410)).toEqual([
      true,
      true,
      true,
    ]);
    expect((await findSubscriber(site.db, id))?.tokenVersion).toBe(2);

    for (const url of [prefer(id), vote, link]) {
      const answer = await get(url);
      expect([answer.statusCode, h1(answer.body)]).toEqual([410, 'This link is void']);
      // Their owner's other way: type the address.
      expect(load(answer.body)('form[action="/preferences"] input[name=email]').length).toBe(1);
      expect(answer.body).not.toContain(email);
    }
    for (const body of ['save=1', 'pause=1', 'ask=erase', 'void=1'])
      expect((await post(prefer(id), body)).statusCode).toBe(410);
    expect((await post(vote, '')).statusCode).toBe(410);

    const sent = (await deliver()).filter(({ kind }) => kind === 'voided');
    expect(kinds(sent)).toEqual([['voided', email]]);
    expect((await get(linkIn(sent[0], '/preferences/'))).statusCode).toBe(200);
    const { rows } = await sql`
      select details from consent_events where subscriber_id = ${id} and event = 'preference_changed'
    `.execute(site.db);
    expect(rows).toEqual([{ details: { links: 'voided' } }]);

    expect((await get(`/unsubscribe/${leave}`)).statusCode).toBe(200);
    const left = await post(`/unsubscribe/${leave}`, 'List-Unsubscribe=One-Click');
    expect([left.statusCode, (await findSubscriber(site.db, id))?.status]).toEqual([200, 'unsubscribed']);
  });

  it('also unsubscribe by the preferences page, though they are void', async () => {
    const { id } = await subscribe();
    await post(prefer(id), 'void=1');
    expect(h1((await post(prefer(id), 'leave=1')).body)).toBe('You are off the list');
    expect((await findSubscriber(site.db, id))?.status).toBe('unsubscribed');
  });

  it('of another installation, which came with the list, become void as well, and still unsubscribe', async () => {
    const { id } = await subscribe();
    const elsewhere = '6f0f8dd0-9d4c-4c4e-8f6e-4f0a5f7f2b11';
    await sql`
      insert into link_ids (link_id, subscriber_id, version) values (${elsewhere}, ${id}, 3)
    `.execute(site.db);
    expect((await get(prefer(elsewhere, 3))).statusCode).toBe(200);
    await post(prefer(elsewhere, 3), 'void=1');
    for (const link of [prefer(elsewhere, 3), prefer(id)]) expect((await get(link)).statusCode).toBe(410);
    const leave = `/unsubscribe/${site.token('unsubscribe', elsewhere, 3)}`;
    expect((await post(leave, 'List-Unsubscribe=One-Click')).statusCode).toBe(200);
    expect((await findSubscriber(site.db, id))?.status).toBe('unsubscribed');
  });
});
