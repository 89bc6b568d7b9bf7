/**
 * A CNAME by DNS update (RFC 2136): read from the server, replaced on condition that it is still what was read,
 * and read again, because a server that finds other data beside it ignores it and says nothing (section 3.4.2.2).
 */
import { type Failure, failed, type Outcome, ok } from '../../core/failure.ts';
import type { AliasCall, AliasResult, ProtocolPorts } from '../protocol.ts';
import { clockFault } from '../signing/clock.ts';
import { type Errand, errandFor, failureOf, judge, keyOf, type Meaning, type Talk, tell } from './rfc2136.ts';
import { encodeAliasUpdate } from './rfc2136-message.ts';
import { localAddressFor } from './rfc2136-server.ts';

const YXDOMAIN = 6;
const NXRRSET = 8;

const AT_APEX: Meaning = [
  'ALIAS_AT_APEX',
  'refused',
  'hostname',
  'The name is a zone itself, and DNS has no aliases there (RFC 1034 section 3.6.2). Choose a name below it.',
];
const NAME_TAKEN: Meaning = [
  'NAME_TAKEN',
  'refused',
  'hostname',
  'The name has other records, and an alias has nothing beside it. Delete them in the zone and ask for an update; Holdfast takes away nothing that it has not made.',
];
const CHANGED: Meaning = [
  'CHANGED_MEANWHILE',
  'unconfirmed',
  'hostname',
  'Somebody else has changed the name at the same time. Nothing to do; Holdfast reads it again.',
];
const NOT_READ: Meaning = [
  'NOT_READ',
  'unintelligible',
  'attempt',
  'The DNS server does not answer for the zone of the name. Check options server and zone; Holdfast tries again.',
];

/** The name that the CNAME has; undefined: there is none. */
type Current = Outcome<string | undefined>;

export async function alias(call: AliasCall, ports: ProtocolPorts): Promise<AliasResult> {
  const talk: Talk = { requests: [], replies: [] };
  const outcome = await outcomeOf(call, ports, talk);
  const request = talk.requests.join('\n') || 'nothing was sent';
  return { outcome, exchange: { request, reply: talk.replies.join('\n') } };
}

async function outcomeOf(call: AliasCall, ports: ProtocolPorts, talk: Talk): Promise<Current> {
  const { hostname, target, ttlSec, via } = call;
  const key = keyOf(call);
  if ('code' in key) {
    return failed(key);
  }
  const fault = clockFault(ports.clock.nowMs());
  const errand = fault ? { failure: fault } : await errandFor(hostname, call, ports);
  if ('failure' in errand) {
    return failed(errand.failure);
  }
  const { zone } = errand;
  if (zone === hostname) {
    return failed(failureOf(AT_APEX));
  }
  const before = await read(errand, call, ports, talk);
  if (!before.ok || target === undefined || before.value === target) {
    return before;
  }
  const previous = before.value;
  const { answer, offsetSec } = await tell(
    errand,
    `${hostname} = CNAME ${target}, TTL ${ttlSec}`,
    (id) => encodeAliasUpdate({ id, zone, hostname, previous, target, ttlSec }),
    key,
    via,
    ports,
    talk,
  );
  const verdict = judge(answer, offsetSec);
  const hasChanged = answer.kind === 'signed' && (answer.rcode === YXDOMAIN || answer.rcode === NXRRSET);
  if (!verdict.ok && !hasChanged) {
    return verdict;
  }
  // After a reply that was lost the same message comes again and does not find what it expects.
  const after = await read(errand, call, ports, talk);
  if (!after.ok || after.value === target) {
    return after;
  }
  return failed(failureOf(after.value === undefined && previous === undefined ? NAME_TAKEN : CHANGED));
}

/** Asked of the server that takes the updates: nobody else knows it sooner. */
async function read(errand: Errand, call: AliasCall, ports: ProtocolPorts, talk: Talk): Promise<Current> {
  const { hostname, via } = call;
  let failure: Failure = failureOf(NOT_READ);
  for (const server of errand.servers) {
    const localAddress = localAddressFor(server, via);
    if (via && localAddress === undefined) {
      continue;
    }
    talk.requests.push(`${hostname} CNAME at ${server.address}:${server.port}`);
    const question = { name: hostname, type: 'CNAME', recursionDesired: false } as const;
    const result = await ports.dns.ask(server, question, localAddress);
    if (result.kind === 'failed') {
      talk.replies.push(result.failure.sentence);
      failure = { ...result.failure, scope: 'attempt' };
      continue;
    }
    const { rcode, authoritative, answers } = result.reply;
    const found = answers.find((record) => record.type === 'CNAME' && record.name === hostname)?.value;
    talk.replies.push(`${rcode}, ${found ?? 'no CNAME'}`);
    if (authoritative && (rcode === 'NOERROR' || rcode === 'NXDOMAIN')) {
      return ok(found);
    }
    failure = failureOf(NOT_READ, rcode);
  }
  return failed(failure);
}
