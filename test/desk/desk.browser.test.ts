import { readdir, readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { processors } from '../../jobs/all-jobs.ts';
import { saveComparisons } from '../../src/comparisons/comparison-store.ts';
import type { Comparison } from '../../src/comparisons/model.ts';
import { findIssue } from '../../src/issues/issue-store.ts';
import { storeEvents } from '../../src/sending/events/event-store.ts';
import { takeEvents } from '../../src/workflow/week.ts';
import { launchBrowser, noBrowser } from '../helpers/browser.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { CHIEF, HOSTILE, openDesk, type TestDesk, WEEK } from '../helpers/desk.ts';
import { readMail } from '../helpers/eml.ts';
import { eventAbout } from '../helpers/events.ts';

/** How long an event may take on a busy machine. */
const PATIENCE = { timeout: 60_000 };

const PAPER = 'rgb(251, 249, 244)';
const NIGHT = 'rgb(24, 22, 19)';

const NEXT_WEEK = [
  comparison('loom-vs-wheel', tool('Loom', 50), tool('Wheel', 50)),
  comparison('dune-vs-reef', tool('Dune', 75), tool('Reef', 25)),
  comparison('fern-vs-moss', tool('Fern', 100), tool('Moss', 0)),
];

describe.skipIf(noBrowser)(`the desk in Chromium${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  let desk: TestDesk;
  let browser: Browser;
  let origin: string;
  /** The chief's session, which is shared because an editor gets only five links an hour. */
  let session: Awaited<ReturnType<BrowserContext['storageState']>>;
  const slug = '2026-11-24';

  beforeAll(async () => {
    // Over plain http on this machine, with the cookie for the desk's own host.
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

  /** Opens a window of a signed-in editor. */
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
    await page.getByRole('heading', { name: 'Look in your inbox' }).waitFor();
    await desk.answer();
    await page.goto(origin + new URL(desk.links.at(-1) ?? '').pathname);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { level: 2, name: 'The ballot' }).waitFor();
  }

  /** Evaluates an expression in every frame, in the order of the page. */
  async function inFrames(page: Page, expression: string): Promise<unknown[]> {
    const seen: unknown[] = [];
    for (const one of await page.locator('iframe').all()) {
      const frame = await (await one.elementHandle())?.contentFrame();
      await frame?.waitForSelector('h1');
      seen.push(await frame?.evaluate(expression));
    }
    return seen;
  }

  /** Recipients and subjects in the outbox. */
  async function outbox(folder: string): Promise<string[][]> {
    const at = path.join(desk.app.config.dataDir, 'outbox', folder);
    const names = (await readdir(at, { recursive: true }).catch(() => [])).filter((name) =>
      name.endsWith('.eml'),
    );
    const mails = await Promise.all(names.map(async (name) => readMail(await readFile(path.join(at, name)))));
    return mails.map((mail) => [mail.one('To'), mail.one('Subject')]).sort();
  }

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

    // Unsaved text is saved before the next action.
    await page.getByLabel('Subject').fill('Typed, and then gone on at once');
    await page.locator(`[id="at-${second}"]`).getByRole('button', { name: /^Down/ }).press('Enter');
    await page.locator(`ol.ballot > li.lead[id="at-${first}"]`).waitFor();
    expect((await issue()).plan?.subject).toBe('Typed, and then gone on at once');
    await page.locator(`[id="at-${first}"]`).getByRole('button', { name: /^Down/ }).press('Enter');
    await page.locator(`ol.ballot > li.lead[id="at-${second}"]`).waitFor();

    // By its first line, because a button cannot be dragged.
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

  it('two windows: the second shows what the first did, and nothing is overwritten', async () => {
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

  it('typed text stays on the page when it cannot be saved', async () => {
    await using context = await browser.newContext();
    const page = await open(context);
    await context.clearCookies();
    await page.getByLabel('Subject').fill('Typed after the session had ended');
    await page.getByText('Not saved: You are signed out. Nothing was changed.').waitFor();
    expect(await page.getByLabel('Subject').inputValue()).toBe('Typed after the session had ended');
    expect((await issue()).plan?.subject).not.toBe('Typed after the session had ended');
  });

  it('a hostile comparison runs nothing on the desk or in the frame', async () => {
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

  it('the board of the queues works within its own policy', async () => {
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

  it.each([
    { script: false, week: [...WEEK, HOSTILE] },
    { script: true, week: NEXT_WEEK },
  ])('a whole week by keyboard, JavaScript: $script', async ({ script, week }) => {
    const { app } = desk;
    const { slug } = await desk.compose(week);
    const now = async () => (await findIssue(app.db, { slug }))?.status;
    const order = async () =>
      (await findIssue(app.db, { slug }))?.plan?.comparisons.map((each) => each.comparison.slug) ?? [];
    // The colour scheme comes from the frames, not from the test.
    await using context = await browser.newContext({ javaScriptEnabled: script, colorScheme: null });
    const page = await context.newPage();
    const press = (role: 'button' | 'link', name: string | RegExp) =>
      page.getByRole('main').getByRole(role, { name }).press('Enter');
    await signIn(page);

    const [first = '', second = ''] = await order();
    await page.locator(`[id="at-${second}"]`).getByRole('button', { name: /^Up/ }).press('Enter');
    await page.locator(`ol.ballot > li.lead[id="at-${second}"]`).waitFor();
    expect((await order()).slice(0, 2)).toEqual([second, first]);

    const subject = 'Ship Perch, and leave Pike in the river';
    await page.getByLabel('Subject').fill(subject);
    await press('button', 'Save the lines');
    await page.getByRole('heading', { level: 1, name: subject }).waitFor();

    await press('link', 'Preview');
    await press('link', 'Light and dark');
    await page.getByTitle('Desktop, 600 px, dark').waitFor();
    const seen = await inFrames(
      page,
      '[innerWidth, getComputedStyle(document.body).backgroundColor, [...document.links].every((one) => one.getAttribute("href") === "#")]',
    );
    expect(seen).toEqual([
      [375, PAPER, true],
      [600, PAPER, true],
      [375, NIGHT, true],
      [600, NIGHT, true],
    ]);
    await press('link', 'Off');
    await page.locator('iframe[src*="images=off"]').nth(3).waitFor();
    await press('link', 'Plain text');
    await page.locator('pre', { hasText: 'Sampleton' }).waitFor();
    await press('link', 'Source');
    await page.locator('pre', { hasText: '<!DOCTYPE html' }).waitFor();
    await press('link', 'Beside the last one');
    await page
      .getByText('No issue was sent before this one.')
      .or(page.getByTitle(/^The last one/))
      .waitFor();
    await press('link', 'React Email beside MJML');
    await page.getByTitle('MJML').waitFor();
    expect(await inFrames(page, 'document.querySelectorAll("h1").length')).toEqual([1, 1]);

    // The site raises a price; the issue still has the old one.
    const [lead] = week.filter((each) => each.slug === second) as [Comparison];
    const [a, b] = lead.tools;
    await saveComparisons(app.db, [{ ...lead, tools: [{ ...a, entryPrice: '$25/mo' }, b] }]);
    await page.goto(`${origin}/editor`);
    await press('link', /^Checks: 1 stops it/);
    await page.getByText(`${a.name} costs $25/mo now, not Free.`).waitFor();
    await press('link', 'Back to the issue');
    await press('link', 'Approve…');
    await press('button', 'Approve it');
    await page.getByRole('heading', { name: 'Nothing was changed' }).waitFor();
    expect(await now()).toBe('review');

    await press('link', 'Back to the desk');
    await press('button', /^Compose it again/);
    await page.getByRole('link', { name: /^Checks: (?!.*stop)/ }).waitFor();
    await page.getByRole('heading', { level: 1, name: subject }).waitFor();
    expect((await order()).slice(0, 2)).toEqual([second, first]);

    await press('link', 'Send a test');
    await press('button', 'Send the test');
    await page.getByText('One test is on the way.').waitFor();
    const test = desk.enqueued.at(-1) ?? '';

    await press('link', 'Back to the issue');
    await press('link', 'Approve…');
    await page.getByText('It goes to 2 people in 1 variant, from Tuesday').waitFor();
    await press('button', 'Approve it');
    await page.getByText('Approved. It goes out Tuesday').waitFor();

    await press('link', 'Send now…');
    await press('button', 'Send it now');
    await press('link', 'Watch it go');
    await page.getByText('Nobody is on its list yet.').waitFor();
    await using _workers = await app.queue.work(processors(app), { concurrency: 2, onFailure() {} });
    await app.queue.enqueue('mail', { mailId: test });
    if (!script) await expect.poll(now, PATIENCE).toBe('sent');
    if (!script) await page.reload();
    await page.getByText('It is sent.').waitFor();
    await page.getByText('2 of 2 people settled').waitFor();
    expect(await outbox(slug)).toEqual([
      ['anna@readers.example', subject],
      ['bert@readers.example', subject],
    ]);
    await expect.poll(() => outbox('transactional'), PATIENCE).toContainEqual([CHIEF, `[Test] ${subject}`]);

    const deliveries = await app.db
      .selectFrom('deliveries as d')
      .innerJoin('issues as i', 'i.id', 'd.issue_id')
      .where('i.slug', '=', slug)
      .select('d.id')
      .execute();
    await storeEvents(
      app.db,
      deliveries.map(({ id }) => eventAbout('email.delivered', id)),
    );
    await takeEvents(app);
    await press('link', 'What became of it');
    await page.getByText('2 delivered 100.0% of the submitted').waitFor();
  });
});
