/** What is said to curl, and what it answers. No I/O: everything here is text. */
import type { Family } from '../core/address.ts';
import { base64, utf8 } from '../core/octets.ts';
import type { Authorization, HttpReply, HttpRequest } from '../ports.ts';
import { octetText, textOf } from './quickjs-octets.ts';
import { type Target, urlOf } from './quickjs-url.ts';

/** Limits of one run of curl, in phases of the request. Lookup, TCP and TLS are one limit to curl. */
export const CONNECT_PHASES = 2;
/** From the first octet of a reply to its last. */
export const REPLY_PHASES = 2;
/** A folder without certificates on every Linux: curl would trust those of the system beside `ca_file`. */
const NO_CERTIFICATES = '/proc/self/task';
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** As Node has it: octets, no control characters but the tab (RFC 9110 section 5.5). */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** One way to the server. */
export interface Way {
  family?: Family;
  localAddress?: string;
}

/**
 * The configuration for `curl -q -K -`, one character for each octet; undefined for a request that cannot be
 * written: a line break in a header, for instance.
 */
export function curlConfig(wanted: HttpRequest, target: Target, way: Way): string | undefined {
  const { method, body, phaseTimeoutMs } = wanted;
  const fields = headerFields(wanted);
  if (fields === undefined || body?.includes('\0') || (method === 'GET' && body !== undefined)) {
    return undefined;
  }
  const phaseSec = phaseTimeoutMs / 1000;
  const options: [name: string, value?: string][] = [
    ['url', urlOf(target)],
    ['request', method],
    ...fields.map((field): [string, string] => ['header', field]),
    ...(body === undefined ? [] : ([['data-raw', octetText(utf8(body))]] as [string, string][])),
    ...(way.family === undefined ? [] : ([[way.family]] as [string][])),
    ...(way.localAddress === undefined
      ? []
      : ([['interface', `host!${way.localAddress}`]] as [string, string][])),
    ...(wanted.caFile === undefined
      ? []
      : ([
          ['cacert', octetText(utf8(wanted.caFile))],
          ['capath', NO_CERTIFICATES],
        ] as [string, string][])),
    ['proto', target.secure ? '=https' : '=http'],
    ['noproxy', '*'],
    ['globoff'],
    ['http1.1'],
    ['tlsv1.2'],
    ['connect-timeout', String(phaseSec * CONNECT_PHASES)],
    ['speed-limit', '1'],
    ['speed-time', String(Math.ceil(phaseSec))],
    ['max-time', String(phaseSec * (CONNECT_PHASES + REPLY_PHASES + 1))],
    ['include'],
    ['no-buffer'],
    ['silent'],
    ['show-error'],
    ['verbose'],
    ['write-out', `%{stderr}\n${FACTS} ${TIMES.map((time) => `%{time_${time}}`).join(' ')}\n`],
  ];
  return options
    .map(([name, value]) => (value === undefined ? name : `${name} = ${quoted(value)}`))
    .join('\n');
}

/** Within double quotes curl knows five escapes (curl(1), --config). */
function quoted(text: string): string {
  const escapes: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v' };
  return `"${text.replace(/[\\"\n\r\t\v]/g, (one) => escapes[one] ?? `\\${one}`)}"`;
}

/** Undefined when a name or a value holds what none may. */
function headerFields({ headers, authorization, body }: HttpRequest): string[] | undefined {
  const fields = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  if (authorization !== undefined) {
    const [name, value] = authorizationField(authorization);
    fields.set(name, value);
  }
  fields.set('accept-encoding', 'identity');
  const all = [...fields];
  if (!all.every(([name, value]) => TOKEN.test(name) && FIELD_VALUE.test(value))) {
    return undefined;
  }
  // What curl would add by itself: a name without a value takes it away.
  const ours = { expect: '', ...(body === undefined ? {} : { 'content-type': 'text/plain;charset=UTF-8' }) };
  const added = Object.entries({ 'user-agent': '', ...ours }).filter(([name]) => !fields.has(name));
  return [
    // With a semicolon the value stays empty (curl(1), --header).
    ...all.map(([name, value]) => (value.trim() === '' ? `${name};` : `${name}: ${value}`)),
    ...added.map(([name, value]) => (value === '' ? `${name}:` : `${name}: ${value}`)),
  ];
}

function authorizationField(authorization: Authorization): [string, string] {
  switch (authorization.scheme) {
    case 'basic': {
      // RFC 7617, with UTF-8.
      const { username, password } = authorization;
      return ['authorization', `Basic ${base64(utf8(`${username}:${password}`))}`];
    }
    case 'bearer':
      return ['authorization', `Bearer ${authorization.token}`];
    case 'header':
      return [authorization.name.toLowerCase(), authorization.value];
  }
}

/** Before the line that curl writes at its end, with these times in it. */
export const FACTS = '@facts';
export const TIMES = ['namelookup', 'connect', 'appconnect', 'pretransfer', 'starttransfer'] as const;

/** curl shows each line of a request that it sends. */
export function hasSent(text: string): boolean {
  return /^> /m.test(text);
}

export interface Head {
  status: number;
  headers: Record<string, string>;
  /** Where the body begins. */
  length: number;
}

/** The head of the reply, interim ones (1xx) skipped; undefined until it is complete. */
export function readHead(octets: Uint8Array): Head | undefined {
  for (let from = 0; ; ) {
    const end = endOfHead(octets, from);
    if (end === undefined) {
      return undefined;
    }
    const [first = '', ...lines] = octetText(octets.subarray(from, end)).split(/\r?\n/);
    const status = Number(/^HTTP\/[\d.]+ (\d{3})/.exec(first)?.[1] ?? 0);
    if (status < 100 || status > 199) {
      return { status, headers: headersOf(lines), length: end };
    }
    from = end;
  }
}

function endOfHead(octets: Uint8Array, from: number): number | undefined {
  for (let at = octets.indexOf(10, from); at >= 0; at = octets.indexOf(10, at + 1)) {
    if (octets[at + 1] === 10) {
      return at + 2;
    }
    if (octets[at + 1] === 13 && octets[at + 2] === 10) {
      return at + 3;
    }
  }
  return undefined;
}

function headersOf(lines: readonly string[]): Record<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) {
      const name = line.slice(0, colon).trim().toLowerCase();
      const value = line.slice(colon + 1).trim();
      const before = headers.get(name);
      headers.set(name, before === undefined ? value : `${before}, ${value}`);
    }
  }
  return Object.fromEntries(headers);
}

/** Undefined when the reply is packed: we asked for none, and unpacking could fill the memory. */
export function replyOf(
  { status, headers }: Head,
  body: Uint8Array,
  truncated: boolean,
  octets: boolean,
): HttpReply | undefined {
  const encoding = headers['content-encoding']?.toLowerCase() ?? 'identity';
  return encoding === 'identity'
    ? { status, headers, body: octets ? octetText(body) : textOf(body), truncated }
    : undefined;
}
