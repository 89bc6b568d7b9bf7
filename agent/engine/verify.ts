/**
 * Asks the DNS what it serves: the zone and its servers are found from the name, then each authoritative
 * server, the servers of the zone above and a few public resolvers are asked directly.
 */
import { FAMILIES, type Family } from '../core/address.ts';
import type { AnswerKind, ServerAnswer, Verification } from '../core/health.ts';
import { zoneCandidates } from '../core/hostname.ts';
import type { Clock, Dns, DnsReply, DnsResult, DnsServer } from '../ports.ts';
import type { ActionOf } from './commands.ts';

export interface VerifyParts {
  clock: Clock;
  dns: Dns;
  /** Recursive resolvers used to find zones and servers, in order. */
  resolvers(): Promise<DnsServer[]>;
  /** Resolvers of the public whose view is compared. */
  publicResolvers(): DnsServer[];
  /** Port of authoritative servers: 53, but for laboratories. */
  authorityPort(): number;
}

interface NamedServer extends DnsServer {
  name: string;
}

interface Zone {
  name: string;
  servers: NamedServer[];
  parentServers: NamedServer[];
  foundMs: number;
}

const TYPES = { ipv4: 'A', ipv6: 'AAAA' } as const;
/** Delegations live for days; an hour keeps a move from going unseen and spares the resolvers. */
const ZONE_AGE_MS = 3_600_000;
const MAX_NAME_SERVERS = 8;
const MAX_PARENT_SERVERS = 2;

export type Verifier = (command: ActionOf<'verify'>) => Promise<Verification>;

export function createVerifier(parts: VerifyParts): Verifier {
  const zones = new Map<string, Zone>();
  const zoneNames = new Map<string, string>();

  return async function verify({ hostname, ...expected }) {
    const found = await zoneOf(hostname);
    const publicView = ask(parts.publicResolvers().map(named), true);
    if ('problem' in found) {
      return { problem: found.problem, authority: [], publicView: await publicView, delegation: [] };
    }
    const { name: zone, servers, parentServers } = found;
    const [authority, delegation, view] = await Promise.all([
      ask(servers, false),
      askParents(zone, parentServers),
      publicView,
    ]);
    return { zone, authority, publicView: view, delegation };

    async function ask(targets: NamedServer[], recursionDesired: boolean): Promise<ServerAnswer[]> {
      const questions = targets.flatMap((server) =>
        FAMILIES.flatMap((family) =>
          expected[family] ? [{ server, family, wanted: expected[family] }] : [],
        ),
      );
      const answers = await Promise.all(
        questions.map(async ({ server, family, wanted }) => {
          const result = await parts.dns.ask(server, {
            name: hostname,
            type: TYPES[family],
            recursionDesired,
          });
          return {
            skip: noRoute(result),
            ...judgeAnswer(server, family, wanted, hostname, result, recursionDesired),
          };
        }),
      );
      // A server that this line cannot reach at all (IPv6 without IPv6) says nothing, unless all are so.
      const heard = answers.filter((answer) => !answer.skip);
      return (heard.length > 0 ? heard : answers).map(({ skip: _, ...answer }) => answer);
    }
  };

  async function zoneOf(hostname: string): Promise<Zone | { problem: NonNullable<Verification['problem']> }> {
    const known = zones.get(zoneNames.get(hostname) ?? '');
    if (known && isFresh(known)) {
      return known;
    }
    const name = await apexOf(hostname);
    const shared = name === undefined ? undefined : zones.get(name);
    if (shared && isFresh(shared)) {
      zoneNames.set(hostname, shared.name);
      return shared;
    }
    const servers = name === undefined ? [] : await serversOf(name);
    if (name === undefined || servers.length === 0) {
      // Better the servers of an hour ago than none: a zone that was taken away resolves nowhere.
      const sentence = `The name servers of ${hostname} could not be found. Check that this router can resolve names; Holdfast tries again.`;
      return known ?? { problem: { code: 'authority/NO_ZONE', sentence } };
    }
    const [, above] = zoneCandidates(name);
    const parent = above === undefined ? undefined : await apexOf(above);
    const parentServers = parent === undefined ? [] : (await serversOf(parent)).slice(0, MAX_PARENT_SERVERS);
    const zone = { name, servers, parentServers, foundMs: parts.clock.monotonicMs() };
    zones.set(name, zone);
    zoneNames.set(hostname, name);
    return zone;
  }

  function isFresh(zone: Zone): boolean {
    return parts.clock.monotonicMs() - zone.foundMs < ZONE_AGE_MS;
  }

  /** The owner of the SOA for a name is its zone (RFC 2308 section 2); behind a CNAME the name above tells. */
  async function apexOf(name: string): Promise<string | undefined> {
    for (const candidate of zoneCandidates(name)) {
      const reply = await resolve(candidate, 'SOA');
      const soa = [...(reply?.answers ?? []), ...(reply?.authorities ?? [])].find(
        (record) =>
          record.type === 'SOA' && (candidate === record.name || candidate.endsWith(`.${record.name}`)),
      );
      if (soa || !reply?.answers.some((record) => record.type === 'CNAME')) {
        return soa?.name;
      }
    }
    return undefined;
  }

  async function serversOf(zone: string): Promise<NamedServer[]> {
    const reply = await resolve(zone, 'NS');
    const names = (reply?.answers ?? []).flatMap((record) => (record.type === 'NS' ? record.value : []));
    const lists = await Promise.all(
      names.slice(0, MAX_NAME_SERVERS).map(async (name) => {
        const replies = await Promise.all([resolve(name, 'A'), resolve(name, 'AAAA')]);
        const records = replies.flatMap((one) => one?.answers ?? []);
        return records.flatMap((record) =>
          record.type === 'A' || record.type === 'AAAA'
            ? { name, address: record.value, port: parts.authorityPort() }
            : [],
        );
      }),
    );
    return lists.flat();
  }

  async function resolve(name: string, type: 'SOA' | 'NS' | 'A' | 'AAAA'): Promise<DnsReply | undefined> {
    for (const server of await parts.resolvers()) {
      const result = await parts.dns.ask(server, { name, type, recursionDesired: true });
      if (
        result.kind === 'reply' &&
        (result.reply.rcode === 'NOERROR' || result.reply.rcode === 'NXDOMAIN')
      ) {
        return result.reply;
      }
    }
    return undefined;
  }

  /** The NS set as the zone above has it: a referral in AUTHORITY (RFC 1034 section 4.3.1). */
  async function askParents(zone: string, servers: NamedServer[]): Promise<Verification['delegation']> {
    const answers = await Promise.all(
      servers.map(async (server) => {
        const result = await parts.dns.ask(server, { name: zone, type: 'NS', recursionDesired: false });
        if (result.kind === 'failed') {
          return [];
        }
        const records = [...result.reply.authorities, ...result.reply.answers];
        const nameServers = records.flatMap((one) =>
          one.type === 'NS' && one.name === zone ? one.value : [],
        );
        return { server: labelOf(server), nameServers: [...new Set(nameServers)].sort() };
      }),
    );
    return answers.flat();
  }
}

/**
 * What one server's answer means:
 *
 * only our address, with authority         ok
 * other or additional addresses            wrong
 * NOERROR without an address               no-data
 * NXDOMAIN                                 gone
 * REFUSED, NOTAUTH, or a referral upward   lame (RFC 9499: serves no such zone)
 * SERVFAIL and the rest                    fault
 * no answer                                unreachable
 * an address, but no authority             intercepted: a cache answers in the server's place
 */
function judgeAnswer(
  server: NamedServer,
  family: Family,
  wanted: string,
  hostname: string,
  result: DnsResult,
  recursive: boolean,
): ServerAnswer {
  const say = (kind: AnswerKind, detail: string): ServerAnswer => ({
    server: labelOf(server),
    family,
    kind,
    detail,
  });
  if (result.kind === 'failed') {
    return say('unreachable', result.failure.sentence);
  }
  const { rcode, authoritative, answers, authorities, transport } = result.reply;
  const trusted = authoritative || recursive;
  const addresses = answers.flatMap((one) => (one.type === TYPES[family] ? one.value : [])).sort();
  const text = `${TYPES[family]} ${addresses.join(' ') || 'none'} (${rcode}, ${transport})`;
  if (rcode === 'NXDOMAIN') {
    return trusted
      ? say('gone', `${hostname} does not exist (NXDOMAIN, ${transport})`)
      : say('intercepted', text);
  }
  if (rcode === 'REFUSED' || rcode === 'NOTAUTH') {
    return say('lame', `does not serve the zone (${rcode}, ${transport})`);
  }
  if (rcode !== 'NOERROR') {
    return say('fault', `has a fault (${rcode}, ${transport})`);
  }
  if (!trusted) {
    const referral = addresses.length === 0 && authorities.some((one) => one.type === 'NS');
    return referral
      ? say('lame', `refers to ${authorities[0]?.name || 'the root'}`)
      : say('intercepted', text);
  }
  if (addresses.length === 0) {
    return say('no-data', text);
  }
  return say(addresses.every((address) => address === wanted) ? 'ok' : 'wrong', text);
}

function noRoute(result: DnsResult): boolean {
  return result.kind === 'failed' && result.failure.code === 'dns/NO_ROUTE';
}

function named(server: DnsServer): NamedServer {
  return { ...server, name: '' };
}

function labelOf({ name, address }: NamedServer): string {
  return name === '' ? address : `${name} (${address})`;
}
