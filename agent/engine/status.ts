/** The status document (`schemas/status.schema.json`): one for LuCI, the command line and monitoring. */
import { FAMILIES, type Family } from '../core/address.ts';
import { isChosen } from '../core/choice.ts';
import type { Axis } from '../core/health.ts';
import type { Incident } from '../core/incident.ts';
import { leadsHere } from '../core/leads-here.ts';
import type { HostPlan } from '../core/plan.ts';
import { leftSentence } from '../core/rest.ts';
import { kindOf } from '../core/source-key.ts';
import { type AgentState, type Block, type HostState, type Now, unconfirmedFamilies } from '../core/state.ts';
import { nextAttempt, type UpdateAxis, updateAxis, verdictOf } from '../core/summary.ts';
import { sinceText } from '../core/when.ts';
import type { Works } from '../core/works.ts';
import { aliasesOf, type StatusAlias } from './status-alias.ts';

const MAX_INCIDENTS = 20;

export interface AgentFacts {
  version: string;
  runtime: string;
  pid: number;
  startedAt: string;
  memoryKib: number;
  /** What the runtime cannot do; absent for one that can do everything. */
  limits?: readonly { code: string; sentence: string }[];
}

/** A problem of the configuration as the loader reports it. */
export type StatusProblem = object;

export interface StatusEvent {
  at: string;
  level: string;
  code: string;
  sentence: string;
  host?: string;
  /** Hostnames, where it is about several. */
  names?: string[];
  account?: string;
  incident?: string;
}

export type StatusAxis = Omit<UpdateAxis, 'sinceWallMs'> & {
  evidence: string[];
  /** Since when this code stands. */
  since?: string;
  checkedAt?: string;
};

export interface StatusHost {
  id: string;
  hostname: string;
  account: string;
  provider: string;
  /** Hostname sections that publish the same address, to take over. */
  standby: string[];
  verdict: Axis['verdict'];
  sentence: string;
  desired: Partial<
    Record<Family, { address?: string; network?: string; device?: string; code?: string; sentence?: string }>
  >;
  /** `note`: not published any more, and what becomes of it. */
  confirmed: Partial<Record<Family, { address: string; since: string; note?: string }>>;
  axes: Record<'update' | 'delegation' | 'authority' | 'publicView', StatusAxis>;
  /** Does the name work for the world right now? */
  works: Works;
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
  agent: AgentFacts & Required<Pick<AgentFacts, 'limits'>>;
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
  aliases: StatusAlias[];
  /** Open ones, then the last that are over, latest first. */
  incidents: StatusIncident[];
  notifications: StatusNotifications;
  events: StatusEvent[];
}

export type StatusIncident = Omit<Incident, 'openedWallMs' | 'closedWallMs'> & {
  openedAt: string;
  closedAt?: string;
};

export interface StatusNotifications {
  /** Messages that somebody has not got yet. */
  waiting: number;
  /** Why the last try failed, until one succeeds. */
  lastProblem?: string;
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
    agent: { limits: [], ...agent },
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
    aliases: aliasesOf(state, now, timeText),
    incidents: incidentsOf(state),
    notifications: notificationsOf(state.outbox),
    events,
  };
}

function incidentsOf({ incidents }: AgentState): StatusIncident[] {
  const latestFirst = incidents.toReversed();
  const isOpen = ({ closedWallMs }: Incident) => closedWallMs === undefined;
  return [...latestFirst.filter(isOpen), ...latestFirst.filter((one) => !isOpen(one))]
    .slice(0, MAX_INCIDENTS)
    .map(({ openedWallMs, closedWallMs, ...rest }) => ({
      ...rest,
      openedAt: timeText(openedWallMs),
      ...(closedWallMs !== undefined && { closedAt: timeText(closedWallMs) }),
    }));
}

function notificationsOf({ messages, channels }: AgentState['outbox']): StatusNotifications {
  const failing = Object.values(channels).find(({ retry }) => retry.failures > 0);
  const lastProblem = failing?.retry.failure?.sentence;
  return { waiting: messages.length, ...(lastProblem !== undefined && { lastProblem }) };
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
  const worst = verdictOf(update, host.axes);
  const next = nextAttempt(state, id, now);
  const block = host.block ?? state.accounts[plan.account]?.block;
  const idle = dnsAxisWithoutCheck(plan, state.plan.agent.verify, unseenReason(host));
  return {
    id,
    hostname: plan.hostname,
    account: plan.account,
    provider: state.plan.accounts[plan.account]?.providerTitle ?? '',
    standby: plan.standby ?? [],
    verdict: worst.verdict,
    sentence: withMoment(worst),
    works: leadsHere(state, id),
    desired: desiredOf(host),
    confirmed: confirmedOf(state, plan, host),
    axes: {
      update: updateAxisOf(update, state, plan, host),
      delegation: axisOf(host.axes.delegation, idle),
      authority: ofBefore(axisOf(host.axes.authority, idle), host),
      publicView: ofBefore(axisOf(host.axes.publicView, idle), host),
    },
    ...(next && { next: { at: wallOf(next.atMs), sentence: next.sentence } }),
    ...(block && { block: blockOf(block) }),
  };
}

/** Nobody asks again before the new address is accepted; until then the answers are about the one before. */
function ofBefore(axis: StatusAxis, host: HostState): StatusAxis {
  const before = unconfirmedFamilies(host).flatMap((family) => host.confirmed[family]?.address ?? []);
  return axis.checkedAt === undefined || before.length === 0
    ? axis
    : { ...axis, sentence: `${axis.sentence} That is about ${before.join(' and ')}, the address before.` };
}

function desiredOf(host: HostState): StatusHost['desired'] {
  return byFamily((family) => {
    const choice = host.choices[family];
    return choice && (isChosen(choice) ? { ...choice } : { code: choice.code, sentence: choice.sentence });
  });
}

function confirmedOf(state: AgentState, plan: HostPlan, host: HostState): StatusHost['confirmed'] {
  return byFamily((family) => {
    const one = host.confirmed[family];
    return (
      one && {
        address: one.address,
        since: timeText(one.wallMs),
        ...(one.left && { note: leftSentence(state.plan, plan, family) }),
      }
    );
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
  const { checkedWallMs, sinceWallMs, ...rest } = axis;
  return {
    ...rest,
    sentence: withMoment(axis),
    since: timeText(sinceWallMs),
    checkedAt: timeText(checkedWallMs),
  };
}

/** A failing web site is said here and is no fault of the update channel; nor is that one of the name. */
function updateAxisOf(update: UpdateAxis, state: AgentState, plan: HostPlan, host: HostState): StatusAxis {
  const { sinceWallMs, ...rest } = update;
  const web = state.accounts[plan.account]?.web;
  const title = state.plan.accounts[plan.account]?.providerTitle ?? 'the provider';
  const isUseful =
    update.verdict === 'failed' &&
    leadsHere(state, plan.id) === 'yes' &&
    unconfirmedFamilies(host).length === 0;
  const down = sinceText(
    `The web site of ${title} does not answer, which says nothing of your name.`,
    web?.sinceWallMs ?? 0,
  );
  return {
    ...rest,
    sentence: `${withMoment(update)}${isUseful ? ' The name works meanwhile, and leads to your address.' : ''}`,
    evidence: web?.up === false ? [down, web.detail] : [],
    ...(sinceWallMs !== undefined && { since: timeText(sinceWallMs) }),
  };
}

/** What is wrong, with the moment that it is wrong since. */
function withMoment({ verdict, sentence, sinceWallMs }: UpdateAxis): string {
  const isWrong = verdict === 'failed' || verdict === 'warning';
  return isWrong && sinceWallMs !== undefined ? sinceText(sentence, sinceWallMs) : sentence;
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
  return { verdict, code, sentence, evidence: [], mustAct: false };
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
