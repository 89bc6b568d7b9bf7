/** What one check of the DNS finds out, and what it comes to: a verdict with its evidence for each axis. */
import type { Family } from './address.ts';

export type AxisVerdict =
  | 'ok'
  /** not there yet, and nothing is wrong so far */
  | 'pending'
  | 'warning'
  | 'failed'
  /** could not be checked: our own network, or no answer at all */
  | 'unknown'
  /** does not apply (a group name, or checks are switched off) */
  | 'off';

export interface Axis {
  verdict: AxisVerdict;
  /** Stable, e.g. `authority/GONE`. */
  code: string;
  /** What happened, and what to do. */
  sentence: string;
  /** One line for each server: which, and what it answered. */
  evidence: string[];
  /** Does the user have to do something? */
  mustAct: boolean;
  /** Since when this code stands. */
  sinceWallMs: number;
  checkedWallMs: number;
}

export interface DnsAxes {
  delegation?: Axis;
  authority?: Axis;
  publicView?: Axis;
}

/** What one server said of one name and family (see the table in `engine/checks/answers.ts`). */
export type AnswerKind =
  | 'ok'
  | 'wrong'
  | 'no-data'
  | 'gone'
  | 'lame'
  | 'fault'
  | 'unreachable'
  /** an answer without authority from a server that must have it: someone answers in its place */
  | 'intercepted'
  /** UDP and TCP brought different answers of the same server: somebody on the way writes one of them */
  | 'forged'
  /** what a filter gives in place of an address */
  | 'blocked';

export interface ServerAnswer {
  /** Name and address of the server. */
  server: string;
  family: Family;
  kind: AnswerKind;
  /** What it answered, for people. */
  detail: string;
  /** The addresses that it gave. */
  addresses?: string[];
  ttlSec?: number;
  /** It was not even asked: the kernel knows no way there (IPv6 on a line without). */
  noRoute?: true;
}

/** What a server of the zone above said of the zone. */
export interface ParentAnswer {
  server: string;
  /** The names it delegates the zone to; empty: see `kind`. */
  nameServers: string[];
  /** `absent`: it delegates the zone to nobody. `intercepted`: someone answered in its place. */
  kind?: 'absent' | 'intercepted';
  detail?: string;
}

export interface NameServer {
  name: string;
  addresses: string[];
}

/** A zone as it was when all was well. */
export interface ZoneView {
  nameServers: NameServer[];
  /** Primary server and mailbox of the SOA (RFC 1035 section 3.3.13), as `mname rname`. */
  owner?: string;
}

/** Do servers of another operator answer? `intercepted`: someone answers in their place. */
export interface ControlAnswer {
  kind: 'fine' | 'silent' | 'intercepted';
  evidence: string[];
}

/** All that one check found out. */
export interface Verification {
  /** Absent: the zone or its servers could not be found; `problem` says why. */
  zone?: string;
  problem?: { code: string; sentence: string };
  /** The servers that the zone is delegated to today, as far as they are known. */
  view?: ZoneView;
  delegation: ParentAnswer[];
  authority: ServerAnswer[];
  /** The servers of the zone from before, asked directly; absent when they were not asked. */
  former?: ServerAnswer[];
  /** What one server of the zone says of a name that nobody has. */
  sibling?: { addresses: string[]; detail: string };
  control?: ControlAnswer;
  publicView: ServerAnswer[];
  /** The public view came over HTTPS. */
  overHttps?: true;
  /** The resolver of this network. */
  ownView?: ServerAnswer[];
  /** The provider's web site; absent when it was not looked at. */
  web?: { up: boolean; detail: string };
}

export type Judged = Omit<Axis, 'checkedWallMs' | 'sinceWallMs'>;

/** What one check found out, judged. */
export interface Judgement {
  zone?: string;
  /** The zone as it is today; absent where nobody said. */
  view?: ZoneView;
  axes: Record<keyof DnsAxes, Judged>;
  /** How long resolvers keep the record. */
  ttlSec?: number;
  web?: { up: boolean; detail: string };
}

/** A hostname that ends unless its user confirms it at the provider. */
export interface Renewal {
  days: number;
  page: string;
}

/** What is known of a name before it is checked. */
export interface Asked {
  hostname: string;
  ipv4?: string;
  ipv6?: string;
  /** What updates have sent that may have been carried out unheard, or are to send: as right as what was confirmed. */
  unheard?: Partial<Record<Family, readonly string[]>>;
  /** Since the addresses were confirmed. */
  ageMs: number;
  /** How long resolvers keep the record, as its servers said when they could be asked. */
  ttlSec?: number;
  /** What was confirmed is not the address of now. */
  outdated?: true;
  /** Public resolvers have shown something else for longer than they may keep an answer. */
  lingering?: true;
  /** Title of the provider. */
  provider: string;
  renewal?: Renewal;
  /** The zone as it was when all was well. */
  before?: ZoneView & { zone: string };
}
