import { describe, expect, test } from 'vitest';
import { openDraft, type Report } from '../../agent/core/draft.ts';
import type { Failure } from '../../agent/core/failure.ts';
import {
  decideReads,
  noteClockSet,
  noteHint,
  noteObservation,
  tellSteady,
} from '../../agent/core/observe.ts';
import { outsideKey } from '../../agent/core/source-key.ts';
import type { AgentState, HostState, Now, ReadState } from '../../agent/core/state.ts';
import { type AgentEvent, step } from '../../agent/core/step.ts';
import { updateAxis } from '../../agent/core/summary.ts';
import type { Observation, Unknown } from '../../agent/core/wan.ts';
import { agentState, type Changes, confirmation, IPV4, IPV6, LANE, NOW } from './agent-state.ts';

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

describe('a reading of the local network', () => {
  const CALM: ReadState = { nextMs: 0, pending: false, again: false, outdated: false, failures: 0 };
  const LOST: Observation = { known: false, code: 'ubus/GONE', sentence: 'There is no ubus.' };
  const FOUND = observed(IPV4);
  const PARTIAL = observed(NOBODY);

  function observed(address: string | Unknown): Observation {
    const event = seen(address, 'network');
    if (event.type !== 'observed') {
      throw new Error('seen() makes something else');
    }
    return event.observation;
  }

  function after(read: Partial<ReadState>, observation: Observation, answer: boolean, changes: Changes = {}) {
    const state = agentState(changes);
    const draft = openDraft({ ...state, reads: { network: { ...CALM, ...read } } }, NOW);
    noteObservation(draft, 'network', observation, answer);
    return draft;
  }

  test('that fails is repeated soon, then calmer', () => {
    const pausesSec = Array.from({ length: 8 }, (_, failures) => {
      const { nextMs = 0, failures: counted } =
        after({ failures, pending: true }, LOST, true).state.reads.network ?? {};
      expect(counted).toBe(failures + 1);
      return (nextMs - NOW.ms) / 1000;
    });

    expect(pausesSec).toEqual([2, 4, 8, 16, 32, 60, 60, 60]);
  });

  test.each<{
    name: string;
    read: Partial<ReadState>;
    observation: Observation;
    answer: boolean;
    next: Partial<ReadState>;
    isTaken: boolean;
  }>([
    {
      name: 'an answer ends the reading',
      read: { pending: true, failures: 3 },
      observation: FOUND,
      answer: true,
      next: { pending: false, again: false, outdated: false, failures: 0, nextMs: NOW.ms + 600_000 },
      isTaken: true,
    },
    {
      name: 'an answer after a hint is good, and not enough',
      read: { pending: true, again: true },
      observation: FOUND,
      answer: true,
      next: { pending: false, again: false, outdated: false, nextMs: NOW.ms },
      isTaken: true,
    },
    {
      name: 'a notification during a reading makes its answer outdated',
      read: { pending: true, again: true },
      observation: FOUND,
      answer: false,
      next: { pending: true, again: true, outdated: true, nextMs: NOW.ms },
      isTaken: true,
    },
    {
      name: 'an outdated answer counts for nothing, and is asked for again at once',
      read: { pending: true, outdated: true, again: true, failures: 2 },
      observation: FOUND,
      answer: true,
      next: { pending: false, again: false, outdated: false, failures: 2, nextMs: NOW.ms },
      isTaken: false,
    },
    {
      name: 'a notification counts, whatever is outdated',
      read: { pending: true, outdated: true },
      observation: FOUND,
      answer: false,
      next: { pending: true, outdated: true },
      isTaken: true,
    },
    {
      name: 'a notification without a reading makes nothing outdated',
      read: { failures: 2 },
      observation: FOUND,
      answer: false,
      next: { pending: false, outdated: false, failures: 0, nextMs: NOW.ms + 600_000 },
      isTaken: true,
    },
    {
      name: 'a notification that does not know all is no failure',
      read: {},
      observation: PARTIAL,
      answer: false,
      next: { failures: 0, nextMs: NOW.ms + 10_000 },
      isTaken: true,
    },
    {
      name: 'nor does it make the wait longer',
      read: { failures: 2 },
      observation: PARTIAL,
      answer: false,
      next: { failures: 2, nextMs: NOW.ms + 20_000 },
      isTaken: true,
    },
    {
      name: 'an answer that does not know all is one',
      read: { pending: true, failures: 2 },
      observation: PARTIAL,
      answer: true,
      next: { failures: 3, nextMs: NOW.ms + 40_000 },
      isTaken: true,
    },
    {
      name: 'nor is one enough that knows all of one interface only',
      read: { pending: true },
      observation: PARTIAL.known
        ? {
            ...PARTIAL,
            snapshot: {
              ...PARTIAL.snapshot,
              lan: { name: 'lan', up: true, addresses: [], prefixes: [], defaultRoute: [] },
            },
          }
        : PARTIAL,
      answer: true,
      next: { failures: 1, nextMs: NOW.ms + 10_000 },
      isTaken: true,
    },
    {
      name: 'the end of the notifications is one',
      read: { failures: 2 },
      observation: LOST,
      answer: false,
      next: { failures: 3, nextMs: NOW.ms + 8000 },
      isTaken: true,
    },
  ])('$name', ({ read, observation, answer, next, isTaken }) => {
    const { state } = after(read, observation, answer);

    expect(state.reads.network).toMatchObject(next);
    expect(state.observations.network === observation).toBe(isTaken);
  });

  test('of a source that nobody needs any more counts for nothing', () => {
    const draft = openDraft({ ...agentState(), reads: {} }, NOW);

    noteObservation(draft, 'network', LOST, true);
    noteHint(draft, 'network');

    expect(draft.state.reads).toEqual({});
    expect(draft.commands).toEqual([]);
  });

  test.each<{ name: string; before: Observation | undefined; now: Observation; says: string[] }>([
    { name: 'the first of all', before: undefined, now: LOST, says: ['warning ubus/GONE'] },
    { name: 'the first in a row', before: FOUND, now: LOST, says: ['warning ubus/GONE'] },
    { name: 'one more', before: LOST, now: { ...LOST, code: 'ubus/SLOW' }, says: [] },
  ])('that fails is told once: $name', ({ before, now, says }) => {
    const state = agentState();
    const observations: AgentState['observations'] = before === undefined ? {} : { network: before };
    const draft = openDraft({ ...state, observations }, NOW);

    noteObservation(draft, 'network', now, true);

    expect(
      draft.commands.map((one) =>
        one.type === 'report' ? `${one.report.level} ${one.report.code}` : one.type,
      ),
    ).toEqual(says);
  });

  test.each([
    { pending: false, again: false },
    { pending: true, again: true },
  ])('is due at once after a hint, and once more where it is under way: $pending', ({ pending, again }) => {
    const reads = { network: { ...CALM, nextMs: NOW.ms + 5000, pending } };
    const draft = openDraft({ ...agentState(), reads }, NOW);

    noteHint(draft, 'network');

    expect(draft.state.reads.network).toMatchObject({ nextMs: NOW.ms, pending, again });
  });

  test.each([
    { name: 'at its time', read: { nextMs: NOW.ms }, begins: true, wakeMs: undefined },
    { name: 'after its time', read: { nextMs: 0, again: true }, begins: true, wakeMs: undefined },
    { name: 'not before', read: { nextMs: NOW.ms + 1 }, begins: false, wakeMs: NOW.ms + 1 },
    { name: 'not twice', read: { nextMs: 0, pending: true, again: true }, begins: false, wakeMs: undefined },
  ])('begins $name', ({ read, begins, wakeMs }) => {
    const before = { ...CALM, ...read };
    const draft = openDraft({ ...agentState(), reads: { network: before } }, NOW);

    decideReads(draft);

    expect(draft.commands).toEqual(begins ? [{ type: 'observe', source: 'network' }] : []);
    expect(draft.state.reads.network).toEqual(begins ? { ...before, pending: true, again: false } : before);
    expect(draft.wakeMs).toBe(wakeMs);
  });

  test.each([
    {
      published: 'both families',
      confirmed: { ipv4: confirmation(IPV4), ipv6: confirmation(IPV6) },
      isKept: true,
    },
    { published: 'one family', confirmed: { ipv4: confirmation(IPV4) }, isKept: true },
    { published: 'nothing', confirmed: {}, isKept: false },
  ])('that finds the line down says of $published what becomes of the name', ({ confirmed, isKept }) => {
    const down = { name: 'wan', up: false, addresses: [], prefixes: [], defaultRoute: [] };

    const { commands } = after({}, { known: true, snapshot: { wan: down } }, true, { host: { confirmed } });

    const said = commands.flatMap((one) => (one.type === 'report' ? one.report.sentence : []));
    expect(said).toEqual([
      `home.example.org: Interface 'wan' is down${isKept ? '; the name keeps its last address.' : '.'}`,
    ]);
  });

  test.each([
    { name: 'nothing', published: undefined, says: 'notice wan/CHANGED nothing is published yet.' },
    { name: 'another one', published: '192.0.2.9', says: 'notice wan/CHANGED 192.0.2.9 is still published.' },
    { name: 'the same', published: IPV4, says: 'info wan/SAME as published.' },
  ])('that finds an address says what is published: $name', ({ published, says }) => {
    const host = { choices: {}, confirmed: published === undefined ? {} : { ipv4: confirmation(published) } };

    const { commands } = after({}, FOUND, true, { host, hostPlan: { families: ['ipv4'] } });

    const said = commands.flatMap((one) => (one.type === 'report' ? [one.report] : []));
    expect(
      said.map(({ level, code, sentence }) => `${level} ${code} ${sentence.replace(/^.*[,;] /, '')}`),
    ).toEqual([says]);
  });

  test.each([
    { changes: 3, isHeld: true, agoMs: 10_000, forMs: 2500, says: 'It changed 3 times in 3 s.' },
    { changes: 1, isHeld: true, agoMs: 10_000, forMs: 2000, says: 'It changed 1 times in 2 s.' },
    { changes: 0, isHeld: true, agoMs: 10_000, forMs: 2000, says: 'It is steady now.' },
    { changes: 9, isHeld: true, agoMs: 1000, forMs: 300_000, says: 'It keeps changing: 9 times in 300 s.' },
    { changes: 9, isHeld: true, agoMs: 9999, forMs: 2000, says: undefined },
    { changes: 1, isHeld: false, agoMs: 10_000, forMs: 0, says: undefined },
  ])('that flapped is told when it is steady: $says', ({ changes, isHeld, agoMs, forMs, says }) => {
    const lastMs = NOW.ms - agoMs;
    const burst = {
      ...{ host: 'home', family: 'ipv4' as const, told: [], changes, isHeld },
      ...{ lastMs, sinceMs: lastMs - forMs },
    };
    const draft = openDraft({ ...agentState(), bursts: { 'ipv4 home': burst } }, NOW);

    tellSteady(draft);

    const said = draft.commands.flatMap((one) => (one.type === 'report' ? [one.report] : []));
    expect(said).toEqual(
      says === undefined
        ? []
        : [
            {
              ...{ level: 'notice', code: 'wan/SAME', host: 'home' },
              sentence: `home.example.org: wan has ${IPV4}, as published. ${says}`,
            },
          ],
    );
  });

  describe('what failed for want of a way', () => {
    const failure = (kind: Failure['kind']): Failure => ({
      kind,
      scope: 'attempt',
      code: 'x/X',
      sentence: '',
    });
    const waiting = (kind: Failure['kind']) => ({
      retry: { failures: 3, notBeforeMs: NOW.ms + 1000, failure: failure(kind) },
    });
    const published: Partial<HostState> = {
      choices: {
        ipv4: { address: IPV4, network: 'wan', device: 'eth1' },
        ipv6: { code: 'wan/NO_ADDRESS', sentence: '' },
      },
      confirmed: { ipv4: confirmation(IPV4), ipv6: confirmation(IPV6) },
    };

    /** Beside an interface that never has a route. */
    function withLan(observation: Observation): Observation {
      const lan = { name: 'lan', up: true, addresses: [], prefixes: [], defaultRoute: [] };
      return observation.known ? { ...observation, snapshot: { lan, ...observation.snapshot } } : observation;
    }

    function withRoutes(...routes: ('ipv4' | 'ipv6')[]): Observation {
      return FOUND.known
        ? {
            ...FOUND,
            snapshot: Object.fromEntries(
              Object.entries(FOUND.snapshot).map(([id, wan]) => [id, { ...wan, defaultRoute: routes }]),
            ),
          }
        : FOUND;
    }

    test.each<{
      name: string;
      before: Observation;
      now: Observation;
      kind: Failure['kind'];
      isForgiven: boolean;
    }>([
      {
        name: 'a route comes',
        before: withRoutes(),
        now: withRoutes('ipv4'),
        kind: 'unreachable',
        isForgiven: true,
      },
      {
        name: 'a second route comes',
        before: withRoutes('ipv4'),
        now: withRoutes('ipv4', 'ipv6'),
        kind: 'unreachable',
        isForgiven: true,
      },
      {
        name: 'the route stays',
        before: withRoutes('ipv4'),
        now: withRoutes('ipv4'),
        kind: 'unreachable',
        isForgiven: false,
      },
      {
        name: 'a route goes',
        before: withRoutes('ipv4', 'ipv6'),
        now: withRoutes('ipv4'),
        kind: 'unreachable',
        isForgiven: false,
      },
      {
        name: 'a route comes',
        before: withRoutes(),
        now: withRoutes('ipv4'),
        kind: 'busy',
        isForgiven: false,
      },
      {
        name: 'nothing was known',
        before: LOST,
        now: withRoutes('ipv4'),
        kind: 'unreachable',
        isForgiven: false,
      },
    ])('goes out when $name ($kind): $isForgiven', ({ before, now, kind, isForgiven }) => {
      const changes = { host: published, lane: waiting(kind), observation: before };

      const { state } = after({}, now, true, changes);

      expect(state.lanes[LANE]?.retry.failures).toBe(isForgiven ? 0 : 3);
    });

    test('goes out when one interface of two gets a route', () => {
      const { state } = after({}, withLan(withRoutes('ipv4')), true, {
        ...{ host: published, lane: waiting('unreachable') },
        observation: withLan(withRoutes()),
      });

      expect(state.lanes[LANE]?.retry.failures).toBe(0);
    });

    const [eth1, eth2] = ['eth1', 'eth2'].map((device) => ({
      choices: {
        ipv4: { address: IPV4, network: 'wan', device },
        ipv6: { code: 'wan/NO_ADDRESS', sentence: '' },
      },
    }));

    test.each<{ name: string; host: Partial<HostState> | undefined; routes: 'ipv4'[]; isForgiven: boolean }>([
      { name: 'a new route', host: eth1, routes: ['ipv4'], isForgiven: true },
      { name: 'another line', host: eth2, routes: [], isForgiven: true },
      { name: 'nothing new', host: eth1, routes: [], isForgiven: false },
    ])('to tell people, or to move an alias, goes out with $name: $isForgiven', (row) => {
      const { retry } = waiting('unreachable');
      const start = agentState({ host: { ...published, ...row.host }, observation: withRoutes() });
      const alias = {
        ...{ hostname: 'www.example.org', account: 'a', revision: '1', unread: false, health: {} },
        ...{ retry, check: { count: 0, nextMs: 0 } },
      };
      const outbox = { lastId: 0, messages: [], channels: { hook: { retry } } };
      const state: AgentState = { ...start, reads: { network: CALM }, aliases: { www: alias }, outbox };
      const draft = openDraft(state, NOW);

      noteObservation(draft, 'network', withRoutes(...row.routes), true);

      expect(draft.state.aliases.www?.retry.failures).toBe(row.isForgiven ? 0 : 3);
      expect(draft.state.outbox.channels.hook?.retry.notBeforeMs).toBe(
        row.isForgiven ? 0 : retry.notBeforeMs,
      );
    });

    test.each<{ kind: Failure['kind']; failures: number }>([
      { kind: 'unreachable', failures: 0 },
      { kind: 'busy', failures: 3 },
    ])('goes out when the clock is set ($kind)', ({ kind, failures }) => {
      const draft = openDraft(agentState({ lane: waiting(kind) }), NOW);

      noteClockSet(draft);

      expect(draft.state.lanes[LANE]?.retry.failures).toBe(failures);
    });

    test.each([
      { pending: false, again: false },
      { pending: true, again: true },
    ])('is asked for again when the clock is set, and once more where that is under way: $pending', (row) => {
      const reads = { network: { ...CALM, nextMs: NOW.ms + 5000, failures: 1, pending: row.pending } };
      const draft = openDraft({ ...agentState(), reads }, NOW);

      noteClockSet(draft);

      expect(draft.state.reads.network).toMatchObject({ nextMs: NOW.ms, again: row.again });
    });
  });
});
