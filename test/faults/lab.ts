/**
 * A laboratory: the built agent as a process on a router that exists for it alone, and a whole provider with
 * its DNS around it. Sockets, files and processes are real; time is the laboratory's own.
 */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  cpSync,
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
import { basename, delimiter, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { StatusDocument, StatusEvent, StatusHost } from '../../agent/engine/status.ts';
import { isAlive } from '../demo/cleanup.ts';
import { type InterfaceStatus, netifdFixture } from '../fakes/netifd-feed.ts';
import { commandFor } from '../quickjs/runtime.ts';
import { type Service, type ServiceOptions, startService } from '../service/service.ts';
import { type StartOptions, type TimedProcess, type WorldTime, worldTime } from './virtual-time.ts';

export interface Lab {
  readonly service: Service;
  readonly time: WorldTime;
  /** Empties the router: no agent, no state, no configuration, WAN up at `FIRST_ADDRESS`; the world is healthy. */
  fresh(): Promise<Router>;
  close(): Promise<void>;
}

export interface Router {
  readonly folder: string;
  readonly stateDir: string;
  readonly publishedFile: string;
  /** Writes the configuration; `{DIR}` stands for the folder of this router. */
  configure(text: string): void;
  readonly configFile: string;
  /** Starts the agent and waits for what it does at once. */
  boot(options?: Pick<StartOptions, 'wallMs' | 'rate'>): Promise<void>;
  /** Lets time pass. */
  advance(durationMs: number): Promise<void>;
  /** netifd says that the WAN has this address now; waits until the agent has heard it, not for what follows. */
  moveTo(address: string): Promise<void>;
  /** The link goes; waits until the agent has heard it. */
  goDown(): Promise<void>;
  /** netifd's new state, without waiting for anybody; `lost`: and nobody is told. */
  say(interfaces: InterfaceStatus[], event?: 'update' | 'down' | 'lost'): void;
  /** netifd is not there: nobody answers for its object. */
  stopNetifd(): void;
  /** ubusd answers nobody and all that listened are gone, or it is back. */
  setUbus(on: boolean): void;
  signal: TimedProcess['signal'];
  setClock: TimedProcess['setClock'];
  /** Every write fails so, or only those to flash. */
  setDiskFault(code: 'ENOSPC' | 'EROFS' | undefined, where?: 'everywhere' | 'flash'): void;
  /** Ends the agent: KILL as the kernel does when memory runs out. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  isRunning(): boolean;
  stderr(): string;
  /** Waits for a word in the agent's log, with time standing still. */
  hear(text: string): Promise<void>;
  status(): StatusDocument;
  host(id?: string): StatusHost;
  /** All events so far, also of earlier runs, oldest first. */
  events(): StatusEvent[];
}

export const FIRST_ADDRESS = '198.51.100.20';
export const SECOND_ADDRESS = '198.51.100.21';

/** The day it began, a Monday. */
export const LAB_BEGINS_MS = Date.UTC(2014, 5, 30, 12);

const VIRTUAL_OS = fileURLToPath(new URL('virtual-time-qjs.mjs', import.meta.url));

/** Real milliseconds; only a failing row waits so long. */
const PATIENCE_MS = 20_000;
const LOOK_EVERY_MS = 4;

/** Without Node, as each question starts one; `down` stands for ubusd that is not there. */
const UBUS = `#!/bin/sh
[ -e "$HOLDFAST_UBUS_DIR/down" ] && { echo "Failed to connect to ubus" >&2; exit 255; }
case "$1" in
  send) echo "$2 $3" >> "$HOLDFAST_UBUS_DIR/sent.log" ;;
  call) [ -e "$HOLDFAST_UBUS_DIR/dump.json" ] || { echo "Command failed: Not found" >&2; exit 252; }
        exec cat "$HOLDFAST_UBUS_DIR/dump.json" ;;
  *) echo $$ >> "$HOLDFAST_UBUS_DIR/held"; exec tail -n 0 -f "$HOLDFAST_UBUS_DIR/$1.log" ;;
esac
`;

export interface LabOptions {
  service?: ServiceOptions;
  /** When it begins (ms since 1970); default `LAB_BEGINS_MS`. */
  beginsMs?: number;
  /** An empty folder for everything; default one of its own, which `close` removes. */
  folder?: string;
}

/** Starts the world once; routers come and go in it. `bundle`: the built `holdfast.cjs` or `holdfast.mjs`. */
export async function openLab(bundle: string, options: LabOptions = {}): Promise<Lab> {
  const time = worldTime(options.beginsMs ?? LAB_BEGINS_MS);
  const service = await startService({ nowMs: time.nowMs, onSilence: time.silence, ...options.service });
  const folder = options.folder ?? ownFolder();
  const program = await installed(bundle, folder, service);
  let current: { router: Router; dispose(): Promise<void> } | undefined;

  async function fresh(): Promise<Router> {
    await current?.dispose();
    await service.levers.reset();
    service.forget();
    current = createRouter(mkdtempSync(join(folder, 'router-')), program, service, time);
    return current.router;
  }

  return {
    service,
    time,
    fresh,
    async close() {
      await current?.dispose();
      await service.close();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A copy of the program in whose catalogue the test provider stands in the place of No-IP. */
async function installed(bundle: string, folder: string, service: Service): Promise<Program> {
  const place = join(folder, 'program');
  cpSync(dirname(bundle), place, { recursive: true });
  const catalogueFile = join(place, 'catalogue.json');
  const catalogue = readFileSync(catalogueFile, 'utf8');
  const ours = catalogue
    .replaceAll('https://www.noip.com"', `${service.web.url}"`)
    .replaceAll('https://dynupdate.no-ip.com/', `${new URL(service.api.url).origin}/`);
  writeFileSync(catalogueFile, ours);
  const path = join(place, basename(bundle));
  return path.endsWith('.mjs') ? onQuickjs(path, folder, service) : { path, env: {}, start: {}, folders: [] };
}

interface Program {
  path: string;
  env: Record<string, string>;
  start: Pick<StartOptions, 'runner'>;
  /** They come first in its PATH. */
  folders: string[];
}

/** `curl` with less patience, for it waits in real time; in the place of its shell, whose number the agent knows. */
const HASTY_CURL = `#!/bin/sh
config=$(sed 's/^\\(max-time\\|connect-timeout\\) = .*/\\1 = 2/')
exec CURL "$@" <<END
$config
END
`;

/** Every part of the copy takes its clock from the world. */
async function onQuickjs(path: string, folder: string, service: Service): Promise<Program> {
  const place = dirname(path);
  for (const name of readdirSync(place).filter((one) => one.endsWith('.mjs'))) {
    const text = readFileSync(join(place, name), 'utf8');
    writeFileSync(
      join(place, name),
      text.replaceAll(/import\*as ([\w$]+) from"os"/g, 'import{virtualOs as $1}from"./virtual-time-qjs.mjs"'),
    );
  }
  // As in the sources of the agent, the prefix tells whose modules they are.
  writeFileSync(
    join(place, 'virtual-time-qjs.mjs'),
    readFileSync(VIRTUAL_OS, 'utf8').replaceAll('quickjs:', ''),
  );
  const { argv, env, folders } = await commandFor('quickjs', place);
  const bin = join(folder, 'hasty');
  mkdirSync(bin);
  const curl = execFileSync('sh', ['-c', 'command -v curl'], { encoding: 'utf8' }).trim();
  writeFileSync(join(bin, 'curl'), HASTY_CURL.replace('CURL', curl), { mode: 0o755 });
  return {
    path,
    env: { ...env, CURL_CA_BUNDLE: service.caFile },
    start: { runner: argv.slice(0, -1) },
    folders: [bin, ...folders],
  };
}

function createRouter(
  folder: string,
  program: Program,
  service: Service,
  time: WorldTime,
): { router: Router; dispose(): Promise<void> } {
  const ubusDir = join(folder, 'ubus');
  const workDir = join(folder, 'work');
  const stateDir = join(folder, 'state');
  const configFile = join(folder, 'config');
  mkdirSync(join(folder, 'bin'));
  mkdirSync(ubusDir);
  mkdirSync(workDir);
  writeFileSync(join(folder, 'bin/ubus'), UBUS);
  chmodSync(join(folder, 'bin/ubus'), 0o755);
  for (const stream of ['listen', 'subscribe']) writeFileSync(join(ubusDir, `${stream}.log`), '');
  say(wanAt(FIRST_ADDRESS));
  const env = {
    ...program.env,
    PATH: [join(folder, 'bin'), ...program.folders, process.env.PATH].join(delimiter),
    HOLDFAST_UBUS_DIR: ubusDir,
    // Trusted besides the system's: for the web site and DNS over HTTPS, which have no ca_file.
    NODE_EXTRA_CA_CERTS: service.caFile,
  };
  let agent: TimedProcess | undefined;
  let errors = '';
  const earlier: StatusEvent[] = [];

  function say(interfaces: InterfaceStatus[], event: 'update' | 'down' | 'lost' = 'update'): void {
    writeFileSync(join(ubusDir, 'dump.json.new'), JSON.stringify({ interface: interfaces }));
    renameSync(join(ubusDir, 'dump.json.new'), join(ubusDir, 'dump.json'));
    if (event === 'lost') return;
    const notified = interfaces.find((one) => one.interface === 'wan');
    appendFileSync(
      join(ubusDir, 'subscribe.log'),
      `${JSON.stringify({ [`interface.${event}`]: notified })}\n`,
    );
  }

  function running(): TimedProcess {
    if (!agent) throw new Error('the agent does not run');
    return agent;
  }

  function lastStatus(): StatusDocument | undefined {
    try {
      return JSON.parse(readFileSync(join(stateDir, 'status.json'), 'utf8'));
    } catch {
      return undefined;
    }
  }

  function status(): StatusDocument {
    const last = lastStatus();
    if (!last) throw new Error(`there is no status. The agent said: ${errors}`);
    return last;
  }

  async function until(what: string, look: () => boolean): Promise<void> {
    const endMs = performance.now() + PATIENCE_MS;
    while (!look()) {
      if (performance.now() > endMs) throw new Error(`not in time: ${what}. The agent said: ${errors}`);
      await pause(LOOK_EVERY_MS);
    }
  }

  async function advance(durationMs: number): Promise<void> {
    if (!(await running().advance(durationMs))) throw new Error(`the agent has ended: ${errors}`);
  }

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const { child } = running();
    earlier.push(...(lastStatus()?.events ?? []));
    agent = undefined;
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill(signal);
    // What a killed agent held lives on, and holds the pipe of its error output.
    if (signal === 'SIGKILL') endHeld();
    await ended;
  }

  /** The held `ubus` commands of this router, of earlier agents too. */
  function endHeld(): void {
    const held = join(ubusDir, 'held');
    const pids = readQuietly(held).split('\n').filter(Boolean).map(Number);
    rmSync(held, { force: true });
    for (const pid of pids) {
      if (readQuietly(`/proc/${pid}/cmdline`).includes(ubusDir)) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It ended a moment ago.
        }
      }
    }
  }

  const router: Router = {
    folder,
    stateDir,
    configFile,
    publishedFile: join(folder, 'flash/published.json'),
    configure: (text) => writeFileSync(configFile, text.replaceAll('{DIR}', folder), { mode: 0o600 }),
    async boot(options = {}) {
      const words = ['run', '--config', configFile];
      const started = time.start(program.path, words, {
        env,
        cwd: folder,
        folder: workDir,
        ...program.start,
        ...options,
      });
      const { child } = started;
      agent = started;
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding('utf8').on('data', (text: string) => {
          errors = (errors + text).slice(-20_000);
        });
      }
      await until('the first status', () => lastStatus()?.agent.pid === child.pid || child.exitCode !== null);
      // What happens at once needs no time, but a moment of it to be told.
      await advance(1000);
    },
    advance,
    async moveTo(address) {
      say(wanAt(address));
      await until(`the agent to see ${address}`, () =>
        status().wans.some((one) => one.addresses.includes(address)),
      );
    },
    async goDown() {
      say(wanDown(), 'down');
      await until('the agent to see the lost link', () => status().wans.every((one) => !one.up));
    },
    say,
    setUbus(on) {
      if (on) rmSync(join(ubusDir, 'down'), { force: true });
      else writeFileSync(join(ubusDir, 'down'), '');
      endHeld();
    },
    stopNetifd: () => rmSync(join(ubusDir, 'dump.json')),
    signal: (name) => running().signal(name),
    setClock: (wallMs) => running().setClock(wallMs),
    setDiskFault(code, where = 'everywhere') {
      running().setDiskFault(code && { below: where === 'flash' ? join(folder, 'flash') : folder, code });
    },
    end,
    isRunning: () => agent !== undefined && agent.child.exitCode === null,
    stderr: () => errors,
    hear: (text) => until(`the agent to say ${text}`, () => errors.includes(text)),
    status,
    host(id = 'home') {
      const found = status().hostnames.find((one) => one.id === id);
      if (!found) throw new Error(`the status has no hostname ${id}`);
      return found;
    },
    events: () => [...earlier, ...(lastStatus()?.events ?? [])],
  };
  return {
    router,
    async dispose() {
      if (agent) await end('SIGKILL');
      endHeld();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** No IPv6: with a second way out the agent would bind its requests to an address this machine has not. */
export function wanAt(address: string): InterfaceStatus[] {
  const before = netifdFixture('12-v4-in-place-notify_proto').dumpBefore.interface;
  const text = JSON.stringify(before.filter((one) => one.interface !== 'wan6'));
  return JSON.parse(text.replaceAll(FIRST_ADDRESS, address));
}

/** The link is there, but nobody has given an address. */
function wanDown(): InterfaceStatus[] {
  return netifdFixture('02-ifup-wan').dumpBefore.interface.filter((one) => one.interface !== 'wan6');
}

/** Named after this process, so that what it leaves when it is killed can be told from what is in use. */
function ownFolder(): string {
  const place = memoryFolder();
  for (const name of readdirSync(place)) {
    const pid = Number(/^holdfast-lab-(\d+)-/.exec(name)?.[1]);
    if (Number.isInteger(pid) && !isAlive(pid)) rmSync(join(place, name), { recursive: true, force: true });
  }
  return mkdtempSync(join(place, `holdfast-lab-${process.pid}-`));
}

/** A router keeps its state in memory; here that spares a slow disk its flushes, too. */
function memoryFolder(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
