/** Reads what netifd says about its interfaces: `network.interface dump` and its notifications. */
import { type Family, parseAddress } from '../core/address.ts';
import type { DelegatedPrefix, InterfaceAddress, WanInterface } from '../core/wan.ts';

/** More of anything than a router can have; the rest is ignored. */
const MAX_ENTRIES = 512;
const FOREVER_SEC = 0xffff_ffff;

type Json = Record<string, unknown>;

/** The interfaces of a dump by name, or undefined when this is not a dump. */
export function parseDump(answer: unknown): Map<string, WanInterface> | undefined {
  if (!isRecord(answer) || !Array.isArray(answer.interface)) {
    return undefined;
  }
  const interfaces = recordsOf(answer.interface).flatMap((status) => parseStatus(status) ?? []);
  return new Map(interfaces.map((one) => [one.name, one]));
}

/**
 * One line of `ubus subscribe network.interface`: `{ "interface.update": { whole status } }`. Undefined
 * when it tells nothing that could be trusted; the caller then reads the dump.
 */
export function parseNotification(line: string): WanInterface | undefined {
  const message = parseRecord(line);
  const [name, status] = Object.entries(message ?? {})[0] ?? [];
  if (!name?.startsWith('interface.') || !isRecord(status)) {
    return undefined;
  }
  const parsed = parseStatus(status);
  return parsed && name === 'interface.down' ? takenDown(parsed.name) : parsed;
}

/** The path in a line of `ubus listen ubus.object.add`, if it is one. */
export function parseAddedObject(line: string): string | undefined {
  const added = parseRecord(line)?.['ubus.object.add'];
  return isRecord(added) && typeof added.path === 'string' ? added.path : undefined;
}

function parseStatus(status: Json): WanInterface | undefined {
  const { interface: name, up, l3_device: device } = status;
  if (typeof name !== 'string' || name === '' || name.length > 64 || typeof up !== 'boolean') {
    return undefined;
  }
  if (!up) {
    return takenDown(name);
  }
  // `inactive` holds what netifd knows but has not put into force; it is left out on purpose.
  const assignments = recordsOf(status['ipv6-prefix-assignment']);
  return {
    name,
    up,
    ...(typeof device === 'string' && device !== '' ? { device } : {}),
    addresses: [
      ...recordsOf(status['ipv4-address']),
      ...recordsOf(status['ipv6-address']),
      // The router's own address within a prefix delegated from a WAN stands only here.
      ...assignments.map((one) => one['local-address']).filter(isRecord),
    ].flatMap((one) => parseInterfaceAddress(one) ?? []),
    prefixes: recordsOf(status['ipv6-prefix']).flatMap((one) => parsePrefix(one) ?? []),
    defaultRoute: defaultRoutes(recordsOf(status.route)),
    ...gatewayOf(recordsOf(status.route)),
  };
}

function takenDown(name: string): WanInterface {
  return { name, up: false, addresses: [], prefixes: [], defaultRoute: [] };
}

function parseInterfaceAddress(entry: Json): InterfaceAddress | undefined {
  const parsed = parseAddress(typeof entry.address === 'string' ? entry.address : '');
  const prefixLength = entry.mask;
  if (!parsed || !isCount(prefixLength) || prefixLength > (parsed.family === 'ipv4' ? 32 : 128)) {
    return undefined;
  }
  return { address: parsed.canonical, prefixLength, ...lifetimes(entry) };
}

function parsePrefix(entry: Json): DelegatedPrefix | undefined {
  const prefix = parseInterfaceAddress(entry);
  if (!prefix) {
    return undefined;
  }
  const parts = isRecord(entry.assigned) ? Object.entries(entry.assigned).slice(0, MAX_ENTRIES) : [];
  const assigned = parts.flatMap(([network, part]) => {
    const parsed = isRecord(part) ? parseInterfaceAddress(part) : undefined;
    return parsed ? [{ network, address: parsed.address, prefixLength: parsed.prefixLength }] : [];
  });
  return { ...prefix, assigned };
}

/** netifd leaves lifetimes out where there is no end; the kernel's word for that is 2^32-1. */
function lifetimes({ preferred, valid }: Json): { preferredSec?: number; validSec?: number } {
  return {
    ...(isCount(preferred) && preferred < FOREVER_SEC ? { preferredSec: preferred } : {}),
    ...(isCount(valid) && valid < FOREVER_SEC ? { validSec: valid } : {}),
  };
}

function defaultRoutes(routes: Json[]): Family[] {
  const targets = new Set(routes.filter((route) => route.mask === 0).map((route) => route.target));
  return [
    ...(targets.has('0.0.0.0') ? (['ipv4'] satisfies Family[]) : []),
    ...(targets.has('::') ? (['ipv6'] satisfies Family[]) : []),
  ];
}

/** A point-to-point line has the route without a router: `0.0.0.0`. */
function gatewayOf(routes: Json[]): { gateway?: string } {
  const route = routes.find(({ target, mask }) => mask === 0 && target === '0.0.0.0');
  const nexthop = parseAddress(typeof route?.nexthop === 'string' ? route.nexthop : '');
  return nexthop?.family === 'ipv4' && nexthop.canonical !== '0.0.0.0' ? { gateway: nexthop.canonical } : {};
}

function parseRecord(line: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function recordsOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.slice(0, MAX_ENTRIES).filter(isRecord) : [];
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
