/** How soon a name is checked again: spread over time, and never more often than caches can have news. */
import { expect, test } from 'vitest';
import { pauseMs } from '../../agent/core/pace.ts';
import { NOW } from './agent-state.ts';

const CHECK = { count: 9, nextMs: 0, pending: false };

test.each<{ isWatchful: boolean; random: number; ttlSec?: number; sec: number }>([
  { isWatchful: false, random: 0, sec: 3240 },
  { isWatchful: false, random: 0.5, sec: 3600 },
  { isWatchful: false, random: 1, sec: 3960 },
  { isWatchful: true, random: 0, sec: 240 },
  { isWatchful: true, random: 0.5, sec: 300 },
  { isWatchful: true, random: 1, sec: 360 },
  // Half the lifetime of the record, where that is longer.
  { isWatchful: true, random: 0, ttlSec: 480, sec: 240 },
  { isWatchful: true, random: 0, ttlSec: 600, sec: 300 },
  { isWatchful: false, random: 0, ttlSec: 600, sec: 3240 },
  // But never longer than an hour for that.
  { isWatchful: true, random: 0, ttlSec: 7200, sec: 3600 },
  { isWatchful: true, random: 0, ttlSec: 86_400, sec: 3600 },
])('watchful: $isWatchful, TTL $ttlSec, chance $random: $sec s', ({ isWatchful, random, ttlSec, sec }) => {
  const check = { ...CHECK, ...(ttlSec !== undefined && { ttlSec }) };

  expect(pauseMs({ ...NOW, random }, check, isWatchful) / 1000).toBeCloseTo(sec);
});
