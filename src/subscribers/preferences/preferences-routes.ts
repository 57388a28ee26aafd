import type { FastifyInstance } from 'fastify';
import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { readForm } from '../../platform/http/form.ts';
import { countRequest } from '../../platform/http/network-limits.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { resource } from '../../platform/http/resource.ts';
import type { Limiter } from '../../platform/queue/limiter.ts';
import { maskAddress, type Site } from '../../platform/site.ts';
import { addMailRequest } from '../../transactional/requests/request-store.ts';
import { parseAddress } from '../address.ts';
import { neverAgainPage, neverPage } from '../confirm/confirm-page.tsx';
import { addressesOn, followOwnLink, leaveList, readClaim } from '../links/reader-link.ts';
import { freshLinkSentPage, linksVoidPage } from '../step-up/step-up-page.tsx';
import { FRESH_LINK_PURPOSES, requestFreshLink, voidLinks } from '../step-up/step-up-store.ts';
import { type Subscriber, setTopics } from '../subscriber-store.ts';
import type { Keys } from '../tokens.ts';
import { unsubscribedPage, unsubscribePage } from '../unsubscribe/unsubscribe-page.tsx';
import { addressChangePage } from './address-change-page.tsx';
import { linkSentPage, type Notice, preferencesHelpPage, preferencesPage } from './preferences-page.tsx';
import { changeAddress, findAddressChange, pause, refuseAddressChange, resume } from './preferences-store.ts';
import { topicChoices } from './topic-choices.ts';

const HTML = 'text/html; charset=utf-8';

export interface PreferencesOptions {
  db: Connection;
  keys: Keys;
  site: Site;
  /** Asks a worker to send a mail whose row is in the database. */
  enqueueMail(mailId: string): void;
  /** The topics that readers can choose today. */
  topics(): Promise<string[]>;
  /** Requests that cause mail count against the limits of their network, like sign-ups. */
  limiter: Pick<Limiter, 'consume'>;
  /** Wakes a worker to answer the pending requests. */
  onMailRequest(): void;
}

/**
 * What a reader can change by a link in an issue: topics, a pause, the end of the subscription. For their data, for
 * erasure and for another address they are mailed a fresh link (step-up-routes.ts), because issues are forwarded. A
 * void link still unsubscribes, but it does not open these pages: they show what a reader chose.
 */
export function preferencesRoutes(
  app: FastifyInstance,
  { db, keys, site, enqueueMail, topics: known, limiter, onMailRequest }: PreferencesOptions,
): void {
  /** @throws AppError `link-…`: see {@link followOwnLink}. */
  const targetOf = (token: string) => followOwnLink(db, keys, 'preferences', token);
  const hasLeft = ({ status }: Subscriber) => status === 'unsubscribed' || status === 'suppressed';
  const enqueueIfAny = (mailId: string | null) => {
    if (mailId !== null) enqueueMail(mailId);
  };

  /** The page with the current state of the database. */
  const pageFor = async (token: string, notice: Notice | null) => {
    const found = await targetOf(token);
    if (found === undefined) return unsubscribedPage(site);
    const { owner: subscriber, target } = found;
    if (hasLeft(subscriber)) {
      return target.list === 'on'
        ? unsubscribePage(site, addressesOn(target), 'leave')
        : unsubscribedPage(site, token);
    }
    const { email, topics, pausedUntil } = subscriber;
    return preferencesPage(site, {
      token,
      address: maskAddress(email),
      choices: topicChoices(await known(), topics),
      pausedUntil,
      notice,
    });
  };

  /** What each button of the page does, keyed by its hidden field. */
  type Action = (subscriber: Subscriber, form: URLSearchParams) => Promise<Notice>;
  const actions: Record<string, Action> = {
    async save({ id, topics }, form) {
      const ticked = new Set(form.getAll('topic'));
      const offered = topicChoices(await known(), topics);
      const chosen = offered.map(({ topic }) => topic).filter((topic) => ticked.has(topic));
      return { kind: 'saved', topics: await fromDatabase(setTopics(db, id, chosen)) };
    },
    async pause({ id }) {
      await fromDatabase(pause(db, id));
      return { kind: 'paused' };
    },
    async resume({ id }) {
      await fromDatabase(resume(db, id));
      return { kind: 'resumed' };
    },
  };

  resource(app, '/preferences', {
    GET: (_request, reply) => reply.type(HTML).send(preferencesHelpPage(site)),

    POST: async (request, reply) => {
      const typed = (await readForm(request)).get('email') ?? '';
      const address = parseAddress(typed);
      reply.type(HTML);
      if ('reason' in address) {
        return reply.code(422).send(preferencesHelpPage(site, { typed, reason: address.reason }));
      }
      await countRequest(limiter, request, reply);
      await fromDatabase(addMailRequest(db, { kind: 'link', address }));
      onMailRequest();
      return reply.send(linkSentPage(site));
    },
  });

  resource<{ token: string }>(app, '/preferences/:token', {
    GET: async (request, reply) => reply.type(HTML).send(await pageFor(request.params.token, null)),

    POST: async (request, reply) => {
      const { token } = request.params;
      const form = await readForm(request);
      reply.type(HTML);
      if (form.get('leave') === '1') {
        const claim = readClaim(keys, 'preferences', token);
        const { owner } = await leaveList(db, { claim, scope: 'preferences', method: 'post_button' });
        return reply.send(unsubscribedPage(site, owner && token));
      }
      const subscriber = (await targetOf(token))?.owner;
      const purpose = FRESH_LINK_PURPOSES.find((each) => form.get('ask') === each);
      // An unsubscribed person still has data.
      if (subscriber !== undefined && purpose !== undefined) {
        await countRequest(limiter, request, reply);
        await fromDatabase(requestFreshLink(db, subscriber, purpose));
        onMailRequest();
        return reply.send(freshLinkSentPage(site, maskAddress(subscriber.email)));
      }
      if (subscriber === undefined || hasLeft(subscriber)) return reply.send(await pageFor(token, null));
      if (form.get('void') === '1') {
        enqueueIfAny(await fromDatabase(voidLinks(db, subscriber, keys)));
        return reply.send(linksVoidPage(site, maskAddress(subscriber.email)));
      }
      // A body without one of our fields is not our form, and must not be read as "no topic chosen, so everything".
      const [, act] = Object.entries(actions).find(([name]) => form.get(name) === '1') ?? [];
      if (act === undefined) throw new AppError('form-unknown', 'Not the preferences form.');
      return reply.send(await pageFor(token, await act(subscriber, form)));
    },
  });

  resource<{ token: string }>(app, '/change/:token', {
    GET: async (request, reply) => {
      const change = await fromDatabase(findAddressChange(db, request.params.token));
      if (change === undefined) throw new AppError('link-unknown', 'No such change of address.');
      return reply.type(HTML).send(addressChangePage(site, change));
    },
    POST: async (request, reply) => {
      const done = await fromDatabase(changeAddress(db, request.params.token, keys));
      if (done === undefined) throw new AppError('link-unknown', 'No such change of address.');
      enqueueIfAny(done.mailId);
      return reply.type(HTML).send(addressChangePage(site, done.change));
    },
  });

  resource<{ token: string }>(app, '/change/:token/never', {
    GET: async (request, reply) => {
      const change = await fromDatabase(findAddressChange(db, request.params.token));
      if (change === undefined || change.state === 'done') {
        throw new AppError('link-unknown', 'No such change of address.');
      }
      return reply.type(HTML).send(neverPage(site, maskAddress(change.to)));
    },
    POST: async (request, reply) => {
      if ((await readForm(request)).get('never') !== '1') {
        throw new AppError('form-unknown', 'Not the form of this page.');
      }
      const isRefused = await fromDatabase(refuseAddressChange(db, request.params.token));
      if (!isRefused) throw new AppError('link-unknown', 'No such change of address.');
      return reply.type(HTML).send(neverAgainPage(site));
    },
  });
}
