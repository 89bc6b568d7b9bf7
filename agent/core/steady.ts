/**
 * What flaps is not told each time: every state of it once, and when it is steady again the last one with how
 * often it changed. A storm of notifications (netifd and odhcp6c send dozens a second) would else fill the log
 * and push everything out of the list of events.
 */
import type { Family } from './address.ts';
import { type Draft, wakeAt } from './draft.ts';
import type { AgentState, Burst } from './state.ts';

/** What has not changed for so long is steady. */
const STEADY_MS = 10_000;
/** What never gets steady is told of from time to time. */
const MAX_HELD_MS = 300_000;
/** Different states that are told at once; more of them are no news any more. */
const MAX_TOLD = 4;

export interface Steady {
  host: string;
  family: Family;
  changes: number;
  forMs: number;
  /** It goes on, and is only told of. */
  isFlapping: boolean;
}

/** Notes a change, after which it is `name`; is that to be told at once? */
export function noteChange({ state, now }: Draft, host: string, family: Family, name: string): boolean {
  const key = `${family} ${host}`;
  const before = state.bursts[key];
  const isGoingOn = before !== undefined && (before.isHeld || now.ms - before.lastMs < STEADY_MS);
  const burst: Burst = isGoingOn
    ? before
    : { host, family, told: [], changes: 0, sinceMs: now.ms, lastMs: now.ms, isHeld: false };
  const isNew = burst.told.length < MAX_TOLD && !burst.told.includes(name);
  state.bursts[key] = {
    ...burst,
    told: isNew ? [...burst.told, name] : burst.told,
    changes: burst.changes + 1,
    lastMs: now.ms,
    isHeld: !isNew,
  };
  return isNew;
}

/** What was held back and can be told now. */
export function takeSteady(draft: Draft): Steady[] {
  const { state, now } = draft;
  return Object.entries(state.bursts).flatMap(([key, burst]) => {
    const { host, family, changes, sinceMs, lastMs } = burst;
    const isFlapping = now.ms < lastMs + STEADY_MS;
    if (!burst.isHeld || (isFlapping && now.ms < sinceMs + MAX_HELD_MS)) {
      if (burst.isHeld) {
        wakeAt(draft, Math.min(lastMs + STEADY_MS, sinceMs + MAX_HELD_MS));
      } else if (!isFlapping) {
        delete state.bursts[key];
      }
      return [];
    }
    if (isFlapping) {
      state.bursts[key] = { ...burst, changes: 0, sinceMs: now.ms };
      wakeAt(draft, lastMs + STEADY_MS);
    } else {
      delete state.bursts[key];
    }
    return { host, family, changes, forMs: lastMs - sinceMs, isFlapping };
  });
}

/** Is something still to be told? */
export function isHolding({ bursts }: AgentState): boolean {
  return Object.values(bursts).some(({ isHeld }) => isHeld);
}
