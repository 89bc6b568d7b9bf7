/** The status document (`schemas/status.schema.json`): one for LuCI, the command line and monitoring. */
import { FAMILIES, type Family } from '../core/address.ts';
import { isChosen } from '../core/choice.ts';
import type { Axis } from '../core/health.ts';
import type { HostPlan } from '../core/plan.ts';
import { kindOf } from '../core/source-key.ts';
import type { AgentState, Block, HostState, Now } from '../core/state.ts';
import { nextAttempt, type UpdateAxis, updateAxis, verdictOf } from '../core/summary.ts';

export interface AgentFacts {
  version: string;
  runtime: string;
  pid: number;
  startedAt: string;
  memoryKib: number;
}

/** A problem of the configuration as the loader reports it. */
export type StatusProblem = object;

export interface StatusEvent {
  at: string;
  level: string;
  code: string;
  sentence: string;
  host?: string;
  account?: string;
}

export type StatusAxis = UpdateAxis & { evidence: string[]; checkedAt?: string };

export interface StatusHost {
  id: string;
  hostname: string;
  account: string;
  provider: string;
  verdict: Axis['verdict'];
  sentence: string;
  desired: Partial<
    Record<Family, { address?: string; network?: string; device?: string; code?: string; sentence?: string }>
  >;
  confirmed: Partial<Record<Family, { address: string; since: string }>>;
  axes: Record<'update' | 'delegation' | 'authority' | 'publicView', StatusAxis>;
  next?: { at: string; sentence: string };
  block?: StatusBlock;
}

export interface StatusBlock {
  code: string;
  sentence: string;
  since: string;
  howToLift: string;
}

export interface StatusDocument {
  version: 1;
  writtenAt: string;
  agent: AgentFacts;
  problems: readonly StatusProblem[];
  wans: {
    name: string;
    source: string;
    up: boolean;
    device?: string;
    addresses: string[];
    prefixes: string[];
  }[];
  accounts: {
    id: string;
    provider: string;
    state: 'ok' | 'waiting' | 'blocked';
    waitUntil?: string;
    block?: StatusBlock;
  }[];
  hostnames: StatusHost[];
  events: StatusEvent[];
}

export function statusOf(
  state: AgentState,
  now: Now,
  agent: AgentFacts,
  problems: readonly StatusProblem[],
  events: StatusEvent[],
): StatusDocument {
  const wallOf = (atMs: number) => timeText(now.wallMs + atMs - now.ms);
  return {
    version: 1,
    writtenAt: timeText(now.wallMs),
    agent,
    problems,
    wans: wansOf(state),
    accounts: Object.values(state.plan.accounts).map((plan) => {
      const account = state.accounts[plan.id];
      const waiting = (account?.wait.notBeforeMs ?? 0) > now.ms;
      return {
        id: plan.id,
        provider: plan.providerTitle,
        state: account?.block ? 'blocked' : waiting ? 'waiting' : 'ok',
        ...(account && waiting && { waitUntil: wallOf(account.wait.notBeforeMs) }),
        ...(account?.block && { block: blockOf(account.block) }),
      };
    }),
    hostnames: Object.keys(state.plan.hosts).flatMap((id) => hostOf(state, id, now, wallOf) ?? []),
    events,
  };
}

/** RFC 3339 in UTC. */
export function timeText(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

function hostOf(
  state: AgentState,
  id: string,
  now: Now,
  wallOf: (atMs: number) => string,
): StatusHost | undefined {
  const plan = state.plan.hosts[id];
  const host = state.hosts[id];
  const update = updateAxis(state, id, now);
  if (!plan || !host || !update) {
    return undefined;
  }
  const { verdict, sentence } = verdictOf(update, host.axes);
  const next = nextAttempt(state, id, now);
  const block = host.block ?? state.accounts[plan.account]?.block;
  const idle = dnsAxisWithoutCheck(plan, state.plan.agent.verify, unseenReason(host));
  return {
    id,
    hostname: plan.hostname,
    account: plan.account,
    provider: state.plan.accounts[plan.account]?.providerTitle ?? '',
    verdict,
    sentence,
    desired: desiredOf(host),
    confirmed: confirmedOf(host),
    axes: {
      update: { ...update, evidence: [] },
      delegation: axisOf(host.axes.delegation, idle),
      authority: axisOf(host.axes.authority, idle),
      publicView: axisOf(host.axes.publicView, idle),
    },
    ...(next && { next: { at: wallOf(next.atMs), sentence: next.sentence } }),
    ...(block && { block: blockOf(block) }),
  };
}

function desiredOf(host: HostState): StatusHost['desired'] {
  return byFamily((family) => {
    const choice = host.choices[family];
    return choice && (isChosen(choice) ? { ...choice } : { code: choice.code, sentence: choice.sentence });
  });
}

function confirmedOf(host: HostState): StatusHost['confirmed'] {
  return byFamily((family) => {
    const one = host.confirmed[family];
    return one && { address: one.address, since: timeText(one.wallMs) };
  });
}

function byFamily<T>(value: (family: Family) => T | undefined): Partial<Record<Family, T>> {
  return Object.fromEntries(
    FAMILIES.flatMap((family) => {
      const one = value(family);
      return one === undefined ? [] : [[family, one]];
    }),
  );
}

function axisOf(axis: Axis | undefined, idle: StatusAxis): StatusAxis {
  if (!axis) {
    return idle;
  }
  const { checkedWallMs, ...rest } = axis;
  return { ...rest, checkedAt: timeText(checkedWallMs) };
}

/** Why no check takes place, if the provider has said of everything confirmed that the DNS does not show it. */
function unseenReason({ confirmed }: HostState): string | undefined {
  const reasons = Object.values(confirmed).map(({ unseen }) => unseen);
  return reasons.every((reason) => reason !== undefined) ? reasons[0] : undefined;
}

function dnsAxisWithoutCheck(
  { inDns, noDnsCheck }: HostPlan,
  verify: boolean,
  unseen: string | undefined,
): StatusAxis {
  const notInDns = noDnsCheck ?? 'This is the name of a group, which is not in DNS.';
  const [verdict, code, sentence] = !inDns
    ? (['off', 'check/NOT_IN_DNS', notInDns] as const)
    : !verify
      ? (['off', 'check/SWITCHED_OFF', 'Checks are switched off (option verify).'] as const)
      : unseen !== undefined
        ? (['off', 'check/UNSEEN', unseen] as const)
        : ([
            'unknown',
            'check/NOT_YET',
            'Not checked yet; that follows the first confirmed update.',
          ] as const);
  return { verdict, code, sentence, evidence: [] };
}

function blockOf({ code, sentence, sinceWallMs }: Block): StatusBlock {
  const howToLift = 'Correct the settings and save them, or ask for an update now (holdfast update).';
  return { code, sentence, since: timeText(sinceWallMs), howToLift };
}

/** Only interfaces that are in use or stand beside one: nobody wants to read the LAN here. */
function wansOf(state: AgentState): StatusDocument['wans'] {
  const wanted = new Set(Object.values(state.plan.hosts).flatMap((plan) => plan.networks));
  return Object.keys(state.observations).flatMap((source) => {
    const observation = state.observations[source];
    const all = observation?.known ? Object.values(observation.snapshot) : [];
    const devices = new Set(all.flatMap((one) => (wanted.has(one.name) ? (one.device ?? []) : [])));
    return all
      .filter((one) => wanted.has(one.name) || (one.device !== undefined && devices.has(one.device)))
      .map((one) => ({
        name: one.name,
        source: kindOf(source),
        up: one.up,
        ...(one.device !== undefined && { device: one.device }),
        addresses: one.addresses.map((address) => address.address),
        prefixes: one.prefixes.map((prefix) => `${prefix.address}/${prefix.prefixLength}`),
      }));
  });
}
