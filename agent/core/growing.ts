/** How often a wait may grow: any that matters has reached its end by then. */
const MOST_TIMES = 20;

/**
 * `firstMs` multiplied by `factor` so many times, `maxMs` at most. No power and no logarithm: on QuickJS the first
 * one brings 0.2 MB of mathematics into the process for good.
 */
export function growing(firstMs: number, factor: number, times: number, maxMs: number): number {
  let ms = firstMs;
  for (let left = Math.min(times, MOST_TIMES); left > 0 && ms < maxMs; left -= 1) {
    ms *= factor;
  }
  return Math.min(ms, maxMs);
}
