/** One DNS question to one server: UDP with EDNS, repeated, then TCP. */
import type { Failure, FailureKind } from '../core/failure.ts';
import type {
  Dns,
  DnsExchange,
  DnsQuestion,
  DnsReply,
  DnsResult,
  DnsServer,
  DnsTransport,
  ExchangeFault,
} from '../ports.ts';
import { type DecodedReply, decodeReply, encodeQuery } from './dns-wire.ts';

/** Three tries, as resolvers do: one lost packet must not look like a dead server. */
const UDP_TRIES = 3;
const TIMEOUT_MS: Record<DnsTransport, number> = { udp: 1500, tcp: 3000 };
/** What servers answer that do not know EDNS (RFC 6891 section 7, version: section 6.1.3). */
const EDNS_REFUSALS: readonly string[] = ['FORMERR', 'NOTIMP', 'BADVERS'];

type Round =
  | { kind: 'reply'; reply: DnsReply }
  | { kind: 'truncated' }
  | { kind: 'fault'; fault: ExchangeFault | 'unreadable' | 'bad-name' };

export interface DnsClientParts {
  exchange: DnsExchange;
  /** A fraction in [0, 1) for message ids: must be unpredictable (RFC 5452 section 4). */
  random: () => number;
}

/** Any rcode of the server is a reply; a failure says that no usable reply came. Never rejects. */
export function dnsClient(parts: DnsClientParts): Dns {
  async function ask(
    server: DnsServer,
    question: DnsQuestion,
    localAddress?: string,
    only?: DnsTransport,
  ): Promise<DnsResult> {
    let round: Round = { kind: 'fault', fault: 'timeout' };
    for (let attempt = 0; only !== 'tcp' && attempt < UDP_TRIES && isLost(round); attempt++) {
      round = await withEdnsFallback('udp', server, question, localAddress);
    }
    if (only !== 'udp' && (isLost(round) || round.kind === 'truncated')) {
      // RFC 7766 section 5: servers must offer TCP; some paths lose only UDP.
      round = await withEdnsFallback('tcp', server, question, localAddress);
    }
    if (round.kind === 'reply') {
      return round;
    }
    return {
      kind: 'failed',
      failure: dnsFailure(server, question, round.kind === 'fault' ? round.fault : 'unreadable'),
    };
  }

  async function withEdnsFallback(
    transport: DnsTransport,
    server: DnsServer,
    question: DnsQuestion,
    localAddress: string | undefined,
  ): Promise<Round> {
    const round = await send(transport, server, question, true, localAddress);
    const refused = round.kind === 'reply' && EDNS_REFUSALS.includes(round.reply.rcode);
    return refused ? send(transport, server, question, false, localAddress) : round;
  }

  async function send(
    transport: DnsTransport,
    server: DnsServer,
    question: DnsQuestion,
    edns: boolean,
    localAddress: string | undefined,
  ): Promise<Round> {
    const query = { id: Math.floor(parts.random() * 0x10000), question, edns };
    const message = encodeQuery(query);
    if (message === undefined) {
      return { kind: 'fault', fault: 'bad-name' };
    }
    let unreadable = false;
    // RFC 5452 section 9.1: what does not match is ignored, and the wait goes on.
    function accept(bytes: Uint8Array): Exclude<DecodedReply, { kind: 'foreign' | 'broken' }> | undefined {
      const decoded = decodeReply(bytes, query);
      unreadable ||= decoded.kind === 'broken';
      return decoded.kind === 'reply' || decoded.kind === 'truncated' ? decoded : undefined;
    }
    const exchanged = await parts.exchange(
      transport,
      server,
      message,
      TIMEOUT_MS[transport],
      accept,
      localAddress,
    );
    if (!exchanged.ok) {
      return { kind: 'fault', fault: unreadable ? 'unreadable' : exchanged.fault };
    }
    return exchanged.value.kind === 'reply'
      ? { kind: 'reply', reply: { ...exchanged.value.reply, transport } }
      : { kind: 'truncated' };
  }

  return { ask };
}

function isLost(round: Round): boolean {
  return round.kind === 'fault' && (round.fault === 'timeout' || round.fault === 'unreadable');
}

interface Fault {
  code: string;
  kind: FailureKind;
  sentence: (server: string, name: string) => string;
}

const FAULTS: Record<ExchangeFault | 'unreadable' | 'bad-name', Fault> = {
  timeout: {
    code: 'dns/TIMEOUT',
    kind: 'unreachable',
    sentence: (server) =>
      `The DNS server ${server} did not answer; if others do not either, check the WAN and the firewall.`,
  },
  refused: {
    code: 'dns/REFUSED_PORT',
    kind: 'unreachable',
    sentence: (server) =>
      `Nothing answers DNS at ${server}; check the server's address if you set it yourself.`,
  },
  'no-route': {
    code: 'dns/NO_ROUTE',
    kind: 'unreachable',
    sentence: (server) =>
      `There is no route to the DNS server ${server}; check that the WAN has this address family.`,
  },
  broken: {
    code: 'dns/BAD_REPLY',
    kind: 'unintelligible',
    sentence: (server) =>
      `The DNS server ${server} broke off without an answer; check whether something intercepts DNS.`,
  },
  unavailable: {
    code: 'dns/UNAVAILABLE',
    kind: 'unreachable',
    sentence: (server) =>
      `This runtime cannot ask the DNS server ${server}: it needs the program nc, and the WAN with the route to the server. Let the agent run on node, or install nc.`,
  },
  unreadable: {
    code: 'dns/BAD_REPLY',
    kind: 'unintelligible',
    sentence: (server) =>
      `The DNS server ${server} sent an answer that cannot be read; check whether something intercepts DNS.`,
  },
  'bad-name': {
    code: 'dns/BAD_NAME',
    kind: 'refused',
    sentence: (_server, name) =>
      `"${name.slice(0, 80)}" is not a name that DNS can carry; correct the hostname.`,
  },
};

function dnsFailure(server: DnsServer, question: DnsQuestion, fault: keyof typeof FAULTS): Failure {
  const { code, kind, sentence } = FAULTS[fault];
  return { kind, scope: 'attempt', code, sentence: sentence(server.address, question.name) };
}
