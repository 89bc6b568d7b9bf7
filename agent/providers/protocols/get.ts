/**
 * One request whose reply a few matchers of the catalogue can judge: the many services with an update URL of
 * their own. A success needs a matcher and a status 2xx; what nobody foresaw is no success.
 */
import { FAMILIES } from '../../core/address.ts';
import { failed, ok } from '../../core/failure.ts';
import type { Authorization, HttpReply } from '../../ports.ts';
import type { FailureFacts } from '../facts.ts';
import { matches, readReply } from '../match.ts';
import { placeFault } from '../own-url.ts';
import type { CallResult, Protocol, ProtocolPorts, UpdateCall, Verdict } from '../protocol.ts';
import { factsFailure, httpFault, isFine, isText } from '../reply.ts';
import { addressesOf, type Message, send, templateFor, valuesOf } from '../send.ts';
import { atOrigin, expand, type TemplateValues } from '../template.ts';
import { recordNames } from '../zone.ts';
import type { GetFacts } from './get-facts.ts';

export const get: Protocol = { update };

const FORM = 'application/x-www-form-urlencoded';

const UNINTELLIGIBLE: FailureFacts = {
  kind: 'unintelligible',
  scope: 'hostname',
  code: 'UNINTELLIGIBLE',
  sentence:
    'The reply is none that this provider is known to give. Look at its web site whether it has moved.',
};
const NO_PLACE: FailureFacts = {
  kind: 'refused',
  scope: 'account',
  code: 'NO_PLACE',
  sentence: 'Option url has no place for this address. Write {ip} for IPv4 and {ip6} for IPv6 into it.',
};
const EMPTY_PLACE: FailureFacts = {
  kind: 'refused',
  scope: 'account',
  code: 'EMPTY_PLACE',
  sentence:
    'Option url has a place for an address that is not sent, which could delete a record. Write {?ip,ip6}, or take that place out.',
};
const OTHER_ZONE: FailureFacts = {
  kind: 'refused',
  scope: 'hostname',
  code: 'OTHER_ZONE',
  sentence: 'The hostname is not in the zone of this account. Correct option zone, or use another account.',
};

async function update(
  call: UpdateCall,
  ports: ProtocolPorts,
  redact: (text: string) => string,
): Promise<CallResult> {
  const facts = call.provider.get;
  if (!facts) {
    throw new Error(`${call.provider.id} has no facts for the protocol get`);
  }
  const names = recordNames(call);
  const obstacle = names === undefined ? OTHER_ZONE : ownUrlFault(call);
  if (obstacle) {
    const failure = factsFailure('get', obstacle, call.provider, NO_REPLY, '');
    const exchange = { request: 'nothing was sent', reply: failure.sentence };
    return { outcomes: call.hostnames.map(() => failed(failure)), exchange };
  }
  const message = messageOf(facts, call, { ...valuesOf(call), ...names });
  const { result, exchange } = await send(call, ports, redact, message);
  const verdict = result.kind === 'reply' ? judge(facts, call, result.reply, redact) : failed(result.failure);
  return { outcomes: call.hostnames.map(() => verdict), exchange };
}

/** Such a template is checked with the configuration, too; an address of one family alone may come later. */
function ownUrlFault({ options, ipv4, ipv6 }: UpdateCall): FailureFacts | undefined {
  if (options.url === undefined) {
    return undefined;
  }
  const sent = FAMILIES.filter((family) => ({ ipv4, ipv6 })[family] !== undefined);
  const fault = placeFault(options.url, sent);
  return fault && { 'no-place': NO_PLACE, 'empty-place': EMPTY_PLACE }[fault.kind];
}

const NO_REPLY: HttpReply = { status: 0, headers: {}, body: '', truncated: false };

function messageOf(facts: GetFacts, call: UpdateCall, values: TemplateValues): Message {
  const template = call.options.url ?? templateFor(facts.url ?? '', call);
  const own = expand(template, { ...values, ip: values.ipv4 ?? [], ip6: values.ipv6 ?? [] });
  const url = call.server === undefined ? own : atOrigin(own, call.server);
  const authorization = authorizationOf(facts, call);
  const { method = facts.form ? 'POST' : 'GET', form } = facts;
  return {
    method,
    url,
    ...(form && { headers: { 'content-type': FORM }, body: formText(form, values) }),
    ...(authorization && { authorization }),
  };
}

/** Names and values of a form; a field whose variables are all absent is left out. */
function formText(form: Record<string, string>, values: TemplateValues): string {
  return Object.entries(form)
    .flatMap(([name, template]) => {
      const text = expand(template, values);
      return text === '' ? [] : `${encodeURIComponent(name)}=${text}`;
    })
    .join('&');
}

function authorizationOf({ authentication, login }: GetFacts, call: UpdateCall): Authorization | undefined {
  const { username, password } = call.credential;
  if (authentication === undefined) {
    return undefined;
  }
  if (authentication === 'basic') {
    if (username === '' && login === undefined && call.provider.fields.username?.required !== true) {
      return undefined;
    }
    return {
      scheme: 'basic',
      username: login === 'hostname' ? (call.hostnames[0] ?? '') : username,
      password,
    };
  }
  return authentication === 'bearer'
    ? { scheme: 'bearer', token: password }
    : { scheme: 'header', name: authentication.header, value: password };
}

/** One verdict for all hostnames of the call. */
function judge(
  facts: GetFacts,
  call: UpdateCall,
  reply: HttpReply,
  redact: (text: string) => string,
): Verdict {
  const read = readReply(reply, facts.markup);
  const first = redact(read.lines[0] ?? '');
  const sent = sentBy(call);
  if (reply.truncated) {
    return failed(httpFault({ ...reply, status: 200 }, first.replace(/^</, ''), redact) ?? unknown());
  }
  const known = facts.failures.find(({ when }) => matches(when, read, sent));
  if (known) {
    return failed(factsFailure('get', known, call.provider, reply, first));
  }
  const own = call.options.success?.split('\n');
  const successes = own ? [{ phrase: own }] : (facts.successes ?? []);
  // A page where a text was promised is a login page, whatever stands in it.
  const isPage = !facts.markup && firstLineOf(reply).startsWith('<');
  const isSuccess = successes.some(
    (matcher) => (!isPage || matcher.tag !== undefined) && matches(matcher, read, sent),
  );
  if (isSuccess && isFine(reply) && isText(reply)) {
    return ok(undefined);
  }
  // A success with another status is a contradiction: the status speaks.
  return failed(httpFault(reply, redact(firstLineOf(reply)), redact) ?? unknown());

  function unknown() {
    return factsFailure('get', UNINTELLIGIBLE, call.provider, reply, first);
  }
}

function firstLineOf({ body }: HttpReply): string {
  return body.trimStart().split('\n', 1)[0]?.trim() ?? '';
}

/** What phrases may ask for. */
function sentBy(call: UpdateCall): Record<string, string> {
  const { hostnames, ipv4, ipv6 } = call;
  return {
    hostname: hostnames[0] ?? '',
    myip: addressesOf(call)[0] ?? '',
    ...(ipv4 !== undefined && { ipv4 }),
    ...(ipv6 !== undefined && { ipv6 }),
  };
}
