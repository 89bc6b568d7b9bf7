/** What the end of an attempt means for its hosts, their account and their lane. */
import { FAMILIES, type Family } from './address.ts';
import { NO_RETRY, type Retry, retryAfter } from './backoff.ts';
import { type Draft, report, without } from './draft.ts';
import { defect, type Failure } from './failure.ts';
import { isDnsHeard } from './incidents.ts';
import type { AccountPlan, HostPlan } from './plan.ts';
import { type AccountState, type Block, doubting, type UpdateItem } from './state.ts';

/** What became of one host: the families the provider confirmed, and the failure of what it did not. */
export interface HostOutcome {
  confirmed: Family[];
  /** What the protocol found odd about a success. */
  remark?: string;
  /** Why the DNS does not show what was confirmed. */
  unseen?: string;
  failure?: Failure;
}

/** By host id. */
export type Outcomes = Record<string, HostOutcome>;

/** A protocol that says nothing of a host has a bug; without a failure the host would be sent again at once. */
const NO_VERDICT = defect('update/NO_VERDICT', 'the protocol gave no verdict');

export function applyOutcomes(draft: Draft, key: string, attempt: number, outcomes: Outcomes): void {
  const { state } = draft;
  const lane = state.lanes[key];
  if (lane?.attempt?.id !== attempt) {
    return;
  }
  const { items, outdated } = lane.attempt;
  state.lanes[key] = without(lane, 'attempt');
  const judged = items.flatMap((item) => {
    const plan = state.plan.hosts[item.host];
    const account = plan && state.plan.accounts[plan.account];
    const outcome = outcomes[item.host];
    // The configuration may have changed meanwhile: what no longer exists is not judged.
    const ours = plan?.hostname === item.hostname && key.startsWith(`${plan.account}/`);
    return plan && account && outcome && ours ? [{ item, plan, account, outcome }] : [];
  });
  // Successes first: the success of one call must not erase the wait that another one brought.
  for (const { item, plan, outcome } of judged) {
    if (outcome.confirmed.length > 0) {
      confirm(draft, key, plan, item, outcome);
    }
  }
  // One call, one failure more, for however many hostnames it came.
  const before = { lane: lane.retry, accounts: { ...state.accounts } };
  const said = new Set<string>();
  for (const { item, plan, account, outcome } of judged) {
    const told = outcome.failure ?? (outcome.confirmed.length === 0 ? NO_VERDICT : undefined);
    const failure = told && asSeenFrom(draft, account, told);
    if (!failure) {
      continue;
    }
    const host = state.hosts[plan.id];
    if (host && mayBeApplied(failure)) {
      state.hosts[plan.id] = doubting(host, item);
    }
    if (outdated && isPermanent(failure)) {
      continue;
    }
    if (failure.scope === 'hostname') {
      failHost(draft, plan, account, failure);
    } else {
      failShared(draft, key, account, failure, before);
      // Tried every minute, the same would fill the log of a night without a line.
      const isOldNews = failure.kind === 'offline' && lane.retry.failure?.code === failure.code;
      if (!said.has(failure.code) && !isOldNews) {
        said.add(failure.code);
        reportFailure(draft, failure, account);
      }
    }
  }
}

function confirm(
  draft: Draft,
  key: string,
  plan: HostPlan,
  item: UpdateItem,
  { confirmed: families, remark, unseen, failure }: HostOutcome,
): void {
  const { state, now } = draft;
  const host = state.hosts[plan.id];
  if (!host) {
    return;
  }
  const confirmed = { ...host.confirmed };
  const isErasing = state.plan.accounts[plan.account]?.partial === 'erases';
  // What the call has not named is gone; with its address back it must be sent again.
  const erased = isErasing ? FAMILIES.filter((family) => item[family] === undefined) : [];
  for (const family of erased) {
    delete confirmed[family];
  }
  for (const family of families) {
    const address = item[family];
    if (address !== undefined) {
      confirmed[family] = {
        address,
        wallMs: now.wallMs,
        atMs: now.ms,
        ...(unseen !== undefined && { unseen }),
      };
    }
  }
  const { doubted, ...settled } = failure ? host : without(host, 'due');
  const stillDoubted = Object.entries(doubted ?? {}).filter(
    ([family]) => ![...families, ...erased].some((one) => one === family),
  );
  state.hosts[plan.id] = {
    ...settled,
    ...(stillDoubted.length > 0 && { doubted: Object.fromEntries(stillDoubted) }),
    confirmed,
    // What the servers said before is no longer a fault.
    ...(unseen !== undefined && { axes: {} }),
    retry: NO_RETRY,
    goneForced: host.goneForced || item.reason === 'gone',
    check: { ...host.check, count: 0, nextMs: now.ms, pending: false },
  };
  const account = state.accounts[plan.account];
  // A demanded wait ends by time alone: this success may be older than the demand.
  if (account && account.wait.notBeforeMs <= now.ms) {
    state.accounts[plan.account] = { ...account, wait: NO_RETRY };
  }
  const lane = state.lanes[key];
  if (lane) {
    state.lanes[key] = { ...lane, retry: NO_RETRY };
  }
  const title = state.plan.accounts[plan.account]?.providerTitle ?? 'The provider';
  const addresses = FAMILIES.flatMap((family) =>
    families.includes(family) ? (item[family] ?? []) : [],
  ).join(' and ');
  report(draft, {
    level: remark === undefined ? 'notice' : 'warning',
    code: 'update/CONFIRMED',
    sentence: `${plan.hostname}: ${title} confirmed ${addresses}.${remark === undefined ? '' : ` ${remark}`}`,
    host: plan.id,
  });
}

function failHost(draft: Draft, plan: HostPlan, account: AccountPlan, failure: Failure): void {
  const host = draft.state.hosts[plan.id];
  if (!host) {
    return;
  }
  const retry = nextTry(draft, host.retry, failure, account);
  draft.state.hosts[plan.id] = retry
    ? { ...host, retry }
    : { ...without(host, 'due'), block: blockOf(draft, failure) };
  reportFailure(draft, failure, account, plan);
}

interface Before {
  lane: Retry;
  accounts: Record<string, AccountState>;
}

/** A failure of the whole call: it belongs to the account, or to this attempt and so to the lane. */
function failShared(draft: Draft, key: string, account: AccountPlan, failure: Failure, before: Before): void {
  const { state } = draft;
  const known = state.accounts[account.id];
  const lane = state.lanes[key];
  if (known && (failure.scope !== 'attempt' || isPermanent(failure))) {
    const wait = nextTry(draft, before.accounts[account.id]?.wait ?? NO_RETRY, failure, account);
    state.accounts[account.id] = wait
      ? // Two demands: the longer one counts.
        { ...known, wait: wait.notBeforeMs > known.wait.notBeforeMs ? wait : known.wait }
      : { ...known, block: blockOf(draft, failure) };
  } else if (lane) {
    state.lanes[key] = { ...lane, retry: nextTry(draft, before.lane, failure, account) ?? NO_RETRY };
  }
}

export function nextTry(
  { now }: Draft,
  before: Retry,
  failure: Failure,
  account: AccountPlan,
): Retry | undefined {
  return retryAfter(before, failure, now.ms, now.random, account.busyWaitMs);
}

/**
 * No name server answers for the provider, while others answer: it is not this line, and all routers of the provider
 * wait for the same servers.
 */
function asSeenFrom({ state }: Draft, { id }: AccountPlan, failure: Failure): Failure {
  const since = state.accounts[id]?.failing?.sinceWallMs;
  const isTheirs = failure.code === 'http/DNS' && since !== undefined && isDnsHeard(state, since);
  return isTheirs ? { ...failure, kind: 'unreachable' } : failure;
}

export function blockOf({ now }: Draft, { code, sentence }: Failure): Block {
  return { code, sentence, sinceWallMs: now.wallMs };
}

/** Everything but a plain no, or a request that never left. */
export function mayBeApplied({ kind }: Failure): boolean {
  return kind === 'unconfirmed' || kind === 'unintelligible' || kind === 'busy' || kind === 'defect';
}

export function isPermanent({ kind }: Failure): boolean {
  return kind === 'credential' || kind === 'refused';
}

function reportFailure(draft: Draft, failure: Failure, account: AccountPlan, plan?: HostPlan): void {
  const reply = failure.reply === undefined ? '' : ` Reply: ${failure.reply}`;
  report(draft, {
    level: isPermanent(failure) || failure.kind === 'defect' ? 'error' : 'warning',
    code: failure.code,
    sentence: `${plan?.hostname ?? account.providerTitle}: ${failure.sentence}${reply}`,
    account: account.id,
    ...(plan && { host: plan.id }),
  });
}
