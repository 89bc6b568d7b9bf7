import { describe, expect, test } from 'vitest';
import type { Family } from '../../agent/core/address.ts';
import { choose, isChosen } from '../../agent/core/choice.ts';
import type { HostPlan } from '../../agent/core/plan.ts';
import { outsideKey } from '../../agent/core/source-key.ts';
import type { DelegatedPrefix, InterfaceAddress, WanInterface } from '../../agent/core/wan.ts';

const HOST: HostPlan = {
  id: 'home',
  hostname: 'home.example.org',
  account: 'a',
  revision: '1',
  source: 'network',
  networks: ['wan'],
  families: ['ipv4', 'ipv6'],
  allowPrivate: true,
  inDns: true,
};

/** As usual outside of a laboratory. The public address of these tests stands just behind a documentation range. */
const STRICT: Partial<HostPlan> = { allowPrivate: false };

function wan(
  name: string,
  addresses: (string | InterfaceAddress)[] = [],
  more: Partial<WanInterface> = {},
): WanInterface {
  return {
    name,
    up: true,
    device: 'eth1',
    addresses: addresses.map((one) =>
      typeof one === 'string' ? { address: one, prefixLength: one.includes(':') ? 64 : 24 } : one,
    ),
    prefixes: [],
    defaultRoute: [],
    ...more,
  };
}

function down(name: string): WanInterface {
  return { name, up: false, addresses: [], prefixes: [], defaultRoute: [] };
}

function v6(address: string, more: Partial<InterfaceAddress>): InterfaceAddress {
  return { address, prefixLength: 64, ...more };
}

function prefix(address: string, prefixLength: number, more: Partial<DelegatedPrefix> = {}): DelegatedPrefix {
  return { address, prefixLength, assigned: [], ...more };
}

/** `ADDRESS NETWORK DEVICE`, or the code of what is in the way. */
function chosen(
  family: Family,
  interfaces: WanInterface[],
  host: Partial<HostPlan> = {},
  published?: string,
): string {
  const snapshot = Object.fromEntries(interfaces.map((one) => [one.name, one]));
  const choice = choose({ ...HOST, ...host }, family, snapshot, published);
  return isChosen(choice) ? `${choice.address} ${choice.network} ${choice.device}` : choice.code;
}

describe('IPv4', () => {
  test.each<{
    name: string;
    interfaces: WanInterface[];
    host?: Partial<HostPlan>;
    published?: string;
    expected: string;
  }>([
    {
      name: 'the address of the interface',
      interfaces: [wan('wan', ['192.0.2.1'])],
      expected: '192.0.2.1 wan eth1',
    },
    {
      name: 'the first of several',
      interfaces: [wan('wan', ['192.0.2.1', '192.0.2.2'])],
      expected: '192.0.2.1 wan eth1',
    },
    {
      name: 'the published one of several, as long as it is there',
      interfaces: [wan('wan', ['192.0.2.1', '192.0.2.2'])],
      published: '192.0.2.2',
      expected: '192.0.2.2 wan eth1',
    },
    {
      name: 'the first again when the published one is gone',
      interfaces: [wan('wan', ['192.0.2.1', '192.0.2.3'])],
      published: '192.0.2.2',
      expected: '192.0.2.1 wan eth1',
    },
    {
      name: 'not the IPv6 address beside it',
      interfaces: [wan('wan', ['2001:db8::1'])],
      expected: 'wan/NO_ADDRESS',
    },
    {
      name: 'not that of a companion on the same device',
      interfaces: [wan('wan'), wan('other', ['192.0.2.9'])],
      expected: 'wan/NO_ADDRESS',
    },
    { name: 'nothing of an interface that is down', interfaces: [down('wan')], expected: 'wan/DOWN' },
    {
      name: 'nothing of an interface that is down but still lists an address',
      interfaces: [wan('wan', ['192.0.2.1'], { up: false })],
      expected: 'wan/DOWN',
    },
    {
      name: 'an interface that does not exist',
      interfaces: [wan('wan1', ['192.0.2.1'])],
      expected: 'wan/ABSENT',
    },
    { name: 'no interface configured', interfaces: [], host: { networks: [] }, expected: 'wan/ABSENT' },
    {
      name: 'an interface without a device: nothing could leave through it',
      interfaces: [
        {
          name: 'wan',
          up: true,
          addresses: [{ address: '192.0.2.1', prefixLength: 24 }],
          prefixes: [],
          defaultRoute: [],
        },
      ],
      expected: 'wan/NO_ADDRESS',
    },
    {
      name: 'the next network when the first is down',
      interfaces: [down('wan'), wan('wanb', ['192.0.2.7'], { device: 'eth2' })],
      host: { networks: ['wan', 'wanb'] },
      expected: '192.0.2.7 wanb eth2',
    },
    {
      name: 'the first network when both have one, even if the other is published',
      interfaces: [wan('wan', ['192.0.2.1']), wan('wanb', ['192.0.2.7'], { device: 'eth2' })],
      host: { networks: ['wan', 'wanb'] },
      published: '192.0.2.7',
      expected: '192.0.2.1 wan eth1',
    },
    {
      name: 'the next network when the first has a shared address only',
      interfaces: [wan('wan', ['100.64.0.9']), wan('wanb', ['203.0.114.1'], { device: 'eth2' })],
      host: { ...STRICT, networks: ['wan', 'wanb'] },
      expected: '203.0.114.1 wanb eth2',
    },
    {
      name: 'what is wrong with the first network is told, when no other has one',
      interfaces: [wan('wan', ['100.64.0.9']), down('wanb')],
      host: { ...STRICT, networks: ['wan', 'wanb'] },
      expected: 'address/CGNAT',
    },
    {
      name: 'of two networks with something wrong the preferred one is told of',
      interfaces: [wan('wan', ['100.64.0.9']), wan('wanb', ['192.168.1.2'], { device: 'eth2' })],
      host: { ...STRICT, networks: ['wan', 'wanb'] },
      expected: 'address/CGNAT',
    },
    {
      name: 'a usable address behind an unusable one',
      interfaces: [wan('wan', ['192.168.1.2', '203.0.114.1'])],
      host: STRICT,
      expected: '203.0.114.1 wan eth1',
    },
  ])('$name', ({ interfaces, host, published, expected }) => {
    expect(chosen('ipv4', interfaces, host, published)).toBe(expected);
  });
});

describe('what cannot be reached is refused with its reason', () => {
  test.each<{ address: string; code: string; says: RegExp; lifted: boolean }>([
    { address: '192.168.178.20', code: 'address/PRIVATE', says: /double NAT.*bridge mode/, lifted: true },
    { address: '10.1.2.3', code: 'address/PRIVATE', says: /RFC 1918/, lifted: true },
    { address: '172.16.0.1', code: 'address/PRIVATE', says: /RFC 1918/, lifted: true },
    {
      address: '100.64.1.2',
      code: 'address/CGNAT',
      says: /carrier-grade NAT.*publish IPv6 instead/,
      lifted: true,
    },
    { address: '192.0.2.5', code: 'address/DOCUMENTATION', says: /allow_private/, lifted: true },
    { address: '198.18.0.1', code: 'address/SPECIAL', says: /special purpose/, lifted: true },
    { address: 'fd12::1', code: 'address/UNIQUE_LOCAL', says: /at home only/, lifted: true },
    { address: '2001:db8::1', code: 'address/DOCUMENTATION', says: /documentation/, lifted: true },
    { address: '2002:c000:201::1', code: 'address/SPECIAL', says: /special purpose/, lifted: true },
    { address: '127.0.0.1', code: 'address/UNUSABLE', says: /never/, lifted: false },
    { address: '0.0.0.0', code: 'address/UNUSABLE', says: /never/, lifted: false },
    { address: '224.0.0.1', code: 'address/UNUSABLE', says: /never/, lifted: false },
    { address: '::1', code: 'address/UNUSABLE', says: /never/, lifted: false },
    // It stands beside every other address, so nothing is said of it.
    { address: 'fe80::1', code: 'wan/NO_ADDRESS', says: /no IPv6 address now/, lifted: false },
    { address: '169.254.1.1', code: 'wan/NO_ADDRESS', says: /no IPv4 address now/, lifted: false },
  ])('$address: $code', ({ address, code, says, lifted }) => {
    const family = address.includes(':') ? 'ipv6' : 'ipv4';
    const snapshot = { wan: wan('wan', [address]) };

    const choice = choose({ ...HOST, ...STRICT }, family, snapshot, undefined);
    const allowed = choose(HOST, family, snapshot, undefined);

    expect(choice).toEqual({ code, sentence: expect.stringMatching(says) });
    expect(isChosen(allowed)).toBe(lifted);
  });

  test('the sentence begins with the address and ends with what to do', () => {
    const choice = choose({ ...HOST, ...STRICT }, 'ipv4', { wan: wan('wan', ['100.64.1.2']) }, undefined);

    expect(choice).toMatchObject({
      sentence: expect.stringMatching(/^100\.64\.1\.2 belongs to your ISP .* Ask the ISP .*\.$/),
    });
  });
});

describe('what is missing is told of the interface that misses it', () => {
  const DOWN_ALL = "Interfaces 'wan' and 'wan6' are down";

  test.each<{
    name: string;
    family?: Family;
    interfaces: WanInterface[];
    host?: Partial<HostPlan>;
    published?: string;
    says: string;
  }>([
    { name: 'one interface', interfaces: [down('wan')], says: "Interface 'wan' is down." },
    {
      name: 'one interface of a name that is published',
      interfaces: [down('wan')],
      published: '192.0.2.1',
      says: "Interface 'wan' is down; the name keeps its last address.",
    },
    { name: 'no address', interfaces: [wan('wan')], says: "Interface 'wan' has no IPv4 address now." },
    {
      name: 'wan6 is down beside a working wan',
      family: 'ipv6',
      interfaces: [wan('wan', ['192.0.2.1']), down('wan6')],
      host: { networks: ['wan', 'wan6'] },
      published: '2001:db8::1',
      says: "Interface 'wan6' is down, and 'wan' has no IPv6 address; the name keeps its last address.",
    },
    {
      name: 'both are up without an address',
      family: 'ipv6',
      interfaces: [wan('wan', ['192.0.2.1']), wan('wan6', [], { device: 'eth2' })],
      host: { networks: ['wan', 'wan6'] },
      says: "Interfaces 'wan' and 'wan6' have no IPv6 address now.",
    },
    {
      name: 'both are down',
      interfaces: [down('wan'), down('wan6')],
      host: { networks: ['wan', 'wan6'] },
      says: `${DOWN_ALL}.`,
    },
    {
      name: 'both are down, of the other family',
      family: 'ipv6',
      interfaces: [down('wan'), down('wan6')],
      host: { networks: ['wan', 'wan6'] },
      published: '2001:db8::1',
      says: `${DOWN_ALL}; the name keeps its last address.`,
    },
    {
      name: 'a prefix, and wan6 is down',
      family: 'ipv6',
      interfaces: [wan('wan'), down('wan6')],
      host: { networks: ['wan', 'wan6'], ipv6Suffix: '::ab' },
      says: "Interface 'wan6' is down, and 'wan' has no IPv6 prefix.",
    },
    {
      name: 'a prefix',
      family: 'ipv6',
      interfaces: [wan('wan')],
      host: { ipv6Suffix: '::ab' },
      says: "Interface 'wan' has no IPv6 prefix that ipv6_suffix fits. Ask the ISP for a prefix.",
    },
    {
      name: 'a prefix that is still published',
      family: 'ipv6',
      interfaces: [wan('wan')],
      host: { ipv6Suffix: '::ab' },
      published: '2001:db8::ab',
      says: "Interface 'wan' has no IPv6 prefix that ipv6_suffix fits; the name keeps its last address. Ask the ISP for a prefix.",
    },
    {
      name: 'an address that is still published',
      interfaces: [wan('wan')],
      published: '192.0.2.1',
      says: "Interface 'wan' has no IPv4 address now; the name keeps its last one.",
    },
    {
      name: 'IPv4, and IPv6 is there',
      interfaces: [wan('wan'), wan('wan6', ['2001:db8::1'], { defaultRoute: ['ipv6'] })],
      published: '192.0.2.1',
      says:
        "Interface 'wan' has no IPv4 address now; the name keeps its last one. There is IPv6. If it stays so (DS-Lite), " +
        "nobody comes in over IPv4: set option family to 'ipv6', or ask the ISP for a public IPv4 address.",
    },
    {
      name: 'IPv4, and IPv6 is on another line',
      interfaces: [wan('wan'), wan('wanb', ['2001:db8::1'], { device: 'eth9', defaultRoute: ['ipv6'] })],
      says: "Interface 'wan' has no IPv4 address now.",
    },
  ])('$name', ({ family = 'ipv4', interfaces, host, published, says }) => {
    const snapshot = Object.fromEntries(interfaces.map((one) => [one.name, one]));

    const choice = choose({ ...HOST, ...host }, family, snapshot, published);

    expect(choice).toEqual({ code: expect.stringMatching(/^wan\//), sentence: says });
  });
});

describe('IPv6', () => {
  const PPPOE = { device: 'pppoe-wan' };

  test.each<{
    name: string;
    interfaces: WanInterface[];
    host?: Partial<HostPlan>;
    published?: string;
    expected: string;
  }>([
    {
      name: 'of the interface itself',
      interfaces: [wan('wan6', ['2001:db8::1'])],
      host: { networks: ['wan6'] },
      expected: '2001:db8::1 wan6 eth1',
    },
    {
      name: 'of wan6 beside wan, on the same device',
      interfaces: [wan('wan', ['192.0.2.1']), wan('wan6', ['2001:db8::1'])],
      expected: '2001:db8::1 wan6 eth1',
    },
    {
      name: 'of the dynamic wan_6 on the PPPoE device',
      interfaces: [wan('wan', ['192.0.2.1'], PPPOE), wan('wan_6', ['2001:db8::1'], PPPOE)],
      expected: '2001:db8::1 wan_6 pppoe-wan',
    },
    {
      name: 'not of wan6 on another device',
      interfaces: [wan('wan', ['192.0.2.1']), wan('wan6', ['2001:db8::1'], { device: 'eth2' })],
      expected: 'wan/NO_ADDRESS',
    },
    {
      name: 'not of a companion that is down',
      interfaces: [wan('wan', ['192.0.2.1']), wan('wan6', ['2001:db8::1'], { up: false })],
      expected: 'wan/NO_ADDRESS',
    },
    {
      name: 'its own before that of a companion',
      interfaces: [wan('wan6', ['2001:db8::2']), wan('wan', ['2001:db8::1'])],
      expected: '2001:db8::1 wan eth1',
    },
    {
      name: 'not one whose preferred lifetime is over',
      interfaces: [wan('wan', [v6('2001:db8::1', { preferredSec: 0, validSec: 300 }), '2001:db8::2'])],
      published: '2001:db8::1',
      expected: '2001:db8::2 wan eth1',
    },
    {
      name: 'one whose lifetimes have no end',
      interfaces: [wan('wan', [v6('2001:db8::1', {})])],
      expected: '2001:db8::1 wan eth1',
    },
    {
      name: 'neither temporary nor tentative',
      interfaces: [
        wan('wan', [
          v6('2001:db8::1', { temporary: true }),
          v6('2001:db8::2', { tentative: true }),
          '2001:db8::3',
        ]),
      ],
      expected: '2001:db8::3 wan eth1',
    },
    {
      name: 'nothing else there',
      interfaces: [wan('wan', [v6('2001:db8::1', { temporary: true }), 'fe80::1'])],
      expected: 'wan/NO_ADDRESS',
    },
    {
      name: 'in whatever way it is written, the text is canonical',
      interfaces: [wan('wan', ['2001:0DB8:0:0:0:0:0:1'])],
      published: '2001:db8::1',
      expected: '2001:db8::1 wan eth1',
    },
  ])('$name', ({ interfaces, host, published, expected }) => {
    expect(chosen('ipv6', interfaces, host, published)).toBe(expected);
  });
});

describe('ipv6_suffix', () => {
  const lan = { network: 'lan', address: '2001:db8:100:10::', prefixLength: 60 };
  const guest = { network: 'guest', address: '2001:db8:100:20::', prefixLength: 60 };

  test.each<{
    name: string;
    suffix?: string;
    prefixes: DelegatedPrefix[];
    published?: string;
    expected: string;
  }>([
    {
      name: 'goes onto the part that the LAN got',
      prefixes: [prefix('2001:db8:100::', 56, { assigned: [guest, lan] })],
      expected: '2001:db8:100:10::abcd wan eth1',
    },
    {
      name: 'goes onto the first part where none is called lan',
      prefixes: [prefix('2001:db8:100::', 56, { assigned: [guest] })],
      expected: '2001:db8:100:20::abcd wan eth1',
    },
    {
      name: 'goes onto the prefix itself where nothing is assigned',
      prefixes: [prefix('2001:db8:100::', 56)],
      expected: '2001:db8:100::abcd wan eth1',
    },
    {
      name: 'longer than 64 bits names its own subnet',
      suffix: '::5:0:0:0:1',
      prefixes: [prefix('2001:db8:100::', 56, { assigned: [lan] })],
      expected: '2001:db8:100:5::1 wan eth1',
    },
    {
      name: 'that reaches into the prefix publishes nothing',
      suffix: '::1:5:0:0:0:1',
      prefixes: [prefix('2001:db8:100::', 56, { assigned: [lan] })],
      expected: 'wan/NO_PREFIX',
    },
    {
      name: 'skips a prefix that is being withdrawn',
      prefixes: [
        prefix('2001:db8:100::', 56, { preferredSec: 0, validSec: 0 }),
        prefix('2001:db8:200::', 56),
      ],
      published: '2001:db8:100::abcd',
      expected: '2001:db8:200::abcd wan eth1',
    },
    {
      name: 'stays with the published one of two prefixes',
      prefixes: [prefix('2001:db8:100::', 56), prefix('2001:db8:200::', 56)],
      published: '2001:db8:200::abcd',
      expected: '2001:db8:200::abcd wan eth1',
    },
    { name: 'without a delegated prefix publishes nothing', prefixes: [], expected: 'wan/NO_PREFIX' },
    ...['::', '192.0.2.1', 'abcd'].map((suffix) => ({
      name: `that is none (${suffix}) publishes nothing`,
      suffix,
      prefixes: [prefix('2001:db8:100::', 56)],
      expected: 'wan/NO_PREFIX',
    })),
  ])('$name', ({ suffix = '::abcd', prefixes, published, expected }) => {
    const interfaces = [wan('wan', ['2001:db8:1::1'], { prefixes })];

    expect(chosen('ipv6', interfaces, { ipv6Suffix: suffix }, published)).toBe(expected);
  });

  test('uses the prefix of wan6 beside wan', () => {
    const interfaces = [
      wan('wan', ['192.0.2.1']),
      wan('wan6', [], { prefixes: [prefix('2001:db8:100::', 56)] }),
    ];

    expect(chosen('ipv6', interfaces, { ipv6Suffix: '::abcd' })).toBe('2001:db8:100::abcd wan6 eth1');
  });

  test('does nothing to IPv4', () => {
    expect(chosen('ipv4', [wan('wan', ['192.0.2.1'])], { ipv6Suffix: '::abcd' })).toBe('192.0.2.1 wan eth1');
  });

  test('of a delegated unique local prefix is refused like any such address', () => {
    const interfaces = [wan('wan', [], { prefixes: [prefix('fd12:3456::', 48)] })];

    expect(chosen('ipv6', interfaces, { ...STRICT, ipv6Suffix: '::abcd' })).toBe('address/UNIQUE_LOCAL');
  });

  test.each([
    {
      name: 'the /64 of a device serves',
      addresses: ['2001:db8:7:0:1::9'],
      expected: '2001:db8:7::abcd eth1 eth1',
    },
    {
      name: 'a single address is no prefix',
      addresses: [v6('2001:db8:7::9', { prefixLength: 128 })],
      expected: 'wan/NO_PREFIX',
    },
    {
      name: 'nor is what is longer than a /64',
      addresses: [v6('2001:db8:7::9', { prefixLength: 96 })],
      expected: 'wan/NO_PREFIX',
    },
    {
      name: 'a delegated prefix goes first',
      addresses: ['2001:db8:7::9'],
      prefixes: [prefix('2001:db8:100::', 56)],
      expected: '2001:db8:100::abcd eth1 eth1',
    },
    {
      name: 'an old address is no base',
      addresses: [v6('2001:db8:7::9', { preferredSec: 0 })],
      expected: 'wan/NO_PREFIX',
    },
  ])('with source device: $name', ({ addresses, prefixes = [], expected }) => {
    const host: Partial<HostPlan> = { source: 'device', networks: ['eth1'], ipv6Suffix: '::abcd' };

    expect(chosen('ipv6', [wan('eth1', addresses, { prefixes })], host)).toBe(expected);
  });
});

describe('a source that asks others', () => {
  const WEB = outsideKey({ kind: 'web', base: 'network', networks: ['wan'], families: ['ipv4', 'ipv6'] });
  const NOBODY = { code: 'source/NO_ANSWER', sentence: 'Nobody answers.' };
  const PUBLIC = '203.0.114.7';
  const behindNat = { local: [{ address: '192.168.1.2', prefixLength: 24 }] };

  test.each<{
    name: string;
    interfaces: WanInterface[];
    family?: Family;
    host?: Partial<HostPlan>;
    published?: string;
    expected: string;
  }>([
    {
      name: 'what the outside saw, and not the address of the device',
      interfaces: [wan('wan', [PUBLIC], behindNat)],
      expected: `${PUBLIC} wan eth1`,
    },
    {
      name: 'nothing, while it is not known, even of what is published',
      interfaces: [wan('wan', [], { ...behindNat, unknown: { ipv4: NOBODY } })],
      published: PUBLIC,
      expected: 'source/NO_ANSWER',
    },
    {
      name: 'nothing of the next interface either, for the first may well be good',
      interfaces: [wan('wan', [], { unknown: { ipv4: NOBODY } }), wan('wanb', [PUBLIC], { device: 'eth2' })],
      host: { networks: ['wan', 'wanb'] },
      expected: 'source/NO_ANSWER',
    },
    {
      name: 'the next interface where the first is down',
      interfaces: [down('wan'), wan('wanb', [PUBLIC], { device: 'eth2' })],
      host: { networks: ['wan', 'wanb'] },
      expected: `${PUBLIC} wanb eth2`,
    },
    {
      name: 'the family that is known',
      interfaces: [wan('wan', [PUBLIC], { unknown: { ipv6: NOBODY } })],
      expected: `${PUBLIC} wan eth1`,
    },
    {
      name: 'nothing of the other family while that is not known',
      interfaces: [wan('wan', ['2001:db8:1::7'], { unknown: { ipv6: NOBODY } })],
      family: 'ipv6',
      host: { allowPrivate: true },
      expected: 'source/NO_ANSWER',
    },
    {
      name: 'nothing of IPv4, which a host part has nothing to do with, while that is not known',
      interfaces: [wan('wan', [PUBLIC], { unknown: { ipv4: NOBODY } })],
      host: { ipv6Suffix: '::abcd' },
      expected: 'source/NO_ANSWER',
    },
    {
      name: 'double NAT, as the router in front tells it',
      interfaces: [wan('wan', ['10.7.7.9'], behindNat)],
      expected: 'address/PRIVATE',
    },
    {
      name: 'the NAT of the ISP',
      interfaces: [wan('wan', ['100.64.0.9'], behindNat)],
      expected: 'address/CGNAT',
    },
    {
      name: 'a host part goes onto the delegated prefix, whatever the outside saw',
      interfaces: [
        wan('wan', ['2001:db8:1::7'], {
          prefixes: [prefix('2001:db8:7::', 48)],
          unknown: { ipv6: NOBODY },
        }),
      ],
      family: 'ipv6',
      host: { ipv6Suffix: '::abcd', allowPrivate: true },
      expected: '2001:db8:7::abcd wan eth1',
    },
  ])('$name', ({ interfaces, family = 'ipv4', host = {}, published, expected }) => {
    expect(chosen(family, interfaces, { source: WEB, ...STRICT, ...host }, published)).toBe(expected);
  });

  test.each([
    ['network', true],
    [WEB, false],
  ])('a private address under source %s: others could be asked: %s', (source, suggested) => {
    const choice = choose(
      { ...HOST, ...STRICT, source },
      'ipv4',
      { wan: wan('wan', ['192.168.1.2']) },
      undefined,
    );

    expect(!isChosen(choice) && choice.sentence.includes("source 'web'")).toBe(suggested);
  });
});
