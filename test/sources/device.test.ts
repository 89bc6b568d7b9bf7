import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Observation } from '../../agent/core/wan.ts';
import { nodeProcesses } from '../../agent/hosts/node-processes.ts';
import type { DeviceAddress, Processes, RunResult } from '../../agent/ports.ts';
import { deviceSource } from '../../agent/sources/device.ts';
import { realClock } from '../fakes/real-clock.ts';
import { virtualClock } from '../fakes/virtual-clock.ts';

function recorded(name: string): string {
  return readFileSync(new URL(`../fixtures/ip/${name}`, import.meta.url), 'utf8');
}

const IPROUTE2 = {
  'ip -json address show': { stdout: recorded('address.json') },
  'ip -json route show default': { stdout: recorded('route4.json') },
  'ip -json -6 route show default': { stdout: recorded('route6.json') },
};
const USAGE = {
  status: 1,
  stderr: 'BusyBox v1.35.0 multi-call binary.\n\nUsage: ip [OPTIONS] address|route',
};
const BUSYBOX = {
  'ip -json address show': USAGE,
  'ip -json route show default': USAGE,
  'ip -json -6 route show default': USAGE,
  'ip address show': { stdout: recorded('busybox-address.txt') },
  'ip route show default': { stdout: recorded('busybox-route4.txt') },
  'ip -6 route show default': { stdout: recorded('busybox-route6.txt') },
};
const MISSING = { status: -1, stderr: 'spawn ip ENOENT' };
const PLAIN: DeviceAddress[] = [
  { name: 'lo', address: '127.0.0.1', family: 'ipv4', prefixLength: 8, internal: true },
  { name: 'eth1', address: '192.0.2.10', family: 'ipv4', prefixLength: 24, internal: false },
  { name: 'eth1', address: '2001:DB8::0010', family: 'ipv6', prefixLength: 64, internal: false },
];

type Answers = Record<string, Partial<RunResult>>;

/** A system whose `ip` gives the answers of a table; anything else is a missing program. */
function system(initial: Answers) {
  const clock = virtualClock();
  const log: string[] = [];
  const reads: number[] = [];
  const monitors: {
    atMs: number;
    line: (text: string) => void;
    end: (result: Partial<RunResult>) => void;
  }[] = [];
  const state = { answers: initial, monitor: true, living: 0, durationMs: 0 };
  const processes: Processes = {
    async run(argv) {
      const command = argv.join(' ');
      if (command.includes('address show') && command.includes('-json')) {
        reads.push(clock.monotonicMs());
      }
      const answer = { status: 0, stdout: '', stderr: '', ...(state.answers[command] ?? MISSING) };
      await new Promise<void>((resolve) => clock.after(state.durationMs, resolve));
      return answer;
    },
    lines(argv, onLine, onExit) {
      expect(argv).toEqual(['ip', 'monitor', 'address', 'route', 'link']);
      state.living += 1;
      const end = (result: Partial<RunResult>) => {
        state.living -= 1;
        onExit({ status: 0, stdout: '', stderr: '', ...result });
      };
      monitors.push({ atMs: clock.monotonicMs(), line: onLine, end });
      return () => {
        state.living -= 1;
      };
    },
  };
  const source = deviceSource({
    processes,
    clock,
    log: (_, text) => log.push(text),
    interfaces: () => PLAIN,
  });
  return { clock, log, reads, monitors, state, source };
}

/** The same with a watch that has settled. */
async function watched(answers: Answers = IPROUTE2) {
  const it = system(answers);
  const hints: (Observation | undefined)[] = [];
  const stop = it.source.watch((observation) => hints.push(observation));
  await it.clock.advance(5000);
  return { ...it, hints, stop };
}

const WAN0 = {
  name: 'wan0',
  up: true,
  device: 'wan0',
  addresses: [
    { address: '192.0.2.10', prefixLength: 24 },
    { address: '192.0.2.11', prefixLength: 24 },
    { address: '2001:db8:7::12', prefixLength: 64, tentative: true },
    {
      address: '2001:db8:7:0:825d:1b9a:34d8:7f02',
      prefixLength: 64,
      preferredSec: 1798,
      validSec: 3598,
      temporary: true,
    },
    { address: '2001:db8:7::ff:fe00:1', prefixLength: 64, preferredSec: 1798, validSec: 3598 },
    { address: '2001:db8:7::99', prefixLength: 64, tentative: true },
    { address: '2001:db8:7::11', prefixLength: 64, preferredSec: 0, validSec: 3598 },
    { address: '2001:db8:7::10', prefixLength: 64, preferredSec: 1798, validSec: 3598 },
    { address: 'fe80::ff:fe00:1', prefixLength: 64 },
  ],
  prefixes: [],
  defaultRoute: ['ipv4', 'ipv6'],
  gateway: '192.0.2.1',
};

describe('read', () => {
  test.for([
    { name: 'JSON of iproute2', answers: IPROUTE2 },
    { name: 'text of BusyBox', answers: BUSYBOX },
  ])('understands the $name', async ({ answers }) => {
    const { clock, source } = system(answers);
    const reading = source.read();
    await clock.advance(1);

    const observation = await reading;

    expect(observation.known && Object.keys(observation.snapshot)).toEqual([
      'lo',
      'isp0',
      'wan0',
      'down1',
      'down0',
      'ppp1',
      'ppp0',
    ]);
    expect(observation.known && observation.snapshot.wan0).toEqual(WAN0);
    expect(observation).toMatchObject({
      snapshot: {
        // Switched off: its address stays in the kernel but is of no use.
        down0: { up: false, addresses: [], defaultRoute: [] },
        // Point to point: our side, not the peer's.
        ppp0: { up: true, addresses: [{ address: '198.51.100.7', prefixLength: 32 }, {}], defaultRoute: [] },
        // Holds the unreachable default route only.
        lo: { up: true, defaultRoute: [] },
      },
    });
  });

  test('finds both uplinks of a multipath default route', async () => {
    const route = { stdout: recorded('route4-multipath.json') };
    const { clock, source } = system({ ...IPROUTE2, 'ip -json route show default': route });
    const reading = source.read();
    await clock.advance(1);

    expect(await reading).toMatchObject({
      snapshot: { wan0: { defaultRoute: ['ipv4', 'ipv6'] }, ppp0: { defaultRoute: ['ipv4'] } },
    });
  });

  test.for<{ name: string; answers: Answers }>([
    { name: 'there is no ip', answers: {} },
    {
      name: 'ip prints garbage',
      answers: { 'ip -json address show': { stdout: '%!' }, 'ip address show': { stdout: '?' } },
    },
    { name: 'ip fails', answers: { 'ip -json address show': USAGE, 'ip address show': USAGE } },
  ])('asks the runtime when $name, and says so once', async ({ answers }) => {
    const { clock, source, log } = system(answers);
    for (let i = 0; i < 3; i += 1) {
      const reading = source.read();
      await clock.advance(1);

      expect(await reading).toEqual({
        known: true,
        snapshot: {
          lo: {
            name: 'lo',
            up: true,
            device: 'lo',
            addresses: [{ address: '127.0.0.1', prefixLength: 8 }],
            prefixes: [],
            defaultRoute: [],
          },
          eth1: {
            name: 'eth1',
            up: true,
            device: 'eth1',
            addresses: [
              { address: '192.0.2.10', prefixLength: 24 },
              { address: '2001:db8::10', prefixLength: 64 },
            ],
            prefixes: [],
            defaultRoute: [],
          },
        },
      });
    }

    expect(log).toHaveLength(1);
  });

  test('is unknown, not empty, when ip does not end', async () => {
    const { clock, source } = system({ 'ip -json address show': { status: -1 } });
    const reading = source.read();
    await clock.advance(1);

    expect(await reading).toMatchObject({ known: false, code: 'device/TIMEOUT' });
  });

  test.for([
    '[null,7,{}]',
    '[{"ifname":"x","flags":["UP","LOWER_UP"],"addr_info":7}]',
    '[{"ifname":"x","flags":["UP","LOWER_UP"],"addr_info":[null,{"local":{"toString":1},"prefixlen":{"valueOf":1}}]}]',
    '[{"ifname":"x","flags":["UP","LOWER_UP"],"addr_info":[{"local":"192.0.2.1","prefixlen":33}]}]',
    '[{"ifname":"x","flags":["UP","LOWER_UP"],"addr_info":[{"local":"192.0.2.1/24","prefixlen":24}]}]',
  ])('takes no address from %s', async (stdout) => {
    const routes = { stdout: '[{"dst":"default","nexthops":[7],"flags":{}},null]' };
    const { clock, source } = system({
      'ip -json address show': { stdout },
      'ip -json route show default': routes,
      'ip -json -6 route show default': routes,
    });
    const reading = source.read();
    await clock.advance(1);

    const observation = await reading;

    const devices = observation.known ? Object.values(observation.snapshot) : undefined;
    expect(devices?.flatMap((one) => [...one.addresses, ...one.defaultRoute])).toEqual([]);
  });
});

describe('watch', () => {
  const changed = {
    ...IPROUTE2,
    'ip -json address show': { stdout: recorded('address.json').replaceAll('192.0.2.10', '192.0.2.20') },
  };

  test('a change before the monitor listens is found by the second reading', async () => {
    const { clock, source, state } = system(IPROUTE2);
    const hints: (Observation | undefined)[] = [];
    source.watch((observation) => hints.push(observation));
    await clock.advance(500);

    state.answers = changed;
    await clock.advance(510);

    expect(hints).toHaveLength(2);
  });

  test('one change of many lines: read at once and once more, hinted once', async () => {
    const { clock, hints, reads, monitors, state } = await watched();
    hints.length = 0;
    reads.length = 0;

    state.answers = changed;
    for (const line of recorded('monitor.txt').trimEnd().split('\n')) {
      monitors[0]?.line(line);
    }
    await clock.advance(5000);

    expect(reads).toEqual([5000, 5020]);
    expect(hints).toHaveLength(1);
    expect(hints[0]).toMatchObject({
      snapshot: { wan0: { addresses: [{ address: '192.0.2.20' }, {}, {}, {}, {}, {}, {}, {}, {}] } },
    });
  });

  test('a change that comes while the first reading is under way is not lost', async () => {
    const { clock, hints, monitors, state } = await watched();
    hints.length = 0;
    state.durationMs = 15;
    monitors[0]?.line('Deleted 3: wan0 inet 192.0.2.10/24');
    await clock.advance(10);

    state.answers = changed;
    monitors[0]?.line('3: wan0 inet 192.0.2.20/24');
    await clock.advance(60);

    expect(hints).toHaveLength(1);
  });

  test('lines that never cease are followed by one reading a second', async () => {
    const { clock, hints, reads, monitors } = await watched();
    hints.length = 0;
    reads.length = 0;

    for (let i = 0; i < 2000; i += 1) {
      monitors[0]?.line('2001:db8:ffff::/48 via fe80::1 dev wan0');
      await clock.advance(5);
    }

    expect(reads.length).toBeLessThan(20);
    expect(hints).toEqual([]);
    await clock.advance(5000);
    expect(clock.pending()).toBe(0);
  });

  test('the monitor is started again after 1 s, doubling to 30 s, with one line in the log', async () => {
    const { clock, log, monitors } = await watched();
    const startMs = clock.monotonicMs();

    for (let i = 0; i < 7; i += 1) {
      monitors.at(-1)?.end({ status: 1, stderr: 'Cannot open netlink socket' });
      await clock.advance(31_000);
    }

    const waits = monitors.slice(1).map(({ atMs }, i) => atMs - startMs - i * 31_000);
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect(log).toHaveLength(1);
  });

  test.for([
    { name: 'a missing ip', end: MISSING },
    { name: 'the ip of BusyBox', end: USAGE },
  ])('$name has no monitor and never will: not tried again', async ({ end }) => {
    const { clock, log, monitors } = await watched();

    monitors[0]?.end(end);
    await clock.advance(600_000);

    expect(monitors).toHaveLength(1);
    expect(log).toHaveLength(1);
    expect(clock.pending()).toBe(0);
  });

  test('stop ends the monitor and every timer', async () => {
    const { clock, hints, monitors, state, stop } = await watched();
    hints.length = 0;
    state.answers = changed;
    monitors[0]?.line('3: wan0');

    stop();
    await clock.advance(60_000);

    expect({ living: state.living, timers: clock.pending(), hints }).toEqual({
      living: 0,
      timers: 0,
      hints: [],
    });
  });
});

/** A namespace with a veth pair `wan0`/`isp0`; undefined and why where this machine does not allow it. */
function namespace(): { name: string } | { why: string } {
  if (process.getuid?.() !== 0) {
    return { why: 'needs root for a network namespace' };
  }
  const name = `hf-test-${process.pid}`;
  try {
    ip('netns', 'add', name);
  } catch (error) {
    if (process.env.CI === 'true') {
      throw error;
    }
    return { why: `cannot make a network namespace: ${error}` };
  }
  onTestFinished(() => ip('netns', 'delete', name));
  ip('-n', name, 'link', 'add', 'wan0', 'type', 'veth', 'peer', 'name', 'isp0');
  ip('-n', name, 'link', 'set', 'isp0', 'up');
  ip('-n', name, 'link', 'set', 'wan0', 'up');
  ip('-n', name, 'address', 'add', '192.0.2.10/24', 'dev', 'wan0');
  ip('-n', name, 'route', 'add', 'default', 'via', '192.0.2.1');
  return { name };
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' });
}

test('a real change in a real kernel is hinted', { timeout: 15_000 }, async (context) => {
  const space = namespace();
  if ('why' in space) {
    context.skip(space.why);
    return;
  }
  const real = nodeProcesses({ PATH: process.env.PATH });
  const inside = (argv: readonly string[]) => ['ip', '-n', space.name, ...argv.slice(1)];
  const processes: Processes = {
    run: (argv, timeoutMs) => real.run(inside(argv), timeoutMs),
    lines: (argv, onLine, onExit) => real.lines(inside(argv), onLine, onExit),
  };
  const source = deviceSource({ processes, clock: realClock(), log: () => {}, interfaces: () => [] });
  const hints: (Observation | undefined)[] = [];
  const wan0 = (observation: Observation | undefined) =>
    observation?.known ? observation.snapshot.wan0 : undefined;

  const addresses = () => wan0(hints.at(-1))?.addresses.map((one) => one.address);

  expect(wan0(await source.read())).toMatchObject({ up: true, device: 'wan0', defaultRoute: ['ipv4'] });
  onTestFinished(source.watch((observation) => hints.push(observation)));
  ip('-n', space.name, 'address', 'add', '203.0.113.77/24', 'dev', 'wan0');
  ip('-n', space.name, 'address', 'delete', '192.0.2.10/24', 'dev', 'wan0');

  await vi.waitFor(() => {
    expect(addresses()).toContain('203.0.113.77');
    expect(addresses()).not.toContain('192.0.2.10');
  }, 5000);
  ip('-n', space.name, 'link', 'set', 'wan0', 'down');
  await vi.waitFor(() => expect(wan0(hints.at(-1))).toMatchObject({ up: false, addresses: [] }), 5000);
});
