/** A small recursive resolver: it starts at the parent's servers, follows delegations and caches by TTL. */
import type { Answer, SoaAnswer } from 'dns-packet';
import type { WorldClock } from './clock.ts';
import { type AskOptions, askDns, type DnsAnswer, type DnsAnswered, type DnsQuery } from './dns-socket.ts';
import { emptyReply, isWithin, type Reply, rcodes } from './zone.ts';

export interface Resolver {
  answer(query: DnsQuery): Promise<DnsAnswer>;
  /** Forgets everything it has learned. */
  flush(): void;
}

export interface ResolverOptions {
  /** The zone everything lives under and the addresses of its servers: the hints. */
  hint: { zone: string; addresses: readonly string[]; rootAddresses: readonly string[] };
  port: number;
  /** Its questions leave from here, so that authoritative servers can tell it from others. */
  localAddress: string;
  clock: WorldClock;
  /** How long one server may take, in real milliseconds. */
  timeoutMs: number;
  onPort?: AskOptions['onPort'];
}

interface Delegation {
  zone: string;
  servers: readonly string[];
  addresses: readonly string[];
}

interface Cached<T> {
  value: T;
  storedMs: number;
  expiresMs: number;
}

/** RFC 9520 section 3.2 asks for at least one second, so that a dead zone is not hammered. */
const failureTtlSec = 1;
const maxSteps = 12;
const maxDepth = 4;
/** Each server of a zone is asked this often before the resolver gives up. */
const rounds = 2;

export function createResolver(options: ResolverOptions): Resolver {
  const { clock, hint } = options;
  const replies = new Map<string, Cached<Reply>>();
  const delegations = new Map<string, Cached<Delegation>>();
  const running = new Map<string, Promise<Reply>>();

  async function answer(query: DnsQuery): Promise<DnsAnswer> {
    if (!query.recursionDesired) return { ...emptyReply(rcodes.REFUSED), recursionAvailable: true };
    const reply = await resolve(query.name.toLowerCase(), query.type, 0);
    const answers = reply.answers.map((record) =>
      record.name === query.name.toLowerCase() ? { ...record, name: query.name } : record,
    );
    return { ...reply, answers, recursionAvailable: true };
  }

  async function resolve(name: string, type: string, depth: number): Promise<Reply> {
    const key = `${name} ${type}`;
    const cached = fresh(replies, key) ?? fresh(replies, `${name} NXDOMAIN`);
    if (cached) return aged(cached.value, Math.floor((clock.nowMs() - cached.storedMs) / 1000));
    const work = running.get(key) ?? iterate(name, type, depth).finally(() => running.delete(key));
    running.set(key, work);
    return work;
  }

  /** RFC 1034 section 5.3.3: nearest known servers, then downwards referral by referral. */
  async function iterate(name: string, type: string, depth: number): Promise<Reply> {
    let at: Delegation | undefined = nearest(name);
    for (let step = 0; at && step < maxSteps; step += 1) {
      const answered = await askZone(at, name, type, depth);
      if (!answered) break;
      if (answered.kind === 'final') return finish(name, type, answered.reply, depth);
      at = answered.delegation;
    }
    return store(`${name} ${type}`, emptyReply(rcodes.SERVFAIL), failureTtlSec);
  }

  function nearest(name: string): Delegation | undefined {
    for (let zone = name; zone.includes('.'); zone = zone.slice(zone.indexOf('.') + 1)) {
      const known = fresh(delegations, zone);
      if (known) return known.value;
    }
    if (name === '.') return { zone: '.', servers: [], addresses: hint.rootAddresses };
    return isWithin(name, hint.zone)
      ? { zone: hint.zone, servers: [], addresses: hint.addresses }
      : undefined;
  }

  /** The first usable reply of the zone's servers: authoritative, or a referral that leads downwards. */
  async function askZone(
    at: Delegation,
    name: string,
    type: string,
    depth: number,
  ): Promise<{ kind: 'final'; reply: Reply } | { kind: 'referral'; delegation: Delegation } | undefined> {
    const addresses = at.addresses.length > 0 ? at.addresses : await addressesOf(at.servers, depth);
    for (let round = 0; round < rounds; round += 1) {
      for (const address of addresses) {
        const answered = await ask(address, name, type);
        if (!answered) continue;
        const { packet, rcode } = answered;
        if (packet.flag_aa && (rcode === rcodes.NOERROR || rcode === rcodes.NXDOMAIN)) {
          const authorities = (packet.authorities ?? []).filter((record) => record.type === 'SOA');
          const reply = { ...emptyReply(rcode), answers: packet.answers ?? [], authorities };
          return { kind: 'final', reply };
        }
        const delegation = referral(packet.authorities ?? [], packet.additionals ?? [], at.zone, name);
        if (rcode === rcodes.NOERROR && delegation) return { kind: 'referral', delegation };
      }
    }
    return undefined;
  }

  /** TCP where UDP is lost (RFC 7766 section 5), and no EDNS where it is refused (RFC 6891 section 7). */
  async function ask(address: string, name: string, type: string): Promise<DnsAnswered | undefined> {
    const { port, timeoutMs, localAddress, onPort } = options;
    const server = { address, port };
    const question = { name, type };
    const how = { timeoutMs, localAddress, onPort };
    const answered =
      (await askDns(server, question, how)) ?? (await askDns(server, question, { ...how, transport: 'tcp' }));
    return answered?.rcode === rcodes.FORMERR
      ? askDns(server, question, { ...how, transport: answered.transport, edns: false })
      : answered;
  }

  function referral(
    authorities: Answer[],
    additionals: Answer[],
    from: string,
    name: string,
  ): Delegation | undefined {
    const set = authorities.flatMap((record) => (record.type === 'NS' ? [record] : []));
    const zone = set[0]?.name.toLowerCase();
    if (zone === undefined || zone === from || !isWithin(zone, from) || !isWithin(name, zone))
      return undefined;
    const servers = set.map((record) => record.data.toLowerCase());
    // Glue counts only inside the zone of the server that gave it.
    const addresses = additionals.flatMap((record) =>
      record.type === 'A' && servers.includes(record.name.toLowerCase()) && isWithin(record.name, from)
        ? [record.data]
        : [],
    );
    const delegation = { zone, servers, addresses };
    delegations.set(zone, cached(delegation, set[0]?.ttl ?? 0));
    return delegation;
  }

  async function addressesOf(servers: readonly string[], depth: number): Promise<string[]> {
    if (depth >= maxDepth) return [];
    const found = await Promise.all(servers.map((server) => resolve(server, 'A', depth + 1)));
    return found.flatMap((reply) =>
      reply.answers.flatMap((record) => (record.type === 'A' ? [record.data] : [])),
    );
  }

  /** Follows a CNAME that leads out of the answer, then caches the whole. */
  async function finish(name: string, type: string, reply: Reply, depth: number): Promise<Reply> {
    const last = reply.answers.at(-1);
    if (last?.type === 'CNAME' && type !== 'CNAME' && depth < maxDepth) {
      const rest = await resolve(last.data.toLowerCase(), type, depth + 1);
      const whole = { ...rest, answers: [...reply.answers, ...rest.answers] };
      return store(`${name} ${type}`, whole, ttlOf(whole));
    }
    const negative = reply.rcode === rcodes.NXDOMAIN && reply.answers.length === 0;
    return store(negative ? `${name} NXDOMAIN` : `${name} ${type}`, reply, ttlOf(reply));
  }

  function store(key: string, reply: Reply, ttlSec: number): Reply {
    replies.set(key, cached(reply, ttlSec));
    return reply;
  }

  function cached<T>(value: T, ttlSec: number): Cached<T> {
    const storedMs = clock.nowMs();
    return { value, storedMs, expiresMs: storedMs + ttlSec * 1000 };
  }

  function fresh<T>(cache: Map<string, Cached<T>>, key: string): Cached<T> | undefined {
    const entry = cache.get(key);
    if (entry && entry.expiresMs > clock.nowMs()) return entry;
    cache.delete(key);
    return undefined;
  }

  function flush(): void {
    replies.clear();
    delegations.clear();
  }

  return { answer, flush };
}

/** Positive: the smallest TTL. Negative: the smaller of the SOA's TTL and MINIMUM (RFC 2308 section 5). */
function ttlOf(reply: Reply): number {
  if (reply.rcode === rcodes.SERVFAIL) return failureTtlSec;
  const soa = reply.authorities.find((record): record is SoaAnswer => record.type === 'SOA');
  const limits = reply.answers.map(ttlSec);
  if (soa) limits.push(Math.min(ttlSec(soa), soa.data.minimum ?? 0));
  return limits.length > 0 ? Math.min(...limits) : 0;
}

function ttlSec(record: Answer): number {
  return record.type === 'OPT' ? 0 : (record.ttl ?? 0);
}

/** Records from the cache carry what is left of their TTL. */
function aged(reply: Reply, ageSec: number): Reply {
  function older(record: Answer): Answer {
    return record.type === 'OPT' ? record : { ...record, ttl: Math.max(0, (record.ttl ?? 0) - ageSec) };
  }
  return { ...reply, answers: reply.answers.map(older), authorities: reply.authorities.map(older) };
}
