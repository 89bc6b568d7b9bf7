/** When names are checked, what is asked of a check, and what is learned of a zone. */
import { describe, expect, test } from 'vitest';
import { baselineOf, learnBaseline } from '../../agent/core/baseline.ts';
import { applyVerification } from '../../agent/core/checks.ts';
import { type Command, openDraft } from '../../agent/core/draft.ts';
import type { Failure } from '../../agent/core/failure.ts';
import type { AxisVerdict, DnsAxes, Judgement, NameServer } from '../../agent/core/health.ts';
import type { Incident } from '../../agent/core/incident.ts';
import { type AccountState, type Baseline, freshLane, type HostState } from '../../agent/core/state.ts';
import { step } from '../../agent/core/step.ts';
import { agentState, type Changes, confirmation, IPV4, IPV6, NOW } from './agent-state.ts';

const UNREACHABLE: Failure = {
  ...{ kind: 'unreachable', scope: 'attempt' },
  ...{ code: 'net/UNREACHABLE', sentence: '' },
};

function axisOf(verdict: AxisVerdict) {
  return { verdict, code: '', sentence: '', evidence: [], mustAct: false };
}

function asked(
  changes: Changes,
  verify = true,
  now = NOW,
  incidents: Incident[] = [],
): Extract<Command, { type: 'verify' }>[] {
  const state = agentState(changes);
  const plan = { ...state.plan, agent: { ...state.plan.agent, verify } };
  const { commands } = step({ ...state, plan, incidents }, { type: 'woken' }, now);
  return commands.filter((one): one is Extract<Command, { type: 'verify' }> => one.type === 'verify');
}

describe('a check', () => {
  const soon = (verdict: AxisVerdict) => ({ ...axisOf(verdict), code: `x/${verdict}` });

  test('is told the addresses, their age and the provider', () => {
    expect(asked({})).toEqual([
      {
        ...{ type: 'verify', host: 'home', attempt: 1, account: 'a', hostname: 'home.example.org' },
        ...{ ipv4: IPV4, ipv6: IPV6, ageMs: 60_000, provider: 'Example DDNS' },
      },
    ]);
  });

  test('is told how long resolvers keep the record', () => {
    const [check] = asked({ host: { check: { count: 9, nextMs: 0, pending: false, ttlSec: 120 } } });

    expect(check?.ttlSec).toBe(120);
  });

  test('is told when the address of now is another one', () => {
    const [check] = asked({ host: { confirmed: { ipv4: confirmation('192.0.2.77') } } });

    expect(check?.outdated).toBe(true);
  });

  test('takes place where one family of two is confirmed', () => {
    const [check] = asked({ host: { confirmed: { ipv4: confirmation(IPV4) } } });

    expect(check).toMatchObject({ ipv4: IPV4, outdated: true });
    expect(check).not.toHaveProperty('ipv6');
  });

  test.each<{ doubted: HostState['doubted'] }>([
    { doubted: undefined },
    { doubted: { ipv4: ['192.0.2.98', '192.0.2.99'] } },
    { doubted: { ipv4: ['192.0.2.99'], ipv6: ['2001:db8::99'] } },
  ])('is told what may have been applied, whatever was sent since: $doubted', ({ doubted }) => {
    const [check] = asked({ host: { sent: `${IPV4} ${IPV6}`, ...(doubted && { doubted }) } });

    expect(check?.unheard).toEqual(doubted);
  });

  const DAY_MS = 86_400_000;
  const WRONG = { code: 'public/WRONG' };
  const CACHED = { code: 'public/CACHED' };

  test.each<{
    name: string;
    authority?: AxisVerdict;
    publicView: { code: string; forMs?: number };
    /** Since the addresses were confirmed; undefined: the clock was not set since the boot. */
    ipv4Ms?: number | undefined;
    ipv6Ms?: number | undefined;
    ttlSec?: number;
    /** Code of an incident. */
    open?: string;
    isTold: boolean;
  }>([
    { name: 'wrong', publicView: WRONG, isTold: true },
    { name: 'wrong here and there', publicView: { code: 'public/SOME_FAIL' }, isTold: true },
    { name: 'right', publicView: { code: 'public/OK' }, isTold: false },
    { name: 'wrong, as the servers are', authority: 'failed', publicView: WRONG, isTold: false },
    { name: 'wrong, and the servers silent', authority: 'unknown', publicView: WRONG, isTold: false },
    { name: 'wrong, and the servers odd', authority: 'warning', publicView: WRONG, isTold: true },
    { name: 'late for less than a day', publicView: { ...CACHED, forMs: DAY_MS - 1 }, isTold: false },
    { name: 'late for a day', publicView: { ...CACHED, forMs: DAY_MS }, isTold: true },
    { name: 'wrong, of a record a day old', publicView: WRONG, ipv4Ms: DAY_MS, isTold: true },
    { name: 'wrong, of a newer IPv4 address', publicView: WRONG, ipv4Ms: DAY_MS - 1, isTold: false },
    { name: 'wrong, of a newer IPv6 address', publicView: WRONG, ipv6Ms: DAY_MS - 1, isTold: false },
    {
      name: 'wrong, of a record whose age nobody knows',
      ...{ publicView: WRONG, ipv4Ms: undefined, ipv6Ms: undefined, isTold: false },
    },
    {
      name: 'late for less than a long lifetime',
      ...{ publicView: { ...CACHED, forMs: 2 * DAY_MS - 1 }, ttlSec: 172_800, isTold: false },
    },
    {
      name: 'late for a long lifetime',
      ...{ publicView: { ...CACHED, forMs: 2 * DAY_MS }, ttlSec: 172_800, isTold: true },
    },
    {
      name: 'silent, and that they were wrong was told',
      ...{ publicView: { code: 'public/CANNOT_CHECK' }, open: 'public/WRONG', isTold: true },
    },
    {
      name: 'silent, and something else was told',
      ...{ publicView: { code: 'public/CANNOT_CHECK' }, open: 'public/FAULT', isTold: false },
    },
  ])('is told of resolvers that stay wrong, where they were $name: $isTold', (row) => {
    const { authority = 'ok', publicView, ttlSec, open, isTold } = row;
    const { ipv4Ms, ipv6Ms } = { ipv4Ms: 9 * DAY_MS, ipv6Ms: 9 * DAY_MS, ...row };
    const { forMs = 9 * DAY_MS, code } = publicView;
    const sinceWallMs = NOW.wallMs - forMs;
    const axis = (verdict: AxisVerdict) => ({ ...soon(verdict), sinceWallMs, checkedWallMs: NOW.wallMs });
    const aged = (address: string, ageMs: number | undefined) => ({
      ...{ address, wallMs: NOW.wallMs },
      ...(ageMs !== undefined && { atMs: NOW.ms - ageMs }),
    });
    const host: Partial<HostState> = {
      axes: { authority: axis(authority), publicView: { ...axis('failed'), code } },
      confirmed: { ipv4: aged(IPV4, ipv4Ms), ipv6: aged(IPV6, ipv6Ms) },
      check: { count: 9, nextMs: 0, pending: false, ...(ttlSec !== undefined && { ttlSec }) },
    };

    const incident = {
      ...{ id: 'host:home@1', subject: 'home.example.org', hosts: ['home'], sentence: 'It is wrong.' },
      ...{ evidence: [], mustAct: false, openedWallMs: NOW.wallMs },
    };

    const [check] = asked({ host }, true, NOW, open === undefined ? [] : [{ ...incident, code: open }]);

    expect(check?.lingering).toBe(isTold ? true : undefined);
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
            failure: UNREACHABLE,
          },
        },
      },
      looks: true,
    },
    {
      name: 'updates reach somebody who turns them away',
      changes: {
        lane: {
          retry: { failures: 1, notBeforeMs: NOW.ms + 1000, failure: { ...UNREACHABLE, kind: 'busy' } },
        },
      },
      looks: false,
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

  describe('of two names and two lines, one of which is dead,', () => {
    const homepage = 'https://www.example.net';
    const retry = { failures: 1, notBeforeMs: NOW.ms + 1000, failure: UNREACHABLE };

    function after(accountPlan: Changes['accountPlan']) {
      const state = agentState({ ...(accountPlan && { accountPlan }), lane: { retry } });
      const { home: plan } = state.plan.hosts;
      const { home: host } = state.hosts;
      if (!plan || !host) {
        throw new Error('the agent at rest has lost its hostname');
      }
      const hosts = { home: plan, other: { ...plan, id: 'other' } };
      const two = {
        ...state,
        plan: { ...state.plan, hosts },
        hosts: { home: host, other: host },
        lanes: { ...state.lanes, 'a/eth2': freshLane() },
      };
      return step(two, { type: 'woken' }, NOW);
    }

    test('one looks at the web site, and finds it as it was expected', () => {
      const { state, commands } = after({ homepage });
      const axes = { delegation: soon('ok'), authority: soon('ok'), publicView: soon('ok') };
      const found = { axes, web: { up: true, detail: 'HTTP 200' } };

      const { attempt } = state.hosts.home?.check ?? {};

      const { commands: then } = step(
        state,
        { type: 'verified', host: 'home', found, ...(attempt !== undefined && { attempt }) },
        NOW,
      );

      expect(commands).toMatchObject([
        { type: 'verify', host: 'home', homepage },
        { type: 'verify', host: 'other' },
      ]);
      expect(commands[1]).not.toHaveProperty('homepage');
      expect(then.flatMap((one) => (one.type === 'report' ? one.report.code : []))).toEqual(['x/ok']);
    });

    test('none does so for a provider without one', () => {
      const { state, commands } = after({});

      expect(commands).toHaveLength(2);
      expect(state.accounts.a).not.toHaveProperty('web');
    });
  });

  test('looks at the web site in the first minutes after the boot too', () => {
    const homepage = 'https://www.example.net';
    const web = { up: false, sinceWallMs: 0, checkedMs: 0, detail: '' };
    const lane = { retry: { failures: 1, notBeforeMs: 0, failure: UNREACHABLE } };
    const justBooted = { ...NOW, ms: 60_000 };

    const never = asked({ accountPlan: { homepage }, lane }, true, justBooted);
    const moments = asked({ accountPlan: { homepage }, lane, account: { web } }, true, justBooted);

    expect(never).toMatchObject([{ homepage }]);
    expect(moments[0]).not.toHaveProperty('homepage');
  });

  test.each<{ authority: AxisVerdict; publicView: AxisVerdict; ageSec: number; inSec: number[] }>([
    // While an answer spreads, at 5, 15, 45, 120 and 300 s; then hourly.
    { authority: 'pending', publicView: 'ok', ageSec: 0, inSec: [5, 15, 45, 120, 300, 3600] },
    { authority: 'pending', publicView: 'pending', ageSec: 0, inSec: [5, 15, 45, 120, 300, 300] },
    { authority: 'unknown', publicView: 'unknown', ageSec: 0, inSec: [5, 15, 45, 120, 300, 3600] },
    { authority: 'ok', publicView: 'ok', ageSec: 0, inSec: [3600, 3600] },
    { authority: 'ok', publicView: 'pending', ageSec: 0, inSec: [5, 15] },
    // Counted from the confirmation, and never at once.
    { authority: 'pending', publicView: 'ok', ageSec: 4, inSec: [1, 11, 41] },
    { authority: 'pending', publicView: 'ok', ageSec: 5, inSec: [1, 10, 40] },
    { authority: 'pending', publicView: 'ok', ageSec: 300, inSec: [1, 1] },
    { authority: 'pending', publicView: 'ok', ageSec: 301, inSec: [3600, 3600] },
  ])('$authority, $publicView, $ageSec s after the update is followed by the next', (row) => {
    const { authority, publicView, ageSec, inSec } = row;
    const since = { wallMs: NOW.wallMs, atMs: NOW.ms - ageSec * 1000 };
    const confirmed = { ipv4: { address: IPV4, ...since }, ipv6: { address: IPV6, ...since } };
    const found: Judgement = {
      axes: { delegation: soon('ok'), authority: soon(authority), publicView: soon(publicView) },
    };

    const after = inSec.map((_, count) => {
      const state = agentState({ host: { confirmed, check: { count, nextMs: 0, pending: true } } });
      const { hosts } = step(state, { type: 'verified', host: 'home', found }, NOW).state;
      return ((hosts.home?.check.nextMs ?? 0) - NOW.ms) / 1000;
    });

    expect(after).toEqual(inSec);
  });

  test.each<{
    name: string;
    old: AxisVerdict | undefined;
    now: AxisVerdict;
    of: keyof DnsAxes;
    count?: number;
    says: string[];
  }>([
    { name: 'the servers have it', old: undefined, now: 'ok', of: 'authority', says: ['notice'] },
    { name: 'the servers have it at last', old: 'pending', now: 'ok', of: 'authority', says: ['notice'] },
    { name: 'the servers still have it', old: 'ok', now: 'ok', of: 'authority', says: [] },
    { name: 'they have the new one', old: 'ok', now: 'ok', of: 'authority', count: 0, says: ['notice'] },
    { name: 'they still have the new one', old: 'ok', now: 'ok', of: 'authority', count: 1, says: [] },
    { name: 'the servers are odd', old: 'ok', now: 'warning', of: 'authority', says: ['warning'] },
    { name: 'the servers are still odd', old: 'warning', now: 'warning', of: 'authority', says: [] },
    { name: 'the servers fail', old: 'ok', now: 'failed', of: 'authority', says: ['notice'] },
    { name: 'the servers cannot be asked', old: 'ok', now: 'unknown', of: 'authority', says: [] },
    { name: 'the resolvers have it', old: 'pending', now: 'ok', of: 'publicView', says: [] },
    { name: 'the resolvers have it again', old: 'failed', now: 'ok', of: 'publicView', says: ['notice'] },
    { name: 'the resolvers are wrong', old: 'ok', now: 'failed', of: 'publicView', says: ['notice'] },
    { name: 'the zone is odd', old: 'ok', now: 'warning', of: 'delegation', says: ['warning'] },
  ])('after which $name ($old, $now) says $says', ({ old, now, of, count = 3, says }) => {
    const axis = (verdict: AxisVerdict) => ({ ...soon(verdict), sinceWallMs: 0, checkedWallMs: 0 });
    const before = {
      ...{ delegation: axis('ok'), authority: axis('ok'), publicView: axis('ok') },
      ...(old && { [of]: axis(old) }),
    };
    const { [of]: _, ...others } = before;
    const check = { count: old === undefined ? 0 : count, nextMs: 0, pending: true };
    const state = agentState({ host: { axes: old === undefined ? others : before, check } });
    const axes = { delegation: soon('ok'), authority: soon('ok'), publicView: soon('ok'), [of]: soon(now) };

    const { commands } = step(state, { type: 'verified', host: 'home', found: { axes } }, NOW);

    const reports = commands.flatMap((one) => (one.type === 'report' ? one.report : []));
    expect(reports.map(({ level }) => level)).toEqual(says);
    expect(reports.every(({ host, code }) => host === 'home' && code === `x/${now}`)).toBe(true);
  });

  test.each<{ code: string; verdict: AxisVerdict; ageSec: number; before?: 'gone'; due?: 'gone' }>([
    { code: 'GONE', verdict: 'failed', ageSec: 299 },
    { code: 'GONE', verdict: 'failed', ageSec: 300, due: 'gone' },
    { code: 'GONE', verdict: 'failed', ageSec: 3600, before: 'gone', due: 'gone' },
    { code: 'SILENT', verdict: 'unknown', ageSec: 3600, before: 'gone', due: 'gone' },
    { code: 'OK', verdict: 'ok', ageSec: 3600, before: 'gone' },
    { code: 'OK', verdict: 'ok', ageSec: 3600 },
  ])('$ageSec s after the update, $before before, that says $code makes due: $due', (row) => {
    const since = { wallMs: NOW.wallMs, atMs: NOW.ms - row.ageSec * 1000 };
    const host = {
      confirmed: { ipv4: { address: IPV4, ...since }, ipv6: { address: IPV6, ...since } },
      check: { count: 3, nextMs: 0, pending: true },
      ...(row.before && { due: row.before }),
    };
    const authority = { ...axisOf(row.verdict), code: `authority/${row.code}` };
    const draft = openDraft(agentState({ host }), NOW);

    applyVerification(draft, 'home', { axes: { delegation: soon('ok'), authority, publicView: soon('ok') } });

    expect(draft.state.hosts.home?.due).toBe(row.due);
  });

  test('says nothing while an incident is open: that was told', () => {
    const incident: Incident = {
      ...{ id: 'account:a@1', code: 'dyndns2/BADAUTH', subject: 'a', hosts: ['home'], evidence: [] },
      ...{ sentence: 'The password is wrong.', mustAct: true, openedWallMs: NOW.wallMs },
    };
    const host = { check: { count: 3, nextMs: 0, pending: true } };
    const draft = openDraft({ ...agentState({ host }), incidents: [incident] }, NOW);

    applyVerification(draft, 'home', {
      axes: { delegation: soon('ok'), authority: soon('warning'), publicView: soon('failed') },
    });

    expect(draft.commands).toEqual([]);
  });

  test('of an unchanged state keeps since when it stands, of a changed one begins anew', () => {
    const axis = (verdict: AxisVerdict) => ({ ...soon(verdict), sinceWallMs: 5, checkedWallMs: 6 });
    const axes = { delegation: axis('ok'), authority: axis('ok'), publicView: axis('ok') };
    const state = agentState({ host: { axes, check: { count: 3, nextMs: 0, pending: true } } });
    const found = { axes: { delegation: soon('ok'), authority: soon('warning'), publicView: soon('ok') } };

    const { hosts } = step(state, { type: 'verified', host: 'home', found }, NOW).state;

    const { delegation, authority } = hosts.home?.axes ?? {};
    expect([delegation?.sinceWallMs, delegation?.checkedWallMs]).toEqual([5, NOW.wallMs]);
    expect([authority?.sinceWallMs, authority?.checkedWallMs]).toEqual([NOW.wallMs, NOW.wallMs]);
  });

  const DOWN_SINCE_5 = { up: false, sinceWallMs: 5, checkedMs: 7, detail: 'no answer' };
  const UP_SINCE_5 = { up: true, sinceWallMs: 5, checkedMs: 7, detail: 'HTTP 200' };

  test.each<{
    name: string;
    known?: AccountState['web'];
    up: boolean;
    authority?: AxisVerdict;
    sinceWallMs: number | undefined;
    says?: string;
  }>([
    { name: 'answers, as was to be expected', up: true, sinceWallMs: NOW.wallMs },
    { name: 'still answers', known: UP_SINCE_5, up: true, sinceWallMs: 5 },
    {
      name: 'answers no more',
      known: UP_SINCE_5,
      up: false,
      sinceWallMs: NOW.wallMs,
      says: 'The web site of Example DDNS does not answer. That is the web site alone and no outage of your names: home.example.org works.',
    },
    {
      name: 'does not answer, nor does the name work',
      up: false,
      authority: 'pending',
      sinceWallMs: NOW.wallMs,
      says: 'The web site of Example DDNS does not answer. That by itself is no outage of your names.',
    },
    { name: 'still does not answer', known: DOWN_SINCE_5, up: false, sinceWallMs: 5 },
    {
      name: 'answers again',
      known: DOWN_SINCE_5,
      up: true,
      sinceWallMs: NOW.wallMs,
      says: 'The web site of Example DDNS answers again.',
    },
    { name: 'does not answer, and no server does', up: false, authority: 'unknown', sinceWallMs: undefined },
    { name: 'answers, and no server does', up: true, authority: 'unknown', sinceWallMs: NOW.wallMs },
  ])('during which the web site $name', ({ known, up, authority = 'ok', sinceWallMs, says }) => {
    const ok = { ...soon('ok'), sinceWallMs: 0, checkedWallMs: 0 };
    const axes = { delegation: ok, authority: { ...ok, ...soon(authority) }, publicView: ok };
    const host = { axes, check: { count: 3, nextMs: 0, pending: true } };
    const state = agentState({ host, ...(known && { account: { web: known } }) });
    const judged = { delegation: soon('ok'), authority: soon(authority), publicView: soon('ok') };
    const found: Judgement = { axes: judged, web: { up, detail: 'as it was' } };

    const after = step(state, { type: 'verified', host: 'home', found }, NOW);

    const web =
      sinceWallMs === undefined ? undefined : { up, sinceWallMs, checkedMs: NOW.ms, detail: 'as it was' };
    expect(after.state.accounts.a?.web).toEqual(web);
    const reports = after.commands.flatMap((one) => (one.type === 'report' ? one.report : []));
    expect(reports.map(({ sentence }) => sentence)).toEqual(says === undefined ? [] : [says]);
  });

  test('during which the web site does not answer, while the address of now is not published', () => {
    const host = {
      confirmed: { ipv4: confirmation('192.0.2.77'), ipv6: confirmation('2001:db8::77') },
      check: { count: 3, nextMs: 0, pending: true },
    };
    const judged = { delegation: soon('ok'), authority: soon('ok'), publicView: soon('ok') };
    const found: Judgement = { axes: judged, web: { up: false, detail: 'no answer' } };

    const { commands } = step(agentState({ host }), { type: 'verified', host: 'home', found }, NOW);

    const reports = commands.flatMap((one) => (one.type === 'report' ? one.report : []));
    expect(reports.find(({ code }) => code === 'provider/WEB_DOWN')?.sentence).not.toContain('works');
  });

  test.each<{ authority: AxisVerdict; codes: string[] }>([
    { authority: 'failed', codes: ['x/failed'] },
    { authority: 'unknown', codes: ['public/WRONG'] },
  ])('tells of resolvers only what the servers did not say: $codes', ({ authority, codes }) => {
    const ok = { ...soon('ok'), sinceWallMs: 0, checkedWallMs: 0 };
    const axes = { delegation: ok, authority: ok, publicView: ok };
    const state = agentState({ host: { axes, check: { count: 3, nextMs: 0, pending: true } } });
    const publicView = { ...soon('failed'), code: 'public/WRONG' };
    const found = { axes: { delegation: soon('ok'), authority: soon(authority), publicView } };

    const { commands } = step(state, { type: 'verified', host: 'home', found }, NOW);

    expect(commands.flatMap((one) => (one.type === 'report' ? one.report.code : []))).toEqual(codes);
  });

  test('whose address was confirmed anew meanwhile says nothing', () => {
    const state = agentState();
    const found: Judgement = {
      axes: { delegation: soon('failed'), authority: soon('failed'), publicView: soon('failed') },
    };

    const { hosts } = step(state, { type: 'verified', host: 'home', found }, NOW).state;

    expect(hosts.home?.axes).toEqual({});
  });
});

/** At most eight at a time: a router has few sockets. */
test.each([
  { running: 0, asked: 10, begun: 8 },
  { running: 7, asked: 10, begun: 1 },
  { running: 8, asked: 10, begun: 0 },
  { running: 0, asked: 8, begun: 8 },
])(
  'of $asked names, with $running checks under way, $begun are asked about now',
  ({ running, asked: names, begun }) => {
    const state = agentState();
    const { home: plan } = state.plan.hosts;
    const { home: host } = state.hosts;
    if (!plan || !host) {
      throw new Error('the agent at rest has lost its hostname');
    }
    const ids = Array.from({ length: running + names }, (_, index) => `host${index}`);
    const check = (index: number) => ({ ...host.check, pending: index < running });
    const many = {
      ...state,
      plan: { ...state.plan, hosts: Object.fromEntries(ids.map((id) => [id, { ...plan, id }])) },
      hosts: Object.fromEntries(ids.map((id, index) => [id, { ...host, check: check(index) }])),
    };

    const { commands } = step(many, { type: 'woken' }, NOW);

    expect(commands.filter(({ type }) => type === 'verify')).toHaveLength(begun);
  },
);

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
    const found: Judgement = {
      zone: 'example.org',
      ...(nameServers && { view: { nameServers } }),
      axes: { delegation: axisOf(delegation), authority: axisOf(authority), publicView: axisOf('ok') },
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
      name: 'one server left, at another address',
      now: [{ name: 'ns1.example.net', addresses: ['203.0.113.1'] }],
      expected: [{ name: 'ns1.example.net', addresses: ['203.0.113.1'] }],
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
