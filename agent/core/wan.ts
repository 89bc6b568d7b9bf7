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
}

/** Everything known about the interfaces at one moment, by name. */
export type WanSnapshot = Record<string, WanInterface>;

/** "Could not find out" and "known to have none" are different values. */
export type Observation =
  | { known: true; snapshot: WanSnapshot }
  | { known: false; code: string; sentence: string };
