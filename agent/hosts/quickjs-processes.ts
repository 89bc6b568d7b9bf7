/** Child processes of the QuickJS host: no shell, bounded output, none outlives the agent. */
import * as os from 'quickjs:os';
import type { Processes, RunResult, Stop } from '../ports.ts';
import { startChild } from './quickjs-child.ts';
import { cappedOctets } from './quickjs-octets.ts';

const SIGKILL = 9;
const OUTPUT_LIMIT = 1024 * 1024;
const LINE_LIMIT = 1024 * 1024;
/** From TERM to KILL. */
const GRACE_MS = 1000;
const LINE_FEED = 10;

export function quickjsProcesses(): Processes {
  return { run, lines };
}

function run(
  argv: readonly string[],
  timeoutMs: number,
  env?: Readonly<Record<string, string>>,
): Promise<RunResult> {
  return new Promise((resolve) => {
    const stdout = cappedOctets(OUTPUT_LIMIT);
    const stderr = cappedOctets(OUTPUT_LIMIT);
    let timedOut = false;
    const child = startChild(argv, {
      ...(env === undefined ? {} : { env }),
      onOutput: stdout.add,
      onError: stderr.add,
      onEnd(status, fault) {
        os.clearTimeout(timer);
        resolve({ status: timedOut ? -1 : status, stdout: stdout.text(), stderr: stderr.text() + fault });
      },
    });
    const timer = os.setTimeout(() => {
      timedOut = true;
      child.kill(SIGKILL);
      child.abandon();
    }, timeoutMs);
  });
}

function lines(
  argv: readonly string[],
  onLine: (line: string) => void,
  onExit: (result: RunResult) => void,
): Stop {
  const stderr = cappedOctets(OUTPUT_LIMIT);
  let stopped = false;
  let running = true;
  const splitter = lineSplitter((line) => {
    if (!stopped) {
      onLine(line);
    }
  });
  const child = startChild(argv, {
    held: true,
    onOutput: splitter.add,
    onError: stderr.add,
    onEnd(status, fault) {
      running = false;
      splitter.end();
      if (!stopped) {
        onExit({ status, stdout: '', stderr: stderr.text() + fault });
      }
    },
  });
  return () => {
    if (!stopped) {
      stopped = true;
      child.kill(os.SIGTERM);
      child.abandon();
      if (running) {
        os.setTimeout(() => child.kill(SIGKILL), GRACE_MS);
      }
    }
  };
}

/** Cuts a stream into lines; one that is too long is dropped as a whole, for half of it means nothing. */
export function lineSplitter(onLine: (line: string) => void): { add(octets: Uint8Array): void; end(): void } {
  let rest = cappedOctets(LINE_LIMIT);
  let begun = false;

  function flush(): void {
    const line = rest;
    rest = cappedOctets(LINE_LIMIT);
    begun = false;
    if (!line.isFull()) {
      onLine(line.text());
    }
  }
  return {
    add(octets) {
      let from = 0;
      for (let at = octets.indexOf(LINE_FEED); at >= 0; at = octets.indexOf(LINE_FEED, from)) {
        rest.add(octets.subarray(from, at));
        flush();
        from = at + 1;
      }
      begun ||= from < octets.length;
      rest.add(octets.subarray(from));
    },
    end() {
      if (begun) {
        flush();
      }
    },
  };
}
