import { mkdirSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { processors } from '../../jobs/all-jobs.ts';
import type { Tool } from '../../src/comparisons/model.ts';
import { PLACEHOLDERS } from '../../src/issues/content.ts';
import { findIssue } from '../../src/issues/issue-store.ts';
import { Lifetime } from '../../src/platform/lifetime.ts';
import { parseUrl } from '../../src/platform/url.ts';
import { TEMPLATES } from '../../src/render/render-variant.ts';
import { keyId, type Scope, signer } from '../../src/subscribers/tokens.ts';
import { queueMail } from '../../src/transactional/transactional-store.ts';
import { draft, gatherAll, slotToCompose } from '../../src/workflow/week.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { CHIEF, openDesk, type TestDesk } from '../helpers/desk.ts';
import { type Mail, readMail } from '../helpers/eml.ts';
import { temporaryFolder } from '../helpers/locations.ts';
import { tokenLinks } from '../helpers/reader-tokens.ts';
import { openSiteServer } from '../helpers/site-server.ts';

/**
 * F1, end to end: a feed, a page, a folder, a push and an editor put our placeholders into every field and every
 * part of a URL. The issue is composed, tested, reviewed, approved and sent; then every mail in the outbox and
 * every page that shows the issue is searched for readers' tokens.
 */

const PUBLIC_URL = 'https://verdicts.example';
const API_TOKEN = 'a-token-of-more-than-thirty-two-letters';
const READERS = ['ada@readers.example', 'bea@readers.example', 'cleo@readers.example'];
const { unsubscribe, preferences, vote } = PLACEHOLDERS;

/** A tool with every placeholder in every field. */
const saying = (name: string, more: Partial<Tool> = {}): Tool => ({
  ...tool(`${name} ${preferences}`, 50, { category: unsubscribe, tagline: `See ${vote}/a-vs-b/a/ship` }),
  description: `${unsubscribe}\n${preferences}\n${vote} href="${preferences}"`,
  entryPrice: preferences,
  reviews: [{ lens: unsubscribe, quote: `“${preferences}”`, call: null }],
  ...more,
});

/** URLs as in the finding: placeholders in the query, in several parameters, as a path, as a fragment. */
const ADDRESSES = {
  query: `https://evil.example/?r=${preferences}`,
  parameters: `https://evil.example/c?pref=${preferences}&unsub=${unsubscribe}&v=${vote}`,
  path: `https://evil.example/${preferences}`,
  fragment: `https://evil.example/x#${preferences}`,
  votePath: `https://evil.example/${vote}/x/a/ship`,
  host: `${preferences}`,
};

/** A token of any reader and any scope. */
const ANY_TOKEN = /1\.[\w-]{6}\.[\w-]{22}\.\d{1,9}\.[\w-]{22}/gu;

describe.each(TEMPLATES)('F1: an issue of hostile comparisons by %s', (template) => {
  const lifetime = new Lifetime();
  let desk: TestDesk;
  /** The accepted mails by recipient. */
  const mails: { to: string; subject: string; mail: Mail }[] = [];
  /** Pages that show the issue. */
  const pages = new Map<string, string>();
  const tokens = new Map<string, string[]>();

  beforeAll(async () => {
    const site = lifetime.use(await openSiteServer());
    const folder = temporaryFolder();
    lifetime.defer(() => folder[Symbol.dispose]());
    const own = path.join(folder.path, 'comparisons');
    mkdirSync(own);
    for (const [part, url] of Object.entries({ path: ADDRESSES.path, fragment: ADDRESSES.fragment })) {
      const one = { ...comparison(`folder-${part}`, saying(`Fo${part}a`), saying(`Fo${part}b`)), url };
      writeFileSync(path.join(own, `${part}.json`), JSON.stringify(one));
    }
    const page = `/compare/page?r=${preferences}`;
    const tools = [saying('Paa'), saying('Pab')];
    site.put(
      page,
      `<!doctype html><title>Paa vs Pab</title><link rel="canonical" href="${page}">
      <script type="application/json">${JSON.stringify({ _verdict: { tools } }).replaceAll('<', '\\u003c')}</script>
      <h1>${tools.map(({ name }) => name).join(' vs ')}</h1>`,
      { 'content-type': 'text/html' },
    );
    const items = [
      { id: '1', url: ADDRESSES.query, _verdict: { tools: [saying('Fe1a'), saying('Fe1b')] } },
      { id: '2', url: ADDRESSES.parameters, _verdict: { tools: [saying('Fe2a'), saying('Fe2b')] } },
      { id: '3', url: ADDRESSES.votePath, _verdict: { tools: [saying('Fe3a'), saying('Fe3b')] } },
      { id: '4', url: site.origin + page },
    ];
    site.put(
      '/feed.json',
      JSON.stringify({ version: 'https://jsonfeed.org/version/1.1', title: 'x', items }),
    );

    desk = lifetime.use(
      await openDesk({
        SOURCES: `feed:${site.origin}/feed.json, folder:${own}`,
        ALLOW_PRIVATE_SOURCES: '1',
        API_TOKEN,
        ISSUE_TEMPLATE: template,
      }),
    );
    const { app, server } = desk;
    await desk.addReaders(READERS);
    expect(await gatherAll(app)).toMatchObject({ added: 6, rejected: [] });
    const push = await server.inject({
      method: 'POST',
      url: '/api/comparisons',
      headers: { authorization: `Bearer ${API_TOKEN}`, 'content-type': 'application/json' },
      payload: { ...comparison('push-a-vs-push-b', saying('Pua'), saying('Pub')), url: ADDRESSES.host },
    });
    expect(push.statusCode).toBe(201);

    const issue = await draft(app, await slotToCompose(app));
    const here = `/editor/issues/${issue.slug}`;
    const chief = await desk.signIn(CHIEF);
    const words = await chief.post(`${here}/edit`, {
      kind: 'words',
      revision: String(issue.revision),
      subject: `Ship it ${unsubscribe}`,
      preheader: `While ${preferences} waits, so does ${vote}`,
      intro: `${preferences}\n${unsubscribe} "href="${vote}"`,
    });
    expect(words.statusCode).toBe(303);

    const look = async (url: string) => pages.set(url, (await chief.get(url)).body);
    await chief.post(`${here}/reviews`, {});
    const review = /\/editor\/review\/[\w.-]+/.exec((await chief.get(`${here}/preview`)).body)?.[0] ?? '';
    const readers = await app.db.selectFrom('subscribers').select(['id', 'email', 'token_version']).execute();
    for (const { id, email, token_version: version } of readers) {
      const token = (scope: Scope) => signer(app.keys, scope)({ subscriberId: id, version });
      tokens.set(email, [token('unsubscribe'), token('preferences'), token('vote')]);
      await look(`${here}/mail?as=${id}`);
    }
    for (const url of [`${here}/mail`, `${here}/preview?look=text`, `${here}/preview?look=source`])
      await look(url);
    for (const url of [`${review}/mail`, `${review}?look=text`, `${review}?look=source`]) await look(url);

    const worker = await app.queue.work(processors(app), {
      concurrency: 2,
      onFailure({ error }) {
        throw error;
      },
    });
    lifetime.use(worker);
    await chief.post(`${here}/test`, { to: 'newsroom@desk.example' });
    for (const mailId of desk.enqueued) await app.sendMail(mailId);
    const fresh = async () => (await findIssue(app.db, { id: issue.id })) ?? expect.fail('no issue');
    await chief.post(`${here}/do/approve`, { plan: (await fresh()).planHash ?? '' });
    expect((await fresh()).status).toBe('approved');
    await chief.post(`${here}/do/send`, {});
    // Not all the time, because the workers need the only session, too.
    while (['approved', 'preparing', 'sending'].includes((await fresh()).status)) await sleep(20);
    expect((await fresh()).status).toBe('sent');

    const [someone] = readers;
    const welcome = await queueMail(app.db, {
      kind: 'welcome',
      subscriberId: someone?.id ?? '',
      content: { issue: issue.slug },
      keyId: keyId(app.keys[0]),
    });
    await app.sendMail(welcome);
    for (const url of ['/', '/issues', `/issues/${issue.slug}`, `/issues/${issue.slug}.txt`]) await look(url);
    for (const url of ['/issues.atom', '/issues.json', '/comparisons', `${here}/mail`, here]) await look(url);

    const outbox = path.join(app.config.dataDir, 'outbox');
    for (const name of await readdir(outbox, { recursive: true })) {
      if (!name.endsWith('.eml')) continue;
      const mail = readMail(await readFile(path.join(outbox, name)));
      mails.push({ to: mail.one('To'), subject: mail.one('Subject'), mail });
    }
  });
  afterAll(() => lifetime[Symbol.asyncDispose]());

  const partOf = (mail: Mail, type: string) => mail.parts.find((part) => part.type === type)?.content ?? '';
  const issueOf = (email: string) =>
    mails.find(({ to, subject }) => to === email && subject.startsWith('Ship it'))?.mail ??
    expect.fail(`no issue for ${email}`);

  it('is mailed to every reader, beside the tests, the welcome and the sign-in mail', () => {
    const subjects = mails.map(({ to, subject }) => `${to}: ${subject.replace(/ https.*/u, '')}`);
    expect(subjects).toEqual(
      expect.arrayContaining([
        ...READERS.map((email) => `${email}: Ship it`),
        'newsroom@desk.example: [Test] Ship it',
        expect.stringMatching(/: Welcome to /),
      ]),
    );
  });

  it('has a token only in links to PUBLIC_URL that the templates print', () => {
    for (const { to, subject, mail } of mails) {
      const headers = Object.fromEntries(
        mail.rawHeaders.filter(([name]) => !/^(?:to|subject)$/iu.test(name)),
      );
      const html = partOf(mail, 'text/html');
      const text = partOf(mail, 'text/plain');
      const found = tokenLinks({ subject, html, text, headers }, PUBLIC_URL, tokens.get(to) ?? ['no token']);
      expect([to, subject, found.leaks]).toEqual([to, subject, []]);
      // Nor another reader's token: everything that looks like one is in those links.
      const all = [...JSON.stringify([subject, headers, html, text]).matchAll(ANY_TOKEN)].map(
        ([token]) => token,
      );
      const theirs = tokens.get(to) ?? [];
      expect([to, subject, all.filter((token) => !theirs.includes(token))]).toEqual([to, subject, []]);
    }
  });

  it('has all its links in each part', () => {
    for (const email of READERS) {
      const mail = issueOf(email);
      const [leave = '', prefer = '', votes = ''] = tokens.get(email) ?? [];
      const { html, text, headers } = tokenLinks(
        {
          subject: '',
          html: partOf(mail, 'text/html'),
          text: partOf(mail, 'text/plain'),
          headers: { 'List-Unsubscribe': mail.one('List-Unsubscribe') },
        },
        PUBLIC_URL,
        tokens.get(email) ?? [],
      );
      const count = (links: string[], token: string) => links.filter((link) => link.includes(token)).length;
      // Seven comparisons: the lead with four votes, and one for each other.
      expect([count(html, leave), count(html, prefer), count(html, votes)]).toEqual([1, 1, 10]);
      expect([count(text, leave), count(text, prefer), count(text, votes)]).toEqual([1, 1, 7]);
      expect(headers).toEqual([`${PUBLIC_URL}/unsubscribe/${leave}`]);
    }
  });

  it('does not change any URL of the content', () => {
    for (const email of READERS) {
      const mail = issueOf(email);
      const html = partOf(mail, 'text/html').replaceAll('&amp;', '&');
      const lines = partOf(mail, 'text/plain')
        .split('\n')
        .filter((line) => parseUrl(line) !== null);
      const hrefs = [...html.matchAll(/href="([^"]*)"/gu)].map(([, href = '']) => new URL(href).href);
      // A comparison is identified by its URL without the fragment, so none has one.
      for (const url of Object.values(ADDRESSES).map((each) => each.replace(/#.*/u, ''))) {
        expect([url, hrefs.includes(url)]).toEqual([url, true]);
        expect([url, lines.some((line) => new URL(line).href === url)]).toEqual([url, true]);
      }
      expect(hrefs.filter((href) => href.includes(`/compare/page?r=${preferences}`))).toHaveLength(1);
    }
  });

  it('has no token in a preview, for reviewers, in a test or in the archive', () => {
    expect(pages.size).toBeGreaterThan(15);
    for (const [url, body] of pages) {
      const named = [...body.matchAll(ANY_TOKEN)].map(([token]) => token);
      expect([url, body.length > 100, named]).toEqual([url, true, []]);
    }
  });
});
