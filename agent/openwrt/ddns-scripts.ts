/**
 * What a `service` section of ddns-scripts (/etc/config/ddns) means: its defaults, its old names, and which
 * provider it speaks to. Facts from the ddns-scripts package, 1.x to 2.8.
 */
import type { Family } from '../core/address.ts';
import namedServices from './ddns-scripts-names.json';
import type { UciSection } from './uci.ts';

/** What the import needs to know of a catalogue entry. */
export interface KnownProvider {
  id: string;
  title: string;
  /** Hosts that its requests go to; none when each account names its own server. */
  hosts: readonly string[];
  /** By the option of the account. */
  fields: Readonly<Record<string, { required: boolean } | undefined>>;
  families: { single: readonly Family[]; dual: boolean };
  zones: readonly string[];
  pseudoHosts?: readonly string[];
  groups?: boolean;
}

/** By id. Of a service that has ended only the notice is left. */
export interface Providers {
  living: ReadonlyMap<string, KnownProvider>;
  ended: ReadonlyMap<string, string>;
}

/** The provider of a section, with what its `update_url` said of the credentials. */
export interface Target {
  provider: KnownProvider;
  /** For an entry without an endpoint of its own. */
  server?: string;
  /** Credentials that stood in the URL, placeholders included; they go before the options of the section. */
  username?: string;
  password?: string;
  /** What stands for the domain, where it is more than the option `domain`. */
  domain?: string;
  remarks: string[];
}

/** A `service_name`, in lower case: the entry of our catalogue, or why it cannot be taken over. */
interface NamedService {
  id?: string;
  byHand?: string;
  /** The domain, where it is put together of several options. */
  domain?: string;
}

/** All names that ddns-scripts 2.8 ships. */
const NAMED_SERVICES: Record<string, NamedService> = namedServices;

interface UpdateUrl {
  secure: boolean;
  /** Lower case; without the port. */
  host: string;
  port?: string;
  path: string;
  query: Map<string, string>;
  username?: string;
  password?: string;
}

/** Words of 2.x and 1.x for "no service, I have my own URL"; to the scripts they were never more than that. */
const CUSTOM_SERVICES = ['custom', '--custom--', '-- custom --', '-'];

/** Other names of a service, best match in our catalogue first. Where both names are equal none is needed. */
const ALIASES: Record<string, readonly string[]> = {
  'noip.com': ['no-ip.com'],
  'no-ip.org': ['no-ip.com'],
  'dyndns.org': ['dyn.com'],
  'dyndns.com': ['dyn.com', 'dyndns.org'],
  'dyn.com': ['dyndns.org'],
  'cloudflare.com-v1': ['cloudflare.com-v4', 'cloudflare.com'],
  'cloudflare.com-v4': ['cloudflare.com'],
  'freedns.afraid.org': ['afraid.org-keyauth', 'afraid.org'],
  'afraid.org': ['afraid.org-keyauth'],
  'afraid.org-basicauth': ['freedns.afraid.org', 'afraid.org'],
  'loopia.com': ['loopia.se'],
  'dns-o-matic': ['dnsomatic.com'],
  'tunnelbroker.net': ['he.net-tunnelbroker'],
};

/** Scripts of the package itself, which stand for a provider. Any other script is the user's own. */
const STOCK_SCRIPTS: Record<string, string> = {
  'update_no-ip_com.sh': 'no-ip.com',
  'update_cloudflare_com_v4.sh': 'cloudflare.com-v4',
};

/** The entry for services that are not in the catalogue by name. */
const GENERIC = 'dyndns2';

/** Other hosts of a provider than the one in its catalogue entry. */
const HOSTS: Record<string, string> = {
  'dynupdate.noip.com': 'no-ip.com',
  'dynupdate6.noip.com': 'no-ip.com',
  'dynupdate6.no-ip.com': 'no-ip.com',
  'members.dyndns.org': 'dyndns.org',
  'members.dyndns.com': 'dyndns.org',
  'update.dyndns.com': 'dyndns.org',
  'www.duckdns.org': 'duckdns.org',
  'duckdns.org': 'duckdns.org',
  'freedns.afraid.org': 'freedns.afraid.org',
  'sync.afraid.org': 'afraid.org-v2-token',
};

/** Services whose login is the hostname itself; the scripts fill it in, nobody writes it as `username`. */
const HOSTNAME_IS_LOGIN = ['he.net', 'nsupdate.info'];

/** Parameters of the URL that carry what we send anyway, or what no server needs any more. */
const KNOWN_PARAMETERS = ['hostname', 'host', 'domain', 'domains', 'myip', 'ip', 'ipv4', 'ipv6'];
const CREDENTIAL_PARAMETERS = ['user', 'username', 'login', 'password', 'pass', 'token', 'key'];

const TRUE_WORDS = ['1', 'on', 'true', 'yes', 'enabled'];

/** The value of an option; of a list, its items in a row, as the shell sees them. */
export function optionOf(section: UciSection, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = section.options.find((option) => option.name === name)?.value;
    if (value !== undefined) {
      return typeof value === 'string' ? value : value.join(' ');
    }
  }
  return undefined;
}

export function isOn(section: UciSection, ...names: readonly string[]): boolean {
  return TRUE_WORDS.includes(optionOf(section, ...names) ?? '0');
}

/** Which provider it is, or a sentence that says why that cannot be told. */
export function targetOf(section: UciSection, providers: Providers): Target | string {
  const service = optionOf(section, 'service_name')?.trim().toLowerCase();
  const url = optionOf(section, 'update_url');
  const script = optionOf(section, 'update_script');
  if (service !== undefined && !CUSTOM_SERVICES.includes(service)) {
    return namedTarget(service, url !== undefined || script !== undefined, providers);
  }
  if (script !== undefined) {
    const stock = STOCK_SCRIPTS[script.split('/').at(-1) ?? ''];
    return stock === undefined
      ? 'Its updates are made by a script (update_script). Holdfast runs no script of ddns-scripts; choose a provider from the command holdfast providers.'
      : namedTarget(stock, false, providers);
  }
  if (url === undefined) {
    return 'It names no provider: neither service_name nor update_url is set.';
  }
  return urlTarget(url, isOn(section, 'use_https'), providers);
}

/** service_name goes before update_url and update_script, as the scripts themselves have it. */
function namedTarget(service: string, hasMore: boolean, providers: Providers): Target | string {
  const remarks = hasMore
    ? [
        'service_name decides, as it did before; update_url and update_script were not in use and are left out.',
      ]
    : [];
  const known = Object.hasOwn(NAMED_SERVICES, service) ? NAMED_SERVICES[service] : undefined;
  if (known?.byHand !== undefined) {
    return known.byHand;
  }
  const provider = providerNamed(known?.id ?? service, providers);
  if (provider !== undefined) {
    const { domain } = known ?? {};
    return { provider, ...loginOf(service), ...(domain === undefined ? {} : { domain }), remarks };
  }
  const notice = [known?.id ?? service, ...(ALIASES[service] ?? [])]
    .map((name) => providers.ended.get(name))
    .find(Boolean);
  if (notice !== undefined) {
    return notice;
  }
  return `The provider '${service.slice(0, 64)}' is not in the catalogue of this version.`;
}

function loginOf(service: string): { username?: string } {
  return HOSTNAME_IS_LOGIN.includes(service) ? { username: '[DOMAIN]' } : {};
}

function providerNamed(service: string, providers: Providers): KnownProvider | undefined {
  const names = [service, ...(ALIASES[service] ?? [])];
  return names.map((name) => providers.living.get(name)).find((provider) => provider !== undefined);
}

function urlTarget(text: string, useHttps: boolean, providers: Providers): Target | string {
  const url = parseUpdateUrl(text);
  if (url === undefined) {
    return 'Its update_url is not a URL that begins with http:// or https://.';
  }
  if (/\[PARAM(ENC|OPT)\]/i.test(text)) {
    return 'Its update_url uses param_enc or param_opt, whose meaning only its author knows.';
  }
  const names = credentialsOf(url);
  const provider = providerAt(url.host, providers);
  // A parameter without a value may be the secret itself, as in afraid.org's `update.php?KEY`.
  const foreign = [...url.query].flatMap(([name, value]) =>
    value === '' || isUnderstood(name) || !/^[a-z_]{1,16}$/i.test(name) ? [] : name,
  );
  const remarks = [
    'The provider was recognised by the address in update_url, which is left out.',
    ...(foreign.length === 0 ? [] : [`These parameters of update_url are not sent: ${foreign.join(', ')}.`]),
  ];
  if (provider !== undefined) {
    return { provider, ...names, remarks };
  }
  const generic = providers.living.get(GENERIC);
  if (!isPlain(url) || generic === undefined) {
    return 'Its update_url belongs to no provider of this version and does not speak the dyndns2 protocol.';
  }
  if (!url.secure && !useHttps && url.port !== undefined && url.port !== '80') {
    return `Its update_url is plain HTTP on port ${url.port}; Holdfast sends a password over HTTPS only.`;
  }
  const usualPort = url.secure ? '443' : '80';
  const port = url.port === undefined || url.port === usualPort ? '' : `:${url.port}`;
  const server = `https://${url.host}${port}`;
  return { provider: generic, server, ...names, remarks: [...remarks, genericRemark(server)] };
}

function genericRemark(server: string): string {
  return `The provider is not in the catalogue of this version; the entry dyndns2 is used with ${server}.`;
}

/** Several entries may share a host: then the table decides. */
function providerAt(host: string, providers: Providers): KnownProvider | undefined {
  const id = HOSTS[host];
  const named = id === undefined ? undefined : providerNamed(id, providers);
  return named ?? [...providers.living.values()].find(({ hosts }) => hosts.includes(host));
}

/** `/nic/update` with a hostname is the protocol of Dyn, whoever serves it. */
function isPlain({ path, query }: UpdateUrl): boolean {
  return path === '/nic/update' && query.has('hostname');
}

function isUnderstood(name: string): boolean {
  const lower = name.toLowerCase();
  return KNOWN_PARAMETERS.includes(lower) || CREDENTIAL_PARAMETERS.includes(lower);
}

/** From `user:password@` or from parameters; what only repeats the options of the section is left out. */
function credentialsOf(url: UpdateUrl): { username?: string; password?: string } {
  const parameter = (names: readonly string[]) =>
    names.map((name) => url.query.get(name)).find((value) => value !== undefined);
  const username = url.username ?? parameter(['user', 'username', 'login']);
  const password = url.password ?? parameter(['password', 'pass', 'token', 'key']);
  return {
    ...(username === undefined || username === '' || username === '[USERNAME]' ? {} : { username }),
    ...(password === undefined || password === '' || password === '[PASSWORD]' ? {} : { password }),
  };
}

/** Puts the options of the section in the place of the placeholders of a credential. */
export function filled(text: string, section: UciSection): string {
  return text.replace(
    /\[(USERNAME|PASSWORD|DOMAIN)\]/gi,
    (_, name: string) => optionOf(section, name.toLowerCase()) ?? '',
  );
}

/** The URLs of ddns-scripts are templates with brackets in any place, which no URL parser takes. */
function parseUpdateUrl(text: string): UpdateUrl | undefined {
  const match =
    /^(https?):\/\/(?:([^/?#]*)@)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::(\d{1,5}))?(\/[^?#]*)?(?:\?([^#]*))?/i.exec(
      text.trim(),
    );
  const [, scheme, userInfo, host, port, path = '/', query = ''] = match ?? [];
  if (scheme === undefined || host === undefined) {
    return undefined;
  }
  const [username, ...password] = (userInfo ?? '').split(':');
  return {
    secure: scheme.toLowerCase() === 'https',
    host: host.toLowerCase(),
    ...(port === undefined ? {} : { port }),
    path,
    query: new Map(
      query.split('&').flatMap((pair) => {
        const [name = '', ...value] = pair.split('=');
        return name === '' ? [] : [[decoded(name), decoded(value.join('='))] as const];
      }),
    ),
    ...(userInfo === undefined
      ? {}
      : { username: decoded(username ?? ''), password: decoded(password.join(':')) }),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
