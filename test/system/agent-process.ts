/**
 * A router on which the built agent runs as a real process: its configuration, a `ubus` command of its own
 * in PATH, and the folders for its state. All of it ends with the test.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { inject, onTestFinished } from 'vitest';
import type { StatusDocument, StatusHost } from '../../agent/engine/status.ts';
import { type InterfaceStatus, netifdFixture } from '../fakes/netifd-feed.ts';
import { type Service, type ServiceOptions, startService } from '../service/service.ts';

/** Without Node, as each agent starts three; here no ubusd dies, which the fault table and the demo play. */
const UBUS = `#!/bin/sh
case "$1" in
  call) [ -e "$HOLDFAST_UBUS_DIR/dump.json" ] || { echo "Command failed: Not found" >&2; exit 252; }
        exec cat "$HOLDFAST_UBUS_DIR/dump.json" ;;
  send) exit 0 ;;
  *) exec tail -n 0 -f "$HOLDFAST_UBUS_DIR/$1.log" ;;
esac
`;
const POLL_MS = 20;
/** Far more than anything here takes on a busy machine; only a failing test waits so long. */
const PATIENCE_MS = 30_000;

export interface Ended {
  /** Undefined after a death by signal. */
  status: number | undefined;
  stdout: string;
  stderr: string;
}

export interface AgentProcess {
  pid: number;
  stdout(): string;
  stderr(): string;
  ended: Promise<Ended>;
  signal(name: 'HUP' | 'TERM' | 'INT' | 'USR1' | 'KILL' | 'QUIT' | 'ABRT'): void;
}

export interface Router {
  folder: string;
  stateDir: string;
  publishedFile: string;
  configFile: string;
  /** Writes the configuration; `{DIR}` stands for the folder of this router. */
  configure(text: string): void;
  /** The WAN gets this address, with a notification, as after a new lease. */
  moveTo(address: string, device?: string): void;
  ifdown(): void;
  /** The last written status; undefined while there is none. */
  status(): StatusDocument | undefined;
  host(id: string): StatusHost | undefined;
  /** Starts a command and does not wait; `--config` is added. */
  start(args: readonly string[], prefix?: readonly string[]): AgentProcess;
  /** Runs a command to its end. */
  run(...args: string[]): Promise<Ended>;
  /** Starts `holdfast run` and waits until its first status is there. */
  boot(prefix?: readonly string[]): Promise<AgentProcess>;
}

/** `ubus`: a script of one's own in place of the stand-in. `env`: further environment of the agent. */
export function makeRouter(options: { ubus?: string; env?: Record<string, string> } = {}): Router {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-router-'));
  const bin = join(folder, 'bin');
  const ubusDir = join(folder, 'ubus');
  const stateDir = join(folder, 'state');
  const publishedFile = join(folder, 'flash', 'published.json');
  const configFile = join(folder, 'config');
  const living = new Set<ChildProcess>();
  mkdirSync(bin);
  mkdirSync(ubusDir);
  for (const stream of ['listen', 'subscribe']) {
    writeFileSync(join(ubusDir, `${stream}.log`), '');
  }
  const script = join(bin, 'ubus');
  writeFileSync(script, options.ubus ?? UBUS);
  chmodSync(script, 0o755);
  const command = inject('command');
  const env = {
    PATH: [bin, ...command.folders, process.env.PATH].join(':'),
    HOLDFAST_UBUS_DIR: ubusDir,
    ...command.env,
    ...options.env,
  };
  onTestFinished(dispose);

  async function dispose(): Promise<void> {
    const ends = [...living].map((child) => new Promise((resolve) => child.once('close', resolve)));
    for (const child of living) {
      child.kill('SIGKILL');
    }
    // Children of an agent that was killed live on, and hold the pipe of its error output.
    for (const pid of processesOf(folder)) {
      killQuietly(pid);
    }
    await Promise.all(ends);
    rmSync(folder, { recursive: true, force: true });
  }

  /** Tells netifd's new state: by a notification, and to whoever asks from now on. */
  function setInterfaces(interfaces: InterfaceStatus[], event: 'update' | 'down'): void {
    const notified = interfaces.find((one) => one.interface === 'wan');
    const line = JSON.stringify({ [`interface.${event}`]: notified });
    replaceFile(join(ubusDir, 'dump.json'), JSON.stringify({ interface: interfaces }));
    appendFileSync(join(ubusDir, 'subscribe.log'), `${line}\n`);
  }

  function start(args: readonly string[], prefix: readonly string[] = []): AgentProcess {
    const argv = [...prefix, ...command.argv, ...args, '--config', configFile];
    const child = spawn(argv[0] ?? '', argv.slice(1), {
      env,
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    living.add(child);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    const ended = new Promise<Ended>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status) => {
        living.delete(child);
        resolve({ status: status ?? undefined, stdout, stderr });
      });
    });
    return {
      pid: child.pid ?? 0,
      stdout: () => stdout,
      stderr: () => stderr,
      ended,
      signal: (name) => void child.kill(`SIG${name}`),
    };
  }

  const router: Router = {
    folder,
    stateDir,
    publishedFile,
    configFile,
    configure: (text) => replaceFile(configFile, text.replaceAll('{DIR}', folder)),
    moveTo: (address, device = 'eth1') => setInterfaces(wanAt(address, device), 'update'),
    ifdown: () => setInterfaces(wanDown(), 'down'),
    status: () => readJson<StatusDocument>(join(stateDir, 'status.json')),
    host: (id) => router.status()?.hostnames.find((one) => one.id === id),
    start,
    run: (...args) => start(args).ended,
    async boot(prefix) {
      const agent = start(['run'], prefix);
      await until(
        'the first status of the agent',
        () => router.status()?.agent.pid === agent.pid || `it said: ${agent.stderr()}`,
      );
      return agent;
    },
  };
  return router;
}

/** A service that ends with the test. */
export async function makeService(options?: ServiceOptions): Promise<Service> {
  const service = await startService(options);
  onTestFinished(() => service.close());
  return service;
}

/** One section of a UCI file. */
export function section(type: string, name: string, options: Record<string, string | string[]>): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const lines = Object.entries(options).flatMap(([option, value]) =>
    Array.isArray(value)
      ? value.map((one) => `\tlist ${option} ${quoted(one)}`)
      : [`\toption ${option} ${quoted(value)}`],
  );
  return [`config ${type} ${quoted(name)}`, ...lines, ''].join('\n');
}

/** The agent section for this service: its name servers, and folders within the router's own. */
export function agentSection(
  { dns }: Pick<Service, 'dns'>,
  options: Record<string, string | string[]> = {},
): string {
  const resolvers = dns.resolvers.map((address) => `${address}#${dns.port}`);
  return section('agent', 'agent', {
    contact: 'admin@example.org',
    dns_port: String(dns.port),
    resolver: resolvers,
    public_resolver: resolvers,
    state_dir: '{DIR}/state',
    published_file: '{DIR}/flash/published.json',
    ...options,
  });
}

export function accountSection(
  service: Pick<Service, 'api' | 'caFile' | 'accounts'>,
  id: string,
  options: Record<string, string> = {},
): string {
  const [account] = service.accounts;
  const login = { username: account?.username ?? '', password: account?.password ?? '' };
  const { password: _, ...withFile } = { ...login, ...options };
  return section('account', id, {
    provider: 'no-ip.com',
    server: new URL(service.api.url).origin,
    ca_file: service.caFile,
    ...('password_file' in options ? withFile : { ...login, ...options }),
  });
}

export function hostSection(
  id: string,
  hostname: string,
  account: string,
  options: Record<string, string | string[]> = {},
): string {
  return section('hostname', id, { hostname, account, allow_private: '1', ...options });
}

/**
 * Waits until `look` gives something true and returns it. A text counts as "not yet" and says what there is
 * instead.
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  patienceMs = PATIENCE_MS,
): Promise<Exclude<T, string | false | undefined>> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false && typeof seen !== 'string') {
      return seen as Exclude<T, string | false | undefined>;
    }
    if (performance.now() > endMs) {
      throw new Error(`Not within ${patienceMs} ms: ${what}${typeof seen === 'string' ? ` (${seen})` : ''}`);
    }
    await pause(POLL_MS);
  }
}

/** The value of a JSON file, undefined when there is none. A damaged file throws. */
export function readJson<T>(path: string): T | undefined {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

/** Processes whose environment names this folder: the agent and all its children, orphans included. */
export function processesOf(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => readQuietly(`/proc/${name}/environ`).includes(`${folder}/`))
    .map(Number)
    .filter((pid) => pid !== process.pid);
}

/** Whatever this process has started, and what those have; to be asked often, for it looks at nothing else. */
export function descendantsOf(pid: number): number[] {
  const children = readQuietly(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

export function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/**
 * No IPv6: with a second way out the agent would bind its requests to the first, whose address this machine
 * does not have.
 */
function wanAt(address: string, device: string): InterfaceStatus[] {
  const { interface: before } = netifdFixture('12-v4-in-place-notify_proto').dumpBefore;
  const text = JSON.stringify(before.filter((one) => one.interface !== 'wan6'))
    .replaceAll('198.51.100.20', address)
    .replaceAll('"eth1"', JSON.stringify(device));
  return JSON.parse(text);
}

function wanDown(): InterfaceStatus[] {
  return netifdFixture('02-ifup-wan').dumpBefore.interface.filter((one) => one.interface !== 'wan6');
}

/** Readers must not see half a file. */
function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended a moment ago.
  }
}
