/** Requests of a `rest` provider: templates filled in, the credential where it belongs, secrets masked. */
import { type Outcome, ok } from '../../core/failure.ts';
import type { Http, HttpRequest } from '../../ports.ts';
import type { Json } from '../json-pointer.ts';
import type { Exchange, UpdateCall } from '../protocol.ts';
import { type SigningPorts, signRequest } from '../signing/signers.ts';
import { atOrigin } from '../template.ts';
import type { Authentication, RestCall, RestFacts } from './rest-facts.ts';
import { type Reading, readingOf } from './rest-reply.ts';
import {
  asForm,
  asText,
  asXml,
  fill,
  fillText,
  fillUrl,
  merged,
  type Values,
  variablesOf,
} from './rest-template.ts';

export interface Wire {
  /** Throws MissingValue. A question that was asked before is not sent again until something was written. */
  send(step: RestCall, values: Values, each: readonly Values[]): Promise<Reading>;
  /** All that went over the wire until now. */
  exchange(): Exchange;
}

export interface WirePorts extends SigningPorts {
  http: Http;
}

/** Control panels behind some of these interfaces need many seconds. */
const PHASE_TIMEOUT_MS = 20_000;
/** A few hundred records. */
const MAX_BODY_BYTES = 524_288;
const SHOWN_CHARS = 500;
/** Shorter ones would tear up ordinary words and protect nothing. */
const SHORTEST_SECRET = 4;

const MEDIA_TYPES = {
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
  xml: 'text/xml',
};

export function createWire(
  call: UpdateCall,
  facts: RestFacts,
  ports: WirePorts,
  redact: (foreignText: string) => string,
): Wire {
  const { username, password } = call.credential;
  const secrets = new Set<string>();
  const answered = new Map<string, Reading>();
  const requests: string[] = [];
  const replies: string[] = [];

  return { send, exchange: () => ({ request: masked(requests), reply: masked(replies) }) };

  async function send(step: RestCall, values: Values, each: readonly Values[]): Promise<Reading> {
    const authentication = step.authentication ?? chosen(facts.authentication, username);
    const url = fillUrl(step.url, values);
    // An XML body has the credential among its elements and is not shown.
    const isShown = step.body !== undefined && step.format !== 'xml';
    const shown = `${step.method} ${url}${isShown ? ` ${bodyOf(step, step.body ?? null, values, each)}` : ''}`;
    const unsigned = authenticated(authentication, step, url, values, each);
    const question = JSON.stringify([shown, unsigned.headers]);
    const known = isQuestion(step) ? answered.get(question) : undefined;
    if (known) {
      return known;
    }
    if (!isQuestion(step)) {
      answered.clear();
    }
    const request = await signedIfWanted(authentication, unsigned);
    if (!request.ok) {
      return { kind: 'failed', failure: request.failure };
    }
    requests.push(shown);
    const result = await ports.http.request(request.value);
    if (result.kind === 'failed') {
      replies.push(result.failure.sentence);
      return result;
    }
    const { status, body: text } = result.reply;
    replies.push(`HTTP ${status} ${text.slice(0, 4 * SHOWN_CHARS)}`);
    const reading = readingOf(facts, step, values, result.reply, (foreign) => masked([foreign]));
    if (reading.kind !== 'failed' && isQuestion(step)) {
      answered.set(question, reading);
    }
    return reading;
  }

  async function signedIfWanted(
    authentication: Authentication,
    request: HttpRequest,
  ): Promise<Outcome<HttpRequest>> {
    if (authentication.scheme !== 'signed') {
      return ok(request);
    }
    const { signer, parameters = {} } = authentication;
    const { credential, options } = call;
    return signRequest(signer, request, { credential, options, parameters }, ports);
  }

  /** The request with its credential; this is the only place that knows it. */
  function authenticated(
    authentication: Authentication,
    step: RestCall,
    url: string,
    values: Values,
    each: readonly Values[],
  ): HttpRequest {
    const withSecrets = { ...values, username, password };
    const headers: Record<string, string> = { accept: 'application/json', 'user-agent': call.userAgent };
    for (const [name, text] of Object.entries({ ...facts.headers, ...step.headers })) {
      headers[name] = fillText(text, values);
    }
    const request: HttpRequest = {
      method: step.method,
      url,
      headers,
      phaseTimeoutMs: PHASE_TIMEOUT_MS,
      maxBodyBytes: MAX_BODY_BYTES,
      ...(call.caFile !== undefined && { caFile: call.caFile }),
      ...(call.via && { via: call.via }),
    };
    let { body } = step;
    switch (authentication.scheme) {
      case 'none':
      case 'signed':
        break;
      case 'basic':
        request.authorization = { scheme: 'basic', username, password };
        break;
      case 'bearer':
        request.authorization = { scheme: 'bearer', token: password };
        break;
      case 'headers':
        for (const [name, text] of Object.entries(authentication.fields)) {
          headers[name] = fillText(text, withSecrets);
        }
        break;
      case 'query': {
        const filled = Object.entries(authentication.fields).map(([name, text]) => [
          name,
          fillText(text, withSecrets),
        ]);
        request.url += `${url.includes('?') ? '&' : '?'}${asForm(Object.fromEntries(filled))}`;
        break;
      }
      case 'body':
        body = merged(body, authentication.fields);
        break;
    }
    for (const name of 'fields' in authentication ? variablesOf(authentication.fields) : []) {
      secrets.add(asText(withSecrets[name as keyof typeof withSecrets] ?? ''));
    }
    if (body !== undefined) {
      request.body = bodyOf(
        step,
        body,
        withSecrets,
        each.map((own) => ({ ...own, username, password })),
      );
      headers['content-type'] = MEDIA_TYPES[step.format ?? 'json'];
    }
    request.url = call.server === undefined ? request.url : atOrigin(request.url, call.server);
    return request;
  }

  function masked(texts: readonly string[]): string {
    const longestFirst = [...secrets]
      .filter((one) => one.length >= SHORTEST_SECRET)
      .sort((a, b) => b.length - a.length);
    return texts
      .map((text) =>
        longestFirst
          .reduce((shown, secret) => shown.replaceAll(secret, '***'), redact(text))
          .slice(0, SHOWN_CHARS)
          .trim(),
      )
      .join('\n');
  }
}

function chosen(authentication: Authentication | Authentication[], username: string): Authentication {
  const all = Array.isArray(authentication) ? authentication : [authentication];
  return all.find(({ forEmail }) => forEmail !== true || username.includes('@')) ?? { scheme: 'none' };
}

/** Questions are often the same for many records; until something is written the answer of a moment ago will do. */
function isQuestion({ when }: RestCall): boolean {
  return when === undefined;
}

function bodyOf(step: RestCall, template: Json, values: Values, each: readonly Values[]): string {
  if (step.format === 'xml') {
    return asXml(template, values, each);
  }
  const filled = fill(template, values, each) ?? null;
  return step.format === 'form' ? asForm(filled) : JSON.stringify(filled);
}
