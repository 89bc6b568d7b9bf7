/**
 * Reads what `ip address show` and `ip route show default` print: JSON from iproute2, plain text from
 * BusyBox and from builds of iproute2 without JSON.
 */
import { type Family, parseAddress } from '../core/address.ts';
import type { InterfaceAddress, WanInterface, WanSnapshot } from '../core/wan.ts';

/** What the kernel says for "without end". */
const FOREVER_SEC = 0xffff_ffff;
/** More than a router can have; the rest is ignored. */
const MAX_ENTRIES = 4096;

type Json = Record<string, unknown>;

/** The devices with their addresses, default routes still empty; undefined when the text is not understood. */
export function parseAddresses(text: string, form: 'json' | 'text'): WanInterface[] | undefined {
  if (form === 'text') {
    const devices = addressesFromText(text);
    return devices.length > 0 ? devices : undefined;
  }
  return parseRecords(text)?.flatMap((link) => {
    const { ifname: name, flags, addr_info: addresses } = link;
    return typeof name === 'string' && Array.isArray(flags)
      ? [device(name, flags, recordsOf(addresses).flatMap(addressFromJson))]
      : [];
  });
}

/** Names of the devices that carry a default route; none when the text is not understood. */
export function parseDefaultRoutes(text: string, form: 'json' | 'text'): string[] {
  if (form === 'text') {
    const routes = text.split('\n', MAX_ENTRIES).filter((line) => line.startsWith('default '));
    return routes.flatMap((line) => /\bdev (\S+)/.exec(line)?.[1] ?? []);
  }
  return (parseRecords(text) ?? [])
    .filter(({ dst, type }) => dst === 'default' && (type === undefined || type === 'unicast'))
    .flatMap((route) => [route, ...recordsOf(route.nexthops)])
    .filter(({ flags }) => !(Array.isArray(flags) && (flags.includes('dead') || flags.includes('linkdown'))))
    .flatMap(({ dev }) => (typeof dev === 'string' ? [dev] : []));
}

/** The router behind the IPv4 default route of each device; none for a point-to-point line. */
export function parseGateways(text: string, form: 'json' | 'text'): Map<string, string> {
  const pairs: unknown[][] =
    form === 'text'
      ? [...text.matchAll(/^default via (\S+) .*?\bdev (\S+)/gm)].map((match) => match.slice(1))
      : (parseRecords(text) ?? [])
          .filter(({ dst }) => dst === 'default')
          .flatMap((route) => [route, ...recordsOf(route.nexthops)])
          .map(({ gateway, dev }) => [gateway, dev]);
  const gateways = new Map<string, string>();
  for (const [gateway, dev] of pairs) {
    const parsed = parseAddress(typeof gateway === 'string' ? gateway : '');
    // The first is the one with the lowest metric.
    if (parsed?.family === 'ipv4' && typeof dev === 'string' && !gateways.has(dev)) {
      gateways.set(dev, parsed.canonical);
    }
  }
  return gateways;
}

/** Puts devices, their default routes and the routers behind these together. */
export function toSnapshot(
  devices: WanInterface[],
  routes: Record<Family, string[]>,
  gateways: ReadonlyMap<string, string>,
): WanSnapshot {
  const families = ['ipv4', 'ipv6'] satisfies Family[];
  return Object.fromEntries(
    devices.map((one) => {
      const defaultRoute = families.filter((family) => one.up && routes[family].includes(one.name));
      const gateway = one.up ? gateways.get(one.name) : undefined;
      return [one.name, { ...one, defaultRoute, ...(gateway !== undefined && { gateway }) }];
    }),
  );
}

/** A device counts as up when it is switched on and has a carrier; else nothing of it can be used. */
function device(name: string, flags: unknown[], addresses: InterfaceAddress[]): WanInterface {
  return flags.includes('UP') && flags.includes('LOWER_UP')
    ? { name, up: true, device: name, addresses, prefixes: [], defaultRoute: [] }
    : { name, up: false, addresses: [], prefixes: [], defaultRoute: [] };
}

function addressFromJson(entry: Json): InterfaceAddress[] {
  const { local, prefixlen, preferred_life_time: preferred, valid_life_time: valid } = entry;
  return toAddress(
    typeof local === 'string' ? local : '',
    count(prefixlen),
    entry.deprecated === true ? 0 : count(preferred),
    count(valid),
    entry.temporary === true,
    entry.tentative === true || entry.dadfailed === true,
  );
}

function addressesFromText(text: string): WanInterface[] {
  const devices: WanInterface[] = [];
  const lines = text.split('\n', MAX_ENTRIES).map((line) => line.trim());
  for (const [index, line] of lines.entries()) {
    const [, name, flags] = /^\d+: ([^:@\s]+)(?:@[^:\s]*)?: <([^>]*)>/.exec(line) ?? [];
    const current = devices.at(-1);
    if (name !== undefined && flags !== undefined) {
      devices.push(device(name, flags.split(','), []));
    } else if (/^inet6? /.test(line) && current?.up) {
      current.addresses.push(...addressFromText(line.split(/\s+/), (lines[index + 1] ?? '').split(/\s+/)));
    }
  }
  return devices;
}

/** `inet A/24 ...` or `inet A peer B/32 ...`, and below it `valid_lft 90sec preferred_lft forever`. */
function addressFromText(words: string[], lifetimes: string[]): InterfaceAddress[] {
  const local = words[1]?.split('/')[0] ?? '';
  const length = words.find((word) => word.includes('/'))?.split('/')[1];
  const lifetime = (name: string) => Number.parseInt(lifetimes[lifetimes.indexOf(name) + 1] ?? '', 10);
  return toAddress(
    local,
    Number(length),
    words.includes('deprecated') ? 0 : lifetime('preferred_lft'),
    lifetime('valid_lft'),
    // BusyBox shows the flag that IPv6 uses for temporary addresses under its IPv4 name.
    words[0] === 'inet6' && (words.includes('temporary') || words.includes('secondary')),
    words.includes('tentative') || words.includes('dadfailed'),
  );
}

function toAddress(
  text: string,
  prefixLength: number,
  preferredSec: number,
  validSec: number,
  temporary: boolean,
  tentative: boolean,
): InterfaceAddress[] {
  const address = parseAddress(text);
  const limit = address?.family === 'ipv4' ? 32 : 128;
  if (!address || !Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > limit) {
    return [];
  }
  return [
    {
      address: address.canonical,
      prefixLength,
      ...(preferredSec < FOREVER_SEC ? { preferredSec } : {}),
      ...(validSec < FOREVER_SEC ? { validSec } : {}),
      ...(temporary ? { temporary } : {}),
      ...(tentative ? { tentative } : {}),
    },
  ];
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : Number.NaN;
}

function parseRecords(text: string): Json[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? recordsOf(value) : undefined;
  } catch {
    return undefined;
  }
}

function recordsOf(value: unknown): Json[] {
  return Array.isArray(value)
    ? value.slice(0, MAX_ENTRIES).filter((one): one is Json => typeof one === 'object' && one !== null)
    : [];
}
