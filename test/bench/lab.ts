/**
 * The benchmark's world: one namespace is the ISP with a real DHCP server for each line and the provider's
 * service, and each client lives on a router, a namespace of its own with a real DHCP client.
 */
import { type ChildProcess, execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { hasEnded, type Made, PREFIX, pause } from '../demo/cleanup.ts';
import { type Provider, startProvider } from './provider.ts';

/** Where ip-netns(8) finds the resolv.conf of a namespace. */
const NETNS_SETTINGS = '/etc/netns';
const HOOK = fileURLToPath(new URL('hook.sh', import.meta.url));
/** Documentation addresses (RFC 5737): the access network, 16 addresses for each router; the Internet behind it. */
const ACCESS = '198.51.100.';
const ADDRESSES_PER_LINE = 16;
const PREFIX_LENGTH = 28;
/** Leases that a line takes turns with. */
const LEASES_PER_LINE = 12;
/** The provider's, in the DNS of the test world. */
const PROVIDER_NAME = 'dynupdate.provider.example';
const SERVICE_ADDRESSES = {
  api: '203.0.113.10',
  web: '203.0.113.11',
  root: ['203.0.113.3'],
  parent: ['203.0.113.1', '203.0.113.2'],
  provider: ['203.0.113.21', '203.0.113.22'],
  seized: ['203.0.113.31', '203.0.113.32'],
  standby: ['203.0.113.41', '203.0.113.42'],
  resolver: ['203.0.113.53', '203.0.113.54'],
  localResolver: '203.0.113.55',
};
/** As /proc/net/udp shows port 67. */
const DHCP_SERVER_PORT_HEX = ':0043 ';
const POLL_MS = 5;
/** A DHCP client asks again after a second; a slow machine may need some of these. */
const LEASE_LIMIT_MS = 20_000;

export interface Router {
  folder: string;
  hostname: string;
  login: { username: string; password: string };
  /** Goes before a command that runs there. */
  runIn: readonly string[];
  /** Before its `PATH`: a `ubus` command, which hears what the DHCP hook says. */
  bin: string;
  /** A folder of the environment for `bin` and the hook. */
  env: Record<string, string>;
  /** Whom the hook wakes, and how; nobody: the client finds out by itself. */
  wake(signal: string, pid: number): void;
  /** Gives the lease back and gets another one; the result is when the kernel had it (ms since 1970). */
  move(): Promise<{ atMs: number; address: string }>;
  address(): string;
}

export interface Lab {
  provider: Provider;
  routers: readonly Router[];
}

/** One router for each line; `ubus`: it has that command, and hears there what the DHCP hook says. */
export async function buildLab(
  made: Made,
  folder: string,
  lines: readonly { ubus: boolean }[],
): Promise<Lab> {
  const ispSpace = `${PREFIX}${process.pid}-isp`;
  const inIsp = ['ip', 'netns', 'exec', ispSpace];
  addNamespace(made, ispSpace);
  for (const address of Object.values(SERVICE_ADDRESSES).flat()) {
    run('ip', '-n', ispSpace, 'address', 'add', `${address}/32`, 'dev', 'lo');
  }
  const logins = lines.map((_, index) => ({
    username: `client${index}`,
    password: 'bench-password',
    hosts: [`client${index}.ddns.example`],
  }));
  const options = {
    accounts: logins,
    addresses: SERVICE_ADDRESSES,
    dnsPort: 53,
    // This is about time: haste is wanted here, and some of these clients have no name.
    temper: { checkUserAgent: false, maxUnchanged: 1_000_000, maxRequestsPerMinute: 1_000_000 },
  };
  const provider = await startProvider(made, inIsp, options, {
    name: PROVIDER_NAME,
    caFile: join(folder, 'ca.pem'),
  });
  const routers: Router[] = [];
  for (const [index, login] of logins.entries()) {
    routers.push(await buildRouter(made, folder, ispSpace, index, login, lines[index]?.ubus === true));
  }
  return { provider, routers };
}

async function buildRouter(
  made: Made,
  labFolder: string,
  ispSpace: string,
  index: number,
  login: { username: string; password: string; hosts: readonly string[] },
  ubus: boolean,
): Promise<Router> {
  const space = `${PREFIX}${process.pid}-r${index}`;
  const runIn = ['ip', 'netns', 'exec', space];
  const folder = join(labFolder, `router${index}`);
  const bin = join(folder, 'bin');
  const leasesFile = join(folder, 'leases');
  const firstNumber = index * ADDRESSES_PER_LINE + 1;
  const gateway = `${ACCESS}${firstNumber}`;
  const line = `cpe${index}`;
  const mac = `02:00:00:00:01:${index.toString(16).padStart(2, '0')}`;
  mkdirSync(bin, { recursive: true });
  writeFileSync(leasesFile, '');
  if (ubus) {
    installUbus(bin, folder);
  }
  addNamespace(made, space);
  setResolver(made, space);
  const router = ['wan', 'netns', space, 'address', mac];
  run('ip', 'link', 'add', ...router, 'type', 'veth', 'peer', 'name', line, 'netns', ispSpace);
  run('ip', '-n', ispSpace, 'address', 'add', `${gateway}/${PREFIX_LENGTH}`, 'dev', line);
  run('ip', '-n', ispSpace, 'link', 'set', line, 'up');
  run('ip', '-n', space, 'link', 'set', 'wan', 'up');

  const env = { BENCH_DIR: folder, HOLDFAST_UBUS_DIR: folder };
  let turn = 0;
  const leaseNow = () => `${ACCESS}${firstNumber + 1 + (turn % LEASES_PER_LINE)}`;
  const kernel = watchAddresses(made, runIn);
  let server = await startServer();
  const client = made.child(
    [...runIn, 'busybox', 'udhcpc', '-f', '-i', 'wan', '-s', HOOK, '-t', '10', '-T', '1', '-A', '1'],
    { env: { ...process.env, ...env } },
  );
  await kernel.appears(leaseNow(), 0);

  async function startServer(): Promise<ChildProcess> {
    const file = join(folder, 'udhcpd');
    const lines = [
      `start ${leaseNow()}`,
      `end ${leaseNow()}`,
      `interface ${line}`,
      `static_lease ${mac} ${leaseNow()}`,
      `option subnet 255.255.255.240`,
      `option router ${gateway}`,
      'option lease 86400',
      `lease_file ${file}.leases`,
      `pidfile ${file}.pid`,
    ];
    writeFileSync(`${file}.conf`, `${lines.join('\n')}\n`);
    writeFileSync(`${file}.leases`, '');
    const child = made.child(['ip', 'netns', 'exec', ispSpace, 'busybox', 'udhcpd', '-f', `${file}.conf`]);
    await until(() => !hasEnded(child) && servesDhcp(child.pid), 'the DHCP server did not start');
    return child;
  }

  function deconfigurations(): number {
    return readFileSync(leasesFile, 'utf8').split('deconfig').length;
  }

  return {
    folder,
    hostname: login.hosts[0] ?? '',
    login,
    runIn,
    bin,
    env,
    wake: (signal, pid) => writeFileSync(join(folder, 'wake'), `${signal} ${pid}\n`),
    address: leaseNow,
    async move() {
      const before = deconfigurations();
      client.kill('SIGUSR2');
      await until(() => deconfigurations() > before, 'the DHCP client did not give its lease back');
      const sinceMs = Date.now();
      turn += 1;
      await made.end(server);
      server = await startServer();
      client.kill('SIGUSR1');
      return { atMs: await kernel.appears(leaseNow(), sinceMs), address: leaseNow() };
    },
  };
}

/** A `ubus` command for a router: small like the real one, and as quick to pass a notification on. */
export function installUbus(bin: string, folder: string): void {
  const script = [
    '#!/bin/sh',
    'case "$1" in',
    '  call) exec cat "$HOLDFAST_UBUS_DIR/dump.json" ;;',
    '  *) exec cat <>"$HOLDFAST_UBUS_DIR/$1" ;;',
    'esac',
    '',
  ];
  for (const stream of ['subscribe', 'listen']) {
    run('mkfifo', join(folder, stream));
  }
  writeFileSync(join(bin, 'ubus'), script.join('\n'));
  chmodSync(join(bin, 'ubus'), 0o755);
}

function addNamespace(made: Made, space: string): void {
  made.onUndo(() => {
    try {
      run('ip', 'netns', 'delete', space);
    } catch {
      // It never came into being.
    }
  });
  run('ip', 'netns', 'add', space);
  run('ip', '-n', space, 'link', 'set', 'lo', 'up');
}

/** A router asks the resolver of its ISP for the address of the provider, as at home. */
function setResolver(made: Made, space: string): void {
  const settings = join(NETNS_SETTINGS, space);
  made.onUndo(() => {
    rmSync(settings, { recursive: true, force: true });
    if (readdirSync(NETNS_SETTINGS).length === 0) {
      rmdirSync(NETNS_SETTINGS);
    }
  });
  mkdirSync(settings, { recursive: true });
  writeFileSync(join(settings, 'resolv.conf'), `nameserver ${SERVICE_ADDRESSES.localResolver}\n`);
}

/** The kernel's own word about addresses, with its time. */
function watchAddresses(made: Made, runIn: readonly string[]) {
  const seen: { address: string; atMs: number }[] = [];
  // Ahead of everybody else, for the moment is written down when this process gets to run.
  const argv = [...runIn, 'chrt', '--fifo', '50', 'ip', '-tshort', 'monitor', 'address'];
  const child = made.child(argv, { stdio: ['ignore', 'pipe', 'ignore'] });
  if (child.stdout) {
    // [2026-01-31T12:00:00.123456] 2: wan    inet 198.51.100.10/24 brd ...
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, time = '', micros = '', address = ''] =
        /^\[([^\].]+)\.(\d{6})\] *\d+: +wan +inet ([\d.]+)\//.exec(line) ?? [];
      if (address !== '') {
        seen.push({ address, atMs: Date.parse(`${time}.000`) + Number(micros) / 1000 });
      }
    });
  }
  return {
    async appears(address: string, sinceMs: number): Promise<number> {
      const find = () => seen.find((one) => one.address === address && one.atMs >= sinceMs);
      await until(() => find() !== undefined, `a router got no lease of ${address}`);
      return find()?.atMs ?? Number.NaN;
    },
  };
}

/** Until the command has entered its namespace it shows the sockets of another one. */
function servesDhcp(pid: number | undefined): boolean {
  const path = `/proc/${pid}`;
  return (
    existsSync(path) &&
    readFileSync(`${path}/cmdline`, 'utf8').startsWith('busybox') &&
    socketsOf(pid) > 0 &&
    readFileSync(`${path}/net/udp`, 'utf8').includes(DHCP_SERVER_PORT_HEX)
  );
}

/** Others in the namespace listen on the same port: this one must have a socket of its own. */
function socketsOf(pid: number | undefined): number {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).filter((fd) => readlinkSync(join(folder, fd)).startsWith('socket:')).length;
  } catch {
    return 0;
  }
}

export async function until(isSo: () => boolean, complaint: string, limitMs = LEASE_LIMIT_MS): Promise<void> {
  for (const endMs = performance.now() + limitMs; !isSo(); await pause(POLL_MS)) {
    if (performance.now() > endMs) {
      throw new Error(complaint);
    }
  }
}

export function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
