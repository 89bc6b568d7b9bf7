/** Where a name lies: its zone, the servers above it, and those that it is delegated to now. */
import type { ParentAnswer, ZoneView } from '../../core/health.ts';
import { askInTurn } from '../../core/in-turn.ts';
import { zoneCandidates } from '../../core/zone-candidates.ts';
import type { DnsReply, DnsServer } from '../../ports.ts';
import { labelOf, type NamedServer, type Timed } from './answers.ts';
import type { VerifyParts } from './parts.ts';

export interface Zone {
  name: string;
  parents: NamedServer[];
}

/** What the zone above says of a zone. */
export interface Delegation {
  answers: ParentAnswer[];
  /** The servers by name, those without an address as well. */
  view?: ZoneView;
}

interface Learned<T> {
  value: T;
  /** Monotonic ms. */
  atMs: number;
}

/** Each by the name that was asked for. */
export interface ZoneMemory {
  zones: Map<string, Learned<Zone>>;
  parents: Map<string, Learned<NamedServer[]>>;
  delegations: Map<string, Learned<Delegation>>;
  addresses: Map<string, Learned<string[]>>;
}

export function newZoneMemory(): ZoneMemory {
  return { zones: new Map(), parents: new Map(), delegations: new Map(), addresses: new Map() };
}

export interface Zones {
  /** Undefined: neither found nor known from before. */
  find(hostname: string, before: string | undefined): Promise<Zone | undefined>;
  delegation(zone: Zone): Promise<Delegation>;
  /** The servers as a resolver has them, where the zone above does not say. */
  resolvedView(zone: string): Promise<ZoneView | undefined>;
}

/** Where a zone is cut and who is above it hardly ever changes; an hour spares the resolvers. */
const ZONE_AGE_MS = 3_600_000;
/** The names of one zone are checked one after another: one question for all of them, and none for the next check. */
const DELEGATION_AGE_MS = 5_000;
const ADDRESS_AGE_MS = 3_600_000;
const MAX_NAME_SERVERS = 8;
const MAX_PARENT_SERVERS = 2;
/** Longer than the first try, whose packet may be lost; a resolver that must look far itself may take so long. */
const SILENCE_MS = 2000;

type Ask = (server: DnsServer, name: string, type: 'NS') => Promise<Timed>;

export function createZones(parts: VerifyParts, learned: ZoneMemory, ask: Ask): Zones {
  const { clock } = parts;
  const zones = memory(learned.zones, ZONE_AGE_MS);
  const parentsOf = memory(learned.parents, ZONE_AGE_MS);
  const delegations = memory(learned.delegations, DELEGATION_AGE_MS);
  const addresses = memory(learned.addresses, ADDRESS_AGE_MS);

  async function find(hostname: string, before: string | undefined): Promise<Zone | undefined> {
    const fresh = zones.get(hostname);
    if (fresh) {
      return fresh;
    }
    const apex = await apexOf(hostname);
    // A zone that was taken away resolves nowhere, and then the zone above looks like that of the name.
    const known = before !== undefined && `.${hostname}`.endsWith(`.${before}`) ? before : undefined;
    const name = known !== undefined && known.length > (apex?.length ?? 0) ? known : apex;
    if (name === undefined) {
      return undefined;
    }
    const parents = await parentServers(name);
    const zone = { name, parents };
    if (apex === name && parents.length > 0) {
      zones.set(hostname, zone);
    }
    return zone;
  }

  async function parentServers(zone: string): Promise<NamedServer[]> {
    const known = parentsOf.get(zone);
    if (known) {
      return known;
    }
    const [, above] = zoneCandidates(zone);
    const parent = above === undefined ? undefined : await apexOf(above);
    const view = parent === undefined ? undefined : await resolvedView(parent);
    const servers = serversOf(view, parts.settings().dnsPort).slice(0, MAX_PARENT_SERVERS);
    if (servers.length > 0) {
      parentsOf.set(zone, servers);
    }
    // Better those of an hour ago than none.
    return servers.length > 0 ? servers : (parentsOf.last(zone) ?? []);
  }

  /** The NS set as the zone above has it: a referral in AUTHORITY (RFC 1034 section 4.3.1). */
  async function delegation({ name, parents }: Zone): Promise<Delegation> {
    const known = delegations.get(name);
    if (known) {
      return known;
    }
    const replies = await Promise.all(
      parents.map(async (server) => ({ server, ...(await ask(server, name, 'NS')) })),
    );
    const answers: ParentAnswer[] = [];
    const glue = new Map<string, string[]>();
    for (const { server, result, tookMs } of replies) {
      if (result.kind === 'reply') {
        const { rcode, authoritative, transport, additionals } = result.reply;
        const nameServers = delegatedTo(name, result.reply);
        const isAbsent = authoritative && (rcode === 'NXDOMAIN' || rcode === 'NOERROR');
        const isReferral = nameServers.length > 0;
        const kind = isAbsent ? ('absent' as const) : ('intercepted' as const);
        const marks = [rcode, ...(authoritative ? ['AA'] : []), transport, `${Math.round(tookMs)} ms`];
        // A fault of the server says nothing of the zone.
        if (isReferral || isAbsent || rcode === 'NOERROR' || rcode === 'NXDOMAIN') {
          const detail = marks.join(', ');
          answers.push({ server: labelOf(server), nameServers, detail, ...(!isReferral && { kind }) });
        }
        for (const record of additionals) {
          if (nameServers.includes(record.name) && (record.type === 'A' || record.type === 'AAAA')) {
            glue.set(record.name, [...(glue.get(record.name) ?? []), record.value]);
          }
        }
      }
    }
    const names = [...new Set(answers.flatMap(({ nameServers }) => nameServers))].sort();
    const found = { answers, ...(names.length > 0 && { view: await viewOf(names, glue) }) };
    delegations.set(name, found);
    return found;
  }

  async function resolvedView(zone: string): Promise<ZoneView | undefined> {
    const reply = await resolve(zone, 'NS', ({ answers }) => answers.some(({ type }) => type === 'NS'));
    const names = (reply?.answers ?? []).flatMap(({ type, value }) => (type === 'NS' ? value : []));
    return names.length === 0 ? undefined : viewOf([...new Set(names)].sort(), new Map());
  }

  async function viewOf(names: readonly string[], glue: ReadonlyMap<string, string[]>): Promise<ZoneView> {
    const nameServers = await Promise.all(
      names.slice(0, MAX_NAME_SERVERS).map(async (name) => ({
        name,
        addresses: [...new Set(glue.get(name) ?? (await addressesOf(name)))].sort(),
      })),
    );
    return { nameServers };
  }

  async function addressesOf(name: string): Promise<string[]> {
    const known = addresses.get(name);
    if (known) {
      return known;
    }
    const replies = await Promise.all((['A', 'AAAA'] as const).map((type) => resolve(name, type, isUsable)));
    const found = replies.flatMap((reply) =>
      (reply?.answers ?? []).flatMap(({ type, value }) => (type === 'A' || type === 'AAAA' ? value : [])),
    );
    if (found.length > 0) {
      addresses.set(name, found);
    }
    return found.length > 0 ? found : (addresses.last(name) ?? []);
  }

  /** The owner of the SOA for a name is its zone (RFC 2308 section 2); behind a CNAME the name above tells. */
  async function apexOf(name: string): Promise<string | undefined> {
    for (const candidate of zoneCandidates(name)) {
      const reply = await resolve(
        candidate,
        'SOA',
        (one) => apexIn(candidate, one) !== undefined || one.answers.some(({ type }) => type === 'CNAME'),
      );
      const apex = reply && apexIn(candidate, reply);
      if (apex !== undefined || !reply) {
        return apex;
      }
    }
    return undefined;
  }

  /** The resolvers of this network, then those of the public: a filter at home must not hide a zone. */
  async function resolve(
    name: string,
    type: 'SOA' | 'NS' | 'A' | 'AAAA',
    isUseful: (reply: DnsReply) => boolean,
  ): Promise<DnsReply | undefined> {
    return askInTurn({
      all: [...(await parts.resolvers()), ...parts.settings().publicResolvers],
      async ask(server) {
        const result = await parts.dns.ask(server, { name, type, recursionDesired: true });
        return result.kind === 'reply' && isUseful(result.reply) ? result.reply : undefined;
      },
      silenceMs: SILENCE_MS,
      after: (delayMs, run) => clock.after(delayMs, run),
    });
  }

  function memory<T>(kept: Map<string, Learned<T>>, ageMs: number) {
    return {
      get(key: string): T | undefined {
        const one = kept.get(key);
        return one && clock.monotonicMs() - one.atMs < ageMs ? one.value : undefined;
      },
      last: (key: string): T | undefined => kept.get(key)?.value,
      set(key: string, value: T): void {
        kept.set(key, { value, atMs: clock.monotonicMs() });
      },
    };
  }

  return { find, delegation, resolvedView };
}

/** The servers at their addresses. */
export function serversOf(view: ZoneView | undefined, port: number): NamedServer[] {
  return (view?.nameServers ?? []).flatMap(({ name, addresses }) =>
    addresses.map((address) => ({ name, address, port })),
  );
}

/** A referral, or the answer of a server that has both zones. What a cache answers has neither shape. */
function delegatedTo(zone: string, { authoritative, answers, authorities }: DnsReply): string[] {
  const records = authoritative ? [...answers, ...authorities] : answers.length === 0 ? authorities : [];
  const names = records.flatMap(({ type, name, value }) => (type === 'NS' && name === zone ? value : []));
  return [...new Set(names)].sort();
}

function apexIn(name: string, { answers, authorities }: DnsReply): string | undefined {
  return [...answers, ...authorities].find(
    (record) => record.type === 'SOA' && (name === record.name || name.endsWith(`.${record.name}`)),
  )?.name;
}

/** NODATA is an answer too; 0.0.0.0 and :: are those of a filter. */
function isUsable({ rcode, answers }: DnsReply): boolean {
  return rcode === 'NOERROR' && !answers.some(({ value }) => value === '0.0.0.0' || value === '::');
}
