/** A new configuration: what is under way, what is forgotten, and what is read again. */
import { describe, expect, test } from 'vitest';
import { openDraft } from '../../agent/core/draft.ts';
import { applyPlan, learnAges } from '../../agent/core/replan.ts';
import { type AgentState, freshLane, type HostState, type UpdateItem } from '../../agent/core/state.ts';
import { CLOCK_SET_MS } from '../../agent/core/when.ts';
import { agentState, IPV4, LANE, NOW } from './agent-state.ts';

/** Two hostnames, `home` and `cam`, of account `a`; and an account `b` with a lane of its own. */
function world(): AgentState {
  const state = agentState({ host: { revision: '1' } });
  const { home: plan } = state.plan.hosts;
  const { home: host } = state.hosts;
  const { a } = state.plan.accounts;
  if (!plan || !host || !a) {
    throw new Error('the agent at rest has lost its hostname');
  }
  const named = { id: 'cam', hostname: 'cam.example.org' };
  return {
    ...state,
    plan: {
      ...state.plan,
      accounts: { a, b: { ...a, id: 'b' } },
      hosts: { home: plan, cam: { ...plan, ...named } },
    },
    accounts: { ...state.accounts, b: { revision: '1', wait: { failures: 0, notBeforeMs: 0 } } },
    hosts: { home: host, cam: { ...host, hostname: named.hostname } },
    lanes: { [LANE]: freshLane(), 'b/eth1': freshLane() },
  };
}

function replanned(before: AgentState, plan: AgentState['plan'], now = NOW) {
  const draft = openDraft(before, now);
  applyPlan(draft, plan);
  return draft.state;
}

describe('an update under way', () => {
  const items: UpdateItem[] = ['home', 'cam'].map((host) => ({
    ...{ host, hostname: `${host}.example.org`, ipv4: IPV4, reason: 'changed' as const },
  }));

  test.each<{ name: string; changed: string[]; account?: string; isOutdated: boolean }>([
    { name: 'nothing', changed: [], isOutdated: false },
    { name: 'one of its hostnames', changed: ['cam'], isOutdated: true },
    { name: 'all of its hostnames', changed: ['home', 'cam'], isOutdated: true },
    { name: 'its account', changed: [], account: '2', isOutdated: true },
  ])('is outdated when $name has changed: $isOutdated', ({ changed, account = '1', isOutdated }) => {
    const state = world();
    const hosts = Object.entries(state.plan.hosts).map(([id, plan]) => [
      id,
      { ...plan, revision: changed.includes(id) ? '2' : '1' },
    ]);
    const { a, ...others } = state.plan.accounts;
    const accounts = { ...others, ...(a && { a: { ...a, revision: account } }) };
    const lanes = { [LANE]: { ...freshLane(), attempt: { id: 7, items } } };

    const after = replanned(
      { ...state, lanes },
      { ...state.plan, accounts, hosts: Object.fromEntries(hosts) },
    );

    expect(after.lanes[LANE]?.attempt).toEqual({ id: 7, items, ...(isOutdated && { outdated: true }) });
  });
});

describe('what is not there any more', () => {
  test('is forgotten: the lanes of an account', () => {
    const state = world();
    const { b: _, ...accounts } = state.plan.accounts;

    expect(Object.keys(replanned(state, { ...state.plan, accounts }).lanes)).toEqual([LANE]);
  });

  test('is forgotten: what flapped, for every name is told anew where it stands', () => {
    const state = world();
    const burst = { told: [], changes: 1, sinceMs: 0, lastMs: 0, isHeld: true };
    const bursts: AgentState['bursts'] = { 'ipv4 home': { ...burst, host: 'home', family: 'ipv4' } };

    const after = replanned({ ...state, bursts }, state.plan);

    expect(after.bursts).toEqual({});
  });

  test('is forgotten: what a source showed that nobody uses', () => {
    const state = world();
    const seen = { known: true as const, snapshot: {} };

    const after = replanned({ ...state, observations: { network: seen, device: seen } }, state.plan);

    expect(Object.keys(after.observations)).toEqual(['network']);
  });
});

describe('the wait that a service has asked for', () => {
  const HERE = 'example';
  const THERE = 'other';

  interface Known {
    service?: string;
    waitMs: number;
  }

  test.each<{ name: string; before: Record<string, Known>; now: Record<string, string>; waitMs: number }>([
    { name: 'holds', before: { own: { service: HERE, waitMs: 5 } }, now: { own: HERE }, waitMs: 5 },
    {
      name: 'holds where none was saved with it',
      before: { own: { waitMs: 5 } },
      now: { own: HERE },
      waitMs: 5,
    },
    {
      name: 'holds for another section of it',
      before: { old: { service: HERE, waitMs: 5 } },
      now: { own: HERE },
      waitMs: 5,
    },
    {
      name: 'holds for another section where its own has another service now',
      before: { old: { service: HERE, waitMs: 5 } },
      now: { old: THERE, own: HERE },
      waitMs: 5,
    },
    {
      name: 'holds in the place of what another one has asked for',
      before: { own: { service: THERE, waitMs: 9 }, old: { service: HERE, waitMs: 5 } },
      now: { own: HERE },
      waitMs: 5,
    },
    {
      name: 'is the longest of several, the first',
      before: { one: { service: HERE, waitMs: 9 }, two: { service: HERE, waitMs: 5 } },
      now: { own: HERE },
      waitMs: 9,
    },
    {
      name: 'is the longest of several, the last',
      before: { one: { service: HERE, waitMs: 5 }, two: { service: HERE, waitMs: 9 } },
      now: { own: HERE },
      waitMs: 9,
    },
    {
      name: 'is its own where it has one',
      before: { old: { service: HERE, waitMs: 9 }, own: { service: HERE, waitMs: 5 } },
      now: { own: HERE },
      waitMs: 5,
    },
    {
      name: 'is none for an account beside it',
      before: { old: { service: HERE, waitMs: 5 } },
      now: { old: HERE, own: HERE },
      waitMs: 0,
    },
    {
      name: 'is none for another service',
      before: { old: { service: HERE, waitMs: 5 } },
      now: { own: THERE },
      waitMs: 0,
    },
    {
      name: 'is none for another service of its section',
      before: { own: { service: HERE, waitMs: 5 } },
      now: { own: THERE },
      waitMs: 0,
    },
  ])('$name', ({ before, now, waitMs }) => {
    const { plan, ...state } = agentState();
    const accounts = Object.entries(before).map(([id, { waitMs: notBeforeMs, ...known }]) => [
      id,
      { revision: '1', ...known, wait: { failures: 1, notBeforeMs } },
    ]);
    const planned = Object.entries(now).map(([id, service]) => [id, { ...plan.accounts.a, id, service }]);

    const after = replanned(
      { ...state, plan, accounts: Object.fromEntries(accounts) },
      { ...plan, accounts: Object.fromEntries(planned) },
    );

    expect(after.accounts.own?.wait.notBeforeMs).toBe(waitMs);
    expect(after.accounts.own?.service).toBe(now.own);
  });
});

test.each([
  { name: 'is remembered while it waits', notBeforeMs: NOW.ms + 1, isKnown: true },
  { name: 'is forgotten when it may be asked', notBeforeMs: NOW.ms, isKnown: false },
])('an account that is taken out $name', ({ notBeforeMs, isKnown }) => {
  const state = agentState({ account: { wait: { failures: 1, notBeforeMs } } });
  const without = replanned(state, { ...state.plan, accounts: {}, hosts: {} });

  const back = replanned(without, state.plan);

  expect(back.accounts.a?.wait.notBeforeMs).toBe(isKnown ? notBeforeMs : 0);
});

test('every source is read again, whatever was before', () => {
  const state = world();
  const tired = { nextMs: NOW.ms + 1000, pending: true, again: true, outdated: true, failures: 5 };

  const after = replanned({ ...state, reads: { network: tired, device: tired } }, state.plan);

  expect(after.reads).toEqual({
    network: { nextMs: NOW.ms, pending: false, again: false, outdated: false, failures: 0 },
  });
});

describe('the age of what an earlier boot has confirmed', () => {
  const confirmed = (wallMs: number, atMs?: number): HostState['confirmed'] => ({
    ipv4: { address: IPV4, wallMs, ...(atMs !== undefined && { atMs }) },
  });

  test.each<{ name: string; before: HostState['confirmed']; wallMs: number; atMs: number | undefined }>([
    {
      name: 'is not known before the clock is set',
      before: confirmed(0),
      wallMs: CLOCK_SET_MS - 1,
      atMs: undefined,
    },
    {
      name: 'is known from then on',
      before: confirmed(CLOCK_SET_MS - 5000),
      wallMs: CLOCK_SET_MS,
      atMs: NOW.ms - 5000,
    },
    {
      name: 'is none where that is yet to come',
      before: confirmed(NOW.wallMs + 5000),
      wallMs: NOW.wallMs,
      atMs: NOW.ms,
    },
    {
      name: 'stays what it is in this boot',
      before: confirmed(NOW.wallMs - 5000, 777),
      wallMs: NOW.wallMs,
      atMs: 777,
    },
  ])('$name', ({ before, wallMs, atMs }) => {
    const now = { ...NOW, wallMs };
    const state = world();
    const { home } = state.hosts;
    const hosts = { ...state.hosts, ...(home && { home: { ...home, confirmed: before } }) };
    const draft = openDraft({ ...state, hosts }, now);

    learnAges(draft);

    expect(draft.state.hosts.home?.confirmed.ipv4?.atMs).toBe(atMs);
    expect(replanned({ ...state, hosts }, state.plan, now).hosts.home?.confirmed.ipv4?.atMs).toBe(atMs);
  });
});

describe('a record without a section', () => {
  const HOUR_MS = 3_600_000;
  const of = (address: string): HostState['confirmed'] => ({
    ipv4: { address, wallMs: NOW.wallMs, atMs: NOW.ms },
  });

  /** Nothing but these records, and the plan has no hostname. */
  function resting(hosts: Record<string, Partial<HostState>>, more: Partial<AgentState> = {}): AgentState {
    const state = world();
    const { home } = state.hosts;
    if (!home) {
      throw new Error('the agent at rest has lost its hostname');
    }
    const records = Object.entries(hosts).map(([id, host]) => [id, { ...home, ...host }]);
    return {
      ...state,
      plan: { ...state.plan, hosts: {} },
      hosts: Object.fromEntries(records),
      ...more,
    };
  }

  test('of two sections of one name goes to its own successor', () => {
    const before = resting({ one: { confirmed: of('192.0.2.1') }, two: { confirmed: of('192.0.2.2') } });
    const { home } = world().plan.hosts;
    const hosts = Object.fromEntries(['first', 'second'].map((id) => [id, { ...home, id }]));

    const after = replanned(before, { ...before.plan, hosts: hosts as AgentState['plan']['hosts'] });

    expect(after.hosts.first?.confirmed.ipv4?.address).toBe('192.0.2.1');
    expect(after.hosts.second?.confirmed.ipv4?.address).toBe('192.0.2.2');
  });

  const NAMED = { hostname: 'home.example.org', account: 'a' };

  test.each<{ name: string; before: boolean; now: boolean; isFresh: boolean }>([
    { name: 'is switched off, as it was', before: true, now: true, isFresh: true },
    { name: 'was switched off and is taken out', before: true, now: false, isFresh: true },
    { name: 'is switched off again after it was taken out', before: false, now: true, isFresh: true },
    { name: 'was taken out before', before: false, now: false, isFresh: false },
  ])('whose section $name is remembered from now on: $isFresh', ({ before, now, isFresh }) => {
    const restedMs = NOW.ms - 1000;
    const state = resting({ home: { restedMs } });
    const known = { ...state.plan, resting: before ? [NAMED] : [] };

    const after = replanned({ ...state, plan: known }, { ...state.plan, resting: now ? [NAMED] : [] });

    expect(after.hosts.home?.restedMs).toBe(isFresh ? NOW.ms : restedMs);
  });

  test.each<{ name: string; item: Partial<UpdateItem>; doubted: HostState['doubted'] }>([
    { name: 'of this one', item: {}, doubted: { ipv4: ['192.0.2.99'] } },
    {
      name: 'of the name that the section had then',
      item: { hostname: 'old.example.org' },
      doubted: undefined,
    },
    { name: 'of another section', item: { host: 'cam' }, doubted: undefined },
    { name: 'of the same address', item: { ipv4: '192.0.2.1' }, doubted: undefined },
  ])('is in doubt after an update under way $name', ({ item, doubted }) => {
    const sent: UpdateItem = {
      host: 'home',
      hostname: NAMED.hostname,
      ipv4: '192.0.2.99',
      reason: 'changed',
    };
    const lanes = { [LANE]: { ...freshLane(), attempt: { id: 7, items: [{ ...sent, ...item }] } } };
    const before = resting({ home: { confirmed: of('192.0.2.1') } }, { lanes });

    const after = replanned(before, { ...before.plan, resting: [NAMED] });

    expect(after.hosts.home?.doubted).toEqual(doubted);
  });

  test.each([
    { order: 'oldest first', sign: 1 },
    { order: 'latest first', sign: -1 },
  ])('is one of fifty at most, of which the oldest goes: $order', ({ sign }) => {
    const ages = Array.from({ length: 51 }, (_, index) => index).sort((a, b) => sign * (b - a));
    const records = ages.map((age): [string, Partial<HostState>] => [
      `host${age}`,
      { hostname: `host${age}.example.org`, confirmed: of(IPV4), restedMs: NOW.ms - (age + 1) * 1000 },
    ]);
    const before = resting(Object.fromEntries(records), {});

    const after = replanned(before, before.plan, { ...NOW, ms: NOW.ms + HOUR_MS });

    expect(Object.keys(after.hosts)).toHaveLength(50);
    expect(after.hosts).not.toHaveProperty('host50');
  });
});
