/** What a reply of a `rest` provider means: found, not there, or a failure. */
import { parseAddress } from '../../core/address.ts';
import type { Failure, FailureKind, FailureScope } from '../../core/failure.ts';
import { normaliseHostname } from '../../core/hostname.ts';
import type { HttpReply } from '../../ports.ts';
import { type Json, pointed } from '../json-pointer.ts';
import { type Matcher, matches, type ReadReply, readReply } from '../match.ts';
import { httpFault, replyFailure, retryAfterOf } from '../reply.ts';
import type { ListPick, Places, RestCall, RestFacts } from './rest-facts.ts';
import { asText, fillText, isObject, type Values } from './rest-template.ts';

export type Reading =
  | { kind: 'found'; json: Json | undefined }
  | { kind: 'absent' }
  | { kind: 'failed'; failure: Failure };

/** HTTP statuses that mean the same everywhere, unless the catalogue says otherwise. */
const STATUSES: Record<number, readonly [string, FailureKind, FailureScope, string]> = {
  402: ['PAYMENT', 'refused', 'account', 'The provider wants a payment first. See to it on its web site.'],
  403: [
    'FORBIDDEN',
    'credential',
    'account',
    'The credential may not do this (HTTP 403). Give it the right to read and change the DNS of this zone.',
  ],
  404: [
    'NOT_FOUND',
    'refused',
    'hostname',
    'The provider does not find this name or its zone (HTTP 404). Check the hostname and the account.',
  ],
  408: [
    'TIMEOUT',
    'busy',
    'attempt',
    'The provider was too slow (HTTP 408). Nothing to do; Holdfast tries again.',
  ],
  409: [
    'CONFLICT',
    'busy',
    'hostname',
    'Another change of the same record is under way (HTTP 409). Nothing to do; Holdfast tries again.',
  ],
  423: [
    'LOCKED',
    'busy',
    'hostname',
    'The zone is locked for the moment (HTTP 423). Holdfast tries again later.',
  ],
};

/** `values` are those of the request, for the places that must repeat them. */
export function readingOf(
  facts: RestFacts,
  step: RestCall,
  values: Values,
  reply: HttpReply,
  redact: (foreignText: string) => string,
): Reading {
  const read = readReply(reply);
  const first = redact(firstLineOf(read)).slice(0, 200);
  const isBlank = reply.body.trim() === '';
  const isWhole = !reply.truncated && isReadable(step, read, isBlank);
  // Words count only in a document of the kind that the provider sends.
  const speaks = isWhole || (read.json !== undefined && !reply.truncated);
  const mayMean = speaks || !(first.startsWith('<') || reply.truncated);
  const special = mayMean ? step.failures?.find(({ when }) => matches(when, read, {})) : undefined;
  if (!special && mayMean && step.absent?.some((matcher) => matches(matcher, read, {}))) {
    return { kind: 'absent' };
  }
  const known = special ?? (mayMean ? facts.failures.find(({ when }) => matches(when, read, {})) : undefined);
  if (known) {
    const { kind, scope, code, sentence, waitSec } = known;
    const wait = {
      ...(waitSec !== undefined && { retryAfterMs: waitSec * 1000 }),
      ...retryAfterOf(reply),
    };
    const failure = replyFailure(`rest/${code}`, kind, scope, sentence, line());
    return { kind: 'failed', failure: { ...failure, ...wait } };
  }
  const isFine = reply.status >= 200 && reply.status <= 299;
  if (isWhole && isFine && holds(step.success ?? facts.success, read) && isRepeated(step, values, read)) {
    const more = step.empty?.find((at) => saysSomething(pointed(read.json, at)));
    return more === undefined
      ? { kind: 'found', json: read.json }
      : { kind: 'failed', failure: otherRecords(more) };
  }
  const plain = isBlank && !isFine ? undefined : httpFault(reply, isBlank ? '' : first, redact);
  return { kind: 'failed', failure: plain ?? statusFailure(reply, line(), redact) };

  function line(): string {
    const said = facts.messages?.map((at) => pointed(read.json, at)).find((text) => typeof text === 'string');
    return said === undefined || said === '' ? first : redact(asText(said));
  }
}

function statusFailure(reply: HttpReply, line: string, redact: (text: string) => string): Failure {
  const { status } = reply;
  // An empty body keeps nobody from reading the status.
  const plain = httpFault({ ...reply, truncated: false }, 'none', redact);
  if (plain) {
    return { ...plain, ...(line !== '' && { reply: line }) };
  }
  const known = STATUSES[status];
  if (known) {
    const [code, kind, scope, sentence] = known;
    return { ...replyFailure(`rest/${code}`, kind, scope, sentence, line), ...retryAfterOf(reply) };
  }
  if (status >= 400) {
    const sentence = `The provider refuses the change (HTTP ${status}). Check the hostname and the record at the provider.`;
    return replyFailure('rest/REFUSED', 'refused', 'hostname', sentence, line);
  }
  const sentence =
    'The reply is not what the provider documents. Nothing counts as done; Holdfast tries again later.';
  return replyFailure('rest/UNINTELLIGIBLE', 'unintelligible', 'attempt', sentence, line);
}

/** Some services write an empty record where there is none. */
function saysSomething(value: Json | undefined): boolean {
  return typeof value === 'object' && value !== null
    ? Object.values(value).some(saysSomething)
    : typeof value === 'string' && value !== '';
}

function otherRecords(place: string): Failure {
  const type = place.split('/').at(-1);
  const sentence = `The name has records of type ${type} too, and the provider would take them away with a change by its interface. Use a name that has none but its address.`;
  return replyFailure('rest/OTHER_RECORDS', 'refused', 'hostname', sentence, '');
}

export function incomplete(what: string): Failure {
  const sentence = `The reply of the provider lacks what Holdfast needs (${what}). Check the options of the account; Holdfast tries again later.`;
  return replyFailure('rest/INCOMPLETE', 'unintelligible', 'attempt', sentence, '');
}

/** The elements of a list, or undefined where there is no such list. */
export function listed(pick: ListPick, json: Json | undefined): Json[] | undefined {
  const list = pointed(json, pick.in);
  if (Array.isArray(list)) {
    return list;
  }
  if (pick.keyed && isObject(list)) {
    return Object.values(list);
  }
  return pick.optional && (list === undefined || list === null) ? [] : undefined;
}

/** Those elements that are meant, each as the variables that it gives; one for each value of a record set. */
export function matching(pick: ListPick, elements: readonly Json[], values: Values): Values[] {
  const wanted = Object.entries(pick.where).map(([at, text]) => [at, fillText(text, values)] as const);
  const { current, ...rest } = pick.take;
  return elements
    .filter((element) => wanted.every(([at, text]) => isSame(pointed(element, at), text)))
    .flatMap((element) => {
      const inner = pick.values === undefined ? [element] : pointed(element, pick.values);
      const list = Array.isArray(inner) ? inner : inner === undefined ? [] : [inner];
      return list.map((value) => ({
        ...captured(rest, element),
        ...(current !== undefined && captured({ current }, value)),
      }));
    });
}

/** Values at places of a document; a place that is not there gives none. */
export function captured(places: Places | undefined, json: Json | undefined): Values {
  return Object.fromEntries(
    Object.entries(places ?? {}).flatMap(([name, at]) => {
      const found = [at].flat().map((one) => pointed(json, one));
      const value = found.find((one) => one !== undefined && one !== null);
      return value === undefined || value === null ? [] : [[name, value] as const];
    }),
  );
}

/** Equal, whatever the spelling: IPv6 text, capital letters, a final dot, IDN in Unicode. */
export function isSame(value: Json | undefined, text: string): boolean {
  if (value === undefined || value === null || typeof value === 'object') {
    return value === null && text === '';
  }
  return canonical(asText(value)) === canonical(text);
}

function canonical(text: string): string {
  // Of several addresses in one record, the order says nothing.
  return text.split(',').map(canonicalOne).sort().join(',');
}

function canonicalOne(text: string): string {
  const plain = text.toLowerCase().replace(/(?<=.)\.$/, '');
  const name = normaliseHostname(plain);
  return parseAddress(plain)?.canonical ?? (name.ok ? name.hostname : plain);
}

function holds(matcher: Matcher | undefined, read: ReadReply): boolean {
  return matcher === undefined || matches(matcher, read, {});
}

function isReadable(step: RestCall, read: ReadReply, isBlank: boolean): boolean {
  switch (step.reply) {
    case 'empty':
      return isBlank || /^\s*(\{\s*\}|null)\s*$/.test(read.body);
    case 'xml':
      return /^\s*<\?xml[^>]*>\s*<\w/.test(read.body) && !/<html/i.test(read.body);
    default:
      return typeof read.json === 'object' && read.json !== null;
  }
}

function isRepeated(step: RestCall, values: Values, read: ReadReply): boolean {
  return Object.entries(step.repeats ?? {}).every(([at, text]) =>
    isSame(pointed(read.json, at), fillText(text, values)),
  );
}

/** JSON is often written over many lines; then the first says nothing. */
function firstLineOf({ json, body, lines }: ReadReply): string {
  return json !== undefined && body.length < 4096 ? JSON.stringify(json) : (lines[0] ?? '');
}
