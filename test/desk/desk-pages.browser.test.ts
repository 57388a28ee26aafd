import { sql } from 'kysely';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saveComparisons } from '../../src/comparisons/comparison-store.ts';
import { recordTakeDown } from '../../src/desk/comparisons/take-down-log.ts';
import { slotAtOrBefore } from '../../src/issues/slot.ts';
import { hideComparison } from '../../src/issues/take-down/take-down.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { findSubscriberByAddress } from '../../src/subscribers/subscriber-store.ts';
import { approve, draft, finish, prepare } from '../../src/workflow/week.ts';
import { axeFaults } from '../helpers/axe.ts';
import { launchBrowser, noBrowser } from '../helpers/browser.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { CHIEF, HOSTILE, openDesk, type TestDesk, WEEK } from '../helpers/desk.ts';
import { freePort } from '../helpers/services.ts';

/** Finds controls that are too low for a thumb, and text that is too small. */
const MISFITS = `[
  ...[...document.querySelectorAll('button, .tap, a.button, summary, input:not([type=hidden], [type=radio], [type=checkbox]), select, textarea, label.tick')]
    .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 44),
  ...[...document.querySelectorAll('body *')]
    .filter((one) => one.checkVisibility() && one.textContent && parseFloat(getComputedStyle(one).fontSize) < 14),
].map((one) => one.outerHTML)`;

/** Counts the bytes of our own script and style that a first session loads. */
const WEIGHT = `Promise.all([...document.scripts].map((one) => fetch(one.src).then((answer) => answer.text())))
  .then((scripts) => new Blob([...scripts, ...[...document.querySelectorAll('style')].map((one) => one.textContent)]).size)`;

/** Controls that need a script. */
const STUCK = 'button:not(form[method] button), [onclick], a:not([href]), form:not([method])';

const LOOKS = [375, 1280].flatMap((width) =>
  (['light', 'dark'] as const).map((scheme) => ({ width, scheme })),
);
const PAPER = { light: 'rgb(251, 249, 244)', dark: 'rgb(24, 22, 19)' };

/** An address that is wider than a phone. */
const LONG = 'a.reader.with.several.names@the-longest-department.of-some.university.example';

describe.skipIf(noBrowser)(`every page of the desk in Chromium${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  let desk: TestDesk;
  let browser: Browser;
  let origin: string;
  /** A signed-in editor, and a stranger; the same pages for every test. */
  let inside: Page;
  let outside: Page;
  /** The editor's session, without JavaScript. */
  let plain: Page;
  let person: string;
  /** A reader whose mail bounced, and one who complained. */
  let bounced: string;
  let complained: string;
  let review: string;
  const complaints: string[] = [];
  const SENT = '2026-11-17';
  const NEXT = '2026-11-24';

  beforeAll(async () => {
    const port = await freePort();
    // A host name instead of an IP address, because browsers create passkeys for host names only.
    origin = `http://localhost:${port}`;
    desk = await openDesk({ PUBLIC_URL: origin });
    await desk.server.listen({ host: 'localhost', port });
    browser = await launchBrowser();
    const chief = await browser.newContext();
    outside = await browser.newPage();
    inside = await chief.newPage();
    await signIn(inside);
    const scriptless = await browser.newContext({ javaScriptEnabled: false });
    await scriptless.addCookies((await chief.storageState()).cookies);
    plain = await scriptless.newPage();
    for (const page of [inside, outside]) page.on('console', (message) => complaints.push(message.text()));
  });
  afterAll(async () => {
    await browser?.close();
    await desk?.[Symbol.asyncDispose]();
  });

  async function signIn(page: Page): Promise<void> {
    await page.goto(`${origin}/editor`);
    await page.getByLabel('Your address').fill(CHIEF);
    await page.getByRole('button', { name: 'Mail me a link' }).press('Enter');
    await page.getByRole('heading', { name: 'Look in your inbox' }).waitFor();
    await desk.answer();
    await page.goto(origin + new URL(desk.links[0] ?? '').pathname);
    await page.getByRole('button', { name: 'Sign in' }).press('Enter');
    await page.getByRole('link', { name: 'This week' }).waitFor();
  }

  /** Checks the current page in every size and colour scheme. */
  async function inspect(page: Page): Promise<void> {
    expect(await page.evaluate('document.querySelectorAll("h1").length')).toBe(1);
    for (const { width, scheme } of LOOKS) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme: scheme });
      const seen = [
        // Axe cannot check the contrast of symbols.
        ...(await axeFaults(page, { iframes: false }, ['nonBmp'])),
        ...((await page.evaluate(MISFITS)) as string[]),
        await page.evaluate('document.documentElement.scrollWidth'),
        await page.evaluate('getComputedStyle(document.body).backgroundColor'),
      ];
      expect([width, scheme, ...seen]).toEqual([width, scheme, width, PAPER[scheme]]);
    }
    expect(complaints.splice(0).filter((text) => /Content Security Policy|Refused/.test(text))).toEqual([]);
  }

  describe('on the first day', () => {
    it.each([
      '/editor',
      '/editor/issues',
      '/editor/comparisons',
      '/editor/people',
      '/editor/sources',
      '/editor/growth',
      '/editor/log',
      '/editor/account',
    ])('%s is fine with nothing on it', async (url) => {
      await inside.goto(origin + url);
      await inspect(inside);
    });
  });

  describe('after a while', () => {
    beforeAll(async () => {
      const { app } = desk;
      const { db } = app;
      await desk.addReaders([LONG, 'bert@readers.example', 'cleo@readers.example', 'dora@readers.example']);

      // Last week's issue was sent, with every possible outcome.
      await saveComparisons(db, [
        comparison(
          'loom-vs-wheel',
          tool('Loom', 50, { entryPrice: 'Contact sales' }),
          tool('Wheel', 75, { entryPrice: 'From $12 per seat, billed yearly' }),
        ),
      ]);
      const last = await approve(app, await draft(app, slotAtOrBefore(app.config.schedule, app.clock())));
      await prepare(app, last.id);
      for (const batch of await claimableBatches(db, last.id)) await app.submit(batch);
      await finish(app, last.id);
      await sql`update deliveries set status = 'delivered', delivered_at = '2026-11-17T09:05:00Z' where issue_id = ${last.id}`.execute(
        db,
      );
      person = (await findSubscriberByAddress(db, LONG))?.id ?? '';
      await sql`insert into events (id, type, kind, at, delivery_id, outcome, reason) select 'msg_1', 'email.delivered', 'delivered', now(),
        id, 'applied', 'smtp;250' from deliveries where subscriber_id = ${person}`.execute(db);
      await sql`insert into votes (subscriber_id, comparison_id, tool_key, call) select ${person}, id, 'loom', 'ship' from comparisons`.execute(
        db,
      );
      await sql`insert into consent_events (subscriber_id, event, at, method, source)
        select id, 'requested', now() - interval '1 hour', 'form', 'https://a-blog.example/with/a/long/path/to-the-form' from subscribers`.execute(
        db,
      );

      await desk.addReaders(['bounced@readers.example', 'complained@readers.example']);
      await sql`update subscribers set status = 'suppressed', reason = split_part(email, '@', 1)
        where email in ('bounced@readers.example', 'complained@readers.example')`.execute(db);
      bounced = (await findSubscriberByAddress(db, 'bounced@readers.example'))?.id ?? '';
      complained = (await findSubscriberByAddress(db, 'complained@readers.example'))?.id ?? '';

      // This week's issue has a hostile comparison, a held-back one, a review link and a red check.
      await desk.compose([...WEEK, HOSTILE]);
      await inside.goto(`${origin}/editor`);
      await inside.getByRole('button', { name: 'Hold back: Pike vs Perch' }).press('Enter');
      await inside.getByRole('button', { name: 'Put back: Pike vs Perch' }).waitFor();
      await inside.goto(`${origin}/editor/issues/${NEXT}/preview`);
      await inside.getByRole('button', { name: 'Make a link' }).press('Enter');
      review = new URL(
        (await inside.getByRole('link', { name: '/editor/review/' }).getAttribute('href')) ?? '',
      ).pathname;
      const [lead] = WEEK as [(typeof WEEK)[number]];
      await saveComparisons(db, [
        { ...lead, tools: [{ ...lead.tools[0], entryPrice: '$25/mo' }, lead.tools[1]] },
      ]);

      // Last week's comparison is taken down, with a reason that is longer than a phone's line.
      await hideComparison(db, {
        slug: 'loom-vs-wheel',
        reason: 'Its maker says that the prices are of another product, and asked for it.',
        ...{ who: CHIEF, ...recordTakeDown('loom-vs-wheel', 'The prices are of another product.', CHIEF) },
      });

      // Last night there was a burst of votes from one network.
      await sql`insert into votes (subscriber_id, comparison_id, tool_key, call, state, set_aside_at)
        select s.id, c.id, 'wheel', 'skip', 'set_aside', now() from subscribers s, comparisons c where c.slug = 'loom-vs-wheel'`.execute(
        db,
      );

      // The sources have faults.
      const source = 'feed:https://site.example/with/a/long/path/to/all/of/its/comparisons.atom';
      const gathered = { source, comparisons: 2, unchanged: 5, rejected: 1, duplicates: 0, fault: null };
      const rejected = { name: 'https://site.example/compare/this-vs-that', reason: 'entryPrice: missing' };
      await sql`insert into sources (source, failures, reason, failed_at) values (${source}, 3, 'no answer', now())`.execute(
        db,
      );
      await sql`insert into gathers (at, added, changed, unchanged, sources, rejected)
        values (now(), 2, 0, 5, ${JSON.stringify([gathered])}, ${JSON.stringify([rejected])})`.execute(db);
      await sql`insert into quarantine (source, url, faults, first_seen_at, last_seen_at)
        values (${source}, 'https://site.example/compare/a-page-without-any-price-at-all-on-it', '[{"field":"tools.1.entryPrice","reason":"missing"}]', now(), now())`.execute(
        db,
      );
      await sql`insert into notices (kind, subject, message, at)
        values ('source-failing', ${source}, ${`Nothing came from ${source} three times in a row.`}, now())`.execute(
        db,
      );
    });

    const INSIDE: Record<string, () => string> = {
      'this week': () => '/editor',
      'an issue that is out': () => `/editor/issues/${SENT}`,
      'preview, four frames': () => `/editor/issues/${NEXT}/preview?scheme=both`,
      'preview, plain text': () => `/editor/issues/${NEXT}/preview?look=text`,
      'preview, source': () => `/editor/issues/${NEXT}/preview?look=source`,
      'preview, beside the last': () => `/editor/issues/${NEXT}/preview?look=last`,
      'preview, as a reader': () => `/editor/issues/${NEXT}/preview?as=${person}`,
      checks: () => `/editor/issues/${NEXT}/checks`,
      test: () => `/editor/issues/${NEXT}/test?sent=2`,
      approve: () => `/editor/issues/${NEXT}/do/approve`,
      cancel: () => `/editor/issues/${NEXT}/do/cancel`,
      issues: () => '/editor/issues',
      watch: () => `/editor/issues/${SENT}/watch`,
      afterwards: () => `/editor/issues/${SENT}/afterwards`,
      comparisons: () => '/editor/comparisons',
      'comparisons that were taken down': () => '/editor/comparisons?only=hidden',
      'a comparison': () => '/editor/comparisons/orca-vs-hedge',
      'a comparison that was taken down': () => '/editor/comparisons/loom-vs-wheel',
      people: () => '/editor/people',
      person: () => `/editor/people/${person}`,
      'a person whose mail bounced': () => `/editor/people/${bounced}`,
      'a person who complained': () => `/editor/people/${complained}`,
      erase: () => `/editor/people/${person}/erase`,
      growth: () => '/editor/growth',
      sources: () => '/editor/sources?gathering',
      log: () => '/editor/log',
      account: () => '/editor/account',
    };
    const OUTSIDE: Record<string, () => string> = {
      'sign in': () => '/editor/sign-in',
      'asked for a link': () => '/editor/sign-in/asked',
      'opened a link': () => new URL(desk.links[0] ?? '').pathname,
      'for reviewers': () => review,
      'for reviewers, taken back': () => '/editor/review/gone',
      nowhere: () => '/editor/nowhere',
    };

    it.each(Object.keys(INSIDE))('%s, and nothing on it needs JavaScript', async (name) => {
      const url = origin + INSIDE[name]?.();
      await inside.goto(url);
      await inspect(inside);
      expect(await inside.evaluate(WEIGHT)).toBeLessThan(50_000);
      await plain.goto(url);
      expect(await plain.locator('main').innerText()).toBe(await inside.locator('main').innerText());
      expect(await plain.locator(STUCK).count()).toBe(0);
    });

    it.each(Object.keys(OUTSIDE))('%s, for strangers', async (name) => {
      await outside.goto(origin + OUTSIDE[name]?.());
      await inspect(outside);
    });

    it('all unfolded parts, search results of readers, and refusals', async () => {
      for (const url of ['/editor', `/editor/issues/${NEXT}/checks`, '/editor/sources']) {
        await inside.goto(origin + url);
        await inside.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
        expect(await inside.getByRole('group').count()).toBeGreaterThan(0);
        await inspect(inside);
      }
      await inside.goto(`${origin}/editor/people`);
      await inside.getByLabel('An address').fill('a');
      await inside.getByRole('button', { name: 'Search' }).press('Enter');
      await inside.getByRole('link', { name: LONG }).waitFor();
      await inspect(inside);
      await inside.goto(`${origin}/editor/issues/${NEXT}/do/approve`);
      await inside.getByRole('button', { name: 'Approve it' }).press('Enter');
      await inside.getByRole('heading', { name: 'Nothing was changed' }).waitFor();
      await inspect(inside);
    });

    it('an account with passkeys, its second step, and a form that was sent too late', async () => {
      const { db } = desk.app;
      await inside.goto(`${origin}/editor/account`);
      await inside.getByLabel('A name by which').waitFor();
      await sql`insert into desk_passkeys (email, credential_id, public_key, counter, user_handle, transports, name, is_synced)
        select ${CHIEF}, name, 'x', 0, 'x', '{}', name, name = 'Phone'
        from unnest(array['Phone', ${`A key with a long name, kept in ${'drawers'.repeat(4)}`}]) name`.execute(
        db,
      );
      await inside.reload();
      await inside.getByRole('heading', { name: 'Now your passkey' }).waitFor();
      await inspect(inside);
      await sql`update desk_sessions set passkey_at = now()`.execute(db);
      await inside.goto(`${origin}/editor/account`);
      await inside.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
      await inspect(inside);
      await plain.goto(`${origin}/editor/account`);
      expect(await plain.locator(STUCK).count()).toBe(0);
      await sql`update desk_sessions set passkey_at = now() - interval '1 hour'`.execute(db);
      await inside.goto(`${origin}/editor/account`);
      await inside.getByRole('button', { name: 'Use a passkey' }).waitFor();
      await inspect(inside);

      await sql`delete from desk_passkeys`.execute(db);
      await inside.goto(`${origin}/editor`);
      await sql`update desk_sessions set ended_at = now()`.execute(db);
      await inside.getByLabel('Introduction').fill('Words that took a while. '.repeat(12));
      // Submits as a browser does without a script.
      await inside.evaluate('document.querySelector("form.autosave").submit()');
      await inside.getByRole('heading', { name: 'Your session has ended' }).waitFor();
      expect(await inside.locator(STUCK).count()).toBe(0);
      await inspect(inside);
      await sql`update desk_sessions set ended_at = null`.execute(db);
    });

    it('a batch whose response was lost', async () => {
      const { db } = desk.app;
      await sql`update issues set status = 'sending' where slug = ${SENT}`.execute(db);
      await sql`update batches set status = 'uncertain', reason = 'no answer in 30 s', claimed_at = now() - interval '25 hours'`.execute(
        db,
      );
      await sql`update deliveries set status = 'uncertain'`.execute(db);
      await inside.goto(`${origin}/editor/issues/${SENT}/watch`);
      await inside.getByRole('button', { name: 'It was accepted' }).waitFor();
      await inspect(inside);
    });
  });
});
