/** What the end of an attempt leaves behind: at the hostname, its account and its lane. */
import { describe, expect, test } from 'vitest';
import { NO_RETRY } from '../../agent/core/backoff.ts';
import type { Report } from '../../agent/core/draft.ts';
import type { Failure } from '../../agent/core/failure.ts';
import type { HostOutcome } from '../../agent/core/outcomes.ts';
import type { AgentState, HostState, UpdateItem } from '../../agent/core/state.ts';
import { step } from '../../agent/core/step.ts';
import { agentState, type Changes, confirmation, IPV4, IPV6, LANE, NOW } from './agent-state.ts';

const OLD4 = '192.0.2.1';
const OLD6 = '2001:db8::1';
const BOTH: UpdateItem = {
  host: 'home',
  hostname: 'home.example.org',
  ipv4: IPV4,
  ipv6: IPV6,
  reason: 'changed',
};
const IN_DOUBT = { ipv4: ['192.0.2.7'], ipv6: ['2001:db8::7'] };
const FAILED: Failure = {
  kind: 'unreachable',
  scope: 'attempt',
  code: 'http/NO_ROUTE',
  sentence: 'There is no route. Check the line.',
};

/** An update of both families is under way; the provider has older addresses. */
function underWay(changes: Changes = {}, item = BOTH): AgentState {
  const confirmed = { ipv4: confirmation(OLD4), ipv6: confirmation(OLD6) };
  return agentState({
    ...changes,
    host: { confirmed, ...changes.host },
    lane: { attempt: { id: 7, items: [item] }, ...changes.lane },
  });
}

interface After {
  state: AgentState;
  host: HostState | undefined;
  reports: Report[];
}

function end(outcome: HostOutcome, before = underWay()): After {
  const ended = { type: 'updated' as const, lane: LANE, attempt: 7, outcomes: { home: outcome } };
  const { state, commands } = step(before, ended, NOW);
  // What becomes an incident of it is told besides.
  const all = commands.flatMap((one) => (one.type === 'report' ? one.report : []));
  const reports = all.filter(({ incident }) => incident === undefined);
  return { state, host: state.hosts.home, reports };
}

describe('a success', () => {
  test('confirms what was sent, ends the request and begins the checks anew', () => {
    const lane = { retry: { failures: 3, notBeforeMs: 0 } };
    const host = { due: 'operator' as const, check: { count: 9, nextMs: NOW.ms + 60_000, pending: true } };

    const { host: home, state, reports } = end({ confirmed: ['ipv4', 'ipv6'] }, underWay({ lane, host }));

    const at = { wallMs: NOW.wallMs, atMs: NOW.ms };
    expect(home?.confirmed).toEqual({ ipv4: { address: IPV4, ...at }, ipv6: { address: IPV6, ...at } });
    expect(home?.due).toBeUndefined();
    expect(home?.check).toMatchObject({ count: 0 });
    expect(state.lanes[LANE]).toMatchObject({ retry: NO_RETRY });
    expect(state.lanes[LANE]?.attempt).toBeUndefined();
    expect(reports).toEqual([
      {
        level: 'notice',
        code: 'update/CONFIRMED',
        sentence: `home.example.org: Example DDNS confirmed ${IPV4} and ${IPV6}.`,
        host: 'home',
      },
    ]);
  });

  test('of one family says so, and leaves the other as it was', () => {
    const { host, reports } = end({ confirmed: ['ipv6'], failure: FAILED });

    expect(host?.confirmed).toMatchObject({ ipv4: { address: OLD4 }, ipv6: { address: IPV6 } });
    expect(reports[0]?.sentence).toBe(`home.example.org: Example DDNS confirmed ${IPV6}.`);
  });

  test.each([
    { partial: 'keeps' as const, addresses: [IPV4, OLD6], doubted: { ipv6: IN_DOUBT.ipv6 } },
    { partial: 'erases' as const, addresses: [IPV4, undefined], doubted: undefined },
  ])(
    'of a call with IPv4 alone, where the provider $partial the other',
    ({ partial, addresses, doubted }) => {
      const { ipv6: _, ...alone } = BOTH;
      const before = underWay({ accountPlan: { partial }, host: { doubted: IN_DOUBT } }, alone);

      const { host } = end({ confirmed: ['ipv4'] }, before);

      expect([host?.confirmed.ipv4?.address, host?.confirmed.ipv6?.address]).toEqual(addresses);
      expect(host?.doubted).toEqual(doubted);
    },
  );

  test('with an oddity is a warning', () => {
    const { reports } = end({ confirmed: ['ipv4', 'ipv6'], remark: 'The reply was strange.' });

    expect(reports).toMatchObject([
      { level: 'warning', sentence: expect.stringMatching(/ The reply was strange\.$/) },
    ]);
  });

  test('that the DNS will not show is remembered with its reason, and the DNS begins anew', () => {
    const unseen = 'The provider hides the address.';
    const axes = {
      authority: {
        ...{ verdict: 'failed' as const, code: 'x/X', sentence: '' },
        evidence: [],
        mustAct: false,
        sinceWallMs: 0,
        checkedWallMs: 0,
      },
    };

    const hidden = end({ confirmed: ['ipv4', 'ipv6'], unseen }, underWay({ host: { axes } }));
    const shown = end({ confirmed: ['ipv4', 'ipv6'] }, underWay({ host: { axes } }));

    expect(hidden.host?.confirmed.ipv4).toMatchObject({ unseen });
    expect(hidden.host?.axes).toEqual({});
    expect(shown.host?.confirmed.ipv4).not.toHaveProperty('unseen');
    expect(shown.host?.axes).toEqual(axes);
  });

  test.each<{
    name: string;
    doubted: HostState['doubted'];
    confirmed: HostOutcome['confirmed'];
    left: HostState['doubted'];
  }>([
    { name: 'nothing', doubted: undefined, confirmed: ['ipv4'], left: undefined },
    { name: 'what it confirms', doubted: { ipv4: ['192.0.2.7'] }, confirmed: ['ipv4'], left: undefined },
    {
      name: 'not what it says nothing of',
      doubted: IN_DOUBT,
      confirmed: ['ipv4'],
      left: { ipv6: IN_DOUBT.ipv6 },
    },
    { name: 'all of it', doubted: IN_DOUBT, confirmed: ['ipv4', 'ipv6'], left: undefined },
  ])('takes the doubt from $name', ({ doubted, confirmed, left }) => {
    const item = { ...BOTH, ipv4: OLD4, ipv6: OLD6 };
    const host = { ...(doubted && { doubted }), choices: {} };

    const after = end({ confirmed }, underWay({ host }, item));

    expect(after.host?.doubted).toEqual(left);
  });

  test('ends a wait of the account that is over, and none that lasts', () => {
    const wait = (afterMs: number) => ({ failures: 2, notBeforeMs: NOW.ms + afterMs });

    const over = end({ confirmed: ['ipv4', 'ipv6'] }, underWay({ account: { wait: wait(0) } }));
    const lasting = end({ confirmed: ['ipv4', 'ipv6'] }, underWay({ account: { wait: wait(1) } }));

    expect(over.state.accounts.a?.wait).toEqual(NO_RETRY);
    expect(lasting.state.accounts.a?.wait).toEqual(wait(1));
  });
});

describe('a failure', () => {
  type Where = 'lane' | 'account wait' | 'account block' | 'host wait' | 'host block';

  test.each<{ kind: Failure['kind']; scope: Failure['scope']; where: Where; level: Report['level'] }>([
    { kind: 'unreachable', scope: 'attempt', where: 'lane', level: 'warning' },
    { kind: 'unconfirmed', scope: 'attempt', where: 'lane', level: 'warning' },
    { kind: 'unintelligible', scope: 'attempt', where: 'lane', level: 'warning' },
    { kind: 'defect', scope: 'attempt', where: 'lane', level: 'error' },
    { kind: 'throttled', scope: 'account', where: 'account wait', level: 'warning' },
    { kind: 'busy', scope: 'provider', where: 'account wait', level: 'warning' },
    { kind: 'credential', scope: 'account', where: 'account block', level: 'error' },
    { kind: 'credential', scope: 'attempt', where: 'account block', level: 'error' },
    { kind: 'refused', scope: 'attempt', where: 'account block', level: 'error' },
    { kind: 'throttled', scope: 'hostname', where: 'host wait', level: 'warning' },
    { kind: 'refused', scope: 'hostname', where: 'host block', level: 'error' },
  ])('$kind of the $scope is kept as $where and is one $level', ({ kind, scope, where, level }) => {
    const { host, state, reports } = end({ confirmed: [], failure: { ...FAILED, kind, scope } });

    const account = state.accounts.a;
    const found: Record<Where, boolean> = {
      lane: state.lanes[LANE]?.retry.failures === 1,
      'account wait': account?.wait.failures === 1,
      'account block': account?.block !== undefined,
      'host wait': host?.retry.failures === 1,
      'host block': host?.block !== undefined,
    };
    expect(Object.entries(found).flatMap(([name, is]) => (is ? name : []))).toEqual([where]);
    expect(reports).toMatchObject([{ level, code: FAILED.code, account: 'a' }]);
  });

  test('tells what the provider said, and of which hostname only where it is about one', () => {
    const failure: Failure = { ...FAILED, kind: 'refused', reply: 'nohost' };

    const shared = end({ confirmed: [], failure: { ...failure, scope: 'account' } });
    const own = end({ confirmed: [], failure: { ...failure, scope: 'hostname' } });

    const said = `${FAILED.sentence} Reply: nohost`;
    expect(shared.reports[0]).toMatchObject({ sentence: `Example DDNS: ${said}` });
    expect(shared.reports[0]).not.toHaveProperty('host');
    expect(own.reports[0]).toMatchObject({ sentence: `home.example.org: ${said}`, host: 'home' });
  });

  test('of a demand never makes a longer one shorter', () => {
    const throttled: Failure = { ...FAILED, kind: 'throttled', scope: 'account', retryAfterMs: 60_000 };
    const long = { failures: 1, notBeforeMs: NOW.ms + 3_600_000 };

    const { state } = end({ confirmed: [], failure: throttled }, underWay({ account: { wait: long } }));

    expect(state.accounts.a?.wait).toEqual(long);
  });

  test('of a host nobody spoke of is a defect, and is not sent again at once', () => {
    const { state, reports } = end({ confirmed: [] });

    expect(reports).toMatchObject([{ level: 'error', code: 'update/NO_VERDICT' }]);
    expect(state.lanes[LANE]?.retry.notBeforeMs).toBe(NOW.ms + 3_600_000);
  });

  test.each<{ kind: Failure['kind']; doubted: HostState['doubted'] }>([
    { kind: 'unreachable', doubted: undefined },
    { kind: 'throttled', doubted: undefined },
    { kind: 'refused', doubted: undefined },
    { kind: 'unconfirmed', doubted: { ipv4: [IPV4], ipv6: [IPV6] } },
    { kind: 'unintelligible', doubted: { ipv4: [IPV4], ipv6: [IPV6] } },
    { kind: 'busy', doubted: { ipv4: [IPV4], ipv6: [IPV6] } },
    { kind: 'defect', doubted: { ipv4: [IPV4], ipv6: [IPV6] } },
  ])('$kind puts into doubt: $doubted', ({ kind, doubted }) => {
    expect(end({ confirmed: [], failure: { ...FAILED, kind } }).host?.doubted).toEqual(doubted);
  });

  test('for good says nothing of settings that have changed meanwhile; one that passes counts', () => {
    const attempt = { id: 7, items: [BOTH], outdated: true as const };
    const refused: Failure = { ...FAILED, kind: 'credential', scope: 'account' };

    const permanent = end({ confirmed: [], failure: refused }, underWay({ lane: { attempt } }));
    const passing = end({ confirmed: [], failure: FAILED }, underWay({ lane: { attempt } }));

    expect(permanent.state.accounts.a?.block).toBeUndefined();
    expect(permanent.reports).toEqual([]);
    expect(passing.state.lanes[LANE]?.retry.failures).toBe(1);
  });
});

describe('an answer', () => {
  test('to another attempt changes nothing', () => {
    const before = underWay();
    const late = { type: 'updated' as const, lane: LANE, attempt: 6, outcomes: { home: { confirmed: [] } } };

    const { state, commands } = step(before, late, NOW);

    expect(state.lanes[LANE]).toEqual(before.lanes[LANE]);
    expect(state.hosts.home?.confirmed).toEqual(before.hosts.home?.confirmed);
    expect(commands.filter(({ type }) => type === 'report')).toEqual([]);
  });

  test('for a name that its section no longer has is not judged', () => {
    const before = underWay({ hostPlan: { hostname: 'other.example.org' } });

    const { host, reports } = end({ confirmed: ['ipv4', 'ipv6'] }, before);

    expect(host?.confirmed).toMatchObject({ ipv4: { address: OLD4 } });
    expect(reports).toEqual([]);
  });
});
