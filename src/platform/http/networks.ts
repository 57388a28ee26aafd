import ipaddr from 'ipaddr.js';
import type { Limit } from '../queue/limiter.ts';

/** Which networks count as one sender of requests, and the limits of a sender. */

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/**
 * Limits of the narrowest network of one person: an IPv4 address, an IPv6 /64. Further requests get 429 with
 * Retry-After. A school or an office may share one network; inboxes have limits of their own in any case.
 */
export const REQUESTS: readonly Limit[] = [
  { points: 10, seconds: MINUTE },
  { points: 60, seconds: HOUR },
];

/** The limits while a challenge cannot be verified. */
export const SUSPICIOUS_REQUESTS: readonly Limit[] = [
  { points: 2, seconds: MINUTE },
  { points: 6, seconds: HOUR },
];

/** Sign-ups of the widest network that count as people's; further ones are suspicious. */
export const UNSUSPECTED_REQUESTS: readonly Limit[] = [{ points: 10, seconds: HOUR }];

/** A network of the client, and its limits as a multiple of the narrowest network's. */
export interface Network {
  name: string;
  factor: number;
}

/**
 * The networks of an address, narrowest first. A household has a /64, often a /56, and a small provider a /48: the
 * owner of a large network must not get the limits of all networks in it, and neighbours in it must not share the
 * limits of one.
 */
export function networksOf(ip: string): readonly [Network, ...Network[]] {
  if (!ipaddr.isValid(ip)) return [{ name: ip, factor: 1 }];
  const address = ipaddr.process(ip);
  if (address instanceof ipaddr.IPv4) {
    const name = address.toString();
    return [
      { name, factor: 1 },
      { name: `${name.slice(0, name.lastIndexOf('.'))}.0/24`, factor: 4 },
    ];
  }
  const prefix = (bits: number) => {
    const hidden = (at: number) => Math.min(16, Math.max(0, 16 * (at + 1) - bits));
    const parts = address.parts.map((part, at) => part & (0xffff << hidden(at)));
    return `${new ipaddr.IPv6(parts).toString()}/${bits}`;
  };
  return [
    { name: prefix(64), factor: 1 },
    { name: prefix(56), factor: 2 },
    { name: prefix(48), factor: 4 },
  ];
}
