import type { FastifyInstance } from 'fastify';
import { AppError } from '../errors.ts';
import { within } from '../within.ts';
import { resource } from './resource.ts';

/** A dependency that hangs counts as unavailable; shorter than a container's health check. */
const PATIENCE_MS = 3_000;

/**
 * `/healthz`: the process is alive; `/healthz?deep`: and the installation does its work, else 503. `/readyz`: the
 * dependencies of the process respond too, else 503.
 * @param ready throws when the database or the queue is unavailable.
 * @param deep must be cheap, however often it is called.
 */
export function healthRoutes(
  app: FastifyInstance,
  ready: () => Promise<void>,
  deep?: () => Promise<{ status: 'ok' | 'failing' }>,
): void {
  resource(app, '/healthz', {
    GET: async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const isDeep = deep !== undefined && (request.query as Record<string, unknown>).deep !== undefined;
      if (!isDeep) return reply.send({ status: 'ok' });
      const health = await deep();
      return reply.code(health.status === 'ok' ? 200 : 503).send(health);
    },
  });
  resource(app, '/readyz', {
    GET: async (_request, reply) => {
      await assertReady(ready);
      return reply.header('cache-control', 'no-store').send({ status: 'ok' });
    },
  });
}

/** @throws AppError `not-ready`. */
async function assertReady(ready: () => Promise<void>): Promise<void> {
  try {
    await within(PATIENCE_MS, ready());
  } catch (cause) {
    throw new AppError('not-ready', 'The database or the queue does not answer.', { cause });
  }
}
