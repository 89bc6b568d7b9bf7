/** What the protocols over HTTP have in common: which template, which values, one request, its exchange. */
import type { Authorization, HttpRequest, HttpResult } from '../ports.ts';
import type { Templates } from './facts.ts';
import type { Exchange, ProtocolPorts, UpdateCall } from './protocol.ts';
import type { TemplateValues } from './template.ts';

const PHASE_TIMEOUT_MS = 10_000;
const MAX_BODY_BYTES = 16_384;
const SHOWN_CHARS = 1000;

export interface Message {
  method?: HttpRequest['method'];
  url: string;
  headers?: Record<string, string>;
  body?: string;
  authorization?: Authorization;
}

/** One request for the call, and what of it may be shown. */
export async function send(
  call: UpdateCall,
  { http }: Pick<ProtocolPorts, 'http'>,
  redact: (foreignText: string) => string,
  { method = 'GET', url, headers, body, authorization }: Message,
): Promise<{ result: HttpResult; exchange: Exchange }> {
  const result = await http.request({
    method,
    url,
    headers: { 'user-agent': call.userAgent, ...headers },
    phaseTimeoutMs: PHASE_TIMEOUT_MS,
    maxBodyBytes: MAX_BODY_BYTES,
    ...(authorization && { authorization }),
    ...(body !== undefined && { body }),
    // The record gets the address that the request comes from, so it must come from one of this family.
    ...(call.provider.senderAddress && { family: call.ipv4 === undefined ? 'ipv6' : 'ipv4' }),
    ...(call.caFile !== undefined && { caFile: call.caFile }),
    ...(call.via && { via: call.via }),
  });
  const reply =
    result.kind === 'failed'
      ? result.failure.sentence
      : `HTTP ${result.reply.status} ${redact(result.reply.body).slice(0, SHOWN_CHARS).trim()}`;
  // What a user wrote into a URL of his own may be secret in any place.
  const shown = call.options.url === undefined ? url : `${/^https?:\/\/[^/?#]*/.exec(url)?.[0] ?? ''}/...`;
  const request = redact(`${method} ${shown}${body === undefined ? '' : ` ${body}`}`);
  return { result, exchange: { request, reply } };
}

/** The template for the families of the call. */
export function templateFor(templates: Templates, { provider, ipv4, ipv6 }: UpdateCall): string {
  if (typeof templates === 'string') {
    return templates;
  }
  const kind = ipv4 === undefined ? 'ipv6' : ipv6 === undefined ? 'ipv4' : 'dual';
  const template = templates[kind];
  if (template === undefined) {
    throw new Error(`${provider.id} has no template for ${kind}`);
  }
  return template;
}

/** What every template sees: the call's own values and the options of the account. */
export function valuesOf(call: UpdateCall): TemplateValues {
  const { ipv4, ipv6, hostnames, credential, options } = call;
  return {
    ...options,
    hostname: hostnames,
    myip: addressesOf(call),
    ...(ipv4 !== undefined && { ipv4 }),
    ...(ipv6 !== undefined && { ipv6 }),
    ...(credential.username !== '' && { username: credential.username }),
    ...(credential.password !== '' && { password: credential.password }),
  };
}

/** IPv4 first. */
export function addressesOf({ ipv4, ipv6 }: UpdateCall): string[] {
  return [ipv4, ipv6].filter((address) => address !== undefined);
}
