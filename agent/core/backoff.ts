/** The only place that decides when, if ever, to try again. */
import type { Failure, FailureKind } from './failure.ts';
import { growing } from './growing.ts';

/** How far one thing has failed, and the earliest moment of the next attempt (monotonic ms). */
export interface Retry {
  /** Steps taken on the ladder of its waits; 0 when nothing has failed. */
  failures: number;
  notBeforeMs: number;
  failure?: Failure;
}

export const NO_RETRY: Retry = { failures: 0, notBeforeMs: 0 };

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

interface Ladder {
  firstMs: number;
  factor: number;
  maxMs: number;
  /** Part of the wait by which it may be shorter or longer. */
  jitter: number;
}

/**
 * kind            waits                    reason
 * unreachable     5 s, 80 s, then 21 min   a glitch is over at once, an outage is not: all routers of a
 *                                          provider ask again and again, and keep it down if they ask often
 *                                          (test/fleet); a new address or a set clock ends the wait
 * offline         5, 10, 20, 40 s, then    no name server answers, no route: that costs the provider nothing, and a
 *                 1 min                    modem takes minutes to be ready after the WAN is up; a name that nobody can look
 *                                          up while checks hear other servers is `unreachable` (core/outcomes.ts)
 * unconfirmed     as unreachable           may have been applied: the repetition counts as `nochg` there
 * throttled       10 min to 6 h            floor where the provider names no time of its own
 * busy            5 to 20 min, then 10 to  a fault inside the provider, mostly overload: whoever is turned away
 *                 40 min                   comes back when the rush is over, and not with the others
 * busy, declared  30 min to 6 h            911: not before the time that the provider wants
 * unintelligible  1 min to 6 h             a captive portal goes away by itself, so never a final stop
 * defect          1 h to 24 h              our bug: it will most likely happen again
 * credential, refused                      blocked until the configuration changes or the operator asks
 *
 * A wait that was demanded only grows by its jitter.
 */
const LADDERS: Record<Exclude<FailureKind, 'credential' | 'refused'>, Ladder> = {
  unreachable: { firstMs: 5 * SECOND_MS, factor: 16, maxMs: 21 * MINUTE_MS, jitter: 0.15 },
  offline: { firstMs: 5 * SECOND_MS, factor: 2, maxMs: MINUTE_MS, jitter: 0.15 },
  unconfirmed: { firstMs: 5 * SECOND_MS, factor: 16, maxMs: 21 * MINUTE_MS, jitter: 0.15 },
  throttled: { firstMs: 10 * MINUTE_MS, factor: 2, maxMs: 6 * HOUR_MS, jitter: 0.2 },
  busy: { firstMs: 5 * MINUTE_MS, factor: 2, maxMs: 10 * MINUTE_MS, jitter: 3 },
  unintelligible: { firstMs: MINUTE_MS, factor: 2, maxMs: 6 * HOUR_MS, jitter: 0.5 },
  defect: { firstMs: HOUR_MS, factor: 2, maxMs: 24 * HOUR_MS, jitter: 0.5 },
};

/** A wait that the provider names is that for all who heard it: they must not come back in one second. */
const NAMED_JITTER = 0.2;

/** `undefined` means: blocked, no attempt by itself. */
export function retryAfter(
  previous: Retry,
  failure: Failure,
  nowMs: number,
  random: number,
  busyWaitMs: number,
): Retry | undefined {
  const ladder = ladderOf(failure, busyWaitMs);
  if (!ladder) {
    return undefined;
  }
  const level = levelOf(previous, ladder, busyWaitMs);
  const waitMs = waitOf(ladder, level);
  const { kind, retryAfterMs } = failure;
  const delayMs =
    kind === 'throttled' || kind === 'busy'
      ? retryAfterMs === undefined
        ? waitMs * (1 + random * ladder.jitter)
        : namedWait(retryAfterMs, level) * (1 + random * NAMED_JITTER)
      : waitMs * (1 - ladder.jitter + 2 * ladder.jitter * random);
  return { failures: level + 1, notBeforeMs: nowMs + Math.ceil(delayMs), failure };
}

function ladderOf({ kind, scope }: Failure, busyWaitMs: number): Ladder | undefined {
  if (kind === 'credential' || kind === 'refused') {
    return undefined;
  }
  if (kind === 'busy' && scope !== 'attempt') {
    const firstMs = Math.max(busyWaitMs, MINUTE_MS);
    return { firstMs, factor: 2, maxMs: Math.max(firstMs, 6 * HOUR_MS), jitter: NAMED_JITTER };
  }
  return LADDERS[kind];
}

function waitOf({ firstMs, factor, maxMs }: Ladder, level: number): number {
  return growing(firstMs, factor, level, maxMs);
}

/**
 * Where this ladder is entered. After a failure of another kind not by the number of failures but where the
 * wait is as long as the last one: an hour of silence and then one 503 is not the tenth 503.
 */
function levelOf(previous: Retry, ladder: Ladder, busyWaitMs: number): number {
  const before = previous.failure && ladderOf(previous.failure, busyWaitMs);
  if (!before || (before.firstMs === ladder.firstMs && before.maxMs === ladder.maxMs)) {
    return previous.failures;
  }
  const lastMs = previous.failures === 0 ? 0 : waitOf(before, previous.failures - 1);
  let level = 0;
  for (let ms = ladder.firstMs; ms < lastMs; ms *= ladder.factor) {
    level += 1;
  }
  return level;
}

/** Obeyed as it stands; but who says "wait a second" again and again is not asked each second. */
function namedWait(retryAfterMs: number, level: number): number {
  return Math.max(retryAfterMs, growing(5 * SECOND_MS, 2, level, 10 * MINUTE_MS));
}

/** Messages to people: nobody is helped by one try a second, and after some hours one hour does not matter. */
const NOTICES: Ladder = { firstMs: 30 * SECOND_MS, factor: 2, maxMs: HOUR_MS, jitter: 0.5 };

/** The next try to tell people; it may be demanded later, never sooner. */
export function retryNotice({ failures }: Retry, failure: Failure, nowMs: number, random: number): Retry {
  const delayMs = waitOf(NOTICES, failures) * (1 - NOTICES.jitter + 2 * NOTICES.jitter * random);
  const notBeforeMs = nowMs + Math.ceil(Math.max(delayMs, failure.retryAfterMs ?? 0));
  return { failures: failures + 1, notBeforeMs, failure };
}
