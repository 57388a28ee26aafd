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

/** The most events in one statement; more would delay the response to the first of them. */
const MAX_GATHERED = 500;

export interface WebhookOptions {
  db: Connection;
  webhook: Webhook;
  /** Called after new events were stored; must not throw. */
  onEvents(stored: number): void;
}

/**
 * The route to which the provider posts events about messages. A genuine event of any type is stored and answered
 * at once; a job applies it later. After any answer but 200 the provider posts the event again, for a day.
 */
export function webhookRoutes(app: FastifyInstance, options: WebhookOptions): void {
  const { db, webhook, onEvents } = options;
  const store = gatherWrites<ReceivedEvent>(async (events) => {
    const stored = await storeEvents(db, events);
    if (stored > 0) onEvents(stored);
  }, MAX_GATHERED);

  // The signature covers the raw bytes of the body.
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
