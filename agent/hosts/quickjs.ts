/** The QuickJS host: every port over the modules `std` and `os`, with child processes for what they lack. */
import * as os from 'quickjs:os';
import * as std from 'quickjs:std';
import { utf8 } from '../core/octets.ts';
import type { Host, Limit, SignalName } from '../ports.ts';
import { quickjsChecker } from './quickjs-checker.ts';
import { killChildren, obeyChildren, startChild } from './quickjs-child.ts';
import { ERRNO } from './quickjs-errors.ts';
import { folderOf, quickjsFiles, readTextNow } from './quickjs-files.ts';
import { quickjsHttp } from './quickjs-http.ts';
import { quickjsProcesses } from './quickjs-processes.ts';
import { commandOf } from './quickjs-reader.ts';
import { quickjsTimers } from './quickjs-timer.ts';
import { secretForms } from './secret-forms.ts';

/** What this runtime cannot do, in the words that people read. */
const LIMITS: readonly Limit[] = [
  {
    code: 'runtime/NO_DATAGRAMS',
    sentence:
      'The QuickJS runtime cannot send UDP: the sources stun and router do not work. Use another source, or the runtime node.',
  },
  {
    code: 'runtime/DNS_OVER_TCP',
    sentence:
      'The QuickJS runtime asks DNS servers over TCP only; one that answers UDP alone counts as unreachable.',
  },
  {
    code: 'runtime/DNS_UNBOUND',
    sentence:
      'The QuickJS runtime cannot choose the WAN that DNS questions and DNS updates leave through; only the one with the route to the server works.',
  },
];

const SIGNALS: Record<SignalName, number> = {
  HUP: 1,
  TERM: os.SIGTERM,
  INT: os.SIGINT,
  USR1: os.SIGUSR1,
  USR2: os.SIGUSR2,
};

/** The ports over this process. */
export function quickjsHost(): Host {
  obeyChildren();
  const [script = '', ...argv] = scriptArgs;
  const processes = quickjsProcesses();
  const listeners = new Map<SignalName, (() => void)[]>();
  const timers = quickjsTimers();
  const dnsParts = { ...processes, ...timers, start: startChild };
  // The file is loaded by the first question; all share one, which limits how many are under way.
  const http = quickjsHttp();
  let loading: ReturnType<typeof loadDns> | undefined;
  async function loadDns() {
    const { quickjsDns, quickjsDnsOverHttps, quickjsExchange } = await import('./quickjs-dns.ts');
    return {
      dns: quickjsDns(dnsParts, unpredictableFraction),
      exchange: quickjsExchange(dnsParts),
      overHttps: quickjsDnsOverHttps(http),
    };
  }
  function dns() {
    loading ??= loadDns();
    return loading;
  }

  const folder = programFolder(script);
  const commandLine = readTextNow('/proc/self/cmdline') ?? '';
  let isOutputLost = false;
  const beside = (name: string) => commandOf(name, commandLine, script, folder);
  return {
    programFolder: folder,
    // The script that starts us has asked.
    runtime: std.getenv('HOLDFAST_RUNTIME') ?? 'quickjs',
    limits: LIMITS,
    configurationReader: beside('holdfast-reader.mjs'),
    checker: quickjsChecker(beside('holdfast-checker.mjs'), timers),
    pid: os.getpid(),
    argv,
    get env() {
      return std.getenviron();
    },
    nowMs: () => Date.now(),
    monotonicMs,
    ...timers,
    ...processes,
    ...quickjsFiles(isAlive),
    http,
    datagrams: {
      exchange: async () => ({ ok: false, fault: 'unavailable' }),
      randomOctets,
    },
    dns: { ask: async (...asked) => (await dns()).dns.ask(...asked) },
    dnsOverHttps: { ask: async (...asked) => (await dns()).overHttps.ask(...asked) },
    exchangeDns: async (...asked) => (await dns()).exchange(...asked),
    crypto: {
      randomOctets,
      signRsa: async (...asked) => (await import('./quickjs-rsa.ts')).signRsa(...asked),
    },
    random: () => Math.random(),
    memoryKib,
    isAlive,
    sendSignal: (pid, signal) => isProcess(pid) && os.kill(pid, SIGNALS[signal]) === 0,
    onSignal(signal, run) {
      const all = [...(listeners.get(signal) ?? []), run];
      listeners.set(signal, all);
      os.signal(SIGNALS[signal], () => {
        for (const one of all) {
          one();
        }
      });
    },
    secretForms,
    writeOut(text) {
      isOutputLost = !writeWhole(1, text) || isOutputLost;
    },
    writeErr: (text) => void writeWhole(2, text),
    isTerminal: os.isatty(1),
    exit(status) {
      killChildren();
      return std.exit(status === 0 && isOutputLost ? 1 : status);
    },
  };
}

/** QuickJS-ng never sleeps: its loop asks again and again whether a pipe has something. */
export function refuseForeignRuntime(host: Host): void {
  if (typeof navigator !== 'undefined' && /quickjs-ng/i.test(navigator.userAgent ?? '')) {
    host.writeErr('holdfast: QuickJS-ng would keep the processor busy. Install the package quickjs.\n');
    host.exit(127);
  }
}

/** A symbolic link to the program leads to the files beside the program itself. */
function programFolder(script: string): string {
  const [path, errno] = os.realpath(script);
  return errno === 0 ? folderOf(path) : os.getcwd()[0];
}

/** CLOCK_MONOTONIC, whose zero is the boot (clock_gettime(2)). */
function monotonicMs(): number {
  return Math.floor(os.now());
}

function randomOctets(count: number): Uint8Array {
  const octets = new Uint8Array(count);
  const fd = os.open('/dev/urandom', os.O_RDONLY);
  const read = os.read(fd, octets.buffer, 0, count);
  os.close(fd);
  if (read !== count) {
    throw new Error('/dev/urandom cannot be read');
  }
  return octets;
}

function unpredictableFraction(): number {
  return randomOctets(4).reduce((sum, octet) => sum * 256 + octet, 0) / 0x1_0000_0000;
}

function memoryKib(): number {
  return Number(/^VmRSS:\s*(\d+)/m.exec(readTextNow('/proc/self/status') ?? '')?.[1] ?? 0);
}

const LARGEST_PID = 0x7fff_ffff;

/** Zero and below mean whole groups to kill(2). */
function isProcess(pid: number): boolean {
  return Number.isInteger(pid) && pid > 0 && pid <= LARGEST_PID;
}

function isAlive(pid: number): boolean {
  return isProcess(pid) && os.kill(pid, 0) !== -ERRNO.ESRCH;
}

/** Characters; as numbers in an array a long text would take sixteen times its size. */
const WRITE_PIECE = 4096;
const FULL_PIPE_PAUSE_MS = 5;
const FULL_PIPE_PATIENCE_MS = 2000;

/**
 * Synchronous, so that nothing is lost at exit. A reader that went away (EPIPE) or sleeps is no fault of ours; false
 * for anything else, as a full disk, that cut the text off.
 */
function writeWhole(fd: 1 | 2, text: string): boolean {
  for (let at = 0; at < text.length; ) {
    // No half of a surrogate pair.
    const end = at + WRITE_PIECE + (/[\ud800-\udbff]/.test(text.charAt(at + WRITE_PIECE - 1)) ? 1 : 0);
    const fault = writeOctets(fd, utf8(text.slice(at, end)));
    if (fault !== 0) {
      return fault === -ERRNO.EPIPE || fault === -ERRNO.EAGAIN;
    }
    at = end;
  }
  return true;
}

/** 0, or the negative number of the error that ended it. */
function writeOctets(fd: 1 | 2, octets: Uint8Array): number {
  let waitedMs = 0;
  for (let at = 0; at < octets.length; ) {
    const count = os.write(fd, octets.buffer, at, octets.length - at);
    if (count > 0) {
      at += count;
      waitedMs = 0;
    } else if (count === -ERRNO.EAGAIN && waitedMs < FULL_PIPE_PATIENCE_MS) {
      // Somebody made the pipe non-blocking; wait for the reader.
      os.sleep(FULL_PIPE_PAUSE_MS);
      waitedMs += FULL_PIPE_PAUSE_MS;
    } else if (count !== -ERRNO.EINTR) {
      return count;
    }
  }
  return 0;
}
