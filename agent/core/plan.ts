/** What the configuration asks of the core, free of secrets and of anything only adapters need. */
import type { Family } from './address.ts';
import type { SourceKey } from './source-key.ts';

export interface AgentPlan {
  /** Everything is read again after this time even without any event. */
  resyncMs: number;
  /** Ask the authoritative servers after an update and hourly. */
  verify: boolean;
  /** Base of the distance between updates of one account while its WAN flaps. */
  holdDownMs: number;
}

export interface AccountPlan {
  id: string;
  /** Title of the provider, for sentences. */
  providerTitle: string;
  /** Changes whenever an option of the section changes; a block lifts with it. */
  revision: string;
  /** Both families travel in one call. */
  dual: boolean;
  partial: 'keeps' | 'erases';
  minIntervalMs: number;
  busyWaitMs: number;
  /** Send again after this time without a change. */
  refreshMs?: number;
}

export interface HostPlan {
  id: string;
  /** Canonical: lower case, A-labels, no final dot. */
  hostname: string;
  account: string;
  revision: string;
  source: SourceKey;
  /** Interfaces in order of preference (device names for source `device`). */
  networks: string[];
  families: Family[];
  allowPrivate: boolean;
  /** Host part combined with the delegated prefix; publishes a LAN host. */
  ipv6Suffix?: string;
  /** Is the name in public DNS (false for groups and pseudo hosts)? */
  inDns: boolean;
  /** Why not, where the provider is the reason: a sentence. */
  noDnsCheck?: string;
}

export interface Plan {
  agent: AgentPlan;
  accounts: Record<string, AccountPlan>;
  hosts: Record<string, HostPlan>;
}
