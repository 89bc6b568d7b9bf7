/** The levers over HTTP on loopback: `POST /levers/NAME` with a JSON object, `GET /state`, `/requests`, ... */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { certificateKinds } from './certificates.ts';
import { filterModes } from './filter.ts';
import { cutOffModes } from './front.ts';
import { garbleModes } from './garble.ts';
import type { Levers } from './levers.ts';
import type { ScriptedReply } from './recorder.ts';
import { type ServerRef, seizeModes, serverFaults } from './world.ts';
import { recordKinds } from './zone.ts';

export interface ControlParts {
  levers: Levers;
  advance: (deltaMs: number) => void;
  /** JSON pages by name. */
  pages: Record<string, () => unknown>;
}

type Body = Record<string, unknown>;

const maxBodyBytes = 65_536;

/** Every lever with the members of its JSON body. `on` is true when left out. */
const commands: Record<string, (parts: ControlParts, body: Body) => void | Promise<void>> = {
  seize: ({ levers }, body) =>
    levers.seize(text(body, 'zone'), oneOf(body, 'mode', seizeModes), {
      badNames: texts(body, 'badNames'),
      ...(typeof body.forwardedShare === 'number' && { forwardedShare: body.forwardedShare }),
    }),
  handBack: ({ levers }, body) => levers.handBack(text(body, 'zone')),
  drownWeb: ({ levers }, body) => levers.drownWeb(on(body)),
  drownApi: ({ levers }, body) => levers.drownApi(on(body)),
  drownDoh: ({ levers }, body) => levers.drownDoh(on(body)),
  wildcard: ({ levers }, body) =>
    levers.wildcard(text(body, 'zone'), body.address === undefined ? undefined : text(body, 'address')),
  interceptPort53: ({ levers }, body) => levers.interceptPort53(on(body)),
  blockPort53: ({ levers }, body) => levers.blockPort53(on(body)),
  localFilter: ({ levers }, body) =>
    levers.localFilter(text(body, 'suffix'), oneOf(body, 'mode', [...filterModes, 'off'] as const)),
  rootUnreachable: ({ levers }, body) => levers.rootUnreachable(on(body)),
  serverFault: ({ levers }, body) =>
    levers.serverFault(server(body), oneOf(body, 'fault', serverFaults), on(body)),
  stale: ({ levers }, body) => levers.stale(server(body), on(body)),
  lame: ({ levers }, body) => {
    const how = body.how === undefined ? 'refused' : oneOf(body, 'how', ['refused', 'referral'] as const);
    levers.lame(server(body), on(body), how);
  },
  servfail: ({ levers }, body) => levers.servfail(server(body), on(body)),
  deadServer: ({ levers }, body) => levers.deadServer(server(body), on(body)),
  truncate: ({ levers }, body) => levers.truncate(server(body), on(body)),
  deleteHost: ({ levers }, body) => levers.deleteHost(text(body, 'host')),
  expireHost: ({ levers }, body) => levers.expireHost(text(body, 'host')),
  restoreHost: ({ levers }, body) => levers.restoreHost(text(body, 'host')),
  slow: ({ levers }, body) => levers.slow(milliseconds(body)),
  cutOff: ({ levers }, body) => levers.cutOff(oneOf(body, 'mode', [...cutOffModes, 'off'] as const)),
  overload: ({ levers }, body) => levers.overload(on(body)),
  captivePortal: ({ levers }, body) => levers.captivePortal(on(body)),
  requireContact: ({ levers }, body) => levers.requireContact(on(body)),
  replyOnce: ({ levers }, body) => levers.replyOnce(scripted(body)),
  replyAlways: ({ levers }, body) => levers.replyAlways(on(body) ? scripted(body) : undefined),
  propagationDelay: ({ levers }, body) =>
    levers.propagationDelay(milliseconds(body), body.server === undefined ? undefined : server(body)),
  garble: ({ levers }, body) => levers.garble(oneOf(body, 'mode', [...garbleModes, 'off'] as const)),
  echo: ({ levers }, body) => {
    const said = body.text === undefined ? undefined : text(body, 'text');
    levers.echo(said, typeof body.position === 'number' ? body.position : undefined);
  },
  delegate: ({ levers }, body) => {
    const nameServers = body.nameServers === undefined ? undefined : texts(body, 'nameServers');
    levers.delegate(text(body, 'zone'), nameServers);
  },
  certificate: ({ levers }, body) => levers.certificate(oneOf(body, 'kind', certificateKinds)),
  setRecord: ({ levers }, body) =>
    levers.setRecord(text(body, 'name'), oneOf(body, 'type', recordKinds), texts(body, 'value')),
  flushResolver: ({ levers }) => levers.flushResolver(),
  unblock: ({ levers }, body) =>
    levers.unblock(body.username === undefined ? undefined : text(body, 'username')),
  advance: ({ advance }, body) => advance(milliseconds(body)),
  reset: ({ levers }) => levers.reset(),
};

export const leverNames = Object.keys(commands);

/** Starts the control API. A request that makes no sense gets 400 with the reason and changes nothing. */
export async function startControl(
  port: number,
  parts: ControlParts,
): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const { status, body } = await serve(request, parts);
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
  });
  await new Promise<void>((bound, failed) => {
    server.once('error', failed).listen(port, '127.0.0.1', () => bound());
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const ended = new Promise<void>((done) => server.close(() => done()));
      server.closeAllConnections();
      await ended;
    },
  };
}

async function serve(
  request: IncomingMessage,
  parts: ControlParts,
): Promise<{ status: number; body: unknown }> {
  const [folder = '', name = ''] = (request.url ?? '').slice(1).split('/');
  const page = Object.hasOwn(parts.pages, folder) ? parts.pages[folder] : undefined;
  if (request.method === 'GET' && page) return { status: 200, body: page() };
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (request.method !== 'POST' || folder !== 'levers' || !command) {
    const error = `GET ${Object.keys(parts.pages).join(', ')} or POST levers/NAME with NAME of: ${leverNames.join(', ')}`;
    return { status: 404, body: { error } };
  }
  try {
    await command(parts, await readBody(request));
    return { status: 200, body: { levers: parts.levers.pulled() } };
  } catch (error) {
    return { status: 400, body: { error: error instanceof Error ? error.message : String(error) } };
  }
}

async function readBody(request: IncomingMessage): Promise<Body> {
  let json = '';
  for await (const chunk of request.setEncoding('utf8')) {
    json += chunk;
    if (json.length > maxBodyBytes) throw new Error('The body is too long');
  }
  const body: unknown = json === '' ? {} : JSON.parse(json);
  if (!isRecord(body)) throw new Error('The body must be a JSON object');
  return body;
}

function isRecord(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(body: Body, key: string): string {
  const value = body[key];
  if (typeof value !== 'string' || value === '') throw new Error(`"${key}" must be a text`);
  return value;
}

/** One text, a list of texts, or nothing. */
function texts(body: Body, key: string): string[] {
  const value = body[key] ?? [];
  return (Array.isArray(value) ? value : [value]).map((one) => text({ [key]: one }, key));
}

function oneOf<T extends string>(body: Body, key: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === body[key]);
  if (found === undefined) throw new Error(`"${key}" must be one of: ${allowed.join(', ')}`);
  return found;
}

function on(body: Body): boolean {
  if (body.on !== undefined && typeof body.on !== 'boolean') throw new Error('"on" must be true or false');
  return body.on ?? true;
}

function milliseconds(body: Body): number {
  const value = body.ms;
  if (typeof value !== 'number' || !(value >= 0)) throw new Error('"ms" must be a number of milliseconds');
  return value;
}

function server(body: Body): ServerRef {
  return typeof body.server === 'number' ? body.server : text(body, 'server');
}

function scripted(body: Body): ScriptedReply {
  const { status = 200, headers = {} } = body;
  if (typeof status !== 'number' || status < 200 || status > 599)
    throw new Error('"status" must be 200 to 599');
  if (!isRecord(headers)) throw new Error('"headers" must be an object');
  const lines = Object.keys(headers).map((name): [string, string] => [name, text(headers, name)]);
  return {
    status,
    body: body.body === undefined ? '' : text(body, 'body'),
    headers: Object.fromEntries(lines),
  };
}
