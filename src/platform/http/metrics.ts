import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { AppError } from '../errors.ts';
import { bearerOf } from './bearer.ts';
import { resource } from './resource.ts';

/** Values read at every scrape, so reading them must be cheap. */
export interface MetricValues {
  /** Waiting jobs, by queue; null: the queue gave no answer in time. */
  queues: Record<string, number> | null;
  /** Of issues in `sending`: slug → status → deliveries. */
  deliveries: Record<string, Record<string, number>>;
  events: { waiting: number; parked: number; lastAt: Date | null };
  /** Whether the provider responds, as all workers together found. */
  circuit: { failures: number; isOpen: boolean; unresponsiveSeconds: number };
  /** Recurring duties whose last run failed: name → failures in a row. */
  failingDuties: Record<string, number>;
  /** Open notices, by kind; kinds without one may be missing. */
  openNotices: Record<string, number>;
  /** For how long a slot has waited for its issue; 0 when none does. */
  slotLateSeconds: number;
  /** When a worker last did the recurring duties. */
  reconciledAt: Date | null;
}

/** Metrics of this process for Prometheus. Numbers and routes only: no address, no token, no URL. */
export interface Metrics {
  /** Measures the duration of every answer of `app`. */
  observe(app: FastifyInstance): void;
  /** Counts events stored by this process. */
  countEvents(stored: number): void;
  /** The body of `/metrics`. */
  write(): Promise<{ type: string; body: string }>;
}

/** Metrics of the process itself: memory, garbage collection, event loop lag. Collected once per process. */
let ofProcess: Registry | undefined;

export function createMetrics(measure: () => Promise<MetricValues>): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const prefix = 'weekly_verdict_';
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time to answer, by route.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
    registers,
  });
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: prefix + name, help, labelNames, registers });
  const waiting = gauge('queue_waiting', 'Jobs that wait for a worker.', ['queue']);
  const queueUp = gauge('queue_up', '1 while the queue answers; without it there are no numbers of it.');
  const deliveries = gauge('deliveries', 'Deliveries of the issues that are going out.', ['issue', 'status']);
  const due = gauge('events_waiting', 'Events that were not looked at yet.');
  const parked = gauge('events_parked', 'Events that wait for a commit of ours.');
  const last = gauge('events_last_timestamp_seconds', 'When the last event came; 0 for never.');
  const failures = gauge('circuit_failures', 'Requests to the mail provider without an answer, in a row.');
  const open = gauge('circuit_open', '1 while the mail provider is left alone, because it does not answer.');
  const unresponsive = gauge(
    'circuit_silent_seconds',
    'Since when the mail provider does not answer; 0 while it does.',
  );
  const duties = gauge('duty_failures', 'Times in a row that a recurring duty failed; none while it works.', [
    'duty',
  ]);
  const notices = gauge('notices_open', 'Problems that need a person, by kind.', ['kind']);
  const late = gauge('slot_late_seconds', 'Since when a slot waits for its issue; 0 when none does.');
  const reconciled = gauge(
    'reconcile_last_timestamp_seconds',
    'When a worker last did the recurring duties; 0 for never.',
  );
  const stored = new Counter({
    name: `${prefix}events_stored_total`,
    help: 'Events of the mail provider that this process stored.',
    registers,
  });

  return {
    observe(app) {
      app.addHook('onResponse', async (request, reply) => {
        const route = request.routeOptions.url ?? 'none';
        const labels = { method: request.method, route, status: String(reply.statusCode) };
        durations.observe(labels, reply.elapsedTime / 1_000);
      });
    },
    countEvents: (count) => stored.inc(count),
    async write() {
      const now = await measure();
      waiting.reset();
      for (const [queue, count] of Object.entries(now.queues ?? {})) waiting.set({ queue }, count);
      queueUp.set(now.queues === null ? 0 : 1);
      deliveries.reset();
      for (const [issue, counts] of Object.entries(now.deliveries)) {
        for (const [status, count] of Object.entries(counts)) deliveries.set({ issue, status }, count);
      }
      duties.reset();
      for (const [duty, count] of Object.entries(now.failingDuties)) duties.set({ duty }, count);
      notices.reset();
      for (const [kind, count] of Object.entries(now.openNotices)) notices.set({ kind }, count);
      late.set(now.slotLateSeconds);
      reconciled.set((now.reconciledAt?.getTime() ?? 0) / 1_000);
      due.set(now.events.waiting);
      parked.set(now.events.parked);
      last.set((now.events.lastAt?.getTime() ?? 0) / 1_000);
      failures.set(now.circuit.failures);
      open.set(now.circuit.isOpen ? 1 : 0);
      unresponsive.set(now.circuit.unresponsiveSeconds);
      if (ofProcess === undefined) {
        ofProcess = new Registry();
        collectDefaultMetrics({ register: ofProcess });
      }
      const body = await Registry.merge([ofProcess, registry]).metrics();
      return { type: registry.contentType, body };
    },
  };
}

/**
 * `GET /metrics`. Only the token authenticates the reader: behind a proxy on this machine, every request comes from
 * localhost, under any host name.
 * @param token the reader's bearer token; null on a port that only the reader can reach.
 */
export function metricsRoutes(app: FastifyInstance, metrics: Metrics, token: string | null): void {
  const isBearer = token === null ? () => true : bearerOf(token);
  resource(app, '/metrics', {
    GET: async (request, reply) => {
      if (!isBearer(request)) throw new AppError('token-wrong', 'Metrics without the token.');
      const { type, body } = await metrics.write();
      return reply.header('cache-control', 'no-store').type(type).send(body);
    },
  });
}
