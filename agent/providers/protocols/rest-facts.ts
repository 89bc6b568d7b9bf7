/** A provider whose records are kept by several calls: find the zone, read the record, write it. */
import type { FailureFacts } from '../facts.ts';
import type { Json } from '../json-pointer.ts';
import type { Matcher } from '../match.ts';

/**
 * Templates of this protocol have `{name}` in them. In a URL they are RFC 6570; elsewhere the value goes in as
 * it is, and a text that is nothing but one name keeps the type of the value (`"{id}"` becomes 17).
 * `"{name?}"` leaves the member out where there is no value.
 *
 * Variables: `hostname`, `zone`, `name` (the hostname without its zone), `family`, `type`, `address`, `ttl`,
 * `page`, `skip`, `cursor`, the account's further options (`team_id` is `teamId`), and what earlier calls have
 * captured. `username` and `password` exist in `authentication` and in XML bodies alone.
 */
export interface RestFacts {
  /** Of several, the first that fits the username. */
  authentication: Authentication | Authentication[];
  /** Sent with every call. */
  headers?: Record<string, string>;
  /** What the provider calls A and AAAA, where it has other words or numbers for them. */
  types?: { ipv4: Json; ipv6: Json };
  /** One record of this type holds both addresses, with a comma between them. */
  together?: Json;
  /** What `name` is for the zone itself; `@` where nothing is said. */
  apex?: '@' | '';
  /** Seconds, in the type that the provider wants, for a new record; an existing one keeps its own. */
  ttlSec?: number | string;
  /** In this order; each for the records that it concerns. */
  calls: RestCall[];
  /** What every reply with a status of 2xx must say. */
  success?: Matcher;
  /** The first that matches says what went wrong, whatever the status. */
  failures: RestFailure[];
  /** Where the provider explains itself, for people (RFC 6901). */
  messages?: string[];
  /** A new record is added before the old one is taken away; both may be there after a power cut. */
  addsBeforeRemoving?: true;
}

/** The same calls write a CNAME: `type` is CNAME, and `address` the name that it points at. */
export interface RestCname {
  /** What the provider calls the type, where it is another word or a number. */
  type?: Json;
  /** Names are written with a final dot. */
  finalDot?: true;
  /** By the name of a call: members merged into its body, such as the TTL where that of an address is kept. */
  bodies?: Record<string, Json>;
  /** Facts of their own, where the calls are others or addresses go by another protocol. */
  facts?: RestFacts;
}

export type RestFailure = FailureFacts & { when: Matcher };

export type Authentication = (
  | { scheme: 'basic' | 'bearer' | 'none' }
  | { scheme: 'headers' | 'query'; fields: Record<string, string> }
  /** Members merged into the body, JSON or form. */
  | { scheme: 'body'; fields: Json }
  /** The whole request is signed; `parameters` are what the signer must know. */
  | { scheme: 'signed'; signer: string; parameters?: Record<string, string> }
) & {
  /** Only for usernames with an `@`. */
  forEmail?: true;
};

/** What is known of a record: `surplus` is ours and one more (see `addsBeforeRemoving`). */
export type RecordState = 'absent' | 'different' | 'equal' | 'surplus';

export interface RestCall {
  name: string;
  /**
   * `account`: once. `candidate`: for each zone a hostname may lie in, longest first, until one is there.
   * `zone`: once for all its records. `record`: for each hostname and type.
   */
  forEach: 'account' | 'candidate' | 'zone' | 'record';
  /** Only for records in these states; a record that was not read yet counts as `different`. */
  when?: RecordState[];
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string;
  headers?: Record<string, string>;
  /**
   * A member `{"$each": X}` becomes a list with one X for each record. XML is a text, or a list of texts and
   * `$each`.
   */
  body?: Json;
  /** `form`: a member that is an object or a list is written as JSON text. `json` where nothing is said. */
  format?: 'json' | 'form' | 'xml';
  /** In place of the provider's. */
  authentication?: Authentication;
  /** Replies that mean "there is none": no such zone, no such record. */
  absent?: Matcher[];
  /** Looked at first; then `absent`, then the provider's. */
  failures?: RestFailure[];
  /** In place of `success`. */
  success?: Matcher;
  /** Places in the reply that must repeat what was sent, by template. */
  repeats?: Record<string, string>;
  /** In place of JSON: nothing that says anything (204, `{}`), or XML. */
  reply?: 'empty' | 'xml';
  /**
   * Variables from places of the reply; a place that is not there changes nothing. `current` is the address of a
   * record that is read by itself, and decides its state.
   */
  capture?: Places;
  /** Places that must hold nothing: the provider would take away what is there when the record is written. */
  empty?: string[];
  /** Variables from one element of a list. */
  pick?: ListPick;
  /**
   * The list comes in parts. Places of the reply: `next` gives the variable `cursor` (or one of that name) for
   * the next part, `last` the number of parts, `total` the number of elements. `page` counts from 1, `skip` is
   * `page - 1` times `size`.
   */
  pages?: { next?: string; cursor?: string; last?: string; total?: string; size?: number };
  /** Name of the call that must show the new address afterwards. */
  readBack?: string;
  /** Runs whatever came before, and a failure of it is no failure of the update. */
  optional?: true;
}

export interface ListPick {
  /** Place of the list. */
  in: string;
  /** It is no list but an object whose members are the elements. */
  keyed?: true;
  /** A list that is not there is an empty one. */
  optional?: true;
  /** Fields of the element and what they must equal, by template; addresses and names in any spelling. */
  where: Record<string, string>;
  /** Place in an element where its values are, for record sets; `current` is then a place in one of these. */
  values?: string;
  /**
   * Variables from the element. `current` is the address of the record and decides its state; `proxied` tells
   * that the DNS answers with addresses of the provider.
   */
  take: Places;
}

/** Variables and their places (RFC 6901); of several, the first that is there. */
export type Places = Record<string, string | string[]>;
