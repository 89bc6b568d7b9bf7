/**
 * The dyndns2 protocol (Dyn's remote access API; No-IP: noip.com/integrate/request and /response).
 * One GET for all hostnames of an account; the reply has one line for each, in the order sent; an error of
 * the account or of the server comes once. The body counts; the HTTP status says little.
 */
import { failed, ok } from '../../core/failure.ts';
import type { HttpReply } from '../../ports.ts';
import type { FailureFacts } from '../facts.ts';
import type { CallResult, Protocol, ProtocolPorts, UpdateCall, Verdict } from '../protocol.ts';
import {
  factsFailure,
  httpFault,
  isFine,
  isText,
  MAX_WAIT_MS,
  replyFailure,
  retryAfterOf,
} from '../reply.ts';
import { addressesOf, send, templateFor, valuesOf } from '../send.ts';
import { atOrigin, expand } from '../template.ts';
import { meaningOf, SUCCESSES } from './dyndns2-words.ts';

export const dyndns2: Protocol = { update };

/** Accounts of a provider without an address of its own must name their `server`. */
const ENDPOINT = 'https://server.invalid/nic/update{?hostname,myip}';

/** `wNN`, `wNNs`, `wNNm`, `wNNh`: wait so long (obsolete, but still sent by some servers). */
const WAIT = /^w(\d{1,4})([smh]?)$/;
const WAIT_UNIT_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000 };

/** What may follow a success, in whatever form (`192.000.002.001`): good morning is none. */
const ADDRESS = /^\d+\.\d+\.\d+\.\d+$|^(?=[^:]*:[^:]*:)[\da-f.:]+(?:\/\d+)?$/;

const UNINTELLIGIBLE: FailureFacts = {
  kind: 'unintelligible',
  scope: 'hostname',
  code: 'UNINTELLIGIBLE',
  sentence: 'The reply is no word of the protocol. Check the server address; Holdfast tries again later.',
};
const DISCARDED: FailureFacts = {
  kind: 'refused',
  scope: 'account',
  code: 'DISCARDED',
  sentence:
    'The provider threw the update away because of the program. Set option contact, or update Holdfast.',
};

async function update(
  call: UpdateCall,
  ports: ProtocolPorts,
  redact: (text: string) => string,
): Promise<CallResult> {
  const { provider, credential, hostnames } = call;
  const { endpoint = ENDPOINT, login } = provider.dyndns2 ?? {};
  const own = expand(templateFor(endpoint, call), valuesOf(call));
  const url = call.server === undefined ? own : atOrigin(own, call.server);
  const { password } = credential;
  const name = { hostname: hostnames[0] ?? '', password, username: credential.username }[login ?? 'username'];
  const username = provider.decodeUsername ? name.replace(/%3a/gi, ':') : name;
  const authorization = { scheme: 'basic', username, password } as const;
  const { result, exchange } = await send(call, ports, redact, { url, authorization });
  const outcomes =
    result.kind === 'reply' ? judge(call, result.reply, redact) : hostnames.map(() => failed(result.failure));
  return { outcomes, exchange };
}

/** One verdict for each hostname, in order. */
function judge(call: UpdateCall, reply: HttpReply, redact: (text: string) => string): Verdict[] {
  const { hostnames, provider } = call;
  const lines = reply.body.split('\n').flatMap((line) => line.trim() || []);
  const first = lines[0] ?? '';
  if (reply.body === '' && !reply.truncated && provider.dyndns2?.silentSuccess?.includes(reply.status)) {
    return hostnames.map(() => ok(undefined));
  }
  const fault = isAnswer(call, reply, first) ? undefined : statusFault(call, reply, redact(first), redact);
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
  const meaning = meaningOf(call.provider.dyndns2 ?? {}, word);
  if (meaning) {
    return failed(factsFailure('dyndns2', meaning, call.provider, reply, redact(line)));
  }
  const wait = WAIT.exec(word);
  if (wait) {
    const waitMs = Math.min(Number(wait[1]) * (WAIT_UNIT_MS[wait[2] ?? ''] ?? 1000), MAX_WAIT_MS);
    const sentence = 'The provider asked to wait. Nothing to do; Holdfast obeys.';
    return failed({
      ...replyFailure('dyndns2/WAIT', 'throttled', 'account', sentence, redact(line)),
      retryAfterMs: Math.max(waitMs, retryAfterOf(reply).retryAfterMs ?? 0),
    });
  }
  const returned = line
    .slice(word.length)
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((part) => part !== '');
  const [next = ''] = returned;
  const isWell =
    next === '' || ADDRESS.test(next) || call.hostnames.includes(next) || !SUCCESSES.includes(word);
  if (!successesOf(call).includes(word) || !isWell || !isFine(reply) || !isText(reply)) {
    return failed(factsFailure('dyndns2', UNINTELLIGIBLE, call.provider, reply, redact(line)));
  }
  const sent = addressesOf(call);
  if (next === '127.0.0.1' && !sent.includes('127.0.0.1')) {
    return failed(factsFailure('dyndns2', DISCARDED, call.provider, reply, redact(line)));
  }
  return returned.every((address) => sent.includes(address))
    ? ok(undefined)
    : ok(`The reply names another address: ${redact(line).slice(0, 100)}.`);
}

function statusFault(call: UpdateCall, reply: HttpReply, first: string, redact: (text: string) => string) {
  const meaning = call.provider.dyndns2?.statuses?.[reply.status];
  return meaning
    ? factsFailure('dyndns2', meaning, call.provider, reply, first)
    : httpFault(reply, first, redact);
}

function missingLine(lines: number, hostnames: number): Verdict {
  const sentence = `The reply has ${lines} lines for ${hostnames} hostnames and none for this one. Holdfast tries again later.`;
  return failed(replyFailure('dyndns2/MISSING_LINE', 'unintelligible', 'hostname', sentence, ''));
}

function isGroup({ provider }: UpdateCall, hostname: string): boolean {
  return !hostname.includes('.') || provider.pseudoHosts?.includes(hostname) === true;
}

/** Codes are whole words, compared without regard to case: `good` within a sentence is no success. */
function wordOf(line: string): string {
  return (line.split(/\s/, 1)[0] ?? '').toLowerCase();
}

function successesOf({ provider }: UpdateCall): readonly string[] {
  return provider.dyndns2?.successes ?? SUCCESSES;
}

/** Does the body count? A word of failure does with any status, a success only where HTTP agrees. */
function isAnswer(call: UpdateCall, reply: HttpReply, line: string): boolean {
  const word = wordOf(line);
  const isWord = meaningOf(call.provider.dyndns2 ?? {}, word) !== undefined || WAIT.test(word);
  return (successesOf(call).includes(word) ? isFine(reply) : isWord) && !reply.truncated;
}
