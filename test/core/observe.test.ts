import { describe, expect, test } from 'vitest';
import type { Report } from '../../agent/core/draft.ts';
import { outsideKey } from '../../agent/core/source-key.ts';
import type { AgentState, Now } from '../../agent/core/state.ts';
import { type AgentEvent, step } from '../../agent/core/step.ts';
import { updateAxis } from '../../agent/core/summary.ts';
import type { Observation, Unknown } from '../../agent/core/wan.ts';
import { agentState, IPV4, NOW } from './agent-state.ts';

const WEB = outsideKey({ kind: 'web', base: 'network', networks: ['wan'], families: ['ipv4'] });
const NOBODY: Unknown = { code: 'source/NO_ANSWER', sentence: 'Nobody answers.' };

function seen(address: string | Unknown, source = WEB): AgentEvent {
  const isKnown = typeof address === 'string';
  const observation: Observation = {
    known: true,
    snapshot: {
      wan: {
        name: 'wan',
        up: true,
        device: 'eth1',
        addresses: isKnown ? [{ address, prefixLength: 32 }] : [],
        local: [{ address: '10.0.0.2', prefixLength: 24 }],
        prefixes: [],
        defaultRoute: ['ipv4'],
        ...(!isKnown && { unknown: { ipv4: address } }),
      },
    },
  };
  return { type: 'observed', source, observation, answer: true };
}

/** An agent whose one hostname asks the web; the steps so far, and how long until the next reading. */
function agent(source = WEB) {
  const start = agentState({ hostPlan: { source, families: ['ipv4'] }, host: { choices: {} } });
  const reads = { [source]: { nextMs: NOW.ms, pending: false, again: false, outdated: false, failures: 0 } };
  let state: AgentState = { ...start, observations: {}, reads };
  let now: Now = NOW;
  const reports: Report[] = [];
  return {
    reports,
    state: () => state,
    /** What one event leads to. */
    take(event: AgentEvent, random = 0.5): string[] {
      now = { ...now, random };
      const { state: after, commands } = step(state, event, now);
      state = after;
      reports.push(...commands.flatMap((one) => (one.type === 'report' ? one.report : [])));
      return commands.flatMap((one) => (one.type === 'observe' || one.type === 'update' ? one.type : []));
    },
    nextReadSec: () => Math.round(((state.reads[source]?.nextMs ?? 0) - now.ms) / 1000),
    axis: () => updateAxis(state, 'home', now),
  };
}

describe('a source that asks others', () => {
  test('is asked again at the resync, with some jitter', () => {
    const early = agent();
    early.take(seen(IPV4), 0);
    const late = agent();
    late.take(seen(IPV4), 0.999);

    expect([early.nextReadSec(), late.nextReadSec()]).toEqual([600, 660]);
  });

  test('but a local one exactly then', () => {
    const local = agent('network');
    local.take(seen(IPV4, 'network'), 0.999);

    expect(local.nextReadSec()).toBe(600);
  });

  test('is asked again sooner, and ever later, while it does not know', () => {
    const it = agent();
    const pauses: number[] = [];
    for (let round = 0; round < 7; round++) {
      it.take(seen(NOBODY));
      pauses.push(it.nextReadSec());
    }
    it.take(seen(IPV4));
    pauses.push(it.nextReadSec());

    expect(pauses).toEqual([10, 20, 40, 80, 160, 300, 300, 630]);
  });

  test('holds updates back while it does not know, and says so once', () => {
    const it = agent();
    it.take(seen('192.0.2.99'));
    it.take(seen(NOBODY));

    expect(it.take({ type: 'requested' })).not.toContain('update');
    it.take(seen(NOBODY));
    expect(it.reports.filter(({ code }) => code === 'source/NO_ANSWER')).toHaveLength(1);
    expect(it.axis()).toMatchObject({ verdict: 'unknown', code: 'source/NO_ANSWER' });
  });

  test('keeps quiet while it asks', () => {
    const it = agent();
    it.take(seen({ code: 'source/ASKING', sentence: 'Wait a moment.' }));

    expect(it.reports.map(({ level, code }) => `${level} ${code}`)).toEqual(['info source/ASKING']);
  });

  test('sends what it knows', () => {
    const it = agent();

    expect(it.take(seen('192.0.2.99'))).toContain('update');
  });

  test('is asked at once when the clock is set, if it has failed', () => {
    const failing = agent();
    failing.take(seen(NOBODY));
    const fine = agent();
    fine.take(seen(IPV4));

    expect(failing.take({ type: 'clock-set' })).toContain('observe');
    expect(fine.take({ type: 'clock-set' })).not.toContain('observe');
  });
});
