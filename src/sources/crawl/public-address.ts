import ipaddr from 'ipaddr.js';

/** Metadata services at addresses that no registry marks as special: Azure's wire server. */
const METADATA = new Set(['168.63.129.16']);

/** All of IPv6 that was ever given to the public Internet (RFC 4291 §2.4): what is outside of it is something else. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Whether an IP address is one of the public Internet. Everything the IANA special-purpose registries
 * (RFC 6890) set apart is not: loopback, private, link-local with the clouds' 169.254.169.254, carrier-grade
 * NAT, multicast, documentation. An IPv4 address inside an IPv6 one (`::ffff:127.0.0.1`) counts as what it is;
 * other forms that hide one (IPv4-compatible, NAT64, 6to4, Teredo) are refused, whatever they hide: where they
 * lead is up to the network in between.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv6 && !parsed.match(GLOBAL_UNICAST)) return false;
  return parsed.range() === 'unicast' && !METADATA.has(parsed.toString());
}

/** The IP address a URL names itself, without asking DNS: "[::1]" -> "::1"; null for a name. */
export function literalAddress(hostname: string): string | null {
  const bare = hostname.replace(/^\[(.*)\]$/u, '$1');
  return ipaddr.isValid(bare) ? bare : null;
}
