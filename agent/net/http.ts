/** HTTP for the Node host: node-fetch over connections of our own making. */
import * as http from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import fetch, { Request, type Response } from 'node-fetch';
import type { Authorization, Http, HttpReply, HttpRequest, HttpResult, Log } from '../ports.ts';
import {
  type Connected,
  connector,
  type Lookup,
  type Route,
  systemLookup,
  trustStore,
} from './http-connect.ts';
import { errorCode, exchangeFault, type FaultCode, httpFailure } from './http-failure.ts';

/** Some providers need two hops on their own server. */
const MAX_REDIRECTS = 2;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** The slowest way to a reply: lookup, four addresses with TCP and TLS, first byte, header. */
const PHASES_BEFORE_BODY = 11;
/** From the first byte of a reply to its last: header and body. */
const PHASES_OF_REPLY = 2;

/** Routes remembered before idle ones are closed, should nobody call `idle`: WAN addresses come and go. */
const MAX_ROUTES = 32;

type Connect = (route: Route) => Promise<Connected>;

type Exchange = { ok: true; reply: HttpReply } | { ok: false; code: FaultCode };

/**
 * Requests with verified TLS (1.2 or newer), bound to an uplink, limited in time and size. Never rejects;
 * no failure or log line names more than method, host, port and status.
 */
export function nodeHttp(log: Log, lookup: Lookup = systemLookup): Http {
  const trust = trustStore();
  const connect = connector(lookup);
  const agents = new Map<string, RouteAgent>();

  async function request(wanted: HttpRequest): Promise<HttpResult> {
    const target = parseTarget(wanted.url);
    const server = target === undefined ? 'the server' : `${target.hostname}:${portOf(target)}`;
    const exchange = target === undefined ? badRequest() : await follow(wanted, target);
    log(
      'debug',
      `${wanted.method} ${server}: ${exchange.ok ? `status ${exchange.reply.status}` : exchange.code}`,
    );
    return exchange.ok
      ? { kind: 'reply', reply: exchange.reply }
      : { kind: 'failed', failure: httpFailure(exchange.code, server, Date.now()) };
  }

  /** Credentials go nowhere but to the origin that the account names (RFC 9110 section 15.4). */
  async function follow(wanted: HttpRequest, first: URL): Promise<Exchange> {
    let url = first;
    for (let hops = 0; ; hops++) {
      const exchange = await send(wanted, url);
      if (
        !exchange.ok ||
        wanted.method !== 'GET' ||
        wanted.redirects === 'refuse' ||
        hops === MAX_REDIRECTS
      ) {
        return exchange;
      }
      const next = redirectTarget(exchange.reply, url);
      if (next === undefined) {
        return exchange;
      }
      url = next;
    }
  }

  async function send(wanted: HttpRequest, url: URL): Promise<Exchange> {
    const { caFile } = wanted;
    const trusted = caFile === undefined ? undefined : (trust.known(caFile) ?? (await trust.load(caFile)));
    if (caFile !== undefined && trusted === undefined) {
      return { ok: false, code: 'http/CA_FILE' };
    }
    const route: Route = {
      secure: url.protocol === 'https:',
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: portOf(url),
      phaseTimeoutMs: wanted.phaseTimeoutMs,
      ...(wanted.family === undefined ? {} : { family: wanted.family }),
      ...(wanted.via === undefined ? {} : { via: wanted.via }),
      ...(trusted === undefined ? {} : { trust: trusted.context }),
    };
    return transmit(wanted, url, agentFor(route, `${wanted.caFile} ${trusted?.version}`));
  }

  function agentFor(route: Route, trustKey: string): RouteAgent {
    const { secure, host, port, family, via, phaseTimeoutMs } = route;
    const key = JSON.stringify([secure, host, port, family, via?.ipv4, via?.ipv6, phaseTimeoutMs, trustKey]);
    const known = agents.get(key);
    if (known !== undefined) {
      return known;
    }
    if (agents.size >= MAX_ROUTES) {
      idle();
    }
    const agent = new RouteAgent(route, connect);
    agents.set(key, agent);
    return agent;
  }

  function idle(): void {
    for (const agent of agents.values()) {
      agent.retire();
    }
    agents.clear();
  }

  return { request, idle };
}

function badRequest(): Exchange {
  return { ok: false, code: 'http/BAD_REQUEST' };
}

/** Undefined for anything but an HTTP(S) URL without credentials. */
function parseTarget(text: string): URL | undefined {
  if (!URL.canParse(text)) {
    return undefined;
  }
  const url = new URL(text);
  const usable = ['http:', 'https:'].includes(url.protocol) && url.username === '' && url.password === '';
  return usable ? url : undefined;
}

function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
}

/** Where a redirect leads, if it stays on the origin; an absent or foreign `Location` is for the caller to judge. */
function redirectTarget(reply: HttpReply, base: URL): URL | undefined {
  const location = reply.headers.location;
  if (!REDIRECTS.includes(reply.status) || location === undefined || !URL.canParse(location, base.href)) {
    return undefined;
  }
  const next = parseTarget(new URL(location, base).href);
  return next?.origin === base.origin ? next : undefined;
}

async function transmit(wanted: HttpRequest, url: URL, agent: RouteAgent): Promise<Exchange> {
  const deadline = new AbortController();
  const message = compose(wanted, url, agent, deadline.signal);
  if (message === undefined) {
    return badRequest();
  }
  agent.begin();
  let late: FaultCode = 'http/NO_REPLY';
  let timer = setTimeout(() => deadline.abort(), wanted.phaseTimeoutMs * PHASES_BEFORE_BODY);
  try {
    const response = await fetch(message);
    clearTimeout(timer);
    late = 'http/BODY_TIMEOUT';
    timer = setTimeout(() => deadline.abort(), wanted.phaseTimeoutMs);
    return await receive(response, wanted);
  } catch (error) {
    return { ok: false, code: deadline.signal.aborted ? late : exchangeFault(errorCode(error)) };
  } finally {
    clearTimeout(timer);
  }
}

/** Undefined when a header holds what no header may: a line break, for instance. */
function compose(wanted: HttpRequest, url: URL, agent: RouteAgent, signal: AbortSignal): Request | undefined {
  const { authorization, body } = wanted;
  const headers: Record<string, string> = { ...wanted.headers, 'accept-encoding': 'identity' };
  if (authorization !== undefined) {
    const [name, value] = authorizationField(authorization);
    headers[name] = value;
  }
  try {
    return new Request(url.href, {
      method: wanted.method,
      headers,
      redirect: 'manual',
      compress: false,
      agent,
      signal,
      ...(body === undefined ? {} : { body }),
    });
  } catch {
    return undefined;
  }
}

function authorizationField(authorization: Authorization): [string, string] {
  switch (authorization.scheme) {
    case 'basic': {
      // RFC 7617, with UTF-8; servers of this trade often never send a challenge that could be answered.
      const { username, password } = authorization;
      return ['authorization', `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`];
    }
    case 'bearer':
      return ['authorization', `Bearer ${authorization.token}`];
    case 'header':
      return [authorization.name.toLowerCase(), authorization.value];
  }
}

async function receive(response: Response, { maxBodyBytes, octets }: HttpRequest): Promise<Exchange> {
  const headers = Object.fromEntries(response.headers);
  const encoding = headers['content-encoding']?.toLowerCase() ?? 'identity';
  const chunks: Buffer[] = [];
  let room = maxBodyBytes;
  let truncated = false;
  for await (const part of response.body ?? []) {
    const chunk = Buffer.from(part);
    chunks.push(chunk.subarray(0, room));
    if (chunk.length > room) {
      truncated = true;
      // Leaving the loop destroys the socket, and the rest of the body with it.
      break;
    }
    room -= chunk.length;
  }
  if (encoding !== 'identity') {
    // We asked for none; unpacking one would let a few octets fill the memory.
    return { ok: false, code: 'http/PACKED' };
  }
  const body = Buffer.concat(chunks).toString(octets ? 'latin1' : 'utf8');
  return { ok: true, reply: { status: response.status, headers, body, truncated } };
}

/**
 * Keeps the connections of one route. A fault while connecting travels to the caller as the error's `code`,
 * the only part that node-fetch passes on.
 */
class RouteAgent extends http.Agent {
  readonly protocol: string;
  readonly defaultPort: number;
  readonly #route: Route;
  readonly #connect: Connect;
  #connecting: Promise<Connected> | undefined;
  readonly #watched = new WeakMap<Socket, () => void>();
  #retired = false;

  constructor(route: Route, connect: Connect) {
    super({ keepAlive: true });
    this.protocol = route.secure ? 'https:' : 'http:';
    this.defaultPort = route.secure ? 443 : 80;
    this.#route = route;
    this.#connect = connect;
  }

  /** Begins to connect, if no connection is kept. Node asks for one a little later: it writes the request first. */
  begin(): void {
    if (Object.keys(this.freeSockets).length === 0) {
      this.#connecting ??= this.#connect(this.#route);
    }
  }

  override createConnection(
    _options: http.ClientRequestArgs,
    done?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const connecting = this.#connecting ?? this.#connect(this.#route);
    this.#connecting = undefined;
    connecting.then((connected) => {
      if (connected.ok) {
        done?.(null, connected.socket);
        this.#watch(connected.socket);
      } else {
        // The type asks for a stream even beside an error; nobody looks at it.
        done?.(coded(connected.code), new Duplex());
      }
    });
  }

  override reuseSocket(socket: Socket, request: http.ClientRequest): void {
    super.reuseSocket(socket, request);
    this.#watch(socket);
  }

  /** Node keeps the socket only if this returns true, and takes away its hold on the process. */
  override keepSocketAlive(socket: Socket): boolean {
    this.#watched.get(socket)?.();
    const keep: unknown = super.keepSocketAlive(socket);
    return keep === true && !this.#retired;
  }

  /** Closes what is idle now, and what is busy once it is done. */
  retire(): void {
    this.#retired = true;
    for (const sockets of Object.values(this.freeSockets)) {
      for (const socket of [...(sockets ?? [])]) {
        socket.destroy();
      }
    }
  }

  /** Limits one exchange: the time to the first byte of the reply, then the time to its last. */
  #watch(socket: Socket): void {
    const { phaseTimeoutMs } = this.#route;
    let timer = setTimeout(giveUp, phaseTimeoutMs);
    function giveUp(): void {
      socket.destroy(coded('http/NO_REPLY'));
    }
    function onFirstByte(): void {
      clearTimeout(timer);
      timer = setTimeout(giveUp, phaseTimeoutMs * PHASES_OF_REPLY);
    }
    function stop(): void {
      clearTimeout(timer);
      socket.off('data', onFirstByte).off('close', stop);
    }
    socket.once('data', onFirstByte).once('close', stop);
    this.#watched.set(socket, stop);
  }
}

function coded(code: FaultCode): Error {
  return Object.assign(new Error(code), { code });
}
