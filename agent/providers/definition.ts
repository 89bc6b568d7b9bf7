/** The shape of a catalogue entry; `schemas/provider.schema.json` is its JSON Schema and the truth. */
import type { Family } from '../core/address.ts';

export interface ProviderField {
  /** What the provider calls it, e.g. "DDNS Key username". */
  title: string;
  help: string;
  required: boolean;
}

export interface ProviderDefinition {
  /** Stable id, used as `option provider` in UCI. */
  id: string;
  title: string;
  homepage: string;
  /** Where the user makes the credential. */
  credentialUrl?: string;
  /** The handler in `providers/protocols/`. */
  protocol: 'dyndns2';
  /** Where the facts stand; an entry without a provider's own documentation is `unconfirmed`. */
  sources: string[];
  unconfirmed?: boolean;
  fields: { username?: ProviderField; password?: ProviderField; server?: ProviderField };
  /**
   * RFC 6570 URI template of the update call. Variables: `hostname` (list), `myip` (list of addresses),
   * `ipv4`, `ipv6`. Always HTTPS. Absent when the account must name its own `server`.
   */
  endpoint?: string;
  /** `family`: may be sent alone; `dual`: both in one call. */
  families: { single: Family[]; dual: boolean };
  /** What happens to the other family when only one is sent. */
  partial: 'keeps' | 'erases';
  /** How many hostnames fit in one call. */
  hostsPerCall: number;
  /** Names that the provider takes in place of a hostname (a key's pseudo host); they are not in DNS. */
  pseudoHosts?: string[];
  /** Plain words without a dot are names of groups; they are not in DNS. */
  groups?: boolean;
  /** The username may be stored percent-encoded (`group%3Auser`) and is decoded before it is used. */
  decodeUsername?: boolean;
  /** The User-Agent must carry the maintainer's e-mail address (`option contact`). */
  wantsContact?: boolean;
  /** Seconds between two updates of one account that the provider asks for. */
  minIntervalSec: number;
  /** Wait after 911 and other faults of the provider, seconds. */
  busyWaitSec: number;
  /** Send again after so many days without a change; absent: never. */
  refreshDays?: number;
  /** DNS suffixes the provider serves. */
  zones: string[];
  /** Facts a user should know, one sentence each. */
  notes: string[];
}
