import { describe, expect, it } from 'vitest';
import { email, emails, resendForEach } from '../helpers/local-resend.ts';
import type { LocalResend } from '../resend/index.ts';

/** What the local Resend accepts, and its error texts. */

let local: LocalResend;
const { begin, clock, pass, post, sdk } = resendForEach((started) => {
  local = started;
});

describe('a request', () => {
  it('needs a User-Agent, a valid key, and a key with the right access', async () => {
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

  it('gets 404, 405 and, from the edge, 413', async () => {
    const small = await begin({ maxRequestBytes: 2_000 });
    expect(await post(emails(1), {}, small, '/nowhere')).toMatchObject({ status: 404 });
    const get = await fetch(`${small.url}/emails/batch`, {
      headers: { authorization: 'Bearer re_local', 'user-agent': 'test' },
    });
    expect(await get.json()).toMatchObject({ statusCode: 405, name: 'method_not_allowed' });
    const big = await post(emails(40), {}, small);
    expect([big.status, big.headers.get('content-type')]).toEqual([413, 'text/html']);
  });

  it('is limited per second, and its answer says how many are left', async () => {
    const slow = await begin({ ratePerSecond: 2 });
    const answers = [await post(emails(1), {}, slow), await post(emails(1), {}, slow)];
    expect(answers.map(({ headers }) => headers.get('ratelimit-remaining'))).toEqual(['1', '0']);
    const refused = await post(emails(1), {}, slow);
    expect(refused.body()).toMatchObject({ statusCode: 429, name: 'rate_limit_exceeded' });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.headers.get('ratelimit-policy')).toBe('2;w=1');
    pass(1_000);
    expect((await post(emails(1), {}, slow)).status).toBe(200);
    expect(slow.total).toBe(3);
  });

  it('counts every recipient against the daily and the monthly quota', async () => {
    const free = await begin({ dailyQuota: 5, monthlyQuota: 8 });
    const first = await post([email('a@readers.example', { cc: 'b@readers.example' })], {}, free);
    expect(first.headers.get('x-resend-daily-quota')).toBe('2');
    expect((await post(emails(4), {}, free)).body()).toMatchObject({ name: 'daily_quota_exceeded' });
    expect((await post(emails(3), {}, free)).status).toBe(200);
    clock.now = new Date('2026-11-25T00:00:00Z');
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

  it('from an unverified domain is a fault of the account', async () => {
    const strict = await begin({ verifiedDomains: ['ours.example'] });
    const { body } = await post(emails(2), { 'x-batch-validation': 'permissive' }, strict);
    expect(body()).toMatchObject({ statusCode: 403, name: 'validation_error' });
  });
});

describe('a batch with a bad address', () => {
  const mixed = () => [email('a@readers.example'), email('nobody'), email('b@readers.example'), email('')];

  it('is refused as a whole in strict mode', async () => {
    expect((await post(mixed())).body()).toMatchObject({ statusCode: 422, name: 'validation_error' });
    expect(local.total).toBe(0);
  });

  it('is accepted in part in permissive mode: ids without gaps, errors by index', async () => {
    const { data, error } = await sdk().batch.send(mixed(), { batchValidation: 'permissive' });
    expect(error).toBeNull();
    expect(data?.errors.map(({ index }) => index)).toEqual([1, 3]);
    expect(data?.data.map(({ id }) => id)).toEqual(local.accepted().map(({ id }) => id));
    expect(local.accepted().map(({ position, to }) => [position, to])).toEqual([
      [0, 'a@readers.example'],
      [2, 'b@readers.example'],
    ]);
  });

  it('is refused when it is no array, or empty', async () => {
    expect((await post({ emails: emails(1) })).body().message).toContain('must be an array');
    expect((await post([])).status).toBe(422);
    expect((await post('[{')).status).toBe(400);
  });
});

/** `fetch` always sends a User-Agent, so this request is written by hand. */
async function fetchBare(port: number): Promise<{ status: number; body: string }> {
  const { connect } = await import('node:net');
  const socket = connect(port, '127.0.0.1');
  socket.write('POST /emails HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}');
  let text = '';
  for await (const chunk of socket) text += chunk;
  return { status: Number(text.split(' ')[1]), body: text.slice(text.indexOf('\r\n\r\n') + 4) };
}
