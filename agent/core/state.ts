/** What the agent remembers. Everything here is plain JSON, so that it can be saved whole. */
import { FAMILIES, type Family } from './address.ts';
import { NO_RETRY, type Retry } from './backoff.ts';
import { type Choice, isChosen, type NoChoice } from './choice.ts';
import type { AxisVerdict, DnsAxes, ZoneView } from './health.ts';
import { type HoldDown, QUIET } from './holddown.ts';
import type { Incident } from './incident.ts';
import { EMPTY_OUTBOX, type Outbox } from './message.ts';
import type { HostPlan, Plan } from './plan.ts';
import type { SourceKey } from './source-key.ts';
import type { Observation } from './wan.ts';
import type { Works } from './works.ts';

/** So many lost replies in a row, each of another address, are remembered. */
const MAX_DOUBTED = 4;

/** Both clocks and a fraction for jitter, taken once for each step. */
export interface Now {
  /** Monotonic milliseconds: every wait is measured on this scale. */
  ms: number;
  /** Milliseconds since 1970, for people to read. */
  wallMs: number;
  /** In [0, 1). */
  random: number;
}

/** A stop until the configuration changes or the operator asks. */
export interface Block {
  code: string;
  sentence: string;
  sinceWallMs: number;
}

export interface Confirmed {
  address: string;
  wallMs: number;
  /** Absent while it is unknown how long ago that was (clock not set at boot). */
  atMs?: number;
  /** Why the DNS does not show this address, where the provider has said so: a sentence. */
  unseen?: string;
  /** The family is not published any more, which was said: the record stays at the provider. */
  left?: true;
}

/** Why an update is sent although the address is confirmed already. */
export type Due = 'operator' | 'refresh' | 'gone';

export interface HostState {
  /** The plan under which the rest was learned. */
  hostname: string;
  account: string;
  /** Where the record is kept, as in the plan of the account; absent in what an older version has saved. */
  service?: string;
  revision: string;
  /** What the source shows now, by family; empty until the source was read. */
  choices: Partial<Record<Family, Choice | NoChoice>>;
  confirmed: Partial<Record<Family, Confirmed>>;
  /** What the records may be instead of what was confirmed: later updates may have been applied unheard. Latest last. */
  doubted?: Partial<Record<Family, string[]>>;
  due?: Due;
  block?: Block;
  retry: Retry;
  /** What was sent last; the same again is a repetition and not a flapping WAN. */
  sent?: string;
  axes: DnsAxes;
  check: CheckState;
  /** Since when updates fail for reasons of this hostname alone. */
  failing?: Since;
  /** The one forced update of this incident was spent. */
  goneForced: boolean;
  /** Not in the plan, kept for what was confirmed: when its section was last known to exist (monotonic). */
  restedMs?: number;
}

/** A moment on both clocks. */
export interface Since {
  sinceMs: number;
  sinceWallMs: number;
}

export interface CheckState {
  /** Checks since the last confirmation, and when the next is due. */
  count: number;
  nextMs: number;
  pending: boolean;
  /** The check under way, or the last one: what another finds was asked before the record changed. */
  attempt?: number;
  /** As the last check found them. */
  zone?: string;
  ttlSec?: number;
  streak?: Streak;
}

/** Checks in a row that came to the same. Those that could not tell do not count. */
export interface Streak {
  /** What an incident would be about, as `zone:ZONE` or `host:HOST`; empty: all is well. */
  about: string;
  count: number;
  firstMs: number;
  lastMs: number;
}

export interface AccountState {
  revision: string;
  /** Where its records are kept, as in its plan; absent in what an older version has saved. */
  service?: string;
  block?: Block;
  /** A wait the provider demands (911, Retry-After). Nothing but time ends it. */
  wait: Retry;
  lastSentMs?: number;
  /** Since when no update that was due was taken. */
  failing?: Since;
  /** The provider's web site, as it was when somebody last looked. */
  web?: { up: boolean; sinceWallMs: number; checkedMs: number; detail: string };
}

export interface UpdateItem {
  host: string;
  hostname: string;
  ipv4?: string;
  ipv6?: string;
  reason: 'changed' | Due;
}

/** Updates of one account through one device: what must wait for each other, and nothing else. */
export interface LaneState {
  /** `outdated`: sent with settings that have changed since, so a refusal says nothing of the new ones. */
  attempt?: { id: number; items: UpdateItem[]; outdated?: true };
  /** When its last attempt began (monotonic). */
  sentMs?: number;
  retry: Retry;
  hold: HoldDown;
}

export interface ReadState {
  nextMs: number;
  pending: boolean;
  /** A hint came while reading: read once more. */
  again: boolean;
  /** A notification came while reading: the answer may be older than it and does not count. */
  outdated: boolean;
  failures: number;
}

/** A zone as it was when all was well. */
export interface Baseline extends ZoneView {
  sinceWallMs: number;
  /** Other servers that have worked for a while: watched time, and when that was last added up. */
  candidate?: { names: string[]; workedMs: number; atMs?: number };
  /** They came in the place of others and have proved to work. */
  adopted?: true;
}

/** `read` and `write` go to the provider, `check` asks the name servers. */
export type AliasTask = 'read' | 'write' | 'check';

/** How long a target has been as it is, and by how many checks. */
export interface TargetHealth {
  works: Works;
  sinceMs: number;
  checks: number;
  /** Of the last check that was counted. */
  checkedWallMs: number;
}

/** What the name servers of an alias say of it. */
export interface AliasView {
  verdict: AxisVerdict;
  /** Stable, e.g. `alias/NOT_SEEN`. */
  code: string;
  sentence: string;
  /** One line for each server. */
  evidence: string[];
}

export interface AliasState {
  /** The plan under which the rest was learned. */
  hostname: string;
  account: string;
  revision: string;
  /** Hostname section that the CNAME points at; absent: none of ours, or not known yet. */
  target?: string;
  sinceWallMs?: number;
  /** When it moved last; unknown after a boot. */
  movedMs?: number;
  /** How often it had to leave a target, with less than a day between two moves. */
  flights?: number;
  /** The name of ours that the CNAME was last known to have. */
  pointed?: string;
  /** What somebody else put there since then; empty: took it away. */
  foreign?: string;
  /** What the provider has must be read before anything is decided. */
  unread: boolean;
  /** By hostname section. */
  health: Record<string, TargetHealth>;
  attempt?: { id: number; task: AliasTask; target?: string };
  retry: Retry;
  block?: Block;
  /** What the name servers of the alias show, and when they are asked again. */
  seen?: AliasView;
  check: { count: number; nextMs: number };
}

/** What one hostname should publish, while it changes faster than it is told. */
export interface Burst {
  host: string;
  family: Family;
  /** The states that were told. */
  told: string[];
  /** Changes so far, and since the last telling of them. */
  changes: number;
  sinceMs: number;
  lastMs: number;
  /** Is the last change still to be told? */
  isHeld: boolean;
}

export interface AgentState {
  plan: Plan;
  observations: Record<SourceKey, Observation>;
  reads: Record<SourceKey, ReadState>;
  accounts: Record<string, AccountState>;
  lanes: Record<string, LaneState>;
  hosts: Record<string, HostState>;
  baselines: Record<string, Baseline>;
  /** Open ones, and the last ones that are over. */
  incidents: Incident[];
  outbox: Outbox;
  aliases: Record<string, AliasState>;
  /** By family and host. */
  bursts: Record<string, Burst>;
  lastAttempt: number;
}

/** The part of the state that outlives the process; the rest is read again. */
export type SavedState = Pick<AgentState, 'accounts' | 'lanes' | 'hosts' | 'baselines'> &
  Partial<Pick<AgentState, 'incidents' | 'outbox' | 'aliases'>>;

const EMPTY_PLAN: Plan = {
  agent: { resyncMs: 600_000, verify: true, holdDownMs: 10_000 },
  accounts: {},
  hosts: {},
};
/** Pause after a crash in the middle of an attempt, so that a crash loop is no storm of updates. */
const CRASH_PAUSE_MS = 5_000;

/** The state at start: an attempt that was under way when the process died may have been applied. */
export function initialState(saved: SavedState | undefined, nowMs: number): AgentState {
  const lanes = Object.entries(saved?.lanes ?? {}).map(([key, { attempt, ...lane }]): [string, LaneState] => [
    key,
    attempt === undefined
      ? lane
      : { ...lane, retry: { failures: lane.retry.failures + 1, notBeforeMs: nowMs + CRASH_PAUSE_MS } },
  ]);
  return {
    plan: EMPTY_PLAN,
    observations: {},
    reads: {},
    accounts: saved?.accounts ?? {},
    lanes: Object.fromEntries(lanes),
    hosts: hostsInDoubt(saved),
    baselines: saved?.baselines ?? {},
    aliases: aliasesInDoubt(saved),
    incidents: saved?.incidents ?? [],
    outbox: outboxAtStart(saved?.outbox),
    bursts: {},
    lastAttempt: 0,
  };
}

/** What was on its way is sent again: better heard twice than never. */
function outboxAtStart(saved: Outbox = EMPTY_OUTBOX): Outbox {
  const channels = Object.entries(saved.channels).map(([id, { retry }]) => [id, { retry }]);
  return { ...saved, channels: Object.fromEntries(channels) };
}

/** A write that was under way may have been applied: what is there is read again. */
function aliasesInDoubt(saved: SavedState | undefined): Record<string, AliasState> {
  return Object.fromEntries(
    Object.entries(saved?.aliases ?? {}).map(([id, { attempt, ...alias }]) => [
      id,
      { ...alias, unread: alias.unread || attempt?.task === 'write' },
    ]),
  );
}

/** Hosts whose update was under way when the state was saved: it may have been applied, it may be lost. */
function hostsInDoubt(saved: SavedState | undefined): Record<string, HostState> {
  // A check that was under way has ended with the process.
  const hosts = Object.fromEntries(
    Object.entries(saved?.hosts ?? {}).map(([id, host]) => [
      id,
      { ...host, check: { ...host.check, pending: false } },
    ]),
  );
  for (const item of Object.values(saved?.lanes ?? {}).flatMap(({ attempt }) => attempt?.items ?? [])) {
    const host = hosts[item.host];
    if (host) {
      hosts[item.host] = doubting(host, item);
    }
  }
  return hosts;
}

/** The host when nobody knows whether this update was applied: what was confirmed before may be overwritten. */
export function doubting(host: HostState, item: UpdateItem): HostState {
  const doubted = { ...host.doubted };
  for (const family of FAMILIES) {
    const address = item[family];
    const before = host.confirmed[family];
    if (before && address !== undefined && address !== before.address) {
      const others = doubted[family]?.filter((one) => one !== address) ?? [];
      doubted[family] = [...others, address].slice(-MAX_DOUBTED);
    }
  }
  return Object.keys(doubted).length === 0 ? host : { ...host, doubted };
}

/**
 * Moves saved times onto the scale of this boot. `savedMs` is the monotonic time of saving. Demanded waits
 * keep their whole remainder (how long the router was off is not known for sure); everything else that only
 * paces a flapping line begins anew.
 */
export function rebase(saved: SavedState, savedMs: number, nowMs: number): SavedState {
  const shifted = (retry: Retry): Retry => ({
    ...retry,
    notBeforeMs: retry.notBeforeMs > savedMs ? nowMs + retry.notBeforeMs - savedMs : 0,
  });
  const accounts = Object.entries(saved.accounts).map(
    ([id, { lastSentMs: _, failing: _failing, web: _web, ...account }]) => [
      id,
      { ...account, wait: shifted(account.wait) },
    ],
  );
  const hosts = Object.entries(hostsInDoubt(saved)).map(([id, { failing: _, ...host }]) => [
    id,
    {
      ...host,
      retry: shifted(host.retry),
      ...(host.restedMs !== undefined && { restedMs: nowMs - Math.max(0, savedMs - host.restedMs) }),
      check: checkAfterBoot(host.check),
      confirmed: Object.fromEntries(
        Object.entries(host.confirmed).map(([family, { atMs: _, ...confirmed }]) => [family, confirmed]),
      ),
    },
  ]);
  return {
    accounts: Object.fromEntries(accounts),
    lanes: {},
    hosts: Object.fromEntries(hosts),
    baselines: baselinesAfterBoot(saved),
    ...(saved.incidents && { incidents: saved.incidents }),
    ...(saved.aliases && { aliases: aliasesAfterBoot(saved, shifted) }),
    ...(saved.outbox && { outbox: rebasedOutbox(saved.outbox, savedMs, nowMs) }),
  };
}

/** What was seen in a row was counted on the clock of the boot before. */
function checkAfterBoot({ streak: _, ...check }: CheckState): CheckState {
  return { ...check, nextMs: 0 };
}

function baselinesAfterBoot({ baselines }: SavedState): SavedState['baselines'] {
  return Object.fromEntries(Object.entries(baselines).map(([zone, one]) => [zone, withoutMoment(one)]));
}

function withoutMoment({ candidate, ...baseline }: Baseline): Baseline {
  return candidate === undefined
    ? baseline
    : { ...baseline, candidate: { names: candidate.names, workedMs: candidate.workedMs } };
}

function rebasedOutbox(outbox: Outbox, savedMs: number, nowMs: number): Outbox {
  const messages = outbox.messages.map((message) => ({
    ...message,
    queuedMs: nowMs - Math.max(0, savedMs - message.queuedMs),
  }));
  const channels = Object.keys(outbox.channels).map((id) => [id, { retry: NO_RETRY }]);
  return { ...outbox, messages, channels: Object.fromEntries(channels) };
}

/** How long a target has been as it is was counted on the clock of the boot before; its CNAME is read again. */
function aliasesAfterBoot(saved: SavedState, shifted: (retry: Retry) => Retry): Record<string, AliasState> {
  return Object.fromEntries(
    Object.entries(aliasesInDoubt(saved)).map(([id, { movedMs: _, ...alias }]) => [
      id,
      { ...alias, unread: true, health: {}, retry: shifted(alias.retry), check: { count: 0, nextMs: 0 } },
    ]),
  );
}

/** Of which nothing is known. */
export function freshHost({
  hostname,
  account,
  revision,
}: Pick<HostPlan, 'hostname' | 'account' | 'revision'>): HostState {
  return {
    ...{ hostname, account, revision },
    choices: {},
    confirmed: {},
    retry: NO_RETRY,
    axes: {},
    check: { count: 0, nextMs: 0, pending: false },
    goneForced: false,
  };
}

export function freshLane(): LaneState {
  return { retry: NO_RETRY, hold: QUIET };
}

export function savedState({
  accounts,
  lanes,
  hosts,
  baselines,
  incidents,
  outbox,
  aliases,
}: AgentState): SavedState {
  return {
    accounts,
    lanes,
    hosts,
    baselines,
    incidents,
    outbox,
    ...(Object.keys(aliases).length > 0 && { aliases }),
  };
}

/** The addresses to publish now, by family. */
export function chosenOf(host: HostState): Partial<Record<Family, Choice>> {
  const { ipv4, ipv6 } = host.choices;
  return { ...(ipv4 && isChosen(ipv4) && { ipv4 }), ...(ipv6 && isChosen(ipv6) && { ipv6 }) };
}

/** Families whose chosen address is not, or not for sure, the published one. */
export function unconfirmedFamilies(host: HostState): Family[] {
  const chosen = chosenOf(host);
  return FAMILIES.filter(
    (family) =>
      chosen[family] &&
      (chosen[family].address !== host.confirmed[family]?.address || host.doubted?.[family]),
  );
}

/** The lane of a host: its account and the device its update leaves through. */
export function laneOf(host: HostState): string | undefined {
  const { ipv4, ipv6 } = chosenOf(host);
  const device = (ipv4 ?? ipv6)?.device;
  return device === undefined ? undefined : `${host.account}/${device}`;
}

/** When the host was last confirmed (monotonic ms); undefined when never or unknown. */
export function confirmedAtMs(host: HostState): number | undefined {
  const times = Object.values(host.confirmed).flatMap((one) => one.atMs ?? []);
  return times.length === 0 ? undefined : Math.max(...times);
}
