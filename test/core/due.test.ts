import { describe, expect, test } from 'vitest';
import { NO_RETRY, type Retry } from '../../agent/core/backoff.ts';
import { dueUpdate, signatureOf } from '../../agent/core/due.ts';
import type { HostState } from '../../agent/core/state.ts';
import { agentState, type Changes, confirmation, IPV4, IPV6, LANE, NOW } from './agent-state.ts';

const DAY_MS = 86_400_000;
const NEW = '192.0.2.99';
const origin = { network: 'wan', device: 'eth1' };
const CHANGED: Partial<HostState> = {
  choices: { ipv4: { address: NEW, ...origin }, ipv6: { address: IPV6, ...origin } },
};
const until = (afterMs: number): Retry => ({ failures: 1, notBeforeMs: NOW.ms + afterMs });

function dueOf(changes: Changes) {
  const due = dueUpdate(agentState(changes), 'home', NOW.ms);
  if (!due || 'blocked' in due) {
    return due && `blocked by ${due.blocked.code}`;
  }
  const { item, lane, atMs, why } = due;
  return { send: signatureOf(item), reason: item.reason, lane, inMs: atMs - NOW.ms, why };
}

describe('what is sent', () => {
  const NOTHING_V6 = { code: 'wan/NO_ADDRESS', sentence: 'No address.' };
  const UNKNOWN_V6 = { code: 'source/NO_ANSWER', sentence: 'Nobody answers.', unknown: true as const };

  test.each<{ name: string; changes: Changes; send: string | undefined; reason?: string }>([
    { name: 'nothing, where all is confirmed', changes: {}, send: undefined },
    {
      name: 'both, where the provider takes both at once',
      changes: { host: CHANGED },
      send: `${NEW} ${IPV6}`,
      reason: 'changed',
    },
    {
      name: 'the changed family alone, where each has its own call',
      changes: { host: CHANGED, accountPlan: { dual: false } },
      send: `${NEW} `,
      reason: 'changed',
    },
    {
      name: 'the family that is there, where the other has no address',
      changes: { host: { choices: { ipv4: { address: NEW, ...origin }, ipv6: NOTHING_V6 } } },
      send: `${NEW} `,
      reason: 'changed',
    },
    {
      name: 'nothing, where a family has lost its address',
      changes: { host: { choices: { ipv4: { address: IPV4, ...origin }, ipv6: NOTHING_V6 } } },
      send: undefined,
    },
    {
      name: 'the family that is known, where the provider keeps the other',
      changes: { host: { choices: { ipv4: { address: NEW, ...origin }, ipv6: UNKNOWN_V6 } } },
      send: `${NEW} `,
      reason: 'changed',
    },
    {
      name: 'nothing, where that would erase a family that may be there',
      changes: {
        host: { choices: { ipv4: { address: NEW, ...origin }, ipv6: UNKNOWN_V6 } },
        accountPlan: { partial: 'erases' },
      },
      send: undefined,
    },
    {
      name: 'one family, where the other is known to be gone',
      changes: {
        host: { choices: { ipv4: { address: NEW, ...origin }, ipv6: NOTHING_V6 } },
        accountPlan: { partial: 'erases' },
      },
      send: `${NEW} `,
      reason: 'changed',
    },
    {
      name: 'nothing, where nothing could be chosen',
      changes: { host: { choices: { ipv4: NOTHING_V6, ipv6: NOTHING_V6 }, due: 'operator' } },
      send: undefined,
    },
    {
      name: 'both again, where the operator asks',
      changes: { host: { due: 'operator' }, accountPlan: { dual: false } },
      send: `${IPV4} ${IPV6}`,
      reason: 'operator',
    },
    {
      name: 'both again, where the name is gone',
      changes: { host: { due: 'gone' } },
      send: `${IPV4} ${IPV6}`,
      reason: 'gone',
    },
    {
      name: 'what was never confirmed',
      changes: { host: { confirmed: {} } },
      send: `${IPV4} ${IPV6}`,
      reason: 'changed',
    },
    {
      name: 'nothing, where the source is unknown: an address must be seen now',
      changes: { host: CHANGED, observation: { known: false, code: 'ubus/TIMEOUT', sentence: 'No answer.' } },
      send: undefined,
    },
  ])('$name', ({ changes, send, reason }) => {
    expect(dueOf(changes)).toEqual(
      send === undefined ? undefined : { send, reason, lane: LANE, inMs: 0, why: 'now' },
    );
  });

  test('nothing for a name that is not in the plan', () => {
    expect(dueUpdate(agentState(), 'other', NOW.ms)).toBeUndefined();
  });
});

describe('when', () => {
  const hold = (afterMs: number) => ({ level: 1, lastSentMs: NOW.ms - 1000, notBeforeMs: NOW.ms + afterMs });

  test.each<{ name: string; changes: Changes; inMs: number; why: string }>([
    { name: 'at once', changes: { host: CHANGED }, inMs: 0, why: 'now' },
    {
      name: 'after the hold-down',
      changes: { host: CHANGED, lane: { hold: hold(10_000) } },
      inMs: 10_000,
      why: 'hold-down',
    },
    {
      name: 'a repetition knows no hold-down',
      changes: { host: { ...CHANGED, sent: `${NEW} ${IPV6}` }, lane: { hold: hold(10_000) } },
      inMs: 0,
      why: 'now',
    },
    {
      name: 'the operator knows no hold-down',
      changes: { host: { ...CHANGED, due: 'operator' }, lane: { hold: hold(10_000) } },
      inMs: 0,
      why: 'now',
    },
    {
      name: 'after the backoff of the lane',
      changes: { host: CHANGED, lane: { retry: until(7000) } },
      inMs: 7000,
      why: 'backoff',
    },
    {
      name: 'after the backoff of the host',
      changes: { host: { ...CHANGED, retry: until(8000) } },
      inMs: 8000,
      why: 'backoff',
    },
    {
      name: 'what the operator asked for and what failed since then waits too',
      changes: { host: { due: 'operator' }, lane: { retry: until(5000) } },
      inMs: 5000,
      why: 'backoff',
    },
    {
      name: 'after the wait that the provider demands, the operator too',
      changes: { host: { due: 'operator' }, account: { wait: until(1_800_000) } },
      inMs: 1_800_000,
      why: 'demanded',
    },
    {
      name: 'after the interval of the provider',
      changes: {
        host: CHANGED,
        accountPlan: { minIntervalMs: 60_000 },
        account: { lastSentMs: NOW.ms - 20_000 },
      },
      inMs: 40_000,
      why: 'interval',
    },
    {
      name: 'an interval long over',
      changes: {
        host: CHANGED,
        accountPlan: { minIntervalMs: 60_000 },
        account: { lastSentMs: NOW.ms - 90_000 },
      },
      inMs: 0,
      why: 'now',
    },
    {
      name: 'the last of several waits counts',
      changes: {
        host: { ...CHANGED, retry: until(3000) },
        lane: { hold: hold(9000), retry: until(5000) },
        account: { wait: until(6000) },
      },
      inMs: 9000,
      why: 'hold-down',
    },
    {
      name: 'a refresh is due so long after the last confirmation',
      changes: { accountPlan: { refreshMs: 25 * DAY_MS } },
      inMs: 25 * DAY_MS - 60_000,
      why: 'refresh',
    },
    {
      name: 'a refresh that is due at this moment',
      changes: { accountPlan: { refreshMs: 60_000 } },
      inMs: 0,
      why: 'now',
    },
    {
      name: 'a refresh that is overdue',
      changes: {
        accountPlan: { refreshMs: 1000 },
        host: { confirmed: { ipv4: confirmation(IPV4), ipv6: confirmation(IPV6) } },
      },
      inMs: 0,
      why: 'now',
    },
    {
      name: 'a refresh whose age nobody knows yet',
      changes: {
        accountPlan: { refreshMs: 25 * DAY_MS },
        host: { confirmed: { ipv4: { address: IPV4, wallMs: 0 }, ipv6: { address: IPV6, wallMs: 0 } } },
      },
      inMs: 25 * DAY_MS,
      why: 'refresh',
    },
  ])('$name', ({ changes, inMs, why }) => {
    expect(dueOf(changes)).toMatchObject({ inMs, why });
  });
});

describe('blocked', () => {
  const block = (code: string) => ({ code, sentence: 'Stopped.', sinceWallMs: 0 });

  test.each<{ name: string; changes: Changes; expected: string }>([
    {
      name: 'the hostname',
      changes: { host: { ...CHANGED, block: block('x/HOST') } },
      expected: 'blocked by x/HOST',
    },
    {
      name: 'the account',
      changes: { host: CHANGED, account: { block: block('x/ACCOUNT') } },
      expected: 'blocked by x/ACCOUNT',
    },
    {
      name: 'both: the nearer one is named',
      changes: { host: { block: block('x/HOST') }, account: { block: block('x/ACCOUNT'), wait: NO_RETRY } },
      expected: 'blocked by x/HOST',
    },
  ])('$name', ({ changes, expected }) => {
    expect(dueOf(changes)).toBe(expected);
  });
});
