/** Replies that no protocol defines: what HTTP itself says, and pages that are no answer at all. */
import type { Failure, FailureKind, FailureScope } from '../core/failure.ts';
import type { HttpReply } from '../ports.ts';
import type { ProviderDefinition } from './definition.ts';
import type { FailureFacts } from './facts.ts';

/** Nobody is obeyed longer than a day, for only time ends such a wait. */
export const MAX_WAIT_MS = 86_400_000;

export function replyFailure(
  code: string,
  kind: FailureKind,
  scope: FailureScope,
  sentence: string,
  line: string,
): Failure {
  return { kind, scope, code, sentence, ...(line !== '' && { reply: line.slice(0, 200) }) };
}

/** What an entry of the catalogue says of a reply, as a failure; `protocol` stands before its code. */
export function factsFailure(
  protocol: string,
  facts: FailureFacts,
  { busyWaitSec }: ProviderDefinition,
  reply: HttpReply,
  line: string,
): Failure {
  const { kind, scope, code, sentence, waitSec = 0 } = facts;
  const { retryAfterMs = 0 } = retryAfterOf(reply);
  const waitMs = Math.max(retryAfterMs, waitSec * 1000);
  return {
    ...replyFailure(`${protocol}/${code}`, kind, scope, sentence, line),
    // After a fault of the provider its own rest counts; only a longer wait goes before it.
    ...(waitMs > (kind === 'busy' ? busyWaitSec * 1000 : 0) && { retryAfterMs: waitMs }),
  };
}

export function isFine({ status }: Pick<HttpReply, 'status'>): boolean {
  return status >= 200 && status <= 299;
}

/** Some of these services name no type or a wrong one; but a picture or a file to save is no answer. */
export function isText({ headers }: Pick<HttpReply, 'headers'>): boolean {
  return !/^(image|audio|video|font)\/|^application\/(pdf|zip|gzip)\b/i.test(headers['content-type'] ?? '');
}

/**
 * Classifies a reply by its HTTP status and shape alone; undefined when nothing speaks against its text.
 * `first` is the first line of the body, secrets removed, as `redact` does.
 */
export function httpFault(
  reply: HttpReply,
  first: string,
  redact: (foreignText: string) => string,
): Failure | undefined {
  const { status } = reply;
  if (status === 401) {
    const sentence = 'Username or password is wrong (HTTP 401). Correct it; nothing is sent until then.';
    return replyFailure('reply/HTTP_401', 'credential', 'account', sentence, first);
  }
  if (status === 429) {
    const sentence = 'The provider says that too many requests came. Nothing to do; Holdfast waits as asked.';
    const failure = replyFailure('reply/HTTP_429', 'throttled', 'account', sentence, first);
    return { ...failure, ...retryAfterOf(reply) };
  }
  if (status >= 500) {
    const sentence = `The server of the provider has a fault (HTTP ${status}). Holdfast tries again later.`;
    const wait = retryAfterOf(reply);
    // A wait that was named binds the account; without one it is the server's bad moment.
    const scope = wait.retryAfterMs === undefined ? 'attempt' : 'provider';
    return { ...replyFailure('reply/HTTP_5XX', 'busy', scope, sentence, first), ...wait };
  }
  if (status >= 300 && status < 400) {
    const origin = /^https?:\/\/[^/?#]{1,200}/.exec(reply.headers.location ?? '')?.[0];
    const target = origin === undefined ? 'another page' : redact(origin);
    const sentence = `The request was redirected to ${target} and not followed: a login page of the network, or a service that has moved. Open a web page to see which.`;
    return replyFailure('reply/REDIRECTED', 'unintelligible', 'attempt', sentence, first);
  }
  if (first.startsWith('<')) {
    const sentence =
      'A web page came instead of an answer: a login page of the network, or a wrong server address. Open a web page to see which.';
    return replyFailure('reply/HTML', 'unintelligible', 'attempt', sentence, first);
  }
  if (reply.truncated || first === '') {
    const sentence = `The reply is ${first === '' ? 'empty' : 'far too long'}. Check the server address; Holdfast tries again later.`;
    return replyFailure('reply/NO_ANSWER', 'unintelligible', 'attempt', sentence, first);
  }
  return undefined;
}

/** Retry-After as seconds or as a date, the latter measured against the server's own clock (RFC 9110 10.2.3). */
export function retryAfterOf({ headers }: HttpReply): { retryAfterMs?: number } {
  const value = headers['retry-after']?.trim() ?? '';
  const waitMs = /^\d{1,7}$/.test(value)
    ? Number(value) * 1000
    : Date.parse(value) - Date.parse(headers.date ?? '');
  return waitMs > 0 ? { retryAfterMs: Math.min(waitMs, MAX_WAIT_MS) } : {};
}
