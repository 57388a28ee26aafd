import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll } from 'vitest';
import { type App, createApp } from '../../src/app/app.ts';
import { contentActions, deskOf } from '../../src/app/desk-options.ts';
import { createServer } from '../../src/app/server.ts';
import { saveComparisons } from '../../src/comparisons/comparison-store.ts';
import type { Comparison } from '../../src/comparisons/model.ts';
import { loadConfig } from '../../src/config/config.ts';
import { listAudit } from '../../src/desk/audit/audit.ts';
import { findIssue, type Issue } from '../../src/issues/issue-store.ts';
import { Lifetime } from '../../src/platform/lifetime.ts';
import { addSubscribers } from '../../src/subscribers/subscriber-store.ts';
import { draft, slotToCompose } from '../../src/workflow/week.ts';
import { comparison, tool } from './compose.ts';
import { copyDatabase, createMigratedDatabase, temporaryFolder } from './locations.ts';
import { answerRequests } from './mail-requests.ts';
import { signUpParts } from './site.ts';

/** A whole installation with a desk, on a database of its own, without workers. */
export interface TestDesk extends AsyncDisposable {
  app: App;
  server: FastifyInstance;
  /** Sign-in links, as `serve` prints them. */
  links: string[];
  /** Mails that were enqueued. */
  enqueued: string[];
  /** Answers the requests for sign-in links, like the job; a visitor's own are answered at once. */
  answer(): Promise<void>;
  /** Composes the issue of 24 November 2026 from these. */
  compose(comparisons?: Comparison[]): Promise<Issue>;
  /** Adds confirmed readers. */
  addReaders(emails: string[], topics?: string[]): Promise<void>;
  /** A browser without a session. */
  visitor(): Visitor;
  /** A browser with a session. */
  signIn(email: string): Promise<Visitor>;
}

/** Like a browser: keeps cookies, sends the origin of its forms. */
export interface Visitor {
  cookies: Map<string, string>;
  get(url: string, headers?: Record<string, string>): Promise<Answer>;
  /** Posts a form of ours, with the session's token unless another is given. */
  post(
    url: string,
    form: Record<string, string | string[]>,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  /** Requests a change like a page's script, without a form. */
  put(url: string, headers?: Record<string, string>): Promise<Answer>;
  /** The token of the session's forms. */
  csrf(): Promise<string>;
}

type Answer = Awaited<ReturnType<FastifyInstance['inject']>>;

export const CHIEF = 'chief@desk.example';
export const EDITOR = 'editor@desk.example';

/** The desk's database: the settings that name it, and how to remove it. */
export type NewDeskDatabase = (
  dataDir: string,
) => Promise<{ env: Record<string, string>; close(): Promise<void> }>;

export const embedded: NewDeskDatabase = async (dataDir) => {
  copyDatabase(dataDir);
  return { env: {}, close: async () => {} };
};

/** @param server `inject('databaseUrl')` */
export function onServer(server: string): NewDeskDatabase {
  return async () => {
    const { url, drop } = await createMigratedDatabase(server);
    return { env: { DATABASE_URL: url }, close: drop };
  };
}

export async function openDesk(
  env: Record<string, string> = {},
  newDatabase: NewDeskDatabase = embedded,
): Promise<TestDesk> {
  const lifetime = new Lifetime();
  try {
    const folder = temporaryFolder();
    lifetime.defer(() => folder[Symbol.dispose]());
    const created = await newDatabase(folder.path);
    lifetime.defer(() => created.close());
    const { config, secrets } = loadConfig({
      DATA_DIR: folder.path,
      SECRET_KEY: 'k'.repeat(40),
      POSTAL_ADDRESS: '1 Example Street, Sampleton',
      PUBLIC_URL: 'https://verdicts.example',
      SCHEDULE: 'Tue 09:00',
      TIMEZONE: 'Europe/Berlin',
      LOG_LEVEL: 'silent',
      EDITORS: `${CHIEF}:publisher, ${EDITOR}:editor`,
      ...created.env,
      ...env,
    });
    const app = lifetime.use(
      await createApp(config, secrets, { clock: () => new Date('2026-11-23T10:00:00Z') }),
    );
    const links: string[] = [];
    const enqueued: string[] = [];
    /** Answers the requests for links, like the job. */
    const answer = async () => {
      const { editors, publicUrl } = app.config;
      const onSignInLink = (token: string) => links.push(`${publicUrl}/editor/sign-in/${token}`);
      enqueued.push(...(await answerRequests(app.db, app.keys, { editors, onSignInLink })).mailIds);
    };
    const desk = deskOf(app);
    const server = await createServer({
      db: app.db,
      keys: app.keys,
      site: { ...config, postalAddress: config.mail.postalAddress, replyTo: config.mail.replyTo },
      outbox: null,
      ...(secrets.apiToken === undefined ? {} : { apiToken: secrets.apiToken }),
      signUp: signUpParts(app.database.queuePool()),
      enqueueMail: (mailId) => enqueued.push(mailId),
      onErased: () => void app.queue.enqueue('clean_outbox', {}),
      clock: app.clock,
      // A test that needs a network of its own names it like a proxy.
      trustProxy: ['127.0.0.1'],
      // A page waits for the checks, however busy this machine is.
      desk: desk && { ...desk, checksWaitMs: 120_000 },
      publish: config.publish,
      contents: contentActions(app),
      ready: async () => {},
      logger: false,
    });
    lifetime.defer(() => server.close());
    const visitor = () => createVisitor(server, answer);
    return {
      app,
      server,
      links,
      enqueued,
      answer,
      visitor,
      async compose(comparisons = WEEK) {
        await saveComparisons(app.db, comparisons);
        return draft(app, await slotToCompose(app));
      },
      async addReaders(emails, topics = []) {
        const confirmedAt = new Date('2026-11-01T00:00:00Z');
        const rows = emails.map((email) => ({
          email,
          key: email,
          status: 'active' as const,
          topics,
          timezone: null,
          confirmedAt,
        }));
        await addSubscribers(app.db, rows, 'test');
      },
      async signIn(email) {
        const browser = visitor();
        await browser.post('/editor/sign-in', { email });
        await browser.post(new URL(links.at(-1) ?? '').pathname, {});
        return browser;
      },
      [Symbol.asyncDispose]: () => lifetime[Symbol.asyncDispose](),
    };
  } catch (error) {
    await lifetime[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * A desk for all tests of a group, with a publisher and an editor who have signed in; removed after the last.
 * @param use gets it before the first test.
 */
export function deskForAll(
  newDatabase: NewDeskDatabase,
  use: (opened: { desk: TestDesk; chief: Visitor; editor: Visitor }) => unknown,
  env: Record<string, string> = {},
): void {
  let desk: TestDesk | undefined;
  beforeAll(async () => {
    desk = await openDesk(env, newDatabase);
    await use({ desk, chief: await desk.signIn(CHIEF), editor: await desk.signIn(EDITOR) });
  });
  afterAll(() => desk?.[Symbol.asyncDispose]());
}

/** An editor's actions on the desk's draft and views of it; evaluated when used. */
export function draftAt(opened: () => { desk: TestDesk; issue: Issue }) {
  const fresh = async () => {
    const { desk, issue } = opened();
    const found = await findIssue(desk.app.db, { id: issue.id });
    if (found === undefined) throw new Error('no issue');
    return found;
  };
  return {
    fresh,
    slugs: async () => (await fresh()).plan?.comparisons.map((each) => each.comparison.slug),
    edit: async (visitor: Visitor, form: Record<string, string | string[]>, revision?: number) =>
      visitor.post(`/editor/issues/${opened().issue.slug}/edit`, {
        revision: String(revision ?? (await fresh()).revision),
        ...form,
      }),
    lastAction: async () => (await listAudit(opened().desk.app.db, { limit: 1 }))[0],
  };
}

/** @param answer is called when a link was requested. */
function createVisitor(server: FastifyInstance, answer: () => Promise<void>): Visitor {
  const cookies = new Map<string, string>();
  const keep = (answer: Answer): Answer => {
    for (const { name, value, maxAge } of answer.cookies) {
      if (maxAge === 0) cookies.delete(name);
      else cookies.set(name, value);
    }
    return answer;
  };
  const cookie = () => [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const get: Visitor['get'] = async (url, headers = {}) =>
    keep(await server.inject({ url, headers: { accept: 'text/html', cookie: cookie(), ...headers } }));
  const csrf = async () => {
    // An editor with a passkey is sent to the page for it.
    const page = await get('/editor/log');
    const there = page.statusCode === 303 ? await get(page.headers.location ?? '') : page;
    return /name="csrf" value="([^"]+)"/.exec(there.body)?.[1] ?? '';
  };
  return {
    cookies,
    get,
    csrf,
    async put(url, headers = { 'sec-fetch-site': 'same-origin' }) {
      return keep(await server.inject({ method: 'PUT', url, headers: { cookie: cookie(), ...headers } }));
    },
    async post(url, form, headers = {}) {
      const token = 'csrf' in form || !hasSession(cookies) ? {} : { csrf: await csrf() };
      const fields = Object.entries({ ...token, ...form }).flatMap(([name, value]) =>
        [value].flat().map((each): [string, string] => [name, each]),
      );
      const answered = keep(
        await server.inject({
          method: 'POST',
          url,
          payload: new URLSearchParams(fields).toString(),
          headers: {
            'content-type': 'application/x-www-form-urlencoded',
            accept: 'text/html',
            'sec-fetch-site': 'same-origin',
            cookie: cookie(),
            ...headers,
          },
        }),
      );
      if (url === '/editor/sign-in') await answer();
      return answered;
    },
  };
}

function hasSession(cookies: Map<string, string>): boolean {
  return cookies.has('__Host-desk') || cookies.has('desk');
}

const writing = { category: 'Writing' };

/** Four comparisons, the most disputed first: the expected order is the order here. */
export const WEEK = [
  comparison('orca-vs-hedge', tool('Orca', 50), tool('Hedge', 50)),
  comparison('moth-vs-lamp', tool('Moth', 60, writing), tool('Lamp', 25, writing)),
  comparison('pike-vs-perch', tool('Pike', 75), tool('Perch', 100)),
  comparison('reed-vs-rush', tool('Reed', 100, writing), tool('Rush', 0, writing)),
];

/** Hostile content of other people's pages, all of it at once. */
const ATTACKS =
  '<script>window.hit=1</script><img src=x onerror="window.hit=1"></style><style>*{display:none}</style>' +
  '"><a href="javascript:window.hit=1">x</a> {{subject}} https://placeholder.invalid/unsubscribe evil\u202Egnp.exe zero\u200bwidth';

export const HOSTILE = comparison(
  'trap-vs-snare',
  tool(`Trap ${ATTACKS.slice(0, 60)}`, 50, {
    tagline: ATTACKS.slice(0, 200),
    description: ATTACKS.repeat(8),
  }),
  tool('Snare', 50, { entryPrice: '"><b onclick=alert(1)>', description: 'x'.repeat(3_900) }),
);
