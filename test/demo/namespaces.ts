/**
 * A stage of two network namespaces with a cable between them: an ISP with a real DHCP server and the
 * provider's service, and a router with a real DHCP client. Every change is a real new lease.
 */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { hasEnded, type Made, PREFIX, pause } from './cleanup.ts';
import { startIsp } from './isp-process.ts';
import { ACCOUNTS, type Expected, HOME, type Scene, type Stage, type Tell, Unavailable } from './stage.ts';

const CLIENT_SCRIPT = fileURLToPath(new URL('udhcpc-script.sh', import.meta.url));
/** Documentation addresses (RFC 5737): the access network, and the Internet behind it. */
const GATEWAY = '198.51.100.1';
const LEASES = {
  first: '198.51.100.10',
  second: '198.51.100.20',
  third: '198.51.100.30',
  last: '198.51.100.40',
};
const SERVICE_ADDRESSES = {
  api: '203.0.113.10',
  web: '203.0.113.11',
  parent: ['203.0.113.1', '203.0.113.2'],
  provider: ['203.0.113.21', '203.0.113.22'],
  seized: ['203.0.113.31', '203.0.113.32'],
  standby: ['203.0.113.41', '203.0.113.42'],
  resolver: ['203.0.113.53', '203.0.113.54'],
};
const HTTPS_PORT = 443;
const DNS_PORT = 53;
/** As /proc/net/udp shows port 67. */
const DHCP_SERVER_PORT_HEX = ':0043 ';
/** Locally administered, so that the server can keep a lease for it. */
const ROUTER_MAC = '02:00:00:00:00:10';
const LINK_DOWN_MS = 1000;
const POLL_MS = 15;
/** A DHCP client asks again after a second; a slow machine may need some of these. */
const LEASE_LIMIT_MS = 12_000;

export async function namespaceStage(made: Made, folder: string): Promise<Stage> {
  demandTools();
  const ispSpace = `${PREFIX}${process.pid}-isp`;
  const routerSpace = `${PREFIX}${process.pid}-router`;
  const inIsp = ['ip', 'netns', 'exec', ispSpace];
  const inRouter = ['ip', 'netns', 'exec', routerSpace];
  buildNetwork(made, ispSpace, routerSpace);
  const leasesFile = join(folder, 'leases');
  writeFileSync(leasesFile, '');
  // The service takes a second to start, the first lease as well.
  const ispStarted = startIsp(made, inIsp, {
    accounts: ACCOUNTS,
    addresses: SERVICE_ADDRESSES,
    apiPort: HTTPS_PORT,
    dnsPort: DNS_PORT,
    caFile: join(folder, 'ca.pem'),
  });
  ispStarted.catch(() => {});
  const kernel = watchAddresses(made, inRouter);
  let server = await startServer(LEASES.first);
  let client = startClient();
  await kernel.appears(LEASES.first, 0);
  const isp = await ispStarted;

  async function startServer(lease: string): Promise<ChildProcess> {
    const file = join(folder, `udhcpd-${lease}`);
    const lines = [
      `start ${LEASES.first}`,
      `end ${LEASES.last}`,
      'interface cpe',
      `static_lease ${ROUTER_MAC} ${lease}`,
      'option subnet 255.255.255.0',
      `option router ${GATEWAY}`,
      'option lease 600',
      `lease_file ${file}.leases`,
      `pidfile ${file}.pid`,
    ];
    writeFileSync(`${file}.conf`, `${lines.join('\n')}\n`);
    writeFileSync(`${file}.leases`, '');
    const child = made.child([...inIsp, 'busybox', 'udhcpd', '-f', `${file}.conf`]);
    const listens = () => readFileSync(`/proc/${child.pid}/net/udp`, 'utf8').includes(DHCP_SERVER_PORT_HEX);
    // Until the command has entered its namespace it shows the sockets of another one: the server comes later.
    await until(() => !hasEnded(child) && isBusybox(child) && listens(), 'the DHCP server did not start');
    return child;
  }

  function startClient(): ChildProcess {
    const argv = [
      'busybox',
      'udhcpc',
      '-f',
      '-i',
      'wan',
      '-s',
      CLIENT_SCRIPT,
      '-t',
      '10',
      '-T',
      '1',
      '-A',
      '1',
    ];
    return made.child([...inRouter, ...argv], {
      env: { ...process.env, HOLDFAST_DEMO_LEASES: leasesFile },
    });
  }

  async function offerFromNowOn(lease: string): Promise<void> {
    await made.end(server);
    server = await startServer(lease);
  }

  /** Resolves when the DHCP client has called its script for this event once more than `before`. */
  async function clientReports(line: string, before: number): Promise<void> {
    await until(() => countReports(line) > before, `the DHCP client did not report ${line}`);
  }

  function countReports(line: string): number {
    return readFileSync(leasesFile, 'utf8')
      .split('\n')
      .filter((one) => one.trim() === line).length;
  }

  async function renewSame(lease: string, tell: Tell): Promise<number> {
    const report = `renew ${lease}`;
    const before = countReports(report);
    client.kill('SIGUSR1');
    await clientReports(report, before);
    const atMs = Date.now();
    tell('DHCP', `the server has renewed the lease of ${lease}`, atMs);
    return atMs;
  }

  async function releaseAndRenew(lease: string, tell: Tell): Promise<number> {
    const sinceMs = Date.now();
    const before = countReports('deconfig');
    client.kill('SIGUSR2');
    await clientReports('deconfig', before);
    tell('DHCP', 'the client has given its lease back; the router has no address');
    await offerFromNowOn(lease);
    client.kill('SIGUSR1');
    return newLease(lease, sinceMs, tell);
  }

  async function newLease(lease: string, sinceMs: number, tell: Tell): Promise<number> {
    const atMs = await kernel.appears(lease, sinceMs);
    tell('change', `new lease: the kernel has ${lease} on wan`, atMs);
    return atMs;
  }

  async function cutCable(tell: Tell): Promise<void> {
    run('ip', '-n', ispSpace, 'link', 'set', 'cpe', 'down');
    tell('link', 'down');
    await pause(LINK_DOWN_MS);
  }

  function mendCable(tell: Tell): void {
    run('ip', '-n', ispSpace, 'link', 'set', 'cpe', 'up');
    tell('link', 'up');
  }

  async function sameAfterCut(lease: string, tell: Tell): Promise<number> {
    await cutCable(tell);
    mendCable(tell);
    return renewSame(lease, tell);
  }

  /** As netifd does it: the client ends with the link and begins anew with it. */
  async function otherAfterCut(lease: string, tell: Tell): Promise<number> {
    const sinceMs = Date.now();
    await cutCable(tell);
    await made.end(client);
    await offerFromNowOn(lease);
    mendCable(tell);
    client = startClient();
    return newLease(lease, sinceMs, tell);
  }

  return {
    mode: 'namespace',
    description: [
      'Two network namespaces are the ISP and the router, with a cable between them. The router gets its',
      'address from a real DHCP server (BusyBox udhcpd, udhcpc): every change is a real new lease.',
      `The provider (HTTPS on ${SERVICE_ADDRESSES.api}, authoritative DNS) lives behind the ISP.`,
    ],
    isp,
    atStart: [home(LEASES.first)],
    scenes: [
      scene('The lease is renewed, the address stays', 100, undefined, renewSame, LEASES.first),
      scene('The router gives its lease back and gets another one', 300, LEASES.second, releaseAndRenew),
      scene(
        'The link is lost and comes back with the same address',
        1100,
        undefined,
        sameAfterCut,
        LEASES.second,
      ),
      scene('Once more another lease', 300, LEASES.third, releaseAndRenew),
      scene(
        'The link is lost; when it is back the ISP gives another address',
        1300,
        LEASES.last,
        otherAfterCut,
      ),
    ],
    agent: {
      runIn: inRouter,
      env: process.env,
      hostnames: [
        '',
        `config hostname '${HOME.section}'`,
        `\toption hostname '${HOME.hostname}'`,
        `\toption account '${HOME.account}'`,
        "\toption source 'device'",
        "\tlist device 'wan'",
        "\toption allow_private '1'",
        '',
      ].join('\n'),
    },
  };
}

function home(address: string): Expected {
  return { ...HOME, family: 'ipv4', address };
}

function scene(
  title: string,
  leadMs: number,
  lease: string | undefined,
  perform: (lease: string, tell: Tell) => Promise<number>,
  stays = '',
): Scene {
  return {
    title,
    leadMs,
    expected: lease === undefined ? [] : [home(lease)],
    perform: (tell) => perform(lease ?? stays, tell),
  };
}

/** Throws with what is missing. That the tools work here too is seen when the stage is built with them. */
function demandTools(): void {
  if (process.getuid?.() !== 0) {
    throw new Unavailable('network namespaces need root');
  }
  run('ip', '-Version');
  const applets = run('busybox', '--list').split('\n');
  for (const applet of ['udhcpd', 'udhcpc']) {
    if (!applets.includes(applet)) {
      throw new Unavailable(`this busybox has no ${applet}`);
    }
  }
}

function buildNetwork(made: Made, ispSpace: string, routerSpace: string): void {
  for (const space of [ispSpace, routerSpace]) {
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
  const router = ['wan', 'netns', routerSpace, 'address', ROUTER_MAC];
  run('ip', 'link', 'add', ...router, 'type', 'veth', 'peer', 'name', 'cpe', 'netns', ispSpace);
  run('ip', '-n', ispSpace, 'address', 'add', `${GATEWAY}/24`, 'dev', 'cpe');
  for (const address of Object.values(SERVICE_ADDRESSES).flat()) {
    run('ip', '-n', ispSpace, 'address', 'add', `${address}/32`, 'dev', 'lo');
  }
  run('ip', '-n', ispSpace, 'link', 'set', 'cpe', 'up');
  run('ip', '-n', routerSpace, 'link', 'set', 'wan', 'up');
}

/** The kernel's own word about addresses, with its time. */
function watchAddresses(made: Made, runIn: readonly string[]) {
  const seen: { address: string; atMs: number }[] = [];
  const child = made.child([...runIn, 'ip', '-tshort', 'monitor', 'address'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  if (child.stdout) {
    // [2026-01-31T12:00:00.123456] 2: wan    inet 198.51.100.10/24 brd ...
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, time = '', address = ''] = /^\[([^\]]+)\] *\d+: +wan +inet ([\d.]+)\//.exec(line) ?? [];
      if (address !== '') {
        seen.push({ address, atMs: Date.parse(time) });
      }
    });
  }
  return {
    /** The moment after `sinceMs` at which the address appeared. */
    async appears(address: string, sinceMs: number): Promise<number> {
      const find = () => seen.find((one) => one.address === address && one.atMs >= sinceMs);
      await until(() => find() !== undefined, `the router got no lease of ${address}`);
      return find()?.atMs ?? Number.NaN;
    },
  };
}

function isBusybox(child: ChildProcess): boolean {
  return readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').startsWith('busybox');
}

async function until(isSo: () => boolean, complaint: string): Promise<void> {
  for (const limitMs = Date.now() + LEASE_LIMIT_MS; !isSo(); await pause(POLL_MS)) {
    if (Date.now() > limitMs) {
      throw new Unavailable(complaint);
    }
  }
}

function run(program: string, ...args: string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw new Unavailable(reasonOf(program, args, error));
  }
}

function reasonOf(program: string, args: readonly string[], error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
    return `there is no ${program} command`;
  }
  const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
  return `${program} ${args.join(' ')}: ${stderr.split('\n', 1)[0]}`;
}
