/** Hostname sections: a name, the account that owns it, and where its address comes from. */
import { FAMILIES, type Family, parseAddress, parseSuffix } from '../core/address.ts';
import { normaliseHostname } from '../core/hostname.ts';
import type { UciSection } from '../openwrt/uci.ts';
import type { ProviderDefinition } from '../providers/definition.ts';
import { PLACES, placeFault } from '../providers/own-url.ts';
import type { AccountConfig, HostnameConfig } from './config.ts';
import { type Complain, readSection, shown } from './section.ts';
import { closest } from './suggest.ts';
import { type HostnameOptions, validateHostname } from './validate.generated.js';

const TITLES: Record<Family, string> = { ipv4: 'IPv4', ipv6: 'IPv6' };

/** What a section may refer to. The maps of sections also hold those with mistakes: name to place. */
export interface Surroundings {
  accounts: ReadonlyMap<string, AccountConfig>;
  accountSections: ReadonlyMap<string, string>;
  hostnameSections: ReadonlyMap<string, string>;
}

/** `earlier` are the hostnames of the sections before this one. */
export function readHostname(
  section: UciSection,
  complain: Complain,
  surroundings: Surroundings,
  earlier: readonly HostnameConfig[],
): HostnameConfig | undefined {
  const options = readSection(section, 'hostname', validateHostname, complain);
  const account = options && findAccount(options.account, surroundings, complain);
  if (options === undefined || account === undefined) {
    return undefined;
  }
  const name = readName(options.hostname, account.provider, complain);
  const suffix = readSuffix(options, complain);
  const isSourced = hasSource(options, complain);
  const isServed = servesFamily(account.provider, options.family, complain);
  const hasPlaces = isServed && fitsUrl(account, options.family, complain);
  if (name === undefined || suffix === 'wrong' || !isSourced || !hasPlaces) {
    return undefined;
  }
  // Where a call erases what it does not name, two sections would take each other's address away.
  const isErasing = account.provider.partial === 'erases';
  const twin = earlier.find(
    (other) =>
      other.enabled &&
      options.enabled &&
      isSame(other, options, name.hostname) &&
      (isErasing || overlaps(other.family, options.family)),
  );
  if (twin !== undefined) {
    const remedy = overlaps(twin.family, options.family)
      ? 'remove one of them'
      : "set option 'family' to dual there and remove this one";
    complain({
      severity: 'error',
      option: 'hostname',
      value: name.hostname,
      code: 'config/DUPLICATE_HOSTNAME',
      sentence: `The hostname '${name.hostname}' with account '${options.account}' is already in section '${twin.id}'; ${remedy}.`,
    });
    return undefined;
  }
  if (options.enabled && !fitsCredential(account, options, name.hostname, earlier, complain)) {
    return undefined;
  }
  return {
    id: section.name ?? anonymousId(name.hostname, earlier),
    enabled: options.enabled,
    ...name,
    ...(account.provider.noDnsCheck !== undefined && {
      inDns: false,
      noDnsCheck: account.provider.noDnsCheck,
    }),
    account: options.account,
    networks: options.network,
    devices: options.device,
    family: options.family,
    source: options.source,
    ...(options.echo_url.length === 0 ? {} : { echoUrls: options.echo_url }),
    ...(options.stun_server.length === 0 ? {} : { stunServers: options.stun_server }),
    ...(options.script === '' ? {} : { script: [options.script, ...options.script_arg] }),
    allowPrivate: options.allow_private,
    ...(suffix === undefined ? {} : { ipv6Suffix: suffix }),
    standby: existing('standby', options.standby, 'warning', surroundings, complain),
  };
}

/** Where the credential selects what is updated, a second name would be called confirmed and never be touched. */
function fitsCredential(
  { id, provider }: AccountConfig,
  { family }: HostnameOptions,
  hostname: string,
  earlier: readonly HostnameConfig[],
  complain: Complain,
): boolean {
  if (provider.credentialFor === undefined) {
    return true;
  }
  const isRecord = provider.credentialFor === 'record';
  if (isRecord && family === 'dual') {
    complain({
      severity: 'error',
      option: 'family',
      value: family,
      code: 'config/ONE_RECORD_PER_ACCOUNT',
      sentence: `At ${provider.title} each record, A or AAAA, has a credential of its own; make an account and a hostname section for each family.`,
    });
    return false;
  }
  const other = earlier.find(
    (one) => one.enabled && one.account === id && (isRecord || one.hostname !== hostname),
  );
  if (other !== undefined) {
    complain({
      severity: 'error',
      option: 'account',
      value: id,
      code: 'config/ONE_HOSTNAME_PER_ACCOUNT',
      sentence: `At ${provider.title} the credential selects the ${isRecord ? 'record' : 'hostname'}, and account '${id}' is in use by section '${other.id}'; make another account.`,
    });
    return false;
  }
  return true;
}

export function findAccount(
  id: string,
  surroundings: Surroundings,
  complain: Complain,
): AccountConfig | undefined {
  const account = surroundings.accounts.get(id);
  if (account !== undefined) {
    return account;
  }
  const broken = surroundings.accountSections.get(id);
  if (broken !== undefined) {
    complain({
      severity: 'error',
      option: 'account',
      value: id,
      code: 'config/ACCOUNT_BROKEN',
      sentence: `This name waits until the mistake in ${broken} is corrected.`,
    });
    return undefined;
  }
  complain({
    severity: 'error',
    option: 'account',
    value: id,
    code: 'config/NO_SUCH_ACCOUNT',
    sentence: `There is no account section named '${id}'; ${hint(id, surroundings.accountSections)}`,
  });
  return undefined;
}

/** The references that lead to a hostname section; each other one gets its message. */
export function existing(
  option: 'standby' | 'target',
  names: readonly string[],
  severity: 'error' | 'warning',
  { hostnameSections }: Surroundings,
  complain: Complain,
): string[] {
  return names.filter((name) => {
    const exists = hostnameSections.has(name);
    if (!exists) {
      complain({
        severity,
        option,
        value: name,
        code: 'config/NO_SUCH_HOSTNAME',
        sentence: `There is no hostname section named '${name}'; ${hint(name, hostnameSections)}`,
      });
    }
    return exists;
  });
}

function hint(name: string, sections: ReadonlyMap<string, string>): string {
  const guess = closest(name, sections.keys());
  if (guess !== undefined) {
    return `did you mean '${guess}'?`;
  }
  const names = [...sections.keys()].slice(0, 10).join(', ');
  return names === '' ? 'there is none at all yet.' : `known are: ${names}.`;
}

export function readName(
  text: string,
  provider: ProviderDefinition | undefined,
  complain: Complain,
): { hostname: string; inDns: boolean } | undefined {
  const lower = text.toLowerCase();
  if (provider?.pseudoHosts?.includes(lower) === true) {
    return { hostname: lower, inDns: false };
  }
  if (provider?.groups === true && /^[\w-]{1,63}$/.test(text)) {
    return { hostname: text, inDns: false };
  }
  const result = normaliseHostname(text);
  if (result.ok) {
    return { hostname: result.hostname, inDns: true };
  }
  const value = shown(text);
  complain({
    severity: 'error',
    option: 'hostname',
    ...(value === undefined ? {} : { value }),
    code: 'config/BAD_HOSTNAME',
    sentence: `The name${value === undefined ? '' : ` '${value}'`} ${result.sentence}`,
  });
  return undefined;
}

function readSuffix(options: HostnameOptions, complain: Complain): string | undefined | 'wrong' {
  const text = options.ipv6_suffix;
  if (text === '') {
    return undefined;
  }
  if (parseSuffix(text) === undefined) {
    complain({
      severity: 'error',
      option: 'ipv6_suffix',
      value: text,
      code: 'config/BAD_SUFFIX',
      sentence: `Option 'ipv6_suffix' is '${text}' but must be the host part of an IPv6 address such as ::abcd.`,
    });
    return 'wrong';
  }
  if (options.family === 'ipv4') {
    complain({
      severity: 'error',
      option: 'ipv6_suffix',
      value: text,
      code: 'config/SUFFIX_WITHOUT_IPV6',
      sentence: "Option 'ipv6_suffix' needs option 'family' to be ipv6 or dual.",
    });
    return 'wrong';
  }
  return parseAddress(text)?.canonical;
}

function hasSource(options: HostnameOptions, complain: Complain): boolean {
  if (options.source === 'device' && options.device.length === 0) {
    complain({
      severity: 'error',
      option: 'source',
      value: 'device',
      code: 'config/NO_DEVICE',
      sentence: "The source 'device' needs the name of at least one device, for example: list device 'eth1'.",
    });
    return false;
  }
  if (options.source === 'script' && options.script === '') {
    complain({
      severity: 'error',
      option: 'source',
      value: 'script',
      code: 'config/NO_SCRIPT',
      sentence: "The source 'script' needs a program, for example: option script '/etc/holdfast/address'.",
    });
    return false;
  }
  const cut = options.echo_url.find((url) => url.includes('#'));
  if (cut !== undefined) {
    const value = shown(cut);
    complain({
      severity: 'error',
      option: 'echo_url',
      ...(value === undefined ? {} : { value }),
      code: 'config/BAD_VALUE',
      sentence: `Option 'echo_url'${value === undefined ? '' : ` is '${value}' but`} must be a URL without #, for nothing after it is ever sent.`,
    });
    return false;
  }
  const unused: [string, boolean, string][] = [
    ['device', options.source !== 'network' || options.device.length === 0, 'another one than network'],
    ['echo_url', options.source === 'web' || options.echo_url.length === 0, 'web'],
    ['stun_server', options.source === 'stun' || options.stun_server.length === 0, 'stun'],
    ['script', options.source === 'script' || options.script === '', 'script'],
    ['script_arg', options.source === 'script' || options.script_arg.length === 0, 'script'],
  ];
  for (const [option, , needed] of unused.filter(([, isFine]) => !isFine)) {
    complain({
      severity: 'warning',
      option,
      code: 'config/UNUSED_OPTION',
      sentence: `Option '${option}' has no effect unless option 'source' is ${needed}.`,
    });
  }
  return true;
}

function servesFamily(
  { families, title }: ProviderDefinition,
  family: HostnameOptions['family'],
  complain: Complain,
): boolean {
  const takes = (one: Family) => families.single.includes(one);
  const serves = family === 'dual' ? families.dual || (takes('ipv4') && takes('ipv6')) : takes(family);
  if (!serves) {
    const allowed = [...families.single, ...(families.dual ? ['dual'] : [])].join(', ');
    complain({
      severity: 'error',
      option: 'family',
      value: family,
      code: 'config/FAMILY_NOT_SERVED',
      sentence: `${title} does not take option 'family' ${family}; it must be one of: ${allowed}.`,
    });
  }
  return serves;
}

/** A URL of the user's own that has no place for an address would be refused at the first update, for the whole account. */
function fitsUrl(
  { id, provider, options }: AccountConfig,
  family: HostnameOptions['family'],
  complain: Complain,
): boolean {
  if (provider.fields.url === undefined || options.url === undefined) {
    return true;
  }
  const fault = placeFault(options.url, family === 'dual' ? FAMILIES : [family]);
  if (fault !== undefined) {
    const title = TITLES[fault.family];
    const place = PLACES[fault.family];
    const sentence =
      fault.kind === 'no-place'
        ? `Option 'family' is ${family}, but option 'url' of account '${id}' has no place for ${title}; write ${place} where the address belongs.`
        : `Option 'family' is ${family}, but option 'url' of account '${id}' has a place for ${title}, and an empty address could delete a record; take ${place} out, or write {?ip,ip6}.`;
    complain({ severity: 'error', option: 'family', value: family, code: 'config/URL_PLACES', sentence });
    return false;
  }
  const alone = family === 'dual' && FAMILIES.some((one) => placeFault(options.url ?? '', [one]));
  if (alone) {
    complain({
      severity: 'warning',
      option: 'family',
      value: family,
      code: 'config/URL_PLACES',
      sentence: `While the line has only one kind of address, an empty one would be sent to the URL of account '${id}', so nothing is sent then; write {?ip,ip6} there, which leaves it out.`,
    });
  }
  return true;
}

function isSame(other: HostnameConfig, options: HostnameOptions, hostname: string): boolean {
  return other.hostname === hostname && other.account === options.account;
}

function overlaps(one: HostnameOptions['family'], other: HostnameOptions['family']): boolean {
  return one === other || one === 'dual' || other === 'dual';
}

/** Not the position in the file: that would tie what is remembered to another name after an edit. */
function anonymousId(hostname: string, earlier: readonly HostnameConfig[]): string {
  let id = `@${hostname}`;
  for (let count = 2; earlier.some((other) => other.id === id); count++) {
    id = `@${hostname}#${count}`;
  }
  return id;
}
