/**
 * The dyndns2 protocol (Dyn's remote access API; No-IP: noip.com/integrate/request and /response).
 * One GET for all hostnames of an account; the reply has one line for each, in the order sent; an error of
 * the account or of the server comes once. The body counts; the HTTP status says little.
 */
import { type FailureKind, type FailureScope, failed, type Outcome, ok } from '../../core/failure.ts';
import type { Http, HttpReply } from '../../ports.ts';
import type { CallResult, Protocol, UpdateCall } from '../protocol.ts';
import { httpFault, replyFailure, retryAfterOf } from '../reply.ts';
import { atOrigin, expand } from '../template.ts';

export const dyndns2: Protocol = { update };

type Verdict = Outcome<string | undefined>;

const PHASE_TIMEOUT_MS = 10_000;
const MAX_BODY_BYTES = 16_384;
/** Accounts of a provider without an address of its own must name their `server`. */
const ENDPOINT = 'https://server.invalid/nic/update{?hostname,myip}';

/** Every word that is no success: what it means, how far it reaches, what the operator is to do. */
const WORDS = new Map<string, readonly [FailureKind, FailureScope, string]>([
  [
    'badauth',
    ['credential', 'account', 'Username or password is wrong. Correct it; nothing is sent until then.'],
  ],
  [
    '!donator',
    ['refused', 'account', 'An option was used that only paying accounts have. Check the account.'],
  ],
  ['notfqdn', ['refused', 'hostname', 'This is no complete hostname. Correct it, e.g. home.example.org.']],
  [
    'nohost',
    ['refused', 'hostname', 'The hostname is not in this account, or has expired. Check it at the provider.'],
  ],
  [
    '!yours',
    ['refused', 'hostname', 'The hostname belongs to another account. Check the login and the name.'],
  ],
  ['!active', ['refused', 'hostname', 'The domain is not activated. Activate it at the provider.']],
  [
    'numhost',
    ['refused', 'hostname', 'Too many hostnames, or a round robin name. Check it at the provider.'],
  ],
  ['abuse', ['refused', 'account', 'The provider has blocked this for abuse. Unblock it on its web site.']],
  [
    'badagent',
    ['refused', 'account', 'The provider refuses this program. Set option contact, or update Holdfast.'],
  ],
  [
    'badsys',
    ['refused', 'account', 'The provider does not know this kind of update. Check the choice of provider.'],
  ],
  [
    'dnserr',
    ['busy', 'account', 'The DNS of the provider has a fault. Nothing to do; Holdfast tries again later.'],
  ],
  [
    '911',
    ['busy', 'provider', 'The provider has a fault or maintenance. Nothing to do; Holdfast waits as asked.'],
  ],
]);
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
  const text = redact(result.reply.body);
  const exchange = { request, reply: `HTTP ${result.reply.status} ${text.slice(0, 1000).trim()}` };
  return { outcomes: judge(call, result.reply, text, redact), exchange };
}

/** One verdict for each hostname, in order. */
function judge(
  call: UpdateCall,
  reply: HttpReply,
  text: string,
  redact: (text: string) => string,
): Verdict[] {
  const { hostnames } = call;
  const lines = text.split('\n').flatMap((line) => line.trim() || []);
  const first = lines[0] ?? '';
  const fault = isWord(first) && !reply.truncated ? undefined : httpFault(reply, first, redact);
  if (fault) {
    return hostnames.map(() => failed(fault));
  }
  const verdicts = lines.map((line) => judgeLine(call, reply, line));
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

function judgeLine(call: UpdateCall, reply: HttpReply, line: string): Verdict {
  const word = wordOf(line);
  const fail = (code: string, ...[kind, scope, sentence]: readonly [FailureKind, FailureScope, string]) =>
    failed({ ...replyFailure(`dyndns2/${code}`, kind, scope, sentence, line), ...retryAfterOf(reply) });
  const known = WORDS.get(word);
  if (known) {
    return fail(word.replace('!', '').toUpperCase(), ...known);
  }
  const wait = WAIT.exec(word);
  if (wait) {
    const retryAfterMs = Number(wait[1]) * (WAIT_UNIT_MS[wait[2] ?? ''] ?? 1000);
    const sentence = 'The provider asked to wait. Nothing to do; Holdfast obeys.';
    return failed({ ...replyFailure('dyndns2/WAIT', 'throttled', 'account', sentence, line), retryAfterMs });
  }
  if (!SUCCESSES.includes(word) || reply.status < 200 || reply.status > 299) {
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
    : ok(`The reply names another address: ${line.slice(0, 100)}.`);
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

function isWord(line: string): boolean {
  const word = wordOf(line);
  return SUCCESSES.includes(word) || WORDS.has(word) || WAIT.test(word);
}
