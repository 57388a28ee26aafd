import { load } from 'cheerio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PLACEHOLDERS } from '../../src/issues/content.ts';
import { changeIssue, findIssue } from '../../src/issues/issue-store.ts';
import { readGeneralVariant } from '../../src/sending/delivery-store.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { openSite, SITE, type TestSite } from '../helpers/site.ts';

let site: TestSite;
beforeAll(async () => {
  site = await openSite();
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

const get = (url: string, headers: Record<string, string> = {}) => site.app.inject({ url, headers });
const PUBLIC = [
  '/',
  '/issues',
  '/issues/2026-11-24',
  '/issues/2026-11-24.txt',
  '/issues.atom',
  '/issues.json',
];

describe('the front page', () => {
  it('explains the newsletter and shows the first verdicts of the latest issue', async () => {
    const page = load((await get('/')).body);
    expect(page('h1').text()).toBe(SITE.newsletterName);
    expect(page('.overline + h2 a').attr('href')).toBe('/issues/2026-11-24');
    expect(page('section time').text()).toBe('Tuesday, 24 November 2026');
    expect(page('tbody tr').length).toBe(5);
    expect(page('caption').text()).toBe('The first 5 of 6 verdicts');
    expect(page('tbody tr').first().text()).toMatch(/^(?:Ship|Skip|Split)/);
    expect(page('a[href="/issues"]').length).toBeGreaterThan(0);
    expect(page('script').length).toBe(0);
    expect(page('form').attr()).toEqual({ method: 'post', action: '/subscribe' });
  });
});

describe('the archive', () => {
  it('lists issues that were sent or are being sent, newest first', async () => {
    const page = load((await get('/issues')).body);
    const links = page('main li a').toArray();
    expect(links.map((link) => page(link).attr('href'))).toEqual([
      '/issues/2026-11-24',
      '/issues/2026-11-17',
    ]);
  });

  it('shows an issue byte for byte as mailed, except for its personal links', async () => {
    const issue = await findIssue(site.db, { slug: '2026-11-24' });
    const mailed = await readGeneralVariant(site.db, issue?.id ?? '');
    for (const [url, body] of [
      ['/issues/2026-11-24', mailed?.html],
      ['/issues/2026-11-24.txt', mailed?.text],
    ] as const) {
      const expected = body
        ?.replaceAll(PLACEHOLDERS.unsubscribe, `${SITE.publicUrl}/unsubscribe`)
        .replaceAll(PLACEHOLDERS.preferences, `${SITE.publicUrl}/preferences`)
        .replaceAll(PLACEHOLDERS.vote, `${SITE.publicUrl}/vote`);
      const answer = await get(url);
      expect(answer.body).toBe(expected);
      expect(answer.body).not.toContain('placeholder.invalid');
      expect(answer.body).toContain(`${SITE.publicUrl}/unsubscribe`);
    }
    expect((await get('/issues/2026-11-24.txt')).headers['content-type']).toBe('text/plain; charset=utf-8');
  });

  it('lets the mail use its inline styles and nothing else', async () => {
    const policy = String((await get('/issues/2026-11-24')).headers['content-security-policy']);
    expect(policy).toMatch(/^default-src 'none'; style-src 'unsafe-inline';/);
    expect(policy).toContain("frame-ancestors 'self'");
    expect(policy).not.toMatch(/script-src|img-src/);
  });

  it.each([
    '/issues/2026-11-25',
    '/issues/2026-11-25.txt',
    '/issues/nothing',
    '/issues/..%2f2026-11-24',
    '/issues/2026-11-24%00',
    '/issues/2026-11-24.eml',
    '/nowhere',
  ])('%s is a 404 page', async (url) => {
    const answer = await get(url, { accept: 'text/html' });
    expect(answer.statusCode).toBe(404);
    expect(load(answer.body)('h1').text()).toBe('There is no such page');
  });

  it('has no draft, keeps an issue that was paused while it was sent, and removes a cancelled one', async () => {
    const issue = await site.publish('2026-12-01', [comparison('a-vs-b', tool('A', 100), tool('B', 0))]);
    const status = async () => (await get('/issues/2026-12-01')).statusCode;
    expect(await status()).toBe(200);
    await changeIssue(site.db, issue.id, { type: 'pause', reason: 'by hand' });
    expect(await status()).toBe(200);
    expect((await get('/issues')).body).toContain('/issues/2026-12-01');
    await changeIssue(site.db, issue.id, { type: 'resume' });
    await changeIssue(site.db, issue.id, { type: 'fail', reason: 'the account is closed' });
    expect(await status()).toBe(200);
    await changeIssue(site.db, issue.id, { type: 'cancel' });
    expect(await status()).toBe(404);
    expect((await get('/issues')).body).not.toContain('/issues/2026-12-01');

    await site.db.updateTable('issues').set({ status: 'draft' }).where('id', '=', issue.id).execute();
    expect(await status()).toBe(404);
    await site.db.updateTable('issues').set({ status: 'cancelled' }).where('id', '=', issue.id).execute();
  });
});

describe('the feeds', () => {
  it('Atom has everything that RFC 4287 requires', async () => {
    const answer = await get('/issues.atom');
    expect(answer.headers['content-type']).toBe('application/atom+xml; charset=utf-8');
    const feed = load(answer.body, { xml: true });
    expect(feed('feed').attr('xmlns')).toBe('http://www.w3.org/2005/Atom');
    for (const name of ['id', 'title', 'updated', 'author > name']) {
      expect(feed(`feed > ${name}`).length, name).toBe(1);
    }
    expect(feed('feed > link[rel=self]').attr('href')).toBe(`${SITE.publicUrl}/issues.atom`);
    expect(feed('entry').length).toBe(2);
    for (const entry of feed('entry').toArray()) {
      for (const name of ['id', 'title', 'updated', 'content']) {
        expect(feed(entry).children(name).text(), name).not.toBe('');
      }
      const url = feed(entry).children('link[rel=alternate]').attr('href');
      expect(url).toMatch(/^https:\/\/verdicts\.example\/issues\/2026-11-\d\d$/);
      expect(feed(entry).children('updated').text()).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    }
    // Escaped once for HTML and once for XML.
    expect(load(feed('entry content').first().text())('li').text()).toContain('Hedge & Maze <Pro>');
  });

  it('JSON Feed has the same content', async () => {
    const answer = await get('/issues.json');
    expect(answer.headers['content-type']).toBe('application/feed+json; charset=utf-8');
    const feed = answer.json();
    const atom = load((await get('/issues.atom')).body, { xml: true });
    expect(feed.version).toBe('https://jsonfeed.org/version/1.1');
    expect(feed.items.map((item: { id: string }) => item.id)).toEqual(
      atom('entry > id')
        .toArray()
        .map((id) => atom(id).text()),
    );
    expect(feed.items.map((item: { content_html: string }) => item.content_html)).toEqual(
      atom('entry > content')
        .toArray()
        .map((content) => atom(content).text().trim()),
    );
  });
});

describe('caching', () => {
  it.each(PUBLIC)('%s: a client with the current copy gets 304', async (url) => {
    const answer = await get(url);
    const { etag, 'last-modified': modified } = answer.headers as Record<string, string>;
    expect(answer.headers['cache-control']).toBe('public, max-age=300');
    // Every copy of a form has a timestamp token, so two copies are never the same bytes.
    expect(etag).toMatch(url === '/' ? /^W\/"[\w-]{27}"$/ : /^"[\w-]{27}"$/);

    for (const headers of [
      { 'if-none-match': String(etag) },
      { 'if-none-match': `"other", W/${String(etag).replace('W/', '')}` },
      { 'if-none-match': '*' },
      { 'if-modified-since': String(modified) },
    ]) {
      const again = await get(url, headers);
      expect([again.statusCode, again.body, again.headers.etag]).toEqual([304, '', etag]);
    }
    for (const headers of [
      { 'if-none-match': '"other"' },
      { 'if-modified-since': new Date(Date.parse(String(modified)) - 1000).toUTCString() },
      { 'if-modified-since': 'yesterday' },
      { 'if-none-match': '"other"', 'if-modified-since': String(modified) },
    ]) {
      expect((await get(url, headers)).statusCode).toBe(200);
    }
  });

  it.each(PUBLIC)('%s: HEAD has the headers and no body', async (url) => {
    const [whole, head] = [await get(url), await site.app.inject({ method: 'HEAD', url })];
    expect(head.statusCode).toBe(200);
    expect(head.body).toBe('');
    for (const name of [
      'etag',
      'last-modified',
      'content-type',
      'content-length',
      'content-security-policy',
    ]) {
      expect(head.headers[name], name).toBe(whole.headers[name]);
    }
  });
});

describe('a site without issues', () => {
  it('says so everywhere', async () => {
    const { db } = site;
    await db
      .transaction()
      .execute(async (tx) => {
        await tx.updateTable('issues').set({ status: 'draft', resume_to: null }).execute();
        const app = await site.serve({ db: tx });
        expect((await app.inject('/')).body).toContain('No issue has gone out yet');
        expect((await app.inject('/issues')).body).toContain('No issue has gone out yet');
        expect((await app.inject('/issues.json')).json().items).toEqual([]);
        expect(
          load((await app.inject('/issues.atom')).body, { xml: true })('feed > updated').text(),
        ).not.toBe('');
        throw new Error('roll back');
      })
      .catch((error: Error) => expect(error.message).toBe('roll back'));
    expect((await get('/issues.json')).json().items.length).toBe(2);
  });
});
