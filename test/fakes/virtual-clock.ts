/** A clock that stands still until a test moves it. */
import type { Clock, Stop } from '../../agent/ports.ts';

export interface VirtualClock extends Clock {
  /** Moves time on; due timers run in order of time, then of creation, and promises settle between them. */
  advance(durationMs: number): Promise<void>;
  /** Lets promises settle without moving time. */
  settle(): Promise<void>;
  /** How many timers wait. */
  pending(): number;
}

interface Timer {
  dueMs: number;
  run: () => void;
}

/** `monotonicMs` starts at `startMs`; the wall clock runs along with it from `epochMs`. */
export function virtualClock(startMs = 0, epochMs = Date.UTC(2026, 0, 1)): VirtualClock {
  let nowMs = startMs;
  const timers = new Set<Timer>();

  async function settle(): Promise<void> {
    // The queue of promises is emptied before the next turn of Node's event loop.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  function nextDue(untilMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of timers) {
      if (timer.dueMs <= untilMs && (next === undefined || timer.dueMs < next.dueMs)) {
        next = timer;
      }
    }
    return next;
  }

  async function advance(durationMs: number): Promise<void> {
    const untilMs = nowMs + durationMs;
    await settle();
    for (let timer = nextDue(untilMs); timer; timer = nextDue(untilMs)) {
      timers.delete(timer);
      nowMs = Math.max(nowMs, timer.dueMs);
      timer.run();
      await settle();
    }
    nowMs = untilMs;
  }

  function after(delayMs: number, run: () => void): Stop {
    const timer = { dueMs: nowMs + Math.max(0, delayMs), run };
    timers.add(timer);
    return () => {
      timers.delete(timer);
    };
  }

  return {
    nowMs: () => epochMs + nowMs - startMs,
    monotonicMs: () => nowMs,
    after,
    advance,
    settle,
    pending: () => timers.size,
  };
}
