import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';

/** How many requests of some routes may wait for the same rows at once. */
export interface WriterLimits {
  /** Requests at work; fewer than the database has connections for requests, so that the others have some left. */
  most: number;
  /** How long a request waits for its turn. */
  patienceMs: number;
  /** When the first at work has taken so long, something holds their rows: nobody else waits then. */
  stalledMs: number;
}

export const WRITER_LIMITS: WriterLimits = { most: 4, patienceMs: 2_000, stalledMs: 1_000 };

/**
 * Limits the requests of `app` that change something, so that a lock in the database that they all wait for takes the
 * connections of nobody else. Without a lock, four at a time are as fast as all.
 */
export function limitWriters(app: FastifyInstance, limits: Partial<WriterLimits> = {}): void {
  const { most, patienceMs, stalledMs } = { ...WRITER_LIMITS, ...limits };
  /** Those at work, and since when; the first is the oldest. */
  const working = new Map<FastifyRequest, number>();
  const waiting = new Map<FastifyRequest, (error?: Error) => void>();

  const isStalled = () => {
    const [oldest] = working.values();
    return oldest !== undefined && performance.now() - oldest > stalledMs;
  };
  const begin = (request: FastifyRequest, done: () => void) => {
    working.set(request, performance.now());
    done();
  };
  const release = (request: FastifyRequest) => {
    waiting.delete(request);
    if (!working.delete(request)) return;
    const [next] = waiting;
    if (next !== undefined) {
      waiting.delete(next[0]);
      begin(...next);
    }
  };

  app.addHook('preHandler', (request, _reply, done) => {
    if (request.method === 'GET' || request.method === 'HEAD') return done();
    if (working.size < most) return begin(request, done);
    const refuse = () =>
      done(new AppError('database-unavailable', 'The rows that this request changes are locked.'));
    if (isStalled()) return refuse();
    const timer = setTimeout(() => {
      if (waiting.delete(request)) refuse();
    }, patienceMs);
    waiting.set(request, () => {
      clearTimeout(timer);
      done();
    });
  });
  app.addHook('onResponse', (request, _reply, done) => {
    release(request);
    done();
  });
}
