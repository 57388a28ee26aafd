import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import type { Limit, Limiter } from '../queue/limiter.ts';
import { networksOf, REQUESTS, UNSUSPECTED_REQUESTS } from './networks.ts';
import { fromDatabase } from './problems.ts';

type Counter = Pick<Limiter, 'consume'>;

/**
 * Counts a request that can cause mail against the limits of its networks, narrowest first, so that a request refused
 * there does not count against its neighbours. All public forms share the counters: a sender refused at one form is
 * refused at the others.
 * @param kind of the counter, when a form has its own.
 * @throws AppError `too-many-requests`, with `Retry-After` on the reply.
 */
export async function countRequest(
  limiter: Counter,
  request: FastifyRequest,
  reply: FastifyReply,
  { kind = 'network', limits = REQUESTS }: { kind?: string; limits?: readonly Limit[] } = {},
): Promise<void> {
  for (const { name, factor } of networksOf(request.ip)) {
    const grown = limits.map(({ points, seconds }) => ({ points: points * factor, seconds }));
    await countAgainst(limiter, `${kind}:${name}`, grown, reply);
  }
}

/**
 * Counts one request for `key`.
 * @throws AppError `too-many-requests`, with `Retry-After` on the reply.
 */
export async function countAgainst(
  limiter: Counter,
  key: string,
  limits: readonly Limit[],
  reply: FastifyReply,
): Promise<void> {
  const ms = await fromDatabase(limiter.consume(key, limits));
  if (ms <= 0) return;
  reply.header('retry-after', String(Math.ceil(ms / 1_000)));
  throw new AppError('too-many-requests', 'Too many requests of one network.');
}

/**
 * Whether the widest network of a request sent so many requests that they look like a machine's. Counts this request.
 */
export async function isFromCrowdedNetwork(limiter: Counter, request: FastifyRequest): Promise<boolean> {
  const widest = networksOf(request.ip).at(-1)?.name;
  return (await fromDatabase(limiter.consume(`crowd:${widest}`, UNSUSPECTED_REQUESTS))) > 0;
}
