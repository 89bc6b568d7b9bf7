/**
 * What the end of curl means when a request has failed, and how people are told. The agent loads it with the first
 * such request: as long as all goes well nobody needs it.
 */
import type { Failure } from '../core/failure.ts';
import { normaliseHostname } from '../core/hostname.ts';
import { type FaultCode, httpFailure } from '../net/http-failure.ts';
import { FACTS, hasSent, TIMES } from './quickjs-curl.ts';
import type { Target } from './quickjs-url.ts';

/** What curl wrote on its error output. */
export interface Trace {
  /** The request has left, or a part of it. */
  sent: boolean;
  /** TCP has connected; TLS may not have. */
  connected: boolean;
  /** The error message, empty without one. */
  message: string;
  /** Why addresses could not be reached; empty where curl was built without words. */
  connecting: string;
  times: Partial<Record<(typeof TIMES)[number], number>>;
}

export function readTrace(text: string): Trace {
  const lines = text.split(/\r?\n/);
  const facts = lines.findLast((line) => line.startsWith(`${FACTS} `))?.split(' ') ?? [];
  const times = Object.fromEntries(TIMES.map((name, at) => [name, Number(facts[at + 1] ?? 0)]));
  return {
    sent: hasSent(text) || (times.pretransfer ?? 0) > 0,
    // Old curls tell no time for a connection whose TLS has failed.
    connected: (times.connect ?? 0) > 0 || /^\* (?:Connected|Established)|^curl: .*SSL/im.test(text),
    message: lines.find((line) => line.startsWith('curl: (')) ?? '',
    connecting: lines.filter((line) => /^\* .*(?:connect|bind)/i.test(line)).join('\n'),
    times,
  };
}

/** curl's exit statuses (libcurl-errors(3)), as far as they mean one thing. */
const EXITS: Record<number, FaultCode> = {
  3: 'http/BAD_REQUEST',
  5: 'http/DNS',
  8: 'http/BAD_REPLY',
  16: 'http/BAD_REPLY',
  18: 'http/RESET',
  27: 'http/CONNECT_FAILED',
  35: 'http/TLS_HANDSHAKE',
  43: 'http/BAD_REQUEST',
  45: 'http/NO_ROUTE',
  52: 'http/RESET',
  53: 'http/TLS_HANDSHAKE',
  54: 'http/TLS_HANDSHAKE',
  55: 'http/RESET',
  58: 'http/TLS_HANDSHAKE',
  59: 'http/TLS_HANDSHAKE',
  61: 'http/BAD_REPLY',
  64: 'http/TLS_HANDSHAKE',
  66: 'http/TLS_HANDSHAKE',
  80: 'http/RESET',
  83: 'http/TLS_UNKNOWN_CA',
  91: 'http/TLS_UNKNOWN_CA',
  92: 'http/BAD_REPLY',
};

/** In the words of OpenSSL, GnuTLS, mbedTLS and wolfSSL, which curl passes on. */
const CERTIFICATE_FAULTS: readonly [RegExp, FaultCode][] = [
  [
    /not yet (?:valid|activated)|starts in the future|BADCERT_FUTURE|current date (?:is )?before/i,
    'http/TLS_NOT_YET_VALID',
  ],
  [/expired|BADCERT_EXPIRED|current date (?:is )?after/i, 'http/TLS_EXPIRED'],
  [/target ?host|subject ?name|Common Name|CN_MISMATCH|host ?name|alt name/i, 'http/TLS_WRONG_HOST'],
];

/** The fault behind an exit status other than 0; `killed` (-1) means by somebody else. */
export function faultOf(
  status: number,
  { secure }: Target,
  caFile: string | undefined,
  trace: Trace,
): FaultCode {
  switch (status) {
    case -1:
      return trace.sent ? 'http/RESET' : 'http/CONNECT_FAILED';
    case 1:
      return trace.sent ? 'http/BAD_REPLY' : 'http/TLS_HANDSHAKE';
    case 6:
      return UNKNOWN_NAME.test(trace.message) ? 'http/NO_NAME' : 'http/DNS';
    case 7:
      return connectFault(trace.connecting);
    case 28:
      return timeoutFault(secure, trace);
    case 51:
    case 60:
      return certificateFault(trace.message);
    case 56:
      return /chunk|hexadecimal|header|content-length/i.test(trace.message) ? 'http/BAD_REPLY' : 'http/RESET';
    case 77:
      return caFile === undefined ? 'http/TLS_UNKNOWN_CA' : 'http/CA_FILE';
    default:
      return EXITS[status] ?? (trace.sent ? 'http/RESET' : 'http/CONNECT_FAILED');
  }
}

/** What a router on the way may say, or this one itself; curl calls it immediate then. */
const UNREACHABLE = /unreachable|no route/i;
const REFUSED_HERE = /not permitted|permission denied|assign requested|network is down/i;
/** Where the library of curl tells it: a name server has said that there is no such name. */
const UNKNOWN_NAME = /not known|does not resolve|no address associated|name not found/i;

/** A family without a route is normal; the fault of the other family tells the owner more. */
function connectFault(words: string): FaultCode {
  if (/refused/i.test(words)) {
    return 'http/REFUSED';
  }
  const own = [...words.matchAll(/Immediate connect fail for (\S+):/gi)].map(([, address]) => ` ${address} `);
  const fromAfar = words
    .split('\n')
    .filter((line) => !line.includes('Immediate') && !own.some((address) => line.includes(address)));
  if (fromAfar.some((line) => UNREACHABLE.test(line))) {
    return 'http/HOST_UNREACHABLE';
  }
  return UNREACHABLE.test(words) || REFUSED_HERE.test(words) ? 'http/NO_ROUTE' : 'http/CONNECT_FAILED';
}

function timeoutFault(secure: boolean, { sent, connected, times }: Trace): FaultCode {
  if (sent) {
    return (times.starttransfer ?? 0) > 0 ? 'http/BODY_TIMEOUT' : 'http/NO_REPLY';
  }
  if (!times.namelookup) {
    return 'http/DNS';
  }
  return secure && connected ? 'http/TLS_TIMEOUT' : 'http/CONNECT_TIMEOUT';
}

function certificateFault(message: string): FaultCode {
  return CERTIFICATE_FAULTS.find(([words]) => words.test(message))?.[1] ?? 'http/TLS_UNKNOWN_CA';
}

/** A request that failed so may be tried at another address: nothing has left, and no server has judged. */
export function mayTryElsewhere(code: FaultCode): boolean {
  return /^http\/(?:NO_ROUTE|HOST_UNREACHABLE|REFUSED|CONNECT_TIMEOUT|CONNECT_FAILED|TLS_TIMEOUT|TLS_HANDSHAKE|DNS|NO_NAME)$/.test(
    code,
  );
}

export function failureOf(code: FaultCode | 'http/NO_CURL', server: string): Failure {
  if (code !== 'http/NO_CURL') {
    return httpFailure(code, server, Date.now());
  }
  const sentence = `${server} was not asked: this needs the program curl, which is missing or too old. Install the packages curl and ca-bundle.`;
  return { kind: 'unreachable', scope: 'attempt', code, sentence };
}

/** A name of any script in ASCII; undefined for what is no name. */
export function asciiName(host: string): string | undefined {
  const named = normaliseHostname(host);
  return named.ok ? named.hostname : undefined;
}
