/** Alias sections: a CNAME in a zone of the user's own, and the names that it may point at. */
import type { UciSection } from '../openwrt/uci.ts';
import { type Catalogue, isDead } from '../providers/definition.ts';
import type { AccountConfig, AgentSettings, AliasConfig, HostnameConfig } from './config.ts';
import { existing, findAccount, readName, type Surroundings } from './hostname.ts';
import { type Complain, readSection } from './section.ts';
import { validateAlias } from './validate.generated.js';

/** What has been read before the aliases. */
export interface AliasSurroundings extends Surroundings {
  agent: AgentSettings;
  catalogue: Catalogue;
  hostnames: readonly HostnameConfig[];
}

/** `earlier` are the aliases of the sections before this one. */
export function readAlias(
  section: UciSection,
  complain: Complain,
  surroundings: AliasSurroundings,
  earlier: readonly AliasConfig[],
): AliasConfig | undefined {
  const options = readSection(section, 'alias', validateAlias, complain);
  const account = options && findAccount(options.account, surroundings, complain);
  const name = options && readName(options.hostname, undefined, complain);
  if (options === undefined || account === undefined || name === undefined) {
    return undefined;
  }
  const { hostname } = name;
  const refusal = refusalOf(hostname, account, surroundings, earlier);
  if (refusal !== undefined) {
    const [option, code, sentence] = refusal;
    complain({ severity: 'error', option, code: `config/${code}`, sentence });
    return undefined;
  }
  const named = existing('target', options.target, 'error', surroundings, complain);
  const targets = usableTargets(named, hostname, surroundings, complain);
  if (named.length < options.target.length || targets.length === 0) {
    return undefined;
  }
  const warn = (option: string, code: string, sentence: string) =>
    complain({ severity: 'warning', option, code: `config/${code}`, sentence });
  if (targets.length === 1) {
    warn('target', 'ONE_TARGET', 'With a single target the alias has nowhere to go; add another one.');
  }
  if (!surroundings.agent.verify) {
    warn(
      'target',
      'ALIAS_NEEDS_VERIFY',
      "Without checks nobody knows which target works, and the alias never moves. Set option 'verify' of the agent section to 1.",
    );
  }
  const { minTtlSec = 0 } = account.provider.cname ?? {};
  if (options.ttl < minTtlSec && section.options.some((option) => option.name === 'ttl')) {
    const { title } = account.provider;
    warn('ttl', 'TTL_RAISED', `${title} takes no shorter TTL than ${minTtlSec} seconds; that is used.`);
  }
  return {
    id: section.name ?? `@${hostname}`,
    enabled: options.enabled,
    hostname,
    account: options.account,
    targets,
    ttlSec: Math.max(options.ttl, minTtlSec),
    outageSec: options.outage,
    recoverySec: options.recovery,
  };
}

/** Why there can be no such alias: option, code, sentence. */
function refusalOf(
  hostname: string,
  { provider, options }: AccountConfig,
  { catalogue, hostnames }: AliasSurroundings,
  earlier: readonly AliasConfig[],
): [option: string, code: string, sentence: string] | undefined {
  if (provider.cname === undefined) {
    const able = [...catalogue.values()].filter((entry) => !isDead(entry) && entry.cname !== undefined);
    const ids = able.map(({ id }) => id).sort();
    const sentence = `Holdfast can set no alias at ${provider.title}. It can with these providers: ${ids.join(', ')}.`;
    return ['account', 'NO_CNAME', sentence];
  }
  const zone = options.zone?.toLowerCase().replace(/\.$/, '');
  if (hostname === zone || hostname.split('.').length < 3) {
    const sentence = `'${hostname}' is a domain itself, and DNS has no aliases there (RFC 1034 section 3.6.2). Choose a name below it, such as home.${hostname}.`;
    return ['hostname', 'ALIAS_AT_APEX', sentence];
  }
  if (zone !== undefined && !hostname.endsWith(`.${zone}`)) {
    const sentence = `'${hostname}' does not lie in the zone '${zone}' of the account; correct one of them.`;
    return ['hostname', 'ALIAS_NOT_IN_ZONE', sentence];
  }
  const taken = [...hostnames, ...earlier].find((one) => one.enabled && one.hostname === hostname);
  if (taken !== undefined) {
    const sentence = `'${hostname}' is the name of section '${taken.id}' already, and an alias has nothing else; choose another name for one of them.`;
    return ['hostname', 'ALIAS_TAKEN', sentence];
  }
  return undefined;
}

function usableTargets(
  ids: readonly string[],
  hostname: string,
  { hostnames }: AliasSurroundings,
  complain: Complain,
): string[] {
  const targets: HostnameConfig[] = [];
  for (const id of ids) {
    const target = hostnames.find((one) => one.id === id);
    const why =
      target === undefined
        ? 'waits until its own mistake is corrected'
        : !target.enabled
          ? 'is not enabled'
          : !target.inDns || target.hostname === hostname
            ? 'is no name in DNS that an alias could point at'
            : targets.some((one) => one.hostname === target.hostname)
              ? 'has the same name as another target'
              : undefined;
    if (target !== undefined && why === undefined) {
      targets.push(target);
    } else {
      const sentence = `Section '${id}' is no target of the alias, because it ${why}.`;
      const severity = ids.length > 1 ? 'warning' : 'error';
      complain({ severity, option: 'target', value: id, code: 'config/NO_TARGET', sentence });
    }
  }
  return targets.map(({ id }) => id);
}
