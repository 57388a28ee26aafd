import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { readForm } from '../../platform/http/form.ts';
import { countRequest } from '../../platform/http/network-limits.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { resource } from '../../platform/http/resource.ts';
import type { Limiter } from '../../platform/queue/limiter.ts';
import { maskAddress, type Site } from '../../platform/site.ts';
import { parseAddress } from '../address.ts';
import { erasedPage, erasePage } from '../erase/erase-page.tsx';
import { linkError } from '../links/reader-link.ts';
import { CHANGES } from '../preferences/preferences-store.ts';
import type { Keys } from '../tokens.ts';
import {
  changeAddressPage,
  exportPage,
  freshLinkExpiredPage,
  freshLinkSentPage,
  freshLinkUsedPage,
  newAddressRequestedPage,
} from './step-up-page.tsx';
import {
  changeAddressByFreshLink,
  eraseByFreshLink,
  exportByFreshLink,
  type FreshLink,
  type FreshLinkPurpose,
  findFreshLink,
  requestFreshLink,
} from './step-up-store.ts';

const HTML = 'text/html; charset=utf-8';

export interface StepUpOptions {
  db: Connection;
  keys: Keys;
  site: Site;
  /** Asks a worker to send a mail whose row is in the database. */
  enqueueMail(mailId: string): void;
  /** Called when somebody was erased. */
  onErased?(): void;
  /** Requests that cause mail count against the limits of their network, like sign-ups. */
  limiter: Pick<Limiter, 'consume'>;
  /** Wakes a worker to answer the pending requests. */
  onMailRequest(): void;
}

/**
 * What a fresh link opens: a reader's data, erasure, another address. A GET does not use the link up, because mail
 * scanners follow every link; the POST of the button does. Readers request a link on the preferences page.
 */
export function stepUpRoutes(
  app: FastifyInstance,
  { db, keys, site, enqueueMail, onErased, limiter, onMailRequest }: StepUpOptions,
): void {
  /** @throws AppError `link-unknown`, and `link-void` for a link that its reader ended later. */
  const linkOf = async (token: string): Promise<FreshLink> => {
    const link = await fromDatabase(findFreshLink(db, token));
    if (link === undefined) throw new AppError('link-unknown', 'No such fresh link.');
    if (link.state === 'void') throw linkError('void', 'preferences');
    return link;
  };

  const openPage: Record<FreshLinkPurpose, (site: Site, address: string) => string> = {
    export: exportPage,
    erase: erasePage,
    change_address: changeAddressPage,
  };

  /** The page with the current state of the link. */
  const pageFor = (reply: FastifyReply, { state, purpose, email }: FreshLink) => {
    reply.type(HTML);
    if (state === 'open') return reply.send(openPage[purpose](site, email));
    if (state === 'expired') return reply.code(410).send(freshLinkExpiredPage(site));
    return reply.send(purpose === 'erase' ? erasedPage(site) : freshLinkUsedPage(site, purpose));
  };

  resource<{ token: string }>(app, '/fresh/:token', {
    GET: async (request, reply) => pageFor(reply, await linkOf(request.params.token)),

    POST: async (request, reply) => {
      const { token } = request.params;
      const form = await readForm(request);
      const link = await linkOf(token);
      const { purpose, subscriberId, email } = link;
      reply.type(HTML);
      if (form.get('again') === '1' && link.state !== 'open' && email !== '') {
        await countRequest(limiter, request, reply);
        await fromDatabase(requestFreshLink(db, { id: subscriberId, email }, purpose));
        onMailRequest();
        return reply.send(freshLinkSentPage(site, maskAddress(email)));
      }
      // The form must have the button of this purpose.
      if (form.get(purpose) !== '1') throw new AppError('form-unknown', 'Not the form of this link.');
      if (link.state !== 'open') return pageFor(reply, link);
      const done = await acts[purpose](token, {
        form,
        link,
        reply,
        count: () => countRequest(limiter, request, reply),
      });
      // Another request used the link first.
      return done ?? pageFor(reply, await linkOf(token));
    },
  });

  interface Act {
    form: URLSearchParams;
    link: FreshLink;
    reply: FastifyReply;
    count(): Promise<void>;
  }

  /** @returns undefined when the link was no longer open. */
  const acts: Record<FreshLinkPurpose, (token: string, act: Act) => Promise<FastifyReply | undefined>> = {
    async export(token, { reply }) {
      const done = await fromDatabase(exportByFreshLink(db, token, keys));
      if (done === undefined) return undefined;
      enqueueMail(done.mailId);
      return reply
        .header('content-disposition', 'attachment; filename="my-data.json"')
        .type('application/json; charset=utf-8')
        .send(`${JSON.stringify(done.data, null, 2)}\n`);
    },

    async erase(token, { reply }) {
      const done = await fromDatabase(eraseByFreshLink(db, token, keys));
      if (done === undefined) return undefined;
      enqueueMail(done.mailId);
      onErased?.();
      return reply.send(erasedPage(site));
    },

    async change_address(token, { form, link, reply, count }) {
      const typed = form.get('email') ?? '';
      const again = (reason: string) =>
        reply.code(422).send(changeAddressPage(site, link.email, { typed, reason }));
      const address = parseAddress(typed);
      if ('reason' in address) return again(address.reason);
      await count();
      if ((await fromDatabase(limiter.consume(`change:${link.subscriberId}`, CHANGES))) > 0)
        return again('was not asked: you have given three today. Try again tomorrow');
      if ((await fromDatabase(changeAddressByFreshLink(db, token, address))) === undefined) return undefined;
      onMailRequest();
      return reply.send(newAddressRequestedPage(site, address.email));
    },
  };
}
