/** Addresses as text: strict parsing, canonical form, scope, and prefix plus host part. */

export type Family = 'ipv4' | 'ipv6';
export const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];

export interface ParsedAddress {
  family: Family;
  /** Dotted decimal, or RFC 5952 text. Two addresses are equal when their canonical texts are. */
  canonical: string;
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const IPV6_GROUP = /^[0-9a-f]{1,4}$/i;
const IPV6_GROUPS = 8;

/**
 * Parses exactly one address. No zone index, no leading zeros, no shortened IPv4 forms: what a server reads
 * differently from us must not be published.
 */
export function parseAddress(text: string): ParsedAddress | undefined {
  if (IPV4.test(text)) {
    return { family: 'ipv4', canonical: text };
  }
  const groups = ipv6Groups(text);
  return groups && { family: 'ipv6', canonical: ipv6Text(groups) };
}

/** RFC 4291 section 2.2: `::` stands for one or more groups of zeros; the last two may be written as IPv4. */
function ipv6Groups(text: string): number[] | undefined {
  const lastAt = text.lastIndexOf(':') + 1;
  const last = text.slice(lastAt);
  const hex = IPV4.test(last) ? `${text.slice(0, lastAt)}${ipv4Groups(last)}` : text;
  const [head = '', tail, ...more] = hex.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const leftOut = IPV6_GROUPS - left.length - right.length;
  if (more.length > 0 || (tail === undefined ? leftOut !== 0 : leftOut < 1)) {
    return undefined;
  }
  const groups = [...left, ...new Array<string>(leftOut).fill('0'), ...right];
  return groups.every((group) => IPV6_GROUP.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : undefined;
}

function ipv4Groups(ipv4: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

/** RFC 5952 section 4: lower case, no leading zeros, `::` for the first of the longest runs of two or more. */
function ipv6Text(groups: readonly number[]): string {
  const text = groups.map((group) => group.toString(16)).join(':');
  let start = 0;
  let end = 0;
  for (const run of text.matchAll(/\b0(?::0)+\b/g)) {
    if (run[0].length > end - start) {
      start = run.index;
      end = start + run[0].length;
    }
  }
  return end === 0 ? text : `${text.slice(0, start) || ':'}${text.slice(end) || ':'}`;
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

const BITS: Record<Family, number> = { ipv4: 32, ipv6: 128 };

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

const SCOPE_TABLE = SCOPES.map(([cidr, scope]) => {
  const [base = '', length] = cidr.split('/');
  const family = base.includes(':') ? 'ipv6' : 'ipv4';
  const hostBits = BigInt(BITS[family] - Number(length));
  return { family, hostBits, prefix: toBigint(base) >> hostBits, scope };
});

/** The scope of a canonical address. */
export function scopeOf(canonical: string): Scope {
  const family = canonical.includes(':') ? 'ipv6' : 'ipv4';
  const value = toBigint(canonical);
  const row = SCOPE_TABLE.find((one) => one.family === family && value >> one.hostBits === one.prefix);
  return row?.scope ?? 'never';
}

/** Is a canonical address within one of these CIDR ranges? */
export function isWithin(canonical: string, ranges: readonly string[]): boolean {
  const family = canonical.includes(':') ? 'ipv6' : 'ipv4';
  return ranges.some((range) => {
    const [base = '', length] = range.split('/');
    const hostBits = BigInt(BITS[family] - Number(length));
    return (
      base.includes(':') === (family === 'ipv6') &&
      toBigint(canonical) >> hostBits === toBigint(base) >> hostBits
    );
  });
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
  // Bit by bit: some versions of QuickJS put a zero in front of the hexadecimal text when the highest bit is set.
  const shifts = [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n];
  return ipv6Text(shifts.map((shift) => Number((value >> shift) & 0xffffn)));
}

/** The bits of an address; zero for what is none. */
function toBigint(address: string): bigint {
  return IPV4.test(address)
    ? joined(address.split('.').map(Number), 8n)
    : joined(ipv6Groups(address) ?? [], 16n);
}

function joined(parts: readonly number[], bitsEach: bigint): bigint {
  return parts.reduce((value, part) => (value << bitsEach) | BigInt(part), 0n);
}
