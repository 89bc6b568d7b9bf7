/** Log lines on standard error: `LEVEL: sentence`, coloured only on a terminal. */
import type { Host, Log, LogLevel } from '../ports.ts';
import { paint } from './paint.ts';

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, notice: 2, warning: 3, error: 4 };
const COLOURS = { debug: 'dim', info: 'dim', notice: 'plain', warning: 'yellow', error: 'red' } as const;

/** `threshold` is asked each time, for a reload may change it. */
export function createLog(host: Host, threshold: () => LogLevel): Log {
  return (level, message) => {
    if (RANK[level] >= RANK[threshold()]) {
      host.writeErr(`${paint(host, COLOURS[level], `${level}:`)} ${oneLine(message)}\n`);
    }
  };
}

/** Foreign text must not forge lines or move the cursor. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is removed
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}
