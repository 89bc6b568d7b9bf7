/** What outlives the process, and what the next one makes of it: after a crash, and after a reboot. */
import { describe, expect, test } from 'vitest';
import {
  type AgentState,
  type AliasState,
  confirmedAtMs,
  doubting,
  freshHost,
  freshLane,
  type HostState,
  initialState,
  rebase,
  type SavedState,
  savedState,
  type UpdateItem,
} from '../../agent/core/state.ts';
import { agentState, confirmation, IPV4, IPV6, LANE, NOW } from './agent-state.ts';

const ITEM: UpdateItem = {
  host: 'home',
  hostname: 'home.example.org',
  ipv4: '192.0.2.99',
  reason: 'changed',
};
const ALIAS: AliasState = {
  ...{ hostname: 'www.example.org', account: 'a', revision: '1', unread: false, health: {} },
  ...{ retry: { failures: 0, notBeforeMs: 0 }, check: { count: 0, nextMs: 0 } },
};

function saved(changes: Partial<AgentState> = {}): SavedState {
  return savedState({ ...agentState(), ...changes });
}

function withHost(changes: Partial<HostState>): SavedState {
  return savedState(agentState({ host: changes }));
}

describe('after a crash', () => {
  test('an attempt under way counts as a failure, and is repeated after five seconds', () => {
    const retry = { failures: 2, notBeforeMs: NOW.ms - 1000 };
    const busy = { ...freshLane(), retry, attempt: { id: 7, items: [ITEM] } };
    const calm = { ...freshLane(), retry };

    const { lanes } = initialState(saved({ lanes: { [LANE]: busy, 'a/eth2': calm } }), NOW.ms);

    expect(lanes).toEqual({
      [LANE]: { ...freshLane(), retry: { failures: 3, notBeforeMs: NOW.ms + 5000 } },
      'a/eth2': calm,
    });
  });

  test.each<{ name: string; item: Partial<UpdateItem>; doubted: HostState['doubted'] }>([
    { name: 'another address of one family', item: {}, doubted: { ipv4: ['192.0.2.99'] } },
    {
      name: 'of both',
      item: { ipv6: '2001:db8::99' },
      doubted: { ipv4: ['192.0.2.99'], ipv6: ['2001:db8::99'] },
    },
    { name: 'the address that was confirmed', item: { ipv4: IPV4 }, doubted: undefined },
    { name: 'another host', item: { host: 'gone' }, doubted: undefined },
  ])('what was sent may have been applied: $name', ({ item, doubted }) => {
    const lane = { ...freshLane(), attempt: { id: 7, items: [{ ...ITEM, ...item }] } };

    const { hosts } = initialState(saved({ lanes: { [LANE]: lane } }), NOW.ms);

    expect(hosts.home?.doubted).toEqual(doubted);
    expect(Object.keys(hosts)).toEqual(['home']);
  });

  test.each<{ name: string; addresses: string[]; ipv4: string[] }>([
    { name: 'one after the other', addresses: ['192.0.2.7', '192.0.2.8'], ipv4: ['192.0.2.7', '192.0.2.8'] },
    { name: 'the one confirmed last of all', addresses: ['192.0.2.7', IPV4], ipv4: ['192.0.2.7'] },
    {
      name: 'one twice',
      addresses: ['192.0.2.7', '192.0.2.8', '192.0.2.7'],
      ipv4: ['192.0.2.8', '192.0.2.7'],
    },
    {
      name: 'more than are remembered',
      addresses: ['192.0.2.5', '192.0.2.6', '192.0.2.7', '192.0.2.8', '192.0.2.9'],
      ipv4: ['192.0.2.6', '192.0.2.7', '192.0.2.8', '192.0.2.9'],
    },
  ])('several may have been applied: $name', ({ addresses, ipv4 }) => {
    const host = initialState(saved(), NOW.ms).hosts.home;

    const after = addresses.reduce(
      (one, address) => doubting(one, { ...ITEM, ipv4: address }),
      host as HostState,
    );

    expect(after.doubted).toEqual({ ipv4 });
  });

  test('a check under way has ended, and the zones are as they were', () => {
    const check = { count: 3, nextMs: 77, pending: true };
    const baselines = { 'example.org': { nameServers: [], sinceWallMs: 5 } };

    const state = initialState({ ...withHost({ check }), baselines }, NOW.ms);

    expect(state.hosts.home?.check).toEqual({ ...check, pending: false });
    expect(state.baselines).toEqual(baselines);
  });

  test('of which nothing is left, nothing is known', () => {
    const state = initialState(undefined, NOW.ms);

    expect([state.accounts, state.lanes, state.hosts, state.baselines, state.aliases]).toEqual([
      {},
      {},
      {},
      {},
      {},
    ]);
  });
});

describe('after a reboot', () => {
  const SAVED_MS = 9_000_000;
  const BOOTED_MS = 20_000;

  test.each([
    { name: 'a minute before', beforeMs: 60_000, agoMs: 60_000 },
    { name: 'at that moment', beforeMs: 0, agoMs: 0 },
    { name: 'later, by a clock that jumped', beforeMs: -5000, agoMs: 0 },
  ])('what rested and what waited $name has done so for as long', ({ beforeMs, agoMs }) => {
    const outbox = {
      lastId: 1,
      messages: [
        {
          ...{ id: 1, kind: 'opened' as const, hostnames: [], queuedMs: SAVED_MS - beforeMs, waiting: ['x'] },
          incident: {
            ...{ id: 'zone:x@1', code: 'x/X', subject: 'x', hosts: [], sentence: '', evidence: [] },
            ...{ mustAct: false, openedWallMs: 0 },
          },
        },
      ],
      channels: {},
    };

    const after = rebase({ ...withHost({ restedMs: SAVED_MS - beforeMs }), outbox }, SAVED_MS, BOOTED_MS);

    expect(after.hosts.home?.restedMs).toBe(BOOTED_MS - agoMs);
    expect(after.outbox?.messages[0]?.queuedMs).toBe(BOOTED_MS - agoMs);
  });

  test('a host that does not rest does not begin to', () => {
    expect(rebase(withHost({}), SAVED_MS, BOOTED_MS).hosts.home).not.toHaveProperty('restedMs');
  });
});

test.each<{ aliases: AgentState['aliases']; isKept: boolean }>([
  { aliases: {}, isKept: false },
  { aliases: { www: ALIAS }, isKept: true },
  { aliases: { www: ALIAS, ftp: ALIAS }, isKept: true },
])('aliases are saved where there are any: $isKept', ({ aliases, isKept }) => {
  expect(saved({ aliases }).aliases).toEqual(isKept ? aliases : undefined);
  expect('aliases' in saved({ aliases })).toBe(isKept);
});

test('of a new host nothing is known, and nothing was done about its absence', () => {
  const plan = { hostname: 'home.example.org', account: 'a', revision: '1' };

  expect(freshHost(plan)).toEqual({
    ...plan,
    ...{ choices: {}, confirmed: {}, axes: {}, goneForced: false },
    ...{ retry: { failures: 0, notBeforeMs: 0 }, check: { count: 0, nextMs: 0, pending: false } },
  });
});

test.each<{ name: string; confirmed: HostState['confirmed']; atMs: number | undefined }>([
  { name: 'never', confirmed: {}, atMs: undefined },
  { name: 'in an earlier boot', confirmed: { ipv4: { address: IPV4, wallMs: 5 } }, atMs: undefined },
  {
    name: 'family by family: the later one counts',
    confirmed: { ipv4: { ...confirmation(IPV4), atMs: 7 }, ipv6: { ...confirmation(IPV6), atMs: 5 } },
    atMs: 7,
  },
])('confirmed $name', ({ confirmed, atMs }) => {
  const { home } = agentState({ host: { confirmed } }).hosts;

  expect(home && confirmedAtMs(home)).toBe(atMs);
});
