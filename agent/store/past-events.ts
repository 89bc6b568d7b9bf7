/** The list of events for people: what many hostnames have in common is one of them. */
import { apartMs } from '../core/apart.ts';
import type { Report } from '../core/draft.ts';
import type { PastEvent } from './state-file.ts';

const MAX_EVENTS = 50;
/** A provider takes some hostnames in a call, and each of them is checked for itself: so long after the first. */
const TOGETHER_MS = 10_000;
/** Of one event; more begin another one. */
const MAX_NAMES = 100;
const MAX_SHOWN = 3;

/** The last events, with these reports added. */
export function withReports(
  events: readonly PastEvent[],
  reports: readonly Report[],
  wallMs: number,
): PastEvent[] {
  const all = [...events];
  for (const report of reports) {
    const name = report.host === undefined ? undefined : nameIn(report.sentence);
    const at = name === undefined ? -1 : all.findLastIndex((one) => isSame(one, report, name, wallMs));
    const known = all[at];
    if (known && name !== undefined) {
      const { host: _, ...rest } = known;
      const names = [...namesOf(known), name];
      all[at] = { ...rest, names, sentence: `${listOf(names)}: ${saidOf(report.sentence, [name])}` };
    } else {
      all.push({ ...report, wallMs });
    }
  }
  return all.slice(-MAX_EVENTS);
}

function isSame(event: PastEvent, report: Report, name: string, wallMs: number): boolean {
  const names = namesOf(event);
  return (
    apartMs(wallMs, event.wallMs) <= TOGETHER_MS &&
    event.code === report.code &&
    event.level === report.level &&
    event.account === report.account &&
    event.incident === report.incident &&
    names.length > 0 &&
    names.length < MAX_NAMES &&
    !names.includes(name) &&
    saidOf(event.sentence, names) === saidOf(report.sentence, [name])
  );
}

function namesOf({ names, host, sentence }: PastEvent): string[] {
  const name = host === undefined ? undefined : nameIn(sentence);
  return names ?? (name === undefined ? [] : [name]);
}

/** What it says of these names. */
function saidOf(sentence: string, names: readonly string[]): string {
  return sentence.slice(listOf(names).length + 2);
}

function listOf(names: readonly string[]): string {
  const shown = names.slice(0, Math.min(MAX_SHOWN, names.length) - 1);
  const rest = names.slice(shown.length);
  const last = rest.length > 1 ? `${rest.length} others` : rest.join('');
  return shown.length === 0 ? last : `${shown.join(', ')} and ${last}`;
}

function nameIn(sentence: string): string | undefined {
  return /^\S+(?=: )/.exec(sentence)?.[0];
}
