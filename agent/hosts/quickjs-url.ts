/** The little of URLs that requests need; QuickJS has no `URL`. */
import { parseAddress } from '../core/address.ts';
import { utf8 } from '../core/octets.ts';

export interface Target {
  secure: boolean;
  /** Lower case, ASCII; an IPv6 address in brackets. */
  hostname: string;
  port: number;
  /** Path and query, only characters that a request line may hold. */
  path: string;
}

const HTTP_URL = /^(https?):\/\/([^/?#\\]+)([^#]*)/i;
const HOST_AND_PORT = /^(\[[0-9a-f:.]+\]|[^:[\]@]+)(?::(\d{1,5}))?$/i;
/** What curl or a server could take for something else. */
const NOT_IN_PATH = /[^\x21\x23-\x3b\x3d\x3f-\x5b\x5d-\x5f\x61-\x7a\x7c\x7e]/gu;

/** A name of any script in ASCII; undefined for what is no name. */
export type AsciiName = (host: string) => string | undefined;

/** Undefined for anything but an HTTP(S) URL without credentials; without `asciiName` also for names of other scripts. */
export function parseTarget(text: string, asciiName?: AsciiName): Target | undefined {
  const [, scheme = '', authority = '', rest = ''] = HTTP_URL.exec(text) ?? [];
  const [, host = '', digits] = HOST_AND_PORT.exec(authority) ?? [];
  const hostname = asciiHost(host, asciiName);
  const secure = scheme.toLowerCase() === 'https';
  const port = digits === undefined ? (secure ? 443 : 80) : Number(digits);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be there
  if (hostname === undefined || port > 65_535 || /[\u0000-\u0020\u007f]/.test(authority)) {
    return undefined;
  }
  const [path = '', ...query] = rest.split('?');
  const written = [path.replaceAll('\\', '/') || '/', ...query].join('?');
  return { secure, hostname, port, path: written.replace(NOT_IN_PATH, percentEncoded) };
}

function asciiHost(host: string, asciiName: AsciiName | undefined): string | undefined {
  if (host.startsWith('[')) {
    const address = parseAddress(host.slice(1, -1));
    return address?.family === 'ipv6' ? `[${address.canonical}]` : undefined;
  }
  if (/^[\w.-]+$/.test(host)) {
    return host.toLowerCase();
  }
  return asciiName?.(host);
}

function percentEncoded(character: string): string {
  return Array.from(utf8(character), (octet) => `%${octet.toString(16).toUpperCase().padStart(2, '0')}`).join(
    '',
  );
}

export function urlOf(target: Target): string {
  return originOf(target) + target.path;
}

function originOf({ secure, hostname, port }: Target): string {
  return `${secure ? 'https' : 'http'}://${hostname}:${port}`;
}

/** Where a `Location` leads (RFC 3986 section 5.2), if it stays on the origin. */
export function onSameOrigin(location: string, base: Target, asciiName?: AsciiName): Target | undefined {
  const next = parseTarget(absolute(location.trim(), base), asciiName);
  return next !== undefined && originOf(next) === originOf(base) ? next : undefined;
}

function absolute(location: string, base: Target): string {
  if (/^[a-z][a-z0-9+.-]*:/i.test(location)) {
    return location;
  }
  if (/^[/\\]{2}/.test(location)) {
    return `${base.secure ? 'https' : 'http'}:${location}`;
  }
  const [path = ''] = base.path.split('?');
  if (location.startsWith('/')) {
    return originOf(base) + location;
  }
  if (location.startsWith('?')) {
    return originOf(base) + path + location;
  }
  return originOf(base) + (location === '' ? base.path : path.slice(0, path.lastIndexOf('/') + 1) + location);
}
