/** From the configuration to what the core needs to know of it. */
import { FAMILIES, type Family } from '../core/address.ts';
import type { AccountPlan, AliasPlan, HostPlan, Plan } from '../core/plan.ts';
import { outsideKey, type SourceKey } from '../core/source-key.ts';
import type { AccountConfig, AliasConfig, Config, HostnameConfig } from './config.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The plan of the enabled hostnames and all accounts. `revisionSalt` should be the installation's own, and
 * must stay the same over restarts: a block lifts when the revision of its section changes.
 */
export function planOf(config: Config, revisionSalt: string): Plan {
  const { agent, accounts, hostnames } = config;
  const enabled = hostnames.filter((host) => agent.enabled && host.enabled);
  const resting = hostnames.filter((host) => !enabled.includes(host));
  const sourceOf = sourceKeys(enabled);
  const aliases = config.aliases
    .filter((alias) => agent.enabled && alias.enabled)
    .map((alias) => [alias.id, aliasPlan(alias, config, revisionSalt)] as const);
  return {
    agent: {
      resyncMs: agent.resyncSec * 1000,
      verify: agent.verify,
      holdDownMs: agent.holdDownSec * 1000,
      ...(agent.mode === 'event' && { byEvents: true }),
    },
    accounts: Object.fromEntries(
      [...accounts.values()].map((account) => [account.id, accountPlan(account, revisionSalt)]),
    ),
    hosts: Object.fromEntries(enabled.map((host) => [host.id, hostPlan(host, sourceOf(host), revisionSalt)])),
    ...(resting.length > 0 && { resting: resting.map(({ hostname, account }) => ({ hostname, account })) }),
    ...(aliases.length > 0 && { aliases: Object.fromEntries(aliases) }),
  };
}

/** What a target is called counts as well: the alias points at the name. */
function aliasPlan(alias: AliasConfig, { hostnames, accounts }: Config, salt: string): AliasPlan {
  const { id, hostname, account, targets, ttlSec } = alias;
  const names = hostnames.filter((host) => targets.includes(host.id)).map((host) => host.hostname);
  const settings = accounts.get(account);
  return {
    ...{ id, hostname, account, targets, ttlSec },
    revision: digest(salt, { ...alias, names, settings: { ...settings, provider: settings?.provider.id } }),
    outageMs: alias.outageSec * 1000,
    recoveryMs: alias.recoverySec * 1000,
  };
}

/** A server, URL or program of the user's own has no web site that could tell anything. */
function isOwnService({ server, options, provider }: AccountConfig): boolean {
  const isOwn = provider.protocol === 'script' || provider.protocol === 'rfc2136';
  return isOwn || server !== undefined || options.url !== undefined;
}

/** "Any service" would read badly in a sentence: there the name of its server stands. */
function titleOf({ provider, server, options }: AccountConfig): string {
  const isAny = provider.id === 'dyndns2' || provider.id === 'custom-url';
  const [, host] = /^https?:\/\/(?:[^/@]*@)?([\w.-]+)/.exec(server ?? options.url ?? '') ?? [];
  return (isAny && host) || provider.title;
}

/** The provider, and the server where it is one of the user's own. */
function serviceOf({ provider, server, options }: AccountConfig): string {
  const [, host = ''] = /^(?:\w+:\/\/)?(?:[^/@]*@)?([^/?#]*)/.exec(server ?? options.url ?? '') ?? [];
  return `${provider.id} ${host}`.trim();
}

function accountPlan(account: AccountConfig, salt: string): AccountPlan {
  const { id, provider } = account;
  return {
    id,
    providerTitle: titleOf(account),
    revision: digest(salt, { ...account, provider: provider.id }),
    service: serviceOf(account),
    dual: provider.families.dual,
    partial: provider.partial,
    minIntervalMs: provider.minIntervalSec * 1000,
    busyWaitMs: provider.busyWaitSec * 1000,
    ...(!isOwnService(account) && { homepage: provider.homepage }),
    ...(provider.renewal && { renewal: { ...provider.renewal, zones: provider.zones } }),
    ...(provider.refreshDays === undefined ? {} : { refreshMs: provider.refreshDays * DAY_MS }),
  };
}

/**
 * The source of each hostname. Hostnames that differ only in the families they publish share one, which then
 * asks for all of these.
 */
function sourceKeys(hosts: readonly HostnameConfig[]): (host: HostnameConfig) => SourceKey {
  const asked = new Map<string, Set<Family>>();
  for (const host of hosts) {
    const families = asked.get(questionOf(host)) ?? new Set();
    asked.set(questionOf(host), families);
    for (const family of familiesOf(host)) {
      // With a host part of its own the address is made of the delegated prefix, which nobody outside knows.
      if (family === 'ipv4' || host.ipv6Suffix === undefined) {
        families.add(family);
      }
    }
  }
  return (host) => {
    const { source: kind, echoUrls, stunServers, script: argv } = host;
    return kind === 'network' || kind === 'device'
      ? kind
      : outsideKey({
          kind,
          base: host.devices.length > 0 ? 'device' : 'network',
          networks: networksOf(host),
          families: FAMILIES.filter((family) => asked.get(questionOf(host))?.has(family)),
          ...(kind === 'web' && echoUrls && { echoUrls }),
          ...(kind === 'stun' && stunServers && { stunServers }),
          ...(kind === 'script' && argv && { argv }),
        });
  };
}

function questionOf({ source, networks, devices, echoUrls, stunServers, script }: HostnameConfig): string {
  return JSON.stringify([source, networks, devices, echoUrls, stunServers, script]);
}

/** Kernel devices where they are named, whatever the source. */
function networksOf(host: HostnameConfig): string[] {
  return host.source !== 'network' && host.devices.length > 0 ? host.devices : host.networks;
}

function familiesOf({ family }: HostnameConfig): Family[] {
  return family === 'dual' ? ['ipv4', 'ipv6'] : [family];
}

function hostPlan(host: HostnameConfig, source: SourceKey, salt: string): HostPlan {
  return {
    id: host.id,
    hostname: host.hostname,
    account: host.account,
    revision: digest(salt, host),
    source,
    networks: networksOf(host),
    families: familiesOf(host),
    allowPrivate: host.allowPrivate,
    ...(host.ipv6Suffix === undefined ? {} : { ipv6Suffix: host.ipv6Suffix }),
    inDns: host.inDns,
    ...(host.standby.length > 0 && { standby: host.standby }),
    ...(host.noDnsCheck === undefined ? {} : { noDnsCheck: host.noDnsCheck }),
  };
}

/**
 * FNV-1a, folded to 16 bits, in hex. Only 16 bits on purpose: the revision of an account depends on its
 * password and stands in the state file. 65,536 values are enough to notice a change, and too few to tell a
 * right guess of the password from the countless wrong ones with the same digest.
 */
export function digest(salt: string, options: object): string {
  const text = JSON.stringify([salt, Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1))]);
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return ((hash ^ (hash >>> 16)) & 0xffff).toString(16).padStart(4, '0');
}
