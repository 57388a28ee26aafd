import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Connection } from '../db/index.ts';
import { type NewEvent, storeEvents } from '../delivery/index.ts';
import { AppError } from '../errors.ts';
import { gatherWrites } from './gather-writes.ts';
import { fromDatabase } from './problems.ts';
import { readResendEvent } from './resend-event.ts';
import { resource } from './resource.ts';
import { isGenuine } from './signature.ts';

/** An event names up to 50 recipients and the headers of its message. */
const BODY_LIMIT = 256 * 1024;

/** Values in one statement; more would keep the first of them waiting. */
const GATHERED = 500;

export interface WebhookOptions {
  db: Connection;
  /** Any one of them signs. */
  webhookSecrets: readonly string[];
  clock(): Date;
  /** Called after something new was stored; must not throw. */
  onEvents(stored: number): void;
}

/**
 * `POST /webhooks/resend`: what became of the messages. A genuine event is stored and answered at once,
 * whatever its type, and applied later by a job; anything but 200 brings it back, for a day.
 */
export function webhookRoutes(app: FastifyInstance, options: WebhookOptions): void {
  const { db, webhookSecrets, clock, onEvents } = options;
  const store = gatherWrites<NewEvent>(async (events) => {
    const stored = await storeEvents(db, events);
    if (stored > 0) onEvents(stored);
  }, GATHERED);

  // The signature is over the bytes as they came.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_LIMIT }, (_request, body, done) =>
    done(null, body),
  );

  resource(app, '/webhooks/resend', {
    POST: async (request, reply) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const headers = {
        id: header(request, 'svix-id'),
        timestamp: header(request, 'svix-timestamp'),
        signature: header(request, 'svix-signature'),
      };
      if (!isGenuine(webhookSecrets, headers, body, clock())) {
        throw new AppError('signature-wrong', 'A webhook that is not signed by the provider, or not now.');
      }
      await fromDatabase(store(readResendEvent(headers.id, body, clock())));
      return reply.header('cache-control', 'no-store').type('text/plain; charset=utf-8').send('ok\n');
    },
  });
}

function header(request: FastifyRequest, name: string): string {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
}
