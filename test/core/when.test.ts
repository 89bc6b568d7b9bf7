import { expect, test } from 'vitest';
import { durationText, momentText, sinceText } from '../../agent/core/when.ts';

test.each<[number, string | undefined]>([
  [Date.UTC(2026, 5, 30, 14, 5), '30 June, 14:05 UTC'],
  [Date.UTC(2026, 0, 1, 0, 0), '1 January, 00:00 UTC'],
  [Date.UTC(2026, 11, 31, 23, 59, 59), '31 December, 23:59 UTC'],
  // A router that has just booted, or whose clock stands at the date of its firmware: nobody knows.
  [60_000, undefined],
  [Date.UTC(2025, 0, 1) - 1, undefined],
  [Date.UTC(2025, 0, 1), '1 January, 00:00 UTC'],
])('%d is %s', (wallMs, text) => {
  expect(momentText(wallMs)).toBe(text);
});

test.each<[number, string]>([
  [0, '1 minute'],
  [89_000, '1 minute'],
  [5 * 60_000, '5 minutes'],
  [3_600_000, '1 hour'],
  [3_660_000, '1 hour 1 minute'],
  [50 * 3_600_000, '2 days 2 hours'],
  [(50 * 60 + 7) * 60_000, '2 days 2 hours'],
  [24 * 3_600_000 + 5 * 60_000, '1 day 5 minutes'],
])('%d ms are %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

test('a sentence has the moment only where it is known', () => {
  expect(sinceText('It is gone.', Date.UTC(2026, 5, 30, 14, 5))).toBe(
    'It is gone. Seen since 30 June, 14:05 UTC.',
  );
  expect(sinceText('It is gone.', 0)).toBe('It is gone.');
});
