/** What is signed carries the time, so a router whose clock is not set signs nothing. */
import type { Failure } from '../../core/failure.ts';
import { replyFailure } from '../reply.ts';

/** A router without a battery starts in 1970, or at the date of its firmware. */
const CLOCK_IS_SET_FROM_MS = Date.UTC(2025, 0, 1);

/** A wrong time would only be refused, and look like a wrong key. */
export function clockFault(nowMs: number): Failure | undefined {
  if (nowMs >= CLOCK_IS_SET_FROM_MS) {
    return undefined;
  }
  const sentence =
    'The clock of the router is not set yet, and the update is signed with the time. Nothing to do; Holdfast goes on when NTP has set it.';
  return replyFailure('signing/CLOCK', 'unreachable', 'attempt', sentence, '');
}
