import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { load } from 'cheerio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Issue } from '../../src/issues/issue-store.ts';
import { EVERY_KIND, kindOf } from '../../src/notices/notice-kinds.ts';
import type { Outcome, SingleMail } from '../../src/providers/port.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { approveIssue } from '../../src/sending/prepare-issue.ts';
import { createSubmitter } from '../../src/sending/submit.ts';
import { createMailSender } from '../../src/sending/transactional/send-transactional-email.ts';
import { parseAddress } from '../../src/subscribers/address.ts';
import { confirmSubscription } from '../../src/subscribers/sign-up/answer-sign-up.ts';
import { consentText } from '../../src/subscribers/sign-up/consent.ts';
import { addSignUp } from '../../src/subscribers/sign-up/sign-up-store.ts';
import { FRESH_LINK_PURPOSES } from '../../src/subscribers/step-up/step-up-store.ts';
import { findSubscriber } from '../../src/subscribers/subscriber-store.ts';
import { keyId, oneTimeToken } from '../../src/subscribers/tokens.ts';
import { MAIL_KINDS, type MailKind } from '../../src/transactional/mail-kinds.ts';
import { addMailRequest, type NewMailRequest } from '../../src/transactional/requests/request-store.ts';
import { type NewMail, queueMail } from '../../src/transactional/transactional-store.ts';
import { prepare } from '../../src/workflow/week.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { deskForAll, EDITOR, embedded, type TestDesk, type Visitor } from '../helpers/desk.ts';
import { readMail } from '../helpers/eml.ts';
import { everyRow } from '../helpers/everywhere.ts';
import { answerRequests, askForChange, askForLostLink } from '../helpers/mail-requests.ts';
import { Provider } from '../helpers/provider.ts';
import { openSite, SITE, type TestSite } from '../helpers/site.ts';

/** Scanners open every link of every mail, by GET and HEAD, any number of times. */

let site: TestSite;
const mails: Record<string, { html: string; text: string; headers: Record<string, string>; to: string }> = {};

beforeAll(async () => {
  site = await openSite();
  const { db, keys } = site;

  const sent: SingleMail[] = [];
  const newsletter = { name: SITE.newsletterName, url: SITE.publicUrl, postalAddress: SITE.postalAddress };
  const send = createMailSender(
    db,
    {
      destination: 'the test',
      submit: () => Promise.reject(new Error('no batches here')),
      async send(mail): Promise<Outcome> {
        sent.push(mail);
        return { kind: 'accepted', items: [{ accepted: mail.mailId }] };
      },
    },
    keys,
    { from: 'hello@verdicts.example', replyTo: SITE.replyTo, newsletter },
  );
  const addressOf = (email: string) => {
    const address = parseAddress(email);
    if ('reason' in address) throw new Error(address.reason);
    return address;
  };
  const evidence = { ip: '203.0.113.9', userAgent: 'Mozilla/5.0' };
  const asked = { topics: [], timezone: null, source: 'test', isSuspicious: false, evidence };
  const signUp = async (email: string) => {
    await addSignUp(db, { address: addressOf(email), ...asked }, consentText(SITE.newsletterName), true);
    for (const id of (await answerRequests(db, keys)).mailIds) await send(id);
  };
  const tokenOf = (mail: SingleMail | undefined) => oneTimeToken(keys, mail?.mailId ?? '', keyId(keys[0]));

  await signUp('joins@scanned.example');
  const token = tokenOf(sent.at(-1));
  await send((await confirmSubscription(db, keys, { token, evidence, latestIssue: '2026-11-24' })) ?? '');
  await signUp('waits@scanned.example');
  const reader = await site.subscribe('reads@scanned.example');
  await signUp('reads@scanned.example');
  await send((await askForChange(db, reader, addressOf('moves@scanned.example'), keys)) ?? '');
  await send((await askForLostLink(db, addressOf('reads@scanned.example'), keys)) ?? '');
  for (const mail of sent) mails[mail.kind] = mail;

  await site.publish('2026-12-01', [
    comparison('kestrel-vs-crow', tool('Kestrel', 75, { communityShip: 60 }), tool('Crow', 50)),
    comparison('データ-vs-舟', tool('データ', 75), tool('舟', 100)),
  ]);
  const provider = new Provider();
  const submit = createSubmitter(db, provider, keys);
  for (const batch of await claimableBatches(db)) await submit(batch);
  const digest = provider.requests
    .flatMap(({ messages }) => messages)
    .find(({ to }) => to === 'reads@scanned.example');
  if (digest !== undefined) mails.digest = digest;
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

/** Every URL of ours in html, text and header fields, once. */
function linksOf({ html, text, headers }: (typeof mails)[string]): string[] {
  const $ = load(html);
  const found = [
    ...$('[href], [src]')
      .toArray()
      .map((one) => $(one).attr('href') ?? $(one).attr('src') ?? ''),
    ...(text.match(/https?:\/\/[^\s<>]+/g) ?? []),
    ...(Object.values(headers)
      .join(' ')
      .match(/https?:\/\/[^\s<>]+/g) ?? []),
  ];
  return [...new Set(found)].filter((link) => link.startsWith(`${SITE.publicUrl}/`));
}

describe.each(['digest', 'confirm', 'welcome', 'already', 'change', 'link'])(
  'the links of a %s mail',
  (kind) => {
    it('can be opened again and again by GET and HEAD, each page 50 times, and no row changes', async () => {
      const mail = mails[kind];
      if (mail === undefined) throw new Error(`no ${kind} mail was sent`);
      const links = linksOf(mail);
      // One tool has two links, both have one, and there is always an unsubscribe link or an answer to the question.
      expect(links.length).toBeGreaterThanOrEqual(kind === 'digest' ? 11 : 1);
      const before = await everyRow(site.db);
      const pages = new Set<string | undefined>();
      for (const link of links) {
        const url = link.slice(SITE.publicUrl.length);
        const [, page] = url.split('/');
        // The links of one page differ in their tokens and tools only: 50 times for the first of them is enough.
        const times = pages.has(page) ? 4 : 50;
        pages.add(page);
        for (let time = 0; time < times; time += 1) {
          const method = time % 2 === 0 ? 'GET' : 'HEAD';
          const { statusCode } = await site.app.inject({ method, url, headers: { accept: 'text/html' } });
          expect([link, statusCode]).toEqual([link, 200]);
        }
      }
      expect(await everyRow(site.db)).toBe(before);
    });

    it('contain no address', () => {
      const mail = mails[kind];
      if (mail === undefined) throw new Error(`no ${kind} mail was sent`);
      for (const link of linksOf(mail))
        expect(decodeURIComponent(link)).not.toMatch(/@|scanned|reads|joins|moves/);
    });
  },
);

it('work when a person presses the buttons behind them', async () => {
  const digest = mails.digest;
  if (digest === undefined) throw new Error('no digest was sent');
  const pathOf = (part: string) =>
    (linksOf(digest).find((link) => link.includes(part)) ?? '').slice(SITE.publicUrl.length);
  const post = (url: string, payload: string) =>
    site.app.inject({
      method: 'POST',
      url,
      payload,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
  expect((await post(pathOf('/a/ship'), '')).statusCode).toBe(200);
  const votes = await site.db.selectFrom('votes').selectAll().execute();
  expect(votes.length).toBe(1);
  expect((await post(pathOf('/unsubscribe/'), 'List-Unsubscribe=One-Click')).statusCode).toBe(200);
  expect((await findSubscriber(site.db, votes[0]?.subscriber_id ?? ''))?.status).toBe('unsubscribed');
});

/** A mail that a person caused, and the browser in which its links are opened. */
interface Caused {
  mailId: string;
  browser: Visitor;
}

describe('every link of every transactional email leads to its page', () => {
  let desk: TestDesk;
  /** One issue that was sent, and one that waits for approval. */
  let past: Issue;
  let issue: Issue;
  let editor: Visitor;
  deskForAll(embedded, async (opened) => {
    ({ desk, editor } = opened);
    past = await desk.compose();
    await approveIssue(desk.app.db, past.id);
    await prepare(desk.app, past.id);
    issue = await desk.compose([comparison('finch-vs-wren', tool('Finch', 75), tool('Wren', 50))]);
  });

  let people = 0;
  const address = () => {
    people += 1;
    const email = `person${people}@walk.example`;
    return { email, key: email };
  };
  /** A confirmed reader. */
  const reader = async () => {
    const { email } = address();
    await desk.addReaders([email]);
    const people = desk.app.db.selectFrom('subscribers').select('id').where('email_key', '=', email);
    return (await people.executeTakeFirstOrThrow()).id;
  };
  const queue = async (mail: Omit<NewMail, 'keyId'>): Promise<Caused> => ({
    mailId: await queueMail(desk.app.db, { ...mail, keyId: keyId(desk.app.keys[0]) }),
    browser: desk.visitor(),
  });
  /** A person posts a form, and the job answers. */
  const ask = async (request: NewMailRequest): Promise<Caused> => {
    await addMailRequest(desk.app.db, request);
    await desk.answer();
    return { mailId: desk.enqueued.at(-1) ?? '', browser: desk.visitor() };
  };

  /** How each kind of mail is caused, for a new person each time, and how many of its links lead to a button. */
  const KINDS: Record<MailKind, { cause: (() => Promise<Caused>)[]; buttons: number }> = {
    confirm: {
      cause: [
        async () => {
          const evidence = { ip: null, userAgent: null };
          const asked = { topics: [], timezone: null, source: 'test', isSuspicious: false, evidence };
          await addSignUp(desk.app.db, { address: address(), ...asked }, consentText('Verdicts'), true);
          await desk.answer();
          return { mailId: desk.enqueued.at(-1) ?? '', browser: desk.visitor() };
        },
      ],
      buttons: 2,
    },
    welcome: {
      cause: ['2026-11-24', null].map(
        (latest) => async () =>
          queue({ kind: 'welcome', subscriberId: await reader(), content: { issue: latest } }),
      ),
      buttons: 2,
    },
    already: { cause: [async () => queue({ kind: 'already', subscriberId: await reader() })], buttons: 2 },
    change: {
      cause: [
        async () => ask({ kind: 'change', address: address(), details: { subscriberId: await reader() } }),
      ],
      buttons: 2,
    },
    changed: {
      cause: [
        async () => queue({ kind: 'changed', subscriberId: await reader(), recipient: 'old@walk.example' }),
      ],
      buttons: 0,
    },
    link: { cause: [async () => queue({ kind: 'link', subscriberId: await reader() })], buttons: 1 },
    leave: { cause: [async () => queue({ kind: 'leave', subscriberId: await reader() })], buttons: 1 },
    step_up: {
      cause: FRESH_LINK_PURPOSES.map((purpose) => async () => {
        const subscriberId = await reader();
        return ask({ kind: 'step_up', address: address(), details: { subscriberId, purpose } });
      }),
      buttons: 2,
    },
    exported: { cause: [async () => queue({ kind: 'exported', subscriberId: await reader() })], buttons: 1 },
    erased: {
      cause: [
        async () => queue({ kind: 'erased', subscriberId: await reader(), recipient: 'gone@walk.example' }),
      ],
      buttons: 0,
    },
    voided: { cause: [async () => queue({ kind: 'voided', subscriberId: await reader() })], buttons: 2 },
    sign_in: {
      cause: [
        async () => {
          const browser = desk.visitor();
          await browser.post('/editor/sign-in', { email: EDITOR });
          return { mailId: desk.enqueued.at(-1) ?? '', browser };
        },
      ],
      buttons: 1,
    },
    reminder: {
      cause: [
        async () => {
          const content = { about: 'ready', issueId: issue.id, due: 'on Tuesday' };
          return { ...(await queue({ kind: 'reminder', recipient: EDITOR, content })), browser: editor };
        },
      ],
      buttons: 0,
    },
    notice: {
      cause: [
        async () => {
          const problems = [{ message: 'It failed.', since: 'Tuesday' }];
          const pages = new Set(EVERY_KIND.map((each) => kindOf(each).page(issue.slug)));
          const groups = [...pages].map((page) => ({
            ...{ title: `About ${page}`, problems, more: 0, page },
            ...{ standsStill: 'This.', whatToDo: 'That.', isOver: 'it is over' },
          }));
          const content = { groups, over: [], moreOver: 0, isEditor: true };
          return { ...(await queue({ kind: 'notice', recipient: EDITOR, content })), browser: editor };
        },
      ],
      buttons: 0,
    },
    test: {
      cause: [
        async () => {
          await editor.post(`/editor/issues/${past.slug}/test`, { to: address().email });
          return { mailId: desk.enqueued.at(-1) ?? '', browser: desk.visitor() };
        },
      ],
      buttons: 0,
    },
  };

  /** The mail in the outbox. */
  async function mailOf(kind: MailKind, mailId: string) {
    const folder = path.join(desk.app.config.dataDir, 'outbox', 'transactional');
    const before = new Set(await readdir(folder, { recursive: true }).catch(() => []));
    expect([kind, await desk.app.sendMail(mailId)]).toEqual([kind, { kind: 'done' }]);
    const files = (await readdir(folder, { recursive: true }).catch(() => [])).filter(
      (name) => !before.has(name) && name.endsWith('.eml'),
    );
    if (files[0] === undefined) throw new Error(`the ${kind} mail was not sent`);
    const mail = readMail(await readFile(path.join(folder, files[0])));
    const part = (type: string) => mail.parts.find((one) => one.type === type)?.content ?? '';
    const headers = { 'List-Unsubscribe': mail.all('List-Unsubscribe').join() };
    return { html: part('text/html'), text: part('text/plain'), headers, to: mail.one('To') };
  }

  /** The page that a link leads to. */
  async function follow(kind: MailKind, link: string, browser: Visitor) {
    let answer = await browser.get(link.slice(SITE.publicUrl.length));
    for (let hops = 0; answer.statusCode === 303 && hops < 3; hops += 1)
      answer = await browser.get(String(answer.headers.location));
    const isPage = /^text\/(?:html|plain)/u.test(String(answer.headers['content-type']));
    expect(`${kind}: ${link} answers ${answer.statusCode}${isPage ? '' : ', and no page'}`).toBe(
      `${kind}: ${link} answers 200`,
    );
    return load(answer.body);
  }

  /** Presses the first button of the page behind a link with a token. @returns whether it has one. */
  async function press(kind: MailKind, link: string, browser: Visitor): Promise<boolean> {
    if (!/\/[\w.-]{40,}(?:\/|$)/u.test(link)) return false;
    const $ = await follow(kind, link, browser);
    const form = $('main form[method=post]').first();
    if (form.length === 0) return false;
    const fields = form
      .find('input')
      .toArray()
      .map((input) => [
        $(input).attr('name') ?? '',
        $(input).attr('type') === 'email' ? address().email : ($(input).attr('value') ?? ''),
      ]);
    const action = form.attr('action') ?? link.slice(SITE.publicUrl.length);
    const { statusCode } = await browser.post(action, Object.fromEntries(fields));
    expect(`${kind}: the button behind ${link} answers ${statusCode < 400 ? 'well' : statusCode}`).toBe(
      `${kind}: the button behind ${link} answers well`,
    );
    return true;
  }

  it.each(MAIL_KINDS)('in a %s mail, and every button there works', async (kind) => {
    for (const cause of KINDS[kind].cause) {
      const { mailId, browser } = await cause();
      const mail = await mailOf(kind, mailId);
      const links = linksOf(mail);
      for (const link of links) await follow(kind, link, browser);
      // A button may void the other links of a mail, so each is pressed in a mail of its own.
      let buttons = 0;
      for (const at of links.keys()) {
        const again = await cause();
        const link = linksOf(await mailOf(kind, again.mailId))[at] ?? '';
        if (await press(kind, link, again.browser)) buttons += 1;
      }
      expect(`${kind}: ${buttons} of its links end at a button`).toBe(
        `${kind}: ${KINDS[kind].buttons} of its links end at a button`,
      );
    }
  });
});
