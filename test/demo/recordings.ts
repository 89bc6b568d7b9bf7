/**
 * A stage without root: a stand-in for OpenWrt's `ubus` command replays, at their own speed, what a real
 * router's netifd said. Provider and DNS are real servers on loopback.
 */
import { appendFileSync, chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type InterfaceStatus, type NetifdFixture, netifdFixture } from '../fakes/netifd-feed.ts';
import { type Made, pause } from './cleanup.ts';
import { startIsp } from './isp-process.ts';
import { ACCOUNTS, type Expected, HOME, NAS, type Scene, type Stage, type Tell } from './stage.ts';

const STAND_IN = fileURLToPath(new URL('ubus-standin.mjs', import.meta.url));
/** A computer in the LAN: this host part under the delegated prefix. */
const NAS_SUFFIX = '::abcd';
const OBJECT = 'network.interface';

const FIRST = '04-dhcp-renew-new-address';

/** The recordings, in an order in which each begins where the one before has ended. */
const SCENES: { title: string; names: string[]; expected: Expected[]; carrier: RegExp }[] = [
  {
    title: 'The lease is refused; three seconds later there is another one',
    names: [FIRST],
    expected: [home('198.51.100.20')],
    carrier: /"interface":"wan",.*"address":"198\.51\.100\.20"/,
  },
  {
    title: 'The ISP replaces the IPv6 prefix; the name of a LAN computer follows',
    names: ['05-pd-change'],
    expected: [nas('2001:db8:200::abcd')],
    carrier: /"2001:db8:200::"/,
  },
  {
    title: 'The link is lost and comes back with the same address',
    names: ['06-link-loss', '07-link-back'],
    expected: [],
    carrier: /"interface":"wan",.*"address":"198\.51\.100\.20"/,
  },
  {
    title: 'The address is replaced in place, no interface goes down',
    names: ['12-v4-in-place-notify_proto'],
    expected: [home('198.51.100.77')],
    carrier: /"address":"198\.51\.100\.77"/,
  },
  {
    title: 'netifd is killed and comes back with another address, in a storm',
    names: ['14-netifd-killed-respawned'],
    expected: [home('198.51.100.20')],
    carrier: /"interface":"wan",.*"address":"198\.51\.100\.20"/,
  },
];

export async function recordingStage(made: Made, folder: string): Promise<Stage> {
  const isp = await startIsp(made, [], { accounts: ACCOUNTS, caFile: join(folder, 'ca.pem') });
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'ubus'), `#!/bin/sh\nexec '${process.execPath}' '${STAND_IN}' "$@"\n`);
  chmodSync(join(bin, 'ubus'), 0o755);
  const router = createRouter(join(folder, 'ubus'), netifdFixture(FIRST));

  return {
    mode: 'stand-in',
    description: [
      "A stand-in for OpenWrt's ubus command replays, at its own speed, what a real router's netifd said.",
      'The provider (HTTPS) and its authoritative DNS are real servers on the loopback interface.',
    ],
    isp,
    atStart: [home('198.51.100.10'), nas('2001:db8:100::abcd')],
    scenes: SCENES.map((one) => sceneOf(one, router)),
    agent: {
      runIn: [],
      env: {
        ...process.env,
        PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
        HOLDFAST_UBUS_DIR: join(folder, 'ubus'),
      },
      hostnames: [
        '',
        `config hostname '${HOME.section}'`,
        `\toption hostname '${HOME.hostname}'`,
        `\toption account '${HOME.account}'`,
        "\tlist network 'wan'",
        "\toption allow_private '1'",
        '',
        `config hostname '${NAS.section}'`,
        `\toption hostname '${NAS.hostname}'`,
        `\toption account '${NAS.account}'`,
        "\tlist network 'wan'",
        "\toption family 'ipv6'",
        `\toption ipv6_suffix '${NAS_SUFFIX}'`,
        "\toption allow_private '1'",
        '',
      ].join('\n'),
    },
  };
}

function home(address: string): Expected {
  return { ...HOME, family: 'ipv4', address };
}

function nas(address: string): Expected {
  return { ...NAS, family: 'ipv6', address };
}

function sceneOf({ title, names, expected, carrier }: (typeof SCENES)[number], router: Router): Scene {
  const recordings = names.map((name) => netifdFixture(name));
  const isCarrier = (line: string) => carrier.test(line);
  const before = recordings.slice(0, -1).map((one) => one.steps.at(-1)?.atMs ?? 0);
  const last = recordings.at(-1)?.steps.find((step) => isCarrier(step.line))?.atMs ?? 0;
  return {
    title,
    expected,
    leadMs: before.reduce((sum, lengthMs) => sum + lengthMs, last),
    async perform(tell) {
      let changedMs = Number.NaN;
      for (const [index, recording] of recordings.entries()) {
        tell('recording', names[index] ?? '');
        await router.play(recording.steps, (line, atMs) => {
          // The end of a link is no change yet, and a storm repeats what was said.
          if (isCarrier(line) && Number.isNaN(changedMs)) {
            changedMs = atMs;
            announce(tell, expected, atMs);
          }
        });
      }
      return changedMs;
    },
  };
}

function announce(tell: Tell, expected: readonly Expected[], atMs: number): void {
  const [first] = expected;
  if (first === undefined) {
    tell('link', 'netifd notifies: wan is up again, the address is the same', atMs);
  } else {
    const what =
      first.family === 'ipv4' ? `wan has ${first.address}` : 'wan6 has the prefix 2001:db8:200::/56';
    tell('change', `netifd notifies: ${what}`, atMs);
  }
}

interface Router {
  /** Plays at the recorded speed; calls back for each line, just before it is said. */
  play(steps: NetifdFixture['steps'], onLine: (line: string, atMs: number) => void): Promise<void>;
}

/** Keeps the state that `ubus call network.interface dump` shows, and says the lines of recordings. */
function createRouter(folder: string, first: NetifdFixture): Router {
  const dumpFile = join(folder, 'dump.json');
  const eventsFile = join(folder, 'events.log');
  const interfaces = new Map(first.dumpBefore.interface.map((one) => [one.interface, one]));
  let netifdRuns = true;
  mkdirSync(folder);
  writeFileSync(eventsFile, '');
  writeDump();

  function writeDump(): void {
    if (netifdRuns) {
      writeFileSync(`${dumpFile}.new`, JSON.stringify({ interface: [...interfaces.values()] }));
      renameSync(`${dumpFile}.new`, dumpFile);
    } else {
      rmSync(dumpFile, { force: true });
    }
  }

  /** What a line tells has happened already: a dump that follows shows it. */
  function apply(stream: string, line: string): void {
    const [[event, body] = ['', {}]]: [string, Record<string, unknown>][] = Object.entries(JSON.parse(line));
    const path = String(body.path ?? '');
    const name = path.startsWith(`${OBJECT}.`) ? path.slice(OBJECT.length + 1) : undefined;
    const isAdded = event === 'ubus.object.add';
    if (stream === 'subscribe' && typeof body.interface === 'string') {
      const status: InterfaceStatus = { ...body, interface: body.interface, up: body.up === true };
      interfaces.set(status.interface, status);
    } else if (path === OBJECT) {
      netifdRuns = isAdded;
    } else if (name !== undefined && isAdded) {
      interfaces.set(name, { interface: name, up: false });
    } else if (name !== undefined) {
      interfaces.delete(name);
    }
    writeDump();
  }

  return {
    async play(steps, onLine) {
      const startMs = Date.now();
      for (const { atMs, stream, line } of steps) {
        await pause(Math.max(0, startMs + atMs - Date.now()));
        apply(stream, line);
        onLine(line, Date.now());
        appendFileSync(eventsFile, `${stream} ${line}\n`);
      }
    },
  };
}
