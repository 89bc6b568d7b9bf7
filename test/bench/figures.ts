/** What many measurements of one thing come to. */

export interface Spread {
  count: number;
  least: number;
  /** First quartile. */
  low: number;
  median: number;
  /** Third quartile. */
  high: number;
  /** 99 of 100 are not above it; of few measurements it is the largest. */
  p99: number;
  most: number;
}

/** Undefined for no values at all. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const least = sorted[0];
  const most = sorted.at(-1);
  return least === undefined || most === undefined
    ? undefined
    : {
        ...{ count: sorted.length, least, most },
        low: quantile(sorted, 0.25),
        median: quantile(sorted, 0.5),
        high: quantile(sorted, 0.75),
        p99: sorted[Math.min(sorted.length - 1, Math.ceil(0.99 * sorted.length) - 1)] ?? most,
      };
}

/** Between two values the line between them counts (method 7 of Hyndman and Fan, 1996). */
function quantile(sorted: readonly number[], part: number): number {
  const place = (sorted.length - 1) * part;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? below;
  return below + (above - below) * (place - Math.floor(place));
}

/** The ratios of two measurements of the same round; rounds that lack one are left out. */
export function pairedRatios(
  of: readonly (number | undefined)[],
  to: readonly (number | undefined)[],
): number[] {
  return of.flatMap((value, round) => {
    const other = to[round];
    return value === undefined || other === undefined || other <= 0 ? [] : [value / other];
  });
}
