/**
 * Providers whose records are kept by several calls, as data (see rest-facts.ts): find the zone, read the record
 * of our name and type, write it only where it differs. The calls go in the order of the catalogue; each runs
 * for all hostnames of the update before the next one begins, so that a login, a zone and, where the provider
 * allows it, one change serve them all.
 */
import { FAMILIES, type Family } from '../../core/address.ts';
import { type Failure, failed, ok } from '../../core/failure.ts';
import { normaliseHostname } from '../../core/hostname.ts';
import { zoneCandidates } from '../../core/zone-candidates.ts';
import type { ProviderDefinition } from '../definition.ts';
import type { Json } from '../json-pointer.ts';
import type { AliasCall, AliasResult, CallResult, Protocol, UpdateCall, Verdict } from '../protocol.ts';
import { replyFailure } from '../reply.ts';
import type { RecordState, RestCall, RestFacts } from './rest-facts.ts';
import { captured, incomplete, isSame, listed, matching, type Reading } from './rest-reply.ts';
import { asText, MissingValue, merged, type Values } from './rest-template.ts';
import { createWire, type Wire, type WirePorts } from './rest-wire.ts';

export const rest: Protocol = { update, alias };

const TYPES: Record<Family, string> = { ipv4: 'A', ipv6: 'AAAA' };
const ANY_STATE: readonly RecordState[] = ['absent', 'different', 'equal', 'surplus'];
const MAX_PAGES = 50;

/** One record to bring up to date: a hostname and a type. */
interface Target {
  hostname: string;
  address: string;
  values: Values;
  state: RecordState;
  /** No later call concerns it. */
  done: boolean;
  failure?: Failure;
}

/** The first reply, and the list of all pages. */
interface Found {
  json: Json | undefined;
  elements: Json[];
}

type Gathered = ({ kind: 'found' } & Found) | Exclude<Reading, { kind: 'found' }>;

const NOTHING: Found = { json: undefined, elements: [] };

/** By the number of records found, and of those with another address. */
const STATES: Record<string, RecordState> = { '1/0': 'equal', '1/1': 'different', '2/1': 'surplus' };

const SEVERAL = 'rest/SEVERAL_RECORDS';
const PROXIED =
  "The record stands behind the provider's proxy: the DNS shows addresses of the proxy, and the provider's own answer counts.";

async function update(
  call: UpdateCall,
  ports: WirePorts,
  redact: (text: string) => string,
): Promise<CallResult> {
  const facts = call.provider.rest;
  if (!facts) {
    throw new Error(`${call.provider.id} has no facts for the protocol rest`);
  }
  const wire = createWire(call, facts, ports, redact);
  const targets = targetsOf(call, facts);
  await carryOut(call, facts, wire, facts.calls, targets);
  return {
    outcomes: call.hostnames.map((hostname) => verdictOf(hostname, targets)),
    unseen: call.hostnames.map((hostname) =>
      targets.some((target) => target.hostname === hostname && isProxied(target)) ? PROXIED : undefined,
    ),
    exchange: wire.exchange(),
  };
}

function verdictOf(hostname: string, targets: readonly Target[]): Verdict {
  const failure = targets.find((target) => target.hostname === hostname && target.failure)?.failure;
  return failure ? failed(failure) : ok(undefined);
}

/** Reads, and writes only where `calls` has the calls for it. What was asked before is not asked again. */
async function carryOut(
  call: UpdateCall,
  facts: RestFacts,
  wire: Wire,
  calls: readonly RestCall[],
  targets: readonly Target[],
): Promise<void> {
  const apex = facts.apex ?? '@';
  let later: RestCall[] = [];
  for (const [index, step] of calls.entries()) {
    later = calls.slice(index + 1).filter(({ forEach }) => forEach !== 'account');
    const concerned = targets.filter(
      (target) => step.optional || (isOpen(target) && statesOf(step).includes(target.state)),
    );
    await (step.forEach === 'candidate' ? findZones(step, concerned) : runAll(step, concerned));
  }

  async function runAll(step: RestCall, concerned: readonly Target[]): Promise<void> {
    for (const unit of unitsOf(step, concerned)) {
      const open = unit.filter((target) => step.optional || isOpen(target));
      if (open.length > 0) {
        await run(step, open);
      }
    }
  }

  async function run(step: RestCall, unit: readonly Target[]): Promise<void> {
    const gathered = await gather(wire, step, unit[0]?.values ?? {}, unit);
    if (gathered.kind === 'failed') {
      const { failure } = gathered;
      const hostnames = new Set(unit.map((target) => target.hostname));
      if (failure.kind === 'refused' && failure.scope === 'hostname' && hostnames.size > 1) {
        // One name spoils the change of all: each for itself, and only the wrong one fails.
        for (const hostname of hostnames) {
          await run(
            step,
            unit.filter((target) => target.hostname === hostname),
          );
        }
      } else if (!step.optional) {
        fail(unit, failure);
      }
      return;
    }
    for (const target of unit) {
      learn(step, target, gathered.kind === 'found' ? gathered : NOTHING);
    }
    const reading = facts.calls.find(({ name }) => name === step.readBack);
    if (reading) {
      await readBack(reading, unit);
    }
    for (const target of unit) {
      target.done = !later.some((other) => statesOf(other).includes(target.state));
    }
  }

  /** A promise of the provider is not enough where its reply does not show the record. */
  async function readBack(reading: RestCall, unit: readonly Target[]): Promise<void> {
    for (const part of unitsOf(reading, unit)) {
      await run(reading, part);
      fail(
        part.filter((target) => target.state !== 'equal'),
        replyFailure(
          'rest/NOT_APPLIED',
          'unconfirmed',
          'hostname',
          'The provider accepted the change but still shows another address. Holdfast looks again; if it stays, check the record at the provider.',
          '',
        ),
      );
    }
  }

  /** The longest zone of the account that a hostname lies in (RFC 1034 section 4.2: the cut may be at any label). */
  async function findZones(step: RestCall, concerned: readonly Target[]): Promise<void> {
    for (const unit of groupedBy(concerned, (target) => target.hostname)) {
      const [first] = unit.filter(isOpen);
      if (first) {
        await findZone(step, unit, first);
      }
    }
  }

  async function findZone(step: RestCall, unit: readonly Target[], first: Target): Promise<void> {
    const named = first.values.zone === undefined ? undefined : asText(first.values.zone);
    const teaches = step.capture !== undefined || Object.keys(step.pick?.take ?? {}).length > 0;
    if (named !== undefined && !teaches) {
      return;
    }
    const candidates = named === undefined ? candidatesOf(first.hostname) : [named];
    for (const zone of candidates) {
      const values = { ...first.values, zone, name: nameIn(zone, first.hostname, apex) };
      const gathered = await gather(wire, step, values, unit);
      if (gathered.kind === 'failed') {
        fail(unit, gathered.failure);
        return;
      }
      const isThere =
        !step.pick ||
        (gathered.kind === 'found' && matching(step.pick, gathered.elements, values).length > 0);
      if (gathered.kind === 'found' && isThere) {
        for (const target of unit) {
          Object.assign(target.values, { zone, name: values.name });
          learn(step, target, gathered);
        }
        return;
      }
    }
    fail(unit, noZone(first.hostname, candidates));
  }

  function learn(step: RestCall, target: Target, { json, elements }: Found): void {
    const ttl = call.options.ttl === undefined ? {} : { ttl: target.values.ttl ?? null };
    const { pick } = step;
    Object.assign(target.values, captured(step.capture, json));
    const own = pick ? matching(pick, elements, target.values) : [];
    const others = own.filter(({ current }) => !isSame(current, target.address));
    // Of two, the other one is what has to go.
    Object.assign(target.values, others[0] ?? own[0], ttl);
    if (step.capture?.current !== undefined) {
      target.state = isSame(target.values.current, target.address) ? 'equal' : 'different';
    }
    if (pick?.take.current === undefined) {
      return;
    }
    const count = `${own.length}/${others.length}`;
    const state = count === '2/1' && !facts.addsBeforeRemoving ? undefined : STATES[count];
    if (state === undefined && own.length > 0) {
      fail([target], several(target, own.length));
    } else {
      target.state = state ?? 'absent';
    }
  }

  /** What is no fault of one hostname alone holds for all that are still open. */
  function fail(unit: readonly Target[], failure: Failure): void {
    const hit = failure.scope === 'hostname' ? unit : targets.filter((target) => !target.done);
    for (const target of hit) {
      target.failure ??= failure;
    }
  }
}

/** The same calls with the type CNAME; a name that has addresses is left alone. */
async function alias(
  { hostname, target: pointed, ttlSec, ...rest }: AliasCall,
  ports: WirePorts,
  redact: (text: string) => string,
): Promise<AliasResult> {
  const facts = aliasFacts(rest.provider);
  const options = { ...rest.options, ttl: String(ttlSec) };
  const call: UpdateCall = { ...rest, options, hostnames: [hostname] };
  const wire = createWire(call, facts, ports, redact);
  const { type = 'CNAME', finalDot } = rest.provider.cname?.rest ?? {};
  const questions = facts.calls.filter(({ when }) => when === undefined);
  const address = pointed === undefined ? '' : `${pointed}${finalDot ? '.' : ''}`;
  const outcome = await outcomeOf();
  return { outcome, exchange: wire.exchange() };

  async function outcomeOf(): Promise<AliasResult['outcome']> {
    const [seen] = await played(questions, [{ type, address }]);
    if (seen?.failure || seen?.values.zone === hostname) {
      return failed(seen.failure ?? atApex(hostname));
    }
    const isThere = seen !== undefined && seen.state !== 'absent';
    if (pointed === undefined || seen?.state === 'equal') {
      return ok(isThere ? nameOf(asText(seen.values.current ?? '')) : undefined);
    }
    if (!isThere) {
      const types = [facts.types?.ipv4 ?? TYPES.ipv4, facts.types?.ipv6 ?? TYPES.ipv6];
      const others = await played(
        questions,
        types.map((one) => ({ type: one, address: '' })),
      );
      const [unread] = others.filter((one) => one.failure && one.failure.code !== SEVERAL);
      if (unread?.failure || others.some((one) => one.failure || one.state !== 'absent')) {
        return failed(unread?.failure ?? addressesInTheWay(hostname));
      }
    }
    const [written] = await played(facts.calls, [{ type, address }]);
    return written?.failure ? failed(written.failure) : ok(pointed);
  }

  async function played(calls: readonly RestCall[], records: { type: Json; address: string }[]) {
    const contents = records.map((record) => ({ family: 'both', ...record }));
    const targets = targetsFor(call, facts, hostname, contents);
    await carryOut(call, facts, wire, calls, targets);
    return targets;
  }
}

function aliasFacts({ id, cname, rest: own }: ProviderDefinition): RestFacts {
  const facts = cname?.rest?.facts ?? own;
  if (!cname || !facts) {
    throw new Error(`${id} has no facts for an alias`);
  }
  const { bodies } = cname.rest ?? {};
  const calls = facts.calls.map((step) => {
    const more = bodies?.[step.name];
    return more === undefined ? step : { ...step, body: merged(step.body, more) };
  });
  return { ...facts, calls };
}

/** As the rest of the agent writes names. */
function nameOf(text: string): string {
  const name = normaliseHostname(text);
  return name.ok ? name.hostname : text;
}

/** Sends a call, all pages of it where it has several. */
async function gather(
  wire: Wire,
  step: RestCall,
  values: Values,
  unit: readonly Target[],
): Promise<Gathered> {
  const each = unit.map((target) => target.values);
  const { pick, pages } = step;
  const elements: Json[] = [];
  let first: Json | undefined;
  let cursor: Values = {};
  try {
    for (let page = 1; page <= MAX_PAGES; page++) {
      const skip = (page - 1) * (pages?.size ?? 0);
      const reading = await wire.send(step, { ...values, page, skip, ...cursor }, each);
      if (reading.kind !== 'found') {
        return reading;
      }
      const list = pick ? listed(pick, reading.json) : [];
      if (!list) {
        return { kind: 'failed', failure: incomplete(`the list ${pick?.in}`) };
      }
      first ??= reading.json;
      elements.push(...list);
      const places = { next: '/-', last: '/-', total: '/-', ...pages };
      const { next, last, total } = captured(
        { next: places.next, last: places.last, total: places.total },
        reading.json,
      );
      const goesOn = next !== undefined && next !== '';
      cursor = goesOn ? { [pages?.cursor ?? 'cursor']: next } : {};
      if (!goesOn && !(page < Number(last)) && !(list.length > 0 && skip + list.length < Number(total))) {
        return { kind: 'found', json: first, elements };
      }
    }
    return { kind: 'failed', failure: incomplete(`the end of a list of ${MAX_PAGES} pages`) };
  } catch (cause) {
    if (cause instanceof MissingValue) {
      return { kind: 'failed', failure: incomplete(cause.variable) };
    }
    throw cause;
  }
}

function targetsOf(call: UpdateCall, facts: RestFacts): Target[] {
  const contents = contentsOf(call, facts);
  return call.hostnames.flatMap((hostname) => targetsFor(call, facts, hostname, contents));
}

interface Content {
  family: string;
  type: Json;
  address: string;
}

function targetsFor(
  call: UpdateCall,
  facts: RestFacts,
  hostname: string,
  contents: readonly Content[],
): Target[] {
  const { ttl = facts.ttlSec, ...options } = call.options;
  const zone = options.zone?.toLowerCase().replace(/\.$/, '');
  const named = Object.fromEntries(
    Object.entries(options).map(([name, value]) => [camelCase(name), value] as const),
  );
  return contents.map(({ family, type, address }): Target => {
    const values: Values = {
      ...named,
      ...(ttl !== undefined && { ttl: typeof facts.ttlSec === 'number' ? Number(ttl) : ttl }),
      hostname,
      family,
      type,
      address,
      ...(zone !== undefined && { zone, name: nameIn(zone, hostname, facts.apex ?? '@') }),
    };
    const isForeign = zone !== undefined && hostname !== zone && !hostname.endsWith(`.${zone}`);
    const failure = isForeign && { failure: notInZone(hostname, zone) };
    return { hostname, address, values, state: 'different', done: false, ...failure };
  });
}

/** One record for each address, or one for both. */
function contentsOf(call: UpdateCall, { together, types }: RestFacts): Content[] {
  const contents = FAMILIES.flatMap((family) => {
    const address = call[family];
    return address === undefined ? [] : [{ family, type: types?.[family] ?? TYPES[family], address }];
  });
  return together === undefined
    ? contents
    : [{ family: 'both', type: together, address: contents.map(({ address }) => address).join(',') }];
}

function camelCase(option: string): string {
  return option.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function isOpen({ done, failure }: Target): boolean {
  return !done && failure === undefined;
}

function isProxied({ values }: Target): boolean {
  return values.proxied === true;
}

function statesOf({ when }: RestCall): readonly RecordState[] {
  return when ?? ANY_STATE;
}

/** The records that one request serves. */
function unitsOf({ forEach }: RestCall, targets: readonly Target[]): Target[][] {
  switch (forEach) {
    case 'account':
      return groupedBy(targets, () => '');
    case 'zone':
      return groupedBy(targets, ({ values }) => asText(values.zone ?? ''));
    default:
      return targets.map((target) => [target]);
  }
}

function groupedBy(targets: readonly Target[], key: (target: Target) => string): Target[][] {
  const groups = new Map<string, Target[]>();
  for (const target of targets) {
    groups.set(key(target), [...(groups.get(key(target)) ?? []), target]);
  }
  return [...groups.values()];
}

/** No top-level domain is anybody's zone. */
function candidatesOf(hostname: string): string[] {
  return zoneCandidates(hostname).filter((zone) => zone.includes('.'));
}

/** The part of the hostname before the zone, or the provider's sign for the zone itself. */
function nameIn(zone: string, hostname: string, apex: string): string {
  return hostname === zone ? apex : hostname.slice(0, -zone.length - 1);
}

function notInZone(hostname: string, zone: string): Failure {
  const sentence = `${hostname} does not lie in the zone ${zone}. Correct the option zone of the account, or leave it out.`;
  return replyFailure('rest/NOT_IN_ZONE', 'refused', 'hostname', sentence, '');
}

function noZone(hostname: string, candidates: readonly string[]): Failure {
  const sentence = `The account has no zone for ${hostname} (${candidates.join(', ')}). Check the hostname, and whether the credential may read the zone.`;
  return replyFailure('rest/NO_ZONE', 'refused', 'hostname', sentence, '');
}

function several({ hostname, values }: Target, count: number): Failure {
  const sentence = `The provider has ${count} records of type ${asText(values.type ?? '')} for ${hostname}. Delete all but one there; Holdfast does not choose between them.`;
  return replyFailure(SEVERAL, 'refused', 'hostname', sentence, '');
}

function atApex(hostname: string): Failure {
  const sentence = `${hostname} is a zone itself, and DNS has no aliases there (RFC 1034 section 3.6.2). Choose a name below it.`;
  return replyFailure('rest/ALIAS_AT_APEX', 'refused', 'hostname', sentence, '');
}

function addressesInTheWay(hostname: string): Failure {
  const sentence = `${hostname} has an address (A or AAAA) at the provider, and an alias has nothing beside it. Delete these records there and ask for an update; Holdfast takes away nothing that it has not made.`;
  return replyFailure('rest/NAME_TAKEN', 'refused', 'hostname', sentence, '');
}
