/** What the audience sees: one line for each step, in the order of their times, and a table at the end. */
import type { Result } from './play.ts';

export interface Screen {
  text(lines: readonly string[]): void;
  title(text: string): void;
  /** A step of the scene that runs. */
  step(what: string, text: string, atMs: number): void;
  /** From now on times are counted from here: the change has happened. */
  zero(atMs: number): void;
  /** Shows what still waits; the next scene begins without a change. */
  endScene(): void;
  table(result: Result): void;
  /** Nothing is shown any more: what ends now ends because the demo was stopped. */
  close(): void;
}

const STYLES = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33', cyan: '36' } as const;
type Style = keyof typeof STYLES;

/** Steps are told by several processes: those of one moment are put in order before they are shown. */
const ORDER_MS = 90;
const WHAT_STYLES: Record<string, Style> = { change: 'cyan', verified: 'green', trouble: 'red' };

export function createScreen(out: NodeJS.WriteStream): Screen {
  const coloured = out.isTTY === true && process.env.NO_COLOR === undefined;
  let waiting: { what: string; text: string; atMs: number }[] = [];
  let zeroMs = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function paint(style: Style | undefined, text: string): string {
    return coloured && style ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text;
  }

  function write(line: string): void {
    if (!closed) {
      out.write(`${line}\n`);
    }
  }

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    // With the same millisecond the order of arrival stays.
    for (const { what, text, atMs } of waiting.sort((one, other) => one.atMs - other.atMs)) {
      const time = atMs >= zeroMs ? `${milliseconds(atMs - zeroMs)} ms` : '';
      write(`${time.padStart(10)}  ${paint(WHAT_STYLES[what], what.padEnd(13))} ${text}`);
    }
    waiting = [];
  }

  function table({ changes, requests, needless }: Result): void {
    const rows = changes.map((one) => [
      one.title,
      one.kind === 'no change' ? '-' : one.address,
      one.kind === 'no change' ? 'none, rightly' : milliseconds(one.requestMs),
      one.kind === 'no change' ? '-' : milliseconds(one.verifiedMs),
    ]);
    const headings = ['scene', 'address', 'ms to request', 'ms to verified'];
    const widths = headings.map((heading, column) =>
      Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
    );
    const cells = (row: readonly string[]) =>
      row.map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      );
    write(`\n${paint('bold', cells(headings).join('  '))}`);
    for (const [index, row] of rows.entries()) {
      write(paint(changes[index]?.ok ? undefined : 'red', cells(row).join('  ')));
    }
    write(
      `\nrequests: ${requests}, needless requests: ${paint(needless === 0 ? 'green' : 'red', String(needless))}`,
    );
  }

  return {
    text(lines) {
      flush();
      for (const line of lines) {
        write(line);
      }
    },
    title(text) {
      write(`\n${paint('bold', text)}`);
    },
    step(what, text, atMs) {
      waiting.push({ what, text, atMs });
      timer ??= setTimeout(flush, ORDER_MS);
    },
    zero(atMs) {
      zeroMs = atMs;
    },
    endScene() {
      flush();
      zeroMs = Number.POSITIVE_INFINITY;
    },
    table,
    close() {
      flush();
      closed = true;
    },
  };
}

function milliseconds(durationMs: number | undefined): string {
  return durationMs === undefined ? 'never' : String(Math.max(0, Math.round(durationMs)));
}
