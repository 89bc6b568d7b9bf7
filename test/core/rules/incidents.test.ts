/** Incidents and checks, as properties of whole lives: told once, closed once, and never asked too often. */
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import {
  type DnsAnswer,
  type Entry,
  HOUR_MS,
  type Limits,
  MINUTE_MS,
  SECOND_MS,
  type Simulation,
  type Story,
  simulate,
  stories,
  TTL_SEC,
} from '../simulation.ts';

vi.setConfig({ testTimeout: 60_000 });

const RUNS = 350;
const UNKNOWN: readonly DnsAnswer[] = ['silent', 'intercepted', 'problem'];
/** Mostly the DNS changes its mind; a crash loses nothing, for what was lost cannot be known. */
const RESTLESS: Limits = {
  does: [
    ...(['dns', 'dns', 'dns', 'dns', 'dns', 'wake', 'line', 'crash', 'reload', 'wall'] as const),
    ...(['request', 'clock-set', 'disable', 'enable'] as const),
  ],
  lostSteps: [0],
};

function lived({ world, ops }: Story, restMs = 3 * HOUR_MS): Simulation {
  const simulation = simulate({ ...world, verify: true });
  simulation.play(ops);
  simulation.run(restMs);
  return simulation;
}

function openOfDns(simulation: Simulation) {
  const { incidents } = simulation.state();
  return incidents.filter(({ id, closedWallMs }) => closedWallMs === undefined && /^(zone|host):/.test(id));
}

type Reported = Extract<Entry, { type: 'reported' }>;

function incidentsIn(trace: readonly Entry[]): Reported[] {
  return trace.filter(
    (entry): entry is Reported => entry.type === 'reported' && entry.report.code.startsWith('incident/'),
  );
}

/** `zone:`, `host:`, ...: what stands before the moment of opening. */
function aboutOf({ report }: Reported): string {
  return (report.incident ?? '').replace(/@\d+$/, '');
}

function isOfDns(entry: Reported): boolean {
  return /^(zone|host):/.test(report(entry));
}

/** The all-clear of a single name, not of one that others took in or that nobody checks any more. */
function isOver(entry: Reported): boolean {
  return (
    entry.report.code === 'incident/CLOSED' &&
    /^host:.*/.test(report(entry)) &&
    / all right /.test(entry.report.sentence)
  );
}

function report(entry: Reported): string {
  return entry.report.incident ?? '';
}

describe('an incident', () => {
  // Mutations tried: a second check in a row opens another one beside it; those that are open are lost at a reboot ->
  // both fail.
  test('opens once, closes at most once and after that, and is the only one about its subject', () => {
    fc.assert(
      fc.property(stories(RESTLESS), (story) => {
        const open = new Map<string, string>();
        const known = new Set<string>();
        for (const entry of incidentsIn(lived(story).trace)) {
          const id = report(entry);
          if (entry.report.code === 'incident/OPENED') {
            expect(known.has(id)).toBe(false);
            expect(open.get(aboutOf(entry))).toBeUndefined();
            known.add(id);
            open.set(aboutOf(entry), id);
          } else {
            expect(open.get(aboutOf(entry))).toBe(id);
            open.delete(aboutOf(entry));
          }
        }
      }),
      { numRuns: RUNS },
    );
  });

  // Mutations tried: what could not be checked counts as bad; as good -> both fail.
  test('is neither opened nor closed by a check that could not tell', () => {
    fc.assert(
      fc.property(stories(RESTLESS), (story) => {
        let last: Extract<Entry, { type: 'verified' }> | undefined;
        let enabled = true;
        for (const entry of lived(story).trace) {
          if (entry.type === 'verified') {
            last = entry;
          } else if (entry.type === 'op' && (entry.op.does === 'disable' || entry.op.does === 'enable')) {
            enabled = entry.op.does === 'enable';
          } else if (entry.type === 'reported' && isOfDns(entry) && enabled) {
            expect(last?.atMs).toBe(entry.atMs);
            expect(UNKNOWN).not.toContain(last?.answer);
          }
        }
      }),
      { numRuns: RUNS },
    );
  });

  // Mutations tried: it is over at the first good check; two good checks in the same minute are enough -> both fail.
  test('of one name is over after two checks without it, two minutes apart', () => {
    fc.assert(
      fc.property(stories(RESTLESS), (story) => {
        const rows = new Map<string, { atMs: number; isBad: boolean }[]>();
        for (const entry of lived(story).trace) {
          if (entry.type === 'verified' && !UNKNOWN.includes(entry.answer)) {
            const isBad = entry.answer === 'gone' || entry.answer === 'stale';
            rows.set(entry.host, [...(rows.get(entry.host) ?? []), { atMs: entry.atMs, isBad }]);
          } else if (entry.type === 'reported' && isOver(entry)) {
            const row = rows.get(aboutOf(entry).slice('host:'.length)) ?? [];
            const good = row.slice(row.findLastIndex(({ isBad }) => isBad) + 1);

            expect(good.length).toBeGreaterThanOrEqual(2);
            expect(entry.atMs - (good[0]?.atMs ?? entry.atMs)).toBeGreaterThanOrEqual(2 * MINUTE_MS);
          }
        }
      }),
      { numRuns: RUNS },
    );
  });

  // Mutation tried: only a check that finds the same again can close it -> fails.
  test('is over at last when all is well for long enough', () => {
    // In other hands from the first check on, the old ones would be the others, for a week.
    const inOwnHands = { ...RESTLESS, dns: ['gone', 'ok', 'stale', 'lame', ...UNKNOWN] as const };
    fc.assert(
      fc.property(stories(inOwnHands), (story) => {
        const simulation = lived(story, MINUTE_MS);

        simulation.heal();
        simulation.run(6 * HOUR_MS);

        // A name that was gone and is refused goes on when the operator says so.
        const { hosts } = simulation.state();
        const others = openOfDns(simulation).filter((one) => !one.hosts.some((id) => hosts[id]?.block));
        expect(others).toEqual([]);
        simulation.play([{ does: 'request', afterMs: 0 }]);
        simulation.run(6 * HOUR_MS);
        expect(openOfDns(simulation)).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('checks', () => {
  /** After the first round of checks, which ends five minutes after an update. */
  const ROUND_MS = 5 * MINUTE_MS + SECOND_MS;

  // Mutations tried: the lifetime of the record does not count; an incident is looked at every minute; a check that
  // could not tell is repeated at once -> all fail.
  test('of one name keep their distance, and half the lifetime of its record', () => {
    // After a reboot the age of an update is read off the wall clock.
    const onTime = { ...RESTLESS, does: ['dns', 'dns', 'dns', 'wake', 'line', 'crash', 'reload'] as const };
    fc.assert(
      fc.property(stories(onTime), (story) => {
        const updated = new Map<string, number>();
        const asked = new Map<string, number>();
        const wasOk = new Set<string>();
        for (const entry of lived(story).trace) {
          if (entry.type === 'heard') {
            for (const { host } of entry.items) {
              updated.set(host, entry.atMs);
              asked.delete(host);
            }
          } else if (entry.type === 'op' && ['crash', 'disable', 'enable'].includes(entry.op.does)) {
            asked.clear();
            wasOk.clear();
          } else if (entry.type === 'verified' && ['ok', 'moved'].includes(entry.answer)) {
            wasOk.add(entry.host);
          } else if (entry.type === 'asked') {
            const before = asked.get(entry.host);
            const isLate = before !== undefined && before - (updated.get(entry.host) ?? 0) > ROUND_MS;
            const leastMs = isLate ? (wasOk.has(entry.host) ? TTL_SEC * 500 : 4 * MINUTE_MS) : SECOND_MS;
            expect(entry.atMs - (before ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(leastMs);
            asked.set(entry.host, entry.atMs);
          }
        }
      }),
      { numRuns: RUNS },
    );
  });
});
