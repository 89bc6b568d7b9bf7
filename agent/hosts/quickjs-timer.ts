/**
 * Waits of the QuickJS host. While a timer of its own is armed, QuickJS looks up every 10 s (`js_os_poll` in
 * quickjs-libc.c); without one it sleeps until a pipe or a signal wakes it. So a held `sleep` carries long waits.
 * Its end is a hint only: the clock decides what is due.
 */
import * as os from 'quickjs:os';
import type { Clock, Stop } from '../ports.ts';
import { type Child, startChild } from './quickjs-child.ts';

const SIGKILL = 9;
/** The default resync. It also bounds how long a signal stays unseen that comes between QuickJS's look and its `select`. */
const MOST_SLEEP_SEC = 600;
/** The first sleep is short and watched by a timer: does this system's `sleep` end in time? */
const PROOF_SEC = 1;

export interface TimerRules {
  /** Shorter waits are not worth a process. */
  longMs: number;
  /** While work goes on waits change with every step; a process is started for those that stay so long. */
  calmMs: number;
  /** What a busy router may take longer than the seconds asked for. */
  lateMs: number;
  /** How long no `sleep` is tried after one that failed. */
  distrustMs: number;
}

const ROUTER: TimerRules = { longMs: 30_000, calmMs: 2000, lateMs: 5000, distrustMs: 600_000 };

interface Wait {
  /** CLOCK_MONOTONIC, as everything here. */
  dueMs: number;
  run(): void;
}

interface Sleeper {
  endMs: number;
  child: Child;
}

export function quickjsTimers({ longMs, calmMs, lateMs, distrustMs } = ROUTER): Pick<Clock, 'after'> {
  const waits = new Set<Wait>();
  let alarm: unknown;
  let sleeper: Sleeper | undefined;
  let guard: unknown;
  let proven = false;
  let distrustUntilMs = 0;

  function after(delayMs: number, run: () => void): Stop {
    if (delayMs < longMs) {
      const timer = os.setTimeout(run, msUntil(os.now() + delayMs));
      return () => os.clearTimeout(timer);
    }
    const wait: Wait = { dueMs: os.now() + delayMs, run };
    waits.add(wait);
    arm();
    return () => {
      if (waits.delete(wait)) {
        arm();
      }
    };
  }

  function earliest(): Wait | undefined {
    let first: Wait | undefined;
    for (const wait of waits) {
      first = first === undefined || wait.dueMs < first.dueMs ? wait : first;
    }
    return first;
  }

  /** Sees to it that something wakes us for the earliest wait, or before. */
  function arm(): void {
    os.clearTimeout(alarm);
    alarm = undefined;
    const nowMs = os.now();
    if (sleeper && nowMs > sleeper.endMs + lateMs) {
      distrust();
    }
    const first = earliest();
    if (first === undefined) {
      alarm = sleeper && os.setTimeout(settle, calmMs);
    } else if (sleeper && sleeper.endMs <= first.dueMs) {
      // It wakes us.
    } else if (first.dueMs - nowMs < longMs) {
      alarm = os.setTimeout(fire, msUntil(first.dueMs));
    } else if (nowMs < distrustUntilMs) {
      alarm = os.setTimeout(fire, msUntil(Math.min(first.dueMs, distrustUntilMs)));
    } else {
      alarm = os.setTimeout(settle, calmMs);
    }
  }

  function fire(): void {
    const first = earliest();
    if (first === undefined || first.dueMs > os.now()) {
      arm();
      return;
    }
    waits.delete(first);
    // Before it runs: it may fail.
    arm();
    first.run();
  }

  /** Nothing has changed for a while: now a process may wait in our place. */
  function settle(): void {
    const first = earliest();
    if (first === undefined) {
      endSleeper();
    } else if (first.dueMs - os.now() >= longMs - 2 * calmMs) {
      const leftSec = Math.floor((first.dueMs - os.now()) / 1000);
      startSleeper(proven ? Math.min(leftSec, MOST_SLEEP_SEC) : PROOF_SEC);
    }
    arm();
  }

  function startSleeper(seconds: number): void {
    endSleeper();
    const endMs = os.now() + seconds * 1000;
    const child = startChild(['sleep', String(seconds)], {
      alone: true,
      held: true,
      onOutput() {},
      onError() {},
      onPause: () => giveUp(mine),
      onEnd() {
        if (sleeper === mine) {
          woken(mine);
        }
      },
    });
    const mine: Sleeper = { endMs, child };
    sleeper = mine;
    if (!proven) {
      guard = os.setTimeout(() => giveUp(mine), seconds * 1000 + lateMs);
    }
  }

  function woken({ endMs }: Sleeper): void {
    if (os.now() < endMs) {
      distrust();
      arm();
    } else {
      endSleeper();
      proven = true;
      settle();
    }
  }

  /** It was stopped, or it hangs. */
  function giveUp(which: Sleeper): void {
    if (sleeper === which) {
      distrust();
      arm();
    }
  }

  function distrust(): void {
    distrustUntilMs = os.now() + distrustMs;
    endSleeper();
  }

  function endSleeper(): void {
    os.clearTimeout(guard);
    guard = undefined;
    const last = sleeper;
    sleeper = undefined;
    last?.child.kill(SIGKILL);
    last?.child.abandon();
  }

  return { after };
}

/** For `os.setTimeout`, which counts from a clock cut to whole milliseconds: never early, less than one late. */
function msUntil(dueMs: number): number {
  return Math.max(0, Math.ceil(dueMs) - Math.floor(os.now()));
}
