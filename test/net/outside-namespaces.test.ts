/**
 * STUN against coturn, and NAT-PMP, PCP and UPnP IGD against miniupnpd, both as Debian ships them, in network
 * namespaces: a router, a router in front of it that translates addresses, and a piece of the Internet.
 * The outer address is public by its scope, for miniupnpd refuses any other; no packet leaves the namespaces.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { type OutsideSettings, outsideKey } from '../../agent/core/source-key.ts';

const TSX = fileURLToPath(new URL('../../node_modules/.bin/tsx', import.meta.url));
const PROBE = fileURLToPath(new URL('outside-probe.ts', import.meta.url));

const ROUTER = '192.0.2.2';
const GATEWAY = '192.0.2.1';
const OUTER = '203.0.114.9';
const PRIVATE_OUTER = '10.7.7.9';
const STUN_SERVERS = ['203.0.114.1', '203.0.114.2'];
const START_LIMIT_MS = 10_000;

/** Why this cannot run here. On CI everything is there, or the test fails. */
function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) {
    return 'needs root to make network namespaces';
  }
  const missing = ['ip', 'nft', 'turnserver', 'miniupnpd'].filter(
    (program) => spawnSync('sh', ['-c', 'command -v "$0"', program]).status !== 0,
  );
  return missing.length === 0 || process.env.CI ? undefined : `needs ${missing.join(', ')}`;
}

const why = obstacle();

describe.skipIf(why !== undefined)(`a router behind a router${why === undefined ? '' : ` (${why})`}`, () => {
  const spaces = { router: '', gateway: '', internet: '' };
  let folder = '';
  const children: ChildProcess[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-outside-'));
    const prefix = `holdfast-outside-${process.pid}`;
    Object.assign(spaces, {
      router: `${prefix}-router`,
      gateway: `${prefix}-gateway`,
      internet: `${prefix}-internet`,
    });
    const { router, gateway, internet } = spaces;
    for (const name of Object.values(spaces)) {
      execFileSync('ip', ['netns', 'add', name]);
      ip(name, 'link set lo up');
    }
    execFileSync('ip', `link add wan netns ${router} type veth peer name lan netns ${gateway}`.split(' '));
    execFileSync('ip', `link add isp netns ${gateway} type veth peer name cpe netns ${internet}`.split(' '));
    ip(router, `address add ${ROUTER}/24 dev wan`);
    ip(gateway, `address add ${GATEWAY}/24 dev lan`);
    ip(gateway, `address add ${OUTER}/24 dev isp`);
    for (const address of STUN_SERVERS) {
      ip(internet, `address add ${address}/24 dev cpe`);
    }
    for (const [name, device] of [
      [router, 'wan'],
      [gateway, 'lan'],
      [gateway, 'isp'],
      [internet, 'cpe'],
    ] as const) {
      ip(name, `link set dev ${device} up`);
    }
    ip(router, `route add default via ${GATEWAY}`);
    inside(gateway, 'sysctl', '-q', '-w', 'net.ipv4.ip_forward=1');
    const rules = join(folder, 'rules');
    // The chains that miniupnpd expects, and a plain NAT.
    writeFileSync(
      rules,
      `table inet filter {
        chain miniupnpd { }
        chain prerouting_miniupnpd { }
        chain postrouting_miniupnpd { }
        chain postrouting { type nat hook postrouting priority 100; oifname "isp" masquerade; }
      }\n`,
    );
    inside(gateway, 'nft', '-f', rules);
    return async () => {
      await Promise.all(children.map(end));
      for (const name of Object.values(spaces)) {
        execFileSync('ip', ['netns', 'delete', name]);
      }
      rmSync(folder, { recursive: true, force: true });
    };
  });

  function ip(space: string, command: string): void {
    execFileSync('ip', ['-netns', space, ...command.split(' ')]);
  }

  function inside(space: string, ...argv: string[]): void {
    execFileSync('ip', ['netns', 'exec', space, ...argv]);
  }

  /** Starts a server; resolves when its UDP port is open in its namespace. */
  async function serve(space: string, port: number, ...argv: string[]): Promise<ChildProcess> {
    const child = spawn('ip', ['netns', 'exec', space, ...argv], { stdio: 'pipe', detached: true });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    children.push(child);
    const local = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
    const open = () =>
      execFileSync('ip', ['netns', 'exec', space, 'cat', '/proc/net/udp'], { encoding: 'utf8' }).includes(
        local,
      );
    for (const limitMs = Date.now() + START_LIMIT_MS; !open(); await pause()) {
      if (Date.now() > limitMs || child.exitCode !== null) {
        throw new Error(`${argv[0]} did not start: ${output}`);
      }
    }
    return child;
  }

  /** What the sources see from the router. */
  async function read(settings: Pick<OutsideSettings, 'kind' | 'stunServers'>): Promise<unknown> {
    const key = outsideKey({ base: 'device', networks: ['wan'], families: ['ipv4'], ...settings });
    const argv = ['netns', 'exec', spaces.router, process.execPath, TSX, PROBE, key];
    const child = spawn('ip', argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      errors += text;
    });
    await new Promise((resolve) => child.on('close', resolve));
    expect(output, errors).not.toBe('');
    return JSON.parse(output);
  }

  /** A gateway with these lines of configuration; the log is what it has heard. */
  async function gatewayWith(...lines: string[]): Promise<{ child: ChildProcess; log(): string }> {
    const config = join(folder, 'miniupnpd.conf');
    const common = [
      'ext_ifname=isp',
      'listening_ip=lan',
      'port=5000',
      'secure_mode=yes',
      'uuid=00000000-0000-4000-8000-000000000001',
      'allow 1-65535 192.0.2.0/24 1-65535',
    ];
    writeFileSync(config, `${[...common, ...lines].join('\n')}\n`);
    let log = '';
    const port = lines.includes('enable_natpmp=yes') ? 5351 : 1900;
    const pidFile = join(folder, `miniupnpd-${children.length}.pid`);
    const argv = ['miniupnpd', '-d', '-f', config, '-P', pidFile];
    const child = await serve(spaces.gateway, port, ...argv);
    child.stderr?.on('data', (text) => {
      log += text;
    });
    return { child, log: () => log };
  }

  function seen(...addresses: string[]): unknown {
    return [{ name: 'wan', addresses, unknown: [] }];
  }

  test('STUN: two servers see the address of the NAT (coturn)', async () => {
    const listening = STUN_SERVERS.flatMap((address) => ['--listening-ip', address]);
    const argv = ['-n', ...listening, '--stun-only', '--no-cli', '--no-tls', '--no-dtls', '--no-stdout-log'];
    const files = ['--pidfile', join(folder, 'turn.pid'), '--log-file', join(folder, 'turn.log')];
    const server = await serve(spaces.internet, 3478, 'turnserver', ...argv, ...files);

    expect(await read({ kind: 'stun', stunServers: STUN_SERVERS })).toEqual(seen(OUTER));
    await end(server);
  });

  test('NAT-PMP (miniupnpd)', async () => {
    const { child, log } = await gatewayWith('enable_natpmp=yes', 'enable_upnp=no');

    expect(await read({ kind: 'router' })).toEqual(seen(OUTER));
    expect(log()).toContain('NAT-PMP public address request');
    await end(child);
  });

  test('PCP (miniupnpd), and the mapping is gone afterwards', async () => {
    const { child, log } = await gatewayWith('enable_natpmp=yes', 'enable_upnp=no');
    // So that NAT-PMP gets no answer: its request is the only one of two octets.
    inside(spaces.gateway, 'nft', 'add table inet only');
    inside(spaces.gateway, 'nft', 'add chain inet only input { type filter hook input priority 0; }');
    inside(spaces.gateway, 'nft', 'add rule inet only input udp dport 5351 udp length 10 drop');

    expect(await read({ kind: 'router' })).toEqual(seen(OUTER));
    inside(spaces.gateway, 'nft', 'delete table inet only');
    expect(log()).not.toContain('NAT-PMP public address request');
    expect(log()).toContain('added mapping UDP 9->192.0.2.2:9');
    const rules = execFileSync('ip', ['netns', 'exec', spaces.gateway, 'nft', 'list', 'ruleset'], {
      encoding: 'utf8',
    });
    expect(rules).not.toContain('192.0.2.2');
    await end(child);
  });

  test('UPnP IGD (miniupnpd)', async () => {
    const { child, log } = await gatewayWith('enable_natpmp=no', 'enable_upnp=yes');

    expect(await read({ kind: 'router' })).toEqual(seen(OUTER));
    expect(log()).toContain('SSDP M-SEARCH from 192.0.2.2');
    await end(child);
  });

  test('a router in front that is itself behind a router is told apart (miniupnpd)', async () => {
    ip(spaces.gateway, `address delete ${OUTER}/24 dev isp`);
    ip(spaces.gateway, `address add ${PRIVATE_OUTER}/24 dev isp`);
    const { child } = await gatewayWith('enable_natpmp=yes', 'enable_upnp=yes');

    expect(await read({ kind: 'router' })).toMatchObject([
      { addresses: [], unknown: [{ code: 'router/NOT_PUBLIC' }] },
    ]);
    await end(child);
  });

  test('a router in front that says nothing leaves it unknown', async () => {
    expect(await read({ kind: 'router' })).toMatchObject([
      { addresses: [], unknown: [{ code: 'router/NO_ANSWER' }] },
    ]);
  });
});

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 25));
}

/** With its process group: a server may have children. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.on('exit', resolve));
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  }
}
