import type { FastifyInstance } from 'fastify';
import { knownTopics, type Publish } from '../comparisons/index.ts';
import type { Connection } from '../db/index.ts';
import { AppError } from '../errors.ts';
import type { Limiter } from '../queue/index.ts';
import {
  CHANGES,
  changeAddress,
  endPause,
  eraseSubscriber,
  exportSubscriber,
  findAddressChange,
  type Keys,
  parseAddress,
  refuseAddressChange,
  type Subscriber,
  setTopics,
  takePause,
} from '../subscribers/index.ts';
import { addMailRequest } from '../transactional/index.ts';
import { readForm } from './form.ts';
import { countRequest } from './network.ts';
import { addressChangePage } from './pages/address.tsx';
import { neverAgainPage, neverPage } from './pages/confirm.tsx';
import { erasedPage, erasePage } from './pages/erase.tsx';
import { leavePage, leftPage } from './pages/leave.tsx';
import { linkSentPage, type Notice, preferencesHelpPage, preferencesPage } from './pages/preferences.tsx';
import { fromDatabase } from './problems.ts';
import { addressesOn, followOwnLink, leaveList, linkError, readClaim } from './reader-link.ts';
import { resource } from './resource.ts';
import { maskAddress, type Site } from './site.ts';
import { topicChoices } from './topics.ts';

const HTML = 'text/html; charset=utf-8';

export interface PreferencesOptions {
  db: Connection;
  keys: Keys;
  site: Site;
  /** Asks a worker to send a mail whose row is on the books. */
  ring(mailId: string): void;
  publish: Publish;
  /** Called when somebody was erased. */
  onErased?(): void;
  /** What causes mail counts against the limits of its network, as signing up does. */
  limiter: Pick<Limiter, 'consume'>;
  /** Wakes a worker to answer the requests that wait. */
  onMailRequest(): void;
}

/**
 * What a reader decides about themselves: topics, a pause, another address, their data, the end of it. Unlike
 * an unsubscribe link, a revoked link opens nothing here: it shows what somebody chose.
 */
export function preferencesRoutes(
  app: FastifyInstance,
  { db, keys, site, ring, publish, onErased, limiter, onMailRequest }: PreferencesOptions,
): void {
  /** @throws AppError `link-…`: see {@link followOwnLink}. */
  const targetOf = (token: string) => followOwnLink(db, keys, 'preferences', token);
  /** For what only the owner of a living link may do. */
  const subscriberOf = async (token: string): Promise<Subscriber> => {
    const target = await targetOf(token);
    if (target === undefined) throw linkError('void', 'preferences');
    return target.owner;
  };
  const hasLeft = ({ status }: Subscriber) => status === 'unsubscribed' || status === 'suppressed';
  const ringFor = (mailId: string | null) => {
    if (mailId !== null) ring(mailId);
  };

  /** The page as the books are now. */
  const pageFor = async (token: string, notice: Notice | null) => {
    const found = await targetOf(token);
    if (found === undefined) return leftPage(site);
    const { owner: subscriber, target } = found;
    if (hasLeft(subscriber)) {
      return target.list === 'on' ? leavePage(site, addressesOn(target), 'leave') : leftPage(site, token);
    }
    const { email, topics, pausedUntil } = subscriber;
    return preferencesPage(site, {
      token,
      address: maskAddress(email),
      choices: topicChoices(await fromDatabase(knownTopics(db, publish)), topics),
      pausedUntil,
      notice,
    });
  };

  /** What each button of the page does, by the hidden field that it sends. */
  type Action = (
    subscriber: Subscriber,
    form: URLSearchParams,
    count: () => Promise<void>,
  ) => Promise<Notice>;
  const actions: Record<string, Action> = {
    async save({ id, topics }, form) {
      const ticked = new Set(form.getAll('topic'));
      const offered = topicChoices(await fromDatabase(knownTopics(db, publish)), topics);
      const chosen = offered.map(({ topic }) => topic).filter((topic) => ticked.has(topic));
      return { kind: 'saved', topics: await fromDatabase(setTopics(db, id, chosen)) };
    },
    async pause({ id }) {
      await fromDatabase(takePause(db, id));
      return { kind: 'paused' };
    },
    async resume({ id }) {
      await fromDatabase(endPause(db, id));
      return { kind: 'resumed' };
    },
    async change({ id }, form, count) {
      const typed = form.get('email') ?? '';
      const address = parseAddress(typed);
      if ('reason' in address) return { kind: 'refused', typed, reason: address.reason };
      await count();
      if ((await fromDatabase(limiter.consume(`change:${id}`, CHANGES))) > 0) {
        const reason = 'was not asked: you have given three today. Try again tomorrow';
        return { kind: 'refused', typed, reason };
      }
      await fromDatabase(addMailRequest(db, { kind: 'change', address, details: { subscriberId: id } }));
      onMailRequest();
      return { kind: 'asked', address: address.email };
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
        return reply.send(leftPage(site, owner && token));
      }
      const subscriber = (await targetOf(token))?.owner;
      if (subscriber === undefined || hasLeft(subscriber)) return reply.send(await pageFor(token, null));
      // A body without our field is not our form, and must not be read as "everything".
      const [, act] = Object.entries(actions).find(([name]) => form.get(name) === '1') ?? [];
      if (act === undefined) throw new AppError('form-unknown', 'Not the preferences form.');
      const notice = await act(subscriber, form, () => countRequest(limiter, request, reply));
      if (notice.kind === 'refused') reply.code(422);
      return reply.send(await pageFor(token, notice));
    },
  });

  resource<{ token: string }>(app, '/preferences/:token/export', {
    GET: async (request, reply) => {
      const { id } = await subscriberOf(request.params.token);
      const data = await fromDatabase(exportSubscriber(db, id));
      return reply
        .header('content-disposition', 'attachment; filename="my-data.json"')
        .type('application/json; charset=utf-8')
        .send(`${JSON.stringify(data, null, 2)}\n`);
    },
  });

  resource<{ token: string }>(app, '/preferences/:token/erase', {
    GET: async (request, reply) => {
      const owner = (await targetOf(request.params.token))?.owner;
      const body = owner === undefined ? erasedPage(site) : erasePage(site, maskAddress(owner.email));
      return reply.type(HTML).send(body);
    },
    POST: async (request, reply) => {
      const owner = (await targetOf(request.params.token))?.owner;
      if ((await readForm(request)).get('erase') !== '1') {
        throw new AppError('form-unknown', 'Not the form that erases.');
      }
      if (owner !== undefined) await fromDatabase(eraseSubscriber(db, { id: owner.id }, 'post_button'));
      onErased?.();
      return reply.type(HTML).send(erasedPage(site));
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
      ringFor(done.mailId);
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
