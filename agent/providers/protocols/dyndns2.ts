/**
 * The dyndns2 protocol (Dyn's remote access API; No-IP: noip.com/integrate/request and /response).
 * One GET for all hostnames of an account; the reply has one line for each, in the order sent; an error of
 * the account or of the server comes once. The body counts; the HTTP status says little.
 */
import { failed, type Outcome, ok } from '../../core/failure.ts';
import type { Http, HttpReply } from '../../ports.ts';
import type { CallResult, Protocol, UpdateCall } from '../protocol.ts';
import { httpFault, MAX_WAIT_MS, replyFailure, retryAfterOf } from '../reply.ts';
import { atOrigin, expand } from '../template.ts';
import { type Meaning, WORDS } from './dyndns2-words.ts';

export const dyndns2: Protocol = { update };

type Verdict = Outcome<string | undefined>;

const PHASE_TIMEOUT_MS = 10_000;
const MAX_BODY_BYTES = 16_384;
/** Accounts of a provider without an address of its own must name their `server`. */
const ENDPOINT = 'https://server.invalid/nic/update{?hostname,myip}';

const SUCCESSES = ['good', 'nochg'];
/** `wNN`, `wNNs`, `wNNm`, `wNNh`: wait so long (obsolete, but still sent by some servers). */
const WAIT = /^w(\d{1,4})([smh]?)$/;
const WAIT_UNIT_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000 };

async function update(call: UpdateCall, http: Http, redact: (text: string) => string): Promise<CallResult> {
  const { provider, credential, hostnames } = call;
  const own = expand(provider.endpoint ?? ENDPOINT, { hostname: hostnames, myip: addressesOf(call) });
  const url = call.server === undefined ? own : atOrigin(own, call.server);
  const username = provider.decodeUsername ? credential.username.replace(/%3a/gi, ':') : credential.username;
  const result = await http.request({
    method: 'GET',
    url,
    headers: { 'user-agent': call.userAgent },
    authorization: { scheme: 'basic', username, password: credential.password },
    phaseTimeoutMs: PHASE_TIMEOUT_MS,
    maxBodyBytes: MAX_BODY_BYTES,
    ...(call.caFile !== undefined && { caFile: call.caFile }),
    ...(call.via && { via: call.via }),
  });
  const request = `GET ${url}`;
  if (result.kind === 'failed') {
    const { failure } = result;
    return { outcomes: hostnames.map(() => failed(failure)), exchange: { request, reply: failure.sentence } };
  }
  const { reply } = result;
  const exchange = { request, reply: `HTTP ${reply.status} ${redact(reply.body).slice(0, 1000).trim()}` };
  return { outcomes: judge(call, reply, redact), exchange };
}

/** One verdict for each hostname, in order. */
function judge(call: UpdateCall, reply: HttpReply, redact: (text: string) => string): Verdict[] {
  const { hostnames } = call;
  const lines = reply.body.split('\n').flatMap((line) => line.trim() || []);
  const first = lines[0] ?? '';
  const fault = isAnswer(reply, first) ? undefined : httpFault(reply, redact(first), redact);
  if (fault) {
    return hostnames.map(() => failed(fault));
  }
  const verdicts = lines.map((line) => judgeLine(call, reply, line, redact));
  const [only] = verdicts;
  if (only && lines.length === 1 && hostnames.length > 1) {
    const remark = `One line of the reply stood for all ${hostnames.length} hostnames.`;
    return hostnames.map(() => (only.ok ? ok(remark) : only));
  }
  if (only && hostnames.length === 1 && isGroup(call, hostnames[0] ?? '')) {
    // A group has one line for each member: the first that is no success decides.
    return [verdicts.find((verdict) => !verdict.ok) ?? only];
  }
  const last = verdicts.at(-1);
  const shared = last && !last.ok && last.failure.scope !== 'hostname' ? last : undefined;
  return hostnames.map(
    (_, index) => verdicts[index] ?? shared ?? missingLine(lines.length, hostnames.length),
  );
}

function judgeLine(
  call: UpdateCall,
  reply: HttpReply,
  line: string,
  redact: (text: string) => string,
): Verdict {
  const word = wordOf(line);
  const { retryAfterMs = 0 } = retryAfterOf(reply);
  const fail = (code: string, ...[kind, scope, sentence]: Meaning) =>
    failed({
      ...replyFailure(`dyndns2/${code}`, kind, scope, sentence, redact(line)),
      // After 911 the provider's own rest counts; only a longer Retry-After goes before it.
      ...(retryAfterMs > (kind === 'busy' ? call.provider.busyWaitSec * 1000 : 0) && { retryAfterMs }),
    });
  const known = WORDS.get(word);
  if (known) {
    return fail(word.replace('!', '').toUpperCase(), ...known);
  }
  const wait = WAIT.exec(word);
  if (wait) {
    const waitMs = Math.min(Number(wait[1]) * (WAIT_UNIT_MS[wait[2] ?? ''] ?? 1000), MAX_WAIT_MS);
    const sentence = 'The provider asked to wait. Nothing to do; Holdfast obeys.';
    return failed({
      ...replyFailure('dyndns2/WAIT', 'throttled', 'account', sentence, redact(line)),
      retryAfterMs: Math.max(waitMs, retryAfterMs),
    });
  }
  if (!SUCCESSES.includes(word) || !isFine(reply)) {
    const sentence =
      'The reply is no word of the protocol. Check the server address; Holdfast tries again later.';
    return fail('UNINTELLIGIBLE', 'unintelligible', 'hostname', sentence);
  }
  const returned = line
    .slice(word.length)
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((part) => part !== '');
  const sent = addressesOf(call);
  if (returned[0] === '127.0.0.1' && !sent.includes('127.0.0.1')) {
    const sentence =
      'The provider threw the update away because of the program. Set option contact, or update Holdfast.';
    return fail('DISCARDED', 'refused', 'account', sentence);
  }
  return returned.every((address) => sent.includes(address))
    ? ok(undefined)
    : ok(`The reply names another address: ${redact(line).slice(0, 100)}.`);
}

function missingLine(lines: number, hostnames: number): Verdict {
  const sentence = `The reply has ${lines} lines for ${hostnames} hostnames and none for this one. Holdfast tries again later.`;
  return failed(replyFailure('dyndns2/MISSING_LINE', 'unintelligible', 'hostname', sentence, ''));
}

function addressesOf({ ipv4, ipv6 }: UpdateCall): string[] {
  return [ipv4, ipv6].filter((address) => address !== undefined);
}

function isGroup({ provider }: UpdateCall, hostname: string): boolean {
  return !hostname.includes('.') || provider.pseudoHosts?.includes(hostname) === true;
}

/** Codes are whole words, compared without regard to case: `good` within a sentence is no success. */
function wordOf(line: string): string {
  return (line.split(/\s/, 1)[0] ?? '').toLowerCase();
}

/** Does the body count? A word of failure does with any status, a success only where HTTP agrees. */
function isAnswer(reply: HttpReply, line: string): boolean {
  const word = wordOf(line);
  const counts = SUCCESSES.includes(word) ? isFine(reply) : WORDS.has(word) || WAIT.test(word);
  return counts && !reply.truncated;
}

function isFine({ status }: HttpReply): boolean {
  return status >= 200 && status <= 299;
}
