import { load } from 'cheerio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome, SingleMail } from '../../src/providers/port.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { createSubmitter } from '../../src/sending/submit.ts';
import { createMailSender } from '../../src/sending/transactional/send-transactional-email.ts';
import { parseAddress } from '../../src/subscribers/address.ts';
import { confirmSubscription } from '../../src/subscribers/sign-up/answer-sign-up.ts';
import { consentText } from '../../src/subscribers/sign-up/consent.ts';
import { addSignUp } from '../../src/subscribers/sign-up/sign-up-store.ts';
import { findSubscriber } from '../../src/subscribers/subscriber-store.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { everyRow } from '../helpers/everywhere.ts';
import { answerRequests, askForChange, askForLostLink } from '../helpers/mail-requests.ts';
import { Provider } from '../helpers/provider.ts';
import { openSite, SITE, type TestSite } from '../helpers/site.ts';

/** Scanners open every link of every mail, by GET and HEAD, as often as they like. */

let site: TestSite;
const mails: Record<string, { html: string; text: string; headers: Record<string, string>; to: string }> = {};

beforeAll(async () => {
  site = await openSite();
  const { db, keys } = site;

  const letters: SingleMail[] = [];
  const newsletter = { name: SITE.newsletterName, url: SITE.publicUrl, postalAddress: SITE.postalAddress };
  const send = createMailSender(
    db,
    {
      destination: 'the test',
      submit: () => Promise.reject(new Error('no batches here')),
      async send(mail): Promise<Outcome> {
        letters.push(mail);
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
  const tokenIn = (mail: SingleMail | undefined) =>
    /\/confirm\/([\w-]{43})\n/.exec(mail?.text ?? '')?.[1] ?? '';

  await signUp('joins@scanned.example');
  const token = tokenIn(letters.at(-1));
  await send((await confirmSubscription(db, keys, { token, evidence, latestIssue: '2026-11-24' })) ?? '');
  await signUp('waits@scanned.example');
  const reader = await site.subscribe('reads@scanned.example');
  await signUp('reads@scanned.example');
  await send((await askForChange(db, reader, addressOf('moves@scanned.example'), keys)) ?? '');
  await send((await askForLostLink(db, addressOf('reads@scanned.example'), keys)) ?? '');
  for (const mail of letters) mails[mail.kind] = mail;

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

/** Every address of ours in html, text and header fields, once. */
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
    it('are opened 50 times each by GET and HEAD, and not one row changes', {
      timeout: 300_000,
    }, async () => {
      const mail = mails[kind];
      if (mail === undefined) throw new Error(`no ${kind} mail was sent`);
      const links = linksOf(mail);
      // One tool has two links, both have one, and there is always a way out or an answer to the question.
      expect(links.length).toBeGreaterThanOrEqual(kind === 'digest' ? 12 : 1);
      const before = await everyRow(site.db);
      for (const link of links) {
        const url = link.slice(SITE.publicUrl.length);
        for (let time = 0; time < 50; time += 1) {
          const method = time % 2 === 0 ? 'GET' : 'HEAD';
          const { statusCode } = await site.app.inject({ method, url, headers: { accept: 'text/html' } });
          expect([link, statusCode]).toEqual([link, 200]);
        }
      }
      expect(await everyRow(site.db)).toBe(before);
    });

    it('tell no address', () => {
      const mail = mails[kind];
      if (mail === undefined) throw new Error(`no ${kind} mail was sent`);
      for (const link of linksOf(mail))
        expect(decodeURIComponent(link)).not.toMatch(/@|scanned|reads|joins|moves/);
    });
  },
);

it('whoever presses the buttons behind them has pressed them', async () => {
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
