/** What a check needs from the outside. */
import type { Judgement } from '../../core/health.ts';
import type { Clock, Dns, DnsOverHttps, DnsServer, Host, Http } from '../../ports.ts';
import type { ActionOf } from '../commands.ts';

export interface VerifySettings {
  /** Resolvers of the public whose view is compared. */
  publicResolvers: readonly DnsServer[];
  /** The same over HTTPS, for lines on which plain DNS is intercepted. */
  dohUrls: readonly string[];
  /** Servers of other operators that answer `. SOA` with authority. */
  controlServers: readonly DnsServer[];
  /** Port of authoritative servers: 53, but for laboratories. */
  dnsPort: number;
}

export interface VerifyParts {
  clock: Clock;
  /** In [0, 1). */
  random(): number;
  dns: Dns;
  dnsOverHttps: DnsOverHttps;
  http: Http;
  userAgent(): string;
  /** Recursive resolvers of this network, in order. */
  resolvers(): Promise<DnsServer[]>;
  settings(): VerifySettings;
  checker?: Host['checker'];
}

export type Verifier = (command: ActionOf<'verify'>) => Promise<Judgement>;
