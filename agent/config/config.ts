/** The configuration after it was read and checked: what the rest of the agent works with. */
import type { SourceKind } from '../core/source-key.ts';
import type { Authorization, DnsServer, LogLevel } from '../ports.ts';
import type { ProviderDefinition } from '../providers/definition.ts';

/** One of `list notify`, taken apart. */
export interface NotifyAddress {
  /** Whose dialect is spoken there; `webhook` gets the whole document. */
  style: 'webhook' | 'ntfy' | 'gotify';
  /** Without user name and password; path and query may hold a token, so it is a secret. */
  url: string;
  login?: Extract<Authorization, { scheme: 'basic' }>;
  /** Host and port: all of it that people may read. */
  server: string;
  /** Plain HTTP to a place that is not in the house: whoever carries it can read it, the token too. */
  exposed: boolean;
}

export interface AgentSettings {
  enabled: boolean;
  logLevel: LogLevel;
  resyncSec: number;
  holdDownSec: number;
  verify: boolean;
  runtime: 'auto' | 'node' | 'quickjs';
  mode: 'resident' | 'event';
  /** E-mail address for the User-Agent; empty when there is none. */
  contact: string;
  notify: NotifyAddress[];
  /** Empty when there is none. */
  notifyScript: string;
  /** Empty: the system's own (/etc/resolv.conf). */
  resolvers: DnsServer[];
  publicResolvers: DnsServer[];
  /** Servers of the root, or of another operator in a laboratory: `. SOA` with authority shows that DNS works. */
  controlServers: DnsServer[];
  /** Public resolvers over HTTPS. */
  dohUrls: string[];
  /** Port of the authoritative name servers. */
  dnsPort: number;
  stateDir: string;
  publishedFile: string;
}

export interface AccountConfig {
  /** Name of its section. */
  id: string;
  provider: ProviderDefinition;
  username?: string;
  /** The secret, wherever it stood. For the request's authentication only. */
  password?: string;
  /** `https://HOST[:PORT]` without a final slash; takes the place of the provider's own address. */
  server?: string;
  caFile?: string;
  /** Further options by their UCI name; the items of a list stand in lines of their own. Some are secret. */
  options: Record<string, string>;
}

export interface HostnameConfig {
  /** Name of its section; an anonymous one is called `@HOSTNAME`. */
  id: string;
  enabled: boolean;
  /** Normal form, or the name of a group or pseudo host. */
  hostname: string;
  /** Is the name in DNS (false for groups and pseudo hosts)? */
  inDns: boolean;
  /** Why not, where the provider is the reason. */
  noDnsCheck?: string;
  account: string;
  networks: string[];
  devices: string[];
  family: 'ipv4' | 'ipv6' | 'dual';
  source: SourceKind;
  /** Source `web`: own services in place of the known ones. */
  echoUrls?: string[];
  /** Source `stun`: own servers in place of the known ones. */
  stunServers?: string[];
  /** Source `script`: program and arguments. */
  script?: string[];
  allowPrivate: boolean;
  /** Canonical IPv6 text. */
  ipv6Suffix?: string;
  /** Names of hostname sections that publish the same address, at best. */
  standby: string[];
}

export interface AliasConfig {
  id: string;
  enabled: boolean;
  hostname: string;
  account: string;
  /** Names of hostname sections, best first. */
  targets: string[];
  ttlSec: number;
  outageSec: number;
  recoverySec: number;
}

export interface Config {
  agent: AgentSettings;
  accounts: ReadonlyMap<string, AccountConfig>;
  hostnames: HostnameConfig[];
  aliases: AliasConfig[];
}

export interface Problem {
  /** `error`: the section is left out, or the option falls back to its default. */
  severity: 'error' | 'warning';
  file: string;
  line: number;
  column?: number;
  /** `hostname 'home'`, or `hostname @2` for an anonymous section (counted from 0, as UCI does). */
  section?: string;
  option?: string;
  /** Absent for secrets and for whatever might contain one. */
  value?: string;
  /** Stable, `config/CODE`. */
  code: string;
  /** What is wrong and what is allowed. */
  sentence: string;
}
