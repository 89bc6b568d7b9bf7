/** The DNS of the test world: root, parent, provider, standby and "seized" name servers, and resolvers. */
import { isIPv6 } from 'node:net';
import type { WorldClock } from './clock.ts';
import {
  type DnsAnswer,
  type DnsListener,
  type DnsQuery,
  listenDns,
  type OnSilence,
  type Transport,
} from './dns-socket.ts';
import { createFilter, type Filter } from './filter.ts';
import { createResolver, type Resolver } from './resolver.ts';
import {
  answerFrom,
  apexSoa,
  createZone,
  emptyReply,
  isRecordKind,
  isWithin,
  type RecordKind,
  type Reply,
  rcodes,
  records,
  rootAnswer,
  upwardReferral,
  withRecords,
  type Zone,
  zoneFor,
} from './zone.ts';

/** `root`: of nobody's zone, so it tells whether DNS works at all. */
export const serverRoles = ['root', 'parent', 'provider', 'standby', 'registrar', 'seized'] as const;
export type ServerRole = (typeof serverRoles)[number];

/** How the servers that took a zone away answer for it. They never say NXDOMAIN; `zone.ts` knows the rest. */
export const seizeModes = ['copy', 'drop', 'sinkhole', 'partial', 'stale'] as const;
export type SeizeMode = (typeof seizeModes)[number];

/**
 * `stale`: no change since the fault began; `lame`: REFUSED; `referral`: lame, points at the parent;
 * `servfail`; `dead`: silence; `udp-dead`, `tcp-dead`: silence on one transport; `truncate`: every answer over
 * UDP is cut; `no-edns`: FORMERR for a question with EDNS (RFC 6891 section 7); `nxdomain`, `nodata`: knows no
 * name, no address; `forged-udp`: somebody gives the sinkhole's address in its place, over UDP alone;
 * `no-authority`: right, but without AA; `garbage`: bytes that are no DNS message.
 */
export const serverFaults = [
  ...(['stale', 'lame', 'referral', 'servfail', 'dead', 'udp-dead', 'tcp-dead', 'truncate'] as const),
  ...(['no-edns', 'nxdomain', 'nodata', 'forged-udp', 'no-authority', 'garbage'] as const),
] as const;
export type ServerFault = (typeof serverFaults)[number];

export type Port53 = 'open' | 'intercepted' | 'blocked';

/** The name of a server, or the position of one of the provider's. */
export type ServerRef = string | number;

export interface WorldOptions {
  clock: WorldClock;
  /** `resolver`: those of the public; `localResolver`: the one of the user's own network. */
  addresses: Record<ServerRole | 'resolver', readonly string[]> & { localResolver: string };
  /** Port of all servers; 0 picks one that is free on every address. */
  dnsPort: number;
  /** DDNS zones at the provider's servers, one label under `example`. */
  zones: readonly string[];
  /** Further names with their addresses, e.g. the update server's. */
  fixedNames: Readonly<Record<string, string>>;
  /** TTL of the NS sets in the parent zone, in seconds. */
  parentNsTtlSec: number;
  resolverTimeoutMs: number;
  /** A fraction in [0, 1). */
  random: () => number;
  onSilence?: OnSilence;
}

export interface NameServerInfo {
  name: string;
  address: string;
  role: ServerRole;
}

export interface LoggedDnsQuery {
  atMs: number;
  server: string;
  name: string;
  type: string;
  transport: Transport;
  remoteAddress: string;
}

export interface World {
  port: number;
  servers: readonly NameServerInfo[];
  resolvers: readonly string[];
  localResolver: string;
  /** The answer of a public resolver as it stands, for those who come over another way than DNS. */
  resolve(position: number, query: DnsQuery): Promise<DnsAnswer>;
  /** All zones but the parent's and that of the seized servers. */
  zoneNames: readonly string[];
  serial(zone: string): number;
  /** The values that the primary copy holds. */
  values(name: string, kind: RecordKind): readonly string[];
  /** Replaces a record set; no values remove it. Throws when no zone holds the name. */
  setValues(name: string, kind: RecordKind, values: readonly string[], ttlSec?: number): void;
  /** Servers that answer for the name by the parent's word. */
  delegatedTo(zone: string): readonly string[];
  seize(zone: string, mode: SeizeMode, options?: SeizeOptions): void;
  handBack(zone: string): void;
  /** Sets the NS set of the zone at the parent; the servers themselves know nothing of it. */
  delegate(zone: string, nameServers: readonly string[]): void;
  /** Ends a seizure altogether: handed back, and the other servers know the zone no more. */
  release(zone: string): void;
  setFault(server: ServerRef, fault: ServerFault, on: boolean): void;
  /** Age of the serving copies of the provider's servers, or of one of them. */
  setPropagationDelay(delayMs: number, server?: ServerRef): void;
  flushResolver(position?: number): void;
  /**
   * Something on the way sits between a client and every server: a cache that answers in the server's place
   * without authority, or a wall. The resolvers sit behind it and see the world as it is.
   */
  setPort53(state: Port53): void;
  /** What the local resolver keeps from its users. */
  localFilter: Filter;
  queryCounts(): Record<string, number>;
  queryLog(): readonly LoggedDnsQuery[];
  close(): Promise<void>;
}

export const parentZone = 'example';
export const providerZone = 'provider.example';
export const standbyZone = 'standby.example';
/** A zone of a user's own, at a DNS host that is neither of the two providers. */
export const ownZone = 'family.example';
const registrarZone = 'registrar.example';
const seizureZone = 'seizure.example';
/** Where sinkholed names lead. */
export const sinkhole = { ipv4: '198.51.100.66', ipv6: '2001:db8:dead::66' } as const;

/** TTL of dynamic names, as the large providers set it. */
const hostTtlSec = 60;
const fixedTtlSec = 3600;
/** Share of questions that overloaded servers never answer. */
const droppedShare = 0.95;
const forwardedShareByDefault = 0.5;
const maxLoggedQueries = 10_000;
const portAttempts = 50;

/** The versions of one zone, oldest first, so that slow secondaries can serve an older one. */
interface History {
  versions: { sinceMs: number; zone: Zone }[];
}

interface NameServer extends NameServerInfo {
  histories: History[];
  faults: Set<ServerFault>;
  /** What a stale server still serves. */
  frozen?: readonly Zone[];
  delayMs: number;
}

export interface SeizeOptions {
  /** Lead to the sinkhole in any mode. */
  badNames?: readonly string[];
  /** In mode `partial`: the share of questions that are forwarded, in [0, 1]; default a half. */
  forwardedShare?: number;
}

interface Seizure {
  mode: SeizeMode;
  /** The zone as it was when it was taken. */
  snapshot: Zone;
  badNames: readonly string[];
  forwardedShare: number;
}

export async function startWorld(options: WorldOptions): Promise<World> {
  const { clock } = options;
  const servers = createServers(options.addresses);
  const namesOf = (role: ServerRole) => servers.filter((one) => one.role === role).map((one) => one.name);
  const zoneRoles = new Map<string, ServerRole>([
    [providerZone, 'provider'],
    ...options.zones.map((zone): [string, ServerRole] => [zone, 'provider']),
    [standbyZone, 'standby'],
    [registrarZone, 'registrar'],
    [ownZone, 'registrar'],
    [seizureZone, 'seized'],
  ]);
  const histories = new Map<string, History>();
  const seizures = new Map<string, Seizure>();
  const counts = new Map(servers.map((server) => [server.name, 0]));
  const log: LoggedDnsQuery[] = [];

  addZone(parentZone, 'parent');
  for (const [zone, role] of zoneRoles) {
    addZone(zone, role);
    setValues(zone, 'NS', namesOf(role), options.parentNsTtlSec, parentZone);
  }
  for (const server of servers) {
    const kind = isIPv6(server.address) ? 'AAAA' : 'A';
    setValues(server.name, kind, [server.address], fixedTtlSec);
    // Glue: the parent holds the addresses of all name servers below it.
    setValues(server.name, kind, [server.address], options.parentNsTtlSec, parentZone);
  }
  for (const [name, address] of Object.entries(options.fixedNames)) {
    setValues(name, isIPv6(address) ? 'AAAA' : 'A', [address], fixedTtlSec);
  }

  function addZone(name: string, role: ServerRole): void {
    const history = {
      versions: [{ sinceMs: Number.NEGATIVE_INFINITY, zone: createZone(name, namesOf(role)) }],
    };
    histories.set(name, history);
    for (const server of servers) if (server.role === role) server.histories.push(history);
  }

  function historyFor(name: string): History {
    const zone = zoneFor([...histories.values()].map(current), name);
    const history = zone && zone.name !== parentZone ? histories.get(zone.name) : undefined;
    if (!history && isWithin(name, `nic.${parentZone}`)) return historyOf(parentZone);
    if (!history) throw new Error(`No zone of the test world holds ${name}`);
    return history;
  }

  function historyOf(zone: string): History {
    const history = histories.get(zone);
    if (!history) throw new Error(`The test world has no zone ${zone}`);
    return history;
  }

  function setValues(
    name: string,
    kind: RecordKind,
    values: readonly string[],
    ttlSec = hostTtlSec,
    inZone?: string,
  ): void {
    const history = inZone === undefined ? historyFor(name) : historyOf(inZone);
    const nowMs = clock.nowMs();
    const zone = withRecords(current(history), name, kind, { ttlSec, values });
    history.versions.push({ sinceMs: nowMs, zone });
    // A version is needed until its successor is older than the slowest copy.
    const oldestMs = nowMs - Math.max(...servers.map((server) => server.delayMs));
    const firstNeeded = history.versions.findLastIndex((version) => version.sinceMs <= oldestMs);
    history.versions.splice(0, Math.max(0, firstNeeded));
  }

  function findServer(ref: ServerRef): NameServer {
    const found =
      typeof ref === 'number'
        ? servers.filter((one) => one.role === 'provider')[ref]
        : servers.find((one) => one.name === ref || one.address === ref);
    if (!found) throw new Error(`The test world has no name server ${ref}`);
    return found;
  }

  function respond(server: NameServer, query: DnsQuery): DnsAnswer {
    const { name, type, transport, remoteAddress } = query;
    counts.set(server.name, (counts.get(server.name) ?? 0) + 1);
    log.push({ atMs: clock.nowMs(), server: server.name, name, type, transport, remoteAddress });
    if (log.length > maxLoggedQueries) log.shift();
    if (server.faults.has('dead') || server.faults.has(`${transport}-dead`)) return 'drop';
    if (server.faults.has('garbage')) return 'garbage';
    if (server.faults.has('no-edns') && query.edns) return emptyReply(rcodes.FORMERR);
    if (server.faults.has('servfail')) return emptyReply(rcodes.SERVFAIL);
    if (server.faults.has('lame')) return emptyReply(rcodes.REFUSED);
    if (server.faults.has('referral')) return upwardReferral(current(historyOf(parentZone)));
    if (server.role === 'root') return rootAnswer(current(historyOf(parentZone)), server.name, name, type);
    const seizure = server.role === 'seized' ? seizureFor(name.toLowerCase()) : undefined;
    const reply = seizure
      ? seizedAnswer(seizure, name, type)
      : answerFrom(server.frozen ?? server.histories.map((history) => servedBy(server, history)), name, type);
    return typeof reply === 'string' ? reply : damaged(server, query, reply);
  }

  function damaged({ faults }: NameServer, { name, type, transport }: DnsQuery, reply: Reply): DnsAnswer {
    if (faults.has('forged-udp') && transport === 'udp' && reply.answers.length > 0 && type !== 'SOA')
      return sinkholeAnswer(name, type);
    const zone = zoneFor([...histories.values()].map(current), name.toLowerCase());
    const negative = { ...emptyReply(rcodes.NOERROR, true), authorities: zone ? [apexSoa(zone)] : [] };
    // The zone itself stays: a server that has lost that would be lame.
    if (zone?.name !== name.toLowerCase() && faults.has('nxdomain'))
      return { ...negative, rcode: rcodes.NXDOMAIN };
    if (zone?.name !== name.toLowerCase() && faults.has('nodata')) return negative;
    const authoritative = reply.authoritative && !faults.has('no-authority');
    return { ...reply, authoritative, truncate: faults.has('truncate') };
  }

  function servedBy(server: NameServer, history: History): Zone {
    const untilMs = clock.nowMs() - server.delayMs;
    const version = history.versions.findLast(({ sinceMs }) => sinceMs <= untilMs) ?? history.versions[0];
    return version?.zone ?? current(history);
  }

  function seizureFor(name: string): Seizure | undefined {
    const zone = zoneFor(
      [...seizures.values()].map(({ snapshot }) => snapshot),
      name,
    );
    return zone && seizures.get(zone.name);
  }

  function seizedAnswer(seizure: Seizure, name: string, type: string): Reply | 'drop' {
    const { mode, snapshot } = seizure;
    const bad = seizure.badNames.includes(name.toLowerCase());
    if (mode === 'drop' && !bad) {
      return options.random() < droppedShare ? 'drop' : upwardReferral(current(historyOf(parentZone)));
    }
    if (mode === 'partial' && !bad && options.random() >= seizure.forwardedShare) return 'drop';
    if (bad || (mode === 'sinkhole' && name.toLowerCase() !== snapshot.name))
      return sinkholeAnswer(name, type);
    const source = mode === 'stale' ? snapshot : current(historyOf(snapshot.name));
    const taken = namesOf('seized');
    const zone = {
      ...withRecords(source, source.name, 'NS', { ttlSec: options.parentNsTtlSec, values: taken }),
      mname: taken[0] ?? source.mname,
    };
    const reply = answerFrom([zone, current(historyOf(seizureZone))], name, type);
    return reply.rcode === rcodes.NXDOMAIN ? { ...reply, rcode: rcodes.NOERROR } : reply;
  }

  function handBack(zone: string): void {
    const role = zoneRoles.get(zone);
    if (!role) throw new Error(`The test world has no zone ${zone}`);
    setValues(zone, 'NS', namesOf(role), options.parentNsTtlSec, parentZone);
  }

  const localFilter = createFilter();
  const behind = new Set([...options.addresses.resolver, options.addresses.localResolver]);
  let port53: Port53 = 'open';
  /** How to end the waiting of a question of the resolvers, by its port. */
  const patience = new Map<number, () => void>();
  const { port, listeners, resolvers } = await bindAll();

  /** The resolvers need not wait for what never comes. */
  function onSilence(clientPort: number): void {
    patience.get(clientPort)?.();
    patience.delete(clientPort);
    options.onSilence?.(clientPort);
  }

  /** A client's question meets whoever sits in the way; the resolvers' own questions do not. */
  function onTheWay(respondDirectly: (query: DnsQuery) => DnsAnswer | Promise<DnsAnswer>) {
    return (query: DnsQuery) => {
      const [cache] = resolvers;
      if (port53 === 'open' || !cache || behind.has(query.remoteAddress)) return respondDirectly(query);
      return port53 === 'blocked' ? 'drop' : cache.answer({ ...query, recursionDesired: true });
    };
  }

  /** The resolver at home is behind the same line as its clients. */
  function fromHome(resolver: Resolver, query: DnsQuery): DnsAnswer | Promise<DnsAnswer> {
    return port53 === 'blocked' ? emptyReply(rcodes.SERVFAIL) : resolver.answer(query);
  }

  async function bindAll() {
    const wanted = servers.length + behind.size;
    for (let attempt = 1; ; attempt += 1) {
      const listeners: DnsListener[] = [];
      const resolvers: Resolver[] = [];
      try {
        let port = options.dnsPort;
        for (const server of servers) {
          const answer = onTheWay((query) => respond(server, query));
          const listener = await listenDns(server.address, port, answer, onSilence);
          listeners.push(listener);
          port = listener.port;
        }
        for (const localAddress of behind) {
          const { root, parent, localResolver } = options.addresses;
          const hint = { zone: parentZone, addresses: parent, rootAddresses: root };
          const timeoutMs = options.resolverTimeoutMs;
          const onPort = (from: number, giveUp: () => void) => void patience.set(from, giveUp);
          const resolver = createResolver({ hint, port, localAddress, clock, timeoutMs, onPort });
          resolvers.push(resolver);
          const answer =
            localAddress === localResolver
              ? (query: DnsQuery) => localFilter.answer(query) ?? fromHome(resolver, query)
              : onTheWay(resolver.answer);
          listeners.push(await listenDns(localAddress, port, answer, onSilence));
        }
        return { port, listeners, resolvers };
      } catch (error) {
        await Promise.all(listeners.map((listener) => listener.close()));
        // A free port on the first address may be taken on another one: try the next.
        const again = options.dnsPort === 0 && attempt < portAttempts && listeners.length < wanted;
        if (!again) throw error;
      }
    }
  }

  return {
    port,
    servers: servers.map(({ name, address, role }) => ({ name, address, role })),
    resolvers: options.addresses.resolver,
    localResolver: options.addresses.localResolver,
    async resolve(position, query) {
      return resolvers[position]?.answer(query) ?? emptyReply(rcodes.SERVFAIL);
    },
    localFilter,
    setPort53(state) {
      port53 = state;
    },
    zoneNames: [...zoneRoles.keys()].filter((zone) => zone !== seizureZone),
    serial: (zone) => current(historyOf(zone)).serial,
    values: (name, kind) => current(historyFor(name)).nodes.get(name)?.[kind]?.values ?? [],
    setValues: (name, kind, values, ttlSec) => setValues(name, kind, values, ttlSec),
    delegatedTo: (zone) => current(historyOf(parentZone)).nodes.get(zone)?.NS?.values ?? [],
    seize(zone, mode, { badNames = [], forwardedShare = forwardedShareByDefault } = {}) {
      const snapshot = seizures.get(zone)?.snapshot ?? current(historyOf(zone));
      const lower = badNames.map((name) => name.toLowerCase());
      seizures.set(zone, { mode, snapshot, badNames: lower, forwardedShare });
      setValues(zone, 'NS', namesOf('seized'), options.parentNsTtlSec, parentZone);
    },
    // The other servers go on answering for those whose caches still lead to them.
    handBack,
    delegate: (zone, nameServers) => setValues(zone, 'NS', nameServers, options.parentNsTtlSec, parentZone),
    release(zone) {
      handBack(zone);
      seizures.delete(zone);
    },
    setFault(ref, fault, on) {
      const server = findServer(ref);
      if (on) server.faults.add(fault);
      else server.faults.delete(fault);
      if (fault === 'stale') {
        server.frozen = on ? server.histories.map((history) => servedBy(server, history)) : undefined;
      }
    },
    setPropagationDelay(delayMs, ref) {
      const slow = ref === undefined ? servers.filter((one) => one.role === 'provider') : [findServer(ref)];
      for (const server of slow) server.delayMs = delayMs;
    },
    flushResolver(position) {
      for (const [index, resolver] of resolvers.entries()) {
        if (position === undefined || position === index) resolver.flush();
      }
    },
    queryCounts: () => Object.fromEntries(counts),
    queryLog: () => [...log],
    async close() {
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}

function current(history: History): Zone {
  const last = history.versions.at(-1);
  if (!last) throw new Error('A zone without a version');
  return last.zone;
}

function createServers(addresses: WorldOptions['addresses']): NameServer[] {
  const nameOf: Record<ServerRole, (position: number) => string> = {
    root: (position) => `${'abcdefgh'[position]}.root.nic.${parentZone}`,
    parent: (position) => `${'abcdefgh'[position]}.nic.${parentZone}`,
    provider: (position) => `ns${position + 1}.${providerZone}`,
    standby: (position) => `ns${position + 1}.${standbyZone}`,
    registrar: (position) => `ns${position + 1}.${registrarZone}`,
    seized: (position) => `ns${position + 7}.${seizureZone}`,
  };
  return serverRoles.flatMap((role) =>
    addresses[role].map((address, position) => ({
      name: nameOf[role](position),
      address,
      role,
      histories: [],
      faults: new Set<ServerFault>(),
      delayMs: 0,
    })),
  );
}

function sinkholeAnswer(name: string, type: string): Reply {
  const reply = emptyReply(rcodes.NOERROR, true);
  const value = type === 'A' ? sinkhole.ipv4 : type === 'AAAA' ? sinkhole.ipv6 : undefined;
  if (value && isRecordKind(type))
    reply.answers.push(...records(name, type, { ttlSec: hostTtlSec, values: [value] }));
  return reply;
}
