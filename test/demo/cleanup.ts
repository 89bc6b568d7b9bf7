/** Whatever the demo makes is taken back: at its end, on a signal, after an error, and after a crash next time. */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Names of folders and namespaces: this, the id of the demo's process, and more. */
export const PREFIX = 'holdfast-demo-';

/** From TERM to KILL: enough for the agent to end its own children on a busy machine. */
const GRACE_MS = 4000;
const POLL_MS = 25;

/** The things made so far; `undoAll` takes them back in reverse order and never throws. */
export interface Made {
  folder(): string;
  /** Starts a program in a process group of its own, so that Ctrl-C in the terminal reaches the demo alone. */
  child(argv: readonly string[], options?: Pick<SpawnOptions, 'env' | 'stdio'>): ChildProcess;
  /** Ends one child earlier than the rest. */
  end(child: ChildProcess): Promise<void>;
  onUndo(undo: () => void | Promise<void>): void;
  undoAll(): Promise<void>;
}

export function createMade(): Made {
  const undos: (() => void | Promise<void>)[] = [];
  let undoing: Promise<void> | undefined;

  async function undo(): Promise<void> {
    // Also what is made while this runs.
    for (let next = undos.pop(); next; next = undos.pop()) {
      try {
        await next();
      } catch (error) {
        process.stderr.write(`Cleaning up: ${error instanceof Error ? error.message : error}\n`);
      }
    }
  }

  return {
    folder() {
      const path = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
      undos.push(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }));
      return path;
    },
    child([program = '', ...args], options = {}) {
      const child = spawn(program, args, { stdio: 'ignore', ...options, detached: true });
      child.on('error', () => {});
      undos.push(() => endChild(child));
      return child;
    },
    end: endChild,
    onUndo: (run) => void undos.push(run),
    async undoAll() {
      await undoing;
      undoing = undo();
      await undoing;
    },
  };
}

/** TERM, and KILL for what does not obey; the children of a child belong to its group. */
async function endChild(child: ChildProcess): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (child.pid === undefined || hasEnded(child)) {
      return;
    }
    signalGroup(child.pid, signal);
    for (let waitedMs = 0; waitedMs < GRACE_MS && !hasEnded(child); waitedMs += POLL_MS) {
      await pause(POLL_MS);
    }
  }
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

export function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended by itself.
  }
}

/** Removes what demos left behind that were killed before they could; says what it removed. */
export function removeLeftovers(): string[] {
  const namespaces = listNamespaces().filter(isLeftover);
  const folders = readdirSync(tmpdir()).filter(isLeftover);
  const paths = folders.map((name) => `${join(tmpdir(), name)}/`);
  for (const pid of [...namespaces.flatMap(processesIn), ...processesWith(paths)]) {
    signalGroup(pid, 'SIGKILL');
  }
  for (const name of namespaces) {
    tryRun('ip', 'netns', 'delete', name);
  }
  return [...namespaces, ...paths.filter(isRemoved)];
}

/** Another user's demo cannot be tidied up and does no harm. */
function isRemoved(path: string): boolean {
  try {
    rmSync(path, { recursive: true, force: true });
    return true;
  } catch {
    return false;
  }
}

export function listNamespaces(): string[] {
  return tryRun('ip', 'netns', 'list')
    .split('\n')
    .flatMap((line) => line.split(' ', 1)[0] || []);
}

/** Made by a demo that no longer runs. A process id that was given to another program counts as alive. */
function isLeftover(name: string): boolean {
  const pid = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : Number.NaN;
  return Number.isInteger(pid) && !isAlive(pid);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function processesIn(namespace: string): number[] {
  return tryRun('ip', 'netns', 'pids', namespace).split('\n').filter(Boolean).map(Number);
}

/** Processes that have a file below one of these folders among their arguments or in their environment. */
function processesWith(folders: readonly string[]): number[] {
  if (folders.length === 0) {
    return [];
  }
  const names = (word: string) =>
    folders.some((folder) => word.startsWith(folder) || word.includes(`=${folder}`));
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => [...wordsOf(pid, 'cmdline'), ...wordsOf(pid, 'environ')].some(names));
}

function wordsOf(pid: number, file: 'cmdline' | 'environ'): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** The output, or nothing when it failed or is not there. */
function tryRun(program: string, ...args: string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}
