/** What every protocol handler does: one update call, classified host by host. */
import type { Outcome } from '../core/failure.ts';
import type { Uplink } from '../core/via.ts';
import type { Clock, Crypto, Dns, DnsExchange, DnsServer, Http, Processes } from '../ports.ts';
import type { ProviderDefinition } from './definition.ts';

export interface Credential {
  username: string;
  password: string;
}

/** Hostnames of one account that get the same addresses through the same uplink. */
export interface UpdateCall {
  provider: ProviderDefinition;
  credential: Credential;
  /** Further options of the account by their UCI name: `zone`, `ttl`, `url`, ... Some are secret. */
  options: Record<string, string>;
  /** Origin that replaces the provider's own, e.g. `https://update.example.org:8443`. */
  server?: string;
  caFile?: string;
  /** At most `provider.hostsPerCall`. */
  hostnames: string[];
  /** At least one; both only where the provider takes both in one call. */
  ipv4?: string;
  ipv6?: string;
  userAgent: string;
  via?: Uplink;
}

/** The CNAME of one name. */
export interface AliasCall extends Omit<UpdateCall, 'hostnames' | 'ipv4' | 'ipv6'> {
  hostname: string;
  /** Canonical, without a final dot; absent: only read what is there. */
  target?: string;
  ttlSec: number;
}

export interface AliasResult {
  /** The name that the CNAME has afterwards; undefined where there is none. */
  outcome: Outcome<string | undefined>;
  exchange: Exchange;
}

/** What went over the wire, free of secrets, for `trace` and the debug log. */
export interface Exchange {
  request: string;
  reply: string;
}

/** The value of a success is a remark for the operator, if there is one. */
export type Verdict = Outcome<string | undefined>;

export interface CallResult {
  /** In the order of `hostnames`. */
  outcomes: Verdict[];
  /** In the same order: why the DNS does not show an address that was confirmed; undefined where it does. */
  unseen?: (string | undefined)[];
  exchange: Exchange;
}

/** The outside world as protocols see it; each takes what it needs. */
export interface ProtocolPorts {
  http: Http;
  processes: Processes;
  /** For signatures, which carry the time. */
  clock: Pick<Clock, 'nowMs'>;
  crypto: Crypto;
  dns: Dns;
  exchangeDns: DnsExchange;
  /** Recursive resolvers of the router, in order. */
  resolvers(): Promise<DnsServer[]>;
}

export interface Protocol {
  /** Sends the call and never throws for anything the network or the provider does. */
  update(
    call: UpdateCall,
    ports: ProtocolPorts,
    redact: (foreignText: string) => string,
  ): Promise<CallResult>;
  /**
   * Reads the CNAME of a name, and writes it where it differs from the target. Never takes away anything but the
   * CNAME itself: a name with other data is refused. Absent where the protocol cannot.
   */
  alias?(
    call: AliasCall,
    ports: ProtocolPorts,
    redact: (foreignText: string) => string,
  ): Promise<AliasResult>;
}
