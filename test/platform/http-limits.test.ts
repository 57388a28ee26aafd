import { once } from 'node:events';
import { Agent, get, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { createHealthServer } from '../../src/app/server.ts';
import { createBaseServer, type ServerLimits } from '../../src/platform/http/base-server.ts';
import { answerProblems } from '../../src/platform/http/problems.ts';

/** How one client can harm a server, over real connections. */

let app: FastifyInstance;
let port: number;
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  gate.open();
  await app.close();
});

/** Delays requests to `/gated` until the gate is opened. */
const gate = {
  entered: 0,
  most: 0,
  waiting: [] as (() => void)[],
  open() {
    for (const go of gate.waiting.splice(0)) go();
  },
};

const LARGE = 'x'.repeat(20_000_000);

async function open(limits: ServerLimits = {}): Promise<void> {
  Object.assign(gate, { entered: 0, most: 0 });
  app = createBaseServer({ logger: false, limits });
  answerProblems(app);
  app.get('/healthz', async () => 'alive');
  app.get('/fast', async () => 'fast');
  app.get('/large', async () => LARGE);
  app.post('/post', async () => 'taken');
  app.get('/gated', async () => {
    gate.entered += 1;
    gate.most = Math.max(gate.most, gate.waiting.length + 1);
    await new Promise<void>((go) => gate.waiting.push(go));
    return 'gated';
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  ({ port } = app.server.address() as AddressInfo);
}

/** A raw client; closed after the test. */
async function dial(said = ''): Promise<Socket & { received: string }> {
  const socket = Object.assign(connect(port, '127.0.0.1'), { received: '' });
  sockets.add(socket);
  socket.on('error', () => {});
  socket.setEncoding('latin1').on('data', (part: string) => {
    socket.received += part;
  });
  await once(socket, 'connect');
  if (said !== '') socket.write(said);
  return socket;
}

const GET = (path: string) => `GET ${path} HTTP/1.1\r\nHost: here\r\n\r\n`;

function fetchStatus(
  path: string,
  agent?: Agent,
): Promise<{ status: number; retryAfter: string | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: agent ?? false }, async (answer) => {
      const retryAfter = answer.headers['retry-after'];
      resolve({ status: answer.statusCode ?? 0, retryAfter, body: await text(answer) });
    }).on('error', reject);
  });
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await setImmediate();
}

const closed = (socket: Socket) =>
  new Promise<void>((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once('close', resolve);
  });

/** Counts the requests that Node parses, whatever happens to them. */
function countParsed(server: Server): () => number {
  let parsed = 0;
  const emit = server.emit.bind(server);
  server.emit = (event: string, ...args: unknown[]) => {
    if (event === 'request') parsed += 1;
    return emit(event, ...args);
  };
  return () => parsed;
}

describe('F7: a client that pipelines requests', () => {
  it('is answered in order, one request at a time', async () => {
    await open();
    const socket = await dial(GET('/gated') + GET('/fast') + GET('/gated'));
    await until(() => gate.entered === 1);
    expect((await fetchStatus('/fast')).status).toBe(200);
    expect([gate.entered, socket.received]).toEqual([1, '']);
    gate.open();
    await until(() => gate.entered === 2);
    gate.open();
    await until(() => socket.received.split('HTTP/1.1 200').length === 4);
    expect(socket.received.match(/(?<=\r\n\r\n)(?:gated|fast)/gu)).toEqual(['gated', 'fast', 'gated']);
    expect(gate.most).toBe(1);
  });

  it.each([
    ['a page', GET('/gated')],
    ['requests that Node refuses by itself', 'GET / HTTP/1.1\r\n\r\n'],
    [
      'requests with expectations that nobody can meet',
      'GET / HTTP/1.1\r\nHost: here\r\nExpect: more\r\n\r\n',
    ],
  ])('is disconnected after sixteen, before Node has read the rest: %s', async (_name, sent) => {
    await open();
    const parsed = countParsed(app.server);
    // One chunk of what a connection reads at once, many times.
    const clients = await Promise.all(Array.from({ length: 20 }, () => dial(sent.repeat(3_000))));
    await Promise.all(clients.map(closed));
    expect(parsed()).toBeLessThanOrEqual(20 * 16);
    expect((await fetchStatus('/healthz')).body).toBe('alive');
  });

  it('shares one limit with all other such clients', async () => {
    await open({ pipelinedInAll: 10 });
    const clients = await Promise.all(Array.from({ length: 5 }, () => dial(GET('/gated').repeat(8))));
    await Promise.race(clients.map(closed));
    expect(clients.filter(({ destroyed }) => !destroyed).length).toBeGreaterThan(0);
    // The rest is released with the connections.
    for (const client of clients) client.destroy();
    gate.open();
    while ((await promisify(app.server.getConnections.bind(app.server))()) > 0) await setImmediate();
    const next = await dial(GET('/fast').repeat(8));
    await until(() => next.received.split('HTTP/1.1 200').length === 9);
  });
});

describe('F7: more requests than the limit of running ones', () => {
  it('wait for their turn, and further ones get 503, while a health check is answered', async () => {
    await open({ working: 2, waiting: 3 });
    const inHand = Array.from({ length: 5 }, () => fetchStatus('/gated'));
    await until(() => gate.entered === 2);
    const refused = await Promise.race([
      ...inHand,
      ...Array.from({ length: 4 }, () => fetchStatus('/gated')),
    ]);
    expect(refused).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^\d+$/u) });
    expect(JSON.parse(refused.body)).toMatchObject({ status: 503, type: 'about:blank' });
    expect((await fetchStatus('/healthz')).body).toBe('alive');
    while (gate.entered < 5) {
      gate.open();
      await setImmediate();
    }
    gate.open();
    expect((await Promise.all(inHand)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(gate.most).toBe(2);
  });

  it('are not handled when their clients have disconnected', async () => {
    await open({ working: 1 });
    const first = fetchStatus('/gated');
    await until(() => gate.entered === 1);
    const left = await Promise.all(Array.from({ length: 5 }, () => dial(GET('/gated'))));
    const last = fetchStatus('/fast');
    await fetchStatus('/healthz');
    for (const socket of left) socket.destroy();
    await Promise.all(left.map(closed));
    await fetchStatus('/healthz');
    gate.open();
    expect([(await first).body, (await last).body]).toEqual(['gated', 'fast']);
    expect(gate.entered).toBe(1);
  });

  it('a client that sends its body slowly occupies no place', async () => {
    await open({ working: 1, waiting: 0 });
    const head = 'POST /post HTTP/1.1\r\nHost: here\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n';
    const slow = await Promise.all(Array.from({ length: 5 }, () => dial(`${head}sl`)));
    await fetchStatus('/healthz');
    expect((await fetchStatus('/fast')).status).toBe(200);
    for (const socket of slow) {
      socket.write('owl');
      await until(() => socket.received.includes('taken'));
    }
  });

  it('a client that does not read its answer occupies no place, and is disconnected to free its memory', async () => {
    await open({ working: 1, waiting: 0, unreadBytes: 30_000_000 });
    const readers: Socket[] = [];
    for (let count = 0; count < 3; count += 1) {
      const socket = await dial();
      socket.pause();
      socket.write(GET('/large'));
      readers.push(socket);
      await fetchStatus('/healthz');
      expect((await fetchStatus('/fast')).status).toBe(200);
    }
    // 60 MB of answers, of which 30 MB may be unread: the oldest client is disconnected, and learns it only by reading.
    for (const socket of readers) socket.resume();
    await closed(readers[0] as Socket);
    expect((await fetchStatus('/large')).body).toHaveLength(LARGE.length);
  });
});

describe('F7: incomplete bodies', () => {
  const head = 'POST /post HTTP/1.1\r\nHost: here\r\nContent-Type: text/plain\r\n';
  const part = (length: number) => `${head}Content-Length: 8000\r\n\r\n${'x'.repeat(length)}`;

  it('share one limit: the oldest get 503, and a client that sends a complete body is served', async () => {
    await open({ bodyBytes: 50_000 });
    const stalled = [];
    for (let count = 0; count < 40; count += 1) stalled.push(await dial(part(7_000)));
    const [oldest] = stalled;
    await closed(oldest as Socket);
    expect(oldest?.received).toMatch(/^HTTP\/1\.1 503 .*\r\nRetry-After: 5\r\n/u);
    const whole = await dial(part(8_000));
    await until(() => whole.received !== '');
    expect(whole.received).toMatch(/^HTTP\/1\.1 200 /u);
    expect(stalled.filter(({ destroyed }) => !destroyed).length).toBeLessThanOrEqual(7);
  });

  const pieces = (count: number) => `${head}Transfer-Encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(count)}`;

  it('that come one byte at a time are refused', async () => {
    await open();
    const socket = await dial(pieces(8_000));
    await closed(socket);
    expect(socket.received).toMatch(/^HTTP\/1\.1 503 /u);
    expect((await fetchStatus('/fast')).status).toBe(200);
  });

  it('cost more than their bytes when they come in pieces', async () => {
    await open({ bodyBytes: 100_000 });
    const stalled = [];
    for (let count = 0; count < 4; count += 1) stalled.push(await dial(pieces(200)));
    await closed(stalled[0] as Socket);
    expect((await fetchStatus('/fast')).status).toBe(200);
  });

  it('do not count once their requests are answered', async () => {
    await open({ bodyBytes: 20_000 });
    const socket = await dial();
    for (let count = 1; count <= 20; count += 1) {
      socket.write(part(8_000));
      await until(() => socket.received.split('HTTP/1.1 200').length > count);
    }
    expect(socket.destroyed).toBe(false);
  });

  it('and at most 200 headers of a request are stored', async () => {
    await open();
    expect(app.server.maxHeadersCount).toBe(200);
  });
});

describe('F17: connections', () => {
  const head = 'POST /post HTTP/1.1\r\nHost: here\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n';

  it.each([
    ['says nothing', ''],
    ['trickles its headers', 'GET /fast HTTP/1.1\r\nHost: he'],
    ['trickles its body', head],
  ])('one that %s is closed in time, while others are answered', async (_name, said) => {
    await open({ requestMs: 300 });
    const agent = new Agent({ keepAlive: true });
    const slow = await Promise.all(Array.from({ length: 50 }, () => dial(said)));
    const trickle = setInterval(() => {
      if (said !== '') for (const socket of slow) if (!socket.destroyed) socket.write('x');
    }, 20);
    let answered = 0;
    const watch = (async () => {
      while (slow.some(({ destroyed }) => !destroyed)) {
        expect((await fetchStatus('/fast', agent)).status).toBe(200);
        answered += 1;
      }
    })();
    await Promise.all(slow.map(closed));
    clearInterval(trickle);
    await watch;
    agent.destroy();
    expect(answered).toBeGreaterThan(0);
    if (said !== '') expect(slow.every(({ received }) => received.startsWith('HTTP/1.1 408'))).toBe(true);
  });

  it('a request must arrive within 30 s, checked every second, and the number of connections is limited', async () => {
    await open();
    const { server } = app;
    expect([server.headersTimeout, server.requestTimeout]).toEqual([30_000, 30_000]);
    expect(server.keepAliveTimeout).toBeGreaterThan(60_000);
    expect(server.timeout).toBe(60_000);
  });

  it('one over the limit replaces the one that has been idle for longest', async () => {
    await open({ connections: 4 });
    const [first, second, third] = [await dial(GET('/gated')), await dial(), await dial(head)];
    await until(() => gate.entered === 1);
    await fetchStatus('/fast');
    expect([first, second, third].map(({ destroyed }) => destroyed)).toEqual([false, false, false]);
    const more = await Promise.all([dial(), dial()]);
    await closed(second);
    expect((await fetchStatus('/fast')).status).toBe(200);
    await closed(third);
    // A client that waits for our answer is not disconnected.
    gate.open();
    await until(() => first.received.includes('gated'));
    for (const socket of more) socket.destroy();
  });

  it('a reverse proxy keeps its connections, however many requests it sends', async () => {
    await open();
    const agent = new Agent({ keepAlive: true, maxSockets: 2 });
    const ports = new Set<number | undefined>();
    for (let round = 0; round < 50; round += 1) {
      await Promise.all(
        Array.from(
          { length: 4 },
          () =>
            new Promise<void>((resolve, reject) => {
              const outgoing = httpRequest({ host: '127.0.0.1', port, path: '/fast', agent }, (answer) => {
                ports.add(answer.socket.localPort);
                answer.resume().on('end', resolve);
              });
              outgoing.on('error', reject).end();
            }),
        ),
      );
    }
    agent.destroy();
    expect(ports.size).toBe(2);
  });

  it("a worker's health server has the same limits", async () => {
    app = await createHealthServer({ ready: async () => {}, logger: false });
    expect(app.server.requestTimeout).toBe(30_000);
    await app.listen({ host: '127.0.0.1', port: 0 });
    ({ port } = app.server.address() as AddressInfo);
    const parsed = countParsed(app.server);
    const socket = await dial(GET('/healthz').repeat(3_000));
    await closed(socket);
    expect(parsed()).toBeLessThanOrEqual(16);
  });
});
