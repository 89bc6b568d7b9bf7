/** What is to be sent for a hostname, and when: the latest of all waits that apply. */
import { FAMILIES } from './address.ts';
import { isUnknown } from './choice.ts';
import type { Block, HostState, UpdateItem } from './state.ts';
import { type AgentState, chosenOf, confirmedAtMs, laneOf, unconfirmedFamilies } from './state.ts';

export type DueUpdate =
  | { item: UpdateItem; lane: string; atMs: number; why: Why }
  /** Nothing is sent until the configuration changes or the operator asks. */
  | { blocked: Block };

/** What the update waits for: the last of its waits. */
export type Why = 'now' | 'refresh' | 'demanded' | 'interval' | 'backoff' | 'hold-down';

/**
 * The next update of a host; undefined when its record is as it should be and no refresh is configured, or
 * when there is no address to publish.
 */
export function dueUpdate(state: AgentState, id: string, nowMs: number): DueUpdate | undefined {
  const plan = state.plan.hosts[id];
  const host = state.hosts[id];
  const account = plan && state.accounts[plan.account];
  const accountPlan = plan && state.plan.accounts[plan.account];
  const block = host?.block ?? account?.block;
  if (!plan || !host || !account || !accountPlan || block) {
    return block && { blocked: block };
  }
  const lane = laneOf(host);
  // Only an address seen now may be published: an unknown source holds everything back.
  if (lane === undefined || !state.observations[plan.source]?.known) {
    return undefined;
  }
  // What is sent with one family alone would erase the other, which may well be there.
  if (accountPlan.partial === 'erases' && Object.values(host.choices).some(isUnknown)) {
    return undefined;
  }
  const chosen = chosenOf(host);
  const changed = unconfirmedFamilies(host);
  const reason = host.due ?? (changed.length > 0 ? 'changed' : 'refresh');
  const refreshMs = (confirmedAtMs(host) ?? nowMs) + (accountPlan.refreshMs ?? Number.POSITIVE_INFINITY);
  if (reason === 'refresh' && refreshMs === Number.POSITIVE_INFINITY) {
    return undefined;
  }
  const families = reason === 'changed' && !accountPlan.dual ? changed : FAMILIES;
  const addresses = families.flatMap((family) => (chosen[family] ? [[family, chosen[family].address]] : []));
  const item: UpdateItem = { host: id, hostname: plan.hostname, ...Object.fromEntries(addresses), reason };
  const { retry, hold } = state.lanes[lane] ?? {};
  const waits: [Why, number][] = [
    ['now', nowMs],
    ['refresh', reason === 'refresh' ? refreshMs : 0],
    ['interval', account.lastSentMs === undefined ? 0 : account.lastSentMs + accountPlan.minIntervalMs],
    ['hold-down', reason !== 'operator' && hold && host.sent !== signatureOf(item) ? hold.notBeforeMs : 0],
    // The operator's request has ended the backoff once; what fails after that waits like everything else.
    ['backoff', Math.max(retry?.notBeforeMs ?? 0, host.retry.notBeforeMs)],
    ['demanded', account.wait.notBeforeMs],
  ];
  const [why, atMs] = waits.reduce((last, wait) => (wait[1] > last[1] ? wait : last));
  return { item, lane, atMs, why };
}

/** Two updates with the same signature are repetitions of each other. */
export function signatureOf(item: UpdateItem): NonNullable<HostState['sent']> {
  return `${item.ipv4 ?? ''} ${item.ipv6 ?? ''}`;
}
