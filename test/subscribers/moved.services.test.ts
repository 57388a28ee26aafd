import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { load } from 'cheerio';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type App, createApp } from '../../src/app/app.ts';
import { publicServer } from '../../src/app/public-server.ts';
import { loadConfig } from '../../src/config/config.ts';
import { Lifetime } from '../../src/platform/lifetime.ts';
import { runCommand } from '../helpers/command.ts';
import { readMail } from '../helpers/eml.ts';
import { createMigratedDatabase, temporaryFolder } from '../helpers/locations.ts';

/**
 * B13: an installation moves to a larger one. The embedded default mails an issue; then its list is exported and
 * imported into PostgreSQL, with the same SECRET_KEY and nothing else, and readers open the links in that issue.
 */

const server = inject('databaseUrl');
const ORIGIN = 'http://localhost:3000';
const COMMON = {
  SECRET_KEY: 'the-key-that-goes-along-of-many-characters',
  POSTAL_ADDRESS: '1 Example Street, Sampleton',
  SOURCES: 'folder:samples/comparisons',
  PUBLIC_URL: ORIGIN,
  LOG_LEVEL: 'silent',
};

describe.skipIf(server === '')('B13: after a move to PostgreSQL', () => {
  const lifetime = new Lifetime();
  let app: App;
  let web: FastifyInstance;
  /** The links in each mailed reader's issue, by their purpose. */
  const mailed = new Map<string, Record<'leave' | 'header' | 'preferences' | 'vote', string>>();

  const run = async (args: string[], env: Record<string, string>) => {
    const done = await runCommand(args, env);
    if (done.code !== 0) throw new Error(`${args.join(' ')}: ${done.stderr}${done.stdout}`);
    return done.stdout;
  };

  beforeAll(async () => {
    const folder = temporaryFolder();
    lifetime.defer(async () => folder[Symbol.dispose]());
    const old = { ...COMMON, DATA_DIR: path.join(folder.path, 'old') };
    await run(['migrate'], old);
    await run(['subscribers', 'import', 'samples/subscribers.csv', '--consent', 'samples'], old);
    await run(['gather'], old);
    await run(['compose'], old);
    await run(['approve'], old);
    await run(['send'], old);
    await readIssue(path.join(old.DATA_DIR, 'outbox'));
    const list = path.join(folder.path, 'people.csv');
    await run(['subscribers', 'export', '--out', list], old);

    const { url, drop } = await createMigratedDatabase(server);
    lifetime.defer(drop);
    const fresh = { ...COMMON, DATA_DIR: path.join(folder.path, 'new'), DATABASE_URL: url };
    await run(['migrate'], fresh);
    const told = await run(['subscribers', 'import', list], fresh);
    expect(told).toMatch(/Links in mail sent before work here: those of 250 people came along/);
    await run(['gather'], fresh);
    const { config, secrets } = loadConfig(fresh);
    app = lifetime.use(await createApp(config, secrets));
    web = await publicServer(app, secrets);
    lifetime.defer(() => web.close());
  }, 300_000);
  afterAll(() => lifetime[Symbol.asyncDispose]());

  async function readIssue(outbox: string): Promise<void> {
    for (const name of await readdir(outbox, { recursive: true })) {
      if (!name.endsWith('.eml')) continue;
      const mail = readMail(await readFile(path.join(outbox, name)));
      const $ = load(mail.parts.find(({ type }) => type === 'text/html')?.content ?? '');
      const links = $('a[href]')
        .toArray()
        .map((one) => $(one).attr('href') ?? '')
        .filter((link) => link.startsWith(ORIGIN));
      const pathOf = (part: string) => (links.find((link) => link.includes(part)) ?? '').slice(ORIGIN.length);
      mailed.set(mail.one('To'), {
        leave: pathOf('/unsubscribe/'),
        header: (/<([^>]+)>/.exec(mail.one('List-Unsubscribe'))?.[1] ?? '').slice(ORIGIN.length),
        preferences: pathOf('/preferences/'),
        vote: pathOf('/ship'),
      });
    }
  }

  /** A reader that no other test uses. */
  const next = () => {
    const [found] = mailed;
    if (found === undefined) throw new Error('no issue was mailed');
    mailed.delete(found[0]);
    return { email: found[0], links: found[1] };
  };
  const rowOf = (email: string) =>
    app.db.selectFrom('subscribers').selectAll().where('email', '=', email).executeTakeFirstOrThrow();
  const get = (url: string) => web.inject({ url, headers: { accept: 'text/html' } });
  const press = (url: string, payload: string) =>
    web.inject({
      method: 'POST',
      url,
      payload,
      headers: { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' },
    });
  const h1 = (body: string) => load(body)('h1').text();

  it('every mailed reader is there and active, and nobody was asked to confirm again', async () => {
    expect(mailed.size).toBeGreaterThan(200);
    for (const email of mailed.keys()) expect((await rowOf(email)).status).toBe('active');
    expect(await app.db.selectFrom('mails').select('id').execute()).toEqual([]);
  });

  it('the unsubscribe link shows its page, and its button unsubscribes the reader in the new installation', async () => {
    const { email, links } = next();
    const page = await get(links.leave);
    expect([page.statusCode, h1(page.body)]).toEqual([200, 'Leave the list?']);
    expect((await rowOf(email)).status).toBe('active');
    const pressed = await press(links.leave, 'confirm=1');
    expect([pressed.statusCode, h1(pressed.body)]).toEqual([200, 'You are off the list']);
    expect((await rowOf(email)).status).toBe('unsubscribed');
  });

  it('one-click unsubscribe in a mail program unsubscribes the reader in the new installation', async () => {
    const { email, links } = next();
    const answer = await web.inject({
      method: 'POST',
      url: links.header,
      payload: 'List-Unsubscribe=One-Click',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect([answer.statusCode, answer.body]).toEqual([200, 'You are off the list.\n']);
    expect((await rowOf(email)).status).toBe('unsubscribed');
  });

  it('the preferences open, and a choice is saved', async () => {
    const { email, links } = next();
    const page = load((await get(links.preferences)).body);
    expect(page('h1').text()).toBe('Your preferences');
    const topic = page('input[name=topic]:not([checked])').first().attr('value') ?? '';
    const saved = await press(links.preferences, `save=1&topic=${encodeURIComponent(topic)}`);
    expect(saved.statusCode).toBe(200);
    expect((await press(links.preferences, 'pause=1')).statusCode).toBe(200);
    const row = await rowOf(email);
    expect([row.topics, row.paused_until !== null]).toEqual([[topic], true]);
    expect(h1((await press(links.preferences, 'leave=1')).body)).toBe('You are off the list');
    expect((await rowOf(email)).status).toBe('unsubscribed');
  });

  it('a vote counts once, for the reader of the link', async () => {
    const { email, links } = next();
    expect((await get(links.vote)).statusCode).toBe(200);
    for (let time = 0; time < 2; time += 1) expect((await press(links.vote, '')).statusCode).toBe(200);
    const votes = await app.db.selectFrom('votes').selectAll().execute();
    expect(votes.map(({ subscriber_id, call }) => [subscriber_id, call])).toEqual([
      [(await rowOf(email)).id, 'ship'],
    ]);
  });
});
