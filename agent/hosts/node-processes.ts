/** Child processes of the Node host: no shell, bounded output, none outlives the agent. */
import { type ChildProcess, spawn } from 'node:child_process';
import { HELD_BY, type Processes, type RunResult } from '../ports.ts';

const OUTPUT_LIMIT = 1024 * 1024;
const LINE_LIMIT = 1024 * 1024;
/** From TERM to KILL, and from a program's end to closing pipes that its own children still hold. */
const GRACE_MS = 1000;
/** Nothing in our environment should be secret; what looks like it stays here all the same. */
const SECRET_NAME = /pass|secret|token|key|credential|auth/i;

export function nodeProcesses(env: Readonly<Record<string, string | undefined>>): Processes {
  const childEnv = Object.fromEntries(Object.entries(env).filter(([name]) => !SECRET_NAME.test(name)));
  const living = new Set<ChildProcess>();
  process.on('exit', () => {
    for (const child of living) {
      signalGroup(child, 'SIGKILL');
    }
  });

  /** Starts a program; `onEnd` comes exactly once, after the last output. */
  function start(
    argv: readonly string[],
    onOutput: (text: string) => void,
    onEnd: (end: End) => void,
    more: Readonly<Record<string, string>> = {},
  ): Child {
    const [program = '', ...args] = argv;
    const stderr = cappedText();
    let ended = false;
    let grace: NodeJS.Timeout | undefined;

    function end(status: number, reason = ''): void {
      if (!ended) {
        ended = true;
        clearTimeout(grace);
        onEnd({ status, stderr: stderr.text + reason });
      }
    }

    let child: ChildProcess;
    try {
      // Its own process group, so that a signal reaches the children of a script too.
      child = spawn(program, args, {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...childEnv, ...more },
        detached: true,
      });
    } catch (error) {
      setImmediate(end, -1, startFault(program, error));
      return { kill() {}, abandon() {} };
    }
    living.add(child);
    child.stdout?.setEncoding('utf8').on('data', onOutput);
    child.stderr?.setEncoding('utf8').on('data', stderr.add);
    child.on('error', (error) => {
      if (child.pid === undefined) {
        living.delete(child);
        end(-1, startFault(program, error));
      }
    });
    child.on('exit', () => {
      living.delete(child);
      grace = setTimeout(abandon, GRACE_MS);
    });
    child.on('close', (status) => end(status ?? -1));

    function kill(signal: NodeJS.Signals): void {
      signalGroup(child, signal);
    }
    function abandon(): void {
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.unref();
    }
    return { kill, abandon };
  }

  function run(
    argv: readonly string[],
    timeoutMs: number,
    more?: Readonly<Record<string, string>>,
  ): Promise<RunResult> {
    return new Promise((resolve) => {
      const stdout = cappedText();
      let timedOut = false;
      const timer = setTimeout(() => {
        timedOut = true;
        child.kill('SIGKILL');
        child.abandon();
      }, timeoutMs);
      const child = start(
        argv,
        stdout.add,
        ({ status, stderr }) => {
          clearTimeout(timer);
          resolve({ status: timedOut ? -1 : status, stdout: stdout.text, stderr });
        },
        more,
      );
    });
  }

  function lines(
    argv: readonly string[],
    onLine: (line: string) => void,
    onExit: (result: RunResult) => void,
  ): () => void {
    let stopped = false;
    const splitter = lineSplitter((line) => {
      if (!stopped) {
        onLine(line);
      }
    });
    const child = start(
      argv,
      splitter.add,
      ({ status, stderr }) => {
        splitter.end();
        if (!stopped) {
          onExit({ status, stdout: '', stderr });
        }
      },
      { [HELD_BY]: String(process.pid) },
    );
    return () => {
      if (!stopped) {
        stopped = true;
        child.kill('SIGTERM');
        child.abandon();
        // Must not hold the process: its end kills what is left.
        setTimeout(child.kill, GRACE_MS, 'SIGKILL').unref();
      }
    };
  }

  return { run, lines };
}

interface End {
  status: number;
  stderr: string;
}

interface Child {
  kill(signal: NodeJS.Signals): void;
  /** Stops listening, and no longer holds our process open for the child. */
  abandon(): void;
}

/** A child that has ended has no group any more; its id may belong to another by then, so it is not signalled. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It ended a moment ago.
  }
}

function startFault(program: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  return `cannot start ${program}: ${code}`;
}

function cappedText(): { readonly text: string; add(part: string): void } {
  let text = '';
  return {
    get text() {
      return text;
    },
    add(part) {
      text += part.slice(0, OUTPUT_LIMIT - text.length);
    },
  };
}

/** Cuts a stream into lines; one that is too long is dropped as a whole, for half of it means nothing. */
function lineSplitter(onLine: (line: string) => void): { add(text: string): void; end(): void } {
  let rest = '';
  let tooLong = false;

  function extend(part: string): void {
    tooLong ||= rest.length + part.length > LINE_LIMIT;
    rest = tooLong ? '' : rest + part;
  }
  function flush(): void {
    const line = rest;
    const dropped = tooLong;
    rest = '';
    tooLong = false;
    if (!dropped) {
      onLine(line);
    }
  }
  return {
    add(text) {
      let from = 0;
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
        extend(text.slice(from, at));
        flush();
        from = at + 1;
      }
      extend(text.slice(from));
    },
    end() {
      if (rest !== '') {
        flush();
      }
    },
  };
}
