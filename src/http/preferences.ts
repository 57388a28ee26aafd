import type { FastifyInstance } from 'fastify';
import { knownTopics } from '../comparisons/index.ts';
import type { Connection } from '../db/index.ts';
import { AppError } from '../errors.ts';
import {
  findSubscriber,
  type Keys,
  type Subscriber,
  setTopics,
  unsubscribe,
  verify,
} from '../subscribers/index.ts';
import { readForm } from './form.ts';
import { leftPage } from './pages/leave.tsx';
import { preferencesHelpPage, preferencesPage } from './pages/preferences.tsx';
import { fromDatabase } from './problems.ts';
import { resource } from './resource.ts';
import { maskAddress, type Site } from './site.ts';
import { topicChoices } from './topics.ts';

const HTML = 'text/html; charset=utf-8';

/** Topics, and a way out. Unlike an unsubscribe link, a revoked link opens nothing here: it shows what somebody chose. */
export function preferencesRoutes(
  app: FastifyInstance,
  { db, keys, site }: { db: Connection; keys: Keys; site: Site },
): void {
  /** @throws AppError `link-unknown`, one and the same for forged, revoked and erased. */
  const subscriberOf = async (token: string): Promise<Subscriber> => {
    const claim = verify(keys, 'preferences', token);
    const subscriber = claim && (await fromDatabase(findSubscriber(db, claim.subscriberId)));
    if (subscriber === undefined || subscriber.tokenVersion !== claim?.version) {
      throw new AppError('link-unknown', 'Not a living preferences token.');
    }
    return subscriber;
  };
  const hasLeft = ({ status }: Subscriber) => status === 'unsubscribed' || status === 'suppressed';
  const choicesOf = async ({ topics }: Subscriber) =>
    topicChoices(await fromDatabase(knownTopics(db)), topics);

  resource(app, '/preferences', {
    GET: (_request, reply) => reply.type(HTML).send(preferencesHelpPage(site)),
  });

  resource<{ token: string }>(app, '/preferences/:token', {
    GET: async (request, reply) => {
      const subscriber = await subscriberOf(request.params.token);
      if (hasLeft(subscriber)) return reply.type(HTML).send(leftPage(site));
      const page = {
        address: maskAddress(subscriber.email),
        choices: await choicesOf(subscriber),
        saved: false,
      };
      return reply.type(HTML).send(preferencesPage(site, page));
    },

    POST: async (request, reply) => {
      const subscriber = await subscriberOf(request.params.token);
      if (hasLeft(subscriber)) return reply.type(HTML).send(leftPage(site));
      const form = await readForm(request);
      if (form.get('leave') === '1') {
        await fromDatabase(unsubscribe(db, subscriber.id, 'post_button'));
        return reply.type(HTML).send(leftPage(site));
      }
      // A body without our field is not our form, and must not be read as "everything".
      if (form.get('save') !== '1') throw new AppError('form-unknown', 'Not the preferences form.');
      const ticked = new Set(form.getAll('topic'));
      const choices = (await choicesOf(subscriber)).map(({ topic }) => ({
        topic,
        chosen: ticked.has(topic),
      }));
      const topics = choices.filter(({ chosen }) => chosen).map(({ topic }) => topic);
      await fromDatabase(setTopics(db, subscriber.id, topics));
      const page = { address: maskAddress(subscriber.email), choices, saved: true };
      return reply.type(HTML).send(preferencesPage(site, page));
    },
  });
}
