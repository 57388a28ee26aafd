import type { FastifyInstance, FastifyReply } from 'fastify';
import { sideLetter } from '../../../emails/words.ts';
import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { networksOf } from '../../platform/http/networks.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { resource } from '../../platform/http/resource.ts';
import type { Site } from '../../platform/site.ts';
import { followOwnLink } from '../../subscribers/links/reader-link.ts';
import type { Subscriber } from '../../subscribers/subscriber-store.ts';
import type { Keys } from '../../subscribers/tokens.ts';
import type { StoredComparison } from '../comparison-store.ts';
import { type CountedComparison, callSchema } from '../model.ts';
import { comparisonPage, type Voter } from '../pages/comparison-page.tsx';
import { publicComparison } from '../pages/public-comparison.ts';
import type { Publish } from '../visibility-store.ts';
import { type Choice, votedPage, votePage, votersOnlyPage, votingHelpPage } from './vote-page.tsx';
import { castVote, countVotes, isVoterCounted, type VoteOrigin, votesOf, withVotes } from './vote-store.ts';

const HTML = 'text/html; charset=utf-8';

interface OneTool {
  slug: string;
  side: string;
  call: string;
}

/**
 * Votes by links in mail: a comparison with a button for every call, and a page for each call. A GET never counts,
 * because mail scanners follow every link; a POST counts, once per reader and tool, and a later vote replaces it. The
 * token identifies the voter without naming them, and opens nothing else.
 */
export function voteRoutes(
  app: FastifyInstance,
  { db, keys, site, publish }: { db: Connection; keys: Keys; site: Site; publish: Publish },
): void {
  /** Undefined when the person is no longer a reader. */
  const voterOf = async (token: string): Promise<Subscriber | undefined> => {
    const owner = (await followOwnLink(db, keys, 'vote', token))?.owner;
    return owner?.status === 'active' ? owner : undefined;
  };
  /** A reader, and their votes on the tools of a comparison. */
  const ownVotes = async (id: string, token: string, comparison: CountedComparison): Promise<Voter> => {
    const [calls, isCounted] = await fromDatabase(
      Promise.all([votesOf(db, id, comparison), isVoterCounted(db, id)]),
    );
    return { token, calls, isCounted };
  };
  const counted = async ({ comparison }: StoredComparison): Promise<CountedComparison> =>
    withVotes(comparison, await fromDatabase(countVotes(db, [comparison])));

  const help = {
    GET: (_request: unknown, reply: FastifyReply) => reply.type(HTML).send(votingHelpPage(site)),
  };
  // The links in the archive have no token.
  for (const url of ['/vote', '/vote/:slug', '/vote/:slug/:side/:call']) resource(app, url, help);

  resource<{ token: string; slug: string }>(app, '/vote/:token/:slug', {
    GET: async (request, reply) => {
      const { token, slug } = request.params;
      const voter = await voterOf(token);
      const stored = await publicComparison(db, slug, publish);
      if (voter === undefined) return reply.type(HTML).send(votersOnlyPage(site, stored.comparison));
      const comparison = await counted(stored);
      const page = {
        stored: { ...stored, comparison },
        mailed: undefined,
        latest: undefined,
        form: undefined,
      };
      return reply.type(HTML).send(comparisonPage(site, page, await ownVotes(voter.id, token, comparison)));
    },
  });

  /** @throws AppError `page-unknown` for an invalid side or call. */
  const choiceOf = (token: string, { side, call }: OneTool, comparison: CountedComparison): Choice => {
    const index = sideLetter.indexOf(side as 'a' | 'b') as -1 | 0 | 1;
    const read = callSchema.safeParse(call);
    if (index === -1 || !read.success) throw new AppError('page-unknown', 'No such choice.');
    return { token, comparison, side: index, call: read.data };
  };

  resource<{ token: string } & OneTool>(app, '/vote/:token/:slug/:side/:call', {
    GET: async (request, reply) => {
      const { token, slug } = request.params;
      const voter = await voterOf(token);
      const { comparison } = await publicComparison(db, slug, publish);
      const choice = choiceOf(token, request.params, comparison);
      if (voter === undefined) return reply.type(HTML).send(votersOnlyPage(site, comparison));
      const { calls, isCounted } = await ownVotes(voter.id, token, comparison);
      return reply.type(HTML).send(votePage(site, choice, { before: calls[choice.side], isCounted }));
    },

    POST: async (request, reply) => {
      const { token, slug } = request.params;
      const voter = await voterOf(token);
      const stored = await publicComparison(db, slug, publish);
      const { side, call } = choiceOf(token, request.params, stored.comparison);
      if (voter === undefined) return reply.type(HTML).send(votersOnlyPage(site, stored.comparison));
      const ballot = {
        subscriberId: voter.id,
        comparisonId: stored.id,
        tool: stored.comparison.tools[side],
        call,
        from: originOf(request.ip),
      };
      reply.type(HTML);
      const state = await fromDatabase(castVote(db, ballot));
      if (state === null) return reply.send(votersOnlyPage(site, stored.comparison));
      return reply.send(votedPage(site, { token, comparison: await counted(stored), side, call }, state));
    },
  });
}

/** The networks that belong to one person or organisation: an IPv4 /24; an IPv6 /64, and the /48 around it. */
function originOf(ip: string): VoteOrigin {
  const [narrowest, ...wider] = networksOf(ip);
  const widest = wider.at(-1);
  if (widest === undefined) return { network: narrowest.name, wideNetwork: null };
  return narrowest.name.endsWith('/64')
    ? { network: narrowest.name, wideNetwork: widest.name }
    : { network: widest.name, wideNetwork: null };
}
