/** Many accounts on one router: how many attempts are under way at once, and whose turn it is. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openDraft } from '../../agent/core/draft.ts';
import { freshLane, type LaneState } from '../../agent/core/state.ts';
import { takeTurns } from '../../agent/core/turns.ts';
import { agentState, NOW } from './agent-state.ts';
import { type Answer, HOUR_MS, ipv4Of, MINUTE_MS, SECOND_MS, simulate } from './simulation.ts';

const MOST_AT_ONCE = 10;
const SLOW_MS = 6 * SECOND_MS;

/** A router with so many accounts of one name each, whose line gets its address; by name how long a reply takes. */
function renumbered(repliesMs: readonly number[]) {
  const simulation = simulate({
    accounts: repliesMs.map(() => ({ dual: false, minIntervalMs: 0 })),
    hosts: repliesMs.map((_, account) => ({ account, wans: [0], family: 'ipv4', suffix: false })),
    wans: 1,
    verify: false,
    resyncMs: 24 * HOUR_MS,
    allowPrivate: true,
    random: 0.5,
    answers: repliesMs.map((delayMs): Answer[] => [{ delayMs, applied: true, partial: false }]),
  });
  simulation.play([
    { does: 'line', afterMs: 0, wan: 0, told: 'pushed', line: { up: true, ipv4: ipv4Of(0, 1), ipv6: [] } },
  ]);
  const startMs = simulation.sent()[0]?.atMs ?? Number.NaN;
  simulation.run(10 * MINUTE_MS);
  const attempts = simulation
    .sent()
    .map(({ atMs, account }) => ({ account, beginMs: atMs - startMs, lastsMs: lastsMs(account) }));
  return { attempts, wrongs: simulation.wrongs() };

  function lastsMs(account: string): number {
    return repliesMs[Number(account.replace('account', ''))] ?? Number.NaN;
  }
}

/** At the begin of each attempt: how many were under way, those that last too long not counted. */
function underWay(attempts: ReturnType<typeof renumbered>['attempts']): number[] {
  return attempts.map(
    ({ beginMs }, index) =>
      attempts.filter(
        (one, position) => position <= index && one.beginMs + Math.min(one.lastsMs, SLOW_MS) > beginMs,
      ).length,
  );
}

const prompt = fc.integer({ min: 1, max: SLOW_MS - 1 });
const hanging = fc.integer({ min: SLOW_MS + 1, max: 60 * SECOND_MS });

describe('a renumbering with many accounts', () => {
  // Mutations tried: no limit; the wake-up for slow ones is left out -> both fail.
  test('has few attempts under way at once, one request for each name, nobody idle', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(prompt, hanging), { minLength: 1, maxLength: 60, size: 'max' }),
        (repliesMs) => {
          const { attempts, wrongs } = renumbered(repliesMs);

          expect(wrongs).toEqual([]);
          expect(attempts).toHaveLength(repliesMs.length);
          expect(Math.max(...underWay(attempts))).toBe(Math.min(repliesMs.length, MOST_AT_ONCE));
          // Who hangs costs the others the time after which nobody counts it any more.
          attempts.forEach(({ beginMs }, index) => {
            expect(beginMs).toBeLessThanOrEqual(Math.floor(index / MOST_AT_ONCE) * SLOW_MS);
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  // Mutation tried: attempts that have ended count like those under way -> fails.
  test('whose provider is prompt goes on as soon as somebody has ended', () => {
    const { attempts } = renumbered(Array.from({ length: 3 * MOST_AT_ONCE }, () => 100));

    expect(attempts.map(({ beginMs }) => beginMs)).toEqual(
      Array.from({ length: 3 * MOST_AT_ONCE }, (_, index) => 100 * Math.floor(index / MOST_AT_ONCE)),
    );
  });

  test('of which no more have to speak than may, is at once', () => {
    const { attempts } = renumbered(Array.from({ length: MOST_AT_ONCE }, () => 60 * SECOND_MS));

    expect(attempts.map(({ beginMs }) => beginMs)).toEqual(Array.from({ length: MOST_AT_ONCE }, () => 0));
  });
});

describe('whose turn it is', () => {
  function turns(lanes: Record<string, Partial<LaneState>>) {
    const state = {
      ...agentState(),
      lanes: Object.fromEntries(
        Object.entries(lanes).map(([key, lane]) => [key, { ...freshLane(), ...lane }]),
      ),
    };
    const draft = openDraft(state, NOW);
    const ready = Object.keys(lanes).filter((key) => !lanes[key]?.attempt);
    const taken = takeTurns(draft, new Map(ready.map((key) => [key, key])));
    return { taken: taken.map(([lane]) => lane), wakeMs: draft.wakeMs };
  }

  const busy = (agesMs: readonly number[]) =>
    Object.fromEntries(
      agesMs.map((ageMs, index) => [
        `busy${index}/eth1`,
        { attempt: { id: index, items: [] }, sentMs: NOW.ms - ageMs },
      ]),
    );

  test('who has waited longest is first, who was never asked before all', () => {
    const { taken, wakeMs } = turns({
      ...busy(Array.from({ length: MOST_AT_ONCE - 3 }, () => 1000)),
      'a/eth1': { sentMs: 400_000 },
      'b/eth1': { sentMs: 100_000 },
      'c/eth1': { sentMs: 300_000 },
      'd/eth1': {},
      'e/eth1': { sentMs: 200_000 },
    });

    expect(taken).toEqual(['d/eth1', 'b/eth1', 'e/eth1']);
    expect(wakeMs).toBe(NOW.ms + SLOW_MS - 1000);
  });

  test('all in their order where there is room for all', () => {
    const { taken, wakeMs } = turns({
      ...busy([1000, 2000]),
      'a/eth1': { sentMs: 400_000 },
      'b/eth1': { sentMs: 100_000 },
    });

    expect(taken).toEqual(['a/eth1', 'b/eth1']);
    expect(wakeMs).toBeUndefined();
  });

  test('all in their order where there is room for just as many', () => {
    const { taken, wakeMs } = turns({
      ...busy(Array.from({ length: MOST_AT_ONCE - 2 }, () => 1000)),
      'a/eth1': { sentMs: 400_000 },
      'b/eth1': { sentMs: 100_000 },
    });

    expect(taken).toEqual(['a/eth1', 'b/eth1']);
    expect(wakeMs).toBeUndefined();
  });

  test('attempts that last too long take nobody his turn', () => {
    const { taken } = turns({ ...busy(Array.from({ length: 40 }, () => SLOW_MS)), 'a/eth1': {} });

    expect(taken).toEqual(['a/eth1']);
  });
});
