/** A new configuration meets what was learned under the old one. */
import { FAMILIES } from './address.ts';
import { NO_RETRY } from './backoff.ts';
import { type Draft, report, without } from './draft.ts';
import { rebased } from './holddown.ts';
import type { AccountPlan, HostPlan, Plan } from './plan.ts';
import { leftSentence, sortHosts } from './rest.ts';
import { type AccountState, freshHost, type HostState } from './state.ts';
import { forgetBursts } from './steady.ts';
import { CLOCK_SET_MS } from './when.ts';

/** A changed section loses its block and its backoff; what was confirmed for the same record stays. */
export function applyPlan(draft: Draft, plan: Plan): void {
  const { state, now } = draft;
  const accountsBefore = state.accounts;
  const hostsBefore = state.hosts;
  const planBefore = state.plan;
  state.plan = plan;
  state.accounts = mapValues(plan.accounts, (account) => replanAccount(accountsBefore[account.id], account));
  const { known, resting } = sortHosts(draft, hostsBefore, planBefore, plan);
  const planned = mapValues(plan.hosts, (host) => {
    const account = plan.accounts[host.account];
    const changed = accountsBefore[host.account]?.revision !== account?.revision;
    return noteLeft(draft, host, replanHost(known[host.id], host, changed));
  });
  state.hosts = { ...resting, ...planned };
  for (const [key, lane] of Object.entries(state.lanes)) {
    const account = key.slice(0, key.indexOf('/'));
    if (!plan.accounts[account]) {
      delete state.lanes[key];
      continue;
    }
    const accountChanged = accountsBefore[account]?.revision !== plan.accounts[account]?.revision;
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
  forgetBursts(draft);
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

function replanAccount(old: AccountState | undefined, plan: AccountPlan): AccountState {
  if (old?.revision === plan.revision) {
    return old;
  }
  return { ...(old ? without(old, 'block') : { wait: NO_RETRY }), revision: plan.revision };
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
