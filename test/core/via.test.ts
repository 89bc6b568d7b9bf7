import { expect, test } from 'vitest';
import { localAddress, uplinkOf } from '../../agent/core/via.ts';
import type { WanInterface } from '../../agent/core/wan.ts';

function wan(name: string, more: Partial<WanInterface> = {}): WanInterface {
  return { name, up: true, device: name, addresses: [], prefixes: [], defaultRoute: [], ...more };
}

const V4 = { address: '192.0.2.1', prefixLength: 24 };
const V6 = { address: '2001:db8::1', prefixLength: 64 };
const FIRST = wan('wan', { device: 'eth1', addresses: [V4], defaultRoute: ['ipv4'] });
const FIRST_V6 = wan('wan6', { device: 'eth1', addresses: [V6], defaultRoute: ['ipv6'] });
const SECOND = wan('wanb', {
  device: 'eth2',
  addresses: [{ address: '198.51.100.1', prefixLength: 24 }],
  defaultRoute: ['ipv4'],
});
const LAN = wan('lan', { device: 'br-lan', addresses: [{ address: '192.168.1.1', prefixLength: 24 }] });

test.each<{ name: string; interfaces: WanInterface[]; expected: unknown }>([
  { name: 'a single way out is left to the kernel', interfaces: [FIRST, FIRST_V6, LAN], expected: undefined },
  {
    name: 'another device with a default route makes a choice',
    interfaces: [FIRST, FIRST_V6, SECOND, LAN],
    expected: { device: 'eth1', ipv4: '192.0.2.1', ipv6: '2001:db8::1' },
  },
  {
    name: 'one that is down makes none',
    interfaces: [FIRST, { ...SECOND, up: false }],
    expected: undefined,
  },
  {
    name: 'one without a default route makes none',
    interfaces: [FIRST, { ...SECOND, defaultRoute: [] }],
    expected: undefined,
  },
  {
    name: 'what the outside saw is nothing to bind to',
    interfaces: [
      { ...FIRST, addresses: [{ address: '203.0.113.7', prefixLength: 32 }], local: [V4] },
      { ...SECOND, addresses: [], local: SECOND.addresses },
    ],
    expected: { device: 'eth1', ipv4: '192.0.2.1' },
  },
  {
    name: 'a lasting address goes before a temporary one',
    interfaces: [
      { ...FIRST_V6, addresses: [{ address: '2001:db8::77', prefixLength: 64, temporary: true }, V6] },
      SECOND,
    ],
    expected: { device: 'eth1', ipv6: '2001:db8::1' },
  },
  {
    name: 'a family without an address is left out',
    interfaces: [FIRST, SECOND],
    expected: { device: 'eth1', ipv4: '192.0.2.1' },
  },
  {
    name: 'no address at all: bound to the device, so that nothing leaves elsewhere',
    interfaces: [{ ...FIRST, addresses: [] }, SECOND],
    expected: { device: 'eth1' },
  },
  {
    name: 'an address that is old, tentative or link-local is no source',
    interfaces: [
      {
        ...FIRST,
        addresses: [
          { address: 'fe80::1', prefixLength: 64 },
          { address: '2001:db8::dead', prefixLength: 64, preferredSec: 0 },
          { address: '2001:db8::beef', prefixLength: 64, tentative: true },
          V6,
        ],
      },
      SECOND,
    ],
    expected: { device: 'eth1', ipv6: '2001:db8::1' },
  },
  {
    name: 'a private address is a source like any other',
    interfaces: [{ ...FIRST, addresses: [{ address: '192.168.178.2', prefixLength: 24 }] }, SECOND],
    expected: { device: 'eth1', ipv4: '192.168.178.2' },
  },
])('$name', ({ interfaces, expected }) => {
  const snapshot = Object.fromEntries(interfaces.map((one) => [one.name, one]));

  expect(uplinkOf([snapshot], 'eth1')).toEqual(expected);
});

test('sources are seen together: the other way out may be known to another one', () => {
  expect(uplinkOf([{ wan: FIRST }, { eth2: SECOND }], 'eth1')).toEqual({ device: 'eth1', ipv4: '192.0.2.1' });
});

/** Just behind a documentation range: those are not public. */
const PUBLIC = ['203.0.114.7', '203.0.114.8'];

test.each([
  { addresses: ['192.168.1.2', ...PUBLIC], expected: PUBLIC[0] },
  { addresses: [...PUBLIC, '192.168.1.2'], expected: PUBLIC[0] },
  { addresses: ['192.168.1.2', '10.0.0.2'], expected: '192.168.1.2' },
])('of $addresses the first public one is the source, else the first', ({ addresses, expected }) => {
  const wan = { ...FIRST, addresses: addresses.map((address) => ({ address, prefixLength: 24 })) };

  expect(localAddress([wan], 'ipv4')).toBe(expected);
});
