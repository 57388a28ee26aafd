import { mkdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { sql } from 'kysely';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consentText } from '../../src/subscribers/sign-up/consent.ts';
import { addSignUp } from '../../src/subscribers/sign-up/sign-up-store.ts';
import type { FreshLinkPurpose } from '../../src/subscribers/step-up/step-up-store.ts';
import { findSubscriber } from '../../src/subscribers/subscriber-store.ts';
import { keyId, oneTimeToken } from '../../src/subscribers/tokens.ts';
import { axeFaults, NO_PAGE_RULES } from '../helpers/axe.ts';
import { launchBrowser, noBrowser } from '../helpers/browser.ts';
import { answerRequests, askForChange, askForFreshLink } from '../helpers/mail-requests.ts';
import { OUTBOX_TOKEN, openSite, SITE, type TestSite } from '../helpers/site.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/** Sends an invalid form, to see the page that explains the error. */
async function mistype(page: Page): Promise<void> {
  await page.getByText('Only some topics?').click();
  await page.getByLabel('Writing').check();
  await page.getByLabel('Email address').fill('somebody@example');
  await page.getByRole('button', { name: 'Subscribe' }).click();
  await page.getByRole('alert').waitFor();
}

/** Buttons of the preference page, by the end of their test address here. */
const PRESSED: Record<string, string> = {
  '/preferences/:token?ask=export': 'Download my data',
  '/preferences/:token?void=1': 'Cancel all my older links',
  '/preferences/:token?leave=1': 'Unsubscribe',
};

/** Continues from the opened page to the tested one. */
async function goOn(page: Page, path: string): Promise<void> {
  if (path === '/subscribe?email') await mistype(page);
  const button = PRESSED[path];
  if (button === undefined) return;
  await page.getByRole('button', { name: button }).click();
  await page.getByRole('heading', { name: 'Your preferences' }).waitFor({ state: 'detached' });
}

/** Every public page. An issue is a mail, so rules for whole web pages do not apply to it. */
const PAGES: Record<string, { pageRules: boolean }> = {
  '/': { pageRules: true },
  '/issues': { pageRules: true },
  '/issues/2026-11-24': { pageRules: false },
  '/unsubscribe': { pageRules: true },
  '/unsubscribe/:token': { pageRules: true },
  '/preferences': { pageRules: true },
  '/preferences/:token': { pageRules: true },
  '/preferences/:token?ask=export': { pageRules: true },
  '/preferences/:token?void=1': { pageRules: true },
  '/preferences/:token?leave=1': { pageRules: true },
  '/fresh/:token?export': { pageRules: true },
  '/fresh/:token?erase': { pageRules: true },
  '/fresh/:token?change_address': { pageRules: true },
  '/fresh/:token?export&used': { pageRules: true },
  '/fresh/:token?change_address&used': { pageRules: true },
  '/fresh/:token?erase&used': { pageRules: true },
  '/fresh/:token?export&over': { pageRules: true },
  '/change/:token': { pageRules: true },
  '/change/:token/never': { pageRules: true },
  '/vote': { pageRules: true },
  '/vote/:token/kestrel-vs-quillwright': { pageRules: true },
  '/vote/:token/kestrel-vs-quillwright/b/skip': { pageRules: true },
  '/subscribe': { pageRules: true },
  '/subscribe?email': { pageRules: true },
  '/subscribe/check-inbox?meant=gmail.com': { pageRules: true },
  '/confirm/:token': { pageRules: true },
  '/confirm/:token?used': { pageRules: true },
  '/confirm/over': { pageRules: true },
  '/confirm/:token/never': { pageRules: true },
  '/confirm/:token/never?used': { pageRules: true },
  '/nowhere': { pageRules: true },
};

describe.skipIf(noBrowser)(`the pages in Chromium${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  let site: TestSite;
  let browser: Browser;
  let origin: string;

  beforeAll(async () => {
    site = await openSite();
    await site.app.listen({ host: '127.0.0.1', port: 0 });
    origin = `http://127.0.0.1:${(site.app.server.address() as AddressInfo).port}`;
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await site?.[Symbol.asyncDispose]();
  });

  let readers = 0;
  const subscribe = () => site.subscribe(`reader${++readers}@mail.example`, ['Writing']);
  const urlOf = async (page: string) => {
    if (page.startsWith('/confirm/:token')) {
      const [door = '', used] = page.replace(':token', await invited()).split('?');
      if (used)
        await site.app.inject({ method: 'POST', url: door, headers: FORM, payload: 'confirm=1&never=1' });
      return `${origin}${door}`;
    }
    if (page.startsWith('/change')) return `${origin}${page.replace(':token', await askedFor('new'))}`;
    if (page.startsWith('/fresh')) return `${origin}${await freshly(page.split('?')[1] ?? '')}`;
    const scope =
      (['preferences', 'vote'] as const).find((name) => page.startsWith(`/${name}`)) ?? 'unsubscribe';
    const url = page.includes(':token') ? page.replace(':token', site.token(scope, await subscribe())) : page;
    return `${origin}${url.startsWith('/preferences/') ? url.split('?')[0] : url}`;
  };

  /** The token in a confirm mail. */
  const invited = async () => {
    const email = `guest${++readers}@mail.example`;
    const evidence = { ip: null, userAgent: null };
    const signUp = { address: { email, key: email }, topics: ['Writing'], timezone: null, source: null };
    await addSignUp(
      site.db,
      { ...signUp, isSuspicious: false, evidence },
      consentText(SITE.newsletterName),
      true,
    );
    const { mailIds } = await answerRequests(site.db, site.keys);
    return oneTimeToken(site.keys, mailIds[0] ?? '', keyId(site.keys[0]));
  };

  /** A fresh link for a purpose: unused, used, or expired. */
  const freshly = async (what: string) => {
    const [purpose, state] = what.split('&') as [FreshLinkPurpose, string | undefined];
    const url = (await askForFreshLink(site.db, await subscribe(), purpose, site.keys)) ?? '';
    const payload = `${purpose}=1&email=new${readers}@new.example`;
    if (state === 'used') await site.app.inject({ method: 'POST', url, headers: FORM, payload });
    if (state === 'over') await sql`update fresh_links set expires_at = now()`.execute(site.db);
    return url;
  };

  /** The token in the mail to a new address. */
  const askedFor = async (name: string) => {
    const to = { email: `${name}${readers}@new.example`, key: `${name}${readers}@new.example` };
    const mailId = (await askForChange(site.db, await subscribe(), to, site.keys)) ?? '';
    return oneTimeToken(site.keys, mailId, keyId(site.keys[0]));
  };

  const cases = Object.entries(PAGES).flatMap(([path, { pageRules }]) =>
    [375, 1280].flatMap((width) =>
      (['light', 'dark'] as const).map((scheme) => ({ path, pageRules, width, scheme })),
    ),
  );

  it.each(cases)(
    '$path at $width px, $scheme: axe is clean, nothing scrolls sideways, nothing is refused',
    async (one) => {
      await using page = await browser.newPage({
        viewport: { width: one.width, height: 900 },
        colorScheme: one.scheme,
      });
      const complaints: string[] = [];
      page.on('console', (message) => complaints.push(message.text()));
      page.on('request', (request) => {
        if (!request.isNavigationRequest()) complaints.push(`asked for ${request.url()}`);
      });
      await page.goto(await urlOf(one.path));
      await goOn(page, one.path);
      expect(await axeFaults(page, one.pageRules ? {} : NO_PAGE_RULES)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(one.width);
      expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(
        one.scheme === 'light' ? 'rgb(251, 249, 244)' : 'rgb(24, 22, 19)',
      );
      expect(
        complaints.filter((text) => !/favicon|404 \(Not Found\)|410 \(Gone\)|422 \(Unprocessable/.test(text)),
      ).toEqual([]);
    },
  );

  it('a feed is well-formed XML to a browser', async () => {
    await using page = await browser.newPage();
    await page.goto(`${origin}/issues`);
    const feed = await (await fetch(`${origin}/issues.atom`)).text();
    expect(
      await page.evaluate(`(() => {
        const parsed = new DOMParser().parseFromString(${JSON.stringify(feed)}, 'application/xml');
        return [parsed.querySelectorAll('parsererror').length, parsed.documentElement.namespaceURI, parsed.querySelectorAll('entry').length];
      })()`),
    ).toEqual([0, 'http://www.w3.org/2005/Atom', 2]);
  });

  it('a reader unsubscribes, without JavaScript, by keyboard alone', async () => {
    const id = await subscribe();
    await using context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${origin}/unsubscribe/${site.token('unsubscribe', id)}`);
    expect((await findSubscriber(site.db, id))?.status).toBe('active');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'You are off the list' }).waitFor();
    expect((await findSubscriber(site.db, id))?.status).toBe('unsubscribed');
  });

  it('a mail in the outbox is shown with its styles, and its links work', async () => {
    const id = await subscribe();
    const link = `${origin}/unsubscribe/${site.token('unsubscribe', id)}`;
    const outbox = path.join(site.dir, 'outbox');
    mkdirSync(outbox);
    const mail = `<p style="color:rgb(1, 2, 3)">Hello</p><a target="_blank" href="${link}">Unsubscribe</a><script>document.body.textContent = ''</script>`;
    writeFileSync(path.join(outbox, '001.html'), mail);
    writeFileSync(path.join(outbox, 'index.html'), '<a href="001.html">somebody</a>');
    await using context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${origin}/outbox/${OUTBOX_TOKEN}`);
    await page.getByText('somebody').click();
    await page.getByText('Hello').waitFor();
    expect(await page.evaluate("getComputedStyle(document.querySelector('p')).color")).toBe('rgb(1, 2, 3)');
    const [opened] = await Promise.all([context.waitForEvent('page'), page.getByText('Unsubscribe').click()]);
    await opened.getByRole('button', { name: 'Unsubscribe' }).click();
    await opened.getByRole('heading', { name: 'You are off the list' }).waitFor();
    expect((await findSubscriber(site.db, id))?.status).toBe('unsubscribed');
  });

  it('a reader changes topics, without JavaScript', async () => {
    const id = await subscribe();
    await using context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${origin}/preferences/${site.token('preferences', id)}`);
    await page.getByLabel('Writing').uncheck();
    await page.getByLabel('Audio & Music').check();
    await page.getByLabel('Coding').check();
    await page.getByRole('button', { name: 'Save topics' }).click();
    await page.getByRole('status').waitFor();
    expect(await page.getByRole('checkbox', { checked: true }).count()).toBe(2);
    expect((await findSubscriber(site.db, id))?.topics).toEqual(['Audio & Music', 'Coding']);
  });

  it('a reader pauses, mistypes an address, confirms the right one and changes to it, without JavaScript', async () => {
    const id = await subscribe();
    await using context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${origin}/preferences/${site.token('preferences', id)}`);
    await page.getByRole('button', { name: 'Pause for 4 weeks' }).click();
    await page.getByRole('status').getByText('Paused.').waitFor();
    await page.getByRole('button', { name: 'Go on again now' }).click();
    await page.getByRole('status').getByText('Welcome back.').waitFor();
    expect((await findSubscriber(site.db, id))?.pausedUntil).toBeNull();

    await page.getByRole('button', { name: 'Change my address' }).click();
    await page.getByRole('heading', { name: 'Look in your inbox' }).waitFor();
    await site.answer();
    await page.goto(
      `${origin}/fresh/${oneTimeToken(site.keys, site.enqueued.at(-1) ?? '', keyId(site.keys[0]))}`,
    );
    await page.getByLabel('New address').fill('me@localhost');
    await page.getByRole('button', { name: 'Use this address' }).click();
    await page.getByRole('alert').waitFor();
    expect(await page.getByLabel('New address').inputValue()).toBe('me@localhost');
    await page.getByLabel('New address').fill('me@moved.example');
    await page.getByRole('button', { name: 'Use this address' }).click();
    await page.getByRole('heading', { name: 'Look in the other inbox' }).waitFor();

    await site.answer();
    const token = oneTimeToken(site.keys, site.enqueued.at(-1) ?? '', keyId(site.keys[0]));
    await page.goto(`${origin}/change/${token}`);
    await page.getByRole('button', { name: 'Use this address' }).click();
    await page.getByRole('heading', { name: 'Your address is changed' }).waitFor();
    expect((await findSubscriber(site.db, id))?.email).toBe('me@moved.example');
  });

  it.each([true, false])(
    'somebody chooses, votes, changes their mind and leaves, JavaScript: %s',
    async (on) => {
      const id = await subscribe();
      await using context = await browser.newContext({ javaScriptEnabled: on });
      const page = await context.newPage();
      await page.goto(`${origin}/preferences/${site.token('preferences', id)}`);
      await page.getByLabel('Coding').check();
      await page.getByRole('button', { name: 'Save topics' }).click();
      await page.getByRole('status').getByText('Saved.').waitFor();

      const callOf = async (tool: string) =>
        (
          await site.db
            .selectFrom('votes')
            .select('call')
            .where('subscriber_id', '=', id)
            .where('tool_key', '=', tool)
            .executeTakeFirst()
        )?.call;
      await page.goto(`${origin}/vote/${site.token('vote', id)}/kestrel-vs-quillwright/a/ship`);
      expect(await callOf('kestrel')).toBeUndefined();
      await page.getByRole('button', { name: 'Yes, ship it' }).click();
      await page.getByRole('status').getByText('You would ship Kestrel.').waitFor();
      expect(await callOf('kestrel')).toBe('ship');
      await page.getByRole('button', { name: 'Change my vote: skip' }).click();
      await page.getByRole('status').getByText('You would skip Kestrel.').waitFor();
      expect(await callOf('kestrel')).toBe('skip');
      await page.getByRole('link', { name: 'vote on Quillwright' }).click();
      await page.getByRole('button', { name: 'Vote ship for Quillwright' }).click();
      await page.getByRole('status').getByText('You would ship Quillwright.').waitFor();
      expect(await callOf('quillwright')).toBe('ship');

      await page.goto(`${origin}/unsubscribe/${site.token('unsubscribe', id)}`);
      await page.getByRole('button', { name: 'Unsubscribe' }).click();
      await page.getByRole('heading', { name: 'You are off the list' }).waitFor();
      expect((await findSubscriber(site.db, id))?.status).toBe('unsubscribed');
    },
  );

  it('a reader exports their data and is erased', async () => {
    const id = await subscribe();
    await using page = await browser.newPage();
    await page.goto(`${origin}/preferences/${site.token('preferences', id)}`);
    const asked = async (button: string) => {
      await page.goto(`${origin}/preferences/${site.token('preferences', id)}`);
      await page.getByRole('button', { name: button }).click();
      await page.getByRole('heading', { name: 'Look in your inbox' }).waitFor();
      await site.answer();
      await page.goto(
        `${origin}/fresh/${oneTimeToken(site.keys, site.enqueued.at(-1) ?? '', keyId(site.keys[0]))}`,
      );
    };
    await asked('Download my data');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download my data' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('my-data.json');
    await asked('Erase me');
    await page.getByRole('button', { name: 'Erase me' }).click();
    await page.getByRole('heading', { name: 'We erased your data' }).waitFor();
    expect((await findSubscriber(site.db, id))?.email).toBe('');
  });

  it('every control is at least 44 px high, and text at least 14 px', async () => {
    await using page = await browser.newPage({ viewport: { width: 375, height: 900 } });
    for (const path of Object.keys(PAGES).filter((each) => each !== '/issues/2026-11-24')) {
      await page.goto(await urlOf(path));
      await goOn(page, path);
      const [low, small] = (await page.evaluate(`[
        [...document.querySelectorAll('button, label, .tap')].filter((one) => one.getBoundingClientRect().height < 44).map((one) => one.outerHTML),
        [...document.querySelectorAll('body *')].filter((one) => one.checkVisibility() && one.textContent && parseFloat(getComputedStyle(one).fontSize) < 14).map((one) => one.outerHTML),
      ]`)) as [string[], string[]];
      expect([path, low, small]).toEqual([path, [], []]);
    }
  });
});
