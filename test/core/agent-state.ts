/** An agent at rest with one hostname, `home` on account `a` and device `eth1`; a test changes what it is about. */
import { NO_RETRY } from '../../agent/core/backoff.ts';
import type { AccountPlan, HostPlan } from '../../agent/core/plan.ts';
import {
  type AccountState,
  type AgentState,
  freshHost,
  freshLane,
  type HostState,
  initialState,
  type LaneState,
  type Now,
} from '../../agent/core/state.ts';
import type { Observation } from '../../agent/core/wan.ts';

export const NOW: Now = { ms: 1_000_000, wallMs: Date.UTC(2026, 0, 1), random: 0.5 };
export const IPV4 = '192.0.2.10';
export const IPV6 = '2001:db8::10';
export const LANE = 'a/eth1';

export interface Changes {
  accountPlan?: Partial<AccountPlan>;
  hostPlan?: Partial<HostPlan>;
  account?: Partial<AccountState>;
  host?: Partial<HostState>;
  lane?: Partial<LaneState>;
  observation?: Observation;
}

/** Both families are chosen and IPv4 is confirmed, a minute ago, unless changed. */
export function agentState(changes: Changes = {}): AgentState {
  const accountPlan: AccountPlan = {
    id: 'a',
    providerTitle: 'Example DDNS',
    revision: '1',
    service: 'example',
    dual: true,
    partial: 'keeps',
    minIntervalMs: 0,
    busyWaitMs: 1_800_000,
    ...changes.accountPlan,
  };
  const hostPlan: HostPlan = {
    id: 'home',
    hostname: 'home.example.org',
    account: 'a',
    revision: '1',
    source: 'network',
    networks: ['wan'],
    families: ['ipv4', 'ipv6'],
    allowPrivate: true,
    inDns: true,
    ...changes.hostPlan,
  };
  const origin = { network: 'wan', device: 'eth1' };
  const host: HostState = {
    ...freshHost(hostPlan),
    choices: { ipv4: { address: IPV4, ...origin }, ipv6: { address: IPV6, ...origin } },
    confirmed: { ipv4: confirmation(IPV4), ipv6: confirmation(IPV6) },
    ...changes.host,
  };
  return {
    ...initialState(undefined, 0),
    plan: {
      agent: { resyncMs: 600_000, verify: true, holdDownMs: 10_000 },
      accounts: { a: accountPlan },
      hosts: { home: hostPlan },
    },
    observations: { network: changes.observation ?? { known: true, snapshot: {} } },
    reads: {
      network: { nextMs: NOW.ms + 600_000, pending: false, again: false, outdated: false, failures: 0 },
    },
    accounts: { a: { revision: '1', wait: NO_RETRY, ...changes.account } },
    lanes: { [LANE]: { ...freshLane(), ...changes.lane } },
    hosts: { home: host },
  };
}

/** Confirmed a minute ago. */
export function confirmation(address: string) {
  return { address, wallMs: NOW.wallMs - 60_000, atMs: NOW.ms - 60_000 };
}
