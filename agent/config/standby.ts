/** Standby names: hostname sections that always have the address of another one, to take over from it. */
import type { UciOption, UciSection } from '../openwrt/uci.ts';
import type { AccountConfig, HostnameConfig } from './config.ts';
import type { Complain } from './section.ts';

/** They say together where an address comes from: a section has its own ones or takes all of another's. */
const SOURCE_OPTIONS = ['source', 'network', 'device', 'echo_url', 'stun_server', 'script', 'script_arg'];
const SINGLE_OPTIONS = ['family', 'allow_private', 'ipv6_suffix'];

type Accounts = ReadonlyMap<string, AccountConfig>;

/**
 * The hostname sections, with what the standby ones take over: whatever they do not say themselves of their
 * address. Two sections may be standby of each other; then each takes what only the other one says.
 */
export function withInheritance(sections: readonly UciSection[], accounts: Accounts): UciSection[] {
  const mains = new Map<string, UciSection>();
  for (const section of sections) {
    const names = section.options.filter(({ name }) => name === 'standby').flatMap(wordsOf);
    for (const name of names.filter((one) => one !== section.name && !mains.has(one))) {
      mains.set(name, section);
    }
  }
  return sections.map((section) => inherited(section, []));

  function inherited(section: UciSection, heirs: readonly UciSection[]): UciSection {
    const main = section.name === undefined ? undefined : mains.get(section.name);
    if (main === undefined || heirs.includes(section)) {
      return section;
    }
    const own = new Set(section.options.map(({ name }) => name));
    const hasSource = SOURCE_OPTIONS.some((name) => own.has(name));
    const taken = inherited(main, [...heirs, section])
      .options.filter(({ name }) =>
        hasSource || !SOURCE_OPTIONS.includes(name) ? SINGLE_OPTIONS.includes(name) && !own.has(name) : true,
      )
      .map((option): UciOption => ({ ...option, line: section.line }));
    const options = [...section.options, ...taken.map(fitting(section))];
    const publishesIpv6 = options.some(({ name, value }) => name === 'family' && value !== 'ipv4');
    return {
      ...section,
      options: options.filter(({ name }) => publishesIpv6 || name !== 'ipv6_suffix' || own.has(name)),
    };
  }

  /** Of two families the one that the provider takes, where it does not take both. */
  function fitting(section: UciSection): (option: UciOption) => UciOption {
    const account = section.options.find(({ name }) => name === 'account');
    const provider = accounts.get(wordsOf(account)[0] ?? '')?.provider;
    const { single = [], dual = true } = provider?.families ?? {};
    const [only] = single;
    const takesBoth = (dual || single.length > 1) && provider?.credentialFor !== 'record';
    return (option) =>
      option.name === 'family' && option.value === 'dual' && !takesBoth && only !== undefined
        ? { ...option, value: only }
        : option;
  }
}

/** The standby names that count; each other one gets its message, and so does one that would not help. */
export function checkedStandbys(
  host: HostnameConfig,
  hostnames: readonly HostnameConfig[],
  accounts: Accounts,
  complain: Complain,
): string[] {
  return host.standby.filter((id) => {
    const other = hostnames.find((one) => one.id === id);
    const warn = (code: string, sentence: string) =>
      complain({ severity: 'warning', option: 'standby', value: id, code: `config/${code}`, sentence });
    if (other === undefined || !other.enabled || other.hostname === host.hostname) {
      const why =
        other === undefined
          ? 'waits until its own mistake is corrected'
          : other.enabled
            ? 'has the same name'
            : 'is not enabled';
      warn('NO_STANDBY', `Section '${id}' is no standby, because it ${why}.`);
      return false;
    }
    const shared = sharedBy(host, other, accounts);
    if (shared !== undefined) {
      warn(
        'STANDBY_SHARED',
        `The standby '${other.hostname}' has ${shared} with '${host.hostname}', so both would fail together. Choose one of another provider under another domain.`,
      );
    }
    if (haveOtherAddresses(host, other)) {
      warn(
        'STANDBY_DIFFERS',
        `Section '${id}' has own settings for its address, so it may publish another one than '${host.id}'. Remove them there to have the same.`,
      );
    }
    return true;
  });
}

function sharedBy(one: HostnameConfig, other: HostnameConfig, accounts: Accounts): string | undefined {
  if (operatorOf(accounts.get(one.account)) === operatorOf(accounts.get(other.account))) {
    return 'the provider in common';
  }
  const domain = domainOf(one.hostname);
  return domain === domainOf(other.hostname) ? `the domain ${domain} in common` : undefined;
}

/** Several entries of the catalogue may be ways to one provider; others are ways to any server. */
function operatorOf(account: AccountConfig | undefined): string | undefined {
  const own = account?.server ?? /^https?:\/\/[^/?]+/.exec(account?.options.url ?? '')?.[0];
  return own ?? account?.provider.homepage;
}

/** The name that somebody registered, near enough: two labels, or three below `co.uk` and its like. */
function domainOf(hostname: string): string {
  const labels = hostname.split('.');
  const [second = '', top = ''] = labels.slice(-2);
  return labels.slice(top.length === 2 && second.length <= 3 ? -3 : -2).join('.');
}

function haveOtherAddresses(one: HostnameConfig, other: HostnameConfig): boolean {
  const families = [one.family, other.family];
  const isOtherHost = !families.includes('ipv4') && one.ipv6Suffix !== other.ipv6Suffix;
  const areDisjoint = families.includes('ipv4') && families.includes('ipv6');
  return originOf(one) !== originOf(other) || isOtherHost || areDisjoint;
}

function originOf({ source, networks, devices, echoUrls, stunServers, script }: HostnameConfig): string {
  return JSON.stringify([source, networks, devices, echoUrls, stunServers, script]);
}

function wordsOf(option: UciOption | undefined): string[] {
  return [option?.value ?? []].flat().flatMap((text) => text.split(/\s+/).filter((word) => word !== ''));
}
