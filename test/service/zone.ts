/** One DNS zone as an unchangeable value, and the answers an authoritative server gives from it (RFC 1034). */
import type { Answer } from 'dns-packet';

export const recordKinds = ['A', 'AAAA', 'NS', 'CNAME', 'TXT'] as const;
export type RecordKind = (typeof recordKinds)[number];

export interface RecordSet {
  ttlSec: number;
  values: readonly string[];
}

export type Node = Partial<Record<RecordKind, RecordSet>>;

export interface Zone {
  /** Lower case, no final dot; so are the keys of `nodes` (whole names). */
  readonly name: string;
  readonly mname: string;
  readonly serial: number;
  readonly nodes: ReadonlyMap<string, Node>;
}

/** What a server says: the header's RCODE and AA, and the three sections. */
export interface Reply {
  rcode: number;
  authoritative: boolean;
  answers: Answer[];
  authorities: Answer[];
  additionals: Answer[];
}

/** Numbers of RFC 1035 section 4.1.1. */
export const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;

/** Negative answers live this long (RFC 2308 section 5). */
const negativeTtlSec = 60;
const soaTtlSec = 3600;
const apexNsTtlSec = 86_400;
const maxAliasHops = 8;

export function emptyReply(rcode: number, authoritative = false): Reply {
  return { rcode, authoritative, answers: [], authorities: [], additionals: [] };
}

/** A new zone with its own NS set; the first server is the SOA's MNAME. */
export function createZone(name: string, servers: readonly string[]): Zone {
  const apex: Node = { NS: { ttlSec: apexNsTtlSec, values: servers } };
  return { name, mname: servers[0] ?? name, serial: 1, nodes: new Map([[name, apex]]) };
}

/** The zone with one record set replaced (or removed) and the serial raised by one (RFC 1982). */
export function withRecords(zone: Zone, owner: string, kind: RecordKind, set?: RecordSet): Zone {
  const { [kind]: _, ...others } = zone.nodes.get(owner) ?? {};
  const node: Node = set && set.values.length > 0 ? { ...others, [kind]: set } : others;
  const nodes = new Map(zone.nodes);
  if (Object.keys(node).length > 0) nodes.set(owner, node);
  else nodes.delete(owner);
  return { ...zone, nodes, serial: (zone.serial % 0xffff_ffff) + 1 };
}

export function isWithin(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}

/** The deepest of these zones that contains the name. */
export function zoneFor(zones: readonly Zone[], name: string): Zone | undefined {
  let found: Zone | undefined;
  for (const zone of zones) {
    if (isWithin(name, zone.name) && zone.name.length > (found?.name.length ?? -1)) found = zone;
  }
  return found;
}

/** The answer of a server that carries these zones; REFUSED for any other zone. */
export function answerFrom(zones: readonly Zone[], name: string, type: string): Reply {
  const zone = zoneFor(zones, name.toLowerCase());
  if (!zone) return emptyReply(rcodes.REFUSED);
  const reply = emptyReply(rcodes.NOERROR, true);
  let owner = name;
  for (let hop = 0; hop < maxAliasHops; hop += 1) {
    const key = owner.toLowerCase();
    if (!isWithin(key, zone.name)) return reply;
    const cut = findCut(zone, key, type);
    if (cut) {
      addReferral(reply, zone, cut);
      return reply;
    }
    const node = nodeOrWildcard(zone, key);
    if (!node) {
      if (!hasDescendant(zone, key)) reply.rcode = rcodes.NXDOMAIN;
      reply.authorities.push(apexSoa(zone));
      return reply;
    }
    if (type === 'SOA' && key === zone.name) {
      reply.answers.push(soaRecord(zone, soaTtlSec, owner));
      return reply;
    }
    const set = isRecordKind(type) ? node[type] : undefined;
    if (set && isRecordKind(type)) {
      reply.answers.push(...records(owner, type, set));
      if (type === 'NS') reply.additionals.push(...glue(zones, set));
      return reply;
    }
    const target = node.CNAME?.values[0];
    if (!node.CNAME || target === undefined) {
      reply.authorities.push(apexSoa(zone));
      return reply;
    }
    reply.answers.push(...records(owner, 'CNAME', node.CNAME));
    owner = target;
  }
  return reply;
}

/** What a lame server says that only knows the zone above: its NS set, AA=0, no data. */
export function upwardReferral(parent: Zone): Reply {
  const reply = emptyReply(rcodes.NOERROR);
  const set = parent.nodes.get(parent.name)?.NS;
  if (set) reply.authorities.push(...records(parent.name, 'NS', set));
  return reply;
}

/** A root server's answer in a world with one top-level zone: that zone, itself, or nothing. */
export function rootAnswer(child: Zone, server: string, name: string, type: string): Reply {
  const root: Zone = { name: '.', mname: server, serial: 2014_06_30, nodes: new Map() };
  if (name !== '.' && isWithin(name.toLowerCase(), child.name)) {
    const set = child.nodes.get(child.name)?.NS;
    const reply = emptyReply(rcodes.NOERROR);
    if (set) {
      reply.authorities.push(...records(child.name, 'NS', set));
      reply.additionals.push(...glue([child], set));
    }
    return reply;
  }
  const reply = emptyReply(name === '.' ? rcodes.NOERROR : rcodes.NXDOMAIN, true);
  if (name === '.' && type === 'SOA') {
    reply.answers.push(soaRecord(root, soaTtlSec));
  } else if (name === '.' && type === 'NS') {
    reply.answers.push(...records('.', 'NS', { ttlSec: apexNsTtlSec, values: [server] }));
  } else {
    reply.authorities.push(apexSoa(root));
  }
  return reply;
}

export function isRecordKind(type: string): type is RecordKind {
  return recordKinds.some((kind) => kind === type);
}

export function records(owner: string, kind: RecordKind, set: RecordSet): Answer[] {
  return set.values.map((value) =>
    kind === 'TXT'
      ? { name: owner, type: kind, ttl: set.ttlSec, data: [value] }
      : { name: owner, type: kind, ttl: set.ttlSec, data: value },
  );
}

/** What stands in AUTHORITY beside "no" (RFC 2308 section 2). */
export function apexSoa(zone: Zone): Answer {
  return soaRecord(zone, negativeTtlSec);
}

function soaRecord(zone: Zone, ttlSec: number, owner = zone.name): Answer {
  return {
    name: owner,
    type: 'SOA',
    ttl: ttlSec,
    data: {
      mname: zone.mname,
      rname: `hostmaster.${zone.name === '.' ? 'root.example' : zone.name}`,
      serial: zone.serial,
      refresh: 7200,
      retry: 900,
      expire: 1_209_600,
      minimum: negativeTtlSec,
    },
  };
}

/** The delegation at or above the name, below the apex. DS at the cut itself belongs to the parent. */
function findCut(zone: Zone, key: string, type: string): string | undefined {
  let cut: string | undefined;
  for (let name = key; name !== zone.name; name = name.slice(name.indexOf('.') + 1)) {
    if (zone.nodes.get(name)?.NS && !(type === 'DS' && name === key)) cut = name;
  }
  return cut;
}

function addReferral(reply: Reply, zone: Zone, cut: string): void {
  const set = zone.nodes.get(cut)?.NS;
  if (!set) return;
  // After a CNAME the answer stays authoritative (RFC 1034 section 4.3.2 step 3c is for the first owner).
  if (reply.answers.length === 0) reply.authoritative = false;
  reply.authorities.push(...records(cut, 'NS', set));
  reply.additionals.push(...glue([zone], set));
}

function glue(zones: readonly Zone[], servers: RecordSet): Answer[] {
  return servers.values.flatMap((server) => {
    const node = zoneFor(zones, server)?.nodes.get(server);
    return [
      ...(node?.A ? records(server, 'A', node.A) : []),
      ...(node?.AAAA ? records(server, 'AAAA', node.AAAA) : []),
    ];
  });
}

/** RFC 4592: a wildcard speaks for names that do not exist, below the closest name that does. */
function nodeOrWildcard(zone: Zone, key: string): Node | undefined {
  const exact = zone.nodes.get(key);
  if (exact || key === zone.name || hasDescendant(zone, key)) return exact;
  let encloser = key;
  do encloser = encloser.slice(encloser.indexOf('.') + 1);
  while (encloser !== zone.name && !zone.nodes.has(encloser) && !hasDescendant(zone, encloser));
  return zone.nodes.get(`*.${encloser}`);
}

function hasDescendant(zone: Zone, key: string): boolean {
  const suffix = `.${key}`;
  for (const name of zone.nodes.keys()) if (name.endsWith(suffix)) return true;
  return false;
}
