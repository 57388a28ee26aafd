import { createServer, type Server } from 'node:http';
import { sql } from 'kysely';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { axeViolations } from '../helpers/axe.ts';
import { launchBrowser, noBrowser } from '../helpers/browser.ts';
import { freePort } from '../helpers/services.ts';
import { openSite, SITE, type TestSite } from '../helpers/site.ts';

/** A site of somebody else, which shows the given markup on every path. */
interface Host {
  origin: string;
  body: string;
  policy: string | undefined;
}

describe.skipIf(noBrowser)(
  `the form on another site, in Chromium${noBrowser ? ` (${noBrowser})` : ''}`,
  () => {
    let site: TestSite;
    let browser: Browser;
    let ours: string;
    /** The one site that may embed the form, and one that may not. */
    const blog: Host = { origin: '', body: '', policy: undefined };
    const stranger: Host = { origin: '', body: '', policy: undefined };
    const servers: Server[] = [];
    /** Copied from our page. */
    let form = '';
    let frame = '';

    const host = async (page: Host) => {
      const server = createServer((_request, response) => {
        response.writeHead(200, {
          'content-type': 'text/html; charset=utf-8',
          ...(page.policy && { 'content-security-policy': page.policy }),
        });
        response.end(
          `<!doctype html><html lang="en"><meta charset="utf-8"><title>A blog</title>
        <meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
        <main><h1>A blog</h1>${page.body}</main></html>`,
        );
      });
      const port = await freePort();
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      servers.push(server);
      page.origin = `http://127.0.0.1:${port}`;
    };

    beforeAll(async () => {
      await host(blog);
      await host(stranger);
      const port = await freePort();
      ours = `http://127.0.0.1:${port}`;
      site = await openSite();
      const app = await site.serve({
        site: { ...SITE, publicUrl: ours },
        signUp: {
          limiter: { consume: async () => 0 },
          checkDomain: async () => 'yes',
          challenge: null,
          embedOrigins: [blog.origin],
          privacy: { url: `${ours}/privacy`, version: null },
          clock: () => new Date(),
        },
      });
      await app.listen({ host: '127.0.0.1', port });
      browser = await launchBrowser();
      await using page = await browser.newPage();
      await page.goto(`${ours}/embed/code`);
      form = await page.getByLabel('Form and script').inputValue();
      frame = await page.getByLabel('Frame').inputValue();
    });
    afterAll(async () => {
      await browser?.close();
      await site?.[Symbol.asyncDispose]();
      for (const server of servers) server.close();
    });
    beforeEach(async () => {
      Object.assign(blog, { body: form, policy: undefined });
      Object.assign(stranger, { body: form, policy: undefined });
      await sql`delete from mail_requests`.execute(site.db);
    });

    const signUps = async () =>
      (
        await sql<{ email: string; source: string; timezone: string | null }>`
        select email, details->>'source' as source, details->>'timezone' as timezone
        from mail_requests order by created_at
      `.execute(site.db)
      ).rows;
    const open = async (options: BrowserContextOptions = {}) => await browser.newContext(options);
    const type = async (page: Page, address: string) => {
      await page.getByLabel('Email address').fill(address);
      await page.getByRole('button', { name: 'Subscribe' }).click();
    };

    it('shows the answer inside the page, and announces it to screen readers', async () => {
      await using context = await open({ timezoneId: 'Asia/Tokyo' });
      const page = await context.newPage();
      await page.goto(blog.origin);
      await type(page, 'reader@mail.example');
      await page.getByRole('status').getByText('Look in your inbox').waitFor();
      expect(page.url()).toBe(`${blog.origin}/`);
      expect(await page.getByLabel('Email address').inputValue()).toBe('reader@mail.example');
      expect(await signUps()).toEqual([
        { email: 'reader@mail.example', source: 'embed', timezone: 'Asia/Tokyo' },
      ]);
    });

    it('shows an error at its field, and keeps the typed text', async () => {
      await using context = await open();
      const page = await context.newPage();
      await page.goto(blog.origin);
      for (const [typed, fault] of [
        ['', /Type your email address/],
        ['reader@mail', /is not of the form/],
      ] as const) {
        await type(page, typed);
        await page.getByRole('alert').getByText(fault).waitFor();
        const email = page.getByLabel('Email address');
        expect(await email.inputValue()).toBe(typed);
        expect(await email.getAttribute('aria-invalid')).toBe('true');
        expect(await page.evaluate("document.activeElement.getAttribute('name')")).toBe('email');
        const described = await email.getAttribute('aria-describedby');
        expect(await page.locator(`[id="${described}"]`).textContent()).toMatch(fault);
        expect(await axeViolations(page)).toEqual([]);
      }
      await type(page, 'reader@mail.example');
      await page.getByText('Look in your inbox').waitFor();
      expect(await page.getByRole('alert').textContent()).toBe('');
      expect(await page.getByLabel('Email address').getAttribute('aria-invalid')).toBeNull();
      expect(await signUps()).toHaveLength(1);
    });

    it('offers a button with the domain that was probably meant', async () => {
      await using context = await open();
      const page = await context.newPage();
      await page.goto(blog.origin);
      await type(page, 'reader@gmial.com');
      await page.getByRole('button', { name: 'I meant reader@gmail.com' }).click();
      await page.getByRole('button', { name: 'I meant' }).waitFor({ state: 'detached' });
      await page.getByText('Look in your inbox').waitFor();
      expect(await page.getByLabel('Email address').inputValue()).toBe('reader@gmail.com');
      expect((await signUps()).map(({ email }) => email)).toEqual(['reader@gmial.com', 'reader@gmail.com']);
    });

    it.each(['without JavaScript', 'with the script blocked'])('works %s', async (way) => {
      await using context = await open({ javaScriptEnabled: way !== 'without JavaScript' });
      await context.route('**/embed.js', (route) => route.abort());
      const page = await context.newPage();
      await page.goto(blog.origin);
      await type(page, 'plain@mail.example');
      await page.getByRole('heading', { name: 'Look in your inbox' }).waitFor();
      expect(page.url()).toBe(`${ours}/subscribe/check-inbox`);
      expect((await signUps()).map(({ email }) => email)).toEqual(['plain@mail.example']);
    });

    it("leaves nothing behind in a page, and works under the page's strict policy", async () => {
      const origin = new URL(ours).origin;
      blog.policy = `default-src 'none'; script-src ${origin}; connect-src ${origin}; form-action ${origin}`;
      await using context = await open();
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
      blog.body = '<p>Nothing here</p>';
      await page.goto(blog.origin);
      const before = await page.evaluate('Object.getOwnPropertyNames(window).sort()');
      blog.body = form;
      await page.goto(blog.origin);
      await type(page, 'strict@mail.example');
      await page.getByText('Look in your inbox').waitFor();
      expect(await page.evaluate('Object.getOwnPropertyNames(window).sort()')).toEqual(before);
      expect(await page.evaluate('[document.cookie, localStorage.length]')).toEqual(['', 0]);
      expect(complaints.filter((text) => !text.includes('favicon'))).toEqual([]);
    });

    it("posts without the script when the page's policy blocks the request", async () => {
      blog.policy = `connect-src 'none'`;
      await using context = await open();
      const page = await context.newPage();
      await page.goto(blog.origin);
      await type(page, 'other-way@mail.example');
      await page.getByRole('alert').getByText('Press once more').waitFor();
      expect(await page.getByLabel('Email address').inputValue()).toBe('other-way@mail.example');
      await page.getByRole('button', { name: 'Subscribe' }).click();
      await page.getByRole('heading', { name: 'Look in your inbox' }).waitFor();
      expect(await signUps()).toHaveLength(1);
    });

    it('is refused politely on a site that may not embed it', async () => {
      await using context = await open();
      const page = await context.newPage();
      await page.goto(stranger.origin);
      await type(page, 'reader@mail.example');
      await page.getByRole('alert').getByText('Press once more').waitFor();
      await page.getByRole('button', { name: 'Subscribe' }).click();
      await page.getByRole('heading', { name: 'Not from there' }).waitFor();
      stranger.body = frame;
      await page.goto(stranger.origin);
      expect(await page.frameLocator('iframe').getByRole('button').count()).toBe(0);
      expect(await signUps()).toEqual([]);
    });

    it.each([true, false])('works in a frame (JavaScript: %s)', async (javaScriptEnabled) => {
      blog.body = frame;
      await using context = await open({ javaScriptEnabled });
      const page = await context.newPage();
      await page.goto(blog.origin);
      const inside = page.frameLocator('iframe');
      await inside.getByLabel('Email address').fill('framed@mail.example');
      await inside.getByRole('button', { name: 'Subscribe' }).click();
      if (javaScriptEnabled) await inside.getByRole('status').getByText('Look in your inbox').waitFor();
      else await page.getByRole('heading', { name: 'Look in your inbox' }).waitFor();
      expect((await signUps()).map(({ email, source }) => [email, source])).toEqual([
        ['framed@mail.example', 'embed-frame'],
      ]);
    });

    const looks = [375, 1280].flatMap((width) =>
      (['light', 'dark'] as const).map((colorScheme) => ({ width, colorScheme })),
    );

    it.each(looks)('axe is clean at $width px, $colorScheme: form, frame and page to copy', async (look) => {
      await using context = await open({
        viewport: { width: look.width, height: 900 },
        colorScheme: look.colorScheme,
      });
      const page = await context.newPage();
      for (const url of [
        blog.origin,
        `${ours}/embed`,
        `${ours}/embed?scheme=dark&paper=101418&ink=f4f4f4&accent=ffb000`,
        `${ours}/embed/code`,
        `${ours}/embed/code?paper=ffffff&ink=000000&accent=0b5d1e&scheme=light`,
      ]) {
        await page.goto(url);
        expect([url, await axeViolations(page)]).toEqual([url, []]);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(look.width);
      }
    });

    it('looks as the page with its code shows it', async () => {
      await using context = await open();
      const page = await context.newPage();
      await page.goto(`${ours}/embed/code`);
      await page.getByLabel('Paper').fill('#101418');
      await page.getByLabel('Ink', { exact: true }).fill('#f4f4f4');
      await page.getByLabel('Links and focus').fill('#ffb000');
      await page.getByLabel('Light or dark').selectOption('dark');
      await page.getByRole('button', { name: 'Show it' }).click();
      const background = `getComputedStyle(document.querySelector('button')).backgroundColor`;
      await page.frameLocator('iframe').getByRole('button').waitFor();
      const [, preview] = page.frames();
      expect(await preview?.evaluate(background)).toBe('rgb(244, 244, 244)');
      blog.body = await page.getByLabel('Form and script').inputValue();
      await page.goto(blog.origin);
      expect(await page.evaluate(background)).toBe('rgb(244, 244, 244)');
    });

    it('has a script of less than 4 kB, which browsers cache', async () => {
      const answer = await fetch(`${ours}/embed.js`);
      const script = await answer.text();
      expect(Buffer.byteLength(script)).toBeLessThan(4_096);
      expect(script).not.toMatch(/\beval\b|innerHTML|import\(|localStorage|cookie/);
      expect(answer.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
      expect(answer.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
      const again = await fetch(`${ours}/embed.js`, {
        headers: { 'if-none-match': answer.headers.get('etag') ?? '' },
      });
      expect(again.status).toBe(304);
    });

    it('may be framed by the configured sites only', async () => {
      const { headers } = await fetch(`${ours}/embed`);
      expect(headers.get('content-security-policy')).toContain(`frame-ancestors 'self' ${blog.origin}`);
      expect(headers.get('x-frame-options')).toBeNull();
      expect(headers.get('cache-control')).toBe('no-store');
    });
  },
);
