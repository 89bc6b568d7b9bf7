/** Spacing of updates while a WAN flaps: at once after quiet, then 10 s doubling to 5 min. */
import { growing } from './growing.ts';

export interface HoldDown {
  /** Updates since the last quiet time. */
  level: number;
  lastSentMs?: number;
  notBeforeMs: number;
}

export const QUIET: HoldDown = { level: 0, notBeforeMs: 0 };

const MAX_GAP_MS = 5 * 60 * 1000;
/** Longer than the longest gap, or a WAN that flaps without end would be taken for quiet. */
const QUIET_MS = 2 * MAX_GAP_MS;

/** Notes an update that a change has caused; after a quiet time the distance begins small again. */
export function noteSent(hold: HoldDown, nowMs: number, baseMs: number): HoldDown {
  const quiet = hold.lastSentMs === undefined || nowMs - hold.lastSentMs >= QUIET_MS;
  const level = quiet ? 0 : hold.level + 1;
  return { level, lastSentMs: nowMs, notBeforeMs: nowMs + gapMs(level, baseMs) };
}

/** The same wait under another base: a shorter one counts at once, a longer one from the next update on. */
export function rebased(hold: HoldDown, baseMs: number): HoldDown {
  const { level, lastSentMs, notBeforeMs } = hold;
  return lastSentMs === undefined
    ? hold
    : { ...hold, notBeforeMs: Math.min(notBeforeMs, lastSentMs + gapMs(level, baseMs)) };
}

function gapMs(level: number, baseMs: number): number {
  return growing(baseMs, 2, level, MAX_GAP_MS);
}
