import { describe, expect, test } from 'vitest';
import type { Observation, WanInterface } from '../../agent/core/wan.ts';
import { netifdSource } from '../../agent/openwrt/netifd.ts';
import {
  type InterfaceStatus,
  type NetifdFixture,
  netifdFeed,
  netifdFixture,
  netifdFixtureNames,
} from '../fakes/netifd-feed.ts';
import { virtualClock } from '../fakes/virtual-clock.ts';

const RA = '2001:db8:1:0:d423:f1ff:fed2:1911';
const OLD_PD = '2001:db8:100::/56';
const WAN6 = `wan6 2001:db8:1::1000 ${RA} ${OLD_PD}`;
const WAN6_NEW_PD = `wan6 2001:db8:1::1000 ${RA} ${OLD_PD}(gone) 2001:db8:200::/56`;
const WAN6_NEW = `wan6 2001:db8:1::2000 ${RA} ${OLD_PD}(gone) 2001:db8:200::/56`;
const SUBSCRIBE = 'ubus subscribe network.interface';
const DUMP = 'ubus call network.interface dump';

function source() {
  const clock = virtualClock();
  const feed = netifdFeed(clock, netifdFixture('04-dhcp-renew-new-address'));
  const log: string[] = [];
  return {
    clock,
    feed,
    log,
    netifd: netifdSource({ processes: feed, clock, log: (_, text) => log.push(text) }),
  };
}

/** A watch that has settled; what happens from here on is recorded, with times relative to now. */
async function watching(fixture: NetifdFixture = netifdFixture('04-dhcp-renew-new-address')) {
  const { clock, feed, log, netifd } = source();
  feed.setDump(fixture.dumpBefore.interface);
  let startMs = 0;
  const hints: { atMs: number; observation: Observation | undefined }[] = [];
  const first = await netifd.read();
  const stop = netifd.watch((observation) => {
    hints.push({ atMs: clock.monotonicMs() - startMs, observation });
  });
  await clock.advance(5000);
  startMs = clock.monotonicMs();
  feed.commands.length = 0;
  const times = (command: string) =>
    feed.commands.filter(({ argv }) => argv.join(' ') === command).map(({ atMs }) => atMs - startMs);
  return { clock, feed, netifd, first, hints, log, stop, times };
}

/** What a hostname could publish, one line for each WAN. */
function brief(observation: Observation | undefined): string[] {
  if (!observation?.known) {
    return [observation?.code ?? 'no observation'];
  }
  const wans = Object.values(observation.snapshot).filter((wan) => wan.name.startsWith('wan'));
  return wans.map((wan) => [wan.name, ...(wan.up ? words(wan) : ['down'])].join(' ')).sort();
}

function words(wan: WanInterface): string[] {
  return [
    ...wan.addresses.map((one) => one.address),
    ...wan.prefixes.map((one) => `${one.address}/${one.prefixLength}${one.validSec === 0 ? '(gone)' : ''}`),
  ];
}

function wanWith(address: string, more: Record<string, unknown> = {}): InterfaceStatus {
  return {
    interface: 'wan',
    up: true,
    l3_device: 'eth1',
    'ipv4-address': [{ address, mask: 24 }],
    route: [{ target: '0.0.0.0', mask: 0, nexthop: '198.51.100.1' }],
    ...more,
  };
}

const WAN_DOWN: InterfaceStatus = { interface: 'wan', up: false };

describe('each recording gives the hints, with their times in milliseconds', () => {
  const expected: Record<string, { before: string[]; hints: [number, ...string[]][] }> = {
    '01-ifdown-wan': { before: ['wan 198.51.100.10', WAN6], hints: [[18, 'wan down', WAN6]] },
    '02-ifup-wan': { before: ['wan down', WAN6], hints: [[124, 'wan 198.51.100.10', WAN6]] },
    '03-dhcp-renew-same': { before: ['wan 198.51.100.10', WAN6], hints: [] },
    '04-dhcp-renew-new-address': {
      before: ['wan 198.51.100.10', WAN6],
      hints: [
        [288, 'wan down', WAN6],
        [3416, 'wan 198.51.100.20', WAN6],
      ],
    },
    '05-pd-change': {
      before: ['wan 198.51.100.20', WAN6],
      hints: [[31, 'wan 198.51.100.20', WAN6_NEW_PD]],
    },
    '05b-v6-address-change': {
      before: ['wan 198.51.100.20', WAN6_NEW_PD],
      hints: [[30, 'wan 198.51.100.20', WAN6_NEW]],
    },
    '06-link-loss': {
      before: ['wan 198.51.100.20', WAN6],
      hints: [
        [56, 'wan 198.51.100.20', 'wan6 down'],
        [72, 'wan down', 'wan6 down'],
      ],
    },
    '07-link-back': {
      before: ['wan down', 'wan6 down'],
      hints: [
        [67, 'wan down', `wan6 ${RA}`],
        [123, 'wan 198.51.100.20', `wan6 ${RA}`],
      ],
    },
    '08-proto-dhcp-to-static-reload': {
      before: ['wan 198.51.100.20', WAN6_NEW],
      hints: [
        [24, 'wan down', WAN6_NEW],
        [58, 'wan 198.51.100.50', WAN6_NEW],
      ],
    },
    '09-static-address-change-reload': {
      before: ['wan 198.51.100.50', WAN6_NEW],
      hints: [
        [18, 'wan down', WAN6_NEW],
        [45, 'wan 198.51.100.51', WAN6_NEW],
      ],
    },
    '10-static-second-address-added': {
      before: ['wan 198.51.100.51', WAN6_NEW],
      hints: [
        [37, 'wan down', WAN6_NEW],
        [52, 'wan 198.51.100.51 198.51.100.52', WAN6_NEW],
      ],
    },
    '11-static-back-to-dhcp': {
      before: ['wan 198.51.100.51 198.51.100.52', WAN6_NEW],
      hints: [
        [22, 'wan down', WAN6_NEW],
        [171, 'wan 198.51.100.20', WAN6_NEW],
      ],
    },
    '12-v4-in-place-notify_proto': {
      before: ['wan 198.51.100.20', WAN6_NEW],
      hints: [[11, 'wan 198.51.100.77', WAN6_NEW]],
    },
    '13-kernel-addr-add-outside-netifd': { before: ['wan 198.51.100.77', WAN6_NEW], hints: [] },
    '14-netifd-killed-respawned': {
      before: ['wan 198.51.100.77', WAN6_NEW],
      hints: [
        // The new netifd has no interface yet, then lan, loopback, and wan6 in its storm of failures.
        [5046, 'netifd/STARTING'],
        [5140],
        [5200],
        [5230, 'wan6 down'],
        [5290, 'wan 198.51.100.20', 'wan6 down'],
        [7180, 'wan 198.51.100.20', `wan6 ${RA}`],
        [7280, 'wan 198.51.100.20', 'wan6 down'],
      ],
    },
    '15-rpcd-restart': { before: ['wan 198.51.100.20', WAN6], hints: [] },
    '16-ubusd-killed': {
      before: ['wan 198.51.100.20', WAN6],
      hints: [
        [1000, 'ubus/UNAVAILABLE'],
        [2000, 'ubus/NOT_FOUND'],
        [3000, 'wan 198.51.100.20', WAN6],
      ],
    },
  };

  test('none is left out', () => {
    expect(netifdFixtureNames()).toEqual(Object.keys(expected).sort());
  });

  test.for(Object.keys(expected))('%s', async (name) => {
    const fixture = netifdFixture(name);
    const { clock, feed, first, hints } = await watching(fixture);

    feed.play(fixture.steps);
    await clock.advance(60_000);

    expect({
      before: brief(first),
      hints: hints.map(({ atMs, observation }) => [atMs, ...brief(observation)]),
    }).toEqual(expected[name]);
    expect(clock.pending()).toBe(0);
  });
});

describe('a snapshot', () => {
  test('holds every interface with its routes, lifetimes and delegated prefixes', async () => {
    const { first } = await watching();

    expect(first).toEqual({
      known: true,
      snapshot: {
        lan: {
          name: 'lan',
          up: true,
          device: 'br-lan',
          addresses: [
            { address: '192.168.77.1', prefixLength: 24 },
            { address: 'fd77:77:77::1', prefixLength: 60 },
          ],
          prefixes: [],
          defaultRoute: [],
        },
        loopback: {
          name: 'loopback',
          up: true,
          device: 'lo',
          addresses: [{ address: '127.0.0.1', prefixLength: 8 }],
          prefixes: [],
          defaultRoute: [],
        },
        wan: {
          name: 'wan',
          up: true,
          device: 'eth1',
          addresses: [{ address: '198.51.100.10', prefixLength: 24 }],
          prefixes: [],
          defaultRoute: ['ipv4'],
          gateway: '198.51.100.1',
        },
        wan6: {
          name: 'wan6',
          up: true,
          device: 'eth1',
          addresses: [
            { address: '2001:db8:1::1000', prefixLength: 128, preferredSec: 197, validSec: 297 },
            { address: RA, prefixLength: 64, preferredSec: 1788, validSec: 1788 },
          ],
          prefixes: [
            {
              address: '2001:db8:100::',
              prefixLength: 56,
              preferredSec: 197,
              validSec: 297,
              assigned: [{ network: 'lan', address: '2001:db8:100::', prefixLength: 60 }],
            },
          ],
          defaultRoute: ['ipv6'],
        },
      },
    });
  });

  test('leaves out what netifd holds inactive and what is not an address', async () => {
    const { clock, feed, netifd } = await watching();
    const junk = [
      null,
      7,
      {},
      { address: 'x', mask: 24 },
      { address: '192.0.2.1', mask: 33 },
      { address: '192.0.2.1' },
    ];

    feed.setDump([
      wanWith('192.0.2.9', {
        'ipv4-address': [...junk, { address: '192.0.2.9', mask: 24 }],
        'ipv6-address': 'none',
        'ipv6-prefix': [{ address: '2001:db8::', mask: 129 }, { mask: 48 }],
        route: [null, { target: '::', mask: 64 }],
        inactive: {
          'ipv4-address': [{ address: '192.0.2.10', mask: 24 }],
          route: [{ target: '::', mask: 0 }],
        },
      }),
    ]);
    await clock.settle();

    expect(await netifd.read()).toEqual({
      known: true,
      snapshot: {
        wan: {
          name: 'wan',
          up: true,
          device: 'eth1',
          addresses: [{ address: '192.0.2.9', prefixLength: 24 }],
          prefixes: [],
          defaultRoute: [],
        },
      },
    });
  });

  test.each([
    ['a router', '198.51.100.1', '198.51.100.1'],
    ['nobody, on a point-to-point line', '0.0.0.0', undefined],
    ['something that is no address', 'router', undefined],
  ])('knows the way out: %s', async (_, nexthop, gateway) => {
    const { feed, netifd } = await watching();
    feed.setDump([wanWith('192.0.2.9', { route: [{ target: '0.0.0.0', mask: 0, nexthop }] })]);

    const observation = await netifd.read();

    expect(observation.known && observation.snapshot.wan?.gateway).toBe(gateway);
    expect(observation).toMatchObject({ snapshot: { wan: { defaultRoute: ['ipv4'] } } });
  });

  test.for([
    { answer: { stdout: '{"interface": 7}' }, code: 'ubus/UNINTELLIGIBLE' },
    { answer: { stdout: '{"interface": [' }, code: 'ubus/UNINTELLIGIBLE' },
    { answer: { stdout: '' }, code: 'ubus/UNINTELLIGIBLE' },
    { answer: { stdout: '{"interface": []}' }, code: 'netifd/STARTING' },
    { answer: { status: 252, stderr: 'Command failed: ... (Not found)' }, code: 'ubus/NOT_FOUND' },
    { answer: { status: -1, stderr: 'spawn ubus ENOENT' }, code: 'ubus/MISSING' },
  ])('is unknown, not empty: $code', async ({ answer, code }) => {
    const { feed, netifd } = await watching();

    feed.failWith(answer);

    expect(await netifd.read()).toMatchObject({ known: false, code });
  });
});

describe('one change, one hint', () => {
  test('the watch begins with one hint, or with none when the caller has just read the same', async () => {
    const unread = source();
    const hints: string[][] = [];

    unread.netifd.watch((observation) => hints.push(brief(observation)));
    await unread.clock.advance(5000);

    expect(hints).toEqual([['wan 198.51.100.10', WAN6]]);
    expect((await watching()).hints).toEqual([]);
  });

  test('a change before the subscription stands is found by the second reading', async () => {
    const { clock, feed, netifd } = source();
    const hints: string[] = [];
    netifd.watch((observation) => hints.push(brief(observation)[0] ?? ''));
    await clock.advance(500);

    feed.setDump([wanWith('198.51.100.99')]);
    await clock.advance(500);

    expect(hints).toEqual(['wan 198.51.100.10', 'wan 198.51.100.99']);
  });

  test.for([
    { name: 'a lifetime that counts down', preferred: 90, valid: 190, isChange: false },
    { name: 'a lifetime that is renewed', preferred: 900, valid: 1900, isChange: false },
    { name: 'a lifetime without end', preferred: 4_294_967_295, valid: 4_294_967_295, isChange: false },
    { name: 'an address that is deprecated', preferred: 0, valid: 190, isChange: true },
    { name: 'an address that has expired', preferred: 0, valid: 0, isChange: true },
  ])('$name: $isChange', async ({ preferred, valid, isChange }) => {
    const { clock, feed, hints } = await watching();
    const address = { address: '2001:db8::1', mask: 64 };
    feed.notify(
      wanWith('198.51.100.10', { uptime: 1, 'ipv6-address': [{ ...address, preferred: 100, valid: 200 }] }),
    );
    await clock.advance(1000);
    hints.length = 0;

    feed.notify(wanWith('198.51.100.10', { uptime: 2, 'ipv6-address': [{ ...address, preferred, valid }] }));
    await clock.advance(1000);

    expect(hints.length).toBe(isChange ? 1 : 0);
  });

  test('a default route that goes away is a change', async () => {
    const { clock, feed, hints } = await watching();

    feed.notify(wanWith('198.51.100.10', { route: [] }));
    await clock.advance(1000);

    expect(hints).toHaveLength(1);
  });

  test('a burst: the first at once, then the last; another interface does not wait for it', async () => {
    const { clock, feed, hints } = await watching();

    for (const [delayMs, address] of [
      [0, '198.51.100.31'],
      [10, '198.51.100.32'],
      [10, '198.51.100.33'],
    ] as const) {
      await clock.advance(delayMs);
      feed.notify(wanWith(address));
    }
    feed.notify({ ...wanWith('203.0.113.7'), interface: 'wanb' });
    await clock.advance(1000);

    expect(hints.map(({ atMs, observation }) => [atMs, ...brief(observation)])).toEqual([
      [0, 'wan 198.51.100.31', WAN6],
      [20, 'wan 198.51.100.31', WAN6, 'wanb 203.0.113.7'],
      [100, 'wan 198.51.100.33', WAN6, 'wanb 203.0.113.7'],
    ]);
  });

  test('a flapping interface at 28 notifications a second: at most 20 hints a second, and the last state wins', async () => {
    const { clock, feed, hints } = await watching();

    for (let i = 0; i < 280; i += 1) {
      feed.notify(i % 2 === 0 ? WAN_DOWN : wanWith(`198.51.100.${i % 100}`));
      await clock.advance(35);
    }
    feed.notify(wanWith('198.51.100.200'));
    await clock.advance(1000);

    expect(hints.length).toBeLessThan(200);
    expect(brief(hints.at(-1)?.observation)[0]).toBe('wan 198.51.100.200');
  });

  test('a notification that overtakes the dump is not lost', async () => {
    const { clock, feed, netifd } = await watching();
    feed.setCallDuration(100);
    const reading = netifd.read();
    await clock.advance(75);

    feed.notify(wanWith('198.51.100.44'));
    await clock.advance(1000);

    expect(brief(await reading)[0]).toBe('wan 198.51.100.44');
  });

  test('the prefix of a LAN is read again when the WAN passes a new one on', async () => {
    const { clock, feed, hints } = await watching();
    const dump = netifdFixture('04-dhcp-renew-new-address').dumpBefore.interface;
    const renumbered = {
      ...dump[0],
      interface: 'lan',
      up: true,
      'ipv6-prefix-assignment': [{ 'local-address': { address: '2001:db8:200::1', mask: 60 } }],
    };
    const assigned = { lan: { address: '2001:db8:200::', mask: 60 } };

    feed.setDump([renumbered, ...dump.slice(1)]);
    feed.notify(
      wanWith('198.51.100.10', { 'ipv6-prefix': [{ address: '2001:db8:200::', mask: 56, assigned }] }),
    );
    await clock.advance(1);

    const latest = hints.at(-1)?.observation;
    expect(latest?.known && latest.snapshot.lan?.addresses.at(-1)?.address).toBe('2001:db8:200::1');
  });
});

describe('foreign lines', () => {
  test.for([
    { name: 'an empty line', line: '' },
    { name: 'null', line: 'null' },
    { name: 'a list', line: '[]' },
    { name: 'a number', line: '7' },
    { name: 'an open brace', line: '{' },
    { name: 'no status', line: '{ "interface.update": null }' },
    { name: 'a cut line', line: '{ "interface.update": {"interface":"wan","up":true,"ipv4-addr' },
    { name: 'a numeric name', line: '{ "interface.update": {"interface":7,"up":true} }' },
    { name: 'up that is no boolean', line: '{ "interface.update": {"interface":"wan","up":"yes"} }' },
    { name: 'another kind', line: '{ "link_up": {"name":"eth1"} }' },
    {
      name: 'an endless name',
      line: `{ "interface.update": {"interface":"${'w'.repeat(9999)}","up":true} }`,
    },
    { name: 'deep nesting', line: '['.repeat(100_000) },
  ])('$name is a hint to read the dump, which is unchanged', async ({ line }) => {
    const { clock, feed, hints, times } = await watching();

    feed.emit('subscribe', line);
    await clock.advance(60_000);

    expect(times(DUMP)).toEqual([0, 1000]);
    expect(hints).toEqual([]);
  });

  test('a flood of them reads no more than two dumps a second', async () => {
    const { clock, feed, times } = await watching();

    for (let i = 0; i < 1000; i += 1) {
      feed.emit('subscribe', 'garbage');
      feed.emit('listen', 'garbage');
      await clock.advance(1);
    }

    expect(times(DUMP).length).toBeLessThanOrEqual(3);
  });

  test('an interface named __proto__ is an interface like any other', async () => {
    const { clock, feed, netifd } = await watching();

    feed.emit('subscribe', '{ "interface.update": {"interface":"__proto__","up":true,"l3_device":"eth9"} }');
    await clock.advance(1000);

    const observation = await netifd.read();
    expect(observation.known && Object.keys(observation.snapshot)).toContain('__proto__');
    expect('device' in {}).toBe(false);
  });
});

describe('children that end', () => {
  test('a subscription that keeps failing is tried after 1 s, doubling to 30 s, with one line in the log', async () => {
    const { clock, feed, log, times } = await watching();

    feed.failWith({ status: 255, stderr: "Error while registering for event 'x': Permission denied\n" });
    feed.kill('subscribe');
    await clock.advance(125_000);

    expect(times(SUBSCRIBE)).toEqual([1000, 3000, 7000, 15_000, 31_000, 61_000, 91_000, 121_000]);
    expect(log.filter((line) => line.includes(SUBSCRIBE))).toHaveLength(1);
  });

  test('a silent child that lived for a minute was healthy: its end is a new outage', async () => {
    const { clock, feed, log, times } = await watching();

    for (let i = 0; i < 3; i += 1) {
      feed.kill('listen');
      await clock.advance(70_000);
    }

    expect(times('ubus listen ubus.object.add')).toEqual([1000, 71_000, 141_000]);
    expect(log).toHaveLength(3);
  });

  test('netifd restarts while nobody listens: the subscription is renewed once the listener is back', async () => {
    const { clock, feed, hints } = await watching();
    feed.kill('listen');
    feed.emit('listen', '{ "ubus.object.remove": {"id":7,"path":"network.interface"} }');
    feed.emit('listen', '{ "ubus.object.add": {"id":8,"path":"network.interface"} }');
    await clock.advance(3000);

    feed.notify(wanWith('198.51.100.64'));
    await clock.advance(0);

    expect(brief(hints.at(-1)?.observation)[0]).toBe('wan 198.51.100.64');
  });

  test('a line from the child ends the outage: the next wait is short again and the log gets a new line', async () => {
    const { clock, feed, log, times } = await watching();
    feed.failWith({ status: 255, stderr: 'Failed to connect to ubus' });
    feed.kill('subscribe');
    await clock.advance(14_000);
    feed.failWith();
    await clock.advance(2000);
    feed.notify(wanWith('198.51.100.61'));
    await clock.advance(1000);
    const [linesBefore, triesBefore] = [log.length, times(SUBSCRIBE).length];

    feed.kill('subscribe');
    await clock.advance(1500);

    expect(times(SUBSCRIBE).length).toBe(triesBefore + 1);
    expect(log.length).toBe(linesBefore + 1);
  });

  test('ubusd takes both children with it: one warning, and one notice when it is back', async () => {
    const { clock, feed, log, hints } = await watching();

    feed.killUbusd();
    await clock.advance(2000);
    feed.startUbusd();
    await clock.advance(60_000);

    expect(log).toHaveLength(2);
    expect(feed.living()).toBe(2);
    expect(brief(hints.at(-1)?.observation)[0]).toBe('wan 198.51.100.10');
  });

  test('the children wait on in silence after ubusd died: a reading that finds news starts both again', async () => {
    const { clock, feed, netifd, times } = await watching();
    feed.setDump([wanWith('198.51.100.65')]);

    await netifd.read();
    await clock.advance(2000);
    await netifd.read();

    expect([times(SUBSCRIBE), times('ubus listen ubus.object.add')].map((all) => all[0])).toEqual([0, 0]);
    expect(feed.living()).toBe(2);
  });

  test('a reading that finds what was notified, or the same, starts nothing again', async () => {
    const { clock, feed, netifd, times } = await watching();

    await netifd.read();
    feed.notify(wanWith('198.51.100.65'));
    feed.setDump([wanWith('198.51.100.66')]);
    await clock.advance(200);
    await netifd.read();
    await clock.advance(2000);

    expect([...times(SUBSCRIBE), ...times('ubus listen ubus.object.add')]).toEqual([]);
  });

  test('the return of netifd renews the subscription at once, even while a retry waits', async () => {
    const { clock, feed, times } = await watching();
    feed.emit('listen', '{ "ubus.object.remove": {"id":7,"path":"network.interface"} }');
    feed.emit('listen', '{ "ubus.object.add": {"id":8,"path":"network.interface.wan"} }');
    feed.kill('subscribe');
    await clock.advance(20_000);
    const before = times(SUBSCRIBE).length;

    feed.emit('listen', '{ "ubus.object.add": {"id":9,"path":"network.interface"} }');
    await clock.advance(0);

    expect(times(SUBSCRIBE).slice(before)).toEqual([20_000]);
    expect(feed.living()).toBe(2);
  });

  test('without a ubus command nothing is tried again, and the sentence names source device', async () => {
    const { clock, feed, netifd, log } = source();
    feed.failWith({ status: -1, stderr: 'spawn ubus ENOENT' });
    const hints: (Observation | undefined)[] = [];

    netifd.watch((observation) => hints.push(observation));
    await clock.advance(600_000);

    expect(hints).toHaveLength(1);
    expect(hints[0]).toMatchObject({ known: false, code: 'ubus/MISSING' });
    expect(JSON.stringify(hints[0])).toContain("source 'device'");
    expect(log).toHaveLength(1);
    expect(feed.commands.filter(({ argv }) => argv[1] !== 'call')).toHaveLength(2);
  });

  test('stop ends both children and every timer, and nothing is hinted later', async () => {
    const { clock, feed, hints, stop } = await watching();
    feed.notify(wanWith('198.51.100.71'));
    feed.notify(wanWith('198.51.100.72'));
    hints.length = 0;

    stop();
    stop();
    await clock.advance(60_000);

    expect({ living: feed.living(), timers: clock.pending(), hints }).toEqual({
      living: 0,
      timers: 0,
      hints: [],
    });
  });
});
