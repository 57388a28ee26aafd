import type { FastifyInstance } from 'fastify';
import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { readForm } from '../../platform/http/form.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { resource } from '../../platform/http/resource.ts';
import { type ArchivedIssue, maskAddress, type Site } from '../../platform/site.ts';
import { confirmSubscription } from '../sign-up/answer-sign-up.ts';
import { blockInbox, findInvitation } from '../sign-up/sign-up-store.ts';
import { evidenceOf } from '../sign-up/subscribe-routes.ts';
import { type Keys, tokenHash } from '../tokens.ts';
import { confirmedPage, confirmPage, expiredPage, neverAgainPage, neverPage } from './confirm-page.tsx';

const HTML = 'text/html; charset=utf-8';

/**
 * The pages behind the two links of a confirm mail. Only a POST of their buttons changes anything; a second POST
 * changes nothing more. The link to refuse works as long as its token is known, even when it is too late to confirm.
 */
export function confirmRoutes(
  app: FastifyInstance,
  {
    db,
    keys,
    site,
    enqueueMail,
    latestIssue,
  }: {
    db: Connection;
    keys: Keys;
    site: Site;
    enqueueMail(mailId: string): void;
    latestIssue(): Promise<ArchivedIssue | undefined>;
  },
): void {
  const invitationOf = (token: string) => fromDatabase(findInvitation(db, tokenHash(token)));
  const expired = expiredPage(site);

  resource<{ token: string }>(app, '/confirm/:token', {
    GET: async (request, reply) => {
      const { token } = request.params;
      const invitation = await invitationOf(token);
      if (invitation?.state === 'done')
        return reply.type(HTML).send(confirmedPage(site, await latestIssue()));
      if (invitation?.state !== 'open') return reply.code(404).type(HTML).send(expired);
      const { email, topics } = invitation;
      const never = `/confirm/${token}/never`;
      return reply.type(HTML).send(confirmPage(site, { address: maskAddress(email), topics, never }));
    },

    POST: async (request, reply) => {
      const { token } = request.params;
      if ((await readForm(request)).get('confirm') !== '1') {
        throw new AppError('form-unknown', 'Not the confirm form.');
      }
      const latest = await latestIssue();
      const welcome = await fromDatabase(
        confirmSubscription(db, keys, {
          token,
          evidence: evidenceOf(request),
          latestIssue: latest?.slug ?? null,
        }),
      );
      if (welcome !== undefined) enqueueMail(welcome);
      const isReader = welcome !== undefined || (await invitationOf(token))?.state === 'done';
      if (!isReader) return reply.code(404).type(HTML).send(expired);
      return reply.type(HTML).send(confirmedPage(site, latest));
    },
  });

  resource<{ token: string }>(app, '/confirm/:token/never', {
    GET: async (request, reply) => {
      const invitation = await invitationOf(request.params.token);
      if (invitation === undefined) return reply.code(404).type(HTML).send(expired);
      const page =
        invitation.status === 'suppressed'
          ? neverAgainPage(site)
          : neverPage(site, maskAddress(invitation.email));
      return reply.type(HTML).send(page);
    },

    POST: async (request, reply) => {
      const invitation = await invitationOf(request.params.token);
      if (invitation === undefined) return reply.code(404).type(HTML).send(expired);
      if ((await readForm(request)).get('never') !== '1') {
        throw new AppError('form-unknown', 'Not the form of this page.');
      }
      await fromDatabase(blockInbox(db, invitation, evidenceOf(request)));
      return reply.type(HTML).send(neverAgainPage(site));
    },
  });
}
