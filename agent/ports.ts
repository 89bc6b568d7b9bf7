/** What the engine needs from the outside world. A host implements these once for each runtime. */
import type { Family } from './core/address.ts';
import type { Failure } from './core/failure.ts';
import type { Uplink } from './core/via.ts';
import type { Observation } from './core/wan.ts';

export type LogLevel = 'debug' | 'info' | 'notice' | 'warning' | 'error';
export type Log = (level: LogLevel, message: string) => void;
/** Ends what was started. Calling it twice is harmless. */
export type Stop = () => void;

export interface Clock {
  /** Wall clock, milliseconds since 1970. Wrong until NTP has run: for people to read, never for waits. */
  nowMs(): number;
  /** Milliseconds since boot; the same scale for every process until the next boot. */
  monotonicMs(): number;
  after(delayMs: number, run: () => void): Stop;
}

/** `header` is for services that want their token in a header field of their own, such as `X-API-Key`. */
export type Authorization =
  | { scheme: 'basic'; username: string; password: string }
  | { scheme: 'bearer'; token: string }
  | { scheme: 'header'; name: string; value: string };

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string;
  headers: Record<string, string>;
  /** Where a credential travels, sent pre-emptively. Only where a provider has no other way it is in the URL. */
  authorization?: Authorization;
  body?: string;
  /** PEM file that replaces the system's trust anchors. */
  caFile?: string;
  /** Restricts the address family of the connection. */
  family?: Family;
  /** Bound to the local address of a family that the server has; otherwise the request fails. */
  via?: Uplink;
  /** Without it, redirects within the origin are followed. */
  redirects?: 'refuse';
  /** Limit for each phase: name lookup, connect, TLS, first byte, body. */
  phaseTimeoutMs: number;
  /** A longer body is cut here and `truncated` is set. */
  maxBodyBytes: number;
  /** The body of the reply as it came, one character for each octet; otherwise it is decoded from UTF-8. */
  octets?: true;
}

export interface HttpReply {
  status: number;
  /** Lower-case names. */
  headers: Record<string, string>;
  body: string;
  truncated: boolean;
}

/** A reply of any status is `reply`; redirects are not followed to another origin but returned as they are. */
export type HttpResult = { kind: 'reply'; reply: HttpReply } | { kind: 'failed'; failure: Failure };

export interface Http {
  request(request: HttpRequest): Promise<HttpResult>;
  /** Closes idle connections: keep-alive is kept only while work is due. */
  idle(): void;
}

export interface DnsServer {
  address: string;
  port: number;
}

export type DnsType = 'A' | 'AAAA' | 'NS' | 'SOA' | 'CNAME' | 'TXT';

export interface DnsQuestion {
  name: string;
  type: DnsType;
  /** RD: true for a recursive resolver, false for an authoritative server. */
  recursionDesired: boolean;
  /** IN unless said otherwise; CH is where servers speak of themselves and of the asker. */
  class?: 'IN' | 'CH';
}

/** `value` is the address, the name (lower case, no final dot), the text, or for SOA `mname rname serial ...`. */
export interface DnsRecord {
  name: string;
  type: string;
  ttlSec: number;
  value: string;
}

export interface DnsReply {
  /** NOERROR, NXDOMAIN, SERVFAIL, REFUSED, ... */
  rcode: string;
  authoritative: boolean;
  answers: DnsRecord[];
  authorities: DnsRecord[];
  additionals: DnsRecord[];
  transport: DnsTransport | 'https';
}

export type DnsResult = { kind: 'reply'; reply: DnsReply } | { kind: 'failed'; failure: Failure };

/** One question to one server: UDP with EDNS, repeated, then TCP (see net/dns-client.ts). */
export interface Dns {
  /** `localAddress`: where the question is sent from, of the server's family. `only`: not over the other one. */
  ask(
    server: DnsServer,
    question: DnsQuestion,
    localAddress?: string,
    only?: DnsTransport,
  ): Promise<DnsResult>;
}

/** The same by way of a web server (RFC 8484), which nobody on the way can answer for. */
export interface DnsOverHttps {
  /** `url`: without a query, e.g. `https://192.0.2.53/dns-query`. */
  ask(url: string, question: DnsQuestion): Promise<DnsResult>;
}

export type DnsTransport = 'udp' | 'tcp';

/**
 * `refused`: nothing listens there. `broken`: the connection ended without a reply. `unavailable`: this runtime
 * cannot send it so (see `Host.limits`).
 */
export type ExchangeFault = 'timeout' | 'refused' | 'no-route' | 'broken' | 'unavailable';

export type Exchanged<T> = { ok: true; value: T } | { ok: false; fault: ExchangeFault };

/**
 * Sends one message from a fresh socket with a random port, connected to the server so that nobody else is
 * heard. Each message that comes back is offered to `accept`; undefined means to go on waiting. Never rejects.
 */
export type DnsExchange = <T>(
  transport: DnsTransport,
  server: DnsServer,
  message: Uint8Array,
  timeoutMs: number,
  accept: (message: Uint8Array) => T | undefined,
  localAddress?: string,
) => Promise<Exchanged<T>>;

export type RsaHash = 'sha256' | 'sha512';

export interface Crypto {
  /** Unpredictable octets, for message ids and nonces. */
  randomOctets(count: number): Uint8Array;
  /** RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2); undefined when the text is no RSA key in PEM. */
  signRsa(hash: RsaHash, privateKeyPem: string, message: Uint8Array): Promise<Uint8Array | undefined>;
}

/** A message and how to send it. */
export interface DatagramExchange<T> {
  /** A name is looked up; only addresses of `family` are used, the first of each. */
  to: readonly { host: string; port: number }[];
  family: Family;
  /** Local address; without it the kernel chooses. */
  from?: string;
  message: Uint8Array;
  /** When it is sent, and sent again until something is accepted; ms from the start. */
  sendAtMs: readonly number[];
  timeoutMs: number;
  /** Replies may come from any port of the addresses asked, as SSDP allows. */
  anyPort?: true;
  /** Each message from an address asked; undefined means to go on waiting. */
  accept(message: Uint8Array): T | undefined;
}

/** `unreachable`: no route, no such local address, or nothing listens there. `unavailable`: not with this runtime. */
export type DatagramFault = 'timeout' | 'unreachable' | 'no-name' | 'unavailable';
export type DatagramResult<T> = { ok: true; value: T } | { ok: false; fault: DatagramFault };

/** UDP: each exchange has a socket of its own with a random port. Never rejects. */
export interface Datagrams {
  exchange<T>(exchange: DatagramExchange<T>): Promise<DatagramResult<T>>;
  /** Unpredictable octets, for transaction ids. */
  randomOctets(count: number): Uint8Array;
}

/** A source of addresses that can be read as a whole and watched for hints. */
export interface AddressSource {
  /** Reads everything again: after start, at each resync, and whenever a hint says so. */
  read(): Promise<Observation>;
  /** `onHint` gets the observation when the hint carried it, nothing when the caller should read. */
  watch(onHint: (observation?: Observation) => void): Stop;
}

export interface RunResult {
  /** Exit status; -1 when the program could not be started or was killed. */
  status: number;
  stdout: string;
  stderr: string;
}

/**
 * In the environment of programs that would outlive a killed agent and start no others: its process id. A program of
 * the owner's never has it.
 */
export const HELD_BY = 'HOLDFAST_HELD_BY';

export interface Processes {
  /** Runs a program to its end, no shell, output capped at 1 MiB, killed after the timeout. `env` adds to ours. */
  run(argv: readonly string[], timeoutMs: number, env?: Readonly<Record<string, string>>): Promise<RunResult>;
  /** Holds a program and reports each line of its standard output, then its end once. */
  lines(argv: readonly string[], onLine: (line: string) => void, onExit: (result: RunResult) => void): Stop;
}

export interface Files {
  /** The text of a file, or undefined when it does not exist. Throws on any other fault. */
  readText(path: string): Promise<string | undefined>;
  /** Whole or not at all: written beside, flushed to the disk, renamed into place. Mode 0600 unless `mode`. */
  writeAtomic(path: string, text: string, mode?: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** The names in a folder, in order of the alphabet; none where there is no such folder. */
  listFolder(path: string): Promise<string[]>;
  /** Creates a folder and its parents. */
  makeFolder(path: string, mode: number): Promise<void>;
}

export type SignalName = 'HUP' | 'TERM' | 'INT' | 'USR1' | 'USR2';

/** Something that a runtime cannot do; shown in the status. */
export interface Limit {
  code: 'runtime/NO_DATAGRAMS' | 'runtime/DNS_OVER_TCP' | 'runtime/DNS_UNBOUND';
  /** What does not work with it, and what to do instead. */
  sentence: string;
}

/** An address as the runtime itself knows it. */
export interface DeviceAddress {
  /** Of the kernel device. */
  name: string;
  address: string;
  family: Family;
  prefixLength: number;
  /** Loopback. */
  internal: boolean;
}

export interface Host extends Clock, Processes, Files {
  /** Where the program stands, and `catalogue.json` beside it. */
  programFolder: string;
  /** Name and version of the runtime, e.g. `node 20.20.2`. */
  runtime: string;
  /** Empty for a runtime that can do everything. */
  limits: readonly Limit[];
  /**
   * A program that prints the configuration whose path follows (cli/reading.ts); absent where a process of its
   * own would save no memory.
   */
  configurationReader?: readonly string[];
  /**
   * A program that makes DNS checks (engine/verify-elsewhere.ts): takes the text as its input, tells each line of
   * its output, resolves at its end or when its time is over. Absent where it would save no memory.
   */
  checker?: ((input: string, timeoutMs: number, onLine: (line: string) => void) => Promise<void>) | undefined;
  pid: number;
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  http: Http;
  dns: Dns;
  exchangeDns: DnsExchange;
  dnsOverHttps: DnsOverHttps;
  crypto: Crypto;
  datagrams: Datagrams;
  /** A fraction in [0, 1) for jitter; not for secrets. */
  random(): number;
  /** The addresses of every kernel device that is up, read anew; absent where only `ip` can tell them. */
  interfaces?(): DeviceAddress[];
  /** The memory in use, in KiB (resident set). */
  memoryKib(): number;
  /** Is a process with this id alive (whoever owns it)? */
  isAlive(pid: number): boolean;
  sendSignal(pid: number, signal: SignalName): boolean;
  onSignal(signal: SignalName, run: () => void): void;
  /** Forms in which a password could show up in foreign text (plain, percent-encoded, Basic token). */
  secretForms(username: string, password: string): string[];
  writeOut(text: string): void;
  writeErr(text: string): void;
  /** Is standard output a terminal? Colours only then. */
  isTerminal: boolean;
  exit(status: number): never;
}
