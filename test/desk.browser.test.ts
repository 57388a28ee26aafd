import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findIssue } from '../src/issues/index.ts';
import { launchBrowser, noBrowser } from './helpers/browser.ts';
import { CHIEF, HOSTILE, openDesk, type TestDesk, WEEK } from './helpers/desk.ts';

describe.skipIf(noBrowser)(`the desk in Chromium${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  let desk: TestDesk;
  let browser: Browser;
  let origin: string;
  /** Of the chief: an editor gets five links an hour, and no more. */
  let session: Awaited<ReturnType<BrowserContext['storageState']>>;
  const slug = '2026-11-24';

  beforeAll(async () => {
    // Over plain http on this machine: its own cookie, and the desk's own host.
    desk = await openDesk({ PUBLIC_URL: 'http://127.0.0.1:1' });
    await desk.compose([...WEEK, HOSTILE]);
    await desk.addReaders(['anna@readers.example', 'bert@readers.example']);
    await desk.server.listen({ host: '127.0.0.1', port: 0 });
    origin = `http://127.0.0.1:${(desk.server.server.address() as AddressInfo).port}`;
    browser = await launchBrowser();
    await using context = await browser.newContext();
    await signIn(await context.newPage());
    session = await context.storageState();
  });
  afterAll(async () => {
    await browser?.close();
    await desk?.[Symbol.asyncDispose]();
  });

  const issue = async () => {
    const found = await findIssue(desk.app.db, { slug });
    if (found === undefined) throw new Error('no issue');
    return found;
  };
  const order = async () => (await issue()).plan?.comparisons.map((each) => each.comparison.slug);

  /** A window of somebody who is signed in. */
  async function open(context: BrowserContext): Promise<Page> {
    context.setDefaultTimeout(15_000);
    await context.addCookies(session.cookies);
    const page = await context.newPage();
    await page.goto(`${origin}/editor`);
    return page;
  }

  async function signIn(page: Page): Promise<void> {
    page.setDefaultTimeout(15_000);
    await page.goto(`${origin}/editor`);
    await page.getByLabel('Your address').fill(CHIEF);
    await page.getByRole('button', { name: 'Mail me a link' }).click();
    await page.getByRole('heading', { name: 'Look into your inbox' }).waitFor();
    await page.goto(origin + new URL(desk.links.at(-1) ?? '').pathname);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { level: 2, name: 'The ballot' }).waitFor();
  }

  it('a week without JavaScript: sign in, reorder by keyboard, edit, preview, test, approve', async () => {
    await using context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await signIn(page);
    const before = await order();
    await page.getByRole('button', { name: /^Up: Pike vs Perch/ }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/#at-pike-vs-perch$/);
    const after = await order();
    const at = before?.indexOf('pike-vs-perch') ?? 0;
    expect(after?.indexOf('pike-vs-perch')).toBe(at - 1);

    await page.getByLabel('Subject').fill('Ship Perch, and leave Pike in the river');
    await page.getByRole('button', { name: 'Save the lines' }).click();
    await page.getByRole('heading', { level: 1, name: 'Ship Perch, and leave Pike' }).waitFor();
    await page.getByText(new RegExp(`Saved .* by ${CHIEF}`)).waitFor();

    for (const look of [
      'Plain text',
      'Source',
      'Beside the last one',
      'React Email beside MJML',
      'The mail',
    ]) {
      await page.goto(`${origin}/editor/issues/${slug}/preview`);
      await page.getByRole('link', { name: look, exact: true }).click();
      await page.getByRole('heading', { level: 1, name: 'Ship Perch, and leave Pike' }).waitFor();
    }

    await page.goto(`${origin}/editor/issues/${slug}/test`);
    await page.getByRole('button', { name: 'Send the test' }).click();
    await page.getByText('One test is on the way.').waitFor();

    await page.goto(`${origin}/editor/issues/${slug}/do/approve`);
    await page.getByText('It goes to 2 people in 1 variant, from Tuesday 24 November').waitFor();
    await page.getByRole('button', { name: 'Approve it' }).click();
    await page.getByText('Approved. It goes out Tuesday 24 November').waitFor();
    expect((await issue()).status).toBe('approved');
    await page.getByRole('link', { name: 'Take the approval back' }).click();
    await page.getByRole('button', { name: 'Take it back' }).click();
    await page.getByText('In review.').waitFor();
  });

  it('with JavaScript: a click keeps the focus, typing is saved, dragging moves', async () => {
    await using context = await browser.newContext();
    const page = await open(context);
    const counter = page.locator('label', { hasText: 'Subject' }).locator('[data-count]');
    await page.getByLabel('Subject').fill('Twelve chars');
    await counter.getByText('12 of 30 to 50 characters').waitFor();
    await page.getByRole('heading', { level: 1, name: 'Twelve chars' }).waitFor();
    expect((await issue()).plan?.subject).toBe('Twelve chars');

    const [first = '', second = ''] = (await order()) ?? [];
    const down = page.locator(`[id="at-${first}"]`).getByRole('button', { name: /^Down/ });
    await down.focus();
    await page.keyboard.press('Enter');
    await page.locator(`ol.ballot > li.lead[id="at-${second}"]`).waitFor();
    expect(await page.evaluate('document.activeElement.closest("li").dataset.slug')).toBe(first);
    expect((await order())?.slice(0, 2)).toEqual([second, first]);

    // By its first line: a button is pressed, not dragged.
    await page.setViewportSize({ width: 1280, height: 2400 });
    const lineOf = async (slug: string) => {
      const box = await page.locator(`[id="at-${slug}"]`).boundingBox();
      return [(box?.x ?? 0) + 300, (box?.y ?? 0) + 20] as const;
    };
    const third = (await order())?.[2] ?? '';
    await page.mouse.move(...(await lineOf(third)));
    await page.mouse.down();
    await page.mouse.move(...(await lineOf(second)), { steps: 8 });
    await page.mouse.up();
    await page.locator(`ol.ballot > li.lead[id="at-${third}"]`).waitFor();
    expect((await order())?.slice(0, 3)).toEqual([third, second, first]);
  });

  it('two windows: the second is told what the first did, and nothing is overwritten', async () => {
    await using context = await browser.newContext();
    const one = await open(context);
    const two = await context.newPage();
    await two.goto(`${origin}/editor`);
    await one.getByLabel('Preheader').fill('The first window wrote this line, which is long enough.');
    await one.getByText(/^Saved /).waitFor();
    await expect.poll(async () => (await issue()).plan?.preheader).toContain('The first window');
    await two.getByLabel('Preheader').fill('The second window wrote something else altogether.');
    await two.getByRole('heading', { name: 'Somebody else was faster' }).waitFor();
    expect(await two.locator('main').textContent()).toContain('The first window wrote this line');
    expect((await issue()).plan?.preheader).toContain('The first window');
    await two.getByRole('button', { name: 'Do mine on top' }).click();
    await expect.poll(async () => (await issue()).plan?.preheader).toContain('The second window');
  });

  it.each([
    ['375', 'light', 375, 'rgb(251, 249, 244)'],
    ['600', 'light', 600, 'rgb(251, 249, 244)'],
    ['375', 'dark', 375, 'rgb(24, 22, 19)'],
    ['600', 'dark', 600, 'rgb(24, 22, 19)'],
  ])(
    'the frame of %s px, %s, is that wide and that dark, with the bytes as they are',
    async (width, scheme, pixels, paper) => {
      // As the frame says, not as the test says.
      await using context = await browser.newContext({
        colorScheme: null,
        viewport: { width: 1280, height: 1400 },
      });
      const page = await open(context);
      await page.goto(`${origin}/editor/issues/${slug}/preview?width=${width}&scheme=${scheme}`);
      const frame = page.frames().find((each) => each.url().endsWith('/mail'));
      if (frame === undefined) throw new Error('no frame');
      await frame.waitForSelector('h1');
      expect(
        await frame.evaluate(
          '[innerWidth, getComputedStyle(document.body).backgroundColor, document.links.length > 3]',
        ),
      ).toEqual([pixels, paper, true]);
      expect(
        await frame.evaluate('[...document.links].every((one) => one.getAttribute("href") === "#")'),
      ).toBe(true);
    },
  );

  it('a hostile comparison is harmless on the desk and in the frame', async () => {
    await using context = await browser.newContext();
    const page = await open(context);
    const refused: string[] = [];
    page.on('console', (message) => refused.push(message.text()));
    for (const url of [
      '/editor',
      `/editor/issues/${slug}/preview`,
      `/editor/issues/${slug}/preview?look=source`,
      `/editor/issues/${slug}/preview?look=engines`,
      '/editor/log',
    ]) {
      await page.goto(origin + url);
      for (const frame of page.frames()) {
        await frame.waitForSelector('h1');
        expect(await frame.evaluate('[typeof window.hit, document.scripts.length]')).toEqual([
          'undefined',
          frame === page.mainFrame() ? 1 : 0,
        ]);
        expect(
          await frame.evaluate('document.querySelector("[onerror], [onclick], a[href^=javascript]")'),
        ).toBeNull();
      }
    }
    expect(refused.filter((text) => /Content Security Policy|Refused/.test(text))).toEqual([]);
  });

  it('the queues are shown by a program that stays within its own policy', async () => {
    await using context = await browser.newContext();
    const page = await open(context);
    const complaints: string[] = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('requestfailed', (request) => complaints.push(request.url()));
    await desk.app.queue.enqueue('reconcile', {});
    await page.getByRole('link', { name: 'Queues' }).click();
    await page
      .getByRole('link', { name: /issues/ })
      .first()
      .click();
    await page.getByText('reconcile').first().waitFor();
    expect(complaints).toEqual([]);
  });
});
