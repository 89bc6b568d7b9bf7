/** For how long a hostname whose section is gone stays known; the rest is in `test/scenario/rest.test.ts`. */
import { expect, test } from 'vitest';
import type { Plan } from '../../agent/core/plan.ts';
import { type AgentState, freshLane } from '../../agent/core/state.ts';
import { step } from '../../agent/core/step.ts';
import { agentState, IPV4, NOW } from './agent-state.ts';

const DAY_MS = 24 * 3_600_000;

function planned(state: AgentState, plan: Plan, afterMs: number): AgentState {
  return step(state, { type: 'planned', plan }, { ...NOW, ms: NOW.ms + afterMs }).state;
}

test.each([
  { afterMs: 5 * 60_000, isKnown: true },
  { afterMs: DAY_MS, isKnown: true },
  { afterMs: DAY_MS + 1, isKnown: false },
])('a section that comes back after $afterMs ms has what was confirmed: $isKnown', ({ afterMs, isKnown }) => {
  const start = agentState();
  const removed = planned(start, { ...start.plan, hosts: {} }, 0);

  const back = planned(removed, start.plan, afterMs);

  expect(back.hosts.home?.confirmed.ipv4?.address).toBe(isKnown ? IPV4 : undefined);
});

test('what is on its way through two lines when the section goes is in doubt whichever of them it is', () => {
  const start = agentState();
  const item = { host: 'home', hostname: 'home.example.org', reason: 'changed' as const };
  const lanes = {
    'a/eth1': { ...freshLane(), attempt: { id: 1, items: [{ ...item, ipv4: '192.0.2.77' }] } },
    'a/eth2': { ...freshLane(), attempt: { id: 2, items: [{ ...item, ipv6: '2001:db8::77' }] } },
  };

  const removed = planned({ ...start, lanes }, { ...start.plan, hosts: {} }, 0);
  const back = planned(removed, start.plan, 1000);

  expect(back.hosts.home?.doubted).toEqual({ ipv4: ['192.0.2.77'], ipv6: ['2001:db8::77'] });
});
