import type { FastifyReply, FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import { AppError } from '../errors.ts';
import type { Limiter } from '../queue/index.ts';
import { type Limit, REQUESTS } from '../subscribers/index.ts';
import { fromDatabase } from './problems.ts';

/**
 * Counts a request that can make us send mail against what its network may. All such forms count together:
 * whoever is stopped at one does not go on at the next.
 * @param kind of the count, where a form has another one.
 * @throws AppError `too-many-requests`, with `Retry-After` on the reply.
 */
export async function countRequest(
  limiter: Pick<Limiter, 'consume'>,
  request: FastifyRequest,
  reply: FastifyReply,
  { kind = 'network', limits = REQUESTS }: { kind?: string; limits?: readonly Limit[] } = {},
): Promise<void> {
  const ms = await fromDatabase(limiter.consume(`${kind}:${networkOf(request.ip)}`, limits));
  if (ms <= 0) return;
  reply.header('retry-after', String(Math.ceil(ms / 1_000)));
  throw new AppError('too-many-requests', 'Too many requests of one network.');
}

/** Who counts as one: an address of IPv4, and of IPv6 the /64 that one household has. */
function networkOf(ip: string): string {
  if (!ipaddr.isValid(ip)) return ip;
  const address = ipaddr.process(ip);
  return address.kind() === 'ipv6'
    ? (address as ipaddr.IPv6).parts
        .slice(0, 4)
        .map((part) => part.toString(16))
        .join(':')
    : address.toString();
}
