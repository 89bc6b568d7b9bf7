/** Writes one thing at a time; of what comes meanwhile only the latest is written next. */
import type { Clock } from '../ports.ts';

export interface LatestWriter<T> {
  put(value: T): void;
  /** Resolves when nothing is left to write; nothing is waited for any more. */
  flush(): Promise<void>;
}

/**
 * With many hostnames a write is long, and each reply would bring one: so after a write the next has a pause in
 * proportion, but not so long that people or a power cut find an old state. The first one is never late.
 */
const PAUSE_FACTOR = 10;
/** With a few hostnames writing is quick, and nobody waits. */
const QUICK_MS = 20;
const MAX_PAUSE_MS = 1_000;

/** `write` must not throw. */
export function latestWriter<T>(
  write: (value: T) => Promise<void>,
  clock: Pick<Clock, 'monotonicMs' | 'after'>,
): LatestWriter<T> {
  let next: { value: T } | undefined;
  let busy: Promise<void> | undefined;
  let restUntilMs = 0;
  let isHasty = false;
  let endRest: () => void = () => {};

  async function drain(): Promise<void> {
    while (next) {
      const pauseMs = restUntilMs - clock.monotonicMs();
      if (pauseMs > 0 && !isHasty) {
        await rest(pauseMs);
      }
      const { value } = next;
      next = undefined;
      const beganMs = clock.monotonicMs();
      await write(value);
      const endedMs = clock.monotonicMs();
      restUntilMs = endedMs + pauseAfter(endedMs - beganMs);
    }
  }

  function rest(pauseMs: number): Promise<void> {
    return new Promise((resolve) => {
      const disarm = clock.after(pauseMs, resolve);
      endRest = () => {
        disarm();
        resolve();
      };
    });
  }

  return {
    put(value) {
      next = { value };
      busy ??= drain().finally(() => {
        busy = undefined;
      });
    },
    async flush() {
      isHasty = true;
      endRest();
      await busy;
      isHasty = false;
    },
  };
}

function pauseAfter(tookMs: number): number {
  return Math.min(PAUSE_FACTOR * Math.max(0, tookMs - QUICK_MS), MAX_PAUSE_MS);
}
