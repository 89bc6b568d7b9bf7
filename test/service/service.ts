/** A whole dynamic-DNS service on loopback: update API, web site, name servers, resolvers, levers. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIPv6 } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AccountOptions, createAccounts, demoAccount } from './accounts.ts';
import { answerUpdate, captivePage, namesIn, updatePath } from './api.ts';
import { makeCertificates } from './certificates.ts';
import { createClock } from './clock.ts';
import { startControl } from './control.ts';
import type { OnSilence } from './dns-socket.ts';
import { dohPath, serveDoh } from './doh.ts';
import { startFront } from './front.ts';
import { garble } from './garble.ts';
import { createLevers, type Gate, type Levers } from './levers.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import { createTemper, type TemperOptions } from './temper.ts';
import {
  type NameServerInfo,
  ownZone,
  type ServerRole,
  standbyZone,
  startWorld,
  type World,
} from './world.ts';
import { isWithin } from './zone.ts';
import { serveZoneApi, zoneApiKey } from './zone-api.ts';

export interface ServiceOptions {
  /** Default: `demo` with three hosts. */
  accounts?: readonly AccountOptions[];
  /** DDNS zones of the provider, each one label under `example` (default ddns.example, hopto.example). */
  zones?: readonly string[];
  addresses?: Partial<Record<ServerRole | 'resolver', readonly string[]>> & {
    api?: string;
    web?: string;
    localResolver?: string;
  };
  /** 0, the default of every port, picks a free one. The DNS port is the same for all servers. */
  apiPort?: number;
  webPort?: number;
  dnsPort?: number;
  controlPort?: number;
  /** Names and addresses that the good certificate is also valid for. */
  certificateNames?: readonly string[];
  /** Where the CA is written (PEM); default a temporary folder that `close` removes. */
  caFile?: string;
  temper?: TemperOptions;
  /** TTL of the NS sets at the parent in seconds (default 172800, as in large TLDs). */
  parentNsTtlSec?: number;
  /** Real milliseconds that the resolvers wait for one server (default 150). */
  resolverTimeoutMs?: number;
  /** The wall clock to go by, and how much faster than it the time of the world passes. */
  nowMs?: () => number;
  timeScale?: number;
  /** Seed of the chance by which overloaded servers drop questions. */
  seed?: number;
  /** Told of each port of a client that is left without an answer on purpose. */
  onSilence?: OnSilence;
}

export interface Service extends Pick<Recorder, 'requests' | 'onRequest' | 'nextRequest' | 'assertQuiet'> {
  /** `url` is the whole update address without a query. */
  api: { address: string; port: number; url: string };
  web: { address: string; port: number; url: string };
  dns: {
    port: number;
    servers: readonly NameServerInfo[];
    /** Those of the public. */
    resolvers: readonly string[];
    /** The one of the user's own network, which may filter. */
    localResolver: string;
    /** Servers of another operator, to tell a dead zone from a dead line: `. SOA` gets AA. */
    control: readonly string[];
    /** DNS over HTTPS by the public resolvers, in their order: whole URLs without a query. */
    dohUrls: readonly string[];
    zones: readonly string[];
  };
  /** Each answers with the address it sees, and each is another operator's. */
  echoUrls: readonly string[];
  /** The update interface of the standby provider, with the same accounts. */
  standbyApi: { url: string };
  /** Zones of the user's own, kept by an interface as PowerDNS has it: `zone`, and `family.example`. */
  zoneApi: { url: string; key: string; zone: string };
  control: { url: string };
  caFile: string;
  caPem: string;
  accounts: readonly AccountOptions[];
  levers: Levers;
  /** How many questions each name server got, by its name. */
  dnsQueries(): Record<string, number>;
  dnsLog: World['queryLog'];
  /** What the provider has stored for a name. */
  values: World['values'];
  state(): ServiceState;
  /** Takes what the hosts have published out of DNS, as if nobody had ever updated them. */
  forget(): void;
  nowMs(): number;
  /** Lets time pass at once in the world (records age, caches expire). */
  advance(deltaMs: number): void;
  close(): Promise<void>;
}

export interface ServiceState {
  nowMs: number;
  levers: Record<string, unknown>;
  zones: Record<string, { serial: number; delegatedTo: readonly string[] }>;
  hosts: Record<string, { A: readonly string[]; AAAA: readonly string[]; gone?: string }>;
  blocked: string[];
  requestCount: number;
  dnsQueries: Record<string, number>;
}

const defaultAddresses = {
  api: '127.0.0.1',
  web: '127.0.0.1',
  root: ['127.0.53.41'],
  parent: ['127.0.53.1', '127.0.53.2'],
  provider: ['127.0.53.11', '127.0.53.12'],
  seized: ['127.0.53.21', '127.0.53.22'],
  standby: ['127.0.53.31', '127.0.53.32'],
  registrar: ['127.0.53.61', '127.0.53.62'],
  resolver: ['127.0.53.53', '127.0.53.54'],
  localResolver: '127.0.53.55',
} as const;

const apiName = 'dynupdate.provider.example';
const webName = 'www.provider.example';
const echoPath = '/echo';
const webPage = '<!doctype html><title>Provider</title><h1>Provider</h1><p>Names for homes that move.</p>\n';

/** Starts everything. Rejects when a port is taken or a host lies in no zone. */
export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const addresses = { ...defaultAddresses, ...options.addresses };
  const clock = createClock(options);
  const accountOptions = options.accounts ?? [demoAccount];
  const accounts = createAccounts(accountOptions);
  const temper = createTemper(options.temper ?? {}, clock);
  const recorder = createRecorder();
  const gate: Gate = { slowMs: 0, overload: false, captivePortal: false, echoes: new Map() };
  const endings: (() => Promise<void>)[] = [];

  async function close(): Promise<void> {
    await Promise.all(endings.splice(0).map((end) => end()));
  }

  async function started<T extends { close(): Promise<void> }>(part: Promise<T>): Promise<T> {
    const running = await part;
    endings.push(() => running.close());
    return running;
  }

  try {
    const world = await started(
      startWorld({
        clock,
        addresses,
        dnsPort: options.dnsPort ?? 0,
        zones: options.zones ?? ['ddns.example', 'hopto.example'],
        fixedNames: { [apiName]: addresses.api, [webName]: addresses.web },
        parentNsTtlSec: options.parentNsTtlSec ?? 172_800,
        resolverTimeoutMs: options.resolverTimeoutMs ?? 150,
        random: seededRandom(options.seed ?? 2014),
        onSilence: options.onSilence,
      }),
    );
    const homeless = accounts.hosts().find((host) => !world.zoneNames.some((zone) => isWithin(host, zone)));
    if (homeless !== undefined) throw new Error(`No zone of the test world holds ${homeless}`);

    const names = ['127.0.0.1', 'localhost', apiName, webName, addresses.api, addresses.web];
    names.push(...addresses.resolver);
    const certificates = await makeCertificates([
      ...new Set([...names, ...(options.certificateNames ?? [])]),
    ]);
    const certificate = certificates.leaves.good;

    function serveApi(request: IncomingMessage, response: ServerResponse, reset: () => void): void {
      const [path = '', search = ''] = (request.url ?? '').split('?', 2);
      const query = new URLSearchParams(search);
      const { authorization, 'user-agent': userAgent = '' } = request.headers;
      const remoteAddress = remoteAddressOf(request);
      const call = { method: request.method ?? '', path, query, userAgent, authorization, remoteAddress };
      const scripted = recorder.nextScripted() ?? gate.always ?? gateReply();
      const reply = scripted
        ? {
            ...scripted,
            hosts: namesIn(query),
            ...accounts.identify(authorization),
          }
        : answerUpdate(call, { accounts, temper, world });
      const { status = 200, body = '', headers = {}, hosts, username } = reply;
      recorder.record(
        {
          ...{ atMs: clock.nowMs(), method: call.method, path, query: Object.fromEntries(query), userAgent },
          ...{ username, authorizationPresent: authorization !== undefined, remoteAddress },
          ...{ status, replyBody: body, hosts },
        },
        'unexpected' in reply && reply.unexpected === true,
      );
      const { garbled } = gate;
      if (garbled !== undefined) {
        const silence = () => options.onSilence?.(request.socket.remotePort ?? 0);
        garble(request.socket, garbled, { silence, reset });
        return;
      }
      const answer = () => response.writeHead(status, { 'Content-Type': 'text/plain', ...headers }).end(body);
      if (gate.slowMs > 0) setTimeout(answer, gate.slowMs);
      else answer();
    }

    function serveEcho(position: number, request: IncomingMessage, response: ServerResponse): void {
      const seen = gate.echoes.get(position) ?? remoteAddressOf(request);
      if (gate.captivePortal) response.setHeader('Content-Type', 'text/html').end(captivePage);
      else response.setHeader('Content-Type', 'text/plain').end(`${seen}\n`);
    }

    function gateReply() {
      if (gate.captivePortal) return { body: captivePage, headers: { 'Content-Type': 'text/html' } };
      return gate.overload ? { status: 500, body: '911\r\n' } : undefined;
    }

    const api = await started(
      startFront({
        ...{ address: addresses.api, port: options.apiPort ?? 0, certificate, serve: serveApi },
        onSilence: options.onSilence,
      }),
    );
    const web = await started(
      startFront({
        address: addresses.web,
        port: options.webPort ?? 0,
        certificate,
        onSilence: options.onSilence,
        serve: (_, response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end(webPage),
      }),
    );
    const doh = await Promise.all(
      addresses.resolver.map((address, position) =>
        started(
          startFront({
            ...{ address, port: 0, certificate, keepBody: true, onSilence: options.onSilence },
            serve: (request, response) =>
              request.url === echoPath
                ? serveEcho(position, request, response)
                : void serveDoh(request, response, (query) => world.resolve(position, query)),
          }),
        ),
      ),
    );
    // Levers pull at the first provider alone.
    const standbyApi = await started(
      startFront({ address: addresses.api, port: 0, certificate, serve: serveApi }),
    );
    const zoneApi = await started(
      startFront({
        ...{ address: addresses.api, port: 0, certificate, keepBody: true },
        serve: (request, response) =>
          void serveZoneApi(request, response, { world, zones: [standbyZone, ownZone] }),
      }),
    );
    const levers = createLevers({ world, accounts, temper, recorder, gate, api, web, doh, certificates });

    function state(): ServiceState {
      const zones = world.zoneNames.map((zone) => {
        return [zone, { serial: world.serial(zone), delegatedTo: world.delegatedTo(zone) }] as const;
      });
      const hosts = accounts.hosts().map((host) => {
        const gone = accounts.goneReason(host);
        return [host, { A: world.values(host, 'A'), AAAA: world.values(host, 'AAAA'), gone }] as const;
      });
      return {
        nowMs: clock.nowMs(),
        levers: levers.pulled(),
        zones: Object.fromEntries(zones),
        hosts: Object.fromEntries(hosts),
        blocked: temper.blocked(),
        requestCount: recorder.requests().length,
        dnsQueries: world.queryCounts(),
      };
    }

    const control = await started(
      startControl(options.controlPort ?? 0, {
        levers,
        advance: clock.advance,
        pages: { state, requests: recorder.requests, 'dns-queries': world.queryLog },
      }),
    );

    const caFile = options.caFile ?? join(await makeFolder(), 'ca.pem');
    await writeFile(caFile, certificates.caPem);

    async function makeFolder(): Promise<string> {
      const folder = await mkdtemp(join(tmpdir(), 'holdfast-service-'));
      endings.push(() => rm(folder, { recursive: true, force: true }));
      return folder;
    }

    const dohOrigins = doh.map(({ port }, at) => origin(addresses.resolver[at] ?? '', port));
    const { requests, onRequest, nextRequest, assertQuiet } = recorder;
    return {
      ...{ requests, onRequest, nextRequest, assertQuiet, levers, state, caFile, close },
      api: { address: addresses.api, port: api.port, url: `${origin(addresses.api, api.port)}${updatePath}` },
      standbyApi: { url: `${origin(addresses.api, standbyApi.port)}${updatePath}` },
      zoneApi: { url: origin(addresses.api, zoneApi.port), key: zoneApiKey, zone: standbyZone },
      web: { address: addresses.web, port: web.port, url: `${origin(addresses.web, web.port)}/` },
      dns: {
        port: world.port,
        servers: world.servers,
        resolvers: world.resolvers,
        localResolver: world.localResolver,
        control: addresses.root,
        dohUrls: dohOrigins.map((one) => `${one}${dohPath}`),
        zones: world.zoneNames,
      },
      echoUrls: dohOrigins.map((one) => `${one}${echoPath}`),
      control: { url: `http://127.0.0.1:${control.port}` },
      caPem: certificates.caPem,
      accounts: accountOptions,
      dnsQueries: world.queryCounts,
      dnsLog: world.queryLog,
      values: world.values,
      forget() {
        for (const host of accounts.hosts())
          for (const kind of ['A', 'AAAA'] as const) world.setValues(host, kind, []);
      },
      nowMs: clock.nowMs,
      advance: clock.advance,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function remoteAddressOf(request: IncomingMessage): string {
  return (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
}

function origin(address: string, port: number): string {
  return `https://${isIPv6(address) ? `[${address}]` : address}:${port}`;
}

/** A reproducible sequence of fractions: a linear congruential generator (constants of Numerical Recipes). */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}
