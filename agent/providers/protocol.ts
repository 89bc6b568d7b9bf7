/** What every protocol handler does: one update call, classified host by host. */
import type { Outcome } from '../core/failure.ts';
import type { Uplink } from '../core/via.ts';
import type { Http } from '../ports.ts';
import type { ProviderDefinition } from './definition.ts';

export interface Credential {
  username: string;
  password: string;
}

/** Hostnames of one account that get the same addresses through the same uplink. */
export interface UpdateCall {
  provider: ProviderDefinition;
  credential: Credential;
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

/** What went over the wire, free of secrets, for `trace` and the debug log. */
export interface Exchange {
  request: string;
  reply: string;
}

export interface CallResult {
  /** In the order of `hostnames`; the value of a success is a remark for the operator, if there is one. */
  outcomes: Outcome<string | undefined>[];
  exchange: Exchange;
}

export interface Protocol {
  /** Sends the call and never throws for anything the network or the provider does. */
  update(call: UpdateCall, http: Http, redact: (foreignText: string) => string): Promise<CallResult>;
}
