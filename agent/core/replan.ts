/** A new configuration meets what was learned under the old one. */
import { FAMILIES } from './address.ts';
import { NO_RETRY } from './backoff.ts';
import { type Draft, report, without } from './draft.ts';
import { rebased } from './holddown.ts';
import type { AccountPlan, HostPlan, Plan } from './plan.ts';
import { leftSentence, sortHosts } from './rest.ts';
import { type AccountState, freshHost, type HostState } from './state.ts';
import { CLOCK_SET_MS } from './when.ts';
import { zoneCandidates } from './zone-candidates.ts';

type Accounts = Record<string, AccountState>;
type Hosts = Record<string, HostState>;

/** A changed section loses its block and its backoff; what was confirmed for the same record stays. */
export function applyPlan(draft: Draft, plan: Plan): void {
  const { state, now } = draft;
  const accountsBefore = state.accounts;
  const hostsBefore = state.hosts;
  const planBefore = state.plan;
  state.plan = plan;
  // A section that is taken out may be back before the wait is over.
  const waiting = Object.entries(accountsBefore).filter(([, { wait }]) => wait.notBeforeMs > now.ms);
  const accounts = mapValues(plan.accounts, (account) =>
    replanAccount(formerOf(accountsBefore, plan, account), account),
  );
  state.accounts = { ...Object.fromEntries(waiting), ...accounts };
  const { known, resting } = sortHosts(draft, hostsBefore, planBefore, plan);
  const planned = mapValues(plan.hosts, (host) => {
    const account = plan.accounts[host.account];
    const changed = accountsBefore[host.account]?.revision !== account?.revision;
    const replanned = noteLeft(draft, host, replanHost(known[host.id], host, changed));
    return account ? { ...replanned, service: account.service } : replanned;
  });
  forgetZones(draft, hostsBefore, planned);
  state.hosts = { ...resting, ...planned };
  for (const [key, lane] of Object.entries(state.lanes)) {
    const account = key.slice(0, key.indexOf('/'));
    const accountPlan = plan.accounts[account];
    if (!accountPlan || isMoved(accountsBefore[account], accountPlan)) {
      delete state.lanes[key];
      continue;
    }
    const accountChanged = accountsBefore[account]?.revision !== accountPlan.revision;
    const changed =
      accountChanged ||
      lane.attempt?.items.some(({ host }) => hostsBefore[host]?.revision !== plan.hosts[host]?.revision);
    state.lanes[key] = {
      ...lane,
      hold: rebased(lane.hold, plan.agent.holdDownMs),
      ...(accountChanged && { retry: NO_RETRY }),
      ...(changed && lane.attempt && { attempt: { ...lane.attempt, outdated: true } }),
    };
  }
  // Every name is told anew where it stands: that is no change of the line.
  state.bursts = {};
  const sources = new Set(Object.values(plan.hosts).map((host) => host.source));
  state.reads = {};
  // Nobody watches the others any more: what they showed is no fact when they are used again.
  for (const source of Object.keys(state.observations)) {
    if (!sources.has(source)) {
      delete state.observations[source];
    }
  }
  for (const source of sources) {
    state.reads[source] = { nextMs: now.ms, pending: false, again: false, outdated: false, failures: 0 };
  }
  learnAges(draft);
}

/** What another service has asked for or is yet to answer does not concern this one. */
function isMoved(before: AccountState | undefined, { service }: AccountPlan): boolean {
  return (before?.service ?? service) !== service;
}

/** The demands of a service outlast another name of the section; of several, the longest. */
function formerOf(before: Accounts, plan: Plan, account: AccountPlan): AccountState | undefined {
  const { id, service } = account;
  const own = before[id];
  if (own && !isMoved(own, account)) {
    return own;
  }
  return Object.keys(before)
    .filter((one) => plan.accounts[one]?.service !== service)
    .flatMap((one) => before[one] ?? [])
    .filter((one) => one.service === service)
    .sort((one, other) => other.wait.notBeforeMs - one.wait.notBeforeMs)[0];
}

/** Whoever takes a name to another service lets its servers have the zone: they are no strangers. */
function forgetZones({ state }: Draft, before: Hosts, after: Hosts): void {
  for (const { hostname, service } of Object.values(after)) {
    const known = Object.values(before).filter(
      (one) => one.hostname === hostname && one.restedMs === undefined && one.service !== undefined,
    );
    if (known.length > 0 && known.every((one) => one.service !== service)) {
      for (const zone of zoneCandidates(hostname)) {
        delete state.baselines[zone];
      }
    }
  }
}

function replanAccount(old: AccountState | undefined, plan: AccountPlan): AccountState {
  const { revision, service } = plan;
  const kept = old?.revision === revision ? old : old && without(old, 'block');
  return { wait: NO_RETRY, ...kept, revision, service };
}

function replanHost(old: HostState | undefined, plan: HostPlan, accountChanged: boolean): HostState {
  if (!old) {
    return freshHost(plan);
  }
  const kept = { ...old, choices: {} };
  if (old.revision === plan.revision && !accountChanged) {
    return kept;
  }
  return { ...without(kept, 'block'), retry: NO_RETRY, revision: plan.revision };
}

/** A family that is not published any more leaves its record behind: that is said, once. */
function noteLeft(draft: Draft, plan: HostPlan, host: HostState): HostState {
  const confirmed = { ...host.confirmed };
  for (const family of FAMILIES) {
    const one = confirmed[family];
    const isLeft = !plan.families.includes(family);
    if (one && !isLeft) {
      confirmed[family] = without(one, 'left');
    } else if (one && !one.left) {
      confirmed[family] = { ...one, left: true };
      const sentence = `${plan.hostname}: ${leftSentence(draft.state.plan, plan, family)}`;
      report(draft, { level: 'notice', code: 'update/LEFT', sentence, host: plan.id });
    }
  }
  return { ...host, confirmed };
}

/** How long ago a confirmation of an earlier boot was, as soon as the wall clock can tell. */
export function learnAges(draft: Draft): void {
  const { state, now } = draft;
  if (now.wallMs < CLOCK_SET_MS) {
    return;
  }
  for (const [id, host] of Object.entries(state.hosts)) {
    const confirmed = { ...host.confirmed };
    for (const family of FAMILIES) {
      const one = confirmed[family];
      if (one && one.atMs === undefined) {
        confirmed[family] = { ...one, atMs: now.ms - Math.max(0, now.wallMs - one.wallMs) };
      }
    }
    state.hosts[id] = { ...host, confirmed };
  }
}

function mapValues<A, B>(record: Record<string, A>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
