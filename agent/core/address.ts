/** Addresses as text: strict parsing, canonical form, scope, and prefix plus host part. */
import ipaddr from 'ipaddr.js';

export type Family = 'ipv4' | 'ipv6';
export const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];

export interface ParsedAddress {
  family: Family;
  /** Dotted decimal, or RFC 5952 text. Two addresses are equal when their canonical texts are. */
  canonical: string;
}

/**
 * Parses exactly one address. No zone index, no leading zeros, no shortened IPv4 forms: what a server reads
 * differently from us must not be published.
 */
export function parseAddress(text: string): ParsedAddress | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) {
    const canonical = ipaddr.IPv4.parse(text).toString();
    return canonical === text ? { family: 'ipv4', canonical } : undefined;
  }
  if (text.includes('%') || !text.includes(':') || !ipaddr.IPv6.isValid(text)) {
    return undefined;
  }
  return { family: 'ipv6', canonical: ipaddr.IPv6.parse(text).toRFC5952String() };
}

/**
 * Where an address can be reached from.
 * `never` ranges are not published whatever the configuration says; the others need `allow_private`.
 */
export type Scope =
  | 'public'
  | 'private'
  | 'shared'
  | 'unique-local'
  | 'documentation'
  | 'special'
  | 'link-local'
  | 'never';

/** The IANA special-purpose registries (RFC 6890 and successors); the first match counts. */
const SCOPES: readonly (readonly [string, Scope])[] = [
  ['0.0.0.0/8', 'never'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'shared'],
  ['127.0.0.0/8', 'never'],
  ['169.254.0.0/16', 'link-local'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'special'],
  ['192.0.2.0/24', 'documentation'],
  ['192.88.99.0/24', 'special'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'special'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'never'],
  ['240.0.0.0/4', 'never'],
  ['0.0.0.0/0', 'public'],
  ['2001::/23', 'special'],
  ['2001:db8::/32', 'documentation'],
  ['2002::/16', 'special'],
  ['3fff::/20', 'documentation'],
  ['2000::/3', 'public'],
  ['fc00::/7', 'unique-local'],
  ['fe80::/10', 'link-local'],
  ['64:ff9b:1::/48', 'special'],
  ['::/0', 'never'],
];

const SCOPE_TABLE = SCOPES.map(([cidr, scope]) => ({ range: ipaddr.parseCIDR(cidr), scope }));

/** The scope of a canonical address. */
export function scopeOf(canonical: string): Scope {
  const address = ipaddr.parse(canonical);
  for (const { range, scope } of SCOPE_TABLE) {
    if (address.kind() === range[0].kind() && address.match(range)) {
      return scope;
    }
  }
  return 'never';
}

/** Parses a host part such as `::abcd` (RFC 4291 text); undefined when it is no IPv6 text or zero. */
export function parseSuffix(text: string): bigint | undefined {
  const parsed = parseAddress(text);
  if (parsed?.family !== 'ipv6') {
    return undefined;
  }
  const value = toBigint(parsed.canonical);
  return value === 0n ? undefined : value;
}

/**
 * Prefix plus host part. Undefined when the host part reaches into the prefix, which would silently publish
 * an address outside of it.
 */
export function combine(prefix: string, prefixLength: number, suffix: bigint): string | undefined {
  const hostBits = BigInt(128 - prefixLength);
  if (suffix >> hostBits !== 0n) {
    return undefined;
  }
  const value = ((toBigint(prefix) >> hostBits) << hostBits) | suffix;
  const hex = value.toString(16).padStart(32, '0');
  return parseAddress((hex.match(/.{4}/g) ?? []).join(':'))?.canonical;
}

function toBigint(ipv6: string): bigint {
  return ipaddr.IPv6.parse(ipv6)
    .toByteArray()
    .reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
