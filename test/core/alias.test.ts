/** Where an alias points: away from what is down for sure, back after a long recovery, and never for a doubt. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AliasFound,
  applyAliased,
  decideAliases,
  nextMove,
  replanAliases,
} from '../../agent/core/alias.ts';
import { type Draft, openDraft, type Report } from '../../agent/core/draft.ts';
import type { Failure } from '../../agent/core/failure.ts';
import { noteObservation } from '../../agent/core/observe.ts';
import type { AliasPlan } from '../../agent/core/plan.ts';
import {
  type AgentState,
  type AliasState,
  freshHost,
  type HostState,
  rebase,
  savedState,
} from '../../agent/core/state.ts';
import { step } from '../../agent/core/step.ts';
import type { Works } from '../../agent/core/works.ts';
import { agentState, confirmation, NOW } from './agent-state.ts';

const MINUTE_MS = 60_000;
const OUTAGE_MS = 5 * MINUTE_MS;
const RECOVERY_MS = 60 * MINUTE_MS;
const TARGETS = ['home', 'duck', 'third'];
const NAMES: Record<string, string> = {
  home: 'home.example.org',
  duck: 'home.example.net',
  third: 'home.example.com',
};
const PLAN: AliasPlan = {
  id: 'www',
  hostname: 'www.example.info',
  account: 'dns',
  revision: '1',
  targets: TARGETS,
  ttlSec: 60,
  outageMs: OUTAGE_MS,
  recoveryMs: RECOVERY_MS,
};
const ADDRESS = '192.0.2.10';
const VERDICTS = { yes: 'ok', no: 'failed', unknown: 'unknown' } as const;

/** Three names that all have the address of now, and an alias whose CNAME points at the first. */
function world(changes: Partial<AliasState> = {}): AgentState {
  const state = agentState({ hostPlan: { families: ['ipv4'] } });
  const homePlan = state.plan.hosts.home;
  const accountPlan = state.plan.accounts.a;
  if (!homePlan || !accountPlan) {
    throw new Error('the agent at rest has lost its hostname');
  }
  const hostPlans = TARGETS.map((id) => ({ ...homePlan, id, hostname: NAMES[id] ?? id }));
  const hosts = hostPlans.map((plan): [string, HostState] => [
    plan.id,
    {
      ...freshHost(plan),
      choices: { ipv4: { address: ADDRESS, network: 'wan', device: 'eth1' } },
      confirmed: { ipv4: confirmation(ADDRESS) },
      // Nobody asks the DNS in these tests: what it would say is put here.
      check: { ...freshHost(plan).check, nextMs: Number.MAX_SAFE_INTEGER },
    },
  ]);
  const start: AgentState = {
    ...state,
    plan: {
      ...state.plan,
      accounts: { ...state.plan.accounts, dns: { ...accountPlan, id: 'dns', providerTitle: 'Example DNS' } },
      hosts: Object.fromEntries(hostPlans.map((plan) => [plan.id, plan])),
      aliases: { www: PLAN },
    },
    accounts: { ...state.accounts, dns: { revision: '1', wait: { failures: 0, notBeforeMs: 0 } } },
    hosts: Object.fromEntries(hosts),
  };
  const draft = openDraft(start, NOW);
  replanAliases(draft);
  const alias = draft.state.aliases.www;
  if (!alias) {
    throw new Error('no alias was planned');
  }
  const known = { target: 'home', sinceWallMs: NOW.wallMs, unread: false };
  const check = { count: 6, nextMs: Number.MAX_SAFE_INTEGER };
  draft.state.aliases.www = { ...alias, ...known, check, ...changes };
  return draft.state;
}

/** The first target is on a line of its own. */
function onTwoLines(): AgentState {
  const state = world();
  const { home, ...others } = state.plan.hosts;
  const onWanb = Object.entries(others).map(([id, plan]) => [id, { ...plan, networks: ['wanb'] }]);
  return {
    ...state,
    plan: { ...state.plan, hosts: { ...(home && { home }), ...Object.fromEntries(onWanb) } },
  };
}

/** A played alias: time, health of the targets, and a provider that does what it is told. */
class Play {
  state: AgentState;
  ms = NOW.ms;
  /** What the CNAME points at, and every task with its minute. */
  cname: string | undefined = NAMES.home;
  readonly tasks: string[] = [];
  readonly moves: { atMs: number; to: string | undefined }[] = [];
  readonly reports: Report[] = [];
  failure: Failure | undefined;
  evidence = ['ns1.example.org: said so'];
  private checks = 0;

  constructor(state: AgentState) {
    this.state = state;
  }

  /** What netifd shows: the address of each line that is up. */
  lines(up: Partial<Record<string, string>>): void {
    const line = { prefixes: [], defaultRoute: ['ipv4' as const] };
    const snapshot = Object.fromEntries(
      ['wan', 'wanb'].map((name) => {
        const address = up[name];
        const addresses = address === undefined ? [] : [{ address, prefixLength: 32 }];
        return [name, { ...line, name, device: name, up: address !== undefined, addresses }];
      }),
    );
    const draft = openDraft(this.state, this.now());
    noteObservation(draft, 'network', { known: true, snapshot }, false);
    this.state = draft.state;
    this.run();
  }

  /** One check of each target, and what it found; and what public resolvers said of those that fail there. */
  check(health: Partial<Record<string, Works>>, inPublic: Record<string, string[]> = {}): void {
    this.checks += 1;
    const hosts = { ...this.state.hosts };
    for (const [id, works = 'unknown'] of Object.entries(health)) {
      const host = hosts[id];
      if (host) {
        const authority = {
          verdict: VERDICTS[works],
          code: `authority/${works.toUpperCase()}`,
          sentence: 'It was asked.',
          evidence: this.evidence,
          mustAct: false,
          sinceWallMs: NOW.wallMs,
          checkedWallMs: NOW.wallMs + this.checks,
        };
        const { [id]: evidence } = inPublic;
        const publicView = { ...authority, verdict: 'failed' as const, evidence: evidence ?? [] };
        hosts[id] = { ...host, axes: { authority, ...(evidence && { publicView }) } };
      }
    }
    this.state = { ...this.state, hosts };
    this.run();
  }

  pass(durationMs: number): void {
    const end = this.ms + durationMs;
    for (let wake = this.run(); wake !== undefined && wake <= end; wake = this.run()) {
      this.ms = Math.max(this.ms, wake);
    }
    this.ms = end;
    this.run();
  }

  get minute(): number {
    return Math.round((this.ms - NOW.ms) / MINUTE_MS);
  }

  /** Until nothing is due: gives the next moment that something is. */
  private run(): number | undefined {
    for (let round = 0; round < 50; round++) {
      const draft = openDraft(this.state, this.now());
      decideAliases(draft);
      const command = this.take(draft);
      if (!command) {
        return draft.wakeMs;
      }
      if (command.task !== 'check') {
        this.tasks.push(`${this.minute} ${command.task}${command.target ? ` ${command.target}` : ''}`);
      }
      const after = openDraft(this.state, this.now());
      applyAliased(after, command.alias, command.attempt, this.end(command.task, command.target));
      this.take(after);
    }
    throw new Error('the alias never comes to rest');
  }

  private end(task: string, target: string | undefined): AliasFound {
    if (this.failure) {
      return { failure: this.failure };
    }
    if (task === 'check') {
      return { seen: { verdict: 'ok', code: 'alias/OK', sentence: 'It is seen.', evidence: [] } };
    }
    if (task === 'write') {
      this.cname = target;
      this.moves.push({ atMs: this.ms, to: target });
    }
    return this.cname === undefined ? {} : { points: this.cname };
  }

  private take(draft: Draft) {
    this.state = draft.state;
    this.reports.push(
      ...draft.commands.flatMap((command) => (command.type === 'report' ? command.report : [])),
    );
    return draft.commands.find((command) => command.type === 'alias');
  }

  private now() {
    return { ms: this.ms, wallMs: NOW.wallMs + this.ms - NOW.ms, random: 0.5 };
  }
}

function codes(play: Play): string[] {
  return play.reports.map(({ code }) => code);
}

describe('an outage', () => {
  test('moves it once, after five minutes and two checks, with the evidence', () => {
    const play = new Play(world());
    play.check({ home: 'yes', duck: 'yes' });

    play.pass(MINUTE_MS);
    play.check({ home: 'no', duck: 'yes' });
    play.pass(4 * MINUTE_MS);
    play.check({ home: 'no', duck: 'yes' });
    play.pass(10 * MINUTE_MS);

    expect(play.tasks).toEqual(['6 write home.example.net']);
    expect(play.reports).toMatchObject([
      {
        level: 'warning',
        code: 'alias/MOVED',
        host: 'duck',
        account: 'dns',
        sentence:
          'www.example.info points at home.example.net now, because home.example.org has not worked for 5 min (ns1.example.org: said so).',
      },
    ]);
  });

  test.each([
    { outageMs: 20_000, minutes: 1 },
    { outageMs: MINUTE_MS, minutes: 1 },
    { outageMs: 2 * MINUTE_MS, minutes: 2 },
  ])('of $outageMs ms is told in whole minutes, at least one', ({ outageMs, minutes }) => {
    const state = world();
    const plan = { ...state.plan, aliases: { www: { ...PLAN, outageMs } } };
    const play = new Play({ ...state, plan });
    play.check({ home: 'no', duck: 'yes' });

    play.check({ home: 'no', duck: 'yes' });
    play.pass(outageMs);

    expect(play.reports.map(({ sentence }) => sentence)).toEqual([
      expect.stringContaining(`has not worked for ${minutes} min (`),
    ]);
  });

  test('is told with two pieces of evidence at most', () => {
    const play = new Play(world());
    play.evidence = ['ns1.example.org: refused', 'ns2.example.org: silent', 'ns3.example.org: silent'];
    play.check({ home: 'no', duck: 'yes' });

    play.check({ home: 'no', duck: 'yes' });
    play.pass(OUTAGE_MS);

    expect(play.reports.map(({ sentence }) => sentence)).toEqual([
      expect.stringMatching(/ \(ns1\.example\.org: refused; ns2\.example\.org: silent\)\.$/),
    ]);
  });

  test('of which one check alone knows moves nothing', () => {
    const play = new Play(world());
    play.check({ home: 'no', duck: 'yes' });

    play.pass(100 * MINUTE_MS);

    expect(play.tasks).toEqual([]);
  });

  test('that ended within five minutes moves nothing', () => {
    const play = new Play(world());
    for (const works of ['no', 'no', 'yes', 'no', 'no'] as const) {
      play.check({ home: works, duck: 'yes' });
      play.pass(2 * MINUTE_MS);
    }

    expect(play.tasks).toEqual([]);
  });

  test('of everything moves nothing: no other name is better', () => {
    const play = new Play(world());
    for (let round = 0; round < 20; round++) {
      play.check({ home: 'no', duck: 'no', third: 'unknown' });
      play.pass(5 * MINUTE_MS);
    }

    expect(play.tasks).toEqual([]);
  });

  test('is also a line that is down, whatever the DNS says', () => {
    const play = new Play(onTwoLines());
    play.check({ home: 'yes', duck: 'yes' });

    play.lines({ wanb: ADDRESS });
    play.pass(10 * MINUTE_MS);

    expect(play.tasks).toEqual(['5 write home.example.net']);
    expect(play.reports.at(-1)?.sentence).toContain("has not worked for 5 min (Interface 'wan' is down;");
  });

  test('of a line ends with it: what the names need until they are updated is another one', () => {
    const play = new Play(onTwoLines());
    play.check({ home: 'yes', duck: 'yes' });
    play.lines({});
    play.pass(10 * MINUTE_MS);

    play.lines({ wan: '192.0.2.11', wanb: ADDRESS });
    play.check({ home: 'unknown', duck: 'yes' });
    play.pass(4 * MINUTE_MS);
    play.lines({ wan: ADDRESS, wanb: ADDRESS });
    play.check({ home: 'yes', duck: 'yes' });
    play.pass(100 * MINUTE_MS);

    expect(play.tasks).toEqual([]);
  });

  test('that only the public resolvers show is told with what they said', () => {
    const play = new Play(world());
    play.check({ home: 'yes', duck: 'yes' });
    for (let round = 0; round < 2; round++) {
      play.check({ home: 'yes', duck: 'yes' }, { home: ['9.9.9.9: SERVFAIL'] });
      play.pass(5 * MINUTE_MS);
    }

    expect(play.reports[0]?.sentence).toContain('has not worked for 5 min (9.9.9.9: SERVFAIL)');
  });

  test('that its own servers show too is told with what they said', () => {
    const play = new Play(world());
    for (let round = 0; round < 2; round++) {
      play.check({ home: 'no', duck: 'yes' }, { home: ['9.9.9.9: SERVFAIL'] });
      play.pass(5 * MINUTE_MS);
    }

    expect(play.reports[0]?.sentence).toContain('has not worked for 5 min (ns1.example.org: said so)');
  });

  test('makes it wait for a target that is known to work', () => {
    const play = new Play(world());
    play.check({ home: 'no', duck: 'unknown', third: 'unknown' });
    play.pass(6 * MINUTE_MS);
    play.check({ home: 'no', duck: 'unknown', third: 'unknown' });
    play.pass(6 * MINUTE_MS);
    play.check({ home: 'no', duck: 'no', third: 'yes' });

    expect(play.tasks).toEqual(['12 write home.example.com']);
  });
});

describe('a recovery', () => {
  /** On the second target, the first has just come back. */
  function away(): Play {
    const play = new Play(world({ target: 'duck' }));
    play.cname = NAMES.duck;
    play.check({ home: 'no', duck: 'yes', third: 'yes' });
    play.check({ home: 'yes', duck: 'yes', third: 'yes' });
    return play;
  }

  test('moves it back once, after an hour', () => {
    const play = away();

    play.pass(200 * MINUTE_MS);

    expect(play.tasks).toEqual(['60 write home.example.org']);
    expect(play.reports).toMatchObject([
      {
        level: 'notice',
        code: 'alias/MOVED',
        sentence:
          'www.example.info points at home.example.org now, which has worked for 60 min without a break.',
      },
    ]);
  });

  test.each(['no', 'unknown'] as const)('begins anew after a "%s" in between', (works) => {
    const play = away();

    play.pass(50 * MINUTE_MS);
    play.check({ home: works });
    play.check({ home: 'yes' });
    play.pass(59 * MINUTE_MS);
    const before = [...play.tasks];
    play.pass(2 * MINUTE_MS);

    expect(before).toEqual([]);
    expect(play.tasks).toEqual(['110 write home.example.org']);
  });

  test('of two better targets, one after the other, is one move an hour', () => {
    const play = new Play(world({ target: 'third' }));
    play.cname = NAMES.third;
    play.check({ home: 'no', duck: 'yes', third: 'yes' });
    play.pass(10 * MINUTE_MS);
    play.check({ home: 'yes', duck: 'yes', third: 'yes' });

    play.pass(300 * MINUTE_MS);

    expect(play.tasks).toEqual(['60 write home.example.net', '120 write home.example.org']);
  });

  test('of a less preferred target moves nothing', () => {
    const play = new Play(world());
    play.check({ home: 'yes', duck: 'yes', third: 'yes' });

    play.pass(1000 * MINUTE_MS);

    expect(play.tasks).toEqual([]);
  });
});

describe('a target that comes and goes', () => {
  const HOURS_16_MIN = 16 * 60;

  /** Fails for 10 minutes in every 90, with a check every 5. */
  function flap(play: Play, forMin: number): void {
    for (let minute = 0; minute < forMin; minute += 5) {
      play.check({ home: minute % 90 < 10 ? 'no' : 'yes', duck: 'yes', third: 'yes' });
      play.pass(5 * MINUTE_MS);
    }
  }

  function steady(play: Play, works: Works, forMin: number): void {
    for (let minute = 0; minute < forMin; minute += 5) {
      play.check({ home: works, duck: 'yes', third: 'yes' });
      play.pass(5 * MINUTE_MS);
    }
  }

  test('is not gone back to again and again', () => {
    const play = new Play(world());

    flap(play, HOURS_16_MIN);

    expect(play.moves.map(({ to }) => to)).toEqual([NAMES.duck, NAMES.home, NAMES.duck]);
  });

  test('is gone back to after 1, 2, 4 and 6 hours, and 6 from then on', () => {
    const play = new Play(world());
    const waits: number[] = [];
    for (let round = 0; round < 6; round++) {
      steady(play, 'no', 10);
      const from = play.ms;
      steady(play, 'yes', 7 * 60);
      waits.push(((play.moves.at(-1)?.atMs ?? 0) - from) / MINUTE_MS);
    }

    expect(play.moves).toHaveLength(12);
    expect(waits).toEqual([60, 120, 240, 360, 360, 360]);
  });

  test.each([
    { name: 'steady for a day', works: 'yes' },
    { name: 'away for a day', works: 'no' },
  ] as const)('is gone back to after an hour when it was $name', ({ works }) => {
    const play = new Play(world());
    for (let round = 0; round < 3; round++) {
      steady(play, 'no', 10);
      steady(play, 'yes', 7 * 60);
    }

    steady(play, works, 25 * 60);
    steady(play, 'no', 10);
    const from = play.ms;
    steady(play, 'yes', 7 * 60);

    expect(((play.moves.at(-1)?.atMs ?? 0) - from) / MINUTE_MS).toBe(60);
  });

  test('is gone back to no sooner than its own recovery says', () => {
    const state = world({ target: 'duck', flights: 3 });
    const recoveryMs = 8 * 60 * MINUTE_MS;
    const plan = { ...state.plan, aliases: { www: { ...PLAN, recoveryMs } } };
    const play = new Play({ ...state, plan });
    play.cname = NAMES.duck;
    play.check({ home: 'yes', duck: 'yes', third: 'yes' });

    play.pass(12 * 60 * MINUTE_MS);

    expect(play.moves.map(({ atMs }) => atMs - NOW.ms)).toEqual([recoveryMs]);
  });
});

describe('what somebody else has put there', () => {
  /** What the provider has is read, and the first target works. */
  function after(cname: string | undefined, before: Partial<AliasState> = {}): Play {
    const play = new Play(world({ pointed: 'home.example.org', unread: true, ...before }));
    play.cname = cname;
    play.check({ home: 'yes', duck: 'yes', third: 'yes' });
    play.pass(MINUTE_MS);
    return play;
  }

  test.each([
    { cname: 'www.example.net', says: 'somebody had pointed it at www.example.net.' },
    { cname: undefined, says: 'somebody had taken its CNAME away.' },
  ])('is undone and told: $cname', ({ cname, says }) => {
    const play = after(cname);

    expect(play.tasks).toEqual(['0 read', '0 write home.example.org']);
    expect(play.reports.map(({ sentence }) => sentence)).toEqual([
      `www.example.info points at home.example.org now: ${says} If it is to stay so, switch the alias off.`,
    ]);
    expect(play.state.aliases.www).not.toHaveProperty('foreign');
  });

  test('is told as well when a reboot comes between', () => {
    const attempt = { id: 7, task: 'read' as const };
    const draft = openDraft(world({ pointed: 'home.example.org', attempt }), NOW);
    applyAliased(draft, 'www', 7, { points: 'www.example.net' });

    const { aliases = {} } = rebase(savedState(draft.state), NOW.ms, NOW.ms);
    const { www } = aliases;
    const play = after('www.example.net', { ...www, target: undefined });

    expect(www).toMatchObject({ foreign: 'www.example.net' });
    expect(play.reports[0]?.sentence).toContain('somebody had pointed it at www.example.net.');
  });

  test('is of a moderate length', () => {
    const play = new Play(world({ pointed: 'home.example.org', unread: true }));
    play.cname = `${'x'.repeat(1000)}.example.net`;
    play.check({ home: 'yes', duck: 'yes', third: 'yes' });

    expect(play.reports[0]?.sentence.length).toBeLessThan(400);
  });

  test.each<{ name: string; cname: string; before: Partial<AliasState> }>([
    { name: 'before the alias was ours', cname: 'www.example.net', before: { pointed: undefined } },
    { name: 'by settings that were ours', cname: 'old.example.org', before: { pointed: 'old.example.org' } },
  ])('is not told of $name', ({ cname, before }) => {
    const play = after(cname, before);

    expect(play.reports.map(({ sentence }) => sentence)).toEqual([
      'www.example.info points at home.example.org now.',
    ]);
  });

  test('is forgotten when somebody has undone it', () => {
    const play = after(NAMES.home, { foreign: 'www.example.net' });

    expect(play.reports).toEqual([]);
    expect(play.state.aliases.www).not.toHaveProperty('foreign');
  });
});

test('what cannot be checked never moves it, however long', () => {
  const play = new Play(world());
  for (let round = 0; round < 100; round++) {
    play.check({ home: 'unknown', duck: 'yes', third: 'yes' });
    play.pass(60 * MINUTE_MS);
  }

  expect(play.tasks).toEqual([]);
});

describe('the address of now', () => {
  /** The name still works, but for the address of yesterday. */
  function outdated(more: Partial<HostState>): AgentState {
    const state = world();
    const { home } = state.hosts;
    if (!home) {
      throw new Error('home is gone');
    }
    return { ...state, hosts: { ...state.hosts, home: { ...home, ...more } } };
  }

  test('that the provider does not take makes the target useless', () => {
    const play = new Play(outdated({ confirmed: { ipv4: confirmation('192.0.2.9') } }));
    play.check({ home: 'yes', duck: 'yes' });

    play.pass(6 * MINUTE_MS);

    expect(play.tasks).toEqual(['5 write home.example.net']);
  });

  test('that nobody knows leaves it to the DNS', () => {
    const play = new Play(outdated({ choices: {} }));
    play.check({ home: 'yes', duck: 'yes' });

    play.pass(60 * MINUTE_MS);

    expect(play.tasks).toEqual([]);
  });

  test('of a target that is not there any more is not known', () => {
    const state = world();
    const { home: _gone, ...others } = state.hosts;
    const play = new Play({ ...state, hosts: others });
    play.check({ duck: 'yes' });

    play.pass(60 * MINUTE_MS);

    expect(play.tasks).toEqual([]);
    expect(play.state.aliases.www?.health.home?.works).toBe('unknown');
  });

  test('that was never confirmed leaves it open, unless the provider refuses the name', () => {
    const starting = new Play(outdated({ confirmed: {} }));
    const block = { code: 'dyndns2/NOHOST', sentence: 'There is no such host.', sinceWallMs: 0 };
    const refused = new Play(outdated({ confirmed: {}, block }));

    for (const play of [starting, refused]) {
      play.check({ home: 'unknown', duck: 'yes' });
      play.pass(60 * MINUTE_MS);
    }

    expect(starting.tasks).toEqual([]);
    expect(refused.tasks).toEqual(['5 write home.example.net']);
  });

  test('of one family of two is enough', () => {
    const choices = {
      ipv4: { address: ADDRESS, network: 'wan', device: 'eth1' },
      ipv6: { address: '2001:db8::10', network: 'wan', device: 'eth1' },
    };
    const play = new Play(outdated({ choices }));
    play.check({ home: 'yes', duck: 'yes' });

    play.pass(60 * MINUTE_MS);

    expect(play.tasks).toEqual([]);
  });
});

describe('the first start', () => {
  test.each([
    { name: 'nothing', cname: undefined, tasks: ['0 read', '0 write home.example.org'] },
    {
      name: 'a foreign name',
      cname: 'elsewhere.example.org',
      tasks: ['0 read', '0 write home.example.org'],
    },
    { name: 'the first target', cname: NAMES.home, tasks: ['0 read'] },
    { name: 'another target', cname: NAMES.third, tasks: ['0 read'] },
  ])('finds $name', ({ cname, tasks }) => {
    const { target: _target, ...start } = world({ unread: true }).aliases.www ?? {};
    const state = world();
    const play = new Play({ ...state, aliases: { www: { ...start, unread: true } as AliasState } });
    play.cname = cname;

    play.pass(MINUTE_MS);

    expect(play.tasks).toEqual(tasks);
    expect(play.cname).toBe(cname === NAMES.third ? NAMES.third : NAMES.home);
  });

  test('finds a name that two targets have: the more preferred one counts', () => {
    const state = world({ unread: true });
    const hosts = Object.fromEntries(
      Object.values(state.plan.hosts).map((plan) => [plan.id, { ...plan, hostname: 'home.example.org' }]),
    );
    const play = new Play({ ...state, plan: { ...state.plan, hosts } });

    play.pass(0);

    expect(play.state.aliases.www).toMatchObject({ target: 'home', unread: false });
  });

  test('sets the first target that is not down', () => {
    const state = world();
    const { target: _target, ...start } = state.aliases.www ?? {};
    const play = new Play({ ...state, aliases: { www: start as AliasState } });
    play.cname = undefined;

    play.check({ home: 'no', duck: 'unknown', third: 'yes' });

    expect(play.tasks).toEqual(['0 write home.example.net']);
  });
});

describe('a write that fails', () => {
  const failing = (kind: Failure['kind'], scope: Failure['scope']): Failure => ({
    kind,
    scope,
    code: 'rest/TEST',
    sentence: 'It did not work. Try again.',
  });

  function downWith(failure: Failure): Play {
    const play = new Play(world());
    play.failure = failure;
    play.check({ home: 'no', duck: 'yes' });
    play.check({ home: 'no', duck: 'yes' });
    play.pass(6 * MINUTE_MS);
    return play;
  }

  test('is tried again with growing distance, and reported once', () => {
    const play = downWith(failing('unreachable', 'attempt'));
    const before = play.tasks.length;

    play.failure = undefined;
    play.pass(30 * MINUTE_MS);

    expect(before).toBe(2);
    expect(play.cname).toBe(NAMES.duck);
    expect(codes(play)).toEqual(['alias/FAILED', 'alias/MOVED']);
  });

  test.each([
    { reply: undefined, sentence: 'It did not work. Try again.' },
    { reply: 'no such zone', sentence: 'It did not work. Try again. Reply: no such zone' },
  ])('is reported with the reply, if there was one: $reply', ({ reply, sentence }) => {
    const failure = { ...failing('refused', 'hostname'), ...(reply !== undefined && { reply }) };

    const play = downWith(failure);

    expect(play.reports.map((report) => report.sentence)).toEqual([
      `www.example.info: the alias could not be set (rest/TEST). ${sentence}`,
    ]);
  });

  test('for want of a way is tried again as soon as there is a new one', () => {
    const play = downWith(failing('unreachable', 'attempt'));

    const { commands } = step(play.state, { type: 'clock-set' }, { ...NOW, ms: play.ms });

    expect(play.tasks).toHaveLength(2);
    expect(commands.filter(({ type }) => type === 'alias')).toMatchObject([{ task: 'write' }]);
  });

  test.each([
    { kind: 'credential', scope: 'account', where: 'account' },
    { kind: 'refused', scope: 'hostname', where: 'alias' },
  ] as const)('for good ($kind) blocks its $where until the operator asks', ({ kind, scope, where }) => {
    const play = downWith(failing(kind, scope));
    play.pass(1000 * MINUTE_MS);
    const { state } = play;

    expect(play.tasks).toHaveLength(1);
    expect(state.accounts.dns?.block !== undefined).toBe(where === 'account');
    expect(state.aliases.www?.block !== undefined).toBe(where === 'alias');
    for (const request of [{ hosts: ['another'] }, { check: true as const }]) {
      const other = step(state, { type: 'requested', ...request }, { ...NOW, ms: play.ms });
      expect(other.commands.filter(({ type }) => type === 'alias')).toEqual([]);
    }
    const asked = step(state, { type: 'requested', hosts: ['duck'] }, { ...NOW, ms: play.ms });
    expect(asked.state.accounts.dns?.block).toBeUndefined();
    expect(asked.commands.filter(({ type }) => type === 'alias')).toMatchObject([{ task: 'read' }]);
  });

  test('after which nobody knows is followed by a question', () => {
    const play = downWith(failing('unconfirmed', 'hostname'));

    // It was applied after all, and the target is back.
    play.failure = undefined;
    play.cname = NAMES.duck;
    play.check({ home: 'yes', duck: 'yes' });
    play.pass(10 * MINUTE_MS);

    expect(play.tasks[0]).toBe('5 write home.example.net');
    expect(play.tasks.slice(1).every((task) => task.endsWith('read'))).toBe(true);
    expect(play.state.aliases.www?.target).toBe('duck');
  });

  test('after which a question shows that it was applied counts as a move away', () => {
    const play = downWith(failing('unconfirmed', 'hostname'));

    play.failure = undefined;
    play.cname = NAMES.duck;
    play.pass(10 * MINUTE_MS);

    expect(play.tasks.at(-1)).toMatch(/read$/);
    expect(play.state.aliases.www).toMatchObject({ target: 'duck', flights: 1 });
  });

  test('to the letter but not in effect is no move', () => {
    const attempt = { id: 7, task: 'write' as const, target: 'duck' };
    const draft = openDraft(world({ pointed: 'home.example.org', attempt }), NOW);

    applyAliased(draft, 'www', 7, { points: 'elsewhere.example.org' });

    expect(draft.state.aliases.www).not.toHaveProperty('target');
    expect(draft.state.aliases.www).not.toHaveProperty('foreign');
    expect(draft.commands).toEqual([]);
  });

  test.each(['account', 'provider'] as const)('by a demand to wait of the %s holds the account', (scope) => {
    const play = downWith({ ...failing('throttled', scope), retryAfterMs: 30 * MINUTE_MS });

    expect(play.tasks).toHaveLength(1);
    expect(play.state.accounts.dns?.wait.notBeforeMs).toBeGreaterThan(play.ms);
    play.failure = undefined;
    play.pass(60 * MINUTE_MS);
    expect(play.cname).toBe(NAMES.duck);
  });
});

describe('a block or a wait of the account', () => {
  const failure: Failure = { kind: 'busy', scope: 'account', code: 'rest/TEST', sentence: 'Nothing to do.' };

  test.each([
    { when: 'that is over', notBeforeMs: NOW.ms - 1, failures: 0 },
    { when: 'that ends now', notBeforeMs: NOW.ms, failures: 0 },
    { when: 'that was demanded meanwhile', notBeforeMs: NOW.ms + 1, failures: 3 },
  ])('$when has $failures failures after a success', ({ notBeforeMs, failures }) => {
    const state = world({ attempt: { id: 7, task: 'read' } });
    const dns = { revision: '1', wait: { failures: 3, notBeforeMs, failure } };
    const draft = openDraft({ ...state, accounts: { ...state.accounts, dns } }, NOW);

    applyAliased(draft, 'www', 7, { points: NAMES.home ?? '' });

    expect(draft.state.accounts.dns?.wait.failures).toBe(failures);
  });

  test('holds a move back', () => {
    const state = world();
    const block = { code: 'rest/TEST', sentence: 'No.', sinceWallMs: 0 };
    const play = new Play({
      ...state,
      accounts: { ...state.accounts, dns: { revision: '1', wait: { failures: 0, notBeforeMs: 0 }, block } },
    });
    play.check({ home: 'no', duck: 'yes' });
    play.check({ home: 'no', duck: 'yes' });

    play.pass(60 * MINUTE_MS);

    expect(play.tasks).toEqual([]);
  });
});

describe('what name servers show', () => {
  const view = (verdict: 'ok' | 'pending' | 'warning', code: string) => ({
    verdict,
    code: `alias/${code}`,
    sentence: 'They were asked.',
    evidence: [],
  });

  /** One check with this answer; gives the alias and when it is checked again, in seconds. */
  function after(seen: AliasFound, count: number, random = NOW.random) {
    const check = { count, nextMs: NOW.ms };
    const draft = openDraft(world({ check }), NOW);
    decideAliases(draft);
    const command = draft.commands.find(({ type }) => type === 'alias');
    if (command?.type !== 'alias') {
      throw new Error('no check was due');
    }
    const next = openDraft(draft.state, { ...NOW, random });
    applyAliased(next, 'www', command.attempt, seen);
    const alias = next.state.aliases.www;
    return {
      task: command.task,
      spreading: command.spreading,
      unread: alias?.unread,
      inSec: ((alias?.check.nextMs ?? 0) - NOW.ms) / 1000,
    };
  }

  test('is asked soon after a change and hourly after that', () => {
    expect(after({ seen: view('pending', 'SPREADING') }, 0)).toEqual({
      ...{ task: 'check', spreading: true, unread: false },
      inSec: 5,
    });
    const offsetsSec = [0, 1, 2, 3, 4, 5].map((count) => after({ seen: view('pending', 'X') }, count).inSec);
    expect(offsetsSec).toEqual([5, 10, 30, 75, 180, 3600]);
    expect(after({ seen: view('ok', 'OK') }, 1)).toMatchObject({ unread: false, inSec: 3600 });
    expect(after({ seen: view('warning', 'DIFFERENT') }, 6)).toMatchObject({ unread: false, inSec: 3600 });
  });

  test.each([0, 1, 2, 3, 4, 5, 6])('is still spreading at check %i, up to the fifth', (count) => {
    expect(after({ seen: view('pending', 'SPREADING') }, count).spreading).toBe(count < 5);
  });

  test.each([
    { random: 0, inSec: 3240 },
    { random: 1, inSec: 3960 },
  ])('is not asked by all in the same second: $inSec', ({ random, inSec }) => {
    expect(after({ seen: view('ok', 'OK') }, 6, random).inSec).toBeCloseTo(inSec);
  });

  test('is asked an hour after a check of which we made an error', () => {
    const failure: Failure = { kind: 'defect', scope: 'attempt', code: 'dns/DEFECT', sentence: 'Report it.' };

    expect(after({ failure }, 6).inSec).toBe(3600);
  });

  test('is looked at when it is time, and not before', () => {
    const check = { count: 6, nextMs: NOW.ms + 1000 };
    const draft = openDraft(world({ check }), NOW);

    decideAliases(draft);

    expect(draft.commands).toEqual([]);
    expect(draft.wakeMs).toBe(check.nextMs);
  });

  test('waits for what is read: one task at a time', () => {
    const draft = openDraft(world({ unread: true, check: { count: 0, nextMs: NOW.ms } }), NOW);

    decideAliases(draft);

    expect(draft.commands).toMatchObject([{ type: 'alias', task: 'read' }]);
    expect(draft.wakeMs).toBeUndefined();
  });

  test("that is another's doing is looked at where it is kept", () => {
    expect(after({ seen: view('warning', 'DIFFERENT'), points: 'x.example.org' }, 6)).toMatchObject({
      spreading: false,
      unread: true,
    });
  });

  test('is not asked where checks are switched off', () => {
    const state = world({ check: { count: 0, nextMs: NOW.ms } });
    const agent = { ...state.plan.agent, verify: false };
    const draft = openDraft({ ...state, plan: { ...state.plan, agent } }, NOW);

    decideAliases(draft);

    expect(draft.commands).toEqual([]);
  });
});

describe('a changed configuration', () => {
  function replanned(change: Partial<AliasPlan>, before: Partial<AliasState> = {}) {
    const state = world(before);
    const draft = openDraft(
      { ...state, plan: { ...state.plan, aliases: { www: { ...PLAN, ...change } } } },
      NOW,
    );
    replanAliases(draft);
    return draft.state.aliases.www;
  }
  const block = { code: 'rest/TEST', sentence: 'No.', sinceWallMs: 0 };

  test('of the same section keeps the target, lifts the block and reads again', () => {
    expect(replanned({ revision: '2' }, { block })).toMatchObject({
      target: 'home',
      unread: true,
      revision: '2',
    });
    expect(replanned({ revision: '2' }, { block })).not.toHaveProperty('block');
    expect(replanned({ revision: '2', targets: ['duck'] })).not.toHaveProperty('target');
  });

  test('of something else changes nothing', () => {
    expect(replanned({}, { block })).toEqual(world({ block }).aliases.www);
  });

  test('of the name begins anew', () => {
    expect(replanned({ revision: '2', hostname: 'other.example.info' }, { block })).toEqual({
      ...{ hostname: 'other.example.info', account: 'dns', revision: '2', unread: true, health: {} },
      ...{ retry: { failures: 0, notBeforeMs: 0 }, check: { count: 0, nextMs: 0 } },
    });
  });

  test('or not: the answer to an older question counts for nothing', () => {
    const draft = openDraft(world({ attempt: { id: 7, task: 'write', target: 'duck' } }), NOW);

    applyAliased(draft, 'www', 6, { points: 'home.example.net' });

    expect(draft.state.aliases.www).toMatchObject({ target: 'home', attempt: { id: 7 } });
  });

  test('that arrives during a write makes its answer count for nothing', () => {
    const writing = world({ attempt: { id: 7, task: 'write', target: 'duck' } });
    const changed = { ...writing.plan, aliases: { www: { ...PLAN, revision: '2' } } };
    const draft = openDraft({ ...writing, plan: changed }, NOW);
    replanAliases(draft);

    applyAliased(draft, 'www', 7, { points: 'home.example.net' });

    expect(draft.state.aliases.www).toMatchObject({ target: 'home', unread: true });
  });
});

test('the least distance between two requests of an account holds for its aliases too', () => {
  const state = world({ unread: true });
  const dns = state.plan.accounts.dns;
  if (!dns) {
    throw new Error('the account is gone');
  }
  const accounts = { ...state.plan.accounts, dns: { ...dns, minIntervalMs: 10 * MINUTE_MS } };
  const play = new Play({
    ...state,
    plan: { ...state.plan, accounts },
    accounts: {
      ...state.accounts,
      dns: { revision: '1', wait: { failures: 0, notBeforeMs: 0 }, lastSentMs: NOW.ms },
    },
  });

  play.pass(20 * MINUTE_MS);

  expect(play.tasks).toEqual(['10 read']);
  expect(play.state.accounts.dns?.lastSentMs, 'and for what follows them').toBe(NOW.ms + 10 * MINUTE_MS);
});

/**
 * Whatever the checks say: a move away has an outage before it and a move back a recovery, so between two moves
 * lies at least the shorter of both. Seen to catch: leaving at the first "no", going back at the first "yes",
 * and counting an "unknown" as either.
 */
test('it never flaps: each move has a whole outage or a whole recovery before it', () => {
  const works = fc.constantFrom<Works>('yes', 'no', 'unknown');
  // Short enough for haste to show, long enough for a recovery.
  const waitSec = fc.oneof(fc.integer({ min: 30, max: 300 }), fc.integer({ min: 900, max: 3600 }));
  const round = fc.record({
    home: works,
    duck: works,
    third: works,
    waitSec,
  });
  fc.assert(
    fc.property(fc.array(round, { minLength: 10, maxLength: 120 }), (rounds) => {
      const play = new Play(world());
      const checks: { atMs: number; health: Record<string, Works> }[] = [];
      let from = 'home';
      /** Was the name found so at every check of this time, and when it began? */
      function was(id: string, expected: Works, atMs: number, forMs: number): boolean {
        const before = checks.findLastIndex((one) => one.atMs <= atMs - forMs);
        return before >= 0 && checks.slice(before).every(({ health }) => health[id] === expected);
      }
      for (const { waitSec: pauseSec, ...health } of rounds) {
        const before = play.moves.length;
        checks.push({ atMs: play.ms, health });
        play.check(health);
        play.pass(pauseSec * 1000);
        for (const { to, atMs } of play.moves.slice(before)) {
          const target = TARGETS.find((id) => NAMES[id] === to) ?? '';
          const isFlight = was(from, 'no', atMs, OUTAGE_MS) && was(target, 'yes', atMs, 0);
          const isReturn =
            TARGETS.indexOf(target) < TARGETS.indexOf(from) && was(target, 'yes', atMs, RECOVERY_MS);
          expect(`${from} -> ${target}: ${isFlight || isReturn}`).toBe(`${from} -> ${target}: true`);
          from = target;
        }
      }

      const gaps = play.moves.slice(1).map(({ atMs }, index) => atMs - (play.moves[index]?.atMs ?? 0));
      expect(Math.min(OUTAGE_MS, ...gaps)).toBe(OUTAGE_MS);
      expect(codes(play).every((code) => code === 'alias/MOVED')).toBe(true);
    }),
    { numRuns: 300 },
  );
});

describe('the next move', () => {
  const since = (works: Works, minutesAgo: number) => ({
    works,
    sinceMs: NOW.ms - minutesAgo * MINUTE_MS,
    checks: 5,
    checkedWallMs: 0,
  });

  test('is the earlier of two, and of equal ones the more preferred', () => {
    const alias = (target: string, health: AliasState['health']) =>
      ({ ...world().aliases.www, target, health }) as AliasState;

    const refuge = alias('third', { home: since('yes', 1), duck: since('yes', 30), third: since('no', 1) });
    const back = alias('third', { home: since('yes', 70), duck: since('yes', 80), third: since('yes', 90) });

    // At the very end of the day the count is forgotten.
    const restless = { ...alias('third', { duck: since('yes', 0), third: since('yes', 0) }), flights: 3 };
    const [yesterday, today] = [0, 1].map((laterMs) =>
      nextMove(PLAN, { ...restless, sinceWallMs: NOW.wallMs - 24 * 60 * MINUTE_MS + laterMs }, NOW),
    );

    expect(yesterday?.atMs).toBe(NOW.ms + PLAN.recoveryMs);
    expect(today?.atMs).toBe(NOW.ms + 4 * PLAN.recoveryMs);
    expect(nextMove(PLAN, refuge, NOW)).toEqual({
      to: 'home',
      atMs: NOW.ms + 4 * MINUTE_MS,
      why: 'outage',
    });
    expect(nextMove(PLAN, back, NOW)?.to).toBe('home');
    expect(nextMove(PLAN, alias('home', {}), NOW)).toBeUndefined();
  });
});
