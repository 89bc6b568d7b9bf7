/** Which server takes the updates of a name, and to which zone it belongs. */
import { parseAddress } from '../../core/address.ts';
import type { Uplink } from '../../core/via.ts';
import { zoneCandidates } from '../../core/zone-candidates.ts';
import type { DnsRecord, DnsReply, DnsServer, DnsType } from '../../ports.ts';
import type { ProtocolPorts } from '../protocol.ts';

const DNS_PORT = 53;
const MAX_SERVERS = 8;

type Ports = Pick<ProtocolPorts, 'dns' | 'resolvers'>;

/** `HOST`, `HOST:PORT`, an IPv6 address bare or in brackets. */
export interface ServerName {
  host: string;
  port: number;
}

export function parseServer(text: string): ServerName | undefined {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text);
  const plain = /^([^:]+)(?::(\d{1,5}))?$/.exec(text);
  const [, host = text, port = String(DNS_PORT)] = bracketed ?? plain ?? [];
  const isFine = parseAddress(host) !== undefined || (!host.includes(':') && /^[\w.-]{1,253}$/.test(host));
  return isFine && Number(port) > 0 && Number(port) < 65536 ? { host, port: Number(port) } : undefined;
}

/** The addresses of a server by name or address; none when the name cannot be resolved. */
export async function addressesOf({ host, port }: ServerName, ports: Ports): Promise<DnsServer[]> {
  const literal = parseAddress(host);
  if (literal) {
    return [{ address: literal.canonical, port }];
  }
  const replies = await Promise.all((['A', 'AAAA'] as const).map((type) => resolve(host, type, ports)));
  return replies
    .flatMap((reply) => reply?.answers ?? [])
    .filter(({ type }) => type === 'A' || type === 'AAAA')
    .map(({ value }) => ({ address: value, port }))
    .slice(0, MAX_SERVERS);
}

/** The record that tells the zone of a name, asked of the server itself where it is known. */
export interface Apex {
  zone: string;
  /** The primary server by its own account (RFC 2136 section 4.3). */
  primary: string;
}

/** The owner of the SOA is the zone (RFC 2308 section 2); behind a CNAME the name above tells. */
export async function apexOf(
  hostname: string,
  servers: readonly DnsServer[],
  ports: Ports,
  via: Uplink | undefined,
): Promise<Apex | undefined> {
  for (const candidate of zoneCandidates(hostname)) {
    for (const server of servers) {
      const question = { name: candidate, type: 'SOA', recursionDesired: false } as const;
      const result = await ports.dns.ask(server, question, localAddressFor(server, via));
      const apex =
        result.kind === 'reply' && result.reply.authoritative ? soaIn(result.reply, candidate) : undefined;
      if (apex) {
        return apex;
      }
    }
    const reply = await resolve(candidate, 'SOA', ports);
    const apex = reply && soaIn(reply, candidate);
    if (apex) {
      return apex;
    }
  }
  return undefined;
}

/** The servers to send an update to: the primary, or the name servers in turn where it cannot be found. */
export async function serversOf({ zone, primary }: Apex, ports: Ports): Promise<DnsServer[]> {
  const own = await addressesOf({ host: primary, port: DNS_PORT }, ports);
  if (own.length > 0) {
    return own;
  }
  return nameServersOf(zone, DNS_PORT, ports);
}

/** All name servers of a zone, by the word of the resolver. */
export async function nameServersOf(zone: string, port: number, ports: Ports): Promise<DnsServer[]> {
  const reply = await resolve(zone, 'NS', ports);
  const names = (reply?.answers ?? []).filter(({ type }) => type === 'NS').map(({ value }) => value);
  const found = await Promise.all(names.map((host) => addressesOf({ host, port }, ports)));
  return found.flat().slice(0, MAX_SERVERS);
}

/** The address that a message must leave from; undefined where the line has none of the family of the server. */
export function localAddressFor({ address }: DnsServer, via: Uplink | undefined): string | undefined {
  return via?.[parseAddress(address)?.family ?? 'ipv4'];
}

/** What is not found while no resolver answers may well be there. */
export async function whyNotFound(name: string, ports: Ports): Promise<'unreachable' | 'offline'> {
  return (await resolve(name, 'SOA', ports)) ? 'unreachable' : 'offline';
}

async function resolve(
  name: string,
  type: DnsType,
  { dns, resolvers }: Ports,
): Promise<DnsReply | undefined> {
  for (const resolver of await resolvers()) {
    const result = await dns.ask(resolver, { name, type, recursionDesired: true });
    if (result.kind === 'reply' && ['NOERROR', 'NXDOMAIN'].includes(result.reply.rcode)) {
      return result.reply;
    }
  }
  return undefined;
}

function soaIn({ answers, authorities }: DnsReply, name: string): Apex | undefined {
  const soa = [...answers, ...authorities].find(
    (record: DnsRecord) =>
      record.type === 'SOA' && (name === record.name || name.endsWith(`.${record.name}`)),
  );
  return soa && { zone: soa.name, primary: soa.value.split(' ')[0] ?? '' };
}
