/** What the end of an attempt means for its hosts, their account and their lane. */
import { FAMILIES, type Family } from './address.ts';
import { NO_RETRY, type Retry, retryAfter } from './backoff.ts';
import { type Draft, report, without } from './draft.ts';
import type { Failure } from './failure.ts';
import type { AccountPlan, HostPlan } from './plan.ts';
import type { Block, HostState, UpdateItem } from './state.ts';

/** What became of one host: the families the provider confirmed, and the failure of what it did not. */
export interface HostOutcome {
  confirmed: Family[];
  /** What the protocol found odd about a success. */
  remark?: string;
  failure?: Failure;
}

/** By host id. */
export type Outcomes = Record<string, HostOutcome>;

export function applyOutcomes(draft: Draft, key: string, attempt: number, outcomes: Outcomes): void {
  const { state } = draft;
  const lane = state.lanes[key];
  if (lane?.attempt?.id !== attempt) {
    return;
  }
  const { items } = lane.attempt;
  state.lanes[key] = without(lane, 'attempt');
  const said = new Set<string>();
  for (const item of items) {
    const plan = state.plan.hosts[item.host];
    const host = state.hosts[item.host];
    const account = plan && state.plan.accounts[plan.account];
    const outcome = outcomes[item.host];
    // The configuration may have changed meanwhile: what no longer exists is not judged.
    if (!plan || !host || !account || !outcome || host.hostname !== item.hostname) {
      continue;
    }
    if (outcome.confirmed.length > 0) {
      confirm(draft, key, plan, host, item, outcome);
    }
    const { failure } = outcome;
    if (failure?.scope === 'hostname') {
      failHost(draft, plan, account, failure);
    } else if (failure && !said.has(failure.code)) {
      said.add(failure.code);
      failShared(draft, key, account, failure, lane.retry);
    }
  }
}

function confirm(
  draft: Draft,
  key: string,
  plan: HostPlan,
  host: HostState,
  item: UpdateItem,
  { confirmed: families, remark, failure }: HostOutcome,
): void {
  const { state, now } = draft;
  const confirmed = { ...host.confirmed };
  for (const family of families) {
    const address = item[family];
    if (address !== undefined) {
      confirmed[family] = { address, wallMs: now.wallMs, atMs: now.ms };
    }
  }
  state.hosts[plan.id] = {
    ...without(failure ? host : without(host, 'due'), 'block'),
    confirmed,
    retry: NO_RETRY,
    goneForced: host.goneForced || item.reason === 'gone',
    check: { count: 0, nextMs: now.ms, pending: false },
  };
  const account = state.accounts[plan.account];
  if (account) {
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

/** A failure of the whole call: it belongs to the account, or to this attempt and so to the lane. */
function failShared(draft: Draft, key: string, account: AccountPlan, failure: Failure, before: Retry): void {
  const { state } = draft;
  const accountState = state.accounts[account.id];
  const lane = state.lanes[key];
  if (accountState && (failure.scope !== 'attempt' || isPermanent(failure))) {
    const wait = nextTry(draft, accountState.wait, failure, account);
    state.accounts[account.id] = wait
      ? { ...accountState, wait }
      : { ...accountState, block: blockOf(draft, failure) };
  } else if (lane) {
    state.lanes[key] = { ...lane, retry: nextTry(draft, before, failure, account) ?? NO_RETRY };
  }
  reportFailure(draft, failure, account);
}

function nextTry({ now }: Draft, before: Retry, failure: Failure, account: AccountPlan): Retry | undefined {
  return retryAfter(before, failure, now.ms, now.random, account.busyWaitMs);
}

function blockOf({ now }: Draft, { code, sentence }: Failure): Block {
  return { code, sentence, sinceWallMs: now.wallMs };
}

function isPermanent({ kind }: Failure): boolean {
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
