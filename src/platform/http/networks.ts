import ipaddr from 'ipaddr.js';
import type { Limit } from '../queue/limiter.ts';

/** Who counts as one sender of requests, and how many requests such a one may send. */

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/**
 * Requests of the narrowest network that one person has: an address of IPv4, a /64 of IPv6. Whoever sends more is
 * told when to come again (429). A school or an office may be one network; its inboxes are guarded in any case.
 */
export const REQUESTS: readonly Limit[] = [
  { points: 10, seconds: MINUTE },
  { points: 60, seconds: HOUR },
];

/** The same in place of a challenge that cannot be verified now. */
export const SUSPICIOUS_REQUESTS: readonly Limit[] = [
  { points: 2, seconds: MINUTE },
  { points: 6, seconds: HOUR },
];

/** Of the widest network, as many sign-ups are taken for people's; those above look like a machine's. */
export const UNSUSPECTED_REQUESTS: readonly Limit[] = [{ points: 10, seconds: HOUR }];

/** A network that a request came from, and how many times the limits of the narrowest it has. */
export interface Network {
  name: string;
  factor: number;
}

/**
 * The networks of an address, the narrowest first. A household has a /64, often a /56, and a small provider a /48:
 * whoever owns one must not get the limits of all networks in it, and neighbours in it must not share those of one.
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
