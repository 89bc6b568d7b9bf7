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

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string;
  headers: Record<string, string>;
  /** The only place where a credential travels: sent pre-emptively as `Authorization`, never in the URL. */
  authorization?: { scheme: 'basic'; username: string; password: string };
  body?: string;
  /** PEM file that replaces the system's trust anchors. */
  caFile?: string;
  /** Restricts the address family of the connection. */
  family?: Family;
  /** Bound to the local address of a family that the server has; otherwise the request fails. */
  via?: Uplink;
  /** Limit for each phase: name lookup, connect, TLS, first byte, body. */
  phaseTimeoutMs: number;
  /** A longer body is cut here and `truncated` is set. */
  maxBodyBytes: number;
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
  transport: 'udp' | 'tcp';
}

export type DnsResult = { kind: 'reply'; reply: DnsReply } | { kind: 'failed'; failure: Failure };

/** One question to one server: UDP with EDNS, repeated, then TCP (see net/dns-client.ts). */
export interface Dns {
  ask(server: DnsServer, question: DnsQuestion): Promise<DnsResult>;
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

export interface Processes {
  /** Runs a program to its end, no shell, output capped at 1 MiB, killed after the timeout. */
  run(argv: readonly string[], timeoutMs: number): Promise<RunResult>;
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
  /** Creates a folder and its parents. */
  makeFolder(path: string, mode: number): Promise<void>;
}

export type SignalName = 'HUP' | 'TERM' | 'INT' | 'USR1' | 'USR2';

export interface Host extends Clock, Processes, Files {
  /** Name and version of the runtime, e.g. `node 20.20.2`. */
  runtime: string;
  pid: number;
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  http: Http;
  dns: Dns;
  /** A fraction in [0, 1) for jitter; not for secrets. */
  random(): number;
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
