import type { FastifyInstance, InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHealthServer, createMetricsServer } from '../../src/app/server.ts';
import { createMetrics } from '../../src/platform/http/metrics.ts';
import { resendWebhook } from '../../src/providers/resend/resend-webhook.ts';
import { payload, signedRequest, WEBHOOK_SECRET } from '../helpers/events.ts';
import { openSite, type TestSite } from '../helpers/site.ts';

const TOKEN = 'a-token-of-thirty-two-characters-';
const MEASURES = {
  queues: { issues: 0, delivery: 7 },
  deliveries: { '2026-11-24': { prepared: 93, submitted: 7 } },
  events: { waiting: 3, parked: 2, lastAt: new Date('2026-11-24T09:00:00Z') },
  circuit: { failures: 6, isOpen: true, unresponsiveSeconds: 42.5 },
  failingDuties: { 'draft issues': 2 },
  openNotices: { 'issue-late': 1 },
  slotLateSeconds: 3_600,
  reconciledAt: new Date('2026-11-24T09:00:00Z'),
};

let site: TestSite;
let server: FastifyInstance;
beforeAll(async () => {
  site = await openSite();
  server = await site.serve({
    metrics: createMetrics(async () => MEASURES),
    metricsToken: TOKEN,
    webhook: resendWebhook([WEBHOOK_SECRET], () => new Date()),
  });
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

const BEARER = { authorization: `Bearer ${TOKEN}` };
const ask = (options: Partial<InjectOptions> = {}, from = server) =>
  from.inject({ url: '/metrics', headers: BEARER, ...options });

/** Requests that look as if they came from this machine. */
const LOCAL_LOOKS: [string, Partial<InjectOptions>][] = [
  ['127.0.0.1:3000', { remoteAddress: '127.0.0.1', headers: { host: '127.0.0.1:3000' } }],
  ['localhost', { remoteAddress: '127.0.0.1', headers: { host: 'localhost:3000' } }],
  ['[::1]', { remoteAddress: '::1', headers: { host: '[::1]:3000' } }],
  [
    'nobody',
    { remoteAddress: '::ffff:127.0.0.1', headers: { host: 'localhost', 'x-forwarded-for': '127.0.0.1' } },
  ],
  ['a wrong token', { headers: { host: 'localhost', authorization: 'Bearer nothing' } }],
  ['another machine', { remoteAddress: '203.0.113.7', headers: { host: 'verdicts.example' } }],
];

describe('GET /metrics', () => {
  it("reports waiting jobs, an issue's progress and answer times to a client with the token", async () => {
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
    expect(body).toContain('weekly_verdict_duty_failures{duty="draft issues"} 2');
    expect(body).toContain('weekly_verdict_notices_open{kind="issue-late"} 1');
    expect(body).toContain('weekly_verdict_slot_late_seconds 3600');
    expect(body).toContain('weekly_verdict_reconcile_last_timestamp_seconds 1795510800');
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

  it.each(LOCAL_LOOKS)(
    'F16: is refused to %s, as nginx forwards it, without the token',
    async (_who, options) => {
      const { statusCode, body } = await ask({ headers: {}, ...options });
      expect(statusCode).toBe(401);
      expect(body).not.toContain('weekly_verdict_');
    },
  );

  it.each(LOCAL_LOOKS)('F16: does not exist for %s unless the settings enable it', async (_who, options) => {
    const closed = await site.serve({ metrics: createMetrics(async () => MEASURES) });
    expect((await ask({ headers: {}, ...options }, closed)).statusCode).toBe(404);
    const worker = await createHealthServer({ ready: async () => {}, logger: false });
    expect((await ask({ headers: {}, ...options }, worker)).statusCode).toBe(404);
    await worker.close();
  });

  it("is on a worker's server, for clients with the token", async () => {
    await using health = await createHealthServer({
      ready: async () => {},
      metrics: createMetrics(async () => MEASURES),
      metricsToken: TOKEN,
      logger: false,
    });
    expect((await ask({ headers: {} }, health)).statusCode).toBe(401);
    expect((await ask({ remoteAddress: '10.0.0.7' }, health)).statusCode).toBe(200);
  });

  it('needs no token on a port of its own, which listens on this machine only', async () => {
    await using local = await createMetricsServer(
      createMetrics(async () => MEASURES),
      false,
    );
    expect((await ask({ headers: {} }, local)).body).toContain('weekly_verdict_events_waiting 3');
    expect((await ask({ url: '/issues' }, local)).statusCode).toBe(404);
  });
});

describe('the API description', () => {
  it('F16: a setting enables or disables it, for everybody alike', async () => {
    const open = await site.serve({});
    const closed = await site.serve({ docs: false });
    for (const url of ['/docs', '/openapi.json']) {
      for (const [, options] of LOCAL_LOOKS) {
        expect((await ask({ ...options, url }, open)).statusCode, url).toBe(200);
        expect((await ask({ ...options, url }, closed)).statusCode, url).toBe(404);
      }
    }
  });
});
