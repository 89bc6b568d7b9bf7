/**
 * Ranges of proxies and public resolvers: whoever is seen under one of these is not seen directly (a VPN such
 * as WARP, a proxy in between, a resolver that asked in our place), so the address is not the router's.
 * Cloudflare: https://www.cloudflare.com/ips-v4 and /ips-v6; the resolvers: their operators' setup pages.
 */
export const FOREIGN_RANGES: readonly string[] = [
  // Cloudflare
  '103.21.244.0/22',
  '103.22.200.0/22',
  '103.31.4.0/22',
  // Its whole allocation: the list names less, and WARP shows the rest.
  '104.16.0.0/12',
  '108.162.192.0/18',
  '131.0.72.0/22',
  '141.101.64.0/18',
  '162.158.0.0/15',
  '172.64.0.0/13',
  '173.245.48.0/20',
  '188.114.96.0/20',
  '190.93.240.0/20',
  '197.234.240.0/22',
  '198.41.128.0/17',
  '2400:cb00::/32',
  '2405:8100::/32',
  '2405:b500::/32',
  '2606:4700::/32',
  '2803:f800::/32',
  '2a06:98c0::/29',
  '2c0f:f248::/32',
  // Resolvers: Cloudflare, Google, Quad9, OpenDNS
  '1.0.0.0/24',
  '1.1.1.0/24',
  '8.8.4.0/24',
  '8.8.8.0/24',
  '2001:4860:4860::/48',
  '9.9.9.0/24',
  '149.112.112.0/24',
  '2620:fe::/48',
  '208.67.216.0/21',
  '2620:119:35::/48',
  '2620:119:53::/48',
];
