import type { FastifyInstance } from 'fastify';
import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { gatherWrites } from '../../platform/http/gather-writes.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { resource } from '../../platform/http/resource.ts';
import type { ReceivedEvent, Webhook } from '../../providers/port.ts';
import { storeEvents } from './event-store.ts';

/** An event names up to 50 recipients and the headers of its message. */
const BODY_LIMIT = 256 * 1024;

/** Values in one statement; more would keep the first of them waiting. */
const GATHERED = 500;

export interface WebhookOptions {
  db: Connection;
  webhook: Webhook;
  /** Called after something new was stored; must not throw. */
  onEvents(stored: number): void;
}

/**
 * Where the provider posts what became of the messages. A genuine event is stored and answered at once,
 * whatever its type, and applied later by a job; anything but 200 brings it back, for a day.
 */
export function webhookRoutes(app: FastifyInstance, options: WebhookOptions): void {
  const { db, webhook, onEvents } = options;
  const store = gatherWrites<ReceivedEvent>(async (events) => {
    const stored = await storeEvents(db, events);
    if (stored > 0) onEvents(stored);
  }, GATHERED);

  // The signature is over the bytes as they came.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_LIMIT }, (_request, body, done) =>
    done(null, body),
  );

  resource(app, webhook.path, {
    POST: async (request, reply) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const event = webhook.read(request.headers, body);
      if (event === null) {
        throw new AppError('signature-wrong', 'A webhook that is not signed by the provider, or not now.');
      }
      await fromDatabase(store(event));
      return reply.header('cache-control', 'no-store').type('text/plain; charset=utf-8').send('ok\n');
    },
  });
}
