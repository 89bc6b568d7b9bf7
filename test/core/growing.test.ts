/** A wait that grows step by step, and how far two moments are apart: arithmetic that a small router can afford. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { apartMs } from '../../agent/core/apart.ts';
import { growing } from '../../agent/core/growing.ts';

test.each([
  { name: 'not grown yet', firstMs: 5000, factor: 16, times: 0, maxMs: 60_000, ms: 5000 },
  { name: 'once', firstMs: 1000, factor: 16, times: 1, maxMs: 60_000, ms: 16_000 },
  { name: 'three times', firstMs: 1000, factor: 2, times: 3, maxMs: 60_000, ms: 8000 },
  { name: 'beyond the end', firstMs: 1000, factor: 2, times: 6, maxMs: 60_000, ms: 60_000 },
  { name: 'a first wait beyond the end', firstMs: 90_000, factor: 2, times: 0, maxMs: 60_000, ms: 60_000 },
  { name: 'no wait stays none', firstMs: 0, factor: 2, times: 9, maxMs: 60_000, ms: 0 },
  { name: 'fewer times than none', firstMs: 2000, factor: 2, times: -1, maxMs: 60_000, ms: 2000 },
])('$name', ({ firstMs, factor, times, maxMs, ms }) => {
  expect(growing(firstMs, factor, times, maxMs)).toBe(ms);
});

test('a damaged count of failures ends at the longest wait, and soon', () => {
  expect(growing(1000, 2, Number.MAX_SAFE_INTEGER, 300_000)).toBe(300_000);
});

test('it is a power', () => {
  const whole = (max: number) => fc.integer({ min: 1, max });

  fc.assert(
    fc.property(
      whole(600_000),
      fc.constantFrom(2, 16),
      whole(20),
      whole(90_000_000),
      (first, factor, times, max) => {
        expect(growing(first, factor, times, max)).toBe(Math.min(first * factor ** times, max));
      },
    ),
  );
});

test.each([
  [5, 3, 2],
  [3, 5, 2],
  [-4, 4, 8],
  [7, 7, 0],
])('%d and %d are %d apart', (one, other, apart) => {
  expect(apartMs(one, other)).toBe(apart);
});
