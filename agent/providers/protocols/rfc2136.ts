/**
 * DNS updates (RFC 2136) signed with TSIG (RFC 8945), sent to the primary server of the zone. One message
 * carries all names of a zone and both families; the server applies all of it or nothing. Only a reply that is
 * signed with the key is believed: a failure that anybody could have made up never blocks for good.
 */
import { apartMs } from '../../core/apart.ts';
import { type Failure, type FailureKind, type FailureScope, failed, ok } from '../../core/failure.ts';
import { fromBase64 } from '../../core/octets.ts';
import type { Uplink } from '../../core/via.ts';
import type { DnsServer, DnsTransport, ExchangeFault } from '../../ports.ts';
import type { CallResult, Protocol, ProtocolPorts, UpdateCall, Verdict } from '../protocol.ts';
import { replyFailure } from '../reply.ts';
import { clockFault } from '../signing/clock.ts';
import { encodeUpdate, readUpdateReply } from './rfc2136-message.ts';
import {
  addressesOf,
  apexOf,
  localAddressFor,
  parseServer,
  serversOf,
  whyNotFound,
} from './rfc2136-server.ts';
import { judgeSignature, sign, TSIG_ALGORITHMS, type TsigAlgorithm, type TsigKey } from './tsig.ts';

export const rfc2136: Protocol = { update };

/** RFC 2136 section 4.8 leaves it open; three tries, as resolvers do. */
const UDP_TRIES = 3;
const TIMEOUT_MS: Record<DnsTransport, number> = { udp: 1500, tcp: 5000 };
/** What every path and server takes (RFC 1035 section 2.3.4); a longer message goes over TCP. */
const MAX_UDP_OCTETS = 512;
const DEFAULT_ALGORITHM: TsigAlgorithm = 'hmac-sha256';

export type Meaning = readonly [code: string, kind: FailureKind, scope: FailureScope, sentence: string];

/** What a signed reply means (RFC 2136 section 2.2), and what to do about it. */
const RCODES: Record<number, Meaning> = {
  1: ['FORMERR', 'refused', 'hostname', 'The DNS server cannot read the update. Check hostname and zone.'],
  2: [
    'SERVFAIL',
    'busy',
    'account',
    'The DNS server has a fault of its own. If it lasts, look into its log.',
  ],
  4: [
    'NOTIMP',
    'refused',
    'account',
    'This DNS server takes no updates. Set option server to the primary one.',
  ],
  5: [
    'REFUSED',
    'refused',
    'hostname',
    "The DNS server does not let this key change the name. Allow it in the server's update policy.",
  ],
  // YXRRSET: what the update asks for first, that there be no CNAME, does not hold.
  7: [
    'CNAME_THERE',
    'refused',
    'hostname',
    'The name is a CNAME, and DNS has no address beside one. Delete the CNAME in the zone and ask for an update, or choose another hostname.',
  ],
  9: [
    'NOTAUTH',
    'refused',
    'hostname',
    'The DNS server has no such zone. Set option server to the primary server, or correct option zone.',
  ],
  10: ['NOTZONE', 'refused', 'hostname', 'The hostname is not in this zone. Correct option zone.'],
};

/** TSIG errors (RFC 8945 section 5.2); as a rule they are not signed, so nothing of it is proved. */
const TSIG_ERRORS: Record<number, Meaning> = {
  16: [
    'BADSIG',
    'unintelligible',
    'account',
    'The DNS server says that the signature is wrong. Check secret and algorithm of the key on both sides.',
  ],
  17: [
    'BADKEY',
    'unintelligible',
    // Knot says so whenever its rules forbid a change, be it of one name alone.
    'hostname',
    'The DNS server says that it does not know this key, or not for this change. Check its name and the rules there.',
  ],
  18: [
    'BADTIME',
    'unreachable',
    'account',
    'The clocks of router and DNS server are too far apart. Let NTP set both.',
  ],
  22: [
    'BADTRUNC',
    'refused',
    'account',
    'The DNS server wants a longer signature. Choose another algorithm.',
  ],
};

const UNSIGNED: Meaning = [
  'UNSIGNED',
  'unintelligible',
  'attempt',
  'The reply is not signed with the key, so it is not believed. Check the key on the DNS server; Holdfast tries again.',
];
const FORGED: Meaning = [
  'BAD_REPLY_SIGNATURE',
  'unintelligible',
  'attempt',
  'The reply has a wrong signature, so it is not believed. Check that nothing intercepts DNS; Holdfast tries again.',
];
const BAD_NAME: Meaning = [
  'BAD_NAME',
  'refused',
  'hostname',
  'The hostname or the name of the key cannot be in DNS. Correct it: labels of 63 characters, 253 in all.',
];
const UNKNOWN: Meaning = [
  'UNKNOWN_CODE',
  'unintelligible',
  'hostname',
  'The DNS server refuses the update for a reason that Holdfast does not know. Look into its log.',
];

const FAULTS: Record<ExchangeFault | 'no-address', Meaning> = {
  timeout: [
    'TIMEOUT',
    'unconfirmed',
    'attempt',
    'The DNS server did not answer the update. Check that it can be reached on port 53; Holdfast tries again.',
  ],
  broken: [
    'BROKEN',
    'unconfirmed',
    'attempt',
    'The DNS server broke off without an answer. If it lasts, look into its log; Holdfast tries again.',
  ],
  refused: [
    'REFUSED_PORT',
    'unreachable',
    'attempt',
    'Nothing answers DNS at the server. Check option server; Holdfast tries again.',
  ],
  'no-route': [
    'NO_ROUTE',
    'offline',
    'attempt',
    'There is no route to the DNS server. Check that the WAN has this address family.',
  ],
  unavailable: [
    'UNAVAILABLE',
    'unreachable',
    'attempt',
    'This runtime cannot reach the DNS server: it needs the program nc, and the WAN with the route to the server. Let the agent run on node, or install nc.',
  ],
  'no-address': [
    'NO_ADDRESS',
    'unreachable',
    'attempt',
    'This WAN has no address of a family that the DNS server can be reached with. Let the hostname use another network.',
  ],
};

export type Answer =
  | { kind: 'signed'; rcode: number; error: number; serverTimeSec?: number }
  | { kind: 'unsigned'; rcode: number; error: number }
  | { kind: 'forged' | 'bad-name' }
  | { kind: 'fault'; fault: ExchangeFault | 'no-address' };

/** Names of one zone, and where their updates go. */
export interface Errand {
  zone: string;
  servers: DnsServer[];
  hostnames: string[];
  /** The answers over UDP were doubtful, or too slow for many messages. */
  tcpOnly?: true;
}

export interface Talk {
  requests: string[];
  replies: string[];
}

async function update(call: UpdateCall, ports: ProtocolPorts): Promise<CallResult> {
  const talk: Talk = { requests: [], replies: [] };
  const verdicts = await verdictsOf(call, ports, talk);
  const request = talk.requests.join('\n') || 'nothing was sent';
  return {
    outcomes: call.hostnames.map((hostname) => verdicts.get(hostname) ?? failed(failureOf(UNKNOWN))),
    exchange: { request, reply: talk.replies.join('\n') },
  };
}

async function verdictsOf(call: UpdateCall, ports: ProtocolPorts, talk: Talk): Promise<Map<string, Verdict>> {
  const key = keyOf(call);
  const fault = clockFault(ports.clock.nowMs()) ?? ('code' in key ? key : undefined);
  if (fault || 'code' in key) {
    return allOf(call.hostnames, failed(fault ?? failureOf(UNKNOWN)));
  }
  const verdicts = new Map<string, Verdict>();
  const errands = new Map<string, Errand>();
  for (const hostname of call.hostnames) {
    const found = await errandFor(hostname, call, ports);
    if ('failure' in found) {
      verdicts.set(hostname, failed(found.failure));
    } else {
      const errand = errands.get(found.zone) ?? found;
      errands.set(found.zone, { ...errand, hostnames: [...errand.hostnames, hostname] });
    }
  }
  for (const errand of errands.values()) {
    for (const [hostname, verdict] of await run(errand, key, call, ports, talk)) {
      verdicts.set(hostname, verdict);
    }
  }
  return verdicts;
}

export function keyOf({
  credential,
  options,
}: Pick<UpdateCall, 'credential' | 'options'>): TsigKey | Failure {
  // nsupdate writes the algorithm before the name.
  const [, prefix, name = ''] = /^(?:(hmac-[^:]+):)?(.*)$/i.exec(credential.username) ?? [];
  const written = (options.key_algorithm ?? prefix ?? DEFAULT_ALGORITHM).toLowerCase();
  const algorithm = TSIG_ALGORITHMS.find((one) => one === written.replace('.sig-alg.reg.int', ''));
  if (algorithm === undefined) {
    const sentence = `There is no algorithm of this name. Choose one of ${TSIG_ALGORITHMS.join(', ')}.`;
    return failureOf(['ALGORITHM', 'refused', 'account', sentence]);
  }
  const secret = fromBase64(credential.password);
  if (secret === undefined || secret.length === 0) {
    const sentence =
      'The password is no TSIG secret. Copy the text behind "secret" from the key file, in base64.';
    return failureOf(['SECRET', 'credential', 'account', sentence]);
  }
  return { name, algorithm, secret };
}

/** Finds zone and servers, as far as the account does not name them. */
export async function errandFor(
  hostname: string,
  { options, server, via }: Pick<UpdateCall, 'options' | 'server' | 'via'>,
  ports: ProtocolPorts,
): Promise<Errand | { failure: Failure }> {
  const given = server === undefined ? undefined : parseServer(server);
  if (server !== undefined && given === undefined) {
    const sentence =
      'Option server is no name or address of a DNS server. Write ns1.example.org or 192.0.2.53.';
    return { failure: failureOf(['SERVER', 'refused', 'account', sentence]) };
  }
  const named = given && (await addressesOf(given, ports));
  if (named?.length === 0) {
    const sentence =
      'The DNS server has a name that cannot be resolved. Check option server and the resolvers of the router.';
    return {
      failure: failureOf(['NO_SERVER', await whyNotFound(given?.host ?? '', ports), 'attempt', sentence]),
    };
  }
  const configured = options.zone?.toLowerCase().replace(/\.$/, '');
  if (configured !== undefined && hostname !== configured && !hostname.endsWith(`.${configured}`)) {
    return { failure: failureOf(RCODES[10] ?? UNKNOWN) };
  }
  if (configured !== undefined && named) {
    return { zone: configured, servers: named, hostnames: [] };
  }
  const apex = await apexOf(configured ?? hostname, named ?? [], ports, via);
  const servers = named ?? (apex && (await serversOf(apex, ports))) ?? [];
  const zone = configured ?? apex?.zone;
  if (zone === undefined || servers.length === 0) {
    const sentence =
      'The zone of the hostname or its primary server could not be found. Set options zone and server, or check the resolvers.';
    return { failure: failureOf(['NO_ZONE', await whyNotFound(hostname, ports), 'attempt', sentence]) };
  }
  return { zone, servers, hostnames: [] };
}

/** One message for all names; where it is refused and one of them may be the reason, one message for each. */
async function run(
  errand: Errand,
  key: TsigKey,
  call: UpdateCall,
  ports: ProtocolPorts,
  talk: Talk,
): Promise<Map<string, Verdict>> {
  const { hostnames } = errand;
  const verdict = await send(errand, key, call, ports, talk);
  if (verdict.ok || verdict.failure.scope !== 'hostname' || hostnames.length === 1) {
    return allOf(hostnames, verdict);
  }
  const verdicts = new Map<string, Verdict>();
  for (const hostname of hostnames) {
    const single: Errand = { ...errand, hostnames: [hostname], tcpOnly: true };
    verdicts.set(hostname, await send(single, key, call, ports, talk));
  }
  return verdicts;
}

async function send(
  errand: Errand,
  key: TsigKey,
  call: UpdateCall,
  ports: ProtocolPorts,
  talk: Talk,
): Promise<Verdict> {
  const { zone, hostnames } = errand;
  const addresses = [call.ipv4, call.ipv6].filter((address) => address !== undefined);
  const ttlSec = Number(call.options.ttl ?? call.provider.rfc2136?.ttlSec);
  const told = await tell(
    errand,
    `${hostnames.join(' ')} = ${addresses.join(' ')}, TTL ${ttlSec}`,
    (id) => encodeUpdate({ id, zone, hostnames, addresses, ttlSec }),
    key,
    call.via,
    ports,
    talk,
  );
  return judge(told.answer, told.offsetSec);
}

/** What the first server that can be reached answers to a signed message. */
export async function tell(
  { zone, servers, tcpOnly }: Errand,
  change: string,
  encode: (id: number) => Uint8Array | undefined,
  key: TsigKey,
  via: Uplink | undefined,
  ports: ProtocolPorts,
  talk: Talk,
): Promise<{ answer: Answer; offsetSec: number }> {
  let answer: Answer = { kind: 'fault', fault: 'no-address' };
  let offsetSec = 0;
  for (const server of servers) {
    talk.requests.push(`UPDATE ${zone} at ${server.address}:${server.port}, key ${key.name}: ${change}`);
    answer = await attempt(server, 0);
    if (answer.kind === 'signed' && answer.serverTimeSec !== undefined) {
      // RFC 8945 section 5.2.3: the reply is signed and tells the time there. Once more, with that time.
      offsetSec = answer.serverTimeSec - nowSec();
      talk.replies.push(textOf(answer));
      answer = await attempt(server, offsetSec);
    }
    talk.replies.push(textOf(answer));
    if (answer.kind !== 'fault') {
      break;
    }
  }
  return { answer, offsetSec };

  async function attempt(server: DnsServer, offset: number): Promise<Answer> {
    const [high = 0, low = 0] = ports.crypto.randomOctets(2);
    const id = high * 256 + low;
    const unsigned = encode(id);
    const signed = unsigned && sign(unsigned, key, nowSec() + offset);
    if (signed === undefined) {
      return { kind: 'bad-name' };
    }
    const { message, mac } = signed;
    const localAddress = localAddressFor(server, via);
    if (via && localAddress === undefined) {
      return { kind: 'fault', fault: 'no-address' };
    }
    let answer: Answer = { kind: 'fault', fault: 'timeout' };
    // RFC 2136 section 4.8: the same message again, which changes nothing if it was applied before.
    for (
      let tries = tcpOnly || message.length > MAX_UDP_OCTETS ? 0 : UDP_TRIES;
      tries > 0 && isSilence(answer);
      tries--
    ) {
      answer = await exchange('udp');
    }
    if (answer.kind === 'signed' || (answer.kind === 'fault' && answer.fault === 'no-route')) {
      return answer;
    }
    // Silent, refused or doubtful over UDP: TCP is harder to forge, and some servers have nothing else.
    const overTcp = await exchange('tcp');
    return overTcp.kind === 'fault' && answer.kind !== 'fault' ? answer : overTcp;

    async function exchange(transport: DnsTransport): Promise<Answer> {
      let doubtful: Answer | undefined;
      function accept(bytes: Uint8Array): Answer | undefined {
        const reply = readUpdateReply(bytes, id);
        if (reply === undefined) {
          return undefined;
        }
        const signature = judgeSignature(bytes, reply.tsig, key, mac, nowSec() + offset);
        const found = signature.kind === 'forged' ? signature : { ...signature, rcode: reply.rcode };
        if (found.kind !== 'signed' && transport === 'udp') {
          // RFC 8945 section 5.4: not to be trusted, and the true reply may still come.
          doubtful = found;
          return undefined;
        }
        return found;
      }
      const timeoutMs = TIMEOUT_MS[transport];
      const result = await ports.exchangeDns(transport, server, message, timeoutMs, accept, localAddress);
      return result.ok ? result.value : (doubtful ?? { kind: 'fault', fault: result.fault });
    }
  }

  function nowSec(): number {
    return Math.floor(ports.clock.nowMs() / 1000);
  }
}

function isSilence(answer: Answer): boolean {
  return answer.kind === 'fault' && answer.fault === 'timeout';
}

export function judge(answer: Answer, offsetSec: number): Verdict {
  switch (answer.kind) {
    case 'fault':
      return failed(failureOf(FAULTS[answer.fault]));
    case 'forged':
      return failed(failureOf(FORGED));
    case 'bad-name':
      return failed(failureOf(BAD_NAME));
    case 'unsigned': {
      const meaning = TSIG_ERRORS[answer.error] ?? unproved(RCODES[answer.rcode]) ?? UNSIGNED;
      return failed(failureOf(meaning, textOf(answer)));
    }
    case 'signed': {
      if (answer.error === 0 && answer.rcode === 0) {
        const minutes = Math.round(apartMs(0, offsetSec * 1000) / 60_000);
        return ok(
          offsetSec === 0
            ? undefined
            : `The clock of the router differs from the DNS server's by ${minutes} minutes; let NTP set it.`,
        );
      }
      const meaning = answer.error === 0 ? RCODES[answer.rcode] : TSIG_ERRORS[answer.error];
      return failed(failureOf(meaning ?? UNKNOWN, textOf(answer)));
    }
  }
}

/** Anybody could have sent it: the same words, but nothing that blocks for good. */
function unproved(meaning: Meaning | undefined): Meaning | undefined {
  const [code, kind, scope, sentence] = meaning ?? UNSIGNED;
  return meaning && [code, kind === 'refused' ? 'unintelligible' : kind, scope, sentence];
}

function textOf(answer: Answer): string {
  switch (answer.kind) {
    case 'fault':
      return answer.fault;
    case 'forged':
      return 'a reply with a wrong signature';
    case 'bad-name':
      return 'nothing was sent';
    default: {
      const error =
        answer.error === 0 ? '' : `, TSIG error ${TSIG_ERRORS[answer.error]?.[0] ?? answer.error}`;
      const name = answer.rcode === 0 ? 'NOERROR' : (RCODES[answer.rcode]?.[0] ?? `rcode ${answer.rcode}`);
      return `${name}${error}, ${answer.kind}`;
    }
  }
}

export function failureOf([code, kind, scope, sentence]: Meaning, line = ''): Failure {
  return replyFailure(`rfc2136/${code}`, kind, scope, sentence, line);
}

function allOf(hostnames: readonly string[], verdict: Verdict): Map<string, Verdict> {
  return new Map(hostnames.map((hostname) => [hostname, verdict]));
}
