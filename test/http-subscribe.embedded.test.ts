import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { load } from 'cheerio';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { type RawNode, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { turnstile } from '../src/http/index.ts';
import { addSubscribers, answerSignUps, stampForm } from '../src/subscribers/index.ts';
import { openSite, type TestSite } from './helpers/site.ts';

/** What `/subscribe` takes, what it refuses, and what it never tells. */

let site: TestSite;
let app: FastifyInstance;
beforeAll(async () => {
  site = await openSite();
  app = await site.serve({
    signUp: { ...site.signUp, checkDomain: async (domain) => (domain === 'no-mail.example' ? 'no' : 'yes') },
  });
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

let networks = 0;
const network = () => {
  networks += 1;
  return `10.0.${networks >> 8}.${networks & 255}`;
};
const stamp = () => stampForm(site.keys, new Date(Date.now() - 60_000));
const post = (more: InjectOptions, server = app) =>
  server.inject({ method: 'POST', url: '/subscribe', remoteAddress: network(), ...more });
const json = (fields: object, more: InjectOptions = {}, server = app) =>
  post({ payload: { stamp: stamp(), ...fields }, ...more }, server);
const waiting = () => site.db.selectFrom('sign_ups').selectAll().orderBy('created_at').execute();
const clear = () => sql`delete from sign_ups`.execute(site.db);

describe('an address', () => {
  it.each([
    ['reader@example.org', 'reader@example.org'],
    ['  Reader+Tag@Example.ORG ', 'Reader+Tag@example.org'],
    ['mail@bücher.example', 'mail@xn--bcher-kva.example'],
    ['mail@почта.рф', 'mail@xn--80a1acny.xn--p1ai'],
    ['mail@example。org', 'mail@example.org'],
    ['postmaster@example.org', 'postmaster@example.org'],
    [`${'a'.repeat(64)}@example.org`, `${'a'.repeat(64)}@example.org`],
  ])('%j is taken', async (email, taken) => {
    await clear();
    const answer = await json({ email });
    expect([answer.statusCode, answer.json()]).toEqual([202, { status: 'check_your_inbox' }]);
    expect((await waiting()).map((row) => row.email)).toEqual([taken]);
  });

  it.each([
    ['', 'required'],
    ['   ', 'required'],
    ['reader', 'invalid_address'],
    ['@example.org', 'invalid_address'],
    ['reader@', 'invalid_address'],
    ['reader@localhost', 'invalid_address'],
    ['a..b@example.org', 'invalid_address'],
    ['.a@example.org', 'invalid_address'],
    ['"quoted local"@example.org', 'invalid_address'],
    ['"quoted"@example.org', 'invalid_address'],
    ['reader@[192.0.2.1]', 'invalid_address'],
    ['Name <reader@example.org>', 'invalid_address'],
    ['a@example.org,b@example.org', 'invalid_address'],
    ['a@example.org;b@example.org', 'invalid_address'],
    ['a@example.org b@example.org', 'invalid_address'],
    ['reader@example.org\r\nBcc: other@example.org', 'invalid_address'],
    ['reader@example.org%0d%0aBcc:other@example.org', 'invalid_address'],
    ['reader\u0000@example.org', 'invalid_address'],
    ['reader@exam\u200bple.org', 'invalid_address'],
    ['\u202ereader@example.org', 'invalid_address'],
    ['leser🙂@example.org', 'invalid_address'],
    ['größe@example.org', 'invalid_address'],
    ['reader@exa\ud800mple.org', 'invalid_address'],
    [`${'a'.repeat(65)}@example.org`, 'invalid_address'],
    [`${'a'.repeat(64)}@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(59)}.org`, 'invalid_address'],
    [`a@${'b'.repeat(64)}.org`, 'invalid_address'],
    ['reader@no-mail.example', 'domain_takes_no_mail'],
  ])('%j is refused, in words and for programs', async (email, code) => {
    await clear();
    const answer = await json({ email });
    expect(answer.statusCode).toBe(422);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(answer.json()).toMatchObject({
      type: 'about:blank',
      status: 422,
      instance: expect.stringMatching(/^urn:uuid:/),
      errors: [{ field: 'email', code, message: expect.stringMatching(/[.?]$/) }],
    });
    expect(await waiting()).toEqual([]);
  });

  it('that looks like a slip is taken, with a hint', async () => {
    const answer = await json({ email: 'Jane@gmial.com' });
    expect(answer.json()).toEqual({ status: 'check_your_inbox', suggestion: 'Jane@gmail.com' });
    const page = await post({
      payload: `email=jane%40gmial.com&stamp=${stamp()}`,
      headers: { ...FORM, ...BROWSER },
    });
    expect([page.statusCode, page.headers.location]).toEqual([303, '/subscribe/check-inbox?meant=gmail.com']);
    const shown = load((await app.inject({ url: String(page.headers.location), headers: BROWSER })).body);
    expect(shown('.notice strong').text()).toBe('gmail.com');
  });

  it.each(['evil.example', '<script>', 'gmail.com,evil.example', ''])(
    'a link cannot write %j on our page',
    async (meant) => {
      const page = await app.inject({ url: '/subscribe/check-inbox', query: { meant } });
      expect(page.body).toBe((await app.inject('/subscribe/check-inbox')).body);
    },
  );
});

describe('a body', () => {
  const multipart = [
    '--b',
    'Content-Disposition: form-data; name="email"',
    '',
    'multi@example.org',
    '--b',
    'Content-Disposition: form-data; name="topics"',
    '',
    'Writing',
    '--b',
    'Content-Disposition: form-data; name="topics"',
    '',
    'coding',
    '--b--',
    '',
  ].join('\r\n');

  it.each<[string, InjectOptions]>([
    ['JSON', { payload: { email: 'multi@example.org', topics: ['Writing', 'coding', 'Gambling'] } }],
    ['urlencoded', { headers: FORM, payload: 'email=multi%40example.org&topics=Writing&topics=coding' }],
    [
      'urlencoded, as PHP',
      { headers: FORM, payload: 'email=multi%40example.org&topics[]=Writing&topics[]=coding' },
    ],
    ['multipart', { headers: { 'content-type': 'multipart/form-data; boundary=b' }, payload: multipart }],
  ])('in %s says the same', async (_name, more) => {
    await clear();
    expect((await post(more)).statusCode).toBe(202);
    expect(await waiting()).toMatchObject([{ email: 'multi@example.org', topics: ['Coding', 'Writing'] }]);
  });

  it('may say more than we ask for; what makes no sense counts as not given', async () => {
    await clear();
    const fields = { email: 'odd@example.org', timezone: 'Mars/Base', source: 'a\u0000b', isAdmin: true };
    expect((await json(fields)).statusCode).toBe(202);
    expect(await waiting()).toMatchObject([{ timezone: null, source: null, topics: [] }]);
  });

  it.each<[string, InjectOptions, number, string?]>([
    [
      'two addresses',
      { headers: FORM, payload: 'email=a%40example.org&email=b%40example.org' },
      422,
      'duplicate',
    ],
    [
      'two, as PHP',
      { headers: FORM, payload: 'email=a%40example.org&email[]=b%40example.org' },
      422,
      'duplicate',
    ],
    ['a list of addresses', { payload: { email: ['a@example.org', 'b@example.org'] } }, 422, 'wrong_type'],
    ['an object', { payload: { email: { $ne: null } } }, 422, 'wrong_type'],
    ['a number', { payload: { email: 42 } }, 422, 'wrong_type'],
    ['topics of numbers', { payload: { email: 'a@example.org', topics: [1] } }, 422, 'wrong_type'],
    ['null', { payload: { email: null } }, 422, 'wrong_type'],
    ['nothing', { headers: FORM, payload: '' }, 422, 'required'],
    ['a JSON array', { headers: { 'content-type': 'application/json' }, payload: '[]' }, 400],
    ['half of JSON', { headers: { 'content-type': 'application/json' }, payload: '{"email":"a@' }, 400],
    [
      'bytes',
      { headers: { 'content-type': 'application/json' }, payload: Buffer.from([0x7b, 0xff, 0x7d]) },
      400,
    ],
    ['no body', { headers: { 'content-type': 'application/json' } }, 400],
    [
      'half of multipart',
      { headers: { 'content-type': 'multipart/form-data; boundary=b' }, payload: '--b\r\nCon' },
      422,
    ],
    ['8 kB and one', { headers: FORM, payload: `email=${'a'.repeat(8_187)}` }, 413],
    ['10 MB', { headers: FORM, payload: 'a'.repeat(10_000_000) }, 413],
    [
      '10 MB of JSON',
      { headers: { 'content-type': 'application/json' }, payload: 'a'.repeat(10_000_000) },
      413,
    ],
    ['text', { headers: { 'content-type': 'text/plain' }, payload: 'email=a@example.org' }, 415],
    ['XML', { headers: { 'content-type': 'application/xml' }, payload: '<email>a@example.org</email>' }, 415],
    ['no type', { payload: Buffer.from('email=a%40example.org') }, 415],
  ])('with %s is refused', async (_name, more, status, code) => {
    await clear();
    const answer = await post(more);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(answer.json()).toMatchObject({ status, ...(code ? { errors: [{ code }] } : {}) });
    expect(await waiting()).toEqual([]);
  });

  it.each(['PUT', 'DELETE', 'PATCH'] as const)('is not for %s', async (method) => {
    expect((await app.inject({ method, url: '/subscribe', payload: {} })).statusCode).toBe(405);
  });

  it('in a URL is nothing: a GET signs nobody up', async () => {
    await clear();
    await app.inject('/subscribe?email=a@example.org');
    expect(await waiting()).toEqual([]);
  });
});

describe('without JavaScript', () => {
  it('a browser is led to a page that can be loaded again', async () => {
    const answer = await post({
      payload: `email=jane%40example.org&stamp=${stamp()}`,
      headers: { ...FORM, ...BROWSER },
    });
    expect([answer.statusCode, answer.headers.location]).toEqual([303, '/subscribe/check-inbox']);
    const page = load((await app.inject({ url: '/subscribe/check-inbox', headers: BROWSER })).body);
    expect(page('h1').text()).toBe('Look in your inbox');
  });

  it('a mistake brings the form back, with what was typed and what is wrong', async () => {
    const answer = await post({
      payload: `email=jane%40exa+mple&topics=Writing&stamp=${stamp()}`,
      headers: { ...FORM, ...BROWSER },
    });
    expect(answer.statusCode).toBe(422);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    const page = load(answer.body);
    expect(page('input[name=email]').attr()).toMatchObject({
      value: 'jane@exa mple',
      'aria-invalid': 'true',
      'aria-describedby': 'email-fault consent',
    });
    expect(page('#email-fault').text()).toBe('This address contains a space or an invisible character.');
    expect(page('[role=alert]').attr()).toMatchObject({ tabindex: '-1', autofocus: '' });
    expect(page('[role=alert] a').attr('href')).toBe('#email');
    expect(page('input[value=Writing]').attr('checked')).toBeDefined();
    expect(page('input[value=Coding]').attr('checked')).toBeUndefined();
    expect(page('title').text()).toMatch(/^Please look again/);
  });

  it('nothing is ticked beforehand, and what is agreed to stands by the button', async () => {
    const other = await site.serve({
      signUp: { ...site.signUp, privacy: { url: 'https://site.example/privacy', version: '3' } },
    });
    const page = load((await other.inject({ url: '/subscribe', headers: BROWSER })).body);
    expect(page('input[type=checkbox]').length).toBe(3);
    expect(page('input[checked]').length).toBe(0);
    expect(page('#consent').text()).toContain('only when I confirm there does it begin');
    expect(page('#consent a').attr('href')).toBe('https://site.example/privacy');
    expect(page('input[name=email]').attr()).toMatchObject({
      type: 'email',
      autocomplete: 'email',
      inputmode: 'email',
      autocapitalize: 'none',
    });
    expect(page('input[name=website]').attr()).toMatchObject({
      tabindex: '-1',
      autocomplete: 'off',
      'aria-hidden': 'true',
    });
  });

  it.each(['/', '/comparisons', '/comparisons/inkwell-vs-ferret', '/subscribe'])(
    'the form on %s has a stamp of its own',
    async (url) => {
      const page = load((await app.inject({ url, headers: BROWSER })).body);
      const given = page('input[name=stamp]').attr('value');
      expect(page('form').attr()).toEqual({ method: 'post', action: '/subscribe' });
      expect(given).toMatch(/^[\da-z]+\.[\w-]{22}$/);
    },
  );
});

describe('nobody learns who is on the books', () => {
  const person = (email: string, status: 'pending' | 'active' | 'unsubscribed' | 'suppressed') => ({
    email,
    key: email,
    status,
    topics: [],
    timezone: null,
    confirmedAt: status === 'active' ? new Date('2026-11-01T00:00:00Z') : null,
  });

  it('the answer is the same, byte for byte, and so are the statements behind it', async () => {
    await clear();
    await addSubscribers(
      site.db,
      [
        person('pending@hidden.example', 'pending'),
        person('active@hidden.example', 'active'),
        person('unsubscribed@hidden.example', 'unsubscribed'),
        person('suppressed@hidden.example', 'suppressed'),
      ],
      'test',
    );
    await sql`insert into erased_addresses (hash) values (address_hash('erased@hidden.example'))`.execute(
      site.db,
    );
    await sql`insert into refused_inboxes (limit_key) values (address_hash('refused@hidden.example'))`.execute(
      site.db,
    );

    const statements: string[] = [];
    const db = site.db.withPlugin({
      transformQuery({ node }) {
        statements.push((node as RawNode).sqlFragments?.join('?') ?? node.kind);
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    const watched = await site.serve({ db });

    const cases: Record<string, Record<string, string>> = {
      new: { email: 'new@hidden.example' },
      pending: { email: 'pending@hidden.example' },
      active: { email: 'active@hidden.example' },
      unsubscribed: { email: 'unsubscribed@hidden.example' },
      suppressed: { email: 'suppressed@hidden.example' },
      erased: { email: 'erased@hidden.example' },
      refused: { email: 'refused@hidden.example' },
      again: { email: 'new@hidden.example' },
      disposable: { email: 'new@mailinator.com' },
      honeypot: { email: 'bot@hidden.example', website: 'https://spam.example' },
    };
    for (const headers of [{ accept: '*/*' }, BROWSER]) {
      const seen = new Map<string, string>();
      for (const [name, fields] of Object.entries(cases)) {
        statements.length = 0;
        const answer = await json({ ...fields }, { headers }, watched);
        const { date, ...rest } = answer.headers;
        seen.set(
          name,
          JSON.stringify([answer.statusCode, rest, answer.rawPayload.toString('hex'), [...statements]]),
        );
      }
      expect(new Set(seen.values()).size).toBe(1);
      expect(seen.get('new')).toContain(headers === BROWSER ? '[303,' : '[202,');
      expect(seen.get('new')).toContain('insert into sign_ups');
    }
    expect((await waiting()).map(({ email }) => email)).not.toContain('bot@hidden.example');
    await answerSignUps(site.db, site.keys);
  });

  it('two posts with one Idempotency-Key are one sign-up, as any two are', async () => {
    await clear();
    const headers = { 'idempotency-key': 'one' };
    const [first, second] = [
      await json({ email: 'idem@example.org' }, { headers }),
      await json({ email: 'idem@example.org' }, { headers }),
    ];
    expect(second.body).toBe(first.body);
    expect((await answerSignUps(site.db, site.keys)).mailIds).toHaveLength(1);
  });
});

describe('from where', () => {
  it.each<[string, Record<string, string>, number]>([
    ['our own page', { origin: 'https://verdicts.example' }, 202],
    ['our own page, without referrers', { origin: 'null', 'sec-fetch-site': 'same-origin' }, 202],
    ['a site on the list', { origin: 'https://blog.example', 'sec-fetch-site': 'cross-site' }, 202],
    ['no page', {}, 202],
    ['an old browser without referrers', { origin: 'null' }, 202],
    ['another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, 403],
    ['a subdomain', { origin: 'https://a.blog.example' }, 403],
    ['another scheme', { origin: 'http://blog.example' }, 403],
    ['another port', { origin: 'https://blog.example:8443' }, 403],
    ['a frame without an origin', { origin: 'null', 'sec-fetch-site': 'cross-site' }, 403],
    ['nonsense', { origin: 'nonsense' }, 403],
  ])('%s', async (_name, headers, status) => {
    const answer = await json({ email: 'from@example.org' }, { headers });
    expect(answer.statusCode).toBe(status);
    expect(answer.headers.vary).toContain('Origin');
    const isListed = headers.origin === 'https://blog.example';
    expect(answer.headers['access-control-allow-origin']).toBe(isListed ? headers.origin : undefined);
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
  });

  it('a script of a listed site asks first, and is let; of another it is not', async () => {
    const ask = (origin: string) =>
      app.inject({
        method: 'OPTIONS',
        url: '/subscribe',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type',
        },
      });
    const [listed, other] = [await ask('https://blog.example'), await ask('https://evil.example')];
    expect(listed.headers).toMatchObject({
      'access-control-allow-origin': 'https://blog.example',
      'access-control-allow-headers': 'Content-Type, Idempotency-Key',
    });
    expect(other.headers['access-control-allow-origin']).toBeUndefined();
    expect(other.headers['access-control-allow-headers']).toBeUndefined();
  });

  it('a script can ask what a form needs', async () => {
    const answer = await app.inject({ url: '/subscribe', headers: { accept: 'application/json' } });
    expect(answer.json()).toMatchObject({
      stamp: expect.stringMatching(/\./),
      consent: expect.stringContaining('Weekly AI Tool Verdicts'),
      topics: ['Audio & Music', 'Coding', 'Writing'],
    });
  });
});

describe('how often', () => {
  it('a network may, is said with 429 and when to come again; others are not held up', async () => {
    const from = (remoteAddress: string) => json({ email: 'often@example.org' }, { remoteAddress });
    const ours = '192.0.2.77';
    for (let time = 0; time < 10; time += 1) expect((await from(ours)).statusCode).toBe(202);
    const refused = await from(ours);
    expect(refused.statusCode).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60);
    expect((await from(`::ffff:${ours}`)).statusCode).toBe(429);
    expect((await from('192.0.2.78')).statusCode).toBe(202);
  });

  it('a /64 of IPv6 counts as one', async () => {
    const from = (remoteAddress: string) => json({ email: 'six@example.org' }, { remoteAddress });
    for (let host = 1; host <= 10; host += 1) {
      expect((await from(`2001:db8:1:1::${host}`)).statusCode).toBe(202);
    }
    expect((await from('2001:db8:1:1:ffff::9')).statusCode).toBe(429);
    expect((await from('2001:db8:1:2::1')).statusCode).toBe(202);
  });

  it('the address behind a proxy of ours counts, and what others claim does not', async () => {
    const send = (server: FastifyInstance, client: string) =>
      json(
        { email: 'proxied@example.org' },
        { remoteAddress: '10.9.9.9', headers: { 'x-forwarded-for': client } },
        server,
      );
    for (const trustProxy of [['10.0.0.0/8'], 1]) {
      const behind = await site.serve({ trustProxy });
      for (let client = 0; client < 12; client += 1) {
        expect(
          (await send(behind, `198.51.${Array.isArray(trustProxy) ? 100 : 101}.${client}`)).statusCode,
        ).toBe(202);
      }
    }
    const statuses = [];
    for (let client = 0; client < 12; client += 1) {
      statuses.push((await send(app, `198.51.102.${client}`)).statusCode);
    }
    expect(statuses).toContain(429);
  });

  it.each([
    ['without a stamp', {}],
    ['that was filled in at once', { stamp: () => stampForm(site.keys, new Date()) }],
    ['from yesterday', { stamp: () => stampForm(site.keys, new Date(Date.now() - 25 * 3_600_000)) }],
    ['of a throw-away address', { stamp, email: 'x@mailinator.com' }],
  ])(
    'a form %s is taken, and looks suspicious',
    async (_name, { stamp: made, email = 'slow@example.org' }: { stamp?: () => string; email?: string }) => {
      await clear();
      const remoteAddress = network();
      const send = () => post({ payload: { email, ...(made ? { stamp: made() } : {}) }, remoteAddress });
      for (let time = 0; time < 3; time += 1) expect((await send()).statusCode).toBe(202);
      expect((await waiting()).every((row) => row.is_suspicious)).toBe(true);
    },
  );
});

describe('the puzzle', () => {
  let vendor: Server;
  let url: string;
  const asked: URLSearchParams[] = [];
  let says: (response: string | null) => { status?: number; body: string } = () => ({ body: '{}' });

  beforeAll(async () => {
    vendor = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        const form = new URLSearchParams(body);
        asked.push(form);
        const { status = 200, body: answer } = says(form.get('response'));
        if (status === 0) request.socket.destroy();
        else response.writeHead(status, { 'content-type': 'application/json' }).end(answer);
      });
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => vendor.once('listening', resolve));
    url = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}/siteverify`;
  });
  afterAll(async () => {
    vendor.closeAllConnections();
    await new Promise((resolve) => vendor.close(resolve));
  });

  const faults: string[] = [];
  const guarded = () =>
    site.serve({
      signUp: {
        ...site.signUp,
        challenge: turnstile({ url, siteKey: 'site-key', secretKey: 'secret-key' }, (reason) =>
          faults.push(reason),
        ),
      },
    });
  const honest = (response: string | null) => ({
    body: JSON.stringify(
      response === 'solved'
        ? { success: true }
        : { success: false, 'error-codes': ['invalid-input-response'] },
    ),
  });
  const ANSWER = 'cf-turnstile-response';

  it('clears whoever solved it, however odd they look', async () => {
    says = honest;
    await clear();
    const server = await guarded();
    const remoteAddress = network();
    const answer = await post(
      { payload: { email: 'solved@mailinator.com', [ANSWER]: 'solved' }, remoteAddress },
      server,
    );
    expect(answer.statusCode).toBe(202);
    expect(await waiting()).toMatchObject([{ is_suspicious: false }]);
    expect(Object.fromEntries(asked.at(-1) ?? [])).toEqual({
      secret: 'secret-key',
      response: 'solved',
      remoteip: remoteAddress,
    });
  });

  it('must be solved by who looks odd, and makes nobody else more than a suspect', async () => {
    says = honest;
    await clear();
    const server = await guarded();
    for (const fields of [{}, { [ANSWER]: 'guessed' }]) {
      const odd = await post({ payload: { email: 'odd@example.org', ...fields } }, server);
      expect([odd.statusCode, odd.json().errors]).toMatchObject([
        422,
        [{ field: ANSWER, code: 'challenge_required' }],
      ]);
    }
    expect((await json({ email: 'no-script@example.org' }, {}, server)).statusCode).toBe(202);
    expect(await waiting()).toMatchObject([{ email: 'no-script@example.org', is_suspicious: true }]);
  });

  it.each([
    ['is down', { status: 503, body: 'sorry' }],
    ['hangs up', { status: 0, body: '' }],
    ['has a fault of its own', { body: '{"success":false,"error-codes":["internal-error"]}' }],
    ['does not know our key', { body: '{"success":false,"error-codes":["invalid-input-secret"]}' }],
    ['talks nonsense', { body: '[]' }],
  ])('turns nobody away while its vendor %s', async (_name, answer) => {
    says = () => answer;
    faults.length = 0;
    await clear();
    const server = await guarded();
    const remoteAddress = network();
    const send = () => json({ email: 'away@example.org', [ANSWER]: 'solved' }, { remoteAddress }, server);
    expect([(await send()).statusCode, (await send()).statusCode, (await send()).statusCode]).toEqual([
      202, 202, 429,
    ]);
    expect((await waiting()).every((row) => row.is_suspicious)).toBe(true);
    expect(faults.length).toBeGreaterThan(0);
    expect(faults.join()).not.toMatch(/solved|secret-key/);
  });

  it('is let in by the policy of the page, and only where there is one', async () => {
    const server = await guarded();
    const [guardedPage, plain] = [await server.inject('/'), await app.inject('/')];
    const policy = String(guardedPage.headers['content-security-policy']);
    expect(policy).toContain('script-src https://challenges.cloudflare.com;');
    expect(policy).toContain('frame-src https://challenges.cloudflare.com;');
    expect(load(guardedPage.body)('.cf-turnstile').attr('data-sitekey')).toBe('site-key');
    expect(String(plain.headers['content-security-policy'])).not.toMatch(/script-src|frame-src/);
    expect(load(plain.body)('script[src], .cf-turnstile').length).toBe(0);
  });
});
