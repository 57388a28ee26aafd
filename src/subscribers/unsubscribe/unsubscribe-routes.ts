import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { readForm } from '../../platform/http/form.ts';
import { countRequest } from '../../platform/http/network-limits.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { resource } from '../../platform/http/resource.ts';
import type { Limiter } from '../../platform/queue/limiter.ts';
import type { Site } from '../../platform/site.ts';
import { addMailRequest } from '../../transactional/requests/request-store.ts';
import { parseAddress } from '../address.ts';
import { followLink } from '../links/link-store.ts';
import { addressesOn, leaveList, linkError, readClaim } from '../links/reader-link.ts';
import type { Keys } from '../tokens.ts';
import {
  unsubscribedPage,
  unsubscribeHelpPage,
  unsubscribeLinkSentPage,
  unsubscribePage,
} from './unsubscribe-page.tsx';

const HTML = 'text/html; charset=utf-8';

export interface UnsubscribeOptions {
  db: Connection;
  keys: Keys;
  site: Site;
  /** Requests that cause mail count against the limits of their network, like sign-ups. */
  limiter: Pick<Limiter, 'consume'>;
  /** Wakes a worker to answer the pending requests. */
  onMailRequest(): void;
}

/**
 * Unsubscribing must always work, and its answer must be true. A GET shows a page and changes nothing, because mail
 * scanners follow every link. A POST acts at once: no cookie, no redirect, no question (RFC 8058). A genuine token
 * counts, whatever else is wrong with the POST: failing to unsubscribe somebody is the worse error. This includes a
 * voided token. The answer says "unsubscribed" only when nobody whom the link leads to is mailed any more; a link that
 * leads nowhere gets 404 or 410 and the offer of another way.
 */
export function unsubscribeRoutes(
  app: FastifyInstance,
  { db, keys, site, limiter, onMailRequest }: UnsubscribeOptions,
): void {
  resource(app, '/unsubscribe', {
    GET: (_request, reply) => reply.type(HTML).send(unsubscribeHelpPage(site)),

    POST: async (request, reply) => {
      const typed = (await readForm(request)).get('email') ?? '';
      const address = parseAddress(typed);
      reply.type(HTML);
      if ('reason' in address) {
        return reply.code(422).send(unsubscribeHelpPage(site, { typed, reason: address.reason }));
      }
      await countRequest(limiter, request, reply);
      await fromDatabase(addMailRequest(db, { kind: 'leave', address }));
      onMailRequest();
      return reply.send(unsubscribeLinkSentPage(site));
    },
  });

  resource<{ token: string }>(app, '/unsubscribe/:token', {
    GET: async (request, reply) => {
      const target = await fromDatabase(followLink(db, readClaim(keys, 'unsubscribe', request.params.token)));
      if (target.list === 'unknown') throw linkError('lost', 'unsubscribe');
      reply.type(HTML);
      return reply.send(
        target.list === 'on' ? unsubscribePage(site, addressesOn(target)) : unsubscribedPage(site),
      );
    },

    POST: async (request, reply) => {
      const method = await methodOf(request);
      const isPage =
        method === 'post_button' ||
        (method === 'unknown' && request.type(['text/plain', 'text/html']) === 'text/html');
      try {
        const claim = readClaim(keys, 'unsubscribe', request.params.token);
        await leaveList(db, { claim, scope: 'unsubscribe', method });
      } catch (error) {
        const refusal = !isPage && error instanceof AppError ? REFUSALS[error.code] : undefined;
        if (refusal === undefined) throw error;
        return reply.code(refusal.status).type('text/plain; charset=utf-8').send(refusal.line(site));
      }
      return isPage
        ? reply.type(HTML).send(unsubscribedPage(site))
        : reply.type('text/plain; charset=utf-8').send('You are off the list.\n');
    },
  });
}

/**
 * The answer to a mail program that unsubscribes on a reader's behalf; it shows people only that the request failed.
 */
const REFUSALS: Record<string, { status: number; line(site: Site): string }> = {
  'link-foreign': {
    status: 404,
    line: ({ publicUrl }) =>
      `Nobody was taken off the list: this link is of another installation. Leave at ${publicUrl}/unsubscribe\n`,
  },
  'link-lost': {
    status: 410,
    line: ({ publicUrl }) =>
      `Nobody was taken off the list: it is not known whose link this is. Leave at ${publicUrl}/unsubscribe\n`,
  },
};

/** Who sent this: a mail provider on the reader's behalf, our own button, or an unknown client. */
async function methodOf(request: FastifyRequest): Promise<'one_click' | 'post_button' | 'unknown'> {
  const form = await readForm(request);
  if (form.get('List-Unsubscribe') === 'One-Click') return 'one_click';
  return form.get('confirm') === '1' ? 'post_button' : 'unknown';
}
