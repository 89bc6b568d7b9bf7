/** From the configuration to what the core needs to know of it. */
import type { Family } from '../core/address.ts';
import type { AccountPlan, HostPlan, Plan } from '../core/plan.ts';
import type { AccountConfig, Config, HostnameConfig } from './config.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The plan of the enabled hostnames and all accounts. `revisionSalt` should be the installation's own, and
 * must stay the same over restarts: a block lifts when the revision of its section changes.
 */
export function planOf(config: Config, revisionSalt: string): Plan {
  const { agent, accounts, hostnames } = config;
  return {
    agent: { resyncMs: agent.resyncSec * 1000, verify: agent.verify, holdDownMs: agent.holdDownSec * 1000 },
    accounts: Object.fromEntries(
      [...accounts.values()].map((account) => [account.id, accountPlan(account, revisionSalt)]),
    ),
    hosts: Object.fromEntries(
      hostnames.filter(({ enabled }) => enabled).map((host) => [host.id, hostPlan(host, revisionSalt)]),
    ),
  };
}

function accountPlan(account: AccountConfig, salt: string): AccountPlan {
  const { id, provider } = account;
  return {
    id,
    providerTitle: provider.title,
    revision: digest(salt, { ...account, provider: provider.id }),
    dual: provider.families.dual,
    partial: provider.partial,
    minIntervalMs: provider.minIntervalSec * 1000,
    busyWaitMs: provider.busyWaitSec * 1000,
    ...(provider.refreshDays === undefined ? {} : { refreshMs: provider.refreshDays * DAY_MS }),
  };
}

function hostPlan(host: HostnameConfig, salt: string): HostPlan {
  const families: Family[] = host.family === 'dual' ? ['ipv4', 'ipv6'] : [host.family];
  return {
    id: host.id,
    hostname: host.hostname,
    account: host.account,
    revision: digest(salt, host),
    source: host.source,
    networks: host.source === 'device' ? host.devices : host.networks,
    families,
    allowPrivate: host.allowPrivate,
    ...(host.ipv6Suffix === undefined ? {} : { ipv6Suffix: host.ipv6Suffix }),
    inDns: host.inDns,
  };
}

/**
 * FNV-1a, folded to 16 bits, in hex. Only 16 bits on purpose: the revision of an account depends on its
 * password and stands in the state file. 65,536 values are enough to notice a change, and too few to tell a
 * right guess of the password from the countless wrong ones with the same digest.
 */
function digest(salt: string, options: object): string {
  const text = JSON.stringify([salt, Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1))]);
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return ((hash ^ (hash >>> 16)) & 0xffff).toString(16).padStart(4, '0');
}
