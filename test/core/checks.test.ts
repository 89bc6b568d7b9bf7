/** When names are checked, what is asked of a check, and what is learned of a zone. */
import { describe, expect, test } from 'vitest';
import { baselineOf, learnBaseline } from '../../agent/core/baseline.ts';
import { type Command, openDraft } from '../../agent/core/draft.ts';
import type { AxisVerdict, Judgement, NameServer } from '../../agent/core/health.ts';
import type { Baseline } from '../../agent/core/state.ts';
import { step } from '../../agent/core/step.ts';
import { agentState, type Changes, IPV4, IPV6, NOW } from './agent-state.ts';

function asked(changes: Changes, verify = true): Extract<Command, { type: 'verify' }>[] {
  const state = agentState(changes);
  const plan = { ...state.plan, agent: { ...state.plan.agent, verify } };
  const { commands } = step({ ...state, plan }, { type: 'woken' }, NOW);
  return commands.filter((one): one is Extract<Command, { type: 'verify' }> => one.type === 'verify');
}

describe('a check', () => {
  test('is told the addresses, their age and the provider', () => {
    expect(asked({})).toEqual([
      {
        ...{ type: 'verify', host: 'home', account: 'a', hostname: 'home.example.org' },
        ...{ ipv4: IPV4, ipv6: IPV6, ageMs: 60_000, provider: 'Example DDNS' },
      },
    ]);
  });

  test.each<{ name: string; changes: Changes; verify?: false }>([
    { name: 'checks are switched off', changes: {}, verify: false },
    { name: 'nothing is confirmed', changes: { host: { confirmed: {} } } },
    { name: 'the name is not in DNS', changes: { hostPlan: { inDns: false } } },
    {
      name: 'the provider says that DNS does not show it',
      changes: { host: { confirmed: { ipv4: { address: IPV4, wallMs: 0, unseen: 'A proxy.' } } } },
    },
    { name: 'one is under way', changes: { host: { check: { count: 0, nextMs: 0, pending: true } } } },
    {
      name: 'it is not time',
      changes: { host: { check: { count: 0, nextMs: NOW.ms + 1, pending: false } } },
    },
  ])('does not take place where $name', ({ changes, verify }) => {
    expect(asked(changes, verify)).toEqual([]);
  });

  test.each([
    { hostname: 'home.ddns.example', isTold: true },
    { hostname: 'ddns.example', isTold: false },
    { hostname: 'home.otherddns.example', isTold: false },
  ])('of $hostname knows of the page to confirm it: $isTold', ({ hostname, isTold }) => {
    const renewal = { days: 30, page: 'https://my.example.net/', zones: ['ddns.example'] };
    const [check] = asked({ accountPlan: { renewal }, hostPlan: { hostname } });

    expect(check?.renewal?.days).toBe(isTold ? 30 : undefined);
  });

  test.each<{ name: string; changes: Changes; looks: boolean }>([
    { name: 'all is well', changes: {}, looks: false },
    {
      name: 'updates reach nobody',
      changes: {
        lane: {
          retry: {
            ...{ failures: 1, notBeforeMs: NOW.ms + 1000 },
            failure: { kind: 'unreachable', scope: 'attempt', code: 'net/UNREACHABLE', sentence: '' },
          },
        },
      },
      looks: true,
    },
    {
      name: 'it was down when last seen',
      changes: { account: { web: { up: false, sinceWallMs: 0, checkedMs: NOW.ms - 900_000, detail: '' } } },
      looks: true,
    },
    {
      name: 'it was looked at a moment ago',
      changes: { account: { web: { up: false, sinceWallMs: 0, checkedMs: NOW.ms - 899_999, detail: '' } } },
      looks: false,
    },
  ])('looks at the web site where $name: $looks', ({ changes, looks }) => {
    const homepage = 'https://www.example.net';
    const [check] = asked({ ...changes, accountPlan: { homepage } });

    expect(check?.homepage).toBe(looks ? homepage : undefined);
  });
});

describe('a zone', () => {
  const OWN: NameServer[] = [
    { name: 'ns1.example.net', addresses: ['192.0.2.53'] },
    { name: 'ns2.example.net', addresses: ['198.51.100.53'] },
  ];
  const BASELINE: Baseline = { nameServers: OWN, sinceWallMs: 5 };

  function learned(
    known: Baseline | undefined,
    nameServers: NameServer[] | undefined,
    delegation: AxisVerdict,
    authority: AxisVerdict,
  ): Baseline | undefined {
    const axis = (verdict: AxisVerdict) => ({
      verdict,
      code: '',
      sentence: '',
      evidence: [],
      mustAct: false,
    });
    const found: Judgement = {
      zone: 'example.org',
      ...(nameServers && { view: { nameServers } }),
      axes: { delegation: axis(delegation), authority: axis(authority), publicView: axis('ok') },
    };
    const baselines: Record<string, Baseline> = known === undefined ? {} : { 'example.org': known };
    const draft = openDraft({ ...agentState(), baselines }, NOW);
    learnBaseline(draft, found);
    return draft.state.baselines['example.org'];
  }

  test.each<{ name: string; authority: AxisVerdict; isLearned: boolean }>([
    { name: 'that serves our address', authority: 'ok', isLearned: true },
    { name: 'that serves it in part', authority: 'warning', isLearned: true },
    { name: 'that does not', authority: 'failed', isLearned: false },
    { name: 'that does not yet', authority: 'pending', isLearned: false },
    { name: 'that cannot be asked', authority: 'unknown', isLearned: false },
  ])('$name is learned: $isLearned', ({ authority, isLearned }) => {
    expect(learned(undefined, OWN, 'ok', authority)).toEqual(
      isLearned ? { nameServers: OWN, sinceWallMs: NOW.wallMs } : undefined,
    );
  });

  test.each<{ name: string; now: NameServer[] | undefined; expected: NameServer[] }>([
    { name: 'the same servers', now: OWN, expected: OWN },
    { name: 'one server less', now: OWN.slice(0, 1), expected: OWN },
    { name: 'nobody said', now: undefined, expected: OWN },
    {
      name: 'one of them at another address, as rotating answers have it',
      now: [{ name: 'ns1.example.net', addresses: ['203.0.113.1'] }, ...OWN.slice(1)],
      expected: OWN,
    },
    {
      name: 'all at other addresses',
      now: OWN.map(({ name }) => ({ name, addresses: ['203.0.113.1'] })),
      expected: OWN.map(({ name }) => ({ name, addresses: ['203.0.113.1'] })),
    },
    {
      name: 'names whose addresses could not be found',
      now: OWN.map(({ name }) => ({ name, addresses: [] })),
      expected: OWN,
    },
    {
      name: 'a new server of the same operator',
      now: [...OWN, { name: 'ns3.example.net', addresses: ['203.0.113.3'] }],
      expected: [...OWN, { name: 'ns3.example.net', addresses: ['203.0.113.3'] }],
    },
  ])('that is well, with $name', ({ now, expected }) => {
    expect(learned(BASELINE, now, 'ok', 'ok')?.nameServers).toEqual(expected);
  });

  const TAKERS: NameServer[] = [{ name: 'ns7.example.com', addresses: ['203.0.113.7'] }];
  const NAMES = ['ns7.example.com'];
  const WEEK_MS = 7 * 24 * 3_600_000;

  test.each<{ name: string; candidate?: Baseline['candidate']; authority: AxisVerdict; expected: Baseline }>([
    {
      name: 'begins to count',
      authority: 'ok',
      expected: { ...BASELINE, candidate: { names: NAMES, workedMs: 0, atMs: NOW.ms } },
    },
    {
      name: 'counts what was watched',
      candidate: { names: NAMES, workedMs: 1000, atMs: NOW.ms - 300_000 },
      authority: 'ok',
      expected: { ...BASELINE, candidate: { names: NAMES, workedMs: 301_000, atMs: NOW.ms } },
    },
    {
      name: 'counts two hours at most for a gap',
      candidate: { names: NAMES, workedMs: 1000, atMs: NOW.ms - 90_000_000 },
      authority: 'ok',
      expected: { ...BASELINE, candidate: { names: NAMES, workedMs: 7_201_000, atMs: NOW.ms } },
    },
    {
      name: 'counts nothing for a reboot',
      candidate: { names: NAMES, workedMs: 86_400_000 },
      authority: 'ok',
      expected: { ...BASELINE, candidate: { names: NAMES, workedMs: 86_400_000, atMs: NOW.ms } },
    },
    {
      name: 'begins anew with yet other servers',
      candidate: { names: ['ns9.example.com'], workedMs: 86_400_000, atMs: NOW.ms - 1000 },
      authority: 'ok',
      expected: { ...BASELINE, candidate: { names: NAMES, workedMs: 0, atMs: NOW.ms } },
    },
    {
      name: 'forgets all when it fails',
      candidate: { names: NAMES, workedMs: 86_400_000, atMs: NOW.ms - 1000 },
      authority: 'failed',
      expected: BASELINE,
    },
    {
      name: 'keeps all when it cannot be asked',
      candidate: { names: NAMES, workedMs: 86_400_000, atMs: NOW.ms - 1000 },
      authority: 'unknown',
      expected: { ...BASELINE, candidate: { names: NAMES, workedMs: 86_400_000, atMs: NOW.ms - 1000 } },
    },
    {
      name: 'is taken for the right one after a week',
      candidate: { names: NAMES, workedMs: WEEK_MS - 1000, atMs: NOW.ms - 1000 },
      authority: 'ok',
      expected: { nameServers: TAKERS, sinceWallMs: NOW.wallMs, adopted: true },
    },
  ])('in other hands $name', ({ candidate, authority, expected }) => {
    const known = { ...BASELINE, ...(candidate && { candidate }) };

    expect(learned(known, TAKERS, 'failed', authority)).toEqual(expected);
  });

  test('that comes back to its own hands is as it was', () => {
    const candidate = { names: NAMES, workedMs: 86_400_000, atMs: NOW.ms - 1000 };

    expect(learned({ ...BASELINE, candidate }, OWN, 'ok', 'ok')).toEqual(BASELINE);
  });

  test.each([
    { hostname: 'home.dyn.example.org', zone: 'dyn.example.org' },
    { hostname: 'home.example.org', zone: 'example.org' },
    { hostname: 'example.org', zone: 'example.org' },
    { hostname: 'home.otherexample.org', zone: undefined },
  ])('of $hostname is the longest that is known: $zone', ({ hostname, zone }) => {
    const baselines = { 'example.org': BASELINE, 'dyn.example.org': BASELINE };

    expect(baselineOf(openDraft({ ...agentState(), baselines }, NOW), hostname)?.zone).toBe(zone);
  });
});
