import ipaddr from 'ipaddr.js';

/** Cloud metadata services at addresses that no registry reserves: Azure's wire server. */
const METADATA = new Set(['168.63.129.16']);

/** All IPv6 addresses assigned to the public Internet (RFC 4291 §2.4); every other address is reserved. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Whether an IP address belongs to the public Internet. Every range in the IANA special-purpose registries (RFC 6890)
 * does not: loopback, private, link-local with the clouds' 169.254.169.254, carrier-grade NAT, multicast,
 * documentation. An IPv4 address mapped into IPv6 (`::ffff:127.0.0.1`) is checked as IPv4. Other embedded forms
 * (IPv4-compatible, NAT64, 6to4, Teredo) are always refused, because the network decides where they lead.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv6 && !parsed.match(GLOBAL_UNICAST)) return false;
  return parsed.range() === 'unicast' && !METADATA.has(parsed.toString());
}

/** Names that never lead anywhere, by RFC 2606: those of examples and tests. */
export function isReservedName(hostname: string): boolean {
  return /(?:^|\.)(?:example|test|invalid)\.?$/u.test(hostname);
}

/** The IP address in a URL, without DNS: "[::1]" -> "::1"; null for a name. */
export function literalAddress(hostname: string): string | null {
  const bare = hostname.replace(/^\[(.*)\]$/u, '$1');
  return ipaddr.isValid(bare) ? bare : null;
}
