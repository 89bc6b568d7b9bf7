import { describe, expect, test } from 'vitest';
import { NO_RETRY, type Retry, retryAfter, retryNotice } from '../../agent/core/backoff.ts';
import type { Failure, FailureKind } from '../../agent/core/failure.ts';

const NOW_MS = 5_000_000;
const BUSY_WAIT_MS = 1_800_000;

function failure(kind: FailureKind, more: Partial<Failure> = {}): Failure {
  return { kind, scope: 'provider', code: 'x/X', sentence: 'It failed.', ...more };
}

/** Waits in seconds after 1, 2, 3, ... failures in a row. */
function waitsSec(one: Failure, count: number, random: number, busyWaitMs = BUSY_WAIT_MS): number[] {
  let retry: Retry = NO_RETRY;
  return Array.from({ length: count }, () => {
    retry = retryAfter(retry, one, NOW_MS, random, busyWaitMs) ?? retry;
    return Math.round((retry.notBeforeMs - NOW_MS) / 1000);
  });
}

describe('the ladder of', () => {
  test.each<[FailureKind, Partial<Failure>, number[], number]>([
    ['unreachable', {}, [5, 80, 1260], 1260],
    ['offline', {}, [5, 10, 20, 40, 60], 60],
    ['unconfirmed', {}, [5, 80, 1260], 1260],
    ['throttled', {}, [660, 1320, 2640], 23_760],
    ['busy', {}, [1980, 3960, 7920], 23_760],
    ['busy', { scope: 'attempt' }, [750, 1500, 1500], 1500],
    ['unintelligible', {}, [60, 120, 240], 21_600],
    ['defect', {}, [3600, 7200, 14_400], 86_400],
  ])('%s %o begins %j seconds and ends at %d', (kind, more, first, last) => {
    const waits = waitsSec(failure(kind, more), 30, 0.5);

    expect(waits.slice(0, first.length)).toEqual(first);
    expect(waits.at(-1)).toBe(last);
  });

  test.each<FailureKind>(['credential', 'refused'])('%s has no step', (kind) => {
    expect(
      retryAfter(NO_RETRY, failure(kind, { retryAfterMs: 1000 }), NOW_MS, 0.5, BUSY_WAIT_MS),
    ).toBeUndefined();
  });
});

describe('a failure of another kind', () => {
  test.each<[string, FailureKind, number, Failure, number]>([
    ['goes on where the wait was', 'unreachable', 40, failure('busy', { scope: 'attempt' }), 600],
    ['begins its own ladder where that is longer', 'unreachable', 1, failure('unintelligible'), 60],
    ['is not asked for sooner', 'throttled', 3, failure('unreachable'), 1260],
    ['nor after a single one', 'throttled', 1, failure('unreachable'), 1260],
    ['takes the next longer step, never the one before', 'throttled', 3, failure('unintelligible'), 3840],
    ['may be as long as the last one', 'offline', 100, failure('unintelligible'), 60],
    ['does not count while the line was down', 'offline', 100, failure('unreachable'), 80],
    ['ends a long wait when nothing leaves the router any more', 'unreachable', 5, failure('offline'), 60],
  ])('%s: %s, %d times', (_, first, times, then, expectedSec) => {
    let retry: Retry = NO_RETRY;
    for (let count = 0; count < times; count++) {
      retry = retryAfter(retry, failure(first), NOW_MS, 0.5, BUSY_WAIT_MS) ?? retry;
    }

    const next = retryAfter(retry, then, NOW_MS, then.kind === 'busy' ? 0 : 0.5, BUSY_WAIT_MS);

    expect(((next?.notBeforeMs ?? 0) - NOW_MS) / 1000).toBe(expectedSec);
  });
});

test('a failure that has cost no step counts for none', () => {
  const told: Retry = { ...NO_RETRY, failure: failure('defect') };

  expect(retryAfter(told, failure('unreachable'), NOW_MS, 0.5, BUSY_WAIT_MS)?.notBeforeMs).toBe(
    NOW_MS + 5000,
  );
});

test('a wait ends at a whole millisecond, never before its time', () => {
  const update = retryAfter(NO_RETRY, failure('unreachable'), NOW_MS, 0.12345, BUSY_WAIT_MS);
  const notice = retryNotice(NO_RETRY, failure('unreachable'), NOW_MS, 0.12345);

  expect([update?.notBeforeMs, notice.notBeforeMs]).toEqual([NOW_MS + 4436, NOW_MS + 18_704]);
});

describe('jitter', () => {
  test.each<[FailureKind, number, number]>([
    ['unreachable', 4.25, 5.75],
    ['offline', 4.25, 5.75],
    ['unintelligible', 30, 90],
    // A wait that was demanded never shrinks.
    ['throttled', 600, 720],
    ['busy', 1800, 2160],
  ])('%s waits from %d to %d seconds', (kind, leastSec, mostSec) => {
    const waitSec = (random: number) =>
      ((retryAfter(NO_RETRY, failure(kind), NOW_MS, random, BUSY_WAIT_MS)?.notBeforeMs ?? 0) - NOW_MS) / 1000;

    expect(waitSec(0)).toBe(leastSec);
    expect(waitSec(0.999_999)).toBeCloseTo(mostSec, 0);
  });
});

describe('a wait that the provider names', () => {
  test.each<[string, FailureKind, number, number[]]>([
    ['counts as it stands, each time', 'throttled', 7_200_000, [7200, 7200, 7200]],
    ['goes before the usual one', 'busy', 120_000, [120, 120, 120]],
    ['of no length is not obeyed to the letter', 'throttled', 0, [5, 10, 20]],
    ['of a second grows', 'throttled', 1000, [5, 10, 20]],
  ])('%s', (_, kind, retryAfterMs, expected) => {
    expect(waitsSec(failure(kind, { retryAfterMs }), 3, 0)).toEqual(expected);
  });

  test('of a second grows to ten minutes', () => {
    expect(waitsSec(failure('throttled', { retryAfterMs: 1000 }), 40, 0).at(-1)).toBe(600);
  });

  test('means nothing for what was our own fault', () => {
    expect(waitsSec(failure('unreachable', { retryAfterMs: 7_200_000 }), 1, 0.5)).toEqual([5]);
  });
});

test('the rest that a provider asks for counts from a minute on, and may be longer than the longest step', () => {
  expect(waitsSec(failure('busy'), 3, 0, 0)).toEqual([60, 120, 240]);
  expect(waitsSec(failure('busy'), 3, 0, 40_000_000)).toEqual([40_000, 40_000, 40_000]);
});

test('the failure is kept, for people to read', () => {
  const one = failure('busy');

  expect(retryAfter({ failures: 2, notBeforeMs: 0 }, one, NOW_MS, 0, BUSY_WAIT_MS)).toMatchObject({
    failures: 3,
    failure: one,
  });
});
