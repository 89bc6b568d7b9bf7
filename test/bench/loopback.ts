/**
 * A router without a network of its own, for what needs thousands of changes and not a real line: the built
 * agent as a process, a `ubus` command that hears what it is told through a pipe, and the service on loopback.
 */
import { type ChildProcess, execFileSync } from 'node:child_process';
import {
  chmodSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { StatusDocument } from '../../agent/engine/status.ts';
import { hasEnded, type Made, pause } from '../demo/cleanup.ts';
import type { Runtime, RuntimeCommand } from '../quickjs/runtime.ts';
import type { AccountOptions } from '../service/accounts.ts';
import type { Service } from '../service/service.ts';

export interface LoopbackRouter {
  folder: string;
  pid: number;
  /** netifd tells that the WAN has this address now. */
  moveTo(address: string): void;
  status(): StatusDocument | undefined;
  /** Its last words on standard error. */
  complaint(): string;
  hasEnded(): boolean;
  signal(name: NodeJS.Signals): void;
  end(): Promise<void>;
}

const UBUS = `#!/bin/sh
case "$1" in
  call) exec cat "$HOLDFAST_UBUS_DIR/dump.json" ;;
  *) exec cat <>"$HOLDFAST_UBUS_DIR/$1" ;;
esac
`;
/** A line through a pipe comes whole up to this (PIPE_BUF, pipe(7)). */
const PIPE_BYTES = 4096;

export interface LoopbackOptions {
  command: RuntimeCommand;
  /** For the runtime, before the program. */
  flags: readonly string[];
  /** UCI; `{DIR}` stands for the folder of this router. */
  config: string;
  address: string;
}

export function startLoopbackRouter(made: Made, options: LoopbackOptions): LoopbackRouter {
  const folder = made.folder();
  const bin = join(folder, 'bin');
  const configFile = join(folder, 'holdfast.config');
  const statusFile = join(folder, 'state/status.json');
  mkdirSync(bin);
  for (const stream of ['subscribe', 'listen']) {
    execFileSync('mkfifo', [join(folder, stream)]);
  }
  writeFileSync(join(bin, 'ubus'), UBUS);
  chmodSync(join(bin, 'ubus'), 0o755);
  writeFileSync(configFile, options.config.replaceAll('{DIR}', folder), { mode: 0o600 });
  // Open for both, so that it neither waits for a reader nor ends with one.
  const pipe = openSync(join(folder, 'subscribe'), constants.O_RDWR);
  writeDump(options.address);

  const { command, flags } = options;
  const [program = '', ...rest] = command.argv;
  const child: ChildProcess = made.child([program, ...flags, ...rest, 'run', '--config', configFile], {
    env: {
      ...process.env,
      ...command.env,
      PATH: [bin, ...command.folders, process.env.PATH].join(':'),
      HOLDFAST_UBUS_DIR: folder,
      UV_THREADPOOL_SIZE: '2',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-2000);
  });

  function writeDump(address: string): string {
    const wan = wanAt(address);
    const file = join(folder, 'dump.json');
    writeFileSync(`${file}.new`, JSON.stringify({ interface: [wan] }));
    renameSync(`${file}.new`, file);
    return `${JSON.stringify({ 'interface.update': wan })}\n`;
  }

  return {
    folder,
    pid: child.pid ?? 0,
    moveTo(address) {
      const line = writeDump(address);
      if (line.length > PIPE_BYTES || writeSync(pipe, line) !== line.length) {
        throw new Error('a notification did not go through the pipe whole');
      }
    },
    status() {
      try {
        return JSON.parse(readFileSync(statusFile, 'utf8'));
      } catch {
        return undefined;
      }
    },
    complaint: () => errors,
    hasEnded: () => hasEnded(child),
    signal: (name) => void child.kill(name),
    end: () => made.end(child),
  };
}

/** As netifd says it; no IPv6, and a line that is the only way out, so that no request is bound to it. */
function wanAt(address: string) {
  return {
    ...{ interface: 'wan', up: true, pending: false, available: true, autostart: true, dynamic: false },
    ...{ uptime: 1, l3_device: 'eth1', proto: 'dhcp', device: 'eth1', metric: 0 },
    'ipv4-address': [{ address, mask: 24 }],
    ...{ 'ipv6-address': [], 'ipv6-prefix': [], 'ipv6-prefix-assignment': [] },
    route: [{ target: '0.0.0.0', mask: 0, nexthop: '198.51.100.1', source: `${address}/32` }],
  };
}

/** The agent section and the accounts with all their names, for a service on loopback. */
export function loopbackConfig(
  { api, dns, caFile, accounts }: Pick<Service, 'api' | 'dns' | 'caFile' | 'accounts'>,
  agentOptions: Record<string, string> = {},
): string {
  const port = dns.port;
  return [
    "config agent 'agent'",
    "\toption contact 'admin@example.org'",
    // Laboratory: changes come faster here than a WAN may flap.
    "\toption hold_down '0'",
    `\toption dns_port '${port}'`,
    "\toption state_dir '{DIR}/state'",
    "\toption published_file '{DIR}/published.json'",
    `\tlist resolver '${dns.localResolver}#${port}'`,
    ...dns.resolvers.map((address) => `\tlist public_resolver '${address}#${port}'`),
    ...dns.control.map((address) => `\tlist control_server '${address}#${port}'`),
    ...Object.entries(agentOptions).map(([option, value]) => `\toption ${option} '${value}'`),
    '',
    ...accounts.flatMap((account) => accountConfig(account, new URL(api.url).origin, caFile)),
  ].join('\n');
}

function accountConfig({ username, password, hosts }: AccountOptions, server: string, caFile: string) {
  return [
    `config account '${username}'`,
    "\toption provider 'no-ip.com'",
    `\toption server '${server}'`,
    `\toption ca_file '${caFile}'`,
    `\toption username '${username}'`,
    `\toption password '${password}'`,
    '',
    ...hosts.flatMap((hostname) => [
      `config hostname '${hostname.replace(/[^a-z0-9]/g, '_')}'`,
      `\toption hostname '${hostname}'`,
      `\toption account '${username}'`,
      "\toption allow_private '1'",
      '',
    ]),
  ];
}

/** `hosts` names in equal parts on `accounts` accounts. */
export function manyAccounts(hosts: number, accounts: number): AccountOptions[] {
  return Array.from({ length: accounts }, (_, account) => ({
    username: `account${account}`,
    password: 'bench-password',
    hosts: Array.from({ length: hosts }, (__, host) => host)
      .filter((host) => host % accounts === account)
      .map((host) => `h${host}.ddns.example`),
  }));
}

/** For services that are asked thousands of times by one client. */
export const PATIENT = {
  checkUserAgent: true,
  maxUnchanged: 1_000_000,
  maxRequestsPerMinute: 1_000_000,
} as const;

/** Those of Node; what QuickJS needs is part of its command. */
export function runtimeFlags(runtime: Runtime, nodeFlags: readonly string[]): readonly string[] {
  return runtime === 'node' ? nodeFlags : [];
}

export async function untilTrue(
  isSo: () => boolean,
  complaint: () => string,
  limitMs: number,
): Promise<void> {
  for (const endMs = performance.now() + limitMs; !isSo(); await pause(5)) {
    if (performance.now() > endMs) {
      throw new Error(complaint());
    }
  }
}
