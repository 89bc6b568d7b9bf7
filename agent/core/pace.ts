/** How long until a name is checked again, once the first round after an update is over. */
import type { CheckState, Now } from './state.ts';

const HOURLY_MS = 3_600_000;
/** While something is wrong, or may be: people wait for the all-clear. */
const WATCHFUL_MS = 300_000;
/** The TTL of others may be a day, and then half of it would hide for how long they have a zone. */
const MAX_TTL_SEC = 7_200;

/** Never more often than half the lifetime of the record: caches would only repeat what they said. */
export function pauseMs({ random }: Now, { ttlSec = 0 }: CheckState, isWatchful: boolean): number {
  const paceMs = isWatchful ? WATCHFUL_MS * (0.8 + random * 0.4) : HOURLY_MS * (0.9 + random / 5);
  return Math.max(paceMs, Math.min(ttlSec, MAX_TTL_SEC) * 500);
}
