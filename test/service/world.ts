/** The DNS of the test world: parent, provider, standby and "seized" name servers, and public resolvers. */
import { isIPv6 } from 'node:net';
import type { WorldClock } from './clock.ts';
import { type DnsAnswer, type DnsListener, type DnsQuery, listenDns, type Transport } from './dns-socket.ts';
import { createResolver, type Resolver } from './resolver.ts';
import {
  answerFrom,
  createZone,
  emptyReply,
  isRecordKind,
  isWithin,
  type RecordKind,
  type Reply,
  rcodes,
  records,
  upwardReferral,
  withRecords,
  type Zone,
  zoneFor,
} from './zone.ts';

export const serverRoles = ['parent', 'provider', 'standby', 'seized'] as const;
export type ServerRole = (typeof serverRoles)[number];

/** How the servers that took a zone away answer for it. They never say NXDOMAIN; `zone.ts` knows the rest. */
export const seizeModes = ['copy', 'drop', 'sinkhole', 'stale'] as const;
export type SeizeMode = (typeof seizeModes)[number];

/**
 * `stale`: no change since the fault began; `lame`: REFUSED; `referral`: lame, points at the parent;
 * `servfail`; `dead`: silence; `truncate`: every answer over UDP is cut.
 */
export const serverFaults = ['stale', 'lame', 'referral', 'servfail', 'dead', 'truncate'] as const;
export type ServerFault = (typeof serverFaults)[number];

/** The name of a server, or the position of one of the provider's. */
export type ServerRef = string | number;

export interface WorldOptions {
  clock: WorldClock;
  addresses: Record<ServerRole | 'resolver', readonly string[]>;
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
  /** All zones of the provider and the standby, without the parent. */
  zoneNames: readonly string[];
  serial(zone: string): number;
  /** The values that the primary copy holds. */
  values(name: string, kind: RecordKind): readonly string[];
  /** Replaces a record set; no values remove it. Throws when no zone holds the name. */
  setValues(name: string, kind: RecordKind, values: readonly string[], ttlSec?: number): void;
  /** Servers that answer for the name by the parent's word. */
  delegatedTo(zone: string): readonly string[];
  seize(zone: string, mode: SeizeMode, options?: { badNames?: readonly string[] }): void;
  handBack(zone: string): void;
  /** Ends a seizure altogether: handed back, and the other servers know the zone no more. */
  release(zone: string): void;
  setFault(server: ServerRef, fault: ServerFault, on: boolean): void;
  /** Age of the serving copies of the provider's servers, or of one of them. */
  setPropagationDelay(delayMs: number, server?: ServerRef): void;
  flushResolver(position?: number): void;
  queryCounts(): Record<string, number>;
  queryLog(): readonly LoggedDnsQuery[];
  close(): Promise<void>;
}

export const parentZone = 'example';
export const providerZone = 'provider.example';
export const standbyZone = 'standby.example';
const seizureZone = 'seizure.example';
/** Where sinkholed names lead. */
export const sinkhole = { ipv4: '198.51.100.66', ipv6: '2001:db8:dead::66' } as const;

/** TTL of dynamic names, as the large providers set it. */
const hostTtlSec = 60;
const fixedTtlSec = 3600;
/** Share of questions that overloaded servers never answer. */
const droppedShare = 0.95;
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

interface Seizure {
  mode: SeizeMode;
  /** The zone as it was when it was taken. */
  snapshot: Zone;
  badNames: readonly string[];
}

export async function startWorld(options: WorldOptions): Promise<World> {
  const { clock } = options;
  const servers = createServers(options.addresses);
  const namesOf = (role: ServerRole) => servers.filter((one) => one.role === role).map((one) => one.name);
  const zoneRoles = new Map<string, ServerRole>([
    [providerZone, 'provider'],
    ...options.zones.map((zone): [string, ServerRole] => [zone, 'provider']),
    [standbyZone, 'standby'],
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
    if (server.faults.has('dead')) return 'drop';
    if (server.faults.has('servfail')) return emptyReply(rcodes.SERVFAIL);
    if (server.faults.has('lame')) return emptyReply(rcodes.REFUSED);
    if (server.faults.has('referral')) return upwardReferral(current(historyOf(parentZone)));
    const seizure = server.role === 'seized' ? seizureFor(name.toLowerCase()) : undefined;
    const reply = seizure
      ? seizedAnswer(seizure, name, type)
      : answerFrom(server.frozen ?? server.histories.map((history) => servedBy(server, history)), name, type);
    return reply === 'drop' ? reply : { ...reply, truncate: server.faults.has('truncate') };
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

  const hintAddresses = options.addresses.parent;
  const { port, listeners, resolvers } = await bindAll();

  async function bindAll() {
    const wanted = servers.length + options.addresses.resolver.length;
    for (let attempt = 1; ; attempt += 1) {
      const listeners: DnsListener[] = [];
      const resolvers: Resolver[] = [];
      try {
        let port = options.dnsPort;
        for (const server of servers) {
          const listener = await listenDns(server.address, port, (query) => respond(server, query));
          listeners.push(listener);
          port = listener.port;
        }
        for (const localAddress of options.addresses.resolver) {
          const hint = { zone: parentZone, addresses: hintAddresses };
          const timeoutMs = options.resolverTimeoutMs;
          const resolver = createResolver({ hint, port, localAddress, clock, timeoutMs });
          resolvers.push(resolver);
          listeners.push(await listenDns(localAddress, port, resolver.answer));
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
    zoneNames: [...zoneRoles.keys()].filter((zone) => zone !== seizureZone),
    serial: (zone) => current(historyOf(zone)).serial,
    values: (name, kind) => current(historyFor(name)).nodes.get(name)?.[kind]?.values ?? [],
    setValues: (name, kind, values, ttlSec) => setValues(name, kind, values, ttlSec),
    delegatedTo: (zone) => current(historyOf(parentZone)).nodes.get(zone)?.NS?.values ?? [],
    seize(zone, mode, { badNames = [] } = {}) {
      const snapshot = seizures.get(zone)?.snapshot ?? current(historyOf(zone));
      seizures.set(zone, { mode, snapshot, badNames: badNames.map((name) => name.toLowerCase()) });
      setValues(zone, 'NS', namesOf('seized'), options.parentNsTtlSec, parentZone);
    },
    // The other servers go on answering for those whose caches still lead to them.
    handBack,
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
    parent: (position) => `${'abcdefgh'[position]}.nic.${parentZone}`,
    provider: (position) => `ns${position + 1}.${providerZone}`,
    standby: (position) => `ns${position + 1}.${standbyZone}`,
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
