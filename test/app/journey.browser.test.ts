import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { processors } from '../../jobs/all-jobs.ts';
import { type App, createApp } from '../../src/app/app.ts';
import { publicServer } from '../../src/app/public-server.ts';
import { saveComparisons } from '../../src/comparisons/comparison-store.ts';
import { loadConfig } from '../../src/config/config.ts';
import { Lifetime } from '../../src/platform/lifetime.ts';
import { approve, draft, send, slotToCompose } from '../../src/workflow/week.ts';
import { launchBrowser, noBrowser } from '../helpers/browser.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { readMail } from '../helpers/eml.ts';
import { temporaryFolder } from '../helpers/locations.ts';
import { freePort } from '../helpers/services.ts';
import { openSiteServer, type SiteServer } from '../helpers/site-server.ts';

/** One reader's journey, from a form on another site to the goodbye page, with and without a script. */

describe.skipIf(noBrowser)(`a reader in Chromium${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  const lifetime = new Lifetime();
  let app: App;
  let browser: Browser;
  let elsewhere: SiteServer;
  let dataDir: string;
  let origin: string;
  /** Moves the clock ahead instead of waiting. */
  let aheadMs = 0;

  beforeAll(async () => {
    const folder = temporaryFolder();
    lifetime.defer(() => folder[Symbol.dispose]());
    dataDir = path.join(folder.path, 'data');
    elsewhere = lifetime.use(await openSiteServer());
    const port = await freePort();
    origin = `http://localhost:${port}`;
    const { config, secrets } = loadConfig({
      DATA_DIR: dataDir,
      PORT: String(port),
      EMBED_ORIGINS: elsewhere.origin,
      POSTAL_ADDRESS: '1 Ballot Lane, Testtown',
      LOG_LEVEL: 'silent',
    });
    const dns = {
      resolveMx: async () => [{ exchange: 'mx.example' }],
      resolve4: async () => [],
      resolve6: async () => [],
    };
    app = lifetime.use(
      await createApp(config, secrets, { dns, clock: () => new Date(Date.now() + aheadMs) }),
    );
    const server = await publicServer(app, secrets);
    lifetime.defer(() => server.close());
    await server.listen({ host: 'localhost', port });
    lifetime.use(await app.queue.work(processors(app), { concurrency: 2, onFailure() {} }));
    elsewhere.put(
      '/blog',
      `<!doctype html><title>A blog</title><h1>A blog</h1>
        <form method="post" action="${origin}/subscribe">
          <label>Email <input type="email" name="email" required></label>
          <input type="hidden" name="source" value="a-blog"><button>Subscribe</button>
        </form>`,
    );
    browser = await launchBrowser();
    lifetime.defer(() => browser.close());
  });
  afterAll(() => lifetime[Symbol.asyncDispose]());

  /** Waits until the outbox has such a mail for an address, and parses it as a mail client would. */
  async function mailFor(email: string, subject: RegExp): Promise<string> {
    const folder = path.join(dataDir, 'outbox');
    for (;;) {
      const names = await readdir(folder, { recursive: true }).catch(() => []);
      for (const name of names.filter((each) => each.endsWith('.eml') && !each.includes('/.'))) {
        const mail = readMail(await readFile(path.join(folder, name)));
        if (mail.one('To') !== email || !subject.test(mail.one('Subject'))) continue;
        return mail.parts.find(({ type }) => type === 'text/plain')?.content ?? '';
      }
      await new Promise(setImmediate);
    }
  }

  /** Composes, approves and sends an issue with one comparison. */
  async function sendIssue(first: string, second: string): Promise<void> {
    const slug = `${first}-vs-${second}`.toLowerCase();
    await saveComparisons(app.db, [comparison(slug, tool(first, 100), tool(second, 0))]);
    await send(app, await approve(app, await draft(app, await slotToCompose(app))));
  }

  const linkAfter = (mail: string, label: string): string => {
    const lines = mail.split('\n');
    return lines[lines.indexOf(`${label}:`) + 1] ?? '';
  };
  const heading = (page: Page, name: string) => page.getByRole('heading', { name }).waitFor();
  const statusOf = async (email: string) =>
    (
      await app.db
        .selectFrom('subscribers')
        .select('status')
        .where('email_key', '=', email)
        .executeTakeFirst()
    )?.status;

  it.each([
    ['with JavaScript', true, 'Otter', 'Newt'],
    ['without JavaScript', false, 'Heron', 'Coot'],
  ])('goes all the way %s', async (_name, javaScriptEnabled, first, second) => {
    await using context = await browser.newContext({ javaScriptEnabled });
    const page = await context.newPage();
    const email = `journey-${javaScriptEnabled ? 'on' : 'off'}@readers.example`;

    await page.goto(`${elsewhere.origin}/blog`);
    await page.getByLabel('Email').fill(email);
    await page.getByRole('button', { name: 'Subscribe' }).click();
    await heading(page, 'Look in your inbox');
    expect(page.url()).toBe(`${origin}/subscribe/check-inbox`);

    const confirm = await mailFor(email, /^Confirm your subscription/);
    expect(await statusOf(email)).toBe('pending');
    await page.goto(linkAfter(confirm, 'Confirm my subscription'));
    expect(await statusOf(email)).toBe('pending');
    await page.getByRole('button', { name: 'Yes, subscribe me' }).click();
    await heading(page, 'You are on the list');
    expect(await statusOf(email)).toBe('active');

    const welcome = await mailFor(email, /^Welcome to/);
    await page.goto(linkAfter(welcome, 'Change topics or pause'));
    await page.getByText('j***@r***.example').first().waitFor();
    await page.getByRole('button', { name: 'Pause for 4 weeks' }).click();
    await page.getByRole('status').getByText('Paused.').waitFor();
    await page.getByRole('button', { name: 'Go on again now' }).click();
    await page.getByRole('status').getByText('Welcome back.').waitFor();

    await sendIssue(first, second);
    const digest = await mailFor(email, new RegExp(first));
    const votes = () =>
      app.db.selectFrom('votes').select('call').where('tool_key', '=', first.toLowerCase()).execute();
    await page.goto(linkAfter(digest, `Vote on ${first} vs ${second}`));
    expect(await votes()).toEqual([]);
    await page.getByRole('button', { name: `Vote ship for ${first}` }).click();
    await page.getByRole('status').getByText(`You would ship ${first}.`).waitFor();
    await page.getByRole('button', { name: 'Change my vote: skip' }).click();
    await page.getByRole('status').getByText(`You would skip ${first}.`).waitFor();
    expect(await votes()).toEqual([{ call: 'skip' }]);

    await page.goto(linkAfter(digest, 'Unsubscribe in one step'));
    await page.getByRole('button', { name: 'Unsubscribe' }).click();
    await heading(page, 'You are off the list');
    expect(await statusOf(email)).toBe('unsubscribed');
  });

  it('a form on an unlisted site is refused with an explanation', async () => {
    await using stranger = await openSiteServer('127.0.0.2');
    stranger.put(
      '/',
      `<!doctype html><title>x</title><form method="post" action="${origin}/subscribe"><input name="email" value="x@example.org"><button>Go</button></form>`,
    );
    await using page = await browser.newPage();
    await page.goto(`${stranger.origin}/`);
    await page.getByRole('button', { name: 'Go' }).click();
    await heading(page, 'Not from there');
    expect(await statusOf('x@example.org')).toBeUndefined();
  });

  it('an error on our own page is detected, explained and can be corrected', async () => {
    await using context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${origin}/subscribe`);
    await page.getByLabel('Email address').fill('somebody@example');
    aheadMs += 5_000;
    await page.getByRole('button', { name: 'Subscribe' }).click();
    await page.getByRole('alert').waitFor();
    expect(await page.getByLabel('Email address').inputValue()).toBe('somebody@example');
    await page.getByLabel('Email address').fill('somebody@example.org');
    aheadMs += 5_000;
    await page.getByRole('button', { name: 'Subscribe' }).click();
    await heading(page, 'Look in your inbox');
    await mailFor('somebody@example.org', /^Confirm/);
  });
});
