/** From the single answers of one check to the few facts that a verdict depends on. */
import { FAMILIES, type Family } from './address.ts';
import type { AnswerKind, Asked, ServerAnswer, Verification } from './health.ts';

/** Answers may differ for so long after an update before that is a fault: longest check of the first round. */
export const SPREADING_MS = 300_000;
/** Resolvers also keep "there is none" (RFC 2308 section 5), which has a lifetime of its own. */
const AGED_MS = 3_600_000;
/** Where nobody could say: few records are kept for longer. */
const LONG_TTL_SEC = 86_400;

/**
 * In whose hands the zone is: `silent`: the zone above did not say. `first`: nothing is known of before. `absent`: it delegates the zone to nobody.
 * `mixed`: to servers of the old operator and of another one. `other`: only to servers of another one.
 */
export type Hands = 'silent' | 'intercepted' | 'absent' | 'first' | 'same' | 'renewed' | 'mixed' | 'other';

export interface Picture extends Asked {
  zone: string;
  problem?: { code: string; sentence: string };
  /** So soon after an update that it may still be on its way. */
  young: boolean;
  /** So long after an update that no cache has anything of before. */
  aged: boolean;
  hands: Hands;
  /** Operators of the zone's servers, by their registrable domain: those of before that are gone, those that are new. */
  gone: string[];
  come: string[];
  /** Do the servers of before still give the right address? */
  former: 'right' | 'wrong' | 'silent' | 'unasked';
  /** Can other servers of the Internet be asked from here? */
  line: 'fine' | 'silent' | 'intercepted' | 'unasked';
  authority: Kinds;
  /** The one family that no server gives right, where all give the other one. */
  lacking?: Family;
  /** This line has no way to any of the servers. */
  beyond: boolean;
  publicView: Kinds;
  overHttps: boolean;
  /** What the servers of the zone give in place of our address. */
  instead: string[];
  /** The same of the public resolvers. */
  publicInstead: string[];
  /** A name that nobody has: gets our address; or the same other one that our name gets. */
  sibling: 'ours' | 'instead' | 'else';
  /** The resolver of this network keeps the name from its users. */
  blocked: boolean;
}

/** What a group of servers said. */
export interface Kinds {
  count: number;
  some(...kinds: AnswerKind[]): boolean;
  /** At least one answer, and none of another kind. */
  all(...kinds: AnswerKind[]): boolean;
}

export function pictureOf(found: Verification, asked: Asked): Picture {
  const before = asked.before?.zone === found.zone ? asked.before?.nameServers.map(({ name }) => name) : [];
  const now = namesOf(found);
  const operators = { before: operatorsOf(before ?? []), now: operatorsOf(now) };
  const line = found.control?.kind ?? 'unasked';
  const instead = valuesOf(found.authority, 'wrong');
  const authority = kindsOf(found.authority.map((answer) => heardAs(answer, line)));
  const lacking = FAMILIES.find((family) => isLacking(found.authority, family));
  return {
    ...asked,
    zone: found.zone ?? asked.hostname,
    ...(found.problem && { problem: found.problem }),
    young: asked.ageMs < SPREADING_MS,
    aged: asked.ageMs >= Math.max(AGED_MS, (asked.ttlSec ?? LONG_TTL_SEC) * 1000),
    hands: handsOf(found, before ?? [], now, line),
    gone: operators.before.filter((one) => !operators.now.includes(one)),
    come: operators.now.filter((one) => !operators.before.includes(one)),
    former: formerOf(found.former),
    line,
    authority,
    ...(lacking && { lacking }),
    beyond: found.authority.length > 0 && found.authority.every(({ noRoute }) => noRoute),
    publicView: kindsOf(found.publicView.map(({ kind }) => kind)),
    overHttps: found.overHttps === true,
    instead,
    publicInstead: valuesOf(found.publicView, 'wrong'),
    sibling: siblingOf(found, asked, instead),
    blocked: kindsOf((found.ownView ?? []).map(({ kind }) => kind)).all('blocked'),
  };
}

/** The NS set at the parent: the union of what its servers gave, sorted. */
export function namesOf({ delegation }: Verification): string[] {
  return [...new Set(delegation.flatMap((one) => one.nameServers))].sort();
}

/**
 * Who runs a server, as far as its name tells: the registrable domain. Two labels; three below a country's
 * domain whose second level is short, as in `co.uk`. Without the Public Suffix List this is a guess, and good
 * enough to tell one operator from another.
 */
export function operatorOf(server: string): string {
  const labels = server.split('.');
  const [second = '', top = ''] = labels.slice(-2);
  return labels.slice(top.length === 2 && second.length <= 3 ? -3 : -2).join('.');
}

function operatorsOf(servers: readonly string[]): string[] {
  return [...new Set(servers.map(operatorOf))].sort();
}

function handsOf(
  { delegation, authority }: Verification,
  before: readonly string[],
  now: readonly string[],
  line: Picture['line'],
): Hands {
  if (now.length === 0) {
    const kinds = delegation.map(({ kind }) => kind);
    if (before.length > 0 && kinds.includes('absent')) {
      // A zone of its own no more, but the zone above has its names: nobody took them away.
      return authority.some(({ kind }) => kind === 'ok') ? 'same' : 'absent';
    }
    return kinds.includes('intercepted') && line !== 'fine' ? 'intercepted' : 'silent';
  }
  if (before.length === 0) {
    return 'first';
  }
  if (now.every((name) => before.includes(name))) {
    return 'same';
  }
  const known = operatorsOf(before);
  const ours = now.filter((name) => known.includes(operatorOf(name)));
  return ours.length === now.length ? 'renewed' : ours.length > 0 ? 'mixed' : 'other';
}

function formerOf(answers: readonly ServerAnswer[] | undefined): Picture['former'] {
  const kinds = kindsOf((answers ?? []).map(({ kind }) => kind));
  if (kinds.count === 0) {
    return 'unasked';
  }
  return kinds.some('ok') ? 'right' : kinds.all('unreachable', 'intercepted') ? 'silent' : 'wrong';
}

/** Where other servers answer with authority, one that does not has lost its zone. */
function heardAs({ kind }: ServerAnswer, line: Picture['line']): AnswerKind {
  return kind === 'intercepted' && line === 'fine' ? 'lame' : kind;
}

function isLacking(answers: readonly ServerAnswer[], family: Family): boolean {
  const kinds = (isOwn: boolean) =>
    kindsOf(answers.filter((one) => (one.family === family) === isOwn).map(({ kind }) => kind));
  return kinds(true).all('wrong', 'no-data') && kinds(false).all('ok');
}

function siblingOf({ sibling }: Verification, asked: Asked, instead: readonly string[]): Picture['sibling'] {
  const addresses = sibling?.addresses ?? [];
  const within = (some: readonly string[]) =>
    addresses.length > 0 && addresses.every((address) => some.includes(address));
  if (within(FAMILIES.flatMap((family) => asked[family] ?? []))) {
    return 'ours';
  }
  return within(instead) ? 'instead' : 'else';
}

function valuesOf(answers: readonly ServerAnswer[], wanted: AnswerKind): string[] {
  const values = answers.flatMap(({ kind, addresses }) => (kind === wanted ? (addresses ?? []) : []));
  return [...new Set(values)].sort();
}

function kindsOf(kinds: readonly AnswerKind[]): Kinds {
  return {
    count: kinds.length,
    some: (...wanted) => kinds.some((kind) => wanted.includes(kind)),
    all: (...wanted) => kinds.length > 0 && kinds.every((kind) => wanted.includes(kind)),
  };
}
