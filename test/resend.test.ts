import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createEmulator } from 'emulate';
import fc from 'fast-check';
import { Resend } from 'resend';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { start } from './helpers/processes.ts';
import {
  eventsOf,
  FAULTS,
  type FaultName,
  type LocalResend,
  type LocalResendOptions,
  randomFaults,
  signHeaders,
  startResend,
} from './resend/index.ts';

const FROM = 'Weekly Verdicts <digest@verdicts.example>';
let open: AsyncDisposable[] = [];
let local: LocalResend;
let now: Date;

beforeEach(async () => {
  now = new Date('2026-11-24T09:00:00.400Z');
  local = await begin();
});
afterEach(async () => {
  for (const each of open) await each[Symbol.asyncDispose]();
  open = [];
});

async function begin(options: LocalResendOptions = {}): Promise<LocalResend> {
  const started = await startResend({ clock: () => now, ratePerSecond: 1_000, ...options });
  open.push(started);
  return started;
}

const sdk = (to: { url: string } = local, key = 're_local') => new Resend(key, { baseUrl: to.url });

const email = (to: string, more: Record<string, unknown> = {}) => ({
  from: FROM,
  to: [to],
  subject: 'Ship Inkwell over Ferret',
  html: `<p>For ${to}</p>`,
  text: `For ${to}`,
  ...more,
});

const emails = (count: number) =>
  Array.from({ length: count }, (_, index) => email(`reader-${index}@readers.example`));

/** A request as bytes: what the SDK would not let out, or not let in. */
async function post(
  body: unknown,
  headers: Record<string, string> = {},
  to: { url: string } = local,
  route = '/emails/batch',
) {
  const response = await fetch(`${to.url}${route}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { authorization: 'Bearer re_local', 'content-type': 'application/json', ...headers },
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: () => JSON.parse(text) };
}

describe('both the local Resend and an independent emulator', () => {
  const homes: Record<string, () => Promise<{ url: string }>> = {
    'the local Resend': async () => local,
    'emulate 0.12.2': async () => {
      const emulator = await createEmulator({ service: 'resend', port: 0 });
      open.push({ [Symbol.asyncDispose]: () => emulator.close() });
      return emulator;
    },
  };

  describe.each(Object.entries(homes))('%s', (_name, home) => {
    it('takes one message and shows it again', async () => {
      const resend = sdk(await home());
      const { data, error } = await resend.emails.send({
        from: FROM,
        to: 'one@readers.example',
        subject: 'Ship it',
        html: '<p>Ship it</p>',
        headers: { 'X-Entity-Ref-ID': '2026-11-24' },
        tags: [{ name: 'delivery', value: 'd-1' }],
      });
      expect(error).toBeNull();
      expect(await resend.emails.get(data?.id ?? '')).toMatchObject({
        data: {
          id: data?.id,
          to: ['one@readers.example'],
          subject: 'Ship it',
          tags: [{ name: 'delivery', value: 'd-1' }],
        },
      });
    });

    it('takes a hundred under a key, in order, and answers a replay as it answered first', async () => {
      const resend = sdk(await home());
      const first = await resend.batch.send(emails(100), { idempotencyKey: 'batch/1/r1' });
      expect(first.error).toBeNull();
      const ids = first.data?.data.map(({ id }) => id) ?? [];
      expect(new Set(ids).size).toBe(100);
      const last = await resend.emails.get(ids[99] ?? '');
      expect(last.data?.to).toEqual(['reader-99@readers.example']);
      const again = await resend.batch.send(emails(100), { idempotencyKey: 'batch/1/r1' });
      expect(again.data).toEqual(first.data);
    });

    it('refuses other bytes under a key that was used', async () => {
      const resend = sdk(await home());
      await resend.batch.send(emails(2), { idempotencyKey: 'batch/2/r1' });
      const { error } = await resend.batch.send(emails(3), { idempotencyKey: 'batch/2/r1' });
      expect(error).toMatchObject({ statusCode: 409, name: 'invalid_idempotent_request' });
    });

    it('refuses a key that is too long, a hundred and one messages, and a batch with one fault', async () => {
      const resend = sdk(await home());
      const long = await resend.batch.send(emails(1), { idempotencyKey: 'k'.repeat(257) });
      expect(long.error).toMatchObject({ statusCode: 400, name: 'invalid_idempotency_key' });
      expect((await resend.batch.send(emails(101))).error).toMatchObject({ statusCode: 422 });
      const bad = await resend.batch.send([...emails(2), { from: FROM, subject: 'x', html: 'x' } as never]);
      expect(bad.error).toMatchObject({ statusCode: 422 });
    });
  });
});

describe('a request', () => {
  it('needs an agent, a key that is good, and one that may do this', async () => {
    const limited = await begin({ apiKeys: ['re_all', 're_send'], sendingOnly: ['re_send'] });
    const noAgent = await fetchBare(limited.port);
    expect(noAgent).toMatchObject({ status: 403, body: 'error code: 1010' });
    const named = async (headers: Record<string, string>) =>
      (await post(emails(1), { authorization: '', ...headers }, limited)).body();
    expect(await named({})).toMatchObject({ statusCode: 401, name: 'missing_api_key' });
    expect(await named({ authorization: 'Bearer re_none' })).toMatchObject({
      statusCode: 403,
      name: 'invalid_api_key',
    });
    const sender = sdk(limited, 're_send');
    expect((await sender.emails.send(email('a@readers.example'))).error).toBeNull();
    expect((await sender.emails.list()).error).toMatchObject({
      statusCode: 401,
      name: 'restricted_api_key',
    });
  });

  it('meets 404, 405 and, from the edge, 413', async () => {
    const small = await begin({ maxRequestBytes: 2_000 });
    expect(await post(emails(1), {}, small, '/nowhere')).toMatchObject({ status: 404 });
    const get = await fetch(`${small.url}/emails/batch`, {
      headers: { authorization: 'Bearer re_local', 'user-agent': 'test' },
    });
    expect(await get.json()).toMatchObject({ statusCode: 405, name: 'method_not_allowed' });
    const big = await post(emails(40), {}, small);
    expect([big.status, big.headers.get('content-type')]).toEqual([413, 'text/html']);
  });

  it('is one of so many a second, and is told how many are left', async () => {
    const slow = await begin({ ratePerSecond: 2 });
    const answers = [await post(emails(1), {}, slow), await post(emails(1), {}, slow)];
    expect(answers.map(({ headers }) => headers.get('ratelimit-remaining'))).toEqual(['1', '0']);
    const refused = await post(emails(1), {}, slow);
    expect(refused.body()).toMatchObject({ statusCode: 429, name: 'rate_limit_exceeded' });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.headers.get('ratelimit-policy')).toBe('2;w=1');
    now = new Date(now.getTime() + 1_000);
    expect((await post(emails(1), {}, slow)).status).toBe(200);
    expect(slow.total).toBe(3);
  });

  it('counts every recipient against the quotas, which have names and a day and a month', async () => {
    const free = await begin({ dailyQuota: 5, monthlyQuota: 8 });
    const first = await post([email('a@readers.example', { cc: 'b@readers.example' })], {}, free);
    expect(first.headers.get('x-resend-daily-quota')).toBe('2');
    expect((await post(emails(4), {}, free)).body()).toMatchObject({ name: 'daily_quota_exceeded' });
    expect((await post(emails(3), {}, free)).status).toBe(200);
    now = new Date('2026-11-25T00:00:00Z');
    expect((await post(emails(4), {}, free)).body()).toMatchObject({ name: 'monthly_quota_exceeded' });
    const last = await post(emails(3), {}, free);
    expect(last.headers.get('x-resend-monthly-quota')).toBe('8');
    expect(free.total).toBe(8);
  });
});

describe('a message', () => {
  const of = async (item: unknown) => {
    const { status, body } = await post(item, {}, local, '/emails');
    return status === 200 ? 'taken' : body().name;
  };

  it.each<[string, Record<string, unknown>, string]>([
    ['without a sender', { from: undefined }, 'missing_required_field'],
    ['with a sender that is no address', { from: 'Weekly Verdicts' }, 'validation_error'],
    ['without a recipient', { to: undefined }, 'missing_required_field'],
    ['with two recipients in one string', { to: 'a@x.example, b@x.example' }, 'validation_error'],
    ['with 51 recipients', { to: Array(51).fill('a@x.example') }, 'validation_error'],
    ['to example.com', { to: 'a@example.com' }, 'validation_error'],
    ['to a subdomain of it', { to: 'a@mail.example.com' }, 'taken'],
    ['without a subject', { subject: undefined }, 'missing_required_field'],
    ['without a body', { html: undefined, text: undefined }, 'missing_required_field'],
    ['with an empty text', { text: '' }, 'taken'],
    ['with a header that is no string', { headers: { 'X-A': 1 } }, 'validation_error'],
    ['with a tag of dots', { tags: [{ name: 'a', value: 'a.b' }] }, 'validation_error'],
    ['with a tag of 257', { tags: [{ name: 'a', value: 'b'.repeat(257) }] }, 'validation_error'],
    ['with 76 tags', { tags: Array(76).fill({ name: 'a', value: 'b' }) }, 'validation_error'],
    ['with a template and a body', { template: { id: 'x' } }, 'validation_error'],
  ])('%s', async (_name, more, expected) => {
    expect(await of(email('a@readers.example', more))).toBe(expected);
  });

  it('from a domain that nobody verified is a fault of the account', async () => {
    const strict = await begin({ verifiedDomains: ['ours.example'] });
    const { body } = await post(emails(2), { 'x-batch-validation': 'permissive' }, strict);
    expect(body()).toMatchObject({ statusCode: 403, name: 'validation_error' });
  });
});

describe('a batch with a bad address', () => {
  const mixed = () => [email('a@readers.example'), email('nobody'), email('b@readers.example'), email('')];

  it('is refused whole in strict mode', async () => {
    expect((await post(mixed())).body()).toMatchObject({ statusCode: 422, name: 'validation_error' });
    expect(local.total).toBe(0);
  });

  it('is taken in part in permissive mode: ids without holes, faults by index', async () => {
    const { data, error } = await sdk().batch.send(mixed(), { batchValidation: 'permissive' });
    expect(error).toBeNull();
    expect(data?.errors.map(({ index }) => index)).toEqual([1, 3]);
    expect(data?.data.map(({ id }) => id)).toEqual(local.accepted().map(({ id }) => id));
    expect(local.accepted().map(({ position, to }) => [position, to])).toEqual([
      [0, 'a@readers.example'],
      [2, 'b@readers.example'],
    ]);
  });

  it('is no batch without an array, or with nothing in it', async () => {
    expect((await post({ emails: emails(1) })).body().message).toContain('must be an array');
    expect((await post([])).status).toBe(422);
    expect((await post('[{')).status).toBe(400);
  });
});

describe('an idempotency key', () => {
  const send = (body: unknown, key: string, route = '/emails/batch') =>
    post(body, { 'idempotency-key': key }, local, route);

  it('stands for its bytes, not for what they mean', async () => {
    const first = await send(emails(2), 'k');
    expect((await send(emails(2), 'k')).text).toBe(first.text);
    const spaced = await send(JSON.stringify(emails(2), null, 1), 'k');
    expect(spaced.body()).toMatchObject({ statusCode: 409, name: 'invalid_idempotent_request' });
    expect(local.total).toBe(2);
  });

  it('is forgotten after 24 hours: then the same request mails again', async () => {
    await send(emails(1), 'k');
    now = new Date(now.getTime() + 24 * 3_600_000 - 1);
    await send(emails(1), 'k');
    expect(local.copies('reader-0@readers.example')).toBe(1);
    now = new Date(now.getTime() + 1);
    await send(emails(1), 'k');
    expect(local.copies('reader-0@readers.example')).toBe(2);
  });

  it('of one endpoint is another at the other', async () => {
    await send(emails(1), 'k');
    expect((await send(email('a@readers.example'), 'k', '/emails')).status).toBe(200);
    expect((await send(email('a@readers.example'), '', '/emails')).body().name).toBe(
      'invalid_idempotency_key',
    );
  });

  it('does not remember a refusal', async () => {
    local.plan('500');
    expect((await send(emails(1), 'k')).status).toBe(500);
    expect((await send(emails(2), 'k')).status).toBe(200);
  });

  it('that is still being worked on answers so, and with the result afterwards', async () => {
    local.plan({ kind: 'slow', ms: 300 });
    const first = send(emails(2), 'k');
    await expect.poll(() => local.requests.length).toBe(1);
    expect((await send(emails(2), 'k')).body()).toMatchObject({
      statusCode: 409,
      name: 'concurrent_idempotent_requests',
    });
    const answer = await first;
    expect((await send(emails(2), 'k')).text).toBe(answer.text);
    expect(local.total).toBe(2);
  });
});

describe('a planned fault', () => {
  /** Accepted or not, and what the SDK makes of the answer. */
  const met = async (name: FaultName) => {
    local.plan(name);
    const signal = AbortSignal.timeout(1_000);
    const { data, error, headers } = await sdk().batch.send(emails(4), {
      idempotencyKey: `fault/${name}`,
      batchValidation: 'permissive',
      signal,
    });
    return { accepted: local.total, ids: data?.data?.length, errors: data?.errors?.length, error, headers };
  };

  it.each<[FaultName, number | null, string | undefined]>([
    ['429', 429, 'rate_limit_exceeded'],
    ['daily-quota', 429, 'daily_quota_exceeded'],
    ['monthly-quota', 429, 'monthly_quota_exceeded'],
    ['403-domain', 403, 'validation_error'],
    ['413', 413, 'application_error'],
    ['500', 500, 'application_error'],
    ['500-empty', 500, 'application_error'],
    ['502-html', 502, 'application_error'],
    ['503', 503, 'service_unavailable'],
    ['reset-before', null, 'application_error'],
    ['hang-before', null, 'application_error'],
    ['concurrent', 409, 'concurrent_idempotent_requests'],
  ])('%s: nothing was accepted', async (name, statusCode, error) => {
    expect(await met(name)).toMatchObject({ accepted: 0, error: { statusCode, name: error } });
  });

  it.each<[FaultName, number | null | undefined]>([
    ['500-accepted', 500],
    ['502-accepted', 502],
    ['504-accepted', 504],
    ['reset-after', null],
    ['hang-after', null],
    ['truncated', null],
    ['html-in-200', null],
  ])('%s: all was accepted, and a replay says so', async (name, statusCode) => {
    expect(await met(name)).toMatchObject({ accepted: 4, error: { statusCode } });
    const { accepted, ids } = await metAgain(name);
    expect({ accepted, ids }).toEqual({ accepted: 4, ids: 4 });
  });

  const metAgain = async (name: FaultName) => {
    local.calm();
    const { data } = await sdk().batch.send(emails(4), {
      idempotencyKey: `fault/${name}`,
      batchValidation: 'permissive',
    });
    return { accepted: local.total, ids: data?.data.length };
  };

  it('short, reordered, duplicated and error-in-200 are answers that nobody promised', async () => {
    expect(await met('short')).toMatchObject({ accepted: 4, ids: 3, error: null });
    const inOrder = () => local.accepted().map(({ id }) => id);
    local.plan('reordered');
    const { data } = await sdk().batch.send(emails(4));
    expect(data?.data.map(({ id }) => id)).toEqual(inOrder().slice(4).reverse());
    local.plan('duplicated');
    const twice = await sdk().batch.send(emails(4));
    expect(new Set(twice.data?.data.map(({ id }) => id)).size).toBe(1);
    local.plan('error-in-200');
    expect(await sdk().batch.send(emails(4))).toMatchObject({ data: { name: 'application_error' } });
    expect(local.total).toBe(16);
  });

  it('half: every second message is refused as a bad address is', async () => {
    expect(await met('half')).toMatchObject({ accepted: 2, ids: 2, errors: 2, error: null });
  });

  it('says when to come back, in seconds or as a date', async () => {
    expect((await met('429-retry-after')).headers?.['retry-after']).toBe('1');
    expect((await met('429-retry-date')).headers?.['retry-after']).toBe('Tue, 24 Nov 2026 09:00:01 GMT');
    expect((await met('429')).headers?.['retry-after']).toBeUndefined();
  });

  it('is drawn by its seed, the same every time', () => {
    const names = Object.keys(FAULTS) as FaultName[];
    const drawn = (seed: number) => {
      const planner = randomFaults(seed, 0.4, names);
      return Array.from({ length: 200 }, () => planner({ path: '/emails', key: null, attempt: 1 }) ?? null);
    };
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        expect(drawn(seed)).toEqual(drawn(seed));
      }),
    );
    expect(drawn(1)).not.toEqual(drawn(2));
    expect(drawn(3).filter((fault) => fault !== null).length).toBeGreaterThan(40);
  });
});

describe('what was accepted', () => {
  it('is known by address, delivery, position and body', async () => {
    const tags = [{ name: 'delivery', value: 'd-7' }];
    await post([email('A@Readers.example', { tags })], { 'idempotency-key': 'k' });
    expect(local.accepted()).toEqual([
      expect.objectContaining({ key: 'k', position: 0, to: 'a@readers.example', deliveryId: 'd-7' }),
    ]);
    expect(local.copies('Reader <a@readers.EXAMPLE>')).toBe(1);
    const asked = await fetch(`${local.url}/_oracle?to=a@readers.example`, { headers: {} });
    expect(await asked.json()).toEqual({ copies: 1 });
  });

  it('and what is remembered of its key survive a restart', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'wv-resend-'));
    open.push({ [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true }) });
    const file = path.join(folder, 'accepted.jsonl');
    const before = await begin({ file });
    const first = await post(emails(3), { 'idempotency-key': 'k' }, before);
    await before[Symbol.asyncDispose]();
    const after = await begin({ file });
    expect(after.accepted()).toHaveLength(3);
    expect((await post(emails(3), { 'idempotency-key': 'k' }, after)).text).toBe(first.text);
    expect(after.copies('reader-2@readers.example')).toBe(1);
  });

  it('is counted without reading it when only recipients are recorded, to the same figures', async () => {
    const quick = await begin({ record: 'recipients' });
    const tricky = [
      email('a@readers.example', { html: '"},{"to":"nobody@readers.example",\n"to":"x' }),
      { to: 'First <first@readers.example>', from: FROM, subject: 's', text: 't' },
    ];
    for (const to of [quick, local]) {
      const answer = await post(tricky, { 'idempotency-key': 'k' }, to);
      expect(answer.body().data).toHaveLength(2);
      expect((await post(tricky, { 'idempotency-key': 'k' }, to)).text).toBe(answer.text);
      expect(to.total).toBe(2);
      expect(to.copies('first@readers.example')).toBe(1);
      expect(to.copies('nobody@readers.example')).toBe(0);
    }
    await post(JSON.stringify(emails(2), null, 2), {}, quick);
    expect(quick.copies('reader-1@readers.example')).toBe(1);
  });
});

/** An address that events are posted to; `answer` decides how each post is answered. */
async function listener(answer: (count: number) => number = () => 200) {
  const posts: { headers: IncomingHttpHeaders; body: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    posts.push({ headers: request.headers, body });
    response.writeHead(answer(posts.length)).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  open.push({ [Symbol.asyncDispose]: close });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/resend`, posts };
}

describe('events', () => {
  const SECRETS = ['first', 'second'].map((text) => `whsec_${Buffer.from(text).toString('base64')}`);
  const typesOf = (posts: { body: string }[]) => posts.map(({ body }) => JSON.parse(body).type);

  it('are signed so that the SDK takes them, under both secrets while one is rotated', async () => {
    const { url, posts } = await listener();
    const resend = await begin({ webhook: { url, secrets: SECRETS } });
    const tags = [{ name: 'delivery', value: 'd-1' }];
    await post([email('a@readers.example', { tags })], {}, resend);
    await resend.webhooks.idle();
    expect(posts).toHaveLength(2);
    for (const { headers, body } of posts) {
      for (const webhookSecret of SECRETS) {
        const verified = sdk().webhooks.verify({
          payload: body,
          headers: {
            id: String(headers['svix-id']),
            timestamp: String(headers['svix-timestamp']),
            signature: String(headers['svix-signature']),
          },
          webhookSecret,
        });
        expect(verified).toMatchObject({
          data: {
            email_id: resend.accepted()[0]?.id,
            to: ['a@readers.example'],
            tags: { delivery: 'd-1' },
          },
        });
      }
    }
    expect(() =>
      sdk().webhooks.verify({
        payload: `${posts[0]?.body} `,
        headers: {
          id: String(posts[0]?.headers['svix-id']),
          timestamp: String(posts[0]?.headers['svix-timestamp']),
          signature: String(posts[0]?.headers['svix-signature']),
        },
        webhookSecret: SECRETS[0] ?? '',
      }),
    ).toThrow();
    expect(signHeaders('{}', { id: 'msg_1', timestamp: 1, secrets: [] })).toMatchObject({
      'svix-signature': '',
    });
  });

  it('say what became of the test recipients, and of everybody a rule is about', async () => {
    const { url, posts } = await listener();
    const resend = await begin({
      webhook: { url, secrets: SECRETS, concurrency: 1 },
      fate: (to) => (to.startsWith('full@') ? 'soft-bounced' : undefined),
    });
    const told = async (to: string) => {
      posts.length = 0;
      await post([email(to)], {}, resend);
      await resend.webhooks.idle();
      return typesOf(posts);
    };
    expect(await told('delivered+x@resend.dev')).toEqual(['email.sent', 'email.delivered']);
    expect(await told('bounced@resend.dev')).toEqual(['email.sent', 'email.bounced', 'suppression.added']);
    expect(await told('bounced@resend.dev')).toEqual(['email.suppressed']);
    expect(await told('complained@resend.dev')).toEqual([
      'email.sent',
      'email.delivered',
      'email.complained',
      'suppression.added',
    ]);
    expect(await told('suppressed@resend.dev')).toEqual(['email.suppressed']);
    expect(await told('full@readers.example')).toEqual(['email.sent', 'email.bounced']);
    const bounce = posts.map(({ body }) => JSON.parse(body)).find(({ type }) => type === 'email.bounced');
    expect(bounce.data.bounce).toMatchObject({ type: 'Transient', subType: 'MailboxFull' });
    expect(await told('full@readers.example')).toEqual(['email.sent', 'email.bounced']);
  });

  it('are tried again under the same id until they are taken, and given up after the schedule', async () => {
    const { url, posts } = await listener((count) => (count <= 2 ? 503 : 200));
    const resend = await begin({ webhook: { url, secrets: SECRETS, schedule: [0, 5, 5] } });
    const message = { ...anyMessage, acceptedAt: now.toISOString() };
    const id = resend.emit(message, 'email.delivered');
    await resend.webhooks.idle();
    expect(posts.map(({ headers }) => headers['svix-id'])).toEqual([id, id, id]);
    expect(resend.webhooks.counts).toEqual({ delivered: 1, failed: 2, abandoned: 0 });

    const deaf = await listener(() => 500);
    resend.webhooks.configure({ url: deaf.url, secrets: SECRETS, schedule: [0, 5] });
    resend.emit(message, 'email.opened');
    await resend.webhooks.idle();
    expect(deaf.posts).toHaveLength(2);
    expect(resend.webhooks.counts.abandoned).toBe(1);
  });

  it('come twice and in no order when asked', async () => {
    const { url, posts } = await listener();
    const resend = await begin({
      webhook: { url, secrets: SECRETS, disorder: { seed: 5, duplicates: 0.3 }, concurrency: 1 },
    });
    resend.webhooks.hold();
    await post(emails(50), {}, resend);
    resend.webhooks.release();
    await resend.webhooks.idle();
    const ids = posts.map(({ headers }) => headers['svix-id']);
    expect(new Set(ids).size).toBe(100);
    expect(ids.length).toBeGreaterThan(110);
    const at = (type: string, to: string) =>
      posts.findIndex(({ body }) => body.includes(`"${type}"`) && body.includes(`"${to}"`));
    const early = emails(50).filter(({ to: [to = ''] }) => at('email.delivered', to) < at('email.sent', to));
    expect(early.length, 'delivered before it was sent').toBeGreaterThan(5);
  });

  it('of one message are each later than the last', () => {
    for (const fate of ['delivered', 'delayed', 'complained'] as const) {
      const times = eventsOf(anyMessage, fate).map(({ created_at }) => created_at);
      expect(times).toEqual([...new Set(times)].sort());
    }
  });

  const anyMessage = {
    id: '00000000-0000-4000-8000-000000000001',
    key: null,
    position: 0,
    to: 'a@readers.example',
    others: [],
    deliveryId: null,
    tags: [],
    from: FROM,
    subject: 's',
    sha256: '',
    arrivedAt: '2026-11-24T09:00:00.000Z',
    acceptedAt: '2026-11-24T09:00:00.000Z',
  };
});

describe('the suppression list', () => {
  it('is read and written through the SDK', async () => {
    const { suppressions } = sdk();
    const added = await suppressions.add({ email: 'a@readers.example' });
    await suppressions.batch.add({ emails: ['b@readers.example', 'c@readers.example'] });
    const list = await suppressions.list({ limit: 2, origin: 'manual' });
    expect(list.data?.data.map(({ email: each }) => each)).toEqual([
      'c@readers.example',
      'b@readers.example',
    ]);
    expect(list.data?.has_more).toBe(true);
    expect((await suppressions.get('A@readers.example')).data?.id).toBe(added.data?.id);
    expect((await suppressions.remove(added.data?.id ?? '')).data?.deleted).toBe(true);
    expect((await suppressions.get('a@readers.example')).error?.name).toBe('not_found');
    const removed = await suppressions.batch.remove({ emails: ['b@readers.example', 'z@readers.example'] });
    expect(removed.data?.data).toHaveLength(1);
    expect(local.suppressions.list().map(({ email: each }) => each)).toEqual(['c@readers.example']);
  });
});

it('pages through what was sent, newest first', async () => {
  await post(emails(5));
  const ids = local.accepted().map(({ id }) => id);
  const first = await sdk().emails.list({ limit: 2 });
  expect(first.data?.data.map(({ id }) => id)).toEqual([ids[4], ids[3]]);
  expect(first.data?.has_more).toBe(true);
  const rest = await sdk().emails.list({ limit: 3, after: ids[3] ?? '' });
  expect(rest.data?.data.map(({ id }) => id)).toEqual([ids[2], ids[1], ids[0]]);
  expect(rest.data?.has_more).toBe(false);
});

it('runs from the command line, and says what to set', async () => {
  await using child = start('test/resend/cli.ts', ['--port', '0', '--faults', '500', '--share', '1']);
  const said = await child.says('Ctrl-C');
  const url = /RESEND_BASE_URL=(\S+)/u.exec(said)?.[1] ?? '';
  expect((await post(emails(1), {}, { url })).status).toBe(500);
  await fetch(`${url}/_oracle/calm`, { method: 'POST' });
  expect((await post(emails(1), {}, { url })).status).toBe(200);
  child.kill('SIGTERM');
  const { code, stdout } = await child.ended;
  expect(code).toBe(0);
  expect(stdout).toContain('accepted 1, in 2 requests');
});

/** `fetch` always names an agent, so this one is written by hand. */
async function fetchBare(port: number): Promise<{ status: number; body: string }> {
  const { connect } = await import('node:net');
  const socket = connect(port, '127.0.0.1');
  socket.write('POST /emails HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}');
  let text = '';
  for await (const chunk of socket) text += chunk;
  return { status: Number(text.split(' ')[1]), body: text.slice(text.indexOf('\r\n\r\n') + 4) };
}
