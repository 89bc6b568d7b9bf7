/** The Node host: every port over Node's own modules. Nothing here wakes the process while it is idle. */
import { randomInt } from 'node:crypto';
import { realpathSync, writeSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { dirname } from 'node:path';
import { isatty } from 'node:tty';
import { nodeHttp } from '../net/http.ts';
import type { DeviceAddress, Host, Log, SignalName, Stop } from '../ports.ts';
import { nodeCrypto } from './node-crypto.ts';
import { nodeFiles } from './node-files.ts';
import { nodeProcesses } from './node-processes.ts';
import { collectorAtRest } from './node-rest.ts';
import { secretForms } from './secret-forms.ts';

/** The longest delay that Node's timers keep; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The ports over this process. `argv` without program and script; `log` gets the adapters' debug lines. */
export function nodeHost(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  log: Log = () => {},
): Host {
  const http = nodeHttp(log);
  const stir = collectorAtRest();
  let isOutputLost = false;
  return {
    programFolder: programFolder(),
    runtime: `node ${process.versions.node}`,
    limits: [],
    pid: process.pid,
    argv,
    env,
    nowMs: () => Date.now(),
    monotonicMs,
    after(delayMs, run) {
      // With every step of the agent, whatever it works on.
      stir();
      return after(delayMs, run);
    },
    ...nodeProcesses(env),
    ...nodeFiles(isAlive),
    http,
    datagrams: {
      // Only those who ask a STUN server or the router in front need it.
      exchange: async (asked) => (await import('../net/datagrams.ts')).nodeDatagrams().exchange(asked),
      randomOctets: nodeCrypto.randomOctets,
    },
    dns: {
      ask: async (...asked) => (await import('../net/dns.ts')).nodeDns(unpredictableFraction).ask(...asked),
    },
    dnsOverHttps: {
      ask: async (...asked) => (await import('../net/dns.ts')).nodeDnsOverHttps(http).ask(...asked),
    },
    exchangeDns: async (...asked) => (await import('../net/dns.ts')).nodeExchange()(...asked),
    crypto: nodeCrypto,
    random: () => Math.random(),
    interfaces,
    memoryKib: () => Math.round(process.memoryUsage.rss() / 1024),
    isAlive,
    sendSignal,
    onSignal: (signal, run) => process.on(`SIG${signal}`, () => run()),
    secretForms,
    writeOut(text) {
      isOutputLost = !writeWhole(1, text) || isOutputLost;
    },
    writeErr: (text) => void writeWhole(2, text),
    isTerminal: isatty(1),
    exit: (status) => process.exit(status === 0 && isOutputLost ? 1 : status),
  };
}

/** A symbolic link to the program leads to the files beside the program itself. */
function programFolder(): string {
  try {
    return dirname(realpathSync(process.argv[1] ?? ''));
  } catch {
    return process.cwd();
  }
}

/** CLOCK_MONOTONIC, whose zero is the boot (clock_gettime(2)). */
function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

function after(delayMs: number, run: () => void): Stop {
  const dueMs = monotonicMs() + delayMs;
  let timer: NodeJS.Timeout;
  function arm(): void {
    timer = setTimeout(fire, Math.min(Math.max(dueMs - monotonicMs(), 0), LONGEST_TIMER_MS));
  }
  // Node's timers may come a millisecond early; a wait must never be cut short.
  function fire(): void {
    if (monotonicMs() < dueMs) {
      arm();
    } else {
      run();
    }
  }
  arm();
  return () => clearTimeout(timer);
}

function unpredictableFraction(): number {
  return randomInt(2 ** 32) / 2 ** 32;
}

function isAlive(pid: number): boolean {
  return trySignal(pid, 0) !== 'ESRCH';
}

function sendSignal(pid: number, signal: SignalName): boolean {
  return trySignal(pid, `SIG${signal}`) === 'sent';
}

const LARGEST_PID = 2 ** 31 - 1;

/** `sent`, or the error code: ESRCH for no such process, EPERM for another user's. */
function trySignal(pid: number, signal: NodeJS.Signals | 0): string {
  if (!Number.isInteger(pid) || pid <= 0 || pid > LARGEST_PID) {
    // Zero and below mean whole groups to kill(2), and Node cuts numbers to 32 bits.
    return 'ESRCH';
  }
  try {
    process.kill(pid, signal);
    return 'sent';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'ESRCH';
  }
}

const FULL_PIPE_PAUSE_MS = 5;
const FULL_PIPE_PATIENCE_MS = 2000;

/**
 * Synchronous, so that nothing is lost at exit. A reader that went away (EPIPE) or sleeps is no fault of ours; false
 * for anything else, as a full disk, that cut the text off.
 */
function writeWhole(descriptor: 1 | 2, text: string): boolean {
  const bytes = Buffer.from(text, 'utf8');
  let waitedMs = 0;
  for (let written = 0; written < bytes.length && waitedMs < FULL_PIPE_PATIENCE_MS; ) {
    try {
      written += writeSync(descriptor, bytes, written);
      waitedMs = 0;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code !== 'EAGAIN') {
        return code === 'EPIPE';
      }
      // Somebody made the pipe non-blocking; wait for the reader.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_PAUSE_MS);
      waitedMs += FULL_PIPE_PAUSE_MS;
    }
  }
  return true;
}

function interfaces(): DeviceAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.map(({ address, family, cidr, internal }) => ({
      name,
      address,
      family: family === 'IPv6' ? 'ipv6' : 'ipv4',
      prefixLength: Number(cidr?.split('/')[1] ?? (family === 'IPv6' ? 128 : 32)),
      internal,
    })),
  );
}
