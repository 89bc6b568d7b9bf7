import { describe, expect, test } from 'vitest';
import { NO_RETRY, type Retry } from '../../agent/core/backoff.ts';
import type { Failure } from '../../agent/core/failure.ts';
import type { Axis, AxisVerdict } from '../../agent/core/health.ts';
import type { AliasState, HostState, UpdateItem } from '../../agent/core/state.ts';
import {
  isSettled,
  nextAttempt,
  PATIENCE_MS,
  type UpdateAxis,
  updateAxis,
  verdictOf,
} from '../../agent/core/summary.ts';
import { agentState, type Changes, confirmation, IPV4, IPV6, NOW } from './agent-state.ts';

const origin = { network: 'wan', device: 'eth1' };
const CHANGED: Partial<HostState> = {
  choices: { ipv4: { address: '192.0.2.99', ...origin }, ipv6: { address: IPV6, ...origin } },
};
const NO_IPV6 = { code: 'wan/NO_ADDRESS', sentence: 'There is no IPv6 address.' };
const ITEM: UpdateItem = {
  host: 'home',
  hostname: 'home.example.org',
  ipv4: '192.0.2.99',
  reason: 'changed',
};

function waiting(code: string, afterMs = 60_000): Retry {
  const failure: Failure = { kind: 'busy', scope: 'provider', code, sentence: 'It failed.' };
  return { failures: 1, notBeforeMs: NOW.ms + afterMs, failure };
}

const block = (code: string) => ({ code, sentence: 'Stopped.', sinceWallMs: 0 });

describe('the update channel', () => {
  test.each<{ name: string; changes: Changes; expected: string }>([
    { name: 'all confirmed', changes: {}, expected: 'ok update/OK' },
    {
      name: 'confirmed, but one family has no address now',
      changes: { host: { choices: { ipv4: { address: IPV4, ...origin }, ipv6: NO_IPV6 } } },
      expected: 'warning wan/NO_ADDRESS',
    },
    { name: 'changed and not sent', changes: { host: CHANGED }, expected: 'pending update/WAITING' },
    {
      name: 'on its way',
      changes: { host: CHANGED, lane: { attempt: { id: 1, items: [ITEM] } } },
      expected: 'pending update/SENDING',
    },
    {
      name: 'an attempt of another hostname is under way',
      changes: { host: CHANGED, lane: { attempt: { id: 1, items: [{ ...ITEM, host: 'other' }] } } },
      expected: 'pending update/WAITING',
    },
    {
      name: 'the account has to wait',
      changes: { host: CHANGED, account: { wait: waiting('dyndns2/911') } },
      expected: 'failed dyndns2/911',
    },
    {
      name: 'the host has to wait',
      changes: { host: { ...CHANGED, retry: waiting('dyndns2/X') } },
      expected: 'failed dyndns2/X',
    },
    {
      name: 'the lane has to wait',
      changes: { host: CHANGED, lane: { retry: waiting('net/Y') } },
      expected: 'failed net/Y',
    },
    {
      name: 'both have to wait: what reaches further is named',
      changes: {
        host: { ...CHANGED, retry: waiting('dyndns2/X') },
        account: { wait: waiting('dyndns2/911') },
        lane: { retry: waiting('net/Y') },
      },
      expected: 'failed dyndns2/911',
    },
    {
      name: 'a failure of the account is no matter for a name that is confirmed',
      changes: { account: { wait: waiting('dyndns2/911') } },
      expected: 'ok update/OK',
    },
    {
      name: 'the hostname is blocked',
      changes: { host: { block: block('dyndns2/NOHOST') } },
      expected: 'failed dyndns2/NOHOST',
    },
    {
      name: 'the account is blocked',
      changes: { account: { block: block('dyndns2/BADAUTH') } },
      expected: 'failed dyndns2/BADAUTH',
    },
    {
      name: 'the source does not answer',
      changes: { observation: { known: false, code: 'ubus/TIMEOUT', sentence: 'No answer.' } },
      expected: 'unknown ubus/TIMEOUT',
    },
    {
      name: 'the operator asked',
      changes: { host: { due: 'operator' } },
      expected: 'pending update/WAITING',
    },
  ])('$name: $expected', ({ changes, expected }) => {
    const axis = updateAxis(agentState(changes), 'home', NOW);

    expect(`${axis?.verdict} ${axis?.code}`).toBe(expected);
  });

  const UNKNOWN_V6 = { code: 'source/NO_ANSWER', sentence: 'Nobody answers.', unknown: true as const };
  const CONFIRMED = 'The provider has confirmed this address.';

  test.each<{ name: string; changes: Changes; expected: UpdateAxis }>([
    {
      name: 'since the later of two confirmations',
      changes: {
        host: {
          confirmed: {
            ipv4: { ...confirmation(IPV4), wallMs: NOW.wallMs - 7 },
            ipv6: { ...confirmation(IPV6), wallMs: NOW.wallMs - 9 },
          },
        },
      },
      expected: {
        ...{ verdict: 'ok', code: 'update/OK', sentence: CONFIRMED },
        ...{ mustAct: false, sinceWallMs: NOW.wallMs - 7 },
      },
    },
    {
      name: 'since the only one',
      changes: {
        hostPlan: { families: ['ipv4'] },
        host: {
          choices: { ipv4: { address: IPV4, ...origin } },
          confirmed: { ipv4: { ...confirmation(IPV4), wallMs: 5 } },
        },
      },
      expected: {
        ...{ verdict: 'ok', code: 'update/OK', sentence: CONFIRMED },
        ...{ mustAct: false, sinceWallMs: 5 },
      },
    },
    {
      name: 'since nobody knows when',
      changes: { host: { choices: {}, confirmed: {} } },
      expected: { verdict: 'ok', code: 'update/OK', sentence: CONFIRMED, mustAct: false },
    },
    {
      name: 'blocked, and somebody must act',
      changes: { host: { block: { ...block('x/X'), sinceWallMs: 5 } } },
      expected: { verdict: 'failed', code: 'x/X', sentence: 'Stopped.', mustAct: true, sinceWallMs: 5 },
    },
    {
      name: 'without an address of either family: the first is named',
      changes: { host: { choices: { ipv4: NO_IPV6, ipv6: { ...NO_IPV6, code: 'wan/DOWN' } } } },
      expected: { verdict: 'warning', ...NO_IPV6, mustAct: false },
    },
    {
      name: 'held back, for nobody knows the other family',
      changes: {
        accountPlan: { partial: 'erases' },
        host: { choices: { ipv4: { address: '192.0.2.99', ...origin }, ipv6: UNKNOWN_V6 } },
      },
      expected: {
        ...{ verdict: 'pending', code: 'update/WAITING', mustAct: false },
        sentence: 'The new address is not sent yet.',
      },
    },
    {
      name: 'on its way with others',
      changes: {
        host: CHANGED,
        lane: { attempt: { id: 1, items: [{ ...ITEM, host: 'other' }, ITEM] } },
      },
      expected: {
        ...{ verdict: 'pending', code: 'update/SENDING', mustAct: false },
        sentence: 'The update is on its way; the reply is awaited.',
      },
    },
  ])('says all that is known of it: $name', ({ changes, expected }) => {
    const axis = updateAxis(agentState(changes), 'home', NOW);

    expect(axis).toEqual(expected);
  });

  test('before the first reading it is starting', () => {
    const state = { ...agentState({ host: { choices: {} } }), observations: {} };

    expect(updateAxis(state, 'home', NOW)).toMatchObject({ verdict: 'pending', code: 'update/STARTING' });
  });

  test('an unknown hostname has none', () => {
    expect(updateAxis(agentState(), 'other', NOW)).toBeUndefined();
  });
});

describe('the next attempt', () => {
  test.each<{ name: string; changes: Changes; inMs: number | undefined; says: RegExp }>([
    { name: 'none', changes: {}, inMs: undefined, says: /^$/ },
    { name: 'now', changes: { host: CHANGED }, inMs: 0, says: /now/ },
    {
      name: 'demanded',
      changes: { host: CHANGED, account: { wait: waiting('x/X') } },
      inMs: 60_000,
      says: /asked to wait/,
    },
    {
      name: 'after a failure',
      changes: { host: CHANGED, lane: { retry: waiting('x/X') } },
      inMs: 60_000,
      says: /attempt failed/,
    },
    {
      name: 'while the WAN flaps',
      changes: {
        host: CHANGED,
        lane: { hold: { level: 2, lastSentMs: NOW.ms, notBeforeMs: NOW.ms + 20_000 } },
      },
      inMs: 20_000,
      says: /several times/,
    },
    {
      name: 'none while blocked',
      changes: { host: { ...CHANGED, block: block('x/X') } },
      inMs: undefined,
      says: /^$/,
    },
  ])('$name', ({ changes, inMs, says }) => {
    const next = nextAttempt(agentState(changes), 'home', NOW);

    expect(next && next.atMs - NOW.ms).toBe(inMs);
    expect(next?.sentence ?? '').toMatch(says);
  });
});

describe('the next attempt, where events start the agent', () => {
  test.each<{ name: string; byEvents?: true; waitMs: number; isLater: boolean }>([
    { name: 'the process waits for it', byEvents: true, waitMs: 60_000, isLater: false },
    { name: 'nothing runs at that moment', byEvents: true, waitMs: 60_001, isLater: true },
    { name: 'a resident agent is there', waitMs: 60_001, isLater: false },
  ])('$name', ({ byEvents, waitMs, isLater }) => {
    const state = agentState({ host: CHANGED, account: { wait: waiting('x/X', waitMs) } });
    const agent = { ...state.plan.agent, ...(byEvents && { byEvents }) };

    const next = nextAttempt({ ...state, plan: { ...state.plan, agent } }, 'home', NOW);

    expect(next?.atMs).toBe(NOW.ms + waitMs);
    expect(next?.sentence.includes('first start of the agent after that')).toBe(isLater);
    expect(isSettled({ ...state, plan: { ...state.plan, agent } }, NOW, PATIENCE_MS)).toBe(
      waitMs > PATIENCE_MS,
    );
  });
});

describe('one verdict from four axes', () => {
  function axis(verdict: AxisVerdict, code: string): Axis {
    return { verdict, code, sentence: '', evidence: [], mustAct: false, sinceWallMs: 0, checkedWallMs: 0 };
  }

  test.each<{
    update: AxisVerdict;
    delegation?: AxisVerdict;
    authority?: AxisVerdict;
    publicView?: AxisVerdict;
    expected: string;
  }>([
    { update: 'ok', expected: 'update' },
    { update: 'ok', delegation: 'ok', authority: 'ok', publicView: 'ok', expected: 'update' },
    { update: 'ok', delegation: 'ok', authority: 'ok', publicView: 'pending', expected: 'publicView' },
    { update: 'ok', delegation: 'failed', authority: 'ok', publicView: 'failed', expected: 'delegation' },
    { update: 'failed', delegation: 'failed', expected: 'update' },
    { update: 'pending', authority: 'warning', expected: 'authority' },
    { update: 'ok', authority: 'unknown', publicView: 'unknown', expected: 'authority' },
    { update: 'unknown', publicView: 'pending', expected: 'publicView' },
    { update: 'ok', delegation: 'off', authority: 'off', publicView: 'off', expected: 'update' },
  ])('$update, $delegation, $authority, $publicView: $expected speaks', ({ update, expected, ...dns }) => {
    const axes = Object.fromEntries(
      Object.entries(dns).map(([name, verdict]) => [name, axis(verdict, name)]),
    );

    const worst = verdictOf({ verdict: update, code: 'update', sentence: '', mustAct: false }, axes);

    expect(worst.code).toBe(expected);
  });
});

describe('settled', () => {
  const PATIENCE_MS = 60_000;

  test.each<{ name: string; changes: Changes; settled: boolean }>([
    { name: 'at rest', changes: {}, settled: true },
    { name: 'an update is due now', changes: { host: CHANGED }, settled: false },
    {
      name: 'an update is due soon',
      changes: { host: { ...CHANGED, retry: waiting('x/X', 59_000) } },
      settled: false,
    },
    {
      name: 'an update is due in just that time',
      changes: { host: { ...CHANGED, retry: waiting('x/X', 60_000) } },
      settled: false,
    },
    {
      name: 'an update is due later',
      changes: { host: { ...CHANGED, retry: waiting('x/X', 61_000) } },
      settled: true,
    },
    { name: 'a reply is awaited', changes: { lane: { attempt: { id: 1, items: [ITEM] } } }, settled: false },
    {
      name: 'the DNS is being asked',
      changes: { host: { check: { count: 0, nextMs: 0, pending: true } } },
      settled: false,
    },
    { name: 'blocked', changes: { host: { ...CHANGED, block: block('x/X') } }, settled: true },
    {
      name: 'without an address',
      changes: { host: { choices: { ipv4: NO_IPV6, ipv6: NO_IPV6 }, retry: NO_RETRY } },
      settled: true,
    },
    {
      name: 'a refresh is due in a month',
      changes: { accountPlan: { refreshMs: 2_592_000_000 } },
      settled: true,
    },
    {
      name: 'a refresh is due',
      changes: {
        accountPlan: { refreshMs: 60_000 },
        host: { confirmed: { ipv4: confirmation(IPV4), ipv6: confirmation(IPV6) } },
      },
      settled: false,
    },
  ])('$name: $settled', ({ changes, settled }) => {
    expect(isSettled(agentState(changes), NOW, PATIENCE_MS)).toBe(settled);
  });

  test.each<{ name: string; busy: Changes }>([
    { name: 'two lanes awaits a reply', busy: { lane: { attempt: { id: 1, items: [ITEM] } } } },
    { name: 'two hosts has an update to send', busy: { host: CHANGED } },
  ])('not while one of $name', ({ busy }) => {
    const { plan, hosts, lanes } = agentState();
    const state = agentState(busy);
    const two = {
      ...state,
      plan: { ...state.plan, hosts: { ...state.plan.hosts, ...renamed(plan.hosts) } },
      hosts: { ...state.hosts, ...renamed(hosts) },
      lanes: { ...state.lanes, ...renamed(lanes) },
    };

    expect(isSettled(two, NOW, PATIENCE_MS)).toBe(false);
  });

  function renamed<T>(record: Record<string, T>): Record<string, T> {
    return Object.fromEntries(Object.entries(record).map(([id, value]) => [`other-${id}`, value]));
  }

  test('not while one of two sources is read', () => {
    const calm = { nextMs: NOW.ms + 600_000, pending: false, again: false, outdated: false, failures: 0 };
    const reads = { network: calm, device: { ...calm, pending: true } };

    expect(isSettled({ ...agentState(), reads }, NOW, PATIENCE_MS)).toBe(false);
  });

  test.each([
    { name: 'a reading under way', pending: true, inMs: 600_000, settled: false },
    { name: 'a reading that is repeated soon', pending: false, inMs: 2000, settled: false },
    { name: 'a reading in five seconds', pending: false, inMs: 5000, settled: false },
    { name: 'a reading later than that', pending: false, inMs: 5001, settled: true },
    { name: 'the next resync', pending: false, inMs: 600_000, settled: true },
  ])('$name: $settled', ({ pending, inMs, settled }) => {
    const network = { nextMs: NOW.ms + inMs, pending, again: false, outdated: false, failures: 0 };

    expect(isSettled({ ...agentState(), reads: { network } }, NOW, PATIENCE_MS)).toBe(settled);
  });

  test.each([
    { attempt: undefined, settled: true },
    { attempt: { id: 1, task: 'write' as const, target: 'home' }, settled: false },
  ])('an alias with $attempt under way: $settled', ({ attempt, settled }) => {
    const www: AliasState = {
      ...{ hostname: 'www.example.org', account: 'a', revision: '1', unread: false, health: {} },
      ...{ retry: NO_RETRY, check: { count: 0, nextMs: 0 }, ...(attempt && { attempt }) },
    };

    expect(isSettled({ ...agentState(), aliases: { www } }, NOW, PATIENCE_MS)).toBe(settled);
  });

  test.each([
    { sending: undefined, settled: true },
    { sending: 7, settled: false },
  ])('a channel on whose way is message $sending: $settled', ({ sending, settled }) => {
    const channels = { web: { retry: NO_RETRY, ...(sending !== undefined && { sending }) } };
    const outbox = { lastId: 7, messages: [], channels };

    expect(isSettled({ ...agentState(), outbox }, NOW, PATIENCE_MS)).toBe(settled);
  });
});
