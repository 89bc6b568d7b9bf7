/**
 * Log lines: `LEVEL: sentence` on standard error, coloured only on a terminal, or to the system log. A jail has the
 * socket of the logd that ran when it was made. After a restart of logd that one leads nowhere and logger(1) does
 * not notice; then lines go to logd by way of ubus, and where there is none to standard error, which procd relays.
 */
import type { Host, Log, LogLevel } from '../ports.ts';
import { paint } from './paint.ts';

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, notice: 2, warning: 3, error: 4 };
const COLOURS = { debug: 'dim', info: 'dim', notice: 'plain', warning: 'yellow', error: 'red' } as const;
/** As syslog(3) calls them; what a service writes on standard error all becomes `err` under procd. */
const PRIORITIES = { debug: 'debug', info: 'info', notice: 'notice', warning: 'warning', error: 'err' };
/** Facility `daemon` with each severity, as one number (RFC 5424 section 6.2.1). */
const NUMBERS: Record<LogLevel, number> = { error: 27, warning: 28, notice: 29, info: 30, debug: 31 };
/** logd cuts off what looks like the moment that syslog(3) writes, and takes its own. */
const MOMENT = 'Jan  1 00:00:00 ';
const LOGGER_TIMEOUT_MS = 5000;
/** A `logger` that hangs must not fill the memory: further lines go to standard error. */
const MAX_WAITING = 100;

export interface AgentLog extends Log {
  /** Resolves when all that was logged is delivered. */
  flush(): Promise<void>;
}

export type LogHost = Pick<Host, 'run' | 'readText' | 'writeErr' | 'isTerminal' | 'env'>;

/** `threshold` is asked each time, for a reload may change it. `syslog`: to the system log, one after another. */
export function createLog(host: LogHost, threshold: () => LogLevel, syslog = false): AgentLog {
  let delivered = Promise.resolve();
  let waiting = 0;

  function log(level: LogLevel, message: string): void {
    if (RANK[level] < RANK[threshold()]) {
      return;
    }
    const text = oneLine(message);
    if (!syslog || waiting >= MAX_WAITING) {
      toStandardError(level, text);
      return;
    }
    waiting += 1;
    delivered = delivered.then(async () => {
      const argv = (await isCutOff(host)) ? viaUbus(level, text) : viaLogger(level, text);
      const { status } = await host.run(argv, LOGGER_TIMEOUT_MS);
      waiting -= 1;
      if (status !== 0) {
        toStandardError(level, text);
      }
    });
  }

  function toStandardError(level: LogLevel, text: string): void {
    host.writeErr(`${paint(host, COLOURS[level], `${level}:`)} ${text}\n`);
  }

  return Object.assign(log, { flush: () => delivered });
}

function viaLogger(level: LogLevel, text: string): string[] {
  return ['logger', '-t', 'holdfast', '-p', `daemon.${PRIORITIES[level]}`, '--', text];
}

function viaUbus(level: LogLevel, text: string): string[] {
  const event = `<${NUMBERS[level]}>${MOMENT}holdfast: ${text}`;
  return ['ubus', '-t', '5', 'call', 'log', 'write', JSON.stringify({ event })];
}

/** The kernel shows of a mounted file that it was removed where it comes from (proc(5), mountinfo). */
async function isCutOff(host: LogHost): Promise<boolean> {
  const mounts = await host.readText('/proc/self/mountinfo').catch(() => undefined);
  return mounts?.split('\n').some((line) => line.includes('//deleted /dev/log ')) === true;
}

/** Foreign text must not forge lines or move the cursor. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is removed
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}
