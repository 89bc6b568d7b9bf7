/** Moments and lengths of time for people. */

/** A wall clock before this was never set: routers without a battery boot in 1970. */
export const CLOCK_SET_MS = Date.UTC(2025, 0, 1);

const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
];
const MINUTE_MS = 60_000;
const UNITS = [
  ['day', 1440],
  ['hour', 60],
  ['minute', 1],
] as const;

/** `30 June, 14:05 UTC`: no runtime knows the time zone of the reader. Undefined while the clock was not set. */
export function momentText(wallMs: number): string | undefined {
  if (wallMs < CLOCK_SET_MS) {
    return undefined;
  }
  const at = new Date(wallMs);
  const time = at.toISOString().slice(11, 16);
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}, ${time} UTC`;
}

/** The two largest parts: `2 days 3 hours`, `5 minutes`. */
export function durationText(ms: number): string {
  let minutes = Math.max(1, Math.round(ms / MINUTE_MS));
  const parts: string[] = [];
  for (const [unit, length] of UNITS) {
    const count = Math.floor(minutes / length);
    minutes -= count * length;
    if (count > 0) {
      parts.push(`${count} ${unit}${count === 1 ? '' : 's'}`);
    }
  }
  return parts.slice(0, 2).join(' ');
}

/** The sentence with the moment that it is true since. */
export function sinceText(sentence: string, sinceWallMs: number): string {
  const moment = momentText(sinceWallMs);
  return moment === undefined ? sentence : `${sentence} Seen since ${moment}.`;
}
