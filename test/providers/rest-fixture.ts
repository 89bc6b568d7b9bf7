/** A REST provider in memory: knows the requests of its fixture, answers in the order of a case, and takes no other. */
import type { Outcome } from '../../agent/core/failure.ts';
import { nodeCrypto } from '../../agent/hosts/node-crypto.ts';
import type { Http, HttpReply, HttpRequest, HttpResult } from '../../agent/ports.ts';
import type { ProviderDefinition } from '../../agent/providers/definition.ts';
import type { CallResult, UpdateCall } from '../../agent/providers/protocol.ts';
import { rest } from '../../agent/providers/protocols/rest.ts';
import { protocolPorts } from '../fakes/protocol-ports.ts';

export interface RestFixture {
  protocol: 'rest';
  account: { username?: string; password: string; options?: Record<string, string>; server?: string };
  /** What every request carries beside `accept`, `user-agent` and the type of its body. */
  sent: { authorization?: HttpRequest['authorization']; headers?: Record<string, string> };
  requests: Record<string, FixtureRequest>;
  replies: Record<string, { status: number; headers?: Record<string, string>; body: string }>;
  cases: RestCase[];
}

export interface FixtureRequest {
  method: string;
  url: string;
  headers?: Record<string, string>;
  /** In place of the fixture's. */
  sent?: RestFixture['sent'];
  /** In place of the one of `sent`: a signature is another for each request. */
  authorization?: HttpRequest['authorization'];
  body?: string;
}

export interface RestCase {
  name: string;
  hostnames?: string[];
  /** 192.0.2.1 unless said otherwise. */
  ipv4?: string | null;
  ipv6?: string;
  options?: Record<string, string>;
  username?: string;
  sent?: RestFixture['sent'];
  /** Names of a request and of its reply. */
  steps: [string, string][];
  /** For each hostname: `ok`, `ok REMARK` or `CODE kind scope`, with the wait in milliseconds where one is named. */
  expect: string[];
}

export interface Played extends CallResult {
  requests: HttpRequest[];
}

const USER_AGENT = 'Holdfast DDNS-Agent/Linux-1.2.3 admin@example.org';

export function callFor(provider: ProviderDefinition, fixture: RestFixture, one: RestCase): UpdateCall {
  const { username = '', password, options, server } = fixture.account;
  const { ipv4 = '192.0.2.1', ipv6 } = one;
  return {
    provider,
    credential: { username: one.username ?? username, password },
    options: { ...options, ...one.options },
    hostnames: one.hostnames ?? ['home.example.org'],
    userAgent: USER_AGENT,
    ...(server !== undefined && { server }),
    ...(ipv4 !== null && { ipv4 }),
    ...(ipv6 !== undefined && { ipv6 }),
  };
}

/** Sends the call; `answer` gets the number of the request, from 0. */
export async function play(
  call: UpdateCall,
  answer: (request: HttpRequest, index: number) => HttpResult,
): Promise<Played> {
  const requests: HttpRequest[] = [];
  const http: Http = {
    async request(request) {
      requests.push(request);
      return answer(request, requests.length - 1);
    },
    idle() {},
  };
  const result = await rest.update(
    call,
    protocolPorts({ http, crypto: { ...nodeCrypto, randomOctets: protocolPorts({}).crypto.randomOctets } }),
    (text) => text,
  );
  return { ...result, requests };
}

export function reply(more: Partial<HttpReply>): HttpResult {
  return { kind: 'reply', reply: { status: 200, headers: {}, body: '', truncated: false, ...more } };
}

/** The reply of a case to its request number `index`, or one that tells that there should be no such request. */
export function scripted({ replies }: RestFixture, { steps }: RestCase, index: number): HttpResult {
  const scriptedReply = replies[steps[index]?.[1] ?? ''];
  return scriptedReply === undefined
    ? reply({ status: 599, body: `no request number ${index + 1} was expected` })
    : reply(scriptedReply);
}

/** Method, URL, own headers, credential and body, as the fixture writes them. */
export function seen({ method, url, headers, authorization, body }: HttpRequest) {
  const { accept, 'user-agent': userAgent, 'content-type': type, ...own } = headers;
  return {
    line: `${method} ${url}`,
    accept,
    userAgent,
    own,
    authorization,
    ...(body === undefined ? {} : { body, type }),
  };
}

/** What `seen` must give for a step. */
export function wanted(provider: ProviderDefinition, fixture: RestFixture, one: RestCase, name: string) {
  const request = fixture.requests[name];
  if (!request) {
    throw new Error(`the fixture has no request ${name}`);
  }
  const { authorization, headers } = request.sent ?? one.sent ?? fixture.sent;
  const { 'content-type': _, ...own } = provider.rest?.headers ?? {};
  const type = request.body?.startsWith('<')
    ? 'text/xml'
    : /^[{[]/.test(request.body ?? '')
      ? 'application/json'
      : 'application/x-www-form-urlencoded';
  return {
    line: `${request.method} ${request.url}`,
    accept: 'application/json',
    userAgent: USER_AGENT,
    own: { ...own, ...headers, ...request.headers },
    authorization: request.authorization ?? authorization,
    ...(request.body === undefined ? {} : { body: request.body, type }),
  };
}

export function brief(outcome: Outcome<string | undefined>, unseen?: string): string {
  if (outcome.ok) {
    return ['ok', ...(unseen?.includes('proxy') ? ['proxied'] : []), ...(outcome.value ?? [])].join(' ');
  }
  const { code, kind, scope, retryAfterMs } = outcome.failure;
  return `${code} ${kind} ${scope}${retryAfterMs === undefined ? '' : ` ${retryAfterMs}`}`;
}
