import type { AddressInfo } from 'node:net';
import { sql } from 'kysely';
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findIssue } from '../../src/issues/issue-store.ts';
import { axeFaults } from '../helpers/axe.ts';
import { launchBrowser, noBrowser } from '../helpers/browser.ts';
import { CHIEF, EDITOR, openDesk } from '../helpers/desk.ts';
import { forgetRequests } from '../helpers/mail-requests.ts';
import { freePort } from '../helpers/services.ts';

/** How long an event may take on a busy machine. */
const PATIENCE = { timeout: 60_000 };

const SLUG = '2026-11-24';

/** Fifty characters of several scripts. */
const FIFTY = 'Ship it & skip “that”: 50 letters, <b>, é, ß, 漢字 !';
/** Another text, because a preheader that repeats the subject is left out. */
const OTHER_FIFTY = 'Skip it & ship “this”: 50 letters, <i>, ö, ß, 漢字 ?';

/** A desk with passkeys, and the actions of its users. */
async function deskInBrowser(env: Record<string, string>) {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const desk = await openDesk({ PUBLIC_URL: origin, ...env });
  await desk.compose();
  await desk.server.listen({ host: 'localhost', port });
  expect((desk.server.server.address() as AddressInfo).port).toBe(port);
  return {
    desk,
    origin,
    /** Signs in by the mailed link, in this tab. */
    async signIn(page: Page, email: string): Promise<void> {
      page.setDefaultTimeout(PATIENCE.timeout);
      await forgetRequests(desk.app.db);
      await page.goto(`${origin}/editor/sign-in`);
      await page.getByLabel('Your address').fill(email);
      await page.getByRole('button', { name: 'Mail me a link' }).click();
      await page.getByRole('heading', { name: 'Look in your inbox' }).waitFor();
      await desk.answer();
      await page.goto(origin + new URL(desk.links.at(-1) ?? '').pathname);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.waitForURL((url) => !url.pathname.startsWith('/editor/sign-in/1'));
    },
    plan: async () => (await findIssue(desk.app.db, { slug: SLUG }))?.plan,
    status: async () => (await findIssue(desk.app.db, { slug: SLUG }))?.status,
    endSessions: () => sql`update desk_sessions set ended_at = now()`.execute(desk.app.db),
  };
}

type BrowserDesk = Awaited<ReturnType<typeof deskInBrowser>>;

describe.skipIf(noBrowser)(`a session in Chromium${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  describe('a session that ends while an editor types', () => {
    let place: BrowserDesk;
    beforeAll(async () => {
      place = await deskInBrowser({});
    });
    afterAll(() => place?.desk[Symbol.asyncDispose]());

    /** An editor has typed fifty characters, after their session was ended elsewhere. */
    async function typeAfterTheEnd(context: BrowserContext, label: string, words = FIFTY): Promise<Page> {
      const page = await context.newPage();
      await place.signIn(page, EDITOR);
      await page.goto(`${place.origin}/editor`);
      await place.endSessions();
      for (const field of ['Subject', 'Preheader', 'Introduction']) await page.getByLabel(field).fill('');
      await page.getByLabel(label).pressSequentially(words);
      return page;
    }

    it('B32: the page says so, and the typed text is saved automatically after signing in in a second tab', async () => {
      await using context = await browser.newContext();
      const page = await typeAfterTheEnd(context, 'Subject');
      await page.getByRole('alert').getByText('Your session has ended.').waitFor();
      expect(await page.getByLabel('Subject').inputValue()).toBe(FIFTY);
      // The notice covers nothing here, so that every contrast can be measured.
      await page.evaluate('scrollTo(0, 0)');
      expect(await axeFaults(page)).toEqual([]);
      const [beside] = await Promise.all([
        context.waitForEvent('page'),
        page.getByRole('link', { name: 'Sign in in a new tab' }).click(),
      ]);
      await place.signIn(beside, EDITOR);
      await page.getByText(/^Saved .+ by editor@desk\.example/).waitFor();
      expect((await place.plan())?.subject).toBe(FIFTY);
      expect(await page.getByLabel('Subject').inputValue()).toBe(FIFTY);
      expect(await page.getByRole('alert').count()).toBe(0);
    });

    it('B32: nothing is lost when buttons are pressed before and after signing in', async () => {
      await using context = await browser.newContext();
      const page = await typeAfterTheEnd(context, 'Preheader', OTHER_FIFTY);
      await page.getByRole('button', { name: 'Save the lines' }).click();
      const first = (await place.plan())?.comparisons[0]?.comparison.slug ?? '';
      await page.locator(`[id="at-${first}"]`).getByRole('button', { name: /^Down/ }).press('Enter');
      await page.getByRole('alert').waitFor();
      expect(await page.getByLabel('Preheader').inputValue()).toBe(OTHER_FIFTY);
      await place.signIn(await context.newPage(), EDITOR);
      await expect.poll(async () => (await place.plan())?.preheader, PATIENCE).toBe(OTHER_FIFTY);
      await page.locator(`ol.ballot > li[id="at-${first}"]:not(.lead)`).waitFor();
      expect(await page.getByLabel('Preheader').inputValue()).toBe(OTHER_FIFTY);
      await page.getByRole('button', { name: 'Save the lines' }).click();
      await page.getByText(/^Saved /).waitFor();
      expect((await place.plan())?.preheader).toBe(OTHER_FIFTY);
    });

    it('B32: text is saved with the token of the new session, also when this browser lost the old one', async () => {
      await using context = await browser.newContext();
      const page = await typeAfterTheEnd(context, 'Introduction');
      await page.getByRole('alert').waitFor();
      await context.clearCookies();
      await place.signIn(await context.newPage(), EDITOR);
      await expect.poll(async () => (await place.plan())?.intro, PATIENCE).toBe(FIFTY);
    });

    it('B32: text is not saved in another editor’s name without a question', async () => {
      await using context = await browser.newContext();
      const page = await typeAfterTheEnd(context, 'Subject');
      await page.getByRole('alert').waitFor();
      const before = (await place.plan())?.subject;
      await place.signIn(await context.newPage(), CHIEF);
      await page.getByText(`This browser is signed in as ${CHIEF} now.`).waitFor();
      expect((await place.plan())?.subject).toBe(before);
      await page.getByLabel('Subject').fill(`${FIFTY}!`);
      await page.getByRole('button', { name: `Save it as ${CHIEF}` }).click();
      await expect.poll(async () => (await place.plan())?.subject, PATIENCE).toBe(`${FIFTY}!`);
    });

    it('B32: without JavaScript the text comes back on a page, and is saved after signing in in a second tab', async () => {
      await using context = await browser.newContext({ javaScriptEnabled: false });
      const page = await typeAfterTheEnd(context, 'Subject');
      await page.getByLabel('Introduction').fill(`${FIFTY} ${FIFTY}`);
      await page.getByRole('button', { name: 'Save the lines' }).click();
      await page.getByRole('heading', { name: 'Your session has ended' }).waitFor();
      expect(await page.locator('dd').allTextContents()).toEqual([FIFTY, `${FIFTY} ${FIFTY}`]);
      const [beside] = await Promise.all([
        context.waitForEvent('page'),
        page.getByRole('link', { name: 'Sign in in a new tab' }).click(),
      ]);
      await place.signIn(beside, EDITOR);
      await page.getByRole('button', { name: 'I have signed in: send it again' }).click();
      await page.getByRole('heading', { level: 1, name: FIFTY }).waitFor();
      expect(await place.plan()).toMatchObject({ subject: FIFTY, intro: `${FIFTY} ${FIFTY}` });
    });
  });

  describe('passkeys, where publishers must have one', () => {
    let place: BrowserDesk;
    beforeAll(async () => {
      place = await deskInBrowser({ DESK_PASSKEYS: 'required' });
    });
    afterAll(() => place?.desk[Symbol.asyncDispose]());

    const complaints: string[] = [];

    /** A tab of a device with its own passkey provider, which accepts at once. */
    async function device(context: BrowserContext): Promise<{ page: Page; cdp: CDPSession; id: string }> {
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE.timeout);
      page.on('console', (message) => complaints.push(message.text()));
      const cdp = await context.newCDPSession(page);
      await cdp.send('WebAuthn.enable');
      const { authenticatorId: id } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
        options: {
          ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
          isUserVerified: true,
          automaticPresenceSimulation: true,
        },
      });
      return { page, cdp, id };
    }

    const approve = async (page: Page) => {
      await page.goto(`${place.origin}/editor/issues/${SLUG}/do/approve`);
      await page.getByRole('button', { name: 'Approve it' }).click();
    };

    it('are added after the mailed link and used at the next sign-in; without one nothing is approved', async () => {
      await place.desk.addReaders(['anna@readers.example']);
      await using context = await browser.newContext();
      const { page, cdp, id } = await device(context);
      await place.signIn(page, CHIEF);
      await page.getByText('Publishers must have a passkey here.').waitFor();

      await approve(page);
      await page.getByRole('heading', { name: 'That takes a passkey' }).waitFor();
      expect(await place.status()).toBe('review');

      await page.goto(`${place.origin}/editor/account`);
      await page.getByLabel('A name by which you know it again').fill('This laptop');
      await page.getByRole('button', { name: 'Add a passkey' }).click();
      await page.getByRole('heading', { level: 3, name: 'This laptop' }).waitFor();
      const { credentials } = await cdp.send('WebAuthn.getCredentials', { authenticatorId: id });
      expect(credentials.map(({ rpId }) => rpId)).toEqual(['localhost']);

      // The next session begins with the link and continues with the passkey.
      await place.endSessions();
      await place.signIn(page, CHIEF);
      await page.getByRole('heading', { name: 'Now your passkey' }).waitFor();
      await approvePageIsShut(page);
      await page.goto(`${place.origin}/editor/sign-in/passkey`);
      await page.getByRole('button', { name: 'Use your passkey' }).click();
      await page.getByRole('heading', { level: 2, name: 'The ballot' }).waitFor();
      await approve(page);
      await page.getByText('Approved. It goes out Tuesday').waitFor();
      expect(await place.status()).toBe('approved');
      expect(complaints.filter((text) => /Content Security Policy|Refused/.test(text))).toEqual([]);
    });

    const approvePageIsShut = async (page: Page) => {
      await page.goto(`${place.origin}/editor/issues/${SLUG}/do/approve`);
      await page.getByRole('heading', { name: 'Now your passkey' }).waitFor();
    };

    it('of another device are refused: the page says so, and the button works again', async () => {
      await using context = await browser.newContext();
      const { page, cdp, id } = await device(context);
      await place.signIn(page, CHIEF);
      await page.getByRole('button', { name: 'Use your passkey' }).click();
      await page.getByRole('alert').getByText('No passkey was used').waitFor();
      expect(await page.getByRole('button', { name: 'Use your passkey' }).isEnabled()).toBe(true);
      await page.goto(`${place.origin}/editor`);
      await page.getByRole('heading', { name: 'Now your passkey' }).waitFor();
      await cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId: id });
    });

    it('are added and used in an older browser, which cannot parse the JSON options', async () => {
      await using context = await browser.newContext();
      await context.addInitScript(`
        delete PublicKeyCredential.parseCreationOptionsFromJSON;
        delete PublicKeyCredential.parseRequestOptionsFromJSON;
        delete PublicKeyCredential.prototype.toJSON;
      `);
      const { page } = await device(context);
      await place.signIn(page, EDITOR);
      await page.goto(`${place.origin}/editor/account`);
      expect(await page.evaluate('typeof PublicKeyCredential.parseCreationOptionsFromJSON')).toBe(
        'undefined',
      );
      await page.getByLabel('A name by which you know it again').fill('Old tablet');
      await page.getByRole('button', { name: 'Add a passkey' }).click();
      await page.getByRole('heading', { level: 3, name: 'Old tablet' }).waitFor();
      await place.signIn(page, EDITOR);
      await page.getByRole('button', { name: 'Use your passkey' }).click();
      await page.getByRole('heading', { level: 2, name: 'The ballot' }).waitFor();

      // The same device already has one: the browser refuses, and the typed name stays.
      await page.goto(`${place.origin}/editor/account`);
      await page.getByLabel('A name by which you know it again').fill('Old tablet, again');
      await page.getByRole('button', { name: 'Add another passkey' }).click();
      await page.getByText('This device has a passkey of yours already.').waitFor();
      expect(await page.getByLabel('A name by which you know it again').inputValue()).toBe(
        'Old tablet, again',
      );
    });
  });
});
