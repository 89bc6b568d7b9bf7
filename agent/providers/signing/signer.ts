/** What the signed interfaces of the clouds have in common: a request goes in, the same request signed comes out. */
import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Outcome } from '../../core/failure.ts';
import { base64, hex, utf8 } from '../../core/octets.ts';
import type { Crypto, HttpRequest } from '../../ports.ts';
import type { Credential } from '../protocol.ts';

export interface SigningContext {
  credential: Credential;
  /** Options of the account, such as `consumer_key`. */
  options: Readonly<Record<string, string>>;
  /** From the catalogue: region, service, scope, ... */
  parameters: Readonly<Record<string, string>>;
  /** Wall clock; the caller sees to it that it is set. */
  nowMs: number;
  /** 32 hexadecimal digits that nobody has used before. */
  nonce: string;
  crypto: Pick<Crypto, 'signRsa'>;
}

/**
 * Signs a request that is complete but for its credential. The credential itself goes nowhere: only its public
 * part and the signature do.
 */
export type Signer = (
  request: HttpRequest,
  context: SigningContext,
) => Outcome<HttpRequest> | Promise<Outcome<HttpRequest>>;

export interface UrlParts {
  host: string;
  /** As it is sent, `/` at least. */
  path: string;
  /** Decoded, in the order of the URL. */
  query: [name: string, value: string][];
}

export function urlParts(url: string): UrlParts {
  const [, host = '', path = '', query = ''] = /^https:\/\/([^/?#]+)([^?#]*)\??([^#]*)/.exec(url) ?? [];
  const pairs = query.split('&').filter((pair) => pair !== '');
  return {
    host: host.toLowerCase().replace(/:443$/, ''),
    path: path === '' ? '/' : path,
    query: pairs.map((pair) => {
      const [name = '', ...value] = pair.split('=');
      return [decodeURIComponent(name), decodeURIComponent(value.join('='))];
    }),
  };
}

/** RFC 3986 section 2.3: letters, digits and `-._~` stay, everything else is escaped. */
export function escaped(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Escaped pairs in the order of their octets. */
export function sortedQuery(query: readonly (readonly [string, string])[]): string {
  return query
    .map(([name, value]) => [escaped(name), escaped(value)] as const)
    .sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
    .map((pair) => pair.join('='))
    .join('&');
}

/** `name:value` lines of the headers that are signed, and their names. */
export function headerLines(headers: Readonly<Record<string, string>>): { lines: string; names: string } {
  const sorted = Object.entries(headers)
    .map(([name, value]) => [name.toLowerCase(), value.trim().replace(/ +/g, ' ')] as const)
    .sort(([a], [b]) => compare(a, b));
  return {
    lines: sorted.map(([name, value]) => `${name}:${value}\n`).join(''),
    names: sorted.map(([name]) => name).join(';'),
  };
}

/** A header of the request, by any spelling of its name. */
export function headerOf({ headers }: HttpRequest, wanted: string): string | undefined {
  return Object.entries(headers).find(([name]) => name.toLowerCase() === wanted)?.[1];
}

export function sha256Hex(text: string): string {
  return hex(sha256(utf8(text)));
}

export function hmacSha256(key: string | Uint8Array, text: string): Uint8Array {
  return hmac(sha256, typeof key === 'string' ? utf8(key) : key, utf8(text));
}

export function hmacSha1Base64(key: string, text: string): string {
  return base64(hmac(sha1, utf8(key), utf8(text)));
}

/** `2015-08-30T12:36:00Z` */
export function isoTime(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/\.\d+/, '');
}

/** `20150830T123600Z` */
export function basicTime(nowMs: number): string {
  return isoTime(nowMs).replace(/[-:]/g, '');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
