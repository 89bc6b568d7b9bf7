/**
 * The time of a test world with a real agent in it: it stands still while the agent waits for an answer of the
 * network, and otherwise goes as far, and as fast, as this side allows (see `virtual-time.cjs`).
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { clientsAt } from './clients.ts';

const PRELOAD = fileURLToPath(new URL('virtual-time.cjs', import.meta.url));

/** What the agent tells of its time. */
interface Told {
  monotonicMs: number;
  /** It has nothing to do before the limit. */
  arrived: boolean;
}

/** One clock for the service and for every agent that is started in its world, one after the other. */
export interface WorldTime {
  /** Milliseconds since 1970, as they are in truth: for the service. */
  nowMs(): number;
  /** Milliseconds since the boot of the router. */
  monotonicMs(): number;
  /** Starts `node PROGRAM ARGS` on this clock. */
  start(program: string, args: readonly string[], options: StartOptions): TimedProcess;
  /** For the service's `onSilence`: the running agent waits for no answer on this port. */
  silence(port: number): void;
}

export interface StartOptions extends Pick<SpawnOptions, 'env' | 'cwd'> {
  /** What the router takes for the time (default: the truth). */
  wallMs?: number;
  /** Virtual milliseconds in a real one; default: as fast as can be. */
  rate?: number;
  /** Runs the program in place of Node: `qjs` with its flags. Signals and disk faults are for Node alone. */
  runner?: readonly string[];
  /** With a runner: an empty folder, where the agent and its time tell each other of its children. */
  folder?: string;
}

export interface TimedProcess {
  child: ChildProcess;
  /** Lets time pass and waits until the agent has done all that falls into it. False: the process has ended. */
  advance(durationMs: number): Promise<boolean>;
  /** What the router takes for the time from now on, as NTP sets it. */
  setClock(wallMs: number): void;
  setRate(rate: number | undefined): void;
  /** Lets the agent take this signal, in order with the other orders. */
  signal(name: 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2'): void;
  /** Every write below the folder fails with this code; undefined ends that. */
  setDiskFault(fault: { below: string; code: 'ENOSPC' | 'EROFS' } | undefined): void;
}

/** Real milliseconds: those who ask together are looked for together. */
const LOOK_AFTER_MS = 4;
/** A question can be here before the file of its process. */
const LOOKS = 3;

/** The router has been up for a minute when its first agent starts. */
const BOOT_MS = 60_000;

export function worldTime(startWallMs: number): WorldTime {
  let monotonicMs = BOOT_MS;
  let running: Link | undefined;

  return {
    nowMs: () => startWallMs + monotonicMs - BOOT_MS,
    monotonicMs: () => monotonicMs,
    silence: (port) => running?.silence(port),
    start(
      program,
      args,
      { wallMs = startWallMs + monotonicMs - BOOT_MS, rate, runner, folder = '', ...options },
    ) {
      const [file = '', ...flags] = runner ?? [process.execPath, '--require', PRELOAD];
      const child = spawn(file, [...flags, program, ...args], {
        ...options,
        env: {
          ...options.env,
          HOLDFAST_VIRTUAL_TIME: JSON.stringify({
            ...{ monotonicMs, wallMs, ...(rate !== undefined && { rate }) },
            ...(runner && { folder }),
          }),
        },
        stdio: ['ignore', 'pipe', 'pipe', runner ? 'pipe' : 'ipc'],
      });
      const link = runner ? linkByPipe(child, folder) : linkByIpc(child);
      running = link;
      let limitMs = monotonicMs;
      let ended = false;
      let onArrival: (alive: boolean) => void = () => {};
      link.onTold((told) => {
        monotonicMs = Math.max(monotonicMs, told.monotonicMs);
        if (told.arrived && told.monotonicMs >= limitMs) {
          onArrival(true);
        }
      });
      for (const ending of ['exit', 'error']) {
        child.on(ending, () => {
          ended = true;
          onArrival(false);
        });
      }
      const { send } = link;
      return {
        child,
        advance(durationMs) {
          if (ended) {
            return Promise.resolve(false);
          }
          limitMs = Math.max(limitMs, monotonicMs) + durationMs;
          return new Promise((resolve) => {
            onArrival = resolve;
            send({ limitMs });
          });
        },
        setClock: (next) => send({ wallMs: next }),
        setRate: (next) => send({ rate: next ?? null }),
        signal: (name) => send({ signal: name }),
        setDiskFault: (fault) => send({ diskFault: fault ?? null }),
      };
    },
  };
}

/** How an agent is told of its time, and tells. */
interface Link {
  send(message: object): void;
  onTold(run: (told: Told) => void): void;
  silence(port: number): void;
}

function linkByIpc(child: ChildProcess): Link {
  const send = (message: object) => void (child.connected && child.send(message, () => {}));
  return { send, onTold: (run) => void child.on('message', run), silence: (port) => send({ silent: port }) };
}

/** Lines of JSON over descriptor 3. There the sockets are those of children, each of which has a file in the folder. */
function linkByPipe(child: ChildProcess, folder: string): Link {
  const pipe = child.stdio[3] as Socket;
  pipe.on('error', () => {});
  const send = (message: object) => void (pipe.writable && pipe.write(`${JSON.stringify(message)}\n`));
  /** Ports of clients that get no answer, with the looks that are left to find out whose they are. */
  const unanswered = new Map<number, number>();

  function look(): void {
    const found = clientsAt([...unanswered.keys()], workersIn(folder).map(Number));
    for (const [port, looksLeft] of unanswered) {
      const pid = found.get(port);
      if (pid !== undefined) {
        noteSilence(join(folder, `${pid}`));
      }
      if (pid !== undefined || looksLeft <= 1) {
        unanswered.delete(port);
      } else {
        unanswered.set(port, looksLeft - 1);
      }
    }
    lookLater();
  }

  function lookLater(): void {
    if (unanswered.size > 0) {
      setTimeout(look, LOOK_AFTER_MS);
    }
  }

  return {
    send,
    onTold: (run) => void createInterface({ input: pipe }).on('line', (line) => run(JSON.parse(line))),
    silence(port) {
      const isFirst = unanswered.size === 0;
      unanswered.set(port, LOOKS);
      if (isFirst) {
        lookLater();
      }
    },
  };
}

/** Those that were killed with their parent have left their file. */
function workersIn(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => /^\d+$/.test(name));
  const ended = names.filter((pid) => !existsSync(`/proc/${pid}`));
  for (const name of ended) {
    rmSync(join(folder, name), { force: true });
  }
  return names.filter((name) => !ended.includes(name));
}

function noteSilence(file: string): void {
  try {
    const fd = openSync(file, 'r+');
    writeSync(fd, 'silent');
    closeSync(fd);
  } catch {
    // It has ended since.
  }
}
