/**
 * The DNS around one name as a model without sockets: the zone above, the provider's servers, those that may take
 * the zone away, root, resolvers, and the line that all of it is asked through.
 */
import type {
  Clock,
  Dns,
  DnsQuestion,
  DnsRecord,
  DnsReply,
  DnsResult,
  DnsServer,
} from '../../agent/ports.ts';

/** What is wrong, or not, at each place. */
export interface Weather {
  /** Whom the zone above names. */
  hands: 'provider' | 'takers' | 'both' | 'nobody';
  /** What each of the provider's two servers does. */
  servers: readonly [Serving, Serving];
  takers: 'copy' | 'old' | 'sinkhole' | 'silent' | 'empty';
  parents: 'fine' | 'silent';
  line: 'fine' | 'intercepted' | 'blocked';
  /** The resolver of this network keeps the zone from its users. */
  filter: boolean;
}

export type Serving = 'right' | 'old' | 'gone' | 'lame' | 'fault' | 'silent';

export const FAIR: Weather = {
  hands: 'provider',
  servers: ['right', 'right'],
  takers: 'copy',
  parents: 'fine',
  line: 'fine',
  filter: false,
};

export const ZONE = 'ddns.net';
export const NAME = `home.${ZONE}`;
const OWN = { 'ns1.no-ip.com': '192.0.2.11', 'ns2.no-ip.com': '192.0.2.12' };
const TAKERS = { 'ns7.seizure.example': '192.0.2.21', 'ns8.seizure.example': '192.0.2.22' };
const PARENTS = { 'a.gtld.example': '192.0.2.1', 'b.gtld.example': '192.0.2.2' };
export const CONTROL = ['192.0.2.41'];
export const PUBLIC = ['192.0.2.53', '192.0.2.54'];
export const AT_HOME = ['192.0.2.55'];
const SINKHOLE = '203.0.113.66';
const TTL_SEC = 60;
/** Three questions over UDP and one over TCP. */
const SILENCE_MS = 7500;

export interface DnsWorld extends Dns {
  weather: Weather;
  /** The address that the provider has stored, and the one before it. */
  record?: string;
  before?: string;
}

export function dnsWorld(clock: Clock): DnsWorld {
  const world: DnsWorld = { weather: FAIR, ask };

  async function ask({ address }: DnsServer, question: DnsQuestion): Promise<DnsResult> {
    const reply = answerOf(address, question);
    if (reply === undefined) {
      await new Promise<void>((resolve) => clock.after(SILENCE_MS, resolve));
      const sentence = `The DNS server ${address} did not answer.`;
      return {
        kind: 'failed',
        failure: { kind: 'unreachable', scope: 'attempt', code: 'dns/TIMEOUT', sentence },
      };
    }
    return { kind: 'reply', reply };
  }

  function answerOf(address: string, { name, type }: DnsQuestion): DnsReply | undefined {
    const { line, filter, parents } = world.weather;
    if (line === 'blocked') {
      return AT_HOME.includes(address) ? say('SERVFAIL') : undefined;
    }
    if (AT_HOME.includes(address)) {
      return filter && isIn(name, ZONE) && type === 'A' ? say('NXDOMAIN') : resolved(name, type);
    }
    if (line === 'intercepted' || PUBLIC.includes(address)) {
      return resolved(name, type);
    }
    if (CONTROL.includes(address)) {
      return say('NOERROR', true, [record('.', 'SOA', 'a.root.example hostmaster.root.example 1 2 3 4 5')]);
    }
    if (Object.values(PARENTS).includes(address)) {
      return parents === 'fine' ? referral() : undefined;
    }
    const own = Object.values(OWN).indexOf(address);
    return own < 0 ? fromTakers(name, type) : fromProvider(own, name, type);
  }

  function servers(): Record<string, string> {
    const { hands } = world.weather;
    const all = { provider: OWN, takers: TAKERS, both: { ...OWN, ...TAKERS }, nobody: {} };
    return all[hands];
  }

  function referral(): DnsReply {
    const named = Object.entries(servers());
    if (named.length === 0) {
      return { ...say('NXDOMAIN', true), authorities: [soa('net')] };
    }
    return {
      ...say('NOERROR'),
      authorities: named.map(([name]) => record(ZONE, 'NS', name)),
      additionals: named.map(([name, address]) => record(name, 'A', address)),
    };
  }

  function fromProvider(which: number, name: string, type: string): DnsReply | undefined {
    switch (world.weather.servers[which]) {
      case 'silent':
        return undefined;
      case 'lame':
        return say('REFUSED');
      case 'fault':
        return say('SERVFAIL');
      case 'gone':
        return zoneAnswer(name, type, undefined, 'NXDOMAIN');
      case 'old':
        return zoneAnswer(name, type, world.before ?? world.record, 'NXDOMAIN');
      default:
        return zoneAnswer(name, type, world.record, 'NXDOMAIN');
    }
  }

  function fromTakers(name: string, type: string): DnsReply | undefined {
    const { hands, takers } = world.weather;
    if (hands !== 'takers' && hands !== 'both') {
      return say('REFUSED');
    }
    switch (takers) {
      case 'silent':
        return undefined;
      case 'empty':
        return { ...say('NOERROR'), authorities: [record('net', 'NS', 'a.gtld.example')] };
      case 'sinkhole':
        return name !== ZONE && type === 'A'
          ? say('NOERROR', true, [record(name, 'A', SINKHOLE)])
          : zoneAnswer(name, type, undefined, 'NOERROR');
      default:
        return zoneAnswer(
          name,
          type,
          takers === 'old' ? (world.before ?? world.record) : world.record,
          'NOERROR',
        );
    }
  }

  /** `missing`: what is said of a name that is not there. */
  function zoneAnswer(name: string, type: string, address: string | undefined, missing: string): DnsReply {
    if (name === ZONE && type === 'SOA') {
      return say('NOERROR', true, [soa(ZONE)]);
    }
    if (name === ZONE && type === 'NS') {
      return say(
        'NOERROR',
        true,
        Object.keys(servers()).map((one) => record(ZONE, 'NS', one)),
      );
    }
    const isThere = name === ZONE || (name === NAME && address !== undefined);
    return isThere && type === 'A' && name === NAME
      ? say('NOERROR', true, [record(name, 'A', address ?? '')])
      : { ...say(isThere ? 'NOERROR' : missing, true), authorities: [soa(ZONE)] };
  }

  /** What a resolver finds, without a memory: the first server that answers for the zone decides. */
  function resolved(name: string, type: string): DnsReply {
    if (!isIn(name, ZONE)) {
      return elsewhere(name, type);
    }
    const addresses = Object.values(servers());
    if (addresses.length === 0) {
      return { ...say('NXDOMAIN'), authorities: [soa('net')] };
    }
    for (const address of addresses) {
      const own = Object.values(OWN).indexOf(address);
      const reply = own < 0 ? fromTakers(name, type) : fromProvider(own, name, type);
      if (reply?.authoritative) {
        return { ...reply, authoritative: false };
      }
    }
    return say('SERVFAIL');
  }

  return world;
}

/** The rest of the Internet, which is always fine. */
function elsewhere(name: string, type: string): DnsReply {
  const address = { ...OWN, ...TAKERS, ...PARENTS }[name];
  if (address !== undefined && type === 'A') {
    return say('NOERROR', false, [record(name, 'A', address)]);
  }
  if (name === 'net' && type === 'NS') {
    return say(
      'NOERROR',
      false,
      Object.keys(PARENTS).map((one) => record('net', 'NS', one)),
    );
  }
  return name === 'net' && type === 'SOA'
    ? say('NOERROR', false, [soa('net')])
    : { ...say('NOERROR'), authorities: [soa(name.slice(name.indexOf('.') + 1))] };
}

function say(rcode: string, authoritative = false, answers: DnsRecord[] = []): DnsReply {
  return { rcode, authoritative, answers, authorities: [], additionals: [], transport: 'udp' };
}

function record(name: string, type: string, value: string): DnsRecord {
  return { name, type, ttlSec: TTL_SEC, value };
}

function soa(zone: string): DnsRecord {
  return record(zone, 'SOA', `ns1.${zone} hostmaster.${zone} 1 7200 900 1209600 60`);
}

function isIn(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}
