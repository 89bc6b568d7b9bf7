/** Log lines: `LEVEL: sentence` on standard error, coloured only on a terminal, or to the system log. */
import type { Host, Log, LogLevel } from '../ports.ts';
import { paint } from './paint.ts';

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, notice: 2, warning: 3, error: 4 };
const COLOURS = { debug: 'dim', info: 'dim', notice: 'plain', warning: 'yellow', error: 'red' } as const;
/** As syslog(3) calls them; what a service writes on standard error all becomes `err` under procd. */
const PRIORITIES = { debug: 'debug', info: 'info', notice: 'notice', warning: 'warning', error: 'err' };
const LOGGER_TIMEOUT_MS = 5000;
/** A `logger` that hangs must not fill the memory: further lines go to standard error. */
const MAX_WAITING = 100;

export interface AgentLog extends Log {
  /** Resolves when all that was logged is delivered. */
  flush(): Promise<void>;
}

/** `threshold` is asked each time, for a reload may change it. `syslog`: through logger(1), one after another. */
export function createLog(host: Host, threshold: () => LogLevel, syslog = false): AgentLog {
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
      const argv = ['logger', '-t', 'holdfast', '-p', `daemon.${PRIORITIES[level]}`, '--', text];
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

/** Foreign text must not forge lines or move the cursor. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is removed
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}
