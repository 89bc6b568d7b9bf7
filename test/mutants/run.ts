/** The process with the tests, from outside: it is asked, watched, and started anew when it had to be ended. */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ask, Measured, Place, Test, Told } from './suite.ts';

/** CPU time of one test: so much, and so many times what it takes without a change. Beyond, it never ends. */
const PATIENCE_MS = 5000;
const PATIENCE = 10;
const LOOK_MS = 500;
/** A change may make an endless loop, or use up all memory; that too is noticed. */
const ENDLESS = 'it never ended';
const HEAP_MB = 700;
/** V8 does not count the calls of what it has optimized. */
const UNOPTIMIZED = ['--no-opt', '--no-sparkplug'];

function forkSuite(copy: string, flags: readonly string[] = []): ChildProcess {
  return fork(join(copy, 'test/mutants/suite.ts'), [copy], {
    cwd: copy,
    execArgv: [...process.execArgv, `--max-old-space-size=${HEAP_MB}`, ...flags],
    // A process that runs out of memory says so at length.
    stdio: 'ignore',
  });
}

/** Runs all tests once, without any change. */
export async function measure(copy: string, places: Place[]): Promise<Measured> {
  const child = forkSuite(copy, UNOPTIMIZED);
  const told = await new Promise<Told | undefined>((resolve) => {
    child.once('message', resolve).once('exit', () => resolve(undefined));
    child.send({ type: 'measure', places } satisfies Ask);
  });
  child.kill('SIGKILL');
  if (told?.type !== 'measured') {
    throw new Error(told?.type === 'broken' ? told.fault : 'The tests do not end.');
  }
  return told.measured;
}

export interface Suite {
  /** The test that noticed the change. */
  noticedBy(change: { file: string; code: string }, tests: readonly Test[]): Promise<string | undefined>;
  end(): void;
}

/** Counting slows down, so this is another process than the one that measured. */
export function startSuite(copy: string): Suite {
  let child = forkSuite(copy);

  async function ask(question: Ask & { type: 'try' }, tests: readonly Test[]): Promise<Told | undefined> {
    let limitMs = PATIENCE_MS;
    let begunMs: number | undefined;
    const looks = setInterval(() => {
      const usedMs = cpuMsOf(child);
      begunMs ??= usedMs;
      if (usedMs !== undefined && begunMs !== undefined && usedMs - begunMs > limitMs) {
        child.kill('SIGKILL');
      }
    }, LOOK_MS);
    const told = await new Promise<Told | undefined>((resolve) => {
      child.on('exit', () => resolve(undefined));
      child.on('message', (one: Told) => {
        if (one.type === 'begun') {
          limitMs = PATIENCE_MS + PATIENCE * (tests[one.test]?.cpuMs ?? 0);
          begunMs = undefined;
        } else {
          resolve(one);
        }
      });
      child.send(question);
    });
    clearInterval(looks);
    child.removeAllListeners();
    return told;
  }

  return {
    async noticedBy(change, tests) {
      const chosen = tests.map(({ file, index }) => ({ file, index }));
      const told = await ask({ type: 'try', change, tests: chosen }, tests);
      if (told?.type === 'tried') {
        return told.noticedBy;
      }
      child.kill('SIGKILL');
      child = forkSuite(copy);
      return told?.type === 'broken' ? told.fault : ENDLESS;
    },
    end: () => child.kill('SIGKILL'),
  };
}

/** What the process has used, by Linux; undefined when it is gone. In clock ticks of 10 ms, as everywhere. */
function cpuMsOf({ pid }: ChildProcess): number | undefined {
  try {
    const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
      .slice(11, 13);
    return 10 * (Number(user) + Number(system));
  } catch {
    return;
  }
}
