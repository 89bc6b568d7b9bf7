/** Which differences between two looks at the interfaces are worth a thought: what is equal wakes nobody. */
import { describe, expect, test } from 'vitest';
import { sameMeaning } from '../../agent/core/same-meaning.ts';
import type { DelegatedPrefix, InterfaceAddress, Observation, WanInterface } from '../../agent/core/wan.ts';

const ADDRESS: InterfaceAddress = {
  address: '2001:db8::10',
  prefixLength: 64,
  preferredSec: 3600,
  validSec: 7200,
};
const PREFIX: DelegatedPrefix = {
  address: '2001:db8:1::',
  prefixLength: 56,
  preferredSec: 3600,
  validSec: 7200,
  assigned: [{ network: 'lan', address: '2001:db8:1::', prefixLength: 64 }],
};
const WAN: WanInterface = {
  name: 'wan',
  up: true,
  device: 'eth1',
  addresses: [ADDRESS],
  prefixes: [PREFIX],
  defaultRoute: ['ipv6'],
  gateway: '192.0.2.1',
};

function known(...interfaces: WanInterface[]): Observation {
  return { known: true, snapshot: Object.fromEntries(interfaces.map((one) => [one.name, one])) };
}

function unknown(code: string): Observation {
  return { known: false, code, sentence: 'No answer.' };
}

function withAddress(change: Partial<InterfaceAddress>): WanInterface {
  return { ...WAN, addresses: [{ ...ADDRESS, ...change }] };
}

function withPrefix(change: Partial<DelegatedPrefix>): WanInterface {
  return { ...WAN, prefixes: [{ ...PREFIX, ...change }] };
}

describe('what changes', () => {
  test.each<{ name: string; now: WanInterface; same: boolean }>([
    { name: 'nothing', now: { ...WAN }, same: true },
    { name: 'lifetimes count down', now: withAddress({ preferredSec: 1, validSec: 3601 }), same: true },
    { name: 'an address is no longer preferred', now: withAddress({ preferredSec: 0 }), same: false },
    { name: 'an address is no longer valid', now: withAddress({ validSec: 0 }), same: false },
    { name: 'an address lives a last second', now: withAddress({ validSec: 1 }), same: true },
    { name: 'an address is tentative', now: withAddress({ tentative: true }), same: false },
    { name: 'an address is temporary', now: withAddress({ temporary: true }), same: false },
    { name: 'another address', now: withAddress({ address: '2001:db8::11' }), same: false },
    { name: 'another length', now: withAddress({ prefixLength: 128 }), same: false },
    {
      name: 'lifetimes of a prefix count down',
      now: withPrefix({ preferredSec: 1, validSec: 1 }),
      same: true,
    },
    { name: 'a prefix is no longer preferred', now: withPrefix({ preferredSec: 0 }), same: false },
    { name: 'a prefix is no longer valid', now: withPrefix({ validSec: 0 }), same: false },
    { name: 'another prefix', now: withPrefix({ address: '2001:db8:2::' }), same: false },
    { name: 'a prefix is given to nobody', now: withPrefix({ assigned: [] }), same: false },
    { name: 'down', now: { ...WAN, up: false }, same: false },
    { name: 'another device', now: { ...WAN, device: 'eth2' }, same: false },
    { name: 'the route is gone', now: { ...WAN, defaultRoute: [] }, same: false },
    { name: 'another router in front', now: { ...WAN, gateway: '192.0.2.2' }, same: false },
    { name: 'another interface', now: { ...WAN, name: 'wanb' }, same: false },
  ])('$name: the same is $same', ({ now, same }) => {
    expect(sameMeaning(known(WAN), known(now))).toBe(same);
    expect(sameMeaning(known(now), known(WAN))).toBe(same);
  });
});

test.each<{ name: string; before: Observation | undefined; after: Observation; same: boolean }>([
  { name: 'the first look', before: undefined, after: known(WAN), same: false },
  { name: 'a first look in vain', before: undefined, after: unknown('ubus/TIMEOUT'), same: false },
  { name: 'one more in vain', before: unknown('ubus/TIMEOUT'), after: unknown('ubus/TIMEOUT'), same: true },
  {
    name: 'in vain for another reason',
    before: unknown('ubus/GONE'),
    after: unknown('ubus/TIMEOUT'),
    same: false,
  },
  { name: 'known again', before: unknown('ubus/TIMEOUT'), after: known(WAN), same: false },
  { name: 'not known any more', before: known(WAN), after: unknown('ubus/TIMEOUT'), same: false },
  {
    name: 'one interface more',
    before: known(WAN),
    after: known(WAN, { ...WAN, name: 'wanb' }),
    same: false,
  },
  {
    name: 'one interface less',
    before: known(WAN, { ...WAN, name: 'wanb' }),
    after: known(WAN),
    same: false,
  },
  { name: 'no interface at all', before: known(), after: known(), same: true },
])('$name: the same is $same', ({ before, after, same }) => {
  expect(sameMeaning(before, after)).toBe(same);
});
