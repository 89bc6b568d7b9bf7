/** Every recording of a real netifd, played to the whole agent: which updates go out, and when. */
import { describe, expect, test } from 'vitest';
import type { Family } from '../../agent/core/address.ts';
import { netifdFixture, netifdFixtureNames } from '../fakes/netifd-feed.ts';
import { good, scenario, updatesOf } from './agent.ts';

/** Four kinds of hostnames at once; the recordings have documentation addresses only. */
const CONFIG = `
config agent 'agent'
	option verify '0'
	option contact 'admin@example.org'

config account 'noip'
	option provider 'no-ip.com'
	option username 'user'
	option password 'secret-0'

config hostname 'v4'
	option hostname 'v4.example.org'
	option account 'noip'
	option family 'ipv4'
	option allow_private '1'
	list network 'wan'

config hostname 'v6'
	option hostname 'v6.example.org'
	option account 'noip'
	option family 'ipv6'
	option allow_private '1'
	list network 'wan6'

config hostname 'lan'
	option hostname 'lan.example.org'
	option account 'noip'
	option family 'ipv6'
	option ipv6_suffix '::abcd'
	option allow_private '1'
	list network 'wan6'

config hostname 'both'
	option hostname 'both.example.org'
	option account 'noip'
	option family 'dual'
	option allow_private '1'
	list network 'wan'
`;

const RA = '2001:db8:1:0:d423:f1ff:fed2:1911';
const OLD_NA = '2001:db8:1::1000';
const NEW_NA = '2001:db8:1::2000';
const OLD_LAN = '2001:db8:100::abcd';
const NEW_LAN = '2001:db8:200::abcd';

interface Expectation {
  /** Confirmed before: the addresses of v4, v6 and lan; `both` has those of v4 and v6. */
  before: [string, string, string];
  /** Milliseconds after the recording begins, and `HOST ADDRESS`; none unless given. */
  updates?: [number, string][];
}

const EXPECTED: Record<string, Expectation> = {
  '01-ifdown-wan': { before: ['198.51.100.10', OLD_NA, OLD_LAN] },
  '02-ifup-wan': { before: ['198.51.100.10', OLD_NA, OLD_LAN] },
  '03-dhcp-renew-same': { before: ['198.51.100.10', OLD_NA, OLD_LAN] },
  // Nothing at the ifdown (288 ms), everything at the ifup.
  '04-dhcp-renew-new-address': {
    before: ['198.51.100.10', OLD_NA, OLD_LAN],
    updates: [
      [3416, 'v4.example.org 198.51.100.20'],
      [3416, `both.example.org 198.51.100.20,${OLD_NA}`],
    ],
  },
  '05-pd-change': {
    before: ['198.51.100.20', OLD_NA, OLD_LAN],
    updates: [[31, `lan.example.org ${NEW_LAN}`]],
  },
  '05b-v6-address-change': {
    before: ['198.51.100.20', OLD_NA, NEW_LAN],
    updates: [
      [30, `v6.example.org ${NEW_NA}`],
      [30, `both.example.org 198.51.100.20,${NEW_NA}`],
    ],
  },
  '06-link-loss': { before: ['198.51.100.20', OLD_NA, OLD_LAN] },
  // The recording ends before DHCPv6 gives the old address back: the one of the advertisement is published.
  '07-link-back': {
    before: ['198.51.100.20', OLD_NA, OLD_LAN],
    updates: [
      [67, `v6.example.org ${RA}`],
      // wan follows wan6 by 56 ms: for the account that is a second change, 10 s after the first.
      [10_067, `both.example.org 198.51.100.20,${RA}`],
    ],
  },
  '08-proto-dhcp-to-static-reload': {
    before: ['198.51.100.20', NEW_NA, NEW_LAN],
    updates: [
      [58, 'v4.example.org 198.51.100.50'],
      [58, `both.example.org 198.51.100.50,${NEW_NA}`],
    ],
  },
  '09-static-address-change-reload': {
    before: ['198.51.100.50', NEW_NA, NEW_LAN],
    updates: [
      [45, 'v4.example.org 198.51.100.51'],
      [45, `both.example.org 198.51.100.51,${NEW_NA}`],
    ],
  },
  // The address that is published stays, whatever stands beside it.
  '10-static-second-address-added': { before: ['198.51.100.51', NEW_NA, NEW_LAN] },
  '11-static-back-to-dhcp': {
    before: ['198.51.100.51', NEW_NA, NEW_LAN],
    updates: [
      [171, 'v4.example.org 198.51.100.20'],
      [171, `both.example.org 198.51.100.20,${NEW_NA}`],
    ],
  },
  '12-v4-in-place-notify_proto': {
    before: ['198.51.100.20', NEW_NA, NEW_LAN],
    updates: [
      [11, 'v4.example.org 198.51.100.77'],
      [11, `both.example.org 198.51.100.77,${NEW_NA}`],
    ],
  },
  '13-kernel-addr-add-outside-netifd': { before: ['198.51.100.77', NEW_NA, NEW_LAN] },
  // The new netifd has another lease. In its storm wan6 shows an address for 100 ms, within the hold-down.
  '14-netifd-killed-respawned': {
    before: ['198.51.100.77', NEW_NA, NEW_LAN],
    updates: [
      [5290, 'v4.example.org 198.51.100.20'],
      [5290, 'both.example.org 198.51.100.20'],
    ],
  },
  '15-rpcd-restart': { before: ['198.51.100.20', OLD_NA, OLD_LAN] },
  '16-ubusd-killed': { before: ['198.51.100.20', OLD_NA, OLD_LAN] },
};

/** The agent has started and is at rest before the recording begins. */
const REST_MS = 5_000;

async function atRest(name: string, [ipv4, ipv6, lan]: Expectation['before']) {
  const fixture = netifdFixture(name);
  const published: Record<string, Partial<Record<Family, string>>> = {
    v4: { ipv4 },
    v6: { ipv6 },
    lan: { ipv6: lan },
    both: { ipv4, ipv6 },
  };
  const agent = await scenario({ config: CONFIG, fixture, replies: good, published, latencyMs: 0 });
  await agent.advance(REST_MS);
  return { agent, fixture };
}

test('no recording is left out', () => {
  expect(netifdFixtureNames()).toEqual(Object.keys(EXPECTED).sort());
});

describe.each(Object.entries(EXPECTED))('%s', (name, { before, updates = [] }) => {
  test('starts without an update, for everything is confirmed', async () => {
    const { agent } = await atRest(name, before);

    expect(updatesOf(agent.requests)).toEqual([]);
  });

  test('leads to the right updates, also hours later', async () => {
    const { agent, fixture } = await atRest(name, before);

    agent.feed.play(fixture.steps);
    await agent.advance(3 * 3_600_000);

    const expected = updates.map(([atMs, update]) => [REST_MS + atMs, update]);
    expect(updatesOf(agent.requests)).toEqual(expected);
  });

  test('takes few steps and few processes, however much netifd says', async () => {
    const { agent, fixture } = await atRest(name, before);
    const [steps, commands] = [agent.steps(), agent.feed.commands.length];

    agent.feed.play(fixture.steps);
    await agent.advance(60_000);

    expect(agent.steps() - steps).toBeLessThanOrEqual(12);
    expect(agent.feed.commands.length - commands).toBeLessThanOrEqual(12);
  });

  test('after a restart at its end nothing is sent again', async () => {
    const { agent, fixture } = await atRest(name, before);
    agent.feed.play(fixture.steps);
    await agent.advance(60_000);
    const sent = agent.requests.length;

    await agent.restart();
    await agent.advance(3_600_000);

    expect(agent.requests.slice(sent)).toEqual([]);
  });
});

test('an agent that missed the whole change sends the same updates at its start', async () => {
  const { agent, fixture } = await atRest('04-dhcp-renew-new-address', ['198.51.100.10', OLD_NA, OLD_LAN]);
  agent.feed.failWith({ status: 255, stderr: 'Failed to connect to ubus\n' });
  agent.feed.play(fixture.steps);
  await agent.restart();
  await agent.advance(20_000);

  const blind = updatesOf(agent.requests);
  agent.feed.failWith();
  await agent.advance(60_000);

  expect(blind).toEqual([]);
  expect(updatesOf(agent.requests).map(([, update]) => update)).toEqual([
    'v4.example.org 198.51.100.20',
    `both.example.org 198.51.100.20,${OLD_NA}`,
  ]);
});

test('a name that changes its family is checked for the new one only, and not before it is confirmed', async () => {
  const checked: string[] = [];
  const config = CONFIG.replace("verify '0'", "verify '1'");
  const agent = await scenario({
    config,
    fixture: '02-ifup-wan',
    replies: [],
    published: {
      v4: { ipv4: '198.51.100.10' },
      v6: { ipv6: OLD_NA },
      lan: { ipv6: OLD_LAN },
      both: { ipv6: OLD_NA },
    },
    verify(command) {
      checked.push([command.hostname, command.ipv4, command.ipv6].join(' '));
      return { authority: [], publicView: [], delegation: [] };
    },
  });
  await agent.advance(1000);
  checked.length = 0;

  await agent.reload(config.replace(/(hostname 'v6'[\s\S]*?family) 'ipv6'/, "$1 'ipv4'"));
  await agent.advance(2 * 3_600_000);

  expect(checked.filter((one) => one.startsWith('v6.example.org'))).toEqual([]);
});
