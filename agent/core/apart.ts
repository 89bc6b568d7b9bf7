/** How long two moments are apart. Not by Math.abs: on QuickJS its first use keeps 64 KB of mathematics in memory. */
export function apartMs(oneMs: number, otherMs: number): number {
  return oneMs < otherMs ? otherMs - oneMs : oneMs - otherMs;
}
