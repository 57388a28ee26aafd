import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { isPublicAddress } from '../../src/sources/crawl/public-address.ts';

/**
 * Every range outside the public Internet, by its name in the IANA special-purpose registries of IPv4 and IPv6, and the
 * ranges that other IANA registries reserve. The few globally reachable addresses inside them (protocol anycast) have
 * no web site, and are refused with the rest.
 */
const NOT_PUBLIC: Record<string, string[]> = {
  'this network': ['0.0.0.0/8'],
  'private use': ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
  'shared address space, carrier-grade NAT': ['100.64.0.0/10'],
  'loopback of IPv4': ['127.0.0.0/8'],
  'link local of IPv4, with metadata services of clouds': ['169.254.0.0/16'],
  'protocol assignments of IPv4': ['192.0.0.0/24'],
  'documentation of IPv4': ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24'],
  'AS112 of IPv4': ['192.31.196.0/24', '192.175.48.0/24'],
  'AMT of IPv4': ['192.52.193.0/24'],
  '6to4 relay anycast, deprecated': ['192.88.99.0/24'],
  'benchmarking of IPv4': ['198.18.0.0/15'],
  'multicast of IPv4': ['224.0.0.0/4'],
  'reserved, with limited broadcast': ['240.0.0.0/4', '255.255.255.255/32'],
  'metadata service of Azure': ['168.63.129.16/32'],
  unspecified: ['::/128'],
  'loopback of IPv6': ['::1/128'],
  'IPv4-compatible, deprecated': ['::/96', '::127.0.0.1/128', '::7f00:1/128', '::a9fe:a9fe/128'],
  'IPv4-mapped loopback, private and link-local': [
    '::ffff:127.0.0.0/104',
    '::ffff:10.0.0.0/104',
    '::ffff:169.254.0.0/112',
  ],
  'IPv4-translated': ['::ffff:0:0:0/96'],
  'NAT64, well-known prefix': ['64:ff9b::/96'],
  'NAT64, local use': ['64:ff9b:1::/48'],
  'discard only': ['100::/64'],
  'dummy prefix': ['100:0:0:1::/64'],
  'protocol assignments of IPv6': ['2001::/23'],
  Teredo: ['2001::/32'],
  'benchmarking of IPv6': ['2001:2::/48'],
  'AMT of IPv6': ['2001:3::/32'],
  'AS112 of IPv6': ['2001:4:112::/48', '2620:4f:8000::/48'],
  'ORCHID, and ORCHIDv2': ['2001:10::/28', '2001:20::/28'],
  'drone remote identification': ['2001:30::/28'],
  'documentation of IPv6': ['2001:db8::/32', '3fff::/20'],
  '6to4': ['2002::/16', '2002:7f00:1::/48', '2002:a00:1::/48'],
  'segment routing': ['5f00::/16'],
  'unique local': ['fc00::/7', 'fd00:ec2::254/128'],
  'link local of IPv6': ['fe80::/10'],
  'site local, deprecated': ['fec0::/10'],
  'multicast of IPv6': ['ff00::/8', 'ff02::1/128'],
  'never assigned to the Internet': [
    '200::/7',
    '400::/6',
    '800::/5',
    '1000::/4',
    '4000::/3',
    'e000::/4',
    'f000::/5',
  ],
};

/** First and last address of a range. */
function endsOf(range: string): string[] {
  const family = range.includes(':') ? ipaddr.IPv6 : ipaddr.IPv4;
  // ipaddr.js reads the dotted end of an IPv6 address only without a prefix length.
  const [address = '', bits = ''] = range.split('/');
  const cidr = `${ipaddr.parse(address).toString()}/${bits}`;
  return [family.networkAddressFromCIDR(cidr), lastOf(cidr)].map(String);
}

function lastOf(cidr: string): string {
  if (!cidr.includes(':')) return ipaddr.IPv4.broadcastAddressFromCIDR(cidr).toString();
  return ipaddr.IPv6.broadcastAddressFromCIDR(cidr).toString();
}

describe('F18: an address outside the public Internet is refused', () => {
  it.each(Object.entries(NOT_PUBLIC))('%s', (_name, ranges) => {
    const taken = ranges.flatMap(endsOf).filter(isPublicAddress);
    expect(taken, 'addresses that were taken for public ones').toEqual([]);
  });

  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '93.184.215.14',
    '::ffff:8.8.8.8',
    '2606:4700::1111',
    '2a00:1450:4001::1',
    '2620:fe::fe',
  ])('%s is public, and is not refused', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each(['localhost', '', '2130706433x', '10.1', '0x7f.1', '0177.0.0.1', 'fe80::1%eth0'])(
    '"%s" is no public address either',
    (address) => {
      expect(isPublicAddress(address)).toBe(false);
    },
  );
});
