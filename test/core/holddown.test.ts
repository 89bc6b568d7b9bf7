import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { noteSent, QUIET, rebased } from '../../agent/core/holddown.ts';

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

describe('another base', () => {
  const twice = noteSent(noteSent(QUIET, 0, 10_000), 10_000, 10_000);

  test.each([
    { name: 'that is shorter counts at once', baseMs: 1000, notBeforeMs: 12_000 },
    { name: 'that is the same changes nothing', baseMs: 10_000, notBeforeMs: 30_000 },
    { name: 'that is longer counts from the next update on', baseMs: 60_000, notBeforeMs: 30_000 },
  ])('$name', ({ baseMs, notBeforeMs }) => {
    expect(rebased(twice, baseMs)).toEqual({ level: 1, lastSentMs: 10_000, notBeforeMs });
  });

  test('makes no wait where nothing was sent', () => {
    expect(rebased(QUIET, 60_000)).toEqual(QUIET);
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
