/** The addresses of core against ipaddr.js and Node's URL, which read the same RFCs independently. */
import * as fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, test } from 'vitest';
import { combine, parseAddress, type Scope, scopeOf } from '../../agent/core/address.ts';

const octet = fc.integer({ min: 0, max: 255 });
/** Zeros often, because what matters is where the longest run of them lies. */
const group = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 0xffff }));
const groups = fc.array(group, { minLength: 8, maxLength: 8 });

/** Something close to an address: its alphabet, in any order. */
const almost = fc
  .array(
    fc.constantFrom(
      ...['0', '1', '00', 'ff', 'DB8', '12345', ':', '::', '.', '192.0.2.1', '256', '%eth0', '/64', ' ', 'g'],
    ),
    { maxLength: 16 },
  )
  .map((parts) => parts.join(''));

function canonicalOf(text: string): string | undefined {
  return parseAddress(text)?.canonical;
}

/**
 * Four decimal octets without leading zeros, or what a URL takes between brackets: ipaddr.js reads
 * `::192.0.2.1` as `::ffff:192.0.2.1`, unlike RFC 4291 section 2.5.5.1.
 */
function oracle(text: string): string | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) {
    return ipaddr.IPv4.parse(text).toString() === text ? text : undefined;
  }
  const url = `http://[${text}]`;
  return /^[0-9a-f:.]+$/i.test(text) && URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : undefined;
}

describe('an address', () => {
  test('of four octets is read as it is written', () => {
    fc.assert(
      fc.property(octet, octet, octet, octet, (...octets) => {
        const text = octets.join('.');

        expect(parseAddress(text)).toEqual({ family: 'ipv4', canonical: oracle(text) });
      }),
    );
  });

  test('of eight groups gets the same text in each of its forms', () => {
    fc.assert(
      fc.property(groups, (values) => {
        const address = new ipaddr.IPv6(values);
        const forms = [
          address.toNormalizedString(),
          values.map((value) => value.toString(16).padStart(4, '0')).join(':'),
          address.toRFC5952String(),
          address.toString().toUpperCase(),
        ];

        expect(forms.map(canonicalOf)).toEqual(forms.map(() => address.toRFC5952String()));
      }),
      { numRuns: 1000 },
    );
  });

  test('is refused where the oracle refuses it', () => {
    fc.assert(
      fc.property(almost, (text) => {
        expect(canonicalOf(text)).toBe(oracle(text));
      }),
      { numRuns: 5000 },
    );
  });

  test.each([
    ['IPv4 at the end', '2001:db8::192.0.2.1', '2001:db8::c000:201'],
    ['mapped IPv4', '::ffff:192.0.2.1', '::ffff:c000:201'],
    ['zeros, IPv4 at the end', '2001:db8:0:0:0:0:192.0.2.1', '2001:db8::c000:201'],
    ['first of two longest runs', '2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['a single zero group stays', '2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['digits that end in zero', '10:0:0:1:0:0:0:10', '10:0:0:1::10'],
    ['unspecified', '0::0', '::'],
    ['two gaps', '2001::db8::1', undefined],
    ['a gap of nothing', '1:2:3:4::5:6:7:8', undefined],
    ['IPv4 in the middle', '2001:db8:192.0.2.1::1', undefined],
    ['IPv4 with a leading zero', '::ffff:192.0.2.01', undefined],
    ['leading zero', '192.0.2.01', undefined],
    ['three parts', '192.0.2', undefined],
    ['final dot', '192.0.2.1.', undefined],
    ['line break', '192.0.2.1\n', undefined],
    ['zone index', 'fe80::1%eth0', undefined],
    ['single colon at the end', '2001:db8:1:2:3:4:5:', undefined],
    ['three colons', '2001:db8:::1', undefined],
    ['nothing', '', undefined],
  ])('%s', (_name, text, expected) => {
    expect(canonicalOf(text)).toBe(expected);
  });
});

test.each<[string, Scope]>([
  ['9.255.255.255', 'public'],
  ['10.0.0.0', 'private'],
  ['10.255.255.255', 'private'],
  ['11.0.0.0', 'public'],
  ['100.63.255.255', 'public'],
  ['100.64.0.0', 'shared'],
  ['100.127.255.255', 'shared'],
  ['100.128.0.0', 'public'],
  ['172.15.255.255', 'public'],
  ['172.16.0.0', 'private'],
  ['172.31.255.255', 'private'],
  ['172.32.0.0', 'public'],
  ['127.0.0.1', 'never'],
  ['255.255.255.255', 'never'],
  ['2000::', 'public'],
  ['3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'public'],
  ['3fff::1', 'documentation'],
  ['2001:db7:ffff::1', 'public'],
  ['2001:db8::1', 'documentation'],
  ['2001:1ff:ffff::1', 'special'],
  ['2001:200::1', 'public'],
  ['4000::1', 'never'],
  ['fbff::1', 'never'],
  ['fc00::1', 'unique-local'],
  ['fdff::1', 'unique-local'],
  ['febf::1', 'link-local'],
  ['fec0::1', 'never'],
  ['::1', 'never'],
  ['::a00:1', 'never'],
  ['::ffff:c000:201', 'never'],
])('the scope of %s is %s', (address, expected) => {
  expect(scopeOf(address)).toBe(expected);
});

test('prefix and host part are joined as the oracle joins their octets', () => {
  fc.assert(
    fc.property(
      groups,
      fc.integer({ min: 1, max: 127 }),
      fc.bigInt({ min: 1n, max: 2n ** 127n - 1n }),
      (values, length, wide) => {
        const prefix = new ipaddr.IPv6(values);
        const suffix = wide % 2n ** BigInt(128 - length);
        const network = ipaddr.IPv6.networkAddressFromCIDR(`${prefix}/${length}`).toByteArray();
        const octets = network.map((one, index) => one | Number((suffix >> BigInt(120 - 8 * index)) & 255n));

        expect(combine(prefix.toRFC5952String(), length, suffix)).toBe(
          ipaddr.IPv6.parse(ipaddr.fromByteArray(octets).toString()).toRFC5952String(),
        );
      },
    ),
    { numRuns: 500 },
  );
});
