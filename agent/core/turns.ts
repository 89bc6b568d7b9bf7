/** Whose turn it is when more lanes have something to say than may speak at once. */
import { type Draft, wakeAt } from './draft.ts';
import type { AgentState } from './state.ts';

/**
 * Each attempt under way holds a TLS session, on QuickJS a process: fifty at once are more than the 16 MB heap of
 * Node on a router, and as many runs of curl end in time-outs. With more than ten a processor is busy anyway.
 */
const MOST_AT_ONCE = 10;
/** An attempt that lasts longer waits for somebody else, who must not keep the other lanes waiting. */
const SLOW_AFTER_MS = 6_000;

/** Of the lanes that could send now those that may: who has waited longest first, where not all may. */
export function takeTurns<T>(draft: Draft, ready: ReadonlyMap<string, T>): [lane: string, what: T][] {
  const { state, now } = draft;
  const begun = Object.values(state.lanes).flatMap(({ attempt, sentMs = 0 }) =>
    attempt && now.ms - sentMs < SLOW_AFTER_MS ? sentMs : [],
  );
  const free = MOST_AT_ONCE - begun.length;
  if (ready.size <= free) {
    return [...ready];
  }
  wakeAt(draft, Math.min(now.ms, ...begun) + SLOW_AFTER_MS);
  return [...ready]
    .sort(([one], [other]) => lastSentMs(state, one) - lastSentMs(state, other))
    .slice(0, Math.max(0, free));
}

function lastSentMs({ lanes }: AgentState, lane: string): number {
  return lanes[lane]?.sentMs ?? 0;
}
