/** Which address of which interface is published for a hostname. */
import { combine, type Family, parseAddress, parseSuffix, type Scope, scopeOf } from './address.ts';
import type { HostPlan } from './plan.ts';
import { baseOf, kindOf } from './source-key.ts';
import type { DelegatedPrefix, InterfaceAddress, WanInterface, WanSnapshot } from './wan.ts';

export interface Choice {
  address: string;
  /** The interface it comes from, and the device an update must leave through. */
  network: string;
  device: string;
}

export interface NoChoice {
  code: string;
  sentence: string;
  /** Nobody could find out: "none" would be saying too much. */
  unknown?: true;
}

/** Interfaces without anything that could be published, in order of preference. */
interface Idle {
  down: string[];
  /** Up, and nothing there. */
  empty: string[];
}

/** Has the name an address, one of this family, and has the line IPv6 and nothing else? */
interface Known {
  name: boolean;
  family: boolean;
  isIpv6Alone: boolean;
}

/** Why an address of this scope is not published; the sentence tells what to do. */
const REFUSALS: Record<Exclude<Scope, 'public'>, NoChoice> = {
  private: {
    code: 'address/PRIVATE',
    sentence:
      'is private (RFC 1918): another router stands in front of this one (double NAT). ' +
      'Set that router to bridge mode, or run the update there; nobody outside could reach this address.',
  },
  shared: {
    code: 'address/CGNAT',
    sentence:
      'belongs to your ISP (100.64.0.0/10, carrier-grade NAT): you share a public IPv4 address with others ' +
      'and cannot be reached on it. Ask the ISP for a public address, or publish IPv6 instead.',
  },
  'unique-local': {
    code: 'address/UNIQUE_LOCAL',
    sentence: 'is a unique local address (fc00::/7), valid at home only. Ask the ISP for an IPv6 prefix.',
  },
  documentation: {
    code: 'address/DOCUMENTATION',
    sentence:
      'is reserved for documentation and reaches nobody. Only a laboratory sets allow_private for it.',
  },
  special: {
    code: 'address/SPECIAL',
    sentence: 'is reserved for a special purpose and reaches nobody on the Internet. Check the WAN settings.',
  },
  'link-local': {
    code: 'address/LINK_LOCAL',
    sentence: 'is link-local: the WAN has not got a real address yet. Check the cable and the ISP login.',
  },
  never: { code: 'address/UNUSABLE', sentence: 'can never be a public address. Check the WAN settings.' },
};

const IPV6_ALONE =
  "There is IPv6. If it stays so (DS-Lite), nobody comes in over IPv4: set option family to 'ipv6', " +
  'or ask the ISP for a public IPv4 address.';

/** What asking the outside would bring to whoever reads this of an address of the router's own. */
const BY_ASKING: Partial<Record<Scope, string[]>> = {
  private: [
    "Option source 'web' or 'router' would publish the address of the router in front, which helps only where",
    'that address is public and that router forwards the ports to this one.',
  ],
  shared: [
    "Option source 'web' would publish the shared address, under which others answer and you do not;",
    'it helps only where the ISP forwards ports to you.',
  ],
};

/**
 * Chooses the address of one family: the first interface of `host.networks` that is up and has a suitable
 * one. An interface stands for its companions on the same device too (`wan6` beside `wan`). Among several
 * addresses the one already published stays as long as it is there; else the system's order counts.
 * `isPublished`: the name has an address of some family.
 */
export function choose(
  host: HostPlan,
  family: Family,
  snapshot: WanSnapshot,
  published: string | undefined,
  isPublished = published !== undefined,
): Choice | NoChoice {
  let refusal: NoChoice | undefined;
  const idle: Idle = { down: [], empty: [] };
  let isIpv6Alone = false;
  for (const network of host.networks) {
    const own = snapshot[network];
    if (!own) {
      refusal ??= {
        code: 'wan/ABSENT',
        sentence: `Interface '${network}' does not exist. Check its name under Network, Interfaces.`,
      };
      continue;
    }
    const companions = Object.values(snapshot).filter((other) => other !== own && sharesDevice(own, other));
    // Whether another interface should take over is not known either.
    const isAsked = family === 'ipv4' || host.ipv6Suffix === undefined;
    const unknown = own.up && isAsked ? own.unknown?.[family] : undefined;
    if (unknown) {
      return { ...unknown, unknown: true };
    }
    for (const wan of [own, ...(family === 'ipv6' ? companions : [])].filter((one) => one.up)) {
      const candidates = candidatesOf(host, family, wan, refuse);
      const address = candidates.find((one) => one === published) ?? candidates[0];
      if (address !== undefined && wan.device !== undefined) {
        return { address, network: wan.name, device: wan.device };
      }
    }
    idle[own.up ? 'empty' : 'down'].push(network);
    isIpv6Alone ||= [own, ...companions].some((one) => one.up && one.defaultRoute.includes('ipv6'));
  }
  return (
    refusal ??
    nothingOn(host, family, idle, { name: isPublished, family: published !== undefined, isIpv6Alone }) ?? {
      code: 'wan/ABSENT',
      sentence: 'No interface is configured. Set option network.',
    }
  );

  function refuse(address: string, scope: Exclude<Scope, 'public'>): void {
    const { code, sentence } = REFUSALS[scope];
    // A link-local address stands beside every other one and explains nothing.
    if (refusal === undefined && idle.down.length === 0 && scope !== 'link-local') {
      const byAsking = kindOf(host.source) === baseOf(host.source) ? BY_ASKING[scope] : undefined;
      refusal = { code, sentence: [address, sentence, ...(byAsking ?? [])].join(' ') };
    }
  }
}

export function isChosen(choice: Choice | NoChoice): choice is Choice {
  return 'address' in choice;
}

export function isUnknown(choice: Choice | NoChoice): boolean {
  return 'unknown' in choice;
}

function sharesDevice(one: WanInterface, other: WanInterface): boolean {
  return one.device !== undefined && one.device === other.device;
}

function candidatesOf(
  host: HostPlan,
  family: Family,
  wan: WanInterface,
  refuse: (address: string, scope: Exclude<Scope, 'public'>) => void,
): string[] {
  const raw =
    family === 'ipv6' && host.ipv6Suffix !== undefined
      ? suffixed(host, wan, host.ipv6Suffix)
      : wan.addresses.filter(isStable).map((one) => one.address);
  return raw.flatMap((text) => {
    const parsed = parseAddress(text);
    if (parsed?.family !== family) {
      return [];
    }
    const scope = scopeOf(parsed.canonical);
    if (scope === 'public' || (host.allowPrivate && scope !== 'never' && scope !== 'link-local')) {
      return [parsed.canonical];
    }
    refuse(parsed.canonical, scope);
    return [];
  });
}

/** Preferred lifetime over zero (RFC 4862 section 5.5.4), not temporary, not tentative. */
function isStable(address: InterfaceAddress): boolean {
  return address.preferredSec !== 0 && !address.temporary && !address.tentative;
}

/**
 * The LAN host's address under each prefix in use. A host part within the lower 64 bits goes onto the part
 * assigned to the LAN; a longer one names its own subnet within the delegated prefix. Where nothing is
 * delegated (source `device`), the /64 of the interface's own addresses serves.
 */
function suffixed(host: HostPlan, wan: WanInterface, suffixText: string): string[] {
  const suffix = parseSuffix(suffixText);
  if (suffix === undefined) {
    return [];
  }
  const inUse = wan.prefixes.filter((prefix) => prefix.preferredSec !== 0);
  const bases =
    inUse.length > 0 || baseOf(host.source) === 'network'
      ? inUse.map((prefix) => (suffix >> 64n === 0n ? lanPart(prefix) : prefix))
      : (wan.local ?? wan.addresses).filter(isStable).filter((one) => one.prefixLength <= 64);
  return bases.flatMap((base) => {
    const parsed = parseAddress(base.address);
    const combined =
      parsed?.family === 'ipv6' ? combine(parsed.canonical, base.prefixLength, suffix) : undefined;
    return combined ?? [];
  });
}

function lanPart(prefix: DelegatedPrefix): { address: string; prefixLength: number } {
  return prefix.assigned.find((part) => part.network === 'lan') ?? prefix.assigned[0] ?? prefix;
}

/** Of several interfaces each is named: one that is down may be the only one for this family. */
function nothingOn(
  host: HostPlan,
  family: Family,
  { down, empty }: Idle,
  known: Known,
): NoChoice | undefined {
  const isPrefix = family === 'ipv6' && host.ipv6Suffix !== undefined;
  const code = isPrefix ? 'wan/NO_PREFIX' : 'wan/NO_ADDRESS';
  const what = `${label(family)} ${isPrefix ? 'prefix' : 'address'}`;
  const kept = known.name ? '; the name keeps its last address.' : '.';
  const [first = ''] = host.networks;
  if (empty.length === 0) {
    const sentence = `${interfaces(down, 'is down', 'are down')}${kept}`;
    return down.length === 0 ? undefined : { code: 'wan/DOWN', sentence };
  }
  if (down.length > 0) {
    const reasons = `${interfaces(down, 'is down', 'are down')}, and ${quoted(empty)}`;
    const sentence = `${reasons} ${empty.length === 1 ? 'has' : 'have'} no ${what}${kept}`;
    return { code: down.includes(first) ? 'wan/DOWN' : code, sentence };
  }
  const has = interfaces(empty, 'has', 'have');
  const last = known.family ? '; the name keeps its last one' : '';
  const hint = family === 'ipv4' && known.isIpv6Alone ? ` ${IPV6_ALONE}` : '';
  return isPrefix
    ? { code, sentence: `${has} no ${what} that ipv6_suffix fits${kept} Ask the ISP for a prefix.` }
    : { code, sentence: `${has} no ${what} now${last}.${hint}` };
}

function interfaces(names: readonly string[], one: string, several: string): string {
  return names.length === 1 ? `Interface ${quoted(names)} ${one}` : `Interfaces ${quoted(names)} ${several}`;
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(' and ');
}

function label(family: Family): string {
  return family === 'ipv4' ? 'IPv4' : 'IPv6';
}
