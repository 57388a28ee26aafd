import type { FastifyInstance, InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHealthServer } from '../src/http/index.ts';
import { payload, signedRequest, WEBHOOK_SECRET } from './helpers/events.ts';
import { openSite, type TestSite } from './helpers/site.ts';

const TOKEN = 'a-token-of-thirty-two-characters-';
const MEASURES = {
  queues: { issues: 0, delivery: 7 },
  deliveries: { '2026-11-24': { prepared: 93, submitted: 7 } },
  events: { waiting: 3, parked: 2, lastAt: new Date('2026-11-24T09:00:00Z') },
  circuit: { failures: 6, isOpen: true, silentSeconds: 42.5 },
};

let site: TestSite;
let server: FastifyInstance;
beforeAll(async () => {
  site = await openSite();
  server = await site.serve({
    apiToken: TOKEN,
    webhookSecrets: [WEBHOOK_SECRET],
    measure: async () => MEASURES,
  });
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

const ask = (options: Partial<InjectOptions> = {}, from = server) =>
  from.inject({ url: '/metrics', headers: { host: '127.0.0.1:3000' }, ...options });

describe('GET /metrics', () => {
  it('tells a program on this machine how much waits, how far an issue is and how long answers take', async () => {
    const event = signedRequest(payload('email.delivered'));
    await server.inject({
      method: 'POST',
      url: '/webhooks/resend',
      headers: event.headers,
      payload: event.payload,
    });
    await server.inject('/unsubscribe/1.aaaaaa.not-a-token');
    const { statusCode, headers, body } = await ask();
    expect(statusCode).toBe(200);
    expect(headers['content-type']).toContain('text/plain');
    expect(body).toContain('weekly_verdict_queue_waiting{queue="delivery"} 7');
    expect(body).toContain('weekly_verdict_deliveries{issue="2026-11-24",status="prepared"} 93');
    expect(body).toContain('weekly_verdict_events_waiting 3');
    expect(body).toContain('weekly_verdict_events_parked 2');
    expect(body).toContain(
      `weekly_verdict_events_last_timestamp_seconds ${MEASURES.events.lastAt.getTime() / 1_000}`,
    );
    expect(body).toContain('weekly_verdict_circuit_failures 6');
    expect(body).toContain('weekly_verdict_circuit_open 1');
    expect(body).toContain('weekly_verdict_circuit_silent_seconds 42.5');
    expect(body).toContain('weekly_verdict_events_stored_total 1');
    expect(body).toContain('nodejs_eventloop_lag_p99_seconds');
    expect(body).toMatch(
      /http_request_duration_seconds_count\{method="GET",route="\/unsubscribe\/:token",status="404"\} 1/,
    );
    expect(body).not.toContain('not-a-token');
  });

  it.each([
    ['another machine', { remoteAddress: '203.0.113.7' }],
    ['a proxy that says for whom', { headers: { host: '127.0.0.1:3000', 'x-forwarded-for': '203.0.113.7' } }],
    ['a proxy that passes the host on', { headers: { host: 'verdicts.example' } }],
    [
      'somebody with a wrong token',
      { headers: { host: 'verdicts.example', authorization: 'Bearer nothing' } },
    ],
  ])('is not there for %s', async (_who, options) => {
    expect((await ask(options)).statusCode).toBe(404);
  });

  it('is there for whoever has the token', async () => {
    const headers = { host: 'verdicts.example', authorization: `Bearer ${TOKEN}` };
    expect((await ask({ headers, remoteAddress: '203.0.113.7' })).statusCode).toBe(200);
  });

  it('is on the page of a worker, which no stranger reaches', async () => {
    const health = await createHealthServer({
      ready: async () => {},
      measure: async () => MEASURES,
      logger: false,
    });
    try {
      expect((await ask({ remoteAddress: '10.0.0.7' }, health)).statusCode).toBe(200);
    } finally {
      await health.close();
    }
  });
});
