/** What the configuration asks of the core, free of secrets and of anything only adapters need. */
import type { Family } from './address.ts';
import type { Renewal } from './health.ts';
import type { SourceKey } from './source-key.ts';

export interface AgentPlan {
  /** Everything is read again after this time even without any event. */
  resyncMs: number;
  /** Ask the authoritative servers after an update and hourly. */
  verify: boolean;
  /** Base of the distance between updates of one account while its WAN flaps. */
  holdDownMs: number;
  /** The process ends when nothing is to be done within `PATIENCE_MS`; events and the hour start it again. */
  byEvents?: true;
}

export interface AccountPlan {
  id: string;
  /** Title of the provider, for sentences. */
  providerTitle: string;
  /** Changes whenever an option of the section changes; a block lifts with it. */
  revision: string;
  /** Where its records are kept: another provider or server has others under the same names. */
  service: string;
  /** Both families travel in one call. */
  dual: boolean;
  partial: 'keeps' | 'erases';
  minIntervalMs: number;
  busyWaitMs: number;
  /** The provider's web site; absent where the account uses a server of its own. */
  homepage?: string;
  /** Names below these zones end unless they are confirmed at the provider. */
  renewal?: Renewal & { zones: string[] };
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
  /** Hostname sections that publish the same address, to take over. */
  standby?: string[];
}

/** A way to reach people. The id tells a changed one apart and gives nothing away; the title is for people. */
export interface ChannelPlan {
  id: string;
  title: string;
}

/** A CNAME in a zone of the user's own. */
export interface AliasPlan {
  id: string;
  /** Owner of the CNAME; canonical. */
  hostname: string;
  account: string;
  revision: string;
  /** Hostname sections, best first. */
  targets: string[];
  ttlSec: number;
  /** A target must be down for so long before the alias leaves it. */
  outageMs: number;
  /** A better target must have worked for so long before the alias goes back. */
  recoveryMs: number;
}

export interface Plan {
  agent: AgentPlan;
  /** Whom to tell of incidents; absent: nobody. */
  channels?: ChannelPlan[];
  accounts: Record<string, AccountPlan>;
  hosts: Record<string, HostPlan>;
  /** Hostname sections that are switched off: what was confirmed for them stays known. */
  resting?: Pick<HostPlan, 'hostname' | 'account'>[];
  /** Absent where there is none. */
  aliases?: Record<string, AliasPlan>;
}
