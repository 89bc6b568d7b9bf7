import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { noteSent, QUIET } from '../../agent/core/holddown.ts';

const MINUTE_MS = 60_000;

/** Gaps in seconds after updates at these seconds. */
function gapsSec(atSec: readonly number[], baseMs = 10_000): number[] {
  let hold = QUIET;
  return atSec.map((sec) => {
    hold = noteSent(hold, sec * 1000, baseMs);
    return (hold.notBeforeMs - sec * 1000) / 1000;
  });
}

describe('updates at these seconds leave these gaps behind them', () => {
  test.each<{ name: string; atSec: number[]; gaps: number[]; baseMs?: number }>([
    { name: 'one', atSec: [0], gaps: [10] },
    {
      name: 'as fast as may be',
      atSec: [0, 10, 30, 70, 150, 310, 610, 910],
      gaps: [10, 20, 40, 80, 160, 300, 300, 300],
    },
    { name: 'after ten quiet minutes', atSec: [0, 10, 610], gaps: [10, 20, 10] },
    { name: 'not quite ten minutes', atSec: [0, 10, 609], gaps: [10, 20, 40] },
    { name: 'with another base', atSec: [0, 1, 3], gaps: [1, 2, 4], baseMs: 1000 },
    { name: 'with the largest base', atSec: [0, 300, 600], gaps: [300, 300, 300], baseMs: 300_000 },
  ])('$name', ({ atSec, gaps, baseMs }) => {
    expect(gapsSec(atSec, baseMs)).toEqual(gaps);
  });
});

test('whatever flaps, an hour has few updates, and no gap is longer than five minutes', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2000 }), { maxLength: 2000 }), (pausesMs) => {
      let hold = QUIET;
      let nowMs = 0;
      let sent = 0;
      for (const pauseMs of pausesMs) {
        nowMs += pauseMs;
        if (nowMs >= hold.notBeforeMs && nowMs < 60 * MINUTE_MS) {
          hold = noteSent(hold, nowMs, 10_000);
          sent += 1;
          expect(hold.notBeforeMs - nowMs).toBeLessThanOrEqual(5 * MINUTE_MS);
        }
      }

      expect(sent).toBeLessThanOrEqual(17);
    }),
  );
});
