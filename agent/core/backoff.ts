/** The only place that decides when, if ever, to try again. */
import type { Failure, FailureKind } from './failure.ts';

/** Consecutive failures of one thing, and the earliest moment of the next attempt (monotonic ms). */
export interface Retry {
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
  maxMs: number;
}

/**
 * kind            first   max     reason
 * unreachable     5 s     10 min  nothing reached the provider; a new address or a set clock ends the wait
 * unconfirmed     5 s     30 min  may have been applied: the repetition counts as `nochg` there
 * throttled       10 min  6 h     floor where the provider names no time of its own
 * busy            2 min   6 h     a fault the provider declares itself (911): not before its own time, 30 min
 * unintelligible  1 min   6 h     a captive portal goes away by itself, so never a final stop
 * defect          1 h     24 h    our bug: it will most likely happen again
 * credential, refused             blocked until the configuration changes or the operator asks
 */
const LADDERS: Record<Exclude<FailureKind, 'credential' | 'refused'>, Ladder> = {
  unreachable: { firstMs: 5 * SECOND_MS, maxMs: 10 * MINUTE_MS },
  unconfirmed: { firstMs: 5 * SECOND_MS, maxMs: 30 * MINUTE_MS },
  throttled: { firstMs: 10 * MINUTE_MS, maxMs: 6 * HOUR_MS },
  busy: { firstMs: 2 * MINUTE_MS, maxMs: 6 * HOUR_MS },
  unintelligible: { firstMs: MINUTE_MS, maxMs: 6 * HOUR_MS },
  defect: { firstMs: HOUR_MS, maxMs: 24 * HOUR_MS },
};

/** `undefined` means: blocked, no attempt by itself. */
export function retryAfter(
  previous: Retry,
  failure: Failure,
  nowMs: number,
  random: number,
  busyWaitMs: number,
): Retry | undefined {
  if (failure.kind === 'credential' || failure.kind === 'refused') {
    return undefined;
  }
  const ladder = LADDERS[failure.kind];
  const declared = failure.kind === 'busy' && failure.scope !== 'attempt';
  const firstMs = declared ? Math.max(busyWaitMs, MINUTE_MS) : ladder.firstMs;
  const grown = Math.min(firstMs * 2 ** Math.min(previous.failures, 20), Math.max(ladder.maxMs, firstMs));
  const waitMs = failure.retryAfterMs === undefined ? grown : namedWait(failure.retryAfterMs, previous);
  const delayMs =
    failure.kind === 'throttled' || failure.kind === 'busy'
      ? // Never early: a wait that was demanded only grows, by up to a fifth, so that a fleet spreads out.
        waitMs * (1 + random / 5)
      : grown * (0.5 + random);
  return { failures: previous.failures + 1, notBeforeMs: nowMs + Math.ceil(delayMs), failure };
}

/** Obeyed as it stands; but who says "wait a second" again and again is not asked each second. */
function namedWait(retryAfterMs: number, { failures }: Retry): number {
  const { firstMs, maxMs } = LADDERS.unreachable;
  return Math.max(retryAfterMs, Math.min(firstMs * 2 ** Math.min(failures, 20), maxMs));
}
