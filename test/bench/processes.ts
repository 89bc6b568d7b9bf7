/** What the kernel knows of a process and its children (proc(5)). */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { pause } from '../demo/cleanup.ts';

/** All in KiB, from /proc/PID/smaps_rollup. */
export interface Memory {
  rssKib: number;
  pssKib: number;
  privateDirtyKib: number;
}

/** The length of the kernel's clock tick (sysconf(_SC_CLK_TCK) is 100 on every Linux that Node runs on). */
const TICK_MS = 10;
const TRACE_START_MS = 300;

export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return {
    rssKib: kib(text, 'Rss'),
    pssKib: kib(text, 'Pss'),
    privateDirtyKib: kib(text, 'Private_Dirty'),
  };
}

function kib(text: string, field: string): number {
  return Number(new RegExp(`^${field}: +(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN);
}

export function threadsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).length;
}

/** The process, its children and theirs, as they are now. */
export function treeOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    const parent = statFields(Number(name))?.[1];
    if (parent !== undefined) {
      parents.set(Number(name), Number(parent));
    }
  }
  const tree = [pid];
  for (const member of tree) {
    tree.push(...[...parents].flatMap(([child, parent]) => (parent === member ? [child] : [])));
  }
  return tree;
}

/** How often any thread of these processes has gone to sleep and was woken again. */
export function wakeUpsOf(pids: readonly number[]): number {
  return sum(
    pids.flatMap((pid) =>
      tasksOf(pid).map((task) => {
        const status = readQuietly(`/proc/${pid}/task/${task}/status`);
        return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1] ?? 0);
      }),
    ),
  );
}

/**
 * CPU time of a process so far, in milliseconds: its own threads to the nanosecond, and what its children that
 * have ended took, in ticks. Children that live are processes of their own.
 */
export function cpuMsOf(pid: number): number {
  return ownCpuMsOf(pid) + endedChildrenMs(pid);
}

/** The same without any child. */
export function ownCpuMsOf(pid: number): number {
  const spentNs = tasksOf(pid).map((task) =>
    Number(readQuietly(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0] ?? 0),
  );
  return sum(spentNs) / 1e6;
}

/** User and system time of children that have ended and were waited for. */
function endedChildrenMs(pid: number): number {
  const fields = statFields(pid) ?? [];
  return (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) * TICK_MS;
}

/** Fields of /proc/PID/stat from the third on; the second, the name, may hold anything. */
function statFields(pid: number): string[] | undefined {
  const text = readQuietly(`/proc/${pid}/stat`);
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

export function openFilesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

export interface Forks {
  processes: number;
  programs: number;
}

/** Counts the processes that a program starts, and the programs run in them, while `run` takes place. */
export async function countForks(pid: number, run: () => Promise<void>): Promise<Forks> {
  const argv = ['-f', '-qq', '-e', 'trace=process', '-e', 'signal=none', '-p', `${pid}`];
  const tracer = spawn('strace', argv, { stdio: ['ignore', 'ignore', 'pipe'] });
  let trace = '';
  tracer.stderr.setEncoding('utf8').on('data', (text: string) => {
    trace += text;
  });
  try {
    await pause(TRACE_START_MS);
    await run();
  } finally {
    await ended(tracer);
  }
  const lines = trace.split('\n');
  // A call that was interrupted by another thread ends in a line of its own: what it was is in both.
  const started = lines.filter(
    (line) => /\b(clone3?|fork|vfork)\b/.test(line) && / = \d+$/.test(line) && !line.includes('CLONE_THREAD'),
  );
  return {
    processes: started.length,
    programs: lines.filter((line) => /\bexecve\b.* = 0$/.test(line)).length,
  };
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('close', () => resolve());
    child.kill('SIGTERM');
  });
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
