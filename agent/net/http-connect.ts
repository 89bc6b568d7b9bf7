/**
 * From a server's name to a connected socket: lookup, TCP, TLS. Everything here happens before the request
 * leaves, so each fault is `unreachable`, and a further address may be tried.
 */
import { promises as dns, type LookupAddress } from 'node:dns';
import { statSync } from 'node:fs';
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

/** Servers whose last address is remembered; more than an agent has accounts costs a few milliseconds. */
const MAX_REMEMBERED = 32;

/** `getaddrinfo`, in its own order (RFC 6724): the hosts file and the router's resolver count. */
export function systemLookup(host: string): Promise<LookupAddress[]> {
  return dns.lookup(host, { all: true, verbatim: true });
}

/**
 * Tries each usable address of a route until one is connected. Never rejects. A server most likely still is where
 * it was last, so a connection to there begins beside the lookup. It is used only if the lookup names that address
 * as well, and is closed if not.
 */
export function connector(lookup: Lookup): (route: Route) => Promise<Connected> {
  /** By host, the latest last. */
  const lastAddresses = new Map<string, string>();

  function remember(host: string, address: string): void {
    lastAddresses.delete(host);
    lastAddresses.set(host, address);
    const [oldest] = lastAddresses.keys();
    if (lastAddresses.size > MAX_REMEMBERED && oldest !== undefined) {
      lastAddresses.delete(oldest);
    }
  }

  return async (route) => {
    const lookingUp = within(route.phaseTimeoutMs, lookup(route.host).catch(noneIfUnknown));
    const last = lastAddresses.get(route.host);
    const [guess] = last === undefined ? [] : usableAddress(last, route);
    const early = guess && attempt(guess, route);
    const found = await lookingUp;
    const usable = (found ?? []).flatMap(({ address }) => usableAddress(address, route));
    const named = usable.find(({ address }) => address === guess?.address);
    if (!named) {
      early?.giveUp();
    }
    if (found === undefined || found.length === 0) {
      // Without a name it is not asked beside the next lookup either: who cannot look up tries often.
      lastAddresses.delete(route.host);
      return { ok: false, code: found ? 'http/NO_NAME' : 'http/DNS' };
    }
    let code: FaultCode = 'http/NO_PATH';
    const ordered = named ? [named, ...usable.filter((candidate) => candidate !== named)] : usable;
    for (const candidate of ordered.slice(0, MAX_ADDRESSES)) {
      // What has failed before the lookup ended may go well now.
      const isUnderWay = early !== undefined && candidate === named && !early.hasEnded();
      const connected = await (isUnderWay ? early : attempt(candidate, route)).connected;
      if (connected.ok) {
        remember(route.host, candidate.address);
      }
      if (connected.ok || isVerdict(connected.code)) {
        return connected;
      }
      // A family without a route is normal; the fault of the other family tells the owner more.
      if (code === 'http/NO_PATH' || code === 'http/NO_ROUTE') {
        code = connected.code;
      }
    }
    return { ok: false, code };
  };
}

interface Candidate {
  address: string;
  localAddress?: string;
}

function usableAddress(address: string, { family, via }: Route): Candidate[] {
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

interface Attempt {
  connected: Promise<Connected>;
  /** It failed, or the server has closed the connection since. */
  hasEnded(): boolean;
  giveUp(): void;
}

function attempt(candidate: Candidate, route: Route): Attempt {
  const socket = net.connect({
    host: candidate.address,
    port: route.port,
    noDelay: true,
    ...(candidate.localAddress === undefined ? {} : { localAddress: candidate.localAddress }),
  });
  return {
    connected: prepared(socket, route),
    hasEnded: () => socket.destroyed,
    giveUp: () => void socket.destroy(),
  };
}

async function prepared(socket: net.Socket, route: Route): Promise<Connected> {
  let isOwnWord = true;
  // What comes before the next turn of the event loop comes from the kernel alone, not from a router on the way.
  const turn = setImmediate(() => {
    isOwnWord = false;
  });
  const fault = await ready(socket, 'connect', route.phaseTimeoutMs);
  clearImmediate(turn);
  if (fault !== undefined) {
    return { ok: false, code: fault === 'timeout' ? 'http/CONNECT_TIMEOUT' : connectFault(fault, isOwnWord) };
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

/** `ENOTFOUND`: a name server has said that there is none. Everything else (EAI_AGAIN) may be silence. */
function noneIfUnknown(error: unknown): LookupAddress[] {
  if (errorCode(error) === 'ENOTFOUND') {
    return [];
  }
  throw error;
}

/** Undefined once `event` came, else `timeout` or the error code; the socket is then destroyed. */
function ready(socket: net.Socket, event: string, timeoutMs: number): Promise<string | undefined> {
  // A destroyed socket may still report, and so may one that waits for its use.
  socket.on('error', () => {});
  return new Promise((resolve) => {
    const timer = setTimeout(finish, timeoutMs, 'timeout');
    function finish(fault?: string): void {
      clearTimeout(timer);
      socket.off(event, onReady).off('error', onError).off('close', onClose);
      if (fault !== undefined) {
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

export interface Trusted {
  context: tls.SecureContext;
  version: string;
}

export interface TrustStore {
  /** What was loaded from a PEM file, if the file has not changed since. */
  known(caFile: string): Trusted | undefined;
  /** The trust anchors of a PEM file, or undefined when it holds none that can be read. */
  load(caFile: string): Promise<Trusted | undefined>;
}

/** Reads PEM files again only when their time stamp or size changes: parsing one is slow on a router. */
export function trustStore(): TrustStore {
  const loaded = new Map<string, Trusted>();

  function known(caFile: string): Trusted | undefined {
    const trusted = loaded.get(caFile);
    try {
      // Not by way of the thread pool: that takes longer than the look itself, and the request waits.
      return trusted?.version === versionOf(statSync(caFile)) ? trusted : undefined;
    } catch {
      return undefined;
    }
  }

  async function load(caFile: string): Promise<Trusted | undefined> {
    try {
      const version = versionOf(await stat(caFile));
      const ca = await readFile(caFile, 'latin1');
      if (!ca.includes('-----BEGIN ')) {
        return undefined;
      }
      const fresh = { context: tls.createSecureContext({ ca, minVersion: 'TLSv1.2' }), version };
      loaded.set(caFile, fresh);
      return fresh;
    } catch {
      return undefined;
    }
  }

  return { known, load };
}

function versionOf({ mtimeMs, size }: { mtimeMs: number; size: number }): string {
  return `${mtimeMs}:${size}`;
}
