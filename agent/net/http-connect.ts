/**
 * From a server's name to a connected socket: lookup, TCP, TLS. Everything here happens before the request
 * leaves, so each fault is `unreachable`, and a further address may be tried.
 */
import { promises as dns, type LookupAddress } from 'node:dns';
import { readFile, stat } from 'node:fs/promises';
import * as net from 'node:net';
import * as tls from 'node:tls';
import type { Family } from '../core/address.ts';
import { connectFault, errorCode, type FaultCode, tlsFault } from './http-failure.ts';

/** Requests with an equal route may share connections. */
export interface Route {
  secure: boolean;
  host: string;
  port: number;
  family?: Family;
  /** Bound to the local address of the server's family; without one that family is not used. */
  via?: { ipv4?: string; ipv6?: string };
  trust?: tls.SecureContext;
  /** Limit for the lookup, and for TCP and TLS at each address. */
  phaseTimeoutMs: number;
}

/** Every address of a host name, in the order in which they should be tried. */
export type Lookup = (host: string) => Promise<LookupAddress[]>;

export type Connected = { ok: true; socket: net.Socket } | { ok: false; code: FaultCode };

/** Bounds how long a server with many dead addresses can hold an attempt. */
const MAX_ADDRESSES = 4;

/** `getaddrinfo`, in its own order (RFC 6724): the hosts file and the router's resolver count. */
export function systemLookup(host: string): Promise<LookupAddress[]> {
  return dns.lookup(host, { all: true, verbatim: true });
}

/** Tries each usable address of the route until one is connected. Never rejects. */
export async function connect(route: Route, lookup: Lookup): Promise<Connected> {
  const found = await within(route.phaseTimeoutMs, lookup(route.host));
  if (found === undefined || found.length === 0) {
    return { ok: false, code: 'http/DNS' };
  }
  const usable = found.flatMap((address) => usableAddress(address, route));
  let code: FaultCode = 'http/NO_PATH';
  for (const candidate of usable.slice(0, MAX_ADDRESSES)) {
    const connected = await connectTo(candidate, route);
    if (connected.ok || isVerdict(connected.code)) {
      return connected;
    }
    // A family without a route is normal; the fault of the other family tells the owner more.
    if (code === 'http/NO_PATH' || code === 'http/NO_ROUTE') {
      code = connected.code;
    }
  }
  return { ok: false, code };
}

interface Candidate {
  address: string;
  localAddress?: string;
}

function usableAddress({ address }: LookupAddress, { family, via }: Route): Candidate[] {
  const own: Family = net.isIPv6(address) ? 'ipv6' : 'ipv4';
  if (family !== undefined && family !== own) {
    return [];
  }
  if (via === undefined) {
    return [{ address }];
  }
  const localAddress = via[own];
  return localAddress === undefined ? [] : [{ address, localAddress }];
}

/** A refused certificate is the server's word, not the path's: no other address is asked. */
function isVerdict(code: FaultCode): boolean {
  return code.startsWith('http/TLS_') && code !== 'http/TLS_TIMEOUT' && code !== 'http/TLS_HANDSHAKE';
}

async function connectTo(candidate: Candidate, route: Route): Promise<Connected> {
  const socket = net.connect({
    host: candidate.address,
    port: route.port,
    noDelay: true,
    ...(candidate.localAddress === undefined ? {} : { localAddress: candidate.localAddress }),
  });
  const fault = await ready(socket, 'connect', route.phaseTimeoutMs);
  if (fault !== undefined) {
    return { ok: false, code: fault === 'timeout' ? 'http/CONNECT_TIMEOUT' : connectFault(fault) };
  }
  return route.secure ? secure(socket, route) : { ok: true, socket };
}

async function secure(socket: net.Socket, route: Route): Promise<Connected> {
  const session = tls.connect({
    socket,
    host: route.host,
    // A server name is never an address (RFC 6066 section 3).
    ...(net.isIP(route.host) === 0 ? { servername: route.host } : {}),
    ...(route.trust === undefined ? {} : { secureContext: route.trust }),
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    // Stated here so that NODE_TLS_REJECT_UNAUTHORIZED cannot switch it off.
    rejectUnauthorized: true,
  });
  const fault = await ready(session, 'secureConnect', route.phaseTimeoutMs);
  if (fault !== undefined) {
    socket.destroy();
    return { ok: false, code: fault === 'timeout' ? 'http/TLS_TIMEOUT' : tlsFault(fault) };
  }
  return { ok: true, socket: session };
}

/** Undefined once `event` came, else `timeout` or the error code; the socket is then destroyed. */
function ready(socket: net.Socket, event: string, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(finish, timeoutMs, 'timeout');
    function finish(fault?: string): void {
      clearTimeout(timer);
      socket.off(event, onReady).off('error', onError).off('close', onClose);
      if (fault !== undefined) {
        // A destroyed socket may still report; nobody is interested any more.
        socket.on('error', () => {});
        socket.destroy();
      }
      resolve(fault);
    }
    function onReady(): void {
      finish();
    }
    function onError(error: Error): void {
      finish(errorCode(error));
    }
    function onClose(): void {
      finish('closed');
    }
    socket.on(event, onReady).on('error', onError).on('close', onClose);
  });
}

/** The value, or undefined when it failed or took too long. The work itself cannot be called off. */
async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, undefined);
  });
  const value = await Promise.race([work.catch(() => undefined), late]);
  clearTimeout(timer);
  return value;
}

export interface TrustStore {
  /** The trust anchors of a PEM file, or undefined when it holds none that can be read. */
  load(caFile: string): Promise<{ context: tls.SecureContext; version: string } | undefined>;
}

/** Reads PEM files again only when their time stamp or size changes: parsing one is slow on a router. */
export function trustStore(): TrustStore {
  const known = new Map<string, { context: tls.SecureContext; version: string }>();
  return {
    async load(caFile) {
      try {
        const { mtimeMs, size } = await stat(caFile);
        const version = `${mtimeMs}:${size}`;
        const cached = known.get(caFile);
        if (cached?.version === version) {
          return cached;
        }
        const ca = await readFile(caFile, 'latin1');
        if (!ca.includes('-----BEGIN ')) {
          return undefined;
        }
        const fresh = { context: tls.createSecureContext({ ca, minVersion: 'TLSv1.2' }), version };
        known.set(caFile, fresh);
        return fresh;
      } catch {
        return undefined;
      }
    },
  };
}
