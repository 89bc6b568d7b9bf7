/** The time of the test world: real, accelerated, or given by the caller. */
export interface WorldClock {
  /** Milliseconds since 1970 in the time of the world. */
  nowMs(): number;
  /** Lets time pass at once; records age, blocks and caches with it. */
  advance(deltaMs: number): void;
}

export function createClock(options: { nowMs?: () => number; timeScale?: number }): WorldClock {
  const sourceMs = options.nowMs ?? Date.now;
  const scale = options.timeScale ?? 1;
  const startMs = sourceMs();
  let advancedMs = 0;
  return {
    nowMs: () => startMs + (sourceMs() - startMs) * scale + advancedMs,
    advance(deltaMs) {
      advancedMs += deltaMs;
    },
  };
}
