import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import type { Limit, Limiter } from '../queue/limiter.ts';
import { networksOf, REQUESTS, UNSUSPECTED_REQUESTS } from './networks.ts';
import { fromDatabase } from './problems.ts';

type Counter = Pick<Limiter, 'consume'>;

/**
 * Counts a request that can make us send mail against what its networks may, the narrowest first, so that what is
 * refused there costs its neighbours nothing. All public forms count together: whoever is stopped at one does not go
 * on at the next.
 * @param kind of the count, where a form has another one.
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
 * Counts one for `key`.
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

/** Whether so much came from the widest network of a request that it looks like a machine's. Counts it. */
export async function isFromCrowdedNetwork(limiter: Counter, request: FastifyRequest): Promise<boolean> {
  const widest = networksOf(request.ip).at(-1)?.name;
  return (await fromDatabase(limiter.consume(`crowd:${widest}`, UNSUSPECTED_REQUESTS))) > 0;
}
