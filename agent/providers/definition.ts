/** The shape of a catalogue entry; `schemas/provider.schema.json` is its JSON Schema and the truth. */
import type { Family } from '../core/address.ts';
import type { ScriptFacts } from './facts.ts';
import type { Dyndns2Facts } from './protocols/dyndns2-facts.ts';
import type { GetFacts } from './protocols/get-facts.ts';
import type { RestCname, RestFacts } from './protocols/rest-facts.ts';
import type { Rfc2136Facts } from './protocols/rfc2136-facts.ts';

/** Everything the catalogue knows by name. */
export type CatalogueEntry = ProviderDefinition | DeadProvider;

/** By id. */
export type Catalogue = ReadonlyMap<string, CatalogueEntry>;

export interface ProviderField {
  /** What the provider calls it, e.g. "DDNS Key username". */
  title: string;
  help: string;
  required: boolean;
}

/**
 * What each protocol needs to know, under the name of the protocol. The schema sees to it that an entry has
 * the facts of its own protocol and no others. A new protocol is one line here, one in `registry.ts` and one
 * `$def` in the schema.
 */
export interface ProtocolFacts {
  dyndns2?: Dyndns2Facts;
  get?: GetFacts;
  rest?: RestFacts;
  script?: ScriptFacts;
  rfc2136?: Rfc2136Facts;
}

export type ProtocolName = keyof ProtocolFacts;

export interface ProviderDefinition extends ProtocolFacts {
  /** Stable id, used as `option provider` in UCI. */
  id: string;
  title: string;
  homepage: string;
  /** Where the user makes the credential. */
  credentialUrl?: string;
  /** The handler in `providers/protocols/`. */
  protocol: ProtocolName;
  /** Where the facts stand, absent in the packed file; without the provider's own documentation: `unconfirmed`. */
  sources?: string[];
  unconfirmed?: true;
  /** Options of the account by their UCI name: `username`, `password`, `server`, `zone`, `ttl`, ... */
  fields: Record<string, ProviderField>;
  /** `single`: may be sent alone; `dual`: both in one call. */
  families: { single: Family[]; dual: boolean };
  /** What happens to the other family when only one is sent. */
  partial: 'keeps' | 'erases';
  /** How many hostnames fit in one call. */
  hostsPerCall: number;
  /** One wrong hostname makes the whole call fail, and the reply does not say which. */
  allOrNothing?: true;
  /** The credential selects the hostname, which is not sent; or even one record of it, A or AAAA. */
  credentialFor?: 'hostname' | 'record';
  /** The record gets the address that the request comes from; no other can be named. */
  senderAddress?: true;
  /** Names that the provider takes in place of a hostname (a key's pseudo host); they are not in DNS. */
  pseudoHosts?: string[];
  /** Plain words without a dot are names of groups, labels or tunnels; they are not in DNS. */
  groups?: true;
  /** The username may be stored percent-encoded (`group%3Auser`) and is decoded before it is used. */
  decodeUsername?: true;
  /** The User-Agent must carry the maintainer's e-mail address (`option contact`). */
  wantsContact?: true;
  /** Why the DNS cannot show the address, in one sentence; absent where it can and is asked. */
  noDnsCheck?: string;
  /** It can hold a CNAME, and how it is written there; absent where Holdfast cannot. */
  cname?: CnameFacts;
  /** Seconds between two updates of one account that the provider asks for. */
  minIntervalSec: number;
  /** Wait after 911 and other faults of the provider, seconds. */
  busyWaitSec: number;
  /** Send again after so many days without a change; absent: never. */
  refreshDays?: number;
  /** A name below `zones` ends unless its user confirms it at this page every so many days. */
  renewal?: { days: number; page: string };
  /** DNS suffixes the provider serves. */
  zones: string[];
  /** Facts a user should know, one sentence each. */
  notes: string[];
}

export interface CnameFacts {
  /** The shortest TTL that the provider takes. */
  minTtlSec: number;
  /** Its documentation does not show it; the facts come from other clients. */
  unconfirmed?: true;
  /** Protocol rest: how its calls differ from those for an address. */
  rest?: RestCname;
}

/** A service that has ended: known by name, so that its users are told what happened. */
export interface DeadProvider {
  id: string;
  title: string;
  homepage: string;
  sources?: string[];
  dead: {
    /** A year, a month or a day: `2024-12-20`. */
    since: string;
    /** What to use in its place, one sentence. */
    instead: string;
  };
}

export function isDead(entry: CatalogueEntry): entry is DeadProvider {
  return 'dead' in entry;
}

/** The living ones, without those that have ended. */
export function livingOf(catalogue: Catalogue): ReadonlyMap<string, ProviderDefinition> {
  return new Map([...catalogue].flatMap(([id, entry]) => (isDead(entry) ? [] : [[id, entry] as const])));
}

/** What to say to someone who chooses it. */
export function deathNotice({ title, dead }: DeadProvider): string {
  return `${title} has ended (${dead.since}). ${dead.instead}`;
}
