import { Writable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import pLimit from 'p-limit';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LOAD_LIMITS } from '../../src/platform/http/load.ts';
import { resendWebhook } from '../../src/providers/resend/resend-webhook.ts';
import { payload, signedRequest, WEBHOOK_SECRET } from '../helpers/events.ts';
import { openSite, type TestSite } from '../helpers/site.ts';

let site: TestSite;
let server: FastifyInstance;
let enqueued = 0;
const lines: string[] = [];

beforeAll(async () => {
  site = await openSite();
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  server = await site.serve({
    webhook: resendWebhook([WEBHOOK_SECRET], () => new Date()),
    onEvents: () => {
      enqueued += 1;
    },
    logger: pino({ level: 'trace' }, sink),
  });
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await site.db.deleteFrom('events').execute();
  enqueued = 0;
});

const post = (
  { headers, payload: body }: { headers: Record<string, string>; payload: Buffer },
  to = server,
) => to.inject({ method: 'POST', url: '/webhooks/resend', headers, payload: body });
const stored = () => site.db.selectFrom('events').selectAll().execute();

describe('POST /webhooks/resend', () => {
  it('stores a genuine event, answers 200 and wakes the workers once', async () => {
    const response = await post(signedRequest(payload('email.delivered'), { id: 'msg_first' }));
    expect([response.statusCode, response.body]).toEqual([200, 'ok\n']);
    expect(await stored()).toMatchObject([{ id: 'msg_first', type: 'email.delivered', outcome: null }]);
    expect(enqueued).toBe(1);
  });

  it('fault 11: answers the same event 200 five times, and stores it once', async () => {
    const request = signedRequest(payload('email.delivered'));
    const statuses = [];
    for (let time = 0; time < 5; time += 1) statuses.push((await post(request)).statusCode);
    expect(statuses).toEqual([200, 200, 200, 200, 200]);
    expect(await stored()).toHaveLength(1);
    expect(enqueued).toBe(1);
  });

  it('fault 11: refuses a bad signature with 401 and stores nothing', async () => {
    const request = signedRequest(payload('email.complained'));
    request.payload = Buffer.from(request.payload.toString().replace('complained', 'delivered'));
    const response = await post(request);
    expect(response.statusCode).toBe(401);
    expect(response.headers['content-type']).toContain('application/problem+json');
    expect(response.json()).toMatchObject({ status: 401, title: 'Who are you?' });
    expect(
      (await post({ headers: { 'content-type': 'application/json' }, payload: Buffer.from('{}') }))
        .statusCode,
    ).toBe(401);
    expect(await stored()).toEqual([]);
    expect(enqueued).toBe(0);
  });

  it('fault 11: refuses a genuine request that is replayed later', async () => {
    const old = signedRequest(payload('email.delivered'), { at: new Date(Date.now() - 301_000) });
    expect((await post(old)).statusCode).toBe(401);
    expect(await stored()).toEqual([]);
  });

  it('verifies the raw bytes: with spaces, another content type, or no JSON at all', async () => {
    const spaced = Buffer.from(`  ${JSON.stringify(payload('email.sent'), null, 7)}\n`);
    expect((await post(signedRequest(spaced))).statusCode).toBe(200);
    const plain = signedRequest(payload('email.sent'));
    plain.headers['content-type'] = 'text/plain';
    expect((await post(plain)).statusCode).toBe(200);
    expect((await post(signedRequest(Buffer.from('not json')))).statusCode).toBe(200);
    expect((await stored()).map(({ type }) => type).sort()).toEqual([
      'email.sent',
      'email.sent',
      'unreadable',
    ]);
  });

  it('refuses a body that is too long before it is read', async () => {
    const response = await post(signedRequest(Buffer.alloc(300 * 1024, 32)));
    expect(response.statusCode).toBe(413);
  });

  it('answers 503 while the database is unavailable, so that the event is sent again', async () => {
    await sql`alter table events rename to events_away`.execute(site.db);
    const request = signedRequest(payload('email.delivered'));
    try {
      const responses = await Promise.all([post(request), post(signedRequest(payload('email.sent')))]);
      expect(responses.map(({ statusCode }) => statusCode)).toEqual([503, 503]);
    } finally {
      await sql`alter table events_away rename to events`.execute(site.db);
    }
    expect((await post(request)).statusCode).toBe(200);
    expect(await stored()).toHaveLength(1);
  });

  it('changes nothing on GET, and does not exist without a secret', async () => {
    expect((await server.inject('/webhooks/resend')).statusCode).toBe(405);
    const without = await site.serve({});
    expect((await post(signedRequest(payload('email.sent')), without)).statusCode).toBe(404);
  });

  it('fault 11: takes a burst of 10,000, each once', async () => {
    const requests = Array.from({ length: 10_000 }, (_, index) =>
      signedRequest(payload('email.delivered'), { id: `msg_burst_${index % 9_000}` }),
    );
    const statuses = new Map<number, number>();
    // As many as the process accepts at once: above that it answers 503, and Resend sends again.
    await pLimit(LOAD_LIMITS.waiting).map(requests, async (request) => {
      const { statusCode } = await post(request);
      statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1);
    });
    expect([...statuses]).toEqual([[200, 10_000]]);
    expect(await stored()).toHaveLength(9_000);
  });

  it('stores no address and no token, neither in the database nor in the log (I9)', async () => {
    lines.length = 0;
    await post(
      signedRequest(
        payload('email.bounced', {
          bounce: { type: 'Permanent', subType: 'NoEmail', message: 'reader@readers.example' },
        }),
      ),
    );
    await post(
      signedRequest(payload('suppression.added', { email: 'reader@readers.example', origin: 'bounce' })),
    );
    await post({ ...signedRequest(payload('email.sent')), headers: {} });
    const { rows } = await sql<{ all: string }>`select string_agg(e::text, ' ') as all from events e`.execute(
      site.db,
    );
    expect(rows[0]?.all).toContain('NoEmail');
    expect(rows[0]?.all + lines.join('')).not.toMatch(/@|unsubscribe|secret|Hermes/);
    expect(lines.length).toBeGreaterThan(0);
  });
});
