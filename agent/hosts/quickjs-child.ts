/** One child process of the QuickJS host: pipes that wake the loop, and its end, which comes exactly once. */
import * as os from 'quickjs:os';
import * as std from 'quickjs:std';
import { HELD_BY } from '../ports.ts';
import { ERRNO, nameOf } from './quickjs-errors.ts';

const SIGKILL = 9;
/** Of waitpid(2) on Linux: tells of stopped children too; then the status ends in `STOPPED`. */
const WUNTRACED = 2;
const STOPPED = 0x7f;
/** From a program's end to closing pipes that its own children still hold. */
const GRACE_MS = 1000;
/** Held for good. Most of what programs print is shorter. */
const READ_OCTETS = 4096;
/** Seldom enough to cost nothing, and soon: what is left by several changes in a row lies between what stays. */
const TIDY_AFTER_MS = 500;
/** The least that does it: FASTBIN_CONSOLIDATION_THRESHOLD in malloc.c of glibc. */
const TRIM_OCTETS = 65_536;
/** PIPE_BUF: a pipe that is ready takes so much without blocking (pipe(7)). */
const WRITE_OCTETS = 4096;
/** Nothing in our environment should be secret; what looks like it stays here all the same. */
const SECRET_NAME = /pass|secret|token|key|credential|auth/i;
/** Between its last output and its end a program takes a moment; SIGCHLD, which tells it, can come too early. */
const LOOK_AGAIN_MS = [1, 5, 20, 100, 500];

export interface ChildOptions {
  /** Written to its standard input, which is then closed unless `hold` is set; without it there is no input. */
  input?: Uint8Array;
  hold?: boolean;
  /** It starts no others, so that to end it nobody has to look for them. */
  alone?: boolean;
  /** A program of the system that nobody needs without us. */
  held?: boolean;
  /** Adds to the environment. */
  env?: Readonly<Record<string, string>>;
  onOutput(octets: Uint8Array): void;
  onError(octets: Uint8Array): void;
  /** The program was stopped (SIGSTOP). */
  onPause?(): void;
  /** After the last output; -1 when it could not be started (`fault` says why) or was killed. */
  onEnd(status: number, fault: string): void;
}

export interface Child {
  /** To the program and all that it has started. Nothing happens once it has ended. */
  kill(signal: number): void;
  /** Stops listening: what it still writes is lost. */
  abandon(): void;
}

interface Living extends Child {
  pid: number;
  /** Asks the system whether it has ended, or takes what waitpid(2) has told already. */
  reap(told?: readonly [pid: number, status: number]): void;
}

const living = new Set<Living>();
const buffer = new Uint8Array(READ_OCTETS);
let tidying = false;
let hasGlibc: boolean | undefined;

/** What a child gets of our environment, and more. The C library has it already: nobody keeps it here as well. */
function childEnvironment(more: ChildOptions['env']): Record<string, string> {
  const env = std.getenviron();
  for (const name of Object.keys(env)) {
    if (SECRET_NAME.test(name)) {
      delete env[name];
    }
  }
  return Object.assign(env, more);
}

/** Each piece of work leaves some rings of objects, which QuickJS by itself collects when the heap has grown by half. */
function tidyLater(): void {
  if (!tidying) {
    tidying = true;
    os.setTimeout(() => {
      tidying = false;
      std.gc();
      trimHeap();
    }, TIDY_AFTER_MS);
  }
}

/** With glibc the free end of the heap goes back to the system when a block next to it is freed that is large enough. */
function trimHeap(): void {
  hasGlibc ??= textInProc('self/maps').includes('/libc.so.6');
  if (hasGlibc) {
    // Nobody holds it: it is freed at once.
    new ArrayBuffer(TRIM_OCTETS);
  }
}

/** Ends every child; for the end of the agent. */
export function killChildren(): void {
  for (const child of living) {
    child.kill(SIGKILL);
  }
}

export function startChild(argv: readonly string[], options: ChildOptions): Child {
  const [program = ''] = argv;
  const found = argv.some((word) => word.includes('\0')) ? 'ERR_INVALID_ARG_VALUE' : findProgram(program);
  if (found.startsWith('/')) {
    try {
      return spawn(found, argv, options);
    } catch (error) {
      return neverStarted(program, error instanceof Error ? error.message : String(error), options);
    }
  }
  return neverStarted(program, found, options);
}

function neverStarted(program: string, reason: string, { onEnd }: ChildOptions): Child {
  os.setTimeout(() => onEnd(-1, `cannot start ${program}: ${reason}`), 0);
  return { kill() {}, abandon() {} };
}

/**
 * Call this before anything is written. Handlers and not "ignore", which children would inherit; without them a
 * reader that went away is death.
 */
export function obeyChildren(): void {
  os.signal(os.SIGPIPE, () => {});
  os.signal(os.SIGCHLD, () => {
    for (const child of [...living]) {
      child.reap();
    }
    if (os.getpid() === 1) {
      reapOrphans();
    }
  });
}

/** The first process of a jail inherits what children of its children leave: nobody else would ever wait for them. */
function reapOrphans(): void {
  for (let ended = os.waitpid(-1, os.WNOHANG); ended[0] > 0; ended = os.waitpid(-1, os.WNOHANG)) {
    const [pid] = ended;
    // One of ours may have ended just now.
    [...living].find((child) => child.pid === pid)?.reap(ended);
  }
}

/** The path of a program, or the name of what is wrong with it. */
function findProgram(program: string): string {
  if (program === '') {
    return 'ERR_INVALID_ARG_VALUE';
  }
  const paths = program.includes('/')
    ? [program.startsWith('/') ? program : `./${program}`]
    : (std.getenv('PATH') ?? '/usr/sbin:/usr/bin:/sbin:/bin').split(':').map((one) => `${one}/${program}`);
  let fault: number = ERRNO.ENOENT;
  for (const path of paths) {
    const [status, errno] = os.stat(path);
    if (status !== null && (status.mode & os.S_IFMT) !== os.S_IFDIR && (status.mode & 0o111) !== 0) {
      // Not the real path of every program: BusyBox is what its name says.
      return path.startsWith('/') ? path : os.realpath(path)[0];
    }
    fault = status !== null || errno === ERRNO.EACCES ? ERRNO.EACCES : fault;
  }
  return nameOf(fault);
}

interface Pipes {
  stdin: number;
  stdout: number;
  stderr: number;
}

function spawn(file: string, argv: readonly string[], options: ChildOptions): Child {
  const opened: number[] = [];
  function pipe(): [number, number] {
    const ends = os.pipe();
    if (ends === null) {
      throw new Error('EMFILE');
    }
    opened.push(...ends);
    return ends;
  }
  try {
    const [outRead, outWrite] = pipe();
    const [errRead, errWrite] = pipe();
    let input: [number, number] | undefined;
    let stdin: number;
    if (options.input === undefined) {
      stdin = os.open('/dev/null', os.O_RDONLY);
      opened.push(stdin);
    } else {
      input = pipe();
      stdin = input[0];
    }
    const theirs: Pipes = { stdin, stdout: outWrite, stderr: errWrite };
    const env = childEnvironment({
      ...(options.held && { [HELD_BY]: String(os.getpid()) }),
      ...options.env,
    });
    const pid = os.exec(argv, { block: false, usePath: false, file, ...theirs, env });
    for (const fd of Object.values(theirs)) {
      os.close(fd);
    }
    tidyLater();
    return attend(pid, outRead, errRead, input?.[1], options);
  } catch (error) {
    for (const fd of opened) {
      os.close(fd);
    }
    throw error;
  }
}

function attend(
  pid: number,
  outRead: number,
  errRead: number,
  inWrite: number | undefined,
  options: ChildOptions,
): Child {
  const reading = new Set<number>();
  let writing = inWrite;
  /** Its exit status, once the system has told it. */
  let ended: number | undefined;
  let told = false;
  let timer: unknown;
  let looks = 0;

  function listen(fd: number, onOctets: (octets: Uint8Array) => void): void {
    reading.add(fd);
    os.setReadHandler(fd, () => {
      const count = os.read(fd, buffer.buffer, 0, READ_OCTETS);
      if (count > 0) {
        onOctets(buffer.slice(0, count));
      } else if (count === 0 || (count !== -ERRNO.EINTR && count !== -ERRNO.EAGAIN)) {
        stopReading(fd);
        settle();
      }
    });
  }

  function stopReading(fd: number): void {
    if (reading.delete(fd)) {
      os.setReadHandler(fd, null);
      os.close(fd);
    }
  }

  function stopWriting(): void {
    if (writing !== undefined) {
      os.setWriteHandler(writing, null);
      os.close(writing);
      writing = undefined;
    }
  }

  function feed(octets: Uint8Array, hold: boolean): void {
    let at = 0;
    function more(): void {
      if (writing === undefined) {
        return;
      }
      const size = Math.min(WRITE_OCTETS, octets.length - at);
      const count = size === 0 ? 0 : os.write(writing, octets.buffer, octets.byteOffset + at, size);
      at += Math.max(count, 0);
      const again = count === -ERRNO.EINTR || count === -ERRNO.EAGAIN;
      if (at < octets.length && (count > 0 || again)) {
        os.setWriteHandler(writing, more);
      } else if (at === octets.length && hold) {
        os.setWriteHandler(writing, null);
      } else {
        stopWriting();
      }
    }
    more();
  }

  function reap(told = os.waitpid(pid, os.WNOHANG | (options.onPause ? WUNTRACED : 0))): void {
    if (ended === undefined) {
      const [result, status] = told;
      if (result === 0) {
        return;
      }
      if (result === pid && (status & 0xff) === STOPPED) {
        options.onPause?.();
        return;
      }
      // Its low seven bits are the signal that ended it (wait(2)).
      ended = result === pid && (status & 0x7f) === 0 ? (status >> 8) & 0xff : -1;
      living.delete(child);
      settle();
    }
  }

  /** Goes on when a pipe was closed or the program has ended: both must be so. */
  function settle(): void {
    if (told) {
      return;
    }
    os.clearTimeout(timer);
    timer = undefined;
    if (ended !== undefined && reading.size === 0) {
      told = true;
      stopWriting();
      options.onEnd(ended, '');
      tidyLater();
    } else if (ended !== undefined) {
      timer = os.setTimeout(abandon, GRACE_MS);
    } else if (reading.size === 0) {
      lookAgain();
    }
  }

  function lookAgain(): void {
    reap();
    if (ended === undefined && looks < LOOK_AGAIN_MS.length) {
      timer = os.setTimeout(lookAgain, LOOK_AGAIN_MS[looks] ?? 0);
      looks += 1;
    }
  }

  function abandon(): void {
    for (const fd of [...reading]) {
      stopReading(fd);
    }
    stopWriting();
    settle();
  }

  function kill(signal: number): void {
    if (ended === undefined) {
      for (const one of options.alone ? [pid] : [...descendantsOf(pid), pid]) {
        os.kill(one, signal);
      }
    }
  }

  const child: Living = { pid, kill, abandon, reap };
  living.add(child);
  listen(outRead, options.onOutput);
  listen(errRead, options.onError);
  if (options.input !== undefined) {
    feed(options.input, options.hold === true);
  }
  return child;
}

/** There is no process group to signal: QuickJS cannot make one. */
function descendantsOf(ancestor: number): number[] {
  const parents = new Map<number, number[]>();
  const [names, errno] = os.readdir('/proc');
  for (const name of errno === 0 ? names : []) {
    if (/^\d{1,10}$/.test(name)) {
      const parent = parentOf(name);
      parents.set(parent, [...(parents.get(parent) ?? []), Number(name)]);
    }
  }
  const found: number[] = [];
  for (let wave = parents.get(ancestor) ?? []; wave.length > 0; ) {
    found.push(...wave);
    wave = wave.flatMap((pid) => parents.get(pid) ?? []);
  }
  return found;
}

/** The fourth field of /proc/PID/stat; the second, in parentheses, may hold anything. */
function parentOf(pid: string): number {
  const text = textInProc(`${pid}/stat`);
  return Number(text.slice(text.lastIndexOf(')')).split(' ')[2]);
}

/** Empty where it cannot be read. */
function textInProc(path: string): string {
  const file = std.open(`/proc/${path}`, 'r', {});
  const text = file?.readAsString() ?? '';
  file?.close();
  return text;
}
