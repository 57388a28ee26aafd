import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Connection } from '../db/index.ts';
import { AppError } from '../errors.ts';
import { findSubscriber, type Keys, unsubscribe, verify } from '../subscribers/index.ts';
import { readForm } from './form.ts';
import { leaveHelpPage, leavePage, leftPage } from './pages/leave.tsx';
import { fromDatabase } from './problems.ts';
import { resource } from './resource.ts';
import { maskAddress, type Site } from './site.ts';

/**
 * The one place that must always work. A GET shows a page and changes nothing, because mail scanners
 * follow every link; a POST acts at once: no cookie, no redirect, no question (RFC 8058). Whatever else
 * is wrong with a POST, a genuine token is honoured: failing to unsubscribe somebody is the worse error.
 * That goes for a token that was revoked, too.
 */
export function unsubscribeRoutes(
  app: FastifyInstance,
  { db, keys, site }: { db: Connection; keys: Keys; site: Site },
): void {
  /** @throws AppError `link-unknown`. */
  const subscriberOf = (request: FastifyRequest<{ Params: { token: string } }>): string => {
    const claim = verify(keys, 'unsubscribe', request.params.token);
    if (claim === undefined) throw new AppError('link-unknown', 'Not a genuine unsubscribe token.');
    return claim.subscriberId;
  };

  resource(app, '/unsubscribe', {
    GET: (_request, reply) => reply.type('text/html; charset=utf-8').send(leaveHelpPage(site)),
  });

  resource<{ token: string }>(app, '/unsubscribe/:token', {
    GET: async (request, reply) => {
      const subscriber = await fromDatabase(findSubscriber(db, subscriberOf(request)));
      // Erased or gone already: they are off the list, and that is all there is to say.
      const onList = subscriber?.status === 'active' || subscriber?.status === 'pending';
      const body = onList ? leavePage(site, maskAddress(subscriber.email)) : leftPage(site);
      return reply.type('text/html; charset=utf-8').send(body);
    },

    POST: async (request, reply) => {
      const id = subscriberOf(request);
      const method = await methodOf(request);
      await fromDatabase(unsubscribe(db, id, method));
      const isPage =
        method === 'post_button' ||
        (method === 'unknown' && request.type(['text/plain', 'text/html']) === 'text/html');
      return isPage
        ? reply.type('text/html; charset=utf-8').send(leftPage(site))
        : reply.type('text/plain; charset=utf-8').send('You are off the list.\n');
    },
  });
}

/** Who sent this: a mail provider on the reader's behalf, our own button, or somebody we do not know. */
async function methodOf(request: FastifyRequest): Promise<'one_click' | 'post_button' | 'unknown'> {
  const form = await readForm(request);
  if (form.get('List-Unsubscribe') === 'One-Click') return 'one_click';
  return form.get('confirm') === '1' ? 'post_button' : 'unknown';
}
