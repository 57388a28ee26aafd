import { createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ItemOutcome, Outcome } from '../../src/providers/port.ts';
import { classify, retryAfterMs } from '../../src/providers/resend/classify.ts';
import { openResend } from '../../src/providers/resend/resend.ts';
import { batch, describeMailer, message } from '../conformance/mailer.ts';
import { type FaultName, type LocalResend, type LocalResendOptions, startResend } from '../resend/index.ts';

/** The adapter, and the provider it sends to. */
async function openLocal(options: LocalResendOptions = {}, apiKey?: string) {
  const provider = await startResend({ ratePerSecond: Number.POSITIVE_INFINITY, ...options });
  const limits: number[] = [];
  const mailer = openResend({
    apiKey: apiKey ?? provider.apiKey,
    baseUrl: provider.url,
    onLimit: (limit) => limits.push(limit),
    random: () => 0,
  });
  return {
    provider,
    limits,
    mailer,
    copies: async () => provider.accepted().map(({ to }) => to),
    [Symbol.asyncDispose]: async () => {
      await mailer[Symbol.asyncDispose]();
      await provider[Symbol.asyncDispose]();
    },
  };
}

describeMailer('Resend over HTTP', openLocal);

describe('the Resend adapter', () => {
  let local: Awaited<ReturnType<typeof openLocal>>;
  let provider: LocalResend;
  beforeEach(async () => {
    local = await openLocal();
    provider = local.provider;
  });
  afterEach(() => local[Symbol.asyncDispose]());

  const submit = (size: number, fault?: FaultName) => {
    if (fault !== undefined) provider.plan(fault);
    return local.mailer.submit(batch(Array.from({ length: size }, () => message())));
  };

  it("names the provider's address, unless it is Resend's own", () => {
    expect(local.mailer.destination).toBe(`Resend at ${provider.url}`);
    expect(openResend({ apiKey: 're_1', baseUrl: 'https://api.resend.com' }).destination).toBe('Resend');
  });

  it('sends every field unchanged, and the tags that events return', async () => {
    const sent = message({
      html: '<p>“Ship” \u2028 検索 🚢</p>',
      text: 'Ship\n',
      to: 'a+b@readers.example',
    });
    const request = batch([sent], 'batch/b-1/r1');
    await local.mailer.submit(request);
    const [accepted] = provider.accepted();
    expect(accepted).toMatchObject({
      key: 'batch/b-1/r1',
      to: sent.to,
      from: sent.from,
      subject: sent.subject,
      deliveryId: sent.deliveryId,
    });
    expect(accepted?.tags).toEqual([
      { name: 'issue', value: sent.issue },
      { name: 'batch', value: 'b-1' },
      { name: 'delivery', value: sent.deliveryId },
    ]);
  });

  it.each<[FaultName, number, Outcome]>([
    ['429', 2, { kind: 'retryAfter', ms: 1_000 }],
    ['429-retry-after', 2, { kind: 'retryAfter', ms: 1_000 }],
    ['422', 2, { kind: 'split', reason: 'validation_error' }],
    ['422', 1, { kind: 'rejected', reason: 'validation_error' }],
    ['413', 2, { kind: 'split', reason: 'too many bytes' }],
    ['413', 1, { kind: 'rejected', reason: 'too large' }],
    [
      'concurrent',
      2,
      { kind: 'ambiguous', reason: 'concurrent_idempotent_requests', final: false, isBusy: true },
    ],
    ['500', 2, { kind: 'ambiguous', reason: '500 application_error', final: false }],
    ['502-html', 2, { kind: 'ambiguous', reason: '502 an answer that is not Resend’s', final: false }],
    [
      'reset-before',
      2,
      { kind: 'ambiguous', reason: expect.stringMatching(/^no answer: \w+$/) as never, final: false },
    ],
    ['short', 3, { kind: 'ambiguous', reason: '2 ids and 0 errors for 3 messages', final: true }],
    ['duplicated', 3, { kind: 'ambiguous', reason: 'an id came twice', final: true }],
    ['error-in-200', 2, { kind: 'ambiguous', reason: 'an answer that cannot be read', final: false }],
    ['truncated', 2, { kind: 'ambiguous', reason: 'an answer that cannot be read', final: false }],
    ['html-in-200', 2, { kind: 'ambiguous', reason: 'an answer that cannot be read', final: false }],
  ])('faults 5, 6, 8, 9: maps %s for %i to its outcome', async (fault, size, outcome) => {
    expect(await submit(size, fault)).toEqual(outcome);
  });

  it.each<FaultName>([
    '401',
    '403-key',
    '403-suspended',
    '403-domain',
    '403-edge',
    'daily-quota',
    'monthly-quota',
  ])('faults 5, 22: after %s sends nothing until a person has fixed it', async (fault) => {
    const outcome = await submit(2, fault);
    expect(outcome).toMatchObject({ kind: 'halt', reason: expect.stringMatching(/^\S.+\.$/) });
    expect(await local.copies()).toEqual([]);
  });

  it('fault 7: gets the answer by a replay when every message was accepted and the answer was lost', async () => {
    const request = batch([message(), message()]);
    for (const fault of ['reset-after', '502-accepted', 'truncated'] as const) {
      provider.plan(fault);
      expect(await local.mailer.submit(request)).toMatchObject({ kind: 'ambiguous', final: false });
    }
    expect(await local.mailer.submit(request)).toMatchObject({ kind: 'accepted' });
    expect(await local.copies()).toHaveLength(2);
  });

  it('fault 7: does not wait for a provider that never answers', async () => {
    provider.plan('hang-after');
    const outcome = await local.mailer.submit(batch([message()]), AbortSignal.timeout(50));
    expect(outcome).toEqual({ kind: 'ambiguous', reason: 'no answer in time', final: false });
  });

  it('fault 6: reports an unreachable provider as certainly not accepted', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const mailer = openResend({ apiKey: 're_1', baseUrl: `http://127.0.0.1:${port}` });
    const outcome = await mailer.submit(batch([message()]));
    expect(outcome).toEqual({ kind: 'unreachable', reason: 'no answer: ECONNREFUSED' });
    await mailer[Symbol.asyncDispose]();
  });

  it.each([
    ['speaks no TLS', (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['ends the handshake', (socket: Socket) => socket.destroy()],
  ])('D7: reports a server that %s as certainly not accepted: no request began', async (_, answer) => {
    const server = createServer((socket) => {
      socket.once('data', () => answer(socket));
      socket.on('error', () => {});
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const mailer = openResend({ apiKey: 're_1', baseUrl: `https://127.0.0.1:${port}` });
    expect(await mailer.submit(batch([message()]))).toMatchObject({ kind: 'unreachable' });
    await mailer[Symbol.asyncDispose]();
    await new Promise((resolve) => server.close(resolve));
  });

  it('fault 9: maps refused and accepted messages by their index', async () => {
    const messages = Array.from({ length: 7 }, (_, index) =>
      message(index === 2 || index === 5 ? { to: `bad ${index}@readers.example` } : {}),
    );
    const outcome = await local.mailer.submit(batch(messages));
    if (outcome.kind !== 'accepted') throw new Error(outcome.kind);
    const idOf = new Map(provider.accepted().map(({ id, deliveryId }) => [deliveryId, id]));
    const expected = messages.map(({ deliveryId }): ItemOutcome => {
      const id = idOf.get(deliveryId);
      return id === undefined ? { rejected: expect.any(String) as never } : { accepted: id };
    });
    expect(outcome.items).toEqual(expected);
    expect(outcome.items.filter((item) => 'rejected' in item)).toHaveLength(2);
    expect(JSON.stringify(outcome.items)).not.toContain('@');
  });

  it("reports the account's rate limit", async () => {
    await using slow = await openLocal({ ratePerSecond: 4 });
    await slow.mailer.submit(batch([message()]));
    expect(slow.limits).toEqual([4]);
  });

  it('reports an unknown key', async () => {
    await using wrong = await openLocal({}, 're_wrong');
    const outcome = await wrong.mailer.submit(batch([message()]));
    expect(outcome).toMatchObject({ kind: 'halt', reason: expect.stringContaining('RESEND_API_KEY') });
    const { deliveryId, issue: _, ...rest } = message();
    expect(await wrong.mailer.send({ ...rest, mailId: deliveryId, kind: 'confirm' }, 'mail/1')).toEqual(
      outcome,
    );
  });
});

describe('a refusal', () => {
  const now = new Date('2026-11-24T09:00:00Z');
  const refusal = (status: number | null, name?: string, size = 2) =>
    classify({ status, name, headers: {}, size, now });

  it.each<[number | null, string | undefined, Outcome['kind']]>([
    [null, 'application_error', 'ambiguous'],
    [null, undefined, 'ambiguous'],
    [400, 'invalid_idempotency_key', 'halt'],
    [400, 'validation_error', 'split'],
    [400, undefined, 'halt'],
    [401, 'missing_api_key', 'halt'],
    [401, 'restricted_api_key', 'halt'],
    [403, 'restricted_api_key', 'halt'],
    [403, 'invalid_api_key', 'halt'],
    [403, 'suspended_api_key', 'halt'],
    [403, 'invalid_permission', 'halt'],
    [403, 'validation_error', 'halt'],
    [403, undefined, 'halt'],
    [302, undefined, 'halt'],
    [404, 'not_found', 'halt'],
    [405, 'method_not_allowed', 'halt'],
    [408, undefined, 'ambiguous'],
    [409, 'concurrent_idempotent_requests', 'ambiguous'],
    [409, 'invalid_idempotent_request', 'conflict'],
    [409, 'resource_locked', 'ambiguous'],
    [409, undefined, 'ambiguous'],
    [413, undefined, 'split'],
    [422, 'validation_error', 'split'],
    [422, 'missing_required_field', 'split'],
    [422, 'missing_required_parameter', 'split'],
    [422, 'invalid_parameter', 'split'],
    [422, 'invalid_attachment', 'split'],
    [422, 'invalid_from_address', 'halt'],
    [422, 'invalid_access', 'halt'],
    [422, 'never_heard_of', 'halt'],
    [429, 'rate_limit_exceeded', 'retryAfter'],
    [429, undefined, 'retryAfter'],
    [429, 'daily_quota_exceeded', 'halt'],
    [429, 'monthly_quota_exceeded', 'halt'],
    [451, 'security_error', 'halt'],
    [500, 'application_error', 'ambiguous'],
    [500, 'internal_server_error', 'ambiguous'],
    [502, undefined, 'ambiguous'],
    [503, 'service_unavailable', 'ambiguous'],
    [504, undefined, 'ambiguous'],
    [599, 'never_heard_of', 'ambiguous'],
  ])('%s %s is %s', (status, name, kind) => {
    expect(refusal(status, name).kind).toBe(kind);
  });

  it('of a request that may have been accepted is repeated, except when the key was used for other bytes', () => {
    expect(refusal(409, 'concurrent_idempotent_requests')).toMatchObject({ final: false });
    expect(refusal(409, 'invalid_idempotent_request')).toMatchObject({ kind: 'conflict' });
    expect(refusal(500, 'application_error')).toMatchObject({ final: false });
  });

  it('for a quota says when the quota starts again', () => {
    expect(refusal(429, 'daily_quota_exceeded')).toMatchObject({
      reason: expect.stringContaining('2026-11-25 00:00 UTC'),
    });
  });

  it.each([
    [{ 'retry-after': '3' }, 3_000],
    [{ 'retry-after': ' 0.5 ' }, 500],
    [{ 'retry-after': 'Tue, 24 Nov 2026 09:00:07 GMT' }, 7_000],
    [{ 'retry-after': 'Tue, 24 Nov 2026 08:00:00 GMT' }, 0],
    [{ 'retry-after': 'soon', 'ratelimit-reset': '2' }, 2_000],
    [{ 'ratelimit-reset': '4' }, 4_000],
    [{ 'retry-after': '', 'ratelimit-reset': '' }, 1_000],
    [{ 'retry-after': '86400' }, 900_000],
    [{}, 1_000],
  ])('waits as the headers say: %j', (headers, ms) => {
    expect(retryAfterMs({ headers, now })).toBe(ms);
  });
});
