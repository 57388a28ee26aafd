import { createHash } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createSocketServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { BatchRequest, Outcome, Segments } from '../../src/providers/port.ts';
import { bodyOf } from '../../src/providers/resend/batch-body.ts';
import { openResend } from '../../src/providers/resend/resend.ts';
import { batch, message } from '../conformance/mailer.ts';

/** The adapter with a server that gives the test's answers. */
async function facing(answer: RequestListener) {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => answer(request, response));
  });
  return { server, ...(await listening(server)) };
}

async function listening(
  server: ReturnType<typeof createSocketServer>,
  onLimit: (perSecond: number) => void = () => {},
) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const mailer = openResend({ apiKey: 're_1', baseUrl: url, onLimit, random: () => 0 });
  return {
    url,
    mailer,
    [Symbol.asyncDispose]: async () => {
      await mailer[Symbol.asyncDispose]();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const says =
  (status: number, body: unknown, headers: Record<string, string> = {}): RequestListener =>
  (_, response) =>
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));

/** A batch with one message so long that every other is a chunk of its own, shorter than a socket's buffer. */
function awkward(): BatchRequest {
  const text: Segments = { literals: ['x'.repeat(20_000), 'y'.repeat(200)], slots: ['token'] };
  return {
    ...batch([message()]),
    variant: { issue: 'i', from: 'f', replyTo: 'r', subject: 's', html: text, text, headers: {} },
    copies: Array.from({ length: 100 }, (_, index) => {
      const own = { token: String(index % 10).repeat(index === 0 ? 70_000 : 40) };
      return { deliveryId: `d${index}`, to: `${index}@readers.example`, values: own, htmlValues: own };
    }),
  };
}

const submitTo = async (answer: RequestListener, size: number) => {
  await using there = await facing(answer);
  return await there.mailer.submit(batch(Array.from({ length: size }, () => message())));
};

const single = () => {
  const { deliveryId, issue: _, ...rest } = message();
  return { ...rest, mailId: deliveryId, kind: 'confirm' };
};
const sendTo = async (answer: RequestListener) => {
  await using there = await facing(answer);
  return await there.mailer.send(single(), 'mail/1');
};

describe('an answer of success', () => {
  const id = (name: string) => ({ id: name });
  const error = (index: unknown, text: unknown = 'bad') => ({ index, message: text });

  it.each<[string, unknown]>([
    ['no errors', { data: [id('a'), id('b'), id('c')] }],
    ['null for no errors', { data: [id('a'), id('b'), id('c')], errors: null }],
    ['an empty list of errors', { data: [id('a'), id('b'), id('c')], errors: [] }],
    ['fields that are new', { object: 'list', data: [{ ...id('a'), to: 'x' }, id('b'), id('c')] }],
  ])('fault 9: with %s accepts all messages', async (_, body) => {
    expect(await submitTo(says(200, body), 3)).toEqual({
      kind: 'accepted',
      items: [{ accepted: 'a' }, { accepted: 'b' }, { accepted: 'c' }],
    });
  });

  it.each([200, 201, 202, 207])(
    'fault 9: for half a batch, with status %i, is mapped by the indexes of its errors',
    async (status) => {
      const body = {
        data: [id('a'), id('d')],
        errors: [error(2), error(1, 'no <box@readers.example> there')],
      };
      expect(await submitTo(says(status, body), 4)).toEqual({
        kind: 'accepted',
        items: [{ accepted: 'a' }, { rejected: 'no <…> there' }, { rejected: 'bad' }, { accepted: 'd' }],
      });
    },
  );

  it('fault 9: without a reason says so, and counts as an answer', async () => {
    const body = { data: [id('a')], errors: [{ index: 1 }, { index: 2, message: null }] };
    expect(await submitTo(says(200, body), 3)).toEqual({
      kind: 'accepted',
      items: [
        { accepted: 'a' },
        { rejected: expect.stringMatching(/./) },
        { rejected: expect.stringMatching(/./) },
      ],
    });
  });

  it.each<[string, unknown]>([
    ['an error out of range', { data: [id('a'), id('b')], errors: [error(3)] }],
    ['an error before the first', { data: [id('a'), id('b')], errors: [error(-1)] }],
    ['two errors in one place', { data: [id('a')], errors: [error(1), error(1)] }],
    ['as many ids as messages, and an error', { data: [id('a'), id('b'), id('c')], errors: [error(1)] }],
    ['an id too many', { data: [id('a'), id('b'), id('c'), id('d')] }],
    ['an id twice', { data: [id('a'), id('b'), id('a')] }],
    ['nobody', { data: [] }],
  ])('fault 9: that names %s is not guessed at', async (_, body) => {
    expect(await submitTo(says(200, body), 3)).toMatchObject({ kind: 'ambiguous', final: true });
  });

  it.each<[string, unknown]>([
    ['a place between two', { data: [id('a'), id('b')], errors: [error(0.5)] }],
    ['a place in words', { data: [id('a'), id('b')], errors: [error('1')] }],
    ['an empty id', { data: [id('a'), id('b'), id('')] }],
    ['a hole', { data: [id('a'), null, id('c')], errors: [error(1)] }],
    ['no list', { data: { id: 'a' } }],
    ['null', null],
    ['nothing', ''],
    ['a page', '<!doctype html><p>Welcome to the portal.'],
  ])('fault 9: that is %s causes a replay', async (_, body) => {
    expect(await submitTo(says(200, body), 3)).toMatchObject({ kind: 'ambiguous', final: false });
  });
});

describe('an answer to one mail', () => {
  it.each<[string, number, unknown]>([
    ['null', 200, null],
    ['a page', 200, '<p>Welcome.'],
    ['nothing', 200, ''],
    ['an error that claims success', 200, { statusCode: 422, name: 'validation_error' }],
    ['null, and a failure', 500, null],
    ['a failure of somebody else', 502, { message: 'upstream' }],
  ])('that is %s causes a replay', async (_, status, body) => {
    expect(await sendTo(says(status, body))).toMatchObject({ kind: 'ambiguous', final: false });
  });

  // The SDK hides the status when another server's JSON says no: then it could be any.
  it.each<[number, unknown, Outcome['kind']]>([
    [401, '<p>Log in', 'halt'],
    [403, { message: 'Forbidden by the proxy' }, 'ambiguous'],
    [403, null, 'ambiguous'],
  ])('that refuses (%i) in another format (%j) is %s, and halts a batch', async (status, body, kind) => {
    expect(await sendTo(says(status, body))).toMatchObject({ kind });
    expect(await submitTo(says(status, body), 2)).toMatchObject({ kind: 'halt' });
  });
});

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])('with status %i is followed by no request', async (status) => {
    let arrived = 0;
    await using elsewhere = await facing((request, response) => {
      arrived += 1;
      says(200, { id: 'a', data: [{ id: 'a' }] })(request, response);
    });
    const answer = says(status, '', { location: `${elsewhere.url}/emails` });
    expect(await submitTo(answer, 1)).toMatchObject({
      kind: 'halt',
      reason: expect.stringContaining(`${status}`),
    });
    expect(await sendTo(answer)).toMatchObject({
      kind: 'halt',
      reason: expect.stringContaining(`${status}`),
    });
    expect(arrived).toBe(0);
  });
});

describe('a wait', () => {
  it.each([
    ['0.3217', 322],
    ['1.0005', 1_001],
  ])('of %s s is a whole number of ms, as the queue needs it', async (seconds, ms) => {
    const refusal = { statusCode: 429, name: 'rate_limit_exceeded', message: '' };
    expect(await submitTo(says(429, refusal, { 'retry-after': seconds }), 1)).toEqual({
      kind: 'retryAfter',
      ms,
    });
  });

  it.each([
    ['a page of the edge', '<p>Error 1015'],
    ['nothing', ''],
    ['an error without a name', { message: 'slow down' }],
  ])('follows a 429 that is %s', async (_, body) => {
    expect(await submitTo(says(429, body, { 'retry-after': '2' }), 1)).toEqual({
      kind: 'retryAfter',
      ms: 2_000,
    });
    if (typeof body === 'string')
      expect(await sendTo(says(429, body, { 'retry-after': '2' }))).toEqual({
        kind: 'retryAfter',
        ms: 2_000,
      });
  });

  it('does not follow an unknown quota: a person must look at it', async () => {
    const refusal = { statusCode: 429, name: 'weekly_quota_exceeded', message: '' };
    const outcome = { kind: 'halt', reason: expect.stringContaining('weekly_quota_exceeded') };
    expect(await submitTo(says(429, refusal), 1)).toEqual(outcome);
    expect(await sendTo(says(429, refusal))).toEqual(outcome);
  });
});

describe("the account's limit per second", () => {
  const limitsOf = async (status: number, headers: Record<string, string>) => {
    const server = createServer((request, response) => {
      request.resume();
      request.on('end', () => response.writeHead(status, headers).end('{}'));
    });
    const limits: number[] = [];
    await using there = await listening(server, (limit) => limits.push(limit));
    await there.mailer.submit(batch([message()]));
    await there.mailer.send(single(), 'mail/1');
    return limits;
  };

  it.each<[Record<string, string>, number | null]>([
    [{ 'ratelimit-limit': '10' }, 10],
    [{ 'ratelimit-limit': '20', 'ratelimit-policy': '20;w=1' }, 20],
    [{ 'ratelimit-limit': '100', 'ratelimit-policy': '100; w=60' }, 100 / 60],
    [{ 'ratelimit-limit': '0' }, null],
    [{ 'ratelimit-limit': '-1' }, null],
    [{ 'ratelimit-limit': '10, 10;w=1' }, null],
    [{ 'ratelimit-limit': '5', 'ratelimit-policy': '5;w=0' }, null],
    [{ 'ratelimit-remaining': '3' }, null],
    [{}, null],
  ])('fault 5: is read from %j, with any answer', async (headers, limit) => {
    const expected = limit === null ? [] : [limit, limit];
    for (const status of [200, 429, 500]) expect(await limitsOf(status, headers)).toEqual(expected);
  });
});

describe('a connection', () => {
  it('closed by the provider after each answer does no harm', async () => {
    let sockets = 0;
    const server = createServer({ keepAliveTimeout: 1 }, (request, response) => {
      request.resume();
      request.on('end', () => {
        response.end(JSON.stringify({ data: [{ id: 'a' }] }), () => request.socket.end());
      });
    });
    server.on('connection', () => {
      sockets += 1;
    });
    await using there = await listening(server);
    for (let round = 0; round < 5; round += 1) {
      expect(await there.mailer.submit(batch([message()]))).toMatchObject({ kind: 'accepted' });
    }
    expect(sockets).toBe(5);
  });

  it('that was reset while idle does no harm', async () => {
    const open = new Set<Socket>();
    await using there = await facing(says(200, { data: [{ id: 'a' }] }));
    there.server.on('connection', (socket) => open.add(socket));
    for (let round = 0; round < 4; round += 1) {
      expect(await there.mailer.submit(batch([message()]))).toMatchObject({ kind: 'accepted' });
      const [last] = [...open].slice(-1);
      last?.resetAndDestroy();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(open.size).toBe(4);
  });

  it('that reads slowly carries the bytes that were hashed', async () => {
    const request = awkward();
    const expected = createHash('sha256');
    const { length } = bodyOf(request);
    for (const chunk of bodyOf(request)) expected.update(chunk);

    const arrived = createHash('sha256');
    const server = createSocketServer((socket) => {
      let head: Buffer | undefined = Buffer.alloc(0);
      let size = 0;
      const take = (chunk: Buffer) => {
        let body = chunk;
        if (head !== undefined) {
          head = Buffer.concat([head, chunk]);
          const end = head.indexOf('\r\n\r\n');
          if (end < 0) return;
          body = head.subarray(end + 4);
          head = undefined;
        }
        arrived.update(body);
        size += body.length;
        if (size < length) return;
        const answer = JSON.stringify({ data: request.copies.map(({ deliveryId }) => ({ id: deliveryId })) });
        socket.end(
          `HTTP/1.1 200 OK\r\ncontent-length: ${answer.length}\r\nconnection: close\r\n\r\n${answer}`,
        );
      };
      socket.on('data', (chunk) => {
        take(chunk);
        socket.pause();
        setTimeout(() => socket.resume(), 1);
      });
    });
    await using there = await listening(server);
    expect(await there.mailer.submit(request)).toMatchObject({ kind: 'accepted' });
    expect(arrived.digest('hex')).toBe(expected.digest('hex'));
  });

  it('fault 6: that was never established has carried nothing', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    // The second host has two addresses on many machines, the third none on any.
    for (const baseUrl of [`http://127.0.0.1:${port}`, `http://localhost:${port}`, 'http://nobody.invalid']) {
      await using mailer = openResend({ apiKey: 're_1', baseUrl });
      expect(await mailer.submit(batch([message()]))).toEqual({
        kind: 'unreachable',
        reason: expect.stringMatching(/^no answer: E[A-Z_]+$/),
      });
    }
  });

  it('fault 6: that ends with the first bytes may have carried a request', async () => {
    const server = createSocketServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    await using there = await listening(server);
    expect(await there.mailer.submit(batch([message()]))).toMatchObject({ kind: 'ambiguous', final: false });
  });
});
