import type { Family } from './address.ts';

/** One address as the system reports it. Lifetimes in seconds; absent means without end. */
export interface InterfaceAddress {
  address: string;
  prefixLength: number;
  preferredSec?: number;
  validSec?: number;
  /** RFC 8981 temporary address: changes by itself, never published. */
  temporary?: boolean;
  /** Duplicate address detection has not finished or has failed (RFC 4862 section 5.4). */
  tentative?: boolean;
}

/** A prefix delegated to this interface (DHCPv6-PD) and the parts assigned to LAN interfaces. */
export interface DelegatedPrefix {
  address: string;
  prefixLength: number;
  preferredSec?: number;
  validSec?: number;
  assigned: { network: string; address: string; prefixLength: number }[];
}

/** The state of one interface: a logical network of netifd, or a kernel device for source `device`. */
export interface WanInterface {
  /** `wan`, `wan6`, ... for netifd; `eth1`, ... for devices */
  name: string;
  up: boolean;
  /** The layer 3 device that carries the traffic, e.g. `eth1` or `pppoe-wan`; absent while down. */
  device?: string;
  addresses: InterfaceAddress[];
  prefixes: DelegatedPrefix[];
  /** Families for which this interface carries a default route. */
  defaultRoute: Family[];
  /** The router that its IPv4 default route leads to; absent on a point-to-point line. */
  gateway?: string;
  /** Where `addresses` is what the outside saw: the device's own addresses, the only ones to bind to. */
  local?: InterfaceAddress[];
  /** Families whose address could not be found out, and why: nothing may be published for them. */
  unknown?: Partial<Record<Family, Unknown>>;
}

/** Code of an address that is being asked for: no fault, and soon over. */
export const ASKING = 'source/ASKING';

/** Why something is not known, for the operator. */
export interface Unknown {
  /** Stable `subsystem/CODE`. */
  code: string;
  /** Ends with what to do next. */
  sentence: string;
}

/** Everything known about the interfaces at one moment, by name. */
export type WanSnapshot = Record<string, WanInterface>;

/** "Could not find out" and "known to have none" are different values. */
export type Observation = { known: true; snapshot: WanSnapshot } | ({ known: false } & Unknown);
