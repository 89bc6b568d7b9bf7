/** What flaps is told once for each state, then when it is steady again: at the limits. */
import { expect, test } from 'vitest';
import { type Draft, openDraft } from '../../agent/core/draft.ts';
import type { AgentState } from '../../agent/core/state.ts';
import { noteChange, type Steady, takeSteady } from '../../agent/core/steady.ts';
import { agentState, NOW } from './agent-state.ts';

const SECOND_MS = 1000;

/** The WAN of one hostname, change by change. */
function flapping() {
  let state: AgentState = agentState();
  let wakeMs: number | undefined;
  function at<T>(afterMs: number, act: (draft: Draft) => T): T {
    const draft = openDraft(state, { ...NOW, ms: NOW.ms + afterMs });
    const result = act(draft);
    state = draft.state;
    wakeMs = draft.wakeMs === undefined ? undefined : draft.wakeMs - NOW.ms;
    return result;
  }
  return {
    /** Is it told at once? */
    change: (afterMs: number, name: string) =>
      at(afterMs, (draft) => noteChange(draft, 'home', 'ipv4', name)),
    take: (afterMs: number): Steady[] => at(afterMs, takeSteady),
    wakeMs: () => wakeMs,
    bursts: () => Object.keys(state.bursts),
  };
}

test('each state is told once, and four of them at most', () => {
  const it = flapping();

  const told = ['a', 'b', 'a', 'b', 'c', 'd', 'e', 'a'].map((name, index) => it.change(index, name));

  expect(told).toEqual([true, true, false, false, true, true, false, false]);
});

test('what was held back is told after ten seconds without a change, and not before', () => {
  const it = flapping();
  it.change(0, 'a');
  it.change(SECOND_MS, 'b');
  it.change(3 * SECOND_MS, 'a');

  const before = it.take(13 * SECOND_MS - 1);
  const wakeMs = it.wakeMs();
  const then = it.take(13 * SECOND_MS);

  expect(before).toEqual([]);
  expect(wakeMs).toBe(13 * SECOND_MS);
  expect(then).toEqual([
    { host: 'home', family: 'ipv4', changes: 3, forMs: 3 * SECOND_MS, isFlapping: false },
  ]);
  expect(it.bursts()).toEqual([]);
});

test('what never gets steady is told of after five minutes, and once more when it is', () => {
  const it = flapping();
  const everySecond = Array.from({ length: 300 }, (_, second) => second);
  for (const second of everySecond) {
    it.change(second * SECOND_MS, second % 2 === 0 ? 'a' : 'b');
  }

  const before = it.take(300 * SECOND_MS - 1);
  const wakeMs = it.wakeMs();
  const flaps = it.take(300 * SECOND_MS);
  const nextMs = it.wakeMs();
  const steady = it.take(309 * SECOND_MS);

  expect(before).toEqual([]);
  expect(wakeMs).toBe(300 * SECOND_MS);
  expect(flaps).toEqual([
    { host: 'home', family: 'ipv4', changes: 300, forMs: 299 * SECOND_MS, isFlapping: true },
  ]);
  expect(nextMs).toBe(309 * SECOND_MS);
  expect(steady).toMatchObject([{ changes: 0, isFlapping: false }]);
});

test.each([
  { name: 'shortly after another', gapMs: 10 * SECOND_MS - 1, told: false },
  { name: 'ten seconds after another', gapMs: 10 * SECOND_MS, told: true },
])('the same state $name is news: $told', ({ gapMs, told }) => {
  const it = flapping();
  it.change(0, 'a');

  expect(it.change(gapMs, 'a')).toBe(told);
});

test('what was told at once is forgotten when it is steady, without another word', () => {
  const it = flapping();
  it.change(0, 'a');

  const early = it.take(10 * SECOND_MS - 1);
  const known = it.bursts();
  const late = it.take(10 * SECOND_MS);

  expect([...early, ...late]).toEqual([]);
  expect(known).toHaveLength(1);
  expect(it.bursts()).toEqual([]);
});
