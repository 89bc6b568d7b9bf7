/**
 * Turns the configuration of ddns-scripts (/etc/config/ddns) into sections for Holdfast. Text in, text and a
 * report out: nothing is read, run or written here. A password is in the sections and nowhere else.
 */
import type { Family } from '../core/address.ts';
import { normaliseHostname } from '../core/hostname.ts';
import {
  filled,
  isOn,
  type KnownProvider,
  optionOf,
  type Providers,
  type Target,
  targetOf,
} from './ddns-scripts.ts';
import { parseUci, type UciProblem, type UciSection, writeUci } from './uci.ts';

export interface ImportGiven {
  /** Text of /etc/config/ddns. */
  theirs: string;
  /** Text of /etc/config/holdfast; empty when there is none. */
  ours: string;
  providers: Providers;
  /** The values of `option source` that this version knows. */
  sources: readonly string[];
}

export interface SectionReport {
  /** Name of their section, or `@service[INDEX]`. */
  section: string;
  /** As their section names it. */
  hostname?: string;
  /** The hostname section it became part of. */
  into?: string;
  verdict: 'taken' | 'changed' | 'refused';
  /** What changed, or why it is not taken; one sentence each. */
  remarks: string[];
}

export interface ImportResult {
  report: SectionReport[];
  /** What is added to the configuration; `masked` for people to read, with the passwords left out. */
  added: { text: string; masked: string };
  /** Both files after the import. */
  ours: string;
  theirs: string;
  /** Lines of their file that cannot be read. */
  problems: UciProblem[];
}

interface Account {
  provider: string;
  username?: string;
  password?: string;
  server?: string;
  caFile?: string;
  zone?: string;
}

interface Source {
  kind: 'network' | 'device' | 'web';
  names: string[];
}

/** A section of theirs that can be taken. */
interface Candidate {
  section: UciSection;
  report: SectionReport;
  enabled: boolean;
  hostname: string;
  families: Family[];
  account: Account;
  source: Source;
  allowPrivate: boolean;
  provider: KnownProvider;
}

interface Entry {
  type: 'account' | 'hostname';
  name: string;
  options: { name: string; value: string | string[] }[];
}

const THEIR_FILE = 'ddns';
const OUR_FILE = 'holdfast';
const MAX_NAME_CHARS = 64;
/** What our schema takes as user name and password. */
const USERNAME = /^\P{Cc}{1,256}$/u;
const PASSWORD = /^\P{Cc}{1,1024}$/u;
const NETWORK = /^[A-Za-z0-9_.-]{1,64}$/;
const DEVICE = /^[!-.0-~]{1,15}$/;
const CA_FILE = /^\/\P{Cc}{1,255}$/u;

/** Trust anchors of the system itself: nothing needs to be said of them. */
const SYSTEM_AUTHORITIES = ['/etc/ssl/certs', '/etc/ssl/certs/ca-certificates.crt', '/etc/ssl/cert.pem'];

const SECONDS_IN: Record<string, number> = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 };
/** Below this ddns-scripts took its own minimum, but read it in the unit of the interval. */
const LEAST_CHECK_SEC = 300;
const USUAL_CHECK_SEC = 600;

/** Options without a counterpart, each with what the user should know. */
const DROPPED: readonly (readonly [option: string, sentence: string])[] = [
  ['retry_interval', 'retry_interval is not taken: Holdfast waits longer after each failure by itself.'],
  ['retry_max_count', 'retry_max_count is not taken: Holdfast never gives up.'],
  ['retry_count', 'retry_count is not taken: Holdfast never gives up.'],
  ['force_dnstcp', 'force_dnstcp is not taken: Holdfast turns to TCP where UDP fails.'],
  ['force_ipversion', 'force_ipversion is not taken: Holdfast uses the family that works.'],
  ['dns_server', 'dns_server is not taken: Holdfast asks the name servers of the zone; see option resolver.'],
  ['use_api_check', 'use_api_check is not taken: Holdfast asks the name servers of the zone.'],
  ['user_agent', 'user_agent is not taken: Holdfast names itself.'],
];

export function importDdns({ theirs, ours, providers, sources }: ImportGiven): ImportResult {
  const parsed = parseUci(theirs, THEIR_FILE);
  const own = parseUci(ours, OUR_FILE);
  const global = parsed.sections.find(({ type }) => type === 'ddns');
  const allowPrivate = global !== undefined && isOn(global, 'upd_privateip', 'allow_local_ip');
  const services = parsed.sections.filter(({ type }) => type === 'service');
  const damaged = new Set(parsed.problems.map(({ section }) => section?.type === 'service' && section.index));
  const report: SectionReport[] = [];
  const candidates: Candidate[] = [];
  /** Sections of theirs that must rest once ours works. */
  const replaced = new Set<UciSection>();
  for (const section of services) {
    const hostname = optionOf(section, 'domain') ?? optionOf(section, 'lookup_host');
    const entry: SectionReport = {
      section: section.name ?? `@service[${section.index}]`,
      ...(hostname === undefined ? {} : { hostname }),
      verdict: 'refused',
      remarks: [],
    };
    report.push(entry);
    const candidate = damaged.has(section.index)
      ? 'A line of it cannot be read.'
      : candidateOf(section, entry, { providers, sources, allowPrivate });
    if (typeof candidate === 'string') {
      entry.remarks = [candidate];
      continue;
    }
    const kept = ownTwin(candidate, own.sections);
    const same = twin(candidate, candidates);
    if (kept === undefined) {
      replaced.add(section);
    }
    if (kept === undefined && same === undefined) {
      candidates.push(candidate);
    } else {
      entry.remarks = [kept ?? same ?? ''];
    }
  }

  const entries = entriesOf(candidates, own.sections);
  for (const { report: entry } of candidates) {
    entry.verdict = entry.remarks.length > 0 ? 'changed' : 'taken';
  }
  const text = entries.length === 0 ? '' : writeUci(entries).trimEnd();
  return {
    report,
    added: { text, masked: entries.length === 0 ? '' : writeUci(entries.map(masked)).trim() },
    ours: text === '' ? ours : `${ours.trimEnd()}\n${text}\n`.trimStart(),
    theirs: writeUci(parsed.sections.map((section) => (replaced.has(section) ? disabled(section) : section))),
    problems: parsed.problems,
  };
}

/** Everything about one section but its name and its place among the others; a sentence when it cannot be. */
function candidateOf(
  section: UciSection,
  report: SectionReport,
  {
    providers,
    sources,
    allowPrivate,
  }: Pick<ImportGiven, 'providers' | 'sources'> & { allowPrivate: boolean },
): Candidate | string {
  const target = targetOf(section, providers);
  if (typeof target === 'string') {
    return target;
  }
  const obstacle = obstacleOf(section);
  if (obstacle !== undefined) {
    return obstacle;
  }
  report.remarks.push(...target.remarks);
  const { provider } = target;
  const family: Family = isOn(section, 'use_ipv6') ? 'ipv6' : 'ipv4';
  if (!provider.families.single.includes(family)) {
    return `${provider.title} does not take ${family === 'ipv4' ? 'an IPv4' : 'an IPv6'} address alone in this version.`;
  }
  const hostname = hostnameOf(section, target, report);
  if (!hostname.ok) {
    return hostname.sentence;
  }
  const account = accountOf(section, target, report);
  if (typeof account === 'string') {
    return account;
  }
  const source = sourceOf(section, family, sources, report);
  if (typeof source === 'string') {
    return source;
  }
  remarkOnRest(section, provider, report);
  return {
    section,
    report,
    enabled: isOn(section, 'enabled'),
    hostname: hostname.hostname,
    families: [family],
    account,
    source,
    allowPrivate,
    provider,
  };
}

/** What would make the import mean something else than the section did. */
function obstacleOf(section: UciSection): string | undefined {
  if (isOn(section, 'is_glue')) {
    return 'It keeps a glue record (is_glue), which Holdfast does not do.';
  }
  if (optionOf(section, 'proxy') !== undefined) {
    return 'It goes through a proxy, which Holdfast does not do.';
  }
  const isNamed = optionOf(section, 'service_name') !== undefined;
  const extra = ['param_enc', 'param_opt'].filter((name) => optionOf(section, name) !== undefined);
  return isNamed && extra.length > 0
    ? `It uses ${extra.join(' and ')}, whose meaning depends on the provider; enter it by hand.`
    : undefined;
}

/** With placeholders filled in: `[USERNAME]@[DOMAIN]` is `www@example.org`, and `@example.org` for the zone itself. */
function domainOf(section: UciSection, target: Target): string | undefined {
  const domain = optionOf(section, 'domain');
  return domain === undefined || target.domain === undefined
    ? domain
    : filled(target.domain, section).replace(/^@@/, '@');
}

function hostnameOf(
  section: UciSection,
  target: Target,
  { remarks }: SectionReport,
): { ok: true; hostname: string } | { ok: false; sentence: string } {
  const { provider } = target;
  const domain = domainOf(section, target);
  const lookup = optionOf(section, 'lookup_host');
  if (domain === undefined) {
    return { ok: false, sentence: 'It has no domain.' };
  }
  const isPseudo = provider.pseudoHosts?.includes(domain.toLowerCase()) === true;
  const isGroup = provider.groups === true && /^[\w-]{1,63}$/.test(domain);
  const full = isPseudo || isGroup ? domain : fullName(domain, provider);
  if (full !== domain) {
    remarks.push(`The name is written in full: ${full}.`);
  }
  const known = isPseudo || isGroup;
  const result = known ? { ok: true as const, hostname: domain } : normaliseHostname(full);
  if (!result.ok) {
    return { ok: false, sentence: `Its domain ${result.sentence}` };
  }
  if (lookup !== undefined && !isSameName(lookup, full)) {
    remarks.push(
      known
        ? 'lookup_host is not taken: this is no name in DNS, so Holdfast trusts the reply of the provider.'
        : 'lookup_host is another name and is not taken: Holdfast verifies the name that it updates.',
    );
  }
  return result;
}

/** `www@example.org` of the API providers, `@example.org` for the zone itself, and a bare label of a one-zone provider. */
function fullName(domain: string, { zones }: KnownProvider): string {
  const [host = '', zone] = domain.split('@');
  if (zone !== undefined) {
    return host === '' ? zone : `${host}.${zone}`;
  }
  const [only] = zones;
  return zones.length === 1 && only !== undefined && !domain.includes('.') ? `${domain}.${only}` : domain;
}

function isSameName(one: string, other: string): boolean {
  const [a, b] = [normaliseHostname(one), normaliseHostname(other)];
  return a.ok && b.ok ? a.hostname === b.hostname : one === other;
}

function accountOf(section: UciSection, target: Target, { remarks }: SectionReport): Account | string {
  const { provider, server } = target;
  const inUrl = [target.username, target.password].some(
    (text) => text !== undefined && filled(text, section) === text,
  );
  if (inUrl) {
    remarks.push('The credential stood in update_url; it is kept in the account now and leaves the URL.');
  }
  const login = filled(target.username ?? '[USERNAME]', section) || undefined;
  // For Cloudflare the word says that the password is a token.
  const username =
    provider.fields.username === undefined || login?.toLowerCase() === 'bearer' ? undefined : login;
  const password = filled(target.password ?? '[PASSWORD]', section) || undefined;
  for (const [name, value, pattern] of [
    ['username', username, USERNAME],
    ['password', password, PASSWORD],
  ] as const) {
    if (value === undefined && provider.fields[name]?.required === true) {
      return `${provider.title} needs a ${name}, and the section has none.`;
    }
    if (value !== undefined && !pattern.test(value)) {
      return `Its ${name} has a character or a length that Holdfast does not take.`;
    }
  }
  const zone =
    provider.fields.zone === undefined ? undefined : domainOf(section, target)?.split('@')[1] || undefined;
  const missing = Object.entries(provider.fields).flatMap(([name, field]) =>
    field?.required !== true ||
    ['username', 'password'].includes(name) ||
    (name === 'server' && server !== undefined) ||
    (name === 'zone' && zone !== undefined)
      ? []
      : name,
  );
  if (missing.length > 0) {
    return `${provider.title} needs ${missing.join(' and ')}, which the section does not have; enter it by hand.`;
  }
  const caFile = authoritiesOf(section, remarks);
  return {
    provider: provider.id,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(server === undefined ? {} : { server }),
    ...(caFile === undefined ? {} : { caFile }),
    ...(zone === undefined ? {} : { zone }),
  };
}

/** HTTPS is not a choice here, nor is the check of the certificate. */
function authoritiesOf(section: UciSection, remarks: string[]): string | undefined {
  const url = optionOf(section, 'service_name') === undefined ? optionOf(section, 'update_url') : undefined;
  if (!isOn(section, 'use_https') && url?.toLowerCase().startsWith('https://') !== true) {
    remarks.push('Updates go over HTTPS from now on.');
  }
  const path = optionOf(section, 'cacert');
  if (path === undefined || SYSTEM_AUTHORITIES.includes(path.replace(/\/+$/, ''))) {
    return undefined;
  }
  if (path.toUpperCase() === 'IGNORE') {
    remarks.push('cacert IGNORE is not taken: the certificate of the provider is always checked.');
    return undefined;
  }
  if (/\.(pem|crt|cer)$/i.test(path) && CA_FILE.test(path)) {
    return path;
  }
  remarks.push('cacert names a folder and is not taken: the certificate authorities of the system count.');
  return undefined;
}

function sourceOf(
  section: UciSection,
  family: Family,
  sources: readonly string[],
  { remarks }: SectionReport,
): Source | string {
  const usual = family === 'ipv4' ? 'wan' : 'wan6';
  const kind = optionOf(section, 'ip_source') ?? 'network';
  const network = optionOf(section, 'ip_network');
  switch (kind) {
    case 'network': {
      const bound = optionOf(section, 'bind_network');
      if (bound !== undefined && bound !== (network ?? usual)) {
        remarks.push(
          'bind_network is not taken: an update leaves through the network whose address it carries.',
        );
      }
      return checkedNetwork(network ?? usual);
    }
    case 'interface': {
      const device = optionOf(section, 'ip_interface') ?? 'eth1';
      if (device.startsWith('@')) {
        remarks.push(`The alias ${device} is taken as the network ${device.slice(1)}.`);
        return checkedNetwork(device.slice(1));
      }
      return DEVICE.test(device)
        ? { kind: 'device', names: [device] }
        : 'Its ip_interface is not the name of a device.';
    }
    case 'web': {
      if (sources.includes('web')) {
        remarks.push('ip_url is not taken: Holdfast asks services of its own choice, over HTTPS.');
        return { kind: 'web', names: [] };
      }
      const instead = optionOf(section, 'bind_network') ?? optionOf(section, 'interface') ?? usual;
      remarks.push(
        `The address is read from the network ${instead} in place of a web page, which this version does not ask. Behind another router it is private and then not published.`,
      );
      return checkedNetwork(instead);
    }
    case 'script':
      return 'Its address comes from a script (ip_script), which Holdfast neither runs nor takes over. Choose another source.';
    default:
      return `Its ip_source is '${kind.slice(0, 32)}', which is not known.`;
  }
}

function checkedNetwork(name: string): Source | string {
  return NETWORK.test(name)
    ? { kind: 'network', names: [name] }
    : 'The network it takes its address from has a name that Holdfast does not take.';
}

function remarkOnRest(section: UciSection, provider: KnownProvider, { remarks }: SectionReport): void {
  if (provider.id === 'no-ip.com') {
    remarks.push(
      'The address 127.0.0.1, which ddns-scripts published for a second before each update, is never sent.',
    );
  }
  const checkSec = seconds(section, 'check_interval', 'check_unit', 'minutes');
  if (checkSec !== undefined && checkSec !== USUAL_CHECK_SEC) {
    const least = checkSec < LEAST_CHECK_SEC ? `, under the least of ${LEAST_CHECK_SEC} seconds,` : '';
    remarks.push(
      `check_interval (${checkSec} seconds)${least} is not taken: Holdfast acts when the address changes; see option resync.`,
    );
  }
  const forceSec = seconds(section, 'force_interval', 'force_unit', 'hours');
  if (forceSec !== undefined) {
    remarks.push(
      forceSec === 0
        ? 'force_interval 0 (run once) is not taken: Holdfast stays, and sends nothing without a change.'
        : 'force_interval is not taken: an unchanged address is sent again only where the provider asks for it.',
    );
  }
  for (const [option, sentence] of DROPPED) {
    const value = optionOf(section, option);
    if (value !== undefined && value !== '0') {
      remarks.push(sentence);
    }
  }
}

/** Undefined when the option is missing or no number. */
function seconds(section: UciSection, option: string, unitOption: string, usual: string): number | undefined {
  const text = optionOf(section, option);
  return text === undefined || !/^\d{1,6}$/.test(text)
    ? undefined
    : Number(text) * (SECONDS_IN[optionOf(section, unitOption) ?? usual] ?? SECONDS_IN[usual] ?? 1);
}

/** Is the name kept by our configuration already? */
function ownTwin(candidate: Candidate, sections: readonly UciSection[]): string | undefined {
  const found = sections.find(
    (section) =>
      section.type === 'hostname' &&
      !['0', 'off', 'false', 'no', 'disabled'].includes(optionOf(section, 'enabled') ?? '1') &&
      isSameName(optionOf(section, 'hostname') ?? '', candidate.hostname) &&
      [...candidate.families, 'dual'].includes(optionOf(section, 'family') ?? 'ipv4'),
  );
  return (
    found &&
    `This name is already kept by section '${found.name ?? `@hostname[${found.index}]`}' of Holdfast; disable this one in ddns yourself.`
  );
}

function twin(candidate: Candidate, earlier: readonly Candidate[]): string | undefined {
  const found = earlier.find(
    (other) =>
      other.enabled &&
      candidate.enabled &&
      other.hostname === candidate.hostname &&
      sameAccount(other.account, candidate.account) &&
      other.families.some((family) => candidate.families.includes(family)),
  );
  return found && `It keeps the same name as section '${found.report.section}'.`;
}

function sameAccount(one: Account, other: Account): boolean {
  return accountKey(one) === accountKey(other);
}

function accountKey({ provider, username, password, server, caFile, zone }: Account): string {
  return JSON.stringify([provider, username, password, server, caFile, zone]);
}

/** Joins both families of one name, gives everything a name that is free, and writes the sections. */
function entriesOf(candidates: readonly Candidate[], own: readonly UciSection[]): Entry[] {
  const groups: Candidate[][] = [];
  for (const candidate of candidates) {
    const partner = groups.find(
      (group) => group.length === 1 && group[0] !== undefined && mayJoin(group[0], candidate),
    );
    if (partner === undefined) {
      groups.push([candidate]);
    } else {
      partner.push(candidate);
    }
  }
  const taken = new Set(own.flatMap(({ name }) => name ?? []));
  const hostNames = groups.map((group) => freeName(hostSectionName(group, taken), taken));
  const accounts = new Map<string, string>();
  for (const section of own.filter(({ type, name }) => type === 'account' && name !== undefined)) {
    accounts.set(accountKey(ownAccount(section)), section.name ?? '');
  }
  const accountEntries: Entry[] = [];
  const hostEntries = groups.flatMap((group, index): Entry[] => {
    const [first] = group;
    const name = hostNames[index];
    if (first === undefined || name === undefined) {
      return [];
    }
    const key = accountKey(first.account);
    let account = accounts.get(key);
    if (account === undefined) {
      account = freeName(first.account.provider, taken);
      accounts.set(key, account);
      accountEntries.push(accountEntry(account, first.account));
    }
    for (const { report } of group) {
      report.into = name;
      if (group.length > 1) {
        report.remarks.push('Both families of the name are one section now.');
      } else if (name !== report.section) {
        report.remarks.push(`The section is called '${name}'.`);
      }
    }
    return [hostEntry(name, account, first, group)];
  });
  return [...accountEntries, ...hostEntries];
}

function mayJoin(one: Candidate, other: Candidate): boolean {
  const { single, dual } = one.provider.families;
  const [a = '', b = ''] = [...one.source.names, ...other.source.names];
  // With both networks in one list, the first that has an address would serve both families.
  const isCompanion = a === b || (one.source.kind === 'network' && (b === `${a}6` || a === `${b}6`));
  return (
    isCompanion &&
    one.hostname === other.hostname &&
    sameAccount(one.account, other.account) &&
    one.families[0] !== other.families[0] &&
    one.enabled === other.enabled &&
    one.source.kind === other.source.kind &&
    (dual || (single.includes('ipv4') && single.includes('ipv6')))
  );
}

/** Their own name where it may stay; of a pair, what both names have in common. */
function hostSectionName(group: readonly Candidate[], taken: ReadonlySet<string>): string {
  const names = group.map(({ section }) => section.name);
  const stems = new Set(names.map((name) => name?.replace(/_?(ip)?v?[46]$/i, '')));
  const [stem] = stems;
  if (group.length > 1 && stems.size === 1 && stem !== undefined && stem !== '' && !taken.has(stem)) {
    return stem;
  }
  return names[0] ?? group[0]?.hostname ?? 'imported';
}

/** A section name that no other section has: libuci takes letters, digits and underscores. */
function freeName(wish: string, taken: Set<string>): string {
  const base = wish
    .replace(/^\*\./, 'any.')
    .replace(/\W/g, '_')
    .slice(0, MAX_NAME_CHARS - 4);
  let name = base;
  for (let count = 2; taken.has(name); count++) {
    name = `${base}_${count}`;
  }
  taken.add(name);
  return name;
}

function ownAccount(section: UciSection): Account {
  const [username, password, server, caFile, zone] = [
    'username',
    'password',
    'server',
    'ca_file',
    'zone',
  ].map((name) => optionOf(section, name));
  return {
    provider: optionOf(section, 'provider') ?? '',
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(server === undefined ? {} : { server }),
    ...(caFile === undefined ? {} : { caFile }),
    ...(zone === undefined ? {} : { zone }),
  };
}

/** Options with an empty value are left out when the text is written. */
function accountEntry(name: string, account: Account): Entry {
  const { provider, username, password, server, caFile, zone } = account;
  return {
    type: 'account',
    name,
    options: [
      { name: 'provider', value: provider },
      { name: 'username', value: username ?? '' },
      { name: 'password', value: password ?? '' },
      { name: 'server', value: server ?? '' },
      { name: 'ca_file', value: caFile ?? '' },
      { name: 'zone', value: zone ?? '' },
    ],
  };
}

function hostEntry(name: string, account: string, first: Candidate, group: readonly Candidate[]): Entry {
  const names = [...new Set(group.flatMap(({ source }) => source.names))];
  const { kind } = first.source;
  return {
    type: 'hostname',
    name,
    options: [
      { name: 'enabled', value: first.enabled ? '1' : '0' },
      { name: 'hostname', value: first.hostname },
      { name: 'account', value: account },
      { name: 'family', value: group.length > 1 ? 'dual' : (first.families[0] ?? 'ipv4') },
      { name: 'source', value: kind },
      ...(kind === 'web' ? [] : [{ name: kind, value: names }]),
      { name: 'allow_private', value: first.allowPrivate ? '1' : '' },
    ],
  };
}

function masked(entry: Entry): Entry {
  const password = entry.options.find(({ name }) => name === 'password')?.value;
  const options = entry.options.map((option) =>
    // Some services take a token as both.
    option.value !== '' && option.value === password ? { ...option, value: '(hidden)' } : option,
  );
  return { ...entry, options };
}

function disabled(section: UciSection): Pick<UciSection, 'type' | 'name' | 'options'> {
  const others = section.options.filter(({ name }) => name !== 'enabled');
  return { ...section, options: [{ name: 'enabled', value: '0', line: section.line }, ...others] };
}
