import type { FastifyInstance } from 'fastify';
import { AppError } from '../errors.ts';
import { resource } from './resource.ts';

/** A dependency that hangs counts as unavailable; shorter than a container's health check. */
const PATIENCE_MS = 3_000;

/**
 * `/healthz`: the process is alive. `/readyz`: its dependencies respond too, else 503.
 * @param ready throws when the database or the queue is unavailable.
 */
export function healthRoutes(app: FastifyInstance, ready: () => Promise<void>): void {
  resource(app, '/healthz', {
    GET: (_request, reply) => reply.header('cache-control', 'no-store').send({ status: 'ok' }),
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
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  try {
    await Promise.race([ready(), patience]);
  } catch (cause) {
    throw new AppError('not-ready', 'The database or the queue does not answer.', { cause });
  } finally {
    clearTimeout(timer);
  }
}
