/** One step: what the operator's request lifts, what an update notes, and when the next step is due. */
import { describe, expect, test } from 'vitest';
import { NO_RETRY, type Retry } from '../../agent/core/backoff.ts';
import type { Failure } from '../../agent/core/failure.ts';
import type { HoldDown } from '../../agent/core/holddown.ts';
import type { AgentState, HostState } from '../../agent/core/state.ts';
import { type AgentEvent, type Step, step } from '../../agent/core/step.ts';
import { agentState, type Changes, confirmation, IPV4, IPV6, LANE, NOW } from './agent-state.ts';
import { HOOK, incident, SCRIPT } from './outbox-state.ts';

const MINUTE_MS = 60_000;
const OLD: Partial<HostState> = { confirmed: { ipv4: confirmation('192.0.2.1'), ipv6: confirmation(IPV6) } };
const BLOCK = { code: 'x/STOPPED', sentence: 'Stopped.', sinceWallMs: 0 };
const FAILURE: Failure = { kind: 'unreachable', scope: 'attempt', code: 'x/X', sentence: 'It failed.' };
const until = (afterMs: number): Retry => ({ failures: 2, notBeforeMs: NOW.ms + afterMs, failure: FAILURE });

/** Nothing but updates: the DNS is not asked. */
function updatesOnly(changes: Changes = {}): AgentState {
  const state = agentState(changes);
  return { ...state, plan: { ...state.plan, agent: { ...state.plan.agent, verify: false } } };
}

function updatesOf({ commands }: Step) {
  return commands.flatMap((one) => (one.type === 'update' ? [one] : []));
}

function codesOf({ commands }: Step): string[] {
  return commands.flatMap((one) => (one.type === 'report' ? one.report.code : []));
}

describe('an update', () => {
  test('carries all that its protocol needs, and is under way from then on', () => {
    const after = step(updatesOnly({ host: OLD }), { type: 'woken' }, NOW);

    const items = [
      { host: 'home', hostname: 'home.example.org', ipv4: IPV4, ipv6: IPV6, reason: 'changed' as const },
    ];
    expect(updatesOf(after)).toEqual([
      { type: 'update', lane: LANE, attempt: 1, account: 'a', device: 'eth1', items },
    ]);
    expect(after.state.lanes[LANE]?.attempt).toEqual({ id: 1, items });
    expect(after.state.accounts.a?.lastSentMs).toBe(NOW.ms);
    expect(updatesOf(step(after.state, { type: 'woken' }, NOW))).toEqual([]);
  });

  test('has a number of its own', () => {
    const state = { ...updatesOnly({ host: OLD }), lastAttempt: 41 };

    expect(updatesOf(step(state, { type: 'woken' }, NOW))).toMatchObject([{ attempt: 42 }]);
  });

  const HELD: HoldDown = { level: 3, lastSentMs: NOW.ms - 90_000, notBeforeMs: NOW.ms - 1000 };

  test.each<{ name: string; host: Partial<HostState>; level: number }>([
    { name: 'of a new address counts as a change', host: OLD, level: 4 },
    {
      name: 'of the address that was sent last is a repetition',
      host: { ...OLD, sent: `${IPV4} ${IPV6}` },
      level: 3,
    },
    {
      name: 'of a name that failed is a repetition, whatever its address is now',
      host: { ...OLD, sent: '192.0.2.1 ', retry: until(-1) },
      level: 3,
    },
    {
      name: 'that failed once is one too',
      host: { ...OLD, retry: { failures: 1, notBeforeMs: 0 } },
      level: 3,
    },
  ])('$name', ({ host, level }) => {
    const after = step(updatesOnly({ host, lane: { hold: HELD } }), { type: 'woken' }, NOW);

    expect(updatesOf(after)).toHaveLength(1);
    expect(after.state.lanes[LANE]?.hold.level).toBe(level);
  });

  test('of two names counts as a change when one of them changes', () => {
    const state = updatesOnly({ host: { ...OLD, sent: `${IPV4} ${IPV6}` }, lane: { hold: HELD } });
    const { home: plan } = state.plan.hosts;
    const { home: host } = state.hosts;
    if (!plan || !host) {
      throw new Error('the agent at rest has lost its hostname');
    }
    const { sent: _, ...fresh } = host;
    const two: AgentState = {
      ...state,
      plan: { ...state.plan, hosts: { home: plan, other: { ...plan, id: 'other' } } },
      hosts: { home: host, other: fresh },
    };

    const after = step(two, { type: 'woken' }, NOW);

    expect(updatesOf(after).map(({ items }) => items.map((item) => item.host))).toEqual([['home', 'other']]);
    expect(after.state.lanes[LANE]?.hold.level).toBe(4);
  });

  test('that must wait is what the next step is for', () => {
    const later = step(updatesOnly({ host: { ...OLD, retry: until(5000) } }), { type: 'woken' }, NOW);
    const now = step(updatesOnly({ host: { ...OLD, retry: until(0) } }), { type: 'woken' }, NOW);

    expect(updatesOf(later)).toEqual([]);
    expect(later.wakeMs).toBe(NOW.ms + 5000);
    expect(updatesOf(now)).toHaveLength(1);
  });
});

describe('two lanes of one account', () => {
  /** A second hostname on another line, with its address to be sent too. */
  function twoLanes(minIntervalMs: number): AgentState {
    const state = updatesOnly({ host: OLD, accountPlan: { minIntervalMs } });
    const { home: plan } = state.plan.hosts;
    const { home: host } = state.hosts;
    if (!plan || !host) {
      throw new Error('the agent at rest has lost its hostname');
    }
    const choices = { ipv4: { address: '192.0.2.77', network: 'wanb', device: 'eth2' } };
    return {
      ...state,
      plan: { ...state.plan, hosts: { home: plan, b: { ...plan, id: 'b', families: ['ipv4'] } } },
      hosts: { home: host, b: { ...host, choices } },
    };
  }

  test.each([
    { minIntervalMs: 0, lanes: ['a/eth1', 'a/eth2'], inMs: 600_000 },
    { minIntervalMs: 1, lanes: ['a/eth1'], inMs: 1 },
    { minIntervalMs: 30_000, lanes: ['a/eth1'], inMs: 30_000 },
  ])('keep the distance of $minIntervalMs ms that the provider wants', ({ minIntervalMs, lanes, inMs }) => {
    const after = step(twoLanes(minIntervalMs), { type: 'woken' }, NOW);

    expect(updatesOf(after).map(({ lane }) => lane)).toEqual(lanes);
    expect((after.wakeMs ?? 0) - NOW.ms).toBe(inMs);
  });
});

describe('the operator asks', () => {
  const everything: AgentEvent = { type: 'requested' };

  test.each<{ name: string; changes: Changes }>([
    { name: 'for what is confirmed', changes: {} },
    { name: 'for a hostname that is blocked', changes: { host: { block: BLOCK } } },
    { name: 'for an account that is blocked', changes: { account: { block: BLOCK } } },
    { name: 'while the lane waits after a failure', changes: { lane: { retry: until(MINUTE_MS) } } },
    { name: 'while the hostname waits after a failure', changes: { host: { retry: until(MINUTE_MS) } } },
    {
      name: 'while the line flaps',
      changes: { lane: { hold: { level: 5, lastSentMs: NOW.ms, notBeforeMs: NOW.ms + MINUTE_MS } } },
    },
  ])('$name: it goes out at once', ({ changes }) => {
    const after = step(updatesOnly(changes), everything, NOW);

    expect(updatesOf(after)).toMatchObject([{ items: [{ host: 'home', reason: 'operator' }] }]);
    expect(codesOf(after)).toEqual([]);
    expect(after.state.hosts.home?.block).toBeUndefined();
    expect(after.state.accounts.a?.block).toBeUndefined();
    expect(after.state.lanes[LANE]?.retry).toEqual(NO_RETRY);
  });

  test.each([
    { waitMs: 1, minutes: 1 },
    { waitMs: 3 * MINUTE_MS, minutes: 3 },
    { waitMs: 3 * MINUTE_MS + 1, minutes: 4 },
  ])('but $waitMs ms that the provider demands are waited for, and that is said', ({ waitMs, minutes }) => {
    const after = step(updatesOnly({ account: { wait: until(waitMs) } }), everything, NOW);

    expect(updatesOf(after)).toEqual([]);
    expect(after.wakeMs).toBe(NOW.ms + waitMs);
    expect(after.commands).toContainEqual({
      type: 'report',
      report: {
        level: 'notice',
        code: 'update/WAITING',
        sentence: `home.example.org: the provider asked to wait; the update goes out in ${minutes} min.`,
        host: 'home',
      },
    });
  });

  test('at the end of a wait: nothing is said, and it goes out', () => {
    const after = step(updatesOnly({ account: { wait: until(0) } }), everything, NOW);

    expect(updatesOf(after)).toHaveLength(1);
    expect(codesOf(after)).toEqual([]);
  });

  test('and nothing else: a source that has failed is not asked again', () => {
    const state = updatesOnly();
    const read = { nextMs: NOW.ms + MINUTE_MS, pending: false, again: false, outdated: false, failures: 3 };
    const before = { ...state, reads: { network: read } };

    const asked = step(before, everything, NOW);
    const clockSet = step(before, { type: 'clock-set' }, NOW);

    expect(asked.commands.filter(({ type }) => type === 'observe')).toEqual([]);
    expect(clockSet.commands.filter(({ type }) => type === 'observe')).toHaveLength(1);
  });

  test('for others: nothing is sent', () => {
    const after = step(updatesOnly({ host: { block: BLOCK } }), { ...everything, hosts: ['another'] }, NOW);

    expect(updatesOf(after)).toEqual([]);
    expect(after.state.hosts.home?.block).toEqual(BLOCK);
  });

  test('for a look at the DNS only: nothing is sent and nothing is lifted', () => {
    const host = { block: BLOCK, check: { count: 7, nextMs: NOW.ms + MINUTE_MS, pending: false } };

    const after = step(agentState({ host }), { ...everything, check: true }, NOW);

    expect(updatesOf(after)).toEqual([]);
    expect(after.commands).toContainEqual(expect.objectContaining({ type: 'verify', host: 'home' }));
    expect(after.state.hosts.home?.block).toEqual(BLOCK);
  });
});

test('the clock tells how old the confirmations of an earlier boot are', () => {
  const confirmed = { ipv4: { address: IPV4, wallMs: NOW.wallMs - MINUTE_MS } };

  const { state } = step(updatesOnly({ host: { confirmed } }), { type: 'clock-set' }, NOW);

  expect(state.hosts.home?.confirmed.ipv4?.atMs).toBe(NOW.ms - MINUTE_MS);
});

describe('a new configuration', () => {
  test('is compared at once with what the sources have shown', () => {
    const wan = {
      ...{ name: 'wan', up: true, device: 'eth1', prefixes: [], defaultRoute: ['ipv4' as const] },
      addresses: [{ address: '192.0.2.99', prefixLength: 24 }],
    };
    const before = updatesOnly({ observation: { known: true, snapshot: { wan } } });

    const after = step(before, { type: 'planned', plan: before.plan }, NOW);

    expect(updatesOf(after)).toMatchObject([{ items: [{ host: 'home', ipv4: '192.0.2.99' }] }]);
  });

  test('reaches the channels of messages at once', () => {
    const state = updatesOnly();
    const message = {
      ...{ id: 1, kind: 'opened' as const, incident: incident('zone'), hostnames: [] },
      ...{ queuedMs: NOW.ms, waiting: [HOOK.id] },
    };
    const channels = { [HOOK.id]: { retry: until(MINUTE_MS) } };
    const before: AgentState = { ...state, outbox: { lastId: 1, messages: [message], channels } };
    const plan = { ...state.plan, channels: [SCRIPT] };

    const { state: after, commands } = step(before, { type: 'planned', plan }, NOW);

    expect(Object.keys(after.outbox.channels)).toEqual([SCRIPT.id]);
    expect(commands.filter(({ type }) => type === 'notify')).toMatchObject([{ channel: SCRIPT.id }]);
  });
});
