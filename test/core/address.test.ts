import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { combine, parseAddress, parseSuffix, type Scope, scopeOf } from '../../agent/core/address.ts';

const MAX_IPV6 = (1n << 128n) - 1n;
const ipv6Value = fc.bigInt({ min: 0n, max: MAX_IPV6 });

/** All eight groups, no shortening. */
function fullText(value: bigint): string {
  // Some versions of QuickJS put a zero in front when the highest bit is set.
  const hex = value.toString(16).padStart(32, '0').slice(-32);
  return Array.from({ length: 8 }, (_, index) => hex.slice(4 * index, 4 * index + 4)).join(':');
}

/** The value of canonical IPv6 text, found by undoing `::` by hand. */
function bitsOf(canonical: string): bigint {
  const [head = '', tail = ''] = canonical.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const zeros = canonical.includes('::') ? 8 - groups(head).length - groups(tail).length : 0;
  const all = [...groups(head), ...Array(zeros).fill('0'), ...groups(tail)];
  return BigInt(`0x${all.map((group) => group.padStart(4, '0')).join('')}`);
}

describe('parseAddress', () => {
  test.each([
    ['192.0.2.1', 'ipv4', '192.0.2.1'],
    ['0.0.0.0', 'ipv4', '0.0.0.0'],
    ['255.255.255.255', 'ipv4', '255.255.255.255'],
    ['2001:db8::1', 'ipv6', '2001:db8::1'],
    ['2001:DB8:0:0:0:0:0:1', 'ipv6', '2001:db8::1'],
    ['2001:0db8::0001', 'ipv6', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', 'ipv6', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', 'ipv6', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8::1:1:1:1:1', 'ipv6', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', 'ipv6', '2001:0:0:1::1'],
    ['::', 'ipv6', '::'],
    ['::1', 'ipv6', '::1'],
    ['1::', 'ipv6', '1::'],
    ['64:ff9b::192.0.2.1', 'ipv6', '64:ff9b::c000:201'],
  ])('%s is %s %s', (text, family, canonical) => {
    expect(parseAddress(text)).toEqual({ family, canonical });
  });

  test.each([
    '',
    ' 192.0.2.1',
    '192.0.2.1 ',
    '192.0.2.1\n',
    '192.0.2',
    '192.0.2.1.',
    '192.0.2.1.1',
    '192.0.2.256',
    '192.0.2.01',
    '192.000.002.001',
    '192.0.2.-1',
    '0xc0.0.2.1',
    '3221225985',
    '192.0.2.1/24',
    '192.0.2.1:80',
    '2001:db8::1%eth0',
    'fe80::1%1',
    '2001:db8::1/64',
    '[2001:db8::1]',
    '2001:db8::1::2',
    '2001:db8:1',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8:9',
    '12345::',
    '2001:db8::g',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    ':::',
    '2001:db8::192.0.2.256',
    '2001:db8::192.0.2.1:1',
    'localhost',
    '٣.0.2.1',
  ])('%j is no address', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  test('any way to write an IPv6 address gives one canonical text', () => {
    fc.assert(
      fc.property(ipv6Value, (value) => {
        const parsed = parseAddress(fullText(value).toUpperCase());

        const canonical = parsed?.canonical ?? '';
        expect(parsed?.family).toBe('ipv6');
        expect(parseAddress(canonical)).toEqual(parsed);
        expect(bitsOf(canonical)).toBe(value);
      }),
    );
  });

  test('any text is an address or is not, without an exception', () => {
    const piece = fc.constantFrom(
      '0',
      '255',
      '256',
      'ffff',
      'fffff',
      ':',
      '::',
      '.',
      '192.0.2.1',
      '%',
      '/',
      ' ',
      'x',
    );

    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const parsed = parseAddress(pieces.join(''));

        expect(parsed === undefined || parseAddress(parsed.canonical)?.canonical === parsed.canonical).toBe(
          true,
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe('scopeOf, at both ends of every special range and just outside', () => {
  test.each<[string, string, string, Scope, Scope, Scope]>([
    // first, last, scope, scope before, scope after
    ['0.0.0.0/8', '0.0.0.0', '0.255.255.255', 'never', 'never', 'public'],
    ['10.0.0.0/8', '10.0.0.0', '10.255.255.255', 'private', 'public', 'public'],
    ['100.64.0.0/10', '100.64.0.0', '100.127.255.255', 'shared', 'public', 'public'],
    ['127.0.0.0/8', '127.0.0.0', '127.255.255.255', 'never', 'public', 'public'],
    ['169.254.0.0/16', '169.254.0.0', '169.254.255.255', 'link-local', 'public', 'public'],
    ['172.16.0.0/12', '172.16.0.0', '172.31.255.255', 'private', 'public', 'public'],
    ['192.0.0.0/24', '192.0.0.0', '192.0.0.255', 'special', 'public', 'public'],
    ['192.0.2.0/24', '192.0.2.0', '192.0.2.255', 'documentation', 'public', 'public'],
    ['192.88.99.0/24', '192.88.99.0', '192.88.99.255', 'special', 'public', 'public'],
    ['192.168.0.0/16', '192.168.0.0', '192.168.255.255', 'private', 'public', 'public'],
    ['198.18.0.0/15', '198.18.0.0', '198.19.255.255', 'special', 'public', 'public'],
    ['198.51.100.0/24', '198.51.100.0', '198.51.100.255', 'documentation', 'public', 'public'],
    ['203.0.113.0/24', '203.0.113.0', '203.0.113.255', 'documentation', 'public', 'public'],
    ['224.0.0.0/4', '224.0.0.0', '239.255.255.255', 'never', 'public', 'never'],
    ['240.0.0.0/4', '240.0.0.0', '255.255.255.255', 'never', 'never', 'never'],
  ])('%s', (_, first, last, scope, before, after) => {
    expect([
      scopeOf(neighbour4(first, -1)),
      scopeOf(first),
      scopeOf(last),
      scopeOf(neighbour4(last, 1)),
    ]).toEqual([before, scope, scope, after]);
  });

  test.each<[string, string, string, Scope, Scope, Scope]>([
    ['64:ff9b:1::/48', '64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff', 'special', 'never', 'never'],
    ['2000::/3', '2000::', '3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'public', 'never', 'never'],
    ['2001::/23', '2001::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', 'special', 'public', 'public'],
    [
      '2001:db8::/32',
      '2001:db8::',
      '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff',
      'documentation',
      'public',
      'public',
    ],
    ['2002::/16', '2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'special', 'public', 'public'],
    ['3fff::/20', '3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', 'documentation', 'public', 'public'],
    ['fc00::/7', 'fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'unique-local', 'never', 'never'],
    ['fe80::/10', 'fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'link-local', 'never', 'never'],
  ])('%s', (_, first, last, scope, before, after) => {
    expect([
      scopeOf(neighbour6(first, -1n)),
      scopeOf(first),
      scopeOf(last),
      scopeOf(neighbour6(last, 1n)),
    ]).toEqual([before, scope, scope, after]);
  });

  test.each([
    ['the unspecified address', '::'],
    ['loopback', '::1'],
    ['an IPv4 address in disguise', '::ffff:c000:201'],
    ['NAT64 of the well-known prefix', '64:ff9b::c000:201'],
    ['discard only', '100::1'],
    ['multicast', 'ff02::1'],
    ['an unassigned prefix', '4000::1'],
  ])('%s is never published', (_, address) => {
    expect(scopeOf(address)).toBe('never');
  });
});

describe('parseSuffix', () => {
  test.each([
    ['::1', 1n],
    ['::abcd', 0xabcdn],
    ['0:0:0:0:1:2:3:4', 0x1_0002_0003_0004n],
    ['::5:0:0:0:1', 0x5_0000_0000_0000_0001n],
    ['::', undefined],
    ['', undefined],
    ['1', undefined],
    ['192.0.2.1', undefined],
    ['::1/64', undefined],
    ['::1%lan', undefined],
  ])('%s is %s', (text, expected) => {
    expect(parseSuffix(text)).toBe(expected);
  });
});

describe('combine', () => {
  test.each<[string, number, bigint, string | undefined]>([
    ['2001:db8:1::', 64, 0xabcdn, '2001:db8:1::abcd'],
    ['2001:db8:1:0:d423:f1ff:fed2:1911', 64, 1n, '2001:db8:1::1'],
    ['2001:db8:100::', 56, 0x5_0000_0000_0000_0001n, '2001:db8:100:5::1'],
    ['2001:db8:100::', 56, 0xff_ffff_ffff_ffff_ffffn, '2001:db8:100:ff:ffff:ffff:ffff:ffff'],
    ['2001:db8:100::', 56, 0x100_0000_0000_0000_0000n, undefined],
    ['2001:db8:1::', 64, 1n << 64n, undefined],
    ['2001:db8:1::', 64, (1n << 64n) - 1n, '2001:db8:1:0:ffff:ffff:ffff:ffff'],
    ['2001:db8::1000', 128, 1n, undefined],
    ['2001:db8::1000', 127, 1n, '2001:db8::1001'],
    ['::', 0, MAX_IPV6, 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ])('%s/%i with %s is %s', (prefix, length, suffix, expected) => {
    expect(combine(prefix, length, suffix)).toBe(expected);
  });

  test('keeps the prefix and the host part bit by bit, or refuses', () => {
    const suffix = fc
      .tuple(ipv6Value, fc.integer({ min: 0, max: 127 }))
      .map(([value, shift]) => value >> BigInt(shift));

    fc.assert(
      fc.property(ipv6Value, fc.integer({ min: 0, max: 128 }), suffix, (value, length, hostPart) => {
        const hostBits = BigInt(128 - length);

        const combined = combine(parseAddress(fullText(value))?.canonical ?? '', length, hostPart);

        const fits = hostPart < 1n << hostBits;
        expect(combined !== undefined).toBe(fits);
        if (combined !== undefined) {
          expect(bitsOf(combined) >> hostBits).toBe(value >> hostBits);
          expect(bitsOf(combined) & ((1n << hostBits) - 1n)).toBe(hostPart);
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** The next or the previous address; wraps around at the ends. */
function neighbour4(address: string, step: number): string {
  const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const next = (value + step + 2 ** 32) % 2 ** 32;
  return [24, 16, 8, 0].map((shift) => Math.floor(next / 2 ** shift) % 256).join('.');
}

function neighbour6(address: string, step: bigint): string {
  const next = (bitsOf(address) + step + (1n << 128n)) % (1n << 128n);
  return parseAddress(fullText(next))?.canonical ?? '';
}
