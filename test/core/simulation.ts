/**
 * A router, its lines, a provider and the DNS as one small model under virtual time. It drives the real `step`
 * by the contract of `engine/loop.ts` and writes down everything that went in and out, so that each rule can be
 * read off the trace. Everything is derived from plain numbers: a counterexample shrinks and can be replayed.
 */
import fc from 'fast-check';
import type { Family } from '../../agent/core/address.ts';
import type { Command, Report } from '../../agent/core/draft.ts';
import type { Failure, FailureKind, FailureScope } from '../../agent/core/failure.ts';
import type { AnswerKind, Verification, ZoneView } from '../../agent/core/health.ts';
import type { Outcomes } from '../../agent/core/outcomes.ts';
import type { HostPlan, Plan } from '../../agent/core/plan.ts';
import {
  type AgentState,
  initialState,
  rebase,
  type SavedState,
  savedState,
  type UpdateItem,
} from '../../agent/core/state.ts';
import { type AgentEvent, step } from '../../agent/core/step.ts';
import { judge } from '../../agent/core/verdicts.ts';
import type { Observation, WanInterface } from '../../agent/core/wan.ts';

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;

/** One WAN: what netifd would show of it. Addresses of IPv6 may be deprecated, temporary or tentative. */
export interface Line {
  up: boolean;
  ipv4?: string;
  ipv6: { address: string; state: 'good' | 'deprecated' | 'temporary' | 'tentative' }[];
  /** The /64 of the LAN within the delegated prefix, without its final `::`. */
  lan?: string;
}

export interface Answer {
  delayMs: number;
  failure?: Failure;
  /** The record was changed although the reply says something else. */
  applied: boolean;
  /** IPv4 was confirmed before the failure (two calls). */
  partial: boolean;
}

export type DnsAnswer = 'ok' | 'gone' | 'stale' | 'lame' | 'moved' | 'silent' | 'intercepted' | 'problem';

type Told = 'pushed' | 'hinted' | 'silent';

export type Op = { afterMs: number } & (
  | { does: 'line'; wan: number; line: Line; told: Told }
  | { does: 'source-lost' }
  | { does: 'source-found' }
  /** `host` absent: all */
  | { does: 'request'; host?: number }
  | { does: 'reload'; touch: 'nothing' | 'host' | 'account'; index: number }
  /** every hostname leaves the configuration, and comes back */
  | { does: 'disable' }
  | { does: 'enable' }
  | { does: 'clock-set' }
  /** `toMs` absent: the clock is looked at and found right */
  | { does: 'wall'; toMs?: number }
  /** `lostSteps`: how many of the latest steps were not written yet */
  | { does: 'crash'; sameBoot: boolean; offMs: number; lostSteps: number }
  | { does: 'wake' }
  | { does: 'dns'; host: number; answer: DnsAnswer }
);

export interface HostSpec {
  account: number;
  /** WANs in order of preference. */
  wans: number[];
  family: 'ipv4' | 'ipv6' | 'dual';
  suffix: boolean;
}

export interface AccountSpec {
  dual: boolean;
  minIntervalMs: number;
  refreshMs?: number;
}

export interface World {
  accounts: AccountSpec[];
  hosts: HostSpec[];
  wans: number;
  verify: boolean;
  resyncMs: number;
  allowPrivate: boolean;
  /** The jitter of every step. */
  random: number;
  /** By host; the n-th attempt of a host gets the n-th answer, then the provider is healthy. */
  answers: Answer[][];
}

export type Entry = { atMs: number } & (
  | { type: 'sent'; attempt: number; lane: string; account: string; device: string; items: UpdateItem[] }
  | { type: 'heard'; sentMs: number; lane: string; account: string; items: UpdateItem[]; outcomes: Outcomes }
  /** what the agent was shown; undefined: unknown */
  | { type: 'told'; lines: readonly Line[] | undefined }
  | { type: 'asked'; host: string }
  | { type: 'verified'; host: string; answer: DnsAnswer }
  | { type: 'reported'; report: Report }
  | { type: 'op'; op: Op }
);
export type Sent = Extract<Entry, { type: 'sent' }>;

export interface Simulation {
  readonly trace: Entry[];
  play(ops: readonly Op[]): void;
  run(durationMs: number): void;
  /** From now on the provider and the DNS are healthy and the source is known. */
  heal(): void;
  /** Runs until every record is right and nothing is under way, at most so long. */
  settle(limitMs: number): boolean;
  state(): AgentState;
  /** What is still wrong, for a person to read. */
  wrongs(): string[];
  sent(): Sent[];
  lines(): readonly Line[];
  /** The states after each step, oldest first; the same objects that a host would write. */
  history(): readonly Saved[];
}

export interface Saved {
  state: SavedState;
  savedMs: number;
}

/** A step costs some microseconds: more than this in one run is a storm and not a long life. */
const MOST_STEPS = 20_000;
const READ_MS = 20;
const VERIFY_MS = 90;
/** Of every record. */
export const TTL_SEC = 1200;
const WALL_START_MS = Date.UTC(2026, 0, 1);
const ANSWERED: Answer = { delayMs: 50, applied: true, partial: false };

export function hostId(index: number): string {
  return `host${index}`;
}

export function accountId(index: number): string {
  return `account${index}`;
}

export function deviceOf(wan: number): string {
  return `eth${wan}`;
}

export function planOfWorld(world: World, revisions: { host: number[]; account: number[] }): Plan {
  return {
    agent: { resyncMs: world.resyncMs, verify: world.verify, holdDownMs: 10 * SECOND_MS },
    accounts: Object.fromEntries(
      world.accounts.map(({ dual, minIntervalMs, refreshMs }, index) => [
        accountId(index),
        {
          id: accountId(index),
          providerTitle: 'Example DNS',
          revision: `a${revisions.account[index] ?? 0}`,
          service: 'example',
          dual,
          partial: dual ? ('erases' as const) : ('keeps' as const),
          minIntervalMs,
          busyWaitMs: 30 * MINUTE_MS,
          ...(refreshMs !== undefined && { refreshMs }),
        },
      ]),
    ),
    hosts: Object.fromEntries(
      world.hosts.map((host, index): [string, HostPlan] => [
        hostId(index),
        {
          id: hostId(index),
          hostname: `host${index}.example.org`,
          account: accountId(host.account),
          revision: `h${revisions.host[index] ?? 0}`,
          source: 'network',
          networks: host.wans.map((wan) => `wan${wan}`),
          families: host.family === 'dual' ? ['ipv4', 'ipv6'] : [host.family],
          allowPrivate: world.allowPrivate,
          ...(host.suffix && { ipv6Suffix: '::abcd' }),
          inDns: true,
        },
      ]),
    ),
  };
}

/** The interfaces as netifd shows them: IPv4 on `wanN`, IPv6 on its companion `wanN_6` of the same device. */
export function snapshotOf(lines: readonly Line[]): Record<string, WanInterface> {
  const snapshot: Record<string, WanInterface> = {};
  lines.forEach((line, wan) => {
    const common = { up: line.up, ...(line.up && { device: deviceOf(wan) }) };
    snapshot[`wan${wan}`] = {
      ...common,
      name: `wan${wan}`,
      addresses: line.ipv4 === undefined ? [] : [{ address: line.ipv4, prefixLength: 24 }],
      prefixes: [],
      defaultRoute: line.ipv4 === undefined ? [] : ['ipv4'],
    };
    snapshot[`wan${wan}_6`] = {
      ...common,
      name: `wan${wan}_6`,
      addresses: line.ipv6.map(({ address, state }) => ({
        address,
        prefixLength: 64,
        preferredSec: state === 'deprecated' ? 0 : 3600,
        validSec: 7200,
        ...(state === 'temporary' && { temporary: true }),
        ...(state === 'tentative' && { tentative: true }),
      })),
      prefixes:
        line.lan === undefined
          ? []
          : [
              {
                address: `${line.lan}::`,
                prefixLength: 60,
                preferredSec: 3600,
                validSec: 7200,
                assigned: [{ network: 'lan', address: `${line.lan}::`, prefixLength: 64 }],
              },
            ],
      defaultRoute: line.ipv6.length > 0 ? ['ipv6'] : [],
    };
  });
  return snapshot;
}

/** The model of the choice: the addresses that may be published, and the WAN they come from. */
export function wanted(
  host: HostSpec,
  family: Family,
  lines: readonly Line[],
): { wan: number; addresses: string[] } | undefined {
  if (host.family !== 'dual' && host.family !== family) {
    return undefined;
  }
  for (const wan of host.wans) {
    const line = lines[wan];
    if (!line?.up) {
      continue;
    }
    const stable = line.ipv6.flatMap(({ address, state }) => (state === 'good' ? address : []));
    const ipv6 = host.suffix ? (line.lan === undefined ? [] : [`${line.lan}::abcd`]) : stable;
    const addresses = family === 'ipv4' ? (line.ipv4 === undefined ? [] : [line.ipv4]) : ipv6;
    if (addresses.length > 0) {
      return { wan, addresses };
    }
  }
  return undefined;
}

export function simulate(world: World): Simulation {
  const trace: Entry[] = [];
  const history: Saved[] = [];
  const revisions = { host: world.hosts.map(() => 0), account: world.accounts.map(() => 0) };
  const records: Record<string, Partial<Record<Family, string>>> = {};
  const dns: Record<string, DnsAnswer> = {};
  const attempts = world.hosts.map(() => 0);
  const indexes = new Map(world.hosts.map((_, index) => [hostId(index), index]));
  let lines: readonly Line[] = Array.from({ length: world.wans }, (_, wan) => ({
    up: true,
    ipv4: ipv4Of(wan, 0),
    ipv6: [{ address: ipv6Of(wan, 0), state: 'good' as const }],
    lan: lanOf(wan, 0),
  }));
  let pending: { atMs: number; fire: () => void }[] = [];
  let nowMs = 0;
  /** Monotonic time minus the time of the model; another at each boot. */
  let bootShiftMs = 1_000_000;
  let wallShiftMs = WALL_START_MS;
  let sourceKnown = true;
  let healthy = false;
  let enabled = true;
  let life = 0;
  let steps = 0;
  let wakeMs: number | undefined;
  let state = initialState(undefined, bootShiftMs);

  dispatch({ type: 'planned', plan: plan() });

  function plan(): Plan {
    const all = planOfWorld(world, revisions);
    return enabled ? all : { ...all, hosts: {} };
  }

  function dispatch(event: AgentEvent): void {
    steps += 1;
    if (steps > MOST_STEPS) {
      throw new Error(`a storm: more than ${MOST_STEPS} steps`);
    }
    const now = { ms: nowMs + bootShiftMs, wallMs: nowMs + wallShiftMs, random: world.random };
    const after = step(state, event, now);
    state = after.state;
    history.push({ state: savedState(state), savedMs: now.ms });
    wakeMs = after.wakeMs === undefined ? undefined : nowMs + Math.max(1, Math.ceil(after.wakeMs - now.ms));
    for (const command of after.commands) {
      if (command.type === 'observe') {
        later(READ_MS, () => show(true));
      } else if (command.type === 'update') {
        send(command);
      } else if (command.type === 'report') {
        trace.push({ atMs: nowMs, type: 'reported', report: command.report });
      } else if (command.type === 'verify') {
        verify(command);
      }
    }
  }

  /** Something of the running process: a crash forgets it. */
  function later(delayMs: number, fire: () => void): void {
    const born = life;
    pending.push({
      atMs: nowMs + delayMs,
      fire: () => {
        if (born === life) {
          fire();
        }
      },
    });
  }

  function show(answer: boolean): void {
    trace.push({ atMs: nowMs, type: 'told', lines: sourceKnown ? lines : undefined });
    const observation: Observation = sourceKnown
      ? { known: true, snapshot: snapshotOf(lines) }
      : { known: false, code: 'ubus/TIMEOUT', sentence: 'netifd does not answer.' };
    dispatch({ type: 'observed', source: 'network', observation, ...(answer && { answer: true }) });
  }

  function send(command: {
    lane: string;
    attempt: number;
    account: string;
    device: string;
    items: UpdateItem[];
  }): void {
    const { lane, attempt, account, device, items } = command;
    const sentMs = nowMs;
    trace.push({ atMs: nowMs, type: 'sent', attempt, lane, account, device, items });
    const outcomes: Outcomes = {};
    let delayMs = 0;
    let stop: Failure | undefined;
    // Calls are grouped by address: which hostname comes first is not the order of the configuration.
    for (const item of nowMs % 4 < 2 ? items : items.toReversed()) {
      const answer = nextAnswer(item.host);
      const failure = stop ?? answer.failure;
      const families = familiesOf(item);
      const confirmed = !failure ? families : answer.partial && !stop ? families.slice(0, -1) : [];
      const applied = answer.applied && !stop ? families : confirmed;
      for (const family of applied) {
        records[item.host] = { ...records[item.host], [family]: item[family] };
      }
      outcomes[item.host] = { confirmed, ...(failure && { failure }) };
      delayMs = Math.max(delayMs, stop ? 0 : answer.delayMs);
      stop ??= failure?.scope === 'hostname' ? undefined : failure;
    }
    later(delayMs, () => {
      trace.push({ atMs: nowMs, type: 'heard', sentMs, lane, account, items, outcomes });
      dispatch({ type: 'updated', lane, attempt, outcomes });
    });
  }

  function nextAnswer(host: string): Answer {
    const index = indexes.get(host) ?? 0;
    const count = attempts[index] ?? 0;
    attempts[index] = count + 1;
    return (healthy ? undefined : world.answers[index]?.[count]) ?? ANSWERED;
  }

  function verify(command: Extract<Command, { type: 'verify' }>): void {
    const { host, attempt } = command;
    trace.push({ atMs: nowMs, type: 'asked', host });
    later(VERIFY_MS, () => {
      const answer = dns[host] ?? 'ok';
      trace.push({ atMs: nowMs, type: 'verified', host, answer });
      dispatch({ type: 'verified', host, attempt, found: judge(verificationOf(answer), command) });
    });
  }

  function runTo(untilMs: number, done: () => boolean = () => false): boolean {
    for (;;) {
      if (done()) {
        return true;
      }
      let first: { atMs: number; fire: () => void } | undefined;
      for (const one of pending) {
        if (first === undefined || one.atMs < first.atMs) {
          first = one;
        }
      }
      const nextMs = Math.min(first?.atMs ?? Number.POSITIVE_INFINITY, wakeMs ?? Number.POSITIVE_INFINITY);
      if (nextMs > untilMs) {
        nowMs = untilMs;
        return false;
      }
      nowMs = nextMs;
      if (first && first.atMs === nextMs) {
        const { fire } = first;
        pending = pending.filter((one) => one !== first);
        fire();
      } else {
        wakeMs = undefined;
        dispatch({ type: 'woken' });
      }
    }
  }

  function perform(op: Op): void {
    trace.push({ atMs: nowMs, type: 'op', op });
    switch (op.does) {
      case 'line':
        lines = lines.map((line, wan) => (wan === op.wan ? op.line : line));
        if (op.told === 'pushed' && enabled) {
          show(false);
        } else if (op.told === 'hinted') {
          dispatch({ type: 'hinted', source: 'network' });
        }
        break;
      case 'source-lost':
        sourceKnown = false;
        break;
      case 'source-found':
        sourceKnown = true;
        break;
      case 'request':
        dispatch({ type: 'requested', ...(op.host !== undefined && { hosts: [hostId(op.host)] }) });
        break;
      case 'reload':
        if (op.touch !== 'nothing') {
          revisions[op.touch][op.index] = (revisions[op.touch][op.index] ?? 0) + 1;
        }
        dispatch({ type: 'planned', plan: plan() });
        break;
      case 'disable':
      case 'enable':
        enabled = op.does === 'enable';
        dispatch({ type: 'planned', plan: plan() });
        break;
      case 'clock-set':
        dispatch({ type: 'clock-set' });
        break;
      case 'wall':
        wallShiftMs = op.toMs === undefined ? wallShiftMs : op.toMs - nowMs;
        break;
      case 'crash':
        restart(op.sameBoot, op.offMs, op.lostSteps);
        break;
      case 'wake':
        dispatch({ type: 'woken' });
        break;
      case 'dns':
        dns[hostId(op.host)] = op.answer;
        break;
    }
  }

  function restart(sameBoot: boolean, offMs: number, lostSteps: number): void {
    life += 1;
    const kept = history.at(-1 - lostSteps);
    const { state: saved, savedMs }: { state?: SavedState; savedMs: number } =
      kept === undefined ? { savedMs: 0 } : JSON.parse(JSON.stringify(kept));
    nowMs += offMs;
    if (!sameBoot) {
      bootShiftMs = 20 * SECOND_MS - nowMs;
    }
    const bootMs = nowMs + bootShiftMs;
    state = initialState(saved && (sameBoot ? saved : rebase(saved, savedMs, bootMs)), bootMs);
    dispatch({ type: 'planned', plan: plan() });
  }

  function wrongs(): string[] {
    const found: string[] = Object.entries(state.lanes).flatMap(([key, lane]) =>
      lane.attempt ? `${key} waits for a reply` : [],
    );
    world.hosts.forEach((host, index) => {
      const id = hostId(index);
      const known = state.hosts[id];
      if (!known || known.block || state.accounts[accountId(host.account)]?.block) {
        return;
      }
      for (const family of ['ipv4', 'ipv6'] as const) {
        const right = wanted(host, family, lines)?.addresses;
        const published = records[id]?.[family];
        if (right && (published === undefined || !right.includes(published))) {
          found.push(
            `${id} ${family}: ${published ?? 'nothing'} is published, right is ${right.join(' or ')}`,
          );
        }
        if (right && known.confirmed[family]?.address !== published) {
          found.push(`${id} ${family}: confirmed is ${known.confirmed[family]?.address ?? 'nothing'}`);
        }
      }
    });
    return found;
  }

  return {
    trace,
    play(ops) {
      for (const op of ops) {
        runTo(nowMs + op.afterMs);
        perform(op);
      }
    },
    run(durationMs) {
      runTo(nowMs + durationMs);
    },
    heal() {
      healthy = true;
      sourceKnown = true;
      for (const host of Object.keys(dns)) {
        dns[host] = 'ok';
      }
      if (!enabled) {
        perform({ does: 'enable', afterMs: 0 });
      }
      dispatch({ type: 'hinted', source: 'network' });
    },
    settle(limitMs) {
      // One second of peace first: a reading that is under way may bring news.
      runTo(nowMs + SECOND_MS);
      return runTo(nowMs + limitMs, () => wrongs().length === 0);
    },
    state: () => state,
    wrongs,
    sent: () => trace.filter((entry) => entry.type === 'sent'),
    lines: () => lines,
    history: () => history,
  };
}

export function familiesOf(item: UpdateItem): Family[] {
  return (['ipv4', 'ipv6'] as const).filter((family) => item[family] !== undefined);
}

const SERVERS: Record<DnsAnswer, AnswerKind> = {
  ok: 'ok',
  gone: 'gone',
  stale: 'wrong',
  lame: 'lame',
  moved: 'ok',
  silent: 'unreachable',
  intercepted: 'intercepted',
  problem: 'ok',
};

function verificationOf(answer: DnsAnswer): Verification {
  const server = { server: 'ns1.example.net', family: 'ipv4' as const, ttlSec: TTL_SEC };
  const one = { ...server, kind: SERVERS[answer], detail: answer };
  const nameServers = answer === 'moved' ? ['ns1.example.com'] : ['ns1.example.net'];
  const parent = { server: 'a.example.net' };
  // What answers in place of the zone's servers answers in place of those above as well.
  const delegations: Partial<Record<DnsAnswer, Verification['delegation']>> = {
    silent: [],
    intercepted: [{ ...parent, nameServers: [], kind: 'intercepted' }],
  };
  const hidden = delegations[answer];
  return answer === 'problem'
    ? {
        problem: { code: 'dns/NO_ZONE', sentence: 'The zone was not found.' },
        authority: [],
        publicView: [],
        delegation: [],
      }
    : {
        zone: 'example.org',
        authority: [one],
        publicView: [one],
        delegation: hidden ?? [{ ...parent, nameServers }],
        ...(!hidden && { view: viewOf(nameServers) }),
      };
}

/** Each server at an address of its own. */
function viewOf(names: readonly string[]): ZoneView {
  return { nameServers: names.map((name, index) => ({ name, addresses: [`192.0.2.${index + 1}`] })) };
}

export function ipv4Of(wan: number, index: number): string {
  return `203.0.113.${wan * 32 + index + 1}`;
}

export function ipv6Of(wan: number, index: number): string {
  return `2001:db8:${wan + 1}:${index + 1}::1`;
}

function lanOf(wan: number, index: number): string {
  return `2001:db8:f${wan}:${index + 1}0`;
}

function failure(kind: FailureKind, scope: FailureScope, retryAfterMs?: number): Failure {
  const name = `test/${kind}_${scope}${retryAfterMs ?? ''}`.toUpperCase();
  return { kind, scope, code: name, sentence: name, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

/** Every failure a protocol or the transport can report. */
export const FAILURES = {
  attempt: [
    failure('unreachable', 'attempt'),
    failure('unconfirmed', 'attempt'),
    failure('unintelligible', 'attempt'),
    failure('defect', 'attempt'),
  ],
  demanded: [
    failure('throttled', 'account'),
    failure('throttled', 'account', 90 * SECOND_MS),
    failure('busy', 'provider'),
    failure('busy', 'account', 2 * HOUR_MS),
  ],
  hostname: [failure('unintelligible', 'hostname'), failure('refused', 'hostname')],
  permanent: [
    failure('credential', 'account'),
    failure('refused', 'account'),
    failure('refused', 'hostname'),
    failure('refused', 'provider'),
  ],
} as const satisfies Record<string, readonly Failure[]>;

const EVERY_FAILURE: readonly Failure[] = Object.values(FAILURES).flat();
/** What a provider may have done although it did not say `good`. */
const DOUBTFUL: readonly FailureKind[] = ['unconfirmed', 'unintelligible', 'busy', 'defect'];

export function mayBeApplied({ kind }: Failure): boolean {
  return DOUBTFUL.includes(kind);
}

/** Cuts one number into many small choices: cheap to generate, and shrinks towards the first choices. */
export type Pick = <T>(choices: readonly [T, ...T[]]) => T;

export function picking(seed: number): Pick {
  let rest = seed;
  return (choices) => {
    const index = rest % choices.length;
    rest = Math.floor(rest / choices.length);
    return choices[index] ?? choices[0];
  };
}

export function numbers(count: number): readonly [number, ...number[]] {
  return [0, ...Array.from({ length: Math.max(0, count - 1) }, (_, index) => index + 1)];
}

export function seeded<T>(make: (pick: Pick) => T): fc.Arbitrary<T> {
  return fc.noBias(fc.integer({ min: 0, max: 2 ** 52 })).map((seed) => make(picking(seed)));
}

const PAUSES_MS = [
  0,
  1,
  300,
  2 * SECOND_MS,
  11 * SECOND_MS,
  45 * SECOND_MS,
  400 * SECOND_MS,
  HOUR_MS,
] as const;
const ADDRESS_STATES = ['good', 'good', 'good', 'deprecated', 'temporary', 'tentative'] as const;

export function pickLine(pick: Pick, wan: number): Line {
  const up = pick([true, true, true, false]);
  const ipv4 = pick([0, 1, 2, undefined]);
  const ipv6 = pick([0, 1, undefined]);
  const state = pick(ADDRESS_STATES);
  const second = pick([undefined, undefined, 2]);
  const lan = pick([0, 1, undefined]);
  return {
    up,
    ...(ipv4 !== undefined && { ipv4: ipv4Of(wan, ipv4) }),
    ipv6: [
      ...(ipv6 === undefined ? [] : [{ address: ipv6Of(wan, ipv6), state }]),
      ...(second === undefined ? [] : [{ address: ipv6Of(wan, second), state: 'good' as const }]),
    ],
    ...(lan !== undefined && { lan: lanOf(wan, lan) }),
  };
}

export function pickAnswer(pick: Pick, failures: readonly Failure[] = EVERY_FAILURE): Answer {
  const delayMs = pick([50, 0, 3 * SECOND_MS, 40 * SECOND_MS]);
  const fails = pick([true, true, false]);
  const index = pick(numbers(failures.length));
  const applied = pick([true, false]);
  const partial = pick([false, false, true]);
  const failed = fails && failures.length > 0 ? failures[index] : undefined;
  return failed
    ? { delayMs, failure: failed, applied: applied && mayBeApplied(failed), partial }
    : { delayMs, applied: true, partial: false };
}

export interface Limits {
  does?: readonly [Op['does'], ...Op['does'][]];
  failures?: readonly Failure[];
  verify?: boolean;
  lostSteps?: readonly [number, ...number[]];
  dns?: readonly [DnsAnswer, ...DnsAnswer[]];
  refreshMs?: number;
}

const EVERY_OP: NonNullable<Limits['does']> = [
  'line',
  'line',
  'line',
  'line',
  'source-lost',
  'source-found',
  'request',
  'reload',
  'disable',
  'enable',
  'clock-set',
  'wall',
  'crash',
  'wake',
  'dns',
];
const DNS_ANSWERS = ['gone', 'ok', 'stale', 'lame', 'moved', 'silent', 'intercepted', 'problem'] as const;
const WALLS_MS = [0, WALL_START_MS - HOUR_MS, WALL_START_MS + 400 * 24 * HOUR_MS, 20 * SECOND_MS] as const;

/** Indexes are larger than most worlds have: they are cut down by the op. */
export function pickOp(pick: Pick, limits: Limits): Op {
  const does = pick(limits.does ?? EVERY_OP);
  const afterMs = pick(PAUSES_MS);
  switch (does) {
    case 'line': {
      const wan = pick([0, 0, 1, 2]);
      return {
        does,
        afterMs,
        wan,
        told: pick(['pushed', 'pushed', 'hinted', 'silent']),
        line: pickLine(pick, wan),
      };
    }
    case 'request': {
      const host = pick([undefined, 0, 1, 2]);
      return { does, afterMs, ...(host !== undefined && { host }) };
    }
    case 'reload':
      return { does, afterMs, touch: pick(['nothing', 'host', 'account']), index: pick([0, 1, 2]) };
    case 'wall':
      return { does, afterMs, toMs: pick(WALLS_MS) };
    case 'crash':
      return {
        does,
        afterMs,
        sameBoot: pick([true, false]),
        offMs: pick([0, 2 * SECOND_MS, MINUTE_MS]),
        lostSteps: pick(limits.lostSteps ?? [0]),
      };
    case 'dns':
      return { does, afterMs, host: pick([0, 1, 2]), answer: pick(limits.dns ?? DNS_ANSWERS) };
    case 'source-lost':
    case 'source-found':
    case 'disable':
    case 'enable':
    case 'clock-set':
    case 'wake':
      return { does, afterMs };
  }
}

export interface Story {
  world: World;
  ops: Op[];
}

/** Worlds of 1 to 6 hostnames on 1 to 3 accounts and lines, and what happens to them. */
export function stories(limits: Limits = {}): fc.Arbitrary<Story> {
  return fc
    .record({
      size: seeded((pick) => ({
        accounts: pick([1, 2, 3]),
        wans: pick([1, 2, 3]),
        verify: pick([false, false, true]) && limits.verify !== false,
        resyncMs: pick([24 * HOUR_MS, 10 * MINUTE_MS]),
        random: pick([0, 0.5, 0.99]),
        accountSpecs: [0, 1, 2].map(() => ({
          dual: pick([true, false]),
          minIntervalMs: pick([0, 0, MINUTE_MS]),
          ...(limits.refreshMs !== undefined && { refreshMs: limits.refreshMs }),
        })),
      })),
      hosts: fc.array(
        seeded((pick) => ({
          account: pick([0, 1, 2]),
          wans: pick<readonly number[]>([[0], [0, 1], [1, 0], [2, 0], [1]]),
          family: pick(['ipv4', 'ipv6', 'dual', 'dual'] as const),
          suffix: pick([false, false, true]),
        })),
        { minLength: 1, maxLength: 6, size: 'small' },
      ),
      answers: fc.array(
        seeded((pick) => numbers(pick([1, 2, 3, 4])).map(() => pickAnswer(pick, limits.failures))),
        { minLength: 0, maxLength: 6, size: 'small' },
      ),
      ops: fc.array(
        seeded((pick) => pickOp(pick, limits)),
        { minLength: 1, maxLength: 14, size: 'medium' },
      ),
    })
    .map(({ size, hosts, answers, ops }) => ({
      world: {
        accounts: size.accountSpecs.slice(0, size.accounts),
        hosts: hosts.map((host) => ({
          ...host,
          account: host.account % size.accounts,
          wans: [...new Set(host.wans.map((wan) => wan % size.wans))],
        })),
        wans: size.wans,
        verify: size.verify,
        resyncMs: size.resyncMs,
        allowPrivate: true,
        random: size.random,
        answers,
      },
      ops,
    }));
}
