/** The servers of a zone while all was well: what is remembered of them, and when others take their place. */
import type { Draft } from './draft.ts';
import type { Judgement, ZoneView } from './health.ts';
import type { Baseline } from './state.ts';
import { zoneCandidates } from './zone-candidates.ts';

/** Other servers are taken for the right ones after so long a time of constant, working answers. */
export const ADOPTED_AFTER_MS = 7 * 24 * 3_600_000;
/** Between two checks more than this was not watched: the router was off, or its line was down. */
const WATCHED_MS = 2 * 3_600_000;

/** The zone of a name as it was seen before: the longest one that holds the name. */
export function baselineOf({ state }: Draft, hostname: string): (Baseline & { zone: string }) | undefined {
  for (const zone of zoneCandidates(hostname)) {
    const baseline = state.baselines[zone];
    if (baseline) {
      return { ...baseline, zone };
    }
  }
  return undefined;
}

/** Nothing is learned from a check that did not find the right address at the zone's servers. */
export function learnBaseline({ state, now }: Draft, { zone, view, axes }: Judgement): void {
  if (zone === undefined || !view || view.nameServers.length === 0) {
    return;
  }
  const known = state.baselines[zone];
  const works = axes.authority.verdict === 'ok' || axes.authority.verdict === 'warning';
  if (!known) {
    if (works) {
      state.baselines[zone] = { ...view, sinceWallMs: now.wallMs };
    }
    return;
  }
  const { candidate, ...rest } = known;
  if (axes.delegation.verdict === 'ok') {
    const kept = works && isOutdated(known, view) ? { ...rest, ...view } : rest;
    state.baselines[zone] = candidate === undefined && kept === rest ? known : kept;
    return;
  }
  const names = namesOf(view);
  const isSame = candidate?.names.join() === names.join();
  if (axes.authority.verdict === 'failed') {
    state.baselines[zone] = rest;
  } else if (works) {
    const watchedMs =
      isSame && candidate?.atMs !== undefined ? Math.min(WATCHED_MS, now.ms - candidate.atMs) : 0;
    const workedMs = (isSame ? (candidate?.workedMs ?? 0) : 0) + Math.max(0, watchedMs);
    state.baselines[zone] =
      workedMs < ADOPTED_AFTER_MS
        ? { ...rest, candidate: { names, workedMs, atMs: now.ms } }
        : { ...view, sinceWallMs: now.wallMs, adopted: true };
  }
}

/** New servers of the same operator, or all of them at new addresses. A rotating answer is no news: flash wears. */
function isOutdated(known: Baseline, view: ZoneView): boolean {
  const names = namesOf(known);
  const before = known.nameServers.flatMap(({ addresses }) => addresses);
  const now = view.nameServers.flatMap(({ addresses }) => addresses);
  return (
    namesOf(view).some((name) => !names.includes(name)) ||
    (now.length > 0 && !now.some((address) => before.includes(address)))
  );
}

function namesOf({ nameServers }: ZoneView): string[] {
  return nameServers.map(({ name }) => name).sort();
}
